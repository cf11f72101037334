/* SPDX-License-Identifier: MIT */
/* A blob from an upstream to the registry, through a buffer of fixed size. The bytes go by without
 * the gate, as those of a push do; only the moment when they become a blob takes a pass. */
#include "backend_impl.h"
#include "cache_impl.h"
#include "strbuf.h"

#include <errno.h>
#include <stdlib.h>

#define TRIES_MAX 2 /* an upstream or a registry that went away in the middle */
#define LOCATION_MAX 1024
#define TRANSFER_TIMEOUT_MS 86400000u /* the stall timer is what ends a transfer */

struct wait {
    struct wait *next;
    void (*on_done)(void *arg, const struct cache_failure *failure);
    void *arg;
};

struct cache_blob {
    struct cache *cache;
    struct cache_blob *next;
    struct cache_blob **link;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1];
    struct upstream_place place;
    struct wait *waits;
    char location[LOCATION_MAX]; /* of the upload at the registry; "" = none */
    struct upstream_call *up;    /* under way */
    struct virga_fetch_handle *down;
    size_t from, len; /* of what waits in the buffer */
    uint64_t moved;   /* bytes so far */
    uint64_t seen;    /* the same when the stall timer looked last */
    struct virga_timer_handle *stall;
    bool up_paused;
    bool up_ended;
    bool down_waits;
    bool waits_gate;
    bool cancelled;
    int tries;
    struct gate_pass pass;
    struct cache_failure failure;
    char buffer[CACHE_PIPE_BYTES];
};

static struct ecr *ecr_of(const struct cache_blob *blob) {
    return blob->cache->ecr;
}

static void start(struct cache_blob *blob);

/* --- the end --- */

static void on_upload_dropped(void *arg, const struct virga_fetch_response *res) {
    (void)arg;
    (void)res; /* what is left of it the registry purges */
}

static void drop_upload(struct cache_blob *blob) {
    if (blob->location[0] != '\0' && !blob->cache->stopping) {
        (void)backend_fetch(ecr_of(blob)->backend, "DELETE", blob->location, NULL, 0,
                            (struct virga_str){"", 0}, on_upload_dropped, NULL);
    }
    blob->location[0] = '\0';
}

static void end(struct cache_blob *blob) {
    struct cache *cache = blob->cache;
    struct wait *wait = blob->waits;
    if (blob->failure.outcome != CACHE_DONE) {
        drop_upload(blob);
    }
    *blob->link = blob->next;
    if (blob->next != NULL) {
        blob->next->link = blob->link;
    }
    while (wait != NULL) {
        struct wait *next = wait->next;
        wait->on_done(wait->arg, &blob->failure);
        free(wait);
        wait = next;
    }
    upstream_place_finish(&blob->place);
    free(blob);
    cache_check_stopped(cache);
}

static void fail(struct cache_blob *blob, const char *what,
                 const struct virga_fetch_response *res) {
    struct ecr *ecr = ecr_of(blob);
    if (blob->cancelled || res->error == -ECANCELED) {
        cache_failure_set(&blob->failure, CACHE_CANCELLED, "The fetch was broken off");
    } else if (res->status == 0) {
        cache_failure_set(&blob->failure, CACHE_FAILED, "The registry could not %s: %s", what,
                          res->error_text);
    } else {
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL, "the registry could not %s %s: it answered %d: %.*s",
                what, blob->digest, res->status, (int)(res->body.len < 500 ? res->body.len : 500),
                res->body.ptr);
        cache_failure_set(&blob->failure, CACHE_FAILED, "The registry could not %s", what);
    }
}

/* Ends it, or begins once more when that may help. */
static void end_or_retry(struct cache_blob *blob) {
    bool may = blob->failure.outcome == CACHE_FAILED || blob->failure.outcome == CACHE_UNAVAILABLE;
    if (!may || blob->cancelled || ++blob->tries >= TRIES_MAX) {
        end(blob);
        return;
    }
    drop_upload(blob);
    blob->failure = (struct cache_failure){.outcome = CACHE_DONE};
    start(blob);
}

/* --- the moment when it becomes a blob --- */

