/* SPDX-License-Identifier: MIT */
/* The Parameter Store in a host in memory: what fails, and pages over many parameters, which real
 * clients cannot show. */
#include <errno.h>
#include <stdlib.h>

#include <virga/testkit.h>

#include "allowed_pattern.h"

/* Not assert(): a release build must test too. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct testkit *start(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    CHECK(testkit_start(kit) == 0);
    return kit;
}

static int says(const struct testkit_request *req, const char *text) {
    return strstr(testkit_body(req), text) != NULL;
}

static struct testkit_request *put(struct testkit *kit, const char *name, const char *more) {
    char body[400];
    (void)snprintf(body, sizeof body, "{\"Name\":\"%s\",\"Value\":\"v\",\"Type\":\"String\"%s}",
                   name, more);
    return testkit_ask_target(kit, "AmazonSSM.PutParameter", body);
}

static void written_at_the_time_of_the_clock(void) {
    struct testkit *kit = start();
    testkit_set_time(kit, 1795446379250);
    CHECK(says(put(kit, "a", ""), "\"Version\":1"));
    CHECK(says(testkit_ask_target(kit, "AmazonSSM.GetParameter", "{\"Name\":\"a\"}"),
               "\"LastModifiedDate\":1795446379.25"));
    CHECK(testkit_destroy(kit) == 0);
}

/* Nothing fits, so that a page ends where the looking ends, with nothing in it but the way on. */
static void a_long_walk_is_cut_into_pages(void) {
    struct testkit *kit = start();
    char body[2048];
    char token[1500] = "";
    int pages = 0;
    for (int i = 0; i < 2500; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "/n/%04d", i);
        CHECK(testkit_status(put(kit, name, "")) == 200);
    }
    do {
        (void)snprintf(body, sizeof body,
                       "{\"Path\":\"/n\",\"ParameterFilters\":[{\"Key\":\"Type\",\"Values\":["
                       "\"StringList\"]}]%s%s%s}",
                       token[0] != '\0' ? ",\"NextToken\":\"" : "", token,
                       token[0] != '\0' ? "\"" : "");
        struct testkit_request *req =
            testkit_ask_target(kit, "AmazonSSM.GetParametersByPath", body);
        CHECK(says(req, "\"Parameters\":[]"));
        const char *at = strstr(testkit_body(req), "\"NextToken\":\"");
        token[0] = '\0';
        if (at != NULL) {
            at += strlen("\"NextToken\":\"");
            (void)snprintf(token, sizeof token, "%.*s", (int)strcspn(at, "\""), at);
        }
        pages++;
    } while (token[0] != '\0');
    CHECK(pages == 3);
    CHECK(testkit_destroy(kit) == 0);
}

static void failing_store_is_a_500(void) {
    static const char *const actions[] = {"GetParameter", "DeleteParameter", "GetParameterHistory"};
    struct testkit *kit = start();
    (void)put(kit, "a", "");
    CHECK(testkit_status(testkit_ask_target(kit, "AmazonSSM.LabelParameterVersion",
                                            "{\"Name\":\"a\",\"Labels\":[\"x\"]}")) == 200);
    testkit_store_fail(kit, -EIO);
    CHECK(testkit_status(put(kit, "b", "")) == 500);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char target[60];
        (void)snprintf(target, sizeof target, "AmazonSSM.%s", actions[i]);
        struct testkit_request *req = testkit_ask_target(kit, target, "{\"Name\":\"a\"}");
        CHECK(testkit_status(req) == 500 && says(req, "InternalServerError"));
    }
    CHECK(testkit_status(testkit_ask_target(kit, "AmazonSSM.DescribeParameters", "{}")) == 500);
    testkit_store_fail(kit, 0);
    CHECK(testkit_destroy(kit) == 0);
}

static void out_of_memory_is_answered_and_leaves_all_or_nothing(void) {
    struct testkit *kit = start();
    (void)put(kit, "a", "");
    for (unsigned n = 1;; n++) {
        char name[20];
        size_t before = testkit_store_count(kit);
        (void)snprintf(name, sizeof name, "new%u", n);
        testkit_fail_alloc(kit, n);
        struct testkit_request *req = put(kit, name, ",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]");
        size_t written = testkit_store_count(kit) - before;
        if (!testkit_alloc_failed(kit)) {
            CHECK(n > 1 && testkit_status(req) == 200 && written == 2);
            break;
        }
        CHECK(testkit_status(req) == 500);
        /* Parameter and tags or neither, though the answer itself may be what failed. */
        CHECK(written == 0 || written == 2);
    }
    testkit_fail_alloc(kit, 0);
    CHECK(testkit_destroy(kit) == 0);
}

static void a_store_that_cannot_be_read_is_named_at_start(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    testkit_store_fail(kit, -EIO);
    CHECK(testkit_start(kit) == -EIO);
    CHECK(strstr(testkit_error(kit), "cannot read or write its store") != NULL);
    CHECK(testkit_destroy(kit) == 0);
}

static void java_expressions_are_told_in_posix(void) {
    static const struct {
        const char *pattern;
        const char *value;
        int result;
    } cases[] = {
        {"\\d+", "123", 1},
        {"\\d+", "12a", 0},
        {"[\\d.]+", "1.2", 1},
        {"[a\\-z]+", "a-z", 1},
        {"[a\\-z]+", "b", 0},
        {"[\\]x]+", "x]", 1},
        {"(?:ab)+c", "ababc", 1},
        {"\\w+\\s\\W", "ab !", 1},
        {"a.b", "a\nb", 1}, /* Java's '.' takes no line end; POSIX's does */
        {"a\\.b", "axb", 0},
        {"\\/x", "/x", 1},
        {"a{2,3}", "aaaa", 0},
        {"^a$", "a", 1},
        {"a??", "a", -EINVAL},
        {"a{2}?", "aa", -EINVAL},
        {"(?<name>a)", "a", -EINVAL},
        {"\\p{L}", "a", -EINVAL},
        {"a\\", "a", -EINVAL},
        {"[a", "a", -EINVAL},
        {"(a{200}){200}", "a", -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int result = allowed_pattern_matches(cases[i].pattern, cases[i].value);
        if (result != cases[i].result) {
            (void)fprintf(stderr, "%s on %s: %d\n", cases[i].pattern, cases[i].value, result);
        }
        CHECK(result == cases[i].result);
    }
}

int main(void) {
    written_at_the_time_of_the_clock();
    a_long_walk_is_cut_into_pages();
    failing_store_is_a_500();
    out_of_memory_is_answered_and_leaves_all_or_nothing();
    a_store_that_cannot_be_read_is_named_at_start();
    java_expressions_are_told_in_posix();
    (void)puts("ssm_test: all passed");
    return 0;
}
