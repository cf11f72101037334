/* SPDX-License-Identifier: MIT */
/* Outgoing requests: what is told of them, and how they end. */
#include "ext_fetch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

#include "arena.h"
#include "defer.h"
#include "fetch_engine.h"
#include "fetch_setup.h"
#include "host.h"
#include "resource.h"

#define BODY_LIMIT_DEFAULT_BYTES (UINT64_C(4) * 1024 * 1024)
/* All header fields of an answer together. */
#define HEADERS_MAX_BYTES (64u * 1024)
#define HEADERS_SIZE_FIRST 16u
#define BODY_SIZE_FIRST 4096u
/* What struct virga_fetch_request had in ABI 1.0. */
#define REQUEST_SIZE_1_0 offsetof(struct virga_fetch_request, on_head)

struct virga_fetch_handle {
    struct resource resource; /* owner: the plugin */
    struct fetch_engine *engine;
    CURL *easy;
    struct curl_slist *request_headers;
    struct defer turn; /* cancels, begins or resumes outside of curl */
    bool cancelled;
    bool begun;
    int failure; /* errno of a callback that refused */
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void *arg;
    void (*on_head)(void *arg, const struct virga_fetch_response *res);
    int (*on_chunk)(void *arg, struct virga_str chunk);
    size_t (*on_send)(void *arg, char *to, size_t size);
    uint64_t send_left; /* VIRGA_LENGTH_UNKNOWN: to the end that on_send tells */
    bool head_ended;    /* header lines that follow are trailers */
    struct arena arena; /* of the headers */
    struct virga_header *headers;
    size_t headers_count;
    size_t headers_size;
    size_t headers_bytes;
    char *body;
    size_t body_len;
    size_t body_size;
    uint64_t body_limit_bytes;
    char error_text[CURL_ERROR_SIZE];
};

/* --- the end --- */

/* Frees everything; the handle must not be in the engine any more. */
static void destroy(struct virga_fetch_handle *fetch) {
    if (fetch->easy != NULL) {
        curl_easy_cleanup(fetch->easy);
    }
    curl_slist_free_all(fetch->request_headers);
    defer_cancel(&fetch->turn);
    resource_remove(&fetch->resource);
    arena_finish(&fetch->arena);
    free(fetch->body);
    free(fetch);
}

static int connect_error(CURL *easy) {
    long os_error = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    switch (os_error) {
    case ENOENT:
    case ETIMEDOUT:
        return (int)-os_error;
    case EHOSTUNREACH:
    case ENETUNREACH:
        return -EHOSTUNREACH;
    case EACCES:
    case EPERM:
        return -EIO;
    default:
        return -ECONNREFUSED;
    }
}

static int error_from_curl(CURL *easy, CURLcode result) {
    switch (result) {
    case CURLE_OK:
        return 0;
    case CURLE_COULDNT_CONNECT:
        return connect_error(easy);
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return -EHOSTUNREACH;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
        return -ECONNRESET;
    case CURLE_UNSUPPORTED_PROTOCOL: /* also an answer without a status line */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED:
        return -EPROTO;
    default:
        return -EIO;
    }
}

static const char *failure_text(int failure) {
    switch (failure) {
    case -EMSGSIZE:
        return "the answer is larger than allowed";
    case -EINVAL:
        return "on_send gave more or fewer bytes than send_length";
    default:
        return "out of memory";
    }
}

static void fill_error(const struct virga_fetch_handle *fetch, CURLcode result,
                       struct virga_fetch_response *res) {
    if (fetch->cancelled) {
        res->error = -ECANCELED;
        res->error_text = "the request was cancelled";
    } else if (fetch->failure != 0) {
        res->error = fetch->failure;
        res->error_text = failure_text(fetch->failure);
    } else if (result != CURLE_OK) {
        res->error = error_from_curl(fetch->easy, result);
        res->error_text =
            fetch->error_text[0] != '\0' ? fetch->error_text : curl_easy_strerror(result);
    }
}

static void fill_head(const struct virga_fetch_handle *fetch, struct virga_fetch_response *res) {
    long status = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    res->status = (int)status;
    res->headers = fetch->headers;
    res->headers_count = fetch->headers_count;
}

/* Tells how it ended and frees it. */
static void complete(struct virga_fetch_handle *fetch, CURLcode result) {
    struct virga_fetch_response res = {
        .struct_size = sizeof res, .error_text = "", .body = {"", 0}};
    fill_error(fetch, result, &res);
    if (res.error == 0) {
        fill_head(fetch, &res);
        if (fetch->body_len > 0) {
            fetch->body[fetch->body_len] = '\0';
            res.body = (struct virga_str){fetch->body, fetch->body_len};
        }
    }
    fetch_engine_remove(fetch->engine, fetch->easy);
    struct plugin *owner = fetch->resource.owner;
    resource_remove(&fetch->resource);
    struct plugin_call call;
    plugin_enter(&call, owner, "fetch on_done", NULL);
    fetch->on_done(fetch->arg, &res);
    plugin_leave(&call);
    destroy(fetch);
}

