/* SPDX-License-Identifier: MIT */
/* How asynchronous invocations are tried again and where their results go: the event invoke
 * configs. The record is a FunctionEventInvokeConfig without FunctionArn; its id is the qualifier,
 * "$LATEST" where the function itself is meant. */
#include "actions.h"
#include "side_call.h"

#include <errno.h>
#include <virga/helpers/arn.h>

#define GONE "The function doesn't exist."

static const char *id_of(const struct call *call) {
    return call_qualifier(call)[0] != '\0' ? call_qualifier(call) : FUNCTIONS_LATEST;
}

static void write_config(struct virga_json_writer *writer, const struct tenant *tenant,
                         const char *name, const char *id, struct json_object *record) {
    char arn[LAMBDA_ARN_MAX];
    function_arn(tenant, name, id, arn);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "FunctionArn", arn);
    side_write_members(writer, record, NULL);
    virga_json_end_object(writer);
}

/* Owns: puts the record. */
static void answer(struct call *call, struct json_object *record) {
    struct virga_json_writer writer = {0};
    write_config(&writer, &call->tenant, call->name.name, id_of(call), record);
    json_object_put(record);
    call_answer(call, 200, &writer);
}

/* --- checks --- */

static struct virga_str destination(const struct call *call, const char *when) {
    struct json_object *config = virga_awsjson_member(call->input, "DestinationConfig");
    struct virga_str arn = virga_awsjson_str(virga_awsjson_member(config, when), "Destination");
    return arn.len > 0 ? arn : (struct virga_str){NULL, 0};
}

/* "OnSuccess(destination=arn:...)", or "null". */
static void show(char *buffer, size_t size, const char *when, struct virga_str arn) {
    if (arn.ptr == NULL) {
        (void)snprintf(buffer, size, "null");
    } else {
        (void)snprintf(buffer, size, "%s(destination=%s)", when, arn.ptr);
    }
}

static void refuse_config(struct call *call) {
    char success[400], failure[400];
    show(success, sizeof success, "OnSuccess", destination(call, "OnSuccess"));
    show(failure, sizeof failure, "OnFailure", destination(call, "OnFailure"));
    call_fail(call, 400, "InvalidParameterValueException",
              "The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is "
              "invalid.",
              success, failure);
}

/* A function as destination must be another one, and there. False: the call has ended. */
static bool check_function(struct call *call, struct virga_str text) {
    struct function_name name = {0};
    struct function *function = NULL;
    int result = function_name_parse(text, &name);
    bool here = result == 0 && strcmp(name.account, call->tenant.account) == 0;
    if (result == 0 && strcmp(name.region, call->tenant.region) != 0) {
        result = -ENOENT;
    } else if (here) {
        result =
            functions_resolve(call->lambda, &call->tenant, name.name, name.qualifier, 1, &function);
        function_unref(function);
    }
    if (result == -EINVAL || result == -EMSGSIZE || result == -ENOENT) {
        call_fail(call, 400, "InvalidParameterValueException", "The destination ARN %s is invalid.",
                  text.ptr);
    } else if (result != 0) {
        call_broken(call, "The destination could not be read", result);
    } else if (here && strcmp(name.name, call->name.name) == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "You can't specify the function as a destination for itself.");
        result = -EINVAL;
    }
    return result == 0;
}

/* False: the call has ended. */
static bool check_destination(struct call *call, const char *when) {
    static const char *const services[] = {"sqs", "sns", "events", "s3"};
    struct virga_str text = destination(call, when);
    struct virga_arn arn;
    if (text.ptr == NULL) {
        return true;
    }
    if (virga_arn_parse(text, &arn) == 0) {
        if (virga_str_equal(arn.service, virga_str_from("lambda"))) {
            return check_function(call, text);
        }
        for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
            /* A bucket only takes failures. Source: the guide, "Capturing records". */
            if (virga_str_equal(arn.service, virga_str_from(services[i])) &&
                (strcmp(services[i], "s3") != 0 || strcmp(when, "OnFailure") == 0)) {
                return true;
            }
        }
    }
    refuse_config(call);
    return false;
}

