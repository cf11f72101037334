/* SPDX-License-Identifier: MIT */
/* Provisioned concurrency: how many environments of a version or alias are kept ready. The pool
 * keeps them; the record is {"ProvisionedConcurrentExecutions":n,"LastModified":...}. */
#include "actions.h"
#include "pool.h"
#include "side.h"
#include "side_call.h"

#include <errno.h>
#include <inttypes.h>

#define NOT_PUBLISHED "The function resource provided must be an alias or a published version."

static bool is_latest(const char *version) {
    return strcmp(version, FUNCTIONS_LATEST) == 0;
}

static void fail(struct call *call, const char *text) {
    call_fail(call, 400, "InvalidParameterValueException", "%s", text);
}

/* --- answers --- */

/* Says why the function cannot be started at all; NULL: nothing is known to be wrong. Valid: as
 * long as the function. */
static const char *failure_of(const struct function *function) {
    static const char *const states[][2] = {{"State", "StateReason"},
                                            {"LastUpdateStatus", "LastUpdateStatusReason"}};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct virga_str state = virga_awsjson_str(function->document, states[i][0]);
        if (state.ptr != NULL && strcmp(state.ptr, "Failed") == 0) {
            struct virga_str reason = virga_awsjson_str(function->document, states[i][1]);
            return reason.ptr != NULL ? reason.ptr : "The function is in the state Failed.";
        }
    }
    return NULL;
}

/* READY when all are there; FAILED when the function cannot run; else they are on their way: the
 * pool tries again for ever. */
static void write_state(struct call *call, struct virga_json_writer *writer, const char *qualifier,
                        struct json_object *record) {
    struct lambda *lambda = call->lambda;
    struct pool_counts counts = {0};
    struct function *function = NULL;
    int64_t wanted = virga_awsjson_int(record, "ProvisionedConcurrentExecutions", 0);
    const char *reason = NULL, *status = "IN_PROGRESS";
    pool_count(lambda->pool, &call->tenant, call->name.name, qualifier, &counts);
    int64_t ready = counts.provisioned_ready < wanted ? counts.provisioned_ready : wanted;
    if (functions_resolve(lambda, &call->tenant, call->name.name, qualifier, 1, &function) == 0) {
        reason = failure_of(function);
    }
    if (ready == wanted) {
        status = "READY";
        reason = NULL;
    } else if (reason != NULL) {
        status = "FAILED";
    }
    virga_json_int(writer, "RequestedProvisionedConcurrentExecutions", wanted);
    virga_json_int(writer, "AvailableProvisionedConcurrentExecutions", ready);
    virga_json_int(writer, "AllocatedProvisionedConcurrentExecutions", ready);
    virga_json_string(writer, "Status", status);
    virga_json_string(writer, "StatusReason", reason);
    side_write(writer, "LastModified", virga_awsjson_member(record, "LastModified"));
    function_unref(function);
}

/* --- PutProvisionedConcurrencyConfig --- */

/* Whether reserved concurrency and the account leave room. False: the call has ended. */
static bool check_room(struct call *call, int64_t wanted) {
    struct lambda *lambda = call->lambda;
    struct json_object *reserved = NULL;
    const char *name = call->name.name;
    int64_t others = 0, unreserved = 0;
    int64_t min = side_unreserved_min(lambda);
    int result = side_provisioned(lambda, &call->tenant, name, call_qualifier(call), &others);
    if (result == 0) {
        result = side_get(lambda, SIDE_CONCURRENCY, &call->tenant, name, "", &reserved);
    }
    if (result == 0) {
        int64_t most = virga_awsjson_int(reserved, "ReservedConcurrentExecutions", 0);
        json_object_put(reserved);
        if (most < others + wanted) {
            fail(call, "Requested Provisioned Concurrency should not be greater than the "
                       "reservedConcurrentExecution for function");
        }
        return most >= others + wanted;
    }
    if (result == -ENOENT) {
        result = side_unreserved(lambda, &call->tenant, name, &unreserved);
    }
    if (result != 0) {
        call_broken(call, "The account's concurrency could not be read", result);
        return false;
    }
    if (others + wanted > unreserved) {
        call_fail(call, 400 | CALL_NO_TYPE, "InvalidParameterValueException",
                  "Specified ConcurrentExecutions for function is greater than account's "
                  "unreserved concurrency [%" PRId64 "].",
                  unreserved);
        return false;
    }
    if (unreserved - others - wanted < min) {
        call_fail(call, 400 | CALL_NO_TYPE, "InvalidParameterValueException",
                  "Specified ConcurrentExecutions for function decreases account's "
                  "UnreservedConcurrentExecution below its minimum value of [%" PRId64 "].",
                  min);
        return false;
    }
    return true;
}

