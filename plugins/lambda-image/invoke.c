/* SPDX-License-Identifier: MIT */
/* Invoke and InvokeAsync. */
#include "invoke.h"

#include "actions.h"
#include "event_json.h"
#include "events.h"
#include "permission_policy.h"
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <virga/helpers/base64.h>

#define CLIENT_CONTEXT_MAX 3583 /* of the header. Source: the API's page of Invoke */
#define CONTEXT_FAULT "Client context must be a valid Base64-encoded JSON object."
#define ENUM_FAULT "Member must satisfy enum value set: "

static struct virga_str header(const struct call *call, const char *name) {
    return call->req->http->header(call->req, name);
}

/* Whether the word is in a list of them, "A, B, C". */
static bool is_listed(struct virga_str word, const char *list) {
    while (*list != '\0') {
        size_t len = strcspn(list, ",");
        if (virga_str_equal(word, (struct virga_str){list, len})) {
            return true;
        }
        list += len;
        list += strspn(list, ", ");
    }
    return false;
}

/* An enum that came by header; false: the call has ended. Absent is fine. */
static bool check_enum(struct call *call, struct virga_str value, const char *member,
                       const char *values) {
    char constraint[256];
    if (value.ptr == NULL || is_listed(value, values)) {
        return true;
    }
    (void)snprintf(constraint, sizeof constraint, ENUM_FAULT "[%s]", values);
    call_invalid(call, value.ptr, member, constraint);
    return false;
}

bool invoke_take_headers(struct call *call, const char *types, struct invoke_headers *ret_headers) {
    struct virga_str type = header(call, "X-Amz-Invocation-Type");
    struct virga_str log = header(call, "X-Amz-Log-Type");
    *ret_headers = (struct invoke_headers){.type = INVOKE_REQUEST_RESPONSE};
    if (!check_enum(call, type, "invocationType", types) ||
        !check_enum(call, log, "logType", "None, Tail")) {
        return false;
    }
    if (type.ptr != NULL && virga_str_equal(type, virga_str_from("Event"))) {
        ret_headers->type = INVOKE_EVENT;
    } else if (type.ptr != NULL && virga_str_equal(type, virga_str_from("DryRun"))) {
        ret_headers->type = INVOKE_DRY_RUN;
    }
    ret_headers->tail = log.ptr != NULL && virga_str_equal(log, virga_str_from("Tail"));
    return true;
}

/* 0 to 1, for the weights of aliases. */
static double roll(void) {
    uint32_t bits = 0;
    (void)getrandom(&bits, sizeof bits, 0);
    return (double)bits / 4294967296.0;
}

/* The account whose function is called: an ARN may name another than the caller's. */
static void take_owner(const struct call *call, struct tenant *ret_owner) {
    *ret_owner = call->tenant;
    if (call->name.account[0] != '\0') {
        memcpy(ret_owner->account, call->name.account, sizeof ret_owner->account);
    }
}

static bool check_permission(struct call *call, const struct tenant *owner) {
    const struct permission_question question = {.owner = owner,
                                                 .name = call->name.name,
                                                 .qualifier = call_qualifier(call),
                                                 .action = "lambda:InvokeFunction",
                                                 .account = call->tenant.account};
    char arn[LAMBDA_ARN_MAX];
    if (permission_allows(call->lambda, &question)) {
        return true;
    }
    function_arn(owner, call->name.name, call_qualifier(call), arn);
    call_fail(call, 403, "AccessDeniedException",
              "User: arn:aws:iam::%s:root is not authorized to perform: lambda:InvokeFunction on "
              "resource: %s because no resource-based policy allows the lambda:InvokeFunction "
              "action",
              call->tenant.account, arn);
    return false;
}

