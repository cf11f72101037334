/* SPDX-License-Identifier: MIT */
/* Writes compact XML into a growing buffer, as virga_json_writer does JSON. Running out of memory
 * is remembered, so that only the end needs a check. Thread: [any], one thread at a time for one
 * writer. */
#ifndef VIRGA_HELPERS_XML_WRITER_H
#define VIRGA_HELPERS_XML_WRITER_H

#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero it before the first use. Owns: `ptr`, until virga_xml_finish(). */
struct virga_xml_writer {
    char *ptr; /* what was written, without a NUL */
    size_t len;
    size_t capacity;
    int failed; /* out of memory: what was written is incomplete */
};

/* In all of these `name` is written as it is: it must be an XML name. */

/* Opens an element. */
void virga_xml_begin(struct virga_xml_writer *writer, const char *name);
/* Opens an element with a default namespace; NULL = none. */
void virga_xml_begin_in(struct virga_xml_writer *writer, const char *name, const char *xmlns);
/* Closes the element called `name`. */
void virga_xml_end(struct virga_xml_writer *writer, const char *name);
/* Writes <name>value</name>. Markup is escaped; what XML cannot hold at all (bytes that are not
 * UTF-8, most control characters) becomes U+FFFD. */
void virga_xml_str(struct virga_xml_writer *writer, const char *name, struct virga_str value);
/* The same for text that ends with NUL; nothing at all when `value` is NULL (AWS omits what is
 * absent). */
void virga_xml_string(struct virga_xml_writer *writer, const char *name, const char *value);
void virga_xml_int(struct virga_xml_writer *writer, const char *name, int64_t value);
void virga_xml_bool(struct virga_xml_writer *writer, const char *name, int value);
/* Writes milliseconds since 1970 as virga_time_format() does. */
void virga_xml_time(struct virga_xml_writer *writer, const char *name, int64_t time_ms);
/* Writes text without an element around it, escaped. */
void virga_xml_text(struct virga_xml_writer *writer, struct virga_str value);
/* Writes `xml` as it is. */
void virga_xml_raw(struct virga_xml_writer *writer, struct virga_str xml);
/* Frees the buffer and zeroes the writer. */
void virga_xml_finish(struct virga_xml_writer *writer);

/* Answers with what was written and gives the request back: REST XML, EC2 Query. content_type NULL
 * = "text/xml". A writer that ran out of memory makes it a 500. Owns: the writer's buffer; the
 * writer is zeroed. Errors: as virga_http.respond(). Thread: [loop]. */
int virga_xml_answer(struct virga_request *req, int status, const char *content_type,
                     struct virga_xml_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
