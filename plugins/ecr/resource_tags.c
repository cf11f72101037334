/* SPDX-License-Identifier: MIT */
/* TagResource, UntagResource, ListTagsForResource; the limits are those of AWS's tagging guide.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html */
#include "resource_tags.h"

#include "actions.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/arn.h>

#define KEY_MAX 128
#define VALUE_MAX 256
#define RESERVED_PREFIX "aws:"
#define REPOSITORY_PREFIX "repository/"

/* Characters, as the limits count them. */
static size_t characters(struct virga_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool is_good(struct virga_str key, struct virga_str value) {
    size_t key_len = characters(key), prefix = strlen(RESERVED_PREFIX);
    return key_len >= 1 && key_len <= KEY_MAX && characters(value) <= VALUE_MAX &&
           !(key.len >= prefix && strncasecmp(key.ptr, RESERVED_PREFIX, prefix) == 0);
}

static struct meta_resource_tag *find(struct meta_repository *repository, const char *key) {
    for (size_t i = 0; i < repository->tags_count; i++) {
        if (strcmp(repository->tags[i].key, key) == 0) {
            return &repository->tags[i];
        }
    }
    return NULL;
}

/* Adds a tag, or gives it another value. Errors: -E2BIG there are too many, -ENOMEM. */
static int set(struct meta_repository *repository, struct virga_str key, struct virga_str value) {
    struct meta_resource_tag *tag = find(repository, key.ptr);
    if (tag == NULL && repository->tags_count == META_TAGS_MAX) {
        return -E2BIG;
    }
    if (repository->tags == NULL) {
        repository->tags = calloc(META_TAGS_MAX, sizeof *repository->tags);
        if (repository->tags == NULL) {
            return -ENOMEM;
        }
    }
    char *new_value = strndup(value.ptr, value.len);
    char *new_key = tag == NULL ? strndup(key.ptr, key.len) : NULL;
    if (new_value == NULL || (tag == NULL && new_key == NULL)) {
        free(new_value);
        free(new_key);
        return -ENOMEM;
    }
    if (tag == NULL) {
        tag = &repository->tags[repository->tags_count++];
        tag->key = new_key;
    } else {
        free(tag->value);
    }
    tag->value = new_value;
    return 0;
}

int resource_tags_read(struct json_object *input, const char *member,
                       struct meta_repository *repository) {
    size_t count = virga_awsjson_length(input, member);
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct json_object *tag = virga_awsjson_element(input, member, i);
        struct virga_str key = virga_awsjson_str(tag, "Key");
        struct virga_str value = virga_awsjson_str(tag, "Value");
        result = is_good(key, value) ? set(repository, key, value) : -EINVAL;
    }
    return result;
}

bool resource_tags_take(struct call *call, struct meta_repository *repository) {
    int result = resource_tags_read(call->input, "tags", repository);
    if (result == -EINVAL) {
        call_fail(call, "InvalidTagParameterException", "Tag parameters are invalid");
    } else if (result == -E2BIG) {
        call_fail(call, "TooManyTagsException",
                  "The list of tags on the repository is over the limit. The maximum number "
                  "of tags that can be applied to a repository is %d.",
                  META_TAGS_MAX);
    } else if (result != 0) {
        call_broken(call, "The tags could not be kept", result, NULL);
    }
    return result == 0;
}

/* Reads the repository that resourceArn names; its account counts, as registryId does elsewhere. */
static bool take_resource(struct call *call, struct meta_repository *ret_repository) {
    struct virga_arn arn;
    size_t prefix = strlen(REPOSITORY_PREFIX);
    struct virga_str text = call_str(call, "resourceArn");
    if (virga_arn_parse(text, &arn) != 0 || !virga_str_equal(arn.service, virga_str_from("ecr")) ||
        arn.account.len != ECR_ACCOUNT_LEN ||
        !virga_str_equal(arn.region, virga_str_from(call->tenant.region)) ||
        arn.resource.len <= prefix || memcmp(arn.resource.ptr, REPOSITORY_PREFIX, prefix) != 0) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'");
        return false;
    }
    memcpy(call->tenant.account, arn.account.ptr, arn.account.len);
    call->name = (struct virga_str){arn.resource.ptr + prefix, arn.resource.len - prefix};
    return call_repository(call, ret_repository);
}

/* Writes the record and answers {}. */
static void keep_and_answer(struct call *call, const struct meta_repository *repository) {
    struct virga_json_writer writer = {0};
    int result = meta_repository_update(call->ecr, &call->tenant, repository);
    if (result != 0) {
        call_broken(call, "The tags could not be recorded", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_tag_resource(struct call *call) {
    struct meta_repository repository;
    if (!take_resource(call, &repository)) {
        return;
    }
    if (resource_tags_take(call, &repository)) {
        keep_and_answer(call, &repository);
    }
    meta_repository_finish(&repository);
}

void action_untag_resource(struct call *call) {
    struct meta_repository repository;
    if (!take_resource(call, &repository)) {
        return;
    }
    size_t count = virga_awsjson_length(call->input, "tagKeys");
    for (size_t i = 0; i < count; i++) {
        struct virga_str key = virga_awsjson_text(virga_awsjson_element(call->input, "tagKeys", i));
        struct meta_resource_tag *tag = find(&repository, key.ptr);
        if (tag != NULL) {
            struct meta_resource_tag *end = repository.tags + repository.tags_count--;
            free(tag->key);
            free(tag->value);
            memmove(tag, tag + 1, (size_t)(end - (tag + 1)) * sizeof *tag);
        }
    }
    keep_and_answer(call, &repository);
    meta_repository_finish(&repository);
}

void action_list_tags_for_resource(struct call *call) {
    struct meta_repository repository;
    struct virga_json_writer writer = {0};
    if (!take_resource(call, &repository)) {
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "tags");
    for (size_t i = 0; i < repository.tags_count; i++) {
        virga_json_begin_object(&writer, NULL);
        virga_json_string(&writer, "Key", repository.tags[i].key);
        virga_json_string(&writer, "Value", repository.tags[i].value);
        virga_json_end_object(&writer);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    meta_repository_finish(&repository);
    call_answer(call, &writer);
}
