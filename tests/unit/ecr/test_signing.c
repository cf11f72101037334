/* SPDX-License-Identifier: MIT */
/* The signing configuration and what it means, and the statuses of an image. */
#include "call_fixture.h"
#include "signing_record.h"

#define PROFILE(name) "arn:aws:signer:us-east-1:" ACCOUNT ":/signing-profiles/" name
#define FILTER(text) "{\"filter\":\"" text "\",\"filterType\":\"WILDCARD_MATCH\"}"
#define RULE(profile, filters)                                                                     \
    "{\"signingProfileArn\":\"" PROFILE(profile) "\",\"repositoryFilters\":[" filters "]}"
#define EVERYWHERE(profile) "{\"signingProfileArn\":\"" PROFILE(profile) "\"}"
#define CONFIG(rules) "\"signingConfiguration\":{\"rules\":[" rules "]}"
#define NONE "Signing configuration does not exist in the registry with id '" ACCOUNT "'"

static void a_configuration_is_kept_until_it_is_deleted(void **state) {
    (void)state;
    const char *given = "{" CONFIG(RULE("a_1", FILTER("app/*")) "," EVERYWHERE("b_1")) "}";
    const char *shown = "{\"registryId\":\"" ACCOUNT
                        "\"," CONFIG(RULE("a_1", FILTER("app/*")) "," EVERYWHERE("b_1")) "}";
    assert_fails("GetSigningConfiguration", "{}", "SigningConfigurationNotFoundException", NONE);
    assert_answer("PutSigningConfiguration", given, 200, given);
    assert_answer("GetSigningConfiguration", "{}", 200, shown);
    assert_answer("DeleteSigningConfiguration", "{}", 200, shown);
    assert_fails("DeleteSigningConfiguration", "{}", "SigningConfigurationNotFoundException", NONE);
    assert_int_equal(call("PutSigningConfiguration", "{\"signingConfiguration\":{\"rules\":[{"
                                                     "\"signingProfileArn\":\"arn:aws:x\"}]}}"),
                     400);
    assert_non_null(strstr(answer, "ValidationException"));
}

static size_t profiles(const char *rules, const char *name, struct virga_str *ret_list,
                       struct json_object **ret_config) {
    *ret_config = json_tokener_parse(format("{\"rules\":[%s]}", rules));
    assert_non_null(*ret_config);
    return signing_config_profiles(*ret_config, name, ret_list);
}

static void rules_that_match_give_each_profile_once(void **state) {
    (void)state;
    struct virga_str list[SIGNING_RULES_MAX];
    struct json_object *config;
    const char *rules = RULE("one", FILTER("a*") "," FILTER("*z")) "," RULE(
        "two", FILTER("a/b")) "," RULE("one", FILTER("*")) "," EVERYWHERE("any");
    assert_int_equal(profiles(rules, "a/b", list, &config), 3);
    assert_true(virga_str_equal(list[0], STR(PROFILE("one"))));
    assert_true(virga_str_equal(list[1], STR(PROFILE("two"))));
    assert_true(virga_str_equal(list[2], STR(PROFILE("any"))));
    json_object_put(config);
    /* Without '*' a filter is the whole name. */
    assert_int_equal(profiles(RULE("two", FILTER("a/b")), "a/bc", list, &config), 0);
    json_object_put(config);
    assert_int_equal(profiles("", "app", list, &config), 0);
    json_object_put(config);
}

static void statuses_are_kept_for_each_profile_and_shown(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    struct signing_status status = {.profile = PROFILE("one"), .state = SIGNING_IN_PROGRESS};
    create("app");
    push("{\"n\":1}", "v1", NULL, digest);
    const char *id = format("{" APP ",\"imageId\":{\"imageTag\":\"v1\"}}");
    const char *head = format("{\"registryId\":\"" ACCOUNT "\"," APP
                              ",\"imageId\":{\"imageDigest\":\"%s\",\"imageTag\":\"v1\"},",
                              digest);
    assert_answer("DescribeImageSigningStatus", id, 200, format("%s\"signingStatuses\":[]}", head));
    assert_int_equal(signing_status_put(&fixture.ecr, &here, STR("app"), STR(digest), &status), 0);
    status.state = SIGNING_COMPLETE;
    assert_int_equal(signing_status_put(&fixture.ecr, &here, STR("app"), STR(digest), &status), 0);
    (void)snprintf(status.profile, sizeof status.profile, "%s", PROFILE("two"));
    (void)snprintf(status.code, sizeof status.code, "Code");
    (void)snprintf(status.reason, sizeof status.reason, "a reason");
    status.state = SIGNING_FAILED;
    assert_int_equal(signing_status_put(&fixture.ecr, &here, STR("app"), STR(digest), &status), 0);
    assert_answer("DescribeImageSigningStatus", id, 200,
                  format("%s\"signingStatuses\":[{\"signingProfileArn\":\"" PROFILE(
                             "one") "\",\"status\":"
                                    "\"COMPLETE\"},{"
                                    "\"signingProfileArn"
                                    "\":\"" PROFILE("two") "\","
                                                           "\"failure"
                                                           "Code\":"
                                                           "\"Code\","
                                                           "\"failure"
                                                           "Reason\":"
                                                           "\"a "
                                                           "reason\","
                                                           "\"status"
                                                           "\":"
                                                           "\"FAILED"
                                                           "\"}]}",
                         head));
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(digest)), 0);
    assert_int_equal(signing_status_put(&fixture.ecr, &here, STR("app"), STR(digest), &status),
                     -ENOENT);
}

static void the_oldest_status_gives_way(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    struct signing_statuses statuses;
    create("app");
    push("{\"n\":1}", "v1", NULL, digest);
    for (int i = 0; i <= SIGNING_STATUSES_MAX; i++) {
        struct signing_status status = {.state = SIGNING_COMPLETE};
        (void)snprintf(status.profile, sizeof status.profile, "p%d", i);
        assert_int_equal(signing_status_put(&fixture.ecr, &here, STR("app"), STR(digest), &status),
                         0);
    }
    assert_int_equal(signing_statuses_get(&fixture.ecr, &here, STR("app"), STR(digest), &statuses),
                     0);
    assert_int_equal(statuses.count, SIGNING_STATUSES_MAX);
    assert_null(signing_statuses_find(&statuses, "p0"));
    assert_non_null(signing_statuses_find(&statuses, "p20"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_configuration_is_kept_until_it_is_deleted),
        TEST(rules_that_match_give_each_profile_once),
        TEST(statuses_are_kept_for_each_profile_and_shown),
        TEST(the_oldest_status_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
