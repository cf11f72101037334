/* SPDX-License-Identifier: MIT */
/* What the store knows of scans: how an image's last scan stands, and its findings. Everything is
 * [loop]; functions return as those of meta.h. */
#ifndef ECR_SCAN_RECORD_H
#define ECR_SCAN_RECORD_H

#include "image_order.h"
#include "scan_report.h"

#include <virga/helpers/json_writer.h>

enum scan_status {
    SCAN_STATUS_IN_PROGRESS,
    SCAN_STATUS_PENDING, /* IN_PROGRESS of enhanced scanning */
    SCAN_STATUS_COMPLETE,
    SCAN_STATUS_ACTIVE, /* COMPLETE where images are scanned again and again */
    SCAN_STATUS_FAILED,
    SCAN_STATUS_UNSUPPORTED_IMAGE,
};

/* How the last scan of an image stands. */
struct scan_record {
    uint64_t id; /* of the scan */
    enum scan_status status;
    bool enhanced;
    bool continuous;
    int64_t started_ms;
    int64_t completed_ms; /* 0 = not yet */
    int64_t source_ms;
    uint64_t severities[SCAN_SEVERITIES];
    char description[512];
};

const char *scan_status_word(enum scan_status status);
/* Whether its scan is still to come or under way. */
bool scan_record_open(const struct scan_record *record);

int scan_record_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, struct scan_record *ret_record);
/* Writes record and order in one transaction; id and started_ms are the caller's. The findings of
 * an earlier scan stay until the next outcome. */
int scan_record_begin(struct ecr *ecr, const struct image_order *order,
                      const struct scan_record *record);
/* Writes the outcome of the order's scan, its findings and the end of the order in one transaction.
 * `record` says status, description and times; its id is the order's. An image that is gone, or
 * whose scan is another one by now, gets nothing. */
int scan_record_finish(struct ecr *ecr, const struct image_order *order,
                       const struct scan_record *record, const struct scan_report *report);

/* A finding in the store. */
struct scan_shown {
    struct virga_str position;
    struct virga_str members; /* of its JSON object, without the braces */
    struct virga_str id;      /* of an enhanced one; may be empty */
    int64_t first_ms;         /* when a scan first found it */
};

/* Walks an image's findings, gravest first, from behind `after` (a position; ptr NULL: from the
 * start). */
int scan_findings_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, struct virga_str after,
                       int (*on_each)(void *arg, const struct scan_shown *shown), void *arg);

/* Writes imageScanStatus, and imageScanFindingsSummary when a scan was completed: what
 * DescribeImages shows. Writes nothing for an image that was never scanned. */
int scan_record_write_detail(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                             struct virga_str digest, struct virga_json_writer *writer);
/* Writes imageScanStatus. */
void scan_record_write_status(const struct scan_record *record, struct virga_json_writer *writer);
/* Writes imageScanCompletedAt, vulnerabilitySourceUpdatedAt and findingSeverityCounts. */
void scan_record_write_summary(const struct scan_record *record, struct virga_json_writer *writer);
/* Whether the record's scan has findings to show. */
bool scan_record_has_findings(const struct scan_record *record);

#endif
