/* SPDX-License-Identifier: MIT */
/* REST JSON answers. Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html */
#include "answer.h"

#include <virga/helpers/restjson.h>

static int send(struct virga_request *req, int status, const char *error_type,
                struct virga_json_writer *writer) {
    struct answer answer = {
        .status = status,
        .content_type = "application/json",
        .error_type = error_type,
        .body = {writer->ptr, writer->len},
        .owned = writer->ptr,
    };
    if (writer->failed) {
        virga_json_finish(writer);
        answer.status = 500;
        answer.error_type = "InternalFailure";
        answer.body =
            virga_str_from("{\"message\":\"The request could not be handled: out of memory\"}");
        answer.owned = NULL;
    }
    memset(writer, 0, sizeof *writer);
    return answer_send(req, &answer);
}

int virga_restjson_answer(struct virga_request *req, int status, struct virga_json_writer *writer) {
    return send(req, status, NULL, writer);
}

int virga_restjson_error(struct virga_request *req, int status, const char *code,
                         const char *format, ...) {
    char message[VIRGA_RESTJSON_MESSAGE_MAX];
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(message, sizeof message, format, args);
        va_end(args);
        virga_json_string(&writer, "message", message);
    }
    virga_json_end_object(&writer);
    return send(req, status, code, &writer);
}
