/* SPDX-License-Identifier: MIT */
/* Types that exist in the stack only: no service of the host stands behind them.
 * Source: the types' pages in the template reference. */
#include "nested_stack.h"
#include "scope.h"

#include <virga/helpers/arn.h>

static const char *partition(const struct task *task) {
    return virga_arn_partition(virga_str_from(task->region));
}

static enum task_verdict nothing(struct task *task) {
    (void)task;
    return TASK_NEXT;
}

static enum task_verdict make_key(struct task *task) {
    char arn[300];
    char uuid[CFN_UUID_SIZE];
    if (!task->again) {
        id_uuid(uuid);
        (void)snprintf(task->physical, sizeof task->physical, "%s", uuid);
    }
    (void)snprintf(arn, sizeof arn, "arn:%s:kms:%s:%s:key/%.60s", partition(task), task->region,
                   task->account, task->physical);
    task_attribute(task, "Arn", arn);
    task_attribute(task, "KeyId", task->physical);
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict make_log_group(struct task *task) {
    char arn[900];
    (void)snprintf(arn, sizeof arn, "arn:%s:logs:%s:%s:log-group:%.600s:*", partition(task),
                   task->region, task->account, task->physical);
    task_attribute(task, "Arn", arn);
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

/* An address that nothing listens on: a handle is waited for by WaitCondition only. */
static enum task_verdict make_handle(struct task *task) {
    char uuid[CFN_UUID_SIZE];
    if (!task->again) {
        id_uuid(uuid);
        (void)snprintf(task->physical, sizeof task->physical,
                       "https://cloudformation-waitcondition-%s.s3.%s.%s/%s/%s/%s", task->region,
                       task->region, scope_url_suffix(task->region), task->account, task->logical,
                       uuid);
    }
    return TASK_NEXT;
}

static const struct task_step do_nothing[] = {{nothing, NULL, NULL}, {NULL, NULL, NULL}};
static const struct task_step key_create[] = {{make_key, NULL, NULL}, {NULL, NULL, NULL}};
static const struct task_step log_group_create[] = {{make_log_group, NULL, NULL},
                                                    {NULL, NULL, NULL}};
static const struct task_step handle_create[] = {{make_handle, NULL, NULL}, {NULL, NULL, NULL}};
static const char *const key_replaced_by[] = {"KeySpec", "KeyUsage", "MultiRegion", "Origin", NULL};
static const char *const alias_replaced_by[] = {"AliasName", NULL};
static const char *const log_group_replaced_by[] = {"LogGroupName", NULL};
static const char *const key_attributes[] = {"Arn", "KeyId", NULL};
static const char *const arn_only[] = {"Arn", NULL};
static const char *const none[] = {NULL};
static const char *const stack_attributes[] = {"Outputs.", NULL};

const struct resource_type types_kept[] = {
    {.name = "AWS::KMS::Key",
     .replaced_by = key_replaced_by,
     .attributes = key_attributes,
     .create = key_create,
     .update = do_nothing,
     .remove = do_nothing},
    {.name = "AWS::KMS::Alias",
     .replaced_by = alias_replaced_by,
     .attributes = none,
     .named_by = "AliasName",
     .create = do_nothing,
     .update = do_nothing,
     .remove = do_nothing},
    {.name = "AWS::Logs::LogGroup",
     .replaced_by = log_group_replaced_by,
     .attributes = arn_only,
     .named_by = "LogGroupName",
     .rule = {.max = 512},
     .create = log_group_create,
     .update = do_nothing,
     .remove = do_nothing},
    {.name = "AWS::CloudFormation::WaitConditionHandle",
     .attributes = none,
     .create = handle_create,
     .update = do_nothing,
     .remove = do_nothing},
    {.name = "AWS::CDK::Metadata",
     .attributes = none,
     .create = do_nothing,
     .update = do_nothing,
     .remove = do_nothing},
    {.name = "AWS::CloudFormation::Stack",
     .attributes = stack_attributes,
     .rule = {.max = 128},
     .tags = TASK_TAGS_LIST,
     .create = nested_stack_create,
     .update = nested_stack_update,
     .remove = nested_stack_remove},
    {.name = NULL},
};
