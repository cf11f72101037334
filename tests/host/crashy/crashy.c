/* SPDX-License-Identifier: MIT */
/* A plugin for the supervision tests: routes and settings that make one mistake each. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <virga/ext/config.h>
#include <virga/ext/listener.h>
#include <virga/ext/timer.h>
#include <virga/ext/work.h>
#include <virga/virga.h>

enum crashy_route {
    CRASHY_OK = 1,
    CRASHY_SEGV,
    CRASHY_ABORT,
    CRASHY_EXIT,
    CRASHY_OVERFLOW,
    CRASHY_WORK,
    CRASHY_THREAD,
    CRASHY_BLOCK,
    CRASHY_LATE,
    CRASHY_NEVER,
    CRASHY_LEAVE,
    CRASHY_BODY
};

#define GET(path, what)                                                                            \
    { .kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = path, .tag = what }

static const struct virga_route routes[] = {
    GET("/crashy/ok", CRASHY_OK),
    GET("/crashy/segv", CRASHY_SEGV),
    GET("/crashy/abort", CRASHY_ABORT),
    GET("/crashy/exit/{status}", CRASHY_EXIT),
    GET("/crashy/overflow", CRASHY_OVERFLOW),
    GET("/crashy/work", CRASHY_WORK),
    GET("/crashy/thread", CRASHY_THREAD),
    GET("/crashy/block/{ms}", CRASHY_BLOCK),
    GET("/crashy/late/{ms}", CRASHY_LATE),
    GET("/crashy/never", CRASHY_NEVER),
    GET("/crashy/leave/{ms}", CRASHY_LEAVE),
    {.kind = VIRGA_ROUTE_REST, .method = "POST", .pattern = "/crashy/body", .tag = CRASHY_BODY},
    {.kind = VIRGA_ROUTE_TARGET, .pattern = "Crashy_20990101", .tag = CRASHY_SEGV},
};

static const struct virga_config_key keys[] = {
    {.key = "crash-at-start",
     .type = VIRGA_CONFIG_BOOL,
     .default_value = "false",
     .help = "Crash in start()."},
    {.key = "port-first",
     .type = VIRGA_CONFIG_INT,
     .default_value = "0",
     .max = 65535,
     .help = "A port."},
    {.key = "port-last",
     .type = VIRGA_CONFIG_INT,
     .default_value = "0",
     .max = 65535,
     .help = "Its range."},
    {.key = "socket", .type = VIRGA_CONFIG_STRING, .help = "A unix socket."},
};

struct crashy {
    const struct virga_host *host;
    const struct virga_timer *timer;
    const struct virga_work *work;
    const struct virga_listener *listener;
    struct virga_listener_handle *port;
    struct virga_listener_handle *socket;
};

struct late {
    struct virga_timer_handle *timer;
    struct virga_request *req;
};

static volatile int *volatile nowhere;
static volatile int endless = 1;

static void answer(struct virga_request *req, const char *text) {
    struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .body = virga_str_from(text)};
    (void)req->http->respond(req, &res);
}

/* The real thing, and not a sanitizer's report of it. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined"), noinline))

UNCHECKED static void crash(void) {
    *nowhere = 1;
}

UNCHECKED static int overflow(volatile char *before) {
    volatile char room[4096];
    room[0] = before != NULL ? before[0] : 0;
    return endless ? overflow(room) + room[0] : 0;
}

static long number(const struct virga_request *req) {
    return strtol(req->params[0].ptr, NULL, 10);
}

static void sleep_ms(long ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

static void crash_in_work(void *arg) {
    (void)arg;
    crash();
}

static void *crash_in_thread(void *arg) {
    crash();
    return arg;
}

static void sleep_in_work(void *arg) {
    sleep_ms(*(long *)arg);
}

static void ignore_done(void *arg, int status) {
    (void)status;
    free(arg);
}

static void on_late(void *arg) {
    struct late *late = arg;
    answer(late->req, "late\n");
}

static void on_nothing(void *arg) {
    (void)arg;
}

static void answer_late(struct crashy *crashy, struct virga_request *req) {
    struct late *late = req->http->alloc(req, sizeof *late);
    if (late == NULL) {
        req->http->abort(req);
        return;
    }
    late->req = req;
    if (crashy->timer->start(crashy->host, (uint64_t)number(req), 0, on_late, late, &late->timer) !=
        0) {
        req->http->abort(req);
    }
}

static void leave_things(struct crashy *crashy, struct virga_request *req) {
    struct virga_timer_handle *timer;
    long *ms = malloc(sizeof *ms);
    if (ms != NULL) {
        *ms = number(req);
        (void)crashy->work->submit(crashy->host, sleep_in_work, ignore_done, ms, NULL);
    }
    (void)crashy->timer->start(crashy->host, 3600000, 0, on_nothing, NULL, &timer);
    answer(req, "left\n");
}

static void crashy_handle(void *self, struct virga_request *req) {
    struct crashy *crashy = self;
    pthread_t thread;
    switch ((enum crashy_route)req->route->tag) {
    case CRASHY_OK:
        answer(req, "ok\n");
        break;
    case CRASHY_SEGV:
        crash();
        break;
    case CRASHY_ABORT:
        abort();
    case CRASHY_EXIT:
        _exit((int)number(req));
    case CRASHY_OVERFLOW:
        (void)overflow(NULL);
        break;
    case CRASHY_WORK:
        (void)crashy->work->submit(crashy->host, crash_in_work, ignore_done, NULL, NULL);
        break;
    case CRASHY_THREAD:
        (void)pthread_create(&thread, NULL, crash_in_thread, NULL);
        break;
    case CRASHY_BLOCK:
        sleep_ms(number(req));
        answer(req, "blocked\n");
        break;
    case CRASHY_LATE:
        answer_late(crashy, req);
        break;
    case CRASHY_NEVER:
        break;
    case CRASHY_LEAVE:
        leave_things(crashy, req);
        break;
    case CRASHY_BODY:
        answer(req, "body\n");
        break;
    }
}

static void on_request(void *arg, struct virga_request *req) {
    (void)arg;
    if (virga_str_equal(req->path, virga_str_from("/segv"))) {
        crash();
    }
    answer(req, "port\n");
}

static int open_listeners(struct crashy *crashy, const struct virga_config *config) {
    const struct virga_host *host = crashy->host;
    struct virga_listener_options options = {
        .struct_size = sizeof options,
        .port_first = (uint16_t)config->get_int(host, "port-first"),
        .port_last = (uint16_t)config->get_int(host, "port-last"),
        .on_request = on_request,
        .arg = crashy,
    };
    int result = 0;
    if (options.port_first != 0) {
        result = crashy->listener->open(host, &options, &crashy->port);
    }
    options.port_first = options.port_last = 0;
    options.unix_path = config->get_string(host, "socket").ptr;
    if (result == 0 && options.unix_path != NULL) {
        result = crashy->listener->open(host, &options, &crashy->socket);
    }
    return result;
}

static int crashy_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    const struct virga_config *config = host->get_interface(host, VIRGA_CONFIG_ID);
    struct crashy *crashy = calloc(1, sizeof *crashy);
    if (crashy == NULL) {
        virga_error_set(err, "out of memory");
        return -1;
    }
    crashy->host = host;
    crashy->timer = host->get_interface(host, VIRGA_TIMER_ID);
    crashy->work = host->get_interface(host, VIRGA_WORK_ID);
    crashy->listener = host->get_interface(host, VIRGA_LISTENER_ID);
    if (config->get_bool(host, "crash-at-start")) {
        crash();
    }
    int result = open_listeners(crashy, config);
    if (result != 0) {
        virga_error_set(err, "a listener cannot be opened");
        free(crashy);
        return result;
    }
    *ret_self = crashy;
    return 0;
}

static const char *const needs[] = {VIRGA_TIMER_ID, VIRGA_WORK_ID, VIRGA_LISTENER_ID,
                                    VIRGA_CONFIG_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,       .name = "crashy",
    .version = "1.0",        .summary = "Makes mistakes for the supervision tests",
    VIRGA_CONFIG_KEYS(keys), VIRGA_ROUTES(routes),
    .needs = needs,          .start = crashy_start,
    .handle = crashy_handle, .destroy = free,
};
