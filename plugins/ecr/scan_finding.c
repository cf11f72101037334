/* SPDX-License-Identifier: MIT */
/* One vulnerability of a report as ImageScanFinding or EnhancedImageScanFinding.
 * Source: the API model; Trivy's types.DetectedVulnerability. */
#include "scan_report.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/sha256.h>
#include <virga/helpers/time.h>

#define CVSS_VENDORS_MAX 8 /* scores of one enhanced finding */

/* The text, cut between two characters. */
static struct virga_str cut(struct virga_str text, size_t max) {
    if (text.len > max) {
        while (max > 0 && ((unsigned char)text.ptr[max] & 0xc0) == 0x80) {
            max--;
        }
        text.len = max;
    }
    return text;
}

/* Writes a text where there is one: AWS omits what is absent. */
static void put(struct virga_json_writer *writer, const char *key, struct virga_str text,
                size_t max) {
    if (text.len > 0) {
        virga_json_str(writer, key, cut(text, max));
    }
}

static void put_score(struct virga_json_writer *writer, const char *key, double score) {
    char text[32];
    int len = snprintf(text, sizeof text, "%.1f", score);
    virga_json_raw(writer, key, (struct virga_str){text, (size_t)len});
}

/* --- CVSS: an object by vendor, each with V2Vector, V2Score, V3Vector, V3Score, V40... --- */

struct cvss {
    struct virga_str vector;
    double score;
    bool known;
};

static struct cvss read_cvss(struct json_object *of_vendor, const char *vector, const char *score) {
    struct json_object *number = virga_awsjson_member(of_vendor, score);
    struct cvss cvss = {.vector = virga_awsjson_str(of_vendor, vector)};
    if (json_object_is_type(number, json_type_double) ||
        json_object_is_type(number, json_type_int)) {
        cvss.score = json_object_get_double(number);
        /* No score at all is written as zero. */
        cvss.known = cvss.score > 0 && cvss.score <= 10;
    }
    return cvss;
}

/* The vendor whose scores are taken: NVD, else whose severity the report took, else any. */
static struct json_object *best_cvss(struct json_object *vulnerability, const char **ret_vendor) {
    struct json_object *all = virga_awsjson_member(vulnerability, "CVSS");
    const char *source = virga_awsjson_str(vulnerability, "SeveritySource").ptr;
    const char *const wanted[] = {"nvd", source};
    if (!json_object_is_type(all, json_type_object)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct json_object *one = wanted[i] != NULL ? virga_awsjson_member(all, wanted[i]) : NULL;
        if (json_object_is_type(one, json_type_object)) {
            *ret_vendor = wanted[i];
            return one;
        }
    }
    json_object_object_foreach(all, vendor, value) {
        if (json_object_is_type(value, json_type_object)) {
            *ret_vendor = vendor;
            return value;
        }
    }
    return NULL;
}

static const char *version_of(struct virga_str vector, const char *absent) {
    static const char *const versions[] = {"3.0", "3.1", "4.0"};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (vector.len > 8 && strncmp(vector.ptr, "CVSS:", 5) == 0 &&
            strncmp(vector.ptr + 5, versions[i], 3) == 0) {
            return versions[i];
        }
    }
    return absent;
}

/* --- basic scanning --- */

static void put_attribute(struct virga_json_writer *writer, const char *key,
                          struct virga_str value) {
    if (value.len > 0) {
        virga_json_begin_object(writer, NULL);
        virga_json_string(writer, "key", key);
        put(writer, "value", value, SCAN_NAME_MAX);
        virga_json_end_object(writer);
    }
}

static void put_cvss_attributes(struct virga_json_writer *writer, struct cvss cvss,
                                const char *vector_key, const char *score_key) {
    char text[32];
    put_attribute(writer, vector_key, cvss.vector);
    if (cvss.known) {
        (void)snprintf(text, sizeof text, "%.1f", cvss.score);
        put_attribute(writer, score_key, virga_str_from(text));
    }
}

static struct virga_str text_of(struct json_object *vulnerability) {
    struct virga_str text = virga_awsjson_str(vulnerability, "Description");
    return text.len > 0 ? text : virga_awsjson_str(vulnerability, "Title");
}

static struct virga_str url_of(struct json_object *vulnerability) {
    struct virga_str url = virga_awsjson_str(vulnerability, "PrimaryURL");
    struct json_object *first = virga_awsjson_element(vulnerability, "References", 0);
    return url.len > 0 || first == NULL ? url : virga_awsjson_text(first);
}

