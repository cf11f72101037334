/* SPDX-License-Identifier: MIT */
/* The queue of scans. */
#include "scan_run.h"

#include "scan_file.h"
#include "scan_job.h"
#include "scan_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define MS_PER_HOUR INT64_C(3600000)
#define DONE_TEXT "The scan was completed successfully."
#define ACTIVE_TEXT "Continuous scan is selected for image."
/* AWS's words for an image that its scanner knows nothing of. */
#define UNSUPPORTED_TEXT                                                                           \
    "UnsupportedImageError: The operating system and/or package manager are not supported."

struct scan {
    struct scan *next;
    struct scans *scans;
    struct image_order order;
    struct scan_record record;
    struct scan_job *job; /* NULL while it waits */
};

struct scans {
    struct ecr *ecr;
    struct scan_settings settings;
    size_t parallel;
    int64_t quota_ms;
    struct scan *first; /* waiting, oldest first */
    struct scan *last;
    struct scan *running;
    size_t running_count;
    size_t count; /* waiting and running */
    uint64_t last_id;
    struct scan_sweep *sweep;
    struct virga_timer_handle *timer; /* has them begin from the loop */
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

/* --- life --- */

static int read_command(struct scans *scans, struct virga_str text, struct virga_error *err) {
    struct virga_error reason = {.struct_size = sizeof reason, .text = ""};
    int result = scan_command_parse(text, &scans->settings.command, &reason);
    if (result != 0) {
        virga_error_set(err, "scanner-command cannot be used: %s",
                        result == -ENOMEM ? "out of memory" : reason.text);
        return result;
    }
    scans->settings.has_command = true;
    if (asprintf(&scans->settings.folder, "%s/scan", scans->ecr->data_path) < 0) {
        scans->settings.folder = NULL;
        return -ENOMEM;
    }
    scan_file_clean_folder(scans->settings.folder);
    return 0;
}

static int read_settings(struct scans *scans, struct virga_error *err) {
    struct ecr *ecr = scans->ecr;
    const struct virga_config *config = ecr->config;
    struct virga_str command = config->get_string(ecr->host, "scanner-command");
    struct virga_str findings = config->get_string(ecr->host, "scanner-findings");
    scans->settings.timeout_ms = config->get_int(ecr->host, "scanner-timeout-s") * 1000;
    scans->parallel = (size_t)config->get_int(ecr->host, "scanner-parallel");
    scans->quota_ms = config->get_int(ecr->host, "scan-quota-hours") * MS_PER_HOUR;
    if (command.len > 0 && findings.len > 0) {
        virga_error_set(err, "scanner-command and scanner-findings exclude each other: findings "
                             "come from one of them");
        return -EINVAL;
    }
    if (findings.len > 0) {
        scans->settings.findings = strndup(findings.ptr, findings.len);
        return scans->settings.findings != NULL ? 0 : -ENOMEM;
    }
    return command.len > 0 ? read_command(scans, command, err) : 0;
}

static void add_waiting(struct scans *scans, struct scan *scan) {
    scan->next = NULL;
    if (scans->last != NULL) {
        scans->last->next = scan;
    } else {
        scans->first = scan;
    }
    scans->last = scan;
    scans->count++;
}

static int on_left(void *arg, const struct image_order *order) {
    struct scans *scans = arg;
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return -ENOMEM;
    }
    scan->scans = scans;
    scan->order = *order;
    scans->last_id = order->id;
    add_waiting(scans, scan);
    return 0;
}

static void begin_some(struct scans *scans);

static void on_timer(void *arg) {
    struct scans *scans = arg;
    scans->ecr->timer->stop(scans->timer);
    scans->timer = NULL;
    begin_some(scans);
}

/* Has waiting scans begin from the loop: the caller's record may not be committed yet. */
static int wake(struct scans *scans) {
    struct ecr *ecr = scans->ecr;
    return scans->timer != NULL || scans->stopping
               ? 0
               : ecr->timer->start(ecr->host, 0, 0, on_timer, scans, &scans->timer);
}

