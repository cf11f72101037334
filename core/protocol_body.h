/* SPDX-License-Identifier: MIT */
/* The documents that errors are in each protocol. */
#ifndef CORE_PROTOCOL_BODY_H
#define CORE_PROTOCOL_BODY_H

#include "protocol.h"

/* The body of an error, in the request's arena; ptr NULL when out of memory. `code` and `message`
 * may hold any text. */
struct virga_str protocol_body(struct request *req, enum protocol protocol, int status,
                               const char *code, const char *message);

#endif
