/* SPDX-License-Identifier: MIT */
/* Forwarding to the fallback endpoint. Its addresses are tried one after the other, beginning with
 * the one that worked last; when none can be reached, the name is looked up once more. */
#include "fallback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <strings.h>

#include "ext_proxy.h"
#include "host.h"
#include "http1.h"
#include "log.h"
#include "protocol.h"
#include "request.h"
#include "uuid.h"

#define ADDRESS_MAX INET6_ADDRSTRLEN

/* Names the hosts that a request came through, so that it goes round no circle. */
static const char hops_header[] = "x-virga-forwarded";

/* A request on its way; in the request's arena. */
struct passage {
    struct list node; /* fallback->waiting */
    struct fallback *fallback;
    struct request *req;
    unsigned generation; /* of the addresses that were tried */
    size_t index;        /* the address that is tried */
    size_t tried;
    bool looked_up_again;
};

struct fallback {
    struct host *host;
    struct plugin *plugin; /* the host's own, to use the proxy with */
    struct fallback_endpoint endpoint;
    char *text;
    char id[UUID_TEXT_SIZE]; /* of this host, in hops_header */
    bool is_name;
    char addresses[FALLBACK_ADDRESSES_MAX][ADDRESS_MAX];
    struct virga_upstream *upstreams[FALLBACK_ADDRESSES_MAX]; /* made when first tried */
    size_t count;
    size_t at; /* the address to begin with */
    unsigned generation;
    struct list waiting; /* for the look-up */
    bool looking_up;
    bool destroyed; /* the look-up is all that is left */
    uv_getaddrinfo_t lookup;
};

/* ---- the endpoint ---- */

static int refuse_endpoint(struct error *err, const char *text, const char *why) {
    return error_set(err, -EINVAL, "floci.fallback-endpoint: \"%s\" %s", text, why);
}

static int parse_port(const char *text, uint16_t *ret_port) {
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || port == 0 || port > UINT16_MAX ||
        (*end != '\0' && strcmp(end, "/") != 0)) {
        return -EINVAL;
    }
    *ret_port = (uint16_t)port;
    return 0;
}

int fallback_parse(const char *text, struct fallback_endpoint *ret_endpoint, struct error *err) {
    static const char scheme[] = "http://";
    struct fallback_endpoint endpoint = {.port = 80};
    if (strncasecmp(text, "https://", 8) == 0) {
        return refuse_endpoint(err, text,
                               "is https: requests are passed on over plain HTTP only. Give an "
                               "http:// endpoint");
    }
    if (strncasecmp(text, scheme, sizeof scheme - 1) != 0) {
        return refuse_endpoint(err, text, "does not begin with http://");
    }
    const char *name = text + sizeof scheme - 1;
    bool bracket = *name == '[';
    name += bracket;
    size_t len = strcspn(name, bracket ? "]" : ":/?#@");
    const char *rest = name + len;
    if (len == 0 || len > FALLBACK_NAME_MAX || (bracket && *rest != ']') || *rest == '@') {
        return refuse_endpoint(err, text, "names no host (http://name:port)");
    }
    memcpy(endpoint.name, name, len);
    rest += bracket;
    struct in6_addr unused;
    if (bracket && inet_pton(AF_INET6, endpoint.name, &unused) != 1) {
        return refuse_endpoint(err, text, "has no IPv6 address in its brackets");
    }
    if (*rest == ':' && parse_port(rest + 1, &endpoint.port) != 0) {
        return refuse_endpoint(err, text, "has no port from 1 to 65535 behind its colon");
    }
    if (*rest != ':' && *rest != '\0' && strcmp(rest, "/") != 0) {
        return refuse_endpoint(
            err, text, "has a path: requests are passed on with their own (http://name:port)");
    }
    *ret_endpoint = endpoint;
    return 0;
}

/* ---- addresses ---- */

static bool is_address(const char *name) {
    struct in6_addr unused;
    return inet_pton(AF_INET, name, &unused) == 1 || inet_pton(AF_INET6, name, &unused) == 1;
}

/* Transfers under way end normally. */
static void forget_addresses(struct fallback *fallback) {
    for (size_t i = 0; i < fallback->count; i++) {
        if (fallback->upstreams[i] != NULL) {
            ext_proxy.upstream_destroy(fallback->upstreams[i]);
            fallback->upstreams[i] = NULL;
        }
    }
    fallback->count = 0;
    fallback->at = 0;
    fallback->generation++;
}

static void add_address(struct fallback *fallback, const char *address) {
    for (size_t i = 0; i < fallback->count; i++) {
        if (strcmp(fallback->addresses[i], address) == 0) {
            return;
        }
    }
    if (fallback->count < FALLBACK_ADDRESSES_MAX) {
        (void)snprintf(fallback->addresses[fallback->count++], ADDRESS_MAX, "%.*s", ADDRESS_MAX - 1,
                       address);
    }
}

