/* SPDX-License-Identifier: MIT */
/* The way of a control-plane request: find the action, check the body, pass the gate, run it. */
#include "actions.h"

#include "authorize.h"
#include "backend.h"
#include "gate.h"
#include "model.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <virga/helpers/base64.h>

#define PAGE_KEY_FACT "page-key"
/* How long a registry that could not be started is left alone. */
#define REGISTRY_RETRY_MS 5000

struct actions {
    struct ecr *ecr;
    struct call *calls; /* under way */
    struct virga_page_key page_key;
    bool starting; /* the registry, for the first call */
    bool started;
    bool degraded;       /* said so by set_status() */
    int64_t retry_at_ms; /* not before */
};

/* In the order of bsearch(). */
static const struct action table[] = {
    {"BatchCheckLayerAvailability", &model_batch_check_layer_availability,
     action_batch_check_layer_availability, 0},
    {"BatchDeleteImage", &model_batch_delete_image, action_batch_delete_image, ACTION_WRITES},
    {"BatchGetImage", &model_batch_get_image, action_batch_get_image, 0},
    {"BatchGetRepositoryScanningConfiguration", &model_batch_get_repository_scanning_configuration,
     action_batch_get_repository_scanning_configuration, ACTION_VALIDATION},
    {"CompleteLayerUpload", &model_complete_layer_upload, action_complete_layer_upload,
     ACTION_WRITES},
    {"CreatePullThroughCacheRule", &model_create_pull_through_cache_rule,
     action_create_pull_through_cache_rule, ACTION_WRITES | ACTION_VALIDATION},
    {"CreateRepository", &model_create_repository, action_create_repository, ACTION_WRITES},
    {"CreateRepositoryCreationTemplate", &model_create_repository_creation_template,
     action_create_repository_creation_template, ACTION_WRITES | ACTION_VALIDATION},
    {"DeleteLifecyclePolicy", &model_delete_lifecycle_policy, action_delete_lifecycle_policy,
     ACTION_WRITES},
    {"DeletePullThroughCacheRule", &model_delete_pull_through_cache_rule,
     action_delete_pull_through_cache_rule, ACTION_WRITES | ACTION_VALIDATION},
    {"DeleteRegistryPolicy", &model_nothing, action_delete_registry_policy, ACTION_WRITES},
    {"DeleteRepository", &model_delete_repository, action_delete_repository, ACTION_WRITES},
    {"DeleteRepositoryCreationTemplate", &model_delete_repository_creation_template,
     action_delete_repository_creation_template, ACTION_WRITES | ACTION_VALIDATION},
    {"DeleteRepositoryPolicy", &model_delete_repository_policy, action_delete_repository_policy,
     ACTION_WRITES},
    {"DeleteSigningConfiguration", &model_nothing, action_delete_signing_configuration,
     ACTION_WRITES | ACTION_VALIDATION},
    {"DeregisterPullTimeUpdateExclusion", &model_deregister_pull_time_update_exclusion,
     action_deregister_pull_time_update_exclusion, ACTION_WRITES | ACTION_VALIDATION},
    {"DescribeImageReplicationStatus", &model_describe_image_replication_status,
     action_describe_image_replication_status, 0},
    {"DescribeImageScanFindings", &model_describe_image_scan_findings,
     action_describe_image_scan_findings, 0},
    {"DescribeImageSigningStatus", &model_describe_image_signing_status,
     action_describe_image_signing_status, ACTION_VALIDATION},
    {"DescribeImages", &model_describe_images, action_describe_images, 0},
    {"DescribePullThroughCacheRules", &model_describe_pull_through_cache_rules,
     action_describe_pull_through_cache_rules, ACTION_VALIDATION},
    {"DescribeRegistry", &model_nothing, action_describe_registry, 0},
    {"DescribeRepositories", &model_describe_repositories, action_describe_repositories, 0},
    {"DescribeRepositoryCreationTemplates", &model_describe_repository_creation_templates,
     action_describe_repository_creation_templates, ACTION_VALIDATION},
    {"GetAccountSetting", &model_get_account_setting, action_get_account_setting,
     ACTION_VALIDATION},
    {"GetAuthorizationToken", &model_get_authorization_token, action_get_authorization_token, 0},
    {"GetDownloadUrlForLayer", &model_get_download_url_for_layer, action_get_download_url_for_layer,
     0},
    {"GetLifecyclePolicy", &model_get_lifecycle_policy, action_get_lifecycle_policy, 0},
    {"GetLifecyclePolicyPreview", &model_get_lifecycle_policy_preview,
     action_get_lifecycle_policy_preview, 0},
    {"GetRegistryPolicy", &model_nothing, action_get_registry_policy, 0},
    {"GetRegistryScanningConfiguration", &model_nothing, action_get_registry_scanning_configuration,
     ACTION_VALIDATION},
    {"GetRepositoryPolicy", &model_get_repository_policy, action_get_repository_policy, 0},
    {"GetSigningConfiguration", &model_nothing, action_get_signing_configuration,
     ACTION_VALIDATION},
    {"InitiateLayerUpload", &model_initiate_layer_upload, action_initiate_layer_upload,
     ACTION_WRITES},
    {"ListImageReferrers", &model_list_image_referrers, action_list_image_referrers,
     ACTION_VALIDATION},
    {"ListImages", &model_list_images, action_list_images, 0},
    {"ListPullTimeUpdateExclusions", &model_list_pull_time_update_exclusions,
     action_list_pull_time_update_exclusions, ACTION_VALIDATION},
    {"ListTagsForResource", &model_list_tags_for_resource, action_list_tags_for_resource, 0},
    {"PutAccountSetting", &model_put_account_setting, action_put_account_setting,
     ACTION_WRITES | ACTION_VALIDATION},
    {"PutImage", &model_put_image, action_put_image, ACTION_WRITES},
    {"PutImageScanningConfiguration", &model_put_image_scanning_configuration,
     action_put_image_scanning_configuration, ACTION_WRITES},
    {"PutImageTagMutability", &model_put_image_tag_mutability, action_put_image_tag_mutability,
     ACTION_WRITES},
    {"PutLifecyclePolicy", &model_put_lifecycle_policy, action_put_lifecycle_policy, ACTION_WRITES},
    {"PutRegistryPolicy", &model_put_registry_policy, action_put_registry_policy, ACTION_WRITES},
    {"PutRegistryScanningConfiguration", &model_put_registry_scanning_configuration,
     action_put_registry_scanning_configuration, ACTION_WRITES | ACTION_VALIDATION},
    {"PutReplicationConfiguration", &model_put_replication_configuration,
     action_put_replication_configuration, ACTION_WRITES},
    {"PutSigningConfiguration", &model_put_signing_configuration, action_put_signing_configuration,
     ACTION_WRITES | ACTION_VALIDATION},
    {"RegisterPullTimeUpdateExclusion", &model_register_pull_time_update_exclusion,
     action_register_pull_time_update_exclusion, ACTION_WRITES | ACTION_VALIDATION},
    {"SetRepositoryPolicy", &model_set_repository_policy, action_set_repository_policy,
     ACTION_WRITES},
    {"StartImageScan", &model_start_image_scan, action_start_image_scan, ACTION_WRITES},
    {"StartLifecyclePolicyPreview", &model_start_lifecycle_policy_preview,
     action_start_lifecycle_policy_preview, ACTION_WRITES},
    {"TagResource", &model_tag_resource, action_tag_resource, ACTION_WRITES},
    {"UntagResource", &model_untag_resource, action_untag_resource, ACTION_WRITES},
    {"UpdateImageStorageClass", &model_update_image_storage_class,
     action_update_image_storage_class, ACTION_WRITES | ACTION_VALIDATION},
    {"UpdatePullThroughCacheRule", &model_update_pull_through_cache_rule,
     action_update_pull_through_cache_rule, ACTION_WRITES | ACTION_VALIDATION},
    {"UpdateRepositoryCreationTemplate", &model_update_repository_creation_template,
     action_update_repository_creation_template, ACTION_WRITES | ACTION_VALIDATION},
    {"UploadLayerPart", &model_upload_layer_part, action_upload_layer_part, ACTION_WRITES},
    {"ValidatePullThroughCacheRule", &model_validate_pull_through_cache_rule,
     action_validate_pull_through_cache_rule, ACTION_VALIDATION},
};

