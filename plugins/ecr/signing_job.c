/* SPDX-License-Identifier: MIT */
/* Making one signature. */
#include "signing_job.h"

#include "backend.h"
#include "gate.h"
#include "notary.h"
#include "push.h"
#include "strbuf.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>

/* failureCode; AWS does not list its own. */
#define CODE_INTERNAL "InternalFailure"
#define CODE_REGISTRY "RegistryUnavailable"
#define LOCATION_MAX 8192 /* of an upload; its state is about 400 bytes */
#define UPLOAD_TRIES 2

struct signing_job {
    struct ecr *ecr;
    struct image_order order;
    void (*on_done)(void *arg, const struct signing_outcome *outcome);
    void *arg;
    bool canceled;
    struct gate_pass pass;
    bool has_pass;
    bool waits; /* for the gate */
    /* what is signed, and with what */
    char media_type[128];
    uint64_t size;
    int64_t now_ms;
    char *pem;
    bool new_key;
    int result; /* of the worker */
    struct notary_signature signature;
    size_t blob; /* that is uploaded: 0 the config, 1 the envelope */
    int tries;
};

/* --- its end --- */

static void finish(struct signing_job *job, struct signing_outcome *outcome) {
    if (job->has_pass) {
        gate_leave(job->ecr->gate, &job->pass);
    }
    /* What is done is done: only a failure is taken for a cancel. */
    if (job->canceled && outcome->status != 0) {
        outcome->status = -ECANCELED;
    }
    job->on_done(job->arg, outcome);
    notary_signature_finish(&job->signature);
    free(job->pem);
    free(job);
}

__attribute__((format(printf, 3, 4))) static void fail(struct signing_job *job, const char *code,
                                                       const char *format, ...) {
    struct signing_outcome outcome = {.status = -EINVAL};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(outcome.reason, sizeof outcome.reason, format, args);
    va_end(args);
    (void)snprintf(outcome.code, sizeof outcome.code, "%s", code);
    finish(job, &outcome);
}

static void complete(struct signing_job *job, const char *signature) {
    struct signing_outcome outcome = {.status = 0};
    (void)snprintf(outcome.signature, sizeof outcome.signature, "%s", signature);
    finish(job, &outcome);
}

static void give_up(struct signing_job *job, int status) {
    struct signing_outcome outcome = {.status = status};
    finish(job, &outcome);
}

struct signing_status signing_status_of(const struct image_order *order, enum signing_state state) {
    struct signing_status status = {.state = state, .order = order->id};
    (void)snprintf(status.profile, sizeof status.profile, "%s", order->detail);
    return status;
}

/* --- at the registry --- */

static void on_pushed(void *arg, const struct push_result *result) {
    struct signing_job *job = arg;
    if (result->status == 0) {
        complete(job, result->digest);
    } else {
        fail(job, result->status == -EAGAIN ? CODE_REGISTRY : CODE_INTERNAL,
             "The signature could not be pushed: %s", result->message);
    }
}

static void push_signature(struct signing_job *job) {
    const struct push_request request = {
        .tenant = job->order.tenant,
        .name = virga_str_from(job->order.name),
        .tag = {"", 0},
        .digest = virga_str_from(job->signature.manifest_digest),
        .media_type = virga_str_from(MANIFEST_OCI_IMAGE),
        .bytes = virga_str_from(job->signature.manifest),
        .origin = IMAGE_PUSHED,
    };
    if (push_manifest(job->ecr, &request, on_pushed, job) != 0) {
        fail(job, CODE_INTERNAL, "The signature could not be pushed: out of memory");
    }
}

static void upload(struct signing_job *job);

static void on_uploaded(void *arg, const struct virga_fetch_response *res) {
    struct signing_job *job = arg;
    if (res->status == 201) {
        job->blob++;
        job->tries = 0;
        upload(job);
    } else if (res->status >= 400 && res->status < 500 && job->tries < UPLOAD_TRIES) {
        /* A request that was made twice finds its upload finished. */
        upload(job);
    } else if (res->status == 0) {
        fail(job, CODE_REGISTRY, "The signature could not be stored: %s", res->error_text);
    } else {
        fail(job, CODE_INTERNAL, "The signature could not be stored: the registry answered %d",
             res->status);
    }
}

