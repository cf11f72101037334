/* SPDX-License-Identifier: MIT */
/* The walk over all images, and who waits for its end. */
#include "referrer_index.h"

#include "meta.h"

#include <errno.h>
#include <stdlib.h>

#define FACT "referrers"
#define SLICE_IMAGES 1000 /* in one go: some milliseconds */
#define PAUSE_MS 1        /* for others, between two goes */
#define RETRY_MS 5000     /* after the store failed */

struct referrer_index {
    struct ecr *ecr;
    struct virga_timer_handle *timer;
    struct meta_position position;
    struct referrer_wait *first;
    struct referrer_wait **end;
    bool done;
    bool stopped;
};

static void end_waits(struct referrer_index *index, int status) {
    struct referrer_wait *wait = index->first;
    index->first = NULL;
    index->end = &index->first;
    while (wait != NULL) {
        struct referrer_wait *next = wait->next;
        wait->on_ready(wait, status);
        wait = next;
    }
}

/* Looks at the next images: 0 all is done, 1 there are more, or a negative errno. */
static int take_slice(struct referrer_index *index) {
    int result = meta_referrer_index(index->ecr, SLICE_IMAGES, &index->position);
    if (result == 0) {
        result = meta_fact_put(index->ecr, FACT, "noted");
    }
    index->done = result == 0;
    return result;
}

static void on_timer(void *arg);

static int go_on_later(struct referrer_index *index, uint64_t delay_ms) {
    const struct ecr *ecr = index->ecr;
    return ecr->timer->start(ecr->host, delay_ms, 0, on_timer, index, &index->timer);
}

static void on_timer(void *arg) {
    struct referrer_index *index = arg;
    struct ecr *ecr = index->ecr;
    ecr->timer->stop(index->timer);
    index->timer = NULL;
    int result = take_slice(index);
    if (result < 0) {
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL, "the referrers of images cannot be noted: %s",
                strerror(-result));
    }
    if (result != 0) {
        int started = go_on_later(index, result > 0 ? PAUSE_MS : RETRY_MS);
        result = started != 0 ? started : result;
    }
    if (result <= 0) {
        end_waits(index, result);
    }
}

int referrer_index_create(struct ecr *ecr, struct referrer_index **ret_index) {
    char text[16];
    struct referrer_index *index = calloc(1, sizeof *index);
    if (index == NULL) {
        return -ENOMEM;
    }
    index->ecr = ecr;
    index->end = &index->first;
    int result = meta_fact_get(ecr, FACT, text, sizeof text);
    index->done = result == 0;
    if (result == -ENOENT) {
        result = take_slice(index);
        if (result == 1) {
            result = go_on_later(index, PAUSE_MS);
        }
    }
    if (result != 0) {
        free(index);
        return result;
    }
    *ret_index = index;
    return 0;
}

void referrer_index_stop(struct referrer_index *index) {
    if (index != NULL) {
        index->stopped = true;
        index->ecr->timer->stop(index->timer);
        index->timer = NULL;
        end_waits(index, -ECANCELED);
    }
}

void referrer_index_destroy(struct referrer_index *index) {
    if (index != NULL) {
        index->ecr->timer->stop(index->timer);
        free(index);
    }
}

bool referrer_index_is_done(const struct referrer_index *index) {
    return index == NULL || index->done;
}

int referrer_index_wait(struct referrer_index *index, struct referrer_wait *wait,
                        void (*on_ready)(struct referrer_wait *wait, int status)) {
    if (index->stopped) {
        return -ECANCELED;
    }
    *wait = (struct referrer_wait){NULL, on_ready};
    *index->end = wait;
    index->end = &wait->next;
    return 0;
}
