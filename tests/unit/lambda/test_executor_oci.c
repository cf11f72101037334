/* SPDX-License-Identifier: MIT */
#include "executor_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "oci_probe_elf.h"

/* One machine for all tests of a runtime: ready() is asked once. NULL: it cannot work here. */
static struct machine machine;
static bool usable;

#define NEED_RUNTIME()                                                                             \
    do {                                                                                           \
        if (!usable) {                                                                             \
            print_message("not run: %s\n", machine.ready_reason);                                  \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static bool is_there(const char *name) {
    char path[PATH_MAX];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", machine.base, name);
    return lstat(path, &info) == 0;
}

static size_t names_in(const char *folder) {
    size_t count = 0;
    DIR *list = opendir(folder);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return count;
}

/* Processes whose command line names the machine's folder: guards, shells and runtimes. */
static int processes_left(void) {
    int count = 0;
    DIR *list = opendir("/proc");
    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        char path[300], text[8192];
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || atoi(entry->d_name) == getpid()) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        FILE *file = fopen(path, "r");
        size_t len = file != NULL ? fread(text, 1, sizeof text, file) : 0;
        if (file != NULL) {
            (void)fclose(file);
        }
        count += memmem(text, len, machine.base, strlen(machine.base)) != NULL ||
                         memmem(text, len, nap, strlen(nap)) != NULL
                     ? 1
                     : 0;
    }
    (void)closedir(list);
    return count;
}

/* In the environment's cgroup parent. */
static size_t cgroups_left(void) {
    const struct oci *oci = (const struct oci *)machine.executor;
    size_t count = 0;
    DIR *list = oci->how.cgroup.parent[0] != '\0' ? opendir(oci->how.cgroup.parent) : NULL;
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        count += entry->d_type == DT_DIR && entry->d_name[0] != '.' ? 1 : 0;
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return count;
}

static void assert_nothing_left(void) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/environments", machine.base);
    assert_int_equal(names_in(path), 0);
    assert_int_equal(cgroups_left(), 0);
    for (int i = 0; i < 500 && processes_left() > 0; i++) {
        uv_sleep(10);
    }
    assert_int_equal(processes_left(), 0);
}

/* --- what a process gets --- */

static void output_and_status_come(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    run_script(&machine, &run, "echo out; sleep 0.1; echo err >&2; exit 7");
    assert_string_equal(run.reason, "");
    assert_int_equal(run.end, EXECUTOR_EXITED);
    assert_int_equal(run.status, 7);
    assert_string_equal(run.output, "out\nerr\n");
    assert_nothing_left();
}

static void status_zero_is_one_too(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    run_script(&machine, &run, "exit 0");
    assert_int_equal(run.end, EXECUTOR_EXITED);
    assert_int_equal(run.status, 0);
}

static void arguments_environment_and_folder_are_as_asked(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {"/bin/sh", "-c",      "echo \"$GREETING|$1\"; pwd; id -u; id -G",
                                "sh",      "a b\"\n", NULL};
    struct executor_spec spec = run_spec(&run, "env-1", argv);
    spec.cwd = "/var/task";
    spec.user = "app";
    run_spec_to_end(&machine, &run, &spec);
    assert_string_equal(run.reason, "");
    if (geteuid() == 0) {
        assert_string_equal(run.output, "hello world|a b\"\n\n/var/task\n1234\n1235 77\n");
    } else {
        assert_non_null(strstr(run.output, "hello world|a b\"\n\n/var/task\n0\n"));
    }
}

static void only_tmp_is_writable(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    run_script(&machine, &run,
               "touch /x || touch /etc/hosts || touch /var/task/x || echo read-only\n"
               "echo kept >/tmp/x && cat /tmp/x\n"
               "dd if=/dev/zero of=/tmp/big bs=1048576 count=17 || echo full\n"
               "echo >/dev/null && echo null");
    assert_int_equal(run.end, EXECUTOR_EXITED);
    assert_non_null(strstr(run.output, "read-only\n"));
    assert_non_null(strstr(run.output, "kept\n"));
    assert_non_null(strstr(run.output, "full\n"));
    assert_non_null(strstr(run.output, "null\n"));
    /* The next one starts with an empty /tmp. */
    run_script(&machine, &run, "ls /tmp");
    assert_string_equal(run.output, "");
}

