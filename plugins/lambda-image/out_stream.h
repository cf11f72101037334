/* SPDX-License-Identifier: MIT */
/* An answer that reaches its client piece by piece: what is added is kept until it has been sent,
 * in order. Everything is [loop]. */
#ifndef LAMBDA_OUT_STREAM_H
#define LAMBDA_OUT_STREAM_H

#include <stdbool.h>
#include <virga/http.h>

struct out_stream;

/* Sends status and headers of an answer of unknown length. Calls back: on_ready whenever all that
 * was added has been sent after out_stream_add() had said that it had to wait; on_gone once, when
 * the client has gone: all that is added from then on is thrown away. Neither inside a call of this
 * header, nor after out_stream_end(). Errors: -ENOMEM: nothing has been sent and `req` is the
 * caller's. Else `req` is the stream's. */
int out_stream_begin(struct virga_request *req, const struct virga_response *head,
                     void (*on_ready)(void *arg), void (*on_gone)(void *arg), void *arg,
                     struct out_stream **ret_stream);
/* Adds bytes on the heap, which become the stream's (NULL: there was no memory for them, and the
 * answer will be broken off). Returns VIRGA_BODY_GO_ON, or VIRGA_BODY_PAUSE:
 * they wait; better add nothing until on_ready. */
int out_stream_add(struct out_stream *stream, char *bytes, size_t len);
/* The answer is complete: ends it as soon as everything has been sent. The stream is gone. */
void out_stream_end(struct out_stream *stream);
/* The answer will not be complete: breaks it off, so that the client notices. The stream is gone.
 */
void out_stream_abort(struct out_stream *stream);

#endif