static const char *location_of(const struct virga_fetch_response *res) {
    for (size_t i = 0; i < res->headers_count; i++) {
        struct virga_str value = res->headers[i].value;
        if (res->headers[i].name.len == 8 &&
            strncasecmp(res->headers[i].name.ptr, "Location", 8) == 0 && value.len > 0 &&
            value.ptr[0] == '/' && value.len < LOCATION_MAX) {
            return value.ptr;
        }
    }
    return NULL;
}

static void on_upload_begun(void *arg, const struct virga_fetch_response *res) {
    struct signing_job *job = arg;
    const char *location = res->status == 202 ? location_of(res) : NULL;
    const struct notary_signature *signature = &job->signature;
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/octet-stream")};
    struct strbuf path = {0};
    if (location == NULL) {
        fail(job, res->status == 0 ? CODE_REGISTRY : CODE_INTERNAL,
             "The signature could not be stored: %s",
             res->status == 0 ? res->error_text : "the registry began no upload");
        return;
    }
    strbuf_addf(&path, "%s%cdigest=%s", location, strchr(location, '?') != NULL ? '&' : '?',
                job->blob == 0 ? signature->config_digest : signature->envelope_digest);
    int result =
        path.failed
            ? -ENOMEM
            : backend_fetch(job->ecr->backend, "PUT", strbuf_str(&path).ptr, &header, 1,
                            virga_str_from(job->blob == 0 ? NOTARY_CONFIG : signature->envelope),
                            on_uploaded, job);
    strbuf_finish(&path);
    if (result != 0) {
        fail(job, CODE_INTERNAL, "The signature could not be stored: %s", strerror(-result));
    }
}

/* Uploads the next blob, or the manifest when both are there. */
static void upload(struct signing_job *job) {
    char upstream[BACKEND_NAME_MAX + 1], path[BACKEND_NAME_MAX + 32];
    if (job->blob == 2) {
        push_signature(job);
        return;
    }
    job->tries++;
    (void)backend_name(&job->order.tenant, virga_str_from(job->order.name), upstream);
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/uploads/", upstream);
    int result = backend_fetch(job->ecr->backend, "POST", path, NULL, 0, virga_str_from(""),
                               on_upload_begun, job);
    if (result != 0) {
        fail(job, CODE_INTERNAL, "The signature could not be stored: %s", strerror(-result));
    }
}

/* Notes which manifest comes: a crash behind the push then finds that it is done. */
static int note_signature(struct signing_job *job) {
    struct signing_status status = signing_status_of(&job->order, SIGNING_IN_PROGRESS);
    memcpy(status.signature, job->signature.manifest_digest, sizeof status.signature);
    return signing_status_put(job->ecr, &job->order.tenant, virga_str_from(job->order.name),
                              virga_str_from(job->order.digest), &status);
}

static void on_gate_open(struct gate_pass *pass) {
    struct signing_job *job =
        (struct signing_job *)(void *)((char *)pass - offsetof(struct signing_job, pass));
    job->waits = false;
    int result = note_signature(job);
    if (result == -ENOENT) {
        give_up(job, result);
    } else if (result != 0) {
        fail(job, CODE_INTERNAL, "The status could not be recorded: %s", strerror(-result));
    } else {
        upload(job);
    }
}

/* --- signing, on a worker's thread --- */

static void on_work(void *arg) {
    struct signing_job *job = arg;
    const struct notary_target target = {job->media_type, job->order.digest, job->size};
    if (job->pem == NULL) {
        const char *slash = strrchr(job->order.detail, '/');
        job->result = notary_key_create(slash != NULL ? slash + 1 : job->order.detail, job->now_ms,
                                        &job->pem);
        job->new_key = job->result == 0;
    }
    if (job->result == 0) {
        job->result = notary_sign(job->pem, &target, job->now_ms, &job->signature);
    }
    /* What the library keeps for the thread: the thread outlives the library's own end. */
    OPENSSL_thread_stop();
}

