/* SPDX-License-Identifier: MIT */
/* A text that grows, for answers that are put together piece by piece. */
#ifndef ECR_STRBUF_H
#define ECR_STRBUF_H

#include <stdbool.h>
#include <virga/abi.h>

/* Zero-initialised is empty. Running out of memory is remembered in `failed`, so that callers ask
 * once at the end. */
struct strbuf {
    char *ptr; /* NUL-terminated once something was added */
    size_t len;
    size_t size;
    bool failed;
};

void strbuf_add(struct strbuf *buf, const char *bytes, size_t len);
void strbuf_add_text(struct strbuf *buf, const char *text);
void strbuf_add_str(struct strbuf *buf, struct virga_str text);
VIRGA_PRINTF(2, 3)
void strbuf_addf(struct strbuf *buf, const char *format, ...);
/* Adds the text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void strbuf_add_json(struct strbuf *buf, struct virga_str text);
/* Adds the text with everything but unreserved characters and `keep` percent-encoded. */
void strbuf_add_encoded(struct strbuf *buf, struct virga_str text, const char *keep);
/* What was added. Valid: until the buffer changes. */
struct virga_str strbuf_str(const struct strbuf *buf);
/* Frees it; it is empty afterwards. */
void strbuf_finish(struct strbuf *buf);

#endif
