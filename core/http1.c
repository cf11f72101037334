/* SPDX-License-Identifier: MIT */
/* Request parsing on llhttp. What llhttp lets pass in its loose build (bare CR and LF, folded
 * lines, spaces in names, other transfer codings) is refused here, so that nobody can make two hops
 * read two different requests. */
#include "http1.h"

#include <strings.h>

#define TEXT_SIZE_FIRST 2048
#define HEADERS_SIZE_FIRST 24

/* ---- characters ---- */

/* Source: RFC 9110, 5.6.2. */
static bool is_token_char(unsigned char c) {
    static const uint32_t set[8] = {0x00000000, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return (set[c >> 5] >> (c & 31)) & 1;
}

bool http1_is_token(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char((unsigned char)text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0;
}

bool http1_is_value(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\r' || c == '\n' || c == '\0') {
            return false;
        }
    }
    return true;
}

bool http1_same(struct virga_str a, const char *b) {
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

/* ---- refusals ---- */

static int refuse(struct http1 *http, int status, const char *reason) {
    if (http->event != HTTP1_BAD) {
        http->event = HTTP1_BAD;
        http->status = status;
        http->reason = reason;
    }
    return HPE_USER;
}

/* Looks at bytes that are not payload: head, chunk sizes, trailers. A line ends with CR LF and
 * nothing else, no line begins with a blank, and there are no control characters. */
static void check_framing(struct http1 *http, const char *end) {
    unsigned char last = (unsigned char)http->last;
    bool bad = false;
    for (const char *at = http->framing; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        bad |= (last == '\r') != (c == '\n');
        bad |= last == '\n' && (c == ' ' || c == '\t');
        bad |= http->chunk_ended && c != '\r';
        http->chunk_ended = false;
        bad |= (c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f;
        last = c;
    }
    if (end > http->framing) {
        size_t count = (size_t)(end - http->framing);
        if (http->in_body) {
            http->overhead_bytes += count;
        } else {
            http->head_bytes += (uint32_t)count;
        }
        http->last = (char)last;
        http->framing = end;
    }
    if (bad) {
        (void)refuse(http, 400, "a line ending, a blank or a control character is misplaced");
    } else if (http->overhead_bytes >
               HTTP1_CHUNK_OVERHEAD_BYTES + HTTP1_CHUNK_OVERHEAD_EACH * http->chunks) {
        (void)refuse(http, 400, "the chunked coding is more than the body");
    }
}

/* ---- strings of the head ---- */

static void move_str(struct virga_str *text, const char *from, char *to) {
    if (text->ptr != NULL) {
        text->ptr = to + (text->ptr - from);
    }
}

static int grow_text(struct http1 *http, size_t more) {
    size_t size = http->text_size == 0 ? TEXT_SIZE_FIRST : http->text_size;
    while (size - http->text_len < more) {
        size *= 2;
    }
    char *text = size <= UINT32_MAX ? arena_alloc(http->arena, size) : NULL;
    if (text == NULL) {
        return refuse(http, 500, "out of memory");
    }
    if (http->text_len > 0) {
        memcpy(text, http->text, http->text_len);
    }
    move_str(&http->head.target, http->text, text);
    for (size_t i = 0; i < http->head.headers_count; i++) {
        move_str(&http->head.headers[i].name, http->text, text);
        move_str(&http->head.headers[i].value, http->text, text);
    }
    for (size_t i = 0; i < http->head.trailers_count; i++) {
        move_str(&http->head.trailers[i].name, http->text, text);
        move_str(&http->head.trailers[i].value, http->text, text);
    }
    http->text = text;
    http->text_size = (uint32_t)size;
    return 0;
}

/* Adds to a string, which must be the last in text, or begins it. */
static int add_text(struct http1 *http, struct virga_str *string, const char *at, size_t len) {
    if (http->text_size - http->text_len < len + 1 && grow_text(http, len + 1) != 0) {
        return HPE_USER;
    }
    if (!http->open) {
        string->ptr = http->text + http->text_len;
        string->len = 0;
        http->open = true;
    } else {
        http->text_len--; /* the NUL */
    }
    memcpy(http->text + http->text_len, at, len);
    http->text_len += (uint32_t)len;
    http->text[http->text_len++] = '\0';
    string->len += len;
    return 0;
}

static int add_header(struct http1 *http) {
    struct http1_head *head = &http->head;
    if (head->headers_count == HTTP1_HEADERS_MAX) {
        return refuse(http, 431, "too many headers");
    }
    if (head->headers_count == http->headers_size) {
        uint32_t size = http->headers_size == 0 ? HEADERS_SIZE_FIRST : 2 * http->headers_size;
        struct virga_header *headers = arena_alloc(http->arena, size * sizeof *headers);
        if (headers == NULL) {
            return refuse(http, 500, "out of memory");
        }
        if (head->headers_count > 0) {
            memcpy(headers, head->headers, head->headers_count * sizeof *headers);
        }
        head->headers = headers;
        http->headers_size = size;
    }
    head->headers[head->headers_count++] = (struct virga_header){{NULL, 0}, {NULL, 0}};
    return 0;
}

/* ---- strings behind the body ---- */

static int add_trailer(struct http1 *http) {
    struct http1_head *head = &http->head;
    if (head->trailers == NULL) {
        head->trailers = arena_alloc(http->arena, HTTP1_TRAILERS_MAX * sizeof *head->trailers);
        if (head->trailers == NULL) {
            return refuse(http, 500, "out of memory");
        }
    }
    head->trailers[head->trailers_count++] = (struct virga_header){{NULL, 0}, {NULL, 0}};
    return 0;
}

/* A part of a name or a value. */
static int add_trailer_text(struct http1 *http, bool is_name, const char *at, size_t len) {
    struct http1_head *head = &http->head;
    if (is_name && !http->open) {
        http->forgets = head->trailers_count == HTTP1_TRAILERS_MAX;
        if (!http->forgets && add_trailer(http) != 0) {
            return HPE_USER;
        }
    }
    if (http->forgets) {
        return 0;
    }
    http->trailer_bytes += (uint32_t)len;
    if (http->trailer_bytes > HTTP1_TRAILER_BYTES_MAX) {
        return refuse(http, 400, "the trailer fields are too long");
    }
    struct virga_header *trailer = &head->trailers[head->trailers_count - 1];
    return add_text(http, is_name ? &trailer->name : &trailer->value, at, len);
}

/* ---- the head ---- */

static int on_url(llhttp_t *parser, const char *at, size_t len) {
    struct http1 *http = parser->data;
    if (http->head.target.len + len > http->head_limit / 2) {
        return refuse(http, 414, "the request target is too long");
    }
    return add_text(http, &http->head.target, at, len);
}

static int on_complete(llhttp_t *parser) {
    struct http1 *http = parser->data;
    http->open = false;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len) {
    struct http1 *http = parser->data;
    if (http->in_body) {
        return add_trailer_text(http, true, at, len);
    }
    if (!http->open && add_header(http) != 0) {
        return HPE_USER;
    }
    return add_text(http, &http->head.headers[http->head.headers_count - 1].name, at, len);
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len) {
    struct http1 *http = parser->data;
    if (http->in_body) {
        return add_trailer_text(http, false, at, len);
    }
    return add_text(http, &http->head.headers[http->head.headers_count - 1].value, at, len);
}

/* ---- the complete head ---- */

static int parse_length(struct http1 *http, struct virga_str value) {
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned)(unsigned char)value.ptr[i] - '0';
        if (digit > 9 || length > (UINT64_MAX - 1 - digit) / 10) {
            return refuse(http, 400, "the Content-Length is not a number");
        }
        length = length * 10 + digit;
    }
    if (value.len == 0) {
        return refuse(http, 400, "the Content-Length is empty");
    }
    http->head.content_length = length;
    return 0;
}

