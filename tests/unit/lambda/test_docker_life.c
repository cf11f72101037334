/* SPDX-License-Identifier: MIT */
/* The docker executor against an engine whose answers the test writes: what real engines cannot be
 * made to do. Timers and work come when they are asked for by run(). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "docker.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define VERSION(name, version)                                                                     \
    "{\"Version\":\"" version "\",\"MinAPIVersion\":\"1.44\",\"Components\":[{\"Name\":\"" name    \
    "\"}]}"

/* --- requests under way --- */

struct virga_fetch_handle {
    struct virga_fetch_handle *next;
    char method[16];
    char url[700];
    char auth[300];
    char body[4000];
    bool cancelled;
    bool began;
    struct virga_fetch_request sent;
};

static struct virga_fetch_handle *requests;

static int fetch_start(const struct virga_host *host, const struct virga_fetch_request *request,
                       struct virga_fetch_handle **ret_fetch) {
    struct virga_fetch_handle *handle = calloc(1, sizeof *handle), **at = &requests;
    (void)host;
    assert_non_null(handle);
    handle->sent = *request;
    (void)snprintf(handle->method, sizeof handle->method, "%s",
                   request->method != NULL ? request->method : "GET");
    (void)snprintf(handle->url, sizeof handle->url, "%s", request->url);
    (void)snprintf(handle->body, sizeof handle->body, "%.*s", (int)request->body.len,
                   request->body.len > 0 ? request->body.ptr : "");
    for (size_t i = 0; i < request->headers_count; i++) {
        if (strcmp(request->headers[i].name.ptr, "X-Registry-Auth") == 0) {
            (void)snprintf(handle->auth, sizeof handle->auth, "%s", request->headers[i].value.ptr);
        }
    }
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = handle;
    *ret_fetch = handle;
    return 0;
}

static void fetch_cancel(struct virga_fetch_handle *handle) {
    handle->cancelled = true;
}

static const struct virga_fetch fetch = {
    .struct_size = sizeof fetch, .start = fetch_start, .cancel = fetch_cancel};

static struct virga_fetch_handle *find(const char *method, const char *part) {
    struct virga_fetch_handle *handle = requests;
    while (handle != NULL && (handle->cancelled || strcmp(handle->method, method) != 0 ||
                              strstr(handle->url, part) == NULL)) {
        handle = handle->next;
    }
    return handle;
}

static struct virga_fetch_handle *expect(const char *method, const char *part) {
    struct virga_fetch_handle *handle = find(method, part);
    if (handle == NULL) {
        for (handle = requests; handle != NULL; handle = handle->next) {
            print_message("under way: %s %s\n", handle->method, handle->url);
        }
        fail_msg("no request %s %s", method, part);
    }
    return handle;
}

static void finish_request(struct virga_fetch_handle *handle, int status, int error,
                           const char *body) {
    struct virga_fetch_handle **at = &requests;
    struct virga_fetch_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .error = error,
                                       .error_text = error != 0 ? "the engine went away" : "",
                                       .body = virga_str_from(body)};
    while (*at != handle) {
        at = &(*at)->next;
    }
    *at = handle->next;
    if (handle->sent.on_chunk != NULL && !handle->cancelled && status != 0) {
        if (!handle->began) {
            handle->sent.on_head(handle->sent.arg, &res);
        }
        if (body[0] != '\0') {
            assert_int_equal(handle->sent.on_chunk(handle->sent.arg, res.body), VIRGA_BODY_GO_ON);
        }
        res.body = (struct virga_str){"", 0};
    }
    handle->sent.on_done(handle->sent.arg, &res);
    free(handle);
}

static void reply(const char *method, const char *part, int status, const char *body) {
    finish_request(expect(method, part), status, 0, body);
}

static void break_off(const char *method, const char *part, int error) {
    finish_request(expect(method, part), 0, error, "");
}

