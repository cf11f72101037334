/* SPDX-License-Identifier: MIT */
/* The queue of signatures. */
#include "signer.h"

#include "signing_job.h"

#include <errno.h>
#include <stdlib.h>

/* failureCode; AWS does not list its own. */
#define CODE_QUEUE "ThrottlingException"

struct waiting {
    struct waiting *next;
    struct image_order order;
};

struct signer {
    struct ecr *ecr;
    struct waiting *first;
    struct waiting *last;
    size_t count; /* waiting and under way */
    uint64_t last_id;
    struct signing_job *job;  /* under way; NULL */
    struct image_order order; /* its */
    struct virga_timer_handle *timer;
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

static void begin_next(struct signer *signer);

/* --- one after another --- */

static void check_stopped(struct signer *signer) {
    void (*on_stopped)(void *) = signer->on_stopped;
    if (signer->stopping && signer->job == NULL && on_stopped != NULL) {
        signer->on_stopped = NULL;
        on_stopped(signer->on_stopped_arg);
    }
}

static void on_timer(void *arg) {
    struct signer *signer = arg;
    signer->ecr->timer->stop(signer->timer);
    signer->timer = NULL;
    begin_next(signer);
}

/* Has the next one begin from the loop: the caller may still be in the middle of something. */
static int wake(struct signer *signer) {
    struct ecr *ecr = signer->ecr;
    return signer->timer != NULL || signer->stopping
               ? 0
               : ecr->timer->start(ecr->host, 0, 0, on_timer, signer, &signer->timer);
}

/* Writes how it ended together with the end of the order; an image that is gone gets no status. */
static int record_outcome(struct signer *signer, const struct signing_outcome *outcome) {
    struct ecr *ecr = signer->ecr;
    const struct image_order *order = &signer->order;
    struct signing_status status =
        signing_status_of(order, outcome->status == 0 ? SIGNING_COMPLETE : SIGNING_FAILED);
    bool own = false;
    memcpy(status.signature, outcome->signature, sizeof status.signature);
    memcpy(status.code, outcome->code, sizeof status.code);
    memcpy(status.reason, outcome->reason, sizeof status.reason);
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    if (outcome->status != -ENOENT) {
        result = signing_status_put(ecr, &order->tenant, virga_str_from(order->name),
                                    virga_str_from(order->digest), &status);
    }
    if (result == 0 || result == -ENOENT) {
        result = image_order_delete(ecr, IMAGE_ORDER_SIGN, order->id);
    }
    return meta_end(ecr, own, result);
}

static void on_done(void *arg, const struct signing_outcome *outcome) {
    struct signer *signer = arg;
    const struct image_order *order = &signer->order;
    /* A canceled one keeps its order: the next start takes it up. */
    int result = outcome->status != -ECANCELED ? record_outcome(signer, outcome) : 0;
    if (outcome->status == -EINVAL) {
        ECR_LOG(signer->ecr, VIRGA_LOG_WARN, NULL, "%s@%s was not signed: %s", order->name,
                order->digest, outcome->reason);
    }
    if (result != 0) {
        ECR_LOG(signer->ecr, VIRGA_LOG_ERROR, NULL,
                "the signing status of %s@%s could not be recorded: %s", order->name, order->digest,
                strerror(-result));
    }
    signer->job = NULL;
    signer->count--;
    if (signer->stopping) {
        check_stopped(signer);
    } else {
        (void)wake(signer);
    }
}

static void begin_next(struct signer *signer) {
    struct waiting *waiting = signer->first;
    if (signer->job != NULL || signer->stopping || waiting == NULL) {
        return;
    }
    signer->order = waiting->order;
    /* Out of memory: the next image that comes wakes it again. */
    if (signing_job_start(signer->ecr, &signer->order, on_done, signer, &signer->job) == 0) {
        signer->first = waiting->next;
        if (signer->first == NULL) {
            signer->last = NULL;
        }
        free(waiting);
    }
}

static int add_waiting(struct signer *signer, const struct image_order *order) {
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        return -ENOMEM;
    }
    waiting->order = *order;
    if (signer->last != NULL) {
        signer->last->next = waiting;
    } else {
        signer->first = waiting;
    }
    signer->last = waiting;
    signer->count++;
    signer->last_id = order->id;
    return 0;
}

