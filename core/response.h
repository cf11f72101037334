/* SPDX-License-Identifier: MIT */
/* The answer: head, framing and body on their way to the connection. */
#ifndef CORE_RESPONSE_H
#define CORE_RESPONSE_H

#include "request.h"

/* The host answers instead of a handler: JSON with a message, or plain text when the request was
 * none. Nothing of another answer may have been sent. */
void response_fail(struct request *req, int status, const char *message);
/* Sends "100 Continue" if the client waits for it. */
void response_continue(struct request *req);
/* Sends a head that waits for the first write. */
void response_flush(struct request *req);
/* What was queued has been sent. */
void response_on_sent(struct request *req);

/* Sends bytes of a file as the next part of a body that was begun with a known length: as many as
 * go at once, 0 when the file ends at `offset`. Errors: as carrier_ops.send_file; -EAGAIN and
 * -EOPNOTSUPP: by write() it goes. */
ssize_t response_send_file(struct request *req, int fd, uint64_t offset, size_t size);

/* The operations of struct virga_http. */
int response_respond(struct virga_request *pub, const struct virga_response *res);
int response_begin(struct virga_request *pub, const struct virga_response *res, uint64_t length,
                   virga_on_writable on_writable, void *arg);
int response_write(struct virga_request *pub, struct virga_str bytes);
void response_end(struct virga_request *pub);
void response_abort(struct virga_request *pub);

#endif
