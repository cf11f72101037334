/* SPDX-License-Identifier: MIT */
/* The host's own metrics. */
#include "host_metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "host.h"
#include "metrics.h"
#include "request.h"
#include "router.h"

/* How often the loop's lag is measured. */
#define LAG_EVERY_MS 1000
/* Names of services and actions that clients make up are told apart up to this length. */
#define WORD_MAX 64
/* Kinds of requests whose series are at hand; a power of two. */
#define MEMOS 64

/* Where the last request of its slot was counted. */
struct memo {
    const struct virga_route *route;
    const struct plugin *plugin;
    int status;
    size_t action_len;
    char action[WORD_MAX];
    struct metric_series *requests;
    struct metric_series *seconds;
};

struct host_metrics {
    struct metrics *registry;
    struct host *host;
    uv_timer_t timer;
    uint64_t due_ns; /* when the timer should fire */
    uint64_t request_bytes;
    uint64_t response_bytes;
    struct virga_metric *requests;
    struct virga_metric *seconds;
    struct virga_metric *lag;
    struct virga_metric *plugin_calls;
    struct virga_metric *plugin_seconds;
    struct virga_metric *gauges[5]; /* as enum gauge */
    struct memo memos[MEMOS];
};

/* Single values that are looked up when the page is asked for. */
enum gauge { REQUEST_BYTES, RESPONSE_BYTES, CONNECTIONS, RESIDENT_BYTES, UPTIME };

/* ---- requests ---- */

/* A word of the client as a label: what no AWS service or action is called has none of its own. */
static const char *word(struct virga_str text) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (text.len == 0) {
        return "none";
    }
    return text.len <= WORD_MAX && strspn(text.ptr, letters) == text.len ? text.ptr : "other";
}

static const char *service_of(const struct request *req) {
    if (req->plugin != NULL) {
        return req->plugin->desc->name;
    }
    if (req->pub.route != NULL) {
        return "virga";
    }
    return req->pub.method.ptr != NULL ? word(req->pub.service) : "none";
}

static const char *action_of(const struct request *req) {
    if (req->pub.action.len == 0 && req->pub.route != NULL) {
        return req->pub.route->pattern;
    }
    return req->pub.method.ptr != NULL ? word(req->pub.action) : "none";
}

static void find_series(struct host_metrics *metrics, const struct request *req,
                        struct metric_series **ret_requests, struct metric_series **ret_seconds) {
    char status[4] = "-";
    if (req->answered_status >= 100 && req->answered_status <= 999) {
        status[0] = (char)('0' + req->answered_status / 100);
        status[1] = (char)('0' + req->answered_status / 10 % 10);
        status[2] = (char)('0' + req->answered_status % 10);
    }
    const char *const values[] = {service_of(req), action_of(req), status};
    *ret_requests = metrics_series(metrics->requests, values);
    *ret_seconds = metrics_series(metrics->seconds, values);
}

static struct memo *memo_of(struct host_metrics *metrics, const struct request *req) {
    struct virga_str action = req->pub.action;
    size_t slot = ((uintptr_t)req->pub.route >> 4) + (size_t)req->answered_status;
    if (action.len > 0) {
        slot += action.len * 7 + (unsigned char)action.ptr[0] * 3u +
                (unsigned char)action.ptr[action.len - 1];
    }
    return &metrics->memos[slot % MEMOS];
}

static bool remembers(const struct memo *memo, const struct request *req) {
    struct virga_str action = req->pub.action;
    return memo->route == req->pub.route && memo->plugin == req->plugin &&
           memo->status == req->answered_status && memo->action_len == action.len &&
           (action.len == 0 || memcmp(memo->action, action.ptr, action.len) == 0);
}

