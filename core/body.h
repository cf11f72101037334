/* SPDX-License-Identifier: MIT */
/* A request's body on its way to the handler: collected, streamed with back-pressure, or read away.
 */
#ifndef CORE_BODY_H
#define CORE_BODY_H

#include <stdbool.h>

#include "request.h"

/* What may be left of a body for the connection to be kept: reading it away is cheaper than a new
 * one. */
#define BODY_DRAIN_BYTES 65536

/* Begins to collect it, or refuses its announced length. */
void body_collect(struct request *req);
/* Whether the next bytes of the connection can be taken now. */
bool body_wants_input(const struct request *req);
/* A piece has come. It may be paused afterwards: then its memory must stay. */
void body_on_data(struct request *req, struct virga_str piece);
/* Its end has come. */
void body_on_end(struct request *req);
/* It does not come to its end: -ECONNRESET, -ETIMEDOUT, -EBADMSG. */
void body_on_failure(struct request *req, int status);
/* Whether so little of it is left that the connection can be kept. */
bool body_is_drainable(const struct request *req);
/* Tells a streaming consumer that the flow has ended with an error. */
void body_break(struct request *req, int status);

/* The operations of struct virga_http. */
int body_start(struct virga_request *pub, virga_on_body on_body, void *arg);
void body_resume(struct virga_request *pub);
void body_stop(struct virga_request *pub);

#endif
