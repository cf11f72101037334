/* SPDX-License-Identifier: MIT */
/* Pull-through cache rules: which one a name means, where it leads, what the API says; and what
 * BatchGetImage makes of an upstream's answer. */
#include "call_fixture.h"

#include "cache_rules.h"
#include "upstream_secret.h"
#include "upstream_token.h"

static const char *overrides = "";

static struct virga_str fake_get_string(const struct virga_host *host, const char *key) {
    (void)host;
    return STR(strcmp(key, "upstream-overrides") == 0 ? overrides : "");
}

static const struct virga_config fake_config = {.struct_size = sizeof fake_config,
                                                .get_string = fake_get_string};

static int setup_rules(void **state) {
    int result = setup(state);
    overrides = "";
    fixture.ecr.config = &fake_config;
    return result;
}

#define RULES_TEST(name) cmocka_unit_test_setup_teardown(name, setup_rules, teardown)

static void make(const char *prefix, const char *url, const char *upstream) {
    assert_int_equal(
        call("CreatePullThroughCacheRule",
             format("{\"ecrRepositoryPrefix\":\"%s\",\"upstreamRegistryUrl\":\"%s\"%s%s%s}", prefix,
                    url, upstream != NULL ? ",\"upstreamRepositoryPrefix\":\"" : "",
                    upstream != NULL ? upstream : "", upstream != NULL ? "\"" : "")),
        200);
}

/* "<base> <repository>" of the rule for a name. */
static const char *place_of(const char *name) {
    static char text[2048];
    struct json_object *rule = NULL;
    struct upstream_place place;
    int result = cache_rule_find(&fixture.ecr, &here, STR(name), &rule);
    if (result != 0) {
        assert_int_equal(result, -ENOENT);
        return "none";
    }
    result = cache_rule_place(&fixture.ecr, rule, STR(name), &place);
    json_object_put(rule);
    (void)snprintf(text, sizeof text, "%s %s%s", place.base, place.repository,
                   result != 0 ? "!" : "");
    return text;
}

static void the_longest_prefix_wins(void **state) {
    (void)state;
    assert_string_equal(place_of("quay/team/app"), "none");
    make("quay", "quay.io", NULL);
    make("quay/deep/", "public.ecr.aws", NULL);
    assert_string_equal(place_of("quay/team/app"), "https://quay.io team/app");
    assert_string_equal(place_of("quay/deep/a/b"), "https://public.ecr.aws a/b");
    assert_string_equal(place_of("quayside/app"), "none");
    assert_string_equal(place_of("quay"), "none");
}

static void root_takes_the_rest_and_keeps_the_name(void **state) {
    (void)state;
    make("quay", "quay.io", NULL);
    make("ROOT", "registry.k8s.io", "ROOT");
    assert_string_equal(place_of("quay/app"), "https://quay.io app");
    assert_string_equal(place_of("other/app"), "https://registry.k8s.io other/app");
    assert_string_equal(place_of("app"), "https://registry.k8s.io app");
}

static void a_prefix_upstream_goes_before_the_name(void **state) {
    (void)state;
    make("mine", "quay.io", "team/x");
    assert_string_equal(place_of("mine/app"), "https://quay.io team/x/app");
}

static void an_override_says_where_it_answers(void **state) {
    (void)state;
    overrides = "quay.io=http://127.0.0.1:5001/mirror";
    make("quay", "https://quay.io", NULL);
    assert_string_equal(place_of("quay/app"), "http://127.0.0.1:5001/mirror app");
}

static void another_account_is_the_own_gateway(void **state) {
    (void)state;
    assert_int_equal(call("CreatePullThroughCacheRule",
                          "{\"ecrRepositoryPrefix\":\"base\",\"upstreamRegistryUrl\":"
                          "\"111122223333.dkr.ecr.eu-west-1.amazonaws.com\",\"customRoleArn\":"
                          "\"arn:aws:iam::123456789012:role/r\"}"),
                     200);
    assert_string_equal(place_of("base/app"),
                        "http://111122223333.dkr.ecr.eu-west-1.localhost:5100 app");
    fixture.ecr.uri_style = ECR_URI_PATH;
    assert_string_equal(place_of("base/app"),
                        "http://111122223333.dkr.ecr.eu-west-1.localhost:5100 "
                        "111122223333/eu-west-1/app");
}