static void on_committed(void *arg, const struct virga_fetch_response *res) {
    struct cache_blob *blob = arg;
    struct ecr *ecr = ecr_of(blob);
    if (res->status == 201) {
        blob->location[0] = '\0';
        backend_pin(ecr->backend, &blob->tenant, virga_str_from(blob->name),
                    virga_str_from(blob->digest));
    } else if (res->status == 400) {
        cache_failure_set(&blob->failure, CACHE_MALFORMED,
                          "The upstream registry '%s' gave other bytes than %s", blob->place.host,
                          blob->digest);
    } else {
        fail(blob, "store the layer", res);
    }
    gate_leave(ecr->gate, &blob->pass);
    end_or_retry(blob);
}

static void commit(struct cache_blob *blob) {
    char path[LOCATION_MAX + ECR_DIGEST_LEN + 16];
    (void)snprintf(path, sizeof path, "%s%cdigest=%s", blob->location,
                   strchr(blob->location, '?') != NULL ? '&' : '?', blob->digest);
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/octet-stream")};
    int result = backend_fetch(ecr_of(blob)->backend, "PUT", path, &header, 1,
                               (struct virga_str){"", 0}, on_committed, blob);
    if (result != 0) {
        gate_leave(ecr_of(blob)->gate, &blob->pass);
        cache_failure_set(&blob->failure, CACHE_FAILED, "out of memory");
        end(blob);
    }
}

static void on_open(struct gate_pass *pass) {
    struct cache_blob *blob =
        (struct cache_blob *)(void *)((char *)pass - offsetof(struct cache_blob, pass));
    blob->waits_gate = false;
    commit(blob);
}

/* --- the bytes --- */

/* Goes on when both ends are through. */
static void settle(struct cache_blob *blob) {
    if (blob->up != NULL || blob->down != NULL) {
        return;
    }
    ecr_of(blob)->timer->stop(blob->stall);
    blob->stall = NULL;
    if (blob->failure.outcome != CACHE_DONE) {
        end_or_retry(blob);
        return;
    }
    blob->waits_gate = true;
    if (gate_enter(ecr_of(blob)->gate, &blob->pass, on_open) == 1) {
        on_open(&blob->pass);
    }
}

static void cancel_ends(struct cache_blob *blob) {
    if (blob->up != NULL) {
        upstream_cancel(blob->up);
    }
    if (blob->down != NULL) {
        ecr_of(blob)->fetch->cancel(blob->down);
    }
}

static void on_stall_timer(void *arg) {
    struct cache_blob *blob = arg;
    if (blob->moved == blob->seen && blob->failure.outcome == CACHE_DONE) {
        if (blob->up_paused) {
            cache_failure_set(&blob->failure, CACHE_FAILED, "The registry takes nothing any more");
        } else {
            cache_failure_set(&blob->failure, CACHE_UNAVAILABLE,
                              "The upstream registry '%s' sends nothing any more",
                              blob->place.host);
        }
        cancel_ends(blob);
    }
    blob->seen = blob->moved;
}

/* Takes the Location of an upload over; false: there is none that can be used. */
static bool take_location(struct cache_blob *blob, const struct virga_fetch_response *res) {
    struct virga_str location = upstream_header(res, "Location");
    const char *path = location.len > 0 ? memmem(location.ptr, location.len, "/v2/", 4) : NULL;
    size_t len = path != NULL ? location.len - (size_t)(path - location.ptr) : 0;
    if (len == 0 || len >= sizeof blob->location) {
        return false;
    }
    memcpy(blob->location, path, len);
    blob->location[len] = '\0';
    return true;
}

static void on_down_done(void *arg, const struct virga_fetch_response *res) {
    struct cache_blob *blob = arg;
    struct backend *backend = ecr_of(blob)->backend;
    blob->down = NULL;
    bool good = res->status == 202 && take_location(blob, res);
    if (!good && res->status == 0 && backend_error_is_loss(res->error)) {
        backend_suspect(backend);
    }
    if (!good && blob->failure.outcome == CACHE_DONE) {
        fail(blob, "take the layer", res);
    }
    if (!good) {
        cancel_ends(blob);
    }
    settle(blob);
}

/* Gives the registry what came. */
static size_t on_send(void *arg, char *to, size_t size) {
    struct cache_blob *blob = arg;
    size_t count = size < blob->len ? size : blob->len;
    if (count == 0 && blob->up_ended) {
        return 0;
    }
    if (count == 0) {
        blob->down_waits = true;
        return VIRGA_FETCH_WAIT;
    }
    memcpy(to, blob->buffer + blob->from, count);
    blob->from += count;
    blob->len -= count;
    if (blob->up_paused && blob->len <= sizeof blob->buffer / 2) {
        blob->up_paused = false;
        upstream_resume(blob->up);
    }
    return count;
}