static int on_left(void *arg, const struct image_order *order) {
    return add_waiting(arg, order);
}

static void drop_waiting(struct signer *signer) {
    while (signer->first != NULL) {
        struct waiting *waiting = signer->first;
        signer->first = waiting->next;
        signer->count--;
        free(waiting);
    }
    signer->last = NULL;
}

int signer_create(struct ecr *ecr, struct signer **ret_signer, struct virga_error *err) {
    struct signer *signer = calloc(1, sizeof *signer);
    int result = signer == NULL ? -ENOMEM : 0;
    if (result == 0) {
        signer->ecr = ecr;
        result = image_order_each(ecr, IMAGE_ORDER_SIGN, on_left, signer);
    }
    if (result == 0 && signer->first != NULL) {
        result = wake(signer);
    }
    if (result != 0) {
        virga_error_set(err, "image signing cannot be set up: %s", strerror(-result));
        signer_destroy(signer);
        return result;
    }
    *ret_signer = signer;
    return 0;
}

void signer_stop(struct signer *signer, void (*on_stopped)(void *arg), void *arg) {
    signer->stopping = true;
    signer->on_stopped = on_stopped;
    signer->on_stopped_arg = arg;
    signer->ecr->timer->stop(signer->timer);
    signer->timer = NULL;
    drop_waiting(signer);
    if (signer->job != NULL) {
        signing_job_cancel(signer->job);
    }
    check_stopped(signer);
}

void signer_destroy(struct signer *signer) {
    if (signer == NULL) {
        return;
    }
    signer->ecr->timer->stop(signer->timer);
    drop_waiting(signer);
    free(signer);
}

void signer_reset(struct signer *signer) {
    drop_waiting(signer);
    if (signer->job != NULL) {
        signing_job_cancel(signer->job);
    }
}

/* --- an image has come --- */

static int order_signature(struct signer *signer, const struct tenant *tenant,
                           struct virga_str name, struct virga_str digest,
                           struct virga_str profile) {
    struct ecr *ecr = signer->ecr;
    struct image_order order;
    bool own = false, full = signer->count >= SIGNER_QUEUE_MAX;
    int result = image_order_init(&order, ecr, signer->last_id, tenant, name, digest);
    if (result != 0) {
        return result;
    }
    (void)snprintf(order.detail, sizeof order.detail, "%.*s", (int)profile.len, profile.ptr);
    struct signing_status status =
        signing_status_of(&order, full ? SIGNING_FAILED : SIGNING_IN_PROGRESS);
    if (full) {
        (void)snprintf(status.code, sizeof status.code, "%s", CODE_QUEUE);
        (void)snprintf(status.reason, sizeof status.reason, "Too many signatures are to be made");
    }
    result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = signing_status_put(ecr, tenant, name, digest, &status);
    if (result == 0 && !full) {
        result = image_order_put(ecr, IMAGE_ORDER_SIGN, &order);
    }
    result = meta_end(ecr, own, result);
    if (result == 0 && !full) {
        result = add_waiting(signer, &order);
    }
    return result == 0 ? wake(signer) : result;
}

static int order_signatures(struct ecr *ecr, const struct tenant *tenant, const char *name,
                            struct virga_str digest) {
    struct virga_str profiles[SIGNING_RULES_MAX];
    struct signing_statuses statuses;
    struct json_object *config = NULL;
    int result = signing_config_get(ecr, tenant, &config);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    size_t count = signing_config_profiles(config, name, profiles);
    if (count > 0) {
        result = signing_statuses_get(ecr, tenant, virga_str_from(name), digest, &statuses);
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct signing_status *status = signing_statuses_find(&statuses, profiles[i].ptr);
        /* The same image under another tag has its signature already. */
        if (status == NULL || status->state == SIGNING_FAILED) {
            result =
                order_signature(ecr->signer, tenant, virga_str_from(name), digest, profiles[i]);
        }
    }
    json_object_put(config);
    return result;
}

void signer_image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       const struct meta_image *image) {
    char text[ECR_NAME_MAX + 1];
    if (image->subject != NULL) {
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)name.len, name.ptr);
    int result = order_signatures(ecr, tenant, text, virga_str_from(image->digest));
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "%s@%s is not signed: %s", text, image->digest,
                strerror(-result));
    }
}
