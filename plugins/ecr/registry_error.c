/* SPDX-License-Identifier: MIT */
/* Error answers of the registry. */
#include "registry_error.h"
#include "reference.h"

#include <errno.h>
#include <json-c/json.h>

#define DEPTH_MAX 8
#define ERRORS_MAX 1000

static json_object *parse(struct virga_str body, json_object **ret_errors) {
    json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    if (tokener == NULL || body.len > INT32_MAX) {
        if (tokener != NULL) {
            json_tokener_free(tokener);
        }
        return NULL;
    }
    json_object *root = json_tokener_parse_ex(tokener, body.ptr, (int)body.len);
    json_tokener_free(tokener);
    if (!json_object_is_type(root, json_type_object) ||
        !json_object_object_get_ex(root, "errors", ret_errors) ||
        !json_object_is_type(*ret_errors, json_type_array) ||
        json_object_array_length(*ret_errors) == 0) {
        json_object_put(root);
        return NULL;
    }
    return root;
}

/* Adds `text` with every mention of the upstream name replaced. */
static void add_replaced(struct strbuf *buf, struct virga_str text, const char *upstream_name,
                         struct virga_str client_name) {
    size_t len = strlen(upstream_name);
    while (text.len > 0) {
        const char *at = len > 0 ? memmem(text.ptr, text.len, upstream_name, len) : NULL;
        size_t before = at != NULL ? (size_t)(at - text.ptr) : text.len;
        strbuf_add(buf, text.ptr, before);
        if (at == NULL) {
            break;
        }
        strbuf_add_str(buf, client_name);
        text.ptr += before + len;
        text.len -= before + len;
    }
}

static struct virga_str string_member(json_object *object, const char *key) {
    json_object *value;
    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return (struct virga_str){NULL, 0};
    }
    return (struct virga_str){json_object_get_string(value),
                              (size_t)json_object_get_string_len(value)};
}

static void copy_replaced(char *buffer, size_t size, struct virga_str text,
                          const char *upstream_name, struct virga_str client_name) {
    struct strbuf buf = {0};
    add_replaced(&buf, text, upstream_name, client_name);
    (void)snprintf(buffer, size, "%s", strbuf_str(&buf).ptr);
    strbuf_finish(&buf);
}

/* Adds a digest that a detail names: the detail itself, or its member "digest". */
static void add_digest(struct strbuf *buf, json_object *error) {
    json_object *detail = NULL;
    struct virga_str digest = string_member(error, "detail");
    if (digest.ptr == NULL && json_object_object_get_ex(error, "detail", &detail)) {
        digest = string_member(detail, "digest");
    }
    if (digest.ptr != NULL && reference_is_digest(digest)) {
        if (buf->len > 0) {
            strbuf_add_text(buf, ", ");
        }
        strbuf_add_str(buf, digest);
    }
}

void registry_error_read(struct virga_str body, const char *upstream_name,
                         struct virga_str client_name, struct registry_error *ret_error,
                         struct strbuf *ret_digests) {
    json_object *errors = NULL;
    json_object *root = parse(body, &errors);
    *ret_error = (struct registry_error){.code = "UNKNOWN", .message = "unknown error"};
    if (root == NULL) {
        return;
    }
    size_t count = json_object_array_length(errors);
    json_object *first = json_object_array_get_idx(errors, 0);
    struct virga_str code = string_member(first, "code");
    struct virga_str message = string_member(first, "message");
    if (code.ptr != NULL) {
        copy_replaced(ret_error->code, sizeof ret_error->code, code, upstream_name, client_name);
    }
    if (message.ptr != NULL) {
        copy_replaced(ret_error->message, sizeof ret_error->message, message, upstream_name,
                      client_name);
    }
    for (size_t i = 0; ret_digests != NULL && i < count && i < ERRORS_MAX; i++) {
        json_object *error = json_object_array_get_idx(errors, i);
        if (json_object_is_type(error, json_type_object)) {
            add_digest(ret_digests, error);
        }
    }
    json_object_put(root);
}

int registry_error_clean(struct virga_str body, const char *upstream_name,
                         struct virga_str client_name, struct strbuf *ret_body) {
    json_object *errors = NULL;
    json_object *root = parse(body, &errors);
    if (root == NULL) {
        return -EINVAL;
    }
    /* What is not an error object is left out with everything that may hide in it. The text is
     * replaced after it was written: the name's characters are never escaped in JSON. */
    struct strbuf text = {0};
    size_t count = json_object_array_length(errors);
    strbuf_add_text(&text, "{\"errors\":[");
    for (size_t i = 0, written = 0; i < count && i < ERRORS_MAX; i++) {
        json_object *error = json_object_array_get_idx(errors, i);
        struct virga_str code = string_member(error, "code");
        struct virga_str message = string_member(error, "message");
        json_object *detail = NULL;
        if (code.ptr == NULL) {
            continue;
        }
        strbuf_add_text(&text, written++ > 0 ? ",{\"code\":" : "{\"code\":");
        strbuf_add_json(&text, code);
        strbuf_add_text(&text, ",\"message\":");
        strbuf_add_json(&text, message.ptr != NULL ? message : virga_str_from("unknown error"));
        if (json_object_object_get_ex(error, "detail", &detail) && detail != NULL) {
            strbuf_add_text(&text, ",\"detail\":");
            strbuf_add_text(&text,
                            json_object_to_json_string_ext(
                                detail, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        }
        strbuf_add_text(&text, "}");
    }
    strbuf_add_text(&text, "]}\n");
    json_object_put(root);
    int result = text.failed ? -ENOMEM : 0;
    if (result == 0) {
        add_replaced(ret_body, strbuf_str(&text), upstream_name, client_name);
        result = ret_body->failed ? -ENOMEM : 0;
    }
    strbuf_finish(&text);
    return result;
}