int scans_create(struct ecr *ecr, struct scans **ret_scans, struct virga_error *err) {
    struct scans *scans = calloc(1, sizeof *scans);
    if (scans == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    scans->ecr = ecr;
    int result = read_settings(scans, err);
    if (result == 0) {
        result = image_order_each(ecr, IMAGE_ORDER_SCAN, on_left, scans);
    }
    if (result == 0 && scans->first != NULL) {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "%zu image scans of an earlier run are taken up",
                scans->count);
        result = wake(scans);
    }
    if (result == 0) {
        result = scan_sweep_create(ecr, ecr->config->get_int(ecr->host, "scan-interval-s") * 1000,
                                   &scans->sweep);
    }
    if (result != 0) {
        if (err != NULL && err->text[0] == '\0') {
            virga_error_set(err, "image scanning cannot be set up: %s", strerror(-result));
        }
        scans_destroy(scans);
        return result;
    }
    *ret_scans = scans;
    return 0;
}

static void drop_waiting(struct scans *scans) {
    while (scans->first != NULL) {
        struct scan *scan = scans->first;
        scans->first = scan->next;
        scans->count--;
        free(scan);
    }
    scans->last = NULL;
}

static void check_stopped(struct scans *scans) {
    void (*on_stopped)(void *) = scans->on_stopped;
    if (scans->stopping && scans->running == NULL && on_stopped != NULL) {
        scans->on_stopped = NULL;
        on_stopped(scans->on_stopped_arg);
    }
}

void scans_stop(struct scans *scans, void (*on_stopped)(void *arg), void *arg) {
    scans->stopping = true;
    scan_sweep_destroy(scans->sweep);
    scans->sweep = NULL;
    scans->on_stopped = on_stopped;
    scans->on_stopped_arg = arg;
    scans->ecr->timer->stop(scans->timer);
    scans->timer = NULL;
    drop_waiting(scans);
    for (struct scan *scan = scans->running; scan != NULL; scan = scan->next) {
        scan_job_cancel(scan->job);
    }
    check_stopped(scans);
}

void scans_reset(struct scans *scans) {
    scan_sweep_soon(scans->sweep);
    drop_waiting(scans);
    for (struct scan *scan = scans->running; scan != NULL; scan = scan->next) {
        scan_job_cancel(scan->job);
    }
}

void scans_destroy(struct scans *scans) {
    if (scans == NULL) {
        return;
    }
    scans->ecr->timer->stop(scans->timer);
    scan_sweep_destroy(scans->sweep);
    drop_waiting(scans);
    free(scans->settings.findings);
    free(scans->settings.folder);
    scan_command_finish(&scans->settings.command);
    free(scans);
}

void scans_config_changed(struct ecr *ecr) {
    /* Neither at stop nor before scans_create() is there a sweep. */
    if (ecr->scans != NULL && ecr->scans->sweep != NULL) {
        scan_sweep_soon(ecr->scans->sweep);
    }
}

int64_t scans_quota_ms(const struct ecr *ecr) {
    return ecr->scans->quota_ms;
}

/* --- one scan's way --- */

/* Words and status of a scan that has ended. */
static void set_outcome(struct scan_record *record, const struct scan_outcome *outcome) {
    const struct scan_report *report = &outcome->report;
    uint64_t total = 0;
    if (outcome->status != 0) {
        record->status = SCAN_STATUS_FAILED;
        (void)snprintf(record->description, sizeof record->description, "%s", outcome->description);
        return;
    }
    if (report->unsupported) {
        record->status = SCAN_STATUS_UNSUPPORTED_IMAGE;
        (void)snprintf(record->description, sizeof record->description, "%s", UNSUPPORTED_TEXT);
        return;
    }
    record->status = record->continuous ? SCAN_STATUS_ACTIVE : SCAN_STATUS_COMPLETE;
    record->source_ms = report->source_ms;
    for (size_t i = 0; i < SCAN_SEVERITIES; i++) {
        record->severities[i] = report->severities[i];
        total += report->severities[i];
    }
    /* The cap on an outcome's own words leaves room for these. */
    int len = snprintf(record->description, sizeof record->description, "%s%s%s",
                       record->continuous ? ACTIVE_TEXT : DONE_TEXT,
                       outcome->description[0] != '\0' ? " " : "", outcome->description);
    if (total > report->count) {
        (void)snprintf(record->description + len, sizeof record->description - (size_t)len,
                       " Only the gravest %zu of %" PRIu64 " findings are kept.", report->count,
                       total);
    }
}

