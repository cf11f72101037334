/* SPDX-License-Identifier: MIT */
/* Tags of functions through the front door. */
#include "side_fixture.h"

#include "side.h"

#define TAGS "/2017-03-31/tags/" ARN("f")

static void tags_are_added_replaced_and_taken_away(void **state) {
    (void)state;
    make_function();
    assert_answer("GET", TAGS, "", 200, "{\"Tags\":{}}");
    assert_answer("POST", TAGS, "{\"Tags\":{\"a\":\"1\",\"b\":\"2\"}}", 204, "");
    assert_answer("POST", TAGS, "{\"Tags\":{\"b\":\"3\"}}", 204, "");
    assert_answer("GET", TAGS, "", 200, "{\"Tags\":{\"a\":\"1\",\"b\":\"3\"}}");
    assert_answer("DELETE", TAGS "?tagKeys=a&tagKeys=unknown", "", 204, "");
    assert_answer("GET", TAGS, "", 200, "{\"Tags\":{\"b\":\"3\"}}");
    assert_answer("DELETE", TAGS "?tagKeys=b", "", 204, "");
    assert_answer("GET", TAGS, "", 200, "{\"Tags\":{}}");
}

static void resources_that_have_no_tags_are_told(void **state) {
    (void)state;
    static const char tag[] = "{\"Tags\":{\"a\":\"1\"}}";
    assert_fails("POST", TAGS, tag, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    assert_fails("POST", TAGS ":1", tag, 400, "InvalidParameterValueException",
                 "Tags on function aliases and versions are not supported. Please specify a "
                 "function ARN.");
    assert_fails("POST", "/2017-03-31/tags/arn:aws:lambda:eu-west-1:" ACCOUNT ":function:f", tag,
                 404, "ResourceNotFoundException",
                 "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
    assert_int_equal(
        call("POST", "/2017-03-31/tags/arn:aws:lambda:us-east-1:111122223333:function:f", tag),
        403);
    assert_int_equal(
        call("GET", "/2017-03-31/tags/arn:aws:lambda:us-east-1:" ACCOUNT ":layer:x", ""), 404);
    (void)call("GET", "/2017-03-31/tags/arn:aws:s3:::b", "");
    assert_int_equal(status, 400);
    assert_string_equal(exception, "ValidationException");
    static const char begin[] =
        "1 validation error detected: Value 'arn:aws:s3:::b' at 'resource' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:";
    assert_memory_equal(member("message"), begin, sizeof begin - 1);
}

static void what_is_no_set_of_tags_is_refused(void **state) {
    (void)state;
    make_function();
    assert_fails("POST", TAGS, "{\"Tags\":{}}", 400, "InvalidParameterValueException",
                 "An error occurred and the request cannot be processed.");
    assert_fails("POST", TAGS, "{}", 400, "ValidationException",
                 "1 validation error detected: Value null at 'tags' failed to satisfy constraint: "
                 "Member must not be null");
    assert_fails("DELETE", TAGS, NULL, 400, "ValidationException",
                 "1 validation error detected: Value null at 'tagKeys' failed to satisfy "
                 "constraint: Member must not be null");
}

static void fifty_tags_are_the_most(void **state) {
    (void)state;
    make_function();
    for (int i = 0; i < SIDE_TAGS_MAX; i++) {
        assert_int_equal(call("POST", TAGS, format("{\"Tags\":{\"k%d\":\"v\"}}", i)), 204);
    }
    assert_fails("POST", TAGS, "{\"Tags\":{\"one more\":\"v\"}}", 400,
                 "InvalidParameterValueException", "Number of tags exceeds resource tag limit.");
    assert_int_equal(call("POST", TAGS, "{\"Tags\":{\"k1\":\"other\"}}"), 204);
}

static void keys_and_values_have_a_most(void **state) {
    (void)state;
    char text[2 * SIDE_TAG_VALUE_MAX + 1];
    make_function();
    for (size_t i = 0; i < SIDE_TAG_VALUE_MAX; i++) {
        memcpy(text + 2 * i, "\xc3\xa4", 3);
    }
    assert_int_equal(call("POST", TAGS, format("{\"Tags\":{\"a\":\"%s\"}}", text)), 204);
    assert_int_equal(call("POST", TAGS, format("{\"Tags\":{\"a\":\"%sx\"}}", text)), 400);
    text[2 * SIDE_TAG_KEY_MAX] = '\0';
    assert_int_equal(call("POST", TAGS, format("{\"Tags\":{\"%s\":\"\"}}", text)), 204);
    assert_int_equal(call("POST", TAGS, format("{\"Tags\":{\"%sx\":\"\"}}", text)), 400);
    assert_int_equal(call("POST", TAGS, "{\"Tags\":{\"\":\"\"}}"), 400);
}

static void a_body_with_members_of_the_query_does_no_harm(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", TAGS, "{\"Tags\":{\"a\":\"1\"}}"), 204);
    assert_int_equal(call("DELETE", TAGS "?tagKeys=a", "{\"tagKeys\":\"text\"}"), 204);
    assert_answer("GET", TAGS, "", 200, "{\"Tags\":{}}");
    assert_int_equal(call("DELETE", TAGS "?tagKeys=a", "{\"tagKeys\":null}"), 204);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(tags_are_added_replaced_and_taken_away),
        TEST(resources_that_have_no_tags_are_told),
        TEST(what_is_no_set_of_tags_is_refused),
        TEST(fifty_tags_are_the_most),
        TEST(keys_and_values_have_a_most),
        TEST(a_body_with_members_of_the_query_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
