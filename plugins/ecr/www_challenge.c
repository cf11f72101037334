/* SPDX-License-Identifier: MIT */
/* Challenges: scheme name="value", name=value, scheme ... */
#include "www_challenge.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_token(char c) {
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip(struct virga_str *text, size_t count) {
    text->ptr += count;
    text->len -= count;
}

static void skip_blanks(struct virga_str *text) {
    while (text->len > 0 && (text->ptr[0] == ' ' || text->ptr[0] == '\t')) {
        skip(text, 1);
    }
}

static struct virga_str take_token(struct virga_str *text) {
    struct virga_str token = {text->ptr, 0};
    while (token.len < text->len && is_token(text->ptr[token.len])) {
        token.len++;
    }
    skip(text, token.len);
    return token;
}

/* Takes what follows '='; false: it does not fit, or the quotes do not end. */
static bool take_value(struct virga_str *text, char *buffer, size_t size) {
    size_t len = 0;
    if (text->len == 0 || text->ptr[0] != '"') {
        /* Unquoted, as some registries write URLs too: to the next comma or blank. */
        while (text->len > 0 && strchr(", \t", text->ptr[0]) == NULL && len + 1 < size) {
            buffer[len++] = text->ptr[0];
            skip(text, 1);
        }
        buffer[len] = '\0';
        return len > 0 && (text->len == 0 || strchr(", \t", text->ptr[0]) != NULL);
    }
    skip(text, 1);
    while (text->len > 0 && text->ptr[0] != '"') {
        if (text->ptr[0] == '\\' && text->len > 1) {
            skip(text, 1);
        }
        if (len + 1 >= size) {
            return false;
        }
        buffer[len++] = text->ptr[0];
        skip(text, 1);
    }
    if (text->len == 0) {
        return false;
    }
    skip(text, 1);
    buffer[len] = '\0';
    return true;
}

static bool name_is(struct virga_str name, const char *other) {
    return name.len == strlen(other) && strncasecmp(name.ptr, other, name.len) == 0;
}

/* Takes the parameters of one challenge, up to the next scheme or the end. */
static bool take_params(struct virga_str *text, struct www_challenge *challenge) {
    char other[1024];
    for (;;) {
        skip_blanks(text);
        while (text->len > 0 && text->ptr[0] == ',') {
            skip(text, 1);
            skip_blanks(text);
        }
        struct virga_str rest = *text;
        struct virga_str name = take_token(&rest);
        skip_blanks(&rest);
        if (name.len == 0 || rest.len == 0 || rest.ptr[0] != '=') {
            /* A word without '=' is the next scheme. */
            return name.len > 0 || rest.len == 0;
        }
        skip(&rest, 1);
        skip_blanks(&rest);
        bool good =
            name_is(name, "realm") ? take_value(&rest, challenge->realm, sizeof challenge->realm)
            : name_is(name, "service")
                ? take_value(&rest, challenge->service, sizeof challenge->service)
            : name_is(name, "scope") ? take_value(&rest, challenge->scope, sizeof challenge->scope)
                                     : take_value(&rest, other, sizeof other);
        if (!good) {
            return false;
        }
        *text = rest;
    }
}

bool www_challenge_parse(struct virga_str value, struct www_challenge *ret_challenge) {
    *ret_challenge = (struct www_challenge){.scheme = WWW_NONE};
    for (;;) {
        struct www_challenge challenge = {.scheme = WWW_NONE};
        skip_blanks(&value);
        struct virga_str scheme = take_token(&value);
        if (scheme.len == 0) {
            return value.len == 0 && ret_challenge->scheme != WWW_NONE;
        }
        challenge.scheme = name_is(scheme, "Bearer")  ? WWW_BEARER
                           : name_is(scheme, "Basic") ? WWW_BASIC
                                                      : WWW_NONE;
        if (!take_params(&value, &challenge)) {
            return false;
        }
        if (challenge.scheme > ret_challenge->scheme) {
            *ret_challenge = challenge;
        }
    }
}
