/* SPDX-License-Identifier: MIT */
#include "service_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ext_process.h"
#include "process_child.h"
#include "process_id.h"

struct seen {
    struct fixture fixture;
    struct virga_process_handle *process;
    char *output;
    size_t output_len;
    int exited;
    int close_on_output;
    int64_t exit_status;
    int term_signal;
};

static int set_up(void **state) {
    struct seen *seen = calloc(1, sizeof *seen);
    fixture_begin(&seen->fixture);
    *state = seen;
    return 0;
}

static int tear_down(void **state) {
    struct seen *seen = *state;
    fixture_end(&seen->fixture);
    free(seen->output);
    free(seen);
    return 0;
}

static void on_output(void *arg, struct virga_str bytes) {
    struct seen *seen = arg;
    assert_false(seen->exited); /* never after on_exit */
    seen->output = realloc(seen->output, seen->output_len + bytes.len + 1);
    memcpy(seen->output + seen->output_len, bytes.ptr, bytes.len);
    seen->output_len += bytes.len;
    seen->output[seen->output_len] = '\0';
    if (seen->close_on_output) {
        ext_process.close(seen->process);
        seen->process = NULL;
    }
}

static void on_exit_seen(void *arg, int64_t exit_status, int term_signal) {
    struct seen *seen = arg;
    seen->exited++;
    seen->exit_status = exit_status;
    seen->term_signal = term_signal;
}

static void on_exit_closing(void *arg, int64_t exit_status, int term_signal) {
    struct seen *seen = arg;
    on_exit_seen(arg, exit_status, term_signal);
    ext_process.close(seen->process);
    seen->process = NULL;
}

static struct virga_process_options options_for(struct seen *seen, const char *const *argv) {
    return (struct virga_process_options){
        .struct_size = sizeof(struct virga_process_options),
        .argv = argv,
        .on_output = on_output,
        .on_exit = on_exit_seen,
        .arg = seen,
    };
}

static int start(struct seen *seen, const struct virga_process_options *options) {
    return ext_process.spawn(seen->fixture.api, options, &seen->process);
}

/* Runs a shell script to its end. */
static void run_script(struct seen *seen, const char *script) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct virga_process_options options = options_for(seen, argv);
    assert_int_equal(start(seen, &options), 0);
    assert_int_equal(seen->exited, 0);
    fixture_run_until(&seen->fixture, &seen->exited);
    ext_process.close(seen->process);
    assert_int_equal(seen->exited, 1);
}

static void wait_until_gone(struct virga_process_id id) {
    for (int i = 0; i < 500 && process_id_runs(id.pid, id.start_time); i++) {
        uv_sleep(10);
    }
    assert_false(process_id_runs(id.pid, id.start_time));
}

/* Waits until the process runs `name` (the field in parentheses of its stat). */
static void wait_until_named(int64_t pid, const char *name) {
    char path[64];
    char text[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
    for (int i = 0; i < 500 && strncmp(text, name, strlen(name)) != 0; i++) {
        int fd = open(path, O_RDONLY);
        uv_sleep(5);
        assert_true(fd >= 0);
        (void)!read(fd, text, sizeof text - 1);
        (void)close(fd);
    }
    assert_memory_equal(text, name, strlen(name));
}

static void output_and_exit_status_arrive(void **state) {
    struct seen *seen = *state;
    run_script(seen, "echo out; echo err >&2; exit 3");
    assert_string_equal(seen->output, "out\nerr\n");
    assert_int_equal(seen->exit_status, 3);
    assert_int_equal(seen->term_signal, 0);
}

static void output_is_complete_before_on_exit(void **state) {
    struct seen *seen = *state;
    run_script(seen, "head -c 3000000 /dev/zero; printf end");
    assert_int_equal(seen->output_len, 3000003);
    assert_string_equal(seen->output + 3000000, "end");
}

static void grandchild_that_keeps_the_pipe_does_not_delay_on_exit(void **state) {
    struct seen *seen = *state;
    uint64_t began = uv_hrtime();
    run_script(seen, "sleep 4 & echo done");
    assert_string_equal(seen->output, "done\n");
    assert_true(uv_hrtime() - began < UINT64_C(3000000000));
}

static void stdin_is_empty(void **state) {
    struct seen *seen = *state;
    run_script(seen, "cat; echo eof");
    assert_string_equal(seen->output, "eof\n");
}

static void signal_ends_the_child_and_is_reported(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sleep", "60", NULL};
    const struct virga_process_options options = options_for(seen, argv);
    assert_int_equal(start(seen, &options), 0);
    assert_int_equal(ext_process.kill(seen->process, SIGKILL), 0);
    fixture_run_until(&seen->fixture, &seen->exited);
    assert_int_equal(seen->term_signal, SIGKILL);
    assert_int_equal(ext_process.kill(seen->process, SIGTERM), -ESRCH);
    ext_process.close(seen->process);
}

static void program_that_is_missing_or_not_executable_is_told_by_spawn(void **state) {
    struct seen *seen = *state;
    const char *const missing[] = {"no-such-program-here", NULL};
    const char *const missing_path[] = {"/no/such/program", NULL};
    const char *const not_executable[] = {"/etc/passwd", NULL};
    const char *const directory[] = {"/tmp", NULL};
    const struct {
        const char *const *argv;
        int code;
    } cases[] = {{missing, -ENOENT},
                 {missing_path, -ENOENT},
                 {not_executable, -EACCES},
                 {directory, -EACCES}};
    for (int wrapped = 0; wrapped < 2; wrapped++) {
        process_child_use(wrapped ? "/proc/self/exe" : NULL);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            const struct virga_process_options options = options_for(seen, cases[i].argv);
            assert_int_equal(start(seen, &options), cases[i].code);
        }
    }
    process_child_use(NULL);
    assert_int_equal(fixture_reclaim(&seen->fixture), 0);
}

