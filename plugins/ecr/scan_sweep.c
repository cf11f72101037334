/* SPDX-License-Identifier: MIT */
/* Walking the images that are scanned continuously. */
#include "scan_sweep.h"

#include "scan_config.h"
#include "scan_push.h"
#include "scan_run.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

#define TENANTS_MAX 1000
#define BATCH 50   /* images looked at in one callback */
#define PAUSE_MS 5 /* between two of them: others have their turn */
#define PERIOD_MS INT64_C(300000)
#define PERIOD_LEAST_MS INT64_C(1000)

struct scan_sweep {
    struct ecr *ecr;
    struct virga_timer_handle *timer;
    int64_t interval_ms;
    /* where it is */
    bool under_way;
    struct tenant *tenants; /* whose registries have a scanning configuration */
    size_t tenants_count;
    size_t tenant;               /* the current one */
    char name[ECR_NAME_MAX + 1]; /* the repository at hand, or the last one; "" = none yet */
    bool in_repository;
    char digest[ECR_DIGEST_LEN + 1]; /* the last image looked at; "" = none yet */
};

static void on_timer(void *arg);

static void start_timer(struct scan_sweep *sweep, int64_t delay_ms) {
    struct ecr *ecr = sweep->ecr;
    ecr->timer->stop(sweep->timer);
    sweep->timer = NULL;
    if (ecr->timer->start(ecr->host, (uint64_t)delay_ms, 0, on_timer, sweep, &sweep->timer) != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "continuous scanning ends: out of memory");
    }
}

static void end_sweep(struct scan_sweep *sweep) {
    int64_t period = sweep->interval_ms;
    free(sweep->tenants);
    sweep->tenants = NULL;
    sweep->under_way = false;
    if (period > 0) {
        period = period < PERIOD_LEAST_MS ? PERIOD_LEAST_MS
                 : period > PERIOD_MS     ? PERIOD_MS
                                          : period;
        start_timer(sweep, period);
    }
}

/* --- tenants, their repositories, their images --- */

static int on_tenant(void *arg, const struct tenant *tenant) {
    struct scan_sweep *sweep = arg;
    if (sweep->tenants_count == TENANTS_MAX) {
        return 1;
    }
    sweep->tenants[sweep->tenants_count++] = *tenant;
    return 0;
}

static bool begin_sweep(struct scan_sweep *sweep) {
    sweep->tenants = calloc(TENANTS_MAX, sizeof *sweep->tenants);
    sweep->tenants_count = sweep->tenant = 0;
    sweep->name[0] = sweep->digest[0] = '\0';
    sweep->in_repository = false;
    sweep->under_way = true;
    return sweep->tenants != NULL &&
           meta_setting_tenants(sweep->ecr, SCAN_CONFIG_KIND, on_tenant, sweep) >= 0;
}

struct search {
    struct scan_sweep *sweep;
    struct json_object *config;
    size_t seen;
    bool found;
};

/* Stops at the next repository whose images are scanned continuously, or after a batch of others.
 */
static int on_repository(void *arg, struct meta_repository *repository) {
    struct search *search = arg;
    struct scan_sweep *sweep = search->sweep;
    memcpy(sweep->name, repository->name, sizeof sweep->name);
    search->found =
        scan_config_apply(search->config, repository->name, repository->scan_on_push).frequency ==
        SCAN_FREQUENCY_CONTINUOUS;
    return search->found || ++search->seen == BATCH;
}

static void next_repository(struct scan_sweep *sweep) {
    struct search search = {.sweep = sweep};
    const struct tenant *tenant = &sweep->tenants[sweep->tenant];
    struct virga_str after = {sweep->name[0] != '\0' ? sweep->name : NULL, strlen(sweep->name)};
    int result = scan_config_read(sweep->ecr, tenant, &search.config);
    /* Basic scanning, the usual case, has nothing to look for. */
    if (result == 0 && scan_config_is_continuous(search.config)) {
        char last[ECR_NAME_MAX + 1];
        memcpy(last, sweep->name, sizeof last);
        after.ptr = after.ptr != NULL ? last : NULL;
        result = meta_repository_each(sweep->ecr, tenant, after, on_repository, &search);
    }
    json_object_put(search.config);
    if (result == 1) {
        sweep->in_repository = search.found;
        sweep->digest[0] = '\0';
        return;
    }
    sweep->tenant++;
    sweep->name[0] = '\0';
}

