/* SPDX-License-Identifier: MIT */
/* Repositories: create, describe, delete, and their two settings. */
#include "repository.h"

#include "actions.h"
#include "backend.h"
#include "gateway.h"
#include "resource_tags.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/sha256.h>

#define EXCLUSION_STARS_MAX 2 /* wildcards in one filter */
#define EXCLUSIONS "imageTagMutabilityExclusionFilters"

static const char *const mutabilities[] = {
    [META_MUTABLE] = "MUTABLE",
    [META_IMMUTABLE] = "IMMUTABLE",
    [META_MUTABLE_WITH_EXCLUSION] = "MUTABLE_WITH_EXCLUSION",
    [META_IMMUTABLE_WITH_EXCLUSION] = "IMMUTABLE_WITH_EXCLUSION",
};

const char *repository_mutability(enum meta_mutability mutability) {
    return (size_t)mutability < sizeof mutabilities / sizeof mutabilities[0]
               ? mutabilities[mutability]
               : mutabilities[META_MUTABLE];
}

enum meta_mutability repository_mutability_from(struct virga_str text) {
    for (size_t i = 0; i < sizeof mutabilities / sizeof mutabilities[0]; i++) {
        if (virga_str_equal(text, virga_str_from(mutabilities[i]))) {
            return (enum meta_mutability)i;
        }
    }
    return META_MUTABLE;
}

