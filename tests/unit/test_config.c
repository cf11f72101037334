/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_yaml.h"
#include "ext_config.h"
#include "host.h"
#include "plugin.h"

#define BASE "floci.services.ecr."

static const struct virga_config_key host_keys[] = {
    {.key = "port", .type = VIRGA_CONFIG_INT, .default_value = "4566", .min = 0, .max = 65535},
    {.key = "storage.persistent-path", .type = VIRGA_CONFIG_STRING, .default_value = "./data"},
    {.key = "fallback-endpoint", .type = VIRGA_CONFIG_STRING},
};

static const struct virga_config_key ecr_keys[] = {
    {.key = "enabled", .type = VIRGA_CONFIG_BOOL, .default_value = "on"},
    {.key = "registry-base-port",
     .type = VIRGA_CONFIG_INT,
     .default_value = "5100",
     .min = 1,
     .max = 65535},
    {.key = "uri-style",
     .type = VIRGA_CONFIG_ENUM,
     .default_value = "hostname",
     .choices = "hostname|path"},
    {.key = "data-path",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "${floci.storage.persistent-path}/ecr"},
};

struct setup {
    struct config *config;
    struct error err;
};

static int declare_host(struct setup *s) {
    return config_declare(s->config, "core", "floci", host_keys,
                          sizeof host_keys / sizeof host_keys[0], sizeof host_keys[0], &s->err);
}

static int declare_ecr(struct setup *s) {
    return config_declare(s->config, "ecr", "floci.services.ecr", ecr_keys,
                          sizeof ecr_keys / sizeof ecr_keys[0], sizeof ecr_keys[0], &s->err);
}

static int declare_all(struct setup *s) {
    int rc = declare_host(s);
    return rc < 0 ? rc : declare_ecr(s);
}

static int read_text(struct setup *s, const char *text) {
    return config_read_text(s->config, "application.yml", text, strlen(text), &s->err);
}

static int set_up(void **state) {
    struct setup *s = calloc(1, sizeof *s);
    *state = s;
    return s == NULL ? -1 : config_create(&s->config);
}

static int tear_down(void **state) {
    struct setup *s = *state;
    config_destroy(s->config);
    free(s);
    return 0;
}

static void defaults_hold_when_nothing_is_given(void **state) {
    struct setup *s = *state;
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_int(s->config, "floci.port"), 4566);
    assert_string_equal(config_string(s->config, BASE "enabled"), "true");
    assert_true(config_bool(s->config, BASE "enabled"));
    assert_string_equal(config_string(s->config, BASE "uri-style"), "hostname");
    assert_null(config_string(s->config, "floci.fallback-endpoint"));
    const struct config_entry *entry = config_find(s->config, "floci.port");
    assert_int_equal(entry->source, CONFIG_DEFAULT);
    assert_string_equal(entry->owner, "core");
    assert_string_equal(entry->key, "floci.port");
    assert_string_equal(entry->decl->key, "port");
    assert_int_equal(config_count(s->config), 7);
    assert_string_equal(config_at(s->config, 3)->key, BASE "enabled");
    assert_null(config_at(s->config, 7));
}

static void file_beats_default_env_beats_file_and_set_beats_env(void **state) {
    struct setup *s = *state;
    char *const env[] = {"FLOCI_PORT=2", "FLOCI_SERVICES_ECR_REGISTRY_BASE_PORT=22", "HOME=/",
                         NULL};
    assert_int_equal(read_text(s,
                               "floci:\n  port: 1\n  services:\n    ecr:\n      uri-style: path\n"
                               "      registry-base-port: 11\n"),
                     0);
    assert_int_equal(config_read_set(s->config, "floci.port=3", &s->err), 0);
    assert_int_equal(config_read_env(s->config, env, &s->err), 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_int(s->config, "floci.port"), 3);
    assert_int_equal(config_int(s->config, BASE "registry-base-port"), 22);
    assert_string_equal(config_string(s->config, BASE "uri-style"), "path");
    assert_string_equal(config_find(s->config, "floci.port")->origin, "--set");
    assert_string_equal(config_find(s->config, BASE "registry-base-port")->origin,
                        "FLOCI_SERVICES_ECR_REGISTRY_BASE_PORT");
    assert_string_equal(config_find(s->config, BASE "uri-style")->origin, "application.yml:5");
    assert_int_equal(config_check(s->config, &s->err), 0);
}

