/* SPDX-License-Identifier: MIT */
/* Sends what a helper wrote. */
#include "answer.h"

#include <stdlib.h>

int answer_send(struct virga_request *req, const struct answer *answer) {
    struct virga_header headers[2] = {
        {virga_str_from("content-type"), virga_str_from(answer->content_type)},
        {virga_str_from("x-amzn-errortype"), virga_str_from(answer->error_type)},
    };
    struct virga_response response = {
        .struct_size = sizeof response,
        .status = answer->status,
        .headers = headers,
        .headers_count = answer->error_type != NULL ? 2 : 1,
        .body = answer->body.ptr != NULL ? answer->body : virga_str_from(""),
        .release = answer->owned != NULL ? free : NULL,
        .release_arg = answer->owned,
    };
    return req->http->respond(req, &response);
}
