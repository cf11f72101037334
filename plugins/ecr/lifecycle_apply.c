/* SPDX-License-Identifier: MIT */
/* Verdicts carried out: the registry first, then the record, as for every deletion. */
#include "lifecycle_apply.h"

#include "backend.h"
#include "gate.h"

#include <errno.h>
#include <stdlib.h>

#define FAILURES_MAX 3 /* one after the other: then the registry or the store does not work */

struct lifecycle_apply {
    struct ecr *ecr;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    struct lifecycle_verdicts verdicts;
    size_t at; /* in the order of the set */
    struct lifecycle_counts counts;
    unsigned failures; /* one after the other */
    struct gate_pass pass;
    struct virga_timer_handle *timer;
    uint64_t slice_began_ns;
    bool waits; /* for the gate */
    bool canceled;
    void (*on_image)(void *arg, const char *digest, enum lifecycle_outcome outcome,
                     const char *reason);
    void (*on_done)(void *arg, int status, const struct lifecycle_counts *counts);
    void *arg;
};

static void go_on(struct lifecycle_apply *apply);

static struct virga_str name_of(const struct lifecycle_apply *apply) {
    return virga_str_from(apply->name);
}

/* The image that it is about now. */
static const struct lifecycle_image *current(const struct lifecycle_apply *apply) {
    const struct lifecycle_set *set = &apply->verdicts.set;
    return &set->images[set->order[apply->at]];
}

static void end(struct lifecycle_apply *apply, int status) {
    apply->ecr->timer->stop(apply->timer);
    apply->on_done(apply->arg, status, &apply->counts);
    lifecycle_verdicts_finish(&apply->verdicts);
    free(apply);
}

static void on_timer(void *arg) {
    struct lifecycle_apply *apply = arg;
    apply->ecr->timer->stop(apply->timer);
    apply->timer = NULL;
    apply->slice_began_ns = apply->ecr->timer->monotonic_ns(apply->ecr->host);
    go_on(apply);
}

/* Goes on in a turn of the loop of its own. */
static int go_on_later(struct lifecycle_apply *apply) {
    struct ecr *ecr = apply->ecr;
    return ecr->timer->start(ecr->host, lifecycle_delay_ms(ecr), 0, on_timer, apply, &apply->timer);
}

/* --- looking again --- */

struct parents {
    const struct lifecycle_apply *apply;
    bool holds; /* one of them keeps the image where it is */
};

static enum meta_status status_of(const struct lifecycle_apply *apply, struct virga_str digest,
                                  bool *ret_gone) {
    struct meta_image image = {0};
    *ret_gone =
        meta_image_get(apply->ecr, &apply->tenant, name_of(apply), digest, &image) == -ENOENT;
    enum meta_status status = image.status;
    meta_image_finish(&image);
    return status;
}

/* Whether what an image rests on has gone the way that the image is to go. */
static bool has_gone(const struct lifecycle_apply *apply, struct virga_str digest) {
    bool gone = false;
    enum meta_status status = status_of(apply, digest, &gone);
    return gone || (current(apply)->action == LIFECYCLE_TRANSITION && status == META_ARCHIVED);
}

static int on_parent(void *arg, struct virga_str parent) {
    struct parents *parents = arg;
    parents->holds = !has_gone(parents->apply, parent);
    return parents->holds;
}

/* Whether the verdict still stands. */
static bool stands(void *arg) {
    struct lifecycle_apply *apply = arg;
    const struct lifecycle_image *verdict = current(apply);
    struct virga_str digest = virga_str_from(verdict->digest);
    struct parents parents = {apply, false};
    struct meta_image image;
    if (meta_image_get(apply->ecr, &apply->tenant, name_of(apply), digest, &image) != 0) {
        return false;
    }
    bool good = lifecycle_image_unchanged(verdict, apply->verdicts.policy, &image) &&
                (!verdict->follows || image.subject == NULL ||
                 has_gone(apply, virga_str_from(image.subject)));
    meta_image_finish(&image);
    return good &&
           meta_parent_each(apply->ecr, &apply->tenant, name_of(apply), digest, on_parent,
                            &parents) == 0 &&
           !parents.holds;
}

/* --- acting --- */

