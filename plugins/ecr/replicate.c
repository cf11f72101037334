/* SPDX-License-Identifier: MIT */
/* Which row of the queue is served next, and what follows when one ended. */
#include "replicate.h"
#include "replicate_copy.h"
#include "replicate_queue.h"
#include "replication_rules.h"
#include "replication_status.h"

#include <errno.h>
#include <stdlib.h>

/* While there is no registry, and behind a failed try: doubled each time up to the second. */
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000
/* Lanes looked at in one go, so that many that wait do not hold up the loop. */
#define LOOKS_MAX 64
#define LOOKS_PAUSE_MS 50

struct work {
    struct work *next;
    struct replicator *replicator;
    struct replicate_row row;
};

struct replicator {
    struct ecr *ecr;
    struct work *works; /* under way */
    size_t running;
    size_t rows;                   /* in the queue */
    bool full;                     /* said so in the log */
    struct replicate_row position; /* the lane looked at last */
    bool begun;                    /* position is one */
    unsigned pauses;               /* in a row, because there was no registry */
    bool paused;                   /* the timer ends it */
    struct virga_timer_handle *timer;
    bool stopping;
    void (*on_idle)(void *arg);
    void *on_idle_arg;
};

static void go_on(struct replicator *replicator);

static int64_t retry_ms(unsigned tries) {
    int64_t delay = RETRY_FIRST_MS;
    for (unsigned i = 1; i < tries && delay < RETRY_MAX_MS; i++) {
        delay *= 2;
    }
    return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

static void on_timer(void *arg) {
    struct replicator *replicator = arg;
    replicator->ecr->timer->stop(replicator->timer);
    replicator->timer = NULL;
    replicator->paused = false;
    go_on(replicator);
}

/* Has the queue looked at after a while, and not before. */
static void look_in(struct replicator *replicator, int64_t delay_ms) {
    struct ecr *ecr = replicator->ecr;
    ecr->timer->stop(replicator->timer);
    replicator->timer = NULL;
    if (!replicator->stopping && ecr->timer->start(ecr->host, (uint64_t)delay_ms, 0, on_timer,
                                                   replicator, &replicator->timer) != 0) {
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL,
                "replication stands still until the next push: out of memory");
    }
}

static void look_now(struct replicator *replicator) {
    if (!replicator->paused) {
        look_in(replicator, 0);
    }
}

static void pause_all(struct replicator *replicator) {
    if (!replicator->paused) {
        replicator->paused = true;
        look_in(replicator, retry_ms(++replicator->pauses));
    }
}

/* --- a row ends --- */

static struct replication_subject subject_of(const struct replicate_row *row) {
    return (struct replication_subject){&row->source, virga_str_from(row->name),
                                        virga_str_from(row->digest)};
}

/* Takes the row out of the queue and tells its outcome, as one. */
static int end_row(struct replicator *replicator, const struct replicate_row *row,
                   const char *failure) {
    struct ecr *ecr = replicator->ecr;
    const struct replication_subject subject = subject_of(row);
    bool own = false;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = replicate_queue_delete(ecr, row);
    if (result == 0) {
        result = replication_status_end(ecr, &subject, &row->destination, failure);
    }
    result = meta_end(ecr, own, result);
    if (result == 0 && replicator->rows > 0) {
        replicator->rows--;
        replicator->full = replicator->full && replicator->rows * 2 > REPLICATE_QUEUE_MAX;
    }
    return result;
}

static void log_failure(struct replicator *replicator, const struct replicate_row *row,
                        enum virga_log_level level, const char *what, const char *reason) {
    ECR_LOG(replicator->ecr, level, NULL, "replication of %s@%s from %s/%s to %s/%s %s: %s",
            row->name, row->digest, row->source.account, row->source.region,
            row->destination.account, row->destination.region, what, reason);
}

/* Keeps the row for another time, or gives it up. */
static int try_later(struct replicator *replicator, struct replicate_row *row,
                     const struct replicate_copy_result *copied) {
    struct ecr *ecr = replicator->ecr;
    row->tries++;
    if (row->tries >= REPLICATE_TRIES_MAX) {
        log_failure(replicator, row, VIRGA_LOG_WARN, "failed for good", copied->reason);
        return end_row(replicator, row, copied->code);
    }
    log_failure(replicator, row, VIRGA_LOG_INFO, "failed and is tried again", copied->reason);
    row->not_before_ms = ecr->timer->now_ms(ecr->host) + retry_ms(row->tries);
    return replicate_queue_update(ecr, row);
}