static void write_basic(struct virga_json_writer *writer, struct json_object *vulnerability,
                        enum scan_severity severity) {
    const char *vendor = NULL;
    struct json_object *cvss = best_cvss(vulnerability, &vendor);
    put(writer, "name", virga_awsjson_str(vulnerability, "VulnerabilityID"), SCAN_NAME_MAX);
    put(writer, "description", text_of(vulnerability), SCAN_DESCRIPTION_MAX);
    put(writer, "uri", url_of(vulnerability), SCAN_URL_MAX);
    virga_json_string(writer, "severity", scan_severity_word(severity, false));
    virga_json_begin_array(writer, "attributes");
    put_attribute(writer, "package_version", virga_awsjson_str(vulnerability, "InstalledVersion"));
    put_attribute(writer, "package_name", virga_awsjson_str(vulnerability, "PkgName"));
    if (cvss != NULL) {
        put_cvss_attributes(writer, read_cvss(cvss, "V2Vector", "V2Score"), "CVSS2_VECTOR",
                            "CVSS2_SCORE");
        put_cvss_attributes(writer, read_cvss(cvss, "V3Vector", "V3Score"), "CVSS3_VECTOR",
                            "CVSS3_SCORE");
    }
    virga_json_end_array(writer);
}

/* --- enhanced scanning --- */

static void put_upper(struct virga_json_writer *writer, const char *key, struct virga_str text,
                      bool dashes) {
    char upper[64];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof upper; i++) {
        char c = text.ptr[i];
        if (c == '-' && !dashes) {
            continue;
        }
        upper[len++] = c == '-' ? '_' : (char)toupper((unsigned char)c);
    }
    put(writer, key, (struct virga_str){upper, len}, sizeof upper);
}

static void put_date(struct virga_json_writer *writer, const char *key, struct virga_str date) {
    int64_t time_ms;
    if (date.len > 0 && virga_time_parse(date, &time_ms) == 0) {
        virga_json_time(writer, key, time_ms);
    }
}

static void put_cvss_entry(struct virga_json_writer *writer, const char *vendor, struct cvss cvss,
                           const char *version) {
    if (!cvss.known) {
        return;
    }
    virga_json_begin_object(writer, NULL);
    put_score(writer, "baseScore", cvss.score);
    put(writer, "scoringVector", cvss.vector, SCAN_NAME_MAX);
    put_upper(writer, "source", virga_str_from(vendor), true);
    virga_json_string(writer, "version", version_of(cvss.vector, version));
    virga_json_end_object(writer);
}

static void write_cvss(struct virga_json_writer *writer, struct json_object *vulnerability) {
    struct json_object *all = virga_awsjson_member(vulnerability, "CVSS");
    size_t count = 0;
    virga_json_begin_array(writer, "cvss");
    if (json_object_is_type(all, json_type_object)) {
        json_object_object_foreach(all, vendor, value) {
            if (json_object_is_type(value, json_type_object) && count++ < CVSS_VENDORS_MAX) {
                put_cvss_entry(writer, vendor, read_cvss(value, "V2Vector", "V2Score"), "2.0");
                put_cvss_entry(writer, vendor, read_cvss(value, "V3Vector", "V3Score"), "3.1");
                put_cvss_entry(writer, vendor, read_cvss(value, "V40Vector", "V40Score"), "4.0");
            }
        }
    }
    virga_json_end_array(writer);
}

static void put_urls(struct virga_json_writer *writer, struct json_object *vulnerability) {
    size_t count = virga_awsjson_length(vulnerability, "References");
    virga_json_begin_array(writer, "referenceUrls");
    for (size_t i = 0; i < count && i < SCAN_REFERENCES_MAX; i++) {
        put(writer, NULL, virga_awsjson_text(virga_awsjson_element(vulnerability, "References", i)),
            SCAN_URL_MAX);
    }
    virga_json_end_array(writer);
}

/* A version of an operating system's package is [epoch:]version[-release]. */
static void put_version(struct virga_json_writer *writer, struct virga_str version) {
    const char *colon = version.len > 0 ? memchr(version.ptr, ':', version.len) : NULL;
    if (colon != NULL) {
        int64_t epoch = 0;
        for (const char *at = version.ptr; at < colon && epoch < 1000000; at++) {
            epoch = isdigit((unsigned char)*at) ? epoch * 10 + (*at - '0') : epoch;
        }
        virga_json_int(writer, "epoch", epoch);
        version.len -= (size_t)(colon + 1 - version.ptr);
        version.ptr = colon + 1;
    } else {
        virga_json_int(writer, "epoch", 0);
    }
    const char *dash = version.len > 0 ? memrchr(version.ptr, '-', version.len) : NULL;
    if (dash != NULL) {
        put(writer, "release",
            (struct virga_str){dash + 1, (size_t)(version.ptr + version.len - dash - 1)},
            SCAN_NAME_MAX);
        version.len = (size_t)(dash - version.ptr);
    }
    put(writer, "version", version, SCAN_NAME_MAX);
}

