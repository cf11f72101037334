/* SPDX-License-Identifier: MIT */
/* Replication configurations: what is refused, and whom a push concerns. */
#include "ecr_fixture.h"

#include "replication_rules.h"

static const struct tenant here = {"111111111111", "us-east-1"};

static struct json_object *parse(const char *text) {
    struct json_object *object = NULL;
    assert_int_equal(virga_awsjson_parse(STR(text), &object), 0);
    return object;
}

/* A destination in account 1 or 2. */
#define TO(region, account)                                                                        \
    "{\"region\":\"" region "\",\"registryId\":\"" account account account account account account \
        account account account account account account "\"}"
#define RULE(destinations) "{\"destinations\":[" destinations "]}"
#define FILTERED(destinations, filters)                                                            \
    "{\"destinations\":[" destinations "],\"repositoryFilters\":[" filters "]}"
#define PREFIX(prefix) "{\"filter\":\"" prefix "\",\"filterType\":\"PREFIX_MATCH\"}"
#define RULES(rules) "{\"rules\":[" rules "]}"

static void assert_check(const char *text, const char *wrong) {
    struct json_object *configuration = parse(text);
    const char *found = replication_rules_check(configuration, &here);
    json_object_put(configuration);
    if (wrong == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, wrong);
    }
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    assert_check("{\"rules\":[]}", NULL);
    assert_check(RULES(RULE("")), NULL);
    assert_check(RULES(RULE(TO("us-west-2", "1") "," TO("us-east-1", "2"))), NULL);
    assert_check(RULES(RULE(TO("us-west-2", "1")) "," RULE(TO("us-west-2", "1"))), NULL);
    assert_check(RULES(RULE(TO("us-east-1", "1"))),
                 "Replication destination cannot be the same as the source registry");
    assert_check(RULES(RULE(TO("us-west-2", "1") "," TO("us-west-2", "1"))),
                 "Replication destinations of a rule must be unique");
    assert_check(RULES(RULE(TO("cn-north-1", "1"))),
                 "Replication destination must be in the same partition as the source registry");
    assert_check(RULES(RULE(TO("us-gov-west-1", "1"))),
                 "Replication destination must be in the same partition as the source registry");
    assert_check(RULES(RULE(TO("us--west", "1"))), "Replication destination is not a valid region");
}

static void twenty_five_different_destinations_are_the_most(void **state) {
    (void)state;
    for (int count = 25; count <= 26; count++) {
        char text[4096] = "{\"rules\":[";
        for (int i = 0; i < count; i++) {
            size_t len = strlen(text);
            (void)snprintf(text + len, sizeof text - len,
                           "%s{\"destinations\":[{\"region\":\"r-%d\",\"registryId\":"
                           "\"111111111111\"},{\"region\":\"r-0\",\"registryId\":"
                           "\"222222222222\"}]}",
                           i > 0 ? "," : "", i % 24);
        }
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
        assert_check(text, NULL); /* 24 and one that all rules share */
    }
    char text[4096] = "{\"rules\":[{\"destinations\":[";
    for (int i = 0; i < 26; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len,
                       "%s{\"region\":\"r-%d\",\"registryId\":\"111111111111\"}", i > 0 ? "," : "",
                       i);
    }
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "]}]}");
    assert_check(text, "Replication configuration cannot have more than 25 unique destinations");
}

/* "region/account ..." of those who get a push to `name`. */
static const char *match(const char *text, const char *name) {
    static char found[2048];
    struct json_object *configuration = parse(text);
    struct replication_targets targets;
    replication_rules_match(configuration, STR(name), &targets);
    json_object_put(configuration);
    found[0] = '\0';
    for (size_t i = 0; i < targets.count; i++) {
        size_t len = strlen(found);
        (void)snprintf(found + len, sizeof found - len, "%s%s/%c", i > 0 ? " " : "",
                       targets.tenants[i].region, targets.tenants[i].account[0]);
    }
    return found;
}

static void filters_are_prefixes_of_the_name(void **state) {
    static const char text[] = RULES(FILTERED(TO("a-1", "1"), PREFIX("prod")));
    (void)state;
    assert_string_equal(match(text, "prod"), "a-1/1");
    assert_string_equal(match(text, "production"), "a-1/1");
    assert_string_equal(match(text, "prod/web"), "a-1/1");
    assert_string_equal(match(text, "pro"), "");
    assert_string_equal(match(text, "my/prod"), "");
}

static void one_of_several_filters_is_enough_and_none_means_all(void **state) {
    static const char text[] =
        RULES(FILTERED(TO("a-1", "1"), PREFIX("web") "," PREFIX("api")) "," RULE(TO("b-1", "2")));
    (void)state;
    assert_string_equal(match(text, "web"), "a-1/1 b-1/2");
    assert_string_equal(match(text, "api/v2"), "a-1/1 b-1/2");
    assert_string_equal(match(text, "db"), "b-1/2");
    assert_string_equal(match("{\"rules\":[]}", "db"), "");
}

static void a_destination_of_several_rules_is_served_once(void **state) {
    static const char text[] = RULES(RULE(TO("a-1", "1") "," TO("a-1", "2")) "," FILTERED(
        TO("a-1", "1") "," TO("b-1", "1"), PREFIX("web")) "," RULE(TO("a-1", "2")));
    (void)state;
    assert_string_equal(match(text, "web"), "a-1/1 a-1/2 b-1/1");
    assert_string_equal(match(text, "db"), "a-1/1 a-1/2");
}

static void a_registry_without_configuration_has_no_destinations(void **state) {
    struct replication_targets targets = {.count = 9};
    (void)state;
    assert_int_equal(replication_rules_find(&fixture.ecr, &here, STR("app"), &targets), 0);
    assert_int_equal(targets.count, 0);
    fixture.store_error = -EIO;
    assert_int_equal(replication_rules_find(&fixture.ecr, &here, STR("app"), &targets), -EIO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(twenty_five_different_destinations_are_the_most),
        cmocka_unit_test(filters_are_prefixes_of_the_name),
        cmocka_unit_test(one_of_several_filters_is_enough_and_none_means_all),
        cmocka_unit_test(a_destination_of_several_rules_is_served_once),
        cmocka_unit_test_setup_teardown(a_registry_without_configuration_has_no_destinations,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