static void wake_down(struct cache_blob *blob) {
    if (blob->down_waits && blob->down != NULL) {
        blob->down_waits = false;
        ecr_of(blob)->fetch->resume(blob->down);
    }
}

static int on_chunk(void *arg, struct virga_str chunk) {
    struct cache_blob *blob = arg;
    if (blob->failure.outcome != CACHE_DONE) {
        return VIRGA_BODY_GO_ON; /* it is being broken off */
    }
    if (blob->len == 0) {
        blob->from = 0;
    } else if (blob->from + blob->len + chunk.len > sizeof blob->buffer) {
        memmove(blob->buffer, blob->buffer + blob->from, blob->len);
        blob->from = 0;
    }
    if (chunk.len > sizeof blob->buffer - blob->len) {
        blob->up_paused = true;
        return VIRGA_BODY_PAUSE;
    }
    memcpy(blob->buffer + blob->from + blob->len, chunk.ptr, chunk.len);
    blob->len += chunk.len;
    blob->moved += chunk.len;
    wake_down(blob);
    return VIRGA_BODY_GO_ON;
}

static uint64_t content_length(const struct virga_fetch_response *res) {
    struct virga_str text = upstream_header(res, "Content-Length");
    uint64_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || length > UINT64_MAX / 100) {
            return VIRGA_LENGTH_UNKNOWN;
        }
        length = length * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return text.len > 0 ? length : VIRGA_LENGTH_UNKNOWN;
}

/* The upstream has it: the registry is told to take it. */
static void on_head(void *arg, const struct virga_fetch_response *res) {
    struct cache_blob *blob = arg;
    struct ecr *ecr = ecr_of(blob);
    if (blob->failure.outcome != CACHE_DONE) {
        return;
    }
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/octet-stream")};
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .method = "PATCH",
        .headers = &header,
        .headers_count = 1,
        .timeout_ms = TRANSFER_TIMEOUT_MS,
        .on_done = on_down_done,
        .arg = blob,
        .on_send = on_send,
        .send_length = content_length(res),
    };
    int result = backend_stream(ecr->backend, blob->location, &request, &blob->down);
    if (result != 0) {
        cache_failure_set(&blob->failure, CACHE_FAILED, "The registry could not be asked: %s",
                          strerror(-result));
        cancel_ends(blob);
    }
}

static void on_up_done(void *arg, const struct virga_fetch_response *res) {
    struct cache_blob *blob = arg;
    blob->up = NULL;
    blob->up_ended = true;
    if ((res->status < 200 || res->status >= 300) && blob->failure.outcome == CACHE_DONE) {
        cache_failure_from(&blob->failure, &blob->place, res);
        cancel_ends(blob);
    }
    wake_down(blob);
    settle(blob);
}

static void on_upload(void *arg, const struct virga_fetch_response *res) {
    struct cache_blob *blob = arg;
    struct ecr *ecr = ecr_of(blob);
    char path[ECR_DIGEST_LEN + 16];
    if (blob->cancelled || res->status != 202 || !take_location(blob, res)) {
        fail(blob, "begin an upload", res);
        end_or_retry(blob);
        return;
    }
    (void)snprintf(path, sizeof path, "blobs/%s", blob->digest);
    const struct upstream_request request = {
        .place = &blob->place,
        .method = "GET",
        .path = path,
        .timeout_ms = TRANSFER_TIMEOUT_MS,
        .on_done = on_up_done,
        .arg = blob,
        .on_head = on_head,
        .on_chunk = on_chunk,
    };
    blob->from = blob->len = 0;
    blob->up_paused = blob->up_ended = blob->down_waits = false;
    blob->seen = UINT64_MAX;
    int result = ecr->timer->start(ecr->host, CACHE_STALL_MS, CACHE_STALL_MS, on_stall_timer, blob,
                                   &blob->stall);
    if (result == 0) {
        result = upstream_start(ecr->upstreams, &request, &blob->up);
    }
    if (result != 0) {
        cache_failure_set(&blob->failure, CACHE_FAILED, "The upstream could not be asked: %s",
                          strerror(-result));
        settle(blob);
    }
}

