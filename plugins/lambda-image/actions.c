/* SPDX-License-Identifier: MIT */
/* The way of an API request: its members from path, query and body, the model's checks, whose
 * function it is about, the action. */
#include "actions.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/query.h>

#define PAGE_KEY_FACT "page-key"

struct actions {
    struct call *calls; /* under way */
    struct virga_page_key page_key;
};

const struct action actions_table[] = {
#define ENTRY(name, suffix, method, pattern, flags, limit)                                         \
    {#name, method, pattern, limit, flags, &model_##suffix, action_##suffix},
    ACTIONS(ENTRY)
#undef ENTRY
        {NULL, NULL, NULL, 0, 0, NULL, NULL},
};

/* Reads the key of the page tokens, or makes it: tokens outlive a restart. */
static int read_page_key(struct lambda *lambda, struct virga_page_key *ret_key) {
    char text[VIRGA_BASE64_SIZE(VIRGA_PAGE_KEY_SIZE)];
    char bytes[sizeof text];
    size_t len = 0;
    int result = fact_get(lambda, PAGE_KEY_FACT, text, sizeof text);
    if (result == 0 && virga_base64_decode(virga_str_from(text), bytes, &len) == 0 &&
        len == sizeof ret_key->bytes) {
        memcpy(ret_key->bytes, bytes, len);
        return 0;
    }
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    if (getrandom(ret_key->bytes, sizeof ret_key->bytes, 0) != (ssize_t)sizeof ret_key->bytes) {
        return -EIO;
    }
    virga_base64_encode((struct virga_str){(const char *)ret_key->bytes, sizeof ret_key->bytes},
                        text);
    return fact_put(lambda, PAGE_KEY_FACT, text);
}

int actions_create(struct lambda *lambda, struct actions **ret_actions) {
    struct actions *actions = calloc(1, sizeof *actions);
    if (actions == NULL) {
        return -ENOMEM;
    }
    int result = read_page_key(lambda, &actions->page_key);
    if (result != 0) {
        free(actions);
        return result;
    }
    *ret_actions = actions;
    return 0;
}

void actions_destroy(struct actions *actions) {
    free(actions);
}

const struct virga_page_key *actions_page_key(const struct lambda *lambda) {
    return &lambda->actions->page_key;
}

void actions_end_call(struct call *call) {
    if (call->on_end != NULL) {
        call->on_end(call);
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        call->lambda->actions->calls = call->next;
    }
    json_object_put(call->input);
    call->input = NULL;
}

/* The shape of a member of the action's input; NULL: it knows none of that name. */
static const struct virga_model_shape *member_shape(const struct action *action, const char *name) {
    const struct virga_model_member *member = action->input->members;
    while (member != NULL && member->name != NULL && strcmp(member->name, name) != 0) {
        member++;
    }
    return member != NULL && member->name != NULL ? member->shape : NULL;
}

static bool add_integer(struct call *call, const char *name, struct virga_str value) {
    char text[24], *end = NULL;
    (void)snprintf(text, sizeof text, "%.*s", (int)value.len, value.ptr);
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (value.len == 0 || value.len >= sizeof text || *end != '\0' || errno != 0) {
        call_fail(call, 400, "SerializationException",
                  "STRING_VALUE cannot be converted to Integer");
        return false;
    }
    json_object_object_add(call->input, name, json_object_new_int64(number));
    return true;
}

/* Adds a member that came by path or query. False: the call has ended. */
static bool add_member(struct call *call, const char *name, struct virga_str value) {
    const struct virga_model_shape *shape = member_shape(call->action, name);
    struct json_object *text = NULL, *list = NULL;
    if (shape == NULL) {
        return true; /* not ours to judge: signatures, ?List=ALL */
    }
    if (shape->type == VIRGA_MODEL_INTEGER) {
        return add_integer(call, name, value);
    }
    text = json_object_new_string_len(value.ptr, (int)value.len);
    if (text == NULL) {
        call_broken(call, "The request could not be read", -ENOMEM);
        return false;
    }
    if (shape->type != VIRGA_MODEL_LIST) {
        json_object_object_add(call->input, name, text);
        return true;
    }
    if (!json_object_object_get_ex(call->input, name, &list) ||
        !json_object_is_type(list, json_type_array)) { /* a body may have one of that name */
        list = json_object_new_array();
        json_object_object_add(call->input, name, list);
    }
    json_object_array_add(list, text);
    return true;
}

/* The names in the route's pattern, in order, with what the path has in their places. */
static bool add_path(struct call *call) {
    const struct virga_route *route = call->req->route;
    const char *at = route != NULL ? route->pattern : call->action->pattern;
    for (size_t i = 0; i < call->req->params_count; i++) {
        char name[64];
        const char *begin = strchr(at, '{');
        const char *end = begin != NULL ? strchr(begin, '}') : NULL;
        if (end == NULL) {
            break;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)(end - begin - 1), begin + 1);
        if (!add_member(call, name, call->req->params[i])) {
            return false;
        }
        at = end;
    }
    return true;
}