static void a_rule_is_answered_as_the_model_has_it(void **state) {
    (void)state;
    assert_answer("CreatePullThroughCacheRule",
                  "{\"ecrRepositoryPrefix\":\"quay\",\"upstreamRegistryUrl\":\"quay.io\"}", 200,
                  "{\"ecrRepositoryPrefix\":\"quay\",\"upstreamRegistryUrl\":\"quay.io\","
                  "\"createdAt\":1700000000.123,\"registryId\":\"" ACCOUNT
                  "\",\"upstreamRegistry\":\"quay\",\"upstreamRepositoryPrefix\":\"ROOT\"}");
    assert_answer("DescribePullThroughCacheRules", "{}", 200,
                  "{\"pullThroughCacheRules\":[{\"ecrRepositoryPrefix\":\"quay\","
                  "\"upstreamRegistryUrl\":\"quay.io\",\"createdAt\":1700000000.123,"
                  "\"registryId\":\"" ACCOUNT
                  "\",\"upstreamRegistry\":\"quay\",\"upstreamRepositoryPrefix\":\"ROOT\","
                  "\"updatedAt\":1700000000.123}]}");
    assert_answer("UpdatePullThroughCacheRule",
                  "{\"ecrRepositoryPrefix\":\"quay/\",\"customRoleArn\":\"arn:x\"}", 200,
                  "{\"ecrRepositoryPrefix\":\"quay\",\"registryId\":\"" ACCOUNT
                  "\",\"customRoleArn\":\"arn:x\",\"upstreamRepositoryPrefix\":\"ROOT\","
                  "\"updatedAt\":1700000000.123}");
    assert_answer("DeletePullThroughCacheRule", "{\"ecrRepositoryPrefix\":\"quay\"}", 200,
                  "{\"ecrRepositoryPrefix\":\"quay\",\"upstreamRegistryUrl\":\"quay.io\","
                  "\"createdAt\":1700000000.123,\"registryId\":\"" ACCOUNT
                  "\",\"customRoleArn\":\"arn:x\",\"upstreamRepositoryPrefix\":\"ROOT\"}");
}

/* --- credentials and tokens --- */

static void a_secret_is_a_username_and_a_token(void **state) {
    (void)state;
    static const char *const bad[] = {"{}", "{\"username\":\"a\"}",
                                      "{\"username\":\"a:b\",\"accessToken\":\"c\"}",
                                      "{\"username\":\"a\",\"accessToken\":1}"};
    struct upstream_secret secret;
    struct json_object *object =
        json_tokener_parse("{\"username\":\"a\",\"accessToken\":\"b\",\"more\":1}");
    assert_true(upstream_secret_read(object, &secret));
    assert_string_equal(secret.username, "a");
    assert_string_equal(secret.password, "b");
    json_object_put(object);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        object = json_tokener_parse(bad[i]);
        assert_false(upstream_secret_read(object, &secret));
        json_object_put(object);
    }
}

static void a_token_is_used_for_its_scope_and_user_until_it_expires(void **state) {
    (void)state;
    struct upstream_tokens *tokens;
    struct upstream_place place = {.base = "https://quay.io"};
    char other[] = "other";
    assert_int_equal(upstream_tokens_create(&tokens), 0);
    assert_null(upstream_token_find(tokens, &place, "s", 0));
    assert_int_equal(
        upstream_token_take(tokens, &place, "s", STR("{\"token\":\"t\",\"expires_in\":300}"), 0),
        0);
    assert_string_equal(upstream_token_find(tokens, &place, "s", 289999), "Bearer t");
    assert_null(upstream_token_find(tokens, &place, "other", 0));
    place.username = place.password = other;
    assert_null(upstream_token_find(tokens, &place, "s", 0));
    place.username = place.password = NULL;
    assert_null(upstream_token_find(tokens, &place, "s", 290000));
    assert_int_equal(upstream_token_take(tokens, &place, "s", STR("{\"access_token\":\"u\"}"), 0),
                     0);
    assert_string_equal(upstream_token_find(tokens, &place, "s", 0), "Bearer u");
    upstream_token_forget(tokens, &place, "s");
    assert_null(upstream_token_find(tokens, &place, "s", 0));
    assert_int_equal(upstream_token_take(tokens, &place, "s", STR("{\"token\":\"\"}"), 0), -EINVAL);
    assert_int_equal(upstream_token_take(tokens, &place, "s", STR("<html>"), 0), -EINVAL);
    upstream_tokens_destroy(tokens);
}

