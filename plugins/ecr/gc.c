/* SPDX-License-Identifier: MIT */
/* POST /_floci/ecr/gc: close the gate, wait until nobody writes, pin what was uploaded and not
 * named yet, let the registry's own collector run, unpin, open. Pulls go on meanwhile: the registry
 * runs without a cache of what is on its disk. Upload sessions need no care, the collector does not
 * look at them. */
#include "gc.h"
#include "backend_impl.h"
#include "blob_sizes.h"
#include "gate.h"
#include "manifest.h"
#include "reference.h"
#include "registry_change.h"
#include "registry_error.h"
#include "strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define GC_QUIET_MS 30000 /* for writes under way */
#define GC_LINE_MAX 1024
#define GC_NO_BLOBS "Path not found: /docker/registry/v2/blobs"
#define GC_PINS_PER_MANIFEST 1000
#define GC_PIN_TRIES 3
#define GC_PIN_TYPE "application/vnd.virga.pin.v1"

/* A manifest that holds blobs while the collector runs. Its intent is a deletion: a crash cannot
 * leave it. */
struct pinned {
    struct pinned *next;
    struct meta_intent intent;
};

struct gc {
    struct ecr *ecr;
    struct backend *backend;
    struct virga_request *req;
    struct virga_timer_handle *timer;
    bool collecting; /* the collector runs */
    uint64_t began_ns;
    bool quiet;  /* the gate is closed and nobody is inside */
    bool closed; /* the gate is ours */
    /* pins */
    size_t position; /* in the pins */
    size_t first;    /* of the digests that the next manifest takes */
    struct pins_batch batch;
    size_t taken; /* digests in the manifest being put */
    int tries;
    struct pinned *pinned;
    /* the collector */
    struct blob_sizes *sizes;
    char line[GC_LINE_MAX];
    size_t line_len;
    char last_line[GC_LINE_MAX];
    struct strbuf blobs; /* JSON strings */
    uint64_t bytes;
    /* the outcome */
    int status; /* HTTP */
    char reason[512];
};

static void unpin(struct gc *gc);
static void pin(struct gc *gc);

__attribute__((format(printf, 3, 4))) static void set_failure(struct gc *gc, int status,
                                                              const char *format, ...) {
    if (gc->status == 200) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(gc->reason, sizeof gc->reason, format, args);
        va_end(args);
        gc->status = status;
    }
}

static void answer(struct ecr *ecr, struct virga_request *req, int status, const char *text,
                   size_t len) {
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/json")};
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = &header,
        .headers_count = 1,
        .body = {text, len},
    };
    (void)ecr;
    (void)req->http->respond(req, &res);
}

static void answer_failure(struct ecr *ecr, struct virga_request *req, int status,
                           const char *reason) {
    struct strbuf body = {0};
    strbuf_add_text(&body, "{\"status\":\"error\",\"message\":");
    strbuf_add_json(&body, virga_str_from(reason));
    strbuf_add_text(&body, "}\n");
    answer(ecr, req, status, strbuf_str(&body).ptr, body.len);
    strbuf_finish(&body);
}

static void finish(struct gc *gc) {
    struct ecr *ecr = gc->ecr;
    ecr->timer->stop(gc->timer);
    gc->timer = NULL;
    gc->backend->gc = NULL;
    if (gc->closed) {
        gate_open(ecr->gate);
    }
    uint64_t took_ms = (ecr->timer->monotonic_ns(ecr->host) - gc->began_ns) / 1000000u;
    if (gc->blobs.failed) {
        set_failure(gc, 500, "out of memory");
    }
    if (gc->status == 200) {
        struct strbuf body = {0};
        strbuf_add_text(&body, "{\"status\":\"ok\",\"reclaimedBlobs\":[");
        strbuf_add_str(&body, strbuf_str(&gc->blobs));
        strbuf_addf(&body, "],\"reclaimedBytes\":%" PRIu64 ",\"durationMs\":%" PRIu64 "}\n",
                    gc->bytes, took_ms);
        answer(ecr, gc->req, body.failed ? 500 : 200, strbuf_str(&body).ptr, body.len);
        strbuf_finish(&body);
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "gc reclaimed %" PRIu64 " bytes in %" PRIu64 " ms",
                gc->bytes, took_ms);
    } else {
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL, "gc: %s", gc->reason);
        answer_failure(ecr, gc->req, gc->status, gc->reason);
    }
    blob_sizes_destroy(gc->sizes);
    strbuf_finish(&gc->blobs);
    while (gc->pinned != NULL) {
        struct pinned *pinned = gc->pinned;
        gc->pinned = pinned->next;
        free(pinned);
    }
    struct backend *backend = gc->backend;
    free(gc);
    backend_check_stopped(backend);
}