static void take_out(struct work *work) {
    struct replicator *replicator = work->replicator;
    for (struct work **at = &replicator->works; *at != NULL; at = &(*at)->next) {
        if (*at == work) {
            *at = work->next;
            break;
        }
    }
    replicator->running--;
}

static void on_copied(void *arg, const struct replicate_copy_result *copied) {
    struct work *work = arg;
    struct replicator *replicator = work->replicator;
    struct replicate_row *row = &work->row;
    int result = 0;
    take_out(work);
    if (copied->status == 0) {
        result = end_row(replicator, row, NULL);
    } else if (copied->status == -ENOENT) {
        log_failure(replicator, row, VIRGA_LOG_INFO, "is not done", copied->reason);
        result = end_row(replicator, row, copied->code);
    } else if (copied->status == -EPERM) {
        log_failure(replicator, row, VIRGA_LOG_WARN, "failed", copied->reason);
        result = end_row(replicator, row, copied->code);
    } else if (copied->status == -EAGAIN) {
        /* Nobody's fault but the registry's, which nobody can use meanwhile. */
        pause_all(replicator);
    } else {
        result = try_later(replicator, row, copied);
    }
    if (copied->status != -EAGAIN) {
        replicator->pauses = 0;
    }
    if (result != 0) {
        log_failure(replicator, row, VIRGA_LOG_ERROR, "could not be recorded", strerror(-result));
        pause_all(replicator);
    }
    free(work);
    if (replicator->running == 0 && replicator->on_idle != NULL) {
        void (*on_idle)(void *) = replicator->on_idle;
        replicator->on_idle = NULL;
        on_idle(replicator->on_idle_arg);
        return;
    }
    look_now(replicator);
}

/* --- which one is next --- */

static bool is_served(const struct replicator *replicator, const struct replicate_row *row) {
    for (const struct work *work = replicator->works; work != NULL; work = work->next) {
        if (replicate_queue_same_lane(&work->row, row)) {
            return true;
        }
    }
    return false;
}

static int serve(struct replicator *replicator, const struct replicate_row *row) {
    const struct replicate_copy_request request = {
        .source = row->source,
        .destination = row->destination,
        .name = virga_str_from(row->name),
        .digest = virga_str_from(row->digest),
        .tag = virga_str_from(row->tag),
    };
    struct work *work = malloc(sizeof *work);
    if (work == NULL) {
        return -ENOMEM;
    }
    *work = (struct work){replicator->works, replicator, *row};
    replicator->works = work;
    replicator->running++;
    int result = replicate_copy(replicator->ecr, &request, on_copied, work);
    if (result != 0) {
        take_out(work);
        free(work);
    }
    return result;
}

/* How long the row is still to wait. A clock that was set back does not make it longer. */
static int64_t wait_ms(const struct replicator *replicator, const struct replicate_row *row) {
    struct ecr *ecr = replicator->ecr;
    int64_t wait = row->not_before_ms - ecr->timer->now_ms(ecr->host);
    return wait <= 0 || wait > RETRY_MAX_MS ? 0 : wait;
}

/* Begins as much as may run. Of each lane the first row is served, so that a tag ends where it was
 * pushed last; lanes take turns. */
static void go_on(struct replicator *replicator) {
    int64_t soonest = 0;
    size_t looks = 0;
    unsigned rounds = 0;
    int result = 0;
    while (!replicator->stopping && !replicator->paused &&
           replicator->running < REPLICATE_PARALLEL && looks < LOOKS_MAX && rounds < 2) {
        struct replicate_row row;
        result = replicate_queue_next(replicator->ecr,
                                      replicator->begun ? &replicator->position : NULL, &row);
        if (result < 0) {
            break;
        }
        replicator->begun = result == 1;
        if (result == 0) {
            rounds++;
            continue;
        }
        looks++;
        replicator->position = row;
        if (is_served(replicator, &row)) {
            continue;
        }
        int64_t wait = wait_ms(replicator, &row);
        if (wait > 0) {
            soonest = soonest == 0 || wait < soonest ? wait : soonest;
        } else if ((result = serve(replicator, &row)) != 0) {
            break;
        }
    }
    if (result < 0) {
        ECR_LOG(replicator->ecr, VIRGA_LOG_ERROR, NULL, "replication has to wait: %s",
                strerror(-result));
        pause_all(replicator);
    } else if (!replicator->paused && looks == LOOKS_MAX &&
               replicator->running < REPLICATE_PARALLEL) {
        look_in(replicator, LOOKS_PAUSE_MS);
    } else if (!replicator->paused && soonest > 0) {
        look_in(replicator, soonest);
    }
}

