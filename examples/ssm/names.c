/* SPDX-License-Identifier: MIT */
/* The rules for names. Source: "Requirements and constraints for parameter names" in the user
 * guide; the messages as AWS writes them. */
#include "names.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>
#include <virga/helpers/arn.h>

#define PREFIX_MESSAGE                                                                             \
    "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."
#define PATH_MESSAGE                                                                               \
    "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it "  \
    "can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of "   \
    "letters, numbers and the following 3 symbols .-_"
#define SEARCH_MESSAGE                                                                             \
    "The parameter doesn't meet the parameter name requirements. The parameter name must begin "   \
    "with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" "                    \
    "(case-insensitive). "                                                                         \
    "It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ "      \
    "(underscore). Special characters are not allowed. All sub-paths, if specified, must use the " \
    "forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_."

static int is_of_name_characters(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(isascii(c) && isalnum(c)) && (c == '\0' || strchr("._-/", c) == NULL)) {
            return 0;
        }
    }
    return 1;
}

static size_t count_levels(struct virga_str name) {
    size_t levels = name.ptr[0] != '/';
    for (size_t i = 0; i < name.len; i++) {
        levels += name.ptr[i] == '/';
    }
    return levels;
}

static int begins_with(struct virga_str text, const char *prefix) {
    return text.len >= strlen(prefix) && strncasecmp(text.ptr, prefix, strlen(prefix)) == 0;
}

/* What is reserved for AWS. */
static int check_prefix(struct call *call, struct virga_str name) {
    int slash = name.ptr[0] == '/';
    struct virga_str first = {name.ptr + slash, name.len - (size_t)slash};
    int is_aws = begins_with(first, "aws");
    int is_path = count_levels(name) > 1;
    if (!is_aws && !begins_with(first, "ssm")) {
        return 0;
    }
    if (is_aws && is_path) {
        call_fail(call, "AccessDeniedException", "No access to reserved parameter name: %s.",
                  name.ptr);
    } else {
        call_fail(call, "ValidationException", "%s", is_path ? PATH_MESSAGE : PREFIX_MESSAGE);
    }
    return -EINVAL;
}

int name_check(struct call *call, struct virga_str name) {
    char arn[NAME_ARN_SIZE];
    if (name.ptr[0] != '/' && memchr(name.ptr, '/', name.len) != NULL) {
        call_fail(call, "ValidationException", "Parameter name must be a fully qualified name");
        return -EINVAL;
    }
    if (!is_of_name_characters(name) || name.ptr[name.len - 1] == '/' ||
        strstr(name.ptr, "//") != NULL) {
        call_fail(call, "ValidationException", "%s", PATH_MESSAGE);
        return -EINVAL;
    }
    if (count_levels(name) > NAME_LEVELS_MAX) {
        call_fail(call, "HierarchyLevelLimitExceededException",
                  "A hierarchy can have a maximum of %d levels. For more information, see "
                  "Requirements and constraints for parameter names in the AWS Systems Manager "
                  "User Guide.",
                  NAME_LEVELS_MAX);
        return -EINVAL;
    }
    if (name_arn(call, name, arn) > NAME_ARN_MAX) {
        call_fail(call, "ValidationException",
                  "Parameter name: the name and the ARN before it can have a maximum of %d "
                  "characters.",
                  NAME_ARN_MAX);
        return -EINVAL;
    }
    return check_prefix(call, name);
}

int name_check_path(struct call *call, struct virga_str path) {
    if (path.ptr[0] != '/' || !is_of_name_characters(path) || strstr(path.ptr, "//") != NULL) {
        call_fail(call, "ValidationException", "%s", SEARCH_MESSAGE);
        return -EINVAL;
    }
    return 0;
}

/* The name in an ARN: "parameter/a" is called "a", "parameter/a/b" is "/a/b". */
static int name_from_arn(const struct call *call, struct virga_str text, struct virga_str *ret) {
    static const char parameter[] = "parameter/";
    struct virga_request *req = call->req;
    struct virga_arn arn;
    ret->len = 0;
    if (virga_arn_parse(text, &arn) != 0 || !virga_str_equal(arn.service, virga_str_from("ssm")) ||
        !virga_str_equal(arn.account, req->account) || !virga_str_equal(arn.region, req->region) ||
        !begins_with(arn.resource, parameter)) {
        return 0;
    }
    struct virga_str rest = {arn.resource.ptr + strlen(parameter),
                             arn.resource.len - strlen(parameter)};
    if (memchr(rest.ptr, '/', rest.len) != NULL) {
        char *path = req->http->alloc(req, rest.len + 2);
        if (path == NULL) {
            return -ENOMEM;
        }
        path[0] = '/';
        memcpy(path + 1, rest.ptr, rest.len);
        path[rest.len + 1] = '\0';
        rest = (struct virga_str){path, rest.len + 1};
    }
    *ret = rest;
    return 0;
}

int name_refer(const struct call *call, struct virga_str text, struct name_reference *ret) {
    *ret = (struct name_reference){.name = text};
    if (begins_with(text, "arn:")) {
        int result = name_from_arn(call, text, &ret->name);
        if (result != 0) {
            return result;
        }
    }
    const char *colon = ret->name.len > 0 ? memchr(ret->name.ptr, ':', ret->name.len) : NULL;
    if (colon != NULL) {
        size_t len = (size_t)(colon - ret->name.ptr);
        ret->selector = (struct virga_str){colon + 1, ret->name.len - len - 1};
        ret->name.len = len;
    }
    if (ret->name.len > NAME_ARN_MAX) {
        ret->name.len = 0;
    }
    return 0;
}

size_t name_arn(const struct call *call, struct virga_str name, char arn[NAME_ARN_SIZE]) {
    const struct virga_request *req = call->req;
    int len = snprintf(arn, NAME_ARN_SIZE, "arn:%s:ssm:%s:%s:parameter%s%.*s",
                       virga_arn_partition(req->region), req->region.ptr, req->account.ptr,
                       name.ptr[0] == '/' ? "" : "/", (int)name.len, name.ptr);
    return (size_t)len;
}
