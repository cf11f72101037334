/* SPDX-License-Identifier: MIT */
/* The event that a request to a function URL becomes. */
#include "url_event.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <virga/helpers/base64.h>

static bool is_name(struct virga_str a, const char *b) {
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

/* Headers that end here, or that virga says itself. */
static bool is_left_out(struct virga_str name) {
    static const char *const names[] = {"connection",
                                        "cookie",
                                        "expect",
                                        "keep-alive",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade",
                                        "x-forwarded-for",
                                        "x-forwarded-port",
                                        "x-forwarded-proto",
                                        "x-amzn-trace-id"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_name(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* A growing text; a writer is used as one. */
static void add_text(struct virga_json_writer *text, struct virga_str bytes) {
    text->comma = 0;
    virga_json_raw(text, NULL, bytes);
    text->comma = 0;
}

/* Writes one member whose value is what was put together. */
static void write_joined(struct virga_json_writer *writer, const char *key,
                         struct virga_json_writer *joined) {
    writer->failed = writer->failed != 0 || joined->failed != 0;
    virga_json_str(writer, key,
                   (struct virga_str){joined->ptr != NULL ? joined->ptr : "", joined->len});
    virga_json_finish(joined);
}

static bool same_name(struct virga_str a, struct virga_str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static void write_header(const struct virga_request *req, size_t n,
                         struct virga_json_writer *writer) {
    struct virga_str name = req->headers[n].name;
    struct virga_json_writer joined = {0};
    char key[256];
    for (size_t i = 0; i < n; i++) {
        if (same_name(req->headers[i].name, name)) {
            return; /* written with the first of its name */
        }
    }
    if (name.len >= sizeof key || is_left_out(name)) {
        return;
    }
    for (size_t i = 0; i <= name.len; i++) {
        key[i] = (char)(i < name.len ? tolower((unsigned char)name.ptr[i]) : '\0');
    }
    for (size_t i = n; i < req->headers_count; i++) {
        if (same_name(req->headers[i].name, name)) {
            if (i > n) {
                add_text(&joined, virga_str_from(","));
            }
            add_text(&joined, req->headers[i].value);
        }
    }
    write_joined(writer, key, &joined);
}

/* The peer without its port and brackets. */
static struct virga_str source_ip(const struct virga_request *req) {
    struct virga_str ip = req->peer;
    const char *colon = NULL;
    for (size_t i = 0; i < ip.len; i++) {
        colon = ip.ptr[i] == ':' ? ip.ptr + i : colon;
    }
    if (colon == NULL) {
        return virga_str_from("127.0.0.1"); /* a unix socket, or from inside */
    }
    ip.len = (size_t)(colon - ip.ptr);
    if (ip.len >= 2 && ip.ptr[0] == '[') {
        return (struct virga_str){ip.ptr + 1, ip.len - 2};
    }
    return ip;
}

static void write_headers(const struct virga_request *req, const struct url_context *context,
                          struct virga_json_writer *writer) {
    char port[8];
    (void)snprintf(port, sizeof port, "%u", context->port);
    virga_json_begin_object(writer, "headers");
    for (size_t i = 0; i < req->headers_count; i++) {
        write_header(req, i, writer);
    }
    virga_json_str(writer, "x-forwarded-for", source_ip(req));
    virga_json_string(writer, "x-forwarded-port", port);
    virga_json_string(writer, "x-forwarded-proto", "http");
    virga_json_string(writer, "x-amzn-trace-id", context->trace_id);
    virga_json_end_object(writer);
}

static void write_cookies(const struct virga_request *req, struct virga_json_writer *writer) {
    bool begun = false;
    for (size_t i = 0; i < req->headers_count; i++) {
        struct virga_str rest = req->headers[i].value;
        while (is_name(req->headers[i].name, "cookie") && rest.len > 0) {
            const char *end = memchr(rest.ptr, ';', rest.len);
            struct virga_str one = {rest.ptr, end != NULL ? (size_t)(end - rest.ptr) : rest.len};
            rest.ptr += one.len + (end != NULL);
            rest.len -= one.len + (end != NULL);
            while (one.len > 0 && one.ptr[0] == ' ') {
                one.ptr++;
                one.len--;
            }
            if (one.len > 0) {
                if (!begun) {
                    virga_json_begin_array(writer, "cookies");
                    begun = true;
                }
                virga_json_str(writer, NULL, one);
            }
        }
    }
    if (begun) {
        virga_json_end_array(writer);
    }
}

/* --- the query string --- */

static int hex_value(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Adds text with its escapes decoded; what is no escape stays as it is. */
static void add_decoded(struct virga_json_writer *to, struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i] == '+' ? ' ' : text.ptr[i];
        if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1]) >= 0 &&
            hex_value(text.ptr[i + 2]) >= 0) {
            c = (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2]));
            i += 2;
        }
        add_text(to, (struct virga_str){&c, 1});
    }
}