void gc_cancel(struct gc *gc) {
    set_failure(gc, 503, "the host is stopping");
    if (gc->collecting) {
        gc->backend->runner->ops->cancel_collect(gc->backend->runner);
    } else if (gc->closed && !gc->quiet) {
        finish(gc);
    }
}

/* --- the collector --- */

static void on_line(struct gc *gc) {
    static const char eligible[] = "blob eligible for deletion: ";
    gc->line[gc->line_len] = '\0';
    if (strncmp(gc->line, eligible, sizeof eligible - 1) == 0) {
        const char *digest = gc->line + sizeof eligible - 1;
        if (reference_is_digest(virga_str_from(digest))) {
            strbuf_addf(&gc->blobs, "%s\"%s\"", gc->blobs.len > 0 ? "," : "", digest);
            gc->bytes += blob_sizes_find(gc->sizes, digest);
        }
    } else if (gc->line_len > 0) {
        memcpy(gc->last_line, gc->line, gc->line_len + 1);
    }
    gc->line_len = 0;
}

static void on_output(void *arg, struct virga_str bytes) {
    struct gc *gc = arg;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n') {
            on_line(gc);
        } else if (gc->line_len + 1 < sizeof gc->line) {
            gc->line[gc->line_len++] = bytes.ptr[i];
        }
    }
}

static void on_collected(void *arg, int status, const char *reason) {
    struct gc *gc = arg;
    gc->collecting = false;
    on_line(gc);
    /* Why: the collector fails where no blob was ever stored, as with a first upload under way. */
    bool empty = strstr(gc->last_line, GC_NO_BLOBS) != NULL;
    if (status != 0 && !empty) {
        set_failure(gc, status == -ENXIO ? 503 : 500, "%s%s%s", reason,
                    gc->last_line[0] != '\0' ? ": " : "", gc->last_line);
    }
    unpin(gc);
}

static void collect(struct gc *gc) {
    struct registry_runner *runner = gc->backend->runner;
    if (gc->status != 200) {
        unpin(gc);
        return;
    }
    gc->collecting = true;
    runner->ops->collect(runner, on_output, on_collected, gc);
}

static void on_sizes(void *arg, int status, const char *reason) {
    struct gc *gc = arg;
    if (status != 0) {
        set_failure(gc, 503, "%s", reason);
        unpin(gc);
        return;
    }
    collect(gc);
}

static void measure(struct gc *gc) {
    struct registry_runner *runner = gc->backend->runner;
    int result = blob_sizes_create(&gc->sizes);
    if (result != 0) {
        set_failure(gc, 500, "%s", strerror(-result));
        unpin(gc);
        return;
    }
    runner->ops->measure(runner, gc->sizes, on_sizes, gc);
}

/* --- pins --- */