static void later_set_wins_and_floci_may_be_left_out(void **state) {
    struct setup *s = *state;
    assert_int_equal(config_read_set(s->config, "port=1", &s->err), 0);
    assert_int_equal(config_read_set(s->config, "port=2", &s->err), 0);
    assert_int_equal(config_read_set(s->config, "fallback-endpoint=http://a/?b=c", &s->err), 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_int(s->config, "floci.port"), 2);
    assert_string_equal(config_string(s->config, "floci.fallback-endpoint"), "http://a/?b=c");
}

static void set_without_equals_is_refused(void **state) {
    struct setup *s = *state;
    assert_int_equal(config_read_set(s->config, "port", &s->err), -EINVAL);
    assert_string_equal(s->err.text, "--set port: expected key=value");
}

static void default_may_name_another_key(void **state) {
    struct setup *s = *state;
    assert_int_equal(config_read_set(s->config, "storage.persistent-path=/var/lib/virga", &s->err),
                     0);
    assert_int_equal(declare_all(s), 0);
    assert_string_equal(config_string(s->config, BASE "data-path"), "/var/lib/virga/ecr");
}

static void reference_in_a_given_value_stays_text(void **state) {
    struct setup *s = *state;
    assert_int_equal(config_read_set(s->config, "services.ecr.data-path=${floci.port}", &s->err),
                     0);
    assert_int_equal(declare_all(s), 0);
    assert_string_equal(config_string(s->config, BASE "data-path"), "${floci.port}");
}

static void default_that_names_an_unknown_key_is_refused(void **state) {
    struct setup *s = *state;
    assert_int_equal(declare_ecr(s), -ENOENT);
    assert_non_null(strstr(s->err.text, "floci.storage.persistent-path"));
}

static void failed_declare_leaves_no_key_behind(void **state) {
    struct setup *s = *state;
    assert_int_equal(declare_ecr(s), -ENOENT);
    assert_int_equal(config_count(s->config), 0);
    assert_int_equal(declare_all(s), 0);
}

static void wrong_int_names_key_origin_value_and_bounds(void **state) {
    struct setup *s = *state;
    (void)read_text(s, "floci:\n  services:\n    ecr:\n      registry-base-port: 70000\n");
    assert_int_equal(declare_all(s), -EINVAL);
    assert_string_equal(
        s->err.text,
        "floci.services.ecr.registry-base-port (application.yml:4): \"70000\" is not a "
        "whole number from 1 to 65535");
}

static void ints_are_decimal_and_nothing_else(void **state) {
    static const char *const wrong[] = {"",   "-",  "0x10", "1e3",
                                        " 1", "1 ", "+1",   "99999999999999999999"};
    struct setup *s = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct setup each = {0};
        char text[64];
        (void)s;
        assert_int_equal(config_create(&each.config), 0);
        (void)snprintf(text, sizeof text, "port=%s", wrong[i]);
        assert_int_equal(config_read_set(each.config, text, &each.err), 0);
        assert_int_equal(declare_host(&each), -EINVAL);
        config_destroy(each.config);
    }
}

static void wrong_enum_lists_choices_and_the_nearest(void **state) {
    struct setup *s = *state;
    char *const env[] = {"FLOCI_SERVICES_ECR_URI_STYLE=hostnam", NULL};
    (void)config_read_env(s->config, env, &s->err);
    assert_int_equal(declare_all(s), -EINVAL);
    assert_string_equal(
        s->err.text, "floci.services.ecr.uri-style (FLOCI_SERVICES_ECR_URI_STYLE): \"hostnam\" is "
                     "none of: hostname, path; did you mean hostname?");
}