static void on_signed(void *arg, int status) {
    struct signing_job *job = arg;
    struct ecr *ecr = job->ecr;
    int result = status != 0 ? status : job->result;
    if (job->canceled) {
        give_up(job, -ECANCELED);
        return;
    }
    if (result == 0 && job->new_key) {
        result = signing_key_put(ecr, &job->order.tenant, job->order.detail, job->pem);
    }
    if (result != 0) {
        fail(job, CODE_INTERNAL, "The image could not be signed: %s",
             result == -EINVAL ? "the profile's key is damaged" : strerror(-result));
        return;
    }
    job->has_pass = job->waits = true;
    if (gate_enter(ecr->gate, &job->pass, on_gate_open)) {
        on_gate_open(&job->pass);
    }
}

/* --- its beginning --- */

/* Reads what is to be signed. Returns 0, -EALREADY it is signed, -ENOENT it is not wanted any more,
 * or a negative errno. */
static int prepare(struct signing_job *job) {
    struct ecr *ecr = job->ecr;
    const struct image_order *order = &job->order;
    struct virga_str name = virga_str_from(order->name);
    struct meta_image image, made;
    struct signing_statuses statuses;
    int result = meta_image_get(ecr, &order->tenant, name, virga_str_from(order->digest), &image);
    if (result != 0) {
        return result;
    }
    (void)snprintf(job->media_type, sizeof job->media_type, "%s", image.media_type);
    job->size = image.manifest_bytes;
    meta_image_finish(&image);
    result =
        signing_statuses_get(ecr, &order->tenant, name, virga_str_from(order->digest), &statuses);
    if (result != 0) {
        return result;
    }
    const struct signing_status *status = signing_statuses_find(&statuses, order->detail);
    if (status == NULL || status->state != SIGNING_IN_PROGRESS || status->order != order->id) {
        return -ENOENT;
    }
    if (status->signature[0] != '\0' &&
        meta_image_get(ecr, &order->tenant, name, virga_str_from(status->signature), &made) == 0) {
        memcpy(job->signature.manifest_digest, made.digest, sizeof made.digest);
        meta_image_finish(&made);
        return -EALREADY;
    }
    result = signing_key_get(ecr, &order->tenant, order->detail, &job->pem);
    return result == -ENOENT ? 0 : result;
}

static void on_ready(void *arg, int status, const char *reason) {
    struct signing_job *job = arg;
    if (job->canceled) {
        give_up(job, -ECANCELED);
        return;
    }
    if (status != 0) {
        fail(job, CODE_REGISTRY, "The signature could not be stored: %s", reason);
        return;
    }
    int result = prepare(job);
    if (result == 0) {
        result = job->ecr->work->submit(job->ecr->host, on_work, on_signed, job, NULL);
    }
    if (result == -EALREADY) {
        complete(job, job->signature.manifest_digest);
    } else if (result == -ENOENT) {
        give_up(job, result);
    } else if (result != 0) {
        fail(job, CODE_INTERNAL, "The signature could not be begun: %s", strerror(-result));
    }
}

int signing_job_start(struct ecr *ecr, const struct image_order *order,
                      void (*on_done)(void *arg, const struct signing_outcome *outcome), void *arg,
                      struct signing_job **ret_job) {
    struct signing_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    job->ecr = ecr;
    job->order = *order;
    job->on_done = on_done;
    job->arg = arg;
    job->now_ms = ecr->timer->now_ms(ecr->host);
    *ret_job = job;
    /* A push that a crash cut in two may be the signature's own: recovery ends first. */
    backend_ready(ecr->backend, on_ready, job);
    return 0;
}

void signing_job_cancel(struct signing_job *job) {
    job->canceled = true;
    if (job->waits) {
        give_up(job, -ECANCELED);
    }
}
