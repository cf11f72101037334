/* SPDX-License-Identifier: MIT */
/* The API model's facts about the operations' inputs. What is checked by hand at AWS (and says
 * "must" where the rest says "Member must") has by_hand. */
#include "model.h"

#include "ecr.h"

#include <ctype.h>

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"

#define SHAPE(shape_name, shape_type, ...)                                                         \
    static const struct virga_model_shape shape_name = {.type = VIRGA_MODEL_##shape_type,          \
                                                        __VA_ARGS__}
#define STRUCTURE(...)                                                                             \
    .members = (const struct virga_model_member[]) {                                               \
        __VA_ARGS__, {                                                                             \
            .name = NULL                                                                           \
        }                                                                                          \
    }
#define INPUT(shape_name, ...)                                                                     \
    const struct virga_model_shape shape_name = {.type = VIRGA_MODEL_STRUCTURE,                    \
                                                 STRUCTURE(__VA_ARGS__)}
#define VALUES(...)                                                                                \
    .values = (const char *const[]) {                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define MEMBER(name_text, shape_name)                                                              \
    { .name = (name_text), .shape = &(shape_name) }
#define REQUIRED(name_text, shape_name)                                                            \
    { .name = (name_text), .shape = &(shape_name), .required = 1 }

static int is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int is_word(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

int model_is_repository_name(struct virga_str text) {
    size_t at = 0;
    while (at < text.len) {
        size_t start = at;
        while (at < text.len && is_lower_or_digit(text.ptr[at])) {
            at++;
        }
        if (at == start) {
            return 0;
        }
        if (at == text.len) {
            return 1;
        }
        /* One of: a dot, one or two underscores, any number of dashes, a slash. */
        char separator = text.ptr[at++];
        if (separator == '_' && at < text.len && text.ptr[at] == '_') {
            at++;
        } else if (separator == '-') {
            while (at < text.len && text.ptr[at] == '-') {
                at++;
            }
        } else if (separator != '.' && separator != '_' && separator != '/') {
            return 0;
        }
    }
    return 0;
}

int model_is_tag(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_word(text.ptr[i])) {
            return 0;
        }
    }
    return text.len > 0 && text.len <= ECR_TAG_MAX;
}

int model_is_digest(struct virga_str text) {
    size_t at = 0;
    while (at < text.len && (is_word(text.ptr[at]) || text.ptr[at] == '+')) {
        at++;
    }
    if (at == 0 || at + 1 >= text.len || text.ptr[at] != ':') {
        return 0;
    }
    while (++at < text.len) {
        if (!isxdigit((unsigned char)text.ptr[at])) {
            return 0;
        }
    }
    return 1;
}

static int is_registry_id(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
    }
    return text.len == ECR_ACCOUNT_LEN;
}

static int is_exclusion_filter(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_word(text.ptr[i]) && text.ptr[i] != '*') {
            return 0;
        }
    }
    return text.len > 0 && text.len <= 128;
}

/* --- shapes --- */

SHAPE(any_string, STRING);
SHAPE(boolean, BOOLEAN);
SHAPE(registry_id, STRING, .by_hand = "registryId", .pattern = "[0-9]{12}",
      .matches = is_registry_id);
SHAPE(repository_name, STRING, .by_hand = "repositoryName", .min = 2, .max = ECR_NAME_MAX,
      .pattern = "'" COMPONENT "(/" COMPONENT ")*'", .matches = model_is_repository_name);
SHAPE(max_results, INTEGER, .min = 1, .max = 1000);

SHAPE(tag, STRUCTURE,
      STRUCTURE({.name = "Key", .shape = &any_string, .required = 1, .shown = "key"},
                {.name = "Value", .shape = &any_string, .required = 1, .shown = "value"}));
SHAPE(tag_list, LIST, .element = &tag);
SHAPE(tag_key_list, LIST, .element = &any_string);

SHAPE(tag_mutability, STRING,
      VALUES("IMMUTABLE", "MUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"));
SHAPE(exclusion_type, STRING, VALUES("WILDCARD"));
SHAPE(exclusion_value, STRING, .min = 1, .max = 128, .pattern = "^[0-9a-zA-Z._*-]{1,128}$",
      .matches = is_exclusion_filter);
SHAPE(exclusion, STRUCTURE,
      STRUCTURE(REQUIRED("filterType", exclusion_type), REQUIRED("filter", exclusion_value)));
SHAPE(exclusion_list, LIST, .min = 1, .max = 5, .element = &exclusion);

