/* SPDX-License-Identifier: MIT */
/* The wire format: total length, headers' length, checksum of these, headers, payload, checksum of
 * all before it. */
#include "event_stream.h"

#include <stdbool.h>
#include <string.h>

#define PRELUDE 12
#define CHECKSUM 4
#define HEADER_STRING 7 /* type of a header's value */

uint32_t event_stream_crc32(uint32_t crc, const void *bytes, size_t len) {
    static uint32_t table[256];
    const unsigned char *at = bytes;
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++) {
                value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320u : value >> 1;
            }
            table[i] = value;
        }
    }
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc = table[(crc ^ at[i]) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}

static size_t header_size(const char *name, const char *value) {
    return 1 + strlen(name) + 1 + 2 + strlen(value);
}

static size_t headers_size(const char *event_type, const char *content_type) {
    return header_size(":event-type", event_type) + header_size(":content-type", content_type) +
           header_size(":message-type", "event");
}

static char *put_u32(char *to, uint32_t value) {
    to[0] = (char)(value >> 24);
    to[1] = (char)(value >> 16);
    to[2] = (char)(value >> 8);
    to[3] = (char)value;
    return to + 4;
}

static char *put_header(char *to, const char *name, const char *value) {
    size_t name_len = strlen(name), value_len = strlen(value);
    *to++ = (char)name_len;
    memcpy(to, name, name_len);
    to += name_len;
    *to++ = HEADER_STRING;
    *to++ = (char)(value_len >> 8);
    *to++ = (char)value_len;
    memcpy(to, value, value_len);
    return to + value_len;
}

size_t event_stream_size(const char *event_type, const char *content_type, size_t payload_len) {
    return PRELUDE + headers_size(event_type, content_type) + payload_len + CHECKSUM;
}

size_t event_stream_write(const char *event_type, const char *content_type,
                          struct virga_str payload, char *buffer) {
    size_t size = event_stream_size(event_type, content_type, payload.len);
    char *to = put_u32(buffer, (uint32_t)size);
    to = put_u32(to, (uint32_t)headers_size(event_type, content_type));
    to = put_u32(to, event_stream_crc32(0, buffer, 8));
    to = put_header(to, ":event-type", event_type);
    to = put_header(to, ":content-type", content_type);
    to = put_header(to, ":message-type", "event");
    if (payload.len > 0) {
        memcpy(to, payload.ptr, payload.len);
        to += payload.len;
    }
    (void)put_u32(to, event_stream_crc32(0, buffer, (size_t)(to - buffer)));
    return size;
}
