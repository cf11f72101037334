/* SPDX-License-Identifier: MIT */
/* tags/list and _catalog, from the store. Source: OCI distribution spec, "Listing Tags"; the
 * catalog as distribution has it. */
#include "gateway_impl.h"
#include "reference.h"

#include <errno.h>

struct page {
    size_t limit;
    size_t count;
    bool more;
    struct strbuf body;
    const char *prefix; /* in front of each repository's name */
    char last[ECR_NAME_MAX + 1];
    char after[GATEWAY_CLIENT_NAME_MAX + 1];
    size_t after_len;
};

/* Reads n and last; false: the exchange has ended. */
static bool read_page(struct gateway_exchange *exchange, struct page *page) {
    char number[16];
    size_t len = 0;
    struct virga_str query = exchange->req->query;
    page->limit = GATEWAY_PAGE_MAX;
    int result = reference_param(query, "n", number, sizeof number, &len);
    if (result != -ENOENT) {
        if (result != 0 || len == 0 || len > 9 || strspn(number, "0123456789") != len) {
            gateway_fail(exchange, 400, "PAGINATION_NUMBER_INVALID",
                         "n must be a number that is not negative");
            return false;
        }
        page->limit = 0;
        for (size_t i = 0; i < len; i++) {
            page->limit = page->limit * 10 + (size_t)(number[i] - '0');
        }
        page->limit = page->limit < GATEWAY_PAGE_MAX ? page->limit : GATEWAY_PAGE_MAX;
    }
    result = reference_param(query, "last", page->after, sizeof page->after, &page->after_len);
    if (result != 0 && result != -ENOENT) {
        gateway_fail(exchange, 400, "PAGINATION_NUMBER_INVALID", "last is malformed");
        return false;
    }
    return true;
}

/* Adds one element; 1 ends the walk. */
static int add(struct page *page, const char *prefix, struct virga_str text) {
    if (page->count == page->limit) {
        page->more = page->limit > 0;
        return 1;
    }
    char element[GATEWAY_CLIENT_NAME_MAX + 1];
    (void)snprintf(element, sizeof element, "%s%.*s", prefix, (int)text.len, text.ptr);
    strbuf_add_text(&page->body, page->count++ > 0 ? "," : "");
    strbuf_add_json(&page->body, virga_str_from(element));
    (void)snprintf(page->last, sizeof page->last, "%.*s", (int)text.len, text.ptr);
    return 0;
}

static int on_tag(void *arg, struct virga_str tag, struct virga_str digest) {
    (void)digest;
    return add(arg, "", tag);
}

static int on_repository(void *arg, struct meta_repository *repository) {
    struct page *page = arg;
    return add(page, page->prefix, virga_str_from(repository->name));
}

static void answer(struct gateway_exchange *exchange, struct page *page, const char *path,
                   int result) {
    struct strbuf link = {0};
    char ns[512];
    size_t ns_len = 0;
    strbuf_add_text(&page->body, "]}\n");
    if (page->more) {
        strbuf_addf(&link, "<%s?last=", path);
        strbuf_add_encoded(&link, virga_str_from(page->prefix), "");
        strbuf_add_encoded(&link, virga_str_from(page->last), "");
        strbuf_addf(&link, "&n=%zu", page->limit);
        if (exchange->form == TENANT_FORM_NS &&
            reference_param(exchange->req->query, "ns", ns, sizeof ns, &ns_len) == 0) {
            strbuf_add_text(&link, "&ns=");
            strbuf_add_encoded(&link, (struct virga_str){ns, ns_len}, "");
        }
        strbuf_add_text(&link, ">; rel=\"next\"");
    }
    const struct gateway_header header = {"Link", link.ptr};
    if (result < 0) {
        gateway_fail_store(exchange, result);
    } else if (page->body.failed || link.failed) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    } else {
        gateway_answer(exchange, 200, &header, 1, "application/json; charset=utf-8",
                       strbuf_str(&page->body));
    }
    strbuf_finish(&link);
}

void gateway_list_tags(struct gateway_exchange *exchange) {
    struct page page = {.prefix = ""};
    char client[GATEWAY_CLIENT_NAME_MAX + 1];
    char path[sizeof client + 16];
    if (!gateway_check_repository(exchange) || !read_page(exchange, &page)) {
        return;
    }
    struct virga_str name = gateway_client_name(exchange, client);
    (void)snprintf(path, sizeof path, "/v2/%s/tags/list", client);
    strbuf_add_text(&page.body, "{\"name\":");
    strbuf_add_json(&page.body, name);
    strbuf_add_text(&page.body, ",\"tags\":[");
    struct virga_str after = {page.after_len > 0 ? page.after : NULL, page.after_len};
    int result = meta_tag_each(exchange->ecr, &exchange->tenant, gateway_name(exchange), after,
                               on_tag, &page);
    answer(exchange, &page, path, result);
    strbuf_finish(&page.body);
}

void gateway_list_catalog(struct gateway_exchange *exchange) {
    struct page page = {.prefix = ""};
    char prefix[ECR_ACCOUNT_LEN + ECR_REGION_MAX + 3] = "";
    char path[sizeof prefix + 16];
    if (!read_page(exchange, &page)) {
        return;
    }
    if (exchange->form == TENANT_FORM_PATH) {
        (void)snprintf(prefix, sizeof prefix, "%s/%s/", exchange->tenant.account,
                       exchange->tenant.region);
    }
    page.prefix = prefix;
    (void)snprintf(path, sizeof path, "/v2/%s_catalog", prefix);
    struct virga_str after = {page.after_len > 0 ? page.after : NULL, page.after_len};
    size_t prefix_len = strlen(prefix);
    if (after.len >= prefix_len &&
        memcmp(after.ptr != NULL ? after.ptr : "", prefix, prefix_len) == 0 && prefix_len > 0) {
        after.ptr += prefix_len;
        after.len -= prefix_len;
    }
    strbuf_add_text(&page.body, "{\"repositories\":[");
    int result =
        meta_repository_each(exchange->ecr, &exchange->tenant, after, on_repository, &page);
    answer(exchange, &page, path, result);
    strbuf_finish(&page.body);
}