static void namespaces_are_its_own_but_for_the_network(void **state) {
    (void)state;
    struct run run;
    char mine[4][64], theirs[4][64];
    static const char *const names[] = {"net", "pid", "mnt", "ipc"};
    NEED_RUNTIME();
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        ssize_t len = readlink(path, mine[i], sizeof mine[i] - 1);
        assert_true(len > 0);
        mine[i][len] = '\0';
    }
    run_script(&machine, &run, "for n in net pid mnt ipc; do readlink /proc/self/ns/$n; done");
    assert_int_equal(
        sscanf(run.output, "%63s %63s %63s %63s", theirs[0], theirs[1], theirs[2], theirs[3]), 4);
    assert_string_equal(theirs[0], mine[0]);
    for (size_t i = 1; i < 4; i++) {
        assert_string_not_equal(theirs[i], mine[i]);
    }
}

static void it_has_no_privileges(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    run_script(&machine, &run,
               "while read a b; do case $a in Cap*|NoNewPrivs:) echo $a $b;; esac; done "
               "</proc/self/status; ulimit -n");
    assert_non_null(strstr(run.output, "CapEff: 0000000000000000\n"));
    assert_non_null(strstr(run.output, "CapBnd: 0000000000000000\n"));
    assert_non_null(strstr(run.output, "NoNewPrivs: 1\n"));
    assert_non_null(strstr(run.output, "\n1024\n"));
}

/* --- how it ends --- */

static void a_signal_is_told_as_one(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    run_script(&machine, &run, "kill -SEGV $$; sleep 5");
    assert_int_equal(run.end, EXECUTOR_SIGNALLED);
    assert_int_equal(run.signal, SIGSEGV);
    run_script(&machine, &run, "kill -KILL $$; sleep 5");
    assert_int_equal(run.end, EXECUTOR_SIGNALLED);
    assert_int_equal(run.signal, SIGKILL);
}

static void too_much_memory_is_told_as_such(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    if (((struct oci *)machine.executor)->how.cgroup.parent[0] == '\0') {
        print_message("not run: there are no memory limits here\n");
        skip();
    }
    /* dd's buffer is written to as a whole. */
    const char *const argv[] = {"dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1", NULL};
    struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_spec_to_end(&machine, &run, &spec);
    assert_int_equal(run.end, EXECUTOR_OOM);
    assert_nothing_left();
    spec = run_spec(&run, "env-1", argv);
    spec.memory_mb = 512;
    run_begin(&machine, &run, &spec);
    machine_wait(&machine, &run.exited);
    assert_int_equal(run.end, EXECUTOR_EXITED);
    assert_int_equal(run.status, 0);
    run_close(&machine, &run);
}

static void entry_points_fail_in_execve_s_words(void **state) {
    (void)state;
    struct run run;
    static const struct {
        const char *program;
        const char *reason;
    } cases[] = {
        {"/no/such", "fork/exec /no/such: no such file or directory"},
        {"nowhere", "fork/exec nowhere: no such file or directory"},
        {"./bin/missing", "fork/exec ./bin/missing: no such file or directory"},
        {"/bin/noexec", "fork/exec /bin/noexec: permission denied"},
        {"/var/task", "fork/exec /var/task: permission denied"},
        {"/bin/text", "fork/exec /bin/text: exec format error"},
        {"/bin/orphan", "fork/exec /bin/orphan: no such file or directory"},
    };
    NEED_RUNTIME();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const argv[] = {cases[i].program, NULL};
        const struct executor_spec spec = run_spec(&run, "env-1", argv);
        run_spec_to_end(&machine, &run, &spec);
        assert_string_equal(run.reason, cases[i].reason);
        assert_int_equal(run.end, EXECUTOR_ENTRYPOINT);
    }
    const char *const argv[] = {"script", NULL};
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_spec_to_end(&machine, &run, &spec);
    assert_string_equal(run.output, "from a script\n");
    assert_nothing_left();
}

static void a_missing_folder_or_user_is_told(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {"pwd", NULL};
    struct executor_spec spec = run_spec(&run, "env-1", argv);
    spec.cwd = "/missing";
    run_spec_to_end(&machine, &run, &spec);
    assert_int_equal(run.end, EXECUTOR_WORKDIR);
    spec = run_spec(&run, "env-1", argv);
    spec.user = "nobody-here";
    run_spec_to_end(&machine, &run, &spec);
    assert_int_equal(run.end, EXECUTOR_FAILED);
    assert_non_null(strstr(run.reason, "unable to find user nobody-here"));
    spec = run_spec(&run, "env-1", argv);
    spec.cwd = "/tmp";
    run_spec_to_end(&machine, &run, &spec);
    assert_string_equal(run.output, "/tmp\n");
}

