/* SPDX-License-Identifier: MIT */
/* A scanner of JSON that builds nothing. */
#include "event_json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <virga/helpers/json_writer.h>

#define TOKENS "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
#define TOKEN_SHOWN_MAX 100 /* of a word that is none */

struct scan {
    const char *begin, *at, *end;
    char *fault;
    size_t depth;
    unsigned char in_object[EVENT_JSON_DEPTH / 8 + 1]; /* a bit for each depth */
};

/* Notes why, and that it is at `place`. */
VIRGA_PRINTF(3, 4)
static bool fail(struct scan *scan, const char *place, const char *format, ...) {
    size_t line = 1, column = 1;
    va_list args;
    for (const char *at = scan->begin; at < place; at++) {
        line += *at == '\n';
        column = *at == '\n' ? 1 : column + 1;
    }
    va_start(args, format);
    int len = vsnprintf(scan->fault, EVENT_JSON_FAULT_MAX, format, args);
    va_end(args);
    if (len >= 0 && len < EVENT_JSON_FAULT_MAX) {
        (void)snprintf(scan->fault + len, EVENT_JSON_FAULT_MAX - (size_t)len,
                       "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` "
                       "disabled); line: %zu, column: %zu]",
                       line, column);
    }
    return false;
}

static bool fail_utf8(struct scan *scan, const char *at) {
    unsigned char c = (unsigned char)*at;
    bool start = c < 0xc2 || c > 0xf4;
    return fail(scan, at, "Invalid UTF-8 %s byte 0x%02x", start ? "start" : "middle",
                start || at + 1 == scan->end ? c : (unsigned char)at[1]);
}

static bool fail_character(struct scan *scan, const char *expected) {
    unsigned char c = (unsigned char)*scan->at;
    if (c >= 0x80 &&
        virga_utf8_char((struct virga_str){scan->at, (size_t)(scan->end - scan->at)}) == 0) {
        return fail_utf8(scan, scan->at);
    }
    if (c < 0x20) {
        return fail(scan, scan->at, "Unexpected character ((CTRL-CHAR, code %u)): %s", c, expected);
    }
    return fail(scan, scan->at, "Unexpected character ('%c' (code %u)): %s", c < 0x7f ? c : '?', c,
                expected);
}

static bool fail_end(struct scan *scan, const char *where) {
    return fail(scan, scan->end, "Unexpected end-of-input%s", where);
}

static void skip_space(struct scan *scan) {
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At the character behind the backslash. */
static bool take_escape(struct scan *scan) {
    if (scan->at == scan->end) {
        return fail_end(scan, " in character escape sequence");
    }
    char c = *scan->at;
    if (c == 'u') {
        for (int i = 1; i <= 4; i++) {
            if (scan->at + i >= scan->end) {
                return fail_end(scan, " in character escape sequence");
            }
            if (!is_hex(scan->at[i])) {
                scan->at += i;
                return fail_character(scan, "expected a hex-digit for character escape sequence");
            }
        }
        scan->at += 5;
        return true;
    }
    if (c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
        c == 't') {
        scan->at++;
        return true;
    }
    return fail(scan, scan->at, "Unrecognized character escape '%c' (code %u)",
                c >= 0x20 && c < 0x7f ? c : '?', (unsigned char)c);
}

/* At the opening quote. */
static bool take_string(struct scan *scan) {
    scan->at++;
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at;
        if (c == '"') {
            scan->at++;
            return true;
        }
        if (c == '\\') {
            scan->at++;
            if (!take_escape(scan)) {
                return false;
            }
        } else if (c < 0x20) {
            return fail(scan, scan->at,
                        "Illegal unquoted character ((CTRL-CHAR, code %u)): has to be escaped "
                        "using backslash to be included in string value",
                        c);
        } else if (c < 0x80) {
            scan->at++;
        } else {
            size_t len =
                virga_utf8_char((struct virga_str){scan->at, (size_t)(scan->end - scan->at)});
            if (len == 0) {
                return fail_utf8(scan, scan->at);
            }
            scan->at += len;
        }
    }
    return fail_end(scan, " in VALUE_STRING: was expecting closing quote for a string value");
}

static bool take_digits(struct scan *scan, const char *behind) {
    const char *begin = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    if (scan->at > begin) {
        return true;
    }
    if (scan->at == scan->end) {
        return fail_end(scan, "");
    }
    return fail_character(scan, behind);
}

static bool take_number(struct scan *scan) {
    if (*scan->at == '-') {
        scan->at++;
    }
    if (scan->at + 1 < scan->end && *scan->at == '0' && scan->at[1] >= '0' && scan->at[1] <= '9') {
        return fail(scan, scan->at + 1, "Invalid numeric value: Leading zeroes not allowed");
    }
    if (!take_digits(scan, "expected digit (0-9) to follow minus sign, for valid numeric value")) {
        return false;
    }
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!take_digits(scan, "Decimal point not followed by a digit")) {
            return false;
        }
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-')) {
            scan->at++;
        }
        return take_digits(scan, "Exponent indicator not followed by a digit");
    }
    return true;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$';
}

