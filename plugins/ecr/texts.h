/* SPDX-License-Identifier: MIT */
/* The texts kept for a repository: what policies and lifecycle policies have in common. */
#ifndef ECR_TEXTS_H
#define ECR_TEXTS_H

#include "call.h"
#include "json_format.h"

struct text_kind {
    const char *kind;         /* in the store */
    const char *member;       /* of requests and answers */
    const char *missing_code; /* the exception when there is none */
    const char *missing_what; /* "<what> does not exist for the repository ..." */
    enum json_format format;  /* under strict-ecr */
    bool evaluated;           /* Get and Delete tell lastEvaluatedAt */
};

/* Keeps a checked text and answers with it, as it was given. Ends the call. */
void text_put(struct call *call, const struct text_kind *kind, struct virga_str text);
/* Answers with the text, and deletes it where `removes`. Ends the call. */
void text_answer(struct call *call, const struct text_kind *kind, bool removes);

/* Writes a member of an answer that is the text of a policy: as it was given, or formatted under
 * strict-ecr. */
void text_write(const struct call *call, const char *member, enum json_format format,
                struct virga_str text, struct virga_json_writer *writer);

#endif
