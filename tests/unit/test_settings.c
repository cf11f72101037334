/* SPDX-License-Identifier: MIT */
/* Tests of core/settings.c. */
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"
#include "host.h"

static struct host host;

static int set_up(void **state) {
    (void)state;
    host = (struct host){0};
    return config_create(&host.config) == 0 && settings_declare(&host, NULL) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    config_destroy(host.config);
    return 0;
}

static void every_key_has_help(void **state) {
    (void)state;
    assert_true(config_count(host.config) > 0);
    for (size_t i = 0; i < config_count(host.config); i++) {
        const struct config_entry *entry = config_at(host.config, i);
        assert_non_null(entry->decl->help);
        assert_true(strlen(entry->decl->help) > 0);
    }
}

static void values_of_keys_that_name_a_secret_are_not_shown(void **state) {
    (void)state;
    static const struct {
        const char *key;
        const char *value;
        const char *shown;
    } cases[] = {
        {"floci.services.x.master-password", "hunter2", "********"},
        {"floci.services.x.token-ttl", "60", "********"},
        {"floci.presign-secret", "s", "********"},
        {"floci.presign-secret", NULL, NULL},
        {"floci.port", "4566", "4566"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct config_entry entry = {.key = cases[i].key, .value = cases[i].value};
        if (cases[i].shown == NULL) {
            assert_null(settings_shown(&entry));
        } else {
            assert_string_equal(settings_shown(&entry), cases[i].shown);
        }
    }
}

static void the_defaults_are_in_order(void **state) {
    (void)state;
    struct error err = {0};
    assert_int_equal(settings_apply(&host, &err), 0);
    assert_string_equal(host.default_account, "000000000000");
    assert_string_equal(host.default_region, "us-east-1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_key_has_help, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_of_keys_that_name_a_secret_are_not_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_defaults_are_in_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
