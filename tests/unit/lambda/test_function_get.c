/* SPDX-License-Identifier: MIT */
/* Reading, listing and deleting functions and versions, names and pages. */
#include "api_fixture.h"

#define PARAMETER "InvalidParameterValueException"

static void put_side(enum side_kind kind, const char *name, const char *id, const char *text) {
    struct json_object *json = json_tokener_parse(text);
    assert_non_null(json);
    assert_int_equal(side_put(&fixture.lambda, kind, &here, name, id, json), 0);
    json_object_put(json);
}

static void publish(const char *name, int timeout) {
    assert_int_equal(call("PUT", format(FUNCTIONS "/%s/configuration", name),
                          format("{\"Timeout\":%d}", timeout)),
                     200);
    assert_int_equal(call("POST", format(FUNCTIONS "/%s/versions", name), ""), 201);
}

static void a_qualifier_stands_at_the_end_of_the_arn(void **state) {
    (void)state;
    create("f");
    publish("f", 5);
    publish("f", 6);
    put_side(SIDE_ALIAS, "f", "live",
             "{\"FunctionVersion\":\"1\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":"
             "1}}}");
    static const struct {
        const char *target, *arn, *version;
    } cases[] = {
        {"f", ARN("f"), "$LATEST"},
        {"f?Qualifier=$LATEST", ARN("f:$LATEST"), "$LATEST"},
        {"f?Qualifier=%24LATEST", ARN("f:$LATEST"), "$LATEST"},
        {"f:2", ARN("f:2"), "2"},
        {"f?Qualifier=1", ARN("f:1"), "1"},
        {"f?Qualifier=live", ARN("f:live"), "1"},
        {"f:live", ARN("f:live"), "1"},
        {"f:live?Qualifier=live", ARN("f:live"), "1"},
        {"arn%3Aaws%3Alambda%3Aus-east-1%3A" ACCOUNT "%3Afunction%3Af", ARN("f"), "$LATEST"},
        {ARN("f:live"), ARN("f:live"), "1"},
        {ACCOUNT ":function:f:1", ARN("f:1"), "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(call("GET", format(FUNCTIONS "/%s", cases[i].target), NULL), 200);
        assert_string_equal(field("Configuration.FunctionArn"), cases[i].arn);
        assert_string_equal(field("Configuration.Version"), cases[i].version);
    }
    assert_int_equal(call("GET", FUNCTIONS "/f/configuration?Qualifier=live", NULL), 200);
    assert_string_equal(field("FunctionArn"), ARN("f:live"));
}

static void tags_and_concurrency_are_shown_when_there_are_some(void **state) {
    (void)state;
    create("f");
    put_side(SIDE_TAGS, "f", "", "{\"a\":\"b\"}");
    put_side(SIDE_CONCURRENCY, "f", "", "{\"ReservedConcurrentExecutions\":0}");
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 200);
    assert_string_equal(field("Tags"), "{ \"a\": \"b\" }");
    assert_string_equal(field("Concurrency"), "{ \"ReservedConcurrentExecutions\": 0 }");
    put_side(SIDE_TAGS, "f", "", "{}");
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 200);
    assert_string_equal(field("Tags"), "");
}

