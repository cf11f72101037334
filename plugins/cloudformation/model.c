/* SPDX-License-Identifier: MIT */
/* The API model's facts about the inputs. What is not in a table is ignored. */
#include "model.h"

#include "template.h"

#include <ctype.h>

#define MEMBER(wire, in_messages, member_shape)                                                    \
    { .name = (wire), .shape = &(member_shape), .shown = (in_messages) }
#define REQUIRED(wire, in_messages, member_shape)                                                  \
    { .name = (wire), .shape = &(member_shape), .required = 1, .shown = (in_messages) }
#define END                                                                                        \
    { .name = NULL }
#define STRUCTURE(shape_name, its_members)                                                         \
    const struct virga_model_shape shape_name = {.type = VIRGA_MODEL_STRUCTURE,                    \
                                                 .members = (its_members)}

static int is_name(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!isascii(c) || (!isalnum(c) && c != '-') || (i == 0 && !isalpha(c))) {
            return 0;
        }
    }
    return text.len > 0;
}

static int is_name_or_arn(struct virga_str text) {
    if (text.len < 4 || memcmp(text.ptr, "arn:", 4) != 0) {
        return is_name(text);
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!isascii(c) || (!isalnum(c) && strchr("-:/._+", c) == NULL)) {
            return 0;
        }
    }
    return 1;
}

static const char *const capabilities_values[] = {"CAPABILITY_NAMED_IAM", "CAPABILITY_IAM",
                                                  "CAPABILITY_AUTO_EXPAND", NULL};
static const char *const on_failure_values[] = {"ROLLBACK", "DELETE", "DO_NOTHING", NULL};
static const char *const change_set_types[] = {"IMPORT", "CREATE", "UPDATE", NULL};
static const char *const deletion_modes[] = {"STANDARD", "FORCE_DELETE_STACK", NULL};
static const char *const stages[] = {"Original", "Processed", NULL};

static const struct virga_model_shape text = {.type = VIRGA_MODEL_STRING};
static const struct virga_model_shape flag = {.type = VIRGA_MODEL_BOOLEAN};
static const struct virga_model_shape number = {.type = VIRGA_MODEL_INTEGER, .min = 1};
static const struct virga_model_shape new_name = {.type = VIRGA_MODEL_STRING,
                                                  .min = 1,
                                                  .max = 128,
                                                  .pattern = "[a-zA-Z][-a-zA-Z0-9]*",
                                                  .matches = is_name};
static const struct virga_model_shape name_or_arn = {
    .type = VIRGA_MODEL_STRING,
    .min = 1,
    .max = 1600,
    .pattern = "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*",
    .matches = is_name_or_arn};
static const struct virga_model_shape body = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = TEMPLATE_BODY_MAX};
static const struct virga_model_shape url = {.type = VIRGA_MODEL_STRING, .min = 1, .max = 5120};
static const struct virga_model_shape policy = {.type = VIRGA_MODEL_STRING, .min = 1, .max = 16384};
static const struct virga_model_shape role = {.type = VIRGA_MODEL_STRING, .min = 20, .max = 2048};
static const struct virga_model_shape token = {.type = VIRGA_MODEL_STRING, .min = 1, .max = 128};
static const struct virga_model_shape description = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 1024};
static const struct virga_model_shape capability = {.type = VIRGA_MODEL_STRING,
                                                    .values = capabilities_values};
static const struct virga_model_shape capabilities = {.type = VIRGA_MODEL_LIST,
                                                      .element = &capability};
static const struct virga_model_shape on_failure = {.type = VIRGA_MODEL_STRING,
                                                    .values = on_failure_values};
static const struct virga_model_shape change_set_type = {.type = VIRGA_MODEL_STRING,
                                                         .values = change_set_types};
static const struct virga_model_shape deletion_mode = {.type = VIRGA_MODEL_STRING,
                                                       .values = deletion_modes};
static const struct virga_model_shape stage = {.type = VIRGA_MODEL_STRING, .values = stages};
static const struct virga_model_shape texts = {.type = VIRGA_MODEL_LIST, .element = &text};
static const struct virga_model_shape arns = {.type = VIRGA_MODEL_LIST, .element = &text, .max = 5};
static const struct virga_model_member parameter_members[] = {
    MEMBER("ParameterKey", "parameterKey", text),
    MEMBER("ParameterValue", "parameterValue", text),
    MEMBER("UsePreviousValue", "usePreviousValue", flag),
    END,
};
static const STRUCTURE(parameter, parameter_members);
static const struct virga_model_shape parameters = {.type = VIRGA_MODEL_LIST,
                                                    .element = &parameter};
static const struct virga_model_shape tag_key = {.type = VIRGA_MODEL_STRING, .min = 1, .max = 128};
static const struct virga_model_shape tag_value = {.type = VIRGA_MODEL_STRING, .max = 256};
static const struct virga_model_member tag_members[] = {
    REQUIRED("Key", "key", tag_key),
    REQUIRED("Value", "value", tag_value),
    END,
};
static const STRUCTURE(tag, tag_members);
static const struct virga_model_shape tags = {.type = VIRGA_MODEL_LIST, .element = &tag, .max = 50};

