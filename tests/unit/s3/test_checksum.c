/* SPDX-License-Identifier: MIT */
/* Tests of checksum.c and crc.c. Source of the values: the check values of the CRC catalogue, over
 * "123456789"; FIPS 180 for the others. */
#include "unit.h"

#include "checksum.h"

static void compute(enum checksum_algorithm algorithm, const void *bytes, size_t len,
                    char text[CHECKSUM_TEXT_SIZE]) {
    struct checksum checksum;
    unsigned char sum[CHECKSUM_BYTES_MAX];
    assert_int_equal(checksum_begin(&checksum, algorithm), 0);
    checksum_add(&checksum, bytes, len / 3);
    checksum_add(&checksum, (const char *)bytes + len / 3, len - len / 3);
    checksum_text(sum, checksum_end(&checksum, sum), text);
}

static void check_values_are_right(void **state) {
    (void)state;
    static const struct {
        enum checksum_algorithm algorithm;
        const char *text;
    } cases[] = {
        {CHECKSUM_CRC32, "y/Q5Jg=="},         /* cbf43926 */
        {CHECKSUM_CRC32C, "4waSgw=="},        /* e3069283 */
        {CHECKSUM_CRC64NVME, "rosUhgp5mIg="}, /* ae8b14860a799888 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[CHECKSUM_TEXT_SIZE];
        compute(cases[i].algorithm, "123456789", 9, text);
        assert_string_equal(text, cases[i].text);
        assert_true(checksum_is_valid(cases[i].algorithm, STR(text)));
        assert_false(checksum_is_valid(cases[i].algorithm, STR("AAA=")));
    }
    char text[CHECKSUM_TEXT_SIZE];
    compute(CHECKSUM_SHA1, "abc", 3, text);
    assert_string_equal(text, "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    compute(CHECKSUM_SHA256, "abc", 3, text);
    assert_string_equal(text, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

static void parts_crcs_make_that_of_the_whole(void **state) {
    (void)state;
    static char bytes[100003];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * i >> 3);
    }
    for (int a = CHECKSUM_CRC32; a <= CHECKSUM_CRC64NVME; a++) {
        enum checksum_algorithm algorithm = (enum checksum_algorithm)a;
        static const size_t cuts[] = {0, 1, 4096, 70000, 100003, 100003};
        char whole[CHECKSUM_TEXT_SIZE], combined[CHECKSUM_TEXT_SIZE], part[CHECKSUM_TEXT_SIZE];
        compute(algorithm, bytes, sizeof bytes, whole);
        compute(algorithm, bytes, 0, combined);
        for (size_t i = 0; i + 1 < sizeof cuts / sizeof cuts[0]; i++) {
            compute(algorithm, bytes + cuts[i], cuts[i + 1] - cuts[i], part);
            assert_int_equal(checksum_append(algorithm, combined, STR(part), cuts[i + 1] - cuts[i]),
                             0);
        }
        assert_string_equal(combined, whole);
        assert_int_equal(checksum_append(algorithm, combined, STR("%"), 1), -EINVAL);
    }
    char text[CHECKSUM_TEXT_SIZE] = "";
    assert_int_equal(checksum_append(CHECKSUM_SHA256, text, STR(""), 1), -EINVAL);
}

static void names_are_found_without_case(void **state) {
    (void)state;
    assert_int_equal(checksum_by_name(STR("sha256")), CHECKSUM_SHA256);
    assert_int_equal(checksum_by_header(STR("X-Amz-Checksum-CRC32C")), CHECKSUM_CRC32C);
    assert_int_equal(checksum_by_header(STR("x-amz-checksum-type")), CHECKSUM_NONE);
    assert_int_equal(checksum_by_name(STR("")), CHECKSUM_NONE);
}

static int set_up(void **state) {
    (void)state;
    crc_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_values_are_right),
        cmocka_unit_test(parts_crcs_make_that_of_the_whole),
        cmocka_unit_test(names_are_found_without_case),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