struct pointing {
    struct call *call;
    const char *version;
    bool found;
};

static bool see_alias(void *arg, const char *name, const char *id, struct json_object *alias) {
    struct pointing *pointing = arg;
    struct json_object *record = NULL;
    (void)name;
    if (virga_str_equal(virga_awsjson_str(alias, "FunctionVersion"),
                        virga_str_from(pointing->version)) &&
        side_get(pointing->call->lambda, SIDE_PROVISIONED, &pointing->call->tenant,
                 pointing->call->name.name, id, &record) == 0) {
        json_object_put(record);
        pointing->found = true;
    }
    return !pointing->found;
}

/* A version and an alias of it cannot both be provisioned. False: the call has ended. */
static bool check_overlap(struct call *call, const char *version) {
    struct lambda *lambda = call->lambda;
    const char *qualifier = call_qualifier(call);
    struct json_object *record = NULL;
    struct pointing pointing = {.call = call, .version = qualifier};
    int result = 0;
    if (side_is_alias(qualifier)) {
        result =
            side_get(lambda, SIDE_PROVISIONED, &call->tenant, call->name.name, version, &record);
        json_object_put(record);
        if (result == 0) {
            call_fail(call, 409, "ResourceConflictException",
                      "Alias can't be used for Provisioned Concurrency configuration on an already "
                      "Provisioned version");
            return false;
        }
        result = result == -ENOENT ? 0 : result;
    } else {
        result = side_each(lambda, SIDE_ALIAS, &call->tenant, call->name.name, NULL, see_alias,
                           &pointing);
    }
    if (result != 0) {
        call_broken(call, "The provisioned concurrency could not be read", result);
    } else if (pointing.found) {
        call_fail(call, 409, "ResourceConflictException",
                  "Version is pointed by a Provisioned Concurrency alias");
    }
    return result == 0 && !pointing.found;
}

/* Whether the call's version or alias can be provisioned. False: the call has ended. */
static bool check_target(struct call *call) {
    static const char unpublished[] =
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
    const char *qualifier = call_qualifier(call);
    struct function *function = NULL;
    if (is_latest(qualifier)) {
        fail(call, unpublished);
        return false;
    }
    if (!side_target_exists(call, qualifier)) {
        return false;
    }
    int result =
        functions_resolve(call->lambda, &call->tenant, call->name.name, qualifier, 1, &function);
    if (result != 0) {
        call_broken(call, "The function could not be read", result);
        return false;
    }
    bool good = !is_latest(function->version);
    if (!good) {
        fail(call, unpublished);
    } else {
        good = check_overlap(call, function->version);
    }
    function_unref(function);
    return good;
}

static int keep(struct call *call, int64_t wanted) {
    struct lambda *lambda = call->lambda;
    struct json_object *record = json_object_new_object();
    char now[32];
    call_format_time(lambda->timer->now_ms(lambda->host), now);
    int result = side_set(record, "ProvisionedConcurrentExecutions", json_object_new_int64(wanted));
    if (result == 0) {
        result = side_set_text(record, "LastModified", now);
    }
    if (result == 0) {
        result = side_put(lambda, SIDE_PROVISIONED, &call->tenant, call->name.name,
                          call_qualifier(call), record);
    }
    json_object_put(record);
    return result;
}

