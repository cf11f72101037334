/* SPDX-License-Identifier: MIT */
/* One request to an upstream registry: ask, authenticate, ask again, follow. */
#include "upstream.h"

#include "strbuf.h"
#include "upstream_token.h"
#include "www_challenge.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/base64.h>

#define CONNECT_TIMEOUT_MS 5000
#define REDIRECTS_MAX 5
#define TOKEN_TIMEOUT_MS 15000
#define TOKEN_LIMIT (256u << 10) /* of a token server's answer */
#define URL_MAX 8192             /* a redirect's; those to storage carry signatures */

struct upstreams {
    struct ecr *ecr;
    struct upstream_tokens *tokens;
    struct upstream_call *calls;
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

struct upstream_call {
    struct upstreams *upstreams;
    struct upstream_call *next;
    struct upstream_call **link;
    struct upstream_place place;
    char method[8];
    char *accept;
    size_t body_limit;
    uint32_t timeout_ms;
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void (*on_head)(void *arg, const struct virga_fetch_response *res);
    int (*on_chunk)(void *arg, struct virga_str chunk);
    void *arg;
    struct virga_fetch_handle *fetch;
    char url[URL_MAX];
    char scope[UPSTREAM_REPOSITORY_MAX + 32]; /* what a token is for; "" = nothing */
    int redirects;
    bool fresh;   /* what was sent last as authorization was got for this very call */
    bool passing; /* the answer is the one that is wanted: its parts go on */
};

void upstream_place_finish(struct upstream_place *place) {
    free(place->username);
    free(place->password);
    place->username = place->password = NULL;
}

int upstream_place_copy(struct upstream_place *to, const struct upstream_place *from) {
    *to = *from;
    to->username = from->username != NULL ? strdup(from->username) : NULL;
    to->password = from->password != NULL ? strdup(from->password) : NULL;
    return (from->username != NULL && to->username == NULL) ||
                   (from->password != NULL && to->password == NULL)
               ? -ENOMEM
               : 0;
}

struct virga_str upstream_header(const struct virga_fetch_response *res, const char *name) {
    for (size_t i = 0; i < res->headers_count; i++) {
        const struct virga_header *header = &res->headers[i];
        if (header->name.len == strlen(name) &&
            strncasecmp(header->name.ptr, name, header->name.len) == 0) {
            return header->value;
        }
    }
    return (struct virga_str){NULL, 0};
}

static void free_call(struct upstream_call *call) {
    if (call->link != NULL) {
        *call->link = call->next;
        if (call->next != NULL) {
            call->next->link = call->link;
        }
    }
    upstream_place_finish(&call->place);
    free(call->accept);
    free(call);
}

static void check_stopped(struct upstreams *upstreams) {
    void (*on_stopped)(void *) = upstreams->on_stopped;
    if (upstreams->calls == NULL && on_stopped != NULL) {
        upstreams->on_stopped = NULL;
        on_stopped(upstreams->on_stopped_arg);
    }
}

static void finish(struct upstream_call *call, const struct virga_fetch_response *res) {
    struct upstreams *upstreams = call->upstreams;
    call->on_done(call->arg, res);
    free_call(call);
    check_stopped(upstreams);
}

static void finish_with(struct upstream_call *call, int status, int error, const char *text) {
    const struct virga_fetch_response res = {
        .struct_size = sizeof res, .status = status, .error = error, .error_text = text};
    finish(call, &res);
}

/* --- asking --- */

static void on_head(void *arg, const struct virga_fetch_response *res) {
    struct upstream_call *call = arg;
    if (res->status >= 200 && res->status < 300) {
        call->passing = true;
        call->on_head(call->arg, res);
    }
}

static int on_chunk(void *arg, struct virga_str chunk) {
    struct upstream_call *call = arg;
    return call->passing ? call->on_chunk(call->arg, chunk) : VIRGA_BODY_GO_ON;
}

static void on_answer(void *arg, const struct virga_fetch_response *res);

/* Whether the request goes to the registry itself: nobody else gets to see its authorization. */
static bool is_at_home(const struct upstream_call *call) {
    char origin[UPSTREAM_URL_MAX + 1], home[UPSTREAM_URL_MAX + 1];
    return upstream_origin(virga_str_from(call->url), origin) &&
           upstream_origin(virga_str_from(call->place.base), home) && strcasecmp(origin, home) == 0;
}

static int send(struct upstream_call *call) {
    struct ecr *ecr = call->upstreams->ecr;
    if (call->upstreams->stopping) {
        return -ECANCELED;
    }
    struct virga_header headers[3];
    size_t count = 0;
    const char *authorization =
        is_at_home(call) ? upstream_token_find(call->upstreams->tokens, &call->place, call->scope,
                                               ecr->timer->now_ms(ecr->host))
                         : NULL;
    headers[count++] = (struct virga_header){virga_str_from("User-Agent"), virga_str_from("virga")};
    if (call->accept != NULL) {
        headers[count++] =
            (struct virga_header){virga_str_from("Accept"), virga_str_from(call->accept)};
    }
    if (authorization != NULL) {
        headers[count++] =
            (struct virga_header){virga_str_from("Authorization"), virga_str_from(authorization)};
    }
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .headers_count = count,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = call->timeout_ms,
        .body_limit_bytes = call->body_limit,
        .on_done = on_answer,
        .arg = call,
        .on_head = call->on_head != NULL ? on_head : NULL,
        .on_chunk = call->on_chunk != NULL ? on_chunk : NULL,
    };
    return ecr->fetch->start(ecr->host, &request, &call->fetch);
}

