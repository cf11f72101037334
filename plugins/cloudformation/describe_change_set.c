/* SPDX-License-Identifier: MIT */
/* Showing change sets. */
#include "change_set.h"

#include <errno.h>

/* {"Properties":{...}}, as AWS shows what a resource was and will be. */
static void write_context(struct call *call, const char *name, struct json_object *properties) {
    struct json_object *context = properties != NULL ? json_object_new_object() : NULL;
    if (context != NULL && value_share(context, "Properties", properties) == 0) {
        virga_xml_string(&call->writer, name, value_json(context));
    }
    json_object_put(context);
}

static void write_value(struct call *call, const char *name, struct json_object *value) {
    if (value != NULL) {
        const char *text = value_scalar(value);
        virga_xml_string(&call->writer, name, text != NULL ? text : value_json(value));
    }
}

static void write_detail(struct call *call, struct json_object *change, struct json_object *detail,
                         bool values) {
    struct virga_xml_writer *writer = &call->writer;
    const char *property = value_text(detail, "property");
    bool is_tags = strcmp(property, "Tags") == 0;
    virga_xml_begin(writer, "member");
    virga_xml_begin(writer, "Target");
    virga_xml_string(writer, "Attribute", is_tags ? "Tags" : "Properties");
    if (!is_tags) {
        virga_xml_string(writer, "Name", property);
    }
    virga_xml_string(writer, "RequiresRecreation", value_text(detail, "recreation"));
    if (values) {
        struct json_object *before = value_member(value_member(change, "before"), property);
        struct json_object *after = value_member(value_member(change, "after"), property);
        char path[300];
        (void)snprintf(path, sizeof path, "/Properties/%s", property);
        virga_xml_string(writer, "Path", path);
        write_value(call, "BeforeValue", before);
        write_value(call, "AfterValue", after);
        virga_xml_string(writer, "AttributeChangeType",
                         before == NULL  ? "Add"
                         : after == NULL ? "Remove"
                                         : "Modify");
    }
    virga_xml_end(writer, "Target");
    virga_xml_string(writer, "Evaluation", "Static");
    virga_xml_string(writer, "ChangeSource", "DirectModification");
    virga_xml_end(writer, "member");
}

static void write_change(struct call *call, struct json_object *change, bool values) {
    struct virga_xml_writer *writer = &call->writer;
    struct json_object *details = value_member(change, "details");
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "Type", "Resource");
    virga_xml_begin(writer, "ResourceChange");
    virga_xml_string(writer, "PolicyAction", value_text(change, "policyAction"));
    virga_xml_string(writer, "Action", value_text(change, "action"));
    virga_xml_string(writer, "LogicalResourceId", value_text(change, "logical"));
    virga_xml_string(writer, "PhysicalResourceId", value_text(change, "physical"));
    virga_xml_string(writer, "ResourceType", value_text(change, "type"));
    virga_xml_string(writer, "Replacement", value_text(change, "replacement"));
    call_write_texts(call, "Scope", value_member(change, "scope"));
    virga_xml_begin(writer, "Details");
    for (size_t i = 0; i < value_length(details); i++) {
        write_detail(call, change, value_element(details, i), values);
    }
    virga_xml_end(writer, "Details");
    if (values) {
        write_context(call, "BeforeContext", value_member(change, "before"));
        write_context(call, "AfterContext", value_member(change, "after"));
    }
    virga_xml_end(writer, "ResourceChange");
    virga_xml_end(writer, "member");
}

/* What a description and a summary have in common. */
static void write_head(struct call *call, struct json_object *change_set) {
    struct virga_xml_writer *writer = &call->writer;
    virga_xml_string(writer, "ChangeSetName", value_text(change_set, "name"));
    virga_xml_string(writer, "ChangeSetId", value_text(change_set, "id"));
    virga_xml_string(writer, "StackId", value_text(call->stack, "id"));
    virga_xml_string(writer, "StackName", value_text(call->stack, "name"));
    virga_xml_string(writer, "Description", value_text(change_set, "description"));
    virga_xml_time(writer, "CreationTime", value_int(change_set, "createdMs", 0));
    virga_xml_string(writer, "ExecutionStatus", value_text(change_set, "execution"));
    virga_xml_string(writer, "Status", value_text(change_set, "status"));
    virga_xml_string(writer, "StatusReason", value_text(change_set, "reason"));
    virga_xml_bool(writer, "IncludeNestedStacks", value_bool(change_set, "nested"));
}

void action_describe_change_set(struct call *call) {
    struct json_object *change_set = NULL;
    bool values = value_bool(call->input, "IncludePropertyValues");
    int result = change_set_find(call, &change_set);
    if (result == -ESRCH) {
        const char *stack = call_text(call, "StackName");
        call_invalid(call, "Stack [%s] does not exist", stack != NULL ? stack : "");
        return;
    }
    if (result == -ENOENT) {
        call_fail(call, 404, "ChangeSetNotFound", "ChangeSet [%s] does not exist",
                  call_text(call, "ChangeSetName"));
        return;
    }
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    struct json_object *brought = value_member(change_set, "brought");
    struct json_object *changes = value_member(change_set, "changes");
    call_result(call);
    write_head(call, change_set);
    call_write_parameters(call, value_member(brought, "parameters"));
    call_write_texts(call, "NotificationARNs", value_member(brought, "notificationArns"));
    virga_xml_begin(&call->writer, "RollbackConfiguration");
    virga_xml_end(&call->writer, "RollbackConfiguration");
    call_write_texts(call, "Capabilities", value_member(brought, "capabilities"));
    call_write_tags(call, value_member(brought, "tags"));
    virga_xml_string(&call->writer, "OnStackFailure", value_text(change_set, "onFailure"));
    virga_xml_begin(&call->writer, "Changes");
    for (size_t i = 0; i < value_length(changes); i++) {
        write_change(call, value_element(changes, i), values);
    }
    virga_xml_end(&call->writer, "Changes");
    json_object_put(change_set);
    call_answer(call);
}

static int on_change_set(void *arg, const char *rest, struct json_object *change_set) {
    struct call *call = arg;
    (void)rest;
    virga_xml_begin(&call->writer, "member");
    write_head(call, change_set);
    virga_xml_end(&call->writer, "member");
    return 0;
}

void action_list_change_sets(struct call *call) {
    char prefix[64];
    if (!call_find_stack(call, "Stack [%s] does not exist")) {
        return;
    }
    (void)snprintf(prefix, sizeof prefix, "c/%s/", value_text(call->stack, "uuid"));
    call_result(call);
    virga_xml_begin(&call->writer, "Summaries");
    int result = record_each(call->cfn, prefix, "", false, on_change_set, call);
    virga_xml_end(&call->writer, "Summaries");
    if (result != 0) {
        call_broken(call, result);
    } else {
        call_answer(call);
    }
}
