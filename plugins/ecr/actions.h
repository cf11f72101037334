/* SPDX-License-Identifier: MIT */
/* The control plane: AmazonEC2ContainerRegistry_V20150921.* */
#ifndef ECR_ACTIONS_H
#define ECR_ACTIONS_H

#include "call.h"
#include "ecr.h"

#include <virga/helpers/model.h>

/* action.flags */
#define ACTION_WRITES 0x1u /* passes the write gate, so that it waits while gc runs */

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

#endif