struct batch {
    struct scan_sweep *sweep;
    const struct tenant *tenant;
    char due[BATCH][ECR_DIGEST_LEN + 1];
    size_t due_count;
    size_t seen;
};

static bool is_due(const struct batch *batch, const struct meta_image *image) {
    const struct scan_sweep *sweep = batch->sweep;
    struct ecr *ecr = sweep->ecr;
    struct scan_record record;
    if (!scan_push_can_scan(image)) {
        return false;
    }
    int result = scan_record_get(ecr, batch->tenant, virga_str_from(sweep->name),
                                 virga_str_from(image->digest), &record);
    if (result != 0 || !record.enhanced || !record.continuous) {
        return result == -ENOENT || (result == 0 && !scan_record_open(&record));
    }
    return !scan_record_open(&record) && sweep->interval_ms > 0 &&
           ecr->timer->now_ms(ecr->host) - record.started_ms >= sweep->interval_ms;
}

static int on_image(void *arg, struct meta_image *image) {
    struct batch *batch = arg;
    memcpy(batch->sweep->digest, image->digest, sizeof batch->sweep->digest);
    if (is_due(batch, image)) {
        memcpy(batch->due[batch->due_count++], image->digest, sizeof image->digest);
    }
    return ++batch->seen == BATCH;
}

static void next_images(struct scan_sweep *sweep) {
    struct batch batch = {.sweep = sweep, .tenant = &sweep->tenants[sweep->tenant]};
    char last[ECR_DIGEST_LEN + 1];
    struct virga_str name = virga_str_from(sweep->name);
    memcpy(last, sweep->digest, sizeof last);
    int result = meta_image_each(sweep->ecr, batch.tenant, name,
                                 (struct virga_str){last[0] != '\0' ? last : NULL, strlen(last)},
                                 on_image, &batch);
    for (size_t i = 0; i < batch.due_count; i++) {
        /* A full queue: the next sweep finds them again. */
        if (scans_begin(sweep->ecr, batch.tenant, name, virga_str_from(batch.due[i]), true, true) !=
            0) {
            break;
        }
    }
    sweep->in_repository = result == 1;
}

static void on_timer(void *arg) {
    struct scan_sweep *sweep = arg;
    if (!sweep->under_way && !begin_sweep(sweep)) {
        end_sweep(sweep);
    } else if (sweep->tenant >= sweep->tenants_count) {
        end_sweep(sweep);
    } else {
        if (sweep->in_repository) {
            next_images(sweep);
        } else {
            next_repository(sweep);
        }
        start_timer(sweep, PAUSE_MS);
    }
}

int scan_sweep_create(struct ecr *ecr, int64_t interval_ms, struct scan_sweep **ret_sweep) {
    struct scan_sweep *sweep = calloc(1, sizeof *sweep);
    if (sweep == NULL) {
        return -ENOMEM;
    }
    sweep->ecr = ecr;
    sweep->interval_ms = interval_ms;
    start_timer(sweep, PAUSE_MS);
    *ret_sweep = sweep;
    return 0;
}

void scan_sweep_destroy(struct scan_sweep *sweep) {
    if (sweep != NULL) {
        sweep->ecr->timer->stop(sweep->timer);
        free(sweep->tenants);
        free(sweep);
    }
}

void scan_sweep_soon(struct scan_sweep *sweep) {
    free(sweep->tenants);
    sweep->tenants = NULL;
    sweep->under_way = false;
    start_timer(sweep, PAUSE_MS);
}
