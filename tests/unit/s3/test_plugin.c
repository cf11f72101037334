/* SPDX-License-Identifier: MIT */
/* The plugin in a host in memory: what real clients cannot make happen. */
#include "kit_fixture.h"

static void put(struct fixture *fixture, const char *target, const char *body) {
    assert_int_equal(testkit_status(call(fixture, "PUT", target, body)), 200);
}

static void a_body_of_many_pieces_is_one_object(void **state) {
    struct fixture *fixture = *state;
    static char piece[40000];
    put(fixture, "/bucket", NULL);
    struct testkit_request *req = request(fixture, "PUT", "/bucket/key");
    for (int i = 0; i < 50; i++) { /* nearly eight buffers */
        memset(piece, 'a' + i % 26, sizeof piece);
        testkit_request_piece(req, piece, sizeof piece);
    }
    assert_int_equal(finish(fixture, req), 200);
    req = call(fixture, "GET", "/bucket/key", NULL);
    assert_int_equal(testkit_status(req), 200);
    assert_int_equal(testkit_body_length(req), 50 * sizeof piece);
    for (size_t i = 0; i < 50; i++) {
        memset(piece, 'a' + (int)i % 26, sizeof piece);
        assert_memory_equal(testkit_body(req) + i * sizeof piece, piece, sizeof piece);
    }
    assert_int_equal(fixture_files(fixture), 1);
}

static void a_client_that_goes_away_leaves_nothing(void **state) {
    struct fixture *fixture = *state;
    static char piece[300000];
    put(fixture, "/bucket", NULL);
    struct testkit_request *req = request(fixture, "PUT", "/bucket/key");
    testkit_request_header(req, "Content-Length", "900000");
    testkit_request_piece(req, piece, sizeof piece);
    testkit_request_piece(req, piece, sizeof piece);
    testkit_request_break_body(req, -ECONNRESET);
    (void)finish(fixture, req);
    assert_int_equal(testkit_times_answered(req), 1);
    assert_int_equal(fixture_files(fixture), 0);
    assert_int_equal(testkit_status(call(fixture, "GET", "/bucket/key", NULL)), 404);
}

static void what_was_replaced_or_deleted_is_removed(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "/bucket", NULL);
    put(fixture, "/bucket/a", "one");
    put(fixture, "/bucket/a", "two");
    put(fixture, "/bucket/b", "three");
    put(fixture, "/bucket/empty", "");
    assert_int_equal(fixture_files(fixture), 2);
    assert_int_equal(testkit_status(call(fixture, "DELETE", "/bucket/a", NULL)), 204);
    assert_int_equal(testkit_status(call(fixture, "DELETE", "/bucket/a", NULL)), 204);
    assert_int_equal(testkit_status(call(fixture, "DELETE", "/bucket", NULL)), 409);
    assert_int_equal(fixture_files(fixture), 1);
    assert_string_equal(testkit_body(call(fixture, "GET", "/bucket/b", NULL)), "three");
}

static void a_store_that_fails_is_an_error_and_leaves_no_file(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "/bucket", NULL);
    struct testkit_request *req = request(fixture, "PUT", "/bucket/key");
    testkit_request_body(req, "text", 4);
    assert_int_equal(testkit_send(req), 0);
    testkit_hold_work(fixture->kit, 1);
    testkit_run(fixture->kit);
    testkit_store_fail(fixture->kit, -ENOSPC);
    testkit_hold_work(fixture->kit, 0);
    testkit_run(fixture->kit);
    assert_int_equal(testkit_status(req), 507);
    testkit_store_fail(fixture->kit, 0);
    /* The next start finds it. */
    testkit_stop(fixture->kit);
    assert_int_equal(testkit_start(fixture->kit), 0);
    testkit_run(fixture->kit);
    assert_int_equal(fixture_files(fixture), 0);
    assert_int_equal(testkit_status(call(fixture, "GET", "/bucket/key", NULL)), 404);
}

