/* SPDX-License-Identifier: MIT */
/* llhttp in pull style: every callback that means something to the caller pauses the parser. */
#include "http1_client.h"

#include <errno.h>
#include <llhttp.h>
#include <stdlib.h>
#include <strings.h>

/* Where a header's name and value lie in `text`, each with a NUL behind it. */
struct field {
    size_t name;
    size_t name_len;
    size_t value;
    size_t value_len;
};

struct http1_client {
    llhttp_t parser;
    enum http1_client_event event; /* what the last callback saw */
    int failure;                   /* errno of a callback that refused */
    bool to_head;
    bool paused;
    bool head_done;
    bool keeps_alive;
    size_t head_bytes; /* of everything that counts against HTTP1_CLIENT_HEAD_MAX */
    char *text;
    size_t text_len;
    size_t text_size;
    struct field *fields;
    size_t fields_count;
    size_t fields_size;
    bool in_value; /* the last field has its name */
    struct virga_str part;
    struct virga_header *headers;
    struct http1_client_head head;
};

/* What "HTTP/1.1 100 " and the line ends count, so that 1xx answers without any text have an end
 * too. */
#define STATUS_LINE_BYTES 16u
#define TEXT_SIZE_FIRST 1024u
#define FIELDS_SIZE_FIRST 16u

static int refuse(struct http1_client *client, int error) {
    client->failure = error;
    return -1;
}

static int count_bytes(struct http1_client *client, size_t len) {
    client->head_bytes += len;
    return client->head_bytes > HTTP1_CLIENT_HEAD_MAX ? refuse(client, -EMSGSIZE) : 0;
}

static int append(struct http1_client *client, const char *bytes, size_t len) {
    size_t needed = client->text_len + len;
    if (needed > client->text_size) {
        size_t size = client->text_size != 0 ? client->text_size : TEXT_SIZE_FIRST;
        while (size < needed) {
            size *= 2;
        }
        char *grown = realloc(client->text, size);
        if (grown == NULL) {
            return refuse(client, -ENOMEM);
        }
        client->text = grown;
        client->text_size = size;
    }
    memcpy(client->text + client->text_len, bytes, len);
    client->text_len = needed;
    return 0;
}

