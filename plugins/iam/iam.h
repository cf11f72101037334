/* SPDX-License-Identifier: MIT */
/* What the files of the iam plugin share: the plugin itself and a call on its way. */
#ifndef IAM_H
#define IAM_H

#include <virga/helpers/awsjson.h>
#include <virga/helpers/page_token.h>
#include <virga/helpers/query.h>
#include <virga/virga.h>

#define IAM_VERSION "2010-05-08"
#define IAM_XMLNS "https://iam.amazonaws.com/doc/2010-05-08/"

struct iam {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_store *store;
    const struct virga_timer *timer;
    struct virga_page_key page_key;
};

struct kind;

/* A call, while its action runs. */
struct call {
    struct iam *iam;
    struct virga_request *req;
    const char *action;        /* its name */
    const struct kind *kind;   /* what the action is about, NULL of some */
    struct json_object *input; /* checked by the action's model */
};

/* Answers with an error: call_fail(call, NO_SUCH_ENTITY, "The role ..."). Gives the request back.
 */
#define call_fail(call, ...) ((void)virga_query_error((call)->req, __VA_ARGS__))

/* Codes with their statuses. Source: the API model. */
#define NO_SUCH_ENTITY 404, IAM_XMLNS, "NoSuchEntity"
#define ALREADY_EXISTS 409, IAM_XMLNS, "EntityAlreadyExists"
#define DELETE_CONFLICT 409, IAM_XMLNS, "DeleteConflict"
#define LIMIT_EXCEEDED 409, IAM_XMLNS, "LimitExceeded"
#define INVALID_INPUT 400, IAM_XMLNS, "InvalidInput"
#define MALFORMED_POLICY 400, IAM_XMLNS, "MalformedPolicyDocument"
#define UNMODIFIABLE 400, IAM_XMLNS, "UnmodifiableEntity"
#define VALIDATION_ERROR 400, IAM_XMLNS, "ValidationError"
#define SERVICE_FAILURE 500, IAM_XMLNS, "ServiceFailure"
/* Of every AWS service. */
#define ACCESS_DENIED 403, IAM_XMLNS, "AccessDenied"
#define INVALID_ACTION 400, IAM_XMLNS, "InvalidAction"
#define INVALID_TOKEN_ID 403, IAM_XMLNS, "InvalidClientTokenId"
#define MALFORMED_INPUT 400, IAM_XMLNS, "MalformedInput"
#define MALFORMED_QUERY 400, IAM_XMLNS, "MalformedQueryString"

/* Answers that something of ours failed, with a line in the log; -ENOMEM: status 500 alone. Gives
 * the request back. */
void call_fail_internally(struct call *call, int error);

/* Answers an action that has no result. Gives the request back. */
void call_answer_empty(struct call *call);

/* The time, in whole seconds as IAM keeps it, as milliseconds since 1970. */
int64_t call_now_ms(const struct call *call);

/* A text member of the input; ptr NULL when it is absent. Valid: as long as the input. */
struct virga_str call_str(const struct call *call, const char *member);

#endif
