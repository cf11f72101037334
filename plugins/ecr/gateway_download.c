/* SPDX-License-Identifier: MIT */
/* Layers fetched at the addresses that GetDownloadUrlForLayer tells. Errors of the address are told
 * as S3 does, whose addresses clients of ECR expect. */
#include "download_url.h"
#include "gateway_impl.h"

#include <errno.h>

static void fail(struct gateway_exchange *exchange, int status, const char *code,
                 const char *message) {
    char body[512];
    int len = snprintf(body, sizeof body,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<Error><Code>%s</Code><Message>%s</Message></Error>",
                       code, message);
    gateway_answer(exchange, status, NULL, 0, "application/xml",
                   (struct virga_str){body, (size_t)len});
}

static void serve(struct gateway_exchange *exchange) {
    struct download download = {.tenant = exchange->tenant};
    struct meta_repository repository;
    memcpy(download.name, exchange->name, sizeof download.name);
    memcpy(download.digest, exchange->reference, sizeof download.digest);
    int result =
        meta_repository_get(exchange->ecr, &exchange->tenant, gateway_name(exchange), &repository);
    if (result == 0) {
        result = download_url_check(exchange->ecr, &download, repository.uid, exchange->req->query);
        meta_repository_finish(&repository);
    }
    switch (result) {
    case 0:
        strbuf_addf(&exchange->target, "/v2/%s/blobs/%s", exchange->upstream, exchange->reference);
        gateway_relay(exchange, NULL, NULL);
        return;
    case -ENOENT:
        fail(exchange, 404, "NoSuchKey", "The specified key does not exist.");
        return;
    case -ETIMEDOUT:
        fail(exchange, 403, "AccessDenied", "Request has expired");
        return;
    case -EACCES:
        fail(exchange, 403, "SignatureDoesNotMatch",
             "The request signature we calculated does not match the signature you provided.");
        return;
    default:
        ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req, "the address cannot be checked: %s",
                strerror(-result));
        fail(exchange, 500, "InternalError", "The address cannot be checked");
        return;
    }
}

static void on_settled(void *arg, int status, const char *reason) {
    struct gateway_exchange *exchange = arg;
    if (status != 0) {
        fail(exchange, 503, "ServiceUnavailable", reason);
    } else {
        serve(exchange);
    }
}

void gateway_download(struct gateway_exchange *exchange, struct virga_str path) {
    struct download download;
    exchange->kind = GATEWAY_BLOB;
    exchange->form = TENANT_FORM_PATH;
    if (!exchange->head && !virga_str_equal(exchange->req->method, virga_str_from("GET"))) {
        fail(exchange, 405, "MethodNotAllowed",
             "The specified method is not allowed against this resource.");
        return;
    }
    if (download_url_parse(path, &download) != 0) {
        fail(exchange, 404, "NoSuchKey", "The specified key does not exist.");
        return;
    }
    exchange->tenant = download.tenant;
    memcpy(exchange->name, download.name, sizeof download.name);
    memcpy(exchange->reference, download.digest, sizeof download.digest);
    (void)backend_name(&exchange->tenant, gateway_name(exchange), exchange->upstream);
    if (backend_is_settled(exchange->ecr->backend)) {
        serve(exchange);
    } else {
        backend_ready(exchange->ecr->backend, on_settled, exchange);
    }
}