SHAPE(scanning, STRUCTURE, STRUCTURE(MEMBER("scanOnPush", boolean)));
SHAPE(encryption_type, STRING, VALUES("AES256", "KMS", "KMS_DSSE"));
SHAPE(kms_key, STRING, .min = 1, .max = 2048);
SHAPE(encryption, STRUCTURE,
      STRUCTURE(REQUIRED("encryptionType", encryption_type), MEMBER("kmsKey", kms_key)));

SHAPE(repository_name_list, LIST, .min = 1, .max = 100, .element = &repository_name);
SHAPE(registry_id_list, LIST, .min = 1, .max = 10, .element = &registry_id);

SHAPE(image_tag, STRING, .min = 1, .max = 300);
SHAPE(image_id, STRUCTURE,
      STRUCTURE(MEMBER("imageDigest", any_string), MEMBER("imageTag", image_tag)));
SHAPE(image_id_list, LIST, .min = 1, .max = 100, .element = &image_id);
SHAPE(media_type_list, LIST, .min = 1, .max = 100, .element = &any_string);
SHAPE(tag_status, STRING, VALUES("TAGGED", "UNTAGGED", "ANY"));
SHAPE(image_status, STRING, VALUES("ACTIVE", "ARCHIVED", "ACTIVATING", "ANY"));
SHAPE(image_filter, STRUCTURE,
      STRUCTURE(MEMBER("tagStatus", tag_status), MEMBER("imageStatus", image_status)));

SHAPE(policy_text, STRING, .max = 10240);
SHAPE(lifecycle_text, STRING, .min = 100, .max = 30720);

/* --- inputs --- */

#define IN_REPOSITORY MEMBER("registryId", registry_id), REQUIRED("repositoryName", repository_name)

INPUT(model_create_repository, IN_REPOSITORY, MEMBER("tags", tag_list),
      MEMBER("imageTagMutability", tag_mutability),
      MEMBER("imageTagMutabilityExclusionFilters", exclusion_list),
      MEMBER("imageScanningConfiguration", scanning),
      MEMBER("encryptionConfiguration", encryption));
INPUT(model_describe_repositories, MEMBER("registryId", registry_id),
      MEMBER("repositoryNames", repository_name_list), MEMBER("nextToken", any_string),
      MEMBER("maxResults", max_results));
INPUT(model_delete_repository, IN_REPOSITORY, MEMBER("force", boolean));
INPUT(model_put_image_tag_mutability, IN_REPOSITORY, REQUIRED("imageTagMutability", tag_mutability),
      MEMBER("imageTagMutabilityExclusionFilters", exclusion_list));
INPUT(model_put_image_scanning_configuration, IN_REPOSITORY,
      REQUIRED("imageScanningConfiguration", scanning));

INPUT(model_get_authorization_token, MEMBER("registryIds", registry_id_list));

INPUT(model_list_images, IN_REPOSITORY, MEMBER("nextToken", any_string),
      MEMBER("maxResults", max_results), MEMBER("filter", image_filter));
INPUT(model_describe_images, IN_REPOSITORY, MEMBER("imageIds", image_id_list),
      MEMBER("nextToken", any_string), MEMBER("maxResults", max_results),
      MEMBER("filter", image_filter));
INPUT(model_batch_get_image, IN_REPOSITORY, REQUIRED("imageIds", image_id_list),
      MEMBER("acceptedMediaTypes", media_type_list));
INPUT(model_batch_delete_image, IN_REPOSITORY, REQUIRED("imageIds", image_id_list));

INPUT(model_tag_resource, REQUIRED("resourceArn", any_string), REQUIRED("tags", tag_list));
INPUT(model_untag_resource, REQUIRED("resourceArn", any_string), REQUIRED("tagKeys", tag_key_list));
INPUT(model_list_tags_for_resource, REQUIRED("resourceArn", any_string));

INPUT(model_set_repository_policy, IN_REPOSITORY, REQUIRED("policyText", policy_text),
      MEMBER("force", boolean));
INPUT(model_get_repository_policy, IN_REPOSITORY);
INPUT(model_delete_repository_policy, IN_REPOSITORY);
INPUT(model_put_lifecycle_policy, IN_REPOSITORY, REQUIRED("lifecyclePolicyText", lifecycle_text));
INPUT(model_get_lifecycle_policy, IN_REPOSITORY);
INPUT(model_delete_lifecycle_policy, IN_REPOSITORY);
