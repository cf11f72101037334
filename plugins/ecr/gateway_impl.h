/* SPDX-License-Identifier: MIT */
/* The gateway's insides, shared by the files that make it up: the exchange and the ways to answer
 * it. */
#ifndef ECR_GATEWAY_IMPL_H
#define ECR_GATEWAY_IMPL_H

#include "backend.h"
#include "gate.h"
#include "gateway.h"
#include "gateway_path.h"
#include "meta.h"
#include "referrer_index.h"
#include "strbuf.h"
#include "tenant.h"

#define GATEWAY_PATH_MAX 2048         /* a request's path, decoded */
#define GATEWAY_QUERY_MAX 8192        /* its query; an upload's state is about 400 bytes */
#define GATEWAY_ERROR_MAX (64u << 10) /* an error answer of the registry */
#define GATEWAY_PAGE_MAX 10000        /* tags or repositories in one answer */

struct gateway {
    struct ecr *ecr;
    struct virga_listener_handle *listener;
    uint16_t port;
    struct tenant defaults;
    struct gateway_exchange *exchanges; /* under way and waiting for something */
};

/* One request on its way. It outlives the request's arena, since a relay ends after the request was
 * given back. */
struct gateway_exchange {
    struct gateway *gateway;
    struct ecr *ecr;
    struct virga_request *req; /* NULL once it was answered or given away for good */
    struct gateway_exchange *next;
    struct gateway_exchange **link;
    struct gate_pass pass;
    void (*on_pass)(struct gateway_exchange *exchange);
    void (*again)(struct gateway_exchange *exchange); /* the route, when it can go on */
    enum tenant_form form;
    struct tenant tenant;
    enum gateway_kind kind;
    bool head;     /* the method is HEAD */
    bool relaying; /* the proxy will still say that it is done */
    bool retry;    /* to be relayed again then */
    bool retried;
    bool whole;                  /* the client's Range is not sent on */
    bool cached;                 /* the pull-through cache was asked already */
    char path[GATEWAY_PATH_MAX]; /* decoded; what follows points into it or is copied */
    char name[ECR_NAME_MAX + 1];
    char reference[GATEWAY_SESSION_MAX + 1];
    char upstream[BACKEND_NAME_MAX + 1]; /* the repository's name in the registry */
    char digest[ECR_DIGEST_LEN + 1];     /* of the manifest or blob in question */
    char *media_type;                    /* of the manifest that is read */
    struct strbuf target;                /* of the relayed request */
    const char *method;                  /* sent instead of the client's; NULL */
    const char *accept;                  /* sent instead of the client's; NULL */
    /* Takes a good answer in the place of the client, and has the exchange go on with `then` when
     * the relay is over; NULL: the client gets it. */
    enum virga_proxy_decision (*on_answer)(struct gateway_exchange *exchange,
                                           struct virga_proxy_response *res);
    void (*then)(struct gateway_exchange *exchange);
    unsigned misread; /* how often the registry could not read the manifest */
    void (*on_good)(struct gateway_exchange *exchange, struct virga_proxy_response *res);
    struct strbuf body; /* of a manifest on its way in */
    struct referrer_wait referrer_wait;
    struct principal *principal; /* who logged in; NULL where nobody must */
};

/* The repository's name as the client writes it: with account and region in the path form. */
#define GATEWAY_CLIENT_NAME_MAX (ECR_NAME_MAX + ECR_ACCOUNT_LEN + ECR_REGION_MAX + 2)
struct virga_str gateway_client_name(const struct gateway_exchange *exchange,
                                     char buffer[GATEWAY_CLIENT_NAME_MAX + 1]);
struct virga_str gateway_name(const struct gateway_exchange *exchange);

/* Waits until the gate lets writes through; on_pass may come inside the call. The pass is handed
 * back with the exchange. */
void gateway_take_pass(struct gateway_exchange *exchange,
                       void (*on_pass)(struct gateway_exchange *exchange));
/* Frees the exchange, whose request was answered; the proxy's last word is waited for. */
void gateway_end(struct gateway_exchange *exchange);

/* --- answers (gateway_answer.c); each ends the exchange --- */

/* An answer with headers ({name, value} pairs, a value NULL = left out) and a body of JSON. */
struct gateway_header {
    const char *name;
    const char *value;
};
void gateway_answer(struct gateway_exchange *exchange, int status,
                    const struct gateway_header *headers, size_t headers_count,
                    const char *content_type, struct virga_str body);
/* An error as OCI writes it. Source: OCI distribution spec, "Error Codes". */
VIRGA_PRINTF(4, 5)
void gateway_fail(struct gateway_exchange *exchange, int status, const char *code,
                  const char *format, ...);
