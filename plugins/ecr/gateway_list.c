/* SPDX-License-Identifier: MIT */
/* tags/list and _catalog, from the store. Source: OCI distribution spec, "Listing Tags"; the
 * catalog as distribution has it. */
#include "actions.h"
#include "gateway_impl.h"
#include "gateway_page.h"
#include "strict.h"

#include <errno.h>
#include <virga/helpers/page_token.h>

struct listing {
    struct gateway_page page;
    struct strbuf body;
    const char *prefix; /* in front of each repository's name */
    /* the last entry of a list in ECR's order: "digest NUL tag" */
    char position[ECR_DIGEST_LEN + 1 + ECR_TAG_MAX];
    size_t position_len;
};

static void add_element(struct listing *listing, const char *prefix, struct virga_str text) {
    char element[GATEWAY_CLIENT_NAME_MAX + 1];
    (void)snprintf(element, sizeof element, "%s%.*s", prefix, (int)text.len, text.ptr);
    strbuf_add_text(&listing->body, listing->page.count > 1 ? "," : "");
    strbuf_add_json(&listing->body, virga_str_from(element));
}

/* Adds one element; 1 ends the walk. */
static int add(struct listing *listing, const char *prefix, struct virga_str text) {
    if (!gateway_page_take(&listing->page, text)) {
        return 1;
    }
    add_element(listing, prefix, text);
    return 0;
}

static int on_tag(void *arg, struct virga_str tag, struct virga_str digest) {
    (void)digest;
    return add(arg, "", tag);
}

static int on_repository(void *arg, struct meta_repository *repository) {
    struct listing *listing = arg;
    return add(listing, listing->prefix, virga_str_from(repository->name));
}

static void answer(struct gateway_exchange *exchange, struct listing *listing, const char *path,
                   const char *content_type, int result) {
    struct strbuf link = {0};
    strbuf_add_text(&listing->body, "]}\n");
    if (listing->page.more) {
        gateway_page_link(exchange, &listing->page, path, listing->prefix, NULL, NULL, &link);
    }
    const struct gateway_header header = {"Link", link.ptr};
    if (result < 0) {
        gateway_fail_store(exchange, result);
    } else if (listing->body.failed || link.failed) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    } else {
        gateway_answer(exchange, 200, &header, 1, content_type, strbuf_str(&listing->body));
    }
    strbuf_finish(&link);
}

/* --- in ECR's order: by digest, behind a token --- */

static int on_entry(void *arg, struct virga_str digest, struct virga_str tag) {
    struct listing *listing = arg;
    if (!gateway_page_take(&listing->page, tag)) {
        return 1;
    }
    add_element(listing, "", tag);
    if (digest.len > ECR_DIGEST_LEN || tag.len > ECR_TAG_MAX) {
        return -EIO;
    }
    memcpy(listing->position, digest.ptr, digest.len);
    listing->position[digest.len] = '\0';
    memcpy(listing->position + digest.len + 1, tag.ptr, tag.len);
    listing->position_len = digest.len + 1 + tag.len;
    return 0;
}

/* Walks the tags as ECR lists them. Errors: -EINVAL the token is none of this list. */
static int walk_as_ecr(struct gateway_exchange *exchange, struct listing *listing) {
    const struct virga_page_key *key = actions_page_key(exchange->ecr);
    char question[ECR_ACCOUNT_LEN + ECR_REGION_MAX + ECR_NAME_MAX + 16];
    char position[VIRGA_PAGE_POSITION_MAX], token[VIRGA_PAGE_TOKEN_SIZE];
    struct virga_str digest = {0}, tag = {0};
    size_t len = 0;
    int result = 0;
    (void)snprintf(question, sizeof question, "tags/list %s %s %s", exchange->tenant.account,
                   exchange->tenant.region, exchange->name);
    if (listing->page.after_len > 0) {
        result = virga_page_token_open(key, virga_str_from(question),
                                       gateway_page_after(&listing->page), position, &len);
        if (result != 0) {
            return result;
        }
        digest = (struct virga_str){position, strnlen(position, len)};
        if (digest.len < len) {
            tag = (struct virga_str){position + digest.len + 1, len - digest.len - 1};
        }
    }
    result = meta_entry_each(exchange->ecr, &exchange->tenant, gateway_name(exchange), META_TAGGED,
                             digest, tag, on_entry, listing);
    if (result < 0 || !listing->page.more) {
        return result;
    }
    result =
        virga_page_token_make(key, virga_str_from(question),
                              (struct virga_str){listing->position, listing->position_len}, token);
    /* Of a position of 200 bytes: it fits. */
    (void)snprintf(listing->page.last, sizeof listing->page.last, "%.*s",
                   (int)sizeof listing->page.last - 1, result == 0 ? token : "");
    return result;
}

void gateway_list_tags(struct gateway_exchange *exchange) {
    struct listing listing = {.prefix = ""};
    char client[GATEWAY_CLIENT_NAME_MAX + 1];
    char path[sizeof client + 16];
    if (!gateway_check_repository(exchange) ||
        !gateway_page_read(exchange, GATEWAY_PAGE_MAX, &listing.page)) {
        return;
    }
    struct virga_str name = gateway_client_name(exchange, client);
    (void)snprintf(path, sizeof path, "/v2/%s/tags/list", client);
    strbuf_add_text(&listing.body, "{\"name\":");
    strbuf_add_json(&listing.body, name);
    strbuf_add_text(&listing.body, ",\"tags\":[");
    if (!strict_lists(exchange->ecr)) {
        int result = meta_tag_each(exchange->ecr, &exchange->tenant, gateway_name(exchange),
                                   gateway_page_after(&listing.page), on_tag, &listing);
        answer(exchange, &listing, path, "application/json; charset=utf-8", result);
    } else {
        int result = walk_as_ecr(exchange, &listing);
        if (result == -EINVAL) {
            gateway_fail_parameter(exchange, 400, "PAGINATION_NUMBER_INVALID", "last is malformed",
                                   "NextToken", "Invalid next token provided");
        } else {
            answer(exchange, &listing, path, "text/plain; charset=utf-8", result);
        }
    }
    strbuf_finish(&listing.body);
}

void gateway_list_catalog(struct gateway_exchange *exchange) {
    struct listing listing = {.prefix = ""};
    char prefix[ECR_ACCOUNT_LEN + ECR_REGION_MAX + 3] = "";
    char path[sizeof prefix + 16];
    if (!gateway_page_read(exchange, GATEWAY_PAGE_MAX, &listing.page)) {
        return;
    }
    if (exchange->form == TENANT_FORM_PATH) {
        (void)snprintf(prefix, sizeof prefix, "%s/%s/", exchange->tenant.account,
                       exchange->tenant.region);
    }
    listing.prefix = prefix;
    (void)snprintf(path, sizeof path, "/v2/%s_catalog", prefix);
    struct virga_str after = gateway_page_after(&listing.page);
    size_t prefix_len = strlen(prefix);
    if (after.len >= prefix_len &&
        memcmp(after.ptr != NULL ? after.ptr : "", prefix, prefix_len) == 0 && prefix_len > 0) {
        after.ptr += prefix_len;
        after.len -= prefix_len;
    }
    strbuf_add_text(&listing.body, "{\"repositories\":[");
    int result =
        meta_repository_each(exchange->ecr, &exchange->tenant, after, on_repository, &listing);
    answer(exchange, &listing, path, "application/json; charset=utf-8", result);
    strbuf_finish(&listing.body);
}