static void record_outcome(struct scan *scan, const struct scan_outcome *outcome) {
    struct ecr *ecr = scan->scans->ecr;
    struct scan_record *record = &scan->record;
    memset(record->severities, 0, sizeof record->severities);
    record->completed_ms = ecr->timer->now_ms(ecr->host);
    set_outcome(record, outcome);
    if (outcome->status != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "the scan of %s@%s failed: %s", scan->order.name,
                scan->order.digest, outcome->description);
    }
    int result = scan_record_finish(ecr, &scan->order, record, &outcome->report);
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_ERROR, NULL,
                "the outcome of the scan of %s@%s could not be recorded; it is scanned again after "
                "a restart: %s",
                scan->order.name, scan->order.digest, strerror(-result));
    }
}

static void on_done(void *arg, struct scan_outcome *outcome) {
    struct scan *scan = arg;
    struct scans *scans = scan->scans;
    struct scan **link = &scans->running;
    while (*link != scan) {
        link = &(*link)->next;
    }
    *link = scan->next;
    scans->running_count--;
    scans->count--;
    /* A canceled one keeps its order: the next start takes it up. */
    if (outcome->status != -ECANCELED) {
        record_outcome(scan, outcome);
    }
    free(scan);
    if (scans->stopping) {
        check_stopped(scans);
    } else {
        begin_some(scans);
    }
}

/* Whether the image still waits for this scan; its record is read anew, since an order of an
 * earlier run has none. */
static bool still_wanted(struct scan *scan) {
    struct ecr *ecr = scan->scans->ecr;
    const struct image_order *order = &scan->order;
    int result = scan_record_get(ecr, &order->tenant, virga_str_from(order->name),
                                 virga_str_from(order->digest), &scan->record);
    if (result == 0 && scan->record.id == order->id) {
        return true;
    }
    if (result == 0 || result == -ENOENT) {
        (void)scan_record_finish(ecr, order, &scan->record, NULL);
    }
    return false;
}

static void begin_some(struct scans *scans) {
    while (!scans->stopping && scans->first != NULL && scans->running_count < scans->parallel) {
        struct scan *scan = scans->first;
        scans->first = scan->next;
        if (scans->first == NULL) {
            scans->last = NULL;
        }
        bool wanted = still_wanted(scan);
        int result = wanted ? scan_job_start(scans->ecr, &scans->settings, &scan->order,
                                             scan->record.enhanced, on_done, scan, &scan->job)
                            : 0;
        if (wanted && result == 0) {
            scan->next = scans->running;
            scans->running = scan;
            scans->running_count++;
            continue;
        }
        scans->count--;
        if (wanted) {
            struct scan_outcome outcome = {.status = -EINVAL};
            (void)snprintf(outcome.description, sizeof outcome.description,
                           "The scan could not be started: %s", strerror(-result));
            record_outcome(scan, &outcome);
        }
        free(scan);
    }
}

int scans_begin(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                struct virga_str digest, bool enhanced, bool continuous) {
    struct scans *scans = ecr->scans;
    struct scan_record record = {
        .status = enhanced ? SCAN_STATUS_PENDING : SCAN_STATUS_IN_PROGRESS,
        .enhanced = enhanced,
        .continuous = continuous,
        .started_ms = ecr->timer->now_ms(ecr->host),
    };
    struct scan *scan;
    if (scans->stopping) {
        return -ECANCELED;
    }
    if (scans->count >= SCAN_QUEUE_MAX) {
        return -EBUSY;
    }
    scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return -ENOMEM;
    }
    scan->scans = scans;
    int result = image_order_init(&scan->order, ecr, scans->last_id, tenant, name, digest);
    struct scan_record before;
    if (continuous && scan_record_get(ecr, tenant, name, digest, &before) == 0 &&
        before.status == SCAN_STATUS_ACTIVE) {
        before.started_ms = record.started_ms;
        record = before;
    }
    record.id = scan->order.id;
    if (result == 0) {
        result = scan_record_begin(ecr, &scan->order, &record);
    }
    if (result == 0) {
        result = wake(scans);
    }
    if (result != 0) {
        free(scan);
        return result;
    }
    scans->last_id = scan->order.id;
    add_waiting(scans, scan);
    return 0;
}