static void trim(struct virga_str *value) {
    if (value->ptr == NULL) {
        *value = virga_str_from("");
    }
    size_t len = value->len;
    while (len > 0 && (value->ptr[len - 1] == ' ' || value->ptr[len - 1] == '\t')) {
        len--;
    }
    if (len < value->len) {
        ((char *)(uintptr_t)value->ptr)[len] = '\0';
        value->len = len;
    }
}

/* Headers that decide about framing: each at most once, in one form.
 * Source: RFC 9112, 6.3 and 3.2; RFC 9110, 10.1.1. */
static int read_headers(struct http1 *http) {
    struct http1_head *head = &http->head;
    unsigned hosts = 0, lengths = 0, codings = 0;
    for (size_t i = 0; i < head->headers_count; i++) {
        struct virga_header *header = &head->headers[i];
        trim(&header->value);
        if (!http1_is_token(header->name)) {
            return refuse(http, 400, "the name of a header is malformed");
        }
        switch (header->name.len) {
        case 4:
            if (http1_same(header->name, "host")) {
                head->host = header->value;
                hosts++;
            }
            break;
        case 6:
            if (http1_same(header->name, "expect")) {
                if (!http1_same(header->value, "100-continue")) {
                    return refuse(http, 417, "the expectation is not 100-continue");
                }
                head->expects_continue = !head->http_1_0;
            }
            break;
        case 14:
            if (http1_same(header->name, "content-length")) {
                lengths++;
                if (parse_length(http, header->value) != 0) {
                    return HPE_USER;
                }
            }
            break;
        case 17:
            if (http1_same(header->name, "transfer-encoding")) {
                codings++;
                if (!http1_same(header->value, "chunked")) {
                    return refuse(http, 501, "the transfer coding is not chunked");
                }
            }
            break;
        default:
            break;
        }
    }
    if (hosts > 1 || (hosts == 0 && !head->http_1_0)) {
        return refuse(http, 400, "there must be exactly one Host header");
    }
    if (lengths + codings > 1 || (codings > 0 && head->http_1_0)) {
        return refuse(http, 400, "the length of the body is ambiguous");
    }
    if (codings > 0) {
        head->content_length = VIRGA_LENGTH_UNKNOWN;
    }
    return 0;
}

