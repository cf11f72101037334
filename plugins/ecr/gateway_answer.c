/* SPDX-License-Identifier: MIT */
/* Answers on the wire. Source: OCI distribution spec, "Error Codes"; ECR's own words where they are
 * known. */
#include "gateway_impl.h"
#include "model_grammar.h"
#include "strict.h"

#include <errno.h>

#define API_VERSION "Docker-Distribution-Api-Version"
#define HEADERS_MAX 12
#define MESSAGE_MAX 1200

void gateway_answer(struct gateway_exchange *exchange, int status,
                    const struct gateway_header *headers, size_t headers_count,
                    const char *content_type, struct virga_str body) {
    struct virga_header list[HEADERS_MAX + 2];
    size_t count = 0;
    list[count++] =
        (struct virga_header){virga_str_from(API_VERSION), virga_str_from("registry/2.0")};
    if (content_type != NULL) {
        list[count++] =
            (struct virga_header){virga_str_from("Content-Type"), virga_str_from(content_type)};
    }
    for (size_t i = 0; i < headers_count && i < HEADERS_MAX; i++) {
        if (headers[i].value != NULL) {
            list[count++] = (struct virga_header){virga_str_from(headers[i].name),
                                                  virga_str_from(headers[i].value)};
        }
    }
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = list,
        .headers_count = count,
        .body = exchange->head ? (struct virga_str){"", 0} : body,
        .head_length = exchange->head ? body.len : 0,
    };
    struct virga_request *req = exchange->req;
    exchange->req = NULL;
    (void)req->http->respond(req, &res);
    gateway_end(exchange);
}

void gateway_fail(struct gateway_exchange *exchange, int status, const char *code,
                  const char *format, ...) {
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct strbuf body = {0};
    strbuf_addf(&body, "{\"errors\":[{\"code\":\"%s\",\"message\":", code);
    strbuf_add_json(&body, virga_str_from(message));
    strbuf_add_text(&body, "}]}\n");
    const struct gateway_header retry = {"Retry-After", status == 503 ? "1" : NULL};
    gateway_answer(exchange, status, &retry, 1, "application/json; charset=utf-8",
                   strbuf_str(&body));
    strbuf_finish(&body);
}

void gateway_fail_name(struct gateway_exchange *exchange) {
    gateway_fail(exchange, 404, "NAME_UNKNOWN",
                 "The repository with name '%s' does not exist in the registry with id '%s'",
                 exchange->name, exchange->tenant.account);
}

void gateway_fail_store(struct gateway_exchange *exchange, int error) {
    ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req, "the store failed: %s",
            strerror(-error));
    gateway_fail(exchange, 500, "UNKNOWN", "The store failed: %s", strerror(-error));
}

void gateway_fail_manifest(struct gateway_exchange *exchange) {
    gateway_fail(exchange, 404, "MANIFEST_UNKNOWN", "Requested image not found");
}

/* The methods of each route. */
static const char *allowed(enum gateway_kind kind) {
    switch (kind) {
    case GATEWAY_MANIFEST:
        return "GET, HEAD, PUT, DELETE";
    case GATEWAY_UPLOADS:
        return "POST";
    case GATEWAY_UPLOAD:
        return "GET, PATCH, PUT, DELETE";
    case GATEWAY_BASE:
    case GATEWAY_CATALOG:
    case GATEWAY_TAGS:
    case GATEWAY_BLOB:
    case GATEWAY_REFERRERS:
        break;
    }
    return "GET, HEAD";
}

void gateway_fail_method(struct gateway_exchange *exchange) {
    const struct gateway_header allow = {"Allow", allowed(exchange->kind)};
    gateway_answer(exchange, 405, &allow, 1, "application/json; charset=utf-8",
                   virga_str_from("{\"errors\":[{\"code\":\"UNSUPPORTED\",\"message\":"
                                  "\"The operation is unsupported.\"}]}\n"));
}

void gateway_fail_parameter(struct gateway_exchange *exchange, int status, const char *code,
                            const char *message, const char *member, const char *constraint) {
    if (strict_parameter_status(exchange->ecr)) {
        gateway_fail(exchange, exchange->head ? 400 : 405, "UNSUPPORTED",
                     "Invalid parameter at '%s' failed to satisfy constraint: '%s'", member,
                     constraint);
    } else {
        gateway_fail(exchange, status, code, "%s", message);
    }
}

void gateway_fail_name_form(struct gateway_exchange *exchange, struct virga_str name) {
    char message[ECR_NAME_MAX + 64];
    const char *constraint = "must satisfy regular expression '"
                             "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
                             "(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*'";
    if (name.len < 2) {
        constraint = "must have length greater than or equal to 2";
    } else if (name.len > ECR_NAME_MAX) {
        constraint = "must have length less than or equal to 256";
    }
    (void)snprintf(message, sizeof message, "Invalid repository name '%.*s'",
                   (int)(name.len < ECR_NAME_MAX ? name.len : ECR_NAME_MAX), name.ptr);
    gateway_fail_parameter(exchange, 400, "NAME_INVALID", message, "repositoryName", constraint);
}

void gateway_fail_tag_form(struct gateway_exchange *exchange) {
    char message[GATEWAY_SESSION_MAX + 64];
    (void)snprintf(message, sizeof message, "Invalid image tag '%s'", exchange->reference);
    gateway_fail_parameter(exchange, 400, "TAG_INVALID", message, "imageTag",
                           "must satisfy regular expression '" MODEL_TAG_PATTERN "'");
}

void gateway_origin(const struct gateway_exchange *exchange, char ret_origin[GATEWAY_ORIGIN_MAX]) {
    struct virga_str host = exchange->req->host;
    char own[GATEWAY_ORIGIN_MAX - 16];
    /* What a header could not hold is not sent back. */
    size_t good = host.ptr != NULL ? strspn(host.ptr, "abcdefghijklmnopqrstuvwxyz"
                                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]")
                                   : 0;
    if (host.len == 0 || good < host.len || host.len >= sizeof own) {
        gateway_registry_host(exchange->ecr, &exchange->tenant, own, sizeof own);
        host = virga_str_from(own);
    }
    (void)snprintf(ret_origin, GATEWAY_ORIGIN_MAX, "http://%.*s", (int)host.len, host.ptr);
}

void gateway_location_origin(const struct gateway_exchange *exchange,
                             char ret_origin[GATEWAY_ORIGIN_MAX]) {
    ret_origin[0] = '\0';
    if (strict_absolute_locations(exchange->ecr)) {
        gateway_origin(exchange, ret_origin);
    }
}

void gateway_fail_backend(struct gateway_exchange *exchange, const char *reason) {
    gateway_fail(exchange, 503, "UNAVAILABLE", "The registry is not available: %s", reason);
}

bool gateway_check_repository(struct gateway_exchange *exchange) {
    struct meta_repository repository;
    int result =
        meta_repository_get(exchange->ecr, &exchange->tenant, gateway_name(exchange), &repository);
    if (result == 0) {
        meta_repository_finish(&repository);
        return true;
    }
    if (result == -ENOENT) {
        gateway_fail_name(exchange);
    } else {
        gateway_fail_store(exchange, result);
    }
    return false;
}
