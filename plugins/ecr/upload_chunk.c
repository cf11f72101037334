/* SPDX-License-Identifier: MIT */
/* Chunks of uploads. The registry's state is base64url of 32 bytes of HMAC and a JSON object.
 * Source: distribution 2.8, registry/handlers/hmac.go. */
#include "upload_chunk.h"

#include <errno.h>
#include <json-c/json.h>
#include <virga/helpers/base64.h>

#define STATE_MAX 4096
#define HMAC_LEN 32
#define DIGITS_MAX 18 /* fits into 63 bits */

static bool take_number(struct virga_str *text, uint64_t *ret_number) {
    uint64_t number = 0;
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9') {
        if (len == DIGITS_MAX) {
            return false;
        }
        number = number * 10 + (uint64_t)(text->ptr[len++] - '0');
    }
    text->ptr += len;
    text->len -= len;
    *ret_number = number;
    return len > 0;
}

static bool take(struct virga_str *text, const char *word) {
    size_t len = strlen(word);
    if (text->len < len || memcmp(text->ptr, word, len) != 0) {
        return false;
    }
    text->ptr += len;
    text->len -= len;
    return true;
}

int upload_chunk_range(struct virga_str header, uint64_t *ret_first, uint64_t *ret_last) {
    uint64_t first = 0, last = 0, size = 0;
    bool bytes = take(&header, "bytes ") || take(&header, "bytes=");
    if (!take_number(&header, &first) || !take(&header, "-") || !take_number(&header, &last)) {
        return -EINVAL;
    }
    if (bytes && take(&header, "/") && !take(&header, "*") && !take_number(&header, &size)) {
        return -EINVAL;
    }
    if (header.len > 0 || last < first) {
        return -EINVAL;
    }
    *ret_first = first;
    *ret_last = last;
    return 0;
}

static int read_state(json_object *root, const char *upstream_name, uint64_t *ret_offset) {
    json_object *name = NULL, *offset = NULL;
    if (!json_object_object_get_ex(root, "Name", &name) ||
        !json_object_is_type(name, json_type_string) ||
        strcmp(json_object_get_string(name), upstream_name) != 0 ||
        !json_object_object_get_ex(root, "Offset", &offset) ||
        !json_object_is_type(offset, json_type_int) || json_object_get_int64(offset) < 0) {
        return -EINVAL;
    }
    *ret_offset = (uint64_t)json_object_get_int64(offset);
    return 0;
}

int upload_chunk_offset(struct virga_str state, const char *upstream_name, uint64_t *ret_offset) {
    char plain[STATE_MAX], bytes[STATE_MAX];
    size_t len = 0;
    if (state.len > sizeof plain) {
        return -EINVAL;
    }
    for (size_t i = 0; i < state.len; i++) {
        char c = state.ptr[i];
        plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (virga_base64_decode((struct virga_str){plain, state.len}, bytes, &len) != 0 ||
        len <= HMAC_LEN) {
        return -EINVAL;
    }
    json_tokener *tokener = json_tokener_new();
    if (tokener == NULL) {
        return -EINVAL;
    }
    json_object *root = json_tokener_parse_ex(tokener, bytes + HMAC_LEN, (int)(len - HMAC_LEN));
    json_tokener_free(tokener);
    int result = json_object_is_type(root, json_type_object)
                     ? read_state(root, upstream_name, ret_offset)
                     : -EINVAL;
    json_object_put(root);
    return result;
}
