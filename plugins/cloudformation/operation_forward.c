/* SPDX-License-Identifier: MIT */
/* Bringing a template about: resources are created, updated and replaced, each behind what it
 * refers to. */
#include "operation_impl.h"

#include "template.h"

#include <errno.h>
#include <stdlib.h>

static const char *const kept[] = {
    "type",     "physical",       "properties",          "attributes",
    "metadata", "deletionPolicy", "updateReplacePolicy", "waits"};

/* What Ref and Fn::GetAtt give while the operation is under way. */
static int on_resource(void *arg, const char *logical, struct virga_str attribute,
                       struct json_object **ret_value, struct fault *fault) {
    struct operation *operation = arg;
    struct json_object *record = value_member(operation->resources, logical);
    if (record == NULL) {
        return fault_set(fault, "Resource %.200s is not there yet", logical);
    }
    if (attribute.ptr == NULL) {
        *ret_value = json_object_get(value_member(record, "physical"));
        return 0;
    }
    *ret_value = json_object_get(value_member(value_member(record, "attributes"), attribute.ptr));
    return *ret_value != NULL
               ? 0
               : fault_set(fault, "Requested attribute %.200s does not exist in schema for %.200s",
                           attribute.ptr, value_text(record, "type"));
}

static int on_import(void *arg, const char *name, struct json_object **ret_value,
                     struct fault *fault) {
    struct operation *operation = arg;
    struct json_object *exported = NULL;
    int result =
        record_get(operation->cfn, &exported, "x/%s/%s/%s", value_text(operation->stack, "account"),
                   value_text(operation->stack, "region"), name);
    if (result == -ENOENT) {
        return fault_set(fault, "No export named %.1024s found", name);
    }
    if (result == 0) {
        *ret_value = json_object_get(value_member(exported, "value"));
        json_object_put(exported);
        result = value_set_bool(operation->imports, name, true);
    }
    return result;
}

static int add_wait(struct piece *piece, size_t index) {
    size_t *grown =
        realloc(piece->waits_for, (piece->waits_for_count + 1) * sizeof *piece->waits_for);
    if (grown == NULL) {
        return -ENOMEM;
    }
    piece->waits_for = grown;
    grown[piece->waits_for_count++] = index;
    return 0;
}

int operation_plan_forward(struct operation *operation) {
    struct fault fault = {""};
    struct json_object *stack = operation->stack;
    order_finish(&operation->order);
    scope_finish(&operation->scope);
    operation->scope = (struct scope){
        .root = operation->root,
        .parameters = operation_wanted(operation, "parameters"),
        .account = value_text(stack, "account"),
        .region = value_text(stack, "region"),
        .stack_id = value_text(stack, "id"),
        .stack_name = value_text(stack, "name"),
        .notification_arns = operation_wanted(operation, "notificationArns"),
        .resource = on_resource,
        .import = on_import,
        .arg = operation,
    };
    int result = order_make(&operation->scope, &operation->order, &fault);
    if (result != 0) {
        (void)snprintf(operation->reason, sizeof operation->reason, "%s", fault.text);
        return result;
    }
    size_t count = operation->order.count;
    operation->pieces = calloc(count + 1, sizeof *operation->pieces);
    if (operation->pieces == NULL) {
        return -ENOMEM;
    }
    operation->pieces_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct order_node *node = &operation->order.nodes[i];
        struct piece *piece = &operation->pieces[i];
        *piece = (struct piece){
            .operation = operation,
            .work = WORK_FORWARD,
            .logical = node->logical,
            .node = i,
            .record = json_object_get(value_member(operation->resources, node->logical))};
        for (size_t w = 0; w < node->waits_for_count; w++) {
            if (add_wait(piece, node->waits_for[w]) != 0) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* What the record says of the template's resource beside its properties. */
static int describe(struct piece *piece, struct json_object *record) {
    struct order *order = &piece->operation->order;
    struct order_node *node = &order->nodes[piece->node];
    struct json_object *waits = json_object_new_array();
    int result = waits != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < node->waits_for_count; i++) {
        result = value_add_text(waits, order->nodes[node->waits_for[i]].logical);
    }
    if (result != 0) {
        json_object_put(waits);
        return result;
    }
    static const char *const members[][2] = {{"metadata", "Metadata"},
                                             {"deletionPolicy", "DeletionPolicy"},
                                             {"updateReplacePolicy", "UpdateReplacePolicy"}};
    for (size_t i = 0; i < 3; i++) {
        json_object_object_del(record, members[i][0]);
        result = result != 0 ? result
                             : value_share(record, members[i][0],
                                           value_member(node->resource, members[i][1]));
    }
    return value_set(record, "waits", waits) != 0 ? -ENOMEM : result;
}

/* Notes what the record was, once for an operation. */
static int remember(struct piece *piece, struct json_object *record, const char *action) {
    const char *mark = operation_mark(piece->operation);
    struct json_object *before = json_object_new_object();
    int result = before != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < sizeof kept / sizeof kept[0]; i++) {
        result = value_share(before, kept[i], value_member(record, kept[i]));
    }
    if (result != 0) {
        json_object_put(before);
        return result;
    }
    result = value_set(record, "before", before);
    result = result != 0 ? result : value_set_text(record, "mark", mark);
    return result != 0 ? result : value_set_text(record, "action", action);
}

