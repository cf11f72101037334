/* SPDX-License-Identifier: MIT */
/* Requests that go on to the registry, and its answers on their way back. */
#include "gateway_impl.h"
#include "gateway_rewrite.h"
#include "reference.h"
#include "registry_error.h"

#include <errno.h>

#define MISREAD_MAX 3 /* how often a manifest is asked for again */

static void send(struct gateway_exchange *exchange);

static const char *unknown_code(const struct gateway_exchange *exchange) {
    return exchange->kind == GATEWAY_BLOB ? "BLOB_UNKNOWN" : "BLOB_UPLOAD_UNKNOWN";
}

/* The raw value of ?ns=, which a Location must carry on; ptr NULL when it does not matter. */
static struct virga_str find_ns(const struct gateway_exchange *exchange) {
    struct virga_str query = exchange->req->query, name, value;
    while (exchange->form == TENANT_FORM_NS && reference_next_param(&query, &name, &value)) {
        if (virga_str_equal(name, virga_str_from("ns"))) {
            return value;
        }
    }
    return (struct virga_str){NULL, 0};
}

/* Translates the answer's address; false when it cannot be given to the client. */
static bool rewrite_location(struct gateway_exchange *exchange, struct virga_proxy_response *res) {
    const struct virga_proxy *proxy = exchange->ecr->proxy;
    struct virga_str location = proxy->header(res, "Location");
    if (location.ptr == NULL) {
        return true;
    }
    char client[GATEWAY_CLIENT_NAME_MAX + 1], origin[GATEWAY_ORIGIN_MAX];
    struct strbuf text = {0};
    gateway_location_origin(exchange, origin);
    strbuf_add_text(&text, origin);
    int result =
        gateway_rewrite_location(location, exchange->upstream,
                                 gateway_client_name(exchange, client), find_ns(exchange), &text);
    if (result == 0) {
        result = proxy->set_header(res, "Location", strbuf_str(&text));
    }
    strbuf_finish(&text);
    return result == 0;
}

static void answer_range(struct gateway_exchange *exchange, struct virga_proxy_response *res) {
    char range[80] = "";
    struct virga_str value = exchange->ecr->proxy->header(res, "Content-Range");
    if (value.ptr != NULL && value.len < sizeof range) {
        memcpy(range, value.ptr, value.len);
    }
    /* Why: the registry announces the whole blob's length here and sends 33 bytes. */
    const struct gateway_header header = {"Content-Range", range[0] != '\0' ? range : NULL};
    gateway_answer(exchange, 416, &header, 1, "application/json; charset=utf-8",
                   virga_str_from("{\"errors\":[{\"code\":\"RANGE_INVALID\",\"message\":"
                                  "\"The requested range is not within the blob\"}]}\n"));
}

static void log_failure(struct gateway_exchange *exchange, int status, struct virga_str body) {
    ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req, "the registry answered %d: %.*s", status,
            (int)(body.len < 500 ? body.len : 500), body.ptr);
}

static enum virga_proxy_decision on_response(void *arg, struct virga_request *req,
                                             struct virga_proxy_response *res) {
    struct gateway_exchange *exchange = arg;
    int status = exchange->ecr->proxy->status(res);
    (void)req;
    if (status < 400) {
        if (exchange->on_answer != NULL) {
            return exchange->on_answer(exchange, res);
        }
        if (!rewrite_location(exchange, res)) {
            ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req,
                    "the registry answered with an address that is not its own");
            gateway_fail(exchange, 502, "UNKNOWN", "The registry gave a malformed answer");
            return VIRGA_PROXY_DROP;
        }
        if (exchange->on_good != NULL) {
            exchange->on_good(exchange, res);
        }
        return VIRGA_PROXY_PASS;
    }
    if (status == 416 && exchange->kind == GATEWAY_BLOB) {
        answer_range(exchange, res);
        return VIRGA_PROXY_DROP;
    }
    if (exchange->kind == GATEWAY_MANIFEST && status >= 500 && exchange->misread < MISREAD_MAX) {
        /* Why: a registry that writes a manifest anew while it is read, pushed under another tag,
         * finds its own link empty for a moment. */
        exchange->misread++;
        exchange->then = send;
        return VIRGA_PROXY_DROP;
    }
    if (exchange->kind == GATEWAY_MANIFEST) {
        ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req,
                "the registry answered %d for the manifest %s of repository '%s', which the store "
                "has",
                status, exchange->digest, exchange->name);
        if (status == 404) {
            gateway_fail_manifest(exchange);
        } else {
            gateway_fail(exchange, 500, "UNKNOWN", "The registry could not read the manifest");
        }
        return VIRGA_PROXY_DROP;
    }
    if (exchange->head) {
        gateway_fail(exchange, status, status == 404 ? unknown_code(exchange) : "UNKNOWN", "%s",
                     "The registry refused");
        return VIRGA_PROXY_DROP;
    }
    return VIRGA_PROXY_BUFFER;
}

