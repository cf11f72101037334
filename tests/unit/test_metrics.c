/* SPDX-License-Identifier: MIT */
/* The registry, its text, what plugins get of it, and what the host counts of itself. */
#include "metrics.h"

#include <math.h>

#include "wire_fixture.h"

#include "ext_metrics.h"
#include "host_metrics.h"
#include "router.h"

static struct metrics *metrics;
static char *text;

static int setup(void **state) {
    (void)state;
    text = NULL;
    return metrics_create(&metrics);
}

static int teardown(void **state) {
    (void)state;
    metrics_destroy(metrics);
    free(text);
    return 0;
}

static const char *show(void) {
    size_t len;
    free(text);
    text = NULL;
    assert_int_equal(metrics_text(metrics, &text, &len), 0);
    assert_int_equal(strlen(text), len);
    return text;
}

static void assert_line(const char *line) {
    char whole[1300];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(show(), whole) == NULL) {
        fail_msg("there is no line %s in\n%s", line, text);
    }
}

static const char *const two_labels[] = {"one", "two", NULL};
static const double two_buckets[] = {0.5, 10};

static struct virga_metric_options options_of(enum virga_metric_kind kind, const char *name) {
    return (struct virga_metric_options){.struct_size = sizeof(struct virga_metric_options),
                                         .kind = kind,
                                         .name = name,
                                         .help = "Helps."};
}

static int add_metric(const struct virga_metric_options *options) {
    struct virga_metric *metric;
    return metrics_add_metric(metrics, NULL, options, &metric);
}

static struct virga_metric *make(enum virga_metric_kind kind, const char *name,
                                 const char *const *labels) {
    struct virga_metric *metric = NULL;
    struct virga_metric_options options = options_of(kind, name);
    options.labels = labels;
    if (kind == VIRGA_METRIC_HISTOGRAM) {
        options.buckets = two_buckets;
        options.buckets_count = 2;
    }
    assert_int_equal(metrics_add_metric(metrics, NULL, &options, &metric), 0);
    return metric;
}

static void add(struct virga_metric *metric, const char *one, const char *two, double amount) {
    const char *const values[] = {one, two};
    metrics_add(metric, metrics_series(metric, values), amount);
}

/* ---- the registry and its text ---- */

static void counter_counts_and_never_falls(void **state) {
    (void)state;
    struct virga_metric *metric = make(VIRGA_METRIC_COUNTER, "things_total", NULL);
    assert_string_equal(show(), "# HELP things_total Helps.\n# TYPE things_total counter\n"
                                "things_total 0\n");
    add(metric, NULL, NULL, 2);
    add(metric, NULL, NULL, 0.5);
    add(metric, NULL, NULL, -1);
    add(metric, NULL, NULL, (double)NAN);
    add(metric, NULL, NULL, HUGE_VAL);
    assert_line("things_total 2.5");
}

static void gauge_rises_falls_and_is_set(void **state) {
    (void)state;
    struct virga_metric *metric = make(VIRGA_METRIC_GAUGE, "level", NULL);
    add(metric, NULL, NULL, 3);
    add(metric, NULL, NULL, -5);
    assert_line("level -2");
    metrics_set(metrics_series(metric, NULL), 1e300);
    assert_line("level 1e+300");
    metrics_set(metrics_series(metric, NULL), HUGE_VAL);
    assert_line("level +Inf");
}

static void histogram_cumulates(void **state) {
    (void)state;
    struct virga_metric *metric = make(VIRGA_METRIC_HISTOGRAM, "took_seconds", two_labels);
    static const double values[] = {0.1, 0.5, 0.6, 10, 11, 1000};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        add(metric, "a", "b", values[i]);
    }
    assert_line("took_seconds_bucket{one=\"a\",two=\"b\",le=\"0.5\"} 2\n"
                "took_seconds_bucket{one=\"a\",two=\"b\",le=\"10\"} 4\n"
                "took_seconds_bucket{one=\"a\",two=\"b\",le=\"+Inf\"} 6\n"
                "took_seconds_sum{one=\"a\",two=\"b\"} 1022.2\n"
                "took_seconds_count{one=\"a\",two=\"b\"} 6");
}