static void write_package(struct virga_json_writer *writer, struct json_object *result,
                          struct json_object *vulnerability) {
    struct json_object *layer = virga_awsjson_member(vulnerability, "Layer");
    bool os = virga_str_equal(virga_awsjson_str(result, "Class"), virga_str_from("os-pkgs"));
    struct virga_str path = virga_awsjson_str(vulnerability, "PkgPath");
    if (!os && path.len == 0) {
        path = virga_awsjson_str(result, "Target");
    }
    virga_json_begin_array(writer, "vulnerablePackages");
    virga_json_begin_object(writer, NULL);
    put(writer, "filePath", path, SCAN_URL_MAX);
    put(writer, "name", virga_awsjson_str(vulnerability, "PkgName"), SCAN_NAME_MAX);
    if (os) {
        virga_json_string(writer, "packageManager", "OS");
        put_version(writer, virga_awsjson_str(vulnerability, "InstalledVersion"));
    } else {
        put_upper(writer, "packageManager", virga_awsjson_str(result, "Type"), false);
        put(writer, "version", virga_awsjson_str(vulnerability, "InstalledVersion"), SCAN_NAME_MAX);
    }
    put(writer, "sourceLayerHash", virga_awsjson_str(layer, "Digest"), SCAN_NAME_MAX);
    put(writer, "fixedInVersion", virga_awsjson_str(vulnerability, "FixedVersion"), SCAN_NAME_MAX);
    virga_json_end_object(writer);
    virga_json_end_array(writer);
}

static void write_details(struct virga_json_writer *writer, struct json_object *result,
                          struct json_object *vulnerability, enum scan_severity severity) {
    struct json_object *source = virga_awsjson_member(vulnerability, "DataSource");
    struct virga_str origin = virga_awsjson_str(vulnerability, "SeveritySource");
    if (origin.len == 0) {
        origin = virga_awsjson_str(source, "ID");
    }
    struct virga_str url = url_of(vulnerability);
    virga_json_begin_object(writer, "packageVulnerabilityDetails");
    write_cvss(writer, vulnerability);
    put_urls(writer, vulnerability);
    virga_json_begin_array(writer, "relatedVulnerabilities");
    virga_json_end_array(writer);
    put_upper(writer, "source", origin, true);
    put(writer, "sourceUrl", url.len > 0 ? url : virga_awsjson_str(source, "URL"), SCAN_URL_MAX);
    put_date(writer, "vendorCreatedAt", virga_awsjson_str(vulnerability, "PublishedDate"));
    virga_json_string(writer, "vendorSeverity", scan_severity_word(severity, true));
    put_date(writer, "vendorUpdatedAt", virga_awsjson_str(vulnerability, "LastModifiedDate"));
    put(writer, "vulnerabilityId", virga_awsjson_str(vulnerability, "VulnerabilityID"),
        SCAN_NAME_MAX);
    write_package(writer, result, vulnerability);
    virga_json_end_object(writer);
}

static void write_score(struct virga_json_writer *writer, struct json_object *vulnerability) {
    const char *vendor = NULL;
    const char *version = "3.1";
    struct json_object *scores = best_cvss(vulnerability, &vendor);
    struct cvss cvss = read_cvss(scores, "V3Vector", "V3Score");
    if (!cvss.known) {
        cvss = read_cvss(scores, "V2Vector", "V2Score");
        version = "2.0";
    }
    if (scores == NULL || !cvss.known) {
        return;
    }
    put_score(writer, "score", cvss.score);
    virga_json_begin_object(writer, "scoreDetails");
    virga_json_begin_object(writer, "cvss");
    virga_json_begin_array(writer, "adjustments");
    virga_json_end_array(writer);
    put_score(writer, "score", cvss.score);
    put_upper(writer, "scoreSource", virga_str_from(vendor), true);
    put(writer, "scoringVector", cvss.vector, SCAN_NAME_MAX);
    virga_json_string(writer, "version", version_of(cvss.vector, version));
    virga_json_end_object(writer);
    virga_json_end_object(writer);
}

