/* SPDX-License-Identifier: MIT */
/* Logs of functions: what is kept, and who reads it. */
#include "environment_fixture.h"

#define PATH "/_floci/lambda/f/logs"

static const struct tenant tenant = {"000000000000", "us-east-1"};

static void log_lines(const char *name, const char *lines) {
    logs_add(rig.lambda.logs, &tenant, name, STR(lines));
}

static const char *get(const char *target) {
    struct testkit_request *req = testkit_ask(rig.kit, "GET", target, NULL);
    assert_int_equal(testkit_status(req), 200);
    assert_true(testkit_is_complete(req));
    return testkit_body(req);
}

static void log_is_shown_as_it_was_written(void **state) {
    (void)state;
    log_lines("f", "one\n");
    log_lines("f", "two\nthree\n");
    log_lines("g", "other\n");
    assert_string_equal(get(PATH), "one\ntwo\nthree\n");
    assert_string_equal(get(PATH "?tail=2"), "two\nthree\n");
    assert_string_equal(get(PATH "?tail=0"), "");
    assert_string_equal(get(PATH "?tail=9"), "one\ntwo\nthree\n");
    assert_string_equal(get("/_floci/lambda/unknown/logs"), "");
}

static void account_and_region_are_the_querys_the_arns_or_the_callers(void **state) {
    static const struct tenant other = {"111122223333", "eu-west-1"};
    (void)state;
    log_lines("f", "mine\n");
    logs_add(rig.lambda.logs, &other, "f", STR("theirs\n"));
    assert_string_equal(get(PATH "?account=111122223333&region=eu-west-1"), "theirs\n");
    assert_string_equal(get("/_floci/lambda/arn:aws:lambda:eu-west-1:111122223333:function:f/logs"),
                        "theirs\n");
    assert_string_equal(get(PATH), "mine\n");
    struct testkit_request *bad = testkit_ask(rig.kit, "GET", "/_floci/lambda/a*b/logs", NULL);
    assert_int_equal(testkit_status(bad), 400);
}

static void oldest_lines_are_pushed_out_whole(void **state) {
    char line[16];
    (void)state;
    rig.lambda.log_bytes = 5000;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(line, sizeof line, "line %04d\n", i);
        log_lines("f", line);
    }
    const char *text = get(PATH);
    assert_int_equal(strlen(text), 5000);
    assert_int_equal(strncmp(text, "line 0500\n", 10), 0);
    assert_string_equal(text + 4990, "line 0999\n");
    log_lines("f", "a line of another length\n");
    text = get(PATH);
    assert_int_equal(strncmp(text, "line 0503\n", 10), 0);
}

static void text_larger_than_the_log_leaves_its_end(void **state) {
    char text[9000];
    (void)state;
    rig.lambda.log_bytes = 4096;
    log_lines("f", "before\n");
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 7, "after\n", 7);
    log_lines("f", text);
    const char *kept = get(PATH);
    assert_int_equal(strlen(kept), 4096);
    assert_string_equal(kept + 4090, "after\n");
}

static void all_logs_together_are_bounded(void **state) {
    char name[16];
    (void)state;
    rig.lambda.log_bytes = 1024 * 1024;
    char *text = malloc(1024 * 1024 + 1);
    assert_non_null(text);
    memset(text, 'x', 1024 * 1024);
    memcpy(text + 1024 * 1024 - 1, "\n", 2);
    for (int i = 0; i < 70; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        log_lines(name, text);
    }
    free(text);
    assert_string_equal(get("/_floci/lambda/f0/logs"), "");
    assert_string_equal(get("/_floci/lambda/f5/logs"), "");
    assert_int_equal(strlen(get("/_floci/lambda/f6/logs")), 1024 * 1024);
    assert_int_equal(strlen(get("/_floci/lambda/f69/logs")), 1024 * 1024);
}

static struct testkit_request *follow(const char *target, bool slow) {
    struct testkit_request *req = testkit_request_create(rig.kit, "GET", target);
    if (slow) {
        testkit_request_slow(req);
    }
    assert_int_equal(testkit_send(req), 0);
    testkit_run(rig.kit);
    return req;
}

