/* SPDX-License-Identifier: MIT */
/* Previews: what a run would do, written down instead of done. The results are of the moment of the
 * preview; a few are worked on at one time, the others wait. */
#include "lifecycle_impl.h"

#include "meta_preview.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define PREVIEWS_MAX 256
#define PREVIEWS_AT_WORK 4
#define CLEAR_ROWS 500 /* of the preview before, in one turn of the loop */

struct lifecycle_preview {
    struct lifecycle_preview *next;
    struct lifecycle *lifecycle;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    struct meta_preview head;
    struct lifecycle_scan *scan;
    struct lifecycle_verdicts verdicts;
    struct virga_timer_handle *timer;
    bool at_work;
    bool cleared; /* the rows of the preview before are gone */
    bool canceled;
    size_t at; /* in the order of the set */
};

static struct virga_str name_of(const struct lifecycle_preview *preview) {
    return virga_str_from(preview->name);
}

static bool is_about(const struct lifecycle_preview *preview, const struct tenant *tenant,
                     struct virga_str name) {
    return virga_str_equal(name, name_of(preview)) &&
           strcmp(preview->tenant.account, tenant->account) == 0 &&
           strcmp(preview->tenant.region, tenant->region) == 0;
}

static void start_waiting(struct lifecycle *lifecycle);

static void end(struct lifecycle_preview *preview) {
    struct lifecycle *lifecycle = preview->lifecycle;
    struct lifecycle_preview **link = &lifecycle->previews;
    while (*link != preview) {
        link = &(*link)->next;
    }
    *link = preview->next;
    lifecycle->previews_count--;
    lifecycle->ecr->timer->stop(preview->timer);
    lifecycle_verdicts_finish(&preview->verdicts);
    meta_preview_finish(&preview->head);
    free(preview);
    if (!lifecycle->stopping) {
        start_waiting(lifecycle);
    }
    lifecycle_check_stopped(lifecycle);
}

/* Ends it as failed; a repository that is gone needs no word. */
static void fail(struct lifecycle_preview *preview, int error) {
    struct ecr *ecr = preview->lifecycle->ecr;
    if (error != -ENOENT && error != -ECANCELED) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "lifecycle: the preview of %s failed: %s", preview->name,
                strerror(-error));
    }
    if (error != -ENOENT) {
        preview->head.state = META_PREVIEW_FAILED;
        preview->head.ended_ms = ecr->timer->now_ms(ecr->host);
        (void)meta_preview_put(ecr, &preview->tenant, name_of(preview), &preview->head);
    }
    end(preview);
}

/* --- writing the results --- */

/* Whether the head is still this preview's: the repository may have been deleted, and made anew. */
static int check_head(const struct lifecycle_preview *preview) {
    struct meta_preview head;
    int result =
        meta_preview_get(preview->lifecycle->ecr, &preview->tenant, name_of(preview), &head);
    if (result == 0) {
        result = strcmp(head.id, preview->head.id) == 0 ? 0 : -ENOENT;
        meta_preview_finish(&head);
    }
    return result;
}

static int write_row(struct lifecycle_preview *preview, const struct lifecycle_image *verdict) {
    struct ecr *ecr = preview->lifecycle->ecr;
    struct meta_image image;
    int result = meta_image_get(ecr, &preview->tenant, name_of(preview),
                                virga_str_from(verdict->digest), &image);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    struct meta_preview_row row = {
        .archives = verdict->action == LIFECYCLE_TRANSITION,
        .is_archived = image.status == META_ARCHIVED,
        .priority = verdict->rule != LIFECYCLE_NO_RULE
                        ? preview->verdicts.policy->rules[verdict->rule].priority
                        : 0,
        .pushed_ms = image.pushed_ms,
        .tags = image.tags,
        .tags_count = image.tags_count,
    };
    memcpy(row.digest, image.digest, sizeof row.digest);
    result = meta_preview_row_put(ecr, &preview->tenant, name_of(preview), &row);
    meta_image_finish(&image);
    if (result == 0 && row.archives) {
        preview->head.archiving++;
    } else if (result == 0) {
        preview->head.expiring++;
    }
    return result;
}

/* One turn's work within a transaction. 1 there is more, 0 done. */
static int write_slice(struct lifecycle_preview *preview) {
    struct ecr *ecr = preview->lifecycle->ecr;
    const struct lifecycle_set *set = &preview->verdicts.set;
    uint64_t began_ns = ecr->timer->monotonic_ns(ecr->host);
    int result = check_head(preview);
    if (result != 0) {
        return result;
    }
    if (!preview->cleared) {
        result = meta_preview_clear(ecr, &preview->tenant, name_of(preview), CLEAR_ROWS);
        preview->cleared = result == 0;
        return result < 0 ? result : 1;
    }
    for (int i = 0; i < LIFECYCLE_SLICE_IMAGES && preview->at < set->order_count; i++) {
        result = write_row(preview, &set->images[set->order[preview->at++]]);
        if (result != 0) {
            return result;
        }
        if (ecr->timer->monotonic_ns(ecr->host) - began_ns >= LIFECYCLE_SLICE_NS) {
            break;
        }
    }
    if (preview->at < set->order_count) {
        return 1;
    }
    preview->head.state = META_PREVIEW_COMPLETE;
    preview->head.ended_ms = ecr->timer->now_ms(ecr->host);
    return meta_preview_put(ecr, &preview->tenant, name_of(preview), &preview->head);
}

