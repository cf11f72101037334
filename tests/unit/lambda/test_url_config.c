/* SPDX-License-Identifier: MIT */
/* The configuration of function URLs, and how an id leads to it. */
#include "side_fixture.h"

#include "side.h"
#include "url_config.h"

#include <ctype.h>

#define URL "/2021-10-31/functions/f/url"
#define NO_RESOURCE "The resource you requested does not exist."
#define PUBLIC "{\"AuthType\":\"NONE\"}"

/* The id in the last answer's FunctionUrl. */
static const char *url_id(void) {
    return format("%.*s", URL_CONFIG_ID_LEN, member("FunctionUrl") + strlen("http://"));
}

struct found {
    int result;
    struct tenant tenant;
    char name[LAMBDA_NAME_MAX + 1];
    char qualifier[LAMBDA_QUALIFIER_MAX + 1];
    char auth_type[16];
};

static struct found find(const char *id) {
    struct found found = {0};
    struct json_object *config = NULL;
    found.result = url_config_find(&fixture.lambda, STR(id), &found.tenant, found.name,
                                   found.qualifier, &config);
    if (found.result == 0) {
        (void)snprintf(found.auth_type, sizeof found.auth_type, "%s",
                       virga_awsjson_str(config, "AuthType").ptr);
        json_object_put(config);
    }
    return found;
}

static void a_url_is_created_in_awss_shape(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    const char *id = url_id();
    for (size_t i = 0; i < URL_CONFIG_ID_LEN; i++) {
        assert_true(islower((unsigned char)id[i]) || isdigit((unsigned char)id[i]));
    }
    assert_string_equal(
        answer,
        format("{\"FunctionUrl\":\"http://%s.lambda-url.us-east-1.localhost:4566/\","
               "\"FunctionArn\":\"" ARN("f") "\",\"AuthType\":\"NONE\","
                                             "\"CreationTime\":\"2023-11-14T22:13:20.123Z\"}",
               id));
    assert_int_equal(call("GET", URL, ""), 200);
    assert_string_equal(url_id(), id);
    assert_string_equal(member("InvokeMode"), "BUFFERED");
    assert_string_equal(member("LastModifiedTime"), "2023-11-14T22:13:20.123Z");
    assert_null(strstr(answer, "UrlId"));
}

static void what_is_given_is_answered(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", URL,
                          "{\"AuthType\":\"AWS_IAM\",\"InvokeMode\":\"RESPONSE_STREAM\",\"Cors\":"
                          "{\"AllowOrigins\":[\"*\"],\"MaxAge\":5}}"),
                     201);
    assert_non_null(strstr(answer, "\"Cors\":{\"AllowOrigins\":[\"*\"],\"MaxAge\":5}"));
    assert_string_equal(member("InvokeMode"), "RESPONSE_STREAM");
}

static void creating_is_refused_in_awss_words(void **state) {
    (void)state;
    assert_fails("POST", URL, PUBLIC, 404, "ResourceNotFoundException", "Function does not exist");
    make_function();
    assert_fails("POST", URL "?Qualifier=live", PUBLIC, 404, "ResourceNotFoundException",
                 "Function does not exist");
    static const char *const versions[][2] = {{URL "?Qualifier=1", "1"},
                                              {URL "?Qualifier=$LATEST", "$LATEST"},
                                              {"/2021-10-31/functions/f:2/url", "2"}};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        assert_fails("POST", versions[i][0], PUBLIC, 400, "ValidationException",
                     format("1 validation error detected: Value '%s' at 'qualifier' failed to "
                            "satisfy constraint: Member must satisfy regular expression pattern: "
                            "((?!^\\d+$)^[0-9a-zA-Z-_]+$)",
                            versions[i][1]));
    }
    assert_fails("POST", URL, "{\"AuthType\":\"NONE\",\"InvokeMode\":\"UNKNOWN\"}", 400,
                 "ValidationException",
                 "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to satisfy "
                 "constraint: Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]");
    assert_fails("POST", URL, "{}", 400, "ValidationException",
                 "1 validation error detected: Value null at 'authType' failed to satisfy "
                 "constraint: Member must not be null");
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    assert_fails("POST", URL, PUBLIC, 409, "ResourceConflictException",
                 "Failed to create function url config for [functionArn = " ARN(
                     "f") "]. Error message:  FunctionUrlConfig exists for this Lambda function");
}