/* The errors that several routes share. */
void gateway_fail_name(struct gateway_exchange *exchange);             /* no such repository */
void gateway_fail_store(struct gateway_exchange *exchange, int error); /* the store failed */
void gateway_fail_manifest(struct gateway_exchange *exchange);         /* no such image */
void gateway_fail_method(struct gateway_exchange *exchange);           /* 405, with Allow */
void gateway_fail_backend(struct gateway_exchange *exchange, const char *reason); /* 503 */
/* A malformed part of the request: as ECR's API words it under strict-ecr, else as given. */
void gateway_fail_parameter(struct gateway_exchange *exchange, int status, const char *code,
                            const char *message, const char *member, const char *constraint);
void gateway_fail_name_form(struct gateway_exchange *exchange, struct virga_str name);
void gateway_fail_tag_form(struct gateway_exchange *exchange); /* of the reference */
/* Checks that the repository exists; false: the exchange has ended. */
bool gateway_check_repository(struct gateway_exchange *exchange);
/* The same for a push, which creates the repository where a template says so (gateway_create.c);
 * false: the exchange has ended, or `again` is called, maybe inside this call. */
bool gateway_push_repository(struct gateway_exchange *exchange,
                             void (*again)(struct gateway_exchange *exchange));

/* --- who may (gateway_auth.c); all of it is true in open mode --- */

/* Whether the request has good credentials; false: the exchange has ended. */
bool gateway_login(struct gateway_exchange *exchange);
/* Answers 401 and how to log in. */
void gateway_fail_login(struct gateway_exchange *exchange);
/* Whether who logged in may do what is asked; false: the exchange has ended. */
bool gateway_authorize(struct gateway_exchange *exchange);
/* Whether they may do `action` ("ecr:GetDownloadUrlForLayer") on a repository of the same registry,
 * besides. */
bool gateway_may(const struct gateway_exchange *exchange, const char *action,
                 struct virga_str name);
/* The ARN of who logged in, as image_pulled() wants it; ptr NULL: not known. */
struct virga_str gateway_principal(const struct gateway_exchange *exchange);

/* The address that the client used: "http://localhost:5100". */
#define GATEWAY_ORIGIN_MAX 300
void gateway_origin(const struct gateway_exchange *exchange, char ret_origin[GATEWAY_ORIGIN_MAX]);
/* What an address in an answer begins with: that, or nothing where it may be relative. */
void gateway_location_origin(const struct gateway_exchange *exchange,
                             char ret_origin[GATEWAY_ORIGIN_MAX]);

/* --- the routes --- */
void gateway_list_tags(struct gateway_exchange *exchange);
void gateway_list_catalog(struct gateway_exchange *exchange);
void gateway_manifest(struct gateway_exchange *exchange); /* GET HEAD DELETE */
void gateway_push(struct gateway_exchange *exchange);     /* PUT manifest */
void gateway_blob(struct gateway_exchange *exchange);     /* GET HEAD blob */
void gateway_upload(struct gateway_exchange *exchange);
/* GET HEAD of a layer at a signed address, whose decoded path is given. */
void gateway_download(struct gateway_exchange *exchange, struct virga_str path);
/* POST of a whole blob (gateway_post.c); false: it is none, an upload is to be begun. */
bool gateway_post(struct gateway_exchange *exchange);
/* Checks that a chunk that names its place goes on where the session ends: the registry would add
 * it whatever it says (gateway_chunk.c). False: the exchange has ended. */
bool gateway_chunk(struct gateway_exchange *exchange);
/* The registry refused a session's address: it is of before a chunk that came since, whose answer
 * the client may never have got, or it never was one. True: the request is to be sent again, with
 * the new target; else the exchange has ended. */
bool gateway_chunk_refused(struct gateway_exchange *exchange);
void gateway_referrers(struct gateway_exchange *exchange);

/* --- the pull-through cache (gateway_cache.c) --- */

/* Whether the cache has to be asked before a manifest or a blob is read; then the exchange ends, or
 * its route is called again. */
bool gateway_cache_manifest(struct gateway_exchange *exchange);
bool gateway_cache_blob(struct gateway_exchange *exchange);
/* The same before an image's referrers are listed. */
bool gateway_cache_referrers(struct gateway_exchange *exchange);

/* --- relaying (gateway_relay.c) --- */

/* Sends the request on to the registry as exchange->target says, once that is ready, and the answer
 * back, with its addresses and errors rewritten. `accept` replaces the client's; NULL = the
 * client's. on_good: see it before it goes back when its status is below 400; NULL. */
void gateway_relay(struct gateway_exchange *exchange, const char *accept,
                   void (*on_good)(struct gateway_exchange *exchange,
                                   struct virga_proxy_response *res));

#endif
