/* SPDX-License-Identifier: MIT */
/* The REST JSON protocol: answers and errors. Bodies are parsed with virga_awsjson_parse() and read
 * with its accessors; what the path holds is in req->params. */
#ifndef VIRGA_HELPERS_RESTJSON_H
#define VIRGA_HELPERS_RESTJSON_H

#include "../http.h"
#include "json_writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest error message; what is longer is cut. */
#define VIRGA_RESTJSON_MESSAGE_MAX 4096

/* Answers with what was written (an unused writer: an empty body) as application/json and gives the
 * request back. A writer that ran out of memory makes it a 500. Owns: the writer's buffer; the
 * writer is zeroed. Errors: as virga_http.respond(). Thread: [loop]. */
int virga_restjson_answer(struct virga_request *req, int status, struct virga_json_writer *writer);

/* Answers {"message":...} with the header x-amzn-errortype and gives the request back; format NULL:
 * without a message. Errors: as virga_http.respond(). Thread: [loop]. */
VIRGA_PRINTF(4, 5)
int virga_restjson_error(struct virga_request *req, int status, const char *code,
                         const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
