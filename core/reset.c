/* SPDX-License-Identifier: MIT */
/* The steps of a reset, one after the other, looked at by one timer. */
#include "reset.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "admin.h"
#include "dispatch.h"
#include "fallback.h"
#include "host.h"
#include "http_engine.h"
#include "listener.h"
#include "log.h"
#include "plugins.h"
#include "protocol.h"
#include "request.h"
#include "store_db.h"

enum step {
    STEP_DRAIN, /* requests under way are answered */
    STEP_EMPTY, /* plugins empty what they keep by themselves */
    STEP_STOP,  /* plugins stop */
    STEP_START  /* all are destroyed, and what was to be told of it was told */
};

/* One plugin that ran when the reset began. */
struct part {
    struct plugin *plugin;
    bool pending; /* its reset() goes on */
    bool failed;
    char reason[256];
};

/* A request that waits; in its own arena. */
struct held {
    struct list node;
    struct request *req;
    struct plugin *plugin;
};

struct reset {
    struct host *host;
    struct request *req; /* NULL: whoever asked is gone */
    uv_timer_t timer;
    enum step step;
    uint64_t deadline_ms;
    struct list held;
    struct part parts[HOST_MAX_PLUGINS];
    size_t count;
};

/* ---- requests that wait ---- */

static void on_held_cancel(void *arg, struct virga_request *pub, int status) {
    struct held *held = arg;
    (void)status;
    list_remove(&held->node);
    request_http.abort(pub);
}

bool reset_holds(struct request *req) {
    struct reset *reset = req->host->reset;
    /* A call from plugin to plugin belongs to a request that is waited for. */
    if (reset == NULL || req->listener == NULL) {
        return false;
    }
    struct held *held = arena_alloc(&req->arena, sizeof *held);
    if (held == NULL) {
        request_http.abort(&req->pub);
        return true;
    }
    *held = (struct held){.req = req, .plugin = req->plugin};
    req->plugin = NULL; /* it is not the plugin's to answer yet */
    list_append(&reset->held, &held->node);
    request_http.on_cancel(&req->pub, on_held_cancel, held);
    return true;
}

static void release(struct held *held) {
    struct request *req = held->req;
    request_http.on_cancel(&req->pub, NULL, NULL);
    req->plugin = held->plugin;
    if (req->speaks_aws) {
        dispatch_call(req);
    } else if (listener_is_closed(req->listener)) {
        (void)protocol_fail(req, 503, NULL, "The service was started anew");
    } else {
        const struct listener_options *options = listener_options(req->listener);
        options->on_request(options->arg, req);
    }
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *timer) {
    free(LIST_ENTRY(timer, struct reset, timer));
}

static void finish(struct reset *reset) {
    reset->host->reset = NULL;
    while (!list_empty(&reset->held)) {
        struct held *held = LIST_ENTRY(reset->held.next, struct held, node);
        list_remove(&held->node);
        release(held);
    }
    uv_close((uv_handle_t *)&reset->timer, on_timer_closed);
}

static void on_asker_cancel(void *arg, struct virga_request *pub, int status) {
    struct reset *reset = arg;
    (void)status;
    reset->req = NULL;
    request_http.abort(pub);
}

static void answer(struct reset *reset) {
    struct request *req = reset->req;
    if (req == NULL) {
        return;
    }
    request_http.on_cancel(&req->pub, NULL, NULL);
    if (reset->host->stopping) {
        (void)protocol_fail(req, 503, NULL, "The host is stopping");
        return;
    }
    struct json_object *root = json_object_new_object();
    struct json_object *errors = json_object_new_object();
    for (size_t i = 0; i < reset->count; i++) {
        const struct part *part = &reset->parts[i];
        if (part->failed) {
            json_object_object_add(errors, part->plugin->desc->name,
                                   json_object_new_string(part->reason));
        }
    }
    bool ok = json_object_object_length(errors) == 0;
    json_object_object_add(root, "status", json_object_new_string(ok ? "ok" : "error"));
    if (ok) {
        json_object_put(errors);
    } else {
        json_object_object_add(root, "errors", errors);
    }
    admin_answer(req, ok ? 200 : 500, root);
}

VIRGA_PRINTF(2, 3) static void fail(struct part *part, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(part->reason, sizeof part->reason, format, args);
    va_end(args);
    part->failed = true;
    part->pending = false;
    log_error("reset of plugin %s: %s", part->plugin->desc->name, part->reason);
}

/* ---- the steps ---- */

static bool is_drained(const struct reset *reset) {
    const struct host *host = reset->host;
    LIST_EACH (node, &host->http->handled) {
        const struct request *req = LIST_ENTRY(node, struct request, handled);
        if (req->plugin != NULL && !req->patient && !fallback_has(host->fallback, req)) {
            return false;
        }
    }
    return true;
}

static void begin_empty(struct reset *reset) {
    reset->step = STEP_EMPTY;
    reset->deadline_ms = uv_now(reset->host->loop) + RESET_PLUGINS_MS;
    for (size_t i = reset->count; i-- > 0;) {
        struct part *part = &reset->parts[i];
        struct plugin_call call;
        if (part->plugin->state != PLUGIN_RUNNING || part->plugin->desc->reset == NULL) {
            continue;
        }
        part->pending = true;
        plugin_enter(&call, part->plugin, "reset", NULL);
        int result = part->plugin->desc->reset(part->plugin->self);
        plugin_leave(&call);
        if (result == 0) {
            part->pending = false;
        } else if (result != -EINPROGRESS && part->pending) {
            fail(part, "%s", error_text(result));
        }
    }
}

