/* SPDX-License-Identifier: MIT */
/* The actions. Each answers its call, and those of several kinds go by call->kind. */
#ifndef IAM_ACTIONS_H
#define IAM_ACTIONS_H

#include "iam.h"

/* The plugin's handle(). */
void actions_handle(void *self, struct virga_request *req);

void action_add_client_id(struct call *call);
void action_add_role_to_instance_profile(struct call *call);
void action_add_user_to_group(struct call *call);
void action_attach_policy(struct call *call);
void action_create_access_key(struct call *call);
void action_create_account_alias(struct call *call);
void action_create_group(struct call *call);
void action_create_instance_profile(struct call *call);
void action_create_login_profile(struct call *call);
void action_create_oidc_provider(struct call *call);
void action_create_policy(struct call *call);
void action_create_policy_version(struct call *call);
void action_create_role(struct call *call);
void action_create_saml_provider(struct call *call);
void action_create_service_linked_role(struct call *call);
void action_create_user(struct call *call);
void action_delete_access_key(struct call *call);
void action_delete_account_alias(struct call *call);
void action_delete_boundary(struct call *call);
void action_delete_group(struct call *call);
void action_delete_inline_policy(struct call *call);
void action_delete_instance_profile(struct call *call);
void action_delete_login_profile(struct call *call);
void action_delete_password_policy(struct call *call);
void action_delete_policy(struct call *call);
void action_delete_policy_version(struct call *call);
void action_delete_provider(struct call *call);
void action_delete_role(struct call *call);
void action_delete_service_linked_role(struct call *call);
void action_delete_user(struct call *call);
void action_detach_policy(struct call *call);
void action_get_access_key_last_used(struct call *call);
void action_get_account_authorization_details(struct call *call);
void action_get_account_summary(struct call *call);
void action_get_entity(struct call *call);
void action_get_group(struct call *call);
void action_get_inline_policy(struct call *call);
void action_get_login_profile(struct call *call);
void action_get_oidc_provider(struct call *call);
void action_get_password_policy(struct call *call);
void action_get_policy(struct call *call);
void action_get_policy_version(struct call *call);
void action_get_saml_provider(struct call *call);
void action_get_service_linked_role_deletion_status(struct call *call);
void action_get_user(struct call *call);
void action_list_access_keys(struct call *call);
void action_list_account_aliases(struct call *call);
void action_list_attached_policies(struct call *call);
void action_list_entities(struct call *call);
void action_list_entities_for_policy(struct call *call);
void action_list_groups_for_user(struct call *call);
void action_list_inline_policies(struct call *call);
void action_list_instance_profiles_for_role(struct call *call);
void action_list_nothing(struct call *call);
void action_list_policies(struct call *call);
void action_list_policy_versions(struct call *call);
void action_list_providers(struct call *call);
void action_list_tags(struct call *call);
void action_put_boundary(struct call *call);
void action_put_inline_policy(struct call *call);
void action_remove_client_id(struct call *call);
void action_remove_role_from_instance_profile(struct call *call);
void action_remove_user_from_group(struct call *call);
void action_set_default_policy_version(struct call *call);
void action_tag(struct call *call);
void action_untag(struct call *call);
void action_update_access_key(struct call *call);
void action_update_assume_role_policy(struct call *call);
void action_update_group(struct call *call);
void action_update_login_profile(struct call *call);
void action_update_password_policy(struct call *call);
void action_update_role(struct call *call);
void action_update_role_description(struct call *call);
void action_update_saml_provider(struct call *call);
void action_update_thumbprints(struct call *call);
void action_update_user(struct call *call);

#endif
