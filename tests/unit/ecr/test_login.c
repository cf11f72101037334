/* SPDX-License-Identifier: MIT */
/* Passwords: whose they are, until when, and that no other is taken. */
#include "ecr_fixture.h"

#include "login.h"

#define ACCOUNT "123456789012"

static struct principal who;
static char password[LOGIN_PASSWORD_SIZE];

static int setup(void **state) {
    int result = fixture_setup(state);
    fixture.ecr.enforce = true;
    principal_root(STR(ACCOUNT), STR("us-east-1"), &who);
    return result;
}

static void make(int64_t valid_ms) {
    assert_int_equal(login_make(&fixture.ecr, &who, fixture.now_ms + valid_ms, password), 0);
}

static int read_back(const char *text, struct principal *ret_principal) {
    return login_read(&fixture.ecr, STR(text), ret_principal);
}

static void a_password_says_whose_it_is(void **state) {
    (void)state;
    struct principal found;
    make(1000);
    assert_int_equal(read_back(password, &found), 0);
    assert_memory_equal(&found, &who, sizeof who);
    assert_int_equal(principal_service("lambda.amazonaws.com", STR(ACCOUNT),
                                       STR("arn:aws:lambda:us-east-1:" ACCOUNT ":function:f"),
                                       &who),
                     0);
    make(1000);
    assert_int_equal(read_back(password, &found), 0);
    assert_memory_equal(&found, &who, sizeof who);
}

static void the_longest_principal_has_one_too(void **state) {
    (void)state;
    struct principal found;
    memset(who.arn, 'a', sizeof who.arn - 1);
    memset(who.user_id, 'b', sizeof who.user_id - 1);
    memset(who.service, 'c', sizeof who.service - 1);
    memset(who.source_arn, 'd', sizeof who.source_arn - 1);
    assert_int_equal(login_make(&fixture.ecr, &who, INT64_MAX, password), 0);
    assert_true(strlen(password) < sizeof password);
    assert_int_equal(read_back(password, &found), 0);
    assert_string_equal(found.source_arn, who.source_arn);
}

static void a_password_expires(void **state) {
    (void)state;
    struct principal found;
    make(1000);
    fixture.now_ms += 999;
    assert_int_equal(read_back(password, &found), 0);
    fixture.now_ms++;
    assert_int_equal(read_back(password, &found), -EKEYEXPIRED);
}

static void any_changed_bit_makes_it_worthless(void **state) {
    (void)state;
    struct principal found;
    char bytes[LOGIN_PASSWORD_SIZE], changed[LOGIN_PASSWORD_SIZE];
    size_t len = 0;
    make(1000);
    assert_int_equal(virga_base64_decode(STR(password), bytes, &len), 0);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        virga_base64_encode((struct virga_str){bytes, len}, changed);
        assert_int_equal(read_back(changed, &found), -EACCES);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++) {
        virga_base64_encode((struct virga_str){bytes, cut}, changed);
        assert_int_equal(read_back(changed, &found), -EACCES);
    }
}

static void what_was_not_made_here_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "floci", "====", "not base64!", "AAAA"};
    static char big[LOGIN_PASSWORD_SIZE + 100];
    struct principal found;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            assert_int_equal(read_back(bad[i], &found), -EACCES);
        }
        memset(big, 'A', sizeof big - 1);
        assert_int_equal(read_back(big, &found), -EACCES);
        make(1000); /* the second round with a key in the store */
    }
}

static void another_store_has_another_key(void **state) {
    struct principal found;
    make(1000);
    fixture_teardown(state);
    assert_int_equal(setup(state), 0);
    assert_int_equal(read_back(password, &found), -EACCES);
}

static void a_header_is_basic_and_the_user_aws(void **state) {
    (void)state;
    static const struct {
        const char *scheme;
        const char *user;
        int result;
    } rows[] = {
        {"Basic ", "AWS:", 0},       {"basic   ", "AWS:", 0},  {"Bearer ", "AWS:", -EACCES},
        {"Basic ", "aws:", -EACCES}, {"Basic ", ":", -EACCES}, {"Basic ", "AWSx:", -EACCES},
        {"", "AWS:", -EACCES},
    };
    struct principal found;
    make(1000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char login[2 * LOGIN_PASSWORD_SIZE], encoded[4 * LOGIN_PASSWORD_SIZE],
            header[sizeof encoded + 16];
        (void)snprintf(login, sizeof login, "%s%s", rows[i].user, password);
        virga_base64_encode(STR(login), encoded);
        (void)snprintf(header, sizeof header, "%s%s", rows[i].scheme, encoded);
        assert_int_equal(login_read_header(&fixture.ecr, STR(header), &found), rows[i].result);
    }
    assert_int_equal(login_read_header(&fixture.ecr, (struct virga_str){0}, &found), -EACCES);
    assert_int_equal(login_read_header(&fixture.ecr, STR("Basic"), &found), -EACCES);
    assert_int_equal(login_read_header(&fixture.ecr, STR("Basic %%%"), &found), -EACCES);
}

static void open_mode_has_one_password(void **state) {
    (void)state;
    fixture.ecr.enforce = false;
    assert_int_equal(login_make(&fixture.ecr, NULL, 0, password), 0);
    assert_string_equal(password, "floci");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_password_says_whose_it_is),
        TEST(the_longest_principal_has_one_too),
        TEST(a_password_expires),
        TEST(any_changed_bit_makes_it_worthless),
        TEST(what_was_not_made_here_is_refused),
        TEST(another_store_has_another_key),
        TEST(a_header_is_basic_and_the_user_aws),
        TEST(open_mode_has_one_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