static void environment_is_the_hosts_with_ours_over_it(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sh", "-c", "echo $VIRGA_A $VIRGA_B $VIRGA_C", NULL};
    const char *const env[] = {"VIRGA_B=new", "VIRGA_C=added", NULL};
    struct virga_process_options options = options_for(seen, argv);
    (void)setenv("VIRGA_A", "kept", 1);
    (void)setenv("VIRGA_B", "old", 1);
    options.env = env;
    assert_int_equal(start(seen, &options), 0);
    fixture_run_until(&seen->fixture, &seen->exited);
    assert_string_equal(seen->output, "kept new added\n");
    ext_process.close(seen->process);
}

static void program_and_directory_go_together(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"./pwd", NULL};
    struct virga_process_options options = options_for(seen, argv);
    options.cwd = "/bin"; /* a relative program is looked up there */
    assert_int_equal(start(seen, &options), 0);
    fixture_run_until(&seen->fixture, &seen->exited);
    assert_int_equal(seen->exit_status, 0);
    assert_non_null(strstr(seen->output, "/bin\n"));
    ext_process.close(seen->process);
}

static void output_file_is_private_and_appended(void **state) {
    struct seen *seen = *state;
    char path[] = "/tmp/virga-process-XXXXXX";
    char text[64] = "";
    struct stat info;
    const char *const argv[] = {"sh", "-c", "echo out; echo err >&2", NULL};
    struct virga_process_options options = options_for(seen, argv);
    options.output_path = path;
    (void)close(mkstemp(path));
    (void)unlink(path);
    for (int i = 0; i < 2; i++) {
        seen->exited = 0;
        assert_int_equal(start(seen, &options), 0);
        fixture_run_until(&seen->fixture, &seen->exited);
        ext_process.close(seen->process);
    }
    int fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(read(fd, text, sizeof text), 16);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_string_equal(text, "out\nerr\nout\nerr\n");
    assert_int_equal(seen->output_len, 0);
}

static void output_that_nobody_wants_goes_to_the_log_as_lines(void **state) {
    struct seen *seen = *state;
    char path[] = "/tmp/virga-process-XXXXXX";
    char text[8192] = "";
    const char *const argv[] = {
        "sh", "-c", "printf 'one\\ntwo\\nthree'; head -c 1500 /dev/zero | tr '\\0' x", NULL};
    struct virga_process_options options = options_for(seen, argv);
    options.on_output = NULL;
    int fd = mkstemp(path);
    int saved = dup(STDERR_FILENO);
    (void)unlink(path);
    (void)dup2(fd, STDERR_FILENO);
    int rc = start(seen, &options);
    fixture_run_until(&seen->fixture, &seen->exited);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    assert_int_equal(rc, 0);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    (void)close(fd);
    char line[64];
    (void)snprintf(line, sizeof line, " INFO  one sh[%lld]: one\n",
                   (long long)ext_process.id(seen->process).pid);
    assert_non_null(strstr(text, line));
    assert_non_null(strstr(text, "]: two\n"));
    assert_non_null(strstr(text, "]: threexxxxx"));
    assert_string_equal(text + strlen(text) - 6, "xxxxx\n"); /* the rest, though no newline came */
    ext_process.close(seen->process);
}