static void begin_answer(const char *method, const char *part) {
    struct virga_fetch_handle *handle = expect(method, part);
    const struct virga_fetch_response res = {.struct_size = sizeof res, .status = 200};
    handle->began = true;
    handle->sent.on_head(handle->sent.arg, &res);
}

/* --- timers, work, and what cancelled requests are owed --- */

struct virga_timer_handle {
    void (*on_timer)(void *arg);
    void *arg;
    struct virga_timer_handle *next;
};

static struct virga_timer_handle *timers;

static int timer_start(const struct virga_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                       void (*on_timer)(void *arg), void *arg,
                       struct virga_timer_handle **ret_timer) {
    struct virga_timer_handle *timer = calloc(1, sizeof *timer);
    (void)host;
    (void)delay_ms;
    assert_int_equal(repeat_ms, 0);
    *timer = (struct virga_timer_handle){on_timer, arg, timers};
    timers = timer;
    *ret_timer = timer;
    return 0;
}

static void timer_stop(struct virga_timer_handle *timer) {
    struct virga_timer_handle **at = &timers;
    if (timer == NULL) {
        return;
    }
    while (*at != timer) {
        at = &(*at)->next;
    }
    *at = timer->next;
    free(timer);
}

static uint64_t monotonic_ns(const struct virga_host *host) {
    (void)host;
    return 1;
}

static const struct virga_timer timer_table = {.struct_size = sizeof timer_table,
                                               .start = timer_start,
                                               .stop = timer_stop,
                                               .monotonic_ns = monotonic_ns};

static struct {
    void (*run)(void *arg);
    void (*on_done)(void *arg, int status);
    void *arg;
} job;

static int submit(const struct virga_host *host, void (*run)(void *arg),
                  void (*on_done)(void *arg, int status), void *arg,
                  struct virga_work_handle **ret_work) {
    (void)host;
    assert_null(job.run);
    assert_null(ret_work);
    job.run = run;
    job.on_done = on_done;
    job.arg = arg;
    return 0;
}

static const struct virga_work work = {.struct_size = sizeof work, .submit = submit};

static bool finish_cancelled(void) {
    for (struct virga_fetch_handle *handle = requests; handle != NULL; handle = handle->next) {
        if (handle->cancelled) {
            finish_request(handle, 0, -ECANCELED, "");
            return true;
        }
    }
    return false;
}

static void run(void) {
    bool more = true;
    while (more) {
        more = finish_cancelled();
        if (timers != NULL) {
            timers->on_timer(timers->arg); /* stops itself */
            more = true;
        }
        if (job.run != NULL) {
            void (*on_done)(void *, int) = job.on_done;
            job.run(job.arg);
            job.run = NULL;
            on_done(job.arg, 0);
            more = true;
        }
    }
}

/* --- settings, ports --- */

static const char *network;

static struct virga_str get_string(const struct virga_host *host, const char *key) {
    (void)host;
    return virga_str_from(strcmp(key, "floci.docker.docker-host") == 0 ? "unix:///run/engine"
                          : strcmp(key, "docker-network") == 0         ? network
                                                                       : "127.0.0.1");
}

static const struct virga_config config = {.struct_size = sizeof config, .get_string = get_string};

static int open_error;
static char opened[64];
static void (*relay_request)(void *arg, struct virga_request *req);
static void *relay_arg;

static int open_port(const struct virga_host *host, const struct virga_listener_options *options,
                     struct virga_listener_handle **ret_listener) {
    (void)host;
    (void)snprintf(opened, sizeof opened, "%s", options->addresses);
    assert_int_equal(options->flags, VIRGA_ROUTE_STREAM);
    assert_int_equal(options->port_preferred, 4566);
    relay_request = options->on_request;
    relay_arg = options->arg;
    *ret_listener = (struct virga_listener_handle *)opened;
    return open_error;
}

