/* SPDX-License-Identifier: MIT */
/* Compact JSON into a growing buffer. */
#include <inttypes.h>
#include <stdlib.h>
#include <virga/helpers/json_writer.h>

#define FIRST_CAPACITY 512

static int reserve(struct virga_json_writer *writer, size_t more) {
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

static void put(struct virga_json_writer *writer, const char *bytes, size_t len) {
    if (len > 0 && reserve(writer, len)) {
        memcpy(writer->ptr + writer->len, bytes, len);
        writer->len += len;
    }
}

size_t virga_utf8_char(struct virga_str text) {
    const unsigned char *at = (const unsigned char *)text.ptr;
    if (text.len == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        return 1;
    }
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || text.len < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates, and what lies above U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return len;
}

static void put_escaped_char(struct virga_json_writer *writer, unsigned char byte) {
    char code[8];
    switch (byte) {
    case '"':
        put(writer, "\\\"", 2);
        break;
    case '\\':
        put(writer, "\\\\", 2);
        break;
    case '\n':
        put(writer, "\\n", 2);
        break;
    case '\r':
        put(writer, "\\r", 2);
        break;
    case '\t':
        put(writer, "\\t", 2);
        break;
    default:
        (void)snprintf(code, sizeof code, "\\u%04x", byte);
        put(writer, code, 6);
        break;
    }
}

static void put_quoted(struct virga_json_writer *writer, struct virga_str text) {
    put(writer, "\"", 1);
    size_t start = 0, at = 0;
    while (at < text.len) {
        unsigned char byte = (unsigned char)text.ptr[at];
        size_t len = 1;
        if (byte >= 0x80) {
            len = virga_utf8_char((struct virga_str){text.ptr + at, text.len - at});
        } else if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            put(writer, text.ptr + start, at - start);
            put_escaped_char(writer, byte);
            start = ++at;
            continue;
        }
        if (len == 0) {
            put(writer, text.ptr + start, at - start);
            put(writer, "\\ufffd", 6);
            start = ++at;
            continue;
        }
        at += len;
    }
    put(writer, text.ptr + start, at - start);
    put(writer, "\"", 1);
}

/* What goes before a value: a comma where one is due, and the member's name. */
static void lead(struct virga_json_writer *writer, const char *key) {
    if (writer->comma) {
        put(writer, ",", 1);
    }
    if (key != NULL) {
        put_quoted(writer, virga_str_from(key));
        put(writer, ":", 1);
    }
    writer->comma = 1;
}

static void begin(struct virga_json_writer *writer, const char *key, const char *bracket) {
    lead(writer, key);
    put(writer, bracket, 1);
    writer->comma = 0;
}

static void end(struct virga_json_writer *writer, const char *bracket) {
    put(writer, bracket, 1);
    writer->comma = 1;
}

void virga_json_begin_object(struct virga_json_writer *writer, const char *key) {
    begin(writer, key, "{");
}

void virga_json_end_object(struct virga_json_writer *writer) {
    end(writer, "}");
}

void virga_json_begin_array(struct virga_json_writer *writer, const char *key) {
    begin(writer, key, "[");
}

void virga_json_end_array(struct virga_json_writer *writer) {
    end(writer, "]");
}

void virga_json_str(struct virga_json_writer *writer, const char *key, struct virga_str value) {
    lead(writer, key);
    put_quoted(writer, value);
}

void virga_json_string(struct virga_json_writer *writer, const char *key, const char *value) {
    if (value != NULL) {
        virga_json_str(writer, key, virga_str_from(value));
    }
}

void virga_json_int(struct virga_json_writer *writer, const char *key, int64_t value) {
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    lead(writer, key);
    put(writer, text, (size_t)len);
}

void virga_json_bool(struct virga_json_writer *writer, const char *key, int value) {
    lead(writer, key);
    put(writer, value ? "true" : "false", value ? 4 : 5);
}

void virga_json_time(struct virga_json_writer *writer, const char *key, int64_t time_ms) {
    char text[32];
    uint64_t ms = time_ms < 0 ? 0 - (uint64_t)time_ms : (uint64_t)time_ms;
    int len = snprintf(text, sizeof text, "%s%" PRIu64 ".%03u", time_ms < 0 ? "-" : "", ms / 1000,
                       (unsigned)(ms % 1000));
    while (len > 2 && text[len - 1] == '0' && text[len - 2] != '.') {
        len--;
    }
    lead(writer, key);
    put(writer, text, (size_t)len);
}

void virga_json_raw(struct virga_json_writer *writer, const char *key, struct virga_str json) {
    lead(writer, key);
    put(writer, json.ptr, json.len);
}

void virga_json_finish(struct virga_json_writer *writer) {
    free(writer->ptr);
    memset(writer, 0, sizeof *writer);
}