static void bools_are_normalised(void **state) {
    static const struct {
        const char *given;
        const char *kept;
    } cases[] = {{"TRUE", "true"},   {"Yes", "true"}, {"on", "true"},   {"1", "true"},
                 {"False", "false"}, {"no", "false"}, {"OFF", "false"}, {"0", "false"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct setup each = {0};
        char text[64];
        assert_int_equal(config_create(&each.config), 0);
        (void)snprintf(text, sizeof text, "services.ecr.enabled=%s", cases[i].given);
        assert_int_equal(config_read_set(each.config, text, &each.err), 0);
        assert_int_equal(declare_all(&each), 0);
        assert_string_equal(config_string(each.config, BASE "enabled"), cases[i].kept);
        assert_int_equal(config_bool(each.config, BASE "enabled"), cases[i].kept[0] == 't');
        config_destroy(each.config);
    }
}

static void wrong_bool_is_refused(void **state) {
    struct setup *s = *state;
    (void)config_read_set(s->config, "services.ecr.enabled=maybe", &s->err);
    assert_int_equal(declare_all(s), -EINVAL);
    assert_non_null(strstr(s->err.text, "\"maybe\" is not true or false"));
}

static void quoted_scalars_stay_text_and_null_is_unset(void **state) {
    struct setup *s = *state;
    assert_int_equal(read_text(s, "floci:\n  port: ~\n  fallback-endpoint: \"null\"\n"
                                  "  storage:\n    persistent-path: ''\n"),
                     0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_find(s->config, "floci.port")->source, CONFIG_DEFAULT);
    assert_string_equal(config_string(s->config, "floci.fallback-endpoint"), "null");
    assert_string_equal(config_string(s->config, "floci.storage.persistent-path"), "");
    assert_int_equal(config_find(s->config, "floci.storage.persistent-path")->source, CONFIG_FILE);
}

static void lists_are_joined_and_aliases_followed(void **state) {
    struct setup *s = *state;
    assert_int_equal(read_text(s, "addresses: &a [127.0.0.1, '::1']\n"
                                  "floci:\n  fallback-endpoint: *a\n"),
                     0);
    assert_int_equal(declare_all(s), 0);
    assert_string_equal(config_string(s->config, "floci.fallback-endpoint"), "127.0.0.1,::1");
}

static void empty_variable_counts_as_unset(void **state) {
    struct setup *s = *state;
    char *const env[] = {"FLOCI_PORT=", NULL};
    assert_int_equal(config_read_env(s->config, env, &s->err), 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_find(s->config, "floci.port")->source, CONFIG_DEFAULT);
}

static void expect_text_error(const char *text, const char *message) {
    struct setup s = {0};
    assert_int_equal(config_create(&s.config), 0);
    assert_int_equal(read_text(&s, text), -EINVAL);
    assert_non_null(strstr(s.err.text, message));
    config_destroy(s.config);
}

static void what_is_not_understood_in_the_file_is_named_with_its_line(void **state) {
    (void)state;
    expect_text_error("floci:\n  port: 1\n  port: 2\n",
                      "application.yml:3: port is here a second time (first: line 2)");
    expect_text_error("floci:\n  storage.mode: 1\n  storage:\n    mode: 2\n",
                      "application.yml:4: floci.storage.mode is here a second time");
    expect_text_error("floci: {}\nfloci: {}\n", "application.yml:2: floci is here a second time");
    expect_text_error("floci:\n  <<: *missing\n", "application.yml:2: not YAML");
    expect_text_error("b: &b {port: 1}\nfloci:\n  <<: *b\n", "application.yml:3: merge keys");
    expect_text_error("floci:\n\tport: 1\n", "application.yml:2: not YAML");
    expect_text_error("floci:\n  port: [1, [2]]\n", "a list may hold single values only");
    expect_text_error("- floci\n", "application.yml:1: expected a map");
    expect_text_error("floci: {port: 1}\n---\nfloci: {port: 2}\n", "more than one YAML document");
    expect_text_error("floci:\n  ? [a]\n  : b\n", "a key must be text");
    expect_text_error("floci: {fallback-endpoint: \"a\\0b\"}\n", "a NUL byte");
    expect_text_error("\xff\xff", "not UTF-8");
}

static void depth_size_and_number_of_keys_are_capped(void **state) {
    char *text = malloc(CONFIG_YAML_MAX_BYTES + 2);
    size_t len = 0;
    (void)state;
    assert_non_null(text);
    memset(text, '#', CONFIG_YAML_MAX_BYTES + 1);
    text[CONFIG_YAML_MAX_BYTES + 1] = '\0';
    expect_text_error(text, "larger than");
    len = (size_t)sprintf(text, "floci: ");
    for (int i = 0; i < 20; i++) {
        len += (size_t)sprintf(text + len, "{a: ");
    }
    for (int i = 0; i < 20; i++) {
        text[len++] = '}';
    }
    text[len] = '\0';
    expect_text_error(text, "maps in one another");
    /* Eight levels of eight aliases each: a few lines that stand for millions of keys. */
    len = (size_t)sprintf(text, "l0: &l0 {k: 1}\n");
    for (int i = 1; i < 9; i++) {
        len += (size_t)sprintf(text + len, "l%d: &l%d {", i, i);
        for (int j = 0; j < 8; j++) {
            len += (size_t)sprintf(text + len, "%sk%d: *l%d", j > 0 ? ", " : "", j, i - 1);
        }
        len += (size_t)sprintf(text + len, "}\n");
    }
    len += (size_t)sprintf(text + len, "floci: *l8\n");
    expect_text_error(text, "more than 4096 keys");
    free(text);
}

static void other_top_level_keys_and_an_empty_file_are_fine(void **state) {
    struct setup *s = *state;
    assert_int_equal(read_text(s, "quarkus:\n  <<: {a: 1}\n  http: [[1], {b: 2}]\n"), 0);
    assert_int_equal(read_text(s, ""), 0);
    assert_int_equal(read_text(s, "# nothing\n"), 0);
    assert_int_equal(read_text(s, "floci:\n"), 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_check(s->config, &s->err), 0);
}

static void expect_check_error(const char *text, const char *set, const char *message) {
    struct setup s = {0};
    assert_int_equal(config_create(&s.config), 0);
    assert_int_equal(read_text(&s, text), 0);
    if (set != NULL) {
        assert_int_equal(config_read_set(s.config, set, &s.err), 0);
    }
    assert_int_equal(declare_all(&s), 0);
    assert_int_equal(config_check(s.config, &s.err), -EINVAL);
    assert_string_equal(s.err.text, message);
    config_destroy(s.config);
}

static void unknown_key_below_a_service_names_the_nearest(void **state) {
    (void)state;
    expect_check_error(
        "floci:\n  services:\n    ecr:\n\n\n\n      registry-base-prot: 1\n", NULL,
        "floci.services.ecr.registry-base-prot (application.yml:7): no such key; did "
        "you mean registry-base-port?");
    expect_check_error("floci: {services: {ecr: {zzzzzzzzzzzz: 1}}}", NULL,
                       "floci.services.ecr.zzzzzzzzzzzz (application.yml:1): no such key");
}

static void typing_error_directly_below_floci_is_refused(void **state) {
    (void)state;
    expect_check_error("floci:\n  prot: 1\n", NULL,
                       "floci.prot (application.yml:2): no such key; did you mean port?");
}

static void keys_of_other_emulators_are_let_pass(void **state) {
    struct setup *s = *state;
    assert_int_equal(read_text(s, "floci:\n  host: a\n  base-url: b\n  services:\n    sqs:\n"
                                  "      enabled: false\n    ecr:\n"),
                     0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_check(s->config, &s->err), 0);
}

static void unknown_key_of_the_command_line_is_always_refused(void **state) {
    (void)state;
    expect_check_error("", "services.sqs.enabled=true",
                       "floci.services.sqs.enabled (--set): no such key; did you mean "
                       "services.ecr.enabled?");
}

static void group_given_as_value_and_value_given_as_map_are_refused(void **state) {
    (void)state;
    expect_check_error("floci: {storage: here}", NULL,
                       "floci.storage (application.yml:1): this is a group of keys, such as "
                       "floci.storage.persistent-path");
    expect_check_error(
        "floci: {port: {http: 1}}", NULL,
        "floci.port.http (application.yml:1): floci.port takes a single value, not a "
        "map");
}

static void unknown_variable_of_a_service_names_the_nearest(void **state) {
    struct setup *s = *state;
    char *const env[] = {"FLOCI_SERVICES_ECR_REGISTRY_BASE_PROT=1", NULL};
    assert_int_equal(config_read_env(s->config, env, &s->err), 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_check(s->config, &s->err), -EINVAL);
    assert_string_equal(s->err.text,
                        "FLOCI_SERVICES_ECR_REGISTRY_BASE_PROT (environment): no such key; did you "
                        "mean FLOCI_SERVICES_ECR_REGISTRY_BASE_PORT?");
}

static void other_variables_are_let_pass(void **state) {
    struct setup *s = *state;
    char *const env[] = {
        "FLOCI_PROT=1", "FLOCI_SERVICES_SQS_ENABLED=true", "FLOCIPORT=1", "=", "x", NULL};
    assert_int_equal(config_read_env(s->config, env, &s->err), 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_check(s->config, &s->err), 0);
}

static void two_owners_cannot_declare_one_key(void **state) {
    struct setup *s = *state;
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(
        config_declare(s->config, "other", "floci", host_keys, 1, sizeof host_keys[0], &s->err),
        -EEXIST);
    assert_string_equal(s->err.text, "floci.port is declared by core already");
}

static void two_keys_cannot_share_a_variable(void **state) {
    static const struct virga_config_key keys[] = {{.key = "a.b", .type = VIRGA_CONFIG_STRING},
                                                   {.key = "a-b", .type = VIRGA_CONFIG_STRING}};
    struct setup *s = *state;
    assert_int_equal(config_declare(s->config, "x", "floci", keys, 2, sizeof keys[0], &s->err),
                     -EEXIST);
    assert_non_null(strstr(s->err.text, "FLOCI_A_B"));
}

static void malformed_declarations_are_refused(void **state) {
    static const struct virga_config_key wrong[] = {
        {.key = "UPPER", .type = VIRGA_CONFIG_STRING},
        {.key = "", .type = VIRGA_CONFIG_STRING},
        {.key = NULL, .type = VIRGA_CONFIG_STRING},
        {.key = "a", .type = 9},
        {.key = "a", .type = VIRGA_CONFIG_ENUM},
        {.key = "a", .type = VIRGA_CONFIG_INT, .min = 2, .max = 1},
        {.key = "a", .type = VIRGA_CONFIG_INT, .default_value = "x"},
    };
    struct setup *s = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(
            config_declare(s->config, "x", "floci", &wrong[i], 1, sizeof wrong[0], &s->err),
            -EINVAL);
    }
}

