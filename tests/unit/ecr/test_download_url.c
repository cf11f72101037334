/* SPDX-License-Identifier: MIT */
/* Signed addresses of layers: what they say, how long they hold, and what breaks them. */
#include "ecr_fixture.h"

#include "download_url.h"
#include "gateway.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UID "0123456789abcdef0123456789abcdef"

uint16_t gateway_port(const struct gateway *gateway) {
    (void)gateway;
    return 5107;
}

static const struct download layer = {
    .tenant = {"123456789012", "us-east-1"}, .name = "team/app", .digest = DIGEST};

/* The address's path and query. */
static const char *make(struct virga_str *ret_path, struct virga_str *ret_query) {
    static char url[DOWNLOAD_URL_MAX];
    assert_int_equal(download_url_make(&fixture.ecr, &layer, UID, url), 0);
    const char *path = strchr(url + strlen("http://"), '/');
    const char *query = strchr(path, '?') + 1;
    *ret_path = (struct virga_str){path, (size_t)(query - 1 - path)};
    *ret_query = STR(query);
    return url;
}

static void an_address_is_on_localhost_and_says_what_it_is_for(void **state) {
    struct virga_str path, query;
    struct download read;
    (void)state;
    assert_int_equal(strncmp(make(&path, &query),
                             "http://localhost:5107" DOWNLOAD_URL_PATH
                             "123456789012/us-east-1/team/app/" DIGEST "?expires=1700003600&",
                             60),
                     0);
    assert_true(download_url_is(path));
    assert_int_equal(download_url_parse(path, &read), 0);
    assert_string_equal(read.tenant.account, layer.tenant.account);
    assert_string_equal(read.tenant.region, layer.tenant.region);
    assert_string_equal(read.name, layer.name);
    assert_string_equal(read.digest, layer.digest);
    assert_false(download_url_is(STR("/v2/team/app/blobs/" DIGEST)));
    assert_false(download_url_is(STR("/_virga")));
}

static void an_address_holds_for_an_hour(void **state) {
    struct virga_str path, query;
    (void)state;
    make(&path, &query);
    assert_int_equal(download_url_check(&fixture.ecr, &layer, UID, query), 0);
    fixture.now_ms += DOWNLOAD_URL_VALID_MS - 1000;
    assert_int_equal(download_url_check(&fixture.ecr, &layer, UID, query), 0);
    fixture.now_ms += 1000;
    assert_int_equal(download_url_check(&fixture.ecr, &layer, UID, query), -ETIMEDOUT);
}

static void a_changed_address_is_refused(void **state) {
    struct virga_str path, query;
    char changed[DOWNLOAD_URL_MAX];
    (void)state;
    make(&path, &query);
    for (size_t i = 0; i < query.len; i++) {
        (void)snprintf(changed, sizeof changed, "%s", query.ptr);
        changed[i] = changed[i] == '1' ? '2' : '1';
        assert_int_equal(download_url_check(&fixture.ecr, &layer, UID, STR(changed)), -EACCES);
    }
    struct download other = layer;
    other.digest[ECR_DIGEST_LEN - 1] = '0';
    assert_int_equal(download_url_check(&fixture.ecr, &other, UID, query), -EACCES);
    other = layer;
    other.name[0] = 'x';
    assert_int_equal(download_url_check(&fixture.ecr, &other, UID, query), -EACCES);
    other = layer;
    other.tenant.account[0] = '9';
    assert_int_equal(download_url_check(&fixture.ecr, &other, UID, query), -EACCES);
    assert_int_equal(download_url_check(&fixture.ecr, &layer, "made anew", query), -EACCES);
    assert_int_equal(download_url_check(&fixture.ecr, &layer, UID, STR("")), -EACCES);
    assert_int_equal(download_url_check(&fixture.ecr, &layer, UID,
                                        STR("expires=99999999999999999999&signature=00")),
                     -EACCES);
}

static void the_key_is_kept(void **state) {
    struct virga_str path, query;
    char first[DOWNLOAD_URL_MAX];
    (void)state;
    (void)snprintf(first, sizeof first, "%s", make(&path, &query));
    assert_string_equal(make(&path, &query), first);
    assert_int_equal(store_db_del_prefix(fixture.db, FIXTURE_NS, STR("f"), NULL), 0);
    assert_string_not_equal(make(&path, &query), first);
    fixture.store_error = -EIO;
    assert_int_equal(download_url_check(&fixture.ecr, &layer, UID, query), -EIO);
}

static void a_path_that_makes_no_sense_is_refused(void **state) {
    static const char *const bad[] = {
        "",
        "123456789012",
        "123456789012/us-east-1",
        "123456789012/us-east-1/" DIGEST,
        "12345678901/us-east-1/app/" DIGEST,
        "123456789012/US/app/" DIGEST,
        "123456789012/us-east-1/App/" DIGEST,
        "123456789012/us-east-1/app/../app/" DIGEST,
        "123456789012/us-east-1/app/sha256:0",
        "123456789012/us-east-1/app/" DIGEST "/",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct download read;
        char path[DOWNLOAD_URL_MAX];
        (void)snprintf(path, sizeof path, DOWNLOAD_URL_PATH "%s", bad[i]);
        assert_int_equal(download_url_parse(STR(path), &read), -EINVAL);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_address_is_on_localhost_and_says_what_it_is_for),
        TEST(an_address_holds_for_an_hour),
        TEST(a_changed_address_is_refused),
        TEST(the_key_is_kept),
        TEST(a_path_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
