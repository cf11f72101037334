/* SPDX-License-Identifier: MIT */
/* Documents of functions. */
#include "function_document.h"

#include "call.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

int document_copy(const struct function *function, struct json_object **ret_document) {
    struct json_object *copy = NULL;
    if (json_object_deep_copy(function->document, &copy, NULL) != 0) {
        json_object_put(copy);
        return -ENOMEM;
    }
    *ret_document = copy;
    return 0;
}

int document_set(struct json_object *document, const char *key, struct json_object *value) {
    if (value == NULL) {
        return -ENOMEM;
    }
    if (json_object_object_add(document, key, value) != 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

int document_set_text(struct json_object *document, const char *key, const char *text) {
    return document_set(document, key, json_object_new_string(text));
}

int document_set_copy(struct json_object *document, const char *key, struct json_object *from) {
    struct json_object *copy = NULL;
    if (json_object_deep_copy(from, &copy, NULL) != 0) {
        json_object_put(copy);
        return -ENOMEM;
    }
    return document_set(document, key, copy);
}

int document_revise(struct json_object *document) {
    char uuid[LAMBDA_ID_LEN + 1];
    call_make_uuid(uuid);
    return document_set_text(document, "RevisionId", uuid);
}

int document_set_image(struct json_object *document, struct json_object *image) {
    struct virga_str digest = virga_awsjson_str(image, "Digest");
    const char *colon = digest.ptr != NULL ? strchr(digest.ptr, ':') : NULL;
    int result = colon != NULL ? document_set_text(document, "CodeSha256", colon + 1) : -EBADMSG;
    if (result == 0) {
        result = document_set(document, "CodeSize", json_object_new_int64(0));
    }
    return result == 0 ? document_set_copy(document, "Image", image) : result;
}

/* Sets three members of which the last two may be absent. */
static int set_three(struct json_object *document, const char *const keys[3], const char *state,
                     const char *reason, const char *code) {
    const char *const values[3] = {state, reason, code};
    int result = 0;
    for (size_t i = 0; result == 0 && i < 3; i++) {
        if (values[i] != NULL) {
            result = document_set_text(document, keys[i], values[i]);
        } else {
            json_object_object_del(document, keys[i]);
        }
    }
    return result;
}

int document_set_state(struct json_object *document, const char *state, const char *reason,
                       const char *code) {
    static const char *const keys[3] = {"State", "StateReason", "StateReasonCode"};
    return set_three(document, keys, state, reason, code);
}

int document_set_update(struct json_object *document, const char *status, const char *reason,
                        const char *code) {
    static const char *const keys[3] = {"LastUpdateStatus", "LastUpdateStatusReason",
                                        "LastUpdateStatusReasonCode"};
    return set_three(document, keys, status, reason, code);
}

const char *document_text(struct json_object *document, const char *key) {
    struct virga_str text = virga_awsjson_str(document, key);
    return text.ptr != NULL ? text.ptr : "";
}