static void labels_are_told_apart_and_escaped(void **state) {
    (void)state;
    struct virga_metric *metric = make(VIRGA_METRIC_COUNTER, "things_total", two_labels);
    assert_null(strstr(show(), "things_total{"));
    add(metric, "ab", "c", 1);
    add(metric, "a", "bc", 2);
    add(metric, "ab", "c", 4);
    add(metric, "", NULL, 8);
    add(metric, "a\"b\\c\nd", "\xc3\xa4 \xff\xc3", 16);
    assert_line("things_total{one=\"ab\",two=\"c\"} 5");
    assert_line("things_total{one=\"a\",two=\"bc\"} 2");
    assert_line("things_total{one=\"\",two=\"\"} 8");
    assert_line("things_total{one=\"a\\\"b\\\\c\\nd\",two=\"\xc3\xa4 ??\"} 16");
}

static void long_values_are_cut(void **state) {
    (void)state;
    struct virga_metric *metric = make(VIRGA_METRIC_COUNTER, "things_total", two_labels);
    char value[1000], line[1200];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    add(metric, value, "x", 1);
    value[METRICS_VALUE_MAX] = '\0';
    add(metric, value, "x", 1);
    (void)snprintf(line, sizeof line, "things_total{one=\"%s\",two=\"x\"} 2", value);
    assert_line(line);
}

static void combinations_beyond_the_cap_are_other(void **state) {
    (void)state;
    struct virga_metric *metric = make(VIRGA_METRIC_COUNTER, "things_total", two_labels);
    for (int i = 0; i < METRICS_SERIES_MAX + 500; i++) {
        char value[20];
        (void)snprintf(value, sizeof value, "v%d", i);
        add(metric, value, "x", 1);
    }
    add(metric, "v0", "x", 1);
    assert_line("things_total{one=\"v0\",two=\"x\"} 2");
    assert_line("things_total{one=\"v999\",two=\"x\"} 1");
    assert_line("things_total{one=\"other\",two=\"other\"} 500");
    assert_null(strstr(text, "\"v1000\""));
}

static void help_is_escaped(void **state) {
    (void)state;
    struct virga_metric_options options = options_of(VIRGA_METRIC_GAUGE, "level");
    options.help = "One\\two\nthree \"four\".";
    assert_int_equal(add_metric(&options), 0);
    assert_non_null(strstr(show(), "# HELP level One\\\\two\\nthree \"four\".\n"));
}

static void taken_names_are_eexist(void **state) {
    (void)state;
    (void)make(VIRGA_METRIC_HISTOGRAM, "took", NULL);
    (void)make(VIRGA_METRIC_COUNTER, "seen_count", NULL);
    static const char *const names[] = {"took", "took_sum", "took_count", "took_bucket"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct virga_metric_options options = options_of(VIRGA_METRIC_COUNTER, names[i]);
        assert_int_equal(add_metric(&options), -EEXIST);
    }
    struct virga_metric_options options = options_of(VIRGA_METRIC_HISTOGRAM, "seen");
    options.buckets = two_buckets;
    options.buckets_count = 2;
    assert_int_equal(add_metric(&options), -EEXIST);
}

static void malformed_metrics_are_einval(void **state) {
    (void)state;
    static const char *const names[] = {"", "1st", "a-b", "A", "a b", "a{", NULL};
    static const char *const labels[][6] = {{"a", "a", NULL},
                                            {"a", "b", "c", "d", "e", NULL},
                                            {"__name", NULL},
                                            {"a=b", NULL},
                                            {"", NULL}};
    static const double falling[] = {1, 1};
    const double infinite[] = {1, HUGE_VAL};
    struct virga_metric_options options;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        options = options_of(VIRGA_METRIC_COUNTER, names[i]);
        assert_int_equal(add_metric(&options), -EINVAL);
    }
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        options = options_of(VIRGA_METRIC_COUNTER, "good");
        options.labels = labels[i];
        assert_int_equal(add_metric(&options), -EINVAL);
    }
    options = options_of(VIRGA_METRIC_HISTOGRAM, "good");
    assert_int_equal(add_metric(&options), -EINVAL); /* no buckets */
    options.buckets_count = 2;
    options.buckets = falling;
    assert_int_equal(add_metric(&options), -EINVAL);
    options.buckets = infinite;
    assert_int_equal(add_metric(&options), -EINVAL);
    static const char *const le[] = {"le", NULL};
    options.buckets = two_buckets;
    options.labels = le;
    assert_int_equal(add_metric(&options), -EINVAL);
    options = options_of((enum virga_metric_kind)4, "good");
    assert_int_equal(add_metric(&options), -EINVAL);
    options = options_of(VIRGA_METRIC_COUNTER, "good");
    options.help = NULL;
    assert_int_equal(add_metric(&options), -EINVAL);
    assert_string_equal(show(), "");
}