/* The registry does not have some of the blobs: they are forgotten, and the rest is tried again. */
static bool forget_missing(struct gc *gc, struct virga_str body) {
    struct registry_error error;
    struct strbuf digests = {0};
    bool any = false;
    registry_error_read(body, "", (struct virga_str){"", 0}, &error, &digests);
    for (size_t i = 0; i + ECR_DIGEST_LEN <= digests.len; i += ECR_DIGEST_LEN + 2) {
        pins_drop(gc->backend->pins, &gc->batch.tenant, virga_str_from(gc->batch.name),
                  (struct virga_str){digests.ptr + i, ECR_DIGEST_LEN});
        any = true;
    }
    strbuf_finish(&digests);
    return any && gc->tries++ < GC_PIN_TRIES;
}

static void on_pinned(void *arg, const struct virga_fetch_response *res) {
    struct gc *gc = arg;
    if (res->status == 201) {
        gc->first += gc->taken;
        pin(gc);
        return;
    }
    /* Nothing of it was stored; the intent deletes what is not there. */
    if (res->status != 0 && forget_missing(gc, res->body)) {
        gc->position =
            0; /* the pins have changed: from the start, what is pinned already included */
        gc->batch.count = 0;
        pin(gc);
        return;
    }
    set_failure(gc, res->status == 0 ? 503 : 500, "uploaded blobs cannot be pinned: %s",
                res->status == 0 ? res->error_text : "the registry refused");
    unpin(gc);
}

/* Writes a manifest that names blobs of the batch. The registry checks that they are there and
 * nothing else. */
static void write_pin(struct gc *gc, struct strbuf *text) {
    char digest[ECR_DIGEST_LEN + 1];
    size_t left = gc->batch.count - gc->first;
    gc->taken = left < GC_PINS_PER_MANIFEST ? left : GC_PINS_PER_MANIFEST;
    pins_digest(gc->backend->pins, gc->position, gc->first, digest);
    strbuf_addf(text,
                "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_IMAGE "\","
                "\"config\":{\"mediaType\":\"" GC_PIN_TYPE "\",\"digest\":\"%s\",\"size\":1},"
                "\"layers\":[",
                digest);
    for (size_t i = 0; i < gc->taken; i++) {
        pins_digest(gc->backend->pins, gc->position, gc->first + i, digest);
        strbuf_addf(text, "%s{\"mediaType\":\"" GC_PIN_TYPE "\",\"digest\":\"%s\",\"size\":1}",
                    i > 0 ? "," : "", digest);
    }
    strbuf_add_text(text, "],\"annotations\":{\"" MANIFEST_PIN_ANNOTATION "\":\"gc\"}}");
}

static int put_pin(struct gc *gc) {
    struct strbuf text = {0};
    struct pinned *pinned = calloc(1, sizeof *pinned);
    write_pin(gc, &text);
    int result = text.failed || pinned == NULL ? -ENOMEM : 0;
    if (result == 0) {
        struct meta_repository repository;
        pinned->intent.kind = META_INTENT_DELETE;
        pinned->intent.tenant = gc->batch.tenant;
        memcpy(pinned->intent.name, gc->batch.name, sizeof pinned->intent.name);
        result = meta_repository_get(gc->ecr, &gc->batch.tenant, virga_str_from(gc->batch.name),
                                     &repository);
        if (result == 0) {
            memcpy(pinned->intent.uid, repository.uid, sizeof pinned->intent.uid);
            meta_repository_finish(&repository);
        }
    }
    if (result == 0) {
        result = reference_digest(strbuf_str(&text), pinned->intent.digest);
    }
    if (result == 0) {
        result = meta_intent_put(gc->ecr, &pinned->intent);
    }
    if (result != 0) {
        strbuf_finish(&text);
        free(pinned);
        return result;
    }
    pinned->next = gc->pinned;
    gc->pinned = pinned;
    char path[BACKEND_PATH_MAX];
    backend_path(&gc->batch.tenant, virga_str_from(gc->batch.name), "manifests",
                 pinned->intent.digest, path);
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from(MANIFEST_OCI_IMAGE)};
    result = backend_fetch(gc->backend, "PUT", path, &header, 1, strbuf_str(&text), on_pinned, gc);
    strbuf_finish(&text);
    return result;
}

