/* SPDX-License-Identifier: MIT */
/* ListImageReferrers and its records, on the host's store in memory. */
#include "call_fixture.h"

#include "manifest.h"
#include "record.h"
#include "referrer_index.h"

#define SUBJECT "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define ASK "{" APP ",\"subjectId\":{\"imageDigest\":\"" SUBJECT "\"}"

/* Records an image that refers to `subject`; its digest has `digit` only. */
static void refer(char digit, const char *subject, const char *type, const char *annotations) {
    struct meta_image image = {.media_type = (char[]){MEDIA},
                               .artifact_media_type = (char *)(uintptr_t)type,
                               .manifest_bytes = 100,
                               .subject = (char *)(uintptr_t)subject,
                               .annotations = (char *)(uintptr_t)annotations};
    (void)snprintf(image.digest, sizeof image.digest, "sha256:%064d", 0);
    memset(image.digest + 7, digit, 64);
    assert_int_equal(
        meta_image_put(&fixture.ecr, &here, STR("app"), "", &image, (struct virga_str){0}), 0);
}

static void delete (char digit) {
    char digest[ECR_DIGEST_LEN + 1] = "sha256:";
    memset(digest + 7, digit, 64);
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(digest)), 0);
}

/* First digits of the digests in the last answer. */
static const char *digits(void) {
    static char text[256];
    size_t len = 0;
    for (const char *at = answer; (at = strstr(at, "\"digest\":\"sha256:")) != NULL; at += 17) {
        text[len++] = at[17];
    }
    text[len] = '\0';
    return text;
}

static const char *list(const char *rest) {
    assert_int_equal(call("ListImageReferrers", format(ASK "%s}", rest)), 200);
    return digits();
}

