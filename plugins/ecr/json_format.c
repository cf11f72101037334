/* SPDX-License-Identifier: MIT */
/* A pass over the tokens of a JSON text. */
#include "json_format.h"

#include <string.h>

#define DEPTH_MAX 64

struct writer {
    struct strbuf *out;
    enum json_format format;
    char stack[DEPTH_MAX]; /* '{' or '[' of what is open */
    size_t depth;
    size_t objects; /* open ones: lists do not indent */
    bool fresh;     /* the innermost one has nothing in it yet */
};

static bool is_white(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool in_object(const struct writer *writer) {
    return writer->depth > 0 && writer->stack[writer->depth - 1] == '{';
}

static void indent(struct writer *writer) {
    strbuf_add_text(writer->out, "\n");
    for (size_t i = 0; i < writer->objects; i++) {
        strbuf_add_text(writer->out, "  ");
    }
}

/* What stands before the first value or member of an object or list. */
static void begin_value(struct writer *writer) {
    if (writer->fresh && writer->depth > 0 && writer->format == JSON_FORMAT_PRETTY) {
        if (in_object(writer)) {
            indent(writer);
        } else {
            strbuf_add_text(writer->out, " ");
        }
    }
    writer->fresh = false;
}

static bool open_one(struct writer *writer, char c) {
    if (writer->depth == DEPTH_MAX) {
        return false;
    }
    begin_value(writer);
    strbuf_add(writer->out, &c, 1);
    writer->stack[writer->depth++] = c;
    writer->objects += c == '{';
    writer->fresh = true;
    return true;
}

static bool close_one(struct writer *writer, char c) {
    if (writer->depth == 0 || writer->stack[writer->depth - 1] != (c == '}' ? '{' : '[')) {
        return false;
    }
    writer->depth--;
    writer->objects -= c == '}';
    if (writer->format == JSON_FORMAT_PRETTY) {
        if (c == '}' && !writer->fresh) {
            indent(writer);
        } else {
            strbuf_add_text(writer->out, " ");
        }
    }
    strbuf_add(writer->out, &c, 1);
    writer->fresh = false;
    return true;
}

static void separate(struct writer *writer, char c) {
    strbuf_add_text(writer->out, writer->format == JSON_FORMAT_PRETTY && c == ':' ? " :"
                                 : c == ':'                                       ? ":"
                                                                                  : ",");
    if (writer->format != JSON_FORMAT_PRETTY) {
        return;
    }
    if (c == ',' && in_object(writer)) {
        indent(writer);
    } else {
        strbuf_add_text(writer->out, " ");
    }
}

/* Length of the string, number or word that the text begins with; 0: a string without end. */
static size_t scalar_length(struct virga_str text) {
    size_t len = 1;
    if (text.ptr[0] != '"') {
        while (len < text.len && strchr(",:]}\"[{", text.ptr[len]) == NULL &&
               !is_white(text.ptr[len])) {
            len++;
        }
        return len;
    }
    while (len < text.len && text.ptr[len] != '"') {
        len += text.ptr[len] == '\\' ? 2 : 1;
    }
    return len < text.len ? len + 1 : 0;
}

static bool write_tokens(struct writer *writer, struct virga_str text) {
    size_t at = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        size_t len = 1;
        if (c == '{' || c == '[') {
            if (!open_one(writer, c)) {
                return false;
            }
        } else if (c == '}' || c == ']') {
            if (!close_one(writer, c)) {
                return false;
            }
        } else if (c == ',' || c == ':') {
            separate(writer, c);
        } else if (!is_white(c)) {
            len = scalar_length((struct virga_str){text.ptr + at, text.len - at});
            if (len == 0) {
                return false;
            }
            begin_value(writer);
            strbuf_add(writer->out, text.ptr + at, len);
        }
        at += len;
    }
    return writer->depth == 0;
}

void json_format(struct virga_str text, enum json_format format, struct strbuf *ret_text) {
    struct strbuf formatted = {0};
    struct writer writer = {.out = &formatted, .format = format};
    if (write_tokens(&writer, text)) {
        text = strbuf_str(&formatted);
    }
    ret_text->failed = ret_text->failed || formatted.failed;
    strbuf_add_str(ret_text, text);
    strbuf_finish(&formatted);
}
