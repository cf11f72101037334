/* SPDX-License-Identifier: MIT */
/* Manifests read and deleted. Which image a reference means, and whether there is one, says the
 * store; the bytes are the registry's. */
#include "condition.h"
#include "gateway_impl.h"
#include "image_events.h"
#include "reference.h"
#include "storage_class.h"
#include "strict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Finds the image that the reference means, without its tags; false: the exchange has ended. */
static bool find_image(struct gateway_exchange *exchange, struct meta_image *ret_image) {
    struct ecr *ecr = exchange->ecr;
    struct virga_str reference = virga_str_from(exchange->reference);
    int result = 0;
    if (!gateway_check_repository(exchange)) {
        return false;
    }
    if (reference_is_digest(reference)) {
        memcpy(exchange->digest, reference.ptr, reference.len + 1);
    } else if (memchr(reference.ptr, ':', reference.len) != NULL) {
        gateway_fail(exchange, 400, "DIGEST_INVALID", "Invalid digest '%s'", exchange->reference);
        return false;
    } else if (reference_is_tag(reference)) {
        result = meta_tag_get(ecr, &exchange->tenant, gateway_name(exchange), reference,
                              exchange->digest);
    } else if (strict_parameter_status(ecr)) {
        gateway_fail_tag_form(exchange);
        return false;
    } else {
        result = -ENOENT;
    }
    if (result == 0) {
        result = meta_image_find(ecr, &exchange->tenant, gateway_name(exchange),
                                 virga_str_from(exchange->digest), ret_image);
    }
    if (result == -ENOENT) {
        gateway_fail_manifest(exchange);
    } else if (result != 0) {
        gateway_fail_store(exchange, result);
    }
    return result == 0;
}

/* --- HEAD and GET --- */

/* What the client has already. */
static bool is_known(const struct gateway_exchange *exchange) {
    struct virga_request *req = exchange->req;
    return condition_none_match(req->http->header(req, "If-None-Match"), exchange->digest);
}

/* Answers HEAD, and 304 to GET. */
static void answer_head(struct gateway_exchange *exchange, const struct meta_image *image) {
    char etag[ECR_DIGEST_LEN + 3];
    (void)snprintf(etag, sizeof etag, "\"%s\"", image->digest);
    const struct virga_header headers[] = {
        {virga_str_from("Docker-Distribution-Api-Version"), virga_str_from("registry/2.0")},
        {virga_str_from("Content-Type"), virga_str_from(image->media_type)},
        {virga_str_from("Docker-Content-Digest"), virga_str_from(image->digest)},
        {virga_str_from("ETag"), virga_str_from(etag)},
        {virga_str_from("Sizes"), virga_str_from("")},
    };
    struct virga_request *req = exchange->req;
    size_t count = sizeof headers / sizeof headers[0];
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = is_known(exchange) ? 304 : 200,
        .headers = headers,
        .headers_count = strict_manifest_headers(exchange->ecr) ? count : count - 1,
        .body = {"", 0},
        .head_length = image->manifest_bytes,
    };
    exchange->req = NULL;
    (void)req->http->respond(req, &res);
    gateway_end(exchange);
}

static void on_pulled(struct gateway_exchange *exchange, struct virga_proxy_response *res) {
    struct ecr *ecr = exchange->ecr;
    if (ecr->proxy->status(res) == 200) {
        image_pulled(ecr, &exchange->tenant, gateway_name(exchange),
                     virga_str_from(exchange->digest), gateway_principal(exchange));
    }
    if (strict_manifest_headers(ecr)) {
        (void)ecr->proxy->set_header(res, "Docker-Content-Digest", (struct virga_str){0});
    }
}

/* --- DELETE --- */

static void on_deleted(void *arg, int status, const char *reason) {
    struct gateway_exchange *exchange = arg;
    if (status == 0) {
        gateway_answer(exchange, 202, NULL, 0, NULL, (struct virga_str){"", 0});
    } else if (status == -ENOENT) {
        gateway_fail_manifest(exchange);
    } else {
        gateway_fail_backend(exchange, reason);
    }
}

static int add_parent(void *arg, struct virga_str parent) {
    struct strbuf *parents = arg;
    strbuf_add_text(parents, parents->len > 0 ? ", " : "");
    strbuf_add_str(parents, parent);
    return 0;
}

/* Deletes by digest, or takes the tag away; the last tag takes the image with it, as in ECR's API.
 */
static void delete_image(struct gateway_exchange *exchange) {
    struct ecr *ecr = exchange->ecr;
    struct virga_str name = gateway_name(exchange);
    bool by_tag = !reference_is_digest(virga_str_from(exchange->reference));
    struct meta_image image;
    if (!find_image(exchange, &image)) {
        return;
    }
    meta_image_finish(&image);
    int result =
        meta_image_get(ecr, &exchange->tenant, name, virga_str_from(exchange->digest), &image);
    if (result != 0) {
        gateway_fail_store(exchange, result);
        return;
    }
    bool stays = by_tag && image.tags_count > 1;
    meta_image_finish(&image);
    if (stays) {
        backend_delete_tag(ecr, &exchange->tenant, name, virga_str_from(exchange->reference),
                           on_deleted, exchange);
        return;
    }
    struct strbuf parents = {0};
    result = meta_parent_each(ecr, &exchange->tenant, name, virga_str_from(exchange->digest),
                              add_parent, &parents);
    if (result != 0) {
        gateway_fail_store(exchange, result);
    } else if (parents.len > 0) {
        gateway_fail(exchange, 405, "UNSUPPORTED",
                     "Requested image referenced by manifest list: [%s]", strbuf_str(&parents).ptr);
    } else {
        backend_delete_image(ecr, &exchange->tenant, name, virga_str_from(exchange->digest),
                             on_deleted, exchange);
    }
    strbuf_finish(&parents);
}

void gateway_manifest(struct gateway_exchange *exchange) {
    struct meta_image image;
    if (virga_str_equal(exchange->req->method, virga_str_from("DELETE"))) {
        if (gateway_check_repository(exchange)) {
            gateway_take_pass(exchange, delete_image);
        }
        return;
    }
    if (gateway_cache_manifest(exchange) || !find_image(exchange, &image)) {
        return;
    }
    if (image.status != META_ACTIVE) {
        /* ECR answers 404 until the image was restored. */
        gateway_fail(exchange, 404, "MANIFEST_UNKNOWN", STORAGE_CLASS_NO_PULL,
                     storage_class_word(&image));
        meta_image_finish(&image);
        return;
    }
    if (exchange->head || is_known(exchange)) {
        answer_head(exchange, &image);
        meta_image_finish(&image);
        return;
    }
    /* The stored type is asked for whatever the client accepts: ECR does not refuse either, and a
     * client that cannot read it says so better. */
    exchange->media_type = image.media_type;
    image.media_type = NULL;
    meta_image_finish(&image);
    strbuf_addf(&exchange->target, "/v2/%s/manifests/%s", exchange->upstream, exchange->digest);
    gateway_relay(exchange, exchange->media_type, on_pulled);
}
