/* SPDX-License-Identifier: MIT */
/* The scans that are to be done: a queue that outlives a restart, and a few at a time. Everything
 * is [loop]. */
#ifndef ECR_SCAN_RUN_H
#define ECR_SCAN_RUN_H

#include "scan_record.h"

#define SCAN_QUEUE_MAX 10000 /* scans that wait or run */

struct scans;

/* Reads the settings and takes up the scans that an earlier run left; they begin soon. Errors: err
 * has words. */
int scans_create(struct ecr *ecr, struct scans **ret_scans, struct virga_error *err);
/* Ends the scans under way, which the next start takes up again; on_stopped when that is done,
 * maybe inside this call. */
void scans_stop(struct scans *scans, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void scans_destroy(struct scans *scans);
/* Forgets every scan: the store was emptied. */
void scans_reset(struct scans *scans);

/* Has an image scanned, by enhanced scanning and again and again where that is said; findings of
 * continuous scanning are shown on meanwhile. Errors: -EBUSY the queue
 * is full, those of the store. */
int scans_begin(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                struct virga_str digest, bool enhanced, bool continuous);
/* How long after a scan an image may not be scanned again; 0 = not at all. */
int64_t scans_quota_ms(const struct ecr *ecr);

/* A registry's rules have changed: has images scanned that are to be scanned continuously now. */
void scans_config_changed(struct ecr *ecr);

#endif