static void each_allocation_that_fails_is_answered(void **state) {
    struct fixture *fixture = *state;
    static const char *const calls[][3] = {
        {"PUT", "/bucket/key", "text"},
        {"GET", "/bucket/key", NULL},
        {"GET", "/bucket/?list-type=2", NULL},
        {"PUT", "/bucket?tagging",
         "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"},
        {"POST", "/bucket/key?uploads", NULL},
        {"GET", "/bucket/missing", NULL},
    };
    put(fixture, "/bucket", NULL);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (unsigned n = 1; n < 200; n++) {
            testkit_fail_alloc(fixture->kit, n);
            struct testkit_request *req = call(fixture, calls[i][0], calls[i][1], calls[i][2]);
            if (!testkit_alloc_failed(fixture->kit)) {
                break;
            }
            assert_int_equal(testkit_times_answered(req), 1);
        }
        testkit_fail_alloc(fixture->kit, 0);
    }
    assert_string_equal(testkit_body(call(fixture, "GET", "/bucket/key", NULL)), "text");
    assert_int_equal(fixture_files(fixture), 1);
}

/* What the list has of an element, in order, each with a space behind it. */
static void collect(const char *xml, const char *element, char to[512]) {
    char open[64];
    size_t len = 0;
    (void)snprintf(open, sizeof open, "<%s>", element);
    to[0] = '\0';
    for (const char *at = strstr(xml, open); at != NULL; at = strstr(at + 1, open)) {
        const char *text = at + strlen(open);
        len += (size_t)snprintf(to + len, 512 - len, "%.*s ", (int)strcspn(text, "<"), text);
    }
}

static void lists(struct fixture *fixture, const char *query, const char *keys,
                  const char *prefixes) {
    char target[200], found[512];
    (void)snprintf(target, sizeof target, "/bucket?list-type=2&%s", query);
    struct testkit_request *req = call(fixture, "GET", target, NULL);
    assert_int_equal(testkit_status(req), 200);
    collect(testkit_body(req), "Key", found);
    assert_string_equal(found, keys);
    collect(testkit_body(req), "CommonPrefixes><Prefix", found);
    assert_string_equal(found, prefixes);
}

static void lists_are_in_order_and_roll_up(void **state) {
    struct fixture *fixture = *state;
    static const char *const keys[] = {"a", "b/1", "b/2", "b/c/3", "b0", "d//e", "\xc3\xa4"};
    put(fixture, "/bucket", NULL);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/bucket/%s", keys[i]);
        put(fixture, target, "x");
    }
    lists(fixture, "", "a b/1 b/2 b/c/3 b0 d//e \xc3\xa4 ", "");
    lists(fixture, "delimiter=/", "a b0 \xc3\xa4 ", "b/ d/ ");
    lists(fixture, "delimiter=/&prefix=b/", "b/1 b/2 ", "b/c/ ");
    lists(fixture, "delimiter=/&prefix=b", "b0 ", "b/ ");
    lists(fixture, "prefix=b/c/3", "b/c/3 ", "");
    lists(fixture, "start-after=b/2", "b/c/3 b0 d//e \xc3\xa4 ", "");
    lists(fixture, "start-after=b/&delimiter=/", "b0 \xc3\xa4 ", "d/ ");
    lists(fixture, "start-after=z", "\xc3\xa4 ", "");
    lists(fixture, "encoding-type=url&prefix=%C3%A4", "%C3%A4 ", "");
    lists(fixture, "max-keys=0", "", "");
    lists(fixture, "prefix=none", "", "");
}

static void pages_join_without_a_gap(void **state) {
    struct fixture *fixture = *state;
    char all[512] = "", token[512] = "";
    put(fixture, "/bucket", NULL);
    for (int i = 0; i < 26; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/bucket/%c%s", 'a' + i, i % 3 == 0 ? "/x" : "");
        put(fixture, target, "x");
    }
    int pages = 0;
    do {
        char target[700], found[512];
        (void)snprintf(target, sizeof target, "/bucket?list-type=2&delimiter=/&max-keys=4%s%s",
                       token[0] != '\0' ? "&continuation-token=" : "", token);
        struct testkit_request *req = call(fixture, "GET", target, NULL);
        collect(testkit_body(req), "Key", found);
        strcat(all, found);
        collect(testkit_body(req), "CommonPrefixes><Prefix", found);
        strcat(all, found);
        collect(testkit_body(req), "NextContinuationToken", token);
        token[strcspn(token, " ")] = '\0';
        pages++;
    } while (token[0] != '\0' && pages < 20);
    assert_int_equal(pages, 7);
    assert_string_equal(all, "b c a/ d/ e f h g/ i k l j/ n o m/ p/ q r t s/ u w x v/ z y/ ");
    assert_int_equal(
        testkit_status(call(fixture, "GET", "/bucket?list-type=2&continuation-token=%25", NULL)),
        400);
}

