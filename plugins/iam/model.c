/* SPDX-License-Identifier: MIT */
/* The API model's facts about the inputs, in its order. Patterns with \w, \p{..} or \u.... are no
 * POSIX expressions, so they are tried by functions. Inputs that are the same share a table.
 * Source: botocore, data/iam/2010-05-08/service-2.json */
#include "model.h"

#include <ctype.h>

#define MEMBER(wire, in_messages, member_shape)                                                    \
    { .name = (wire), .shape = &(member_shape), .shown = (in_messages) }
#define REQUIRED(wire, in_messages, member_shape)                                                  \
    { .name = (wire), .shape = &(member_shape), .required = 1, .shown = (in_messages) }
#define END                                                                                        \
    { .name = NULL }

static int all_word_or(struct virga_str text, const char *others) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(isascii(c) && isalnum(c)) && c != '_' && (c == '\0' || strchr(others, c) == NULL)) {
            return 0;
        }
    }
    return text.len > 0;
}

static int is_word(struct virga_str text) {
    return all_word_or(text, "");
}

static int is_name(struct virga_str text) {
    return all_word_or(text, "+=,.@-");
}

static int is_provider_name(struct virga_str text) {
    return all_word_or(text, "._-");
}

static int is_alias(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int inner_hyphen = c == '-' && i > 0 && i + 1 < text.len && text.ptr[i + 1] != '-';
        if (!(isascii(c) && (islower(c) || isdigit(c))) && !inner_hyphen) {
            return 0;
        }
    }
    return text.len > 0;
}

/* Tab, line feed, carriage return and Latin-1 from the space up: in UTF-8 one byte, or two that
 * begin with C2 or C3. */
static int is_latin(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0xc4 || c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            return 0;
        }
    }
    return text.len > 0;
}

static int is_path_prefix(struct virga_str text) {
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e) {
            return 0;
        }
    }
    return text.len > 0 && text.ptr[0] == '/';
}

static int is_path(struct virga_str text) {
    return is_path_prefix(text) && text.ptr[text.len - 1] == '/' &&
           (text.len != 2 || text.ptr[1] != '/');
}

static int is_policy_path(struct virga_str text) {
    return is_path(text) && all_word_or(text, "/.,+@=-") && strstr(text.ptr, "//") == NULL;
}

/* Letters, marks, separators, symbols, numbers and punctuation of any script. */
static int is_text(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (iscntrl((unsigned char)text.ptr[i])) {
            return 0;
        }
    }
    return 1;
}

/* Letters, separators and numbers of any script: beyond ASCII everything is let through. */
static int is_tag(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (isascii(c) && !isalnum(c) && strchr(" _.:/=+-@", c) == NULL) {
            return 0;
        }
    }
    return 1;
}

static const struct virga_model_shape access_key_id = {
    .type = VIRGA_MODEL_STRING, .min = 16, .max = 128, .pattern = "[\\w]+", .matches = is_word};
static const struct virga_model_shape account_alias = {
    .type = VIRGA_MODEL_STRING,
    .min = 3,
    .max = 63,
    .pattern = "^[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?$",
    .matches = is_alias};
static const struct virga_model_shape arn = {.type = VIRGA_MODEL_STRING, .min = 20, .max = 2048};
static const char *const assignment_status_values[] = {"Assigned", "Unassigned", "Any", NULL};
static const struct virga_model_shape assignment_status = {.type = VIRGA_MODEL_STRING,
                                                           .values = assignment_status_values};
static const struct virga_model_shape boolean = {.type = VIRGA_MODEL_BOOLEAN};
static const struct virga_model_shape client_id = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 255};
static const struct virga_model_shape custom_suffix = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 64, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape deletion_task_id = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 1000};
static const char *const entity_values[] = {
    "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy", NULL};
static const struct virga_model_shape entity = {.type = VIRGA_MODEL_STRING,
                                                .values = entity_values};
static const struct virga_model_shape existing_user_name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 128, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape group_name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 128, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape instance_profile_name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 128, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape marker = {.type = VIRGA_MODEL_STRING,
                                                .min = 1,
                                                .max = 320,
                                                .pattern = "[\\u0020-\\u00FF]+",
                                                .matches = is_latin};
static const struct virga_model_shape max_items = {
    .type = VIRGA_MODEL_INTEGER, .min = 1, .max = 1000};
