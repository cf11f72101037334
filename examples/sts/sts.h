/* SPDX-License-Identifier: MIT */
/* What the files of the sts plugin share: the plugin itself and a call on its way. */
#ifndef STS_H
#define STS_H

#include <virga/helpers/query.h>
#include <virga/virga.h>

#define STS_VERSION "2011-06-15"
#define STS_XMLNS "https://sts.amazonaws.com/doc/2011-06-15/"

struct sts {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_store *store;
    const struct virga_timer *timer;
    const struct virga_config *config;
    const struct virga_metrics *metrics;   /* NULL: the host has none */
    struct virga_metric *issued;           /* credentials, by action */
    const struct virga_dispatch *dispatch; /* NULL: the host has none */
    struct question *questions;            /* that IAM has not answered yet */
    int is_stopping;
    int enforce; /* floci.auth.mode: a role that is assumed must exist */
};

struct caller;

/* A call, while its action runs. */
struct call {
    struct sts *sts;
    struct virga_request *req;
    const char *action; /* its name */
    void (*run)(struct call *call);
    const struct caller *user; /* who calls with the key of an IAM user; NULL: caller_find() */
    struct json_object *input; /* checked by the action's model */
};

/* Answers with an error, 400 unless it is another. Gives the request back. */
#define call_fail(call, status, code, ...)                                                         \
    ((void)virga_query_error((call)->req, status, STS_XMLNS, code, __VA_ARGS__))

/* Answers that the store failed (logged by the host). Gives the request back. */
void call_fail_store(struct call *call, int error);

/* The actions: each answers its call. */
void action_assume_role(struct call *call);
void action_assume_role_with_web_identity(struct call *call);
void action_decode_authorization_message(struct call *call);
void action_get_access_key_info(struct call *call);
void action_get_caller_identity(struct call *call);
void action_get_federation_token(struct call *call);
void action_get_session_token(struct call *call);

#endif