/* Decodes %XX and '+' into the request's memory; ptr NULL: it is malformed or there is no memory.
 */
static struct virga_str decode(struct virga_request *req, struct virga_str text) {
    char *to = req->http->alloc(req, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; to != NULL && i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            char hex[3] = {0};
            if (i + 2 >= text.len || !isxdigit((unsigned char)text.ptr[i + 1]) ||
                !isxdigit((unsigned char)text.ptr[i + 2])) {
                return (struct virga_str){NULL, 0};
            }
            memcpy(hex, text.ptr + i + 1, 2);
            c = (char)strtol(hex, NULL, 16);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        to[len++] = c;
    }
    if (to != NULL) {
        to[len] = '\0';
    }
    return (struct virga_str){to, len};
}

static bool add_query(struct call *call) {
    struct virga_str rest = call->req->query;
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '&', rest.len);
        struct virga_str pair = {rest.ptr, end != NULL ? (size_t)(end - rest.ptr) : rest.len};
        const char *equals = pair.len > 0 ? memchr(pair.ptr, '=', pair.len) : NULL;
        size_t name_len = equals != NULL ? (size_t)(equals - pair.ptr) : pair.len;
        struct virga_str name = decode(call->req, (struct virga_str){pair.ptr, name_len});
        struct virga_str value = {"", 0};
        if (equals != NULL) {
            value = decode(call->req, (struct virga_str){equals + 1, pair.len - name_len - 1});
        }
        if (name.ptr == NULL || value.ptr == NULL) {
            call_fail(call, 400, "SerializationException", "The query string is malformed");
            return false;
        }
        if (name.len > 0 && !add_member(call, name.ptr, value)) {
            return false;
        }
        rest = end != NULL ? (struct virga_str){end + 1, rest.len - pair.len - 1}
                           : (struct virga_str){"", 0};
    }
    return true;
}

/* Reads body, path and query and checks them; false: answered. */
static bool take_input(struct call *call) {
    struct virga_model_fault fault;
    char message[sizeof fault.path + sizeof fault.value + sizeof fault.constraint + 96];
    bool raw = (call->action->flags & ACTION_RAW_BODY) != 0;
    int result = virga_awsjson_parse(raw ? virga_str_from("") : call->req->body, &call->input);
    if (result == -EBADMSG) {
        call_fail(call, 400, "SerializationException", "Could not parse request body into json");
        return false;
    }
    if (result != 0) {
        call_broken(call, "The request could not be read", result);
        return false;
    }
    if (!add_query(call) || !add_path(call)) {
        return false;
    }
    result = virga_model_check(call->action->input, call->input, &fault);
    if (result == -EINVAL && fault.kind == VIRGA_MODEL_FAULT_TYPE) {
        call_fail(call, 400, "SerializationException", "%s", fault.constraint);
    } else if (result == -EINVAL) {
        virga_model_message_validation(&fault, message, sizeof message);
        call_fail(call, 400, "ValidationException", "%s", message);
    } else if (result != 0) {
        call_broken(call, "The request could not be read", result);
    }
    return result == 0;
}

