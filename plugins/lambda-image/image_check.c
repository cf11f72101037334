/* SPDX-License-Identifier: MIT */
/* Manifests and configs as Lambda reads them. Source: OCI image spec (manifest, config), Docker
 * image manifest v2 schema 2; which layers Lambda takes: docs/lambda/images.md. */
#include "image_check.h"

#include <errno.h>
#include <inttypes.h>
#include <virga/helpers/awsjson.h>

/* What is known while an image is looked at. */
struct check {
    const struct virga_image *image;
    struct virga_str uri;
    struct json_object *manifest;
    struct json_object *config;
    int64_t size;   /* of all layers */
    size_t text;    /* bytes kept of the config so far */
    bool no_memory; /* or the refusal below, or all is well */
    struct image_refusal *refusal;
};

static int shown(struct virga_str uri) {
    return (int)(uri.len < IMAGE_CHECK_URI_SHOWN ? uri.len : IMAGE_CHECK_URI_SHOWN);
}

/* A word of the image's, as much of it as a message takes; never NULL. */
static struct virga_str short_word(struct virga_str word) {
    return word.ptr == NULL ? virga_str_from("(nothing)")
                            : (struct virga_str){word.ptr, word.len < 100 ? word.len : 100};
}

static void refuse_with(struct image_refusal *refusal, int status, const char *code) {
    refusal->status = status;
    refusal->code = code;
    refusal->detail[0] = '\0';
}

bool image_check_outcome(uint32_t outcome, struct virga_str uri,
                         struct image_refusal *ret_refusal) {
    refuse_with(ret_refusal, 400, "InvalidParameterValueException");
    switch (outcome) {
    case VIRGA_IMAGE_INVALID:
    case VIRGA_IMAGE_ELSEWHERE:
        (void)snprintf(ret_refusal->message, sizeof ret_refusal->message,
                       "Source image %.*s is not valid. Provide a valid source image.", shown(uri),
                       uri.ptr);
        return true;
    case VIRGA_IMAGE_NOT_FOUND:
        (void)snprintf(ret_refusal->message, sizeof ret_refusal->message,
                       "Source image %.*s does not exist. Provide a valid source image.",
                       shown(uri), uri.ptr);
        return true;
    case VIRGA_IMAGE_DENIED:
        refuse_with(ret_refusal, 403, "AccessDeniedException");
        (void)snprintf(ret_refusal->message, sizeof ret_refusal->message,
                       "Lambda does not have permission to access the ECR image. Check the ECR "
                       "permissions.");
        return true;
    default:
        return false;
    }
}

/* AWS has one message for all that it does not take; the log says what it is. */
VIRGA_PRINTF(2, 3)
static bool unsupported(struct check *check, const char *format, ...) {
    va_list args;
    refuse_with(check->refusal, 400, "InvalidParameterValueException");
    (void)snprintf(check->refusal->message, sizeof check->refusal->message,
                   "The image manifest, config or layer media type for the source image %.*s is "
                   "not supported.",
                   shown(check->uri), check->uri.ptr);
    va_start(args, format);
    (void)vsnprintf(check->refusal->detail, sizeof check->refusal->detail, format, args);
    va_end(args);
    return false;
}