static void on_curl_done(CURL *easy, CURLcode result) {
    struct virga_fetch_handle *fetch = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)(void *)&fetch);
    complete(fetch, result);
}

static void on_turn(struct defer *turn) {
    struct virga_fetch_handle *fetch = LIST_ENTRY(turn, struct virga_fetch_handle, turn);
    if (fetch->cancelled) {
        complete(fetch, CURLE_ABORTED_BY_CALLBACK);
    } else if (fetch->begun) {
        fetch_engine_resume(fetch->engine, fetch->easy);
    } else {
        fetch->begun = true;
        if (fetch_engine_add(fetch->engine, fetch->easy) != 0) {
            fetch->failure = -ENOMEM;
            complete(fetch, CURLE_OUT_OF_MEMORY);
        }
    }
}

static void on_reclaim(struct resource *resource) {
    struct virga_fetch_handle *fetch = LIST_ENTRY(resource, struct virga_fetch_handle, resource);
    fetch_engine_remove(fetch->engine, fetch->easy);
    destroy(fetch);
}

/* --- the answer --- */

static size_t refuse(struct virga_fetch_handle *fetch, int error) {
    fetch->failure = error;
    return 0; /* fewer bytes than given: curl gives up */
}

static struct virga_str trimmed(const char *from, const char *to) {
    while (from < to && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r' || to[-1] == '\n')) {
        to--;
    }
    return (struct virga_str){from, (size_t)(to - from)};
}

static bool add_header(struct virga_fetch_handle *fetch, struct virga_str name,
                       struct virga_str value) {
    if (fetch->headers_count == fetch->headers_size) {
        size_t size = fetch->headers_size != 0 ? 2 * fetch->headers_size : HEADERS_SIZE_FIRST;
        struct virga_header *grown = arena_alloc(&fetch->arena, size * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        if (fetch->headers_count > 0) {
            memcpy(grown, fetch->headers, fetch->headers_count * sizeof *grown);
        }
        fetch->headers = grown;
        fetch->headers_size = size;
    }
    struct virga_header *header = &fetch->headers[fetch->headers_count];
    header->name = arena_copy(&fetch->arena, name);
    header->value = arena_copy(&fetch->arena, value);
    fetch->headers_count++;
    return header->name.ptr != NULL && header->value.ptr != NULL;
}

static void tell_head(struct virga_fetch_handle *fetch) {
    struct virga_fetch_response res = {
        .struct_size = sizeof res, .error_text = "", .body = {"", 0}};
    struct plugin_call call;
    fill_head(fetch, &res);
    plugin_enter(&call, fetch->resource.owner, "fetch on_head", NULL);
    fetch->on_head(fetch->arg, &res);
    plugin_leave(&call);
}

/* The empty line behind header fields: those of a 1xx answer are followed by others. */
static void end_head(struct virga_fetch_handle *fetch) {
    long status = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && !fetch->head_ended) {
        fetch->head_ended = true;
        if (fetch->on_head != NULL) {
            tell_head(fetch);
        }
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *arg) {
    struct virga_fetch_handle *fetch = arg;
    size_t len = size * count;
    if (fetch->cancelled) {
        return 0;
    }
    fetch->headers_bytes += len;
    if (fetch->headers_bytes > HEADERS_MAX_BYTES) {
        return refuse(fetch, -EMSGSIZE);
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        fetch->headers_count = 0; /* a 1xx answer came before */
        return len;
    }
    if (len > 0 && (line[0] == '\r' || line[0] == '\n')) {
        end_head(fetch);
        return len;
    }
    const char *colon = memchr(line, ':', len);
    if (colon != NULL && !fetch->head_ended &&
        !add_header(fetch, trimmed(line, colon), trimmed(colon + 1, line + len))) {
        return refuse(fetch, -ENOMEM);
    }
    return len;
}

/* As curl's write callback. */
static size_t tell_chunk(struct virga_fetch_handle *fetch, struct virga_str chunk) {
    struct plugin_call call;
    plugin_enter(&call, fetch->resource.owner, "fetch on_chunk", NULL);
    int result = fetch->on_chunk(fetch->arg, chunk);
    plugin_leave(&call);
    return result == VIRGA_BODY_PAUSE ? CURL_WRITEFUNC_PAUSE : chunk.len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    struct virga_fetch_handle *fetch = arg;
    size_t len = size * count;
    if (fetch->cancelled) {
        return 0;
    }
    if (fetch->on_chunk != NULL) {
        return tell_chunk(fetch, (struct virga_str){bytes, len});
    }
    if (len > fetch->body_limit_bytes - fetch->body_len) {
        return refuse(fetch, -EMSGSIZE);
    }
    size_t needed = fetch->body_len + len + 1;
    if (needed > fetch->body_size) {
        size_t grown_size = fetch->body_size != 0 ? fetch->body_size : BODY_SIZE_FIRST;
        while (grown_size < needed) {
            grown_size *= 2;
        }
        char *grown = realloc(fetch->body, grown_size);
        if (grown == NULL) {
            return refuse(fetch, -ENOMEM);
        }
        fetch->body = grown;
        fetch->body_size = grown_size;
    }
    memcpy(fetch->body + fetch->body_len, bytes, len);
    fetch->body_len += len;
    return len;
}

/* --- the request --- */

/* As curl's read callback. */
static size_t on_upload(char *to, size_t size, size_t count, void *arg) {
    struct virga_fetch_handle *fetch = arg;
    struct plugin_call call;
    bool known = fetch->send_left != VIRGA_LENGTH_UNKNOWN;
    size_t wanted = size * count;
    if (fetch->cancelled) {
        return CURL_READFUNC_ABORT;
    }
    if (known && wanted > fetch->send_left) {
        wanted = (size_t)fetch->send_left;
    }
    if (wanted == 0) {
        return 0;
    }
    plugin_enter(&call, fetch->resource.owner, "fetch on_send", NULL);
    size_t given = fetch->on_send(fetch->arg, to, wanted);
    plugin_leave(&call);
    if (given == VIRGA_FETCH_WAIT) {
        return CURL_READFUNC_PAUSE;
    }
    if (given > wanted || (given == 0 && known)) {
        fetch->failure = -EINVAL;
        return CURL_READFUNC_ABORT;
    }
    if (known) {
        fetch->send_left -= given;
    }
    return given;
}

/* Errors: -EINVAL, -ENOMEM. */
static int set_up(struct virga_fetch_handle *fetch, const struct virga_fetch_request *request) {
    CURL *easy = fetch->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_PRIVATE, fetch);
    SET(CURLOPT_ERRORBUFFER, fetch->error_text);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, fetch);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, fetch);
    SET(CURLOPT_READFUNCTION, on_upload);
    SET(CURLOPT_READDATA, fetch);
