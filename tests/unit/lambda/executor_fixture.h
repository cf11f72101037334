/* SPDX-License-Identifier: MIT */
/* The executor `oci` on the host's real loop, thread pool and processes, with an image that holds
 * busybox. */
#ifndef TESTS_EXECUTOR_FIXTURE_H
#define TESTS_EXECUTOR_FIXTURE_H

#include "../service_fixture.h"
#include "oci_fixture.h"

#include "defer.h"
#include "executor_oci.h"
#include "ext_fetch.h"
#include "ext_log.h"
#include "ext_process.h"
#include "ext_timer.h"
#include "ext_work.h"
#include "oci_unpack.h"

#define BUSYBOX "/bin/busybox"
#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RUN_LIMIT_MS 20000

struct machine {
    struct fixture fixture;
    struct lambda lambda;
    struct executor *executor;
    char base[64];
    int ready; /* was told */
    int ready_error;
    char ready_reason[1024];
};

struct run {
    struct executor_instance *instance;
    char output[8192];
    size_t output_len;
    int exited;
    enum executor_end end;
    int status, signal;
    char reason[512];
    int closed;
    bool close_on_exit;
};

static inline void on_machine_ready(void *arg, int error, const char *reason) {
    struct machine *machine = arg;
    machine->ready++;
    machine->ready_error = error;
    (void)snprintf(machine->ready_reason, sizeof machine->ready_reason, "%s", reason);
}

static inline void machine_wait(struct machine *machine, const int *flag) {
    uint64_t give_up_ns = uv_hrtime() + RUN_LIMIT_MS * UINT64_C(1000000);
    while (!*flag) {
        (void)uv_run(&machine->fixture.loop, UV_RUN_NOWAIT);
        assert_true(uv_hrtime() < give_up_ns);
        uv_sleep(1);
    }
}

static inline void machine_ready(struct machine *machine) {
    machine->ready = 0;
    machine->executor->ready(machine->executor, on_machine_ready, machine);
    assert_int_equal(machine->ready, 0);
    machine_wait(machine, &machine->ready);
    assert_int_equal(machine->ready, 1);
}