static void on_slice(void *arg);

static void write_on(struct lifecycle_preview *preview) {
    struct ecr *ecr = preview->lifecycle->ecr;
    int result = ecr->timer->start(ecr->host, lifecycle_delay_ms(ecr), 0, on_slice, preview,
                                   &preview->timer);
    if (result != 0) {
        fail(preview, result);
    }
}

static void on_slice(void *arg) {
    struct lifecycle_preview *preview = arg;
    struct ecr *ecr = preview->lifecycle->ecr;
    bool own = false;
    ecr->timer->stop(preview->timer);
    preview->timer = NULL;
    if (preview->canceled) {
        fail(preview, -ECANCELED);
        return;
    }
    int result = meta_begin(ecr, &own);
    int more = 0;
    if (result == 0) {
        more = write_slice(preview);
        result = meta_end(ecr, own, more < 0 ? more : 0);
    }
    if (result != 0) {
        fail(preview, result);
    } else if (more == 1) {
        write_on(preview);
    } else {
        end(preview);
    }
}

/* --- beginning --- */

static void on_scanned(void *arg, int status, struct lifecycle_verdicts *verdicts) {
    struct lifecycle_preview *preview = arg;
    preview->scan = NULL;
    if (status != 0) {
        fail(preview, status);
        return;
    }
    preview->verdicts = *verdicts;
    *verdicts = (struct lifecycle_verdicts){0};
    write_on(preview);
}

/* Starts previews that wait, as far as there is room. Errors: of the last one that failed to. */
static void start_waiting(struct lifecycle *lifecycle) {
    struct ecr *ecr = lifecycle->ecr;
    int at_work = 0;
    struct lifecycle_preview *next = NULL;
    for (struct lifecycle_preview *preview = lifecycle->previews;
         preview != NULL && at_work < PREVIEWS_AT_WORK; preview = next) {
        next = preview->next;
        at_work++;
        if (preview->at_work) {
            continue;
        }
        preview->at_work = true;
        int result = lifecycle_scan_start(
            ecr, &preview->tenant, name_of(preview), virga_str_from(preview->head.text),
            ecr->timer->now_ms(ecr->host), on_scanned, preview, &preview->scan);
        if (result != 0) {
            /* Its end starts the others. */
            fail(preview, result);
            return;
        }
    }
}

bool lifecycle_preview_runs(const struct lifecycle *lifecycle, const struct tenant *tenant,
                            struct virga_str name) {
    for (const struct lifecycle_preview *preview = lifecycle->previews; preview != NULL;
         preview = preview->next) {
        if (is_about(preview, tenant, name)) {
            return true;
        }
    }
    return false;
}

static int make_id(char ret_id[33]) {
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return -EIO;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(ret_id + 2 * i, 3, "%02x", bytes[i]);
    }
    return 0;
}

int lifecycle_preview_begin(struct lifecycle *lifecycle, const struct tenant *tenant,
                            struct virga_str name, struct virga_str text) {
    if (lifecycle->stopping) {
        return -ECANCELED;
    }
    if (lifecycle_preview_runs(lifecycle, tenant, name)) {
        return -EALREADY;
    }
    if (lifecycle->previews_count >= PREVIEWS_MAX) {
        return -EBUSY;
    }
    struct lifecycle_preview *preview = calloc(1, sizeof *preview);
    if (preview == NULL) {
        return -ENOMEM;
    }
    preview->lifecycle = lifecycle;
    preview->tenant = *tenant;
    (void)snprintf(preview->name, sizeof preview->name, "%.*s", (int)name.len, name.ptr);
    preview->head.text = strndup(text.ptr, text.len);
    int result = preview->head.text != NULL ? make_id(preview->head.id) : -ENOMEM;
    if (result == 0) {
        result = meta_preview_put(lifecycle->ecr, tenant, name, &preview->head);
    }
    if (result != 0) {
        meta_preview_finish(&preview->head);
        free(preview);
        return result;
    }
    struct lifecycle_preview **link = &lifecycle->previews;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = preview;
    lifecycle->previews_count++;
    start_waiting(lifecycle);
    return 0;
}

void lifecycle_cancel_previews(struct lifecycle *lifecycle) {
    struct lifecycle_preview *next = NULL;
    for (struct lifecycle_preview *preview = lifecycle->previews; preview != NULL; preview = next) {
        next = preview->next;
        preview->canceled = true;
        if (preview->scan != NULL) {
            lifecycle_scan_cancel(preview->scan);
        } else if (preview->timer == NULL) {
            fail(preview, -ECANCELED); /* it waits for others */
        }
    }
}