void reset_plugin_done(struct plugin *plugin, int status, const char *reason) {
    struct reset *reset = plugin->host->reset;
    for (size_t i = 0; reset != NULL && i < reset->count; i++) {
        struct part *part = &reset->parts[i];
        if (part->plugin == plugin && part->pending) {
            part->pending = false;
            if (status < 0) {
                fail(part, "%s", reason != NULL ? reason : error_text(status));
            }
        }
    }
}

static bool is_empty(struct reset *reset, bool late) {
    bool empty = true;
    for (size_t i = 0; i < reset->count; i++) {
        struct part *part = &reset->parts[i];
        if (part->pending && late) {
            fail(part, "it did not end within %d s", RESET_PLUGINS_MS / 1000);
        }
        empty = empty && !part->pending;
    }
    return empty;
}

static void begin_stop(struct reset *reset) {
    reset->step = STEP_STOP;
    reset->deadline_ms = uv_now(reset->host->loop) + RESET_STOP_MS;
    plugins_stop(reset->host);
}

static int empty_store(struct store_db *db, const char *name) {
    int64_t ns;
    int result = store_db_namespace(db, name, false, &ns);
    if (result == 0) {
        result = store_db_del_prefix(db, ns, virga_str_from(""), NULL);
    }
    return result == -ENOENT ? 0 : result;
}

/* Also of plugins that do not run; but not of one that could not empty the rest of what it keeps:
 * its records may be all that leads there. */
static void empty_stores(struct reset *reset) {
    struct host *host = reset->host;
    for (size_t i = 0; i < host->plugins_count; i++) {
        struct part *part = NULL;
        for (size_t k = 0; k < reset->count; k++) {
            if (reset->parts[k].plugin == host->plugins[i]) {
                part = &reset->parts[k];
            }
        }
        if (part != NULL && part->failed) {
            continue;
        }
        int result = empty_store(host->store, host->plugins[i]->desc->name);
        if (result != 0 && part != NULL) {
            fail(part, "its store could not be emptied: %s", error_text(result));
        }
    }
}

/* The routes stay: what comes meanwhile waits. */
static void begin_start(struct reset *reset) {
    reset->step = STEP_START;
    for (size_t i = reset->count; i-- > 0;) {
        struct plugin *plugin = reset->parts[i].plugin;
        if (plugin->state == PLUGIN_STOPPING) {
            log_warn("plugin %s did not stop in time", plugin->desc->name);
            host_plugin_stopped(reset->host);
        }
        plugin_destroy(plugin);
    }
    empty_stores(reset);
}

static void start_all(struct reset *reset) {
    for (size_t i = 0; i < reset->count; i++) {
        struct part *part = &reset->parts[i];
        struct error err = {0};
        part->plugin->status_detail[0] = '\0';
        if (plugin_start(part->plugin, &err) != 0) {
            fail(part, "it could not be started again: %s", err.text);
        }
    }
}

static void on_timer(uv_timer_t *timer) {
    struct reset *reset = LIST_ENTRY(timer, struct reset, timer);
    struct host *host = reset->host;
    bool late = uv_now(host->loop) >= reset->deadline_ms;
    if (host->stopping) {
        /* Plugins stop anyway; what they keep is as far emptied as it is. */
        answer(reset);
        finish(reset);
        return;
    }
    switch (reset->step) {
    case STEP_DRAIN:
        if (is_drained(reset) || late) {
            begin_empty(reset);
        }
        break;
    case STEP_EMPTY:
        if (is_empty(reset, late)) {
            begin_stop(reset);
        }
        break;
    case STEP_STOP:
        if (host->stops_pending == 0 || late) {
            begin_start(reset);
        }
        break;
    case STEP_START:
        /* A turn of the loop later: whoever was to hear of the old plugins' end has. */
        start_all(reset);
        log_info("state was reset");
        answer(reset);
        finish(reset);
        break;
    }
}

void reset_handle(struct request *req) {
    struct host *host = req->host;
    if (host->reset != NULL || host->stopping) {
        (void)protocol_fail(req, host->stopping ? 503 : 409, host->stopping ? NULL : "Conflict",
                            host->stopping ? "The host is stopping" : "A reset is under way");
        return;
    }
    struct reset *reset = calloc(1, sizeof *reset);
    if (reset == NULL || uv_timer_init(host->loop, &reset->timer) != 0) {
        free(reset);
        request_http.abort(&req->pub);
        return;
    }
    reset->host = host;
    reset->req = req;
    list_init(&reset->held);
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_RUNNING) {
            reset->parts[reset->count++].plugin = host->plugins[i];
        }
    }
    reset->deadline_ms =
        uv_now(host->loop) + (uint64_t)config_int(host->config, "floci.limits.drain-timeout-ms");
    host->reset = reset;
    request_http.on_cancel(&req->pub, on_asker_cancel, reset);
    (void)uv_timer_start(&reset->timer, on_timer, 0, RESET_POLL_MS);
}