/* --- signals and closing --- */

static void a_signal_reaches_all_processes(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {
        "sh", "-c",
        "trap 'echo parent' TERM\n"
        "sh -c 'trap \"echo child; exit\" TERM; echo ready; while :; do sleep 0.02; done' &\n"
        "wait; wait; echo over",
        NULL};
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_begin(&machine, &run, &spec);
    run_wait_for(&machine, &run, "ready");
    machine.executor->signal(run.instance, SIGTERM);
    machine_wait(&machine, &run.exited);
    assert_non_null(strstr(run.output, "parent\n"));
    assert_non_null(strstr(run.output, "child\n"));
    assert_non_null(strstr(run.output, "over\n"));
    assert_int_equal(run.end, EXECUTOR_EXITED);
    run_close(&machine, &run);
    assert_nothing_left();
}

static void a_kill_ends_it(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {"sh", "-c", "trap '' TERM INT; echo ready; sleep $NAP", NULL};
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_begin(&machine, &run, &spec);
    run_wait_for(&machine, &run, "ready");
    machine.executor->signal(run.instance, SIGKILL);
    machine_wait(&machine, &run.exited);
    assert_int_equal(run.end, EXECUTOR_SIGNALLED);
    assert_int_equal(run.signal, SIGKILL);
    assert_string_equal(run.output, "ready\n");
    run_close(&machine, &run);
    assert_nothing_left();
}

static void a_kill_before_it_runs_ends_it_too(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {"sleep", nap, NULL};
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_begin(&machine, &run, &spec);
    machine.executor->signal(run.instance, SIGKILL);
    machine_wait(&machine, &run.exited);
    assert_int_equal(run.end, EXECUTOR_SIGNALLED);
    assert_int_equal(run.signal, SIGKILL);
    run_close(&machine, &run);
    assert_nothing_left();
}

static void closing_leaves_nothing_whenever_it_comes(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {"sh", "-c",
                                "trap '' TERM; (sleep $NAP &) ; sleep $NAP & echo ready; "
                                "wait",
                                NULL};
    /* From at once to when it runs for long. */
    for (int turns = 0; turns < 40; turns += 3) {
        const struct executor_spec spec = run_spec(&run, "env-1", argv);
        run_begin(&machine, &run, &spec);
        for (int i = 0; i < turns && run.output_len == 0; i++) {
            (void)uv_run(&machine.fixture.loop, UV_RUN_NOWAIT);
            uv_sleep(1);
        }
        run_close(&machine, &run);
        assert_int_equal(run.exited, 0);
        assert_nothing_left();
    }
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_begin(&machine, &run, &spec);
    run_wait_for(&machine, &run, "ready");
    run_close(&machine, &run);
    assert_nothing_left();
}

static void what_the_first_process_leaves_goes_with_it(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    run_script(&machine, &run, "sleep $NAP >/dev/null 2>&1 & exit 3");
    assert_int_equal(run.status, 3);
    assert_nothing_left();
}

static void it_may_be_closed_inside_on_exit(void **state) {
    (void)state;
    struct run run;
    NEED_RUNTIME();
    const char *const argv[] = {"pwd", NULL};
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run.close_on_exit = true;
    run_begin(&machine, &run, &spec);
    machine_wait(&machine, &run.closed);
    assert_int_equal(run.exited, 1);
    assert_nothing_left();
}

