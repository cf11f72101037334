/* SPDX-License-Identifier: MIT */
/* Tests of core/plugin.c and core/plugins.c: descriptors, order of start, the guard. */
#include "plugins.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host.h"
#include "log.h"

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)ret_self;
    (void)err;
    return 0;
}

#define DESC(plugin_name, ...)                                                                     \
    { VIRGA_PLUGIN_HEAD, .name = plugin_name, .version = "1", .start = start, __VA_ARGS__ }

static struct host host;

static int set_up(void **state) {
    (void)state;
    host = (struct host){0};
    host.plugins = calloc(HOST_MAX_PLUGINS, sizeof *host.plugins);
    return host.plugins == NULL;
}

static int tear_down(void **state) {
    (void)state;
    for (size_t i = 0; i < host.plugins_count; i++) {
        plugin_free(host.plugins[i]);
    }
    free(host.plugins);
    return 0;
}

static void add(const struct virga_plugin *desc) {
    struct error err = {0};
    assert_int_equal(plugin_adopt(&host, desc, &host.plugins[host.plugins_count], &err), 0);
    host.plugins_count++;
}

static size_t place(const char *name) {
    for (size_t i = 0; i < host.plugins_count; i++) {
        if (strcmp(host.plugins[i]->desc->name, name) == 0) {
            return i;
        }
    }
    fail_msg("%s is gone", name);
    return 0;
}

static const char *const id_x[] = {"x/1", NULL};
static const char *const id_y[] = {"y/1", NULL};

static void providers_start_before_who_needs_or_wants_them(void **state) {
    (void)state;
    const struct virga_plugin a = DESC("a", .needs = id_x);
    const struct virga_plugin b = DESC("b", .wants = id_x);
    const struct virga_plugin c = DESC("c", .provides = id_x);
    add(&a);
    add(&b);
    add(&c);
    plugins_order(&host);
    assert_true(place("c") < place("a"));
    assert_true(place("c") < place("b"));
}

static void a_circle_of_needs_fails_both_and_names_them(void **state) {
    (void)state;
    const struct virga_plugin a = DESC("a", .needs = id_x, .provides = id_y);
    const struct virga_plugin b = DESC("b", .needs = id_y, .provides = id_x);
    const struct virga_plugin c = DESC("c");
    add(&a);
    add(&b);
    add(&c);
    plugins_order(&host);
    assert_int_equal(host.plugins_count, 3);
    assert_int_equal(host.plugins[place("a")]->state, PLUGIN_FAILED);
    assert_non_null(strstr(host.plugins[place("a")]->failure, "x/1"));
    assert_non_null(strstr(host.plugins[place("a")]->failure, "plugin b"));
    assert_int_equal(host.plugins[place("c")]->state, PLUGIN_LOADED);
}

static void a_circle_of_wants_is_cut(void **state) {
    (void)state;
    const struct virga_plugin a = DESC("a", .wants = id_x, .provides = id_y);
    const struct virga_plugin b = DESC("b", .wants = id_y, .provides = id_x);
    add(&a);
    add(&b);
    plugins_order(&host);
    assert_int_equal(host.plugins[0]->state, PLUGIN_LOADED);
    assert_int_equal(host.plugins[1]->state, PLUGIN_LOADED);
}

static void malformed_descriptors_are_refused_in_words(void **state) {
    (void)state;
    static const struct virga_route route = {.kind = VIRGA_ROUTE_ADMIN, .pattern = "x"};
    const struct virga_plugin good = DESC("a");
    struct {
        struct virga_plugin desc;
        int code;
        const char *words;
    } cases[9];
    for (size_t i = 0; i < 9; i++) {
        cases[i].desc = good;
        cases[i].code = -EINVAL;
    }
    cases[0].desc.abi_major = 2;
    cases[0].code = -EPROTO;
    cases[0].words = "ABI 2";
    cases[1].desc.struct_size = 16;
    cases[1].words = "VIRGA_PLUGIN_HEAD";
    cases[2].desc.name = "Bad Name";
    cases[2].words = "Bad Name";
    cases[3].desc.name = "";
    cases[3].words = "name";
    cases[4].desc.name = NULL;
    cases[4].words = "name";
    cases[5].desc.version = NULL;
    cases[5].words = "version";
    cases[6].desc.start = NULL;
    cases[6].words = "start";
    cases[7].desc.routes = &route;
    cases[7].desc.routes_count = 1;
    cases[7].desc.route_size = sizeof route;
    cases[7].words = "handle";
    cases[8].desc.config_keys_count = 1;
    cases[8].words = "config";
    for (size_t i = 0; i < 9; i++) {
        struct error err = {0};
        struct plugin *plugin = NULL;
        assert_int_equal(plugin_adopt(&host, &cases[i].desc, &plugin, &err), cases[i].code);
        assert_null(plugin);
        assert_non_null(strstr(err.text, cases[i].words));
    }
}

