/* SPDX-License-Identifier: MIT */
/* Messages of AWS's event stream encoding (application/vnd.amazon.eventstream), as
 * InvokeWithResponseStream answers them. Pure functions.
 * Source: https://smithy.io/2.0/aws/amazon-eventstream.html */
#ifndef LAMBDA_EVENT_STREAM_H
#define LAMBDA_EVENT_STREAM_H

#include <stdint.h>
#include <virga/abi.h>

/* What a message has besides its payload, at most: prelude, headers, checksum. */
#define EVENT_STREAM_OVERHEAD_MAX 160

/* Bytes that the message of an event takes with a payload of so many. */
size_t event_stream_size(const char *event_type, const char *content_type, size_t payload_len);
/* Writes the message into a buffer of at least event_stream_size(). Returns its length. */
size_t event_stream_write(const char *event_type, const char *content_type,
                          struct virga_str payload, char *buffer);

/* CRC-32 (IEEE 802.3) of the bytes behind those that `crc` is of; begin with 0. */
uint32_t event_stream_crc32(uint32_t crc, const void *bytes, size_t len);

#endif
