/* SPDX-License-Identifier: MIT */
#include "docker_relay.h"

#include <errno.h>
#include <stdlib.h>

/* A function that invokes another one waits as long as that may run: 15 minutes. */
#define RESPONSE_MS (20u * 60 * 1000)

struct docker_relay {
    struct lambda *lambda;
    struct docker_reach reach;
    struct virga_listener_handle *listener;
    struct virga_upstream *upstream;
};

static void answer(struct virga_request *req, int status, const char *text) {
    const struct virga_response res = {
        .struct_size = sizeof res, .status = status, .body = virga_str_from(text)};
    (void)req->http->respond(req, &res);
}

static void on_request(void *arg, struct virga_request *req) {
    const struct docker_relay *relay = arg;
    const struct lambda *lambda = relay->lambda;
    const struct virga_header host = {{"Host", 4}, req->host};
    const struct virga_proxy_request options = {.struct_size = sizeof options,
                                                .set_headers = &host,
                                                .set_headers_count = req->host.len > 0 ? 1 : 0};
    if (!docker_reach_admits(relay->reach.peers, req->peer)) {
        answer(req, 403, "This port is for functions that virga runs.\n");
        return;
    }
    if (lambda->proxy->forward(lambda->host, req, relay->upstream, &options) != 0) {
        answer(req, 502, "virga cannot hand the request on.\n");
    }
}

int docker_relay_open(struct lambda *lambda, const struct docker_reach *reach,
                      struct docker_relay **ret_relay) {
    char address[128];
    struct virga_str bind = lambda->config->get_string(lambda->host, "floci.bind-address");
    struct docker_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        return -ENOMEM;
    }
    docker_reach_upstream(bind.ptr != NULL ? bind.ptr : "", address, sizeof address);
    relay->lambda = lambda;
    relay->reach = *reach;
    const struct virga_upstream_options upstream = {.struct_size = sizeof upstream,
                                                    .address = address,
                                                    .port = lambda->port,
                                                    .response_timeout_ms = RESPONSE_MS,
                                                    .stall_timeout_ms = RESPONSE_MS};
    const struct virga_listener_options listener = {.struct_size = sizeof listener,
                                                    .flags = VIRGA_ROUTE_STREAM,
                                                    .addresses = relay->reach.listen,
                                                    .port_preferred = lambda->port,
                                                    .on_request = on_request,
                                                    .arg = relay};
    int result = lambda->proxy->upstream_create(lambda->host, &upstream, &relay->upstream);
    if (result == 0) {
        result = lambda->listener->open(lambda->host, &listener, &relay->listener);
    }
    if (result != 0) {
        docker_relay_close(relay);
        return result;
    }
    *ret_relay = relay;
    return 0;
}

uint16_t docker_relay_port(const struct docker_relay *relay) {
    return relay->lambda->listener->port(relay->listener);
}

bool docker_relay_fits(const struct docker_relay *relay, const struct docker_reach *reach) {
    return strcmp(relay->reach.listen, reach->listen) == 0 &&
           strcmp(relay->reach.peers, reach->peers) == 0;
}

void docker_relay_close(struct docker_relay *relay) {
    if (relay == NULL) {
        return;
    }
    relay->lambda->listener->close(relay->listener);
    if (relay->upstream != NULL) {
        relay->lambda->proxy->upstream_destroy(relay->upstream);
    }
    free(relay);
}
