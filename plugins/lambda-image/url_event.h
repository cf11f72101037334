/* SPDX-License-Identifier: MIT */
/* Between HTTP and a function behind a URL: the event that a request becomes, and the answer that a
 * function's result means (payload format 2.0). Pure functions.
 * Source: the developer guide, "Invoking Lambda function URLs". */
#ifndef LAMBDA_URL_EVENT_H
#define LAMBDA_URL_EVENT_H

#include "lambda.h"

#include <json-c/json.h>
#include <stddef.h>

#include <virga/helpers/json_writer.h>

/* Headers of an answer, at most; further ones are refused like any malformed answer. */
#define URL_HEADERS_MAX 128
/* A streamed answer's content type whose first bytes are a head in JSON, ended by 8 NULs. */
#define URL_STREAM_TYPE "application/vnd.awslambda.http-integration-response"
#define URL_STREAM_MARK 8
#define URL_STREAM_HEAD_MAX 65536

/* What the request itself does not say. */
struct url_context {
    const char *url_id;
    const char *request_id;
    const char *trace_id;
    bool iam; /* AuthType AWS_IAM: who signed is told */
    uint16_t port;
    int64_t now_ms;
};

/* Writes the event of a request. */
void url_event_write(const struct virga_request *req, const struct url_context *context,
                     struct virga_json_writer *writer);

/* What is answered. Valid: until url_answer_finish(). */
struct url_answer {
    int status;
    struct virga_header headers[URL_HEADERS_MAX];
    size_t headers_count;
    struct virga_str body;
    struct json_object *json; /* these are what the above points into */
    char *decoded;
};

/* Takes a function's result. Errors: -EBADMSG it is malformed, -ENOMEM. */
int url_answer_make(struct virga_str payload, const char *content_type,
                    struct url_answer *ret_answer);
/* The head of a streamed answer: {"statusCode","headers","cookies"}. */
int url_answer_make_head(struct virga_str head, struct url_answer *ret_answer);
/* Where the mark of a streamed answer's head begins; -1: not there yet. */
ptrdiff_t url_stream_mark(struct virga_str bytes);
/* The first value of a header, without case; ptr NULL: none. */
struct virga_str url_answer_header(const struct url_answer *answer, const char *name);
/* Adds a header, or drops all whose names begin with `prefix`. Too many: nothing happens. */
void url_answer_add(struct url_answer *answer, const char *name, struct virga_str value);
void url_answer_drop(struct url_answer *answer, const char *prefix);
void url_answer_finish(struct url_answer *answer);

#endif
