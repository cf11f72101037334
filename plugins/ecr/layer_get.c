/* SPDX-License-Identifier: MIT */
/* BatchCheckLayerAvailability and GetDownloadUrlForLayer: what the registry has of a repository's
 * layers. Only the registry knows: the store has no record of a layer. */
#include "actions.h"
#include "backend.h"
#include "cache.h"
#include "download_url.h"
#include "model_grammar.h"
#include "reference.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#define LAYERS_MAX 100 /* in one call, by the model */
#define FETCHES_MAX 8  /* layers under way for one call */

/* One layer that is asked for. */
struct wanted {
    struct batch *batch;
    struct virga_str digest;
    const char *failure; /* the code; NULL = none */
    bool repeats;        /* it stands before already */
    bool there;
    int64_t size; /* -1 = not told */
};

struct batch {
    struct call *call;
    size_t count;
    size_t next;   /* the first one that was not asked for */
    size_t flying; /* requests under way */
    int error;     /* of the first that failed; nothing more is asked for */
    char reason[256];
    struct wanted wanted[LAYERS_MAX];
};

static int ask(struct call *call, struct virga_str digest,
               void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    char upstream[BACKEND_NAME_MAX + 1], path[sizeof upstream + ECR_DIGEST_LEN + 16];
    (void)backend_name(&call->tenant, call->name, upstream);
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/%.*s", upstream, (int)digest.len, digest.ptr);
    return backend_fetch(call->ecr->backend, "HEAD", path, NULL, 0, virga_str_from(""), on_done,
                         arg);
}

/* The reason why neither 200 nor 404 came. */
static void describe(const struct virga_fetch_response *res, char *buffer, size_t size) {
    if (res->status == 0) {
        (void)snprintf(buffer, size, "%s", res->error_text);
    } else {
        (void)snprintf(buffer, size, "it answered with status %d", res->status);
    }
}

/* --- BatchCheckLayerAvailability --- */

static void write_layer(const struct wanted *wanted, struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    virga_json_str(writer, "layerDigest", wanted->digest);
    virga_json_string(writer, "layerAvailability", wanted->there ? "AVAILABLE" : "UNAVAILABLE");
    if (wanted->there && wanted->size >= 0) {
        virga_json_int(writer, "layerSize", wanted->size);
    }
    virga_json_end_object(writer);
}

static void write_failure(const struct wanted *wanted, struct virga_json_writer *writer) {
    bool missing = wanted->digest.len == 0;
    virga_json_begin_object(writer, NULL);
    virga_json_str(writer, "layerDigest", wanted->digest);
    virga_json_string(writer, "failureCode", wanted->failure);
    virga_json_string(writer, "failureReason",
                      missing ? "Invalid request parameters: layer digest cannot be null"
                              : "Invalid request parameters: layer digest should satisfy the regex "
                                "'" MODEL_DIGEST_PATTERN "'");
    virga_json_end_object(writer);
}

static void answer(struct batch *batch) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "layers");
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->wanted[i].repeats && batch->wanted[i].failure == NULL) {
            write_layer(&batch->wanted[i], &writer);
        }
    }
    virga_json_end_array(&writer);
    virga_json_begin_array(&writer, "failures");
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->wanted[i].repeats && batch->wanted[i].failure != NULL) {
            write_failure(&batch->wanted[i], &writer);
        }
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    call_answer(batch->call, &writer);
}

/* The registry calls every blob application/octet-stream: there is no mediaType to tell. */
static void take_size(struct wanted *wanted, const struct virga_fetch_response *res) {
    for (size_t i = 0; i < res->headers_count; i++) {
        struct virga_str name = res->headers[i].name, value = res->headers[i].value;
        char digits[20] = "";
        if (name.len == strlen("Content-Length") &&
            strncasecmp(name.ptr, "Content-Length", name.len) == 0 && value.len < sizeof digits) {
            memcpy(digits, value.ptr, value.len);
            wanted->size = strtoll(digits, NULL, 10);
        }
    }
}

static void go_on(struct batch *batch);

static void on_asked(void *arg, const struct virga_fetch_response *res) {
    struct wanted *wanted = arg;
    struct batch *batch = wanted->batch;
    batch->flying--;
    if (res->status == 200) {
        wanted->there = true;
        take_size(wanted, res);
    } else if (res->status != 404 && batch->error == 0) {
        batch->error = res->status == 0 ? res->error : -EIO;
        describe(res, batch->reason, sizeof batch->reason);
    }
    go_on(batch);
}

/* Asks for more layers, or ends the call when all were looked at. */
static void go_on(struct batch *batch) {
    while (batch->error == 0 && batch->flying < FETCHES_MAX && batch->next < batch->count) {
        struct wanted *wanted = &batch->wanted[batch->next++];
        /* A digest of another kind is one that no layer here has. */
        if (wanted->repeats || wanted->failure != NULL || !reference_is_digest(wanted->digest)) {
            continue;
        }
        int result = ask(batch->call, wanted->digest, on_asked, wanted);
        if (result != 0) {
            batch->error = result;
            (void)snprintf(batch->reason, sizeof batch->reason, "%s", strerror(-result));
            break;
        }
        batch->flying++;
    }
    if (batch->flying > 0) {
        return;
    }
    if (batch->error != 0) {
        call_broken(batch->call, "The registry did not tell about the layers", batch->error,
                    batch->reason);
    } else {
        answer(batch);
    }
}

