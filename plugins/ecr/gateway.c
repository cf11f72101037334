/* SPDX-License-Identifier: MIT */
/* The gateway's port: who is meant, what is wanted, and which part answers. */
#include "gateway.h"
#include "download_url.h"
#include "gateway_impl.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>

#define FACT_PORT "gateway-port"

/* --- the exchange --- */

struct virga_str gateway_name(const struct gateway_exchange *exchange) {
    return virga_str_from(exchange->name);
}

struct virga_str gateway_client_name(const struct gateway_exchange *exchange,
                                     char buffer[GATEWAY_CLIENT_NAME_MAX + 1]) {
    bool path = exchange->form == TENANT_FORM_PATH;
    (void)snprintf(buffer, GATEWAY_CLIENT_NAME_MAX + 1, "%s%s%s%s%s",
                   path ? exchange->tenant.account : "", path ? "/" : "",
                   path ? exchange->tenant.region : "", path ? "/" : "", exchange->name);
    return virga_str_from(buffer);
}

static void on_open(struct gate_pass *pass) {
    struct gateway_exchange *exchange =
        (struct gateway_exchange *)(void *)((char *)pass - offsetof(struct gateway_exchange, pass));
    exchange->on_pass(exchange);
}

void gateway_take_pass(struct gateway_exchange *exchange,
                       void (*on_pass)(struct gateway_exchange *exchange)) {
    exchange->on_pass = on_pass;
    if (gate_enter(exchange->ecr->gate, &exchange->pass, on_open) == 1) {
        on_pass(exchange);
    }
}

static void free_exchange(struct gateway_exchange *exchange) {
    *exchange->link = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->link = exchange->link;
    }
    free(exchange->media_type);
    free(exchange->principal);
    strbuf_finish(&exchange->target);
    strbuf_finish(&exchange->body);
    free(exchange);
}

void gateway_end(struct gateway_exchange *exchange) {
    if (exchange->relaying) {
        return;
    }
    gate_leave(exchange->ecr->gate, &exchange->pass);
    free_exchange(exchange);
}

static struct gateway_exchange *create_exchange(struct gateway *gateway,
                                                struct virga_request *req) {
    struct gateway_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->gateway = gateway;
    exchange->ecr = gateway->ecr;
    exchange->req = req;
    exchange->head = virga_str_equal(req->method, virga_str_from("HEAD"));
    exchange->next = gateway->exchanges;
    exchange->link = &gateway->exchanges;
    if (exchange->next != NULL) {
        exchange->next->link = &exchange->next;
    }
    gateway->exchanges = exchange;
    return exchange;
}

/* --- routing --- */

static bool is_method(const struct gateway_exchange *exchange, const char *method) {
    return virga_str_equal(exchange->req->method, virga_str_from(method));
}

static bool is_read(const struct gateway_exchange *exchange) {
    return exchange->head || is_method(exchange, "GET");
}

/* Copies and checks the path's parts; false: the exchange has ended. */
static bool take_path(struct gateway_exchange *exchange, const struct gateway_path *path) {
    exchange->kind = path->kind;
    if (path->kind == GATEWAY_BASE || path->kind == GATEWAY_CATALOG) {
        return true;
    }
    if (!reference_is_name(path->name)) {
        gateway_fail_name_form(exchange, path->name);
        return false;
    }
    memcpy(exchange->name, path->name.ptr, path->name.len);
    (void)backend_name(&exchange->tenant, path->name, exchange->upstream);
    if (path->reference.len > GATEWAY_SESSION_MAX) {
        gateway_fail(exchange, 404,
                     path->kind == GATEWAY_MANIFEST ? "MANIFEST_UNKNOWN" : "BLOB_UPLOAD_UNKNOWN",
                     "The reference is too long");
        return false;
    }
    memcpy(exchange->reference, path->reference.ptr, path->reference.len);
    return true;
}

static void answer_base(struct gateway_exchange *exchange) {
    gateway_answer(exchange, 200, NULL, 0, "application/json; charset=utf-8", virga_str_from("{}"));
}

