/* SPDX-License-Identifier: MIT */
/* The table of actions, and the way of a request to one. */
#include "actions.h"

#include "kind.h"
#include "model.h"

#include <errno.h>
#include <stdlib.h>

struct action {
    const char *name;
    const struct virga_model_shape *input;
    const struct kind *kind; /* what it is about */
    void (*run)(struct call *call);
};

/* In the order of their names. */
static const struct action actions[] = {
    {"AddClientIDToOpenIDConnectProvider", &model_add_client_id_to_oidc_provider, &kind_oidc,
     action_add_client_id},
    {"AddRoleToInstanceProfile", &model_add_role_to_instance_profile, &kind_profile,
     action_add_role_to_instance_profile},
    {"AddUserToGroup", &model_add_user_to_group, &kind_group, action_add_user_to_group},
    {"AttachGroupPolicy", &model_attach_group_policy, &kind_group, action_attach_policy},
    {"AttachRolePolicy", &model_attach_role_policy, &kind_role, action_attach_policy},
    {"AttachUserPolicy", &model_attach_user_policy, &kind_user, action_attach_policy},
    {"CreateAccessKey", &model_user_name_maybe, NULL, action_create_access_key},
    {"CreateAccountAlias", &model_account_alias, NULL, action_create_account_alias},
    {"CreateGroup", &model_create_group, &kind_group, action_create_group},
    {"CreateInstanceProfile", &model_create_instance_profile, &kind_profile,
     action_create_instance_profile},
    {"CreateLoginProfile", &model_create_login_profile, &kind_user, action_create_login_profile},
    {"CreateOpenIDConnectProvider", &model_create_oidc_provider, &kind_oidc,
     action_create_oidc_provider},
    {"CreatePolicy", &model_create_policy, &kind_policy, action_create_policy},
    {"CreatePolicyVersion", &model_create_policy_version, &kind_policy,
     action_create_policy_version},
    {"CreateRole", &model_create_role, &kind_role, action_create_role},
    {"CreateSAMLProvider", &model_create_saml_provider, &kind_saml, action_create_saml_provider},
    {"CreateServiceLinkedRole", &model_create_service_linked_role, &kind_role,
     action_create_service_linked_role},
    {"CreateUser", &model_create_user, &kind_user, action_create_user},
    {"DeleteAccessKey", &model_delete_access_key, NULL, action_delete_access_key},
    {"DeleteAccountAlias", &model_account_alias, NULL, action_delete_account_alias},
    {"DeleteAccountPasswordPolicy", &model_nothing, NULL, action_delete_password_policy},
    {"DeleteGroup", &model_group_name, &kind_group, action_delete_group},
    {"DeleteGroupPolicy", &model_group_policy, &kind_group, action_delete_inline_policy},
    {"DeleteInstanceProfile", &model_instance_profile_name, &kind_profile,
     action_delete_instance_profile},
    {"DeleteLoginProfile", &model_user_name, &kind_user, action_delete_login_profile},
    {"DeleteOpenIDConnectProvider", &model_oidc_provider_arn, &kind_oidc, action_delete_provider},
    {"DeletePolicy", &model_policy_arn, &kind_policy, action_delete_policy},
    {"DeletePolicyVersion", &model_policy_version, &kind_policy, action_delete_policy_version},
    {"DeleteRole", &model_role_name, &kind_role, action_delete_role},
    {"DeleteRolePermissionsBoundary", &model_role_name, &kind_role, action_delete_boundary},
    {"DeleteRolePolicy", &model_role_policy, &kind_role, action_delete_inline_policy},
    {"DeleteSAMLProvider", &model_saml_provider_arn, &kind_saml, action_delete_provider},
    {"DeleteServiceLinkedRole", &model_role_name, &kind_role, action_delete_service_linked_role},
    {"DeleteUser", &model_delete_user, &kind_user, action_delete_user},
    {"DeleteUserPermissionsBoundary", &model_user_name, &kind_user, action_delete_boundary},
    {"DeleteUserPolicy", &model_user_policy, &kind_user, action_delete_inline_policy},
    {"DetachGroupPolicy", &model_attach_group_policy, &kind_group, action_detach_policy},
    {"DetachRolePolicy", &model_attach_role_policy, &kind_role, action_detach_policy},
    {"DetachUserPolicy", &model_attach_user_policy, &kind_user, action_detach_policy},
    {"GetAccessKeyLastUsed", &model_access_key_id, NULL, action_get_access_key_last_used},
    {"GetAccountAuthorizationDetails", &model_get_account_authorization_details, NULL,
     action_get_account_authorization_details},
    {"GetAccountPasswordPolicy", &model_nothing, NULL, action_get_password_policy},
    {"GetAccountSummary", &model_nothing, NULL, action_get_account_summary},
    {"GetGroup", &model_list_of_group, &kind_group, action_get_group},
    {"GetGroupPolicy", &model_group_policy, &kind_group, action_get_inline_policy},
    {"GetInstanceProfile", &model_instance_profile_name, &kind_profile, action_get_entity},
    {"GetLoginProfile", &model_user_name, &kind_user, action_get_login_profile},
    {"GetOpenIDConnectProvider", &model_oidc_provider_arn, &kind_oidc, action_get_oidc_provider},
    {"GetPolicy", &model_policy_arn, &kind_policy, action_get_policy},
    {"GetPolicyVersion", &model_policy_version, &kind_policy, action_get_policy_version},
    {"GetRole", &model_role_name, &kind_role, action_get_entity},
    {"GetRolePolicy", &model_role_policy, &kind_role, action_get_inline_policy},
    {"GetSAMLProvider", &model_saml_provider_arn, &kind_saml, action_get_saml_provider},
    {"GetServiceLinkedRoleDeletionStatus", &model_deletion_task_id, NULL,
     action_get_service_linked_role_deletion_status},
    {"GetUser", &model_user_name_maybe, &kind_user, action_get_user},
    {"GetUserPolicy", &model_user_policy, &kind_user, action_get_inline_policy},
    {"ListAccessKeys", &model_list_of_user_maybe, NULL, action_list_access_keys},
    {"ListAccountAliases", &model_list_account_aliases, NULL, action_list_account_aliases},
    {"ListAttachedGroupPolicies", &model_list_attached_group_policies, &kind_group,
     action_list_attached_policies},
    {"ListAttachedRolePolicies", &model_list_attached_role_policies, &kind_role,
     action_list_attached_policies},
    {"ListAttachedUserPolicies", &model_list_attached_user_policies, &kind_user,
     action_list_attached_policies},
    {"ListEntitiesForPolicy", &model_list_entities_for_policy, &kind_policy,
     action_list_entities_for_policy},
    {"ListGroupPolicies", &model_list_of_group, &kind_group, action_list_inline_policies},
    {"ListGroups", &model_list_by_path, &kind_group, action_list_entities},
    {"ListGroupsForUser", &model_list_of_user, &kind_user, action_list_groups_for_user},
    {"ListInstanceProfileTags", &model_list_instance_profile_tags, &kind_profile, action_list_tags},
    {"ListInstanceProfiles", &model_list_by_path, &kind_profile, action_list_entities},
    {"ListInstanceProfilesForRole", &model_list_of_role, &kind_role,
     action_list_instance_profiles_for_role},
    {"ListMFADevices", &model_list_of_user_maybe, NULL, action_list_nothing},
    {"ListOpenIDConnectProviderTags", &model_list_oidc_provider_tags, &kind_oidc, action_list_tags},
    {"ListOpenIDConnectProviders", &model_nothing, &kind_oidc, action_list_providers},
    {"ListPolicies", &model_list_policies, &kind_policy, action_list_policies},
    {"ListPolicyTags", &model_list_of_policy, &kind_policy, action_list_tags},
    {"ListPolicyVersions", &model_list_of_policy, &kind_policy, action_list_policy_versions},
    {"ListRolePolicies", &model_list_of_role, &kind_role, action_list_inline_policies},
    {"ListRoleTags", &model_list_of_role, &kind_role, action_list_tags},
    {"ListRoles", &model_list_by_path, &kind_role, action_list_entities},
    {"ListSAMLProviderTags", &model_list_saml_provider_tags, &kind_saml, action_list_tags},
    {"ListSAMLProviders", &model_nothing, &kind_saml, action_list_providers},
    {"ListSSHPublicKeys", &model_list_ssh_public_keys, NULL, action_list_nothing},
    {"ListServerCertificates", &model_list_by_path, NULL, action_list_nothing},
    {"ListServiceSpecificCredentials", &model_list_service_specific_credentials, NULL,
     action_list_nothing},
    {"ListSigningCertificates", &model_list_of_user_maybe, NULL, action_list_nothing},
    {"ListUserPolicies", &model_list_of_user, &kind_user, action_list_inline_policies},
    {"ListUserTags", &model_list_of_user, &kind_user, action_list_tags},
    {"ListUsers", &model_list_by_path, &kind_user, action_list_entities},
    {"ListVirtualMFADevices", &model_list_virtual_mfa_devices, NULL, action_list_nothing},
    {"PutGroupPolicy", &model_put_group_policy, &kind_group, action_put_inline_policy},
    {"PutRolePermissionsBoundary", &model_put_role_permissions_boundary, &kind_role,
     action_put_boundary},
    {"PutRolePolicy", &model_put_role_policy, &kind_role, action_put_inline_policy},
    {"PutUserPermissionsBoundary", &model_put_user_permissions_boundary, &kind_user,
     action_put_boundary},
    {"PutUserPolicy", &model_put_user_policy, &kind_user, action_put_inline_policy},
    {"RemoveClientIDFromOpenIDConnectProvider", &model_add_client_id_to_oidc_provider, &kind_oidc,
     action_remove_client_id},
    {"RemoveRoleFromInstanceProfile", &model_add_role_to_instance_profile, &kind_profile,
     action_remove_role_from_instance_profile},
    {"RemoveUserFromGroup", &model_add_user_to_group, &kind_group, action_remove_user_from_group},
    {"SetDefaultPolicyVersion", &model_policy_version, &kind_policy,
     action_set_default_policy_version},
    {"TagInstanceProfile", &model_tag_instance_profile, &kind_profile, action_tag},
    {"TagOpenIDConnectProvider", &model_tag_oidc_provider, &kind_oidc, action_tag},
    {"TagPolicy", &model_tag_policy, &kind_policy, action_tag},
    {"TagRole", &model_tag_role, &kind_role, action_tag},
    {"TagSAMLProvider", &model_tag_saml_provider, &kind_saml, action_tag},
    {"TagUser", &model_tag_user, &kind_user, action_tag},
    {"UntagInstanceProfile", &model_untag_instance_profile, &kind_profile, action_untag},
    {"UntagOpenIDConnectProvider", &model_untag_oidc_provider, &kind_oidc, action_untag},
    {"UntagPolicy", &model_untag_policy, &kind_policy, action_untag},
    {"UntagRole", &model_untag_role, &kind_role, action_untag},
    {"UntagSAMLProvider", &model_untag_saml_provider, &kind_saml, action_untag},
    {"UntagUser", &model_untag_user, &kind_user, action_untag},
    {"UpdateAccessKey", &model_update_access_key, NULL, action_update_access_key},
    {"UpdateAccountPasswordPolicy", &model_update_account_password_policy, NULL,
     action_update_password_policy},
    {"UpdateAssumeRolePolicy", &model_update_assume_role_policy, &kind_role,
     action_update_assume_role_policy},
    {"UpdateGroup", &model_update_group, &kind_group, action_update_group},
    {"UpdateLoginProfile", &model_update_login_profile, &kind_user, action_update_login_profile},
    {"UpdateOpenIDConnectProviderThumbprint", &model_update_oidc_provider_thumbprint, &kind_oidc,
     action_update_thumbprints},
    {"UpdateRole", &model_update_role, &kind_role, action_update_role},
    {"UpdateRoleDescription", &model_update_role_description, &kind_role,
     action_update_role_description},
    {"UpdateSAMLProvider", &model_update_saml_provider, &kind_saml, action_update_saml_provider},
    {"UpdateUser", &model_update_user, &kind_user, action_update_user},
};

