/* SPDX-License-Identifier: MIT */
/* What the files of the ssm plugin share: the plugin itself and a call on its way. */
#ifndef SSM_H
#define SSM_H

#include <virga/helpers/awsjson.h>
#include <virga/helpers/page_token.h>
#include <virga/virga.h>

#define SSM_TARGET "AmazonSSM"

struct ssm {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_store *store;
    const struct virga_timer *timer;
    struct virga_page_key page_key;
};

/* A call, while its action runs. */
struct call {
    struct ssm *ssm;
    struct virga_request *req;
    const char *action;        /* its name */
    struct json_object *input; /* checked by the action's model */
};

/* Answers with an error and gives the request back; without a text behind the code, without a
 * message. */
#define call_fail(call, code, ...) ((void)virga_awsjson_error((call)->req, 400, code, __VA_ARGS__))

/* Answers that something failed that is not the client's fault: -ENOMEM, or the store's errors,
 * which the host has logged. Gives the request back. */
void call_fail_internally(struct call *call, int error);

/* Answers with an empty object. */
void call_answer_empty(struct call *call);

/* The actions: each answers its call. */
void action_add_tags_to_resource(struct call *call);
void action_delete_parameter(struct call *call);
void action_delete_parameters(struct call *call);
void action_describe_parameters(struct call *call);
void action_get_parameter(struct call *call);
void action_get_parameter_history(struct call *call);
void action_get_parameters(struct call *call);
void action_get_parameters_by_path(struct call *call);
void action_label_parameter_version(struct call *call);
void action_list_tags_for_resource(struct call *call);
void action_put_parameter(struct call *call);
void action_remove_tags_from_resource(struct call *call);
void action_unlabel_parameter_version(struct call *call);

#endif