static void write_exclusions(const struct meta_repository *repository,
                             struct virga_json_writer *writer) {
    if (repository->exclusions_count == 0) {
        return;
    }
    virga_json_begin_array(writer, EXCLUSIONS);
    for (size_t i = 0; i < repository->exclusions_count; i++) {
        virga_json_begin_object(writer, NULL);
        virga_json_string(writer, "filterType", "WILDCARD");
        virga_json_string(writer, "filter", repository->exclusions[i]);
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
}

static void write_scanning(const struct meta_repository *repository,
                           struct virga_json_writer *writer) {
    virga_json_begin_object(writer, "imageScanningConfiguration");
    virga_json_bool(writer, "scanOnPush", repository->scan_on_push);
    virga_json_end_object(writer);
}

void repository_write(const struct call *call, const struct meta_repository *repository, bool brief,
                      const char *key, struct virga_json_writer *writer) {
    char arn[CALL_ARN_MAX], uri[CALL_ARN_MAX];
    struct virga_str name = virga_str_from(repository->name);
    call_repository_arn(&call->tenant, name, arn);
    gateway_repository_uri(call->ecr, &call->tenant, name, uri, sizeof uri);
    virga_json_begin_object(writer, key);
    virga_json_string(writer, "repositoryArn", arn);
    virga_json_string(writer, "registryId", call->tenant.account);
    virga_json_string(writer, "repositoryName", repository->name);
    virga_json_string(writer, "repositoryUri", uri);
    virga_json_time(writer, "createdAt", repository->created_ms);
    if (!brief) {
        virga_json_string(writer, "imageTagMutability",
                          repository_mutability(repository->mutability));
        write_exclusions(repository, writer);
        write_scanning(repository, writer);
        virga_json_begin_object(writer, "encryptionConfiguration");
        virga_json_string(writer, "encryptionType", repository->encryption_type);
        virga_json_string(writer, "kmsKey", repository->kms_key);
        virga_json_end_object(writer);
    }
    virga_json_end_object(writer);
}

static void answer_repository(struct call *call, const struct meta_repository *repository,
                              bool brief) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    repository_write(call, repository, brief, "repository", &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

/* --- settings of a repository, from the input --- */

static bool fail_exclusions(struct call *call, const char *constraint, const char *value) {
    call_fail(call, "InvalidParameterException",
              "Invalid parameter at '" EXCLUSIONS "' failed to satisfy constraint: '%s%s'",
              constraint, value);
    return false;
}

static size_t count_stars(struct virga_str filter) {
    size_t stars = 0;
    for (size_t i = 0; i < filter.len; i++) {
        stars += filter.ptr[i] == '*';
    }
    return stars;
}

bool repository_take_mutability(struct call *call, struct meta_repository *repository) {
    size_t count = virga_awsjson_length(call->input, EXCLUSIONS);
    enum meta_mutability mutability =
        repository_mutability_from(call_str(call, "imageTagMutability"));
    bool excludes =
        mutability == META_MUTABLE_WITH_EXCLUSION || mutability == META_IMMUTABLE_WITH_EXCLUSION;
    if (excludes && count == 0) {
        return fail_exclusions(
            call,
            "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as ",
            mutabilities[mutability]);
    }
    if (!excludes && count > 0) {
        return fail_exclusions(
            call,
            "ImageTagMutabilityExclusionFilters must be null when imageTagMutability is set as ",
            mutabilities[mutability]);
    }
    for (size_t i = 0; i < repository->exclusions_count; i++) {
        free(repository->exclusions[i]);
    }
    repository->exclusions_count = 0;
    repository->mutability = mutability;
    for (size_t i = 0; i < count; i++) {
        struct virga_str filter =
            virga_awsjson_str(virga_awsjson_element(call->input, EXCLUSIONS, i), "filter");
        if (count_stars(filter) > EXCLUSION_STARS_MAX) {
            return fail_exclusions(call, "A filter may contain at most 2 wildcards: ", filter.ptr);
        }
        char *copy = strndup(filter.ptr, filter.len);
        if (copy == NULL) {
            call_broken(call, "The filters could not be kept", -ENOMEM, NULL);
            return false;
        }
        repository->exclusions[repository->exclusions_count++] = copy;
    }
    return true;
}

char *repository_default_kms_key(const struct tenant *tenant) {
    char seed[128], hex[VIRGA_SHA256_HEX_LEN + 1], arn[CALL_ARN_MAX];
    struct virga_str region = virga_str_from(tenant->region);
    (void)snprintf(seed, sizeof seed, "aws/ecr %s %s", tenant->account, tenant->region);
    if (virga_sha256_hex(virga_str_from(seed), hex) != 0) {
        return NULL;
    }
    (void)snprintf(arn, sizeof arn, "arn:%s:kms:%s:%s:key/%.8s-%.4s-%.4s-%.4s-%.12s",
                   virga_arn_partition(region), tenant->region, tenant->account, hex, hex + 8,
                   hex + 12, hex + 16, hex + 20);
    return strdup(arn);
}

/* Takes encryptionConfiguration over, or AWS's default; false: the call has ended. */
static bool take_encryption(struct call *call, struct meta_repository *repository) {
    struct json_object *given = virga_awsjson_member(call->input, "encryptionConfiguration");
    struct virga_str type = virga_awsjson_str(given, "encryptionType");
    struct virga_str key = virga_awsjson_str(given, "kmsKey");
    repository->encryption_type = strdup(type.ptr != NULL ? type.ptr : "AES256");
    bool kms =
        repository->encryption_type != NULL && strcmp(repository->encryption_type, "AES256") != 0;
    if (key.ptr != NULL) {
        repository->kms_key = strdup(key.ptr);
    } else if (kms) {
        repository->kms_key = repository_default_kms_key(&call->tenant);
    }
    if (repository->encryption_type == NULL ||
        (repository->kms_key == NULL && (kms || key.ptr != NULL))) {
        call_broken(call, "The encryption could not be kept", -ENOMEM, NULL);
        return false;
    }
    return true;
}

void action_create_repository(struct call *call) {
    struct meta_repository repository = {0};
    memcpy(repository.name, call->name.ptr, call->name.len);
    repository.scan_on_push = virga_awsjson_bool(
        virga_awsjson_member(call->input, "imageScanningConfiguration"), "scanOnPush");
    if (!repository_take_mutability(call, &repository) || !take_encryption(call, &repository) ||
        !resource_tags_take(call, &repository)) {
        meta_repository_finish(&repository);
        return;
    }
    int result = meta_repository_create(call->ecr, &call->tenant, &repository);
    if (result == 0) {
        answer_repository(call, &repository, false);
    } else if (result == -EEXIST) {
        call_fail(call, "RepositoryAlreadyExistsException",
                  "The repository with name '%s' already exists in the registry with id '%s'",
                  repository.name, call->tenant.account);
    } else {
        call_broken(call, "The repository could not be recorded", result, NULL);
    }
    meta_repository_finish(&repository);
}

/* --- DescribeRepositories --- */

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
};

static int on_listed(void *arg, struct meta_repository *repository) {
    struct listing *listing = arg;
    if (!call_page_take(&listing->page, virga_str_from(repository->name))) {
        return 1;
    }
    repository_write(listing->call, repository, false, NULL, &listing->writer);
    return 0;
}

static void describe_all(struct call *call) {
    struct listing listing = {.call = call};
    if (!call_page_start(call, "", &listing.page)) {
        return;
    }
    struct virga_str after = {listing.page.begun ? listing.page.position : NULL,
                              listing.page.position_len};
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "repositories");
    int result = meta_repository_each(call->ecr, &call->tenant, after, on_listed, &listing);
    virga_json_end_array(&listing.writer);
    if (result >= 0) {
        result = call_page_end(call, &listing.page, &listing.writer);
    }
    virga_json_end_object(&listing.writer);
    if (result < 0) {
        virga_json_finish(&listing.writer);
        call_broken(call, "The repositories could not be listed", result, NULL);
        return;
    }
    call_answer(call, &listing.writer);
}