static void note(struct lifecycle_apply *apply, enum lifecycle_outcome outcome,
                 const char *reason) {
    static const size_t places[] = {
        offsetof(struct lifecycle_counts, expired), offsetof(struct lifecycle_counts, transitioned),
        offsetof(struct lifecycle_counts, skipped), offsetof(struct lifecycle_counts, failed)};
    (*(uint64_t *)(void *)((char *)&apply->counts + places[outcome]))++;
    apply->failures = outcome == LIFECYCLE_FAILED ? apply->failures + 1 : 0;
    apply->on_image(apply->arg, current(apply)->digest, outcome, reason);
    apply->at++;
    gate_leave(apply->ecr->gate, &apply->pass);
}

static void on_deleted(void *arg, int status, const char *reason) {
    struct lifecycle_apply *apply = arg;
    if (status == 0) {
        note(apply, LIFECYCLE_EXPIRED, NULL);
    } else if (status == -ENOENT || status == -ESTALE) {
        note(apply, LIFECYCLE_SKIPPED, NULL);
    } else {
        note(apply, LIFECYCLE_FAILED, reason);
    }
    /* Not from here: the one that calls may be in the middle of something. */
    if (go_on_later(apply) != 0) {
        go_on(apply);
    }
}

/* Acts on the current image, with a pass. Returns whether that is done already. */
static bool act(struct lifecycle_apply *apply) {
    struct ecr *ecr = apply->ecr;
    const struct lifecycle_image *verdict = current(apply);
    struct virga_str digest = virga_str_from(verdict->digest);
    if (verdict->action == LIFECYCLE_EXPIRE) {
        backend_delete_image_if(ecr, &apply->tenant, name_of(apply), digest, stands, on_deleted,
                                apply);
        return false;
    }
    int result = stands(apply) ? meta_image_archive(ecr, &apply->tenant, name_of(apply), digest,
                                                    ecr->timer->now_ms(ecr->host))
                               : -EALREADY;
    if (result == 0) {
        note(apply, LIFECYCLE_TRANSITIONED, NULL);
    } else if (result == -ENOENT || result == -EALREADY) {
        note(apply, LIFECYCLE_SKIPPED, NULL);
    } else {
        note(apply, LIFECYCLE_FAILED, strerror(-result));
    }
    return true;
}

static void on_open(struct gate_pass *pass) {
    struct lifecycle_apply *apply =
        (struct lifecycle_apply *)(void *)((char *)pass - offsetof(struct lifecycle_apply, pass));
    apply->waits = false;
    if (act(apply) && go_on_later(apply) != 0) {
        go_on(apply);
    }
}

static void go_on(struct lifecycle_apply *apply) {
    struct ecr *ecr = apply->ecr;
    for (;;) {
        if (apply->canceled || apply->failures >= FAILURES_MAX ||
            apply->at == apply->verdicts.set.order_count) {
            end(apply, apply->canceled ? -ECANCELED : apply->failures >= FAILURES_MAX ? -EIO : 0);
            return;
        }
        bool over =
            ecr->timer->monotonic_ns(ecr->host) - apply->slice_began_ns >= LIFECYCLE_SLICE_NS;
        if (over && go_on_later(apply) == 0) {
            return;
        }
        apply->waits = true;
        if (gate_enter(ecr->gate, &apply->pass, on_open) == 0) {
            return;
        }
        apply->waits = false;
        if (!act(apply)) {
            return;
        }
    }
}

int lifecycle_apply_start(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct lifecycle_verdicts *verdicts,
                          void (*on_image)(void *arg, const char *digest,
                                           enum lifecycle_outcome outcome, const char *reason),
                          void (*on_done)(void *arg, int status,
                                          const struct lifecycle_counts *counts),
                          void *arg, struct lifecycle_apply **ret_apply) {
    struct lifecycle_apply *apply = calloc(1, sizeof *apply);
    if (apply == NULL) {
        return -ENOMEM;
    }
    apply->ecr = ecr;
    apply->tenant = *tenant;
    apply->on_image = on_image;
    apply->on_done = on_done;
    apply->arg = arg;
    apply->counts.evaluated = verdicts->set.count;
    (void)snprintf(apply->name, sizeof apply->name, "%.*s", (int)name.len, name.ptr);
    if (go_on_later(apply) != 0) {
        free(apply);
        return -ENOMEM;
    }
    apply->verdicts = *verdicts;
    *verdicts = (struct lifecycle_verdicts){0};
    *ret_apply = apply;
    return 0;
}

void lifecycle_apply_cancel(struct lifecycle_apply *apply) {
    apply->canceled = true;
    if (apply->waits) {
        apply->waits = false;
        gate_leave(apply->ecr->gate, &apply->pass);
        if (go_on_later(apply) != 0) {
            end(apply, -ECANCELED);
        }
    }
}