static const struct virga_model_member stack_input[] = {
    REQUIRED("StackName", "stackName", name_or_arn),
    MEMBER("TemplateBody", "templateBody", body),
    MEMBER("TemplateURL", "templateURL", url),
    MEMBER("UsePreviousTemplate", "usePreviousTemplate", flag),
    MEMBER("Parameters", "parameters", parameters),
    MEMBER("DisableRollback", "disableRollback", flag),
    MEMBER("TimeoutInMinutes", "timeoutInMinutes", number),
    MEMBER("NotificationARNs", "notificationARNs", arns),
    MEMBER("Capabilities", "capabilities", capabilities),
    MEMBER("RoleARN", "roleARN", role),
    MEMBER("OnFailure", "onFailure", on_failure),
    MEMBER("StackPolicyBody", "stackPolicyBody", policy),
    MEMBER("Tags", "tags", tags),
    MEMBER("ClientRequestToken", "clientRequestToken", token),
    MEMBER("EnableTerminationProtection", "enableTerminationProtection", flag),
    END,
};
STRUCTURE(model_stack_input, stack_input);

static const struct virga_model_member named_stack[] = {
    REQUIRED("StackName", "stackName", name_or_arn),
    MEMBER("ClientRequestToken", "clientRequestToken", token),
    MEMBER("NextToken", "nextToken", text),
    MEMBER("RetainResources", "retainResources", texts),
    MEMBER("DeletionMode", "deletionMode", deletion_mode),
    MEMBER("RoleARN", "roleARN", role),
    MEMBER("StackPolicyBody", "stackPolicyBody", policy),
    MEMBER("ResourcesToSkip", "resourcesToSkip", texts),
    END,
};
STRUCTURE(model_named_stack, named_stack);

static const struct virga_model_member any_stack[] = {
    MEMBER("StackName", "stackName", name_or_arn),
    MEMBER("NextToken", "nextToken", text),
    MEMBER("LogicalResourceId", "logicalResourceId", text),
    MEMBER("PhysicalResourceId", "physicalResourceId", text),
    MEMBER("ChangeSetName", "changeSetName", name_or_arn),
    MEMBER("TemplateStage", "templateStage", stage),
    END,
};
STRUCTURE(model_any_stack, any_stack);

static const struct virga_model_member create_change_set[] = {
    REQUIRED("StackName", "stackName", name_or_arn),
    REQUIRED("ChangeSetName", "changeSetName", new_name),
    MEMBER("TemplateBody", "templateBody", body),
    MEMBER("TemplateURL", "templateURL", url),
    MEMBER("UsePreviousTemplate", "usePreviousTemplate", flag),
    MEMBER("Parameters", "parameters", parameters),
    MEMBER("NotificationARNs", "notificationARNs", arns),
    MEMBER("Capabilities", "capabilities", capabilities),
    MEMBER("RoleARN", "roleARN", role),
    MEMBER("Tags", "tags", tags),
    MEMBER("ClientToken", "clientToken", token),
    MEMBER("Description", "description", description),
    MEMBER("ChangeSetType", "changeSetType", change_set_type),
    MEMBER("OnStackFailure", "onStackFailure", on_failure),
    MEMBER("IncludeNestedStacks", "includeNestedStacks", flag),
    MEMBER("ImportExistingResources", "importExistingResources", flag),
    END,
};
STRUCTURE(model_create_change_set, create_change_set);

static const struct virga_model_member change_set[] = {
    REQUIRED("ChangeSetName", "changeSetName", name_or_arn),
    MEMBER("StackName", "stackName", name_or_arn),
    MEMBER("NextToken", "nextToken", text),
    MEMBER("IncludePropertyValues", "includePropertyValues", flag),
    MEMBER("DisableRollback", "disableRollback", flag),
    MEMBER("ClientRequestToken", "clientRequestToken", token),
    END,
};
STRUCTURE(model_change_set, change_set);

static const struct virga_model_member template[] = {
    MEMBER("TemplateBody", "templateBody", body),
    MEMBER("TemplateURL", "templateURL", url),
    MEMBER("StackName", "stackName", name_or_arn),
    END,
};
STRUCTURE(model_template, template);

static const struct virga_model_member protection[] = {
    REQUIRED("StackName", "stackName", name_or_arn),
    REQUIRED("EnableTerminationProtection", "enableTerminationProtection", flag),
    END,
};
STRUCTURE(model_protection, protection);

static const struct virga_model_member resource[] = {
    REQUIRED("StackName", "stackName", name_or_arn),
    REQUIRED("LogicalResourceId", "logicalResourceId", text),
    END,
};
STRUCTURE(model_resource, resource);

static const struct virga_model_member list[] = {
    MEMBER("NextToken", "nextToken", text),
    MEMBER("StackStatusFilter", "stackStatusFilter", texts),
    END,
};
STRUCTURE(model_list, list);

static const struct virga_model_member list_imports[] = {
    REQUIRED("ExportName", "exportName", text),
    MEMBER("NextToken", "nextToken", text),
    END,
};
STRUCTURE(model_list_imports, list_imports);
