/* SPDX-License-Identifier: MIT */
/* Outputs, exports and imports: what of a stack others see. */
#include "operation_impl.h"

#include "template.h"

#include <errno.h>
#include <stdlib.h>

static int fail(struct operation *operation, const char *reason) {
    (void)snprintf(operation->reason, sizeof operation->reason, "%s", reason);
    return -EINVAL;
}

static bool find_importers(struct operation *operation, const char *export_name, char *ret_names,
                           size_t size) {
    char prefix[RECORD_KEY_SIZE];
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    size_t len = 0;
    struct cfn *cfn = operation->cfn;
    (void)snprintf(prefix, sizeof prefix, "i/%s/%s/%s\001", value_text(operation->stack, "account"),
                   value_text(operation->stack, "region"), export_name);
    if (cfn->store->scan(cfn->host, virga_str_from(prefix), (struct virga_str){NULL, 0}, 0,
                         &cursor) != 0) {
        return false;
    }
    while (cfn->store->next(cursor, &key, &value) == 1 && len + 2 < size) {
        (void)snprintf(ret_names + len, size - len, "%s%.*s", len > 0 ? ", " : "", (int)value.len,
                       value.ptr);
        len = strlen(ret_names);
    }
    cfn->store->close(cursor);
    return len > 0;
}

/* Whether an export of this name may be made. */
static int check_export(struct operation *operation, const char *name, const char *value) {
    struct json_object *exported = NULL;
    char names[600] = "";
    char reason[1024];
    int result =
        record_get(operation->cfn, &exported, "x/%s/%s/%s", value_text(operation->stack, "account"),
                   value_text(operation->stack, "region"), name);
    if (result == -ENOENT) {
        return 0;
    }
    if (result != 0) {
        return result;
    }
    if (strcmp(value_text(exported, "stackId"), value_text(operation->stack, "id")) != 0) {
        (void)snprintf(reason, sizeof reason,
                       "Export with name %.400s is already exported by stack %.200s", name,
                       value_text(exported, "stackName"));
        result = fail(operation, reason);
    } else if (strcmp(value_text(exported, "value"), value) != 0 &&
               find_importers(operation, name, names, sizeof names)) {
        (void)snprintf(reason, sizeof reason,
                       "Cannot update export %.300s as it is in use by %.500s", name, names);
        result = fail(operation, reason);
    }
    json_object_put(exported);
    return result;
}

static int make_output(struct operation *operation, const char *key, struct json_object *declared,
                       struct json_object *outputs) {
    struct fault fault = {""};
    struct json_object *value = NULL;
    struct json_object *name = NULL;
    struct json_object *export = value_member(value_member(declared, "Export"), "Name");
    struct json_object *output = json_object_new_object();
    int result = output == NULL ? -ENOMEM
                                : scope_evaluate(&operation->scope, value_member(declared, "Value"),
                                                 &value, &fault);
    if (result == 0 && !value_is_scalar(value)) {
        result = fault_set(&fault, "Template format error: The Value field of every Outputs member "
                                   "must evaluate to a String.");
    }
    if (result == 0 && export != NULL) {
        result = scope_evaluate(&operation->scope, export, &name, &fault);
        if (result == 0 && !value_is_scalar(name)) {
            result = fault_set(&fault,
                               "Template format error: Output %.200s is malformed. The Name "
                               "field of every Export member must evaluate to a String.",
                               key);
        }
    }
    if (result == -EINVAL) {
        (void)fail(operation, fault.text);
    }
    result = result != 0 ? result : value_set_text(output, "key", key);
    result = result != 0 ? result : value_set_text(output, "value", value_scalar(value));
    result = result != 0
                 ? result
                 : value_share(output, "description", value_member(declared, "Description"));
    if (result == 0 && name != NULL) {
        result = value_set_text(output, "export", value_scalar(name));
        result =
            result != 0 ? result : check_export(operation, value_scalar(name), value_scalar(value));
    }
    json_object_put(value);
    json_object_put(name);
    if (result == 0 && json_object_array_add(outputs, output) == 0) {
        return 0;
    }
    json_object_put(output);
    return result != 0 ? result : -ENOMEM;
}

/* Whether one of the outputs exports this name. */
static bool exports(struct json_object *outputs, const char *name) {
    for (size_t i = 0; i < value_length(outputs); i++) {
        const char *one = value_text(value_element(outputs, i), "export");
        if (one != NULL && strcmp(one, name) == 0) {
            return true;
        }
    }
    return false;
}

/* An export that goes away must not be in use. */
static int check_dropped(struct operation *operation, struct json_object *outputs) {
    struct json_object *old = value_member(operation->stack, "outputs");
    for (size_t i = 0; i < value_length(old); i++) {
        const char *name = value_text(value_element(old, i), "export");
        char names[600] = "";
        char reason[1024];
        if (name != NULL && !exports(outputs, name) &&
            find_importers(operation, name, names, sizeof names)) {
            (void)snprintf(reason, sizeof reason,
                           "Cannot delete export %.300s as it is in use by %.500s", name, names);
            return fail(operation, reason);
        }
    }
    return 0;
}

