/* SPDX-License-Identifier: MIT */
/* What another service of the host answered, whatever its protocol. */
#ifndef CFN_ANSWER_H
#define CFN_ANSWER_H

#include "cfn.h"

struct answer {
    int status; /* HTTP; 0 when there was none */
    int error;  /* as virga_dispatch_response.error */
    struct virga_str body;
    struct json_object *json; /* the body when it is JSON, else NULL */
    char code[128];           /* of an error: "ResourceNotFoundException"; "" = none */
    char message[1024];
    char request_id[64];
    const struct virga_dispatch_response *response; /* borrowed */
};

/* Reads an answer. Valid: as long as the response; end it with answer_finish(). */
void answer_read(const struct virga_dispatch_response *response, struct answer *ret_answer);
void answer_finish(struct answer *answer);

/* Whether it is a success (2xx). */
bool answer_is_ok(const struct answer *answer);
/* Whether it is an error with one of these codes, separated by spaces. */
bool answer_is(const struct answer *answer, const char *codes);
/* A header's value; ptr NULL when there is none. */
struct virga_str answer_header(const struct answer *answer, const char *name);
/* The text of the first element of this name in an XML body; false when there is none. */
bool answer_xml(const struct answer *answer, const char *element, char *ret_text, size_t size);

#endif
