/* SPDX-License-Identifier: MIT */
/* Manifests, read with json-c. Source: OCI image spec (manifest, image index), Docker image
 * manifest v2 schema 2. */
#include "manifest.h"
#include "reference.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <strings.h>

static const char *string_member(json_object *object, const char *key) {
    json_object *value;
    return json_object_object_get_ex(object, key, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

static int append(char ***list, size_t *count, const char *text) {
    char **grown = realloc(*list, (*count + 1) * sizeof **list);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *list = grown;
    (*list)[*count] = strdup(text);
    if ((*list)[*count] == NULL) {
        return -ENOMEM;
    }
    (*count)++;
    return 0;
}

static int set(char **text, const char *value) {
    free(*text);
    *text = strdup(value);
    return *text != NULL ? 0 : -ENOMEM;
}

/* Reads digest and size of a descriptor; `what` names it in the error. */
static int read_descriptor(json_object *object, const char *what, const char **ret_digest,
                           uint64_t *ret_size, struct virga_error *err) {
    json_object *size;
    if (!json_object_is_type(object, json_type_object)) {
        virga_error_set(err, "%s is not an object", what);
        return -EINVAL;
    }
    const char *digest = string_member(object, "digest");
    if (digest == NULL || !reference_is_digest(virga_str_from(digest))) {
        virga_error_set(err, "%s has no sha256 digest", what);
        return -EINVAL;
    }
    if (!json_object_object_get_ex(object, "size", &size) ||
        !json_object_is_type(size, json_type_int) || json_object_get_int64(size) < 0) {
        virga_error_set(err, "%s has no size", what);
        return -EINVAL;
    }
    *ret_digest = digest;
    *ret_size = (uint64_t)json_object_get_int64(size);
    return 0;
}

static int add_blob(struct manifest *manifest, json_object *object, const char *what,
                    struct virga_error *err) {
    const char *digest = NULL;
    uint64_t size = 0;
    int result = read_descriptor(object, what, &digest, &size, err);
    if (result != 0) {
        return result;
    }
    if (__builtin_add_overflow(manifest->image.size_bytes, size, &manifest->image.size_bytes)) {
        virga_error_set(err, "the sizes of the layers are impossible");
        return -EINVAL;
    }
    return append(&manifest->blobs, &manifest->blobs_count, digest);
}

/* The array called `key`, of at most `max` elements; NULL when it is absent or null. */
static int array_member(json_object *root, const char *key, size_t max, json_object **ret_array,
                        struct virga_error *err) {
    json_object *value = NULL;
    *ret_array = NULL;
    if (!json_object_object_get_ex(root, key, &value) || value == NULL) {
        return 0;
    }
    if (!json_object_is_type(value, json_type_array)) {
        virga_error_set(err, "%s is not a list", key);
        return -EINVAL;
    }
    if (json_object_array_length(value) > max) {
        virga_error_set(err, "Limit on number of %s per image exceeded", key);
        return -EINVAL;
    }
    *ret_array = value;
    return 0;
}

static int read_image(struct manifest *manifest, json_object *root, struct virga_error *err) {
    json_object *config = NULL, *layers = NULL;
    if (!json_object_object_get_ex(root, "config", &config)) {
        virga_error_set(err, "the manifest has no config");
        return -EINVAL;
    }
    int result = add_blob(manifest, config, "the config", err);
    if (result == 0) {
        result = array_member(root, "layers", MANIFEST_MAX_LAYERS, &layers, err);
    }
    size_t count = layers != NULL ? json_object_array_length(layers) : 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = add_blob(manifest, json_object_array_get_idx(layers, i), "a layer", err);
    }
    const char *type = string_member(root, "artifactType");
    if (type == NULL || type[0] == '\0') {
        type = string_member(config, "mediaType");
    }
    if (result == 0 && type != NULL) {
        result = set(&manifest->image.artifact_media_type, type);
    }
    return result;
}

static int read_index(struct manifest *manifest, json_object *root, struct virga_error *err) {
    json_object *children = NULL;
    int result = array_member(root, "manifests", MANIFEST_MAX_CHILDREN, &children, err);
    size_t count = children != NULL ? json_object_array_length(children) : 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        const char *digest = NULL;
        uint64_t size = 0;
        result = read_descriptor(json_object_array_get_idx(children, i), "a manifest of the index",
                                 &digest, &size, err);
        if (result == 0) {
            result = append(&manifest->image.children, &manifest->image.children_count, digest);
        }
    }
    const char *type = string_member(root, "artifactType");
    if (result == 0 && type != NULL && type[0] != '\0') {
        result = set(&manifest->image.artifact_media_type, type);
    }
    return result;
}

static int read_subject(struct manifest *manifest, json_object *root, struct virga_error *err) {
    json_object *subject = NULL;
    if (!json_object_object_get_ex(root, "subject", &subject) || subject == NULL) {
        return 0;
    }
    const char *digest = NULL;
    uint64_t size = 0;
    int result = read_descriptor(subject, "the subject", &digest, &size, err);
    return result == 0 ? set(&manifest->image.subject, digest) : result;
}

/* Keeps the annotations of a manifest that refers to another, as JSON: pairs of strings, in order,
 * as long as they fit. */
