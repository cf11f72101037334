/* SPDX-License-Identifier: MIT */
/* The resource policies of functions: the document as AWS builds it out of AddPermission, and what
 * it allows. Owns the record (SIDE_POLICY): {"Policy":{"Version","Id","Statement":[...]},
 * "RevisionId":...}. Everything is [loop]. */
#ifndef LAMBDA_PERMISSION_POLICY_H
#define LAMBDA_PERMISSION_POLICY_H

#include "functions.h"

#define PERMISSION_POLICY_BYTES_MAX 20480 /* of a document. Source: the guide's quotas, 20 KB */

/* Builds the statement that AddPermission asks for. `input` is the call's, `resource` the
 * function's ARN with the qualifier. Owns: the caller. Errors: -EINVAL the principal is none,
 * -ENOMEM. */
int permission_statement(struct json_object *input, const char *resource,
                         struct json_object **ret_statement);
/* A record without statements. NULL: out of memory. */
struct json_object *permission_record_create(void);
/* The index of the statement called `sid`, or SIZE_MAX. */
size_t permission_find(struct json_object *record, struct virga_str sid);

/* Who wants to do what to a function. What is NULL or "" is not told. */
struct permission_question {
    const struct tenant *owner; /* of the function */
    const char *name;           /* of the function */
    const char *qualifier;      /* as it was called; NULL or "": none */
    const char *action;         /* "lambda:InvokeFunction", "lambda:InvokeFunctionUrl" */
    const char *account;        /* of the caller; NULL: the request is not signed */
    const char *caller_arn;     /* of the caller's user or role; NULL: the account's root */
    const char *service; /* "s3.amazonaws.com", where a service asks; then `account` is NULL */
    const char *source_account; /* on whose behalf a service asks */
    const char *source_arn;     /* the resource on whose behalf */
    const char *url_auth_type;  /* of a function URL: "NONE", "AWS_IAM"; NULL: not through a URL */
};

/* Whether the function's policy lets the caller do it. Without floci.auth.mode "enforce" everything
 * is allowed, and so is what the function's own account has signed, except through a URL of type
 * NONE, where nobody is known. A request through a URL is to be allowed both
 * lambda:InvokeFunctionUrl and lambda:InvokeFunction, as at AWS since October 2025; `action` is
 * lambda:InvokeFunctionUrl then. A policy that cannot be read (which is logged) allows nothing.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html */
bool permission_allows(struct lambda *lambda, const struct permission_question *question);

#endif
