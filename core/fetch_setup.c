/* SPDX-License-Identifier: MIT */
/* Requests as curl wants them. */
#include "fetch_setup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <strings.h>

#include "host.h"

#define CONNECT_TIMEOUT_DEFAULT_MS 2000u
#define TIMEOUT_DEFAULT_MS 30000u

/* Sets an option of `easy` when all before it could be set. */
#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)

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

static int add_header(struct arena *arena, struct curl_slist **list,
                      const struct virga_header *header) {
    if (header->name.len == 0 || !is_clean(header->name) || !is_clean(header->value) ||
        memchr(header->name.ptr, ':', header->name.len) != NULL ||
        name_is(header->name, "Content-Length") || name_is(header->name, "Transfer-Encoding")) {
        return -EINVAL;
    }
    /* In curl's lists "Name:" takes a header away, and "Name;" sends it empty. */
    struct virga_str line =
        header->value.len > 0
            ? arena_printf(arena, "%.*s: %.*s", (int)header->name.len, header->name.ptr,
                           (int)header->value.len, header->value.ptr)
            : arena_printf(arena, "%.*s;", (int)header->name.len, header->name.ptr);
    return line.ptr == NULL ? -ENOMEM : append_line(list, line.ptr);
}

static int make_headers(const struct virga_fetch_request *request, struct arena *arena,
                        struct curl_slist **list) {
    bool has_type = false;
    int result = append_line(list, "Expect:");
    for (size_t i = 0; i < request->headers_count && result == 0; i++) {
        has_type = has_type || name_is(request->headers[i].name, "Content-Type");
        result = add_header(arena, list, &request->headers[i]);
    }
    if (result == 0 && !has_type) {
        /* Else curl calls every body a form. */
        result = append_line(list, "Content-Type:");
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

static CURLcode set_upload(CURL *easy, const char *method, uint64_t send_length) {
    CURLcode code = CURLE_OK;
    curl_off_t length = send_length == VIRGA_LENGTH_UNKNOWN ? -1 : (curl_off_t)send_length;
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_CUSTOMREQUEST, method);
    SET(CURLOPT_INFILESIZE_LARGE, length);
    /* A kept connection may turn out to be dead when bytes that cannot be had again are gone. */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    return code;
}

static long or_default(uint32_t value, uint32_t otherwise) {
    return (long)(value != 0 ? value : otherwise);
}

static bool is_sound(const struct virga_fetch_request *request, const char *method) {
    bool streams = request->on_send != NULL;
    bool has_body = streams || request->body.len > 0;
    return is_method(method) && !(has_body && strcmp(method, "HEAD") == 0) &&
           !(streams && request->body.len > 0) &&
           (request->send_length <= INT64_MAX || request->send_length == VIRGA_LENGTH_UNKNOWN);
}

int fetch_setup(CURL *easy, const struct virga_fetch_request *request, struct arena *arena,
                struct curl_slist **headers) {
    const char *method = request->method != NULL ? request->method : "GET";
    bool loopback = false;
    if (!is_sound(request, method)) {
        return -EINVAL;
    }
    int result = check_url(request->url, &loopback);
    if (result == 0) {
        result = make_headers(request, arena, headers);
    }
    if (result != 0) {
        return result;
    }
    CURLcode code = CURLE_OK;
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "virga/" HOST_VERSION);
    SET(CURLOPT_HTTPHEADER, *headers);
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
    if (code == CURLE_OK) {
        code = request->on_send != NULL ? set_upload(easy, method, request->send_length)
                                        : set_method(easy, method, request->body);
    }
    return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}