static void updating_keeps_what_is_not_given(void **state) {
    (void)state;
    assert_fails("PUT", URL, PUBLIC, 404, "ResourceNotFoundException", "Function does not exist");
    make_function();
    assert_fails("PUT", URL, PUBLIC, 404, "ResourceNotFoundException", NO_RESOURCE);
    assert_int_equal(
        call("POST", URL, "{\"AuthType\":\"NONE\",\"Cors\":{\"AllowOrigins\":[\"*\"]}}"), 201);
    const char *id = url_id();
    fixture.now_ms += 1000;
    assert_int_equal(call("PUT", URL, "{\"AuthType\":\"AWS_IAM\"}"), 200);
    assert_string_equal(url_id(), id);
    assert_string_equal(member("AuthType"), "AWS_IAM");
    assert_string_equal(member("CreationTime"), "2023-11-14T22:13:20.123Z");
    assert_string_equal(member("LastModifiedTime"), "2023-11-14T22:13:21.123Z");
    assert_non_null(strstr(answer, "AllowOrigins"));
    assert_int_equal(call("PUT", URL, "{\"Cors\":{}}"), 200);
    assert_null(strstr(answer, "Cors"));
}

static void an_id_leads_to_its_function(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", F15 "f/aliases", "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}"),
                     201);
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    const char *id = url_id();
    assert_int_equal(call("POST", URL "?Qualifier=live", "{\"AuthType\":\"AWS_IAM\"}"), 201);
    const char *other = url_id();
    assert_string_not_equal(id, other);
    struct found found = find(id);
    assert_int_equal(found.result, 0);
    assert_string_equal(found.tenant.account, ACCOUNT);
    assert_string_equal(found.tenant.region, "us-east-1");
    assert_string_equal(found.name, "f");
    assert_string_equal(found.qualifier, "");
    assert_string_equal(found.auth_type, "NONE");
    found = find(other);
    assert_string_equal(found.qualifier, "live");
    assert_string_equal(found.auth_type, "AWS_IAM");
}

static void ids_that_lead_nowhere(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    const char *id = url_id();
    assert_int_equal(find("").result, -ENOENT);
    assert_int_equal(find("short").result, -ENOENT);
    assert_int_equal(find("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").result, -ENOENT);
    assert_int_equal(find("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/").result, -ENOENT);
    assert_int_equal(find(format("%sa", id)).result, -ENOENT);
    char upper[URL_CONFIG_ID_LEN + 1];
    for (size_t i = 0; i <= URL_CONFIG_ID_LEN; i++) {
        upper[i] = (char)toupper((unsigned char)id[i]);
    }
    assert_int_equal(find(upper).result, 0);
    assert_answer("DELETE", URL, "", 204, "");
    assert_int_equal(find(id).result, -ENOENT);
    assert_fails("DELETE", URL, NULL, 404, "ResourceNotFoundException", NO_RESOURCE);
    assert_fails("GET", URL, NULL, 404, "ResourceNotFoundException", NO_RESOURCE);
}

static void a_deleted_functions_urls_are_gone_for_good(void **state) {
    (void)state;
    char buffer[256];
    make_function();
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    const char *id = url_id();
    side_function_deleted(&fixture.lambda, &here, "f");
    assert_int_equal(functions_delete(&fixture.lambda, &here, "f"), 0);
    assert_int_equal(fact_get(&fixture.lambda, format("url/%s", id), buffer, sizeof buffer),
                     -ENOENT);
    make_function();
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    assert_string_not_equal(url_id(), id);
    assert_int_equal(find(id).result, -ENOENT);
}

static void a_url_outlives_its_alias(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", F15 "f/aliases", "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}"),
                     201);
    assert_int_equal(call("POST", URL "?Qualifier=live", PUBLIC), 201);
    const char *id = url_id();
    assert_int_equal(call("DELETE", F15 "f/aliases/live", ""), 204);
    assert_int_equal(find(id).result, 0);
    assert_int_equal(call("GET", URL "?Qualifier=live", ""), 200);
}

static void urls_are_listed_in_pages(void **state) {
    (void)state;
    assert_fails("GET", URL "s", NULL, 404, "ResourceNotFoundException", "Function does not exist");
    make_function();
    assert_answer("GET", URL "s", "", 200, "{\"FunctionUrlConfigs\":[]}");
    assert_int_equal(call("POST", F15 "f/aliases", "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}"),
                     201);
    assert_int_equal(call("POST", URL, PUBLIC), 201);
    assert_int_equal(call("POST", URL "?Qualifier=live", PUBLIC), 201);
    assert_int_equal(call("GET", URL "s?MaxItems=1", ""), 200);
    assert_non_null(strstr(answer, "\"FunctionArn\":\"" ARN("f") "\""));
    assert_null(strstr(answer, ARN("f:live")));
    assert_int_equal(call("GET", format(URL "s?Marker=%s", marker()), ""), 200);
    assert_null(strstr(answer, "\"FunctionArn\":\"" ARN("f") "\""));
    assert_non_null(strstr(answer, ARN("f:live")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_url_is_created_in_awss_shape),
        TEST(what_is_given_is_answered),
        TEST(creating_is_refused_in_awss_words),
        TEST(updating_keeps_what_is_not_given),
        TEST(an_id_leads_to_its_function),
        TEST(ids_that_lead_nowhere),
        TEST(a_deleted_functions_urls_are_gone_for_good),
        TEST(a_url_outlives_its_alias),
        TEST(urls_are_listed_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