static bool is_one_of(struct virga_str text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (virga_str_equal(text, virga_str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

#define IS_ONE_OF(text, words) is_one_of((text), (words), sizeof(words) / sizeof((words)[0]))

static const char *const manifest_types[] = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
};
static const char *const config_types[] = {
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
};
/* Why no others: layers that are not packed, or with zstd, become "InvalidImage ...
 * UnsupportedImageLayerDetected" in AWS; foreign and encrypted ones cannot be had. */
static const char *const layer_types[] = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar+gzip",
};

/* --- the manifest --- */

static bool check_layers(struct check *check) {
    size_t count = virga_awsjson_length(check->manifest, "layers");
    if (count == 0 || count > IMAGE_CHECK_LAYERS_MAX) {
        return unsupported(check, "it has %zu layers", count);
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *layer = virga_awsjson_element(check->manifest, "layers", i);
        struct virga_str type = virga_awsjson_str(layer, "mediaType");
        int64_t size = virga_awsjson_int(layer, "size", -1);
        if (!IS_ONE_OF(type, layer_types)) {
            type = short_word(type);
            return unsupported(check, "layer %zu is a %.*s", i, (int)type.len, type.ptr);
        }
        if (virga_awsjson_str(layer, "digest").ptr == NULL || size < 0) {
            return unsupported(check, "layer %zu has no digest or size", i);
        }
        if (size > IMAGE_CHECK_SIZE_MAX - check->size) {
            return unsupported(check, "its layers are larger than %lld bytes",
                               IMAGE_CHECK_SIZE_MAX);
        }
        check->size += size;
    }
    return true;
}

static bool check_manifest(struct check *check) {
    const struct virga_image *image = check->image;
    if (!IS_ONE_OF(image->media_type, manifest_types)) {
        struct virga_str type = short_word(image->media_type);
        return unsupported(check, "its manifest is a %.*s", (int)type.len, type.ptr);
    }
    int result = virga_awsjson_parse(image->manifest, &check->manifest);
    if (result != 0) {
        check->no_memory = result == -ENOMEM;
        return unsupported(check, "its manifest is no JSON");
    }
    struct json_object *config = virga_awsjson_member(check->manifest, "config");
    struct virga_str type = virga_awsjson_str(config, "mediaType");
    if (!IS_ONE_OF(type, config_types)) {
        type = short_word(type);
        return unsupported(check, "its config is a %.*s", (int)type.len, type.ptr);
    }
    return check_layers(check);
}

/* --- the config --- */

/* Why in other words than AWS: there the function is created, and every invocation fails with "exec
 * format error". */
static bool check_platform(struct check *check, const char *architecture) {
    struct virga_str os = virga_awsjson_str(check->config, "os");
    struct virga_str built_for = virga_awsjson_str(check->config, "architecture");
    struct virga_str word;
    bool arm = strcmp(architecture, "arm64") == 0;
    struct image_refusal *refusal = check->refusal;
    if (os.len > 0 && !virga_str_equal(os, virga_str_from("linux"))) {
        word = short_word(os);
        refuse_with(refusal, 400, "InvalidParameterValueException");
        (void)snprintf(refusal->message, sizeof refusal->message,
                       "The source image %.*s is for the operating system %.*s, which is not "
                       "supported. Provide a source image for linux.",
                       shown(check->uri), check->uri.ptr, (int)word.len, word.ptr);
        return false;
    }
    if (built_for.len > 0 && !virga_str_equal(built_for, virga_str_from(arm ? "arm64" : "amd64"))) {
        /* Where Lambda has a word for it, that one. */
        word = virga_str_equal(built_for, virga_str_from("amd64")) ? virga_str_from("x86_64")
                                                                   : short_word(built_for);
        refuse_with(refusal, 400, "InvalidParameterValueException");
        (void)snprintf(refusal->message, sizeof refusal->message,
                       "The architecture of the source image %.*s is %.*s and does not match the "
                       "function's architecture %s. Provide a source image for %s.",
                       shown(check->uri), check->uri.ptr, (int)word.len, word.ptr, architecture,
                       architecture);
        return false;
    }
    return true;
}

/* A member of the config's config: a text, whose bytes no program would see behind a NUL. */
static bool take_text(struct check *check, struct json_object *value, const char **ret_text) {
    struct virga_str text = virga_awsjson_text(value);
    check->text += text.len + 1;
    if (text.ptr == NULL || memchr(text.ptr, '\0', text.len) != NULL) {
        return unsupported(check, "its config has something else in the place of a text");
    }
    if (check->text > IMAGE_CHECK_TEXT_MAX) {
        return unsupported(check, "its config has more than %u bytes of texts",
                           IMAGE_CHECK_TEXT_MAX);
    }
    *ret_text = text.ptr;
    return true;
}

/* Adds to the document, or remembers that it could not. */
static bool add(struct check *check, struct json_object *document, const char *key,
                struct json_object *value) {
    if (value == NULL || json_object_object_add(document, key, value) != 0) {
        json_object_put(value);
        check->no_memory = true;
    }
    return !check->no_memory;
}

static bool add_text(struct check *check, struct json_object *document, const char *key,
                     struct virga_str text) {
    return add(check, document, key, json_object_new_string_len(text.ptr, (int)text.len));
}

static bool copy_text(struct check *check, struct json_object *from, const char *key,
                      struct json_object *document) {
    struct json_object *value = virga_awsjson_member(from, key);
    const char *text = "";
    if (value != NULL && !take_text(check, value, &text)) {
        return false;
    }
    return add_text(check, document, key, virga_str_from(text));
}

/* Entrypoint and Cmd may be a single text. Source: moby, api/types/strslice. */
static bool copy_list(struct check *check, struct json_object *from, const char *key,
                      struct json_object *document, const char *as) {
    struct json_object *value = virga_awsjson_member(from, key);
    bool single = json_object_is_type(value, json_type_string);
    size_t count = single ? 1 : virga_awsjson_length(from, key);
    struct json_object *list = json_object_new_array();
    if (!add(check, document, as, list)) {
        return false;
    }
    if (value != NULL && !single && !json_object_is_type(value, json_type_array)) {
        return unsupported(check, "its config's %s is no list", key);
    }
    for (size_t i = 0; i < count; i++) {
        const char *text;
        if (!take_text(check, single ? value : virga_awsjson_element(from, key, i), &text)) {
            return false;
        }
        struct json_object *copy = json_object_new_string(text);
        if (copy == NULL || json_object_array_add(list, copy) != 0) {
            json_object_put(copy);
            check->no_memory = true;
            return false;
        }
    }
    return true;
}

static bool check_config(struct check *check, const char *architecture) {
    if (check->image->config.ptr == NULL) {
        return unsupported(check, "its config cannot be read");
    }
    int result = virga_awsjson_parse(check->image->config, &check->config);
    if (result != 0) {
        check->no_memory = result == -ENOMEM;
        return unsupported(check, "its config is no JSON");
    }
    return check_platform(check, architecture);
}

static bool write_document(struct check *check, struct json_object *document) {
    const struct virga_image *image = check->image;
    struct json_object *from = virga_awsjson_member(check->config, "config");
    if (from != NULL && !json_object_is_type(from, json_type_object)) {
        return unsupported(check, "its config is malformed");
    }
    return add_text(check, document, "Uri", check->uri) &&
           add_text(check, document, "Resolved", image->resolved_uri) &&
           add_text(check, document, "Digest", image->digest) &&
           add(check, document, "Size", json_object_new_int64(check->size)) &&
           add_text(check, document, "Account", image->account) &&
           add_text(check, document, "Region", image->region) &&
           add_text(check, document, "Repository", image->repository) &&
           copy_list(check, from, "Entrypoint", document, "EntryPoint") &&
           copy_list(check, from, "Cmd", document, "Cmd") &&
           copy_list(check, from, "Env", document, "Env") &&
           copy_text(check, from, "WorkingDir", document) &&
           copy_text(check, from, "User", document);
}

int image_check(const struct virga_image *image, struct virga_str uri, const char *architecture,
                struct json_object **ret_document, struct image_refusal *ret_refusal) {
    struct check check = {.image = image, .uri = uri, .refusal = ret_refusal};
    struct json_object *document = json_object_new_object();
    bool good = document != NULL && check_manifest(&check) && check_config(&check, architecture) &&
                write_document(&check, document);
    json_object_put(check.manifest);
    json_object_put(check.config);
    if (good) {
        *ret_document = document;
        return 0;
    }
    bool no_memory = document == NULL || check.no_memory;
    json_object_put(document);
    return no_memory ? -ENOMEM : -EBADMSG;
}
