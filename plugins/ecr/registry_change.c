/* SPDX-License-Identifier: MIT */
/* Deleting and untagging at the registry. */
#include "registry_change.h"
#include "backend_impl.h"
#include "manifest.h"
#include "reference.h"
#include "strbuf.h"

#include <errno.h>
#include <stdlib.h>

struct change {
    struct backend *backend;
    enum registry_change_mode mode;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1]; /* to be deleted */
    backend_on_done on_done;
    void *arg;
    int error; /* found before anything was sent */
};

static void finish(struct change *change, int status, const char *reason) {
    change->on_done(change->arg, status, reason);
    free(change);
}

static int fetch(struct change *change, const char *method, const char *path,
                 const struct virga_header *header, struct virga_str body,
                 void (*on_done)(void *arg, const struct virga_fetch_response *res)) {
    size_t headers_count = header != NULL ? 1 : 0;
    return change->mode == REGISTRY_CHANGE_NOW
               ? backend_fetch_now(change->backend, method, path, header, headers_count, body,
                                   on_done, change)
               : backend_fetch(change->backend, method, path, header, headers_count, body, on_done,
                               change);
}

/* Ends the change when the answer is a failure; `what` was asked for. */
static bool failed(struct change *change, const struct virga_fetch_response *res, const char *what,
                   int good_status) {
    if (res->status == good_status) {
        return false;
    }
    if (res->status == 0) {
        finish(change, -EAGAIN, res->error_text);
        return true;
    }
    ECR_LOG(change->backend->ecr, VIRGA_LOG_ERROR, NULL, "%s: the registry answered %d: %.*s", what,
            res->status, (int)(res->body.len < 500 ? res->body.len : 500), res->body.ptr);
    char reason[128];
    (void)snprintf(reason, sizeof reason, "%s: the registry answered %d", what, res->status);
    finish(change, -EIO, reason);
    return true;
}

static void on_deleted(void *arg, const struct virga_fetch_response *res) {
    struct change *change = arg;
    if (res->status == 404 || !failed(change, res, "delete", 202)) {
        finish(change, 0, "");
    }
}

static void on_failed_early(void *arg) {
    struct change *change = arg;
    finish(change, change->error, strerror(-change->error));
}

static void fail_early(struct change *change, int error) {
    change->error = error;
    if (backend_later(change->backend, on_failed_early, change) != 0) {
        on_failed_early(change);
    }
}

static int send_delete(struct change *change) {
    char path[BACKEND_PATH_MAX];
    backend_path(&change->tenant, virga_str_from(change->name), "manifests", change->digest, path);
    return fetch(change, "DELETE", path, NULL, (struct virga_str){NULL, 0}, on_deleted);
}

static struct change *create(struct backend *backend, enum registry_change_mode mode,
                             const struct tenant *tenant, struct virga_str name,
                             backend_on_done on_done, void *arg) {
    struct change *change = calloc(1, sizeof *change);
    if (change == NULL) {
        on_done(arg, -ENOMEM, "out of memory");
        return NULL;
    }
    change->backend = backend;
    change->mode = mode;
    change->tenant = *tenant;
    (void)snprintf(change->name, sizeof change->name, "%.*s", (int)name.len, name.ptr);
    change->on_done = on_done;
    change->arg = arg;
    return change;
}

void registry_delete(struct backend *backend, enum registry_change_mode mode,
                     const struct tenant *tenant, struct virga_str name, const char *digest,
                     backend_on_done on_done, void *arg) {
    struct change *change = create(backend, mode, tenant, name, on_done, arg);
    if (change == NULL) {
        return;
    }
    (void)snprintf(change->digest, sizeof change->digest, "%s", digest);
    int result = send_delete(change);
    if (result != 0) {
        fail_early(change, result);
    }
}

static void on_moved(void *arg, const struct virga_fetch_response *res) {
    struct change *change = arg;
    if (failed(change, res, "untag", 201)) {
        return;
    }
    int result = send_delete(change);
    if (result != 0) {
        finish(change, result, strerror(-result));
    }
}

void registry_untag(struct backend *backend, enum registry_change_mode mode,
                    const struct tenant *tenant, struct virga_str name, const char *tag,
                    const char *digest, backend_on_done on_done, void *arg) {
    struct change *change = create(backend, mode, tenant, name, on_done, arg);
    if (change == NULL) {
        return;
    }
    struct strbuf index = {0};
    strbuf_addf(&index,
                "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_INDEX "\",\"manifests\":[],"
                "\"annotations\":{\"" MANIFEST_UNTAG_ANNOTATION "\":\"%s@%s\"}}",
                tag, digest);
    int result = index.failed ? -ENOMEM : reference_digest(strbuf_str(&index), change->digest);
    if (result == 0) {
        char path[BACKEND_PATH_MAX];
        backend_path(tenant, name, "manifests", tag, path);
        const struct virga_header header = {virga_str_from("Content-Type"),
                                            virga_str_from(MANIFEST_OCI_INDEX)};
        result = fetch(change, "PUT", path, &header, strbuf_str(&index), on_moved);
    }
    strbuf_finish(&index);
    if (result != 0) {
        fail_early(change, result);
    }
}