static void twenty_at_once_leave_nothing(void **state) {
    (void)state;
    struct run runs[20];
    NEED_RUNTIME();
    const char *const argv[] = {"sh", "-c", "echo ready; sleep $NAP", NULL};
    for (size_t i = 0; i < 20; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "env-%zu", i);
        const struct executor_spec spec = run_spec(&runs[i], id, argv);
        run_begin(&machine, &runs[i], &spec);
    }
    for (size_t i = 0; i < 20; i++) {
        run_wait_for(&machine, &runs[i], "ready");
        assert_true(machine.executor->memory_peak(runs[i].instance) > 0);
    }
    for (size_t i = 0; i < 20; i++) {
        machine.executor->close(runs[i].instance, on_run_closed, &runs[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        machine_wait(&machine, &runs[i].closed);
    }
    assert_nothing_left();
}

/* --- images --- */

static int found;
static int found_error;

static void on_found(void *arg, int error, const char *reason) {
    (void)arg;
    assert_true((error == 0) == (reason[0] == '\0'));
    found++;
    found_error = error;
}

static bool keep_none(void *arg, const char *digest) {
    (void)arg;
    (void)digest;
    return false;
}

static void images_in_use_are_kept(void **state) {
    (void)state;
    struct run run;
    static const char other[] =
        "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    NEED_RUNTIME();
    machine_image(&machine, other);
    machine.executor->find(machine.executor, other, on_found, NULL);
    assert_int_equal(found_error, 0);
    const char *const argv[] = {"sh", "-c", "echo ready; sleep $NAP", NULL};
    const struct executor_spec spec = run_spec(&run, "env-1", argv);
    run_begin(&machine, &run, &spec);
    machine.executor->prune(machine.executor, keep_none, NULL);
    machine.executor->find(machine.executor, other, on_found, NULL);
    assert_int_equal(found_error, -ENOENT);
    machine.executor->find(machine.executor, DIGEST, on_found, NULL);
    assert_int_equal(found_error, 0);
    run_wait_for(&machine, &run, "ready");
    run_close(&machine, &run);
}

/* --- a host that dies --- */

/* What a host does that is killed: says when its function runs, and waits. */
static _Noreturn void be_a_host(const char *base, int tell) {
    struct run run;
    struct machine host;
    machine_begin(&host, base);
    /* Nothing is swept: the folder is another's too. */
    ((struct oci *)host.executor)->swept = true;
    machine_ready(&host);
    const char *const argv[] = {"sh", "-c", "trap '' TERM HUP; echo ready; sleep $NAP", NULL};
    const struct executor_spec spec = run_spec(&run, "orphan-1", argv);
    run_begin(&host, &run, &spec);
    run_wait_for(&host, &run, "ready");
    (void)!write(tell, "x", 1);
    for (;;) {
        (void)pause();
    }
}

static void a_killed_host_leaves_no_process_and_the_next_sweeps(void **state) {
    (void)state;
    int pipe_fds[2], status;
    char byte;
    NEED_RUNTIME();
    assert_int_equal(pipe(pipe_fds), 0);
    /* By a process in between: its threads and loop are its own. */
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", pipe_fds[1]);
        (void)execl("/proc/self/exe", "host", "--host", machine.base, number, nap, NULL);
        _exit(1);
    }
    (void)close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    (void)close(pipe_fds[0]);
    assert_true(processes_left() > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < 500 && processes_left() > 0; i++) {
        uv_sleep(10);
    }
    assert_int_equal(processes_left(), 0);
    assert_true(is_there("environments/orphan-1"));
    char path[PATH_MAX];
    /* The dead one was in another cgroup than this. */
    struct oci_cgroup *cgroup = &((struct oci *)machine.executor)->how.cgroup;
    char old[2 * OCI_CGROUP_PATH_MAX];
    (void)snprintf(old, sizeof old, "%s-old", cgroup->parent);
    if (cgroup->parent[0] != '\0') {
        assert_int_equal(mkdir(old, 0755), 0);
        tree_write(machine.base, "cgroup", old);
    }
    (void)snprintf(path, sizeof path, "%s/images/tmp-half", machine.base);
    assert_int_equal(mkdir(path, 0700), 0);
    /* As a new virga does. */
    ((struct oci *)machine.executor)->swept = false;
    machine_ready(&machine);
    assert_int_equal(machine.ready_error, 0);
    assert_false(is_there("environments/orphan-1"));
    assert_false(is_there("images/tmp-half"));
    assert_true(access(old, F_OK) != 0);
    assert_nothing_left();
}

/* --- one group for each runtime --- */

static char tools[64];
static const char *only; /* the runtime that is in PATH */

