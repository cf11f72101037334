/* SPDX-License-Identifier: MIT */
/* Requests to upstream registries: tokens, Basic, redirects. Knows no images and no rules.
 * Everything is [loop].
 * Source: https://distribution.github.io/distribution/spec/auth/token/ */
#ifndef ECR_UPSTREAM_H
#define ECR_UPSTREAM_H

#include "ecr.h"
#include "upstream_registry.h"

#define UPSTREAM_REPOSITORY_MAX (2 * ECR_NAME_MAX)

/* A repository upstream, and as whom it is read. Owns: the credentials. */
struct upstream_place {
    char host[UPSTREAM_HOST_MAX + 1];             /* as the rule names it, for messages */
    char base[UPSTREAM_URL_MAX + 1];              /* where it answers, without "/v2/" */
    char repository[UPSTREAM_REPOSITORY_MAX + 1]; /* "" = the registry as a whole */
    bool own;                                     /* it is this plugin's own gateway */
    char *username;                               /* NULL = anonymous */
    char *password;
};
void upstream_place_finish(struct upstream_place *place);
/* Copies with the credentials. Errors: -ENOMEM; `to` is to be finished all the same. */
int upstream_place_copy(struct upstream_place *to, const struct upstream_place *from);

struct upstreams;     /* the client: calls under way, tokens */
struct upstream_call; /* one request, with all that it takes */

int upstreams_create(struct ecr *ecr, struct upstreams **ret_upstreams);
/* Ends what is under way, soon, with -ECANCELED, and refuses what is new; then on_stopped. */
void upstreams_stop(struct upstreams *upstreams, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void upstreams_destroy(struct upstreams *upstreams);

struct upstream_request {
    const struct upstream_place *place;
    const char *method; /* "GET", "HEAD" */
    const char *path;   /* "manifests/latest", below the repository; NULL: /v2/ itself */
    const char *accept; /* NULL */
    size_t body_limit;
    uint32_t timeout_ms; /* of each request that it takes */
    /* The last answer; status 0 when there was none (error, error_text). An answer of a token
     * server that refused comes as 401, 403, 429 or 503 with error_text. Calls back: exactly once,
     * never inside upstream_start(). */
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void *arg;
    /* A streamed answer, when its status is 2xx: as in virga_fetch_request. NULL: buffered. */
    void (*on_head)(void *arg, const struct virga_fetch_response *res);
    int (*on_chunk)(void *arg, struct virga_str chunk);
};

/* Begins; everything is copied. The call is valid until on_done. Errors: -ENOMEM, -EINVAL,
 * -EMSGSIZE the address is too long, -ECANCELED the host stops. */
int upstream_start(struct upstreams *upstreams, const struct upstream_request *request,
                   struct upstream_call **ret_call);
/* on_done comes soon, with -ECANCELED. */
void upstream_cancel(struct upstream_call *call);
/* Goes on after VIRGA_BODY_PAUSE. */
void upstream_resume(struct upstream_call *call);

/* A header of an answer; ptr NULL when it has none. */
struct virga_str upstream_header(const struct virga_fetch_response *res, const char *name);

#endif