static void on_local(void *arg, const struct virga_fetch_response *res) {
    struct cache_blob *blob = arg;
    struct ecr *ecr = ecr_of(blob);
    char path[BACKEND_PATH_MAX];
    if (!blob->cancelled && res->status == 200) {
        /* It may be about to be collected as garbage. */
        backend_pin(ecr->backend, &blob->tenant, virga_str_from(blob->name),
                    virga_str_from(blob->digest));
        end(blob);
        return;
    }
    if (blob->cancelled || res->status != 404) {
        fail(blob, "look for the layer", res);
        end(blob);
        return;
    }
    backend_path(&blob->tenant, virga_str_from(blob->name), "blobs", "uploads/", path);
    if (backend_fetch(ecr->backend, "POST", path, NULL, 0, (struct virga_str){"", 0}, on_upload,
                      blob) != 0) {
        cache_failure_set(&blob->failure, CACHE_FAILED, "out of memory");
        end(blob);
    }
}

static int look(struct cache_blob *blob) {
    char path[BACKEND_PATH_MAX];
    backend_path(&blob->tenant, virga_str_from(blob->name), "blobs", blob->digest, path);
    return backend_fetch(ecr_of(blob)->backend, "HEAD", path, NULL, 0, (struct virga_str){"", 0},
                         on_local, blob);
}

static void start(struct cache_blob *blob) {
    if (look(blob) != 0) {
        cache_failure_set(&blob->failure, CACHE_FAILED, "out of memory");
        end(blob);
    }
}

/* --- who asks --- */

static bool is_same(const struct cache_blob *blob, const struct tenant *tenant,
                    struct virga_str name, const char *digest) {
    return strcmp(blob->digest, digest) == 0 && virga_str_equal(virga_str_from(blob->name), name) &&
           strcmp(blob->tenant.account, tenant->account) == 0 &&
           strcmp(blob->tenant.region, tenant->region) == 0 && !blob->cancelled;
}

static struct cache_blob *find(struct cache *cache, const struct tenant *tenant,
                               struct virga_str name, const char *digest) {
    struct cache_blob *blob = cache->blobs;
    while (blob != NULL && !is_same(blob, tenant, name, digest)) {
        blob = blob->next;
    }
    return blob;
}

static void free_new(struct cache_blob *blob) {
    if (blob != NULL) {
        upstream_place_finish(&blob->place);
    }
    free(blob);
}

int cache_blob_get(struct cache *cache, const struct tenant *tenant, struct virga_str name,
                   const char *digest, const struct upstream_place *place,
                   void (*on_done)(void *arg, const struct cache_failure *failure), void *arg) {
    struct cache_blob *blob = find(cache, tenant, name, digest);
    struct wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL) {
        return -ENOMEM;
    }
    *wait = (struct wait){.on_done = on_done, .arg = arg};
    if (blob != NULL) {
        wait->next = blob->waits;
        blob->waits = wait;
        return 0;
    }
    blob = calloc(1, sizeof *blob);
    if (blob == NULL || upstream_place_copy(&blob->place, place) != 0) {
        free_new(blob);
        free(wait);
        return -ENOMEM;
    }
    blob->cache = cache;
    blob->tenant = *tenant;
    memcpy(blob->name, name.ptr, name.len);
    (void)snprintf(blob->digest, sizeof blob->digest, "%s", digest);
    blob->waits = wait;
    if (look(blob) != 0) {
        free_new(blob);
        free(wait);
        return -ENOMEM;
    }
    blob->next = cache->blobs;
    blob->link = &cache->blobs;
    if (blob->next != NULL) {
        blob->next->link = &blob->next;
    }
    cache->blobs = blob;
    return 0;
}

void cache_blobs_cancel(struct cache *cache) {
    struct cache_blob *next = NULL;
    for (struct cache_blob *blob = cache->blobs; blob != NULL; blob = next) {
        next = blob->next;
        blob->cancelled = true;
        if (blob->failure.outcome == CACHE_DONE) {
            cache_failure_set(&blob->failure, CACHE_CANCELLED, "The fetch was broken off");
        }
        cancel_ends(blob);
        if (blob->waits_gate) {
            gate_leave(cache->ecr->gate, &blob->pass);
            end(blob);
        }
    }
}