static void an_older_and_shorter_descriptor_reads_as_zero_behind_its_end(void **state) {
    (void)state;
    struct old_route {
        uint32_t kind;
        uint32_t flags;
        const char *method;
        const char *pattern;
        const char *service;
        uint64_t body_limit_bytes;
    } routes[2] = {{.kind = VIRGA_ROUTE_ADMIN, .pattern = "a"},
                   {.kind = VIRGA_ROUTE_ADMIN, .pattern = "b", .body_limit_bytes = 5}};
    const struct virga_plugin desc = {
        .routes = (const struct virga_route *)(const void *)routes,
        .routes_count = 2,
        .route_size = sizeof routes[0],
    };
    struct virga_route second = plugin_route(&desc, 1);
    assert_string_equal(second.pattern, "b");
    assert_int_equal(second.body_limit_bytes, 5);
    assert_int_equal(second.tag, 0);
}

static void the_guard_keeps_the_chain_of_calls_and_their_account(void **state) {
    (void)state;
    const struct virga_plugin desc = DESC("a");
    add(&desc);
    struct plugin_call outer;
    struct plugin_call inner;
    plugin_enter(&outer, host.plugins[0], "handle", NULL);
    plugin_enter(&inner, host.plugins[0], "on_timer", NULL);
    assert_ptr_equal(host.calls, &inner);
    plugin_leave(&inner);
    assert_ptr_equal(host.calls, &outer);
    plugin_leave(&outer);
    assert_null(host.calls);
    assert_int_equal(host.plugins[0]->calls, 2);
}

/* ---- stopping: "slow" says so later, "quick" inside of its stop() ---- */

static const struct virga_host *apis[2];

static int start_stoppable(const struct virga_host *api, void **ret_self, struct virga_error *err) {
    (void)err;
    size_t index = apis[0] == NULL ? 0 : 1;
    apis[index] = api;
    *ret_self = &apis[index];
    return 0;
}

static int stop_slowly(void *self) {
    (void)self;
    return -EINPROGRESS;
}

static int stop_quickly(void *self) {
    const struct virga_host *const *api = self;
    (*api)->stopped(*api);
    return -EINPROGRESS;
}

static void one_that_stops_at_once_does_not_end_the_wait_for_others(void **state) {
    (void)state;
    struct virga_plugin quick = DESC("quick"), slow = DESC("slow");
    struct error err = {0};
    quick.start = slow.start = start_stoppable;
    quick.stop = stop_quickly;
    slow.stop = stop_slowly;
    apis[0] = apis[1] = NULL;
    add(&quick);
    add(&slow);
    for (size_t i = 0; i < host.plugins_count; i++) {
        assert_int_equal(plugin_start(host.plugins[i], &err), 0);
    }
    plugins_stop(&host); /* from the last to the first */
    assert_int_equal(host.stops_pending, 1);
    assert_int_equal(host.plugins[0]->state, PLUGIN_STOPPED);
    assert_int_equal(host.plugins[1]->state, PLUGIN_STOPPING);
    apis[1]->stopped(apis[1]);
    assert_int_equal(host.stops_pending, 0);
    assert_int_equal(host.plugins[1]->state, PLUGIN_STOPPED);
}

int main(void) {
    log_setup(VIRGA_LOG_ERROR, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(providers_start_before_who_needs_or_wants_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_circle_of_needs_fails_both_and_names_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_circle_of_wants_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_descriptors_are_refused_in_words, set_up,
                                        tear_down),
        cmocka_unit_test(an_older_and_shorter_descriptor_reads_as_zero_behind_its_end),
        cmocka_unit_test_setup_teardown(the_guard_keeps_the_chain_of_calls_and_their_account,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_stops_at_once_does_not_end_the_wait_for_others,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
