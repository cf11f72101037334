/* SPDX-License-Identifier: MIT */
/* Optimal string alignment distance, three rows at a time. */
#include "nearest.h"

#include <string.h>

static size_t min2(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b, size_t limit) {
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > NEAREST_WORD_MAX || b_len > NEAREST_WORD_MAX) {
        return limit + 1;
    }
    if ((a_len > b_len ? a_len - b_len : b_len - a_len) > limit) {
        return limit + 1;
    }
    for (size_t j = 0; j <= b_len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *spare = before;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min2(replaced, min2(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = min2(row[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
        row = spare;
    }
    return min2(last[b_len], limit + 1);
}

void nearest_init(struct nearest *nearest, const char *word, size_t limit) {
    nearest->word = word;
    nearest->best = NULL;
    nearest->distance = limit + 1;
}

void nearest_offer(struct nearest *nearest, const char *candidate) {
    if (nearest->distance == 0) {
        return;
    }
    size_t distance = nearest_distance(nearest->word, candidate, nearest->distance - 1);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}

size_t nearest_typo_limit(const char *word) {
    /* Two changes make another word of a short one: "host" is not a mistyped "port". */
    return strlen(word) < 6 ? 1 : 2;
}

size_t nearest_hint_limit(const char *word) {
    size_t third = strlen(word) / 3;
    return third > 2 ? third : 2;
}