/* Takes the next parameter off. */
static bool next_parameter(struct virga_str *rest, struct virga_str *ret_name,
                           struct virga_str *ret_value) {
    if (rest->len == 0) {
        return false;
    }
    const char *end = memchr(rest->ptr, '&', rest->len);
    struct virga_str pair = {rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len};
    const char *equals = pair.len > 0 ? memchr(pair.ptr, '=', pair.len) : NULL;
    *ret_name =
        (struct virga_str){pair.ptr, equals != NULL ? (size_t)(equals - pair.ptr) : pair.len};
    *ret_value = equals != NULL ? (struct virga_str){equals + 1, pair.len - ret_name->len - 1}
                                : (struct virga_str){"", 0};
    rest->ptr += pair.len + (end != NULL);
    rest->len -= pair.len + (end != NULL);
    return true;
}

/* All values of a name, unless one of its name came before. */
static void write_parameter(struct virga_str query, struct virga_str name, const char *at,
                            struct virga_json_writer *writer) {
    struct virga_json_writer key = {0}, joined = {0};
    struct virga_str rest = query, other, value;
    bool first = true;
    while (next_parameter(&rest, &other, &value)) {
        if (!virga_str_equal(other, name)) {
            continue;
        }
        if (first && other.ptr != at) {
            virga_json_finish(&joined);
            return;
        }
        if (!first) {
            add_text(&joined, virga_str_from(","));
        }
        add_decoded(&joined, value);
        first = false;
    }
    add_decoded(&key, name);
    add_text(&key, (struct virga_str){"", 1});
    if (key.ptr != NULL) {
        write_joined(writer, key.ptr, &joined);
    }
    virga_json_finish(&joined);
    virga_json_finish(&key);
}

static void write_parameters(const struct virga_request *req, struct virga_json_writer *writer) {
    struct virga_str rest = req->query, name, value;
    if (rest.len == 0) {
        return;
    }
    virga_json_begin_object(writer, "queryStringParameters");
    while (next_parameter(&rest, &name, &value)) {
        if (name.len > 0) {
            write_parameter(req->query, name, name.ptr, writer);
        }
    }
    virga_json_end_object(writer);
}

/* --- the rest --- */

static void write_authorizer(const struct virga_request *req, struct virga_json_writer *writer) {
    char arn[64];
    (void)snprintf(arn, sizeof arn, "arn:aws:iam::%.*s:root", (int)req->account.len,
                   req->account.ptr);
    virga_json_begin_object(writer, "authorizer");
    virga_json_begin_object(writer, "iam");
    virga_json_str(writer, "accessKey", req->access_key);
    virga_json_str(writer, "accountId", req->account);
    virga_json_str(writer, "callerId", req->account);
    virga_json_raw(writer, "cognitoIdentity", virga_str_from("null"));
    virga_json_raw(writer, "principalOrgId", virga_str_from("null"));
    virga_json_string(writer, "userArn", arn);
    virga_json_str(writer, "userId", req->account);
    virga_json_end_object(writer);
    virga_json_end_object(writer);
}