static uint16_t port_of(const struct virga_listener_handle *listener) {
    assert_ptr_equal(listener, opened);
    return 4567;
}

static void close_port(struct virga_listener_handle *listener) {
    (void)listener;
}

static const struct virga_listener listener_table = {
    .struct_size = sizeof listener_table, .open = open_port, .port = port_of, .close = close_port};

static int upstream_create(const struct virga_host *host,
                           const struct virga_upstream_options *options,
                           struct virga_upstream **ret_upstream) {
    (void)host;
    assert_string_equal(options->address, "127.0.0.1");
    assert_int_equal(options->port, 4566);
    *ret_upstream = (struct virga_upstream *)opened;
    return 0;
}

static void upstream_destroy(struct virga_upstream *upstream) {
    assert_ptr_equal(upstream, opened);
}

static char forwarded_host[64];

static int forward(const struct virga_host *host, struct virga_request *req,
                   struct virga_upstream *upstream, const struct virga_proxy_request *options) {
    (void)host;
    (void)req;
    assert_ptr_equal(upstream, opened);
    assert_int_equal(options->set_headers_count, 1);
    (void)snprintf(forwarded_host, sizeof forwarded_host, "%s: %s",
                   options->set_headers[0].name.ptr, options->set_headers[0].value.ptr);
    return 0;
}

static const struct virga_proxy proxy = {.struct_size = sizeof proxy,
                                         .upstream_create = upstream_create,
                                         .upstream_destroy = upstream_destroy,
                                         .forward = forward};

/* --- the executor --- */

static struct virga_host host;
static struct lambda lambda;
static struct executor *executor;
static char data_path[32];

struct outcome {
    unsigned times;
    int error;
    char reason[2048];
};

