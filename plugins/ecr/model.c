/* SPDX-License-Identifier: MIT */
/* The API model's facts about the operations' inputs. What is checked by hand at AWS (and says
 * "must" where the rest says "Member must") has by_hand. */
#include "model.h"

#include "ecr.h"
#include "model_grammar.h"

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

/* --- shapes --- */

SHAPE(any_string, STRING);
SHAPE(boolean, BOOLEAN);
SHAPE(registry_id, STRING, .by_hand = "registryId", .pattern = "[0-9]{12}",
      .matches = model_is_registry_id);
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
      .matches = model_is_exclusion_filter);
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

SHAPE(upload_id, STRING, .by_hand = "uploadId",
      .pattern = "'[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'",
      .matches = model_is_upload_id);
SHAPE(layer_digest, STRING, .pattern = MODEL_DIGEST_PATTERN, .matches = model_is_digest);
SHAPE(layer_digest_list, LIST, .min = 1, .max = 100, .element = &layer_digest);
SHAPE(batched_digest, STRING, .max = 1000);
SHAPE(batched_digest_list, LIST, .min = 1, .max = 100, .element = &batched_digest);
SHAPE(part_size, INTEGER);
SHAPE(layer_part_blob, BLOB, .max = 20971520);
SHAPE(image_manifest, STRING, .min = 1, .max = 4194304);

SHAPE(preview_max_results, INTEGER, .min = 1, .max = 100);
SHAPE(preview_filter, STRUCTURE, STRUCTURE(MEMBER("tagStatus", tag_status)));
SHAPE(storage_class, STRING, VALUES("STANDARD", "ARCHIVE"));

SHAPE(fifty_max_results, INTEGER, .min = 1, .max = 50);
SHAPE(subject_id, STRUCTURE, STRUCTURE(REQUIRED("imageDigest", any_string)));
SHAPE(artifact_type, STRING, .min = 1, .max = 255);
SHAPE(artifact_type_list, LIST, .max = 5, .element = &artifact_type);
SHAPE(referrers_filter, STRUCTURE,
      STRUCTURE(MEMBER("artifactTypes", artifact_type_list),
                MEMBER("artifactStatus", image_status)));

#define PREFIX_PATTERN "^(" COMPONENT "(\\/" COMPONENT ")*\\/?|ROOT)$"
SHAPE(cache_prefix, STRING, .min = 2, .max = 30, .pattern = PREFIX_PATTERN,
      .matches = model_is_prefix);
SHAPE(cache_prefix_list, LIST, .min = 1, .max = 100, .element = &cache_prefix);
SHAPE(upstream_registry, STRING,
      VALUES("ecr", "ecr-public", "quay", "k8s", "docker-hub", "github-container-registry",
             "azure-container-registry", "gitlab-container-registry", "chainguard"));
SHAPE(credential_arn, STRING, .min = 50, .max = 612,
      .pattern = "^arn:aws(-\\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr\\-pullthroughcache\\/"
                 "[a-zA-Z0-9\\/_+=.@-]+$",
      .matches = model_is_credential_arn);
SHAPE(custom_role_arn, STRING, .max = 2048);

SHAPE(template_prefix, STRING, .min = 1, .max = 256, .pattern = PREFIX_PATTERN,
      .matches = model_is_prefix);
SHAPE(template_prefix_list, LIST, .element = &template_prefix);
SHAPE(template_description, STRING, .max = 256);
SHAPE(template_kms_key, STRING, .max = 2048,
      .pattern = "^$|arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key\\/[a-z0-9-]+",
      .matches = model_is_template_kms_key);
SHAPE(template_encryption, STRUCTURE,
      STRUCTURE(REQUIRED("encryptionType", encryption_type), MEMBER("kmsKey", template_kms_key)));
SHAPE(template_lifecycle_text, STRING, .max = 30720);
SHAPE(applied_for, STRING, VALUES("REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"));
SHAPE(applied_for_list, LIST, .element = &applied_for);

SHAPE(region, STRING, .min = 2, .max = 25, .pattern = "[0-9a-z-]{2,25}",
      .matches = model_is_region);
SHAPE(destination, STRUCTURE,
      STRUCTURE(REQUIRED("region", region), REQUIRED("registryId", registry_id)));
SHAPE(destination_list, LIST, .max = 100, .element = &destination);
SHAPE(replication_filter_value, STRING, .min = 2, .max = 256,
      .pattern = "^(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*$",
      .matches = model_is_replication_filter);
SHAPE(replication_filter_type, STRING, VALUES("PREFIX_MATCH"));
SHAPE(replication_filter, STRUCTURE,
      STRUCTURE(REQUIRED("filter", replication_filter_value),
                REQUIRED("filterType", replication_filter_type)));
