/* SPDX-License-Identifier: MIT */
/* Tests of chunked.c. */
#include "unit.h"

#include "chunked.h"

/* Decodes in pieces of `step` bytes. Returns 0 or an error; what was decoded is in `to`. */
static int decode(struct chunked *chunked, const char *text, size_t step, char to[256]) {
    size_t len = strlen(text), at = 0, out = 0;
    while (at < len) {
        size_t take = len - at < step ? len - at : step;
        struct virga_str bytes = {text + at, take};
        at += take;
        while (bytes.len > 0) {
            struct virga_str data;
            int result = chunked_next(chunked, &bytes, &data);
            if (result != 0) {
                return result;
            }
            memcpy(to + out, data.ptr, data.len);
            out += data.len;
        }
    }
    to[out] = '\0';
    return 0;
}

static const char signed_body[] =
    "5;chunk-signature="
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\nhello\r\n"
    "7;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n, "
    "world\r\n"
    "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n"
    "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:00\r\n\r\n";

static void chunks_and_trailers_come_apart_however_they_are_cut(void **state) {
    (void)state;
    for (size_t step = 1; step < sizeof signed_body; step++) {
        struct chunked chunked = {0};
        char text[256];
        assert_int_equal(decode(&chunked, signed_body, step, text), 0);
        assert_string_equal(text, "hello, world");
        assert_true(chunked_is_complete(&chunked));
        assert_str(chunked_trailer(&chunked, "X-Amz-Checksum-Crc32c"), "sOO8/Q==");
        assert_null(chunked_trailer(&chunked, "x-amz-checksum-crc32").ptr);
    }
}

static void a_body_without_its_last_chunk_is_not_complete(void **state) {
    (void)state;
    struct chunked chunked = {0};
    char text[256];
    assert_int_equal(decode(&chunked, "5\r\nhello\r\n", 100, text), 0);
    assert_false(chunked_is_complete(&chunked));
    assert_int_equal(decode(&chunked, "0\r\n", 100, text), 0);
    assert_true(chunked_is_complete(&chunked));
}

static void malformed_ones_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "x\r\n",
        "\r\n",
        "5 \r\nhello\r\n",
        "5\r\nhelloX\r\n",
        "fffffffffffffffff\r\n",
        "0\r\nno trailer\r\n\r\n",
        "0\r\n\r\nmore",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chunked chunked = {0};
        char text[256];
        assert_int_equal(decode(&chunked, bad[i], 100, text), -EBADMSG);
    }
    char line[CHUNKED_LINE_MAX + 8];
    memset(line, '1', sizeof line);
    line[sizeof line - 1] = '\0';
    struct chunked chunked = {0};
    char text[256];
    assert_int_equal(decode(&chunked, line, 7, text), -EBADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_and_trailers_come_apart_however_they_are_cut),
        cmocka_unit_test(a_body_without_its_last_chunk_is_not_complete),
        cmocka_unit_test(malformed_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