static void handle_may_be_closed_inside_its_callbacks(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sh", "-c", "echo a; exec sleep 60", NULL};
    const char *const quick[] = {"true", NULL};
    struct virga_process_options options = options_for(seen, argv);
    int never = 0;
    seen->close_on_output = 1;
    assert_int_equal(start(seen, &options), 0);
    struct virga_process_id id = ext_process.id(seen->process);
    ext_process_teardown(&seen->fixture.host); /* nothing is closed yet: returns at once */
    assert_true(process_id_runs(id.pid, id.start_time));
    while (seen->process != NULL) {
        (void)uv_run(&seen->fixture.loop, UV_RUN_ONCE);
    }
    (void)uv_run(&seen->fixture.loop, UV_RUN_DEFAULT);
    wait_until_gone(id);
    assert_int_equal(seen->exited, never);
    options = options_for(seen, quick);
    options.on_exit = on_exit_closing;
    assert_int_equal(start(seen, &options), 0);
    (void)uv_run(&seen->fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(seen->exited, 1);
    ext_process.close(NULL);
}

static void closed_child_gets_sigterm_and_no_callback_comes(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sleep", "60", NULL};
    const struct virga_process_options options = options_for(seen, argv);
    assert_int_equal(start(seen, &options), 0);
    struct virga_process_id id = ext_process.id(seen->process);
    assert_true(process_id_runs(id.pid, id.start_time));
    ext_process.close(seen->process);
    ext_process_teardown(&seen->fixture.host);
    assert_false(process_id_runs(id.pid, id.start_time));
    assert_int_equal(seen->exited, 0);
}

static void closed_child_that_ignores_sigterm_is_killed(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done",
                                NULL};
    const struct virga_process_options options = options_for(seen, argv);
    assert_int_equal(start(seen, &options), 0);
    struct virga_process_id id = ext_process.id(seen->process);
    while (seen->output_len == 0) {
        (void)uv_run(&seen->fixture.loop, UV_RUN_ONCE);
    }
    uint64_t began = uv_hrtime();
    ext_process.close(seen->process);
    ext_process_teardown(&seen->fixture.host);
    assert_true(uv_hrtime() - began > (EXT_PROCESS_KILL_MS - 100) * UINT64_C(1000000));
    assert_false(process_id_runs(id.pid, id.start_time));
}

static void child_left_behind_is_reclaimed_and_ended(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sleep", "60", NULL};
    const struct virga_process_options options = options_for(seen, argv);
    assert_int_equal(start(seen, &options), 0);
    struct virga_process_id id = ext_process.id(seen->process);
    assert_int_equal(fixture_reclaim(&seen->fixture), 1);
    ext_process_teardown(&seen->fixture.host);
    assert_false(process_id_runs(id.pid, id.start_time));
    assert_int_equal(seen->exited, 0);
}

static struct virga_process_id start_outliving(struct seen *seen) {
    static const char *const argv[] = {"sleep", "60", NULL};
    struct virga_process_options options = options_for(seen, argv);
    options.flags = VIRGA_PROCESS_OUTLIVES;
    options.output_path = "/dev/null";
    assert_int_equal(start(seen, &options), 0);
    return ext_process.id(seen->process);
}

static void outliving_child_is_left_alone_adopted_and_its_end_seen(void **state) {
    struct seen *seen = *state;
    struct virga_process_options options = options_for(seen, NULL);
    struct virga_process_id id = start_outliving(seen);
    ext_process.close(seen->process);
    (void)uv_run(&seen->fixture.loop, UV_RUN_NOWAIT);
    assert_true(process_id_runs(id.pid, id.start_time));
    assert_int_equal(ext_process.adopt(seen->fixture.api, id, &options, &seen->process), 0);
    assert_int_equal(ext_process.id(seen->process).pid, id.pid);
    (void)uv_run(&seen->fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(seen->exited, 0);
    assert_int_equal(ext_process.kill(seen->process, SIGTERM), 0);
    fixture_run_until(&seen->fixture, &seen->exited);
    assert_int_equal(seen->exit_status, -1);
    assert_int_equal(seen->term_signal, 0);
    assert_int_equal(ext_process.kill(seen->process, SIGTERM), -ESRCH);
    ext_process.close(seen->process);
    wait_until_gone(id);
    ext_process_teardown(&seen->fixture.host);
}

/* From here on pidfd_open() fails, as in containers with an old seccomp profile. */
static void forbid_pidfd(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(77);
    }
}