static void describe_named(struct call *call, size_t count) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "repositories");
    for (size_t i = 0; i < count; i++) {
        struct meta_repository repository;
        call->name = virga_awsjson_text(virga_awsjson_element(call->input, "repositoryNames", i));
        if (!call_repository(call, &repository)) {
            virga_json_finish(&writer);
            return;
        }
        repository_write(call, &repository, false, NULL, &writer);
        meta_repository_finish(&repository);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_describe_repositories(struct call *call) {
    size_t count = virga_awsjson_length(call->input, "repositoryNames");
    if (count == 0) {
        describe_all(call);
    } else if (call_str(call, "nextToken").ptr != NULL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be null "
                  "when repositoryNames is specified'");
    } else {
        describe_named(call, count);
    }
}

/* --- DeleteRepository --- */

static void on_deleted(void *arg, int status, const char *reason) {
    struct call *call = arg;
    struct meta_repository *repository = call->state;
    if (status == -ENOENT) {
        call_no_repository(call, call->name);
    } else if (status != 0) {
        call_broken(call, "The repository could not be deleted", status, reason);
    } else {
        answer_repository(call, repository, true);
    }
    meta_repository_finish(repository);
    free(repository);
}

void action_delete_repository(struct call *call) {
    struct meta_repository *repository = calloc(1, sizeof *repository);
    if (repository == NULL) {
        call_broken(call, "The repository could not be deleted", -ENOMEM, NULL);
        return;
    }
    if (!call_repository(call, repository)) {
        free(repository);
        return;
    }
    int images = virga_awsjson_bool(call->input, "force")
                     ? 0
                     : meta_repository_has_images(call->ecr, &call->tenant, call->name);
    if (images == 0) {
        call->state = repository;
        backend_delete_repository(call->ecr, &call->tenant, call->name, on_deleted, call);
        return;
    }
    if (images < 0) {
        call_broken(call, "The images could not be counted", images, NULL);
    } else {
        call_fail(call, "RepositoryNotEmptyException",
                  "The repository with name '%s' in registry with id '%s' cannot be deleted "
                  "because it still contains images",
                  repository->name, call->tenant.account);
    }
    meta_repository_finish(repository);
    free(repository);
}

/* --- the two settings --- */

/* Writes the changed record and answers with it, or ends the call otherwise. */
static void keep_and_answer(struct call *call, struct meta_repository *repository,
                            void (*write)(const struct meta_repository *repository,
                                          struct virga_json_writer *writer)) {
    struct virga_json_writer writer = {0};
    int result = meta_repository_update(call->ecr, &call->tenant, repository);
    if (result != 0) {
        call_broken(call, "The repository could not be recorded", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    write(repository, &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

static void write_mutability(const struct meta_repository *repository,
                             struct virga_json_writer *writer) {
    virga_json_string(writer, "imageTagMutability", repository_mutability(repository->mutability));
    write_exclusions(repository, writer);
}

void action_put_image_tag_mutability(struct call *call) {
    struct meta_repository repository;
    if (!call_repository(call, &repository)) {
        return;
    }
    if (repository_take_mutability(call, &repository)) {
        keep_and_answer(call, &repository, write_mutability);
    }
    meta_repository_finish(&repository);
}

void action_put_image_scanning_configuration(struct call *call) {
    struct meta_repository repository;
    if (!call_repository(call, &repository)) {
        return;
    }
    repository.scan_on_push = virga_awsjson_bool(
        virga_awsjson_member(call->input, "imageScanningConfiguration"), "scanOnPush");
    keep_and_answer(call, &repository, write_scanning);
    meta_repository_finish(&repository);
}