SHAPE(replication_filter_list, LIST, .min = 1, .max = 100, .element = &replication_filter);
SHAPE(replication_rule, STRUCTURE,
      STRUCTURE(REQUIRED("destinations", destination_list),
                MEMBER("repositoryFilters", replication_filter_list)));
SHAPE(replication_rule_list, LIST, .max = 10, .element = &replication_rule);
SHAPE(replication, STRUCTURE, STRUCTURE(REQUIRED("rules", replication_rule_list)));

SHAPE(scan_type, STRING, VALUES("BASIC", "ENHANCED"));
SHAPE(scan_frequency, STRING, VALUES("SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"));
SHAPE(scanning_filter_value, STRING, .min = 1, .max = 255,
      .pattern = "^[a-z0-9*](?:[._\\-/a-z0-9*]?[a-z0-9*]+)*$", .matches = model_is_scanning_filter);
SHAPE(scanning_filter_type, STRING, VALUES("WILDCARD"));
SHAPE(scanning_filter, STRUCTURE,
      STRUCTURE(REQUIRED("filter", scanning_filter_value),
                REQUIRED("filterType", scanning_filter_type)));
SHAPE(scanning_filter_list, LIST, .max = 100, .element = &scanning_filter);
SHAPE(scanning_rule, STRUCTURE,
      STRUCTURE(REQUIRED("scanFrequency", scan_frequency),
                REQUIRED("repositoryFilters", scanning_filter_list)));
SHAPE(scanning_rule_list, LIST, .max = 2, .element = &scanning_rule);
SHAPE(scanned_name_list, LIST, .min = 1, .max = 25, .element = &repository_name);

SHAPE(signing_profile, STRING, .max = 200,
      .pattern = "^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:\\/signing-profiles\\/"
                 "[a-zA-Z0-9_]{2,}$",
      .matches = model_is_signing_profile_arn);
SHAPE(signing_filter_value, STRING, .min = 1, .max = 256,
      .pattern = "^(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*$",
      .matches = model_is_signing_filter);
SHAPE(signing_filter_type, STRING, VALUES("WILDCARD_MATCH"));
SHAPE(signing_filter, STRUCTURE,
      STRUCTURE(REQUIRED("filter", signing_filter_value),
                REQUIRED("filterType", signing_filter_type)));
SHAPE(signing_filter_list, LIST, .min = 1, .max = 100, .element = &signing_filter);
SHAPE(signing_rule, STRUCTURE,
      STRUCTURE(REQUIRED("signingProfileArn", signing_profile),
                MEMBER("repositoryFilters", signing_filter_list)));
SHAPE(signing_rule_list, LIST, .max = 10, .element = &signing_rule);
SHAPE(signing, STRUCTURE, STRUCTURE(REQUIRED("rules", signing_rule_list)));

SHAPE(setting_name, STRING, .min = 1, .max = 64);
SHAPE(principal_arn, STRING, .max = 200,
      .pattern = "^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\\w+=,.@-]+(/[\\w+=,.@-]+)*$",
      .matches = model_is_principal_arn);

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

INPUT(model_batch_check_layer_availability, IN_REPOSITORY,
      REQUIRED("layerDigests", batched_digest_list));
INPUT(model_initiate_layer_upload, IN_REPOSITORY);
INPUT(model_upload_layer_part, IN_REPOSITORY, REQUIRED("uploadId", upload_id),
      REQUIRED("partFirstByte", part_size), REQUIRED("partLastByte", part_size),
      REQUIRED("layerPartBlob", layer_part_blob));
INPUT(model_complete_layer_upload, IN_REPOSITORY, REQUIRED("uploadId", upload_id),
      REQUIRED("layerDigests", layer_digest_list));
INPUT(model_get_download_url_for_layer, IN_REPOSITORY, REQUIRED("layerDigest", layer_digest));
INPUT(model_put_image, IN_REPOSITORY, REQUIRED("imageManifest", image_manifest),
      MEMBER("imageManifestMediaType", any_string), MEMBER("imageTag", image_tag),
      MEMBER("imageDigest", any_string));

INPUT(model_start_lifecycle_policy_preview, IN_REPOSITORY,
      MEMBER("lifecyclePolicyText", lifecycle_text));
INPUT(model_get_lifecycle_policy_preview, IN_REPOSITORY, MEMBER("imageIds", image_id_list),
      MEMBER("nextToken", any_string), MEMBER("maxResults", preview_max_results),
      MEMBER("filter", preview_filter));
INPUT(model_update_image_storage_class, IN_REPOSITORY, REQUIRED("imageId", image_id),
      REQUIRED("targetStorageClass", storage_class));