void host_metrics_count(struct host_metrics *metrics, const struct request *req, uint64_t took_ns) {
    struct metric_series *requests, *seconds;
    struct memo *memo = memo_of(metrics, req);
    bool nobodys = req->plugin == NULL && req->pub.route == NULL;
    if (nobodys || req->pub.action.len > WORD_MAX) {
        find_series(metrics, req, &requests, &seconds);
    } else if (remembers(memo, req)) {
        requests = memo->requests;
        seconds = memo->seconds;
    } else {
        find_series(metrics, req, &requests, &seconds);
        *memo = (struct memo){.route = req->pub.route,
                              .plugin = req->plugin,
                              .status = req->answered_status,
                              .action_len = req->pub.action.len,
                              .requests = requests,
                              .seconds = seconds};
        if (memo->action_len > 0) {
            memcpy(memo->action, req->pub.action.ptr, memo->action_len);
        }
    }
    metrics_add(metrics->requests, requests, 1);
    metrics_add(metrics->seconds, seconds, (double)took_ns / 1e9);
    metrics->request_bytes += req->body_received;
    metrics->response_bytes += req->sent_bytes;
}

/* ---- the loop's lag ---- */

static void on_timer(uv_timer_t *timer) {
    struct host_metrics *metrics = timer->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t late_ns = now_ns > metrics->due_ns ? now_ns - metrics->due_ns : 0;
    metrics_add(metrics->lag, metrics_series(metrics->lag, NULL), (double)late_ns / 1e9);
    metrics->due_ns = (uv_now(timer->loop) + LAG_EVERY_MS) * UINT64_C(1000000);
    (void)uv_timer_start(timer, on_timer, LAG_EVERY_MS, 0);
}

/* ---- the page ---- */

