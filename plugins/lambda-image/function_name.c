/* SPDX-License-Identifier: MIT */
/* Takes names of functions apart, as FUNCTION_NAME_PATTERN has them. */
#include "function_name.h"

#include <ctype.h>
#include <errno.h>
#include <virga/helpers/arn.h>

#define TEXT_MAX 256 /* Source: the API model, NamespacedFunctionName */

static bool is_name_char(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static bool all(struct virga_str text, bool (*is)(char c)) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is(text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_name_or_dot(char c) {
    return is_name_char(c) || c == '.';
}

static bool is_qualifier_char(char c) {
    return is_name_char(c) || c == '$';
}

bool function_qualifier_matches(struct virga_str qualifier) {
    return virga_str_equal(qualifier, virga_str_from("$LATEST.PUBLISHED")) ||
           all(qualifier, is_qualifier_char);
}

/* Cuts what stands before the next ':' off. */
static struct virga_str cut(struct virga_str *rest) {
    const char *colon = rest->len > 0 ? memchr(rest->ptr, ':', rest->len) : NULL;
    struct virga_str part = {rest->ptr, colon != NULL ? (size_t)(colon - rest->ptr) : rest->len};
    size_t used = colon != NULL ? part.len + 1 : part.len;
    rest->ptr += used;
    rest->len -= used;
    return part;
}

static void copy(char *to, size_t size, struct virga_str from) {
    (void)snprintf(to, size, "%.*s", (int)from.len, from.ptr);
}

/* "us-east-1", "us-gov-west-1", "eusc-de-east-1": letters, hyphens and one digit at the end. */
static bool is_region(struct virga_str text) {
    if (text.len < 6 || text.len > LAMBDA_REGION_MAX || !is_digit(text.ptr[text.len - 1]) ||
        text.ptr[text.len - 2] != '-') {
        return false;
    }
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (!islower((unsigned char)text.ptr[i]) && text.ptr[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool is_account(struct virga_str text) {
    return text.len == LAMBDA_ACCOUNT_LEN && all(text, is_digit);
}

/* name[:qualifier] */
static int take_name(struct virga_str rest, struct function_name *name) {
    struct virga_str part = cut(&rest);
    bool qualified = part.len > 0 && part.ptr[part.len] == ':';
    if (!all(part, is_name_or_dot)) {
        return -EINVAL;
    }
    copy(name->name, sizeof name->name, part);
    if (!qualified) {
        return 0;
    }
    bool is_latest = virga_str_equal(rest, virga_str_from("$LATEST")) ||
                     virga_str_equal(rest, virga_str_from("$LATEST.PUBLISHED"));
    if (!is_latest && !all(rest, is_name_char)) {
        return -EINVAL;
    }
    copy(name->qualifier, sizeof name->qualifier, rest);
    return 0;
}

static int take_arn(struct virga_str text, struct function_name *name) {
    struct virga_arn arn;
    if (virga_arn_parse(text, &arn) != 0 || strncmp(arn.partition.ptr, "aws", 3) != 0 ||
        !virga_str_equal(arn.service, virga_str_from("lambda")) || !is_region(arn.region) ||
        !is_account(arn.account) || arn.resource.len < 9 ||
        strncmp(arn.resource.ptr, "function:", 9) != 0) {
        return -EINVAL;
    }
    name->is_arn = true;
    copy(name->region, sizeof name->region, arn.region);
    copy(name->account, sizeof name->account, arn.account);
    return take_name((struct virga_str){arn.resource.ptr + 9, arn.resource.len - 9}, name);
}

int function_name_parse(struct virga_str text, struct function_name *ret_name) {
    struct function_name name = {0};
    struct virga_str rest = text;
    int result = 0;
    if (text.len > TEXT_MAX) {
        return -EMSGSIZE;
    }
    if (text.len >= 4 && memcmp(text.ptr, "arn:", 4) == 0) {
        result = take_arn(text, &name);
    } else {
        struct virga_str first = cut(&rest);
        if (is_account(first) && rest.len > 0) {
            struct virga_str after = rest;
            copy(name.account, sizeof name.account, first);
            first = cut(&after);
            if (virga_str_equal(first, virga_str_from("function")) && after.len > 0) {
                rest = after;
            }
        } else if (virga_str_equal(first, virga_str_from("function")) && rest.len > 0) {
            /* "function:f" */
        } else {
            rest = text;
        }
        result = take_name(rest, &name);
    }
    if (result == 0) {
        *ret_name = name;
    }
    return result;
}
