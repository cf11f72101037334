/* SPDX-License-Identifier: MIT */
/* DeleteFunction: a whole function, or one version of it. */
#include "actions.h"
#include "events.h"
#include "images.h"
#include "logs.h"
#include "pool.h"
#include "side.h"

#include <errno.h>

#define ALIASES_TEXT_MAX 1024 /* of the names in a message */

/* The aliases that point to a version. */
struct users {
    const char *version;
    char names[ALIASES_TEXT_MAX];
};

static bool points_to(struct json_object *alias, const char *version) {
    struct json_object *weights = virga_awsjson_member(virga_awsjson_member(alias, "RoutingConfig"),
                                                       "AdditionalVersionWeights");
    return virga_str_equal(virga_awsjson_str(alias, "FunctionVersion"), virga_str_from(version)) ||
           virga_awsjson_member(weights, version) != NULL;
}

static bool on_alias(void *arg, const char *name, const char *id, struct json_object *alias) {
    struct users *users = arg;
    size_t len = strlen(users->names);
    (void)name;
    if (points_to(alias, users->version)) {
        (void)snprintf(users->names + len, sizeof users->names - len, "%s%s", len > 0 ? ", " : "",
                       id);
    }
    return true;
}

static void delete_version(struct call *call, const char *version) {
    struct lambda *lambda = call->lambda;
    struct users users = {.version = version};
    struct function *function = NULL;
    int result = functions_get(lambda, &call->tenant, call->name.name, version, &function);
    function_unref(function);
    if (result == -ENOENT) { /* no error at AWS */
        call_answer(call, 204, &(struct virga_json_writer){0});
        return;
    }
    if (result == 0) {
        result =
            side_each(lambda, SIDE_ALIAS, &call->tenant, call->name.name, NULL, on_alias, &users);
    }
    if (result == 0 && users.names[0] != '\0') {
        call_fail(call, 409, "ResourceConflictException",
                  "Unable to delete version because the following aliases reference it: [%s]",
                  users.names);
        return;
    }
    if (result == 0) {
        result = functions_begin(lambda);
    }
    if (result == 0) {
        result = functions_delete_version(lambda, &call->tenant, call->name.name, version);
        if (result == 0) {
            result = side_qualifier_deleted(lambda, &call->tenant, call->name.name, version);
        }
        result = functions_end(lambda, &call->tenant, call->name.name, result);
    }
    if (result != 0) {
        call_broken(call, "The version could not be deleted", result);
        return;
    }
    pool_retire(lambda->pool, &call->tenant, call->name.name);
    pool_adjust(lambda->pool, &call->tenant, call->name.name);
    images_prune_soon(lambda);
    call_answer(call, 204, &(struct virga_json_writer){0});
}

static void delete_function(struct call *call) {
    struct lambda *lambda = call->lambda;
    int result = functions_delete(lambda, &call->tenant, call->name.name);
    if (result == -ENOENT) {
        call_no_function(call, NULL);
        return;
    }
    if (result != 0) {
        call_broken(call, "The function could not be deleted", result);
        return;
    }
    events_forget(lambda->events, &call->tenant, call->name.name);
    pool_retire(lambda->pool, &call->tenant, call->name.name);
    pool_adjust(lambda->pool, &call->tenant, call->name.name);
    logs_forget(lambda->logs, &call->tenant, call->name.name);
    images_prune_soon(lambda);
    call_answer(call, 204, &(struct virga_json_writer){0});
}

void action_delete_function(struct call *call) {
    const char *qualifier = call_qualifier(call);
    if (qualifier[0] == '\0') {
        delete_function(call);
    } else if (strcmp(qualifier, FUNCTIONS_LATEST) == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "$LATEST version cannot be deleted without deleting the function.");
    } else if (strspn(qualifier, "0123456789") != strlen(qualifier)) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Deletion of aliases is not currently supported.");
    } else if (call_function_exists(call)) {
        delete_version(call, qualifier);
    }
}