static void markers_of_any_length_are_taken(void **state) {
    struct fixture *fixture = *state;
    static const char *const params[] = {
        "?list-type=2&delimiter=z&start-after=", "?versions&key-marker=", "?marker=", "?prefix=",
        "?uploads&upload-id-marker=1&key-marker="};
    static const char bucket[] =
        "/b23456789012345678901234567890123456789012345678901234567890123"; /* the longest */
    put(fixture, bucket, NULL);
    for (size_t len = 1000; len < 1200; len++) {
        for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
            char target[1400];
            int at = snprintf(target, sizeof target, "%s%s", bucket, params[i]);
            memset(target + at, 'z', len);
            target[(size_t)at + len] = '\0';
            assert_int_equal(testkit_status(call(fixture, "GET", target, NULL)), 200);
        }
    }
}

static void presigned_urls_expire(void **state) {
    struct fixture *fixture = *state;
    static const char target[] =
        "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260102%2Fus-east-1"
        "%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=00";
    put(fixture, "/bucket", NULL);
    put(fixture, "/bucket/key", "text");
    testkit_set_time(fixture->kit, INT64_C(1767323045000) + 60000);
    assert_int_equal(testkit_status(call(fixture, "GET", target, NULL)), 200);
    testkit_set_time(fixture->kit, INT64_C(1767323045000) + 60001);
    struct testkit_request *req = call(fixture, "GET", target, NULL);
    assert_int_equal(testkit_status(req), 403);
    assert_non_null(strstr(testkit_body(req), "Request has expired"));
    req = call(fixture, "GET", "/bucket/key?X-Amz-Signature=00&X-Amz-Expires=1", NULL);
    assert_int_equal(testkit_status(req), 400);
}

static void only_the_owner_may_in_enforce_mode(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "/bucket", NULL);
    put(fixture, "/bucket/key", "text");
    struct testkit_request *req = request(fixture, "GET", "/bucket/key");
    testkit_request_identity(req, "111122223333", NULL, "s3");
    assert_int_equal(finish(fixture, req), 200);
    testkit_stop(fixture->kit);
    assert_int_equal(testkit_set(fixture->kit, "floci.auth.mode", "enforce"), 0);
    assert_int_equal(testkit_start(fixture->kit), 0);
    req = request(fixture, "GET", "/bucket/key");
    testkit_request_identity(req, "111122223333", NULL, "s3");
    assert_int_equal(finish(fixture, req), 403);
    assert_int_equal(testkit_status(call(fixture, "GET", "/bucket/key", NULL)), 200);
}

static void a_reset_removes_the_files(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "/bucket", NULL);
    put(fixture, "/bucket/key", "text");
    assert_int_equal(testkit_reset(fixture->kit), 0);
    testkit_run(fixture->kit);
    assert_int_equal(fixture_files(fixture), 0);
    assert_int_equal(testkit_status(call(fixture, "GET", "/bucket/key", NULL)), 404);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        TEST(a_body_of_many_pieces_is_one_object),
        TEST(a_client_that_goes_away_leaves_nothing),
        TEST(what_was_replaced_or_deleted_is_removed),
        TEST(a_store_that_fails_is_an_error_and_leaves_no_file),
        TEST(each_allocation_that_fails_is_answered),
        TEST(lists_are_in_order_and_roll_up),
        TEST(pages_join_without_a_gap),
        TEST(markers_of_any_length_are_taken),
        TEST(presigned_urls_expire),
        TEST(only_the_owner_may_in_enforce_mode),
        TEST(a_reset_removes_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
