/* SPDX-License-Identifier: MIT */
/* Which header fields pass the proxy, and the request head that is made of them. */
#include "proxy_headers.h"

#include <errno.h>
#include <inttypes.h>
#include <strings.h>

/* Fields that belong to one connection. Source: RFC 9110, 7.6.1 */
static const char *const hop_by_hop[] = {"Connection", "Keep-Alive", "Proxy-Connection",
                                         "TE",         "Trailer",    "Transfer-Encoding",
                                         "Upgrade"};
/* Written anew by each side. */
static const char *const framing_up[] = {"Content-Length", "Host", "Expect"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool same_name(struct virga_str a, const char *b, size_t b_len) {
    return a.len == b_len && strncasecmp(a.ptr, b, b_len) == 0;
}

static bool is_one_of(struct virga_str name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (same_name(name, names[i], strlen(names[i]))) {
            return true;
        }
    }
    return false;
}

/* Whether a comma-separated list holds the name. */
static bool list_names(struct virga_str list, struct virga_str name) {
    const char *at = list.ptr;
    const char *end = list.ptr + list.len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        const char *behind = stop;
        while (at < behind && (*at == ' ' || *at == '\t')) {
            at++;
        }
        while (behind > at && (behind[-1] == ' ' || behind[-1] == '\t')) {
            behind--;
        }
        if (same_name(name, at, (size_t)(behind - at))) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

static bool is_hop_by_hop(const struct virga_header *headers, size_t count, struct virga_str name) {
    if (is_one_of(name, hop_by_hop, COUNT(hop_by_hop))) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (same_name(headers[i].name, "Connection", 10) && list_names(headers[i].value, name)) {
            return true;
        }
    }
    return false;
}