void action_put_provisioned(struct call *call) {
    struct lambda *lambda = call->lambda;
    int64_t wanted = virga_awsjson_int(call->input, "ProvisionedConcurrentExecutions", 0);
    struct virga_json_writer writer = {0};
    char now[32];
    if (!check_target(call) || !check_room(call, wanted)) {
        return;
    }
    int result = keep(call, wanted);
    if (result != 0) {
        call_broken(call, "The provisioned concurrency could not be written", result);
        return;
    }
    pool_adjust(lambda->pool, &call->tenant, call->name.name);
    call_format_time(lambda->timer->now_ms(lambda->host), now);
    virga_json_begin_object(&writer, NULL);
    virga_json_int(&writer, "RequestedProvisionedConcurrentExecutions", wanted);
    virga_json_int(&writer, "AvailableProvisionedConcurrentExecutions", 0);
    virga_json_int(&writer, "AllocatedProvisionedConcurrentExecutions", 0);
    virga_json_string(&writer, "Status", "IN_PROGRESS");
    virga_json_string(&writer, "LastModified", now);
    virga_json_end_object(&writer);
    call_answer(call, 202, &writer);
}

/* --- the others --- */

/* Whether the call names a version or an alias that is there. False: the call has ended. */
static bool check_published(struct call *call) {
    if (is_latest(call_qualifier(call))) {
        fail(call, NOT_PUBLISHED);
        return false;
    }
    return side_target_exists(call, call_qualifier(call));
}

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
};

static bool list_one(void *arg, const char *name, const char *id, struct json_object *record) {
    struct listing *listing = arg;
    char arn[LAMBDA_ARN_MAX];
    if (!call_page_take(&listing->page, id)) {
        return false;
    }
    function_arn(&listing->call->tenant, name, id, arn);
    virga_json_begin_object(&listing->writer, NULL);
    virga_json_string(&listing->writer, "FunctionArn", arn);
    write_state(listing->call, &listing->writer, id, record);
    virga_json_end_object(&listing->writer);
    return true;
}

static void list(struct call *call) {
    struct listing listing = {.call = call};
    if (!call_function_exists(call) || !call_page_start(call, CALL_PAGE_MAX, &listing.page)) {
        return;
    }
    const char *after = listing.page.position;
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "ProvisionedConcurrencyConfigs");
    int result = side_each(call->lambda, SIDE_PROVISIONED, &call->tenant, call->name.name,
                           after[0] != '\0' ? after : NULL, list_one, &listing);
    side_answer_page(call, &listing.page, result, &listing.writer);
}

/* And ListProvisionedConcurrencyConfigs, by "?List=ALL". */
void action_get_provisioned(struct call *call) {
    struct virga_json_writer writer = {0};
    struct json_object *record = NULL;
    if (call_str(call, "List").ptr != NULL) {
        list(call);
        return;
    }
    if (call_qualifier(call)[0] == '\0') {
        call_invalid(call, NULL, "qualifier", "Member must not be null");
        return;
    }
    if (!check_published(call)) {
        return;
    }
    int result = side_get(call->lambda, SIDE_PROVISIONED, &call->tenant, call->name.name,
                          call_qualifier(call), &record);
    if (result == -ENOENT) {
        call_fail(call, 404, "ProvisionedConcurrencyConfigNotFoundException",
                  "No Provisioned Concurrency Config found for this function");
        return;
    }
    if (result != 0) {
        call_broken(call, "The provisioned concurrency could not be read", result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    write_state(call, &writer, call_qualifier(call), record);
    virga_json_end_object(&writer);
    json_object_put(record);
    call_answer(call, 200, &writer);
}

void action_delete_provisioned(struct call *call) {
    struct virga_json_writer nothing = {0};
    if (!check_published(call)) {
        return;
    }
    int result = side_delete(call->lambda, SIDE_PROVISIONED, &call->tenant, call->name.name,
                             call_qualifier(call));
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The provisioned concurrency could not be deleted", result);
        return;
    }
    pool_adjust(call->lambda->pool, &call->tenant, call->name.name);
    call_answer(call, 204, &nothing);
}