static void end_of_an_adopted_process_is_seen_without_pidfd(void **state) {
    struct seen *seen = *state;
    int status;
    struct virga_process_id id = start_outliving(seen);
    pid_t child = fork();
    if (child == 0) {
        struct seen inner = {0};
        struct virga_process_options options = options_for(&inner, NULL);
        forbid_pidfd();
        fixture_begin(&inner.fixture);
        if (process_id_open(id.pid) != -EPERM ||
            ext_process.adopt(inner.fixture.api, id, &options, &inner.process) != 0 ||
            ext_process.kill(inner.process, SIGTERM) != 0) {
            _exit(1);
        }
        for (int i = 0; i < 500 && !inner.exited; i++) {
            (void)uv_run(&inner.fixture.loop, UV_RUN_NOWAIT);
            uv_sleep(10);
        }
        _exit(inner.exited == 1 && inner.exit_status == -1 &&
                      ext_process.kill(inner.process, SIGTERM) == -ESRCH
                  ? 0
                  : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)kill((pid_t)id.pid, SIGKILL);
    ext_process.close(seen->process);
    (void)uv_run(&seen->fixture.loop, UV_RUN_NOWAIT);
    ext_process_teardown(&seen->fixture.host);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        skip(); /* seccomp filters are not to be had here */
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void closing_an_adopted_process_leaves_it_alone(void **state) {
    struct seen *seen = *state;
    struct virga_process_options options = options_for(seen, NULL);
    struct virga_process_id id = start_outliving(seen);
    ext_process.close(seen->process);
    assert_int_equal(ext_process.adopt(seen->fixture.api, id, &options, &seen->process), 0);
    ext_process.close(seen->process);
    uv_sleep(50);
    assert_true(process_id_runs(id.pid, id.start_time));
    assert_int_equal(kill((pid_t)id.pid, SIGKILL), 0);
    ext_process_teardown(&seen->fixture.host);
}

static void process_of_another_start_time_is_not_adopted(void **state) {
    struct seen *seen = *state;
    struct virga_process_options options = options_for(seen, NULL);
    struct virga_process_id id = {.pid = getpid()};
    bool ended;
    assert_int_equal(process_id_start_time(id.pid, &id.start_time, &ended), 0);
    id.start_time++;
    assert_int_equal(ext_process.adopt(seen->fixture.api, id, &options, &seen->process), -ESRCH);
    id.pid = 0;
    assert_int_equal(ext_process.adopt(seen->fixture.api, id, &options, &seen->process), -ESRCH);
}

static void process_that_ended_is_not_adopted(void **state) {
    struct seen *seen = *state;
    struct virga_process_options options = options_for(seen, NULL);
    struct virga_process_id id;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    id.pid = child;
    assert_int_equal(process_id_start_time(id.pid, &id.start_time, NULL), 0);
    while (process_id_runs(id.pid, id.start_time)) {
        uv_sleep(1);
    }
    /* It is a zombie now: there, with its start time, and dead. */
    assert_int_equal(ext_process.adopt(seen->fixture.api, id, &options, &seen->process), -ESRCH);
    (void)waitpid(child, NULL, 0);
    assert_int_equal(ext_process.adopt(seen->fixture.api, id, &options, &seen->process), -ESRCH);
}

static void outliving_child_wants_a_file_for_its_output(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"true", NULL};
    struct virga_process_options options = options_for(seen, argv);
    options.flags = VIRGA_PROCESS_OUTLIVES;
    assert_int_equal(start(seen, &options), -EINVAL);
    options.argv = NULL;
    assert_int_equal(start(seen, &options), -EINVAL);
}

static void wrapped_child_gets_its_own_arguments(void **state) {
    struct seen *seen = *state;
    const char *const argv[] = {"sh", "-c", "echo \"$0|$1\"; exit 5", "a b", "--", NULL};
    const struct virga_process_options options = options_for(seen, argv);
    process_child_use("/proc/self/exe");
    int rc = start(seen, &options);
    process_child_use(NULL);
    assert_int_equal(rc, 0);
    fixture_run_until(&seen->fixture, &seen->exited);
    assert_string_equal(seen->output, "a b|--\n");
    assert_int_equal(seen->exit_status, 5);
    ext_process.close(seen->process);
}

/* A host that starts one child, tells its id, and waits to be killed. */
static struct virga_process_id kill_a_host_with_child(bool outlives) {
    struct virga_process_id id;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t host = fork();
    if (host == 0) {
        static const char *const argv[] = {"sleep", "60", NULL};
        struct seen seen = {0};
        struct virga_process_options options = options_for(&seen, argv);
        fixture_begin(&seen.fixture);
        options.on_output = NULL;
        options.flags = outlives ? VIRGA_PROCESS_OUTLIVES : 0;
        options.output_path = "/dev/null";
        process_child_use("/proc/self/exe");
        if (start(&seen, &options) != 0) {
            _exit(1);
        }
        id = ext_process.id(seen.process);
        (void)!write(fds[1], &id, sizeof id);
        (void)uv_run(&seen.fixture.loop, UV_RUN_DEFAULT);
        _exit(2);
    }
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &id, sizeof id), sizeof id);
    (void)close(fds[0]);
    wait_until_named(id.pid, "sleep");
    assert_int_equal(kill(host, SIGKILL), 0);
    (void)waitpid(host, NULL, 0);
    return id;
}

