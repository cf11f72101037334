/* SPDX-License-Identifier: MIT */
/* Wildcards and variables. */
#include "policy_pattern.h"

#include "strbuf.h"

#include <ctype.h>
#include <errno.h>

/* What stands for '*' and '?' once variables are replaced, so that a variable's own characters are
 * not taken for wildcards. No policy holds control characters. */
#define MANY '\x01'
#define ONE '\x02'
#define ARN_PARTS 6

struct wildcards {
    char many;
    char one; /* NUL: there are none */
    bool no_case;
};

static bool same(char a, char b, bool no_case) {
    return no_case ? tolower((unsigned char)a) == tolower((unsigned char)b) : a == b;
}

static bool glob(struct virga_str pattern, struct virga_str text, const struct wildcards *cards) {
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.len) {
        char c = p < pattern.len ? pattern.ptr[p] : '\0';
        if (p < pattern.len && cards->many != '\0' && c == cards->many) {
            star = p++;
            from = t;
        } else if (p < pattern.len && ((cards->one != '\0' && c == cards->one) ||
                                       same(c, text.ptr[t], cards->no_case))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            /* The last star takes one character more. */
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && cards->many != '\0' && pattern.ptr[p] == cards->many) {
        p++;
    }
    return p == pattern.len;
}

/* The next part of an ARN; the sixth is all that is left. */
static struct virga_str take_part(struct virga_str *rest, size_t index, bool *ret_more) {
    const char *colon = index + 1 < ARN_PARTS ? memchr(rest->ptr, ':', rest->len) : NULL;
    struct virga_str part = {rest->ptr, colon != NULL ? (size_t)(colon - rest->ptr) : rest->len};
    size_t used = part.len + (colon != NULL ? 1 : 0);
    rest->ptr += used;
    rest->len -= used;
    *ret_more = colon != NULL;
    return part;
}

static bool glob_arn(struct virga_str pattern, struct virga_str text,
                     const struct wildcards *cards) {
    bool more_pattern = true, more_text = true;
    for (size_t i = 0; i < ARN_PARTS && more_pattern && more_text; i++) {
        struct virga_str a = take_part(&pattern, i, &more_pattern);
        struct virga_str b = take_part(&text, i, &more_text);
        if (!glob(a, b, cards)) {
            return false;
        }
    }
    return !more_pattern && !more_text;
}

/* Reads "key}" or "key, 'default'}" behind "${". Returns the length up to behind the brace, 0: it
 * is no variable. */
static size_t read_variable(struct virga_str text, struct virga_str *ret_key,
                            struct virga_str *ret_default) {
    const char *end = memchr(text.ptr, '}', text.len);
    if (end == NULL) {
        return 0;
    }
    struct virga_str key = {text.ptr, (size_t)(end - text.ptr)};
    *ret_default = (struct virga_str){0};
    const char *comma = memchr(key.ptr, ',', key.len);
    if (comma != NULL) {
        const char *open = memchr(comma, '\'', (size_t)(end - comma));
        const char *close = open != NULL ? memrchr(open + 1, '\'', (size_t)(end - open - 1)) : NULL;
        if (close == NULL) {
            return 0;
        }
        *ret_default = (struct virga_str){open + 1, (size_t)(close - open - 1)};
        key.len = (size_t)(comma - key.ptr);
    }
    while (key.len > 0 && key.ptr[key.len - 1] == ' ') {
        key.len--;
    }
    *ret_key = key;
    return (size_t)(end - text.ptr) + 1;
}

/* Writes the pattern with its variables replaced. Returns 1, or 0: a variable has no value. */
static int expand(struct virga_str pattern, bool wildcards, const struct policy_context *context,
                  struct strbuf *out) {
    static const char many = MANY, one = ONE;
    for (size_t i = 0; i < pattern.len;) {
        char c = pattern.ptr[i];
        struct virga_str key, fallback;
        size_t used = 0;
        if (c == '$' && i + 1 < pattern.len && pattern.ptr[i + 1] == '{') {
            used = read_variable((struct virga_str){pattern.ptr + i + 2, pattern.len - i - 2}, &key,
                                 &fallback);
        }
        if (used == 0) {
            bool wild = wildcards && (c == '*' || c == '?');
            strbuf_add(out, !wild ? &pattern.ptr[i] : c == '*' ? &many : &one, 1);
            i++;
            continue;
        }
        i += 2 + used;
        if (key.len == 1 && strchr("*?$", key.ptr[0]) != NULL) {
            strbuf_add_str(out, key);
            continue;
        }
        const struct virga_str *values;
        size_t count;
        if (policy_context_find(context, key, &values, &count) && count == 1) {
            strbuf_add_str(out, values[0]);
        } else if (fallback.ptr != NULL) {
            strbuf_add_str(out, fallback);
        } else {
            return 0;
        }
    }
    return 1;
}

int policy_pattern_matches(struct virga_str pattern, unsigned flags,
                           const struct policy_context *context, struct virga_str text) {
    bool wild = (flags & POLICY_PATTERN_WILDCARDS) != 0;
    struct wildcards cards = {wild ? '*' : '\0', wild ? '?' : '\0',
                              (flags & POLICY_PATTERN_NO_CASE) != 0};
    bool (*compare)(struct virga_str, struct virga_str, const struct wildcards *) =
        (flags & POLICY_PATTERN_ARN) != 0 ? glob_arn : glob;
    if ((flags & POLICY_PATTERN_VARIABLES) == 0 ||
        memmem(pattern.ptr, pattern.len, "${", 2) == NULL) {
        return compare(pattern, text, &cards);
    }
    struct strbuf expanded = {0};
    int result = expand(pattern, wild, context, &expanded);
    if (expanded.failed) {
        result = -ENOMEM;
    } else if (result == 1) {
        cards.many = wild ? MANY : '\0';
        cards.one = wild ? ONE : '\0';
        result = compare(strbuf_str(&expanded), text, &cards);
    }
    strbuf_finish(&expanded);
    return result;
}
