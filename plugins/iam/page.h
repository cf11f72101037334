/* SPDX-License-Identifier: MIT */
/* Lists in pages: Marker and MaxItems. A list may have several phases, walked in their order; a
 * page remembers the phase and where it ended in it. As at AWS a page may be short and still be
 * followed by another. */
#ifndef IAM_PAGE_H
#define IAM_PAGE_H

#include "record.h"

#define PAGE_ITEMS 100 /* unless MaxItems says otherwise */
/* How many keys one call looks at, shown or not: the loop waits for it. */
#define PAGE_LOOKED_MAX 5000
/* The longest position: the token must fit the 320 characters of the model's Marker. */
#define PAGE_POSITION_SIZE 200

struct page {
    struct call *call;
    struct virga_xml_writer *writer;
    struct virga_str question; /* what a token is good for */
    int64_t left;              /* how many more may be shown */
    int64_t looked;            /* how many keys more may be looked at */
    int phase;                 /* where it begins */
    char position[PAGE_POSITION_SIZE];
    size_t position_len;
    int truncated;
    int error; /* of the store */
    int next_phase;
    char next[PAGE_POSITION_SIZE];
    size_t next_len;
};

/* Reads Marker and MaxItems of the call's input. Returns 0, or has answered the call with the
 * error. */
int page_begin(struct call *call, struct virga_xml_writer *writer, struct page *ret_page);

/* Shows what a key leads to and returns 1; 0: it is not shown; or a negative errno. `name` is what
 * stands behind the prefix. */
typedef int page_show(struct page *page, struct virga_str name, struct virga_str value, void *arg);

/* Walks the keys behind a prefix as one phase. */
void page_scan(struct page *page, int phase, const struct key *prefix, page_show *show, void *arg);

/* Walks `count` things that are numbered as one phase: `show` gets `arg` and the number. */
void page_count(struct page *page, int phase, size_t count,
                int (*show)(struct page *page, size_t index, void *arg), void *arg);

/* Writes IsTruncated and Marker, ends the result and answers. Gives the request back. */
void page_answer(struct page *page);

#endif
