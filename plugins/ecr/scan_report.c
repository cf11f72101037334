/* SPDX-License-Identifier: MIT */
/* Reading a scanner's report. */
#include "scan_report.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/time.h>

#define REPORT_MAX_DEPTH 64
#define WALK_FIRST_CAPACITY 64

static const char *const words[SCAN_SEVERITIES] = {"CRITICAL", "HIGH",          "MEDIUM",
                                                   "LOW",      "INFORMATIONAL", "UNDEFINED"};

const char *scan_severity_word(enum scan_severity severity, bool enhanced) {
    return severity == SCAN_UNDEFINED && enhanced ? "UNTRIAGED" : words[severity];
}

/* NEGLIGIBLE is what distributions call a flaw that needs no fix. */
static enum scan_severity severity_of(struct json_object *vulnerability) {
    struct virga_str word = virga_awsjson_str(vulnerability, "Severity");
    for (int i = 0; i < SCAN_SEVERITIES; i++) {
        if (word.len == strlen(words[i]) && strncasecmp(word.ptr, words[i], word.len) == 0) {
            return (enum scan_severity)i;
        }
    }
    return word.len == 10 && strncasecmp(word.ptr, "NEGLIGIBLE", 10) == 0 ? SCAN_INFORMATIONAL
                                                                          : SCAN_UNDEFINED;
}

/* One vulnerability on its way: what is kept is decided before anything is written. */
struct found {
    struct json_object *result;
    struct json_object *vulnerability;
    enum scan_severity severity;
    size_t order;
};

struct walk {
    struct found *found;
    size_t count;
    size_t capacity;
    int64_t newest_ms;
};

static int add_found(struct walk *walk, struct json_object *result,
                     struct json_object *vulnerability, enum scan_severity severity) {
    if (walk->count == walk->capacity) {
        size_t capacity = walk->capacity > 0 ? walk->capacity * 2 : WALK_FIRST_CAPACITY;
        struct found *grown = realloc(walk->found, capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        walk->found = grown;
        walk->capacity = capacity;
    }
    walk->found[walk->count] = (struct found){result, vulnerability, severity, walk->count};
    walk->count++;
    return 0;
}

static int compare_found(const void *a, const void *b) {
    const struct found *one = a, *other = b;
    if (one->severity != other->severity) {
        return one->severity < other->severity ? -1 : 1;
    }
    return one->order < other->order ? -1 : one->order > other->order;
}

static int walk_result(struct walk *walk, struct scan_report *report, struct json_object *result,
                       struct virga_error *err) {
    struct json_object *list = virga_awsjson_member(result, "Vulnerabilities");
    if (list == NULL) {
        return 0;
    }
    if (!json_object_is_type(list, json_type_array)) {
        virga_error_set(err, "Vulnerabilities is no array");
        return -EINVAL;
    }
    size_t count = json_object_array_length(list);
    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        int64_t modified_ms = 0;
        if (virga_awsjson_str(one, "VulnerabilityID").len == 0) {
            virga_error_set(err, "a vulnerability has no VulnerabilityID");
            return -EINVAL;
        }
        if (virga_time_parse(virga_awsjson_str(one, "LastModifiedDate"), &modified_ms) == 0 &&
            modified_ms > walk->newest_ms) {
            walk->newest_ms = modified_ms;
        }
        enum scan_severity severity = severity_of(one);
        report->severities[severity]++;
        int rc = add_found(walk, result, one, severity);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int walk_root(struct walk *walk, struct scan_report *report, struct json_object *root,
                     struct virga_error *err) {
    struct json_object *results = virga_awsjson_member(root, "Results");
    struct json_object *metadata = virga_awsjson_member(root, "Metadata");
    if (results != NULL && !json_object_is_type(results, json_type_array)) {
        virga_error_set(err, "Results is no array");
        return -EINVAL;
    }
    if (results == NULL && metadata == NULL &&
        virga_awsjson_member(root, "SchemaVersion") == NULL) {
        virga_error_set(err, "it has neither Results nor SchemaVersion: not a report of Trivy's");
        return -EINVAL;
    }
    size_t count = results != NULL ? json_object_array_length(results) : 0;
    /* A scanner that looked into an image and found neither: there was nothing that it knows. */
    report->unsupported = count == 0 && metadata != NULL &&
                          virga_str_equal(virga_awsjson_str(root, "ArtifactType"),
                                          virga_str_from("container_image")) &&
                          virga_awsjson_member(metadata, "OS") == NULL;
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct json_object *one = json_object_array_get_idx(results, i);
        if (!json_object_is_type(one, json_type_object)) {
            virga_error_set(err, "an element of Results is no object");
            return -EINVAL;
        }
        result = walk_result(walk, report, one, err);
    }
    return result;
}

/* Parses one JSON object; what follows it must be blank. */
static int parse(struct virga_str text, struct json_object **ret_root, struct virga_error *err) {
    if (text.len > SCAN_REPORT_MAX_BYTES) {
        virga_error_set(err, "it is larger than %u bytes", SCAN_REPORT_MAX_BYTES);
        return -EINVAL;
    }
    struct json_tokener *tokener = json_tokener_new_ex(REPORT_MAX_DEPTH);
    if (tokener == NULL) {
        return -ENOMEM;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root =
        json_tokener_parse_ex(tokener, text.len > 0 ? text.ptr : "", (int)text.len);
    enum json_tokener_error parsed = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    while (end < text.len && text.ptr[end] != '\0' && strchr(" \t\r\n", text.ptr[end]) != NULL) {
        end++;
    }
    json_tokener_free(tokener);
    if (parsed != json_tokener_success || end != text.len ||
        !json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        virga_error_set(err, text.len == 0 ? "it is empty" : "it is no JSON object");
        return -EINVAL;
    }
    *ret_root = root;
    return 0;
}

static int write_findings(const struct scan_subject *subject, const struct walk *walk,
                          struct scan_report *report) {
    size_t kept = walk->count < SCAN_FINDINGS_MAX ? walk->count : SCAN_FINDINGS_MAX;
    if (kept == 0) {
        return 0;
    }
    qsort(walk->found, walk->count, sizeof *walk->found, compare_found);
    report->findings = calloc(kept, sizeof *report->findings);
    if (report->findings == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < kept; i++) {
        const struct found *found = &walk->found[i];
        int result = scan_finding_write(subject, found->result, found->vulnerability,
                                        found->severity, &report->findings[i]);
        if (result != 0) {
            return result;
        }
        report->findings[i].order = found->order;
        report->count++;
    }
    return 0;
}

int scan_report_read(struct virga_str text, const struct scan_subject *subject,
                     struct scan_report *ret_report, struct virga_error *err) {
    struct scan_report report = {0};
    struct walk walk = {0};
    struct json_object *root = NULL;
    int result = parse(text, &root, err);
    if (result == 0) {
        result = walk_root(&walk, &report, root, err);
    }
    if (result == 0) {
        result = write_findings(subject, &walk, &report);
    }
    if (result == 0 &&
        virga_time_parse(virga_awsjson_str(root, "CreatedAt"), &report.source_ms) != 0) {
        report.source_ms = walk.newest_ms != 0 ? walk.newest_ms : subject->now_ms;
    }
    json_object_put(root);
    free(walk.found);
    if (result != 0) {
        scan_report_finish(&report);
        return result;
    }
    *ret_report = report;
    return 0;
}

void scan_report_finish(struct scan_report *report) {
    for (size_t i = 0; report->findings != NULL && i < report->count; i++) {
        free(report->findings[i].members);
    }
    free(report->findings);
    *report = (struct scan_report){0};
}
