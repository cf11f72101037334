/* SPDX-License-Identifier: MIT */
/* The docker executor on a real engine, by its table: images, processes, their ends. The engine and
 * the image to run are named by the environment (tests/integration/test_lambda_docker_executor.py
 * does); the listener is a plain socket, and an answer "relayed" on it what virga would say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../plugin_fixture.h"
#include "docker.h"
#include "ext_fetch.h"
#include "ext_timer.h"
#include "ext_work.h"

#define WAIT_MS 60000
#define OUTPUT_MAX (1u << 20)
#define AWS_PORT 4566

static struct fixture fixture;
static struct lambda lambda;
static struct executor *executor;
static char data_path[] = "/tmp/virga-docker-XXXXXX";

/* --- what virga's host gives --- */

static struct virga_str get_string(const struct virga_host *host, const char *key) {
    const char *value = "";
    (void)host;
    if (strcmp(key, "floci.docker.docker-host") == 0) {
        value = getenv("VIRGA_TEST_ENGINE");
    } else if (strcmp(key, "docker-network") == 0) {
        value = getenv("VIRGA_TEST_NETWORK") != NULL ? getenv("VIRGA_TEST_NETWORK") : "";
    } else if (strcmp(key, "floci.bind-address") == 0) {
        value = "127.0.0.1,::1";
    }
    return virga_str_from(value);
}

static const struct virga_config config = {.struct_size = sizeof config, .get_string = get_string};

static void log_write_line(const struct virga_host *host, enum virga_log_level level,
                           const struct virga_request *req, struct virga_str text) {
    (void)host;
    (void)level;
    (void)req;
    print_message("%.*s\n", (int)text.len, text.ptr);
}

static enum virga_log_level log_level_of(const struct virga_host *host) {
    (void)host;
    return VIRGA_LOG_DEBUG;
}

static const struct virga_log log_table = {
    .struct_size = sizeof log_table, .write = log_write_line, .level = log_level_of};

/* A listener that answers every connection with the same words. */
struct virga_listener_handle {
    int fd;
    uint16_t port;
    pthread_t thread;
};

static void *serve(void *arg) {
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nrelayed";
    struct virga_listener_handle *handle = arg;
    char request[4096];
    int conn;
    while ((conn = accept(handle->fd, NULL, NULL)) >= 0) {
        (void)!read(conn, request, sizeof request);
        (void)!write(conn, answer, sizeof answer - 1);
        (void)close(conn);
    }
    return NULL;
}

static int open_port(const struct virga_host *host, const struct virga_listener_options *options,
                     struct virga_listener_handle **ret_listener) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    struct virga_listener_handle *handle = calloc(1, sizeof *handle);
    (void)host;
    assert_int_equal(options->port_preferred, AWS_PORT);
    handle->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, options->addresses, &address.sin_addr), 1);
    if (bind(handle->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(handle->fd, 16) != 0) {
        int result = -errno;
        (void)close(handle->fd);
        free(handle);
        return result;
    }
    (void)getsockname(handle->fd, (struct sockaddr *)&address, &len);
    handle->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&handle->thread, NULL, serve, handle), 0);
    *ret_listener = handle;
    return 0;
}

static uint16_t port_of(const struct virga_listener_handle *handle) {
    return handle->port;
}

static void close_port(struct virga_listener_handle *handle) {
    if (handle != NULL) {
        (void)shutdown(handle->fd, SHUT_RDWR);
        (void)pthread_join(handle->thread, NULL);
        (void)close(handle->fd);
        free(handle);
    }
}

static const struct virga_listener listener = {
    .struct_size = sizeof listener, .open = open_port, .port = port_of, .close = close_port};

static int upstream_create_fake(const struct virga_host *host,
                                const struct virga_upstream_options *options,
                                struct virga_upstream **ret_upstream) {
    (void)host;
    assert_string_equal(options->address, "127.0.0.1");
    assert_int_equal(options->port, AWS_PORT);
    *ret_upstream = (struct virga_upstream *)&fixture;
    return 0;
}