static void dispatch(struct gateway_exchange *exchange) {
    if (!gateway_authorize(exchange)) {
        return;
    }
    switch (exchange->kind) {
    case GATEWAY_BASE:
        (is_read(exchange) ? answer_base : gateway_fail_method)(exchange);
        return;
    case GATEWAY_CATALOG:
        (is_read(exchange) ? gateway_list_catalog : gateway_fail_method)(exchange);
        return;
    case GATEWAY_TAGS:
        (is_read(exchange) ? gateway_list_tags : gateway_fail_method)(exchange);
        return;
    case GATEWAY_MANIFEST:
        if (is_read(exchange) || is_method(exchange, "DELETE")) {
            gateway_manifest(exchange);
        } else if (is_method(exchange, "PUT")) {
            gateway_push(exchange);
        } else {
            gateway_fail_method(exchange);
        }
        return;
    case GATEWAY_BLOB:
        (is_read(exchange) ? gateway_blob : gateway_fail_method)(exchange);
        return;
    case GATEWAY_UPLOADS:
        (is_method(exchange, "POST") ? gateway_upload : gateway_fail_method)(exchange);
        return;
    case GATEWAY_UPLOAD:
        if (is_method(exchange, "GET") || is_method(exchange, "PATCH") ||
            is_method(exchange, "PUT") || is_method(exchange, "DELETE")) {
            gateway_upload(exchange);
        } else {
            gateway_fail_method(exchange);
        }
        return;
    case GATEWAY_REFERRERS:
        (is_read(exchange) ? gateway_referrers : gateway_fail_method)(exchange);
        return;
    }
}

static void on_settled(void *arg, int status, const char *reason) {
    struct gateway_exchange *exchange = arg;
    if (status != 0 && !backend_is_reconciled(exchange->ecr->backend)) {
        gateway_fail_backend(exchange, reason);
    } else {
        dispatch(exchange);
    }
}

static void on_request(void *arg, struct virga_request *req) {
    struct gateway *gateway = arg;
    struct gateway_exchange *exchange = create_exchange(gateway, req);
    if (exchange == NULL) {
        req->http->abort(req);
        return;
    }
    struct tenant_address address;
    struct gateway_path path;
    size_t len = 0;
    if (req->query.len > GATEWAY_QUERY_MAX ||
        reference_decode(req->path, exchange->path, sizeof exchange->path, &len) != 0) {
        gateway_fail(exchange, 400, "NAME_INVALID", "The request's path or query is malformed");
        return;
    }
    if (download_url_is((struct virga_str){exchange->path, len})) {
        /* Before anybody asks for credentials: the address itself says that it may be fetched. */
        gateway_download(exchange, (struct virga_str){exchange->path, len});
        return;
    }
    int result = tenant_resolve(req->host, (struct virga_str){exchange->path, len}, req->query,
                                &gateway->defaults, &address);
    if (result == 0) {
        exchange->tenant = address.tenant;
        exchange->form = address.form;
    }
    /* Everything below /v2/ is for who has logged in, and nothing else. */
    if (result != -ENOENT && !gateway_login(exchange)) {
        return;
    }
    if (result == 0) {
        result = gateway_path_parse(address.rest, &path);
    }
    if (result == -EINVAL) {
        gateway_fail(exchange, 400, "NAME_INVALID",
                     "The host is not of the form <account>.dkr.ecr.<region>.<domain>");
    } else if (result == -EHOSTUNREACH) {
        gateway_fail(exchange, 404, "NAME_UNKNOWN",
                     "The registry that 'ns' names is not served here");
    } else if (result != 0) {
        gateway_fail(exchange, 404, "NOT_FOUND", "There is nothing here");
    } else if (take_path(exchange, &path)) {
        if (exchange->kind == GATEWAY_BASE || backend_is_settled(gateway->ecr->backend)) {
            dispatch(exchange);
        } else {
            /* What the store says may change when the registry has started. */
            backend_ready(gateway->ecr->backend, on_settled, exchange);
        }
    }
}

