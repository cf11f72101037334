/* SPDX-License-Identifier: MIT */
/* What an engine says while it pulls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <virga/helpers/engine_pull.h>

static void take(struct virga_engine_pull *pull, const char *text) {
    virga_engine_pull_take(pull, virga_str_from(text));
}

static const char *describe(const struct virga_engine_pull *pull) {
    static char text[128];
    virga_engine_pull_describe(pull, text, sizeof text);
    return text;
}

static void layers_and_bytes_are_counted(void **state) {
    (void)state;
    static struct virga_engine_pull pull;
    take(&pull,
         "{\"status\":\"Pulling from library/registry\",\"id\":\"2\"}\r\n"
         "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
         "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":250000,\"total\":1000000},"
         "\"id\":\"bbb\"}\r\n{\"status\":\"Down");
    assert_string_equal(describe(&pull), "1 of 2 layers, 0.2 of 1.0 MB (25%)");
    take(&pull, "load complete\",\"id\":\"bbb\"}\r\n");
    assert_string_equal(describe(&pull), "1 of 2 layers, 1.0 of 1.0 MB (100%)");
    take(&pull, "{\"status\":\"Pull complete\",\"id\":\"bbb\"}");
    virga_engine_pull_end(&pull);
    assert_string_equal(describe(&pull), "2 of 2 layers, 1.0 of 1.0 MB (100%)");
    assert_string_equal(pull.error, "");
}

static void the_first_error_is_kept(void **state) {
    (void)state;
    static struct virga_engine_pull pull;
    take(&pull,
         "{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"manifest unknown\"}\n"
         "{\"error\":\"another\"}\nno JSON at all\n");
    assert_string_equal(pull.error, "manifest unknown");
}

static void what_is_too_much_is_skipped(void **state) {
    (void)state;
    static struct virga_engine_pull pull;
    static char line[VIRGA_ENGINE_PULL_LINE_MAX + 100];
    memset(line, ' ', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    take(&pull, line);
    for (int i = 0; i < VIRGA_ENGINE_PULL_LAYERS_MAX + 10; i++) {
        char text[96];
        (void)snprintf(text, sizeof text, "{\"status\":\"Already exists\",\"id\":\"layer%d\"}\n",
                       i);
        take(&pull, text);
    }
    take(&pull, "{\"status\":\"Already exists\",\"id\":\"an id that is much too long\"}\n");
    assert_string_equal(describe(&pull), "64 of 64 layers");
}

static void references_are_split_at_the_tag(void **state) {
    (void)state;
    static const struct {
        const char *image, *name, *tag;
    } cases[] = {
        {"registry:2", "registry", "2"},
        {"registry", "registry", NULL},
        {"localhost:5000/registry", "localhost:5000/registry", NULL},
        {"localhost:5000/registry:3", "localhost:5000/registry", "3"},
        {"registry@sha256:abc", "registry@sha256:abc", NULL},
        {"registry:2@sha256:abc", "registry:2@sha256:abc", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = 0;
        const char *tag = "";
        virga_engine_pull_split(cases[i].image, &len, &tag);
        assert_int_equal(len, strlen(cases[i].name));
        if (cases[i].tag == NULL) {
            assert_null(tag);
        } else {
            assert_string_equal(tag, cases[i].tag);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_and_bytes_are_counted),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(what_is_too_much_is_skipped),
        cmocka_unit_test(references_are_split_at_the_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
