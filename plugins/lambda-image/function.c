/* SPDX-License-Identifier: MIT */
/* One version of a function, made of its document. */
#include "function.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/awsjson.h>

#define MEMORY_DEFAULT_MB 128
#define TIMEOUT_DEFAULT_S 3
#define TMP_DEFAULT_MB 512

void function_arn(const struct tenant *tenant, const char *name, const char *qualifier,
                  char ret_arn[LAMBDA_ARN_MAX]) {
    bool qualified = qualifier != NULL && qualifier[0] != '\0';
    (void)snprintf(ret_arn, LAMBDA_ARN_MAX, "arn:%s:lambda:%s:%s:function:%s%s%s",
                   virga_arn_partition(virga_str_from(tenant->region)), tenant->region,
                   tenant->account, name, qualified ? ":" : "", qualified ? qualifier : "");
}

static const char *text(struct json_object *object, const char *key) {
    struct json_object *member = virga_awsjson_member(object, key);
    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : NULL;
}

int function_make(const struct tenant *tenant, struct json_object *document,
                  struct function **ret_function) {
    struct function *function = calloc(1, sizeof *function);
    if (function == NULL) {
        json_object_put(document);
        return -ENOMEM;
    }
    *function = (struct function){
        .refs = 1,
        .document = document,
        .tenant = *tenant,
        .name = text(document, "FunctionName"),
        .version = text(document, "Version"),
        .revision = text(document, "RevisionId"),
        .digest = text(virga_awsjson_member(document, "Image"), "Digest"),
        .memory_mb = virga_awsjson_int(document, "MemorySize", MEMORY_DEFAULT_MB),
        .timeout_ms = virga_awsjson_int(document, "Timeout", TIMEOUT_DEFAULT_S) * 1000,
        .tmp_mb = virga_awsjson_int(virga_awsjson_member(document, "EphemeralStorage"), "Size",
                                    TMP_DEFAULT_MB),
    };
    if (function->name == NULL || function->version == NULL || function->revision == NULL ||
        function->digest == NULL) {
        function_unref(function);
        return -EBADMSG;
    }
    function_arn(tenant, function->name, NULL, function->arn);
    *ret_function = function;
    return 0;
}

struct function *function_ref(struct function *function) {
    function->refs++;
    return function;
}

void function_unref(struct function *function) {
    if (function != NULL && --function->refs == 0) {
        json_object_put(function->document);
        free(function);
    }
}

static struct json_object *image(const struct function *function) {
    return virga_awsjson_member(function->document, "Image");
}

static struct json_object *image_config(const struct function *function) {
    return virga_awsjson_member(virga_awsjson_member(function->document, "ImageConfigResponse"),
                                "ImageConfig");
}

const char *function_image_text(const struct function *function, const char *key) {
    return text(image(function), key);
}

/* The list that counts: the function's own where it holds something, else the image's. */
static struct json_object *pick_list(const struct function *function, const char *own,
                                     const char *images) {
    struct json_object *config = image_config(function);
    return virga_awsjson_length(config, own) > 0 ? virga_awsjson_member(config, own)
                                                 : virga_awsjson_member(image(function), images);
}

static size_t add_all(struct json_object *list, const char **ret_argv, size_t max, size_t count) {
    size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < length; i++, count++) {
        if (count < max) {
            ret_argv[count] = json_object_get_string(json_object_array_get_idx(list, i));
        }
    }
    return count;
}

size_t function_argv(const struct function *function, const char **ret_argv, size_t max) {
    size_t count = add_all(pick_list(function, "EntryPoint", "EntryPoint"), ret_argv, max, 0);
    return add_all(pick_list(function, "Command", "Cmd"), ret_argv, max, count);
}

const char *function_working_directory(const struct function *function) {
    const char *own = text(image_config(function), "WorkingDirectory");
    const char *images = function_image_text(function, "WorkingDir");
    if (own != NULL && own[0] != '\0') {
        return own;
    }
    return images != NULL && images[0] != '\0' ? images : "/";
}
