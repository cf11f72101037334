/* SPDX-License-Identifier: MIT */
/* Answers on the wire. Source: OCI distribution spec, "Error Codes"; ECR's own words where they are
 * known. */
#include "gateway_impl.h"

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

void gateway_fail_method(struct gateway_exchange *exchange) {
    gateway_fail(exchange, 405, "UNSUPPORTED", "The operation is unsupported.");
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
