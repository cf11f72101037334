/* SPDX-License-Identifier: MIT */
/* A scanner's report (Trivy's JSON, schema version 2) made into findings as the API shows them.
 * Owns the mapping and its caps; pure. Thread: [any]. */
#ifndef ECR_SCAN_REPORT_H
#define ECR_SCAN_REPORT_H

#include "ecr.h"

#include <json-c/json.h>

#define SCAN_REPORT_MAX_BYTES (64u << 20)
#define SCAN_FINDINGS_MAX 10000 /* kept of one image; the gravest first. All are counted. */
#define SCAN_FINDING_ID_LEN 32
#define SCAN_NAME_MAX 256 /* bytes of names, versions and attributes */
#define SCAN_URL_MAX 2048
#define SCAN_DESCRIPTION_MAX 4096
#define SCAN_REFERENCES_MAX 50

/* In the order of gravity. */
enum scan_severity {
    SCAN_CRITICAL,
    SCAN_HIGH,
    SCAN_MEDIUM,
    SCAN_LOW,
    SCAN_INFORMATIONAL,
    SCAN_UNDEFINED,
    SCAN_SEVERITIES
};

/* What was scanned, and for which of the two kinds of scanning. */
struct scan_subject {
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1];
    bool enhanced;
    int64_t now_ms;
};

/* A finding: the members of its JSON object, without the braces. */
struct scan_finding {
    char *members;
    size_t len;
    enum scan_severity severity;
    size_t order; /* in the report */
    /* Of an enhanced finding: the same after every scan of the image; "" = basic. */
    char id[SCAN_FINDING_ID_LEN + 1];
};

/* Owns: findings; free with scan_report_finish(). */
struct scan_report {
    struct scan_finding *findings; /* gravest first */
    size_t count;                  /* at most SCAN_FINDINGS_MAX */
    uint64_t severities[SCAN_SEVERITIES];
    int64_t source_ms; /* the age of what the scanner knows: the report's CreatedAt, else the newest
                          LastModifiedDate, else the subject's now_ms */
    bool unsupported;  /* the scanner knew neither operating system nor packages of the image */
};

/* Reads a report. Errors: -EINVAL it is none (err says why), -ENOMEM. */
int scan_report_read(struct virga_str text, const struct scan_subject *subject,
                     struct scan_report *ret_report, struct virga_error *err);
void scan_report_finish(struct scan_report *report);

/* "CRITICAL"; what has no severity is UNDEFINED in basic, UNTRIAGED in enhanced scanning. */
const char *scan_severity_word(enum scan_severity severity, bool enhanced);

/* Between scan_report.c and scan_finding.c: writes one vulnerability of a report. `result` is the
 * element of Results that has it. Errors: -ENOMEM. */
int scan_finding_write(const struct scan_subject *subject, struct json_object *result,
                       struct json_object *vulnerability, enum scan_severity severity,
                       struct scan_finding *ret_finding);

#endif
