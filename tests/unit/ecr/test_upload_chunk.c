/* SPDX-License-Identifier: MIT */
/* Where a chunk belongs, and how much a session has. */
#include "upload_chunk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/base64.h>

#define UPSTREAM "000000000000/us-east-1/app"
#define KNOWN_UUID "8db7e0ee-9c85-48fb-a38c-49c9a65d274e"
#define KNOWN_STATE                                                                                \
    "nnbnjPS2rN4UoauR_oLdHoDVSL9n5p7nQB5c4DC8guV7Ik5hbWUiOiJhL2IiLCJVVUlEIjoiOGRiN2Uw"             \
    "ZWUtOWM4NS00OGZiLWEzOGMtNDljOWE2NWQyNzRlIiwiT2Zmc2V0IjowLCJTdGFydGVkQXQiOiIyMDI2"             \
    "LTExLTI1VDE4OjEzOjA3Ljg4ODA4Njc2NFoifQ=="

static void ranges_are_read_in_ocis_form_and_in_https(void **state) {
    static const struct {
        const char *header;
        int result;
        uint64_t first, last;
    } cases[] = {
        {"0-9", 0, 0, 9},
        {"100-100", 0, 100, 100},
        {"bytes 5-6/7", 0, 5, 6},
        {"bytes 5-6/*", 0, 5, 6},
        {"bytes=5-6", 0, 5, 6},
        {"9-0", -EINVAL, 0, 0},
        {"", -EINVAL, 0, 0},
        {"-5", -EINVAL, 0, 0},
        {"5-", -EINVAL, 0, 0},
        {"0-9x", -EINVAL, 0, 0},
        {"0-9/10", -EINVAL, 0, 0},
        {"bytes 0-9/", -EINVAL, 0, 0},
        {"bytes */10", -EINVAL, 0, 0},
        {"0 - 9", -EINVAL, 0, 0},
        {"0-99999999999999999999999", -EINVAL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t first = 0, last = 0;
        assert_int_equal(upload_chunk_range(virga_str_from(cases[i].header), &first, &last),
                         cases[i].result);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(last, cases[i].last);
    }
}

/* A state as the registry makes it, with an HMAC of `fill`. */
static struct virga_str state_of(const char *json, char fill) {
    static char text[2048];
    char bytes[1024];
    size_t len = strlen(json);
    memset(bytes, fill, 32);
    memcpy(bytes + 32, json, len);
    len = virga_base64_encode((struct virga_str){bytes, 32 + len}, text);
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    return (struct virga_str){text, len};
}

static void a_state_tells_the_sessions_offset(void **state) {
    static const char json[] =
        "{\"Name\":\"" UPSTREAM "\",\"UUID\":\"x\",\"Offset\":%s,\"StartedAt\":\"2026\"}";
    char text[512];
    uint64_t offset = 1;
    (void)state;
    (void)snprintf(text, sizeof text, json, "0");
    assert_int_equal(upload_chunk_offset(state_of(text, '\xff'), UPSTREAM, &offset), 0);
    assert_int_equal(offset, 0);
    (void)snprintf(text, sizeof text, json, "10737418240");
    assert_int_equal(upload_chunk_offset(state_of(text, '\xfb'), UPSTREAM, &offset), 0);
    assert_int_equal(offset, 10737418240);
}

static void what_is_no_state_is_refused(void **state) {
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "",
                                      "x",
                                      "{\"Name\":\"" UPSTREAM "\"}",
                                      "{\"Name\":\"" UPSTREAM "\",\"Offset\":-1}",
                                      "{\"Name\":\"" UPSTREAM "\",\"Offset\":\"1\"}",
                                      "{\"Name\":\"another\",\"Offset\":1}"};
    uint64_t offset = 7;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(upload_chunk_offset(state_of(bad[i], 'a'), UPSTREAM, &offset), -EINVAL);
    }
    assert_int_equal(upload_chunk_offset(virga_str_from("!"), UPSTREAM, &offset), -EINVAL);
    assert_int_equal(upload_chunk_offset(virga_str_from(""), UPSTREAM, &offset), -EINVAL);
    char large[5000];
    memset(large, 'A', sizeof large);
    assert_int_equal(
        upload_chunk_offset((struct virga_str){large, sizeof large}, UPSTREAM, &offset), -EINVAL);
    assert_int_equal(offset, 7);
}

static void a_state_is_made_anew_for_its_session_only(void **state) {
    /* As distribution 2.8 made it with the secret "topsecret". */
    static const char known[] = KNOWN_STATE;
    struct strbuf made = {0};
    uint64_t offset = 0;
    (void)state;
    assert_int_equal(
        upload_chunk_restate(virga_str_from(known), "topsecret", "a/b", KNOWN_UUID, 42, &made), 0);
    assert_int_equal(upload_chunk_offset(strbuf_str(&made), "a/b", &offset), 0);
    assert_int_equal(offset, 42);
    /* What was made is signed as well as what it was made of. */
    struct strbuf again = {0};
    assert_int_equal(
        upload_chunk_restate(strbuf_str(&made), "topsecret", "a/b", KNOWN_UUID, 0, &again), 0);
    assert_string_equal(again.ptr, known);
    strbuf_finish(&again);
    assert_int_equal(upload_chunk_restate(strbuf_str(&made), "other", "a/b", KNOWN_UUID, 0, &again),
                     -EINVAL);
    assert_int_equal(
        upload_chunk_restate(strbuf_str(&made), "topsecret", "a/c", KNOWN_UUID, 0, &again),
        -EINVAL);
    assert_int_equal(upload_chunk_restate(strbuf_str(&made), "topsecret", "a/b", "x", 0, &again),
                     -EINVAL);
    assert_null(again.ptr);
    strbuf_finish(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read_in_ocis_form_and_in_https),
        cmocka_unit_test(a_state_tells_the_sessions_offset),
        cmocka_unit_test(what_is_no_state_is_refused),
        cmocka_unit_test(a_state_is_made_anew_for_its_session_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
