/* SPDX-License-Identifier: MIT */
/* POST /_floci/ecr/lifecycle/run: runs lifecycle policies now, as of any time, and tells what was
 * done. */
#include "lifecycle_run.h"

#include "meta.h"
#include "reference.h"
#include "strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/time.h>

/* The report: what does not fit is counted and not listed. */
#define REPORT_MAX (8u << 20)
#define SECONDS_MAX 253402300799.0 /* the end of the year 9999 */

struct report {
    struct ecr *ecr;
    struct virga_request *req;
    int64_t as_of_ms;
    uint64_t began_ns;
    struct strbuf repositories; /* JSON, separated by commas */
    /* of the repository at hand: JSON, separated by commas */
    struct strbuf expired;
    struct strbuf transitioned;
    struct strbuf failures;
    bool truncated;
};

static void answer(struct virga_request *req, int status, struct virga_str text) {
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/json")};
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = &header,
        .headers_count = 1,
        .body = text,
    };
    (void)req->http->respond(req, &res);
}

static void answer_failure(struct virga_request *req, int status, const char *reason) {
    struct strbuf body = {0};
    strbuf_add_text(&body, "{\"status\":\"error\",\"message\":");
    strbuf_add_json(&body, virga_str_from(reason));
    strbuf_add_text(&body, "}\n");
    answer(req, status, strbuf_str(&body));
    strbuf_finish(&body);
}

/* --- the report --- */

static size_t length(const struct report *report) {
    return report->repositories.len + report->expired.len + report->transitioned.len +
           report->failures.len;
}

static void on_image(void *arg, const char *digest, enum lifecycle_outcome outcome,
                     const char *reason) {
    struct report *report = arg;
    if (outcome == LIFECYCLE_SKIPPED) {
        return;
    }
    if (length(report) > REPORT_MAX) {
        report->truncated = true;
        return;
    }
    struct strbuf *list = outcome == LIFECYCLE_EXPIRED        ? &report->expired
                          : outcome == LIFECYCLE_TRANSITIONED ? &report->transitioned
                                                              : &report->failures;
    strbuf_add_text(list, list->len > 0 ? "," : "");
    if (outcome == LIFECYCLE_FAILED) {
        strbuf_addf(list, "{\"imageDigest\":\"%s\",\"reason\":", digest);
        strbuf_add_json(list, virga_str_from(reason != NULL ? reason : ""));
        strbuf_add_text(list, "}");
    } else {
        strbuf_addf(list, "\"%s\"", digest);
    }
}

static void on_repository(void *arg, const struct tenant *tenant, const char *name,
                          const struct lifecycle_counts *counts, const char *reason) {
    struct report *report = arg;
    struct strbuf *text = &report->repositories;
    if (length(report) > REPORT_MAX) {
        report->truncated = true;
    } else {
        strbuf_addf(text,
                    "%s{\"registryId\":\"%s\",\"region\":\"%s\",\"repositoryName\":\"%s\","
                    "\"evaluated\":%" PRIu64 ",\"expired\":%" PRIu64 ",\"transitioned\":%" PRIu64
                    ",\"skipped\":%" PRIu64 ",\"digests\":{\"expired\":[",
                    text->len > 0 ? "," : "", tenant->account, tenant->region, name,
                    counts->evaluated, counts->expired, counts->transitioned, counts->skipped);
        strbuf_add_str(text, strbuf_str(&report->expired));
        strbuf_add_text(text, "],\"transitioned\":[");
        strbuf_add_str(text, strbuf_str(&report->transitioned));
        strbuf_add_text(text, "]},\"failures\":[");
        strbuf_add_str(text, strbuf_str(&report->failures));
        strbuf_add_text(text, "]");
        if (reason != NULL) {
            strbuf_add_text(text, ",\"error\":");
            strbuf_add_json(text, virga_str_from(reason));
        }
        strbuf_add_text(text, "}");
    }
    strbuf_finish(&report->expired);
    strbuf_finish(&report->transitioned);
    strbuf_finish(&report->failures);
}

static void on_done(void *arg, int status, const char *reason,
                    const struct lifecycle_counts *totals, size_t repositories) {
    struct report *report = arg;
    struct ecr *ecr = report->ecr;
    struct strbuf body = {0};
    char as_of[VIRGA_TIME_SIZE];
    virga_time_format(report->as_of_ms, as_of);
    strbuf_addf(&body,
                "{\"status\":\"%s\",\"asOf\":\"%s\",\"repositoryCount\":%zu,\"evaluated\":%" PRIu64
                ",\"expired\":%" PRIu64 ",\"transitioned\":%" PRIu64 ",\"skipped\":%" PRIu64
                ",\"failed\":%" PRIu64 ",\"durationMs\":%" PRIu64 ",\"truncated\":%s",
                status == 0 ? "ok" : "error", as_of, repositories, totals->evaluated,
                totals->expired, totals->transitioned, totals->skipped, totals->failed,
                (ecr->timer->monotonic_ns(ecr->host) - report->began_ns) / 1000000u,
                report->truncated ? "true" : "false");
    if (status != 0) {
        strbuf_add_text(&body, ",\"message\":");
        strbuf_add_json(&body, virga_str_from(reason));
    }
    strbuf_add_text(&body, ",\"repositories\":[");
    strbuf_add_str(&body, strbuf_str(&report->repositories));
    strbuf_add_text(&body, "]}\n");
    if (body.failed || report->repositories.failed) {
        answer_failure(report->req, 500, "out of memory");
    } else {
        answer(report->req, status == 0 ? 200 : 503, strbuf_str(&body));
    }
    strbuf_finish(&body);
    strbuf_finish(&report->repositories);
    strbuf_finish(&report->expired);
    strbuf_finish(&report->transitioned);
    strbuf_finish(&report->failures);
    free(report);
}