static const struct virga_model_shape max_password_age = {
    .type = VIRGA_MODEL_INTEGER, .min = 1, .max = 1095};
static const struct virga_model_shape minimum_password_length = {
    .type = VIRGA_MODEL_INTEGER, .min = 6, .max = 128};
static const struct virga_model_shape oidc_provider_url = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 255};
static const struct virga_model_shape password = {.type = VIRGA_MODEL_STRING,
                                                  .min = 1,
                                                  .max = 128,
                                                  .pattern = LATIN_PATTERN,
                                                  .matches = is_latin,
                                                  .secret = 1};
static const struct virga_model_shape password_reuse_prevention = {
    .type = VIRGA_MODEL_INTEGER, .min = 1, .max = 24};
static const struct virga_model_shape path = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 512, .pattern = PATH_PATTERN, .matches = is_path};
static const struct virga_model_shape path_prefix = {.type = VIRGA_MODEL_STRING,
                                                     .min = 1,
                                                     .max = 512,
                                                     .pattern = "\\u002F[\\u0021-\\u007F]*",
                                                     .matches = is_path_prefix};
static const struct virga_model_shape policy_description = {.type = VIRGA_MODEL_STRING,
                                                            .max = 1000};
static const struct virga_model_shape policy_document = {.type = VIRGA_MODEL_STRING,
                                                         .min = 1,
                                                         .max = 131072,
                                                         .pattern = LATIN_PATTERN,
                                                         .matches = is_latin};
static const struct virga_model_shape policy_name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 128, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape policy_path = {.type = VIRGA_MODEL_STRING,
                                                     .min = 1,
                                                     .max = 512,
                                                     .pattern = "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/",
                                                     .matches = is_policy_path};
static const char *const policy_scope_values[] = {"All", "AWS", "Local", NULL};
static const struct virga_model_shape policy_scope = {.type = VIRGA_MODEL_STRING,
                                                      .values = policy_scope_values};
static const char *const policy_usage_values[] = {"PermissionsPolicy", "PermissionsBoundary", NULL};
static const struct virga_model_shape policy_usage = {.type = VIRGA_MODEL_STRING,
                                                      .values = policy_usage_values};
static const struct virga_model_shape policy_version_id = {
    .type = VIRGA_MODEL_STRING, .pattern = "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"};
static const struct virga_model_shape role_description = {
    .type = VIRGA_MODEL_STRING,
    .max = 1000,
    .pattern = "[\\p{L}\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}]*",
    .matches = is_text};
static const struct virga_model_shape role_max_session_duration = {
    .type = VIRGA_MODEL_INTEGER, .min = 3600, .max = 43200};
static const struct virga_model_shape role_name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 64, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape saml_metadata_document = {
    .type = VIRGA_MODEL_STRING, .min = 1000, .max = 10000000};
static const struct virga_model_shape saml_provider_name = {.type = VIRGA_MODEL_STRING,
                                                            .min = 1,
                                                            .max = 128,
                                                            .pattern = "[\\w._-]+",
                                                            .matches = is_provider_name};
static const struct virga_model_shape service_name = {.type = VIRGA_MODEL_STRING};
static const char *const status_values[] = {"Active", "Inactive", NULL};
static const struct virga_model_shape status = {.type = VIRGA_MODEL_STRING,
                                                .values = status_values};
static const struct virga_model_shape tag_key = {.type = VIRGA_MODEL_STRING,
                                                 .min = 1,
                                                 .max = 128,
                                                 .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
                                                 .matches = is_tag};
static const struct virga_model_shape tag_value = {.type = VIRGA_MODEL_STRING,
                                                   .max = 256,
                                                   .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*",
                                                   .matches = is_tag};
static const struct virga_model_shape thumbprint = {
    .type = VIRGA_MODEL_STRING, .min = 40, .max = 40};
static const struct virga_model_shape user_name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 64, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape client_id_list = {.type = VIRGA_MODEL_LIST,
                                                        .element = &client_id};
static const struct virga_model_shape entity_list = {.type = VIRGA_MODEL_LIST, .element = &entity};
static const struct virga_model_shape tag_key_list = {
    .type = VIRGA_MODEL_LIST, .max = 50, .element = &tag_key};
static const struct virga_model_member tag_members[] = {REQUIRED("Key", "key", tag_key),
                                                        REQUIRED("Value", "value", tag_value), END};
