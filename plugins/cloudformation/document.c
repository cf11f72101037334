/* SPDX-License-Identifier: MIT */
/* JSON or YAML. */
#include "document.h"

int document_parse(struct virga_str text, struct json_object **ret_root, struct fault *fault) {
    size_t at = 0;
    size_t stop = 0;
    while (at < text.len && strchr(" \t\r\n", text.ptr[at]) != NULL && text.ptr[at] != '\0') {
        at++;
    }
    if (at == text.len || text.ptr[at] != '{') {
        return document_parse_yaml(text, ret_root, fault);
    }
    int result = value_parse(text, ret_root, &stop);
    if (result == -EBADMSG) {
        unsigned line = 1;
        unsigned column = 1;
        for (size_t i = 0; i < stop && i < text.len; i++) {
            column++;
            if (text.ptr[i] == '\n') {
                line++;
                column = 1;
            }
        }
        return fault_set(fault, "Template format error: JSON not well-formed. (line %u, column %u)",
                         line, column);
    }
    return result;
}