static struct field *add_field(struct http1_client *client) {
    if (client->fields_count == client->fields_size) {
        size_t size = client->fields_size != 0 ? 2 * client->fields_size : FIELDS_SIZE_FIRST;
        struct field *grown = realloc(client->fields, size * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        client->fields = grown;
        client->fields_size = size;
    }
    struct field *field = &client->fields[client->fields_count++];
    *field = (struct field){.name = client->text_len};
    return field;
}

static int on_reason(llhttp_t *parser, const char *at, size_t len) {
    (void)at;
    return count_bytes(parser->data, len);
}

static int on_name(llhttp_t *parser, const char *at, size_t len) {
    struct http1_client *client = parser->data;
    if (count_bytes(client, len) != 0) {
        return -1;
    }
    if (client->head_done) {
        return 0; /* a trailer */
    }
    if (client->fields_count == 0 || client->in_value) {
        /* The few bytes that a field costs besides its text count too. */
        if (count_bytes(client, 4) != 0) {
            return -1;
        }
        if (add_field(client) == NULL) {
            return refuse(client, -ENOMEM);
        }
        client->in_value = false;
    }
    client->fields[client->fields_count - 1].name_len += len;
    return append(client, at, len);
}

static int on_name_complete(llhttp_t *parser) {
    struct http1_client *client = parser->data;
    if (client->head_done) {
        return 0;
    }
    if (append(client, "", 1) != 0) {
        return -1;
    }
    client->in_value = true;
    client->fields[client->fields_count - 1].value = client->text_len;
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
    struct http1_client *client = parser->data;
    if (count_bytes(client, len) != 0) {
        return -1;
    }
    if (client->head_done) {
        return 0;
    }
    client->fields[client->fields_count - 1].value_len += len;
    return append(client, at, len);
}

static int on_value_complete(llhttp_t *parser) {
    struct http1_client *client = parser->data;
    if (client->head_done) {
        return 0;
    }
    struct field *field = &client->fields[client->fields_count - 1];
    while (field->value_len > 0 && (client->text[field->value + field->value_len - 1] == ' ' ||
                                    client->text[field->value + field->value_len - 1] == '\t')) {
        field->value_len--;
    }
    client->text_len = field->value + field->value_len;
    return append(client, "", 1);
}

/* The text does not move any more: turns offsets into pointers. */
static int build_headers(struct http1_client *client) {
    client->headers = calloc(client->fields_count + 1, sizeof *client->headers);
    if (client->headers == NULL) {
        return refuse(client, -ENOMEM);
    }
    for (size_t i = 0; i < client->fields_count; i++) {
        const struct field *field = &client->fields[i];
        client->headers[i].name.ptr = client->text + field->name;
        client->headers[i].name.len = field->name_len;
        client->headers[i].value.ptr = client->text + field->value;
        client->headers[i].value.len = field->value_len;
    }
    client->head.headers = client->headers;
    client->head.headers_count = client->fields_count;
    return 0;
}

static bool has_other_coding(const struct http1_client *client) {
    for (size_t i = 0; i < client->fields_count; i++) {
        if (strcasecmp(client->headers[i].name.ptr, "Transfer-Encoding") == 0 &&
            strcasecmp(client->headers[i].value.ptr, "chunked") != 0) {
            return true;
        }
    }
    return false;
}

static int on_head_complete(llhttp_t *parser) {
    struct http1_client *client = parser->data;
    int status = parser->status_code;
    if (count_bytes(client, STATUS_LINE_BYTES) != 0) {
        return -1;
    }
    if (status == 101 || status < 100) {
        return refuse(client, -EBADMSG); /* nobody asked for another protocol */
    }
    bool has_body = !client->to_head && status >= 200 && status != 204 && status != 304;
    if (!has_body) {
        /* What returning 1 would do, which cannot be had together with a pause. */
        parser->flags = (uint16_t)(parser->flags | F_SKIPBODY);
    }
    if (status < 200) {
        return 0;
    }
    if (build_headers(client) != 0) {
        return -1;
    }
    if (has_other_coding(client)) {
        return refuse(client, -EBADMSG); /* no TE was sent, so only chunked is allowed */
    }
    client->head.status = status;
    client->head.has_body = has_body;
    client->head.content_length =
        (parser->flags & F_CONTENT_LENGTH) != 0 ? parser->content_length : VIRGA_LENGTH_UNKNOWN;
    client->head_done = true;
    client->event = HTTP1_CLIENT_HEAD;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
    struct http1_client *client = parser->data;
    if (len == 0) {
        return 0;
    }
    client->part.ptr = at;
    client->part.len = len;
    client->event = HTTP1_CLIENT_BODY;
    return HPE_PAUSED;
}

static int on_complete(llhttp_t *parser) {
    struct http1_client *client = parser->data;
    if (!client->head_done) { /* a 1xx answer: forget its headers */
        client->text_len = 0;
        client->fields_count = 0;
        client->in_value = false;
        return 0;
    }
    client->keeps_alive = llhttp_should_keep_alive(parser) != 0;
    client->event = HTTP1_CLIENT_END;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_status = on_reason,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

int http1_client_create(bool to_head, struct http1_client **ret_client) {
    struct http1_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return -ENOMEM;
    }
    llhttp_init(&client->parser, HTTP_RESPONSE, &settings);
    client->parser.data = client;
    client->to_head = to_head;
    *ret_client = client;
    return 0;
}

void http1_client_destroy(struct http1_client *client) {
    if (client == NULL) {
        return;
    }
    free(client->headers);
    free(client->fields);
    free(client->text);
    free(client);
}

int http1_client_next(struct http1_client *client, const char **bytes, size_t *len,
                      struct virga_str *ret_part) {
    if (client->paused) {
        llhttp_resume(&client->parser);
        client->paused = false;
    } else if (*len == 0) {
        return HTTP1_CLIENT_MORE;
    }
    client->event = HTTP1_CLIENT_MORE;
    /* With nothing left the parser still wants a place to point at. */
    const char *start = *bytes != NULL ? *bytes : "";
    enum llhttp_errno result = llhttp_execute(&client->parser, start, *len);
    if (result == HPE_OK) {
        *bytes = start + *len;
        *len = 0;
        return HTTP1_CLIENT_MORE;
    }
    if (result != HPE_PAUSED || client->event == HTTP1_CLIENT_MORE) {
        return client->failure != 0 ? client->failure : -EBADMSG;
    }
    client->paused = true;
    const char *behind = llhttp_get_error_pos(&client->parser);
    *len -= (size_t)(behind - start);
    *bytes = behind;
    if (client->event == HTTP1_CLIENT_BODY) {
        *ret_part = client->part;
    }
    return (int)client->event;
}

int http1_client_eof(struct http1_client *client) {
    client->event = HTTP1_CLIENT_MORE;
    if (!client->paused) {
        (void)llhttp_finish(&client->parser);
    }
    if (client->event != HTTP1_CLIENT_END) {
        return -ECONNRESET;
    }
    client->keeps_alive = false;
    return HTTP1_CLIENT_END;
}

const struct http1_client_head *http1_client_head(const struct http1_client *client) {
    return &client->head;
}

bool http1_client_keeps_alive(const struct http1_client *client) {
    return client->keeps_alive;
}