int operation_make_outputs(struct operation *operation, struct json_object **ret_outputs) {
    struct json_object *declared = template_section(operation->root, "Outputs");
    struct json_object *outputs = json_object_new_array();
    int result = outputs != NULL ? 0 : -ENOMEM;
    if (declared != NULL) {
        json_object_object_foreach(declared, key, one) {
            struct fault fault = {""};
            bool included = false;
            if (result == 0) {
                result = scope_includes(&operation->scope, one, &included, &fault);
                if (result == -EINVAL) {
                    (void)fail(operation, fault.text);
                }
            }
            if (result == 0 && included) {
                result = make_output(operation, key, one, outputs);
            }
        }
    }
    result = result != 0 ? result : check_dropped(operation, outputs);
    if (result != 0) {
        json_object_put(outputs);
        return result;
    }
    *ret_outputs = outputs;
    return 0;
}

static int put_exports(struct operation *operation, struct json_object *outputs) {
    const char *account = value_text(operation->stack, "account");
    const char *region = value_text(operation->stack, "region");
    int result = 0;
    for (size_t i = 0; result == 0 && i < value_length(outputs); i++) {
        struct json_object *output = value_element(outputs, i);
        const char *name = value_text(output, "export");
        if (name == NULL) {
            continue;
        }
        struct json_object *exported = json_object_new_object();
        result = exported == NULL ? -ENOMEM
                                  : value_set_text(exported, "value", value_text(output, "value"));
        result = result != 0
                     ? result
                     : value_set_text(exported, "stackId", value_text(operation->stack, "id"));
        result = result != 0
                     ? result
                     : value_set_text(exported, "stackName", value_text(operation->stack, "name"));
        result = result != 0
                     ? result
                     : record_put(operation->cfn, exported, "x/%s/%s/%s", account, region, name);
        json_object_put(exported);
    }
    return result;
}

static int put_imports(struct operation *operation) {
    const char *account = value_text(operation->stack, "account");
    const char *region = value_text(operation->stack, "region");
    struct json_object *imports = json_object_new_array();
    int result = imports != NULL ? 0 : -ENOMEM;
    json_object_object_foreach(operation->imports, name, flag) {
        (void)flag;
        if (result == 0) {
            result = value_add_text(imports, name);
        }
        if (result == 0) {
            result = record_put_text(
                operation->cfn, virga_str_from(value_text(operation->stack, "name")),
                "i/%s/%s/%s\001%s", account, region, name, value_text(operation->stack, "uuid"));
        }
    }
    return value_set(operation->stack, "imports", imports) != 0 ? -ENOMEM : result;
}

int operation_drop_exports(struct operation *operation) {
    const char *account = value_text(operation->stack, "account");
    const char *region = value_text(operation->stack, "region");
    struct json_object *outputs = value_member(operation->stack, "outputs");
    struct json_object *imports = value_member(operation->stack, "imports");
    int result = 0;
    for (size_t i = 0; result == 0 && i < value_length(outputs); i++) {
        const char *name = value_text(value_element(outputs, i), "export");
        if (name != NULL) {
            result = record_delete(operation->cfn, "x/%s/%s/%s", account, region, name);
        }
    }
    for (size_t i = 0; result == 0 && i < value_length(imports); i++) {
        result = record_delete(operation->cfn, "i/%s/%s/%s\001%s", account, region,
                               value_scalar(value_element(imports, i)),
                               value_text(operation->stack, "uuid"));
    }
    return result;
}

bool operation_exports_in_use(struct operation *operation, char *ret_reason, size_t size) {
    struct json_object *outputs = value_member(operation->stack, "outputs");
    for (size_t i = 0; i < value_length(outputs); i++) {
        const char *name = value_text(value_element(outputs, i), "export");
        char names[600] = "";
        if (name != NULL && find_importers(operation, name, names, sizeof names)) {
            (void)snprintf(ret_reason, size,
                           "Cannot delete export %.300s as it is in use by %.500s", name, names);
            return true;
        }
    }
    return false;
}

/* What an update brought becomes the stack's own. */
static int adopt_next(struct operation *operation) {
    struct cfn *cfn = operation->cfn;
    struct json_object *stack = operation->stack;
    struct json_object *brought = json_object_get(value_member(stack, "next"));
    const char *uuid = value_text(stack, "uuid");
    struct text text = {0};
    if (brought == NULL) {
        return 0;
    }
    json_object_object_del(stack, "next");
    int result = record_get_text(cfn, &text, "t/%s/n", uuid);
    if (result == 0) {
        result = record_put_text(cfn, text_str(&text), "t/%s/c", uuid);
        text_finish(&text);
    }
    result = result != 0 ? result : record_delete(cfn, "t/%s/n", uuid);
    static const char *const members[] = {"parameters",       "tags",    "capabilities",
                                          "notificationArns", "roleArn", "description",
                                          "changeSetId"};
    for (size_t i = 0; result == 0 && i < sizeof members / sizeof members[0]; i++) {
        struct json_object *member = value_member(brought, members[i]);
        json_object_object_del(stack, members[i]);
        result = value_share(stack, members[i], member);
    }
    json_object_put(brought);
    return result;
}

int operation_settle(struct operation *operation, struct json_object *outputs) {
    int result = operation_drop_exports(operation);
    result = result != 0 ? result : value_share(operation->stack, "outputs", outputs);
    result = result != 0 ? result : put_exports(operation, outputs);
    result = result != 0 ? result : put_imports(operation);
    return result != 0 ? result : adopt_next(operation);
}
