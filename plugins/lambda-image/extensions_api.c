/* SPDX-License-Identifier: MIT */
/* The Extensions API: registration, events, and errors. Who asks is
 * always a process that the image itself has started: nothing tells external extensions from
 * internal ones. Source: the developer guide, "Extensions API"; texts of refusals:
 * aws-lambda-runtime-interface-emulator, rapi/handler. */
#include "environment_impl.h"
#include "environment_vars.h"
#include "uuid.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

#define NAME_HEADER "Lambda-Extension-Name"
#define ID_HEADER "Lambda-Extension-Identifier"
#define TYPE_HEADER "Lambda-Extension-Function-Error-Type"

static struct virga_str header(const struct virga_request *req, const char *name) {
    return req->http->header(req, name);
}

static bool is_method(const struct virga_request *req, const char *method) {
    return virga_str_equal(req->method, virga_str_from(method));
}

/* --- answers --- */

static void answer_json(struct virga_request *req, struct virga_json_writer *writer,
                        const char *name, const char *value) {
    struct virga_header headers[] = {
        {virga_str_from("Content-Type"), virga_str_from("application/json")},
        {virga_str_from(name), virga_str_from(value)}};
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = writer->failed ? 500 : 200,
                                       .headers = headers,
                                       .headers_count = 2,
                                       .body = {writer->ptr, writer->failed ? 0 : writer->len}};
    (void)req->http->respond(req, &res);
    virga_json_finish(writer);
}

static const char *state_name(enum extension_state state) {
    static const char *const names[] = {[EXTENSION_REGISTERED] = "Registered",
                                        [EXTENSION_READY] = "Ready",
                                        [EXTENSION_RUNNING] = "Running",
                                        [EXTENSION_FAILED] = "ExitError"};
    return names[state];
}

static void refuse_transition(const struct extension *extension, struct virga_request *req,
                              const char *to) {
    runtime_api_refuse(req, 403, "Extension.InvalidExtensionState",
                       "State transition from %s to %s failed for extension %s. Error: State "
                       "transition is not allowed",
                       state_name(extension->state), to, extension->id);
}

/* --- who asks --- */

static bool is_uuid(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !hex) {
            return false;
        }
    }
    return text.len == LAMBDA_ID_LEN;
}

struct extension *extensions_identify(struct environment *environment, struct virga_request *req) {
    struct virga_str id = header(req, ID_HEADER);
    for (size_t i = 0; i < environment->extensions_count; i++) {
        if (virga_str_equal(id, virga_str_from(environment->extensions[i].id))) {
            return &environment->extensions[i];
        }
    }
    if (id.len == 0) {
        runtime_api_refuse(req, 403, "Extension.MissingExtensionIdentifier",
                           "Missing " ID_HEADER " header");
    } else if (!is_uuid(id)) {
        runtime_api_refuse(req, 403, "Extension.InvalidExtensionIdentifier", "Invalid " ID_HEADER);
    } else {
        runtime_api_refuse(req, 403, "Extension.UnknownExtensionIdentifier", "Unknown extension %s",
                           id.ptr);
    }
    return NULL;
}

/* --- registration --- */

static bool read_events(struct json_object *input, struct extension *extension,
                        const char **ret_bad) {
    size_t count = virga_awsjson_length(input, "events");
    for (size_t i = 0; i < count; i++) {
        struct virga_str event = virga_awsjson_text(virga_awsjson_element(input, "events", i));
        if (virga_str_equal(event, virga_str_from("INVOKE"))) {
            extension->wants_invoke = true;
        } else if (virga_str_equal(event, virga_str_from("SHUTDOWN"))) {
            extension->wants_shutdown = true;
        } else {
            *ret_bad = event.ptr != NULL ? event.ptr : "";
            return false;
        }
    }
    return true;
}

static bool accepts_account(const struct virga_request *req) {
    struct virga_str features = header(req, "Lambda-Extension-Accept-Feature");
    return features.ptr != NULL && strstr(features.ptr, "accountId") != NULL;
}

static void answer_registered(const struct environment *environment,
                              const struct extension *extension, struct virga_request *req) {
    const struct function *function = environment->function;
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "functionName", function->name);
    virga_json_string(&writer, "functionVersion", function->version);
    virga_json_string(&writer, "handler", environment_vars_handler(function));
    if (accepts_account(req)) {
        virga_json_string(&writer, "accountId", function->tenant.account);
    }
    virga_json_end_object(&writer);
    answer_json(req, &writer, ID_HEADER, extension->id);
}