static void send_again(struct upstream_call *call) {
    int result = send(call);
    if (result != 0) {
        finish_with(call, 0, result, strerror(-result));
    }
}

/* --- tokens --- */

static void on_token(void *arg, const struct virga_fetch_response *res) {
    struct upstream_call *call = arg;
    struct ecr *ecr = call->upstreams->ecr;
    char text[160];
    call->fetch = NULL;
    if (res->status == 0) {
        finish_with(call, 0, res->error, res->error_text);
        return;
    }
    if (res->status != 200) {
        /* Its 404 must not be taken for one of the registry. */
        int status = res->status == 401 || res->status == 403 || res->status == 429 ? res->status
                     : res->status == 400                                           ? 401
                                                                                    : 503;
        (void)snprintf(text, sizeof text, "its token server answered with status %d", res->status);
        finish_with(call, status, 0, text);
        return;
    }
    int result = upstream_token_take(call->upstreams->tokens, &call->place, call->scope, res->body,
                                     ecr->timer->now_ms(ecr->host));
    if (result != 0) {
        finish_with(call, result == -ENOMEM ? 0 : 503, result == -ENOMEM ? result : 0,
                    result == -ENOMEM ? strerror(ENOMEM) : "its token server gave no token");
        return;
    }
    call->fresh = true;
    send_again(call);
}

static bool is_https(const char *url) {
    return strncasecmp(url, "https://", 8) == 0;
}

/* Asks the token server that the challenge names. Errors: -EINVAL that is none. */
static int ask_token(struct upstream_call *call, const struct www_challenge *challenge) {
    struct ecr *ecr = call->upstreams->ecr;
    char origin[UPSTREAM_URL_MAX + 1];
    char *basic = NULL;
    struct strbuf url = {0};
    /* Credentials that came to an encrypted registry do not leave in the clear. */
    if (!upstream_origin(virga_str_from(challenge->realm), origin) ||
        (is_https(call->place.base) && !is_https(origin))) {
        return -EINVAL;
    }
    const char *scope = challenge->scope[0] != '\0' ? challenge->scope : call->scope;
    strbuf_add_text(&url, challenge->realm);
    strbuf_add_text(&url, strchr(challenge->realm, '?') != NULL ? "&service=" : "?service=");
    strbuf_add_encoded(&url, virga_str_from(challenge->service), "");
    if (scope[0] != '\0') {
        strbuf_add_text(&url, "&scope=");
        strbuf_add_encoded(&url, virga_str_from(scope), "");
    }
    int result = url.failed ? -ENOMEM : 0;
    if (result == 0 && call->place.username != NULL) {
        basic = upstream_basic(&call->place);
        result = basic == NULL ? -ENOMEM : 0;
    }
    if (result == 0) {
        const struct virga_header headers[] = {
            {virga_str_from("User-Agent"), virga_str_from("virga")},
            {virga_str_from("Authorization"), virga_str_from(basic != NULL ? basic : "")},
        };
        const struct virga_fetch_request request = {
            .struct_size = sizeof request,
            .url = url.ptr,
            .headers = headers,
            .headers_count = basic != NULL ? 2 : 1,
            .connect_timeout_ms = CONNECT_TIMEOUT_MS,
            .timeout_ms = TOKEN_TIMEOUT_MS,
            .body_limit_bytes = TOKEN_LIMIT,
            .on_done = on_token,
            .arg = call,
        };
        result = ecr->fetch->start(ecr->host, &request, &call->fetch);
    }
    free(basic);
    strbuf_finish(&url);
    return result;
}

/* Reads what the answer asks for. */
static bool read_challenge(const struct virga_fetch_response *res,
                           struct www_challenge *ret_challenge) {
    *ret_challenge = (struct www_challenge){.scheme = WWW_NONE};
    for (size_t i = 0; i < res->headers_count; i++) {
        const struct virga_header *header = &res->headers[i];
        struct www_challenge challenge;
        if (header->name.len == strlen("WWW-Authenticate") &&
            strncasecmp(header->name.ptr, "WWW-Authenticate", header->name.len) == 0 &&
            www_challenge_parse(header->value, &challenge) &&
            challenge.scheme > ret_challenge->scheme) {
            *ret_challenge = challenge;
        }
    }
    return ret_challenge->scheme != WWW_NONE;
}

