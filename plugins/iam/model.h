/* SPDX-License-Identifier: MIT */
/* The inputs of the actions, as the API model describes them. */
#ifndef IAM_MODEL_H
#define IAM_MODEL_H

#include <virga/helpers/model.h>

/* How the model shows the pattern of names, paths and documents: IAM words their faults by hand. */
#define NAME_PATTERN "[\\w+=,.@-]+"
#define PATH_PATTERN "(\\u002F)|(\\u002F[\\u0021-\\u007F]+\\u002F)"
#define LATIN_PATTERN "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"

extern const struct virga_model_shape model_access_key_id;
extern const struct virga_model_shape model_account_alias;
extern const struct virga_model_shape model_add_client_id_to_oidc_provider;
extern const struct virga_model_shape model_add_role_to_instance_profile;
extern const struct virga_model_shape model_add_user_to_group;
extern const struct virga_model_shape model_attach_group_policy;
extern const struct virga_model_shape model_attach_role_policy;
extern const struct virga_model_shape model_attach_user_policy;
extern const struct virga_model_shape model_create_group;
extern const struct virga_model_shape model_create_instance_profile;
extern const struct virga_model_shape model_create_login_profile;
extern const struct virga_model_shape model_create_oidc_provider;
extern const struct virga_model_shape model_create_policy;
extern const struct virga_model_shape model_create_policy_version;
extern const struct virga_model_shape model_create_role;
extern const struct virga_model_shape model_create_saml_provider;
extern const struct virga_model_shape model_create_service_linked_role;
extern const struct virga_model_shape model_create_user;
extern const struct virga_model_shape model_delete_access_key;
extern const struct virga_model_shape model_delete_user;
extern const struct virga_model_shape model_deletion_task_id;
extern const struct virga_model_shape model_get_account_authorization_details;
extern const struct virga_model_shape model_group_name;
extern const struct virga_model_shape model_group_policy;
extern const struct virga_model_shape model_instance_profile_name;
extern const struct virga_model_shape model_list_account_aliases;
extern const struct virga_model_shape model_list_attached_group_policies;
extern const struct virga_model_shape model_list_attached_role_policies;
extern const struct virga_model_shape model_list_attached_user_policies;
extern const struct virga_model_shape model_list_by_path;
extern const struct virga_model_shape model_list_entities_for_policy;
extern const struct virga_model_shape model_list_instance_profile_tags;
extern const struct virga_model_shape model_list_of_group;
extern const struct virga_model_shape model_list_of_policy;
extern const struct virga_model_shape model_list_of_role;
extern const struct virga_model_shape model_list_of_user;
extern const struct virga_model_shape model_list_of_user_maybe;
extern const struct virga_model_shape model_list_oidc_provider_tags;
extern const struct virga_model_shape model_list_policies;
extern const struct virga_model_shape model_list_saml_provider_tags;
extern const struct virga_model_shape model_list_service_specific_credentials;
extern const struct virga_model_shape model_list_ssh_public_keys;
extern const struct virga_model_shape model_list_virtual_mfa_devices;
extern const struct virga_model_shape model_nothing;
extern const struct virga_model_shape model_oidc_provider_arn;
extern const struct virga_model_shape model_policy_arn;
extern const struct virga_model_shape model_policy_version;
extern const struct virga_model_shape model_put_group_policy;
extern const struct virga_model_shape model_put_role_permissions_boundary;
extern const struct virga_model_shape model_put_role_policy;
extern const struct virga_model_shape model_put_user_permissions_boundary;
extern const struct virga_model_shape model_put_user_policy;
extern const struct virga_model_shape model_role_name;
extern const struct virga_model_shape model_role_policy;
extern const struct virga_model_shape model_saml_provider_arn;
extern const struct virga_model_shape model_tag_instance_profile;
extern const struct virga_model_shape model_tag_oidc_provider;
extern const struct virga_model_shape model_tag_policy;
extern const struct virga_model_shape model_tag_role;
extern const struct virga_model_shape model_tag_saml_provider;
extern const struct virga_model_shape model_tag_user;
extern const struct virga_model_shape model_untag_instance_profile;
extern const struct virga_model_shape model_untag_oidc_provider;
extern const struct virga_model_shape model_untag_policy;
extern const struct virga_model_shape model_untag_role;
extern const struct virga_model_shape model_untag_saml_provider;
extern const struct virga_model_shape model_untag_user;
extern const struct virga_model_shape model_update_access_key;
extern const struct virga_model_shape model_update_account_password_policy;
extern const struct virga_model_shape model_update_assume_role_policy;
extern const struct virga_model_shape model_update_group;
extern const struct virga_model_shape model_update_login_profile;
extern const struct virga_model_shape model_update_oidc_provider_thumbprint;
extern const struct virga_model_shape model_update_role;
extern const struct virga_model_shape model_update_role_description;
extern const struct virga_model_shape model_update_saml_provider;
extern const struct virga_model_shape model_update_user;
extern const struct virga_model_shape model_user_name;
extern const struct virga_model_shape model_user_name_maybe;
extern const struct virga_model_shape model_user_policy;

#endif
