/* SPDX-License-Identifier: MIT */
/* Outgoing requests: from struct virga_fetch_request to a curl easy handle, and back to an answer.
 */
#include "ext_fetch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

#include "arena.h"
#include "defer.h"
#include "fetch_engine.h"
#include "host.h"
#include "resource.h"

#define CONNECT_TIMEOUT_DEFAULT_MS 2000u
#define TIMEOUT_DEFAULT_MS 30000u
#define BODY_LIMIT_DEFAULT_BYTES (UINT64_C(4) * 1024 * 1024)
/* All header fields of an answer together. */
#define HEADERS_MAX_BYTES (64u * 1024)
#define HEADERS_SIZE_FIRST 16u
#define BODY_SIZE_FIRST 4096u

struct virga_fetch_handle {
    struct resource resource; /* owner: the plugin */
    struct fetch_engine *engine;
    CURL *easy;
    struct curl_slist *request_headers;
    struct defer cancel;
    bool cancelled;
    int failure; /* errno of a callback that refused */
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void *arg;
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
    defer_cancel(&fetch->cancel);
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

static void fill_error(const struct virga_fetch_handle *fetch, CURLcode result,
                       struct virga_fetch_response *res) {
    if (fetch->cancelled) {
        res->error = -ECANCELED;
        res->error_text = "the request was cancelled";
    } else if (fetch->failure != 0) {
        res->error = fetch->failure;
        res->error_text =
            fetch->failure == -EMSGSIZE ? "the answer is larger than allowed" : "out of memory";
    } else if (result != CURLE_OK) {
        res->error = error_from_curl(fetch->easy, result);
        res->error_text =
            fetch->error_text[0] != '\0' ? fetch->error_text : curl_easy_strerror(result);
    }
}

/* Tells how it ended and frees it. */
static void complete(struct virga_fetch_handle *fetch, CURLcode result) {
    struct virga_fetch_response res = {
        .struct_size = sizeof res, .error_text = "", .body = {"", 0}};
    fill_error(fetch, result, &res);
    if (res.error == 0) {
        long status = 0;
        (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        res.status = (int)status;
        res.headers = fetch->headers;
        res.headers_count = fetch->headers_count;
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

static void on_cancel(struct defer *defer) {
    complete(LIST_ENTRY(defer, struct virga_fetch_handle, cancel), CURLE_ABORTED_BY_CALLBACK);
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

static size_t on_header(char *line, size_t size, size_t count, void *arg) {
    struct virga_fetch_handle *fetch = arg;
    size_t len = size * count;
    fetch->headers_bytes += len;
    if (fetch->headers_bytes > HEADERS_MAX_BYTES) {
        return refuse(fetch, -EMSGSIZE);
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        fetch->headers_count = 0; /* a 1xx answer came before */
        return len;
    }
    const char *colon = memchr(line, ':', len);
    if (colon != NULL && !add_header(fetch, trimmed(line, colon), trimmed(colon + 1, line + len))) {
        return refuse(fetch, -ENOMEM);
    }
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    struct virga_fetch_handle *fetch = arg;
    size_t len = size * count;
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

static bool is_clean(struct virga_str text) {
    return text.ptr != NULL && memchr(text.ptr, '\r', text.len) == NULL &&
           memchr(text.ptr, '\n', text.len) == NULL && memchr(text.ptr, '\0', text.len) == NULL;
}

static bool name_is(struct virga_str name, const char *other) {
    return name.len == strlen(other) && strncasecmp(name.ptr, other, name.len) == 0;
}

static bool is_method(const char *method) {
    size_t letters = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return letters > 0 && method[letters] == '\0';
}

/* Appends one line; *list stays valid when memory runs out. */
static int append_line(struct curl_slist **list, const char *line) {
    struct curl_slist *grown = curl_slist_append(*list, line);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *list = grown;
    return 0;
}

static int add_request_header(struct virga_fetch_handle *fetch, const struct virga_header *header) {
    if (header->name.len == 0 || !is_clean(header->name) || !is_clean(header->value) ||
        memchr(header->name.ptr, ':', header->name.len) != NULL ||
        name_is(header->name, "Content-Length") || name_is(header->name, "Transfer-Encoding")) {
        return -EINVAL;
    }
    /* In curl's lists "Name:" takes a header away, and "Name;" sends it empty. */
    struct virga_str line =
        header->value.len > 0
            ? arena_printf(&fetch->arena, "%.*s: %.*s", (int)header->name.len, header->name.ptr,
                           (int)header->value.len, header->value.ptr)
            : arena_printf(&fetch->arena, "%.*s;", (int)header->name.len, header->name.ptr);
    return line.ptr == NULL ? -ENOMEM : append_line(&fetch->request_headers, line.ptr);
}

static int set_headers(struct virga_fetch_handle *fetch,
                       const struct virga_fetch_request *request) {
    bool has_type = false;
    int result = append_line(&fetch->request_headers, "Expect:");
    for (size_t i = 0; i < request->headers_count && result == 0; i++) {
        has_type = has_type || name_is(request->headers[i].name, "Content-Type");
        result = add_request_header(fetch, &request->headers[i]);
    }
    if (result == 0 && !has_type) {
        /* Else curl calls every body a form. */
        result = append_line(&fetch->request_headers, "Content-Type:");
    }
    return result;
}

static bool is_loopback(const char *host) {
    size_t len = strlen(host);
    return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0 ||
           (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0);
}

/* Checks the URL, and tells whether it names this machine. Errors: -EINVAL, -ENOMEM. */
static int check_url(const char *text, bool *ret_loopback) {
    CURLU *url = curl_url();
    char *scheme = NULL;
    char *name = NULL;
    int result = url == NULL ? -ENOMEM : 0;
    if (result == 0 && (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK)) {
        result = -EINVAL;
    }
    if (result == 0 && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
        result = -EINVAL;
    }
    if (result == 0) {
        *ret_loopback = is_loopback(name);
    }
    curl_free(scheme);
    curl_free(name);
    curl_url_cleanup(url);
    return result;
}

static CURLcode set_method(CURL *easy, const char *method, struct virga_str body) {
    if (strcmp(method, "HEAD") == 0) {
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    CURLcode result = CURLE_OK;
    if (body.len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
        strcmp(method, "PATCH") == 0) {
        result = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        if (result == CURLE_OK) {
            result = curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body.len > 0 ? body.ptr : "");
        }
    }
    return result != CURLE_OK ? result : curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static long or_default(uint32_t value, uint32_t otherwise) {
    return (long)(value != 0 ? value : otherwise);
}

/* Fills the easy handle. curl copies the texts; the header list stays ours. Errors: -EINVAL,
 * -ENOMEM. */
static int set_up(struct virga_fetch_handle *fetch, const struct virga_fetch_request *request) {
    CURL *easy = fetch->easy;
    const char *method = request->method != NULL ? request->method : "GET";
    bool loopback = false;
    if (!is_method(method) || (strcmp(method, "HEAD") == 0 && request->body.len > 0)) {
        return -EINVAL;
    }
    int result = check_url(request->url, &loopback);
    if (result == 0) {
        result = set_headers(fetch, request);
    }
    if (result != 0) {
        return result;
    }
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PRIVATE, fetch);
    SET(CURLOPT_ERRORBUFFER, fetch->error_text);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "virga/" HOST_VERSION);
    SET(CURLOPT_HTTPHEADER, fetch->request_headers);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, fetch);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, fetch);
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        or_default(request->connect_timeout_ms, CONNECT_TIMEOUT_DEFAULT_MS));
    SET(CURLOPT_TIMEOUT_MS, or_default(request->timeout_ms, TIMEOUT_DEFAULT_MS));
    if (request->unix_path != NULL) {
        SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_path);
    }
    if (request->unix_path != NULL || loopback) {
        /* A proxy of the environment is for the world outside. */
        SET(CURLOPT_NOPROXY, "*");
    }
#undef SET
    code = code != CURLE_OK ? code : set_method(easy, method, request->body);
    return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static int start(const struct virga_host *api, const struct virga_fetch_request *request,
                 struct virga_fetch_handle **ret_fetch) {
    if (api == NULL || request == NULL || request->struct_size < sizeof *request ||
        request->url == NULL || request->on_done == NULL) {
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
    defer_init(&fetch->cancel, on_cancel);
    list_init(&fetch->resource.node);
    fetch->engine = engine;
    fetch->on_done = request->on_done;
    fetch->arg = request->arg;
    fetch->body_limit_bytes =
        request->body_limit_bytes != 0 ? request->body_limit_bytes : BODY_LIMIT_DEFAULT_BYTES;
    fetch->easy = curl_easy_init();
    result = fetch->easy == NULL ? -ENOMEM : set_up(fetch, request);
    if (result == 0) {
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
        defer_arm(fetch->resource.owner->host, &fetch->cancel);
    }
}

const struct virga_fetch ext_fetch = {
    .struct_size = sizeof ext_fetch,
    .start = start,
    .cancel = cancel,
};

void ext_fetch_teardown(struct host *host) {
    /* Every fetch is a resource of its plugin and ended with it. */
    fetch_engine_destroy(host->fetch);
}
