/* SPDX-License-Identifier: MIT */
/* The control plane: AmazonEC2ContainerRegistry_V20150921.* */
#ifndef ECR_ACTIONS_H
#define ECR_ACTIONS_H

#include "call.h"
#include "ecr.h"

#include <virga/helpers/model.h>

/* action.flags */
#define ACTION_WRITES 0x1u     /* passes the write gate, so that it waits while gc runs */
#define ACTION_VALIDATION 0x2u /* answers a constraint of the model as ValidationException */

/* One operation of the API. */
struct action {
    const char *name;
    const struct virga_model_shape *input;
    void (*run)(struct call *call);
    unsigned flags;
};

/* Reads the paging key, or makes it. Errors: -EIO, -ENOMEM. */
int actions_create(struct ecr *ecr, struct actions **ret_actions);
/* Ends the calls that still wait for the gate; those at the registry end with it. */
void actions_stop(struct actions *actions);
/* No call may be under way. NULL is fine. */
void actions_destroy(struct actions *actions);

/* Answers one control-plane request: checks its body by the model's table and calls the action. The
 * first one also has the registry started, without waiting for it. */
void actions_handle(struct ecr *ecr, struct virga_request *req);

/* Between actions.c and call.c: takes a call off the list and frees what it holds but the request.
 */
void actions_end_call(struct call *call);
const struct virga_page_key *actions_page_key(const struct ecr *ecr);

/* auth.c */
void action_get_authorization_token(struct call *call);
/* repository.c */
void action_create_repository(struct call *call);
void action_describe_repositories(struct call *call);
void action_delete_repository(struct call *call);
void action_put_image_tag_mutability(struct call *call);
void action_put_image_scanning_configuration(struct call *call);
/* resource_tags.c */
void action_tag_resource(struct call *call);
void action_untag_resource(struct call *call);
void action_list_tags_for_resource(struct call *call);
/* images.c */
void action_list_images(struct call *call);
void action_describe_images(struct call *call);
/* image_get.c */
void action_batch_get_image(struct call *call);
/* image_delete.c */
void action_batch_delete_image(struct call *call);
/* policy.c */
void action_set_repository_policy(struct call *call);
void action_get_repository_policy(struct call *call);
void action_delete_repository_policy(struct call *call);
/* lifecycle.c */
void action_put_lifecycle_policy(struct call *call);
void action_get_lifecycle_policy(struct call *call);
void action_delete_lifecycle_policy(struct call *call);
/* layer_upload.c */
void action_initiate_layer_upload(struct call *call);
void action_upload_layer_part(struct call *call);
/* layer_complete.c */
void action_complete_layer_upload(struct call *call);
/* layer_get.c */
void action_batch_check_layer_availability(struct call *call);
void action_get_download_url_for_layer(struct call *call);
/* image_put.c */
void action_put_image(struct call *call);
/* referrers.c */
void action_list_image_referrers(struct call *call);
/* account_setting.c */
void action_get_account_setting(struct call *call);
void action_put_account_setting(struct call *call);
/* registry_policy.c */
void action_put_registry_policy(struct call *call);
void action_get_registry_policy(struct call *call);
void action_delete_registry_policy(struct call *call);
/* lifecycle_preview.c */
void action_start_lifecycle_policy_preview(struct call *call);
void action_get_lifecycle_policy_preview(struct call *call);
/* storage_class.c */
void action_update_image_storage_class(struct call *call);
/* cache_rule.c */
void action_create_pull_through_cache_rule(struct call *call);
void action_describe_pull_through_cache_rules(struct call *call);
void action_update_pull_through_cache_rule(struct call *call);
void action_delete_pull_through_cache_rule(struct call *call);
/* cache_validate.c */
void action_validate_pull_through_cache_rule(struct call *call);
/* template.c */
void action_create_repository_creation_template(struct call *call);
void action_update_repository_creation_template(struct call *call);
void action_delete_repository_creation_template(struct call *call);
void action_describe_repository_creation_templates(struct call *call);
/* replication.c */
void action_put_replication_configuration(struct call *call);
void action_describe_registry(struct call *call);
void action_describe_image_replication_status(struct call *call);
/* scan.c */
void action_start_image_scan(struct call *call);
void action_describe_image_scan_findings(struct call *call);
/* scan_config.c */
void action_put_registry_scanning_configuration(struct call *call);
void action_get_registry_scanning_configuration(struct call *call);
void action_batch_get_repository_scanning_configuration(struct call *call);
/* signing.c */
void action_put_signing_configuration(struct call *call);
void action_get_signing_configuration(struct call *call);
void action_delete_signing_configuration(struct call *call);
void action_describe_image_signing_status(struct call *call);
/* pull_time.c */
void action_register_pull_time_update_exclusion(struct call *call);
void action_deregister_pull_time_update_exclusion(struct call *call);
void action_list_pull_time_update_exclusions(struct call *call);

#endif
