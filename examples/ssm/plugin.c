/* SPDX-License-Identifier: MIT */
/* The Parameter Store: the descriptor, and the way of a request to its action. */
#include "model.h"
#include "ssm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* In the store: the secret of page tokens, so that they outlive a restart. */
#define PAGE_KEY "k"

static const struct action {
    const char *name;
    const struct virga_model_shape *input;
    void (*run)(struct call *call);
} actions[] = {
    {"AddTagsToResource", &model_add_tags_to_resource, action_add_tags_to_resource},
    {"DeleteParameter", &model_delete_parameter, action_delete_parameter},
    {"DeleteParameters", &model_delete_parameters, action_delete_parameters},
    {"DescribeParameters", &model_describe_parameters, action_describe_parameters},
    {"GetParameter", &model_get_parameter, action_get_parameter},
    {"GetParameterHistory", &model_get_parameter_history, action_get_parameter_history},
    {"GetParameters", &model_get_parameters, action_get_parameters},
    {"GetParametersByPath", &model_get_parameters_by_path, action_get_parameters_by_path},
    {"LabelParameterVersion", &model_label_parameter_version, action_label_parameter_version},
    {"ListTagsForResource", &model_list_tags_for_resource, action_list_tags_for_resource},
    {"PutParameter", &model_put_parameter, action_put_parameter},
    {"RemoveTagsFromResource", &model_remove_tags_from_resource, action_remove_tags_from_resource},
    {"UnlabelParameterVersion", &model_unlabel_parameter_version, action_unlabel_parameter_version},
};

static const struct action *find_action(struct virga_str name) {
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (virga_str_equal(virga_str_from(actions[i].name), name)) {
            return &actions[i];
        }
    }
    return NULL;
}

void call_fail_internally(struct call *call, int error) {
    virga_log_printf(call->ssm->log, call->ssm->host, VIRGA_LOG_ERROR, call->req, "%s failed: %s",
                     call->action, strerror(-error));
    (void)virga_awsjson_error(call->req, 500, "InternalServerError",
                              "An error occurred on the server side.");
}

void call_answer_empty(struct call *call) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}

/* Checks the input and runs the action on it. */
static void run(struct call *call, const struct action *action) {
    struct virga_model_fault fault;
    char message[2048];
    int result = virga_model_check(action->input, call->input, &fault);
    if (result == 0) {
        action->run(call);
    } else if (result != -EINVAL) {
        call_fail_internally(call, result);
    } else if (fault.kind == VIRGA_MODEL_FAULT_TYPE) {
        call_fail(call, "SerializationException", "%s", fault.constraint);
    } else {
        virga_model_message_validation(&fault, message, sizeof message);
        call_fail(call, "ValidationException", "%s", message);
    }
}

static void handle(void *self, struct virga_request *req) {
    struct call call = {.ssm = self, .req = req};
    const struct action *action = find_action(req->action);
    if (action == NULL) {
        call_fail(&call, "UnknownOperationException", NULL);
        return;
    }
    call.action = action->name;
    int result = virga_awsjson_parse(req->body, &call.input);
    if (result == -ENOMEM) {
        call_fail_internally(&call, result);
    } else if (result != 0) {
        call_fail(&call, "SerializationException", NULL);
    } else {
        run(&call, action);
    }
    json_object_put(call.input);
}

/* Reads the secret of page tokens, or makes it. */
static int load_page_key(struct ssm *ssm) {
    struct virga_str key = virga_str_from(PAGE_KEY);
    struct virga_store_value value;
    int result = ssm->store->get(ssm->host, key, &value);
    if (result == 0) {
        result = value.len == sizeof ssm->page_key ? 0 : -EIO;
        if (result == 0) {
            memcpy(&ssm->page_key, value.ptr, sizeof ssm->page_key);
        }
        ssm->store->release(ssm->host, &value);
        return result;
    }
    if (result != -ENOENT) {
        return result;
    }
    if (getrandom(&ssm->page_key, sizeof ssm->page_key, 0) != (ssize_t)sizeof ssm->page_key) {
        return -EIO;
    }
    return ssm->store->put(ssm->host, key,
                           (struct virga_str){(const char *)&ssm->page_key, sizeof ssm->page_key});
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct ssm *ssm = calloc(1, sizeof *ssm);
    if (ssm == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    ssm->host = host;
    ssm->log = host->get_interface(host, VIRGA_LOG_ID);
    ssm->store = host->get_interface(host, VIRGA_STORE_ID);
    ssm->timer = host->get_interface(host, VIRGA_TIMER_ID);
    int result = load_page_key(ssm);
    if (result != 0) {
        virga_error_set(err, "cannot read or write its store: %s", strerror(-result));
        free(ssm);
        return result;
    }
    *ret_self = ssm;
    return 0;
}

static void destroy(void *self) {
    free(self);
}

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_TARGET, .pattern = SSM_TARGET, .service = "ssm"},
};

static const char *const needs[] = {VIRGA_LOG_ID, VIRGA_STORE_ID, VIRGA_TIMER_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "ssm",
    .version = "0.1.0",   .summary = "AWS Systems Manager: the Parameter Store",
    VIRGA_ROUTES(routes), .needs = needs,
    .start = start,       .handle = handle,
    .destroy = destroy,
};