static int set_path(struct http1 *http, const char *path, size_t path_len, const char *query,
                    size_t query_len) {
    struct http1_head *head = &http->head;
    size_t need = path_len + query_len + 2;
    char *copy = arena_alloc(http->arena, need);
    if (copy == NULL) {
        return refuse(http, 500, "out of memory");
    }
    memcpy(copy, path, path_len);
    copy[path_len] = '\0';
    memcpy(copy + path_len + 1, query, query_len);
    copy[need - 1] = '\0';
    head->path = (struct virga_str){copy, path_len};
    head->query = (struct virga_str){copy + path_len + 1, query_len};
    return 0;
}

/* Source: RFC 9112, 3.2.1 to 3.2.4. */
static int read_target(struct http1 *http) {
    struct http1_head *head = &http->head;
    const char *at = head->target.ptr;
    const char *end = at + head->target.len;
    for (const char *c = at; c < end; c++) {
        if ((unsigned char)*c <= 0x20 || *c == 0x7f || *c == '#') {
            return refuse(http, 400, "the request target is malformed");
        }
    }
    size_t scheme = strncasecmp(at, "http://", 7) == 0    ? 7
                    : strncasecmp(at, "https://", 8) == 0 ? 8
                                                          : 0;
    if (scheme > 0) {
        const char *authority = at + scheme;
        at = authority + strcspn(authority, "/?");
        head->host =
            arena_copy(http->arena, (struct virga_str){authority, (size_t)(at - authority)});
        if (head->host.ptr == NULL) {
            return refuse(http, 500, "out of memory");
        }
        if (head->host.len == 0) {
            return refuse(http, 400, "the request target is malformed");
        }
    } else if (*at != '/' && strcmp(at, "*") != 0) {
        return refuse(http, 400, "the request target is malformed");
    }
    if (head->host.ptr == NULL) {
        head->host = virga_str_from("");
    }
    if (strcspn(head->host.ptr, " \t/?#@,\"\\<>") != head->host.len) {
        return refuse(http, 400, "the Host is malformed");
    }
    const char *question = memchr(at, '?', (size_t)(end - at));
    const char *path_end = question != NULL ? question : end;
    const char *query = question != NULL ? question + 1 : end;
    if (at == path_end) {
        return set_path(http, "/", 1, query, (size_t)(end - query));
    }
    return set_path(http, at, (size_t)(path_end - at), query, (size_t)(end - query));
}

