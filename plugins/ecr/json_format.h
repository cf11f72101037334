/* SPDX-License-Identifier: MIT */
/* JSON text with other white space: what real ECR makes of policies. Pure. */
#ifndef ECR_JSON_FORMAT_H
#define ECR_JSON_FORMAT_H

#include "strbuf.h"

enum json_format {
    JSON_FORMAT_COMPACT, /* no white space at all */
    JSON_FORMAT_PRETTY /* as Jackson's default pretty printer: objects indented, lists in a line */
};

/* Adds the text anew. Members, their order and how strings and numbers are written stay; a text
 * that is no JSON, or nested too deep, is added as it is. */
void json_format(struct virga_str text, enum json_format format, struct strbuf *ret_text);

#endif