static void on_outcome(void *arg, int error, const char *reason) {
    struct outcome *outcome = arg;
    outcome->times++;
    outcome->error = error;
    (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", reason);
}

static struct outcome made_ready;

static void begin_ready(void) {
    made_ready = (struct outcome){.times = 0};
    executor->ready(executor, on_outcome, &made_ready);
    assert_int_equal(made_ready.times, 0);
    run();
}

/* With a gateway that every machine has. */
static void make_ready(const char *version) {
    begin_ready();
    reply("GET", "http://engine/version", 200, version);
    if (find("GET", "/containers/") != NULL) { /* the tests run in a container */
        reply("GET", "/containers/", 404, "{\"message\":\"no such container\"}");
    }
    reply("GET", "/v1.44/info", 200, "{\"OperatingSystem\":\"Debian\"}");
    reply("GET", "/v1.44/networks/bridge", 200,
          "{\"IPAM\":{\"Config\":[{\"Subnet\":\"127.0.0.0/8\",\"Gateway\":\"127.0.0.1\"}]}}");
    run();
    reply("GET", "/v1.44/containers/json", 200, "[]");
}

static int set_up(void **state) {
    (void)state;
    network = "";
    open_error = 0;
    opened[0] = '\0';
    (void)strcpy(data_path, "/tmp/virga-docker-XXXXXX");
    assert_non_null(mkdtemp(data_path));
    lambda = (struct lambda){.host = &host,
                             .config = &config,
                             .timer = &timer_table,
                             .work = &work,
                             .fetch = &fetch,
                             .listener = &listener_table,
                             .proxy = &proxy,
                             .data_path = data_path,
                             .port = 4566};
    return executor_docker_create(&lambda, &executor);
}

static void on_flag(void *arg) {
    assert_false(*(bool *)arg);
    *(bool *)arg = true;
}

static int tear_down(void **state) {
    bool stopped = false;
    char path[100];
    (void)state;
    executor->stop(executor, on_flag, &stopped);
    run();
    assert_true(stopped);
    assert_null(requests);
    assert_null(timers);
    executor->destroy(executor);
    (void)snprintf(path, sizeof path, "%s/docker-host-id", data_path);
    (void)unlink(path);
    return rmdir(data_path);
}

/* --- ready --- */

static void no_engine_is_told_with_what_was_tried(void **state) {
    (void)state;
    begin_ready();
    break_off("GET", "/version", -ECONNREFUSED);
    assert_int_equal(made_ready.times, 1);
    assert_int_equal(made_ready.error, -ENXIO);
    assert_string_equal(made_ready.reason, "unix:///run/engine: Connection refused");
    assert_true(executor->lost);
}

static void an_engine_is_asked_in_a_version_that_it_speaks(void **state) {
    (void)state;
    make_ready(VERSION("Engine", "29.0.0"));
    assert_int_equal(made_ready.times, 1);
    assert_int_equal(made_ready.error, 0);
    assert_false(executor->lost);
    assert_string_equal(executor->listen_addresses, "127.0.0.1");
    /* bound to 127.0.0.1, which is the gateway here: there is nothing to relay */
    assert_string_equal(executor->endpoint_url, "http://127.0.0.1:4566");
    assert_string_equal(opened, "");
}

static void begin_ready_with_gateway(const char *ip, const char *version) {
    char body[256];
    begin_ready();
    reply("GET", "/version", 200, version);
    if (find("GET", "/containers/") != NULL) {
        reply("GET", "/containers/", 404, "{}");
    }
    reply("GET", "/info", 200, "{}");
    (void)snprintf(body, sizeof body,
                   "{\"IPAM\":{\"Config\":[{\"Subnet\":\"%s/24\",\"Gateway\":\"%s\"}]}}", ip, ip);
    reply("GET", "/networks/bridge", 200, body);
    run();
    reply("GET", "/containers/json", 200, "[]");
}

static int answered_status;

static int respond(struct virga_request *req, const struct virga_response *res) {
    (void)req;
    answered_status = res->status;
    return 0;
}

static void virgas_port_is_relayed_to_the_engines_own_only(void **state) {
    static const struct virga_http http = {.struct_size = sizeof http, .respond = respond};
    struct virga_request req = {.struct_size = sizeof req,
                                .http = &http,
                                .host = virga_str_from("s3.localhost:4566"),
                                .peer = virga_str_from("203.0.113.9:1")};
    (void)state;
    begin_ready_with_gateway("203.0.113.1", VERSION("Podman Engine", "4.3.1"));
    assert_int_equal(made_ready.error, 0);
    assert_string_equal(opened, "0.0.0.0");
    assert_string_equal(executor->listen_addresses, "0.0.0.0");
    assert_string_equal(executor->reach_host, "203.0.113.1");
    assert_string_equal(executor->endpoint_url, "http://203.0.113.1:4567");
    assert_true(executor->admits(executor, req.peer));
    relay_request(relay_arg, &req);
    assert_string_equal(forwarded_host, "Host: s3.localhost:4566");
    req.peer = virga_str_from("198.51.100.1:1");
    assert_false(executor->admits(executor, req.peer));
    forwarded_host[0] = '\0';
    relay_request(relay_arg, &req);
    assert_int_equal(answered_status, 403);
    assert_string_equal(forwarded_host, "");
}

static void an_address_that_cannot_be_listened_on_is_named(void **state) {
    (void)state;
    open_error = -EADDRNOTAVAIL;
    begin_ready_with_gateway("203.0.113.1", VERSION("Podman Engine", "4.3.1"));
    assert_int_equal(made_ready.error, -EADDRNOTAVAIL);
    assert_non_null(strstr(made_ready.reason, "cannot listen on 0.0.0.0"));
}

static void containers_of_an_earlier_run_go_first(void **state) {
    (void)state;
    make_ready(VERSION("Engine", "29.0.0"));
    begin_ready();
    reply("GET", "/version", 200, VERSION("Engine", "29.0.0"));
    if (find("GET", "/containers/") != NULL) {
        reply("GET", "/containers/", 404, "{}");
    }
    reply("GET", "/info", 200, "{}");
    reply("GET", "/networks/bridge", 200,
          "{\"IPAM\":{\"Config\":[{\"Subnet\":\"127.0.0.0/8\",\"Gateway\":\"127.0.0.1\"}]}}");
    run();
    assert_non_null(strstr(expect("GET", "/containers/json")->url, "virga.lambda.host%3D"));
    reply("GET", "/containers/json", 200,
          "[{\"Names\":[\"/virga-lambda-a\"]},{\"Names\":[\"/virga-lambda-b\"]},{\"Names\":[]}]");
    assert_int_equal(made_ready.times, 0);
    reply("DELETE", "/containers/virga-lambda-a?force=1&v=1", 204, "");
    assert_int_equal(made_ready.times, 0);
    reply("DELETE", "/containers/virga-lambda-b?force=1&v=1", 500, "{\"message\":\"busy\"}");
    assert_int_equal(made_ready.times, 1);
    assert_int_equal(made_ready.error, 0);
}

static void a_stop_ends_the_search(void **state) {
    bool stopped = false;
    (void)state;
    begin_ready();
    executor->stop(executor, on_flag, &stopped);
    assert_false(stopped);
    run();
    assert_true(stopped);
    assert_int_equal(made_ready.times, 1);
    assert_int_equal(made_ready.error, -ECANCELED);
}

/* --- images --- */

static const struct executor_image image = {.digest = DIGEST,
                                            .registry = "127.0.0.1:5100",
                                            .pull_name = "000000000000/us-east-1/app",
                                            .user = "AWS",
                                            .password = "p"};

#define REFERENCE "127.0.0.1:5100/000000000000/us-east-1/app@" DIGEST

static void each_engine_is_told_to_pull_in_its_own_way(void **state) {
    struct outcome outcome = {.times = 0};
    (void)state;
    make_ready(VERSION("Engine", "29.0.0"));
    executor->pull(executor, &image, on_outcome, &outcome);
    assert_true(expect("POST", "/images/create?fromImage=" REFERENCE)->auth[0] != '\0');
    reply("POST", "/images/create", 200, "{\"status\":\"Pulling\"}\n");
    assert_non_null(
        strstr(expect("POST", "/images/" REFERENCE "/tag")->url, "?repo=localhost/virga-lambda-"));
    reply("POST", "/tag", 201, "");
    assert_int_equal(outcome.times, 1);
    assert_int_equal(outcome.error, 0);
    make_ready(VERSION("Podman Engine", "5.0.0"));
    executor->pull(executor, &image, on_outcome, &outcome);
    reply("POST", "/libpod/images/pull?tlsVerify=false&reference=" REFERENCE, 200,
          "{\"error\":\"reading manifest: manifest unknown\"}\n");
    assert_int_equal(outcome.times, 2);
    assert_int_equal(outcome.error, -ENOENT);
    assert_string_equal(outcome.reason, "reading manifest: manifest unknown");
}

static void a_pull_that_is_refused_tells_the_engines_words(void **state) {
    struct outcome first = {.times = 0}, second = {.times = 0};
    (void)state;
    make_ready(VERSION("Engine", "29.0.0"));
    executor->pull(executor, &image, on_outcome, &first);
    executor->pull(executor, &image, on_outcome, &second);
    reply("POST", "/images/create", 500, "{\"message\":\"unauthorized: no\"}");
    assert_int_equal(first.times, 1);
    assert_int_equal(second.times, 1);
    assert_int_equal(first.error, -EACCES);
    assert_string_equal(first.reason, "unauthorized: no");
    assert_false(executor->lost);
    executor->pull(executor, &image, on_outcome, &first);
    break_off("POST", "/images/create", -ECONNREFUSED);
    assert_int_equal(first.error, -ECONNREFUSED);
    assert_true(executor->lost);
}

static void a_stop_breaks_pulls_off(void **state) {
    struct outcome outcome = {.times = 0}, found = {.times = 0};
    bool stopped = false;
    (void)state;
    make_ready(VERSION("Engine", "29.0.0"));
    executor->pull(executor, &image, on_outcome, &outcome);
    executor->find(executor, DIGEST, on_outcome, &found);
    executor->stop(executor, on_flag, &stopped);
    run();
    assert_true(stopped);
    assert_int_equal(outcome.times, 1);
    assert_int_equal(outcome.error, -ECANCELED);
    assert_int_equal(found.times, 1);
    assert_int_equal(found.error, -ECANCELED);
}

static bool keep_nothing(void *arg, const char *digest) {
    (void)arg;
    (void)digest;
    return false;
}

/* Has an image of ours on its way out. */
static void begin_removal(void) {
    char name[DOCKER_IMAGE_NAME_MAX], list[512];
    make_ready(VERSION("Engine", "29.0.0"));
    docker_image_name(docker_from(executor), DIGEST, name);
    (void)snprintf(list, sizeof list, "[{\"RepoTags\":[\"%s\"]}]", name);
    executor->prune(executor, keep_nothing, NULL);
    reply("GET", "/images/json", 200, list);
    (void)expect("DELETE", name);
}

static void an_image_is_looked_for_when_its_removal_is_over(void **state) {
    struct outcome found = {.times = 0};
    (void)state;
    begin_removal();
    executor->find(executor, DIGEST, on_outcome, &found);
    run();
    assert_null(find("GET", "/images/localhost"));
    reply("DELETE", "/images/localhost", 200, "[]");
    reply("GET", "/images/localhost", 404, "{\"message\":\"No such image\"}");
    assert_int_equal(found.times, 1);
    assert_int_equal(found.error, -ENOENT);
}

static void a_stop_does_not_let_a_find_wait(void **state) {
    struct outcome found = {.times = 0};
    bool stopped = false;
    (void)state;
    begin_removal();
    executor->find(executor, DIGEST, on_outcome, &found);
    executor->stop(executor, on_flag, &stopped);
    run();
    assert_int_equal(found.times, 1);
    assert_int_equal(found.error, -ECANCELED);
    assert_false(stopped);
    reply("DELETE", "/images/localhost", 200, "[]");
    assert_true(stopped);
}

/* --- instances --- */

struct process {
    unsigned exits;
    struct executor_exit exit;
    char reason[2048];
    char output[256];
    bool closed;
    struct executor_instance *instance;
};

static void on_output(void *arg, int stream, struct virga_str bytes) {
    struct process *process = arg;
    size_t len = strlen(process->output);
    (void)snprintf(process->output + len, sizeof process->output - len, "%d:%.*s;", stream,
                   (int)bytes.len, bytes.ptr);
}

static void on_exit_of(void *arg, const struct executor_exit *exit) {
    struct process *process = arg;
    process->exits++;
    process->exit = *exit;
    (void)snprintf(process->reason, sizeof process->reason, "%s", exit->reason);
}

static void start(struct process *process) {
    static const char *const argv[] = {"/app", NULL};
    static const char *const env[] = {NULL};
    const struct executor_spec spec = {.id = "u-u-i-d",
                                       .digest = DIGEST,
                                       .argv = argv,
                                       .env = env,
                                       .cwd = "/var/task",
                                       .user = "",
                                       .label = "arn",
                                       .memory_mb = 128,
                                       .tmp_mb = 512,
                                       .on_output = on_output,
                                       .on_exit = on_exit_of,
                                       .arg = process};
    *process = (struct process){.exits = 0};
    make_ready(VERSION("Engine", "29.0.0"));
    assert_int_equal(executor->start(executor, &spec, &process->instance), 0);
    run();
    assert_non_null(
        strstr(expect("POST", "/containers/create?name=virga-lambda-u-u-i-d")->body, "\"/app\""));
}

static void start_fully(struct process *process) {
    start(process);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    reply("GET", "/changes", 200, "[]");
    assert_null(find("POST", "/start")); /* not before the output is attached */
    begin_answer("POST", "/virga-lambda-u-u-i-d/attach");
    reply("POST", "/virga-lambda-u-u-i-d/start", 204, "");
    reply("GET", "/changes", 200, "[]");
    assert_int_equal(process->exits, 0);
}

static void close_fully(struct process *process) {
    executor->close(process->instance, on_flag, &process->closed);
    run();
    reply("DELETE", "/containers/virga-lambda-u-u-i-d?force=1&v=1", 204, "");
    run();
    assert_true(process->closed);
}

static void an_engine_that_goes_away_ends_the_process(void **state) {
    struct process process;
    (void)state;
    start_fully(&process);
    finish_request(expect("POST", "/attach"), 200, -ECONNRESET, "");
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_FAILED);
    assert_string_equal(process.reason, "the engine is gone: the engine went away");
    assert_true(executor->lost);
    executor->close(process.instance, on_flag, &process.closed);
    break_off("DELETE", "/containers/", -ECONNREFUSED);
    assert_true(process.closed);
}

