/* SPDX-License-Identifier: MIT */
/* Messages of the event stream encoding, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_stream.h"

#define STR(text) virga_str_from(text)

static void the_checksum_is_crc32(void **state) {
    (void)state;
    assert_int_equal(event_stream_crc32(0, "123456789", 9), 0xcbf43926u);
    assert_int_equal(event_stream_crc32(event_stream_crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
}

static uint32_t u32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void a_chunk_is_encoded_as_the_specification_says(void **state) {
    (void)state;
    static const char headers[] = "\x0b:event-type\x07\x00\x0cPayloadChunk"
                                  "\x0d:content-type\x07\x00\x18"
                                  "application/octet-stream"
                                  "\x0d:message-type\x07\x00\x05"
                                  "event";
    size_t headers_len = sizeof headers - 1;
    char bytes[256];
    const unsigned char *at = (const unsigned char *)bytes;
    size_t len =
        event_stream_write("PayloadChunk", "application/octet-stream", STR("hello"), bytes);
    assert_int_equal(len, 12 + headers_len + 5 + 4);
    assert_int_equal(len, event_stream_size("PayloadChunk", "application/octet-stream", 5));
    assert_int_equal(u32(at), len);
    assert_int_equal(u32(at + 4), headers_len);
    assert_int_equal(u32(at + 8), event_stream_crc32(0, bytes, 8));
    assert_memory_equal(bytes + 12, headers, headers_len);
    assert_memory_equal(bytes + 12 + headers_len, "hello", 5);
    assert_int_equal(u32(at + len - 4), event_stream_crc32(0, bytes, len - 4));
}

/* Made by hand: an empty payload, checksums from another implementation of CRC-32. */
static void known_bytes(void **state) {
    (void)state;
    static const unsigned char prelude[] = {0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x54};
    char bytes[256];
    size_t len = event_stream_write("InvokeComplete", "application/json", STR(""), bytes);
    assert_int_equal(len, 0x64);
    assert_memory_equal(bytes, prelude, sizeof prelude);
    assert_int_equal(u32((const unsigned char *)bytes + 8), 0x65969b09u);
    assert_int_equal(u32((const unsigned char *)bytes + len - 4), 0x8e35a121u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_crc32),
        cmocka_unit_test(a_chunk_is_encoded_as_the_specification_says),
        cmocka_unit_test(known_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
