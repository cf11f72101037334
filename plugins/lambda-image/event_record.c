/* SPDX-License-Identifier: MIT */
/* Writing and reading of the documents about events. */
#include "event_record.h"

#include "event_json.h"
#include "functions.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <virga/helpers/awsjson.h>

void event_kept_write(const struct event_kept *kept, struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "RequestId", kept->request_id);
    virga_json_string(writer, "Qualifier", kept->qualifier);
    virga_json_string(writer, "TraceId", kept->trace_id);
    virga_json_string(writer, "ClientContext", kept->client_context);
    virga_json_int(writer, "Queued", kept->queued_ms);
    virga_json_int(writer, "Due", kept->due_ms);
    virga_json_int(writer, "Attempts", kept->attempts);
    virga_json_end_object(writer);
}

static void copy(struct json_object *json, const char *key, char *buffer, size_t size) {
    struct virga_str text = virga_awsjson_str(json, key);
    (void)snprintf(buffer, size, "%.*s", (int)text.len, text.ptr != NULL ? text.ptr : "");
}

int event_kept_read(struct virga_str text, struct event_kept *ret_kept) {
    struct json_object *json = NULL;
    struct event_kept kept = {0};
    int result = virga_awsjson_parse(text, &json);
    if (result != 0) {
        return result;
    }
    struct virga_str context = virga_awsjson_str(json, "ClientContext");
    copy(json, "RequestId", kept.request_id, sizeof kept.request_id);
    copy(json, "Qualifier", kept.qualifier, sizeof kept.qualifier);
    copy(json, "TraceId", kept.trace_id, sizeof kept.trace_id);
    kept.queued_ms = virga_awsjson_int(json, "Queued", 0);
    kept.due_ms = virga_awsjson_int(json, "Due", 0);
    kept.attempts = virga_awsjson_int(json, "Attempts", 0);
    if (kept.request_id[0] == '\0') {
        result = -EBADMSG;
    } else if (context.ptr != NULL &&
               (kept.client_context = strndup(context.ptr, context.len)) == NULL) {
        result = -ENOMEM;
    }
    json_object_put(json);
    if (result == 0) {
        *ret_kept = kept;
    }
    return result;
}

static void write_timestamp(struct virga_json_writer *writer, int64_t now_ms) {
    char text[40];
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts = {0};
    (void)gmtime_r(&seconds, &parts);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + len, sizeof text - len, ".%03dZ", (int)(now_ms % 1000));
    virga_json_string(writer, "timestamp", text);
}

/* As JSON where it is JSON, else as text. */
static void write_payload(struct virga_json_writer *writer, const char *key,
                          struct virga_str payload) {
    char fault[EVENT_JSON_FAULT_MAX];
    if (payload.len == 0) {
        virga_json_raw(writer, key, virga_str_from("null"));
    } else if (event_json_check(payload, fault) == 0) {
        virga_json_raw(writer, key, payload);
    } else {
        virga_json_str(writer, key, payload);
    }
}

void event_record_write(const struct invocation *invocation, const char *qualifier,
                        const char *condition, int64_t attempts, int64_t now_ms,
                        const struct invocation_result *result, struct virga_json_writer *writer) {
    const struct function *function = invocation->function;
    char arn[LAMBDA_ARN_MAX];
    function_arn(&function->tenant, function->name,
                 qualifier[0] != '\0' ? qualifier : FUNCTIONS_LATEST, arn);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "version", "1.0");
    write_timestamp(writer, now_ms);
    virga_json_begin_object(writer, "requestContext");
    virga_json_string(writer, "requestId", invocation->request_id);
    virga_json_string(writer, "functionArn", arn);
    virga_json_string(writer, "condition", condition);
    virga_json_int(writer, "approximateInvokeCount", attempts);
    virga_json_end_object(writer);
    write_payload(writer, "requestPayload",
                  (struct virga_str){invocation->payload, invocation->payload_len});
    if (result != NULL) {
        virga_json_begin_object(writer, "responseContext");
        virga_json_int(writer, "statusCode", 200);
        virga_json_string(writer, "executedVersion", function->version);
        if (result->outcome == INVOCATION_ERROR) {
            virga_json_string(writer, "functionError", "Unhandled");
        }
        virga_json_end_object(writer);
        write_payload(writer, "responsePayload", result->payload);
    }
    virga_json_end_object(writer);
}

void event_error_message(struct virga_str payload, char *buffer, size_t size) {
    struct json_object *json = NULL;
    buffer[0] = '\0';
    if (virga_awsjson_parse(payload, &json) == 0) {
        copy(json, "errorMessage", buffer, size);
        json_object_put(json);
    }
}