/* A stream without a length ends the same way when dockerd ends. */
static void an_engine_that_goes_away_quietly_does_too(void **state) {
    struct process process;
    (void)state;
    start_fully(&process);
    reply("POST", "/attach", 200, "");
    break_off("GET", "/json", -ECONNREFUSED);
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_FAILED);
    assert_string_equal(process.reason, "the container cannot be looked at: Connection refused");
    assert_true(executor->lost);
    executor->close(process.instance, on_flag, &process.closed);
    break_off("DELETE", "/containers/", -ECONNREFUSED);
    assert_true(process.closed);
}

static void a_container_that_somebody_removed_is_told(void **state) {
    struct process process;
    (void)state;
    start_fully(&process);
    reply("POST", "/attach", 200, "");
    reply("GET", "/json", 404, "{\"message\":\"No such container\"}");
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_FAILED);
    assert_string_equal(process.reason, "the container is gone: No such container");
    assert_false(executor->lost);
    close_fully(&process);
}

static void an_end_that_the_engine_has_not_noticed_is_waited_for(void **state) {
    struct process process;
    (void)state;
    start_fully(&process);
    reply("POST", "/attach", 200, "");
    reply("GET", "/json", 200, "{\"State\":{\"Running\":true}}");
    assert_int_equal(process.exits, 0);
    reply("POST", "/wait", 200, "{\"StatusCode\":137}");
    reply("GET", "/json", 200,
          "{\"State\":{\"Running\":false,\"ExitCode\":137,\"OOMKilled\":true}}");
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_OOM);
    close_fully(&process);
}

