/* SPDX-License-Identifier: MIT */
/* The process backend's files: what is written, kept, taken away, and read back. */
#include "registry_files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static struct registry_files files;
static struct virga_error err = {.struct_size = sizeof err};

/* Runs a shell command in the data path. */
static void run(const char *command) {
    char text[2048];
    (void)snprintf(text, sizeof text, "cd '%s' && %s", directory, command);
    assert_int_equal(system(text), 0);
}

static int setup(void **state) {
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/virga-test-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : registry_files_init(&files, directory, &err);
}

static int teardown(void **state) {
    (void)state;
    registry_files_finish(&files);
    run("rm -rf \"$PWD\"");
    return 0;
}

static bool exists(const char *path) {
    char full[1024];
    struct stat st;
    (void)snprintf(full, sizeof full, "%s/%s", directory, path);
    return lstat(full, &st) == 0;
}

static void the_configuration_is_the_same_at_the_next_start(void **state) {
    char first[ECR_DIGEST_LEN + 1], second[ECR_DIGEST_LEN + 1];
    char command[256];
    struct stat st;
    (void)state;
    assert_int_equal(registry_files_prepare(&files, first, &err), 0);
    registry_files_finish(&files);
    assert_int_equal(registry_files_prepare(&files, second, &err), 0);
    assert_string_equal(first, second);
    assert_int_equal(stat(files.config, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(command, sizeof command, "grep -q \"^  addr: '%s/registry.sock'$\" registry.yml",
                   directory);
    run(command);
    run("! grep -q cache registry.yml");
}

static void a_data_path_is_for_one_at_a_time(void **state) {
    struct registry_files other;
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    assert_int_equal(registry_files_prepare(&files, digest, &err), 0);
    assert_int_equal(registry_files_prepare(&files, digest, &err), 0);
    assert_int_equal(registry_files_init(&other, directory, &err), 0);
    assert_int_equal(registry_files_prepare(&other, digest, &err), -EBUSY);
    registry_files_finish(&files);
    assert_int_equal(registry_files_prepare(&other, digest, &err), 0);
    registry_files_finish(&other);
}

static void a_data_path_that_is_too_long_for_a_socket_gets_another(void **state) {
    struct registry_files other;
    char path[300];
    (void)state;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[150] = '\0';
    assert_int_equal(registry_files_init(&other, path, &err), 0);
    assert_true(strlen(other.socket) <= REGISTRY_SOCKET_MAX);
    assert_null(strstr(other.socket, "xxx"));
    char huge[REGISTRY_PATH_MAX];
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(registry_files_init(&other, huge, &err), -ENAMETOOLONG);
}

static void the_pid_file_comes_back(void **state) {
    struct registry_pid pid = {.id = {4711, 123456789}, .config_digest = "sha256:00"};
    struct registry_pid read;
    (void)state;
    assert_int_equal(registry_files_read_pid(&files, &read), -ENOENT);
    assert_int_equal(registry_files_write_pid(&files, &pid), 0);
    assert_int_equal(registry_files_read_pid(&files, &read), 0);
    assert_int_equal(read.id.pid, 4711);
    assert_int_equal(read.id.start_time, 123456789);
    assert_string_equal(read.config_digest, "sha256:00");
    registry_files_remove_pid(&files);
    assert_int_equal(registry_files_read_pid(&files, &read), -ENOENT);
    run("echo '1 2 x' > registry.pid");
    assert_int_equal(registry_files_read_pid(&files, &read), -ENOENT);
    run("echo garbage > registry.pid");
    assert_int_equal(registry_files_read_pid(&files, &read), -ENOENT);
}

static void discarding_leaves_nested_repositories_alone(void **state) {
    (void)state;
    run("mkdir -p registry/docker/registry/v2/repositories/1/r/team/_manifests/x");
    run("mkdir -p registry/docker/registry/v2/repositories/1/r/team/_layers/y");
    run("mkdir -p registry/docker/registry/v2/repositories/1/r/team/app/_manifests/z");
    assert_int_equal(registry_files_discard(&files, "1/r/team"), 0);
    assert_int_equal(registry_files_discard(&files, "1/r/none"), 0);
    assert_false(exists("registry/docker/registry/v2/repositories/1/r/team/_manifests"));
    assert_false(exists("registry/docker/registry/v2/repositories/1/r/team/_layers"));
    assert_true(exists("registry/docker/registry/v2/repositories/1/r/team/app/_manifests/z"));
    assert_true(registry_files_take_trash(&files));
    assert_false(exists("trash"));
    registry_files_empty_trash(&files);
    assert_false(exists("trash.taken"));
    assert_false(registry_files_take_trash(&files));
}

static void the_logs_last_line_is_its_message(void **state) {
    char line[128];
    (void)state;
    registry_files_last_line(&files, line, sizeof line);
    assert_string_equal(line, "");
    run("printf 'x\\ntime=\"t\" level=fatal msg=\"open \\\\\"f\\\\\": denied\" a=b\\n' > "
        "registry.log");
    registry_files_last_line(&files, line, sizeof line);
    assert_string_equal(line, "open \"f\": denied");
    run("printf 'x\\nplain words' > registry.log");
    registry_files_last_line(&files, line, sizeof line);
    assert_string_equal(line, "plain words");
}

static void a_long_log_is_put_aside_at_start_and_emptied_meanwhile(void **state) {
    char digest[ECR_DIGEST_LEN + 1];
    struct stat st;
    (void)state;
    run("truncate -s 1048577 registry.log");
    assert_int_equal(registry_files_prepare(&files, digest, &err), 0);
    assert_false(exists("registry.log"));
    assert_true(exists("registry.log.1"));
    run("truncate -s 16777216 registry.log");
    registry_files_cap_log(&files);
    assert_int_equal(stat(files.log, &st), 0);
    assert_int_equal(st.st_size, REGISTRY_LOG_MAX_BYTES);
    run("truncate -s 16777217 registry.log");
    registry_files_cap_log(&files);
    assert_int_equal(stat(files.log, &st), 0);
    assert_int_equal(st.st_size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_configuration_is_the_same_at_the_next_start, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_data_path_is_for_one_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_data_path_that_is_too_long_for_a_socket_gets_another,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_pid_file_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(discarding_leaves_nested_repositories_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_logs_last_line_is_its_message, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_log_is_put_aside_at_start_and_emptied_meanwhile,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