static void shorter_key_structs_of_older_plugins_are_read(void **state) {
    /* The stride of an element that ends before `help`. */
    const size_t stride = offsetof(struct virga_config_key, help);
    struct setup *s = *state;
    char bytes[2 * offsetof(struct virga_config_key, help)];
    memcpy(bytes, &host_keys[0], stride);
    memcpy(bytes + stride, &host_keys[1], stride);
    const struct virga_config_key *keys = (const void *)bytes;
    assert_int_equal(config_declare(s->config, "old", "floci", keys, 2, stride, &s->err), 0);
    assert_string_equal(config_string(s->config, "floci.storage.persistent-path"), "./data");
    assert_null(config_find(s->config, "floci.port")->decl->help);
}

static void missing_file_is_enoent_and_file_is_read(void **state) {
    struct setup *s = *state;
    char path[] = "/tmp/virga-config-XXXXXX";
    assert_int_equal(config_read_file(s->config, "/nonexistent/application.yml", &s->err), -ENOENT);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "floci: {port: 7}\n", 17), 17);
    (void)close(fd);
    int rc = config_read_file(s->config, path, &s->err);
    (void)unlink(path);
    assert_int_equal(rc, 0);
    assert_int_equal(declare_all(s), 0);
    assert_int_equal(config_int(s->config, "floci.port"), 7);
}