static const struct virga_model_shape tag = {.type = VIRGA_MODEL_STRUCTURE, .members = tag_members};
static const struct virga_model_shape tag_list = {
    .type = VIRGA_MODEL_LIST, .max = 50, .element = &tag};
static const struct virga_model_shape thumbprint_list = {.type = VIRGA_MODEL_LIST,
                                                         .element = &thumbprint};

/* Members that many inputs have. */
#define M_OIDC_PROVIDER_ARN REQUIRED("OpenIDConnectProviderArn", "openIDConnectProviderArn", arn)
#define M_INSTANCE_PROFILE_NAME                                                                    \
    REQUIRED("InstanceProfileName", "instanceProfileName", instance_profile_name)
#define M_ROLE_NAME REQUIRED("RoleName", "roleName", role_name)
#define M_GROUP_NAME REQUIRED("GroupName", "groupName", group_name)
#define M_USER_NAME REQUIRED("UserName", "userName", existing_user_name)
#define M_POLICY_ARN REQUIRED("PolicyArn", "policyArn", arn)
#define M_NEW_USER_NAME REQUIRED("UserName", "userName", user_name)
#define M_USER_NAME_MAYBE MEMBER("UserName", "userName", existing_user_name)
#define M_PATH_MAYBE MEMBER("Path", "path", path)
#define M_TAGS_MAYBE MEMBER("Tags", "tags", tag_list)
#define M_POLICY_NAME REQUIRED("PolicyName", "policyName", policy_name)
#define M_POLICY_DOCUMENT REQUIRED("PolicyDocument", "policyDocument", policy_document)
#define M_DESCRIPTION_MAYBE MEMBER("Description", "description", role_description)
#define M_ACCESS_KEY_ID REQUIRED("AccessKeyId", "accessKeyId", access_key_id)
#define M_SAML_PROVIDER_ARN REQUIRED("SAMLProviderArn", "sAMLProviderArn", arn)
#define M_PATH_PREFIX_MAYBE MEMBER("PathPrefix", "pathPrefix", policy_path)
#define M_TAGS REQUIRED("Tags", "tags", tag_list)
#define M_TAG_KEYS REQUIRED("TagKeys", "tagKeys", tag_key_list)
#define M_PAGE MEMBER("Marker", "marker", marker), MEMBER("MaxItems", "maxItems", max_items)

#define INPUT(name, ...)                                                                           \
    static const struct virga_model_member name##_members[] = {__VA_ARGS__, END};                  \
    const struct virga_model_shape model_##name = {.type = VIRGA_MODEL_STRUCTURE,                  \
                                                   .members = name##_members}

INPUT(add_client_id_to_oidc_provider, M_OIDC_PROVIDER_ARN,
      REQUIRED("ClientID", "clientID", client_id));
INPUT(add_role_to_instance_profile, M_INSTANCE_PROFILE_NAME, M_ROLE_NAME);
INPUT(add_user_to_group, M_GROUP_NAME, M_USER_NAME);
INPUT(attach_group_policy, M_GROUP_NAME, M_POLICY_ARN);
INPUT(attach_role_policy, M_ROLE_NAME, M_POLICY_ARN);
INPUT(attach_user_policy, M_NEW_USER_NAME, M_POLICY_ARN);
INPUT(user_name_maybe, M_USER_NAME_MAYBE);
INPUT(account_alias, REQUIRED("AccountAlias", "accountAlias", account_alias));
INPUT(create_group, M_PATH_MAYBE, M_GROUP_NAME);
INPUT(create_instance_profile, M_INSTANCE_PROFILE_NAME, M_PATH_MAYBE, M_TAGS_MAYBE);
INPUT(create_login_profile, M_NEW_USER_NAME, REQUIRED("Password", "password", password),
      MEMBER("PasswordResetRequired", "passwordResetRequired", boolean));
INPUT(create_oidc_provider, REQUIRED("Url", "url", oidc_provider_url),
      MEMBER("ClientIDList", "clientIDList", client_id_list),
      REQUIRED("ThumbprintList", "thumbprintList", thumbprint_list), M_TAGS_MAYBE);
INPUT(create_policy, M_POLICY_NAME, MEMBER("Path", "path", policy_path), M_POLICY_DOCUMENT,
      MEMBER("Description", "description", policy_description), M_TAGS_MAYBE);
INPUT(create_policy_version, M_POLICY_ARN, M_POLICY_DOCUMENT,
      MEMBER("SetAsDefault", "setAsDefault", boolean));