static void an_image_with_a_subject_is_listed_as_a_descriptor(void **state) {
    (void)state;
    create("app");
    refer('a', SUBJECT, "x/sig", "{\"k\":\"v\"}");
    refer('b', OTHER, "x/sig", NULL);
    assert_answer("ListImageReferrers", ASK "}", 200,
                  format("{\"referrers\":[{\"digest\":\"sha256:%s%s\",\"mediaType\":\"" MEDIA
                         "\",\"artifactType\":\"x/sig\",\"size\":100,\"annotations\":{\"k\":\"v\"},"
                         "\"artifactStatus\":\"ACTIVE\"}]}",
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void a_subject_that_is_not_there_has_an_empty_list(void **state) {
    (void)state;
    create("app");
    assert_answer("ListImageReferrers", ASK "}", 200, "{\"referrers\":[]}");
}

static void a_missing_repository_is_an_error(void **state) {
    (void)state;
    assert_answer("ListImageReferrers", ASK "}", 400, NO_APP);
}

static void filters_narrow_the_list(void **state) {
    (void)state;
    create("app");
    refer('a', SUBJECT, "x/sig", NULL);
    refer('b', SUBJECT, "x/sbom", NULL);
    refer('c', SUBJECT, NULL, NULL);
    assert_string_equal(list(",\"filter\":{\"artifactTypes\":[\"x/sbom\"]}"), "b");
    assert_string_equal(list(",\"filter\":{\"artifactTypes\":[\"x/sig\",\"x/sbom\"]}"), "ab");
    assert_string_equal(list(",\"filter\":{\"artifactTypes\":[\"x/none\"]}"), "");
    assert_string_equal(list(",\"filter\":{\"artifactTypes\":[]}"), "abc");
    assert_string_equal(list(",\"filter\":{\"artifactStatus\":\"ANY\"}"), "abc");
    assert_string_equal(list(",\"filter\":{\"artifactStatus\":\"ARCHIVED\"}"), "");
}

static void pages_follow_one_another_and_a_token_is_for_its_question(void **state) {
    (void)state;
    create("app");
    for (char digit = '0'; digit <= '9'; digit++) {
        refer(digit, SUBJECT, digit % 2 ? "x/odd" : "x/even", NULL);
    }
    assert_string_equal(list(",\"maxResults\":4"), "0123");
    const char *token = format("%s", next_token());
    assert_string_equal(list(format(",\"maxResults\":4,\"nextToken\":\"%s\"", token)), "4567");
    assert_string_equal(list(format(",\"maxResults\":4,\"nextToken\":\"%s\"", next_token())), "89");
    assert_string_equal(next_token(), "");
    /* The last entry that is wanted ends the list, whatever is behind it. */
    assert_string_equal(list(",\"maxResults\":5,\"filter\":{\"artifactTypes\":[\"x/even\"]}"),
                        "02468");
    assert_string_equal(next_token(), "");
    assert_fails(
        "ListImageReferrers",
        format(ASK ",\"filter\":{\"artifactTypes\":[\"x/odd\"]},\"nextToken\":\"%s\"}", token),
        "InvalidParameterException",
        "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid next "
        "token provided'");
}

static void twenty_come_when_nothing_is_said_and_fifty_at_most(void **state) {
    (void)state;
    create("app");
    for (char c = 'A'; c <= 'Z'; c++) {
        refer(c, SUBJECT, "x", NULL);
    }
    assert_int_equal(strlen(list("")), 20);
    assert_int_equal(strlen(list(",\"maxResults\":50")), 26);
    assert_int_equal(call("ListImageReferrers", ASK ",\"maxResults\":51}"), 400);
    assert_non_null(strstr(answer, "\"ValidationException\""));
}

static void a_referrer_goes_with_its_image_and_its_repository(void **state) {
    (void)state;
    create("app");
    refer('a', SUBJECT, "x", NULL);
    refer('b', SUBJECT, "x", NULL);
    delete ('a');
    assert_string_equal(list(""), "b");
    assert_int_equal(meta_repository_delete(&fixture.ecr, &here, STR("app")), 0);
    create("app");
    assert_string_equal(list(""), "");
}

/* Takes the rows of the referrers away, as in a store from before there were any. */
static void forget_rows(void) {
    assert_int_equal(
        fixture.ecr.store->del_prefix(&fixture.host, (struct virga_str){"j\0", 2}, NULL), 0);
}

static void an_older_store_is_indexed_in_pieces(void **state) {
    struct meta_position position = {.len = 0};
    (void)state;
    create("app");
    refer('a', SUBJECT, "x", NULL);
    refer('b', NULL, "x", NULL);
    refer('c', SUBJECT, "x", NULL);
    forget_rows();
    refer('d', SUBJECT, "x", "{\"k\":\"v\"}");
    assert_string_equal(list(""), "d");
    assert_int_equal(meta_referrer_index(&fixture.ecr, 2, &position), 1);
    assert_string_equal(list(""), "ad");
    assert_int_equal(meta_referrer_index(&fixture.ecr, 2, &position), 1);
    assert_int_equal(meta_referrer_index(&fixture.ecr, 2, &position), 0);
    assert_string_equal(list(""), "acd");
    assert_non_null(strstr(answer, "\"annotations\":{\"k\":\"v\"}"));
}

static void a_small_store_is_indexed_at_once_and_only_once(void **state) {
    struct referrer_index *index = NULL;
    (void)state;
    create("app");
    refer('a', SUBJECT, "x", NULL);
    forget_rows();
    assert_int_equal(referrer_index_create(&fixture.ecr, &index), 0);
    assert_true(referrer_index_is_done(index));
    referrer_index_destroy(index);
    assert_string_equal(list(""), "a");
    forget_rows();
    assert_int_equal(referrer_index_create(&fixture.ecr, &index), 0);
    assert_true(referrer_index_is_done(index));
    referrer_index_destroy(index);
    assert_string_equal(list(""), "");
}

static void a_filter_looks_at_so_many_for_one_page(void **state) {
    enum { COUNT = 10050 };
    (void)state;
    create("app");
    assert_int_equal(fixture.ecr.store->begin(&fixture.host), 0);
    for (int i = 0; i < COUNT; i++) {
        struct meta_image image = {
            .media_type = (char[]){MEDIA},
            .artifact_media_type = i == 3 || i == COUNT - 1 ? (char[]){"x/rare"} : (char[]){"x"},
            .subject = (char[]){SUBJECT}};
        (void)snprintf(image.digest, sizeof image.digest, "sha256:%064d", i);
        assert_int_equal(
            meta_image_put(&fixture.ecr, &here, STR("app"), "", &image, (struct virga_str){0}), 0);
    }
    assert_int_equal(fixture.ecr.store->commit(&fixture.host), 0);
    assert_int_equal(strlen(list(",\"filter\":{\"artifactTypes\":[\"x/rare\"]}")), 1);
    const char *token = format("%s", next_token());
    assert_string_not_equal(token, "");
    assert_int_equal(
        strlen(list(
            format(",\"filter\":{\"artifactTypes\":[\"x/rare\"]},\"nextToken\":\"%s\"", token))),
        1);
    assert_non_null(strstr(answer, "10049\""));
    assert_string_equal(next_token(), "");
    /* A full page ends where it is full. */
    assert_int_equal(strlen(list(",\"maxResults\":1,\"filter\":{\"artifactTypes\":[\"x/rare\"]}")),
                     1);
    assert_string_not_equal(next_token(), "");
}

static void an_upstream_is_asked_before_the_list(void **state) {
    (void)state;
    cached_tag = SUBJECT;
    assert_answer("ListImageReferrers", ASK "}", 400, NO_APP);
    create("app");
    refer('a', SUBJECT, "x", NULL);
    assert_string_equal(list(""), "a");
    assert_int_equal(pulled_count, 0);
    cache_outcome = CACHE_NOT_FOUND;
    assert_string_equal(list(""), "a");
    cache_outcome = CACHE_UNAVAILABLE;
    assert_fails("ListImageReferrers", ASK "}", "UnableToListUpstreamImageReferrersException",
                 "the upstream says no");
    cache_outcome = CACHE_CANCELLED;
    assert_int_equal(call("ListImageReferrers", ASK "}"), 500);
    cached_tag = OTHER;
    assert_string_equal(list(""), "a");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_image_with_a_subject_is_listed_as_a_descriptor),
        TEST(a_subject_that_is_not_there_has_an_empty_list),
        TEST(a_missing_repository_is_an_error),
        TEST(filters_narrow_the_list),
        TEST(pages_follow_one_another_and_a_token_is_for_its_question),
        TEST(twenty_come_when_nothing_is_said_and_fifty_at_most),
        TEST(a_referrer_goes_with_its_image_and_its_repository),
        TEST(a_filter_looks_at_so_many_for_one_page),
        TEST(an_upstream_is_asked_before_the_list),
        TEST(an_older_store_is_indexed_in_pieces),
        TEST(a_small_store_is_indexed_at_once_and_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