/* 0 when it cannot be told. */
static double resident_bytes(void) {
    char text[128];
    unsigned long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (len > 0) {
        text[len] = '\0';
        if (sscanf(text, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void set(const struct host_metrics *metrics, enum gauge gauge, double value) {
    metrics_set(metrics_series(metrics->gauges[gauge], NULL), value);
}

static void look(const struct host_metrics *metrics) {
    const struct host *host = metrics->host;
    set(metrics, REQUEST_BYTES, (double)metrics->request_bytes);
    set(metrics, RESPONSE_BYTES, (double)metrics->response_bytes);
    set(metrics, CONNECTIONS, (double)host->connections_count);
    set(metrics, RESIDENT_BYTES, resident_bytes());
    set(metrics, UPTIME, (double)(uv_hrtime() - host->started_ns) / 1e9);
    for (size_t i = 0; i < host->plugins_count; i++) {
        const struct plugin *plugin = host->plugins[i];
        const char *const values[] = {plugin->desc->name};
        metrics_set(metrics_series(metrics->plugin_calls, values), (double)plugin->calls);
        metrics_set(metrics_series(metrics->plugin_seconds, values), (double)plugin->busy_ns / 1e9);
    }
}

static void handle_page(struct request *req) {
    const struct host_metrics *metrics = req->host->metrics;
    static const struct virga_header type = {
        {"Content-Type", sizeof "Content-Type" - 1},
        {"text/plain; version=0.0.4; charset=utf-8",
         sizeof "text/plain; version=0.0.4; charset=utf-8" - 1}};
    char *text;
    size_t len;
    look(metrics);
    if (metrics_text(metrics->registry, &text, &len) != 0) {
        request_http.abort(&req->pub);
        return;
    }
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = 200,
        .headers = &type,
        .headers_count = 1,
        .body = {text, len},
        .release = free,
        .release_arg = text,
    };
    (void)request_http.respond(&req->pub, &res);
}

/* ---- life ---- */

static int add(struct host_metrics *metrics, enum virga_metric_kind kind, const char *name,
               const char *help, const char *const *labels, struct virga_metric **ret_metric) {
    static const double seconds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                     0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
    bool histogram = kind == VIRGA_METRIC_HISTOGRAM;
    const struct virga_metric_options options = {
        .struct_size = sizeof options,
        .kind = kind,
        .name = name,
        .help = help,
        .labels = labels,
        .buckets = histogram ? seconds : NULL,
        .buckets_count = histogram ? sizeof seconds / sizeof seconds[0] : 0,
    };
    return metrics_add_metric(metrics->registry, NULL, &options, ret_metric);
}

static int add_all(struct host_metrics *metrics) {
    static const char *const of_request[] = {"service", "action", "status", NULL};
    static const char *const of_service[] = {"service", NULL};
    static const char *const of_plugin[] = {"plugin", NULL};
    static const struct {
        enum virga_metric_kind kind;
        const char *name;
        const char *help;
    } gauges[] = {
        [REQUEST_BYTES] = {VIRGA_METRIC_COUNTER, "virga_request_bytes_total",
                           "Bytes of request bodies that were read."},
        [RESPONSE_BYTES] = {VIRGA_METRIC_COUNTER, "virga_response_bytes_total",
                            "Bytes of response bodies that were sent."},
        [CONNECTIONS] = {VIRGA_METRIC_GAUGE, "virga_connections", "Open client connections."},
        [RESIDENT_BYTES] = {VIRGA_METRIC_GAUGE, "virga_process_resident_bytes",
                            "Resident memory of the process."},
        [UPTIME] = {VIRGA_METRIC_GAUGE, "virga_uptime_seconds", "Time since the start."},
    };
    int result = add(metrics, VIRGA_METRIC_COUNTER, "virga_requests_total",
                     "Requests that have ended, by plugin or service, action or route, and status.",
                     of_request, &metrics->requests);
    if (result == 0) {
        result = add(metrics, VIRGA_METRIC_HISTOGRAM, "virga_request_duration_seconds",
                     "From the end of a request's head to the end of its answer.", of_service,
                     &metrics->seconds);
    }
    if (result == 0) {
        result = add(metrics, VIRGA_METRIC_COUNTER, "virga_plugin_calls_total",
                     "Calls into a plugin's code.", of_plugin, &metrics->plugin_calls);
    }
    if (result == 0) {
        result = add(metrics, VIRGA_METRIC_COUNTER, "virga_plugin_seconds_total",
                     "Time that the loop spent in a plugin's code.", of_plugin,
                     &metrics->plugin_seconds);
    }
    if (result == 0) {
        result = add(metrics, VIRGA_METRIC_HISTOGRAM, "virga_loop_lag_seconds",
                     "How late a timer fires that is due every second.", NULL, &metrics->lag);
    }
    for (size_t i = 0; result == 0 && i < sizeof gauges / sizeof gauges[0]; i++) {
        result =
            add(metrics, gauges[i].kind, gauges[i].name, gauges[i].help, NULL, &metrics->gauges[i]);
    }
    return result;
}

static void on_closed(uv_handle_t *timer) {
    free(timer->data);
}

void host_metrics_teardown(struct host *host) {
    struct host_metrics *metrics = host->metrics;
    if (metrics == NULL) {
        return;
    }
    host->metrics = NULL;
    metrics_destroy(metrics->registry);
    uv_close((uv_handle_t *)&metrics->timer, on_closed);
}

int host_metrics_setup(struct host *host, struct error *err) {
    static const struct virga_route page = {
        .kind = VIRGA_ROUTE_ADMIN,
        .method = "GET",
        .pattern = "metrics",
    };
    struct host_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL || uv_timer_init(host->loop, &metrics->timer) != 0) {
        free(metrics);
        return error_set(err, -ENOMEM, "out of memory");
    }
    metrics->timer.data = metrics;
    metrics->host = host;
    host->metrics = metrics;
    int result = metrics_create(&metrics->registry);
    if (result == 0) {
        result = add_all(metrics);
    }
    if (result != 0) {
        host_metrics_teardown(host);
        return error_set(err, result, "out of memory");
    }
    uv_unref((uv_handle_t *)&metrics->timer);
    metrics->due_ns = (uv_now(host->loop) + LAG_EVERY_MS) * UINT64_C(1000000);
    (void)uv_timer_start(&metrics->timer, on_timer, LAG_EVERY_MS, 0);
    return router_add_host(host->router, &page, handle_page, err);
}

struct metrics *host_metrics_registry(struct host *host) {
    return host->metrics != NULL ? host->metrics->registry : NULL;
}
