/* SPDX-License-Identifier: MIT */
/* Chunks of uploads and where they belong; sessions whose last answer the client never got.
 * Source: OCI distribution spec, "Pushing a blob in chunks". */
#include "backend_impl.h"
#include "gateway_impl.h"
#include "gateway_rewrite.h"
#include "reference.h"
#include "strict.h"
#include "upload_chunk.h"

#include <errno.h>

static bool is_method(const struct gateway_exchange *exchange, const char *method) {
    return virga_str_equal(exchange->req->method, virga_str_from(method));
}

/* Adds where the session goes on, as this client writes it. */
static void add_location(const struct gateway_exchange *exchange, struct virga_str state,
                         struct strbuf *ret_location) {
    char client[GATEWAY_CLIENT_NAME_MAX + 1], origin[GATEWAY_ORIGIN_MAX];
    struct virga_str query = exchange->req->query, name, value;
    gateway_location_origin(exchange, origin);
    strbuf_addf(ret_location, "%s/v2/%s/blobs/uploads/%s?_state=", origin,
                gateway_client_name(exchange, client).ptr, exchange->reference);
    strbuf_add_encoded(ret_location, state, "");
    while (exchange->form == TENANT_FORM_NS && reference_next_param(&query, &name, &value)) {
        if (virga_str_equal(name, virga_str_from("ns"))) {
            strbuf_add_text(ret_location, "&ns=");
            strbuf_add_str(ret_location, value);
        }
    }
}

/* Answers with how much the session has and where it goes on; `body` is an error, or empty. */
static void answer_session(struct gateway_exchange *exchange, int status, uint64_t offset,
                           struct virga_str state, struct virga_str body) {
    char range[40];
    struct strbuf location = {0};
    add_location(exchange, state, &location);
    /* A session that has nothing is told so, as the registry does. */
    (void)snprintf(range, sizeof range, "0-%llu",
                   (unsigned long long)(offset > 0 ? offset - 1 : 0));
    const struct gateway_header headers[] = {
        {"Range", range},
        {"Location", location.ptr},
        {"Docker-Upload-Uuid",
         strict_absolute_locations(exchange->ecr) ? NULL : exchange->reference}};
    gateway_answer(exchange, status, headers, 3,
                   body.len > 0 ? "application/json; charset=utf-8" : NULL, body);
    strbuf_finish(&location);
}

/* 416, with where to go on. `first` is where the chunk would begin. */
static void fail_order(struct gateway_exchange *exchange, uint64_t first, uint64_t offset,
                       struct virga_str state) {
    struct strbuf body = {0};
    bool strict = strict_chunk_error(exchange->ecr);
    strbuf_addf(&body, "{\"errors\":[{\"code\":\"%s\",\"message\":\"",
                strict ? "BLOB_UPLOAD_INVALID" : "RANGE_INVALID");
    strbuf_addf(&body,
                strict ? "First byte of the layer part is %llu instead of %llu"
                       : "The chunk begins at byte %llu, the upload goes on at byte %llu",
                (unsigned long long)first, (unsigned long long)offset);
    strbuf_add_text(&body, "\"}]}\n");
    answer_session(exchange, 416, offset, state, strbuf_str(&body));
    strbuf_finish(&body);
}

/* Reads the session's state out of its address. */
static int read_state(const struct gateway_exchange *exchange, char buffer[GATEWAY_QUERY_MAX],
                      struct virga_str *ret_state, uint64_t *ret_offset) {
    size_t len = 0;
    int result = reference_param(exchange->req->query, "_state", buffer, GATEWAY_QUERY_MAX, &len);
    *ret_state = (struct virga_str){buffer, len};
    return result == 0 ? upload_chunk_offset(*ret_state, exchange->upstream, ret_offset) : result;
}

bool gateway_chunk(struct gateway_exchange *exchange) {
    struct virga_request *req = exchange->req;
    struct virga_str header = req->http->header(req, "Content-Range"), state;
    char buffer[GATEWAY_QUERY_MAX];
    uint64_t first = 0, last = 0, offset = 0;
    bool may_be_empty = is_method(exchange, "PUT");
    if (header.ptr == NULL || (may_be_empty && (req->flags & VIRGA_REQUEST_HAS_BODY) == 0)) {
        return true;
    }
    if (upload_chunk_range(header, &first, &last) != 0) {
        gateway_fail(exchange, 416, "RANGE_INVALID",
                     "Content-Range must be <first>-<last>, numbers of bytes");
        return false;
    }
    if (req->content_length != VIRGA_LENGTH_UNKNOWN && req->content_length != last - first + 1) {
        gateway_fail(
            exchange, 400, "SIZE_INVALID", "Content-Range says %llu bytes, Content-Length %llu",
            (unsigned long long)(last - first + 1), (unsigned long long)req->content_length);
        return false;
    }
    /* A state that cannot be read is refused by the registry. */
    if (read_state(exchange, buffer, &state, &offset) == 0 && first != offset) {
        fail_order(exchange, first, offset, state);
        return false;
    }
    return true;
}

/* Makes the state that the session has by now. Errors: -ENOENT there is no such session, or its
 * storage is not at hand; -EINVAL the old state is none of it. */
static int restate(const struct gateway_exchange *exchange, struct virga_str state,
                   uint64_t *ret_offset, struct strbuf *ret_state) {
    const struct registry_files *files = &exchange->ecr->backend->files;
    char secret[REGISTRY_SECRET_MAX];
    int result =
        registry_files_upload_size(files, exchange->upstream, exchange->reference, ret_offset);
    if (result == 0) {
        result = registry_files_secret(files, secret);
    }
    return result == 0 ? upload_chunk_restate(state, secret, exchange->upstream,
                                              exchange->reference, *ret_offset, ret_state)
                       : result;
}

bool gateway_chunk_refused(struct gateway_exchange *exchange) {
    char buffer[GATEWAY_QUERY_MAX];
    struct virga_str state, none = {"", 0};
    struct strbuf now = {0};
    uint64_t offset = 0, first = 0;
    bool writes = is_method(exchange, "PATCH") || is_method(exchange, "PUT");
    if (read_state(exchange, buffer, &state, &first) != 0) {
        gateway_fail(exchange, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        return false;
    }
    bool again = false;
    if (restate(exchange, state, &offset, &now) == 0) {
        if (writes) {
            fail_order(exchange, first, offset, strbuf_str(&now));
        } else if (is_method(exchange, "GET")) {
            answer_session(exchange, 204, offset, strbuf_str(&now), none);
        } else {
            strbuf_finish(&exchange->target);
            strbuf_addf(&exchange->target, "/v2/%s/blobs/uploads/%s?_state=", exchange->upstream,
                        exchange->reference);
            strbuf_add_encoded(&exchange->target, strbuf_str(&now), "");
            again = !exchange->target.failed && !exchange->retried;
            exchange->retried = true;
        }
    } else if (writes) {
        gateway_fail(exchange, 416, "RANGE_INVALID",
                     "The upload has not the first %llu bytes that this address says",
                     (unsigned long long)first);
    }
    if (exchange->req != NULL && !again) {
        gateway_fail(exchange, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    }
    strbuf_finish(&now);
    return again;
}
