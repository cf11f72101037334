/* SPDX-License-Identifier: MIT */
/* The plugin's life in a kit, and the host table that it gets. */
#include <stdlib.h>

#include "kit.h"

/* 2026-01-01T00:00:00Z */
#define WALL_START_MS INT64_C(1767225600000)
/* How far the clock goes at a time while a stop is waited for. */
#define STOP_STEP_MS 10
#define VERSION "testkit"

static const struct offer interfaces[] = {
    {VIRGA_CONFIG_ID, &kit_config},     {VIRGA_LOG_ID, &kit_log},
    {VIRGA_TIMER_ID, &kit_timer},       {VIRGA_WORK_ID, &kit_work},
    {VIRGA_STORE_ID, &kit_store},       {VIRGA_LISTENER_ID, &kit_listener},
    {VIRGA_PROXY_ID, &kit_proxy},       {VIRGA_FILE_ID, &kit_file},
    {VIRGA_FETCH_ID, &kit_fetch},       {VIRGA_PROCESS_ID, &kit_process},
    {VIRGA_DISPATCH_ID, &kit_dispatch}, {VIRGA_METRICS_ID, &kit_metrics},
    {"virga.http/1", &kit_http},
};

/* --- the host table --- */

static const void *find(const struct offer *offers, size_t count, const char *id) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(offers[i].id, id) == 0) {
            return offers[i].table;
        }
    }
    return NULL;
}

static const void *get_interface(const struct virga_host *host, const char *id) {
    const struct testkit *kit = kit_from(host);
    if (kit->in_doctor && strcmp(id, VIRGA_CONFIG_ID) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < kit->withheld_count; i++) {
        if (strcmp(kit->withheld[i], id) == 0) {
            return NULL;
        }
    }
    const void *table = find(kit->offers, kit->offers_count, id);
    if (table == NULL) {
        table = find(kit->provided, kit->provided_count, id);
    }
    return table != NULL ? table : find(interfaces, sizeof interfaces / sizeof interfaces[0], id);
}

static int provide(const struct virga_host *host, const char *id, const void *table) {
    struct testkit *kit = kit_from(host);
    const char *const *listed = kit->plugin.provides;
    while (listed != NULL && *listed != NULL && strcmp(*listed, id) != 0) {
        listed++;
    }
    if (listed == NULL || *listed == NULL) {
        kit_problem(kit, "provide(\"%s\"): the descriptor's `provides` has no such id", id);
        return -EINVAL;
    }
    if (find(kit->offers, kit->offers_count, id) != NULL ||
        find(kit->provided, kit->provided_count, id) != NULL) {
        return -EEXIST;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    kit->provided = kit_must_grow(kit->provided, kit->provided_count, sizeof *kit->provided);
    kit->provided[kit->provided_count++] = (struct offer){*listed, table};
    return 0;
}

static void set_status(const struct virga_host *host, enum virga_status status,
                       const char *detail) {
    struct testkit *kit = kit_from(host);
    kit->status = status;
    (void)snprintf(kit->status_detail, sizeof kit->status_detail, "%s",
                   detail != NULL ? detail : "");
}

static void stopped(const struct virga_host *host) {
    struct testkit *kit = kit_from(host);
    if (kit->state != KIT_STOPPING) {
        kit_problem(kit, "stopped() was called without a stop() that waits for it");
    }
    kit->stopped = true;
}

static void reset_done(const struct virga_host *host, int status, const char *reason) {
    struct testkit *kit = kit_from(host);
    if (!kit->resetting) {
        kit_problem(kit, "reset_done() was called without a reset() that waits for it");
        return;
    }
    kit->resetting = false;
    kit->reset_status = status;
    if (status != 0) {
        (void)kit_fail(kit, status, "%s", reason != NULL ? reason : strerror(-status));
    }
}

enum virga_status testkit_plugin_status(const struct testkit *kit, const char **ret_detail) {
    if (ret_detail != NULL) {
        *ret_detail = kit->status_detail;
    }
    return kit->status;
}

const void *testkit_provided(const struct testkit *kit, const char *id) {
    return find(kit->provided, kit->provided_count, id);
}

void testkit_offer(struct testkit *kit, const char *id, const void *table) {
    kit->offers = kit_must_grow(kit->offers, kit->offers_count, sizeof *kit->offers);
    kit->offers[kit->offers_count++] = (struct offer){kit_must_strdup(id), table};
}

void testkit_withhold(struct testkit *kit, const char *id) {
    kit->withheld = kit_must_grow(kit->withheld, kit->withheld_count, sizeof *kit->withheld);
    kit->withheld[kit->withheld_count++] = kit_must_strdup(id);
}

void *testkit_self(const struct testkit *kit) {
    return kit->self;
}

/* --- life --- */

struct testkit *testkit_create(const struct virga_plugin *plugin) {
    struct testkit *kit = kit_must_alloc(sizeof *kit);
    kit->host = (struct virga_host){
        .struct_size = sizeof kit->host,
        .abi_major = VIRGA_ABI_MAJOR,
        .abi_minor = VIRGA_ABI_MINOR,
        .version = VERSION,
        .get_interface = get_interface,
        .provide = provide,
        .set_status = set_status,
        .stopped = stopped,
        .reset_done = reset_done,
    };
    memcpy(&kit->plugin, plugin,
           plugin->struct_size < sizeof *plugin ? plugin->struct_size : sizeof *plugin);
    struct link *lists[] = {&kit->tasks,    &kit->handles,   &kit->timers,   &kit->work,
                            &kit->metrics,  &kit->listeners, &kit->requests, &kit->scripts,
                            &kit->sent[3],  &kit->sent[0],   &kit->sent[1],  &kit->sent[2],
                            &kit->processes};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        link_init(lists[i]);
    }
    (void)pthread_mutex_init(&kit->log_lock, NULL);
    kit->wall_offset_ms = WALL_START_MS;
    (void)kit_settings_init(kit);
    return kit;
}