static void too_many_metrics_are_enospc(void **state) {
    (void)state;
    for (int i = 0; i < METRICS_MAX; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "m%d", i);
        struct virga_metric_options options = options_of(VIRGA_METRIC_COUNTER, name);
        assert_int_equal(add_metric(&options), 0);
    }
    struct virga_metric_options options = options_of(VIRGA_METRIC_COUNTER, "one_more");
    assert_int_equal(add_metric(&options), -ENOSPC);
}

/* ---- in a host ---- */

static struct virga_plugin desc = {.name = "test"};
static struct plugin plugin;
static struct plugin *list[] = {&plugin};
static void (*then)(struct request *req);

/* As dispatch does with a route. */
static void on_head(struct request *req) {
    const struct router_entry *entry;
    if (router_match(wire_host.router, req, &entry) == 0) {
        req->pub.route = &entry->route;
        req->plugin = entry->plugin;
    }
}

static void on_request(struct request *req) {
    if (req->pub.route != NULL && req->plugin == NULL) {
        ((const struct router_entry *)(const void *)req->pub.route)->handle(req);
    } else {
        then(req);
    }
}

static void say_hello(struct request *req) {
    assert_int_equal(answer(req, 200, "hello"), 0);
}

static void say_no(struct request *req) {
    assert_int_equal(answer(req, 404, "no"), 0);
}

static int host_setup(void **state) {
    static const struct virga_route routes[] = {
        {.kind = VIRGA_ROUTE_REST, .pattern = "/things/{name}"},
        {.kind = VIRGA_ROUTE_TARGET, .pattern = "Things"}};
    struct error err = {0};
    int result = wire_setup(state);
    desc.routes = routes;
    desc.routes_count = 2;
    desc.route_size = sizeof routes[0];
    memset(&plugin, 0, sizeof plugin);
    plugin.host = &wire_host;
    plugin.desc = &desc;
    plugin.state = PLUGIN_RUNNING;
    list_init(&plugin.resources);
    wire_host.plugins = list;
    wire_host.plugins_count = 1;
    wire_host.started_ns = uv_hrtime();
    result = result == 0 ? router_create(&wire_host.router) : result;
    result = result == 0 ? host_metrics_setup(&wire_host, &err) : result;
    return result == 0 ? router_add_plugin(wire_host.router, &plugin, &err) : result;
}

static int host_teardown(void **state) {
    metrics_forget(host_metrics_registry(&wire_host), &plugin);
    host_metrics_teardown(&wire_host);
    int result = wire_teardown(state);
    router_destroy(wire_host.router);
    return result;
}