/* The same finding of the same image has the same ARN after every scan. */
static int write_arn(struct virga_json_writer *writer, const struct scan_subject *subject,
                     struct json_object *vulnerability, char ret_id[SCAN_FINDING_ID_LEN + 1]) {
    char text[4 * SCAN_NAME_MAX + ECR_NAME_MAX + 256], hex[VIRGA_SHA256_HEX_LEN + 1], arn[256];
    struct virga_str id = cut(virga_awsjson_str(vulnerability, "VulnerabilityID"), SCAN_NAME_MAX);
    struct virga_str package = cut(virga_awsjson_str(vulnerability, "PkgName"), SCAN_NAME_MAX);
    struct virga_str version =
        cut(virga_awsjson_str(vulnerability, "InstalledVersion"), SCAN_NAME_MAX);
    struct virga_str path = cut(virga_awsjson_str(vulnerability, "PkgPath"), SCAN_NAME_MAX);
    int len = snprintf(
        text, sizeof text, "%s %s %s %s %.*s %.*s %.*s %.*s", subject->tenant.account,
        subject->tenant.region, subject->name, subject->digest, (int)id.len, id.ptr,
        (int)package.len, package.ptr != NULL ? package.ptr : "", (int)version.len,
        version.ptr != NULL ? version.ptr : "", (int)path.len, path.ptr != NULL ? path.ptr : "");
    int result = virga_sha256_hex((struct virga_str){text, (size_t)len}, hex);
    if (result == 0) {
        memcpy(ret_id, hex, SCAN_FINDING_ID_LEN);
        ret_id[SCAN_FINDING_ID_LEN] = '\0';
        (void)snprintf(arn, sizeof arn, "arn:%s:inspector2:%s:%s:finding/%s",
                       virga_arn_partition(virga_str_from(subject->tenant.region)),
                       subject->tenant.region, subject->tenant.account, ret_id);
        virga_json_string(writer, "findingArn", arn);
    }
    return result;
}

static int write_enhanced(struct virga_json_writer *writer, const struct scan_subject *subject,
                          struct json_object *result, struct json_object *vulnerability,
                          enum scan_severity severity, char ret_id[SCAN_FINDING_ID_LEN + 1]) {
    char title[2 * SCAN_NAME_MAX + 8];
    struct virga_str id = cut(virga_awsjson_str(vulnerability, "VulnerabilityID"), SCAN_NAME_MAX);
    struct virga_str package = cut(virga_awsjson_str(vulnerability, "PkgName"), SCAN_NAME_MAX);
    (void)snprintf(title, sizeof title, package.len > 0 ? "%.*s - %.*s" : "%.*s", (int)id.len,
                   id.ptr, (int)package.len, package.ptr);
    virga_json_string(writer, "awsAccountId", subject->tenant.account);
    put(writer, "description", text_of(vulnerability), SCAN_DESCRIPTION_MAX);
    int rc = write_arn(writer, subject, vulnerability, ret_id);
    virga_json_time(writer, "lastObservedAt", subject->now_ms);
    write_details(writer, result, vulnerability, severity);
    virga_json_begin_object(writer, "remediation");
    virga_json_begin_object(writer, "recommendation");
    virga_json_string(writer, "text", "None Provided");
    virga_json_end_object(writer);
    virga_json_end_object(writer);
    write_score(writer, vulnerability);
    virga_json_string(writer, "severity", scan_severity_word(severity, true));
    virga_json_string(writer, "status", "ACTIVE");
    virga_json_string(writer, "title", title);
    virga_json_string(writer, "type", "PACKAGE_VULNERABILITY");
    virga_json_time(writer, "updatedAt", subject->now_ms);
    virga_json_string(writer, "fixAvailable",
                      virga_awsjson_str(vulnerability, "FixedVersion").len > 0 ? "YES" : "NO");
    virga_json_string(writer, "exploitAvailable",
                      virga_awsjson_bool(vulnerability, "ExploitAvailable") ? "YES" : "NO");
    return rc;
}

int scan_finding_write(const struct scan_subject *subject, struct json_object *result,
                       struct json_object *vulnerability, enum scan_severity severity,
                       struct scan_finding *ret_finding) {
    struct virga_json_writer writer = {0};
    int rc = 0;
    virga_json_begin_object(&writer, NULL);
    if (subject->enhanced) {
        rc = write_enhanced(&writer, subject, result, vulnerability, severity, ret_finding->id);
    } else {
        write_basic(&writer, vulnerability, severity);
    }
    virga_json_end_object(&writer);
    if (rc == 0 && writer.failed) {
        rc = -ENOMEM;
    }
    if (rc == 0) {
        ret_finding->members = strndup(writer.ptr + 1, writer.len - 2);
        rc = ret_finding->members == NULL ? -ENOMEM : 0;
    }
    if (rc == 0) {
        ret_finding->len = writer.len - 2;
        ret_finding->severity = severity;
    }
    virga_json_finish(&writer);
    return rc;
}