static bool take_word(struct scan *scan) {
    const char *begin = scan->at;
    while (scan->at < scan->end && is_word(*scan->at)) {
        scan->at++;
    }
    struct virga_str word = {begin, (size_t)(scan->at - begin)};
    if (virga_str_equal(word, virga_str_from("true")) ||
        virga_str_equal(word, virga_str_from("false")) ||
        virga_str_equal(word, virga_str_from("null"))) {
        return true;
    }
    return fail(scan, scan->at, "Unrecognized token '%.*s': was expecting " TOKENS,
                (int)(word.len < TOKEN_SHOWN_MAX ? word.len : TOKEN_SHOWN_MAX), word.ptr);
}

static bool in_object(const struct scan *scan) {
    return scan->depth > 0 &&
           (scan->in_object[(scan->depth - 1) / 8] >> ((scan->depth - 1) % 8) & 1) != 0;
}

static bool push(struct scan *scan, bool object) {
    if (scan->depth == EVENT_JSON_DEPTH) {
        return fail(scan, scan->at,
                    "Document nesting depth (%d) exceeds the maximum allowed (%d, from "
                    "`StreamReadConstraints.getMaxNestingDepth()`)",
                    EVENT_JSON_DEPTH + 1, EVENT_JSON_DEPTH);
    }
    unsigned char bit = (unsigned char)(1u << (scan->depth % 8));
    unsigned char *byte = &scan->in_object[scan->depth / 8];
    *byte = (unsigned char)(object ? *byte | bit : *byte & ~bit);
    scan->depth++;
    scan->at++;
    return true;
}

/* A member's name with its colon. */
static bool take_name(struct scan *scan) {
    skip_space(scan);
    if (scan->at == scan->end) {
        return fail_end(scan, " within/between Object entries");
    }
    if (*scan->at != '"') {
        return fail_character(scan, "was expecting double-quote to start field name");
    }
    if (!take_string(scan)) {
        return false;
    }
    skip_space(scan);
    if (scan->at == scan->end) {
        return fail_end(scan, " within/between Object entries");
    }
    if (*scan->at != ':') {
        return fail_character(scan, "was expecting a colon to separate field name and value");
    }
    scan->at++;
    return true;
}

/* One value; of an array or object its opening only. *ret_opened: a value is to follow. */
static bool take_value(struct scan *scan, bool *ret_opened) {
    *ret_opened = false;
    skip_space(scan);
    if (scan->at == scan->end) {
        return fail_end(scan, scan->depth == 0 ? "" : " within/between entries");
    }
    char c = *scan->at;
    if (c == '{' || c == '[') {
        if (!push(scan, c == '{')) {
            return false;
        }
        skip_space(scan);
        if (scan->at < scan->end && *scan->at == (c == '{' ? '}' : ']')) {
            scan->at++;
            scan->depth--;
            return true;
        }
        *ret_opened = true;
        return c == '[' || take_name(scan);
    }
    if (c == '"') {
        return take_string(scan);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return take_number(scan);
    }
    if (is_word(c)) {
        return take_word(scan);
    }
    return fail_character(scan, "expected a valid value " TOKENS);
}

/* Behind a value: what closes it and the comma before the next. *ret_more: a value is to follow. */
static bool take_separator(struct scan *scan, bool *ret_more) {
    *ret_more = false;
    while (scan->depth > 0) {
        bool object = in_object(scan);
        skip_space(scan);
        if (scan->at == scan->end) {
            return fail(scan, scan->end, "Unexpected end-of-input: expected close marker for %s",
                        object ? "Object" : "Array");
        }
        if (*scan->at == ',') {
            scan->at++;
            *ret_more = true;
            return !object || take_name(scan);
        }
        if (*scan->at != (object ? '}' : ']')) {
            return fail_character(scan, object ? "was expecting comma to separate Object entries"
                                               : "was expecting comma to separate Array entries");
        }
        scan->at++;
        scan->depth--;
    }
    return true;
}

int event_json_check(struct virga_str text, char ret_fault[EVENT_JSON_FAULT_MAX]) {
    struct scan scan = {
        .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len, .fault = ret_fault};
    bool more = true;
    while (more) {
        bool opened = false;
        if (!take_value(&scan, &opened) || (!opened && !take_separator(&scan, &more))) {
            return -EBADMSG;
        }
    }
    skip_space(&scan);
    if (scan.at < scan.end) {
        (void)fail_character(&scan, "expected a valid value " TOKENS);
        return -EBADMSG;
    }
    return 0;
}
