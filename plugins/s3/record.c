/* SPDX-License-Identifier: MIT */
/* Keys and values of the store: see record.h. */
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>

#define WRITER_FIRST_CAPACITY 256

void record_key_start(struct record_key *key, char table) {
    key->bytes[0] = table;
    key->len = 1;
    key->bad = false;
}

void record_key_in(struct record_key *key, char table, struct virga_str part) {
    record_key_start(key, table);
    record_key_add(key, part);
}

void record_key_add(struct record_key *key, struct virga_str part) {
    if (key->bad || part.len + 1 > sizeof key->bytes - key->len ||
        (part.len > 0 && memchr(part.ptr, '\0', part.len) != NULL)) {
        key->bad = true;
        return;
    }
    key->bytes[key->len++] = '\0';
    if (part.len > 0) {
        memcpy(key->bytes + key->len, part.ptr, part.len);
        key->len += part.len;
    }
}

static bool reserve(struct record_writer *writer, size_t more) {
    if (writer->failed) {
        return false;
    }
    if (more > writer->capacity - writer->len) {
        size_t capacity = writer->capacity > 0 ? writer->capacity : WRITER_FIRST_CAPACITY;
        while (capacity - writer->len < more) {
            capacity *= 2;
        }
        char *grown = realloc(writer->ptr, capacity);
        if (grown == NULL) {
            writer->failed = true;
            return false;
        }
        writer->ptr = grown;
        writer->capacity = capacity;
    }
    return true;
}

void record_put(struct record_writer *writer, char letter, struct virga_str value) {
    if (value.ptr == NULL || !reserve(writer, value.len + 2)) {
        return;
    }
    writer->ptr[writer->len++] = letter;
    if (value.len > 0) {
        memcpy(writer->ptr + writer->len, value.ptr, value.len);
        writer->len += value.len;
    }
    writer->ptr[writer->len++] = '\0';
}

void record_put_string(struct record_writer *writer, char letter, const char *value) {
    record_put(writer, letter, virga_str_from(value));
}

void record_put_int(struct record_writer *writer, char letter, int64_t value) {
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    record_put(writer, letter, s3_str(text, (size_t)len));
}

void record_finish(struct record_writer *writer) {
    free(writer->ptr);
    *writer = (struct record_writer){0};
}

bool record_next(struct virga_str *record, char *ret_letter, struct virga_str *ret_value) {
    if (record->len < 2) {
        return false;
    }
    const char *value = record->ptr + 1;
    const char *end = memchr(value, '\0', record->len - 1);
    if (end == NULL) {
        return false;
    }
    *ret_letter = record->ptr[0];
    *ret_value = s3_str(value, (size_t)(end - value));
    record->len -= ret_value->len + 2;
    record->ptr = end + 1;
    return true;
}

int64_t record_int(struct virga_str value) {
    return value.len > 0 ? strtoll(value.ptr, NULL, 10) : 0; /* a NUL ends every field */
}
