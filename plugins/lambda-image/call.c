/* SPDX-License-Identifier: MIT */
/* What the actions have in common: answers, errors, pages. */
#include "call.h"

#include "actions.h"
#include "uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <virga/helpers/restjson.h>

void call_answer(struct call *call, int status, struct virga_json_writer *writer) {
    struct virga_request *req = call->req;
    actions_end_call(call);
    (void)virga_restjson_answer(req, status, writer);
}

void call_answer_json(struct call *call, int status, struct json_object *json) {
    struct virga_json_writer writer = {0};
    size_t len = 0;
    const char *text =
        json != NULL ? json_object_to_json_string_length(
                           json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len)
                     : NULL;
    if (text == NULL) {
        json_object_put(json);
        call_broken(call, "The answer could not be made", -ENOMEM);
        return;
    }
    virga_json_raw(&writer, NULL, (struct virga_str){text, len});
    json_object_put(json);
    call_answer(call, status, &writer);
}

/* Exceptions whose model calls the text "Message". */
static bool says_message(const char *code) {
    static const char *const codes[] = {"ResourceNotFoundException",
                                        "CodeSigningConfigNotFoundException",
                                        "ServiceException",
                                        "EC2ThrottledException",
                                        "KMSAccessDeniedException",
                                        "CodeVerificationFailedException",
                                        "InvalidCodeSignatureException",
                                        "RecursiveInvocationException",
                                        "NoPublishedVersionException",
                                        "AccessDeniedException"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Errors of the front end, which no model describes. */
static bool has_type(const char *code) {
    return strcmp(code, "ValidationException") != 0 && strcmp(code, "AccessDeniedException") != 0 &&
           strcmp(code, "RequestEntityTooLargeException") != 0 &&
           strcmp(code, "SerializationException") != 0 &&
           strcmp(code, "InvalidSignatureException") != 0;
}

static void answer_error(struct virga_request *req, int status, const char *code,
                         const char *message) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    if (has_type(code) && (status & CALL_NO_TYPE) == 0) {
        virga_json_string(&writer, "Type", (status & ~CALL_NO_TYPE) < 500 ? "User" : "Service");
    }
    if (message != NULL) {
        virga_json_string(&writer, says_message(code) ? "Message" : "message", message);
    } else {
        virga_json_raw(&writer, says_message(code) ? "Message" : "message", virga_str_from("null"));
    }
    virga_json_end_object(&writer);
    struct virga_header headers[] = {
        {virga_str_from("Content-Type"), virga_str_from("application/json")},
        {virga_str_from("x-amzn-ErrorType"), virga_str_from(code)}};
    struct virga_response res = {.struct_size = sizeof res,
                                 .status = writer.failed ? 500 : status & ~CALL_NO_TYPE,
                                 .headers = headers,
                                 .headers_count = 2,
                                 .body = {writer.ptr, writer.failed ? 0 : writer.len}};
    (void)req->http->respond(req, &res);
    virga_json_finish(&writer);
}

/* The message in `buffer`, or on the heap where it is too long for it. NULL: out of memory. */
VIRGA_PRINTF(3, 0)
static char *format_message(char *buffer, size_t size, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(buffer, size, format, args);
    char *message = buffer;
    if (len >= (int)size) {
        message = malloc((size_t)len + 1);
        if (message != NULL) {
            (void)vsnprintf(message, (size_t)len + 1, format, again);
        }
    }
    va_end(again);
    return message;
}

void call_fail(struct call *call, int status, const char *code, const char *format, ...) {
    char buffer[VIRGA_RESTJSON_MESSAGE_MAX];
    struct virga_request *req = call->req;
    char *message = NULL;
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        message = format_message(buffer, sizeof buffer, format, args);
        va_end(args);
        if (message == NULL) {
            message = buffer; /* cut */
        }
    }
    actions_end_call(call);
    answer_error(req, status, code, message);
    if (message != buffer) {
        free(message);
    }
}

void call_broken(struct call *call, const char *what, int error) {
    LAMBDA_LOG(call->lambda, VIRGA_LOG_ERROR, call->req, "%s: %s", what, strerror(-error));
    call_fail(call, 500, "ServiceException", "%s: %s", what, strerror(-error));
}

void call_no_function(struct call *call, const char *qualifier) {
    char arn[LAMBDA_ARN_MAX];
    function_arn(&call->tenant, call->name.name, qualifier, arn);
    call_fail(call, 404, "ResourceNotFoundException", "Function not found: %s", arn);
}

