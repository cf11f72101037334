/* SPDX-License-Identifier: MIT */
/* AWS STS: the descriptor, and the way of a request to its action. */
#include "caller.h"
#include "iam.h"
#include "model.h"

#include <errno.h>
#include <stdlib.h>

static const struct action {
    const char *name;
    const struct virga_model_shape *input;
    void (*run)(struct call *call);
} actions[] = {
    {"AssumeRole", &model_assume_role, action_assume_role},
    {"AssumeRoleWithWebIdentity", &model_assume_role_with_web_identity,
     action_assume_role_with_web_identity},
    {"DecodeAuthorizationMessage", &model_decode_authorization_message,
     action_decode_authorization_message},
    {"GetAccessKeyInfo", &model_get_access_key_info, action_get_access_key_info},
    {"GetCallerIdentity", &model_get_caller_identity, action_get_caller_identity},
    {"GetFederationToken", &model_get_federation_token, action_get_federation_token},
    {"GetSessionToken", &model_get_session_token, action_get_session_token},
};

static const struct action *find_action(struct virga_str name) {
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (virga_str_equal(virga_str_from(actions[i].name), name)) {
            return &actions[i];
        }
    }
    return NULL;
}

void call_fail_store(struct call *call, int error) {
    virga_log_printf(call->sts->log, call->sts->host, VIRGA_LOG_ERROR, call->req,
                     "%s: the store failed: %s", call->action, strerror(-error));
    call_fail(call, 500, "InternalFailure",
              "The request processing has failed because of an "
              "unknown error, exception or failure.");
}

/* Checks the input and runs the action on it. */
static void run(struct call *call, const struct action *action) {
    struct virga_model_fault fault;
    char message[2048];
    int result = virga_model_check(action->input, call->input, &fault);
    if (result == 0) {
        call->run = action->run;
        caller_run(call);
    } else if (result != -EINVAL) {
        call->req->http->abort(call->req);
    } else if (fault.kind == VIRGA_MODEL_FAULT_TYPE) {
        call_fail(call, 400, "MalformedInput", "%s", fault.constraint);
    } else {
        virga_model_message_validation(&fault, message, sizeof message);
        call_fail(call, 400, "ValidationError", "%s", message);
    }
}

static void handle(void *self, struct virga_request *req) {
    struct call call = {.sts = self, .req = req};
    struct virga_query query;
    const struct action *action = find_action(req->action);
    if (action == NULL) {
        call_fail(&call, 400, "InvalidAction", "Could not find operation %.*s for version %s",
                  (int)req->action.len, req->action.ptr, STS_VERSION);
        return;
    }
    call.action = action->name;
    int result = virga_query_parse(req, &query);
    if (result == 0) {
        result = virga_query_object(&query, action->input, &call.input);
    }
    if (result == -ENOMEM) {
        req->http->abort(req);
    } else if (result != 0) {
        call_fail(&call, 400, "MalformedQueryString",
                  "The query string contains a syntax error, or too many parameters.");
    } else {
        run(&call, action);
    }
    json_object_put(call.input);
}

/* Metrics are worth having, and no reason not to start. */
static void make_metrics(struct sts *sts) {
    static const char *const labels[] = {"action", NULL};
    const struct virga_metric_options options = {
        .struct_size = sizeof options,
        .kind = VIRGA_METRIC_COUNTER,
        .name = "sts_credentials_issued_total",
        .help = "Temporary credentials that were issued, by action",
        .labels = labels,
    };
    sts->metrics = sts->host->get_interface(sts->host, VIRGA_METRICS_ID);
    if (sts->metrics != NULL && sts->metrics->create(sts->host, &options, &sts->issued) != 0) {
        sts->metrics = NULL;
    }
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct sts *sts = calloc(1, sizeof *sts);
    if (sts == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    sts->host = host;
    sts->log = host->get_interface(host, VIRGA_LOG_ID);
    sts->store = host->get_interface(host, VIRGA_STORE_ID);
    sts->timer = host->get_interface(host, VIRGA_TIMER_ID);
    sts->config = host->get_interface(host, VIRGA_CONFIG_ID);
    sts->dispatch = host->get_interface(host, VIRGA_DISPATCH_ID);
    sts->enforce = virga_str_equal(sts->config->get_string(host, "floci.auth.mode"),
                                   virga_str_from("enforce"));
    make_metrics(sts);
    *ret_self = sts;
    return 0;
}

static int stop(void *self) {
    return iam_stop(self);
}

static void destroy(void *self) {
    free(self);
}

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_QUERY, .pattern = STS_VERSION, .service = "sts"},
};

static const char *const needs[] = {VIRGA_CONFIG_ID, VIRGA_LOG_ID, VIRGA_STORE_ID, VIRGA_TIMER_ID,
                                    NULL};

static const char *const wants[] = {VIRGA_DISPATCH_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "sts",
    .version = "0.1.0",   .summary = "AWS STS: who is calling, and temporary credentials",
    VIRGA_ROUTES(routes), .needs = needs,
    .start = start,       .handle = handle,
    .stop = stop,         .destroy = destroy,
    .wants = wants,
};
