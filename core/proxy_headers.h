/* SPDX-License-Identifier: MIT */
/* Headers on their way through the proxy: the request's head for the upstream, the answer's for the
 * client. Owns which fields end here (hop-by-hop, framing) and how they are changed; sends nothing.
 */
#ifndef CORE_PROXY_HEADERS_H
#define CORE_PROXY_HEADERS_H

#include <stdbool.h>
#include <virga/ext/proxy.h>

#include "arena.h"
#include "http1_client.h"

/* How the request's body is announced. */
struct proxy_framing {
    bool chunked;
    uint64_t length; /* else; 0 = no body */
};

/* What on_response and on_body may look at and change; the opaque struct of virga/ext/proxy.h. */
struct virga_proxy_response {
    struct arena *arena;
    int status;
    struct virga_header *headers;
    size_t headers_count;
};

/* Whether the plugin's changes can be sent: a method, a target, fields without CR, LF and NUL, none
 * of them framing. */
bool proxy_headers_valid(const struct virga_proxy_request *options);

/* The request line and headers for the upstream, in the arena. ptr NULL when out of memory.
 * Source: RFC 9110, 7.6.1 */
struct virga_str proxy_headers_request(struct arena *arena, const struct virga_request *req,
                                       const struct virga_proxy_request *options,
                                       struct proxy_framing framing);

/* Fills `res` with the answer's fields without those that are hop-by-hop. Errors: -ENOMEM. */
int proxy_headers_answer(struct arena *arena, const struct http1_client_head *head,
                         struct virga_proxy_response *res);

/* As virga_proxy.header and .set_header. */
struct virga_str proxy_headers_get(const struct virga_proxy_response *res, const char *name);
int proxy_headers_set(struct virga_proxy_response *res, const char *name, struct virga_str value);

#endif
