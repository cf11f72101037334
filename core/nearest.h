/* SPDX-License-Identifier: MIT */
/* "Did you mean ...?": the known word that is nearest to one that nobody knows. */
#ifndef CORE_NEAREST_H
#define CORE_NEAREST_H

#include <stddef.h>

/* Words longer than this are never near to anything. */
#define NEAREST_WORD_MAX 128

/* How many letters must be inserted, deleted, replaced or swapped with their neighbour to make one
 * word the other; limit + 1 when it is more than `limit`. */
size_t nearest_distance(const char *a, const char *b, size_t limit);

/* A search over any number of candidates. */
struct nearest {
    const char *word;
    const char *best; /* NULL: none is near */
    size_t distance;  /* of the best, or one more than what still counts as near */
};

/* Begins a search: near is what needs at most `limit` changes. */
void nearest_init(struct nearest *nearest, const char *word, size_t limit);
/* Looks at a candidate; the first of several that are equally near wins. Valid: it must outlive the
 * search. */
void nearest_offer(struct nearest *nearest, const char *candidate);

/* The changes that a typing error in a word of this length may amount to: 1 or 2. */
size_t nearest_typo_limit(const char *word);
/* The changes up to which it helps to name a word: a third of it, at least 2. */
size_t nearest_hint_limit(const char *word);

#endif