static void fail_memory(struct piece *piece) {
    struct operation *operation = piece->operation;
    CFN_LOG(operation->cfn, VIRGA_LOG_ERROR, NULL, "out of memory in the operation on stack %s",
            value_text(operation->stack, "name"));
    operation->stopping = true;
    operation_piece_done(piece, true);
}

/* Ends a piece with a failure that is known before anything was done. */
static void fail(struct piece *piece, const char *reason) {
    struct operation *operation = piece->operation;
    const struct order_node *node = &operation->order.nodes[piece->node];
    bool creates =
        piece->record == NULL || (value_text(piece->record, "action") != NULL &&
                                  strcmp(value_text(piece->record, "action"), "create") == 0);
    if (piece->record == NULL) {
        piece->record = json_object_new_object();
        if (piece->record == NULL ||
            value_set_text(piece->record, "logical", piece->logical) != 0 ||
            value_set_text(piece->record, "type", value_text(node->resource, "Type")) != 0 ||
            value_set_text(piece->record, "physical", "") != 0 ||
            value_set_text(piece->record, "action", "create") != 0 ||
            value_share(operation->resources, piece->logical, piece->record) != 0) {
            fail_memory(piece);
            return;
        }
    } else if (value_member(piece->record, "before") == NULL &&
               remember(piece, piece->record, "describe") != 0) {
        fail_memory(piece);
        return;
    }
    if (value_set_text(piece->record, "mark", operation_mark(operation)) != 0) {
        fail_memory(piece);
        return;
    }
    (void)operation_note(operation, piece->record, creates ? "CREATE_FAILED" : "UPDATE_FAILED",
                         reason, value_text(piece->record, "physical"));
    operation_piece_done(piece, true);
}

/* The physical id that is to be: what the template says, or one that is made up. */
static void plan_physical(const struct piece *piece, const struct resource_type *type,
                          struct json_object *properties, char *ret_physical, size_t size) {
    const char *named = type->named_by != NULL ? value_text(properties, type->named_by) : NULL;
    struct id_rule rule = type->rule;
    rule.max = rule.max != 0 ? rule.max : 255;
    if (named != NULL) {
        (void)snprintf(ret_physical, size, "%s", named);
    } else {
        id_physical(&rule, value_text(piece->operation->stack, "name"), piece->logical,
                    ret_physical, size);
    }
}

/* Creates what is not there. Owns: properties. */
static void begin_create(struct piece *piece, const struct resource_type *type,
                         struct json_object *properties) {
    struct operation *operation = piece->operation;
    char physical[TASK_PHYSICAL_SIZE];
    struct json_object *record = json_object_new_object();
    plan_physical(piece, type, properties, physical, sizeof physical);
    piece->record = record;
    if (record == NULL || value_set_text(record, "logical", piece->logical) != 0 ||
        value_set_text(record, "type", type->name) != 0 ||
        value_set_text(record, "physical", physical) != 0 ||
        value_set_text(record, "action", "create") != 0 ||
        value_set_text(record, "mark", operation_mark(operation)) != 0 ||
        value_share(record, "properties", properties) != 0 || describe(piece, record) != 0 ||
        value_share(operation->resources, piece->logical, record) != 0) {
        json_object_put(properties);
        fail_memory(piece);
        return;
    }
    if (!operation_note(operation, record, "CREATE_IN_PROGRESS", NULL, "")) {
        json_object_put(properties);
        operation_piece_done(piece, true);
        return;
    }
    operation_run_task(piece, type, TASK_CREATE, properties, NULL, physical, false);
}

/* Updates what differs, or makes a new one in its place. Owns: properties. */
static void begin_change(struct piece *piece, const struct resource_type *type,
                         struct json_object *properties, bool replaced) {
    struct operation *operation = piece->operation;
    struct json_object *record = piece->record;
    char physical[TASK_PHYSICAL_SIZE];
    (void)snprintf(physical, sizeof physical, "%s", value_text(record, "physical"));
    if (replaced) {
        plan_physical(piece, type, properties, physical, sizeof physical);
        if (strcmp(physical, value_text(record, "physical")) == 0) {
            char reason[400];
            json_object_put(properties);
            (void)snprintf(reason, sizeof reason,
                           "CloudFormation cannot update a stack when a custom-named resource "
                           "requires replacing. Rename %.200s and update the stack again.",
                           physical);
            fail(piece, reason);
            return;
        }
    }
    struct json_object *previous = json_object_get(value_member(record, "properties"));
    if (remember(piece, record, replaced ? "replace" : "update") != 0 ||
        value_share(record, "properties", properties) != 0 || describe(piece, record) != 0 ||
        (replaced && value_set_text(record, "physical", physical) != 0)) {
        json_object_put(properties);
        json_object_put(previous);
        fail_memory(piece);
        return;
    }
    if (!operation_note(operation, record, "UPDATE_IN_PROGRESS",
                        replaced ? "Requested update requires the creation of a new physical "
                                   "resource; hence creating one."
                                 : NULL,
                        value_text(value_member(record, "before"), "physical"))) {
        json_object_put(properties);
        json_object_put(previous);
        operation_piece_done(piece, true);
        return;
    }
    operation_run_task(piece, type, replaced ? TASK_CREATE : TASK_UPDATE, properties, previous,
                       physical, false);
}