static void child_ends_with_a_host_that_is_killed(void **state) {
    (void)state;
    wait_until_gone(kill_a_host_with_child(false));
}

static void outliving_child_survives_a_host_that_is_killed(void **state) {
    (void)state;
    struct virga_process_id id = kill_a_host_with_child(true);
    uv_sleep(100);
    assert_true(process_id_runs(id.pid, id.start_time));
    assert_int_equal(kill((pid_t)id.pid, SIGKILL), 0);
    wait_until_gone(id);
}

static void child_whose_host_is_gone_already_does_not_start(void **state) {
    char program[] = "/bin/true";
    char name[] = "virga";
    char command[] = PROCESS_CHILD_COMMAND;
    char signum[] = "15";
    char not_the_parent[] = "1";
    char separator[] = "--";
    char *const argv[] = {name, command, signum, not_the_parent, separator, program, NULL};
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(process_child_main(6, (char **)(uintptr_t)argv));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 126);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        TEST(output_and_exit_status_arrive),
        TEST(output_is_complete_before_on_exit),
        TEST(grandchild_that_keeps_the_pipe_does_not_delay_on_exit),
        TEST(stdin_is_empty),
        TEST(signal_ends_the_child_and_is_reported),
        TEST(program_that_is_missing_or_not_executable_is_told_by_spawn),
        TEST(environment_is_the_hosts_with_ours_over_it),
        TEST(program_and_directory_go_together),
        TEST(output_file_is_private_and_appended),
        TEST(output_that_nobody_wants_goes_to_the_log_as_lines),
        TEST(handle_may_be_closed_inside_its_callbacks),
        TEST(closed_child_gets_sigterm_and_no_callback_comes),
        TEST(closed_child_that_ignores_sigterm_is_killed),
        TEST(child_left_behind_is_reclaimed_and_ended),
        TEST(outliving_child_is_left_alone_adopted_and_its_end_seen),
        TEST(end_of_an_adopted_process_is_seen_without_pidfd),
        TEST(closing_an_adopted_process_leaves_it_alone),
        TEST(process_of_another_start_time_is_not_adopted),
        TEST(process_that_ended_is_not_adopted),
        TEST(outliving_child_wants_a_file_for_its_output),
        TEST(wrapped_child_gets_its_own_arguments),
        TEST(child_ends_with_a_host_that_is_killed),
        TEST(outliving_child_survives_a_host_that_is_killed),
        TEST(child_whose_host_is_gone_already_does_not_start),
    };
    /* ext_process starts this very program as the wrapper of children. */
    if (argc > 1 && strcmp(argv[1], PROCESS_CHILD_COMMAND) == 0) {
        return process_child_main(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
