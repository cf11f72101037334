/* SPDX-License-Identifier: MIT */
/* Blocking work of plugins. */
#include "ext_work.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <uv.h>

#include "crash.h"
#include "host.h"
#include "plugin.h"
#include "resource.h"

struct virga_work_handle {
    uv_work_t uv;
    struct resource resource;
    const char *plugin; /* its name, static text */
    void (*run)(void *arg);
    void (*on_done)(void *arg, int status); /* NULL once the plugin is gone */
    void *arg;
};

/* Not done yet. The pool is the process's, so is the count. Thread: [loop]. */
static size_t pending;

static void on_run(uv_work_t *uv) {
    struct virga_work_handle *work = uv->data;
    crash_enter_work(work->plugin);
    work->run(work->arg);
    crash_leave_work();
}

static void on_after(uv_work_t *uv, int status) {
    struct virga_work_handle *work = uv->data;
    pending--;
    resource_remove(&work->resource);
    if (work->on_done != NULL) {
        struct plugin_call call;
        plugin_enter(&call, work->resource.owner, "on_done", NULL);
        work->on_done(work->arg, status);
        plugin_leave(&call);
    }
    free(work);
}

/* What runs cannot be stopped: it ends on its thread and nobody is told. */
static void reclaim(struct resource *resource) {
    struct virga_work_handle *work = LIST_ENTRY(resource, struct virga_work_handle, resource);
    resource_remove(resource);
    work->on_done = NULL;
    (void)uv_cancel((uv_req_t *)&work->uv);
}

static int submit(const struct virga_host *host, void (*run)(void *arg),
                  void (*on_done)(void *arg, int status), void *arg,
                  struct virga_work_handle **ret_work) {
    struct plugin *plugin = plugin_from(host);
    struct virga_work_handle *work;
    int rc;
    if (pending >= EXT_WORK_MAX) {
        return -EAGAIN;
    }
    /* Why: OpenSSL reads its configuration when it first digests something; on a thread of the pool
     * that leaves an error state which nobody frees. Later calls cost nothing. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    work = calloc(1, sizeof *work);
    if (work == NULL) {
        return -ENOMEM;
    }
    work->uv.data = work;
    work->plugin = plugin->desc->name;
    work->run = run;
    work->on_done = on_done;
    work->arg = arg;
    rc = uv_queue_work(plugin->host->loop, &work->uv, on_run, on_after);
    if (rc < 0) {
        free(work);
        return rc;
    }
    pending++;
    resource_add(&work->resource, plugin, "work", reclaim);
    if (ret_work != NULL) {
        *ret_work = work;
    }
    return 0;
}

static int cancel(struct virga_work_handle *work) {
    return uv_cancel((uv_req_t *)&work->uv) == 0 ? 0 : -EBUSY;
}

const struct virga_work ext_work = {
    .struct_size = sizeof ext_work,
    .submit = submit,
    .cancel = cancel,
};