/* The Host header without its port. */
static struct virga_str domain(const struct virga_request *req) {
    const char *colon = req->host.len > 0 ? memchr(req->host.ptr, ':', req->host.len) : NULL;
    return (struct virga_str){req->host.ptr,
                              colon != NULL ? (size_t)(colon - req->host.ptr) : req->host.len};
}

static void write_context(const struct virga_request *req, const struct url_context *context,
                          struct virga_json_writer *writer) {
    struct virga_str agent = req->http->header(req, "User-Agent");
    time_t seconds = (time_t)(context->now_ms / 1000);
    struct tm parts = {0};
    char moment[40];
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(moment, sizeof moment, "%d/%b/%Y:%H:%M:%S +0000", &parts);
    virga_json_begin_object(writer, "requestContext");
    if (context->iam) {
        virga_json_str(writer, "accountId", req->account);
    } else {
        virga_json_string(writer, "accountId", "anonymous");
    }
    virga_json_string(writer, "apiId", context->url_id);
    if (context->iam) {
        write_authorizer(req, writer);
    }
    virga_json_str(writer, "domainName", domain(req));
    virga_json_string(writer, "domainPrefix", context->url_id);
    virga_json_begin_object(writer, "http");
    virga_json_str(writer, "method", req->method);
    virga_json_str(writer, "path", req->path);
    virga_json_string(writer, "protocol", "HTTP/1.1");
    virga_json_str(writer, "sourceIp", source_ip(req));
    virga_json_str(writer, "userAgent", agent.ptr != NULL ? agent : virga_str_from(""));
    virga_json_end_object(writer);
    virga_json_string(writer, "requestId", context->request_id);
    virga_json_string(writer, "routeKey", "$default");
    virga_json_string(writer, "stage", "$default");
    virga_json_string(writer, "time", moment);
    virga_json_int(writer, "timeEpoch", context->now_ms);
    virga_json_end_object(writer);
}

/* Whether the body goes into the event as text. */
static bool is_text(const struct virga_request *req) {
    struct virga_str type = req->http->header(req, "Content-Type");
    static const char *const types[] = {"text/", "application/json", "application/javascript",
                                        "application/xml"};
    bool listed = false;
    for (size_t i = 0; type.ptr != NULL && i < sizeof types / sizeof types[0]; i++) {
        listed = listed || strncasecmp(type.ptr, types[i], strlen(types[i])) == 0;
    }
    struct virga_str rest = req->body;
    while (listed && rest.len > 0) {
        size_t len = virga_utf8_char(rest);
        if (len == 0) {
            return false;
        }
        rest.ptr += len;
        rest.len -= len;
    }
    return listed;
}

static void write_body(const struct virga_request *req, struct virga_json_writer *writer) {
    bool text = req->body.len == 0 || is_text(req);
    char *encoded = text ? NULL : malloc(VIRGA_BASE64_SIZE(req->body.len));
    if (encoded != NULL) {
        virga_json_str(writer, "body",
                       (struct virga_str){encoded, virga_base64_encode(req->body, encoded)});
        free(encoded);
    } else if (!text) {
        writer->failed = 1;
    } else if (req->body.len > 0) {
        virga_json_str(writer, "body", req->body);
    }
    virga_json_bool(writer, "isBase64Encoded", !text);
}

void url_event_write(const struct virga_request *req, const struct url_context *context,
                     struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "version", "2.0");
    virga_json_string(writer, "routeKey", "$default");
    virga_json_str(writer, "rawPath", req->path);
    virga_json_str(writer, "rawQueryString",
                   req->query.ptr != NULL ? req->query : virga_str_from(""));
    write_cookies(req, writer);
    write_headers(req, context, writer);
    write_parameters(req, writer);
    write_context(req, context, writer);
    write_body(req, writer);
    virga_json_end_object(writer);
}
