/* SPDX-License-Identifier: MIT */
/* Showing stacks and their events. */
#include "call.h"

#include <errno.h>

static void write_outputs(struct call *call, struct json_object *outputs) {
    virga_xml_begin(&call->writer, "Outputs");
    for (size_t i = 0; i < value_length(outputs); i++) {
        struct json_object *output = value_element(outputs, i);
        virga_xml_begin(&call->writer, "member");
        virga_xml_string(&call->writer, "OutputKey", value_text(output, "key"));
        virga_xml_string(&call->writer, "OutputValue", value_text(output, "value"));
        virga_xml_string(&call->writer, "Description", value_text(output, "description"));
        virga_xml_string(&call->writer, "ExportName", value_text(output, "export"));
        virga_xml_end(&call->writer, "member");
    }
    virga_xml_end(&call->writer, "Outputs");
}

static void write_time(struct call *call, const char *name, struct json_object *object,
                       const char *member) {
    int64_t time_ms = value_int(object, member, 0);
    if (time_ms != 0) {
        virga_xml_time(&call->writer, name, time_ms);
    }
}

static void write_drift(struct call *call) {
    virga_xml_begin(&call->writer, "DriftInformation");
    virga_xml_string(&call->writer, "StackDriftStatus", "NOT_CHECKED");
    virga_xml_end(&call->writer, "DriftInformation");
}

static void write_stack(struct call *call, struct json_object *stack) {
    struct virga_xml_writer *writer = &call->writer;
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "StackId", value_text(stack, "id"));
    virga_xml_string(writer, "StackName", value_text(stack, "name"));
    virga_xml_string(writer, "ChangeSetId", value_text(stack, "changeSetId"));
    virga_xml_string(writer, "Description", value_text(stack, "description"));
    call_write_parameters(call, value_member(stack, "parameters"));
    write_time(call, "CreationTime", stack, "createdMs");
    write_time(call, "LastUpdatedTime", stack, "updatedMs");
    write_time(call, "DeletionTime", stack, "deletedMs");
    virga_xml_begin(writer, "RollbackConfiguration");
    virga_xml_end(writer, "RollbackConfiguration");
    virga_xml_string(writer, "StackStatus", value_text(stack, "status"));
    virga_xml_string(writer, "StackStatusReason", value_text(stack, "reason"));
    virga_xml_bool(writer, "DisableRollback", value_bool(stack, "disableRollback"));
    call_write_texts(call, "NotificationARNs", value_member(stack, "notificationArns"));
    if (value_member(stack, "timeoutMinutes") != NULL) {
        virga_xml_int(writer, "TimeoutInMinutes", value_int(stack, "timeoutMinutes", 0));
    }
    if (value_length(value_member(stack, "capabilities")) > 0) {
        call_write_texts(call, "Capabilities", value_member(stack, "capabilities"));
    }
    write_outputs(call, value_member(stack, "outputs"));
    virga_xml_string(writer, "RoleARN", value_text(stack, "roleArn"));
    call_write_tags(call, value_member(stack, "tags"));
    virga_xml_bool(writer, "EnableTerminationProtection", value_bool(stack, "protected"));
    write_drift(call);
    virga_xml_end(writer, "member");
}

static void write_summary(struct call *call, struct json_object *stack) {
    struct virga_xml_writer *writer = &call->writer;
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "StackId", value_text(stack, "id"));
    virga_xml_string(writer, "StackName", value_text(stack, "name"));
    virga_xml_string(writer, "TemplateDescription", value_text(stack, "description"));
    write_time(call, "CreationTime", stack, "createdMs");
    write_time(call, "LastUpdatedTime", stack, "updatedMs");
    write_time(call, "DeletionTime", stack, "deletedMs");
    virga_xml_string(writer, "StackStatus", value_text(stack, "status"));
    virga_xml_string(writer, "StackStatusReason", value_text(stack, "reason"));
    write_drift(call);
    virga_xml_end(writer, "member");
}

/* A page of stacks, in the order of their ids. */
struct listing {
    struct call *call;
    struct json_object *statuses; /* wanted; empty = all */
    bool summaries;
    size_t count;
    char last[CFN_UUID_SIZE];
    bool more;
};