static int keep_annotations(struct manifest *manifest, json_object *annotations) {
    json_object *kept = json_object_new_object();
    size_t bytes = 0;
    int result = kept != NULL ? 0 : -ENOMEM;
    struct json_object_iterator at = json_object_iter_begin(annotations);
    struct json_object_iterator end = json_object_iter_end(annotations);
    for (; result == 0 && !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);
        json_object *value = json_object_iter_peek_value(&at);
        if (!json_object_is_type(value, json_type_string)) {
            continue;
        }
        size_t more = strlen(name) + (size_t)json_object_get_string_len(value);
        if (more > MANIFEST_ANNOTATIONS_BYTES - bytes) {
            break;
        }
        bytes += more;
        if (json_object_object_add(kept, name, json_object_get(value)) != 0) {
            json_object_put(value);
            result = -ENOMEM;
        }
    }
    const char *text = result == 0 && json_object_object_length(kept) > 0
                           ? json_object_to_json_string_ext(
                                 kept, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                           : NULL;
    if (text != NULL) {
        result = set(&manifest->image.annotations, text);
    }
    json_object_put(kept);
    return result;
}

/* Finds the media type: what the client said without its parameters, which must not contradict the
 * document. */
static int read_media_type(struct manifest *manifest, json_object *root, struct virga_str given,
                           struct virga_error *err) {
    static const char *const known[] = {MANIFEST_OCI_IMAGE, MANIFEST_DOCKER_IMAGE,
                                        MANIFEST_OCI_INDEX, MANIFEST_DOCKER_LIST};
    const char *semicolon = given.len > 0 ? memchr(given.ptr, ';', given.len) : NULL;
    if (semicolon != NULL) {
        given.len = (size_t)(semicolon - given.ptr);
    }
    while (given.len > 0 && given.ptr[given.len - 1] == ' ') {
        given.len--;
    }
    const char *own = string_member(root, "mediaType");
    if (given.len == 0) {
        if (own == NULL) {
            virga_error_set(err, MANIFEST_NO_TYPE);
            return -EINVAL;
        }
        given = virga_str_from(own);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (given.len != strlen(known[i]) || strncasecmp(given.ptr, known[i], given.len) != 0) {
            continue;
        }
        if (own != NULL && strcasecmp(own, known[i]) != 0) {
            virga_error_set(err, "the manifest says mediaType %.100s, the request %s", own,
                            known[i]);
            return -EINVAL;
        }
        manifest->index = i >= 2;
        return set(&manifest->image.media_type, known[i]);
    }
    virga_error_set(err, "Unsupported manifest media type %.*s",
                    (int)(given.len < 100 ? given.len : 100), given.ptr);
    return -EINVAL;
}

static int read_root(struct manifest *manifest, json_object *root, struct virga_str media_type,
                     struct virga_error *err) {
    json_object *version = NULL, *annotations = NULL, *ignored;
    if (!json_object_object_get_ex(root, "schemaVersion", &version) ||
        !json_object_is_type(version, json_type_int) || json_object_get_int(version) != 2) {
        virga_error_set(err, "schemaVersion is not 2");
        return -EINVAL;
    }
    int result = read_media_type(manifest, root, media_type, err);
    if (result == 0) {
        result =
            manifest->index ? read_index(manifest, root, err) : read_image(manifest, root, err);
    }
    if (result == 0) {
        result = read_subject(manifest, root, err);
    }
    if (json_object_object_get_ex(root, "annotations", &annotations) &&
        json_object_is_type(annotations, json_type_object)) {
        manifest->own =
            json_object_object_get_ex(annotations, MANIFEST_UNTAG_ANNOTATION, &ignored) ||
            json_object_object_get_ex(annotations, MANIFEST_PIN_ANNOTATION, &ignored);
        if (result == 0 && manifest->image.subject != NULL) {
            result = keep_annotations(manifest, annotations);
        }
    }
    return result;
}

int manifest_parse(struct virga_str bytes, struct virga_str media_type,
                   struct manifest *ret_manifest, struct virga_error *err) {
    struct manifest manifest = {0};
    json_tokener *tokener = NULL;
    json_object *root = NULL;
    int result = bytes.len > MANIFEST_MAX_BYTES ? -EINVAL : 0;
    if (result != 0) {
        virga_error_set(err, "the manifest is larger than %u bytes", MANIFEST_MAX_BYTES);
        return result;
    }
    tokener = json_tokener_new_ex(MANIFEST_MAX_DEPTH);
    if (tokener == NULL) {
        return -ENOMEM;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(tokener, bytes.ptr, (int)bytes.len);
    enum json_tokener_error parsed = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    while (end < bytes.len && strchr(" \t\r\n", bytes.ptr[end]) != NULL && bytes.ptr[end] != '\0') {
        end++;
    }
    json_tokener_free(tokener);
    if (parsed != json_tokener_success || end != bytes.len ||
        !json_object_is_type(root, json_type_object)) {
        virga_error_set(err, "Invalid JSON syntax");
        result = -EINVAL;
    } else {
        result = read_root(&manifest, root, media_type, err);
    }
    json_object_put(root);
    if (result == 0) {
        result = reference_digest(bytes, manifest.image.digest);
    }
    if (result != 0) {
        manifest_finish(&manifest);
        return result;
    }
    manifest.image.manifest_bytes = bytes.len;
    if (manifest.index) {
        manifest.image.size_bytes = bytes.len;
    }
    *ret_manifest = manifest;
    return 0;
}

void manifest_finish(struct manifest *manifest) {
    for (size_t i = 0; i < manifest->blobs_count; i++) {
        free(manifest->blobs[i]);
    }
    free(manifest->blobs);
    meta_image_finish(&manifest->image);
    *manifest = (struct manifest){0};
}