/* A piece that an earlier run of the host has begun. Owns: properties. */
static void take_up(struct piece *piece, const struct resource_type *type,
                    struct json_object *properties) {
    struct json_object *record = piece->record;
    const char *status = value_text(record, "status");
    const char *action = value_text(record, "action");
    struct json_object *before = value_member(record, "before");
    if (stack_status_ends(status, "_COMPLETE") || stack_status_ends(status, "_FAILED")) {
        json_object_put(properties);
        operation_piece_done(piece, stack_status_ends(status, "_FAILED"));
        return;
    }
    bool updates = strcmp(action, "update") == 0;
    operation_run_task(piece, type, updates ? TASK_UPDATE : TASK_CREATE, properties,
                       json_object_get(value_member(before, "properties")),
                       value_text(record, "physical"), true);
}

/* A resource whose properties stay; what else the template says of it may not. */
static void keep(struct piece *piece, bool described) {
    struct operation *operation = piece->operation;
    struct json_object *record = piece->record;
    int result = 0;
    if (described && value_member(record, "before") == NULL) {
        result = remember(piece, record, "describe");
    }
    result = result != 0 ? result : describe(piece, record);
    result = result != 0 ? result : resource_write(operation->cfn, operation->stack, record);
    if (result != 0) {
        fail_memory(piece);
    } else {
        operation_piece_done(piece, false);
    }
}

void operation_begin_forward(struct piece *piece) {
    struct operation *operation = piece->operation;
    const struct order_node *node = &operation->order.nodes[piece->node];
    const char *name = value_text(node->resource, "Type");
    const struct resource_type *type = types_find(operation->cfn, name);
    struct json_object *properties = NULL;
    struct comparison comparison;
    struct fault fault = {""};
    const char *mark = piece->record != NULL ? value_text(piece->record, "mark") : NULL;
    bool begun = mark != NULL && strcmp(mark, operation_mark(operation)) == 0;
    if (begun && stack_status_ends(value_text(piece->record, "status"), "_FAILED")) {
        operation_piece_done(piece, true);
        return;
    }
    if (type == NULL) {
        (void)snprintf(fault.text, sizeof fault.text,
                       "Resource type %.200s is not supported: no plugin of this host provides it.",
                       name);
        fail(piece, fault.text);
        return;
    }
    int result = compare_properties(&operation->scope, node->resource, type,
                                    operation_wanted(operation, "tags"), &properties, &fault);
    if (result != 0) {
        if (result == -ENOMEM) {
            fail_memory(piece);
        } else {
            fail(piece, fault.text);
        }
        return;
    }
    if (begun) {
        take_up(piece, type, properties);
        return;
    }
    if (piece->record == NULL) {
        begin_create(piece, type, properties);
        return;
    }
    if (compare_make(type, piece->record, node->resource, properties, &comparison) != 0) {
        json_object_put(properties);
        fail_memory(piece);
        return;
    }
    json_object_put(comparison.names);
    if (comparison.changed) {
        begin_change(piece, type, properties, comparison.replaced);
    } else {
        json_object_put(properties);
        keep(piece, comparison.described);
    }
}

void operation_end_forward(struct piece *piece) {
    struct operation *operation = piece->operation;
    struct json_object *record = piece->record;
    struct task *task = &piece->task;
    bool creates = strcmp(value_text(record, "action"), "create") == 0;
    bool replaces = strcmp(value_text(record, "action"), "replace") == 0;
    bool there = !(creates || replaces) || !task->failed || task->made;
    int result = value_set_text(record, "physical", there ? task->physical : "");
    if (!task->failed || there) {
        result = result != 0 ? result : value_share(record, "attributes", task->attributes);
    }
    if (result != 0) {
        fail_memory(piece);
        return;
    }
    if (task->failed) {
        (void)operation_note(operation, record, creates ? "CREATE_FAILED" : "UPDATE_FAILED",
                             task->reason, value_text(record, "physical"));
    } else if (!creates || operation_note(operation, record, "CREATE_IN_PROGRESS",
                                          "Resource creation Initiated", task->physical)) {
        (void)operation_note(operation, record, creates ? "CREATE_COMPLETE" : "UPDATE_COMPLETE",
                             NULL, task->physical);
    }
    operation_piece_done(piece, task->failed);
}
