/* SPDX-License-Identifier: MIT */
/* GetAccountSetting and PutAccountSetting. */
#include "call_fixture.h"

#include "account_setting.h"

static void assert_value(const char *name, const char *value) {
    assert_answer("GetAccountSetting", format("{\"name\":\"%s\"}", name), 200,
                  format("{\"name\":\"%s\",\"value\":\"%s\"}", name, value));
    assert_true(account_setting_is(&fixture.ecr, &here, name, value));
}

static void put_value(const char *name, const char *value) {
    assert_answer("PutAccountSetting", format("{\"name\":\"%s\",\"value\":\"%s\"}", name, value),
                  200, format("{\"name\":\"%s\",\"value\":\"%s\"}", name, value));
}

static void defaults_are_what_virga_does(void **state) {
    (void)state;
    assert_value("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE");
    assert_value("REGISTRY_POLICY_SCOPE", "V2");
    assert_value("BLOB_MOUNTING", "ENABLED");
}

static void strict_mounting_is_off_until_it_is_put(void **state) {
    (void)state;
    fixture.ecr.strict = true;
    assert_value("BLOB_MOUNTING", "DISABLED");
    put_value("BLOB_MOUNTING", "ENABLED");
    assert_value("BLOB_MOUNTING", "ENABLED");
}

static void what_is_put_is_kept_for_the_account_and_region(void **state) {
    static const struct tenant elsewhere = {ACCOUNT, "eu-west-1"};
    (void)state;
    put_value("BASIC_SCAN_TYPE_VERSION", "CLAIR");
    put_value("REGISTRY_POLICY_SCOPE", "V1");
    put_value("BLOB_MOUNTING", "DISABLED");
    assert_value("BASIC_SCAN_TYPE_VERSION", "CLAIR");
    assert_value("REGISTRY_POLICY_SCOPE", "V1");
    assert_value("BLOB_MOUNTING", "DISABLED");
    assert_true(account_setting_is(&fixture.ecr, &elsewhere, "BLOB_MOUNTING", "ENABLED"));
    put_value("BLOB_MOUNTING", "ENABLED");
    assert_value("BLOB_MOUNTING", "ENABLED");
}

static void unknown_names_and_values_are_refused(void **state) {
    static const char names[] = "Unknown account setting name; valid names are "
                                "BASIC_SCAN_TYPE_VERSION, REGISTRY_POLICY_SCOPE, BLOB_MOUNTING";
    (void)state;
    assert_fails("GetAccountSetting", "{\"name\":\"COLOUR\"}", "ValidationException", names);
    assert_fails("PutAccountSetting", "{\"name\":\"COLOUR\",\"value\":\"red\"}",
                 "ValidationException", names);
    assert_fails("PutAccountSetting", "{\"name\":\"BLOB_MOUNTING\",\"value\":\"enabled\"}",
                 "InvalidParameterException",
                 "Invalid parameter at 'value' failed to satisfy constraint: 'Valid values for "
                 "BLOB_MOUNTING are DISABLED and ENABLED'");
    assert_fails("GetAccountSetting", "{}", "ValidationException",
                 "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
                 "Member must not be null");
    assert_null(account_setting_value(&fixture.ecr, &here, "COLOUR"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_what_virga_does),
        TEST(strict_mounting_is_off_until_it_is_put),
        TEST(what_is_put_is_kept_for_the_account_and_region),
        TEST(unknown_names_and_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