static void the_oldest_token_goes_for_a_new_one(void **state) {
    (void)state;
    struct upstream_tokens *tokens;
    struct upstream_place place = {.base = "https://quay.io"};
    char scope[16];
    assert_int_equal(upstream_tokens_create(&tokens), 0);
    for (int i = 0; i <= UPSTREAM_TOKENS_MAX; i++) {
        (void)snprintf(scope, sizeof scope, "s%d", i);
        assert_int_equal(upstream_token_take(tokens, &place, scope, STR("{\"token\":\"t\"}"), 0),
                         0);
    }
    assert_null(upstream_token_find(tokens, &place, "s0", 0));
    assert_non_null(upstream_token_find(tokens, &place, "s1", 0));
    assert_non_null(upstream_token_find(tokens, &place, scope, 0));
    upstream_tokens_destroy(tokens);
}

/* --- BatchGetImage --- */

#define GET_V1 "{" APP ",\"imageIds\":[{\"imageTag\":\"v1\"}]}"

static void what_an_upstream_refuses_is_a_failure_of_the_id(void **state) {
    (void)state;
    static const struct {
        enum cache_outcome outcome;
        const char *code;
    } cases[] = {{CACHE_DENIED, "UpstreamAccessDenied"},
                 {CACHE_TOO_MANY, "UpstreamTooManyRequests"},
                 {CACHE_UNAVAILABLE, "UpstreamUnavailable"}};
    create("app");
    cached_tag = "v1";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cache_outcome = cases[i].outcome;
        assert_answer("BatchGetImage", GET_V1, 200,
                      format("{\"images\":[],\"failures\":[{\"imageId\":{\"imageTag\":\"v1\"},"
                             "\"failureCode\":\"%s\",\"failureReason\":\"the upstream says "
                             "no\"}]}",
                             cases[i].code));
    }
    cache_outcome = CACHE_NOT_FOUND;
    assert_int_equal(call("BatchGetImage", GET_V1), 200);
    assert_non_null(strstr(answer, "ImageNotFound"));
}

static void without_a_repository_the_call_fails(void **state) {
    (void)state;
    cached_tag = "v1";
    cache_outcome = CACHE_DENIED;
    assert_fails("BatchGetImage", GET_V1, "UnableToGetUpstreamImageException",
                 "the upstream says no");
    cache_outcome = CACHE_NOT_FOUND;
    assert_answer("BatchGetImage", GET_V1, 400, NO_APP);
}

static void an_image_that_was_fetched_is_answered(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{}", "v1", NULL, digest);
    cached_tag = "v1";
    assert_int_equal(call("BatchGetImage", GET_V1), 200);
    assert_non_null(strstr(answer, digest));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RULES_TEST(the_longest_prefix_wins),
        RULES_TEST(root_takes_the_rest_and_keeps_the_name),
        RULES_TEST(a_prefix_upstream_goes_before_the_name),
        RULES_TEST(an_override_says_where_it_answers),
        RULES_TEST(another_account_is_the_own_gateway),
        RULES_TEST(a_rule_is_answered_as_the_model_has_it),
        RULES_TEST(a_secret_is_a_username_and_a_token),
        RULES_TEST(a_token_is_used_for_its_scope_and_user_until_it_expires),
        RULES_TEST(the_oldest_token_goes_for_a_new_one),
        RULES_TEST(what_an_upstream_refuses_is_a_failure_of_the_id),
        RULES_TEST(without_a_repository_the_call_fails),
        RULES_TEST(an_image_that_was_fetched_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