static int compare_name(const void *key, const void *element) {
    const struct virga_str *name = key;
    const struct action *action = element;
    size_t len = strlen(action->name);
    int order = memcmp(name->ptr, action->name, name->len < len ? name->len : len);
    return order != 0 ? order : (name->len > len) - (name->len < len);
}

static const struct action *find_action(struct virga_str name) {
    return name.len == 0 ? NULL
                         : bsearch(&name, table, sizeof table / sizeof table[0], sizeof table[0],
                                   compare_name);
}

/* Reads the key of the page tokens, or makes it: tokens outlive a restart. */
static int read_page_key(struct ecr *ecr, struct virga_page_key *ret_key) {
    char text[VIRGA_BASE64_SIZE(VIRGA_PAGE_KEY_SIZE)];
    char bytes[sizeof text];
    size_t len = 0;
    int result = meta_fact_get(ecr, PAGE_KEY_FACT, text, sizeof text);
    if (result == 0 && virga_base64_decode(virga_str_from(text), bytes, &len) == 0 &&
        len == sizeof ret_key->bytes) {
        memcpy(ret_key->bytes, bytes, len);
        return 0;
    }
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    if (getrandom(ret_key->bytes, sizeof ret_key->bytes, 0) != (ssize_t)sizeof ret_key->bytes) {
        return -EIO;
    }
    virga_base64_encode((struct virga_str){(const char *)ret_key->bytes, sizeof ret_key->bytes},
                        text);
    return meta_fact_put(ecr, PAGE_KEY_FACT, text);
}