static const char *unmet_need(const struct testkit *kit) {
    const char *const *ids = kit->plugin.needs;
    while (ids != NULL && *ids != NULL && get_interface(&kit->host, *ids) != NULL) {
        ids++;
    }
    return ids != NULL ? *ids : NULL;
}

/* What both a failed start and a stop leave to be done. */
static void clear(struct testkit *kit) {
    kit_requests_end_all(kit);
    kit_handles_drop_all(kit);
    kit->self = NULL;
    kit->provided_count = 0;
    kit->state = KIT_IDLE;
}

int testkit_start(struct testkit *kit) {
    struct virga_error err = {.struct_size = sizeof err};
    struct kit_call call;
    kit->error[0] = '\0';
    if (kit->state != KIT_IDLE) {
        return kit_fail(kit, -EALREADY, "the plugin runs already");
    }
    if (kit->plugin.abi_major != VIRGA_ABI_MAJOR || kit->plugin.start == NULL) {
        return kit_fail(kit, -EINVAL, "the descriptor has %s",
                        kit->plugin.start == NULL ? "no start()" : "another ABI major");
    }
    int result = kit_settings_check(kit);
    if (result != 0) {
        return result;
    }
    const char *need = unmet_need(kit);
    if (need != NULL) {
        return kit_fail(kit, -ENOENT, "it needs %s, which nobody provides", need);
    }
    kit_metrics_finish(kit);
    kit->status = VIRGA_STATUS_RUNNING;
    kit->status_detail[0] = '\0';
    kit_enter(&call, kit, "start");
    result = kit->plugin.start(&kit->host, &kit->self, &err);
    kit_leave(&call);
    if (result < 0) {
        (void)kit_fail(kit, result, "%s", err.text[0] != '\0' ? err.text : strerror(-result));
        clear(kit);
        return result;
    }
    kit->state = KIT_RUNNING;
    (void)testkit_run(kit);
    return 0;
}

