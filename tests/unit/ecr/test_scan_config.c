/* SPDX-License-Identifier: MIT */
/* What a scanning configuration means for a repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "call_fixture.h"
#include "scan_config.h"

/* The table of the user guide: filters against prod, repo-prod, prod-repo, repo-prod-repo,
 * prodrepo. */
static void filters_match_as_the_user_guide_says(void **state) {
    (void)state;
    static const char *const names[] = {"prod", "repo-prod", "prod-repo", "repo-prod-repo",
                                        "prodrepo"};
    static const struct {
        const char *filter;
        const char *matches;
    } filters[] = {{"prod", "yyyyy"},
                   {"*prod", "yynnn"},
                   {"prod*", "ynyny"},
                   {"*prod*", "yyyyy"},
                   {"prod*repo", "nnyny"}};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            assert_int_equal(scan_filter_matches(filters[i].filter, names[j]),
                             filters[i].matches[j] == 'y');
        }
    }
}

#define FILTER(text) "{\"filter\":\"" text "\",\"filterType\":\"WILDCARD\"}"
#define RULE(frequency, filters)                                                                   \
    "{\"scanFrequency\":\"" frequency "\",\"repositoryFilters\":[" filters "]}"
#define CONFIG(type, rules) "{\"scanType\":\"" type "\",\"rules\":[" rules "]}"

static struct scan_effect effect(const char *config, const char *name, bool flag) {
    struct json_object *object = json_tokener_parse(config);
    struct scan_effect result = scan_config_apply(object, name, flag);
    json_object_put(object);
    return result;
}

static void basic_scanning_takes_a_rule_or_the_repositorys_flag(void **state) {
    (void)state;
    const char *config = CONFIG("BASIC", RULE("SCAN_ON_PUSH", FILTER("a*") "," FILTER("b*")));
    assert_int_equal(effect(config, "app", false).frequency, SCAN_FREQUENCY_ON_PUSH);
    assert_int_equal(effect(config, "bpp", false).frequency, SCAN_FREQUENCY_ON_PUSH);
    assert_int_equal(effect(config, "cpp", false).frequency, SCAN_FREQUENCY_MANUAL);
    assert_false(effect(config, "cpp", false).on_push);
    assert_true(effect(config, "cpp", true).on_push);
    assert_false(effect(CONFIG("BASIC", RULE("MANUAL", FILTER("*"))), "app", false).on_push);
    assert_false(effect(CONFIG("BASIC", RULE("SCAN_ON_PUSH", "")), "app", false).on_push);
}

static void enhanced_scanning_knows_rules_only_and_continuous_wins(void **state) {
    (void)state;
    const char *config =
        CONFIG("ENHANCED",
               RULE("CONTINUOUS_SCAN", FILTER("con*")) "," RULE("SCAN_ON_PUSH", FILTER("*n*")));
    assert_int_equal(effect(config, "conn", true).frequency, SCAN_FREQUENCY_CONTINUOUS);
    assert_int_equal(effect(config, "n", true).frequency, SCAN_FREQUENCY_ON_PUSH);
    assert_int_equal(effect(config, "x", true).frequency, SCAN_FREQUENCY_MANUAL);
    assert_true(effect(config, "x", true).enhanced);
    assert_true(effect(config, "conn", false).on_push);
}

static void a_configuration_is_echoed_and_replaced_whole(void **state) {
    (void)state;
    const char *config = CONFIG("ENHANCED", RULE("CONTINUOUS_SCAN", FILTER("con*")));
    assert_answer("PutRegistryScanningConfiguration", config, 200,
                  format("{\"registryScanningConfiguration\":%s}", config));
    assert_answer("GetRegistryScanningConfiguration", "{}", 200,
                  format("{\"registryId\":\"" ACCOUNT "\",\"scanningConfiguration\":%s}", config));
    assert_answer("PutRegistryScanningConfiguration", "{}", 200,
                  "{\"registryScanningConfiguration\":" CONFIG("BASIC", "") "}");
    assert_answer("GetRegistryScanningConfiguration", "{}", 200,
                  "{\"registryId\":\"" ACCOUNT
                  "\",\"scanningConfiguration\":" CONFIG("BASIC", "") "}");
}

static void a_store_that_fails_is_told(void **state) {
    (void)state;
    fixture.store_error = -EIO;
    assert_int_equal(call("GetRegistryScanningConfiguration", "{}"), 500);
    assert_int_equal(call("PutRegistryScanningConfiguration", "{}"), 500);
    assert_int_equal(
        call("BatchGetRepositoryScanningConfiguration", "{\"repositoryNames\":[\"app\"]}"), 500);
    fixture.store_error = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_match_as_the_user_guide_says),
        cmocka_unit_test(basic_scanning_takes_a_rule_or_the_repositorys_flag),
        cmocka_unit_test(enhanced_scanning_knows_rules_only_and_continuous_wins),
        TEST(a_configuration_is_echoed_and_replaced_whole),
        TEST(a_store_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