int actions_create(struct ecr *ecr, struct actions **ret_actions) {
    struct actions *actions = calloc(1, sizeof *actions);
    if (actions == NULL) {
        return -ENOMEM;
    }
    actions->ecr = ecr;
    int result = read_page_key(ecr, &actions->page_key);
    if (result != 0) {
        free(actions);
        return result;
    }
    *ret_actions = actions;
    return 0;
}

void actions_stop(struct actions *actions) {
    struct call *next = NULL;
    for (struct call *call = actions->calls; call != NULL; call = next) {
        next = call->next;
        if (call->waits) {
            call_broken(call, "The call was not begun", -ECANCELED, "virga is being stopped");
        }
    }
}

void actions_destroy(struct actions *actions) {
    free(actions);
}

const struct virga_page_key *actions_page_key(const struct ecr *ecr) {
    return &ecr->actions->page_key;
}

/* --- the registry's lazy start --- */

static void on_registry(void *arg, int status, const char *reason) {
    struct actions *actions = arg;
    struct ecr *ecr = actions->ecr;
    char text[256];
    actions->starting = false;
    if (status == 0) {
        actions->started = true;
        if (actions->degraded) {
            actions->degraded = false;
            ecr->host->set_status(ecr->host, VIRGA_STATUS_RUNNING, NULL);
        }
        return;
    }
    if (status == -ECANCELED) {
        return;
    }
    actions->retry_at_ms = ecr->timer->now_ms(ecr->host) + REGISTRY_RETRY_MS;
    actions->degraded = true;
    (void)snprintf(text, sizeof text,
                   "no registry, so that images can be neither pushed nor pulled: %s", reason);
    ecr->host->set_status(ecr->host, VIRGA_STATUS_DEGRADED, text);
}

/* Has the registry started by the first call, in the background: the control plane goes on without
 * one. */
static void start_registry(struct actions *actions) {
    struct ecr *ecr = actions->ecr;
    if (actions->started || actions->starting ||
        ecr->timer->now_ms(ecr->host) < actions->retry_at_ms) {
        return;
    }
    actions->starting = true;
    backend_ready(ecr->backend, on_registry, actions);
}

/* --- a call's way --- */