void call_invalid(struct call *call, const char *value, const char *member,
                  const char *constraint) {
    const char *quote = value != NULL ? "'" : "";
    call_fail(call, 400, "ValidationException",
              "1 validation error detected: Value %s%s%s at '%s' failed to satisfy constraint: %s",
              quote, value != NULL ? value : "null", quote, member, constraint);
}

struct virga_request *call_detach(struct call *call) {
    struct virga_request *req = call->req;
    call->on_end = NULL;
    actions_end_call(call);
    return req;
}

bool call_name_is_here(struct call *call) {
    const struct function_name *name = &call->name;
    if (name->region[0] != '\0' && strcmp(name->region, call->tenant.region) != 0) {
        call_fail(call, 404, "ResourceNotFoundException",
                  "Functions from '%s' are not reachable in this region ('%s')", name->region,
                  call->tenant.region);
        return false;
    }
    if (name->account[0] != '\0' && strcmp(name->account, call->tenant.account) != 0 &&
        (call->action->flags & ACTION_ANY_ACCOUNT) == 0) {
        call_fail(call, 403, "AccessDeniedException", NULL);
        return false;
    }
    return true;
}

bool call_name_is_unqualified(struct call *call) {
    const char *qualifier = call_qualifier(call);
    if (qualifier[0] == '\0') {
        return true;
    }
    call_fail(call, 400, "InvalidParameterValueException",
              "This operation is permitted on Lambda functions only. Aliases and versions do not "
              "support this operation. Please specify either a function name or an unqualified "
              "function ARN.");
    return false;
}

const char *call_qualifier(const struct call *call) {
    return call->name.qualifier;
}

struct virga_str call_str(const struct call *call, const char *key) {
    return virga_awsjson_str(call->input, key);
}

/* 0 to 1, for the weights of aliases. */
static double roll(void) {
    uint32_t bits = 0;
    (void)getrandom(&bits, sizeof bits, 0);
    return (double)bits / 4294967296.0;
}

bool call_function(struct call *call, struct function **ret_function) {
    int result = functions_resolve(call->lambda, &call->tenant, call->name.name,
                                   call_qualifier(call), roll(), ret_function);
    if (result == -ENOENT) {
        call_no_function(call, call_qualifier(call));
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

bool call_function_exists(struct call *call) {
    struct function *function = NULL;
    int result =
        functions_get(call->lambda, &call->tenant, call->name.name, FUNCTIONS_LATEST, &function);
    function_unref(function);
    if (result == -ENOENT) {
        call_no_function(call, NULL);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

bool call_page_start(struct call *call, size_t max, struct call_page *page) {
    struct virga_str marker = call_str(call, "Marker");
    *page = (struct call_page){.max = max};
    int64_t wanted = virga_awsjson_int(call->input, "MaxItems", (int64_t)max);
    if (wanted > 0 && (size_t)wanted < max) {
        page->max = (size_t)wanted;
    }
    struct virga_str versions = call_str(call, "FunctionVersion");
    (void)snprintf(page->question, sizeof page->question, "%s %s %s %.120s %.8s",
                   call->action->name, call->tenant.account, call->tenant.region, call->name.name,
                   versions.ptr != NULL ? versions.ptr : "");
    if (marker.ptr == NULL || marker.len == 0) {
        return true;
    }
    size_t len = 0;
    int result =
        virga_page_token_open(actions_page_key(call->lambda), virga_str_from(page->question),
                              marker, page->position, &len);
    if (result != 0) {
        call_fail(call, 400, "InvalidParameterValueException", "Invalid Marker");
        return false;
    }
    page->position[len] = '\0';
    return true;
}

bool call_page_take(struct call_page *page, const char *position) {
    if (page->count == page->max) {
        page->more = true;
        return false;
    }
    page->count++;
    (void)snprintf(page->last, sizeof page->last, "%s", position);
    return true;
}

int call_page_end(struct call *call, const struct call_page *page,
                  struct virga_json_writer *writer) {
    char token[VIRGA_PAGE_TOKEN_SIZE];
    if (!page->more) {
        return 0;
    }
    int result =
        virga_page_token_make(actions_page_key(call->lambda), virga_str_from(page->question),
                              virga_str_from(page->last), token);
    if (result == 0) {
        virga_json_string(writer, "NextMarker", token);
    }
    return result;
}

void call_make_uuid(char ret_uuid[LAMBDA_ID_LEN + 1]) {
    uuid_make(ret_uuid);
}

void call_format_time(int64_t time_ms, char ret_text[32]) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts = {0};
    char day[20];
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret_text, 32, "%s.%03u+0000", day, (unsigned)(time_ms % 1000) % 1000u);
}
