/* SPDX-License-Identifier: MIT */
/* If-None-Match and Range. */
#include "condition.h"

#include <strings.h>

#define DIGITS_MAX 18

static struct virga_str trim(struct virga_str text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Takes the next element of a list off its front. No ETag here has a comma in it. */
static bool next_element(struct virga_str *list, struct virga_str *ret_element) {
    if (list->len == 0) {
        return false;
    }
    const char *comma = memchr(list->ptr, ',', list->len);
    size_t len = comma != NULL ? (size_t)(comma - list->ptr) : list->len;
    *ret_element = trim((struct virga_str){list->ptr, len});
    size_t skip = comma != NULL ? len + 1 : len;
    list->ptr += skip;
    list->len -= skip;
    return true;
}

bool condition_none_match(struct virga_str header, const char *digest) {
    struct virga_str element;
    while (header.ptr != NULL && next_element(&header, &element)) {
        if (virga_str_equal(element, virga_str_from("*"))) {
            return true;
        }
        if (element.len > 2 && memcmp(element.ptr, "W/", 2) == 0) {
            element.ptr += 2;
            element.len -= 2;
        }
        if (element.len > 2 && element.ptr[0] == '"' && element.ptr[element.len - 1] == '"') {
            element.ptr++;
            element.len -= 2;
        }
        if (virga_str_equal(element, virga_str_from(digest))) {
            return true;
        }
    }
    return false;
}

/* Length of the digits that the text begins with. */
static size_t count_digits(struct virga_str text) {
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9') {
        len++;
    }
    return len;
}

static uint64_t read_number(const char *digits, size_t len) {
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number * 10 + (uint64_t)(digits[i] - '0');
    }
    return number;
}

/* "<first>-<last>", "<first>-" or "-<count>". */
static bool is_one_range(struct virga_str text) {
    size_t first = count_digits(text);
    if (first > DIGITS_MAX || first == text.len || text.ptr[first] != '-') {
        return false;
    }
    struct virga_str rest = {text.ptr + first + 1, text.len - first - 1};
    size_t last = count_digits(rest);
    if (last > DIGITS_MAX || last != rest.len) {
        return false;
    }
    if (first == 0) {
        return read_number(rest.ptr, last) > 0; /* the last no bytes: nothing could be sent */
    }
    return last == 0 || read_number(rest.ptr, last) >= read_number(text.ptr, first);
}

bool condition_is_range(struct virga_str header) {
    struct virga_str element;
    if (header.len < 6 || strncasecmp(header.ptr, "bytes=", 6) != 0) {
        return false;
    }
    header.ptr += 6;
    header.len -= 6;
    bool good = false;
    while (next_element(&header, &element)) {
        good = is_one_range(element);
        if (!good) {
            return false;
        }
    }
    return good;
}