static void on_body(void *arg, struct virga_request *req, struct virga_proxy_response *res,
                    struct virga_str body) {
    struct gateway_exchange *exchange = arg;
    int status = exchange->ecr->proxy->status(res);
    char client[GATEWAY_CLIENT_NAME_MAX + 1];
    struct virga_str name = gateway_client_name(exchange, client);
    struct registry_error error;
    (void)req;
    registry_error_read(body, exchange->upstream, name, &error, NULL);
    if (status >= 500) {
        if (!meta_repository_exists(exchange->ecr, &exchange->tenant, gateway_name(exchange))) {
            gateway_fail_name(exchange); /* deleted under the upload's feet */
            return;
        }
        log_failure(exchange, status, body);
        bool full = memmem(body.ptr, body.len, "no space left", 13) != NULL;
        gateway_fail(exchange, status, "UNKNOWN", "The registry failed%s",
                     full ? ": no space left on its disk" : "");
        return;
    }
    if (status == 404 && strcmp(error.code, "NAME_UNKNOWN") == 0) {
        /* The repository exists, but nothing was pushed to it yet. */
        gateway_fail(exchange, 404, unknown_code(exchange), "%s",
                     exchange->kind == GATEWAY_BLOB ? "blob unknown to registry"
                                                    : "blob upload unknown to registry");
        return;
    }
    if (status == 404 && strcmp(error.code, "BLOB_UPLOAD_INVALID") == 0) {
        if (gateway_chunk_refused(exchange)) {
            exchange->then = send;
        }
        return;
    }
    struct strbuf text = {0};
    if (registry_error_clean(body, exchange->upstream, name, &text) == 0) {
        gateway_answer(exchange, status, NULL, 0, "application/json; charset=utf-8",
                       strbuf_str(&text));
    } else {
        log_failure(exchange, status, body);
        gateway_fail(exchange, status, status == 404 ? unknown_code(exchange) : "UNKNOWN",
                     "The registry refused with status %d", status);
    }
    strbuf_finish(&text);
}

static void on_error(void *arg, struct virga_request *req, int error) {
    struct gateway_exchange *exchange = arg;
    if (backend_error_is_loss(error)) {
        backend_suspect(exchange->ecr->backend);
        /* Without a body it can be asked once more; a new upload session that was lost is purged.
         */
        if (!exchange->retried && (req->flags & VIRGA_REQUEST_HAS_BODY) == 0) {
            exchange->retry = true;
            return;
        }
        gateway_fail_backend(exchange, "it went away; try again");
    } else if (error == -EMSGSIZE || error == -EBADMSG) {
        gateway_fail(exchange, 400, "SIZE_INVALID", "The request's body is malformed");
    } else if (error == -ETIMEDOUT) {
        gateway_fail_backend(exchange, "it does not answer");
    } else {
        gateway_fail_backend(exchange, strerror(-error));
    }
}

static void on_done(void *arg, int status) {
    struct gateway_exchange *exchange = arg;
    (void)status;
    exchange->relaying = false;
    if (exchange->then != NULL) {
        void (*then)(struct gateway_exchange *) = exchange->then;
        exchange->then = NULL;
        then(exchange);
        return;
    }
    if (exchange->retry) {
        exchange->retry = false;
        exchange->retried = true;
        send(exchange);
        return;
    }
    exchange->req = NULL;
    gateway_end(exchange);
}

static void forward(struct gateway_exchange *exchange) {
    static const struct virga_str removed[] = {{"Authorization", 13},     {"X-Forwarded-Host", 16},
                                               {"X-Forwarded-Proto", 17}, {"X-Forwarded-Port", 16},
                                               {"Forwarded", 9},          {"Range", 5}};
    size_t removed_count = sizeof removed / sizeof removed[0];
    struct ecr *ecr = exchange->ecr;
    struct virga_header headers[2];
    size_t count = 0;
    if (exchange->accept != NULL) {
        headers[count++] =
            (struct virga_header){virga_str_from("Accept"), virga_str_from(exchange->accept)};
    }
    struct virga_str method =
        exchange->method != NULL ? virga_str_from(exchange->method) : exchange->req->method;
    if (virga_str_equal(method, virga_str_from("PATCH"))) {
        /* The registry answers 500 to any other type. */
        headers[count++] = (struct virga_header){virga_str_from("Content-Type"),
                                                 virga_str_from("application/octet-stream")};
    }
    const struct virga_proxy_request request = {
        .struct_size = sizeof request,
        .method = method,
        .target = strbuf_str(&exchange->target),
        .set_headers = headers,
        .set_headers_count = count,
        .remove_headers = removed,
        .remove_headers_count = exchange->whole ? removed_count : removed_count - 1,
        .buffer_limit_bytes = GATEWAY_ERROR_MAX,
        .on_response = on_response,
        .on_body = on_body,
        .on_error = on_error,
        .on_done = on_done,
        .arg = exchange,
    };
    exchange->relaying = true;
    int result =
        ecr->proxy->forward(ecr->host, exchange->req, backend_upstream(ecr->backend), &request);
    if (result != 0) {
        exchange->relaying = false;
        gateway_fail(exchange, 500, "UNKNOWN", "%s", strerror(-result));
    }
}

static void on_ready(void *arg, int status, const char *reason) {
    struct gateway_exchange *exchange = arg;
    if (status != 0) {
        gateway_fail_backend(exchange, reason);
    } else {
        forward(exchange);
    }
}

static void send(struct gateway_exchange *exchange) {
    if (backend_is_ready(exchange->ecr->backend)) {
        forward(exchange);
    } else {
        backend_ready(exchange->ecr->backend, on_ready, exchange);
    }
}

void gateway_relay(struct gateway_exchange *exchange, const char *accept,
                   void (*on_good)(struct gateway_exchange *exchange,
                                   struct virga_proxy_response *res)) {
    exchange->accept = accept;
    exchange->on_good = on_good;
    if (exchange->target.failed) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    } else {
        send(exchange);
    }
}
