/* SPDX-License-Identifier: MIT */
/* Showing a stack's resources. */
#include "call.h"

#include <errno.h>

static void write_resource(struct call *call, struct json_object *record, const char *time_name,
                           bool with_stack) {
    struct virga_xml_writer *writer = &call->writer;
    if (with_stack) {
        virga_xml_string(writer, "StackName", value_text(call->stack, "name"));
        virga_xml_string(writer, "StackId", value_text(call->stack, "id"));
    }
    virga_xml_string(writer, "LogicalResourceId", value_text(record, "logical"));
    virga_xml_string(writer, "PhysicalResourceId", value_text(record, "physical"));
    virga_xml_string(writer, "ResourceType", value_text(record, "type"));
    virga_xml_time(writer, time_name, value_int(record, "timeMs", 0));
    virga_xml_string(writer, "ResourceStatus", value_text(record, "status"));
    virga_xml_string(writer, "ResourceStatusReason", value_text(record, "reason"));
    virga_xml_begin(writer, "DriftInformation");
    virga_xml_string(writer, "StackResourceDriftStatus", "NOT_CHECKED");
    virga_xml_end(writer, "DriftInformation");
}

void action_list_stack_resources(struct call *call) {
    struct json_object *records = NULL;
    if (!call_find_stack(call, "Stack with id %s does not exist")) {
        return;
    }
    int result = resource_read_all(call->cfn, call->stack, &records);
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    call_result(call);
    virga_xml_begin(&call->writer, "StackResourceSummaries");
    json_object_object_foreach(records, logical, record) {
        (void)logical;
        virga_xml_begin(&call->writer, "member");
        write_resource(call, record, "LastUpdatedTimestamp", false);
        virga_xml_end(&call->writer, "member");
    }
    virga_xml_end(&call->writer, "StackResourceSummaries");
    json_object_put(records);
    call_answer(call);
}

void action_describe_stack_resource(struct call *call) {
    struct json_object *record = NULL;
    const char *logical = call_text(call, "LogicalResourceId");
    if (!call_find_stack(call, "Stack '%s' does not exist")) {
        return;
    }
    int result =
        record_get(call->cfn, &record, "r/%s/%s", value_text(call->stack, "uuid"), logical);
    if (result == -ENOENT) {
        call_invalid(call, "Resource %s does not exist for stack %s", logical,
                     value_text(call->stack, "name"));
        return;
    }
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    struct json_object *metadata = value_member(record, "metadata");
    call_result(call);
    virga_xml_begin(&call->writer, "StackResourceDetail");
    write_resource(call, record, "LastUpdatedTimestamp", true);
    virga_xml_string(&call->writer, "Metadata", metadata != NULL ? value_json(metadata) : NULL);
    virga_xml_end(&call->writer, "StackResourceDetail");
    json_object_put(record);
    call_answer(call);
}

/* Looks for the stack that has a physical resource. */
struct search {
    struct call *call;
    const char *physical;
};

static int on_stack(void *arg, const char *rest, struct json_object *stack) {
    struct search *search = arg;
    struct json_object *records = NULL;
    int found = 0;
    (void)rest;
    if (strcmp(value_text(stack, "status"), "DELETE_COMPLETE") == 0) {
        return 0;
    }
    int result = resource_read_all(search->call->cfn, stack, &records);
    if (result != 0) {
        return result;
    }
    json_object_object_foreach(records, logical, record) {
        (void)logical;
        if (strcmp(value_text(record, "physical"), search->physical) == 0) {
            found = 1;
        }
    }
    if (found == 1) {
        search->call->stack = json_object_get(stack);
    }
    json_object_put(records);
    return found;
}

static bool find_by_physical(struct call *call, const char *physical) {
    char prefix[300];
    struct search search = {call, physical};
    (void)snprintf(prefix, sizeof prefix, "s/%s/%s/", call_account(call), call_region(call));
    int result = record_each(call->cfn, prefix, "", false, on_stack, &search);
    if (result < 0) {
        call_broken(call, result);
    } else if (result == 0) {
        call_invalid(call, "Stack for %s does not exist", physical);
    }
    return result == 1;
}

void action_describe_stack_resources(struct call *call) {
    struct json_object *records = NULL;
    const char *name = call_text(call, "StackName");
    const char *wanted = call_text(call, "LogicalResourceId");
    const char *physical = call_text(call, "PhysicalResourceId");
    if ((name == NULL) == (physical == NULL)) {
        call_invalid(call, "You must specify either StackName or PhysicalResourceId, but not both");
        return;
    }
    if (name != NULL ? !call_find_stack(call, "Stack with id %s does not exist")
                     : !find_by_physical(call, physical)) {
        return;
    }
    int result = resource_read_all(call->cfn, call->stack, &records);
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    if (wanted != NULL && value_member(records, wanted) == NULL) {
        json_object_put(records);
        call_invalid(call, "Resource %s does not exist for stack %s", wanted,
                     value_text(call->stack, "name"));
        return;
    }
    call_result(call);
    virga_xml_begin(&call->writer, "StackResources");
    json_object_object_foreach(records, logical, record) {
        if (wanted == NULL || strcmp(wanted, logical) == 0) {
            virga_xml_begin(&call->writer, "member");
            write_resource(call, record, "Timestamp", true);
            virga_xml_end(&call->writer, "member");
        }
    }
    virga_xml_end(&call->writer, "StackResources");
    json_object_put(records);
    call_answer(call);
}