/* --- the port --- */

static void read_default(struct ecr *ecr, const char *key, char *buffer, size_t size) {
    struct virga_str value = ecr->config->get_string(ecr->host, key);
    if (value.ptr != NULL && value.len < size) {
        memcpy(buffer, value.ptr, value.len);
        buffer[value.len] = '\0';
    }
}

int gateway_create(struct ecr *ecr, struct gateway **ret_gateway, struct virga_error *err) {
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    gateway->ecr = ecr;
    gateway->defaults = (struct tenant){"000000000000", "us-east-1"};
    read_default(ecr, "floci.default-account-id", gateway->defaults.account,
                 sizeof gateway->defaults.account);
    read_default(ecr, "floci.default-region", gateway->defaults.region,
                 sizeof gateway->defaults.region);
    char text[16] = "";
    long preferred =
        meta_fact_get(ecr, FACT_PORT, text, sizeof text) == 0 ? strtol(text, NULL, 10) : 0;
    const struct virga_listener_options options = {
        .struct_size = sizeof options,
        .flags = VIRGA_ROUTE_STREAM,
        .port_first = ecr->port_first,
        .port_last = ecr->port_last,
        /* A port of an earlier range is not wanted any more. */
        .port_preferred =
            preferred >= ecr->port_first && preferred <= ecr->port_last ? (uint16_t)preferred : 0,
        .on_request = on_request,
        .arg = gateway,
    };
    int result = ecr->listener->open(ecr->host, &options, &gateway->listener);
    if (result != 0) {
        virga_error_set(err, "no port for the registry in %u..%u: %s", ecr->port_first,
                        ecr->port_last,
                        result == -EADDRINUSE ? "all of them are taken" : strerror(-result));
        free(gateway);
        return result;
    }
    gateway->port = ecr->listener->port(gateway->listener);
    (void)snprintf(text, sizeof text, "%u", gateway->port);
    result = meta_fact_put(ecr, FACT_PORT, text);
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "the registry's port could not be noted: %s",
                strerror(-result));
    }
    *ret_gateway = gateway;
    return 0;
}

void gateway_destroy(struct gateway *gateway) {
    if (gateway == NULL) {
        return;
    }
    gateway->ecr->listener->close(gateway->listener);
    while (gateway->exchanges != NULL) {
        struct gateway_exchange *exchange = gateway->exchanges;
        /* A relayed one that outlasts the stop is the proxy's: it has the request and ends it. */
        if (exchange->req != NULL && !exchange->relaying) {
            exchange->req->http->abort(exchange->req);
        }
        free_exchange(exchange);
    }
    free(gateway);
}

uint16_t gateway_port(const struct gateway *gateway) {
    return gateway->port;
}

const struct tenant *gateway_defaults(const struct gateway *gateway) {
    return &gateway->defaults;
}

void gateway_registry_host(const struct ecr *ecr, const struct tenant *tenant, char *buffer,
                           size_t size) {
    unsigned port = gateway_port(ecr->gateway);
    if (ecr->uri_style == ECR_URI_PATH) {
        (void)snprintf(buffer, size, "localhost:%u", port);
    } else {
        (void)snprintf(buffer, size, "%s.dkr.ecr.%s.localhost:%u", tenant->account, tenant->region,
                       port);
    }
}

void gateway_repository_uri(const struct ecr *ecr, const struct tenant *tenant,
                            struct virga_str name, char *buffer, size_t size) {
    unsigned port = gateway_port(ecr->gateway);
    if (ecr->uri_style == ECR_URI_PATH) {
        (void)snprintf(buffer, size, "localhost:%u/%s/%s/%.*s", port, tenant->account,
                       tenant->region, (int)name.len, name.ptr);
    } else {
        (void)snprintf(buffer, size, "%s.dkr.ecr.%s.localhost:%u/%.*s", tenant->account,
                       tenant->region, port, (int)name.len, name.ptr);
    }
}
