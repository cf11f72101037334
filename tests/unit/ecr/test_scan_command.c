/* SPDX-License-Identifier: MIT */
/* The scanner's command line: how it is split, and what its placeholders become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scan_command.h"

static const struct scan_command_values values = {
    .image = "localhost:5100/1/r/app@sha256:0",
    .digest = "sha256:0",
    .output = "/o.json",
    .repository = "app",
    .account = "123456789012",
    .region = "us-east-1",
};

/* Splits and expands `text`; the arguments are to be `expected`, joined by '|'. */
static void assert_splits(const char *text, const char *expected) {
    struct scan_command command;
    char joined[1024] = "";
    assert_int_equal(scan_command_parse(virga_str_from(text), &command, NULL), 0);
    char **argv = scan_command_expand(&command, &values);
    assert_non_null(argv);
    for (size_t i = 0; argv[i] != NULL; i++) {
        size_t len = strlen(joined);
        (void)snprintf(joined + len, sizeof joined - len, "%s%s", i > 0 ? "|" : "", argv[i]);
    }
    assert_string_equal(joined, expected);
    scan_command_free_argv(argv);
    scan_command_finish(&command);
}

static void assert_refused(const char *text, const char *reason) {
    struct scan_command command;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    assert_int_equal(scan_command_parse(virga_str_from(text), &command, &err), -EINVAL);
    assert_string_equal(err.text, reason);
}

static void blanks_separate_and_quotes_keep(void **state) {
    (void)state;
    assert_splits("trivy", "trivy");
    assert_splits("  a \t b\n", "a|b");
    assert_splits("a 'b c' \"d e\"", "a|b c|d e");
    assert_splits("a'b c'd", "ab cd");
    assert_splits("a '' \"\"", "a||");
    assert_splits("a 'x\\y\"z' \"x\\\"y\\\\z'\" \\ \\'", "a|x\\y\"z|x\"y\\z'| '");
    assert_splits("a $HOME * ; | > f", "a|$HOME|*|;|||>|f");
}

static void placeholders_are_replaced_inside_arguments(void **state) {
    (void)state;
    assert_splits("s {image} --x={digest}, {repository}:{account}:{region} {output}",
                  "s|localhost:5100/1/r/app@sha256:0|--x=sha256:0,|app:123456789012:us-east-1|"
                  "/o.json");
    assert_splits("s '{image} {image}' {other} {} {image", "s|localhost:5100/1/r/app@sha256:0 "
                                                           "localhost:5100/1/r/app@sha256:0|"
                                                           "{other}|{}|{image");
}

static void only_output_says_that_the_report_is_in_a_file(void **state) {
    (void)state;
    struct scan_command command;
    assert_int_equal(scan_command_parse(virga_str_from("s --out={output}"), &command, NULL), 0);
    assert_true(command.writes_output);
    scan_command_finish(&command);
    assert_int_equal(scan_command_parse(virga_str_from("s {image}"), &command, NULL), 0);
    assert_false(command.writes_output);
    scan_command_finish(&command);
}

static void what_cannot_be_split_is_refused(void **state) {
    (void)state;
    char many[2 * SCAN_COMMAND_ARGS_MAX + 4] = "";
    assert_refused("", "it names no program");
    assert_refused("  ", "it names no program");
    assert_refused("'' x", "it names no program");
    assert_refused("a 'b", "a ' is not closed");
    assert_refused("a \"b", "a \" is not closed");
    assert_refused("a b\\", "it ends with a backslash");
    for (size_t i = 0; i <= SCAN_COMMAND_ARGS_MAX; i++) {
        memcpy(many + 2 * i, "a ", 3);
    }
    assert_refused(many, "it has more than 128 arguments");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_separate_and_quotes_keep),
        cmocka_unit_test(placeholders_are_replaced_inside_arguments),
        cmocka_unit_test(only_output_says_that_the_report_is_in_a_file),
        cmocka_unit_test(what_cannot_be_split_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
