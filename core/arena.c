/* SPDX-License-Identifier: MIT */
/* Memory that is freed together. */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

#define BLOCK_SIZE 4096
#define ALIGNMENT _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    _Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena) {
    arena->first = NULL;
    arena->current = NULL;
}

static void free_chain(struct arena_block *block) {
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_finish(struct arena *arena) {
    free_chain(arena->first);
    arena_init(arena);
}

void arena_reset(struct arena *arena) {
    struct arena_block *first = arena->first;
    if (first == NULL) {
        return;
    }
    free_chain(first->next);
    first->next = NULL;
    first->used = 0;
    arena->current = first;
    if (first->size > BLOCK_SIZE) {
        arena_finish(arena);
    }
}

static struct arena_block *add_block(struct arena *arena, size_t size) {
    size_t room = BLOCK_SIZE - sizeof(struct arena_block);
    if (size > room) {
        room = size;
    }
    struct arena_block *block = malloc(sizeof *block + room);
    if (block == NULL) {
        return NULL;
    }
    block->next = NULL;
    block->size = room;
    block->used = 0;
    if (arena->first == NULL) {
        arena->first = block;
    } else {
        arena->current->next = block;
    }
    arena->current = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
    if (size > PTRDIFF_MAX / 2) {
        return NULL; /* so that no sum below overflows */
    }
    /* Never 0, so that each call returns memory of its own. */
    size = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct arena_block *block = arena->current;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
        if (block == NULL) {
            return NULL;
        }
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

struct virga_str arena_copy(struct arena *arena, struct virga_str text) {
    struct virga_str copy = {NULL, 0};
    char *memory = text.len < SIZE_MAX ? arena_alloc(arena, text.len + 1) : NULL;
    if (memory != NULL) {
        if (text.len > 0) {
            memcpy(memory, text.ptr, text.len);
        }
        memory[text.len] = '\0';
        copy = (struct virga_str){memory, text.len};
    }
    return copy;
}

struct virga_str arena_printf(struct arena *arena, const char *format, ...) {
    struct virga_str text = {NULL, 0};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *memory = len >= 0 ? arena_alloc(arena, (size_t)len + 1) : NULL;
    if (memory != NULL) {
        va_start(args, format);
        (void)vsnprintf(memory, (size_t)len + 1, format, args);
        va_end(args);
        text = (struct virga_str){memory, (size_t)len};
    }
    return text;
}