/* A PATH that has nothing but what is needed, and one runtime. */
static bool use_runtime(const char *name) {
    static const char *const needed[] = {"unshare", "setpriv", "mount", "sh",
                                         "mkdir",   "cp",      "chmod"};
    char path[PATH_MAX], link[PATH_MAX];
    (void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    (void)snprintf(tools, sizeof tools, "/tmp/virga-oci-tools-XXXXXX");
    assert_non_null(mkdtemp(tools));
    bool there = oci_how_find(name, path);
    if (there) {
        (void)snprintf(link, sizeof link, "%s/%s", tools, name);
        assert_int_equal(symlink(path, link), 0);
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (oci_how_find(needed[i], path)) {
            (void)snprintf(link, sizeof link, "%s/%s", tools, needed[i]);
            assert_int_equal(symlink(path, link), 0);
        }
    }
    (void)setenv("PATH", tools, 1);
    return there;
}

static int group_setup(void **state) {
    (void)state;
    char base[64] = "/tmp/virga-oci-XXXXXX";
    (void)use_runtime(only);
    assert_non_null(mkdtemp(base));
    machine_begin(&machine, base);
    machine_ready(&machine);
    usable = machine.ready_error == 0 && access(BUSYBOX, X_OK) == 0;
    if (machine.ready_error == 0 && !usable) {
        (void)snprintf(machine.ready_reason, sizeof machine.ready_reason, "there is no " BUSYBOX);
    }
    if (usable) {
        machine_image(&machine, DIGEST);
    }
    return 0;
}

static int group_teardown(void **state) {
    (void)state;
    const struct oci *oci = (const struct oci *)machine.executor;
    char parent[OCI_CGROUP_PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s", oci->how.cgroup.parent);
    machine_end(&machine);
    assert_int_equal(oci_path_remove_all(machine.base), 0);
    assert_int_equal(oci_path_remove_all(tools), 0);
    if (parent[0] != '\0') {
        assert_true(access(parent, F_OK) != 0);
    }
    return 0;
}

static void a_machine_without_runtime_says_so(void **state) {
    (void)state;
    char base[64] = "/tmp/virga-oci-XXXXXX";
    (void)use_runtime("no-such-runtime");
    assert_non_null(mkdtemp(base));
    machine_begin(&machine, base);
    machine_ready(&machine);
    assert_int_equal(machine.ready_error, -ENOTSUP);
    assert_string_equal(machine.ready_reason, "neither crun nor runc is in PATH");
    assert_int_equal(group_teardown(NULL), 0);
}

static void the_probe_is_a_program_of_this_machine(void **state) {
    (void)state;
    char path[64] = "/tmp/virga-oci-XXXXXX", program[96];
    int status;
    assert_non_null(mkdtemp(path));
    (void)snprintf(program, sizeof program, "%s/probe", path);
    int result = oci_probe_elf_write(program);
    if (result == -ENOTSUP) {
        skip();
    }
    assert_int_equal(result, 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl(program, program, NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), OCI_PROBE_STATUS);
    assert_int_equal(oci_path_remove_all(path), 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status_come),
        cmocka_unit_test(status_zero_is_one_too),
        cmocka_unit_test(arguments_environment_and_folder_are_as_asked),
        cmocka_unit_test(only_tmp_is_writable),
        cmocka_unit_test(namespaces_are_its_own_but_for_the_network),
        cmocka_unit_test(it_has_no_privileges),
        cmocka_unit_test(a_signal_is_told_as_one),
        cmocka_unit_test(too_much_memory_is_told_as_such),
        cmocka_unit_test(entry_points_fail_in_execve_s_words),
        cmocka_unit_test(a_missing_folder_or_user_is_told),
        cmocka_unit_test(a_signal_reaches_all_processes),
        cmocka_unit_test(a_kill_ends_it),
        cmocka_unit_test(a_kill_before_it_runs_ends_it_too),
        cmocka_unit_test(closing_leaves_nothing_whenever_it_comes),
        cmocka_unit_test(what_the_first_process_leaves_goes_with_it),
        cmocka_unit_test(it_may_be_closed_inside_on_exit),
        cmocka_unit_test(twenty_at_once_leave_nothing),
        cmocka_unit_test(images_in_use_are_kept),
        cmocka_unit_test(a_killed_host_leaves_no_process_and_the_next_sweeps),
    };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(a_machine_without_runtime_says_so),
        cmocka_unit_test(the_probe_is_a_program_of_this_machine),
    };
    if (argc == 5 && strcmp(argv[1], "--host") == 0) {
        nap_set(argv[4]);
        be_a_host(argv[2], atoi(argv[3]));
    }
    char number[32];
    (void)snprintf(number, sizeof number, "4242.%d", (int)getpid());
    nap_set(number);
    only = "crun";
    int failed = cmocka_run_group_tests_name("crun", tests, group_setup, group_teardown);
    only = "runc";
    failed += cmocka_run_group_tests_name("runc", tests, group_setup, group_teardown);
    return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