static bool is_wanted(const struct listing *listing, const char *status) {
    if (!listing->summaries) {
        return strcmp(status, "DELETE_COMPLETE") != 0;
    }
    for (size_t i = 0; i < value_length(listing->statuses); i++) {
        if (strcmp(value_scalar(value_element(listing->statuses, i)), status) == 0) {
            return true;
        }
    }
    return value_length(listing->statuses) == 0;
}

static int on_stack(void *arg, const char *rest, struct json_object *stack) {
    struct listing *listing = arg;
    if (!is_wanted(listing, value_text(stack, "status"))) {
        return 0;
    }
    if (listing->count == CALL_PAGE_MAX) {
        listing->more = true;
        return 1;
    }
    listing->count++;
    (void)snprintf(listing->last, sizeof listing->last, "%s", rest);
    if (listing->summaries) {
        write_summary(listing->call, stack);
    } else {
        write_stack(listing->call, stack);
    }
    return 0;
}

static void list_stacks(struct call *call, const char *element, bool summaries) {
    char prefix[300];
    char position[VIRGA_PAGE_POSITION_MAX + 1];
    struct listing listing = {.call = call,
                              .statuses = value_member(call->input, "StackStatusFilter"),
                              .summaries = summaries};
    if (!call_page_position(call, position)) {
        return;
    }
    (void)snprintf(prefix, sizeof prefix, "s/%s/%s/", call_account(call), call_region(call));
    call_result(call);
    virga_xml_begin(&call->writer, element);
    int result = record_each(call->cfn, prefix, position, false, on_stack, &listing);
    virga_xml_end(&call->writer, element);
    if (listing.more) {
        call_page_token(call, listing.last);
    }
    if (result < 0) {
        call_broken(call, result);
    } else {
        call_answer(call);
    }
}

void action_describe_stacks(struct call *call) {
    if (call_text(call, "StackName") == NULL) {
        list_stacks(call, "Stacks", false);
        return;
    }
    if (!call_find_stack(call, "Stack with id %s does not exist")) {
        return;
    }
    call_result(call);
    virga_xml_begin(&call->writer, "Stacks");
    write_stack(call, call->stack);
    virga_xml_end(&call->writer, "Stacks");
    call_answer(call);
}

void action_list_stacks(struct call *call) {
    list_stacks(call, "StackSummaries", true);
}

struct events {
    struct call *call;
    size_t count;
    char last[16];
    bool more;
};

static int on_event(void *arg, const char *rest, struct json_object *event) {
    struct events *events = arg;
    struct call *call = events->call;
    struct virga_xml_writer *writer = &call->writer;
    if (events->count == CALL_PAGE_MAX) {
        events->more = true;
        return 1;
    }
    events->count++;
    (void)snprintf(events->last, sizeof events->last, "%s", rest);
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "StackId", value_text(call->stack, "id"));
    virga_xml_string(writer, "EventId", value_text(event, "id"));
    virga_xml_string(writer, "StackName", value_text(call->stack, "name"));
    virga_xml_string(writer, "LogicalResourceId", value_text(event, "logical"));
    virga_xml_string(writer, "PhysicalResourceId", value_text(event, "physical"));
    virga_xml_string(writer, "ResourceType", value_text(event, "type"));
    write_time(call, "Timestamp", event, "timeMs");
    virga_xml_string(writer, "ResourceStatus", value_text(event, "status"));
    virga_xml_string(writer, "ResourceStatusReason", value_text(event, "reason"));
    struct json_object *properties = value_member(event, "properties");
    virga_xml_string(writer, "ResourceProperties",
                     properties != NULL ? value_json(properties) : NULL);
    virga_xml_string(writer, "ClientRequestToken", value_text(event, "token"));
    virga_xml_end(writer, "member");
    return 0;
}

void action_describe_stack_events(struct call *call) {
    char prefix[64];
    char position[VIRGA_PAGE_POSITION_MAX + 1];
    struct events events = {.call = call};
    if (!call_find_stack(call, "Stack [%s] does not exist") ||
        !call_page_position(call, position)) {
        return;
    }
    (void)snprintf(prefix, sizeof prefix, "e/%s/", value_text(call->stack, "uuid"));
    call_result(call);
    virga_xml_begin(&call->writer, "StackEvents");
    int result = record_each(call->cfn, prefix, position, true, on_event, &events);
    virga_xml_end(&call->writer, "StackEvents");
    if (events.more) {
        call_page_token(call, events.last);
    }
    if (result < 0) {
        call_broken(call, result);
    } else {
        call_answer(call);
    }
}