/* Does what a 401 asks for; false: there is nothing more to be done. */
static bool authenticate(struct upstream_call *call, const struct virga_fetch_response *res) {
    struct www_challenge challenge;
    if (call->fresh || !is_at_home(call) || !read_challenge(res, &challenge)) {
        return false;
    }
    upstream_token_forget(call->upstreams->tokens, &call->place, call->scope);
    if (challenge.scheme == WWW_BEARER) {
        return ask_token(call, &challenge) == 0;
    }
    if (call->place.username == NULL ||
        upstream_token_use_basic(call->upstreams->tokens, &call->place, call->scope) != 0) {
        return false;
    }
    call->fresh = true;
    return send(call) == 0;
}

/* --- the answer --- */

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void follow(struct upstream_call *call, const struct virga_fetch_response *res) {
    char url[URL_MAX];
    struct virga_str location = upstream_header(res, "Location");
    if (location.ptr == NULL || ++call->redirects > REDIRECTS_MAX ||
        upstream_redirect(call->url, location, url, sizeof url) != 0) {
        finish_with(call, 503, 0, "it redirects to where nobody can follow");
        return;
    }
    memcpy(call->url, url, sizeof url);
    send_again(call);
}

static void on_answer(void *arg, const struct virga_fetch_response *res) {
    struct upstream_call *call = arg;
    call->fetch = NULL;
    if (res->status == 401 && authenticate(call, res)) {
        return;
    }
    if (is_redirect(res->status)) {
        follow(call, res);
    } else {
        finish(call, res);
    }
}

/* --- calls --- */

static int set_up(struct upstream_call *call, const struct upstream_request *request) {
    bool whole = request->path == NULL;
    const char *repository = request->place->repository;
    int len = snprintf(call->url, sizeof call->url, "%s/v2/%s%s%s", request->place->base,
                       whole ? "" : repository, whole ? "" : "/", whole ? "" : request->path);
    if ((size_t)len >= sizeof call->url) {
        return -EMSGSIZE;
    }
    if (!whole) {
        (void)snprintf(call->scope, sizeof call->scope, "repository:%s:pull", repository);
    }
    (void)snprintf(call->method, sizeof call->method, "%s", request->method);
    call->accept = request->accept != NULL ? strdup(request->accept) : NULL;
    if (request->accept != NULL && call->accept == NULL) {
        return -ENOMEM;
    }
    call->body_limit = request->body_limit;
    call->timeout_ms = request->timeout_ms;
    call->on_done = request->on_done;
    call->on_head = request->on_head;
    call->on_chunk = request->on_chunk;
    call->arg = request->arg;
    return upstream_place_copy(&call->place, request->place);
}

int upstream_start(struct upstreams *upstreams, const struct upstream_request *request,
                   struct upstream_call **ret_call) {
    struct upstream_call *call = upstreams->stopping ? NULL : calloc(1, sizeof *call);
    if (upstreams->stopping) {
        return -ECANCELED;
    }
    if (call == NULL) {
        return -ENOMEM;
    }
    call->upstreams = upstreams;
    int result = set_up(call, request);
    if (result == 0) {
        result = send(call);
    }
    if (result != 0) {
        free_call(call);
        return result;
    }
    call->next = upstreams->calls;
    call->link = &upstreams->calls;
    if (call->next != NULL) {
        call->next->link = &call->next;
    }
    upstreams->calls = call;
    *ret_call = call;
    return 0;
}

void upstream_cancel(struct upstream_call *call) {
    /* A fetch is always under way: the next one begins in the callback of the last. */
    call->upstreams->ecr->fetch->cancel(call->fetch);
}

void upstream_resume(struct upstream_call *call) {
    call->upstreams->ecr->fetch->resume(call->fetch);
}

int upstreams_create(struct ecr *ecr, struct upstreams **ret_upstreams) {
    struct upstreams *upstreams = calloc(1, sizeof *upstreams);
    if (upstreams == NULL || upstream_tokens_create(&upstreams->tokens) != 0) {
        free(upstreams);
        return -ENOMEM;
    }
    upstreams->ecr = ecr;
    *ret_upstreams = upstreams;
    return 0;
}

void upstreams_stop(struct upstreams *upstreams, void (*on_stopped)(void *arg), void *arg) {
    upstreams->stopping = true;
    upstreams->on_stopped = on_stopped;
    upstreams->on_stopped_arg = arg;
    for (struct upstream_call *call = upstreams->calls; call != NULL; call = call->next) {
        upstream_cancel(call);
    }
    check_stopped(upstreams);
}

void upstreams_destroy(struct upstreams *upstreams) {
    if (upstreams == NULL) {
        return;
    }
    while (upstreams->calls != NULL) {
        free_call(upstreams->calls);
    }
    upstream_tokens_destroy(upstreams->tokens);
    free(upstreams);
}