/* Lets time pass until *wait is `until`; false: it never was. */
static bool wait_until(struct testkit *kit, const bool *wait, bool until) {
    uint64_t end = kit->uptime_ms + TESTKIT_STOP_MS;
    (void)testkit_run(kit);
    while (*wait != until && kit->uptime_ms < end) {
        (void)testkit_advance(kit, STOP_STEP_MS);
    }
    return *wait == until;
}

static void call_stop(struct testkit *kit) {
    struct kit_call call;
    kit->state = KIT_STOPPING;
    kit->stopped = false;
    if (kit->plugin.stop == NULL) {
        return;
    }
    kit_enter(&call, kit, "stop");
    int result = kit->plugin.stop(kit->self);
    kit_leave(&call);
    if (result == -EINPROGRESS && !wait_until(kit, &kit->stopped, true)) {
        kit_problem(kit, "stop() returned -EINPROGRESS and stopped() was not called in %d ms",
                    TESTKIT_STOP_MS);
    } else if (result != 0 && result != -EINPROGRESS) {
        kit_problem(kit, "stop() returned %d: want 0 or -EINPROGRESS", result);
    }
}

int testkit_reset(struct testkit *kit) {
    struct kit_call call;
    int result = 0;
    if (kit->state != KIT_RUNNING) {
        return kit_fail(kit, -EINVAL, "the plugin does not run");
    }
    if (kit->plugin.reset != NULL) {
        kit->reset_status = 0;
        kit->resetting = true;
        kit_enter(&call, kit, "reset");
        result = kit->plugin.reset(kit->self);
        kit_leave(&call);
        if (result == -EINPROGRESS) {
            result = wait_until(kit, &kit->resetting, false)
                         ? kit->reset_status
                         : kit_fail(kit, -ETIMEDOUT, "reset_done() was not called in %d ms",
                                    TESTKIT_STOP_MS);
        } else if (result != 0) {
            (void)kit_fail(kit, result, "reset() failed: %s", strerror(-result));
        }
        kit->resetting = false;
    }
    testkit_stop(kit);
    if (result == 0) {
        kit_store_clear(kit);
    }
    int started = testkit_start(kit);
    return result != 0 ? result : started;
}

void testkit_stop(struct testkit *kit) {
    struct kit_call call;
    if (kit->state != KIT_RUNNING) {
        return;
    }
    bool held = kit->hold_work;
    kit->hold_work = false;
    (void)testkit_run(kit);
    kit_requests_cancel_all(kit);
    (void)testkit_run(kit);
    call_stop(kit);
    if (kit->plugin.destroy != NULL) {
        kit_enter(&call, kit, "destroy");
        kit->plugin.destroy(kit->self);
        kit_leave(&call);
    }
    kit->hold_work = held;
    clear(kit);
}

size_t testkit_destroy(struct testkit *kit) {
    if (kit == NULL) {
        return 0;
    }
    testkit_stop(kit);
    for (size_t i = 0; i < kit->problems_count; i++) {
        (void)fprintf(stderr, "testkit: plugin %s: %s\n", kit->plugin.name, kit->problems[i]);
    }
    return testkit_destroy_quietly(kit);
}

size_t testkit_destroy_quietly(struct testkit *kit) {
    if (kit == NULL) {
        return 0;
    }
    testkit_stop(kit);
    size_t count = kit->problems_count;
    for (size_t i = 0; i < count; i++) {
        free(kit->problems[i]);
    }
    kit_requests_finish(kit);
    kit_settings_finish(kit);
    kit_store_clear(kit);
    kit_text_free(&kit->doctor);
    kit_metrics_finish(kit);
    kit_processes_finish(kit);
    kit_sent_finish(kit);
    for (size_t i = 0; i < kit->offers_count; i++) {
        free((void *)(uintptr_t)kit->offers[i].id);
    }
    for (size_t i = 0; i < kit->withheld_count; i++) {
        free(kit->withheld[i]);
    }
    free(kit->offers);
    free(kit->provided);
    free(kit->withheld);
    free(kit->problems);
    free(kit->taken_ports);
    free(kit->left);
    kit_text_free(&kit->log);
    (void)pthread_mutex_destroy(&kit->log_lock);
    free(kit);
    return count;
}