static bool take_tenant(struct call *call) {
    const struct virga_request *req = call->req;
    if (req->account.len != LAMBDA_ACCOUNT_LEN || req->region.len == 0 ||
        req->region.len > LAMBDA_REGION_MAX) {
        call_fail(call, 403, "InvalidSignatureException",
                  "Credential should be scoped to a valid region.");
        return false;
    }
    memcpy(call->tenant.account, req->account.ptr, req->account.len);
    memcpy(call->tenant.region, req->region.ptr, req->region.len);
    return true;
}

#define PATTERN_FAULT                                                                              \
    "Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression "     \
    "pattern: %s"

/* Tells of names that do not match their patterns, Qualifier first. False: the call has ended. */
static bool check_patterns(struct call *call, struct virga_str text, int parsed) {
    struct virga_str qualifier = call_str(call, "Qualifier");
    bool qualifier_bad = qualifier.ptr != NULL && !function_qualifier_matches(qualifier);
    if (qualifier_bad && parsed == -EINVAL) {
        call_fail(call, 400, "ValidationException",
                  "2 validation errors detected: " PATTERN_FAULT "; " PATTERN_FAULT, qualifier.ptr,
                  "qualifier", FUNCTION_QUALIFIER_PATTERN, text.ptr, "functionName",
                  FUNCTION_NAME_PATTERN);
    } else if (qualifier_bad) {
        call_fail(call, 400, "ValidationException", "1 validation error detected: " PATTERN_FAULT,
                  qualifier.ptr, "qualifier", FUNCTION_QUALIFIER_PATTERN);
    } else if (parsed == -EMSGSIZE) {
        call_invalid(call, text.ptr, "functionName",
                     "Member must have length less than or equal to 256");
    } else if (parsed != 0) {
        call_fail(call, 400, "ValidationException", "1 validation error detected: " PATTERN_FAULT,
                  text.ptr, "functionName", FUNCTION_NAME_PATTERN);
    }
    return !qualifier_bad && parsed == 0;
}

/* Takes FunctionName and Qualifier apart. Pattern, region and account come before everything else.
 * Source: AWS-recorded answers. */
static bool take_name(struct call *call) {
    struct virga_str text = call_str(call, "FunctionName");
    struct virga_str qualifier = call_str(call, "Qualifier");
    struct function_name *name = &call->name;
    if (text.ptr == NULL || (call->action->flags & ACTION_NAMES_ITSELF) != 0) {
        return true;
    }
    if (!check_patterns(call, text, function_name_parse(text, name)) || !call_name_is_here(call)) {
        return false;
    }
    if (qualifier.ptr != NULL && qualifier.len > 0) {
        if (name->qualifier[0] != '\0' &&
            !virga_str_equal(virga_str_from(name->qualifier), qualifier)) {
            call_fail(call, 400, "InvalidParameterValueException",
                      "The derived qualifier from the function name does not match the specified "
                      "qualifier.");
            return false;
        }
        (void)snprintf(name->qualifier, sizeof name->qualifier, "%s", qualifier.ptr);
    }
    return true;
}

void actions_handle(struct lambda *lambda, const struct action *action, struct virga_request *req) {
    struct actions *actions = lambda->actions;
    struct call *call = req->http->alloc(req, sizeof *call);
    if (call == NULL) {
        req->http->abort(req);
        return;
    }
    *call = (struct call){.next = actions->calls, .lambda = lambda, .req = req, .action = action};
    if (call->next != NULL) {
        call->next->previous = call;
    }
    actions->calls = call;
    if (take_tenant(call) && take_input(call) && take_name(call)) {
        action->run(call);
    }
}