/* What Put and Update have in common before they look at the records. False: the call has ended. */
static bool check_members(struct call *call) {
    if (virga_awsjson_member(call->input, "MaximumRetryAttempts") == NULL &&
        virga_awsjson_member(call->input, "MaximumEventAgeInSeconds") == NULL &&
        virga_awsjson_member(call->input, "DestinationConfig") == NULL) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "You must specify at least one of error handling or destination setting.");
        return false;
    }
    int result = side_find(call, call_qualifier(call));
    if (result == -ENOENT) {
        call_fail(call, 404, "ResourceNotFoundException", GONE);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

/* The record that the call is about; false: the call has ended. */
static bool read_record(struct call *call, struct json_object **ret_record) {
    int result = side_get(call->lambda, SIDE_EVENT_CONFIG, &call->tenant, call->name.name,
                          id_of(call), ret_record);
    if (result == -ENOENT) {
        char arn[LAMBDA_ARN_MAX];
        function_arn(&call->tenant, call->name.name, id_of(call), arn);
        call_fail(call, 404, "ResourceNotFoundException",
                  "The function %s doesn't have an EventInvokeConfig", arn);
    } else if (result != 0) {
        call_broken(call, "The config could not be read", result);
    }
    return result == 0;
}

/* --- changes --- */

/* {"OnSuccess":{"Destination":...},"OnFailure":{}}: both are always there. */
static int set_destinations(const struct call *call, struct json_object *record) {
    static const char *const whens[] = {"OnSuccess", "OnFailure"};
    struct json_object *config = json_object_new_object();
    int result = 0;
    for (size_t i = 0; result == 0 && i < 2; i++) {
        struct virga_str arn = destination(call, whens[i]);
        struct json_object *one = json_object_new_object();
        result = side_set(config, whens[i], one);
        if (result == 0 && arn.ptr != NULL) {
            result = side_set_text(one, "Destination", arn.ptr);
        }
    }
    if (result != 0) {
        json_object_put(config);
        return result;
    }
    return side_set(record, "DestinationConfig", config);
}

/* Writes what the call gives into the record. */
static int take_members(const struct call *call, struct json_object *record) {
    struct lambda *lambda = call->lambda;
    int64_t now_ms = lambda->timer->now_ms(lambda->host);
    char now[32];
    int result = side_copy(record, "MaximumRetryAttempts", call->input);
    if (result == 0) {
        result = side_copy(record, "MaximumEventAgeInSeconds", call->input);
    }
    if (result == 0 && (virga_awsjson_member(call->input, "DestinationConfig") != NULL ||
                        virga_awsjson_member(record, "DestinationConfig") == NULL)) {
        result = set_destinations(call, record);
    }
    (void)snprintf(now, sizeof now, "%lld.%03d", (long long)(now_ms / 1000), (int)(now_ms % 1000));
    return result == 0 ? side_set(record, "LastModified",
                                  json_object_new_double_s((double)now_ms / 1000, now))
                       : result;
}

/* Changes the record, keeps it, and answers. Owns: takes the reference, which may be NULL: out of
 * memory. */
static void change(struct call *call, struct json_object *record) {
    int result = record != NULL ? take_members(call, record) : -ENOMEM;
    if (result == 0) {
        result = side_put(call->lambda, SIDE_EVENT_CONFIG, &call->tenant, call->name.name,
                          id_of(call), record);
    }
    if (result != 0) {
        json_object_put(record);
        call_broken(call, "The config could not be written", result);
        return;
    }
    answer(call, record);
}

/* --- actions --- */

void action_put_event_config(struct call *call) {
    if (check_members(call) && check_destination(call, "OnFailure") &&
        check_destination(call, "OnSuccess")) {
        change(call, json_object_new_object());
    }
}

void action_update_event_config(struct call *call) {
    struct json_object *record = NULL;
    if (!check_members(call) || !read_record(call, &record)) {
        return;
    }
    if (!check_destination(call, "OnFailure") || !check_destination(call, "OnSuccess")) {
        json_object_put(record);
        return;
    }
    change(call, record);
}

void action_get_event_config(struct call *call) {
    struct json_object *record = NULL;
    if (read_record(call, &record)) {
        answer(call, record);
    }
}

void action_delete_event_config(struct call *call) {
    struct virga_json_writer nothing = {0};
    struct json_object *record = NULL;
    if (!read_record(call, &record)) {
        return;
    }
    json_object_put(record);
    int result =
        side_delete(call->lambda, SIDE_EVENT_CONFIG, &call->tenant, call->name.name, id_of(call));
    if (result != 0) {
        call_broken(call, "The config could not be deleted", result);
        return;
    }
    call_answer(call, 204, &nothing);
}

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
};

static bool list_one(void *arg, const char *name, const char *id, struct json_object *record) {
    struct listing *listing = arg;
    if (!call_page_take(&listing->page, id)) {
        return false;
    }
    write_config(&listing->writer, &listing->call->tenant, name, id, record);
    return true;
}

void action_list_event_configs(struct call *call) {
    struct listing listing = {.call = call};
    if (!side_function_exists(call, GONE) || !call_page_start(call, CALL_PAGE_MAX, &listing.page)) {
        return;
    }
    const char *after = listing.page.position;
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "FunctionEventInvokeConfigs");
    int result = side_each(call->lambda, SIDE_EVENT_CONFIG, &call->tenant, call->name.name,
                           after[0] != '\0' ? after : NULL, list_one, &listing);
    side_answer_page(call, &listing.page, result, &listing.writer);
}
