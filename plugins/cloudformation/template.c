/* SPDX-License-Identifier: MIT */
/* The structure of templates.
 * Source: "Template anatomy" and "CloudFormation quotas" of the user guide. */
#include "template.h"

#include "document.h"
#include "reference.h"

struct check {
    struct json_object *root;
    struct fault *fault;
    template_has_attribute has_attribute;
    void *arg;
    const char *section; /* what is being walked */
    struct text missing; /* names that lead nowhere */
};

struct json_object *template_section(struct json_object *root, const char *section) {
    return value_member(root, section);
}

struct json_object *template_resource(struct json_object *root, const char *logical) {
    return value_member(template_section(root, "Resources"), logical);
}

static bool is_in(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* Finds a null; the path to it is put together on the way back. */
static bool find_null(struct json_object *value, unsigned depth, char *path, size_t size) {
    if (value_is_array(value)) {
        for (size_t i = 0; i < value_length(value); i++) {
            struct json_object *element = value_element(value, i);
            if (element == NULL || find_null(element, depth + 1, path, size)) {
                char rest[512];
                (void)snprintf(rest, sizeof rest, "/%zu%s", i, element == NULL ? "" : path);
                (void)snprintf(path, size, "%s", rest);
                return true;
            }
        }
    } else if (value_is_object(value)) {
        json_object_object_foreach(value, key, member) {
            if (member == NULL || find_null(member, depth + 1, path, size)) {
                char rest[512];
                (void)snprintf(rest, sizeof rest, "/%s%s", key, member == NULL ? "" : path);
                (void)snprintf(path, size, "%s", rest);
                return true;
            }
        }
    }
    return false;
}

static int check_top(struct check *check) {
    static const char *const sections[] = {"AWSTemplateFormatVersion",
                                           "Description",
                                           "Metadata",
                                           "Parameters",
                                           "Rules",
                                           "Mappings",
                                           "Conditions",
                                           "Transform",
                                           "Resources",
                                           "Outputs",
                                           NULL};
    struct text unknown = {0};
    json_object_object_foreach(check->root, key, value) {
        if (!is_in(key, sections)) {
            text_addf(&unknown, "%s%s", unknown.len > 0 ? ", " : "", key);
        }
        (void)value;
    }
    int result = 0;
    if (unknown.len > 0) {
        result = fault_set(check->fault, "Invalid template property or properties [%.500s]",
                           text_str(&unknown).ptr);
    }
    text_finish(&unknown);
    const char *version = value_text(check->root, "AWSTemplateFormatVersion");
    struct json_object *description = value_member(check->root, "Description");
    if (result == 0 && version != NULL && strcmp(version, "2010-09-09") != 0) {
        result = fault_set(check->fault, "Template format error: unsupported value for "
                                         "AWSTemplateFormatVersion.");
    }
    if (result == 0 && description != NULL && !value_is_string(description)) {
        result = fault_set(check->fault, "Template format error: Description must be a string.");
    }
    if (result == 0 && value_str(description).len > 1024) {
        result = fault_set(check->fault,
                           "Template format error: 'Description' length is greater than 1024.");
    }
    return result;
}

/* Macros and the SAM transform rewrite a template in ways that only AWS knows. */
static int check_transform(struct check *check) {
    struct json_object *transform = template_section(check->root, "Transform");
    if (transform == NULL || (value_is_array(transform) && value_length(transform) == 0)) {
        return 0;
    }
    struct json_object *first = value_is_array(transform) ? value_element(transform, 0) : transform;
    const char *name = value_is_object(first) ? value_text(first, "Name") : value_scalar(first);
    return fault_set(check->fault, "The transform %.200s is not supported here: no macro is run.",
                     name != NULL ? name : "of the template");
}

static int check_sections(struct check *check) {
    static const struct {
        const char *name;
        int max;
        const char *one;
    } sections[] = {
        {"Parameters", TEMPLATE_PARAMETERS_MAX, "parameters"},
        {"Mappings", TEMPLATE_MAPPINGS_MAX, "mappings"},
        {"Conditions", INT32_MAX, "conditions"},
        {"Rules", INT32_MAX, "rules"},
        {"Resources", TEMPLATE_RESOURCES_MAX, "resources"},
        {"Outputs", TEMPLATE_OUTPUTS_MAX, "outputs"},
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct json_object *section = template_section(check->root, sections[i].name);
        if (section == NULL) {
            continue;
        }
        if (!value_is_object(section)) {
            return fault_set(check->fault, "Template format error: %s must be an object.",
                             sections[i].name);
        }
        if (json_object_object_length(section) > sections[i].max) {
            return fault_set(check->fault,
                             "Template format error: Number of %s, %d, is greater than maximum "
                             "allowed, %d",
                             sections[i].one, json_object_object_length(section), sections[i].max);
        }
    }
    return 0;
}

static bool is_alphanumeric(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return len > 0 && len < 256 && name[len] == '\0';
}

static int check_parameters(struct check *check) {
    struct json_object *parameters = template_section(check->root, "Parameters");
    if (parameters == NULL) {
        return 0;
    }
    json_object_object_foreach(parameters, name, parameter) {
        struct json_object *allowed = value_member(parameter, "AllowedValues");
        if (!is_alphanumeric(name)) {
            return fault_set(check->fault,
                             "Template format error: Parameter name %.200s is non alphanumeric.",
                             name);
        }
        if (!value_is_string(value_member(parameter, "Type"))) {
            return fault_set(check->fault, "Template format error: Every Parameters object must "
                                           "contain a Type member.");
        }
        if (allowed != NULL && !value_is_array(allowed)) {
            return fault_set(check->fault, "Template format error: Every AllowedValues member must "
                                           "be a list.");
        }
        struct json_object *otherwise = value_member(parameter, "Default");
        if (otherwise != NULL && !value_is_scalar(otherwise)) {
            return fault_set(check->fault, "Template format error: Every Default member must be a "
                                           "string.");
        }
    }
    return 0;
}

static int check_policy(struct check *check, const char *logical, struct json_object *resource,
                        const char *attribute) {
    static const char *const policies[] = {"Delete", "Retain", "Snapshot", NULL};
    struct json_object *policy = value_member(resource, attribute);
    if (policy == NULL || (value_is_string(policy) &&
                           (is_in(value_scalar(policy), policies) ||
                            (strcmp(attribute, "DeletionPolicy") == 0 &&
                             strcmp(value_scalar(policy), "RetainExceptOnCreate") == 0)))) {
        return 0;
    }
    return fault_set(check->fault,
                     "Template format error: Unrecognized %s %.100s for resource %.200s", attribute,
                     value_is_scalar(policy) ? value_scalar(policy) : "", logical);
}

static int check_resource(struct check *check, const char *logical, struct json_object *resource) {
    static const char *const attributes[] = {"Type",
                                             "Properties",
                                             "DependsOn",
                                             "Condition",
                                             "Metadata",
                                             "CreationPolicy",
                                             "UpdatePolicy",
                                             "Description",
                                             "DeletionPolicy",
                                             "UpdateReplacePolicy",
                                             NULL};
    if (!is_alphanumeric(logical)) {
        return fault_set(check->fault,
                         "Template format error: Resource name %.200s is non alphanumeric.",
                         logical);
    }
    if (!value_is_object(resource)) {
        return fault_set(check->fault,
                         "Template format error: [/Resources/%.200s] Every Resources member must "
                         "be an object.",
                         logical);
    }
    if (!value_is_string(value_member(resource, "Type"))) {
        return fault_set(check->fault,
                         "Template format error: [/Resources/%.200s] Every Resources object must "
                         "contain a Type member.",
                         logical);
    }
    json_object_object_foreach(resource, attribute, value) {
        (void)value;
        if (!is_in(attribute, attributes)) {
            return fault_set(check->fault, "Invalid template resource property '%.200s'",
                             attribute);
        }
    }
    struct json_object *properties = value_member(resource, "Properties");
    if (properties != NULL && !value_is_object(properties)) {
        return fault_set(check->fault,
                         "Template format error: [/Resources/%.200s/Properties] must be an object.",
                         logical);
    }
    int result = check_policy(check, logical, resource, "DeletionPolicy");
    return result != 0 ? result : check_policy(check, logical, resource, "UpdateReplacePolicy");
}

/* Notes a name that leads nowhere, once. */
static void note_missing(struct check *check, struct virga_str name) {
    struct virga_str all = text_str(&check->missing);
    for (size_t at = 0; at + name.len <= all.len; at++) {
        if (memcmp(all.ptr + at, name.ptr, name.len) == 0 &&
            (at + name.len == all.len || all.ptr[at + name.len] == ',')) {
            return;
        }
    }
    text_addf(&check->missing, "%s%.*s", all.len > 0 ? ", " : "", (int)name.len, name.ptr);
}

static int on_reference(void *arg, const struct reference *reference) {
    struct check *check = arg;
    char name[256];
    if (reference->name.len >= sizeof name) {
        note_missing(check, reference->name);
        return 0;
    }
    memcpy(name, reference->name.ptr, reference->name.len);
    name[reference->name.len] = '\0';
    bool in_conditions = strcmp(check->section, "Conditions") == 0;
    struct json_object *resource = template_resource(check->root, name);
    if (reference->kind == REFERENCE_CONDITION) {
        if (value_member(template_section(check->root, "Conditions"), name) == NULL) {
            return fault_set(check->fault,
                             "Template format error: Unresolved condition dependency %s in the %s "
                             "block of the template",
                             name, check->section);
        }
    } else if (reference->kind == REFERENCE_ATTRIBUTE) {
        if (resource == NULL) {
            return fault_set(check->fault,
                             "Template error: instance of Fn::GetAtt references undefined resource "
                             "%s",
                             name);
        }
        if (reference->attribute.ptr != NULL && check->has_attribute != NULL &&
            check->has_attribute(check->arg, value_text(resource, "Type"), reference->attribute) ==
                0) {
            return fault_set(check->fault,
                             "Template error: resource %s does not support attribute type %.*s in "
                             "Fn::GetAtt",
                             name, (int)reference->attribute.len, reference->attribute.ptr);
        }
    } else if (strncmp(name, "AWS::", 5) != 0 &&
               value_member(template_section(check->root, "Parameters"), name) == NULL &&
               (resource == NULL || in_conditions)) {
        note_missing(check, reference->name);
    }
    return 0;
}

static int end_references(struct check *check) {
    int result = 0;
    if (check->missing.len > 0 && strcmp(check->section, "Conditions") == 0) {
        result = fault_set(check->fault,
                           "Template format error: Unresolved dependencies [%.500s]. Cannot "
                           "reference resources in the Conditions block of the template",
                           text_str(&check->missing).ptr);
    } else if (check->missing.len > 0) {
        result = fault_set(check->fault,
                           "Template format error: Unresolved resource dependencies [%.500s] in "
                           "the %s block of the template",
                           text_str(&check->missing).ptr, check->section);
    }
    text_finish(&check->missing);
    return result;
}

static int check_references(struct check *check, const char *section) {
    const struct reference_walk walk = {.on_reference = on_reference, .arg = check};
    check->section = section;
    struct json_object *members = template_section(check->root, section);
    int result = 0;
    if (members == NULL) {
        return 0;
    }
    json_object_object_foreach(members, name, member) {
        (void)name;
        struct json_object *condition = value_member(member, "Condition");
        bool is_conditions = strcmp(section, "Conditions") == 0;
        if (result == 0) {
            result =
                reference_walk(is_conditions ? member : value_member(member, "Properties"), &walk);
        }
        if (result == 0 && !is_conditions) {
            result = reference_walk(value_member(member, "Value"), &walk);
        }
        if (result == 0 && !is_conditions) {
            result = reference_walk(value_member(member, "Export"), &walk);
        }
        if (result == 0 && !is_conditions && value_is_string(condition)) {
            const struct reference reference = {
                REFERENCE_CONDITION, value_str(condition), {NULL, 0}};
            result = on_reference(check, &reference);
        }
        struct json_object *depends = value_member(member, "DependsOn");
        for (size_t i = 0; result == 0 && i < (value_is_array(depends) ? value_length(depends) : 1);
             i++) {
            const char *on =
                value_scalar(value_is_array(depends) ? value_element(depends, i) : depends);
            if (on != NULL && template_resource(check->root, on) == NULL) {
                note_missing(check, virga_str_from(on));
            }
        }
    }
    if (result != 0) {
        text_finish(&check->missing);
        return result;
    }
    return end_references(check);
}

static int check_outputs(struct check *check) {
    struct json_object *outputs = template_section(check->root, "Outputs");
    if (outputs == NULL) {
        return 0;
    }
    json_object_object_foreach(outputs, name, output) {
        if (!is_alphanumeric(name)) {
            return fault_set(check->fault,
                             "Template format error: Output name %.200s is non alphanumeric.",
                             name);
        }
        if (value_member(output, "Value") == NULL) {
            return fault_set(check->fault, "Template format error: Every Outputs member must "
                                           "contain a Value object");
        }
    }
    return 0;
}

static int check_all(struct check *check) {
    char path[512] = "";
    if (!value_is_object(check->root)) {
        return fault_set(check->fault, "Template format error: unsupported structure.");
    }
    int result = check_top(check);
    result = result != 0 ? result : check_transform(check);
    if (result == 0 && find_null(check->root, 0, path, sizeof path)) {
        result = fault_set(check->fault, "[%s] 'null' values are not allowed in templates", path);
    }
    result = result != 0 ? result : check_sections(check);
    struct json_object *resources = template_section(check->root, "Resources");
    if (result == 0 && (resources == NULL || json_object_object_length(resources) == 0)) {
        result =
            fault_set(check->fault, "Template format error: At least one Resources member must "
                                    "be defined.");
    }
    result = result != 0 ? result : check_parameters(check);
    if (result == 0) {
        json_object_object_foreach(resources, logical, resource) {
            result = result != 0 ? result : check_resource(check, logical, resource);
        }
    }
    result = result != 0 ? result : check_outputs(check);
    result = result != 0 ? result : check_references(check, "Conditions");
    result = result != 0 ? result : check_references(check, "Resources");
    return result != 0 ? result : check_references(check, "Outputs");
}

int template_parse(struct virga_str text, template_has_attribute has_attribute, void *arg,
                   struct json_object **ret_root, struct fault *fault) {
    struct check check = {.fault = fault, .has_attribute = has_attribute, .arg = arg};
    int result = document_parse(text, &check.root, fault);
    if (result != 0) {
        return result;
    }
    result = check_all(&check);
    if (result != 0) {
        json_object_put(check.root);
        return result;
    }
    *ret_root = check.root;
    return 0;
}