static int compare(const void *key, const void *action) {
    const struct virga_str *name = key;
    const char *other = ((const struct action *)action)->name;
    size_t len = strlen(other);
    int order = memcmp(name->ptr, other, name->len < len ? name->len : len);
    return order != 0 ? order : (name->len > len) - (name->len < len);
}

/* IAM words the faults of names, paths and documents by hand; all others as every service does. */
static void fail_input(struct call *call, const struct virga_model_fault *fault) {
    static const char prefix[] = "Member must satisfy regular expression pattern: ";
    const char *pattern = strncmp(fault->constraint, prefix, strlen(prefix)) == 0
                              ? fault->constraint + strlen(prefix)
                              : "";
    char message[2048];
    if (strcmp(pattern, NAME_PATTERN) == 0) {
        call_fail(call, VALIDATION_ERROR,
                  "The specified value for %s is invalid. It must contain only alphanumeric "
                  "characters and/or the following: +=,.@_-",
                  fault->path);
    } else if (strcmp(pattern, PATH_PATTERN) == 0) {
        call_fail(call, VALIDATION_ERROR,
                  "The specified value for %s is invalid. It must begin and end with / and contain "
                  "only alphanumeric characters and/or / characters.",
                  fault->path);
    } else if (strcmp(pattern, LATIN_PATTERN) == 0) {
        call_fail(call, VALIDATION_ERROR,
                  "The specified value for %s is invalid. It must contain only printable ASCII "
                  "characters.",
                  fault->path);
    } else {
        virga_model_message_validation(fault, message, sizeof message);
        call_fail(call, VALIDATION_ERROR, "%s", message);
    }
}

