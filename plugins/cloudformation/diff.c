/* SPDX-License-Identifier: MIT */
/* What a template would change. */
#include "diff.h"

#include "compare.h"
#include "order.h"
#include "template.h"

#include <errno.h>

/* What stands for a value that is known only once the resource is there, as AWS writes it. */
#define KNOWN_AFTER_APPLY "{{changeSet:KNOWN_AFTER_APPLY}}"

struct differ {
    struct call *call;
    struct scope scope;
    struct order order;
    struct json_object *records;  /* resources of the stack by logical id */
    struct json_object *replaced; /* logical ids of what gets another id: members */
    struct json_object *tags;
    struct diff diff;
};

static int on_resource(void *arg, const char *logical, struct virga_str attribute,
                       struct json_object **ret_value, struct fault *fault) {
    struct differ *differ = arg;
    struct json_object *record = value_member(differ->records, logical);
    struct json_object *known = NULL;
    (void)fault;
    if (record != NULL && value_member(differ->replaced, logical) == NULL) {
        known = attribute.ptr == NULL
                    ? value_member(record, "physical")
                    : value_member(value_member(record, "attributes"), attribute.ptr);
    }
    *ret_value = known != NULL ? json_object_get(known) : json_object_new_string(KNOWN_AFTER_APPLY);
    return *ret_value != NULL ? 0 : -ENOMEM;
}

static int on_import(void *arg, const char *name, struct json_object **ret_value,
                     struct fault *fault) {
    struct differ *differ = arg;
    struct json_object *exported = NULL;
    int result = record_get(differ->call->cfn, &exported, "x/%s/%s/%s", differ->scope.account,
                            differ->scope.region, name);
    if (result == -ENOENT) {
        return fault_set(fault, "No export named %.1024s found", name);
    }
    if (result == 0) {
        *ret_value = json_object_get(value_member(exported, "value"));
        json_object_put(exported);
    }
    return result;
}

/* A change with what every one has. Owns: the list. NULL: out of memory. */
static struct json_object *add_change(struct differ *differ, const char *action,
                                      const char *logical, const char *physical, const char *type) {
    struct json_object *change = json_object_new_object();
    differ->diff.changed = true;
    if (change == NULL || json_object_array_add(differ->diff.changes, change) != 0) {
        json_object_put(change);
        return NULL;
    }
    if (value_set_text(change, "action", action) != 0 ||
        value_set_text(change, "logical", logical) != 0 ||
        value_set_text(change, "type", type) != 0 ||
        (physical != NULL && value_set_text(change, "physical", physical) != 0)) {
        return NULL;
    }
    return change;
}

static int add_details(struct json_object *change, const struct resource_type *type,
                       struct json_object *names) {
    struct json_object *details = json_object_new_array();
    int result = details != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < value_length(names); i++) {
        const char *name = value_scalar(value_element(names, i));
        struct json_object *detail = json_object_new_object();
        if (detail == NULL || json_object_array_add(details, detail) != 0) {
            json_object_put(detail);
            result = -ENOMEM;
            break;
        }
        result = value_set_text(detail, "property", name);
        result = result != 0 ? result
                             : value_set_text(detail, "recreation",
                                              type != NULL && types_replaces(type, name) ? "Always"
                                                                                         : "Never");
    }
    return value_set(change, "details", details) != 0 ? -ENOMEM : result;
}

static int add_scope(struct json_object *change, const struct comparison *comparison) {
    struct json_object *scope = json_object_new_array();
    bool tags = false;
    bool others = false;
    for (size_t i = 0; i < value_length(comparison->names); i++) {
        bool is_tags = strcmp(value_scalar(value_element(comparison->names, i)), "Tags") == 0;
        tags = tags || is_tags;
        others = others || !is_tags;
    }
    int result = scope != NULL ? 0 : -ENOMEM;
    result = result == 0 && others ? value_add_text(scope, "Properties") : result;
    result = result == 0 && tags ? value_add_text(scope, "Tags") : result;
    result = result == 0 && comparison->described ? value_add_text(scope, "Metadata") : result;
    return value_set(change, "scope", scope) != 0 ? -ENOMEM : result;
}

static int modify(struct differ *differ, const struct order_node *node,
                  const struct resource_type *type, struct json_object *record,
                  struct json_object *properties) {
    struct comparison comparison;
    int result = compare_make(type, record, node->resource, properties, &comparison);
    if (result != 0) {
        return result;
    }
    if (comparison.changed || comparison.described) {
        struct json_object *change =
            add_change(differ, "Modify", node->logical, value_text(record, "physical"),
                       value_text(record, "type"));
        const char *policy = value_text(node->resource, "UpdateReplacePolicy");
        result = change == NULL ? -ENOMEM
                                : value_set_text(change, "replacement",
                                                 comparison.replaced ? "True" : "False");
        if (comparison.replaced) {
            bool retained = policy != NULL && strcmp(policy, "Retain") == 0;
            result = result != 0
                         ? result
                         : value_set_text(change, "policyAction",
                                          retained ? "ReplaceAndRetain" : "ReplaceAndDelete");
            result = result != 0 ? result : value_set_bool(differ->replaced, node->logical, true);
        }
        result = result != 0 ? result : add_details(change, type, comparison.names);
        result = result != 0 ? result : add_scope(change, &comparison);
        result = result != 0 ? result
                             : value_share(change, "before", value_member(record, "properties"));
        result = result != 0 ? result : value_share(change, "after", properties);
    }
    json_object_put(comparison.names);
    return result;
}

