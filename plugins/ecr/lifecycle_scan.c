/* SPDX-License-Identifier: MIT */
/* Reading a repository's images slice by slice, then deciding.
 * What changes meanwhile may be seen or not; whoever carries a verdict out looks again. */
#include "lifecycle_scan.h"

#include <errno.h>
#include <stdlib.h>

/* Sets of this size are decided on at once: a worker takes longer to be asked. */
#define INLINE_IMAGES 1000

struct lifecycle_scan {
    struct ecr *ecr;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    int64_t as_of_ms;
    struct lifecycle_verdicts verdicts;
    char after[ECR_DIGEST_LEN + 1]; /* the last image that was read */
    size_t slice_count;
    uint64_t slice_began_ns;
    struct virga_timer_handle *timer;
    bool canceled;
    int result; /* of the worker */
    void (*on_done)(void *arg, int status, struct lifecycle_verdicts *verdicts);
    void *arg;
};

void lifecycle_verdicts_finish(struct lifecycle_verdicts *verdicts) {
    lifecycle_policy_destroy(verdicts->policy);
    lifecycle_set_finish(&verdicts->set);
    *verdicts = (struct lifecycle_verdicts){0};
}

static void end(struct lifecycle_scan *scan, int status) {
    scan->ecr->timer->stop(scan->timer);
    scan->on_done(scan->arg, scan->canceled ? -ECANCELED : status, &scan->verdicts);
    lifecycle_verdicts_finish(&scan->verdicts);
    free(scan);
}

/* --- deciding --- */

static void run_decide(void *arg) {
    struct lifecycle_scan *scan = arg;
    scan->result = lifecycle_set_decide(&scan->verdicts.set, scan->verdicts.policy, scan->as_of_ms);
}

static void on_decided(void *arg, int status) {
    struct lifecycle_scan *scan = arg;
    end(scan, status != 0 ? status : scan->result);
}

static void decide(struct lifecycle_scan *scan) {
    struct ecr *ecr = scan->ecr;
    if (scan->verdicts.set.count <= INLINE_IMAGES ||
        ecr->work->submit(ecr->host, run_decide, on_decided, scan, NULL) != 0) {
        run_decide(scan);
        end(scan, scan->result);
    }
}

/* --- reading --- */

static int on_image(void *arg, struct meta_image *image) {
    struct lifecycle_scan *scan = arg;
    int result = lifecycle_set_add(&scan->verdicts.set, scan->verdicts.policy, image);
    if (result != 0) {
        return result;
    }
    memcpy(scan->after, image->digest, sizeof scan->after);
    bool full = ++scan->slice_count >= LIFECYCLE_SLICE_IMAGES ||
                scan->ecr->timer->monotonic_ns(scan->ecr->host) - scan->slice_began_ns >=
                    LIFECYCLE_SLICE_NS;
    return full ? 1 : 0;
}

static void on_slice(void *arg) {
    struct lifecycle_scan *scan = arg;
    struct ecr *ecr = scan->ecr;
    ecr->timer->stop(scan->timer);
    scan->timer = NULL;
    if (scan->canceled) {
        end(scan, -ECANCELED);
        return;
    }
    scan->slice_count = 0;
    scan->slice_began_ns = ecr->timer->monotonic_ns(ecr->host);
    struct virga_str after = {scan->after[0] != '\0' ? scan->after : NULL, strlen(scan->after)};
    int result =
        meta_image_each(ecr, &scan->tenant, virga_str_from(scan->name), after, on_image, scan);
    if (result == 1) {
        result =
            ecr->timer->start(ecr->host, lifecycle_delay_ms(ecr), 0, on_slice, scan, &scan->timer);
        if (result == 0) {
            return;
        }
    }
    if (result != 0) {
        end(scan, result);
    } else {
        decide(scan);
    }
}

int lifecycle_scan_start(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str text, int64_t as_of_ms,
                         void (*on_done)(void *arg, int status,
                                         struct lifecycle_verdicts *verdicts),
                         void *arg, struct lifecycle_scan **ret_scan) {
    struct lifecycle_scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return -ENOMEM;
    }
    scan->ecr = ecr;
    scan->tenant = *tenant;
    scan->as_of_ms = as_of_ms;
    scan->on_done = on_done;
    scan->arg = arg;
    (void)snprintf(scan->name, sizeof scan->name, "%.*s", (int)name.len, name.ptr);
    int result = lifecycle_policy_read(text, &scan->verdicts.policy);
    if (result == 0) {
        result = ecr->timer->start(ecr->host, 0, 0, on_slice, scan, &scan->timer);
    }
    if (result != 0) {
        lifecycle_verdicts_finish(&scan->verdicts);
        free(scan);
        return result;
    }
    *ret_scan = scan;
    return 0;
}

void lifecycle_scan_cancel(struct lifecycle_scan *scan) {
    scan->canceled = true;
}