static void a_container_that_cannot_be_made_is_told_and_leaves_nothing(void **state) {
    struct process process;
    (void)state;
    start(&process);
    reply("POST", "/containers/create", 404, "{\"message\":\"No such image: x\"}");
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_FAILED);
    assert_string_equal(process.reason, "No such image: x");
    executor->close(process.instance, on_flag, &process.closed);
    assert_true(process.closed);
}

static void a_close_waits_for_the_container_that_is_being_made(void **state) {
    struct process process;
    (void)state;
    start(&process);
    executor->signal(process.instance, SIGTERM);
    executor->close(process.instance, on_flag, &process.closed);
    run();
    assert_false(process.closed);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    assert_null(find("POST", "/attach"));
    reply("DELETE", "/containers/virga-lambda-u-u-i-d?force=1&v=1", 409,
          "{\"message\":\"removal of container is already in progress\"}");
    assert_false(process.closed);
    run();
    reply("DELETE", "/containers/virga-lambda-u-u-i-d?force=1&v=1", 404, "{}");
    assert_true(process.closed);
    assert_int_equal(process.exits, 0);
}

static void signals_wait_for_the_start(void **state) {
    struct process process;
    (void)state;
    start(&process);
    executor->signal(process.instance, SIGTERM);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    reply("GET", "/changes", 200, "[]");
    begin_answer("POST", "/attach");
    assert_null(find("POST", "/kill"));
    reply("POST", "/start", 204, "");
    reply("POST", "/kill?signal=15", 204, "");
    reply("GET", "/changes", 200, "[]");
    close_fully(&process);
}

