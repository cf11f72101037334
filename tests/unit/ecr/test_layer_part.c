/* SPDX-License-Identifier: MIT */
/* Base64 read as a stream, from any place on and in pieces of any size. */
#include "layer_part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/base64.h>

#define BYTES_MAX 12

static void any_place_and_any_size_give_the_same_bytes(void **state) {
    char bytes[BYTES_MAX], text[VIRGA_BASE64_SIZE(BYTES_MAX)];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(200 + i);
    }
    for (size_t length = 0; length <= BYTES_MAX; length++) {
        struct virga_str encoded = {text,
                                    virga_base64_encode((struct virga_str){bytes, length}, text)};
        assert_int_equal(layer_part_length(encoded), length);
        for (size_t skip = 0; skip <= length; skip++) {
            for (size_t size = 1; size <= BYTES_MAX; size++) {
                struct layer_part part;
                char read[BYTES_MAX + 1];
                size_t len = 0, got;
                layer_part_start(&part, encoded, skip);
                while ((got = layer_part_read(&part, read + len,
                                              size < sizeof read - len ? size
                                                                       : sizeof read - len)) > 0) {
                    assert_true(got <= size);
                    len += got;
                }
                assert_int_equal(len, length - skip);
                assert_memory_equal(read, bytes + skip, len);
                assert_int_equal(layer_part_read(&part, read, sizeof read), 0);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_place_and_any_size_give_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
