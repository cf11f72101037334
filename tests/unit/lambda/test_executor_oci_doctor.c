/* SPDX-License-Identifier: MIT */
#include "oci_fixture.h"

#include "executor.h"

/* What was reported, and what programs are to answer. */
static char reports[2048];
static int unshare_result;
static const char *runtime_version;

static void on_report(const struct virga_doctor *doctor, enum virga_doctor_verdict verdict,
                      const char *check, const char *found, const char *remedy) {
    static const char *const words[] = {"OK", "NOTE", "WARN", "FAIL"};
    size_t len = strlen(reports);
    (void)doctor;
    assert_true(verdict == VIRGA_DOCTOR_OK || remedy != NULL);
    (void)snprintf(reports + len, sizeof reports - len, "%s %s: %s\n", words[verdict], check,
                   found);
}

static int on_run(const struct virga_doctor *doctor, const char *const *argv, char *output,
                  size_t size) {
    (void)doctor;
    bool is_unshare = strcmp(argv[0], "unshare") == 0;
    (void)snprintf(output, size, "%s",
                   is_unshare ? "unshare: Operation not permitted"
                              : (runtime_version != NULL ? runtime_version : "it is broken"));
    return is_unshare ? unshare_result : runtime_version != NULL ? 0 : 1;
}

static const struct virga_doctor doctor = {
    .struct_size = sizeof doctor, .report = on_report, .run = on_run};

static int setup(void **state) {
    reports[0] = '\0';
    unshare_result = 0;
    runtime_version = "crun version 1.8.1";
    return tree_setup(state);
}

/* A PATH with empty programs of these names. */
static void use_tools(const struct tree *tree, const char *const *names) {
    for (; *names != NULL; names++) {
        tree_write(tree->root, *names, "");
        assert_int_equal(fchmodat(tree->root_fd, *names, 0755, 0), 0);
    }
    assert_int_equal(setenv("PATH", tree->root, 1), 0);
}

static void a_machine_without_runtimes_is_a_note(void **state) {
    use_tools(*state, (const char *const[]){"setpriv", NULL});
    executor_oci_doctor(NULL, &doctor);
    assert_non_null(strstr(reports, "NOTE oci executor: neither crun nor runc is in PATH"));
}

static void what_is_there_is_named(void **state) {
    use_tools(*state, (const char *const[]){"setpriv", "crun", "runc", NULL});
    executor_oci_doctor(NULL, &doctor);
    assert_non_null(strstr(reports, "OK oci executor: crun version 1.8.1 at "));
    assert_non_null(strstr(reports, "/crun, "));
    assert_non_null(strstr(reports, "oci memory limits: "));
}

static void missing_permission_is_told_in_words(void **state) {
    use_tools(*state, (const char *const[]){"setpriv", "crun", NULL});
    unshare_result = 1;
    executor_oci_doctor(NULL, &doctor);
    assert_non_null(strstr(reports, "WARN oci executor: "));
    assert_non_null(strstr(reports, "cannot make namespaces: unshare: Operation not permitted"));
    assert_null(strstr(reports, "OK oci executor"));
}

static void a_broken_runtime_is_told(void **state) {
    use_tools(*state, (const char *const[]){"setpriv", "runc", NULL});
    runtime_version = NULL;
    executor_oci_doctor(NULL, &doctor);
    assert_non_null(strstr(reports, "runc --version does not work: it is broken"));
}

static void missing_tools_are_told(void **state) {
    use_tools(*state, (const char *const[]){"crun", NULL});
    executor_oci_doctor(NULL, &doctor);
    assert_non_null(strstr(reports, "WARN oci executor: setpriv is not in PATH"));
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, setup, tree_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TREE(a_machine_without_runtimes_is_a_note),
        TREE(what_is_there_is_named),
        TREE(missing_permission_is_told_in_words),
        TREE(a_broken_runtime_is_told),
        TREE(missing_tools_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