static void a_working_directory_that_the_engine_made_is_none(void **state) {
    struct process process;
    (void)state;
    start(&process);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    reply("GET", "/changes", 200, "[]");
    begin_answer("POST", "/attach");
    reply("POST", "/start", 204, "");
    reply("GET", "/changes", 200, "[{\"Path\":\"/var/task\",\"Kind\":1}]");
    reply("POST", "/kill?signal=9", 204, "");
    reply("POST", "/attach", 200, "");
    reply("GET", "/json", 200, "{\"State\":{\"Running\":false,\"ExitCode\":137}}");
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_WORKDIR);
    close_fully(&process);
}

static void a_working_directory_made_at_creation_starts_nothing(void **state) {
    struct process process;
    (void)state;
    start(&process);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    reply("GET", "/changes", 200, "[{\"Path\":\"/var/task\",\"Kind\":1}]");
    assert_null(find("POST", "/attach"));
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_WORKDIR);
    close_fully(&process);
}

static void a_working_directory_that_is_there_is_asked_for_once(void **state) {
    struct process process;
    (void)state;
    start_fully(&process);
    close_fully(&process);
    start(&process);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    begin_answer("POST", "/attach");
    reply("POST", "/start", 204, "");
    assert_null(find("GET", "/changes"));
    assert_int_equal(process.exits, 0);
    close_fully(&process);
}