static void upstream_destroy_fake(struct virga_upstream *upstream) {
    assert_ptr_equal(upstream, &fixture);
}

static const struct virga_proxy proxy = {.struct_size = sizeof proxy,
                                         .upstream_create = upstream_create_fake,
                                         .upstream_destroy = upstream_destroy_fake};

/* --- waiting --- */

struct outcome {
    bool done;
    int error;
    char reason[2048];
};

static void on_outcome(void *arg, int error, const char *reason) {
    struct outcome *outcome = arg;
    assert_false(outcome->done);
    outcome->done = true;
    outcome->error = error;
    (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", reason);
}

static void on_flag(void *arg) {
    bool *flag = arg;
    assert_false(*flag);
    *flag = true;
}

static struct outcome make_ready(void) {
    struct outcome outcome = {.done = false};
    executor->ready(executor, on_outcome, &outcome);
    assert_false(outcome.done);
    assert_true(fixture_run_until(&fixture, &outcome.done, WAIT_MS));
    return outcome;
}

static struct executor_image image(const char *digest) {
    return (struct executor_image){.digest = digest,
                                   .registry = getenv("VIRGA_TEST_REGISTRY"),
                                   .pull_name = getenv("VIRGA_TEST_NAME"),
                                   .user = "AWS",
                                   .password = "floci"};
}

static const char *digest(void) {
    return getenv("VIRGA_TEST_DIGEST");
}

static struct outcome pull(const char *wanted) {
    struct outcome outcome = {.done = false};
    const struct executor_image one = image(wanted);
    executor->pull(executor, &one, on_outcome, &outcome);
    assert_false(outcome.done);
    assert_true(fixture_run_until(&fixture, &outcome.done, WAIT_MS));
    return outcome;
}

static int find(const char *wanted) {
    struct outcome outcome = {.done = false};
    executor->find(executor, wanted, on_outcome, &outcome);
    assert_true(fixture_run_until(&fixture, &outcome.done, WAIT_MS));
    return outcome.error;
}

/* --- a process --- */

struct process {
    char id[40];
    bool exited;
    enum executor_end end;
    int status;
    int signal;
    char reason[2048];
    char *output[3];
    size_t lens[3];
    bool wrote;
    bool closed;
    struct executor_instance *instance;
};

static void on_output(void *arg, int stream, struct virga_str bytes) {
    struct process *process = arg;
    assert_false(process->exited || process->closed);
    assert_true(stream == 1 || stream == 2);
    assert_true(process->lens[stream] + bytes.len < OUTPUT_MAX);
    memcpy(process->output[stream] + process->lens[stream], bytes.ptr, bytes.len);
    process->lens[stream] += bytes.len;
    process->wrote = true;
}

static void on_exit_of(void *arg, const struct executor_exit *exit) {
    struct process *process = arg;
    assert_false(process->exited || process->closed);
    process->exited = true;
    process->end = exit->end;
    process->status = exit->status;
    process->signal = exit->signal;
    (void)snprintf(process->reason, sizeof process->reason, "%s",
                   exit->reason != NULL ? exit->reason : "");
}

static void begin_in(struct process *process, const char *cwd, const char *const *argv) {
    static unsigned count;
    char endpoint[200];
    const char *const env[] = {"PATH=/bin", endpoint, "QUOTED=a \"b\" \\ c", NULL};
    *process = (struct process){.exited = false};
    for (int i = 1; i <= 2; i++) {
        process->output[i] = calloc(1, OUTPUT_MAX);
    }
    (void)snprintf(endpoint, sizeof endpoint, "AWS_ENDPOINT_URL=%s", executor->endpoint_url);
    (void)snprintf(process->id, sizeof process->id, "%08x-%08x-test", (unsigned)getpid(), count++);
    const struct executor_spec spec = {.id = process->id,
                                       .digest = digest(),
                                       .argv = argv,
                                       .env = env,
                                       .cwd = cwd,
                                       .user = "",
                                       .label = "arn:aws:lambda:us-east-1:000000000000:function:f",
                                       .memory_mb = 128,
                                       .tmp_mb = 64,
                                       .on_output = on_output,
                                       .on_exit = on_exit_of,
                                       .arg = process};
    assert_int_equal(executor->start(executor, &spec, &process->instance), 0);
    assert_false(process->exited);
}

static void begin(struct process *process, const char *script) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    begin_in(process, "/", argv);
}