INPUT(create_role, M_PATH_MAYBE, M_ROLE_NAME,
      REQUIRED("AssumeRolePolicyDocument", "assumeRolePolicyDocument", policy_document),
      M_DESCRIPTION_MAYBE,
      MEMBER("MaxSessionDuration", "maxSessionDuration", role_max_session_duration),
      MEMBER("PermissionsBoundary", "permissionsBoundary", arn), M_TAGS_MAYBE);
INPUT(create_saml_provider,
      REQUIRED("SAMLMetadataDocument", "sAMLMetadataDocument", saml_metadata_document),
      REQUIRED("Name", "name", saml_provider_name), M_TAGS_MAYBE);
INPUT(create_service_linked_role, REQUIRED("AWSServiceName", "aWSServiceName", group_name),
      M_DESCRIPTION_MAYBE, MEMBER("CustomSuffix", "customSuffix", custom_suffix));
INPUT(create_user, M_PATH_MAYBE, M_NEW_USER_NAME,
      MEMBER("PermissionsBoundary", "permissionsBoundary", arn), M_TAGS_MAYBE);
INPUT(delete_access_key, M_USER_NAME_MAYBE, M_ACCESS_KEY_ID);
static const struct virga_model_member no_members[] = {END};
const struct virga_model_shape model_nothing = {.type = VIRGA_MODEL_STRUCTURE,
                                                .members = no_members};
INPUT(group_name, M_GROUP_NAME);
INPUT(group_policy, M_GROUP_NAME, M_POLICY_NAME);
INPUT(instance_profile_name, M_INSTANCE_PROFILE_NAME);
INPUT(user_name, M_NEW_USER_NAME);
INPUT(oidc_provider_arn, M_OIDC_PROVIDER_ARN);
INPUT(policy_arn, M_POLICY_ARN);
INPUT(policy_version, M_POLICY_ARN, REQUIRED("VersionId", "versionId", policy_version_id));
INPUT(role_name, M_ROLE_NAME);
INPUT(role_policy, M_ROLE_NAME, M_POLICY_NAME);
INPUT(saml_provider_arn, M_SAML_PROVIDER_ARN);
INPUT(delete_user, M_USER_NAME);
INPUT(user_policy, M_USER_NAME, M_POLICY_NAME);
INPUT(access_key_id, M_ACCESS_KEY_ID);
INPUT(get_account_authorization_details, MEMBER("Filter", "filter", entity_list), M_PAGE);
INPUT(list_of_group, M_GROUP_NAME, M_PAGE);
INPUT(deletion_task_id, REQUIRED("DeletionTaskId", "deletionTaskId", deletion_task_id));
INPUT(list_of_user_maybe, M_USER_NAME_MAYBE, M_PAGE);
INPUT(list_account_aliases, M_PAGE);
INPUT(list_attached_group_policies, M_GROUP_NAME, M_PATH_PREFIX_MAYBE, M_PAGE);
INPUT(list_attached_role_policies, M_ROLE_NAME, M_PATH_PREFIX_MAYBE, M_PAGE);
INPUT(list_attached_user_policies, M_NEW_USER_NAME, M_PATH_PREFIX_MAYBE, M_PAGE);
INPUT(list_entities_for_policy, M_POLICY_ARN, MEMBER("EntityFilter", "entityFilter", entity),
      MEMBER("PathPrefix", "pathPrefix", path),
      MEMBER("PolicyUsageFilter", "policyUsageFilter", policy_usage), M_PAGE);
INPUT(list_by_path, MEMBER("PathPrefix", "pathPrefix", path_prefix), M_PAGE);
INPUT(list_of_user, M_USER_NAME, M_PAGE);
INPUT(list_instance_profile_tags, M_INSTANCE_PROFILE_NAME, M_PAGE);
INPUT(list_of_role, M_ROLE_NAME, M_PAGE);
INPUT(list_oidc_provider_tags, M_OIDC_PROVIDER_ARN, M_PAGE);
INPUT(list_policies, MEMBER("Scope", "scope", policy_scope),
      MEMBER("OnlyAttached", "onlyAttached", boolean), M_PATH_PREFIX_MAYBE,
      MEMBER("PolicyUsageFilter", "policyUsageFilter", policy_usage), M_PAGE);
