/* SPDX-License-Identifier: MIT */
/* Creation templates at work. */
#include "template_apply.h"

#include "meta.h"
#include "reference.h"
#include "repository.h"
#include "resource_tags.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

static const char *const uses[] = {
    [TEMPLATE_REPLICATION] = "REPLICATION",
    [TEMPLATE_PULL_THROUGH_CACHE] = "PULL_THROUGH_CACHE",
    [TEMPLATE_CREATE_ON_PUSH] = "CREATE_ON_PUSH",
};

struct virga_str template_prefix(struct virga_str prefix) {
    if (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/') {
        prefix.len--;
    }
    return prefix;
}

int template_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str prefix,
                 struct json_object **ret_template) {
    struct virga_store_value text = {0};
    int result = meta_setting_get(ecr, tenant, TEMPLATE_KIND, template_prefix(prefix), &text);
    if (result != 0) {
        return result;
    }
    result = virga_awsjson_parse((struct virga_str){text.ptr, text.len}, ret_template);
    ecr->store->release(ecr->host, &text);
    return result == -EBADMSG ? -EIO : result;
}

static bool is_for(struct json_object *template, enum template_use use) {
    size_t count = virga_awsjson_length(template, "appliedFor");
    for (size_t i = 0; i < count; i++) {
        struct virga_str text =
            virga_awsjson_text(virga_awsjson_element(template, "appliedFor", i));
        if (virga_str_equal(text, virga_str_from(uses[use]))) {
            return true;
        }
    }
    return false;
}

/* template_get() of a template for this use; others count as not there. */
static int get_for(struct ecr *ecr, const struct tenant *tenant, struct virga_str prefix,
                   enum template_use use, struct json_object **ret_template) {
    struct json_object *template = NULL;
    int result = template_get(ecr, tenant, prefix, &template);
    if (result == 0 && !is_for(template, use)) {
        json_object_put(template);
        return -ENOENT;
    }
    if (result == 0) {
        *ret_template = template;
    }
    return result;
}

int template_find(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  enum template_use use, struct json_object **ret_template) {
    int result = -ENOENT;
    for (size_t len = name.len; len > 0 && result == -ENOENT; len--) {
        if (name.ptr[len - 1] == '/') {
            result = get_for(ecr, tenant, (struct virga_str){name.ptr, len - 1}, use, ret_template);
        }
    }
    return result == -ENOENT
               ? get_for(ecr, tenant, virga_str_from(TEMPLATE_ROOT), use, ret_template)
               : result;
}

static char *copy(struct virga_str text) {
    return strndup(text.ptr, text.len);
}

static int take_exclusions(struct json_object *template, struct meta_repository *repository) {
    size_t count = virga_awsjson_length(template, "imageTagMutabilityExclusionFilters");
    for (size_t i = 0; i < count && i < META_EXCLUSIONS_MAX; i++) {
        struct json_object *filter =
            virga_awsjson_element(template, "imageTagMutabilityExclusionFilters", i);
        char *text = copy(virga_awsjson_str(filter, "filter"));
        if (text == NULL) {
            return -ENOMEM;
        }
        repository->exclusions[repository->exclusions_count++] = text;
    }
    return 0;
}

static int take_encryption(const struct tenant *tenant, struct json_object *template,
                           struct meta_repository *repository) {
    struct json_object *given = virga_awsjson_member(template, "encryptionConfiguration");
    struct virga_str type = virga_awsjson_str(given, "encryptionType");
    struct virga_str key = virga_awsjson_str(given, "kmsKey");
    bool kms = type.ptr != NULL && !virga_str_equal(type, virga_str_from("AES256"));
    repository->encryption_type = type.ptr != NULL ? copy(type) : strdup("AES256");
    if (key.len > 0) {
        repository->kms_key = copy(key);
    } else if (kms) {
        repository->kms_key = repository_default_kms_key(tenant);
    }
    bool failed = repository->encryption_type == NULL ||
                  (repository->kms_key == NULL && (kms || key.len > 0));
    return failed ? -ENOMEM : 0;
}

/* Takes a template's settings over; NULL: the defaults. */
static int take_settings(const struct tenant *tenant, struct json_object *template,
                         struct meta_repository *repository) {
    repository->mutability =
        repository_mutability_from(virga_awsjson_str(template, "imageTagMutability"));
    int result = take_exclusions(template, repository);
    if (result == 0) {
        result = resource_tags_read(template, "resourceTags", repository);
    }
    return result == 0 ? take_encryption(tenant, template, repository) : result;
}

static int put_text(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    const char *kind, struct virga_str text) {
    return text.len == 0 ? 0 : meta_text_put(ecr, tenant, name, kind, text);
}

/* Writes the repository and its texts in one transaction. */
static int record(struct ecr *ecr, const struct tenant *tenant, struct json_object *template,
                  struct meta_repository *repository) {
    struct virga_str name = virga_str_from(repository->name);
    bool own;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = meta_repository_create(ecr, tenant, repository);
    if (result == 0) {
        result =
            put_text(ecr, tenant, name, "policy", virga_awsjson_str(template, "repositoryPolicy"));
    }
    if (result == 0) {
        result = put_text(ecr, tenant, name, "lifecycle",
                          virga_awsjson_str(template, "lifecyclePolicy"));
    }
    return meta_end(ecr, own, result);
}

int template_create_repository(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                               enum template_use use) {
    struct meta_repository repository = {0};
    struct json_object *template = NULL;
    if (!reference_is_name(name)) {
        return -EINVAL;
    }
    if (meta_repository_exists(ecr, tenant, name)) {
        return 0;
    }
    int result = template_find(ecr, tenant, name, use, &template);
    if (result == -ENOENT && use != TEMPLATE_CREATE_ON_PUSH) {
        template = NULL;
        result = 0;
    }
    if (result != 0) {
        return result;
    }
    memcpy(repository.name, name.ptr, name.len);
    result = take_settings(tenant, template, &repository);
    if (result == 0) {
        result = record(ecr, tenant, template, &repository);
    }
    meta_repository_finish(&repository);
    json_object_put(template);
    return result;
}
