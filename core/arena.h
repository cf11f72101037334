/* SPDX-License-Identifier: MIT */
/* Memory that is freed together: a chain of blocks, the first of which may be recycled. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>
#include <virga/abi.h>

struct arena_block;

struct arena {
    struct arena_block *first;
    struct arena_block *current;
};

/* An empty arena: no memory yet. */
void arena_init(struct arena *arena);
/* Frees all of it. */
void arena_finish(struct arena *arena);
/* Empties it but keeps the first block, so that the next user starts without malloc(). */
void arena_reset(struct arena *arena);
/* Memory aligned for any type; NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it; ptr NULL when out of memory. */
struct virga_str arena_copy(struct arena *arena, struct virga_str text);
/* Formatted text; ptr NULL when out of memory. */
VIRGA_PRINTF(2, 3) struct virga_str arena_printf(struct arena *arena, const char *format, ...);

#endif