/* --- what comes --- */

static int add_rows(struct ecr *ecr, const struct replicate_row *image,
                    const struct replication_targets *targets, size_t fits) {
    const struct replication_subject subject = subject_of(image);
    int result = 0;
    for (size_t i = 0; i < targets->count && result == 0; i++) {
        struct replicate_row row = *image;
        row.destination = targets->tenants[i];
        if (i >= fits) {
            result = replication_status_end(ecr, &subject, &row.destination, "LimitExceeded");
            continue;
        }
        result = replicate_queue_add(ecr, &row);
        if (result == 0) {
            result = replication_status_begin(ecr, &subject, &row.destination);
        }
    }
    return result;
}

void replicate_image(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     const struct meta_image *image, struct virga_str tag,
                     enum image_origin origin) {
    struct replicator *replicator = ecr->replicator;
    struct replication_targets targets;
    struct replicate_row row = {.source = *tenant};
    bool own = false;
    if (replicator == NULL || origin == IMAGE_REPLICATED) {
        return;
    }
    int result = replication_rules_find(ecr, tenant, name, &targets);
    if (result == 0 && targets.count == 0) {
        return;
    }
    (void)snprintf(row.name, sizeof row.name, "%.*s", (int)name.len, name.ptr);
    (void)snprintf(row.digest, sizeof row.digest, "%s", image->digest);
    (void)snprintf(row.tag, sizeof row.tag, "%.*s", (int)tag.len, tag.ptr != NULL ? tag.ptr : "");
    size_t room =
        replicator->rows < REPLICATE_QUEUE_MAX ? REPLICATE_QUEUE_MAX - replicator->rows : 0;
    size_t fits = targets.count < room ? targets.count : room;
    if (fits < targets.count && !replicator->full) {
        replicator->full = true;
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL,
                "more than %d images wait for replication: what is pushed now is not replicated",
                REPLICATE_QUEUE_MAX);
    }
    if (result == 0) {
        result = meta_begin(ecr, &own);
    }
    if (result == 0) {
        result = meta_end(ecr, own, add_rows(ecr, &row, &targets, fits));
    }
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL, "%s@%s is not replicated: %s", row.name, row.digest,
                strerror(-result));
        return;
    }
    replicator->rows += fits;
    /* A push has just been taken: the registry is there. */
    replicator->paused = false;
    look_now(replicator);
}

/* --- life --- */

int replicate_create(struct ecr *ecr, struct replicator **ret_replicator) {
    struct replicator *replicator = calloc(1, sizeof *replicator);
    if (replicator == NULL) {
        return -ENOMEM;
    }
    replicator->ecr = ecr;
    int result = replicate_queue_count(ecr, &replicator->rows);
    if (result == 0 && replicator->rows > 0) {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "%zu replications are left of an earlier run",
                replicator->rows);
        result = ecr->timer->start(ecr->host, 0, 0, on_timer, replicator, &replicator->timer);
    }
    if (result != 0) {
        free(replicator);
        return result;
    }
    *ret_replicator = replicator;
    return 0;
}

bool replicate_stop(struct replicator *replicator, void (*on_idle)(void *arg), void *arg) {
    replicator->stopping = true;
    replicator->ecr->timer->stop(replicator->timer);
    replicator->timer = NULL;
    if (replicator->running == 0) {
        return false;
    }
    replicator->on_idle = on_idle;
    replicator->on_idle_arg = arg;
    return true;
}

void replicate_destroy(struct replicator *replicator) {
    if (replicator == NULL) {
        return;
    }
    replicator->ecr->timer->stop(replicator->timer);
    while (replicator->works != NULL) {
        struct work *work = replicator->works;
        replicator->works = work->next;
        free(work);
    }
    free(replicator);
}