/* Whether somebody may still register under this name; if not, the request is answered. */
static bool may_register(const struct environment *environment, struct virga_request *req,
                         struct virga_str name) {
    if (environment->state != ENVIRONMENT_INIT) {
        runtime_api_refuse(req, 403, "Extension.RegistrationClosed",
                           "Extension registration closed already");
        return false;
    }
    for (size_t i = 0; i < environment->extensions_count; i++) {
        if (virga_str_equal(name, virga_str_from(environment->extensions[i].name))) {
            runtime_api_refuse(req, 403, "Extension.InvalidExtensionState",
                               "Extension with this name already registered");
            return false;
        }
    }
    if (environment->extensions_count == ENVIRONMENT_EXTENSIONS_MAX) {
        runtime_api_refuse(req, 403, "Extension.TooManyExtensions", "Extension limit (%d) reached",
                           ENVIRONMENT_EXTENSIONS_MAX);
        return false;
    }
    return true;
}

static void complete_register(struct environment *environment, struct body *body) {
    struct virga_request *req = body->req;
    struct virga_str name = header(req, NAME_HEADER);
    struct extension extension = {.state = EXTENSION_REGISTERED};
    struct json_object *input = NULL;
    const char *bad = NULL;
    int result = body->too_large
                     ? -EBADMSG
                     : virga_awsjson_parse((struct virga_str){body->bytes, body->len}, &input);
    if (result != 0) {
        runtime_api_refuse(req, 403, "InvalidRequestFormat", "the body is not a JSON object");
    } else if (!read_events(input, &extension, &bad)) {
        runtime_api_refuse(req, 403, "Extension.InvalidEventType", "%s: ErrorInvalidEventType",
                           bad);
    } else if (may_register(environment, req, name)) {
        struct extension *slot = &environment->extensions[environment->extensions_count++];
        (void)snprintf(extension.name, sizeof extension.name, "%s", name.ptr);
        uuid_make(extension.id);
        *slot = extension;
        answer_registered(environment, slot, req);
    }
    json_object_put(input);
}

static void handle_register(struct environment *environment, struct virga_request *req) {
    struct virga_str name = header(req, NAME_HEADER);
    if (name.len == 0 || name.len >= sizeof environment->extensions[0].name) {
        runtime_api_refuse(req, 403, "Extension.InvalidExtensionName",
                           name.len == 0 ? "Empty extension name" : "Extension name too long");
        return;
    }
    runtime_body_read(environment, req, BODY_REGISTER, 0);
}

/* --- events --- */

static void write_tracing(struct virga_json_writer *writer, const char *trace_id) {
    virga_json_begin_object(writer, "tracing");
    virga_json_string(writer, "type", "X-Amzn-Trace-Id");
    virga_json_string(writer, "value", trace_id);
    virga_json_end_object(writer);
}

static void give_invoke(const struct environment *environment, struct extension *extension) {
    const struct invocation *invocation = environment->invocation;
    struct virga_request *req = extension->next;
    struct virga_json_writer writer = {0};
    char id[LAMBDA_ID_LEN + 1];
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "eventType", "INVOKE");
    virga_json_int(&writer, "deadlineMs", environment->deadline_ms);
    virga_json_string(&writer, "requestId", environment->request_id);
    if (invocation != NULL) {
        virga_json_string(&writer, "invokedFunctionArn", invocation->invoked_arn);
        write_tracing(&writer, invocation->trace_id);
    }
    virga_json_end_object(&writer);
    uuid_make(id);
    extension->next = NULL;
    extension->owed_invoke = false;
    extension->state = EXTENSION_RUNNING;
    answer_json(req, &writer, "Lambda-Extension-Event-Identifier", id);
}

static void give_shutdown(const struct environment *environment, struct extension *extension) {
    static const char *const reasons[] = {[SHUTDOWN_SPINDOWN] = "spindown",
                                          [SHUTDOWN_TIMEOUT] = "timeout",
                                          [SHUTDOWN_FAILURE] = "failure"};
    struct virga_request *req = extension->next;
    struct virga_json_writer writer = {0};
    char id[LAMBDA_ID_LEN + 1];
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "eventType", "SHUTDOWN");
    virga_json_string(&writer, "shutdownReason", reasons[environment->shutdown_reason]);
    virga_json_int(&writer, "deadlineMs", environment->deadline_ms);
    virga_json_end_object(&writer);
    uuid_make(id);
    extension->next = NULL;
    extension->owed_shutdown = false;
    extension->state = EXTENSION_RUNNING;
    answer_json(req, &writer, "Lambda-Extension-Event-Identifier", id);
}