static int compare_node(struct differ *differ, const struct order_node *node) {
    const char *name = value_text(node->resource, "Type");
    const struct resource_type *type = types_find(differ->call->cfn, name);
    struct json_object *record = value_member(differ->records, node->logical);
    struct json_object *properties = NULL;
    int result = compare_properties(&differ->scope, node->resource, type, differ->tags, &properties,
                                    &differ->call->fault);
    if (result != 0) {
        return result;
    }
    if (record == NULL) {
        struct json_object *change = add_change(differ, "Add", node->logical, NULL, name);
        result = change == NULL ? -ENOMEM : value_share(change, "after", properties);
    } else if (strcmp(value_text(record, "type"), name) != 0) {
        result = fault_set(&differ->call->fault,
                           "Update of resource type is not permitted. The new template modifies "
                           "resource type of the following resources: [%.200s]",
                           node->logical);
    } else {
        result = modify(differ, node, type, record, properties);
    }
    json_object_put(properties);
    return result;
}

static int find_removed(struct differ *differ) {
    int result = 0;
    json_object_object_foreach(differ->records, logical, record) {
        if (result != 0 || order_find(&differ->order, logical) < differ->order.count) {
            continue;
        }
        const char *policy = value_text(record, "deletionPolicy");
        bool retained = policy != NULL && strncmp(policy, "Retain", 6) == 0;
        struct json_object *change = add_change(
            differ, "Remove", logical, value_text(record, "physical"), value_text(record, "type"));
        result = change == NULL
                     ? -ENOMEM
                     : value_set_text(change, "policyAction", retained ? "Retain" : "Delete");
        result = result != 0 ? result
                             : value_share(change, "before", value_member(record, "properties"));
    }
    return result;
}

static struct json_object *find_output(struct json_object *outputs, const char *key) {
    for (size_t i = 0; i < value_length(outputs); i++) {
        if (strcmp(value_text(value_element(outputs, i), "key"), key) == 0) {
            return value_element(outputs, i);
        }
    }
    return NULL;
}

/* Whether an output differs from what the stack has. */
static int compare_output(struct differ *differ, const char *key, struct json_object *declared,
                          size_t *count) {
    struct json_object *values[2] = {NULL, NULL};
    struct json_object *old = find_output(value_member(differ->call->stack, "outputs"), key);
    struct json_object *export = value_member(value_member(declared, "Export"), "Name");
    bool included = false;
    int result = scope_includes(&differ->scope, declared, &included, &differ->call->fault);
    if (result != 0 || !included) {
        return result;
    }
    result = scope_evaluate(&differ->scope, value_member(declared, "Value"), &values[0],
                            &differ->call->fault);
    if (result == 0 && export != NULL) {
        result = scope_evaluate(&differ->scope, export, &values[1], &differ->call->fault);
    }
    if (result == 0) {
        (*count)++;
        if (old == NULL || !value_equal(values[0], value_member(old, "value")) ||
            !value_equal(values[1], value_member(old, "export")) ||
            !value_equal(value_member(declared, "Description"), value_member(old, "description"))) {
            differ->diff.changed = true;
        }
    }
    json_object_put(values[0]);
    json_object_put(values[1]);
    return result;
}

static int compare_outputs(struct differ *differ) {
    struct json_object *declared = template_section(differ->call->root, "Outputs");
    size_t count = 0;
    int result = 0;
    if (declared != NULL) {
        json_object_object_foreach(declared, key, one) {
            result = result != 0 ? result : compare_output(differ, key, one, &count);
        }
    }
    if (count != value_length(value_member(differ->call->stack, "outputs"))) {
        differ->diff.changed = true;
    }
    return result;
}

static int run(struct differ *differ) {
    struct call *call = differ->call;
    int result = scope_check_rules(&differ->scope, &call->fault);
    result = result != 0 ? result : order_make(&differ->scope, &differ->order, &call->fault);
    for (size_t i = 0; result == 0 && i < differ->order.count; i++) {
        result = compare_node(differ, &differ->order.nodes[i]);
    }
    result = result != 0 ? result : find_removed(differ);
    result = result != 0 ? result : compare_outputs(differ);
    struct json_object *had = value_member(call->stack, "tags");
    if (value_length(had) + value_length(differ->tags) > 0 && !value_equal(had, differ->tags)) {
        differ->diff.changed = true;
    }
    return result;
}

int diff_make(struct call *call, struct json_object *tags, struct diff *ret_diff) {
    struct json_object *stack = call->stack;
    struct differ differ = {
        .call = call,
        .replaced = json_object_new_object(),
        .tags = tags,
        .diff = {.changes = json_object_new_array()},
    };
    differ.scope = (struct scope){
        .root = call->root,
        .parameters = call->parameters,
        .account = value_text(stack, "account"),
        .region = value_text(stack, "region"),
        .stack_id = value_text(stack, "id"),
        .stack_name = value_text(stack, "name"),
        .notification_arns = value_member(call->input, "NotificationARNs"),
        .resource = on_resource,
        .import = on_import,
        .unknown = KNOWN_AFTER_APPLY,
        .arg = &differ,
    };
    int result = differ.replaced == NULL || differ.diff.changes == NULL
                     ? -ENOMEM
                     : resource_read_all(call->cfn, stack, &differ.records);
    result = result != 0 ? result : run(&differ);
    order_finish(&differ.order);
    scope_finish(&differ.scope);
    json_object_put(differ.records);
    json_object_put(differ.replaced);
    if (result != 0) {
        json_object_put(differ.diff.changes);
        return result;
    }
    *ret_diff = differ.diff;
    return 0;
}