/* --- the request --- */

/* Reads asOf: seconds since 1970, or ISO 8601. */
static bool read_time(struct json_object *value, int64_t *ret_time_ms) {
    struct virga_str text = virga_awsjson_text(value);
    if (text.ptr != NULL) {
        return virga_time_parse(text, ret_time_ms) == 0;
    }
    enum json_type type = json_object_get_type(value);
    double seconds = json_object_get_double(value);
    if ((type != json_type_int && type != json_type_double) || !(seconds >= 0) ||
        seconds > SECONDS_MAX) {
        return false;
    }
    *ret_time_ms = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

static bool copy_member(struct json_object *value, bool (*is_good)(struct virga_str text),
                        char *buffer, size_t size) {
    struct virga_str text = virga_awsjson_text(value);
    if (text.ptr == NULL || text.len >= size || !is_good(text)) {
        return false;
    }
    memcpy(buffer, text.ptr, text.len + 1);
    return true;
}

/* Reads the members; returns what is wrong, or NULL. */
static const char *read_members(struct json_object *input, struct lifecycle_filter *filter,
                                int64_t *as_of_ms) {
    json_object_object_foreach(input, key, value) {
        if (strcmp(key, "asOf") == 0) {
            if (!read_time(value, as_of_ms)) {
                return "asOf must be seconds since 1970, or a time like 2026-01-31T00:00:00Z";
            }
        } else if (strcmp(key, "repositoryName") == 0) {
            if (!copy_member(value, reference_is_name, filter->name, sizeof filter->name)) {
                return "repositoryName is not the name of a repository";
            }
        } else if (strcmp(key, "registryId") == 0) {
            if (!copy_member(value, reference_is_account, filter->tenant.account,
                             sizeof filter->tenant.account)) {
                return "registryId must be 12 digits";
            }
        } else if (strcmp(key, "region") == 0) {
            if (!copy_member(value, reference_is_region, filter->tenant.region,
                             sizeof filter->tenant.region)) {
                return "region is not the name of a region";
            }
        } else {
            return "the members are asOf, repositoryName, registryId and region";
        }
    }
    return NULL;
}

/* Fills in whose repository is meant, and looks whether it has a policy; false: answered. */
static bool find_repository(struct ecr *ecr, struct virga_request *req,
                            struct lifecycle_filter *filter) {
    struct tenant *tenant = &filter->tenant;
    struct virga_store_value text = {0};
    char message[ECR_NAME_MAX + 160];
    if (tenant->account[0] == '\0' && reference_is_account(req->account)) {
        memcpy(tenant->account, req->account.ptr, req->account.len);
    }
    if (tenant->region[0] == '\0' && reference_is_region(req->region)) {
        memcpy(tenant->region, req->region.ptr, req->region.len);
    }
    int result = meta_text_get(ecr, tenant, virga_str_from(filter->name), "lifecycle", &text);
    ecr->store->release(ecr->host, &text);
    if (result == -ENOENT) {
        (void)snprintf(message, sizeof message,
                       "Lifecycle policy does not exist for the repository with name '%s' in the "
                       "registry with id '%s' (%s)",
                       filter->name, tenant->account, tenant->region);
        answer_failure(req, 404, message);
    } else if (result != 0) {
        answer_failure(req, 500, strerror(-result));
    }
    return result == 0;
}

static void run(struct ecr *ecr, struct virga_request *req, const struct lifecycle_filter *filter,
                int64_t as_of_ms) {
    struct report *report = calloc(1, sizeof *report);
    int result = report != NULL ? 0 : -ENOMEM;
    if (result == 0) {
        const struct lifecycle_watcher watcher = {on_image, on_repository, on_done, report};
        report->ecr = ecr;
        report->req = req;
        report->as_of_ms = as_of_ms;
        report->began_ns = ecr->timer->monotonic_ns(ecr->host);
        result = lifecycle_run(ecr->lifecycle, filter, as_of_ms, &watcher);
    }
    if (result != 0) {
        free(report);
        answer_failure(req, result == -ENOMEM ? 500 : 503,
                       result == -EBUSY       ? "too many runs are under way; try again later"
                       : result == -ECANCELED ? "the host is stopping"
                                              : strerror(-result));
    }
}

void lifecycle_handle_run(struct ecr *ecr, struct virga_request *req) {
    struct json_object *input = NULL;
    struct lifecycle_filter filter = {0};
    int64_t as_of_ms = ecr->timer->now_ms(ecr->host);
    int result = virga_awsjson_parse(req->body, &input);
    if (result != 0) {
        answer_failure(req, result == -EBADMSG ? 400 : 500,
                       result == -EBADMSG ? "the body must be a JSON object" : strerror(-result));
        return;
    }
    const char *fault = read_members(input, &filter, &as_of_ms);
    json_object_put(input);
    if (fault != NULL) {
        answer_failure(req, 400, fault);
    } else if (filter.name[0] == '\0' || find_repository(ecr, req, &filter)) {
        run(ecr, req, &filter, as_of_ms);
    }
}