/* The image, as if it had been pulled. */
static inline void machine_image(struct machine *machine, const char *digest) {
    char path[PATH_MAX], command[5 * PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/images/%s/rootfs", machine->base, digest + 7);
    (void)snprintf(command, sizeof command,
                   "mkdir -p '%s/bin' '%s/etc' '%s/var/task' && cp " BUSYBOX " '%s/bin/busybox'",
                   path, path, path, path);
    assert_int_equal(system(command), 0);
    static const char *const names[] = {"sh",   "cat",      "id", "pwd", "env", "sleep",
                                        "kill", "readlink", "dd", "ls",  "ps",  "touch"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char link[PATH_MAX + 64];
        (void)snprintf(link, sizeof link, "%s/bin/%s", path, names[i]);
        assert_int_equal(symlink("busybox", link), 0);
    }
    tree_write(path, "etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1234:1235::/:/bin/sh\n");
    tree_write(path, "etc/group", "root:x:0:\napp:x:1235:\nextra:x:77:app\n");
    tree_write(path, "bin/script", "#!/bin/sh\necho from a script\n");
    tree_write(path, "bin/orphan", "#!/no/interpreter\n");
    tree_write(path, "bin/text", "just words\n");
    tree_write(path, "bin/noexec", "#!/bin/sh\n");
    (void)snprintf(command, sizeof command, "cd '%s/bin' && chmod 755 script orphan text", path);
    assert_int_equal(system(command), 0);
    int root = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(root >= 0);
    assert_int_equal(oci_unpack_mount_points(root), 0);
    (void)close(root);
}

static inline void machine_begin(struct machine *machine, const char *base) {
    memset(machine, 0, sizeof *machine);
    fixture_begin(&machine->fixture);
    assert_int_equal(defer_setup(&machine->fixture.host), 0);
    (void)snprintf(machine->base, sizeof machine->base, "%s", base);
    machine->lambda = (struct lambda){
        .host = machine->fixture.api,
        .log = &ext_log,
        .timer = &ext_timer,
        .work = &ext_work,
        .fetch = &ext_fetch,
        .process = &ext_process,
        .data_path = machine->base,
        .port = 4566,
    };
    assert_int_equal(executor_oci_create(&machine->lambda, &machine->executor), 0);
}

static inline void on_machine_stopped(void *arg) {
    (*(int *)arg)++;
}

static inline void machine_end(struct machine *machine) {
    int stopped = 0;
    machine->executor->stop(machine->executor, on_machine_stopped, &stopped);
    machine_wait(machine, &stopped);
    machine->executor->destroy(machine->executor);
    ext_fetch_teardown(&machine->fixture.host);
    (void)fixture_reclaim(&machine->fixture);
    defer_teardown(&machine->fixture.host);
    fixture_end(&machine->fixture);
}

/* --- processes --- */

static inline void on_run_output(void *arg, int stream, struct virga_str bytes) {
    struct run *run = arg;
    assert_int_equal(stream, 1);
    assert_int_equal(run->exited, 0);
    size_t room = sizeof run->output - 1 - run->output_len;
    size_t len = bytes.len < room ? bytes.len : room;
    memcpy(run->output + run->output_len, bytes.ptr, len);
    run->output_len += len;
    run->output[run->output_len] = '\0';
}

static inline void on_run_closed(void *arg) {
    ((struct run *)arg)->closed++;
}

static inline void on_run_exit(void *arg, const struct executor_exit *exit) {
    struct run *run = arg;
    run->exited++;
    run->end = exit->end;
    run->status = exit->status;
    run->signal = exit->signal;
    (void)snprintf(run->reason, sizeof run->reason, "%s", exit->reason);
    if (run->close_on_exit) {
        oci_instance_close(run->instance, on_run_closed, run);
    }
}

/* What sleeping processes sleep for: a number by which those of this test are known. */
static char nap[32];
static char nap_variable[40];

static inline void nap_set(const char *number) {
    (void)snprintf(nap, sizeof nap, "%s", number);
    (void)snprintf(nap_variable, sizeof nap_variable, "NAP=%s", nap);
}

static inline struct executor_spec run_spec(struct run *run, const char *id,
                                            const char *const *argv) {
    static const char *const env[] = {"PATH=/bin", "GREETING=hello world", nap_variable, NULL};
    memset(run, 0, sizeof *run);
    return (struct executor_spec){.id = id,
                                  .digest = DIGEST,
                                  .argv = argv,
                                  .env = env,
                                  .cwd = "/",
                                  .user = "",
                                  .label = "test",
                                  .memory_mb = 128,
                                  .tmp_mb = 16,
                                  .on_output = on_run_output,
                                  .on_exit = on_run_exit,
                                  .arg = run};
}

static inline void run_begin(struct machine *machine, struct run *run,
                             const struct executor_spec *spec) {
    assert_int_equal(machine->executor->start(machine->executor, spec, &run->instance), 0);
    assert_int_equal(run->exited, 0);
}

static inline void run_close(struct machine *machine, struct run *run) {
    machine->executor->close(run->instance, on_run_closed, run);
    machine_wait(machine, &run->closed);
    assert_int_equal(run->closed, 1);
}

/* To its end, and closed. */
static inline void run_spec_to_end(struct machine *machine, struct run *run,
                                   const struct executor_spec *spec) {
    run_begin(machine, run, spec);
    machine_wait(machine, &run->exited);
    run_close(machine, run);
    assert_int_equal(run->exited, 1);
}

static inline void run_script(struct machine *machine, struct run *run, const char *script) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct executor_spec spec = run_spec(run, "env-1", argv);
    run_spec_to_end(machine, run, &spec);
}

/* Turns the loop until the output holds a text. */
static inline void run_wait_for(struct machine *machine, struct run *run, const char *text) {
    uint64_t give_up_ns = uv_hrtime() + RUN_LIMIT_MS * UINT64_C(1000000);
    while (strstr(run->output, text) == NULL) {
        (void)uv_run(&machine->fixture.loop, UV_RUN_NOWAIT);
        assert_true(uv_hrtime() < give_up_ns);
        if (run->exited) {
            fail_msg("ended too early: %d, status %d, signal %d, %s", (int)run->end, run->status,
                     run->signal, run->reason);
        }
        uv_sleep(1);
    }
}

#endif