static bool find_function(struct call *call, const struct tenant *owner,
                          struct function **ret_function) {
    const char *qualifier = call_qualifier(call);
    int result =
        functions_resolve(call->lambda, owner, call->name.name, qualifier, roll(), ret_function);
    if (result == -ENOENT) {
        char arn[LAMBDA_ARN_MAX];
        function_arn(owner, call->name.name, qualifier[0] != '\0' ? qualifier : FUNCTIONS_LATEST,
                     arn);
        call_fail(call, 404, "ResourceNotFoundException", "Function not found: %s", arn);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

/* A function that is not made yet cannot run. One that has failed is tried: the pool finds out
 * whether its image is there now, and why not. */
static bool check_state(struct call *call, const struct function *function) {
    if (!virga_str_equal(virga_awsjson_str(function->document, "State"),
                         virga_str_from("Pending"))) {
        return true;
    }
    call_fail(call, 409, "ResourceConflictException",
              "The operation cannot be performed at this time. The function is currently in the "
              "following state: Pending");
    return false;
}

static bool check_payload(struct call *call, enum invoke_type type, const char *operation) {
    char fault[EVENT_JSON_FAULT_MAX];
    size_t max = type == INVOKE_EVENT ? INVOCATION_ASYNC_MAX : INVOCATION_EVENT_MAX;
    if (call->req->body.len > max) {
        call_fail(call, 413, "RequestEntityTooLargeException",
                  "Request must be smaller than %zu bytes for the %s operation", max, operation);
        return false;
    }
    if (call->req->body.len > 0 && event_json_check(call->req->body, fault) != 0) {
        call_fail(call, 400, "InvalidRequestContentException",
                  "Could not parse request body into json: Could not parse payload into json: %s",
                  fault);
        return false;
    }
    return true;
}

/* Decodes X-Amz-Client-Context onto the heap; NULL where there is none. */
static bool take_context(struct call *call, char **ret_context) {
    struct virga_str text = header(call, "X-Amz-Client-Context");
    struct json_object *json = NULL;
    size_t len = 0;
    *ret_context = NULL;
    if (text.ptr == NULL || text.len == 0) {
        return true;
    }
    char *context = text.len <= CLIENT_CONTEXT_MAX ? malloc(text.len + 1) : NULL;
    bool good = context != NULL && virga_base64_decode(text, context, &len) == 0 &&
                virga_awsjson_parse((struct virga_str){context, len}, &json) == 0;
    json_object_put(json);
    if (!good) {
        free(context);
        call_fail(call, 400, "InvalidRequestContentException", CONTEXT_FAULT);
        return false;
    }
    context[len] = '\0';
    *ret_context = context;
    return true;
}

/* Makes the invocation of a checked call. An event that is not there is {}, as at AWS. */
static bool make_invocation(struct call *call, struct function *function,
                            struct invocation **ret_invocation) {
    struct virga_str payload = call->req->body.len > 0 ? call->req->body : virga_str_from("{}");
    struct virga_str trace = header(call, "X-Amzn-Trace-Id");
    char *context = NULL;
    if (!take_context(call, &context)) {
        return false;
    }
    int result = invocation_create(function, call_qualifier(call), payload,
                                   call->req->id.len == LAMBDA_ID_LEN ? call->req->id.ptr : NULL,
                                   ret_invocation);
    if (result != 0) {
        free(context);
        call_broken(call, "The event could not be taken", result);
        return false;
    }
    (*ret_invocation)->client_context = context;
    if (trace.ptr != NULL && trace.len > 0 && trace.len < sizeof(*ret_invocation)->trace_id) {
        (void)snprintf((*ret_invocation)->trace_id, sizeof(*ret_invocation)->trace_id, "%s",
                       trace.ptr);
    }
    return true;
}

bool invoke_prepare(struct call *call, const struct invoke_headers *headers, const char *operation,
                    struct invocation **ret_invocation) {
    struct function *function = NULL;
    struct tenant owner;
    *ret_invocation = NULL;
    take_owner(call, &owner);
    if (!check_permission(call, &owner) || !find_function(call, &owner, &function)) {
        return false;
    }
    bool good =
        check_state(call, function) && check_payload(call, headers->type, operation) &&
        (headers->type == INVOKE_DRY_RUN || make_invocation(call, function, ret_invocation));
    function_unref(function);
    return good;
}

static void answer(struct call *call, int status, const struct virga_header *headers, size_t count,
                   struct virga_str body) {
    struct virga_request *req = call_detach(call);
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .headers = headers,
                                       .headers_count = count,
                                       .body = body};
    (void)req->http->respond(req, &res);
}

/* Also says which limit it was, which call_fail() cannot. */
static void answer_throttled(struct call *call, const char *reason) {
    struct virga_json_writer writer = {0};
    struct virga_header headers[] = {
        {virga_str_from("Content-Type"), virga_str_from("application/json")},
        {virga_str_from("x-amzn-ErrorType"), virga_str_from("TooManyRequestsException")}};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "Reason", reason);
    virga_json_string(&writer, "Type", "User");
    virga_json_string(&writer, "message", "Rate Exceeded.");
    virga_json_end_object(&writer);
    answer(call, 429, headers, 2, (struct virga_str){writer.ptr, writer.failed ? 0 : writer.len});
    virga_json_finish(&writer);
}