/* The page, as a client gets it. */
static const char *page(void) {
    int fd = client();
    send_text(fd, "GET /_floci/metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(close(fd), 0);
    wait_until_gone();
    return reply.body;
}

static void assert_on_page(const char *part) {
    if (strstr(page(), part) == NULL) {
        fail_msg("there is no %s in\n%s", part, reply.body);
    }
}

static void ask(const char *request) {
    int fd = client();
    send_text(fd, request);
    (void)read_reply(fd);
    assert_int_equal(close(fd), 0);
    wait_until_gone();
}

static void requests_are_counted_by_service_action_and_status(void **state) {
    (void)state;
    wire_on_head = on_head;
    wire_serve(on_request);
    then = say_hello;
    ask("GET /things/one HTTP/1.1\r\nHost: h\r\n\r\n");
    ask("GET /things/two HTTP/1.1\r\nHost: h\r\n\r\n");
    ask("POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: Things.Make\r\nContent-Length: 3\r\n\r\nabc");
    then = say_no;
    ask("GET /things/two HTTP/1.1\r\nHost: h\r\n\r\n");
    ask("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
    ask("POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: Things.a\"b\r\nContent-Length: 0\r\n\r\n");
    ask("rubbish\r\n\r\n");
    (void)page();
    assert_on_page(
        "\nvirga_requests_total{service=\"test\",action=\"/things/{name}\",status=\"200\"} "
        "2\n");
    assert_on_page(
        "\nvirga_requests_total{service=\"test\",action=\"/things/{name}\",status=\"404\"} "
        "1\n");
    assert_on_page("\nvirga_requests_total{service=\"test\",action=\"Make\",status=\"200\"} 1\n");
    assert_on_page("\nvirga_requests_total{service=\"test\",action=\"other\",status=\"404\"} 1\n");
    assert_on_page("\nvirga_requests_total{service=\"none\",action=\"none\",status=\"404\"} 1\n");
    assert_on_page("\nvirga_requests_total{service=\"virga\",action=\"metrics\",status=\"200\"} ");
    assert_on_page("\nvirga_request_duration_seconds_count{service=\"test\"} 5\n");
    assert_on_page("\nvirga_request_bytes_total 3\n");
    assert_on_page("service=\"none\",action=\"none\",status=\"4");
}

static void host_shows_itself(void **state) {
    (void)state;
    wire_on_head = on_head;
    wire_serve(on_request);
    plugin.calls = 7;
    plugin.busy_ns = 1500000000;
    assert_on_page("\nvirga_plugin_calls_total{plugin=\"test\"} 7\n");
    assert_on_page("\nvirga_plugin_seconds_total{plugin=\"test\"} 1.5\n");
    assert_on_page("\nvirga_connections 1\n");
    assert_on_page("\nvirga_uptime_seconds ");
    const char *resident = strstr(page(), "\nvirga_process_resident_bytes ");
    assert_non_null(resident);
    assert_true(strtod(resident + strlen("\nvirga_process_resident_bytes "), NULL) > 1e6);
}

static void late_loop_is_seen(void **state) {
    (void)state;
    wire_on_head = on_head;
    wire_serve(on_request);
    assert_on_page("\nvirga_loop_lag_seconds_count 0\n");
    (void)usleep(1300 * 1000);
    pump();
    assert_on_page("\nvirga_loop_lag_seconds_bucket{le=\"0.1\"} 0\n");
    assert_on_page("\nvirga_loop_lag_seconds_bucket{le=\"1\"} 1\n");
}

static void plugins_metrics_end_with_it(void **state) {
    (void)state;
    struct virga_metric *metric = NULL;
    wire_on_head = on_head;
    wire_serve(on_request);
    struct virga_metric_options options = options_of(VIRGA_METRIC_COUNTER, "test_things_total");
    options.labels = two_labels;
    assert_int_equal(ext_metrics.create(&plugin.api, &options, &metric), 0);
    assert_int_equal(ext_metrics.create(&plugin.api, &options, &metric), -EEXIST);
    const char *const values[] = {"a", "b"};
    ext_metrics.add(metric, values, 3);
    ext_metrics.add(metric, NULL, 3);
    ext_metrics.set(metric, values, 100); /* no gauge */
    ext_metrics.add(NULL, NULL, 1);
    ext_metrics.set(NULL, NULL, 1);
    assert_on_page("\ntest_things_total{one=\"a\",two=\"b\"} 3\n");
    options.name = "virga_things_total";
    assert_int_equal(ext_metrics.create(&plugin.api, &options, &metric), -EINVAL);
    metrics_forget(host_metrics_registry(&wire_host), &plugin);
    assert_null(strstr(page(), "test_things_total"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(counter_counts_and_never_falls),
        TEST(gauge_rises_falls_and_is_set),
        TEST(histogram_cumulates),
        TEST(labels_are_told_apart_and_escaped),
        TEST(long_values_are_cut),
        TEST(combinations_beyond_the_cap_are_other),
        TEST(help_is_escaped),
        TEST(taken_names_are_eexist),
        TEST(malformed_metrics_are_einval),
        TEST(too_many_metrics_are_enospc),
        HOST_TEST(requests_are_counted_by_service_action_and_status),
        HOST_TEST(host_shows_itself),
        HOST_TEST(late_loop_is_seen),
        HOST_TEST(plugins_metrics_end_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