INPUT(model_list_image_referrers, IN_REPOSITORY, REQUIRED("subjectId", subject_id),
      MEMBER("filter", referrers_filter), MEMBER("nextToken", any_string),
      MEMBER("maxResults", fifty_max_results));

INPUT(model_create_pull_through_cache_rule, REQUIRED("ecrRepositoryPrefix", cache_prefix),
      REQUIRED("upstreamRegistryUrl", any_string), MEMBER("registryId", registry_id),
      MEMBER("upstreamRegistry", upstream_registry), MEMBER("credentialArn", credential_arn),
      MEMBER("customRoleArn", custom_role_arn), MEMBER("upstreamRepositoryPrefix", cache_prefix));
INPUT(model_describe_pull_through_cache_rules, MEMBER("registryId", registry_id),
      MEMBER("ecrRepositoryPrefixes", cache_prefix_list), MEMBER("nextToken", any_string),
      MEMBER("maxResults", max_results));
INPUT(model_update_pull_through_cache_rule, MEMBER("registryId", registry_id),
      REQUIRED("ecrRepositoryPrefix", cache_prefix), MEMBER("credentialArn", credential_arn),
      MEMBER("customRoleArn", custom_role_arn));
INPUT(model_delete_pull_through_cache_rule, REQUIRED("ecrRepositoryPrefix", cache_prefix),
      MEMBER("registryId", registry_id));
INPUT(model_validate_pull_through_cache_rule, REQUIRED("ecrRepositoryPrefix", cache_prefix),
      MEMBER("registryId", registry_id));

#define IN_TEMPLATE                                                                                \
    REQUIRED("prefix", template_prefix), MEMBER("description", template_description),              \
        MEMBER("encryptionConfiguration", template_encryption), MEMBER("resourceTags", tag_list),  \
        MEMBER("imageTagMutability", tag_mutability),                                              \
        MEMBER("imageTagMutabilityExclusionFilters", exclusion_list),                              \
        MEMBER("repositoryPolicy", policy_text),                                                   \
        MEMBER("lifecyclePolicy", template_lifecycle_text)
INPUT(model_create_repository_creation_template, IN_TEMPLATE,
      REQUIRED("appliedFor", applied_for_list), MEMBER("customRoleArn", custom_role_arn));
INPUT(model_update_repository_creation_template, IN_TEMPLATE,
      MEMBER("appliedFor", applied_for_list), MEMBER("customRoleArn", custom_role_arn));
INPUT(model_delete_repository_creation_template, REQUIRED("prefix", template_prefix));
INPUT(model_describe_repository_creation_templates, MEMBER("prefixes", template_prefix_list),
      MEMBER("nextToken", any_string), MEMBER("maxResults", max_results));

INPUT(model_put_registry_policy, REQUIRED("policyText", policy_text));
INPUT(model_put_replication_configuration, REQUIRED("replicationConfiguration", replication));
INPUT(model_describe_image_replication_status, REQUIRED("repositoryName", repository_name),
      REQUIRED("imageId", image_id), MEMBER("registryId", registry_id));
INPUT(model_put_registry_scanning_configuration, MEMBER("scanType", scan_type),
      MEMBER("rules", scanning_rule_list));
INPUT(model_batch_get_repository_scanning_configuration,
      REQUIRED("repositoryNames", scanned_name_list));
INPUT(model_start_image_scan, IN_REPOSITORY, REQUIRED("imageId", image_id));
INPUT(model_describe_image_scan_findings, IN_REPOSITORY, REQUIRED("imageId", image_id),
      MEMBER("nextToken", any_string), MEMBER("maxResults", max_results));
INPUT(model_put_signing_configuration, REQUIRED("signingConfiguration", signing));
INPUT(model_describe_image_signing_status, REQUIRED("repositoryName", repository_name),
      REQUIRED("imageId", image_id), MEMBER("registryId", registry_id));
INPUT(model_get_account_setting, REQUIRED("name", setting_name));
INPUT(model_put_account_setting, REQUIRED("name", setting_name), REQUIRED("value", any_string));
INPUT(model_register_pull_time_update_exclusion, REQUIRED("principalArn", principal_arn));
INPUT(model_deregister_pull_time_update_exclusion, REQUIRED("principalArn", principal_arn));
INPUT(model_list_pull_time_update_exclusions, MEMBER("maxResults", max_results),
      MEMBER("nextToken", any_string));
/* Of the operations whose input has no members. */
const struct virga_model_shape model_nothing = {
    .type = VIRGA_MODEL_STRUCTURE,
    .members = (const struct virga_model_member[]){{.name = NULL}},
};