static void add_found(struct fallback *fallback, const struct addrinfo *found) {
    for (; found != NULL; found = found->ai_next) {
        char address[ADDRESS_MAX];
        const void *bytes = NULL;
        if (found->ai_family == AF_INET) {
            bytes = &((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_addr;
        } else if (found->ai_family == AF_INET6) {
            bytes = &((const struct sockaddr_in6 *)(const void *)found->ai_addr)->sin6_addr;
        }
        if (bytes != NULL && inet_ntop(found->ai_family, bytes, address, sizeof address) != NULL) {
            add_address(fallback, address);
        }
    }
}

static int upstream_of(struct fallback *fallback, size_t index,
                       struct virga_upstream **ret_upstream) {
    const struct virga_upstream_options options = {
        .struct_size = sizeof options,
        .address = fallback->addresses[index],
        .port = fallback->endpoint.port,
        .response_timeout_ms = FALLBACK_RESPONSE_MS,
    };
    if (fallback->upstreams[index] == NULL) {
        int result = ext_proxy.upstream_create(&fallback->plugin->api, &options,
                                               &fallback->upstreams[index]);
        if (result != 0) {
            return result;
        }
    }
    *ret_upstream = fallback->upstreams[index];
    return 0;
}

/* ---- the endings that are ours ---- */

static void fail(struct passage *passage, int status, const char *why) {
    struct fallback *fallback = passage->fallback;
    struct virga_str text =
        arena_printf(&passage->req->arena, "The fallback endpoint %s %s", fallback->text, why);
    const char *message = text.ptr != NULL ? text.ptr : "The fallback endpoint failed";
    log_write(VIRGA_LOG_WARN, "core", passage->req->id, "%s", message);
    (void)protocol_fail(passage->req, status, NULL, message);
}

static void fail_with(struct passage *passage, int error) {
    char why[160];
    if (error == -ETIMEDOUT) {
        fail(passage, 504, "did not answer in time");
        return;
    }
    (void)snprintf(why, sizeof why, "does not answer: %s", error_text(error));
    fail(passage, 502, why);
}

/* ---- the way ---- */

static void try_address(struct passage *passage);

static void on_waiting_cancel(void *arg, struct virga_request *pub, int status) {
    struct passage *passage = arg;
    (void)status;
    list_remove(&passage->node);
    request_http.abort(pub);
}

/* With the addresses that are known now, beginning with the one that worked last. */
static void begin(struct passage *passage) {
    passage->generation = passage->fallback->generation;
    passage->index = passage->fallback->at;
    passage->tried = 0;
    try_address(passage);
}

static void serve_waiting(struct fallback *fallback, const char *why_not) {
    while (!list_empty(&fallback->waiting)) {
        struct passage *passage = LIST_ENTRY(fallback->waiting.next, struct passage, node);
        list_remove(&passage->node);
        request_http.on_cancel(&passage->req->pub, NULL, NULL);
        if (why_not != NULL) {
            fail(passage, 502, why_not);
        } else {
            begin(passage);
        }
    }
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found) {
    struct fallback *fallback = LIST_ENTRY(lookup, struct fallback, lookup);
    if (fallback->destroyed) {
        uv_freeaddrinfo(found);
        free(fallback);
        return;
    }
    char why[160] = "cannot be looked up";
    fallback->looking_up = false;
    if (status == 0) {
        forget_addresses(fallback);
        add_found(fallback, found);
        uv_freeaddrinfo(found);
    } else {
        (void)snprintf(why, sizeof why, "cannot be looked up: %s", uv_strerror(status));
    }
    /* What an earlier look-up found is not tried again: it was out of reach. */
    serve_waiting(fallback, status == 0 && fallback->count > 0 ? NULL : why);
}

static void look_up(struct passage *passage) {
    struct fallback *fallback = passage->fallback;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    list_append(&fallback->waiting, &passage->node);
    request_http.on_cancel(&passage->req->pub, on_waiting_cancel, passage);
    if (fallback->looking_up) {
        return;
    }
    fallback->looking_up = true;
    int result = uv_getaddrinfo(fallback->host->loop, &fallback->lookup, on_lookup,
                                fallback->endpoint.name, NULL, &hints);
    if (result != 0) {
        fallback->looking_up = false;
        serve_waiting(fallback, "cannot be looked up: out of memory");
    }
}

/* Nothing of the request was sent when one of these came, so that it can go elsewhere. */
static bool is_out_of_reach(int error) {
    return error == -ECONNREFUSED || error == -ENETUNREACH || error == -EHOSTUNREACH ||
           error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT;
}

static void on_error(void *arg, struct virga_request *pub, int error) {
    struct passage *passage = arg;
    struct fallback *fallback = passage->fallback;
    if (error == -ECANCELED) {
        request_http.abort(pub); /* nobody is there */
        return;
    }
    if (!is_out_of_reach(error)) {
        fail_with(passage, error);
        return;
    }
    if (passage->generation != fallback->generation && !passage->looked_up_again) {
        /* Somebody else has looked the name up meanwhile. */
        passage->looked_up_again = true;
        begin(passage);
        return;
    }
    if (fallback->at == passage->index && fallback->count > 0) {
        fallback->at = (fallback->at + 1) % fallback->count;
    }
    if (++passage->tried < fallback->count) {
        passage->index = fallback->at;
        try_address(passage);
        return;
    }
    if (fallback->is_name && !passage->looked_up_again) {
        passage->looked_up_again = true;
        look_up(passage);
        return;
    }
    fail_with(passage, error);
}

/* The header with this host's id behind those that are there. ptr NULL: out of memory. */
static struct virga_str hops_of(const struct passage *passage) {
    struct virga_str before = request_http.header(&passage->req->pub, hops_header);
    return arena_printf(&passage->req->arena, "%.*s%s%s", (int)before.len,
                        before.ptr != NULL ? before.ptr : "", before.len > 0 ? "," : "",
                        passage->fallback->id);
}

/* Everything as the client sent it: target, Host and the headers that a signature may cover. */
static void try_address(struct passage *passage) {
    struct fallback *fallback = passage->fallback;
    const struct virga_request *pub = &passage->req->pub;
    const struct virga_header headers[] = {
        {virga_str_from("Host"), pub->host.ptr != NULL ? pub->host : virga_str_from("")},
        {virga_str_from(hops_header), hops_of(passage)},
    };
    const struct virga_proxy_request options = {
        .struct_size = sizeof options,
        .set_headers = headers,
        .set_headers_count = 2,
        .on_error = on_error,
        .arg = passage,
    };
    struct virga_upstream *upstream;
    int result =
        headers[1].value.ptr == NULL ? -ENOMEM : upstream_of(fallback, passage->index, &upstream);
    if (result == 0) {
        result = ext_proxy.forward(&fallback->plugin->api, &passage->req->pub, upstream, &options);
    }
    if (result != 0) {
        fail(passage, 500, "could not be asked: out of memory");
    }
}

static bool went_round(const struct fallback *fallback, struct virga_str hops) {
    size_t count = 0;
    if (hops.len == 0) {
        return false;
    }
    for (const char *at = hops.ptr; at < hops.ptr + hops.len; at++) {
        count += *at == ',';
    }
    return count >= FALLBACK_HOPS_MAX ||
           memmem(hops.ptr, hops.len, fallback->id, UUID_TEXT_SIZE - 1) != NULL;
}

void fallback_take(struct fallback *fallback, struct request *req) {
    req->plugin = fallback->plugin;
}

bool fallback_has(const struct fallback *fallback, const struct request *req) {
    return fallback != NULL && req->plugin == fallback->plugin;
}

void fallback_forward(struct fallback *fallback, struct request *req) {
    struct passage *passage = arena_alloc(&req->arena, sizeof *passage);
    if (passage == NULL) {
        request_http.abort(&req->pub);
        return;
    }
    *passage = (struct passage){.fallback = fallback, .req = req};
    list_init(&passage->node);
    deadline_stop(&req->deadline); /* the endpoint's limits are the upstream's */
    if (went_round(fallback, request_http.header(&req->pub, hops_header))) {
        fail(passage, 508, "leads back to this host");
    } else if (fallback->count == 0) {
        passage->looked_up_again = true;
        look_up(passage);
    } else {
        begin(passage);
    }
}

/* ---- life ---- */

static int own_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)ret_self;
    (void)err;
    return 0;
}

