/* SPDX-License-Identifier: MIT */
/* The types of settings. */
#include "config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nearest.h"

#define SHOWN "%.80s" /* how much of a wrong value a message repeats */

int config_value_check_decl(const struct virga_config_key *decl, struct error *err) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    if (decl->key == NULL || decl->key[0] == '\0' ||
        decl->key[strspn(decl->key, allowed)] != '\0') {
        return error_set(err, -EINVAL,
                         "config key \"" SHOWN "\": want letters a-z, digits, - and .",
                         decl->key != NULL ? decl->key : "");
    }
    if (decl->type < VIRGA_CONFIG_STRING || decl->type > VIRGA_CONFIG_ENUM) {
        return error_set(err, -EINVAL, "config key %s: unknown type %u", decl->key, decl->type);
    }
    if (decl->type == VIRGA_CONFIG_ENUM && (decl->choices == NULL || decl->choices[0] == '\0')) {
        return error_set(err, -EINVAL, "config key %s: an enum without choices", decl->key);
    }
    if (decl->min > decl->max) {
        return error_set(err, -EINVAL, "config key %s: min above max", decl->key);
    }
    return 0;
}

static int check_int(const struct virga_config_key *decl, const char *text, int64_t *ret_number,
                     struct error *err) {
    const char *digits = text[0] == '-' ? text + 1 : text;
    bool bounded = decl->min != 0 || decl->max != 0;
    char want[64] = "a whole number";
    long long number;
    if (bounded) {
        (void)snprintf(want, sizeof want, "a whole number from %" PRId64 " to %" PRId64, decl->min,
                       decl->max);
    }
    errno = 0;
    number = strtoll(text, NULL, 10);
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0' || errno != 0 ||
        (bounded && (number < decl->min || number > decl->max))) {
        return error_set(err, -EINVAL, "\"" SHOWN "\" is not %s", text, want);
    }
    *ret_number = number;
    return 0;
}

static int check_bool(const char *text, const char **ret_text, int64_t *ret_number,
                      struct error *err) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret_text = words[i % 2];
            *ret_number = (int64_t)(i % 2);
            return 0;
        }
    }
    return error_set(err, -EINVAL, "\"" SHOWN "\" is not true or false (yes, no, on, off, 1, 0)",
                     text);
}

static int check_enum(const struct virga_config_key *decl, const char *text, struct error *err) {
    struct nearest nearest;
    char *choices = strdup(decl->choices);
    char *rest = choices;
    char listed[256] = "";
    size_t used = 0;
    if (choices == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    nearest_init(&nearest, text, nearest_hint_limit(text));
    for (char *choice = strsep(&rest, "|"); choice != NULL; choice = strsep(&rest, "|")) {
        if (strcmp(choice, text) == 0) {
            free(choices);
            return 0;
        }
        nearest_offer(&nearest, choice);
        int len =
            snprintf(listed + used, sizeof listed - used, "%s%s", used > 0 ? ", " : "", choice);
        if (len > 0 && (size_t)len < sizeof listed - used) {
            used += (size_t)len;
        }
    }
    if (nearest.best != NULL) {
        (void)error_set(err, -EINVAL, "\"" SHOWN "\" is none of: %s; did you mean %s?", text,
                        listed, nearest.best);
    } else {
        (void)error_set(err, -EINVAL, "\"" SHOWN "\" is none of: %s", text, listed);
    }
    free(choices);
    return -EINVAL;
}

int config_value_check(const struct virga_config_key *decl, const char *text, const char **ret_text,
                       int64_t *ret_number, struct error *err) {
    int64_t number = 0;
    const char *kept = text;
    int rc = 0;
    switch (decl->type) {
    case VIRGA_CONFIG_INT:
        rc = check_int(decl, text, &number, err);
        break;
    case VIRGA_CONFIG_BOOL:
        rc = check_bool(text, &kept, &number, err);
        break;
    case VIRGA_CONFIG_ENUM:
        rc = check_enum(decl, text, err);
        break;
    default:
        break;
    }
    if (rc == 0) {
        *ret_text = kept;
        *ret_number = number;
    }
    return rc;
}