static void wait_for_exit(struct process *process) {
    assert_true(fixture_run_until(&fixture, &process->exited, WAIT_MS));
}

static void wait_for_output(struct process *process) {
    assert_true(fixture_run_until(&fixture, &process->wrote, WAIT_MS));
}

static void finish(struct process *process) {
    executor->close(process->instance, on_flag, &process->closed);
    assert_true(fixture_run_until(&fixture, &process->closed, WAIT_MS));
    for (int i = 1; i <= 2; i++) {
        free(process->output[i]);
        process->output[i] = NULL;
    }
}

/* --- the engine's own word --- */

struct count {
    bool done;
    size_t count;
};

static void on_containers(void *arg, const struct virga_engine_answer *answer) {
    struct count *count = arg;
    assert_int_equal(answer->status, 200);
    count->done = true;
    count->count = json_object_array_length(answer->json);
}

static size_t containers(void) {
    struct count count = {.done = false};
    assert_int_equal(docker_ask(docker_from(executor), "GET", "/containers/json?all=1",
                                DOCKER_NOTHING, on_containers, &count, NULL),
                     0);
    assert_true(fixture_run_until(&fixture, &count.done, WAIT_MS));
    return count.count;
}

/* --- tests --- */

static void images_come_are_found_and_go(void **state) {
    (void)state;
    static const char absent[] =
        "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(find(absent), -ENOENT);
    struct outcome outcome = pull(absent);
    print_message("absent: %s\n", outcome.reason);
    assert_int_equal(outcome.error, -ENOENT);
    assert_int_equal(pull(digest()).error, 0);
    assert_int_equal(find(digest()), 0);
}

static bool keep_all(void *arg, const char *kept) {
    bool *asked = arg;
    *asked = strcmp(kept, digest()) == 0;
    return true;
}

static bool keep_none(void *arg, const char *kept) {
    (void)kept;
    *(bool *)arg = true;
    return false;
}

static bool no_prune(void) {
    return docker_from(executor)->prune == NULL;
}

static void prune(bool (*keep)(void *arg, const char *digest), bool *asked) {
    *asked = false;
    executor->prune(executor, keep, asked);
    for (int i = 0; i < 600 && !no_prune(); i++) {
        fixture_run_for(&fixture, 20);
    }
    assert_true(no_prune());
}

static void images_that_nobody_needs_are_freed(void **state) {
    bool asked;
    (void)state;
    prune(keep_all, &asked);
    assert_true(asked);
    assert_int_equal(find(digest()), 0);
    struct process process;
    begin(&process, "sleep 100");
    prune(keep_none, &asked);
    assert_false(asked); /* an instance uses it */
    assert_int_equal(find(digest()), 0);
    finish(&process);
    prune(keep_none, &asked);
    assert_true(asked);
    assert_int_equal(find(digest()), -ENOENT);
    assert_int_equal(pull(digest()).error, 0);
}

static void two_pulls_of_one_image_are_one(void **state) {
    struct outcome outcomes[2] = {{.done = false}, {.done = false}};
    const struct executor_image one = image(digest());
    (void)state;
    executor->pull(executor, &one, on_outcome, &outcomes[0]);
    executor->pull(executor, &one, on_outcome, &outcomes[1]);
    assert_true(fixture_run_until(&fixture, &outcomes[0].done, WAIT_MS));
    assert_true(fixture_run_until(&fixture, &outcomes[1].done, WAIT_MS));
    assert_int_equal(outcomes[0].error, 0);
    assert_int_equal(outcomes[1].error, 0);
}