void invoke_refuse(struct call *call, const struct invocation_result *result) {
    if (result->outcome == INVOCATION_THROTTLED) {
        answer_throttled(call, result->code);
    } else if (result->outcome == INVOCATION_REFUSED) {
        call_fail(call, result->status, result->code, "%s", result->message);
    } else {
        call_fail(call, 500, "ServiceException", "virga is being stopped");
    }
}

/* The function has answered, or failed. */
static void answer_function(struct call *call, const struct invocation *invocation,
                            const struct invocation_result *result) {
    char tail[VIRGA_BASE64_SIZE(INVOCATION_TAIL_MAX)];
    struct virga_header headers[5] = {
        {virga_str_from("Content-Type"), virga_str_from("application/json")},
        {virga_str_from("X-Amz-Executed-Version"), virga_str_from(invocation->function->version)},
        {virga_str_from("X-Amzn-Trace-Id"), virga_str_from(invocation->trace_id)}};
    size_t count = 3;
    if (result->outcome == INVOCATION_ERROR) {
        headers[count++] = (struct virga_header){virga_str_from("X-Amz-Function-Error"),
                                                 virga_str_from("Unhandled")};
    }
    if (invocation->wants_tail && result->tail.len <= INVOCATION_TAIL_MAX) {
        size_t len = virga_base64_encode(result->tail, tail);
        headers[count++] = (struct virga_header){virga_str_from("X-Amz-Log-Result"), {tail, len}};
    }
    answer(call, 200, headers, count, result->payload);
}

static void on_done(struct invocation *invocation, const struct invocation_result *result) {
    struct call *call = invocation->arg;
    if (result->outcome == INVOCATION_DONE || result->outcome == INVOCATION_ERROR) {
        answer_function(call, invocation, result);
    } else {
        invoke_refuse(call, result);
    }
    invocation_destroy(invocation);
}

static void add_event(struct call *call, struct invocation *invocation) {
    int result = events_add(call->lambda->events, invocation, call_qualifier(call));
    invocation_destroy(invocation);
    if (result == -EAGAIN) {
        answer_throttled(call, "FunctionInvocationRateLimitExceeded");
    } else if (result != 0) {
        call_broken(call, "The event could not be kept", result);
    } else {
        answer(call, 202, NULL, 0, virga_str_from(""));
    }
}

void action_invoke(struct call *call) {
    struct invoke_headers headers;
    struct invocation *invocation = NULL;
    if (!invoke_take_headers(call, "Event, RequestResponse, DryRun", &headers) ||
        !invoke_prepare(call, &headers, "InvokeFunction", &invocation)) {
        return;
    }
    if (headers.type == INVOKE_DRY_RUN) {
        answer(call, 204, NULL, 0, virga_str_from(""));
    } else if (headers.type == INVOKE_EVENT) {
        add_event(call, invocation);
    } else {
        invocation->wants_tail = headers.tail;
        invocation->on_done = on_done;
        invocation->arg = call;
        pool_invoke(call->lambda->pool, invocation);
    }
}

void action_invoke_async(struct call *call) {
    const struct invoke_headers headers = {.type = INVOKE_EVENT};
    struct invocation *invocation = NULL;
    if (invoke_prepare(call, &headers, "InvokeAsync", &invocation)) {
        add_event(call, invocation);
    }
}
