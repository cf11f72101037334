/* SPDX-License-Identifier: MIT */
/* What the helpers of all protocols end with: a written text becomes an answer. Private. */
#ifndef HELPERS_ANSWER_H
#define HELPERS_ANSWER_H

#include <virga/http.h>

/* An answer's text. */
struct answer {
    int status;
    const char *content_type;
    const char *error_type; /* of the header x-amzn-errortype; NULL = none */
    struct virga_str body;  /* ptr may be NULL */
    char *owned;            /* freed when the body was sent; NULL = the body is copied */
};

/* Answers and gives the request back. Owns: `owned` is the host's from now on.
 * Errors: as virga_http.respond(). */
int answer_send(struct virga_request *req, const struct answer *answer);

#endif
