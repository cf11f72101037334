/* SPDX-License-Identifier: MIT */
/* Compact XML into a growing buffer.
 * Source: https://www.w3.org/TR/xml/#charsets and https://smithy.io/2.0/spec/protocol-traits.html
 */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <virga/helpers/json_writer.h>
#include <virga/helpers/time.h>
#include <virga/helpers/xml_writer.h>

#define FIRST_CAPACITY 1024
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define OUT_OF_MEMORY                                                                              \
    "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>The request " \
    "could not be handled: out of memory</Message></Error></ErrorResponse>"

static int reserve(struct virga_xml_writer *writer, size_t more) {
    if (writer->failed) {
        return 0;
    }
    if (more > writer->capacity - writer->len) {
        size_t capacity = writer->capacity > 0 ? writer->capacity : FIRST_CAPACITY;
        while (capacity - writer->len < more) {
            capacity *= 2;
        }
        char *grown = realloc(writer->ptr, capacity);
        if (grown == NULL) {
            writer->failed = 1;
            return 0;
        }
        writer->ptr = grown;
        writer->capacity = capacity;
    }
    return 1;
}

static void put(struct virga_xml_writer *writer, const char *bytes, size_t len) {
    if (len > 0 && reserve(writer, len)) {
        memcpy(writer->ptr + writer->len, bytes, len);
        writer->len += len;
    }
}

static void put_string(struct virga_xml_writer *writer, const char *text) {
    put(writer, text, strlen(text));
}

/* What stands for a character that may not stand for itself; NULL when it may. A carriage return
 * would be read back as a line feed, and a tab or line feed in an attribute as a space. */
static const char *escape(const char *at, size_t len) {
    unsigned char byte = (unsigned char)at[0];
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#xD;";
    case '\t':
    case '\n':
        return NULL;
    default:
        break;
    }
    if (len == 0 || byte < 0x20) {
        return REPLACEMENT;
    }
    /* U+FFFE and U+FFFF. */
    return len == 3 && memcmp(at, "\xef\xbf", 2) == 0 && (unsigned char)at[2] >= 0xbe ? REPLACEMENT
                                                                                      : NULL;
}

void virga_xml_text(struct virga_xml_writer *writer, struct virga_str value) {
    size_t start = 0, at = 0;
    if (value.len == 0) {
        return;
    }
    while (at < value.len) {
        size_t len = virga_utf8_char((struct virga_str){value.ptr + at, value.len - at});
        const char *instead = escape(value.ptr + at, len);
        size_t next = at + (len > 0 ? len : 1);
        if (instead != NULL) {
            put(writer, value.ptr + start, at - start);
            put_string(writer, instead);
            start = next;
        }
        at = next;
    }
    put(writer, value.ptr + start, at - start);
}

void virga_xml_begin_in(struct virga_xml_writer *writer, const char *name, const char *xmlns) {
    put(writer, "<", 1);
    put_string(writer, name);
    if (xmlns != NULL) {
        put_string(writer, " xmlns=\"");
        virga_xml_text(writer, virga_str_from(xmlns));
        put(writer, "\"", 1);
    }
    put(writer, ">", 1);
}

void virga_xml_begin(struct virga_xml_writer *writer, const char *name) {
    virga_xml_begin_in(writer, name, NULL);
}

void virga_xml_end(struct virga_xml_writer *writer, const char *name) {
    put(writer, "</", 2);
    put_string(writer, name);
    put(writer, ">", 1);
}

void virga_xml_str(struct virga_xml_writer *writer, const char *name, struct virga_str value) {
    virga_xml_begin(writer, name);
    virga_xml_text(writer, value);
    virga_xml_end(writer, name);
}

void virga_xml_string(struct virga_xml_writer *writer, const char *name, const char *value) {
    if (value != NULL) {
        virga_xml_str(writer, name, virga_str_from(value));
    }
}

void virga_xml_int(struct virga_xml_writer *writer, const char *name, int64_t value) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    virga_xml_string(writer, name, text);
}

void virga_xml_bool(struct virga_xml_writer *writer, const char *name, int value) {
    virga_xml_string(writer, name, value ? "true" : "false");
}

void virga_xml_time(struct virga_xml_writer *writer, const char *name, int64_t time_ms) {
    char text[VIRGA_TIME_SIZE];
    virga_time_format(time_ms, text);
    virga_xml_string(writer, name, text);
}

void virga_xml_raw(struct virga_xml_writer *writer, struct virga_str xml) {
    put(writer, xml.ptr, xml.len);
}

void virga_xml_finish(struct virga_xml_writer *writer) {
    free(writer->ptr);
    memset(writer, 0, sizeof *writer);
}

int virga_xml_answer(struct virga_request *req, int status, const char *content_type,
                     struct virga_xml_writer *writer) {
    struct answer answer = {
        .status = status,
        .content_type = content_type != NULL ? content_type : "text/xml",
        .body = {writer->ptr, writer->len},
        .owned = writer->ptr,
    };
    if (writer->failed) {
        virga_xml_finish(writer);
        answer.status = 500;
        answer.body = virga_str_from(OUT_OF_MEMORY);
        answer.owned = NULL;
    }
    memset(writer, 0, sizeof *writer);
    return answer_send(req, &answer);
}
