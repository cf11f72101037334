/* SPDX-License-Identifier: MIT */
/* Error documents: JSON, XML in its four kinds, CBOR. */
#include "protocol_body.h"

#include "request.h"

/* Text on its way into a document; counts while `to` is NULL, so that one function both measures
 * and writes. */
struct writer {
    unsigned char *to;
    size_t len;
};

static void put(struct writer *writer, const void *bytes, size_t len) {
    if (writer->to != NULL) {
        memcpy(writer->to + writer->len, bytes, len);
    }
    writer->len += len;
}

static void put_text(struct writer *writer, const char *text) {
    put(writer, text, strlen(text));
}

/* Source: RFC 8259, 7. Bytes above ASCII may be no UTF-8, so they do not pass. */
static void put_json(struct writer *writer, const char *text) {
    put_text(writer, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            put_text(writer, "\\");
        }
        put(writer, c < 0x20 || c > 0x7e ? "?" : text, 1);
    }
    put_text(writer, "\"");
}

/* Source: XML 1.0, 2.2 and 2.4. */
static void put_xml(struct writer *writer, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&') {
            put_text(writer, "&amp;");
        } else if (c == '<') {
            put_text(writer, "&lt;");
        } else if (c == '>') {
            put_text(writer, "&gt;");
        } else {
            put(writer, c < 0x20 || c > 0x7e ? "?" : text, 1);
        }
    }
}

static void put_element(struct writer *writer, const char *name, const char *text) {
    put_text(writer, "<");
    put_text(writer, name);
    put_text(writer, ">");
    put_xml(writer, text);
    put_text(writer, "</");
    put_text(writer, name);
    put_text(writer, ">");
}

/* A text string. Source: RFC 8949, 3.1, major type 3. */
static void put_cbor(struct writer *writer, const char *text) {
    size_t len = strlen(text);
    unsigned char head[5];
    size_t head_len;
    if (len < 24) {
        head[0] = (unsigned char)(0x60 | len);
        head_len = 1;
    } else if (len <= 0xff) {
        head[0] = 0x78;
        head[1] = (unsigned char)len;
        head_len = 2;
    } else {
        len = len < 0xffff ? len : 0xffff;
        head[0] = 0x79;
        head[1] = (unsigned char)(len >> 8);
        head[2] = (unsigned char)(len & 0xff);
        head_len = 3;
    }
    put(writer, head, head_len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        put(writer, c < 0x20 || c > 0x7e ? "?" : text + i, 1); /* as in put_json() */
    }
}

struct error_text {
    enum protocol protocol;
    int status;
    const char *code;
    const char *message;
    const char *request_id;
    const char *path;
};

/* Whose fault it is, as Query and REST XML want it said. */
static const char *fault(const struct error_text *error) {
    return error->status < 500 ? "Sender" : "Receiver";
}

/* Source: AWS JSON 1.0 and 1.1, "Operation error serialization"; Smithy RPC v2. */
static void write_typed_json(struct writer *writer, const struct error_text *error) {
    put_text(writer, "{\"__type\":");
    put_json(writer, error->code);
    put_text(writer, ",\"message\":");
    put_json(writer, error->message);
    put_text(writer, "}");
}

/* Source: AWS REST JSON 1: the type is in a header. */
static void write_rest_json(struct writer *writer, const struct error_text *error) {
    put_text(writer, "{\"message\":");
    put_json(writer, error->message);
    put_text(writer, "}");
}

/* Source: Amazon S3 API reference, "REST error responses". */
static void write_s3(struct writer *writer, const struct error_text *error) {
    put_text(writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    put_element(writer, "Code", error->code);
    put_element(writer, "Message", error->message);
    put_element(writer, "Resource", error->path);
    put_element(writer, "RequestId", error->request_id);
    put_text(writer, "</Error>");
}

/* Source: AWS Query and AWS REST XML, "Operation error serialization"; the namespace is the one in
 * which AWS's own front end answers before a service is asked. */
static void write_error_response(struct writer *writer, const struct error_text *error) {
    put_text(writer,
             "<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"><Error>");
    put_element(writer, "Type", fault(error));
    put_element(writer, "Code", error->code);
    put_element(writer, "Message", error->message);
    put_text(writer, "</Error>");
    put_element(writer, "RequestId", error->request_id);
    put_text(writer, "</ErrorResponse>");
}

/* Source: AWS EC2 Query, "Operation error serialization". */
static void write_ec2(struct writer *writer, const struct error_text *error) {
    put_text(writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
    put_element(writer, "Code", error->code);
    put_element(writer, "Message", error->message);
    put_text(writer, "</Error></Errors>");
    put_element(writer, "RequestID", error->request_id);
    put_text(writer, "</Response>");
}

/* A map of two pairs. Source: Smithy RPC v2 CBOR, "Operation error serialization"; RFC 8949. */
static void write_cbor(struct writer *writer, const struct error_text *error) {
    put(writer, "\xa2", 1);
    put_cbor(writer, "__type");
    put_cbor(writer, error->code);
    put_cbor(writer, "message");
    put_cbor(writer, error->message);
}

static void write_error(struct writer *writer, const struct error_text *error) {
    switch (error->protocol) {
    case PROTOCOL_JSON_1_0:
    case PROTOCOL_JSON_1_1:
    case PROTOCOL_RPC_JSON:
        write_typed_json(writer, error);
        break;
    case PROTOCOL_REST_JSON:
        write_rest_json(writer, error);
        break;
    case PROTOCOL_S3:
        write_s3(writer, error);
        break;
    case PROTOCOL_REST_XML:
    case PROTOCOL_QUERY:
        write_error_response(writer, error);
        break;
    case PROTOCOL_EC2:
        write_ec2(writer, error);
        break;
    case PROTOCOL_RPC_CBOR:
        write_cbor(writer, error);
        break;
    }
}

struct virga_str protocol_body(struct request *req, enum protocol protocol, int status,
                               const char *code, const char *message) {
    const struct error_text error = {
        .protocol = protocol,
        .status = status,
        .code = code,
        .message = message,
        .request_id = req->pub.id.ptr != NULL ? req->pub.id.ptr : "",
        .path = req->pub.path.ptr != NULL ? req->pub.path.ptr : "",
    };
    struct writer writer = {0};
    write_error(&writer, &error);
    size_t size = writer.len;
    writer = (struct writer){.to = arena_alloc(&req->arena, size + 1)};
    if (writer.to == NULL) {
        return (struct virga_str){NULL, 0};
    }
    write_error(&writer, &error);
    writer.to[size] = '\0';
    return (struct virga_str){(const char *)writer.to, size};
}
