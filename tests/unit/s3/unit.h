/* SPDX-License-Identifier: MIT */
/* What cmocka wants before it, and strings. */
#ifndef S3_TEST_UNIT_H
#define S3_TEST_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <virga/abi.h>

#define STR(text) virga_str_from(text)
#define assert_str(text, wanted)                                                                   \
    do {                                                                                           \
        struct virga_str assert_text = (text);                                                     \
        assert_non_null(assert_text.ptr);                                                          \
        assert_int_equal(assert_text.len, strlen(wanted));                                         \
        assert_memory_equal(assert_text.ptr, wanted, assert_text.len);                             \
    } while (0)

#endif
