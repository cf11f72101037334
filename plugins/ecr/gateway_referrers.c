/* SPDX-License-Identifier: MIT */
/* The referrers of a manifest, from the records.
 * Source: OCI distribution spec 1.1, "Listing Referrers". */
#include "gateway_impl.h"
#include "gateway_page.h"
#include "manifest.h"
#include "reference.h"
#include "referrer_index.h"
#include "storage_class.h"

#include <errno.h>

#define REFERRERS_MAX 1000             /* in one answer */
#define REFERRERS_BYTES_MAX (3u << 20) /* with it: clients take manifests of 4 MiB */
#define ARTIFACT_TYPE_MAX 255          /* RFC 6838: 127 + 1 + 127 */

#define LOOKED_AT_MAX 10000 /* for one answer, however few a filter leaves */

struct referrers {
    size_t looked_at;
    struct gateway_exchange *exchange;
    struct gateway_page page;
    char type[ARTIFACT_TYPE_MAX + 1]; /* that is wanted; "" = all */
    bool filtered;
    struct strbuf body;
};

/* Whether it could not be pulled: ListImageReferrers leaves it out, too, unless it is asked for. */
static bool is_away(struct gateway_exchange *exchange, const struct meta_referrer *referrer) {
    struct meta_image image;
    if (meta_image_find(exchange->ecr, &exchange->tenant, gateway_name(exchange),
                        virga_str_from(referrer->digest), &image) != 0) {
        return false;
    }
    bool away = storage_class_is_away(&image);
    meta_image_finish(&image);
    return away;
}

/* Leaves one out; the next page begins behind it unless this one is full already. */
static int skip(struct referrers *list, const struct meta_referrer *referrer) {
    if (list->page.count < list->page.limit) {
        (void)snprintf(list->page.last, sizeof list->page.last, "%s", referrer->digest);
    }
    return 0;
}

static int on_referrer(void *arg, const struct meta_referrer *referrer) {
    struct referrers *list = arg;
    if (++list->looked_at > LOOKED_AT_MAX) {
        list->page.more = true;
        return 1;
    }
    if (list->filtered &&
        (referrer->artifact_type == NULL || strcmp(referrer->artifact_type, list->type) != 0)) {
        return skip(list, referrer);
    }
    if (is_away(list->exchange, referrer)) {
        return skip(list, referrer);
    }
    if (list->page.count > 0 && list->body.len > REFERRERS_BYTES_MAX) {
        list->page.more = true;
        return 1;
    }
    if (!gateway_page_take(&list->page, virga_str_from(referrer->digest))) {
        return 1;
    }
    strbuf_addf(&list->body, "%s{\"mediaType\":", list->page.count > 1 ? "," : "");
    strbuf_add_json(&list->body, virga_str_from(referrer->media_type));
    strbuf_addf(&list->body, ",\"digest\":\"%s\",\"size\":%llu", referrer->digest,
                (unsigned long long)referrer->manifest_bytes);
    if (referrer->artifact_type != NULL) {
        strbuf_add_text(&list->body, ",\"artifactType\":");
        strbuf_add_json(&list->body, virga_str_from(referrer->artifact_type));
    }
    if (referrer->annotations != NULL) {
        strbuf_addf(&list->body, ",\"annotations\":%s", referrer->annotations);
    }
    strbuf_add_text(&list->body, "}");
    return 0;
}

/* Reads artifactType; false: the exchange has ended. */
static bool read_filter(struct gateway_exchange *exchange, struct referrers *list) {
    size_t len = 0;
    int result =
        reference_param(exchange->req->query, "artifactType", list->type, sizeof list->type, &len);
    if (result != 0 && result != -ENOENT) {
        gateway_fail(exchange, 400, "UNSUPPORTED", "artifactType is malformed");
        return false;
    }
    list->filtered = result == 0 && len > 0;
    return true;
}

static void answer(struct gateway_exchange *exchange, struct referrers *list) {
    char client[GATEWAY_CLIENT_NAME_MAX + 1];
    struct strbuf path = {0}, link = {0};
    strbuf_add_text(&list->body, "]}\n");
    strbuf_addf(&path, "/v2/%s/referrers/%s", gateway_client_name(exchange, client).ptr,
                exchange->reference);
    if (list->page.more) {
        gateway_page_link(exchange, &list->page, path.failed ? "" : path.ptr, "",
                          list->filtered ? "artifactType" : NULL, list->type, &link);
    }
    const struct gateway_header headers[] = {
        {"Link", link.ptr},
        {"OCI-Filters-Applied", list->filtered ? "artifactType" : NULL},
    };
    if (list->body.failed || link.failed || path.failed) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    } else {
        gateway_answer(exchange, 200, headers, 2, MANIFEST_OCI_INDEX, strbuf_str(&list->body));
    }
    strbuf_finish(&link);
    strbuf_finish(&path);
}

static void list_referrers(struct gateway_exchange *exchange) {
    struct referrers list = {.exchange = exchange};
    if (!gateway_check_repository(exchange) ||
        !gateway_page_read(exchange, REFERRERS_MAX, &list.page) || !read_filter(exchange, &list)) {
        return;
    }
    strbuf_addf(&list.body, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[",
                MANIFEST_OCI_INDEX);
    int result = meta_referrer_each(exchange->ecr, &exchange->tenant, gateway_name(exchange),
                                    virga_str_from(exchange->reference),
                                    gateway_page_after(&list.page), on_referrer, &list);
    if (result < 0) {
        gateway_fail_store(exchange, result);
    } else {
        answer(exchange, &list);
    }
    strbuf_finish(&list.body);
}

static void on_ready(struct referrer_wait *wait, int status) {
    struct gateway_exchange *exchange =
        (struct gateway_exchange *)(void *)((char *)wait -
                                            offsetof(struct gateway_exchange, referrer_wait));
    if (status == -ECANCELED) {
        gateway_fail_backend(exchange, "virga is being stopped");
    } else if (status != 0) {
        gateway_fail_store(exchange, status);
    } else {
        list_referrers(exchange);
    }
}

void gateway_referrers(struct gateway_exchange *exchange) {
    struct referrer_index *index = exchange->ecr->referrer_index;
    /* A digest of a good form that no manifest here can have has no referrers, and is no error. */
    if (!reference_is_any_digest(virga_str_from(exchange->reference))) {
        gateway_fail(exchange, 400, "DIGEST_INVALID", "Invalid digest '%s'", exchange->reference);
    } else if (gateway_cache_referrers(exchange)) {
        return;
    } else if (referrer_index_is_done(index)) {
        list_referrers(exchange);
    } else if (referrer_index_wait(index, &exchange->referrer_wait, on_ready) != 0) {
        gateway_fail_backend(exchange, "virga is being stopped");
    }
}