static void output_that_cannot_be_attached_fails_the_start(void **state) {
    struct process process;
    (void)state;
    start(&process);
    reply("POST", "/containers/create", 201, "{\"Id\":\"abc\"}");
    reply("GET", "/changes", 200, "[]");
    reply("POST", "/attach", 500, "{\"message\":\"no streams today\"}");
    reply("POST", "/start", 204, "");
    assert_int_equal(process.exits, 1);
    assert_int_equal(process.exit.end, EXECUTOR_FAILED);
    assert_non_null(strstr(process.reason, "no streams today"));
    close_fully(&process);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(no_engine_is_told_with_what_was_tried),
        TEST(an_engine_is_asked_in_a_version_that_it_speaks),
        TEST(virgas_port_is_relayed_to_the_engines_own_only),
        TEST(an_address_that_cannot_be_listened_on_is_named),
        TEST(containers_of_an_earlier_run_go_first),
        TEST(a_stop_ends_the_search),
        TEST(each_engine_is_told_to_pull_in_its_own_way),
        TEST(a_pull_that_is_refused_tells_the_engines_words),
        TEST(a_stop_breaks_pulls_off),
        TEST(an_image_is_looked_for_when_its_removal_is_over),
        TEST(a_stop_does_not_let_a_find_wait),
        TEST(an_engine_that_goes_away_ends_the_process),
        TEST(an_engine_that_goes_away_quietly_does_too),
        TEST(a_container_that_somebody_removed_is_told),
        TEST(an_end_that_the_engine_has_not_noticed_is_waited_for),
        TEST(a_container_that_cannot_be_made_is_told_and_leaves_nothing),
        TEST(a_close_waits_for_the_container_that_is_being_made),
        TEST(signals_wait_for_the_start),
        TEST(a_working_directory_that_the_engine_made_is_none),
        TEST(a_working_directory_made_at_creation_starts_nothing),
        TEST(a_working_directory_that_is_there_is_asked_for_once),
        TEST(output_that_cannot_be_attached_fails_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