static void names_are_checked_in_aws_words(void **state) {
    (void)state;
    char name[200];
#define DETECTED " validation error detected: Value "
#define FAILED " failed to satisfy constraint: Member must "
    assert_fails("GET", FUNCTIONS "/my-function!", NULL, 400, "ValidationException",
                 "1" DETECTED "'my-function!' at 'functionName'" FAILED
                 "satisfy regular expression pattern: " FUNCTION_NAME_PATTERN);
    assert_string_equal(answer + strlen(answer) - 2, "\"}");
    assert_null(strstr(answer, "\"Type\""));
    assert_fails("GET", FUNCTIONS "/f?Qualifier=invalid!", NULL, 400, "ValidationException",
                 "1" DETECTED "'invalid!' at 'qualifier'" FAILED
                 "satisfy regular expression pattern: " FUNCTION_QUALIFIER_PATTERN);
    assert_fails("GET", FUNCTIONS "/f:1:2?Qualifier=invalid!", NULL, 400, "ValidationException",
                 "2 validation errors detected: Value 'invalid!' at 'qualifier'" FAILED
                 "satisfy regular expression pattern: " FUNCTION_QUALIFIER_PATTERN
                 "; Value 'f:1:2' at 'functionName'" FAILED
                 "satisfy regular expression pattern: " FUNCTION_NAME_PATTERN);
    memset(name, 'q', sizeof name);
    name[129] = '\0';
    assert_fails("GET", format(FUNCTIONS "/f?Qualifier=%s", name), NULL, 400, "ValidationException",
                 format("1" DETECTED "'%s' at 'qualifier'" FAILED
                        "have length less than or equal to 128",
                        name));
    name[65] = '\0';
    assert_fails("GET", format(FUNCTIONS "/%s", name), NULL, 404, "ResourceNotFoundException",
                 format("Function not found: " ARN("%s"), name));
    assert_non_null(strstr(answer, "{\"Type\":\"User\",\"Message\":"));
    assert_fails("GET", FUNCTIONS "/arn:aws:lambda:eu-west-1:" ACCOUNT ":function:f", NULL, 404,
                 "ResourceNotFoundException",
                 "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
    assert_int_equal(call("GET", FUNCTIONS "/999999999999:function:f", NULL), 403);
    assert_string_equal(error_type, "AccessDeniedException");
    assert_fails("GET", FUNCTIONS "/f:1?Qualifier=2", NULL, 400, PARAMETER,
                 "The derived qualifier from the function name does not match the specified "
                 "qualifier.");
    create("f");
    assert_fails("GET", FUNCTIONS "/f:7", NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f:7"));
    assert_fails("GET", FUNCTIONS "/f?Qualifier=nobody", NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f:nobody"));
}

static void tenants_do_not_see_each_other(void **state) {
    (void)state;
    struct fake fake;
    create("f");
    start_call_as(&fake, "000000000000", "GET", FUNCTIONS "/f", NULL);
    assert_int_equal(finish_call(&fake), 404);
    start_call_as(&fake, "000000000000", "GET", FUNCTIONS, NULL);
    assert_int_equal(finish_call(&fake), 200);
    assert_string_equal(answer, "{\"Functions\":[]}");
}

/* --- lists --- */

static void lists_show_no_states(void **state) {
    (void)state;
    create("f");
    assert_int_equal(call("GET", FUNCTIONS, NULL), 200);
    assert_string_equal(field("Functions.0.FunctionArn"), ARN("f"));
    assert_string_equal(field("Functions.0.Version"), "$LATEST");
    assert_null(strstr(answer, "State"));
    assert_null(strstr(answer, "LastUpdate"));
    assert_null(strstr(answer, "NextMarker"));
    assert_int_equal(call("GET", FUNCTIONS "/f/versions", NULL), 200);
    assert_string_equal(field("Versions.0.FunctionArn"), ARN("f:$LATEST"));
    assert_null(strstr(answer, "State"));
}

/* Reads all pages of a list; returns "name:version ..." and how many pages there were. */
static const char *read_pages(const char *path, const char *query, const char *list, int max,
                              int *ret_pages) {
    static char all[8192];
    char marker[2048] = "";
    all[0] = '\0';
    *ret_pages = 0;
    do {
        assert_int_equal(call("GET",
                              format("%s?MaxItems=%d%s%s%s", path, max, query,
                                     marker[0] != '\0' ? "&Marker=" : "", marker),
                              NULL),
                         200);
        ++*ret_pages;
        struct json_object *json = json_tokener_parse(answer);
        for (size_t i = 0; i < virga_awsjson_length(json, list); i++) {
            struct json_object *one = virga_awsjson_element(json, list, i);
            size_t len = strlen(all);
            (void)snprintf(all + len, sizeof all - len, "%s ",
                           virga_awsjson_str(one, "FunctionArn").ptr + strlen(ARN("")));
        }
        struct virga_str next = virga_awsjson_str(json, "NextMarker");
        (void)snprintf(marker, sizeof marker, "%s", next.ptr != NULL ? escape(next.ptr) : "");
        json_object_put(json);
    } while (marker[0] != '\0' && *ret_pages < 50);
    return all;
}

static void lists_come_in_pages(void **state) {
    (void)state;
    static const char *const names[] = {"c", "a", "b"};
    int pages = 0;
    for (size_t i = 0; i < 3; i++) {
        create(names[i]);
    }
    publish("a", 5);
    publish("a", 6);
    publish("c", 7);
    for (int max = 1; max <= 7; max++) {
        assert_string_equal(read_pages(FUNCTIONS, "", "Functions", max, &pages), "a b c ");
        assert_int_equal(pages, (3 + max - 1) / max);
        assert_string_equal(read_pages(FUNCTIONS, "&FunctionVersion=ALL", "Functions", max, &pages),
                            "a:$LATEST a:1 a:2 b:$LATEST c:$LATEST c:1 ");
        assert_int_equal(pages, (6 + max - 1) / max);
        assert_string_equal(read_pages(FUNCTIONS "/a/versions", "", "Versions", max, &pages),
                            "a:$LATEST a:1 a:2 ");
        assert_int_equal(pages, (3 + max - 1) / max);
    }
}

static void a_page_holds_50(void **state) {
    (void)state;
    int pages = 0;
    for (int i = 0; i < 51; i++) {
        create(format("f%02d", i));
    }
    const char *all = read_pages(FUNCTIONS, "", "Functions", 10000, &pages);
    assert_int_equal(pages, 2);
    assert_int_equal(strlen(all), 51 * 4);
}

static void bad_questions_are_refused(void **state) {
    (void)state;
    create("f");
    create("g");
    assert_fails("GET", FUNCTIONS "?MaxItems=0", NULL, 400, "ValidationException",
                 "1" DETECTED "'0' at 'maxItems'" FAILED "have value greater than or equal to 1");
    assert_fails("GET", FUNCTIONS "?MaxItems=10001", NULL, 400, "ValidationException",
                 "1" DETECTED "'10001' at 'maxItems'" FAILED
                 "have value less than or equal to 10000");
    assert_fails("GET", FUNCTIONS "?FunctionVersion=invalid", NULL, 400, "ValidationException",
                 "1" DETECTED "'invalid' at 'functionVersion'" FAILED
                 "satisfy enum value set: [ALL]");
    assert_fails("GET", FUNCTIONS "?Marker=nonsense", NULL, 400, PARAMETER, "Invalid Marker");
    /* A marker of another question is no marker of this one. */
    assert_int_equal(call("GET", FUNCTIONS "?MaxItems=1", NULL), 200);
    assert_fails("GET",
                 format(FUNCTIONS "?FunctionVersion=ALL&Marker=%s", escape(field("NextMarker"))),
                 NULL, 400, PARAMETER, "Invalid Marker");
    assert_fails("GET", FUNCTIONS "/h/versions", NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("h"));
    assert_answer("GET", FUNCTIONS "?MasterRegion=eu-west-1&FunctionVersion=ALL", NULL, 200,
                  "{\"Functions\":[]}");
}

/* --- deletion --- */

static void a_deleted_function_leaves_nothing(void **state) {
    (void)state;
    create("f");
    publish("f", 5);
    assert_answer("DELETE", FUNCTIONS "/f", NULL, 204, "");
    assert_int_equal(fixture.events_forgotten, 1);
    assert_int_equal(fixture.logs_forgotten, 1);
    assert_true(fixture.pruned > 0);
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 404);
    assert_int_equal(call("GET", FUNCTIONS "/f:1", NULL), 404);
    assert_fails("DELETE", FUNCTIONS "/f", NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    assert_fails("DELETE", FUNCTIONS "/f:1", NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
}

static void versions_are_deleted_one_by_one(void **state) {
    (void)state;
    create("f");
    publish("f", 5);
    publish("f", 6);
    put_side(SIDE_ALIAS, "f", "live", "{\"FunctionVersion\":\"1\"}");
    put_side(SIDE_ALIAS, "f", "test",
             "{\"FunctionVersion\":\"2\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"1\":"
             "0.5}}}");
    put_side(SIDE_PROVISIONED, "f", "2", "{}");
    assert_fails("DELETE", FUNCTIONS "/f?Qualifier=1", NULL, 409, "ResourceConflictException",
                 "Unable to delete version because the following aliases reference it: [live, "
                 "test]");
    assert_fails("DELETE", FUNCTIONS "/f?Qualifier=$LATEST", NULL, 400, PARAMETER,
                 "$LATEST version cannot be deleted without deleting the function.");
    assert_fails("DELETE", FUNCTIONS "/f:live", NULL, 400, PARAMETER,
                 "Deletion of aliases is not currently supported.");
    put_side(SIDE_ALIAS, "f", "test", "{\"FunctionVersion\":\"1\"}");
    assert_answer("DELETE", FUNCTIONS "/f?Qualifier=2", NULL, 204, "");
    assert_answer("DELETE", FUNCTIONS "/f?Qualifier=2", NULL, 204, "");
    assert_int_equal(call("GET", FUNCTIONS "/f:2", NULL), 404);
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 200);
    assert_int_equal(fixture.events_forgotten, 0);
    struct json_object *json = NULL;
    assert_int_equal(side_get(&fixture.lambda, SIDE_PROVISIONED, &here, "f", "2", &json), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_qualifier_stands_at_the_end_of_the_arn),
        TEST(tags_and_concurrency_are_shown_when_there_are_some),
        TEST(names_are_checked_in_aws_words),
        TEST(tenants_do_not_see_each_other),
        TEST(lists_show_no_states),
        TEST(lists_come_in_pages),
        TEST(a_page_holds_50),
        TEST(bad_questions_are_refused),
        TEST(a_deleted_function_leaves_nothing),
        TEST(versions_are_deleted_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