static void output_comes_whole_and_before_the_exit(void **state) {
    struct process process;
    char line[32];
    (void)state;
    begin(&process, "echo first; echo err >&2; i=0; while [ $i -lt 20000 ]; do echo line $i; "
                    "i=$((i+1)); done; exit 3");
    wait_for_exit(&process);
    assert_int_equal(process.end, EXECUTOR_EXITED);
    assert_int_equal(process.status, 3);
    assert_string_equal(process.output[2], "err\n");
    const char *at = process.output[1];
    assert_int_equal(strncmp(at, "first\n", 6), 0);
    at += 6;
    for (int i = 0; i < 20000; i++) {
        int len = snprintf(line, sizeof line, "line %d\n", i);
        assert_int_equal(strncmp(at, line, (size_t)len), 0);
        at += len;
    }
    assert_string_equal(at, "");
    finish(&process);
}

static void the_process_gets_what_it_was_promised(void **state) {
    struct process process;
    (void)state;
    begin(&process, "echo \"$QUOTED\"; pwd; echo x > /x 2>/dev/null || echo read-only; "
                    "echo '#!/bin/sh' > /tmp/p; echo 'echo runs' >> /tmp/p; "
                    "/bin/busybox chmod 755 /tmp/p; /tmp/p; "
                    "/bin/busybox grep -c 'tmpfs /tmp ' /proc/mounts; "
                    "/bin/busybox grep CapEff /proc/self/status; "
                    "/bin/busybox grep NoNewPrivs /proc/self/status");
    wait_for_exit(&process);
    assert_string_equal(process.output[1], "a \"b\" \\ c\n/\nread-only\nruns\n1\n"
                                           "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
    finish(&process);
}

static void virga_is_reached_from_inside(void **state) {
    struct process process;
    (void)state;
    begin(&process, "u=${AWS_ENDPOINT_URL#http://}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | "
                    "/bin/busybox nc -w 10 ${u%:*} ${u#*:} | /bin/busybox tail -c 7");
    wait_for_exit(&process);
    assert_string_equal(process.output[1], "relayed");
    finish(&process);
}

static void what_cannot_be_executed_is_told_as_execve_does(void **state) {
    static const struct {
        const char *argv0, *cwd;
        enum executor_end end;
        const char *reason;
    } cases[] = {
        {"/nosuch", "/", EXECUTOR_ENTRYPOINT, "fork/exec /nosuch: no such file or directory"},
        {"nosuch", "/", EXECUTOR_ENTRYPOINT, "fork/exec nosuch: no such file or directory"},
        {"/noexec", "/", EXECUTOR_ENTRYPOINT, "fork/exec /noexec: permission denied"},
        {"/bin", "/", EXECUTOR_ENTRYPOINT, "fork/exec /bin: permission denied"},
        {"/badformat", "/", EXECUTOR_ENTRYPOINT, "fork/exec /badformat: exec format error"},
        {"/nointerpreter", "/", EXECUTOR_ENTRYPOINT,
         "fork/exec /nointerpreter: no such file or directory"},
        {"/bin/sleep", "/no/such", EXECUTOR_WORKDIR, NULL},
        {"/bin/sleep", "/noexec", EXECUTOR_WORKDIR, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct process process;
        const char *const argv[] = {cases[i].argv0, "100", NULL};
        begin_in(&process, cases[i].cwd, argv);
        wait_for_exit(&process);
        print_message("%s in %s: %d %s\n", cases[i].argv0, cases[i].cwd, process.end,
                      process.reason);
        assert_int_equal(process.end, cases[i].end);
        if (cases[i].reason != NULL) {
            assert_string_equal(process.reason, cases[i].reason);
        }
        finish(&process);
    }
    assert_int_equal(containers(), 0);
}

static void too_much_memory_is_told_apart(void **state) {
    struct process process;
    (void)state;
    begin(&process, "a=x; while true; do a=$a$a; done");
    wait_for_exit(&process);
    assert_int_equal(process.end, EXECUTOR_OOM);
    finish(&process);
}

static void a_signal_reaches_the_process(void **state) {
    struct process process;
    (void)state;
    begin(&process, "trap 'echo term; exit 5' TERM; echo up; while true; do sleep 0.05; done");
    wait_for_output(&process);
    executor->signal(process.instance, SIGTERM);
    assert_false(process.exited);
    wait_for_exit(&process);
    assert_string_equal(process.output[1], "up\nterm\n");
    assert_int_equal(process.end, EXECUTOR_EXITED);
    assert_int_equal(process.status, 5);
    finish(&process);
    begin(&process, "sleep 100");
    executor->signal(process.instance, SIGKILL); /* before there is a container */
    wait_for_exit(&process);
    assert_int_equal(process.end, EXECUTOR_SIGNALLED);
    assert_int_equal(process.signal, SIGKILL);
    finish(&process);
}

static void a_process_that_closes_its_output_goes_on(void **state) {
    struct process process;
    (void)state;
    begin(&process, "echo up; exec >/dev/null 2>&1; sleep 1; exit 4");
    wait_for_exit(&process);
    assert_string_equal(process.output[1], "up\n");
    assert_int_equal(process.end, EXECUTOR_EXITED);
    assert_int_equal(process.status, 4);
    finish(&process);
}

static void memory_is_measured_where_it_can_be(void **state) {
    struct process process;
    (void)state;
    begin(&process, "echo up; sleep 100");
    wait_for_output(&process);
    int64_t peak = executor->memory_peak(process.instance);
    print_message("peak %lld\n", (long long)peak);
    if (docker_from(executor)->instances != NULL && peak >= 0) {
        assert_in_range(peak, 1, 128 << 20);
    }
    finish(&process);
}

static void nothing_is_left_whenever_it_is_closed(void **state) {
    (void)state;
    for (uint64_t delay_ms = 0; delay_ms < 500; delay_ms = delay_ms * 2 + 3) {
        struct process process;
        begin(&process, "echo up; sleep 100");
        fixture_run_for(&fixture, delay_ms);
        finish(&process);
        assert_int_equal(containers(), 0);
    }
}

static void on_created(void *arg, const struct virga_engine_answer *answer) {
    assert_int_equal(answer->status, 201);
    *(bool *)arg = true;
}

static void on_deleted(void *arg, const struct virga_engine_answer *answer) {
    assert_int_equal(answer->status, 204);
    *(bool *)arg = true;
}

static void what_an_earlier_run_left_is_removed_and_nothing_else(void **state) {
    struct process process;
    struct docker *docker = docker_from(executor);
    char body[1024], name[DOCKER_IMAGE_NAME_MAX];
    (void)state;
    docker_image_name(docker, digest(), name);
    for (int i = 0; i < 2; i++) {
        bool created = false;
        (void)snprintf(
            body, sizeof body,
            "{\"Image\":\"%s\",\"Entrypoint\":[\"sleep\",\"9\"],\"Labels\":{\"%s\":\"%s\"}}", name,
            DOCKER_LABEL_HOST, i == 0 ? docker->id.text : "another");
        assert_int_equal(
            docker_ask(docker, "POST",
                       i == 0 ? "/containers/create?name=left" : "/containers/create?name=others",
                       virga_str_from(body), on_created, &created, NULL),
            0);
        assert_true(fixture_run_until(&fixture, &created, WAIT_MS));
    }
    begin(&process, "echo up; sleep 100");
    wait_for_output(&process);
    assert_int_equal(containers(), 3);
    assert_int_equal(make_ready().error, 0);
    assert_int_equal(containers(), 2);
    assert_false(process.exited);
    finish(&process);
    bool gone = false;
    assert_int_equal(docker_ask(docker, "DELETE", "/containers/others?force=1", DOCKER_NOTHING,
                                on_deleted, &gone, NULL),
                     0);
    assert_true(fixture_run_until(&fixture, &gone, WAIT_MS));
    assert_int_equal(containers(), 0);
}

static void a_network_that_is_not_there_is_named(void **state) {
    (void)state;
    setenv("VIRGA_TEST_NETWORK", "no-such-net", 1);
    struct outcome outcome = make_ready();
    unsetenv("VIRGA_TEST_NETWORK");
    print_message("%s\n", outcome.reason);
    assert_int_equal(outcome.error, -ENOENT);
    assert_non_null(strstr(outcome.reason, "no-such-net"));
    assert_true(executor->lost);
    assert_int_equal(make_ready().error, 0);
    assert_false(executor->lost);
}

static void functions_in_the_hosts_network_work(void **state) {
    struct process process;
    (void)state;
    setenv("VIRGA_TEST_NETWORK", "host", 1);
    assert_int_equal(make_ready().error, 0);
    assert_string_equal(executor->listen_addresses, "127.0.0.1");
    assert_string_equal(executor->endpoint_url, "http://127.0.0.1:4566");
    begin(&process, "/bin/busybox ifconfig lo | /bin/busybox grep -o 127.0.0.1; "
                    "test -e /sys/class/net/$(/bin/busybox ls /sys/class/net | "
                    "/bin/busybox grep -m1 virga) && echo host");
    wait_for_exit(&process);
    assert_non_null(strstr(process.output[1], "127.0.0.1"));
    finish(&process);
    unsetenv("VIRGA_TEST_NETWORK");
    assert_int_equal(make_ready().error, 0);
}

static int set_up(void **state) {
    (void)state;
    if (getenv("VIRGA_TEST_ENGINE") == NULL) {
        return 0;
    }
    fixture_init(&fixture);
    assert_non_null(mkdtemp(data_path));
    lambda = (struct lambda){.host = &fixture.plugin.api,
                             .log = &log_table,
                             .config = &config,
                             .timer = &ext_timer,
                             .work = &ext_work,
                             .listener = &listener,
                             .proxy = &proxy,
                             .fetch = &ext_fetch,
                             .data_path = data_path,
                             .port = AWS_PORT};
    assert_int_equal(executor_docker_create(&lambda, &executor), 0);
    struct outcome outcome = make_ready();
    print_message("%s\n", outcome.reason);
    assert_int_equal(outcome.error, 0);
    return 0;
}

static int tear_down(void **state) {
    bool stopped = false;
    char path[256];
    (void)state;
    if (executor == NULL) {
        return 0;
    }
    executor->stop(executor, on_flag, &stopped);
    assert_true(fixture_run_until(&fixture, &stopped, WAIT_MS));
    executor->destroy(executor);
    ext_fetch_teardown(&fixture.host);
    assert_true(fixture_finish(&fixture));
    (void)snprintf(path, sizeof path, "%s/docker-host-id", data_path);
    (void)unlink(path);
    (void)rmdir(data_path);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_come_are_found_and_go),
        cmocka_unit_test(images_that_nobody_needs_are_freed),
        cmocka_unit_test(two_pulls_of_one_image_are_one),
        cmocka_unit_test(output_comes_whole_and_before_the_exit),
        cmocka_unit_test(the_process_gets_what_it_was_promised),
        cmocka_unit_test(virga_is_reached_from_inside),
        cmocka_unit_test(what_cannot_be_executed_is_told_as_execve_does),
        cmocka_unit_test(too_much_memory_is_told_apart),
        cmocka_unit_test(a_signal_reaches_the_process),
        cmocka_unit_test(a_process_that_closes_its_output_goes_on),
        cmocka_unit_test(memory_is_measured_where_it_can_be),
        cmocka_unit_test(nothing_is_left_whenever_it_is_closed),
        cmocka_unit_test(what_an_earlier_run_left_is_removed_and_nothing_else),
        cmocka_unit_test(a_network_that_is_not_there_is_named),
        cmocka_unit_test(functions_in_the_hosts_network_work),
    };
    if (getenv("VIRGA_TEST_ENGINE") == NULL) {
        print_message("skipped: VIRGA_TEST_ENGINE names no engine\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