/* Pins the next blobs, or goes on when all are. */
static void pin(struct gc *gc) {
    struct ecr *ecr = gc->ecr;
    for (;;) {
        if (gc->first >= gc->batch.count) {
            gc->first = 0;
            if (!pins_next(gc->backend->pins, &gc->position, ecr->timer->now_ms(ecr->host),
                           &gc->batch)) {
                measure(gc);
                return;
            }
        }
        int result = put_pin(gc);
        if (result == 0) {
            return;
        }
        if (result != -ENOENT) {
            set_failure(gc, 500, "uploaded blobs cannot be pinned: %s", strerror(-result));
            unpin(gc);
            return;
        }
        gc->first = gc->batch.count; /* the repository is gone */
    }
}

static void on_unpinned(void *arg, int status, const char *reason) {
    struct gc *gc = arg;
    struct pinned *pinned = gc->pinned;
    (void)reason;
    if (status == 0) {
        (void)meta_intent_delete(gc->ecr, pinned->intent.id);
    } else {
        (void)recover_add(gc->backend->recover, &pinned->intent);
    }
    gc->pinned = pinned->next;
    free(pinned);
    unpin(gc);
}

/* Deletes the manifests that held blobs, then ends. */
static void unpin(struct gc *gc) {
    if (gc->pinned == NULL) {
        finish(gc);
        return;
    }
    const struct meta_intent *intent = &gc->pinned->intent;
    registry_delete(gc->backend, REGISTRY_CHANGE_WAIT, &intent->tenant,
                    virga_str_from(intent->name), intent->digest, on_unpinned, gc);
}

/* --- begin --- */

static void on_quiet(void *arg) {
    struct gc *gc = arg;
    gc->quiet = true;
    gc->ecr->timer->stop(gc->timer);
    gc->timer = NULL;
    pin(gc);
}

static void on_quiet_timeout(void *arg) {
    struct gc *gc = arg;
    if (!gc->quiet) {
        set_failure(gc, 503, "uploads are still under way after %d s; try again later",
                    GC_QUIET_MS / 1000);
        finish(gc);
    }
}

static void on_ready(void *arg, int status, const char *reason) {
    struct gc *gc = arg;
    struct ecr *ecr = gc->ecr;
    if (status != 0) {
        set_failure(gc, 503, "%s", reason);
        finish(gc);
        return;
    }
    if (!gc->backend->runner->ops->may_have_storage(gc->backend->runner)) {
        finish(gc); /* the collector fails on an empty root */
        return;
    }
    int result = ecr->timer->start(ecr->host, GC_QUIET_MS, 0, on_quiet_timeout, gc, &gc->timer);
    if (result == 0) {
        result = gate_close(ecr->gate, on_quiet, gc);
    }
    if (result != 0) {
        set_failure(gc, 500, "%s", strerror(-result));
        finish(gc);
        return;
    }
    gc->closed = true;
}

void backend_handle_gc(struct ecr *ecr, struct virga_request *req) {
    struct backend *backend = ecr->backend;
    if (backend->gc != NULL) {
        answer_failure(ecr, req, 409, "garbage collection runs already");
        return;
    }
    if (!backend->runner->ops->may_have_storage(backend->runner)) {
        static const char nothing[] =
            "{\"status\":\"ok\",\"reclaimedBlobs\":[],\"reclaimedBytes\":0,\"durationMs\":0}\n";
        answer(ecr, req, 200, nothing, sizeof nothing - 1);
        return;
    }
    struct gc *gc = calloc(1, sizeof *gc);
    if (gc == NULL) {
        answer_failure(ecr, req, 500, "out of memory");
        return;
    }
    gc->ecr = ecr;
    gc->backend = backend;
    gc->req = req;
    gc->status = 200;
    gc->began_ns = ecr->timer->monotonic_ns(ecr->host);
    backend->gc = gc;
    backend_ready(backend, on_ready, gc);
}