static void plugin_reads_below_its_root_and_any_key_in_full(void **state) {
    struct setup *s = *state;
    struct host host = {.config = s->config};
    struct virga_plugin desc = {.name = "ecr"};
    struct plugin plugin = {.host = &host, .desc = &desc, .desc_copy = desc};
    assert_int_equal(config_read_set(s->config, "services.ecr.uri-style=path", &s->err), 0);
    assert_int_equal(declare_all(s), 0);
    assert_string_equal(ext_config.get_string(&plugin.api, "uri-style").ptr, "path");
    assert_int_equal(ext_config.get_string(&plugin.api, "uri-style").len, 4);
    assert_int_equal(ext_config.get_int(&plugin.api, "registry-base-port"), 5100);
    assert_true(ext_config.get_bool(&plugin.api, "enabled"));
    assert_true(ext_config.is_set(&plugin.api, "uri-style"));
    assert_false(ext_config.is_set(&plugin.api, "enabled"));
    assert_int_equal(ext_config.get_int(&plugin.api, "floci.port"), 4566);
    assert_null(ext_config.get_string(&plugin.api, "floci.fallback-endpoint").ptr);
    assert_null(
        ext_config.get_string(&plugin.api, "port").ptr); /* of the host, not below its root */
    plugin.desc_copy.config_root = "storage";
    assert_string_equal(ext_config.get_string(&plugin.api, "persistent-path").ptr, "./data");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(defaults_hold_when_nothing_is_given),
        TEST(file_beats_default_env_beats_file_and_set_beats_env),
        TEST(later_set_wins_and_floci_may_be_left_out),
        TEST(set_without_equals_is_refused),
        TEST(default_may_name_another_key),
        TEST(reference_in_a_given_value_stays_text),
        TEST(default_that_names_an_unknown_key_is_refused),
        TEST(failed_declare_leaves_no_key_behind),
        TEST(wrong_int_names_key_origin_value_and_bounds),
        TEST(ints_are_decimal_and_nothing_else),
        TEST(wrong_enum_lists_choices_and_the_nearest),
        TEST(bools_are_normalised),
        TEST(wrong_bool_is_refused),
        TEST(quoted_scalars_stay_text_and_null_is_unset),
        TEST(lists_are_joined_and_aliases_followed),
        TEST(empty_variable_counts_as_unset),
        TEST(what_is_not_understood_in_the_file_is_named_with_its_line),
        TEST(depth_size_and_number_of_keys_are_capped),
        TEST(other_top_level_keys_and_an_empty_file_are_fine),
        TEST(unknown_key_below_a_service_names_the_nearest),
        TEST(typing_error_directly_below_floci_is_refused),
        TEST(keys_of_other_emulators_are_let_pass),
        TEST(unknown_key_of_the_command_line_is_always_refused),
        TEST(group_given_as_value_and_value_given_as_map_are_refused),
        TEST(unknown_variable_of_a_service_names_the_nearest),
        TEST(other_variables_are_let_pass),
        TEST(two_owners_cannot_declare_one_key),
        TEST(two_keys_cannot_share_a_variable),
        TEST(malformed_declarations_are_refused),
        TEST(shorter_key_structs_of_older_plugins_are_read),
        TEST(plugin_reads_below_its_root_and_any_key_in_full),
        TEST(missing_file_is_enoent_and_file_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