INPUT(list_of_policy, M_POLICY_ARN, M_PAGE);
INPUT(list_saml_provider_tags, M_SAML_PROVIDER_ARN, M_PAGE);
INPUT(list_ssh_public_keys, MEMBER("UserName", "userName", user_name), M_PAGE);
INPUT(list_service_specific_credentials, MEMBER("UserName", "userName", user_name),
      MEMBER("ServiceName", "serviceName", service_name));
INPUT(list_virtual_mfa_devices, MEMBER("AssignmentStatus", "assignmentStatus", assignment_status),
      M_PAGE);
INPUT(put_group_policy, M_GROUP_NAME, M_POLICY_NAME, M_POLICY_DOCUMENT);
INPUT(put_role_permissions_boundary, M_ROLE_NAME,
      REQUIRED("PermissionsBoundary", "permissionsBoundary", arn));
INPUT(put_role_policy, M_ROLE_NAME, M_POLICY_NAME, M_POLICY_DOCUMENT);
INPUT(put_user_permissions_boundary, M_NEW_USER_NAME,
      REQUIRED("PermissionsBoundary", "permissionsBoundary", arn));
INPUT(put_user_policy, M_USER_NAME, M_POLICY_NAME, M_POLICY_DOCUMENT);
INPUT(tag_instance_profile, M_INSTANCE_PROFILE_NAME, M_TAGS);
INPUT(tag_oidc_provider, M_OIDC_PROVIDER_ARN, M_TAGS);
INPUT(tag_policy, M_POLICY_ARN, M_TAGS);
INPUT(tag_role, M_ROLE_NAME, M_TAGS);
INPUT(tag_saml_provider, M_SAML_PROVIDER_ARN, M_TAGS);
INPUT(tag_user, M_USER_NAME, M_TAGS);
INPUT(untag_instance_profile, M_INSTANCE_PROFILE_NAME, M_TAG_KEYS);
INPUT(untag_oidc_provider, M_OIDC_PROVIDER_ARN, M_TAG_KEYS);
INPUT(untag_policy, M_POLICY_ARN, M_TAG_KEYS);
INPUT(untag_role, M_ROLE_NAME, M_TAG_KEYS);
INPUT(untag_saml_provider, M_SAML_PROVIDER_ARN, M_TAG_KEYS);
INPUT(untag_user, M_USER_NAME, M_TAG_KEYS);
INPUT(update_access_key, M_USER_NAME_MAYBE, M_ACCESS_KEY_ID, REQUIRED("Status", "status", status));
INPUT(update_account_password_policy,
      MEMBER("MinimumPasswordLength", "minimumPasswordLength", minimum_password_length),
      MEMBER("RequireSymbols", "requireSymbols", boolean),
      MEMBER("RequireNumbers", "requireNumbers", boolean),
      MEMBER("RequireUppercaseCharacters", "requireUppercaseCharacters", boolean),
      MEMBER("RequireLowercaseCharacters", "requireLowercaseCharacters", boolean),
      MEMBER("AllowUsersToChangePassword", "allowUsersToChangePassword", boolean),
      MEMBER("MaxPasswordAge", "maxPasswordAge", max_password_age),
      MEMBER("PasswordReusePrevention", "passwordReusePrevention", password_reuse_prevention),
      MEMBER("HardExpiry", "hardExpiry", boolean));
INPUT(update_assume_role_policy, M_ROLE_NAME, M_POLICY_DOCUMENT);
INPUT(update_group, M_GROUP_NAME, MEMBER("NewPath", "newPath", path),
      MEMBER("NewGroupName", "newGroupName", group_name));
INPUT(update_login_profile, M_NEW_USER_NAME, MEMBER("Password", "password", password),
      MEMBER("PasswordResetRequired", "passwordResetRequired", boolean));
INPUT(update_oidc_provider_thumbprint, M_OIDC_PROVIDER_ARN,
      REQUIRED("ThumbprintList", "thumbprintList", thumbprint_list));
INPUT(update_role, M_ROLE_NAME, M_DESCRIPTION_MAYBE,
      MEMBER("MaxSessionDuration", "maxSessionDuration", role_max_session_duration));
INPUT(update_role_description, M_ROLE_NAME,
      REQUIRED("Description", "description", role_description));
INPUT(update_saml_provider,
      REQUIRED("SAMLMetadataDocument", "sAMLMetadataDocument", saml_metadata_document),
      M_SAML_PROVIDER_ARN);
INPUT(update_user, M_USER_NAME, MEMBER("NewPath", "newPath", path),
      MEMBER("NewUserName", "newUserName", user_name));
