/* SPDX-License-Identifier: MIT */
/* Chunks of uploads. The registry's state is base64url of 32 bytes of HMAC and a JSON object.
 * Source: distribution 2.8, registry/handlers/hmac.go. */
#include "upload_chunk.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
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

static const char *text_of(json_object *root, const char *key) {
    json_object *value = NULL;
    return json_object_object_get_ex(root, key, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : "";
}

/* Takes a state apart: its bytes into `bytes`, and the object behind the HMAC. NULL: it is none, or
 * of another repository. */
static json_object *open_state(struct virga_str state, const char *upstream_name,
                               char bytes[STATE_MAX], size_t *ret_len) {
    char plain[STATE_MAX];
    if (state.len > sizeof plain) {
        return NULL;
    }
    for (size_t i = 0; i < state.len; i++) {
        char c = state.ptr[i];
        plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (virga_base64_decode((struct virga_str){plain, state.len}, bytes, ret_len) != 0 ||
        *ret_len <= HMAC_LEN) {
        return NULL;
    }
    json_tokener *tokener = json_tokener_new();
    if (tokener == NULL) {
        return NULL;
    }
    json_object *root =
        json_tokener_parse_ex(tokener, bytes + HMAC_LEN, (int)(*ret_len - HMAC_LEN));
    json_tokener_free(tokener);
    if (json_object_is_type(root, json_type_object) &&
        strcmp(text_of(root, "Name"), upstream_name) == 0) {
        return root;
    }
    json_object_put(root);
    return NULL;
}

int upload_chunk_offset(struct virga_str state, const char *upstream_name, uint64_t *ret_offset) {
    char bytes[STATE_MAX];
    size_t len = 0;
    json_object *offset = NULL, *root = open_state(state, upstream_name, bytes, &len);
    bool good = root != NULL && json_object_object_get_ex(root, "Offset", &offset) &&
                json_object_is_type(offset, json_type_int) && json_object_get_int64(offset) >= 0;
    if (good) {
        *ret_offset = (uint64_t)json_object_get_int64(offset);
    }
    json_object_put(root);
    return good ? 0 : -EINVAL;
}

static bool sign(const char *secret, const char *text, size_t len,
                 unsigned char ret_mac[HMAC_LEN]) {
    unsigned int mac_len = 0;
    return HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, len,
                ret_mac, &mac_len) != NULL &&
           mac_len == HMAC_LEN;
}

/* Writes the signed object in base64url. */
static int write_state(json_object *root, const char *secret, struct strbuf *ret_state) {
    char text[STATE_MAX], encoded[VIRGA_BASE64_SIZE(STATE_MAX)];
    size_t len = 0;
    const char *json = json_object_to_json_string_length(
        root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (json == NULL || len > sizeof text - HMAC_LEN ||
        !sign(secret, json, len, (unsigned char *)text)) {
        return -ENOMEM;
    }
    memcpy(text + HMAC_LEN, json, len);
    len = virga_base64_encode((struct virga_str){text, HMAC_LEN + len}, encoded);
    for (size_t i = 0; i < len; i++) {
        encoded[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
    }
    strbuf_add(ret_state, encoded, len);
    return ret_state->failed ? -ENOMEM : 0;
}

int upload_chunk_restate(struct virga_str state, const char *secret, const char *upstream_name,
                         const char *session, uint64_t offset, struct strbuf *ret_state) {
    char bytes[STATE_MAX];
    unsigned char mac[HMAC_LEN];
    size_t len = 0;
    json_object *root = open_state(state, upstream_name, bytes, &len);
    int result = -EINVAL;
    if (root != NULL && strcmp(text_of(root, "UUID"), session) == 0 &&
        sign(secret, bytes + HMAC_LEN, len - HMAC_LEN, mac) &&
        CRYPTO_memcmp(mac, bytes, HMAC_LEN) == 0) {
        result = json_object_object_add(root, "Offset", json_object_new_int64((int64_t)offset)) == 0
                     ? write_state(root, secret, ret_state)
                     : -ENOMEM;
    }
    json_object_put(root);
    return result;
}