static void follower_gets_what_is_there_and_what_comes(void **state) {
    (void)state;
    log_lines("f", "one\ntwo\n");
    struct testkit_request *all = follow(PATH "?follow=1", false);
    struct testkit_request *end = follow(PATH "?follow=true&tail=0", false);
    assert_int_equal(testkit_status(all), 200);
    assert_string_equal(testkit_body(all), "one\ntwo\n");
    log_lines("f", "three\n");
    log_lines("g", "other\n");
    assert_string_equal(testkit_body(all), "one\ntwo\nthree\n");
    assert_string_equal(testkit_body(end), "three\n");
    assert_false(testkit_is_complete(all));
    logs_stop(rig.lambda.logs);
    assert_true(testkit_is_complete(all));
    assert_true(testkit_is_complete(end));
    struct testkit_request *late = testkit_ask(rig.kit, "GET", PATH "?follow=1", NULL);
    assert_int_equal(testkit_status(late), 503);
}

static void function_that_has_not_written_yet_can_be_followed(void **state) {
    (void)state;
    struct testkit_request *req = follow(PATH "?follow=1", false);
    assert_int_equal(testkit_status(req), 200);
    log_lines("f", "first\n");
    assert_string_equal(testkit_body(req), "first\n");
}

static void slow_follower_is_told_what_it_has_missed(void **state) {
    char line[32];
    (void)state;
    rig.lambda.log_bytes = 4096;
    struct testkit_request *req = follow(PATH "?follow=1", true);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(line, sizeof line, "line %04d\n", i);
        log_lines("f", line);
    }
    testkit_run(rig.kit);
    assert_has(testkit_body(req), "line 0000\n[5900 bytes were dropped: the reader is too slow]\n"
                                  "line 0591\n");
    assert_has(testkit_body(req), "line 0999\n");
}

static void follower_that_leaves_is_forgotten(void **state) {
    (void)state;
    struct testkit_request *quick = follow(PATH "?follow=1", false);
    struct testkit_request *slow = follow(PATH "?follow=1", true);
    log_lines("f", "one\n");
    testkit_request_cancel(quick, -ECONNRESET);
    testkit_request_cancel(slow, -ECONNRESET);
    testkit_run(rig.kit);
    log_lines("f", "two\n");
    assert_int_equal(testkit_times_answered(quick), 1);
    assert_int_equal(testkit_times_answered(slow), 1);
    assert_string_equal(get(PATH), "one\ntwo\n");
}

static void log_of_a_deleted_function_is_gone_and_its_followers_end(void **state) {
    (void)state;
    log_lines("f", "one\n");
    struct testkit_request *req = follow(PATH "?follow=1", false);
    struct testkit_request *slow = follow(PATH "?follow=1", true);
    log_lines("f", "two\n");
    logs_forget(rig.lambda.logs, &tenant, "f");
    assert_true(testkit_is_complete(req));
    testkit_run(rig.kit);
    assert_true(testkit_is_complete(slow));
    assert_string_equal(get(PATH), "");
}

static void only_so_many_may_follow(void **state) {
    (void)state;
    for (int i = 0; i < LOGS_FOLLOWERS_MAX; i++) {
        assert_int_equal(testkit_status(follow(PATH "?follow=1", false)), 200);
    }
    assert_int_equal(testkit_status(testkit_ask(rig.kit, "GET", PATH "?follow=1", NULL)), 503);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(log_is_shown_as_it_was_written),
        TEST(account_and_region_are_the_querys_the_arns_or_the_callers),
        TEST(oldest_lines_are_pushed_out_whole),
        TEST(text_larger_than_the_log_leaves_its_end),
        TEST(all_logs_together_are_bounded),
        TEST(follower_gets_what_is_there_and_what_comes),
        TEST(function_that_has_not_written_yet_can_be_followed),
        TEST(slow_follower_is_told_what_it_has_missed),
        TEST(follower_that_leaves_is_forgotten),
        TEST(log_of_a_deleted_function_is_gone_and_its_followers_end),
        TEST(only_so_many_may_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
