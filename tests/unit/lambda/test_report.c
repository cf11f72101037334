/* SPDX-License-Identifier: MIT */
/* The texts of Lambda's own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report.h"

static char text[REPORT_SIZE];

static void report_of_a_cold_start(void **state) {
    const struct report report = {.request_id = "id",
                                  .duration_ns = 1230000,
                                  .memory_mb = 128,
                                  .peak_bytes = 36 * 1024 * 1024,
                                  .init_ns = 110100000};
    (void)state;
    size_t len = report_line(&report, text);
    assert_string_equal(text, "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 2 "
                              "ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: "
                              "110.10 ms\t\n");
    assert_int_equal(len, strlen(text));
}

static void report_of_a_timeout_with_unknown_memory(void **state) {
    const struct report report = {.request_id = "id",
                                  .duration_ns = 3000000000,
                                  .memory_mb = 128,
                                  .peak_bytes = -1,
                                  .init_ns = -1,
                                  .status = "timeout"};
    (void)state;
    report_line(&report, text);
    assert_string_equal(text, "REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 "
                              "ms\tMemory Size: 128 MB\tStatus: timeout\n");
}

static void report_of_a_failed_init(void **state) {
    (void)state;
    report_init(150790000, "init", "error", "Runtime.UserCodeSyntaxError", text);
    assert_string_equal(text, "INIT_REPORT Init Duration: 150.79 ms\tPhase: init\tStatus: "
                              "error\tError Type: Runtime.UserCodeSyntaxError\n");
}

static void document_escapes_what_json_must(void **state) {
    (void)state;
    report_document("id", "fork/exec /\"x\"\n", "Runtime.InvalidEntrypoint", text);
    assert_string_equal(text, "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":"
                              "\"RequestId: id Error: fork/exec /\\\"x\\\"\\n\"}");
}

static void endless_reason_makes_a_document_all_the_same(void **state) {
    char reason[5000];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memset(reason, i == 0 ? 'x' : 1, sizeof reason);
        reason[sizeof reason - 1] = '\0';
        size_t len = report_document("id", reason, "Runtime.ExitError", text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(text[0], '{');
        assert_int_equal(text[len - 1], '}');
    }
}

static void every_end_has_its_words(void **state) {
    static const struct {
        struct executor_exit end;
        const char *type, *message;
    } cases[] = {
        {{EXECUTOR_EXITED, 0, 0, ""},
         "Runtime.ExitError",
         "Runtime exited without providing a reason"},
        {{EXECUTOR_EXITED, 1, 0, ""},
         "Runtime.ExitError",
         "Runtime exited with error: exit status 1"},
        {{EXECUTOR_SIGNALLED, 0, SIGKILL, ""},
         "Runtime.ExitError",
         "Runtime exited with error: signal: killed"},
        {{EXECUTOR_SIGNALLED, 0, 60, ""},
         "Runtime.ExitError",
         "Runtime exited with error: signal: signal 60"},
        {{EXECUTOR_OOM, 0, 0, ""},
         "Runtime.OutOfMemory",
         "Runtime exited with error: signal: killed"},
        {{EXECUTOR_ENTRYPOINT, 0, 0, "fork/exec /a: permission denied"},
         "Runtime.InvalidEntrypoint",
         "fork/exec /a: permission denied"},
        {{EXECUTOR_WORKDIR, 0, 0, ""},
         "Runtime.InvalidWorkingDir",
         "the working directory doesn't exist: /w"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *type = NULL;
        report_exit(&cases[i].end, "/w", &type, text);
        assert_string_equal(type, cases[i].type);
        assert_string_equal(text, cases[i].message);
    }
}

static void only_lambdas_kinds_of_types_are_kept(void **state) {
    static const char *const cases[][2] = {{"Runtime.UserCodeSyntaxError", NULL},
                                           {"Function.MyError", NULL},
                                           {"Function.", "Function.Unknown"},
                                           {"Function.x", "Function.Unknown"},
                                           {"Runtime.A b", "Runtime.Unknown"},
                                           {"TypeError", "Runtime.Unknown"},
                                           {"", "Runtime.Unknown"}};
    char type[REPORT_TYPE_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        report_type(virga_str_from(cases[i][0]), type);
        assert_string_equal(type, cases[i][1] != NULL ? cases[i][1] : cases[i][0]);
    }
    report_type((struct virga_str){NULL, 0}, type);
    assert_string_equal(type, "Runtime.Unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_of_a_cold_start),
        cmocka_unit_test(report_of_a_timeout_with_unknown_memory),
        cmocka_unit_test(report_of_a_failed_init),
        cmocka_unit_test(document_escapes_what_json_must),
        cmocka_unit_test(endless_reason_makes_a_document_all_the_same),
        cmocka_unit_test(every_end_has_its_words),
        cmocka_unit_test(only_lambdas_kinds_of_types_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