static int on_headers_complete(llhttp_t *parser) {
    struct http1 *http = parser->data;
    struct http1_head *head = &http->head;
    if (parser->http_major != 1 || parser->http_minor > 1) {
        return refuse(http, 505, "the version is not HTTP/1.1 or HTTP/1.0");
    }
    if (parser->method >= HTTP_PRI) {
        return refuse(http, 501, "the method is not known");
    }
    if (parser->method == HTTP_CONNECT) {
        return refuse(http, 405, "CONNECT is not served");
    }
    head->method = virga_str_from(llhttp_method_name((llhttp_method_t)parser->method));
    head->http_1_0 = parser->http_minor == 0;
    head->keep_alive = llhttp_should_keep_alive(parser) != 0;
    if (read_headers(http) != 0 || read_target(http) != 0) {
        return HPE_USER;
    }
    /* A client that would like another protocol is served in this one: without the flag llhttp goes
     * on. */
    parser->upgrade = 0;
    http->event = HTTP1_HEAD;
    return HPE_PAUSED;
}

/* ---- the body ---- */

static int on_chunk_header(llhttp_t *parser) {
    struct http1 *http = parser->data;
    http->chunks++;
    http->chunk_left = parser->content_length;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
    struct http1 *http = parser->data;
    if (len == 0) {
        return 0;
    }
    check_framing(http, at);
    if (http->event == HTTP1_BAD) {
        return HPE_USER;
    }
    http->framing = at + len;
    if (http->head.content_length == VIRGA_LENGTH_UNKNOWN) {
        http->chunk_left -= len;
        http->chunk_ended = http->chunk_left == 0;
    }
    http->piece = (struct virga_str){at, len};
    http->event = HTTP1_BODY;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
    struct http1 *http = parser->data;
    for (size_t i = 0; i < http->head.trailers_count; i++) {
        struct virga_header *trailer = &http->head.trailers[i];
        trim(&trailer->value);
        if (!http1_is_token(trailer->name)) {
            return refuse(http, 400, "the name of a trailer field is malformed");
        }
    }
    http->event = HTTP1_END;
    return HPE_PAUSED;
}

/* ---- feeding ---- */

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http1_init(struct http1 *http, struct arena *arena, uint32_t head_limit_bytes) {
    memset(http, 0, sizeof *http);
    llhttp_init(&http->parser, HTTP_REQUEST, &settings);
    http->parser.data = http;
    http->arena = arena;
    http->head_limit = head_limit_bytes;
}

static void refuse_error(struct http1 *http, int error) {
    switch (error) {
    case HPE_INVALID_METHOD:
        (void)refuse(http, 501, "the method is not known");
        break;
    case HPE_PAUSED_H2_UPGRADE:
    case HPE_INVALID_VERSION:
        (void)refuse(http, 505, "the version is not HTTP/1.1 or HTTP/1.0");
        break;
    case HPE_INVALID_TRANSFER_ENCODING:
        (void)refuse(http, 501, "the transfer coding is not chunked");
        break;
    default:
        (void)refuse(http, 400, "the request is malformed");
        break;
    }
}

enum http1_event http1_next(struct http1 *http, const char *data, size_t len, size_t *ret_used,
                            struct virga_str *ret_piece) {
    size_t take = len;
    if (!http->in_body && len > http->head_limit - http->head_bytes) {
        take = http->head_limit - http->head_bytes;
    }
    http->event = HTTP1_MORE;
    http->framing = data;
    llhttp_resume(&http->parser);
    int error = (int)llhttp_execute(&http->parser, data, take);
    const char *end = data + take;
    if (error == HPE_PAUSED) {
        end = llhttp_get_error_pos(&http->parser);
    } else if (error != HPE_OK) {
        refuse_error(http, error);
    }
    if (http->event != HTTP1_BAD) {
        check_framing(http, end);
    }
    if (http->event == HTTP1_MORE && take < len) {
        (void)refuse(http, 431, "the headers are too long");
    }
    if (http->event == HTTP1_HEAD) {
        http->in_body = true;
    }
    *ret_used = (size_t)(end - data);
    *ret_piece = http->piece;
    return http->event;
}
