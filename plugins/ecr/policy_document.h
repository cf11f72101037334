/* SPDX-License-Identifier: MIT */
/* A resource policy: its grammar, and its parsed form. Pure. Thread: [any].
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html */
#ifndef ECR_POLICY_DOCUMENT_H
#define ECR_POLICY_DOCUMENT_H

#include "policy_condition.h"

/* The model's 10,240 characters, the longest of which are three bytes. */
#define POLICY_TEXT_MAX (3 * 10240)
#define POLICY_STATEMENTS_MAX 256

enum policy_kind {
    POLICY_REPOSITORY, /* the resource is the repository itself and may not be named */
    POLICY_REGISTRY,   /* Resource says which repositories */
};

enum policy_principal_kind {
    POLICY_ANYONE,  /* "*" */
    POLICY_ACCOUNT, /* 12 digits, or the ARN of its root: everybody in it */
    POLICY_ARN,     /* a user, role or session */
    POLICY_SERVICE, /* "lambda.amazonaws.com" */
};

struct policy_principal {
    enum policy_principal_kind kind;
    struct virga_str value; /* the account, ARN or service */
};

struct policy_statement {
    bool deny;
    bool not_principal; /* NotPrincipal: all but these; likewise the others */
    bool not_action;
    bool not_resource;
    struct policy_principal *principals;
    size_t principals_count;
    struct policy_strings actions;
    struct policy_strings resources; /* none in a repository's policy */
    struct policy_condition *conditions;
    size_t conditions_count;
};

/* Owns: everything it points to; free with policy_document_finish(). */
struct policy_document {
    struct json_object *json; /* holds the strings */
    bool variables;           /* version 2012-10-17 */
    struct policy_statement *statements;
    size_t statements_count;
};

/* Parses and checks a text. Errors: -EINVAL it is no policy of that kind, -ENOMEM. */
int policy_document_parse(struct virga_str text, enum policy_kind kind,
                          struct policy_document *ret_document);
/* Frees it; a zeroed one is fine. */
void policy_document_finish(struct policy_document *document);

#endif
