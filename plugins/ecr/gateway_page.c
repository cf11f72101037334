/* SPDX-License-Identifier: MIT */
/* Pages of lists on the wire. */
#include "gateway_page.h"
#include "reference.h"
#include "strict.h"

#include <errno.h>

#define STRICT_DEFAULT 100
#define STRICT_MAX 1000

/* Takes a page's size as ECR does; false: the exchange has ended. */
static bool apply_strict(struct gateway_exchange *exchange, bool given, struct gateway_page *page) {
    if (!given) {
        page->limit = STRICT_DEFAULT;
    } else if (page->limit < 1 || page->limit > STRICT_MAX) {
        gateway_fail_parameter(exchange, 400, "PAGINATION_NUMBER_INVALID", "", "maxResults",
                               page->limit < 1
                                   ? "Member must have value greater than or equal to 1"
                                   : "Member must have value less than or equal to 1000");
        return false;
    }
    return true;
}

bool gateway_page_read(struct gateway_exchange *exchange, size_t max, struct gateway_page *page) {
    char number[16];
    size_t len = 0;
    struct virga_str query = exchange->req->query;
    *page = (struct gateway_page){.limit = max};
    int result = reference_param(query, "n", number, sizeof number, &len);
    bool given = result != -ENOENT;
    if (given) {
        if (result != 0 || len == 0 || len > 9 || strspn(number, "0123456789") != len) {
            gateway_fail(exchange, 400, "PAGINATION_NUMBER_INVALID",
                         "n must be a number that is not negative");
            return false;
        }
        page->limit = 0;
        for (size_t i = 0; i < len; i++) {
            page->limit = page->limit * 10 + (size_t)(number[i] - '0');
        }
    }
    if (strict_lists(exchange->ecr) && !apply_strict(exchange, given, page)) {
        return false;
    }
    page->limit = page->limit < max ? page->limit : max;
    result = reference_param(query, "last", page->after, sizeof page->after, &page->after_len);
    if (result != 0 && result != -ENOENT) {
        gateway_fail_parameter(exchange, 400, "PAGINATION_NUMBER_INVALID", "last is malformed",
                               "NextToken", "Invalid next token provided");
        return false;
    }
    return true;
}

struct virga_str gateway_page_after(const struct gateway_page *page) {
    return (struct virga_str){page->after_len > 0 ? page->after : NULL, page->after_len};
}

bool gateway_page_take(struct gateway_page *page, struct virga_str entry) {
    if (page->count == page->limit) {
        /* Nothing was asked for: no page follows. */
        page->more = page->limit > 0;
        return false;
    }
    page->count++;
    (void)snprintf(page->last, sizeof page->last, "%.*s", (int)entry.len, entry.ptr);
    return true;
}

void gateway_page_link(const struct gateway_exchange *exchange, const struct gateway_page *page,
                       const char *path, const char *prefix, const char *name, const char *value,
                       struct strbuf *ret_link) {
    char ns[512], origin[GATEWAY_ORIGIN_MAX];
    size_t ns_len = 0;
    gateway_location_origin(exchange, origin);
    strbuf_addf(ret_link, "<%s%s?last=", origin, path);
    strbuf_add_encoded(ret_link, virga_str_from(prefix), "");
    strbuf_add_encoded(ret_link, virga_str_from(page->last), "");
    strbuf_addf(ret_link, "&n=%zu", page->limit);
    if (name != NULL) {
        strbuf_addf(ret_link, "&%s=", name);
        strbuf_add_encoded(ret_link, virga_str_from(value), "");
    }
    if (exchange->form == TENANT_FORM_NS &&
        reference_param(exchange->req->query, "ns", ns, sizeof ns, &ns_len) == 0) {
        strbuf_add_text(ret_link, "&ns=");
        strbuf_add_encoded(ret_link, (struct virga_str){ns, ns_len}, "");
    }
    strbuf_add_text(ret_link, ">; rel=\"next\"");
}