void actions_end_call(struct call *call) {
    struct ecr *ecr = call->ecr;
    if ((call->action->flags & ACTION_WRITES) != 0) {
        gate_leave(ecr->gate, &call->pass);
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        ecr->actions->calls = call->next;
    }
    json_object_put(call->input);
    call->input = NULL;
}

static void on_gate_open(struct gate_pass *pass) {
    struct call *call = (struct call *)((char *)pass - offsetof(struct call, pass));
    call->waits = false;
    call->action->run(call);
}

/* Sets whose registry the call is about. */
static bool take_tenant(struct call *call) {
    struct virga_str account = call_str(call, "registryId");
    const struct virga_request *req = call->req;
    if (account.ptr == NULL) {
        account = req->account;
    }
    if (!reference_is_account(account) || !reference_is_region(req->region)) {
        call_fail(call, "InvalidSignatureException",
                  "Credential should be scoped to a valid region.");
        return false;
    }
    memcpy(call->tenant.account, account.ptr, account.len);
    memcpy(call->tenant.region, req->region.ptr, req->region.len);
    return true;
}

/* Parses and checks the body; false: answered. */
static bool take_input(struct call *call) {
    struct virga_model_fault fault;
    char message[sizeof fault.path + sizeof fault.value + sizeof fault.constraint + 96];
    int result = virga_awsjson_parse(call->req->body, &call->input);
    if (result == -EBADMSG) {
        call_fail(call, "SerializationException", NULL);
        return false;
    }
    if (result == 0) {
        result = virga_model_check(call->action->input, call->input, &fault);
    }
    if (result == -EINVAL && fault.kind == VIRGA_MODEL_FAULT_TYPE) {
        call_fail(call, "SerializationException", "%s", fault.constraint);
    } else if (result == -EINVAL && (call->action->flags & ACTION_VALIDATION) != 0) {
        virga_model_message_validation(&fault, message, sizeof message);
        call_fail(call, "ValidationException", "%s", message);
    } else if (result == -EINVAL) {
        virga_model_message_parameter(&fault, message, sizeof message);
        call_fail(call, "InvalidParameterException", "%s", message);
    } else if (result != 0) {
        call_broken(call, "The request could not be read", result, NULL);
    }
    return result == 0;
}

static void pass_gate(struct call *call) {
    if ((call->action->flags & ACTION_WRITES) == 0) {
        call->action->run(call);
        return;
    }
    call->waits = true;
    if (gate_enter(call->ecr->gate, &call->pass, on_gate_open)) {
        call->waits = false;
        call->action->run(call);
    }
}

static void on_settled(void *arg, int status, const char *reason) {
    struct call *call = arg;
    if (status == -ECANCELED) {
        call_broken(call, "The call was not begun", status, reason);
        return;
    }
    /* A registry that cannot be had is no reason to refuse what the store alone can answer. */
    pass_gate(call);
}

/* What a crash cut in two may still take effect, and images of a lost store may still be found: an
 * answer from before that would be overtaken. */
static bool must_settle(const struct call *call) {
    const struct ecr *ecr = call->ecr;
    return call->action->run != action_get_authorization_token &&
           !backend_is_settled(ecr->backend) &&
           ecr->timer->now_ms(ecr->host) >= ecr->actions->retry_at_ms;
}

static void settle(struct call *call) {
    if (must_settle(call)) {
        backend_ready(call->ecr->backend, on_settled, call);
        return;
    }
    pass_gate(call);
}

void actions_handle(struct ecr *ecr, struct virga_request *req) {
    const struct action *action = find_action(req->action);
    if (action == NULL) {
        (void)virga_awsjson_error(req, 400, "UnknownOperationException", NULL);
        return;
    }
    struct call *call = req->http->alloc(req, sizeof *call);
    if (call == NULL) {
        req->http->abort(req);
        return;
    }
    *call = (struct call){.next = ecr->actions->calls, .ecr = ecr, .req = req, .action = action};
    if (call->next != NULL) {
        call->next->previous = call;
    }
    ecr->actions->calls = call;
    start_registry(ecr->actions);
    if (!take_input(call) || !take_tenant(call)) {
        return;
    }
    call->name = call_str(call, "repositoryName");
    authorize_call(call, settle);
}
