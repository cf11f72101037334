/* SPDX-License-Identifier: MIT */
/* The patterns of the API model, as code. A pattern that is written in Java's syntax is tried as
 * the POSIX extended expression that means the same. */
#include "model_grammar.h"

#include "ecr.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>

static int is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int is_word(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

int model_is_repository_name(struct virga_str text) {
    size_t at = 0;
    while (at < text.len) {
        size_t start = at;
        while (at < text.len && is_lower_or_digit(text.ptr[at])) {
            at++;
        }
        if (at == start) {
            return 0;
        }
        if (at == text.len) {
            return 1;
        }
        /* One of: a dot, one or two underscores, any number of dashes, a slash. */
        char separator = text.ptr[at++];
        if (separator == '_' && at < text.len && text.ptr[at] == '_') {
            at++;
        } else if (separator == '-') {
            while (at < text.len && text.ptr[at] == '-') {
                at++;
            }
        } else if (separator != '.' && separator != '_' && separator != '/') {
            return 0;
        }
    }
    return 0;
}

int model_is_tag(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_word(text.ptr[i])) {
            return 0;
        }
    }
    return text.len > 0 && text.len <= ECR_TAG_MAX;
}

int model_is_digest(struct virga_str text) {
    size_t at = 0;
    while (at < text.len && (is_word(text.ptr[at]) || text.ptr[at] == '+')) {
        at++;
    }
    if (at == 0 || at + 1 >= text.len || text.ptr[at] != ':') {
        return 0;
    }
    while (++at < text.len) {
        if (!isxdigit((unsigned char)text.ptr[at])) {
            return 0;
        }
    }
    return 1;
}

int model_is_registry_id(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
    }
    return text.len == ECR_ACCOUNT_LEN;
}

int model_is_exclusion_filter(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_word(text.ptr[i]) && text.ptr[i] != '*') {
            return 0;
        }
    }
    return text.len > 0 && text.len <= 128;
}

/* Whether the POSIX extended expression matches the whole text. */
static int matches_whole(const char *expression, struct virga_str text) {
    regex_t regex;
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
        return 0;
    }
    char *copy = strndup(text.len > 0 ? text.ptr : "", text.len);
    if (copy == NULL || regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0) {
        free(copy);
        return 0;
    }
    int matched = regexec(&regex, copy, 0, NULL, 0) == 0;
    regfree(&regex);
    free(copy);
    return matched;
}

int model_is_prefix(struct virga_str text) {
    if (virga_str_equal(text, virga_str_from("ROOT"))) {
        return 1;
    }
    if (text.len > 0 && text.ptr[text.len - 1] == '/') {
        text.len--;
    }
    return model_is_repository_name(text);
}

int model_is_upload_id(struct virga_str text) {
    static const size_t dashes[] = {8, 13, 18, 23};
    size_t dash = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (dash < 4 && i == dashes[dash]) {
            if (text.ptr[i] != '-') {
                return 0;
            }
            dash++;
        } else if (!isxdigit((unsigned char)text.ptr[i])) {
            return 0;
        }
    }
    return text.len == 36;
}

int model_is_region(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_lower_or_digit(text.ptr[i]) && text.ptr[i] != '-') {
            return 0;
        }
    }
    return text.len >= 2 && text.len <= 25;
}

int model_is_credential_arn(struct virga_str text) {
    return matches_whole("^arn:aws(-[[:alnum:]_]+)*:secretsmanager:[a-zA-Z0-9:-]+:secret:"
                         "ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+$",
                         text);
}

int model_is_principal_arn(struct virga_str text) {
    return matches_whole("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[[:alnum:]_+=,.@-]+"
                         "(/[[:alnum:]_+=,.@-]+)*$",
                         text);
}

int model_is_signing_profile_arn(struct virga_str text) {
    return matches_whole("^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/"
                         "[a-zA-Z0-9_]{2,}$",
                         text);
}

int model_is_template_kms_key(struct virga_str text) {
    return matches_whole("^$|^arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", text);
}

int model_is_replication_filter(struct virga_str text) {
    return matches_whole("^([a-z0-9]+([._-][a-z0-9]*)*/)*[a-z0-9]*([._-][a-z0-9]*)*$", text);
}

int model_is_scanning_filter(struct virga_str text) {
    return matches_whole("^[a-z0-9*]([._/a-z0-9*-]?[a-z0-9*]+)*$", text);
}

int model_is_signing_filter(struct virga_str text) {
    return matches_whole("^([a-z0-9*]+([._-][a-z0-9*]+)*/)*[a-z0-9*]+([._-][a-z0-9*]+)*$", text);
}