/* Checks the input and runs the action on it. */
static void run(struct call *call, const struct action *action) {
    struct virga_model_fault fault;
    int result = virga_model_check(action->input, call->input, &fault);
    if (result == 0) {
        action->run(call);
    } else if (result != -EINVAL) {
        call_fail_internally(call, result);
    } else if (fault.kind == VIRGA_MODEL_FAULT_TYPE) {
        call_fail(call, MALFORMED_INPUT, "%s", fault.constraint);
    } else {
        fail_input(call, &fault);
    }
}

void actions_handle(void *self, struct virga_request *req) {
    struct call call = {.iam = self, .req = req};
    struct virga_query query;
    const struct action *action = bsearch(&req->action, actions, sizeof actions / sizeof actions[0],
                                          sizeof actions[0], compare);
    if (action == NULL) {
        call_fail(&call, INVALID_ACTION, "Could not find operation %.*s for version %s",
                  (int)req->action.len, req->action.ptr, IAM_VERSION);
        return;
    }
    call.action = action->name;
    call.kind = action->kind;
    int result = virga_query_parse(req, &query);
    if (result == 0) {
        result = virga_query_object(&query, action->input, &call.input);
    }
    if (result == -ENOMEM) {
        req->http->abort(req);
    } else if (result != 0) {
        call_fail(&call, MALFORMED_QUERY,
                  "The query string contains a syntax error, or too many parameters.");
    } else {
        run(&call, action);
    }
    json_object_put(call.input);
}
