/* SPDX-License-Identifier: MIT */
/* The fallback endpoint: another server that gets what no plugin serves, as it came. Owns its
 * address and the requests that wait for it; leaves the bytes to the proxy. */
#ifndef CORE_FALLBACK_H
#define CORE_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct fallback;
struct host;
struct request;

/* From a request's last byte to the answer's first: the longest that a synchronous call of AWS
 * takes (a Lambda invocation, 900 s), and a little more. */
#define FALLBACK_RESPONSE_MS 910000
/* Addresses of one name that are tried. */
#define FALLBACK_ADDRESSES_MAX 8
/* Hosts that a request may have passed through. */
#define FALLBACK_HOPS_MAX 16

/* The parts of an endpoint. */
#define FALLBACK_NAME_MAX 253
struct fallback_endpoint {
    char name[FALLBACK_NAME_MAX + 1]; /* a host name or an address, without brackets */
    uint16_t port;
};

/* Reads "http://name[:port][/]". Errors: -EINVAL with what is wrong in words. */
int fallback_parse(const char *text, struct fallback_endpoint *ret_endpoint, struct error *err);

/* Makes it; a name is looked up when the first request comes. Errors: -EINVAL, -ENOMEM. Thread:
 * [loop]. */
int fallback_create(struct host *host, const char *endpoint, struct fallback **ret_fallback,
                    struct error *err);
/* Refuses what waits and breaks off what is on its way. NULL is fine. */
void fallback_stop(struct fallback *fallback);
/* Frees it, when no request is left that it was given. NULL is fine. */
void fallback_destroy(struct fallback *fallback);

/* Marks a request for it, from its head on. */
void fallback_take(struct fallback *fallback, struct request *req);
/* Whether it was marked; fallback may be NULL. */
bool fallback_has(const struct fallback *fallback, const struct request *req);
/* Sends it on; the request is answered by the endpoint, or with 502, 504 or 508 in its own
 * protocol. Thread: [loop]. */
void fallback_forward(struct fallback *fallback, struct request *req);

#endif