#undef SET
    return code != CURLE_OK ? -ENOMEM
                            : fetch_setup(easy, request, &fetch->arena, &fetch->request_headers);
}

/* A copy with the members that the caller's minor has. False: it lacks some of the first. */
static bool known_members(const struct virga_fetch_request *given,
                          struct virga_fetch_request *ret_known) {
    memset(ret_known, 0, sizeof *ret_known);
    if (given == NULL || given->struct_size < REQUEST_SIZE_1_0) {
        return false;
    }
    memcpy(ret_known, given,
           given->struct_size < sizeof *ret_known ? given->struct_size : sizeof *ret_known);
    return true;
}

static int start(const struct virga_host *api, const struct virga_fetch_request *given,
                 struct virga_fetch_handle **ret_fetch) {
    struct virga_fetch_request known;
    const struct virga_fetch_request *request = &known;
    if (api == NULL || !known_members(given, &known) || known.url == NULL ||
        known.on_done == NULL) {
        return -EINVAL;
    }
    struct plugin *plugin = plugin_from(api);
    struct fetch_engine *engine;
    int result = fetch_engine_get(plugin->host, on_curl_done, &engine);
    if (result != 0) {
        return result;
    }
    struct virga_fetch_handle *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL) {
        return -ENOMEM;
    }
    arena_init(&fetch->arena);
    defer_init(&fetch->turn, on_turn);
    list_init(&fetch->resource.node);
    fetch->engine = engine;
    fetch->on_done = request->on_done;
    fetch->arg = request->arg;
    fetch->on_head = request->on_head;
    fetch->on_chunk = request->on_chunk;
    fetch->on_send = request->on_send;
    fetch->send_left = request->send_length;
    fetch->body_limit_bytes =
        request->body_limit_bytes != 0 ? request->body_limit_bytes : BODY_LIMIT_DEFAULT_BYTES;
    fetch->easy = curl_easy_init();
    result = fetch->easy == NULL ? -ENOMEM : set_up(fetch, request);
    if (result == 0 && fetch_engine_is_inside(engine)) {
        defer_arm(plugin->host, &fetch->turn);
    } else if (result == 0) {
        fetch->begun = true;
        result = fetch_engine_add(engine, fetch->easy);
    }
    if (result != 0) {
        destroy(fetch);
        return result;
    }
    resource_add(&fetch->resource, plugin, "fetch", on_reclaim);
    if (ret_fetch != NULL) {
        *ret_fetch = fetch;
    }
    return 0;
}

static void cancel(struct virga_fetch_handle *fetch) {
    if (fetch != NULL && !fetch->cancelled) {
        fetch->cancelled = true;
        defer_arm(fetch->resource.owner->host, &fetch->turn);
    }
}

static void resume(struct virga_fetch_handle *fetch) {
    if (fetch != NULL) {
        defer_arm(fetch->resource.owner->host, &fetch->turn);
    }
}

const struct virga_fetch ext_fetch = {
    .struct_size = sizeof ext_fetch,
    .start = start,
    .cancel = cancel,
    .resume = resume,
};

void ext_fetch_teardown(struct host *host) {
    /* Every fetch is a resource of its plugin and ended with it. */
    fetch_engine_destroy(host->fetch);
}