void action_batch_check_layer_availability(struct call *call) {
    if (!call_repository_exists(call)) {
        return;
    }
    struct batch *batch = call->req->http->alloc(call->req, sizeof *batch);
    if (batch == NULL) {
        call_broken(call, "The layers could not be checked", -ENOMEM, NULL);
        return;
    }
    memset(batch, 0, sizeof *batch);
    batch->call = call;
    batch->count = virga_awsjson_length(call->input, "layerDigests");
    for (size_t i = 0; i < batch->count; i++) {
        struct wanted *wanted = &batch->wanted[i];
        wanted->batch = batch;
        wanted->size = -1;
        wanted->digest = virga_awsjson_text(virga_awsjson_element(call->input, "layerDigests", i));
        if (wanted->digest.len == 0) {
            wanted->failure = "MissingLayerDigest";
        } else if (!model_is_digest(wanted->digest)) {
            wanted->failure = "InvalidLayerDigest";
        }
        for (size_t j = 0; j < i && !wanted->repeats; j++) {
            wanted->repeats = virga_str_equal(wanted->digest, batch->wanted[j].digest);
        }
    }
    go_on(batch);
}

/* --- GetDownloadUrlForLayer --- */

static void fail_layer(struct call *call) {
    struct virga_str digest = call_str(call, "layerDigest");
    call_fail(call, "LayersNotFoundException",
              "Layers with digests '[%.*s]' do not exist in the repository with name '%.*s' in the "
              "registry with id '%s'",
              (int)digest.len, digest.ptr, (int)call->name.len, call->name.ptr,
              call->tenant.account);
}

static void on_found(void *arg, const struct virga_fetch_response *res);

static void look(struct call *call) {
    int result = ask(call, call_str(call, "layerDigest"), on_found, call);
    if (result != 0) {
        call_broken(call, "The layer could not be looked for", result, NULL);
    }
}

static void on_fetched(void *arg, const struct cache_result *result) {
    struct call *call = arg;
    if (result->outcome == CACHE_DONE) {
        look(call);
    } else if (result->outcome == CACHE_NOT_FOUND) {
        fail_layer(call);
    } else if (result->outcome == CACHE_CANCELLED || result->outcome == CACHE_FAILED) {
        call_broken(call, "The layer could not be fetched", -EIO, result->message);
    } else {
        call_fail(call, "UnableToGetUpstreamLayerException", "%s", result->message);
    }
}

/* Fetches a layer that only the upstream of a pull-through cache may have; false: there is none. */
static bool fetch_upstream(struct call *call) {
    if (call->state != NULL ||
        cache_pull_blob(call->ecr, &call->tenant, call->name, call_str(call, "layerDigest"),
                        on_fetched, call) != 0) {
        return false;
    }
    call->state = call; /* once */
    return true;
}

static void on_found(void *arg, const struct virga_fetch_response *res) {
    struct call *call = arg;
    struct download download = {.tenant = call->tenant};
    struct virga_str digest = call_str(call, "layerDigest");
    struct meta_repository repository;
    char reason[256], url[DOWNLOAD_URL_MAX];
    if (res->status == 404) {
        if (!fetch_upstream(call)) {
            fail_layer(call);
        }
        return;
    }
    if (res->status != 200) {
        describe(res, reason, sizeof reason);
        call_broken(call, "The registry did not tell about the layer",
                    res->status == 0 ? res->error : -EIO, reason);
        return;
    }
    if (backend_is_pinned(call->ecr->backend, &call->tenant, call->name, digest)) {
        call_fail(call, "LayerInaccessibleException",
                  "The layer with digest '%.*s' in the repository with name '%.*s' in the registry "
                  "with id '%s' is not associated with an image",
                  (int)digest.len, digest.ptr, (int)call->name.len, call->name.ptr,
                  call->tenant.account);
        return;
    }
    if (!call_repository(call, &repository)) {
        return;
    }
    memcpy(download.name, call->name.ptr, call->name.len);
    memcpy(download.digest, digest.ptr, digest.len);
    int result = download_url_make(call->ecr, &download, repository.uid, url);
    meta_repository_finish(&repository);
    if (result != 0) {
        call_broken(call, "The address could not be signed", result, NULL);
        return;
    }
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "downloadUrl", url);
    virga_json_str(&writer, "layerDigest", digest);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_get_download_url_for_layer(struct call *call) {
    struct virga_str digest = call_str(call, "layerDigest");
    if (!call_repository_exists(call)) {
        return;
    }
    if (!reference_is_digest(digest)) {
        fail_layer(call);
        return;
    }
    look(call);
}