int fallback_create(struct host *host, const char *endpoint, struct fallback **ret_fallback,
                    struct error *err) {
    static const struct virga_plugin desc = {VIRGA_PLUGIN_HEAD, .name = "fallback",
                                             .version = HOST_VERSION, .start = own_start};
    struct fallback_endpoint parsed;
    int result = fallback_parse(endpoint, &parsed, err);
    if (result != 0) {
        return result;
    }
    struct fallback *fallback = calloc(1, sizeof *fallback);
    if (fallback == NULL || (fallback->text = strdup(endpoint)) == NULL ||
        plugin_adopt(host, &desc, &fallback->plugin, err) != 0) {
        if (fallback != NULL) {
            free(fallback->text);
        }
        free(fallback);
        return error_set(err, -ENOMEM, "out of memory");
    }
    fallback->host = host;
    fallback->plugin->state = PLUGIN_RUNNING;
    fallback->endpoint = parsed;
    fallback->is_name = !is_address(parsed.name);
    uuid_v4(fallback->id);
    list_init(&fallback->waiting);
    if (!fallback->is_name) {
        add_address(fallback, parsed.name);
    }
    *ret_fallback = fallback;
    return 0;
}

void fallback_stop(struct fallback *fallback) {
    if (fallback != NULL) {
        serve_waiting(fallback, "was not asked: the host is stopping");
        forget_addresses(fallback);
        plugin_destroy(fallback->plugin);
    }
}

void fallback_destroy(struct fallback *fallback) {
    if (fallback == NULL) {
        return;
    }
    plugin_free(fallback->plugin);
    free(fallback->text);
    if (fallback->looking_up) {
        fallback->destroyed = true;
        (void)uv_cancel((uv_req_t *)&fallback->lookup);
        return;
    }
    free(fallback);
}