void extensions_give(struct environment *environment) {
    for (size_t i = 0; i < environment->extensions_count; i++) {
        struct extension *extension = &environment->extensions[i];
        if (extension->next != NULL && extension->owed_shutdown) {
            give_shutdown(environment, extension);
        } else if (extension->next != NULL && extension->owed_invoke) {
            give_invoke(environment, extension);
        }
    }
}

bool extensions_are_ready(const struct environment *environment) {
    for (size_t i = 0; i < environment->extensions_count; i++) {
        const struct extension *extension = &environment->extensions[i];
        bool waits = extension->state == EXTENSION_REGISTERED ||
                     extension->state == EXTENSION_RUNNING || extension->owed_invoke;
        if (waits) {
            return false;
        }
    }
    return true;
}

bool extensions_shut_down(struct environment *environment, enum shutdown_reason reason) {
    const struct lambda *lambda = environment->lambda;
    bool any = false;
    environment->shutdown_reason = reason;
    environment->deadline_ms = lambda->timer->now_ms(lambda->host) + ENVIRONMENT_SHUTDOWN_MS;
    for (size_t i = 0; i < environment->extensions_count; i++) {
        struct extension *extension = &environment->extensions[i];
        extension->owed_invoke = false;
        extension->owed_shutdown =
            extension->wants_shutdown && extension->state != EXTENSION_FAILED;
        any |= extension->owed_shutdown;
    }
    extensions_give(environment);
    return any;
}

bool extensions_are_done(const struct environment *environment) {
    for (size_t i = 0; i < environment->extensions_count; i++) {
        const struct extension *extension = &environment->extensions[i];
        bool works = extension->owed_shutdown || extension->state == EXTENSION_RUNNING;
        if (extension->wants_shutdown && works) {
            return false;
        }
    }
    return true;
}

static void on_next_cancelled(void *arg, struct virga_request *req, int status) {
    struct environment *environment = arg;
    (void)status;
    for (size_t i = 0; i < environment->extensions_count; i++) {
        if (environment->extensions[i].next == req) {
            environment->extensions[i].next = NULL;
        }
    }
    req->http->abort(req);
}

static void handle_next(struct environment *environment, struct virga_request *req) {
    struct extension *extension = extensions_identify(environment, req);
    if (extension == NULL) {
        return;
    }
    if (extension->state == EXTENSION_FAILED || extension->next != NULL) {
        refuse_transition(extension, req, "Ready");
        return;
    }
    extension->state = EXTENSION_READY;
    extension->next = req;
    req->http->on_cancel(req, on_next_cancelled, environment);
    extensions_give(environment);
    environment_check(environment);
}

/* --- errors --- */

static void handle_error(struct environment *environment, struct virga_request *req,
                         const char *error_type) {
    struct extension *extension = extensions_identify(environment, req);
    if (extension == NULL) {
        return;
    }
    struct virga_str type = header(req, TYPE_HEADER);
    char message[REPORT_SIZE];
    if (type.len == 0) {
        runtime_api_refuse(req, 403, "Extension.MissingHeader", TYPE_HEADER " not found");
        return;
    }
    bool is_init = strcmp(error_type, "Extension.InitError") == 0;
    if (is_init && extension->state != EXTENSION_REGISTERED) {
        refuse_transition(extension, req, "InitError");
        return;
    }
    (void)snprintf(message, sizeof message, "extension %s: %.256s", extension->name, type.ptr);
    extension->state = EXTENSION_FAILED;
    extension->owed_invoke = extension->owed_shutdown = false;
    runtime_api_accept(req);
    if (environment->state < ENVIRONMENT_SHUTDOWN) {
        environment_fail(environment, "error", error_type, message, SHUTDOWN_FAILURE);
    } else {
        environment_check(environment);
    }
}

/* --- the way in --- */

void extensions_api_body(struct body *body) {
    if (body->kind == BODY_REGISTER) {
        complete_register(body->environment, body);
    } else {
        telemetry_complete(body);
    }
}

void extensions_api_handle(struct environment *environment, struct virga_request *req,
                           struct virga_str what) {
    static const struct virga_response not_found = {.struct_size = sizeof not_found, .status = 404};
    if (virga_str_equal(what, virga_str_from("register")) && is_method(req, "POST")) {
        handle_register(environment, req);
    } else if (virga_str_equal(what, virga_str_from("event/next")) && is_method(req, "GET")) {
        handle_next(environment, req);
    } else if (virga_str_equal(what, virga_str_from("init/error")) && is_method(req, "POST")) {
        handle_error(environment, req, "Extension.InitError");
    } else if (virga_str_equal(what, virga_str_from("exit/error")) && is_method(req, "POST")) {
        handle_error(environment, req, "Extension.ExitError");
    } else {
        (void)req->http->respond(req, &not_found);
    }
}