/* Source: RFC 9110, 5.6.2 */
static bool is_token(struct virga_str text) {
    if (text.ptr == NULL || text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '\0' || (!alnum && strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_value(struct virga_str text) {
    return text.ptr != NULL && memchr(text.ptr, '\r', text.len) == NULL &&
           memchr(text.ptr, '\n', text.len) == NULL && memchr(text.ptr, '\0', text.len) == NULL;
}

static bool is_target(struct virga_str text) {
    return text.len > 0 && is_value(text) && memchr(text.ptr, ' ', text.len) == NULL;
}

bool proxy_headers_valid(const struct virga_proxy_request *options) {
    if ((options->method.ptr != NULL && !is_token(options->method)) ||
        (options->target.ptr != NULL && !is_target(options->target))) {
        return false;
    }
    for (size_t i = 0; i < options->set_headers_count; i++) {
        const struct virga_header *header = &options->set_headers[i];
        if (!is_token(header->name) || !is_value(header->value) ||
            is_one_of(header->name, hop_by_hop, COUNT(hop_by_hop)) ||
            same_name(header->name, "Content-Length", 14)) {
            return false;
        }
    }
    return true;
}

/* --- the request --- */

/* Counts while `to` is NULL, so that one function both measures and writes. */
struct writer {
    char *to;
    size_t len;
};

static void put(struct writer *writer, const char *bytes, size_t len) {
    if (writer->to != NULL) {
        memcpy(writer->to + writer->len, bytes, len);
    }
    writer->len += len;
}

static void put_field(struct writer *writer, struct virga_str name, struct virga_str value) {
    put(writer, name.ptr, name.len);
    put(writer, ": ", 2);
    put(writer, value.ptr, value.len);
    put(writer, "\r\n", 2);
}

static bool is_set(const struct virga_proxy_request *options, struct virga_str name) {
    for (size_t i = 0; i < options->set_headers_count; i++) {
        if (same_name(options->set_headers[i].name, name.ptr, name.len)) {
            return true;
        }
    }
    return false;
}

static bool is_removed(const struct virga_proxy_request *options, struct virga_str name) {
    for (size_t i = 0; i < options->remove_headers_count; i++) {
        if (same_name(options->remove_headers[i], name.ptr, name.len)) {
            return true;
        }
    }
    return false;
}

static bool expects_length(struct virga_str method) {
    return same_name(method, "POST", 4) || same_name(method, "PUT", 3) ||
           same_name(method, "PATCH", 5);
}

static void write_request(struct writer *writer, const struct virga_request *req,
                          const struct virga_proxy_request *options, struct proxy_framing framing) {
    struct virga_str method = options->method.ptr != NULL ? options->method : req->method;
    struct virga_str target = options->target.ptr != NULL ? options->target : req->target;
    put(writer, method.ptr, method.len);
    put(writer, " ", 1);
    put(writer, target.ptr, target.len);
    put(writer, " HTTP/1.1\r\n", 11);
    if (!is_set(options, virga_str_from("Host"))) {
        put_field(writer, virga_str_from("Host"), virga_str_from("localhost"));
    }
    for (size_t i = 0; i < options->set_headers_count; i++) {
        put_field(writer, options->set_headers[i].name, options->set_headers[i].value);
    }
    for (size_t i = 0; i < req->headers_count; i++) {
        struct virga_str name = req->headers[i].name;
        if (!is_hop_by_hop(req->headers, req->headers_count, name) &&
            !is_one_of(name, framing_up, COUNT(framing_up)) && !is_set(options, name) &&
            !is_removed(options, name)) {
            put_field(writer, name, req->headers[i].value);
        }
    }
    if (framing.chunked) {
        put_field(writer, virga_str_from("Transfer-Encoding"), virga_str_from("chunked"));
    } else if (framing.length > 0 || expects_length(method)) {
        char digits[24];
        int len = snprintf(digits, sizeof digits, "%" PRIu64, framing.length);
        put_field(writer, virga_str_from("Content-Length"),
                  (struct virga_str){digits, (size_t)len});
    }
    put(writer, "\r\n", 2);
}

struct virga_str proxy_headers_request(struct arena *arena, const struct virga_request *req,
                                       const struct virga_proxy_request *options,
                                       struct proxy_framing framing) {
    struct writer writer = {0};
    write_request(&writer, req, options, framing);
    writer.to = arena_alloc(arena, writer.len);
    if (writer.to == NULL) {
        return (struct virga_str){NULL, 0};
    }
    writer.len = 0;
    write_request(&writer, req, options, framing);
    return (struct virga_str){writer.to, writer.len};
}

/* --- the answer --- */

int proxy_headers_answer(struct arena *arena, const struct http1_client_head *head,
                         struct virga_proxy_response *res) {
    res->arena = arena;
    res->status = head->status;
    res->headers_count = 0;
    res->headers = arena_alloc(arena, (head->headers_count + 1) * sizeof *res->headers);
    if (res->headers == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < head->headers_count; i++) {
        if (!is_hop_by_hop(head->headers, head->headers_count, head->headers[i].name)) {
            res->headers[res->headers_count++] = head->headers[i];
        }
    }
    return 0;
}

static void remove_named(struct virga_proxy_response *res, const char *const *names, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < res->headers_count; i++) {
        if (!is_one_of(res->headers[i].name, names, count)) {
            res->headers[kept++] = res->headers[i];
        }
    }
    res->headers_count = kept;
}

struct virga_str proxy_headers_get(const struct virga_proxy_response *res, const char *name) {
    for (size_t i = 0; i < res->headers_count; i++) {
        if (same_name(res->headers[i].name, name, strlen(name))) {
            return res->headers[i].value;
        }
    }
    return (struct virga_str){NULL, 0};
}

int proxy_headers_set(struct virga_proxy_response *res, const char *name, struct virga_str value) {
    struct virga_str field = virga_str_from(name);
    if (!is_token(field) || is_one_of(field, hop_by_hop, COUNT(hop_by_hop)) ||
        same_name(field, "Content-Length", 14) || (value.ptr != NULL && !is_value(value))) {
        return -EINVAL;
    }
    if (value.ptr == NULL) {
        remove_named(res, &name, 1);
        return 0;
    }
    struct virga_header added = {arena_copy(res->arena, field), arena_copy(res->arena, value)};
    struct virga_header *grown =
        arena_alloc(res->arena, (res->headers_count + 1) * sizeof *res->headers);
    if (added.name.ptr == NULL || added.value.ptr == NULL || grown == NULL) {
        return -ENOMEM;
    }
    remove_named(res, &name, 1);
    memcpy(grown, res->headers, res->headers_count * sizeof *grown);
    grown[res->headers_count++] = added;
    res->headers = grown;
    return 0;
}
