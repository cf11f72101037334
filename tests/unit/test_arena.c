/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arena.h"

static void memory_is_aligned_and_does_not_overlap(void **state) {
    (void)state;
    struct arena arena;
    unsigned char *parts[300];
    arena_init(&arena);
    for (size_t i = 0; i < 300; i++) {
        parts[i] = arena_alloc(&arena, i);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % _Alignof(max_align_t), 0);
        memset(parts[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(parts[i][j], i & 0xff);
        }
    }
    arena_finish(&arena);
}

static void large_and_absurd_sizes_are_told_apart(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *large = arena_alloc(&arena, 1 << 20);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 64));
    assert_non_null(arena_alloc(&arena, 1));
    arena_finish(&arena);
}

static void copies_end_with_nul_and_keep_inner_nul(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct virga_str copy = arena_copy(&arena, (struct virga_str){"a\0b", 3});
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b", 4);
    copy = arena_copy(&arena, (struct virga_str){NULL, 0});
    assert_string_equal(copy.ptr, "");
    copy = arena_printf(&arena, "%s-%d", "x", 42);
    assert_string_equal(copy.ptr, "x-42");
    assert_int_equal(copy.len, 4);
    arena_finish(&arena);
}

static void reset_keeps_the_first_block_only(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    void *first = arena_alloc(&arena, 16);
    assert_non_null(arena_alloc(&arena, 100000));
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 16), first);
    arena_reset(&arena);
    arena_finish(&arena);
    assert_non_null(arena_alloc(&arena, 100000));
    arena_reset(&arena);
    assert_null(arena.first);
    arena_finish(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_does_not_overlap),
        cmocka_unit_test(large_and_absurd_sizes_are_told_apart),
        cmocka_unit_test(copies_end_with_nul_and_keep_inner_nul),
        cmocka_unit_test(reset_keeps_the_first_block_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
