/* SPDX-License-Identifier: MIT */
/* The table of routes inside, shared by router.c (which fills it) and router_match.c (which asks
 * it). */
#ifndef CORE_ROUTER_IMPL_H
#define CORE_ROUTER_IMPL_H

#include "router.h"

/* Entries are kept apart by kind, and within a kind by what a request tells of the pattern without
 * a search: the whole of it (TARGET, RPC), or its first two segments where both are literal, or the
 * first (REST, ADMIN). What cannot be told so is in the chain OPEN. In a chain the most specific
 * pattern stands first. */
enum { KINDS = VIRGA_ROUTE_RPC + 1, HEADS = 256, OPEN = HEADS };

struct entry {
    struct router_entry pub; /* first */
    char *pattern;
    char *method;
    char *service;
    size_t pattern_len;
    size_t literal_len; /* of what stands before the first brace */
    size_t service_len;
    struct entry *next;
};

struct router {
    struct entry *heads[KINDS][HEADS + 1];
    struct entry *removed; /* kept: a request under way may still point at its route */
};

/* Which chain: below HEADS. */
size_t router_hash(const char *text, size_t len);
/* The first segment of a path, or the first two (all where there are fewer), with the slash that it
 * may begin with. */
struct virga_str router_first_segments(const char *path, size_t len, int count);

#endif
