/* SPDX-License-Identifier: MIT */
/* The schema of lifecycle policies, with the messages of the JSON schema validator that AWS runs,
 * and then the rules that a schema cannot say. */
#include "lifecycle_check.h"

#include "lifecycle_policy.h"

#include <stdlib.h>
#include <virga/helpers/awsjson.h>

#define PATTERNS_MAX_STARS 4
/* The archive's minimum storage duration. */
#define ARCHIVE_MIN_DAYS 90

/* A member that the schema knows. */
struct property {
    const char *name;
    const char *type; /* of JSON schema */
    bool required;
    const char *const *values; /* of an enum */
};

static const char *const tag_statuses[] = {"tagged", "untagged", "any", NULL};
static const char *const storage_classes[] = {"standard", "archive", NULL};
static const char *const archive_only[] = {"archive", NULL};
static const char *const action_types[] = {"expire", "transition", NULL};

/* By name, since the messages list names in order. */
static const struct property in_policy[] = {{"rules", "array", true, NULL}, {NULL}};
static const struct property in_rule[] = {{"action", "object", true, NULL},
                                          {"description", "string", false, NULL},
                                          {"rulePriority", "integer", true, NULL},
                                          {"selection", "object", true, NULL},
                                          {NULL}};
static const struct property in_selection[] = {
    {"countNumber", "integer", true, NULL},      {"countType", "string", true, NULL},
    {"countUnit", "string", false, NULL},        {"storageClass", "string", false, storage_classes},
    {"tagPatternList", "array", false, NULL},    {"tagPrefixList", "array", false, NULL},
    {"tagStatus", "string", true, tag_statuses}, {NULL}};
static const struct property in_action[] = {{"targetStorageClass", "string", false, archive_only},
                                            {"type", "string", true, action_types},
                                            {NULL}};

static const char no_schema[] = "instance failed to match exactly one schema (matched 0 out of 2)";

VIRGA_PRINTF(2, 3)
static bool fault(char *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, LIFECYCLE_FAULT_MAX, format, args);
    va_end(args);
    return false;
}

static const char *type_name(struct json_object *value) {
    switch (json_object_get_type(value)) {
    case json_type_object:
        return "object";
    case json_type_array:
        return "array";
    case json_type_string:
        return "string";
    case json_type_int:
        return "integer";
    case json_type_double:
        return "number";
    case json_type_boolean:
        return "boolean";
    default:
        return "null";
    }
}

static bool check_type(struct json_object *value, const char *type, char *text) {
    const char *found = type_name(value);
    return strcmp(found, type) == 0 ||
           fault(text,
                 "instance type (%s) does not match any allowed primitive type (allowed: [\"%s\"])",
                 found, type);
}

/* Adds "name" to a list in quotes, as far as there is room. */
static void add_name(char *list, size_t size, const char *name) {
    size_t len = strlen(list);
    (void)snprintf(list + len, size - len, "%s\"%s\"", len > 0 ? "," : "", name);
}

static bool check_enum(struct json_object *value, const char *const *values, char *text) {
    char list[128] = "";
    for (const char *const *known = values; *known != NULL; known++) {
        if (virga_str_equal(virga_awsjson_text(value), virga_str_from(*known))) {
            return true;
        }
        add_name(list, sizeof list, *known);
    }
    return fault(text, "instance value (\"%.200s\") not found in enum (possible values: [%s])",
                 json_object_get_string(value), list);
}

/* Checks types, names and presence of an object's members. */
static bool check_object(struct json_object *object, const struct property *properties,
                         char *text) {
    char missing[256] = "", unknown[256] = "";
    if (!check_type(object, "object", text)) {
        return false;
    }
    for (const struct property *property = properties; property->name != NULL; property++) {
        if (property->required && !json_object_object_get_ex(object, property->name, NULL)) {
            add_name(missing, sizeof missing, property->name);
        }
    }
    if (missing[0] != '\0') {
        return fault(text, "object has missing required properties ([%s])", missing);
    }
    json_object_object_foreach(object, key, value) {
        const struct property *property = properties;
        while (property->name != NULL && strcmp(property->name, key) != 0) {
            property++;
        }
        if (property->name == NULL) {
            add_name(unknown, sizeof unknown, key);
            continue;
        }
        /* A member that is null although it need not be there matches neither of the two forms. */
        if (value == NULL && !property->required) {
            return fault(text, no_schema);
        }
        if (!check_type(value, property->type, text) ||
            (property->values != NULL && !check_enum(value, property->values, text))) {
            return false;
        }
    }
    return unknown[0] == '\0' ||
           fault(text, "object instance has properties which are not allowed by the schema: ([%s])",
                 unknown);
}

static bool check_minimum(int64_t number, char *text) {
    return number >= 1 || fault(text,
                                "numeric instance is lower than the required minimum (minimum: 1, "
                                "found: %lld)",
                                (long long)number);
}

static bool check_list(struct json_object *selection, const char *name, char *text) {
    struct json_object *list = virga_awsjson_member(selection, name);
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    if (list != NULL && count == 0) {
        return fault(text, "array is too short: must have at least 1 elements but instance has 0 "
                           "elements");
    }
    for (size_t i = 0; i < count; i++) {
        size_t stars = 0;
        struct json_object *item = json_object_array_get_idx(list, i);
        if (!check_type(item, "string", text)) {
            return false;
        }
        for (const char *c = json_object_get_string(item); *c != '\0'; c++) {
            stars += *c == '*';
        }
        if (strcmp(name, "tagPatternList") == 0 && stars > PATTERNS_MAX_STARS) {
            return fault(text, "A tag pattern may contain at most %d wildcards.",
                         PATTERNS_MAX_STARS);
        }
    }
    return true;
}

/* Checks that countType and countUnit belong together: by count without a unit, by age in days. */
static bool check_count(struct json_object *selection, char *text) {
    static const char *const by_age[] = {"sinceImagePushed", "sinceImagePulled",
                                         "sinceImageTransitioned"};
    struct virga_str type = virga_awsjson_str(selection, "countType");
    struct virga_str unit = virga_awsjson_str(selection, "countUnit");
    if (virga_str_equal(type, virga_str_from("imageCountMoreThan"))) {
        return unit.ptr == NULL || fault(text, no_schema);
    }
    for (size_t i = 0; i < sizeof by_age / sizeof by_age[0]; i++) {
        if (virga_str_equal(type, virga_str_from(by_age[i]))) {
            return virga_str_equal(unit, virga_str_from("days")) || fault(text, no_schema);
        }
    }
    return fault(text, no_schema);
}

/* Checks that a target is given where, and only where, the image is to go somewhere. */
static bool check_action(struct json_object *action, char *text) {
    if (!check_object(action, in_action, text)) {
        return false;
    }
    bool moves = virga_str_equal(virga_awsjson_str(action, "type"), virga_str_from("transition"));
    bool target = virga_awsjson_member(action, "targetStorageClass") != NULL;
    return moves == target || fault(text, no_schema);
}

static bool check_rule_schema(struct json_object *rule, char *text) {
    if (!check_object(rule, in_rule, text)) {
        return false;
    }
    struct json_object *selection = virga_awsjson_member(rule, "selection");
    return check_minimum(virga_awsjson_int(rule, "rulePriority", 0), text) &&
           check_object(selection, in_selection, text) &&
           check_minimum(virga_awsjson_int(selection, "countNumber", 0), text) &&
           check_list(selection, "tagPrefixList", text) &&
           check_list(selection, "tagPatternList", text) && check_count(selection, text) &&
           check_action(virga_awsjson_member(rule, "action"), text);
}

static bool has_status(struct json_object *selection, const char *status) {
    return virga_str_equal(virga_awsjson_str(selection, "tagStatus"), virga_str_from(status));
}

static bool same_storage(struct json_object *a, struct json_object *b) {
    struct virga_str class_a = virga_awsjson_str(a, "storageClass");
    struct virga_str class_b = virga_awsjson_str(b, "storageClass");
    struct virga_str standard = virga_str_from("standard");
    return virga_str_equal(class_a.ptr != NULL ? class_a : standard,
                           class_b.ptr != NULL ? class_b : standard);
}

static bool check_tags(struct json_object *selection, char *text) {
    bool lists = virga_awsjson_member(selection, "tagPrefixList") != NULL;
    bool patterns = virga_awsjson_member(selection, "tagPatternList") != NULL;
    if (has_status(selection, "tagged")) {
        if (!lists && !patterns) {
            return fault(text,
                         "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.");
        }
        return !(lists && patterns) ||
               fault(text, "Only one of tagPrefixList and tagPatternList can be specified.");
    }
    return (!lists && !patterns) ||
           fault(text, "tagPrefixList and tagPatternList require tagStatus=TAGGED.");
}

/* Checks which images may be counted how, and what may be done with them then. */
static bool check_storage(struct json_object *rule, char *text) {
    struct json_object *selection = virga_awsjson_member(rule, "selection");
    struct virga_str type = virga_awsjson_str(selection, "countType");
    bool archived =
        virga_str_equal(virga_awsjson_str(selection, "storageClass"), virga_str_from("archive"));
    bool by_transition = virga_str_equal(type, virga_str_from("sinceImageTransitioned"));
    bool by_pull = virga_str_equal(type, virga_str_from("sinceImagePulled"));
    bool moves = virga_str_equal(virga_awsjson_str(virga_awsjson_member(rule, "action"), "type"),
                                 virga_str_from("transition"));
    if (by_transition && !archived) {
        return fault(text, "countType=sinceImageTransitioned requires storageClass=ARCHIVE.");
    }
    if (archived && !by_transition) {
        return fault(text, "storageClass=ARCHIVE requires countType=sinceImageTransitioned.");
    }
    if (archived && moves) {
        return fault(text, "Only images of storageClass=STANDARD can be transitioned.");
    }
    if (by_pull && !moves) {
        return fault(text, "countType=sinceImagePulled requires an action of type TRANSITION.");
    }
    if (by_transition && virga_awsjson_int(selection, "countNumber", 0) < ARCHIVE_MIN_DAYS) {
        return fault(text,
                     "You cannot configure lifecycle policies that delete images that have been in "
                     "archive for less than %d days.",
                     ARCHIVE_MIN_DAYS);
    }
    return true;
}

static int compare_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The entries of a list in order, each once. NULL: there are none, or there is no memory for them.
 */
static const char **sorted_entries(struct json_object *selection, const char *name,
                                   size_t *ret_count) {
    struct json_object *list = virga_awsjson_member(selection, name);
    size_t length = list != NULL ? json_object_array_length(list) : 0, count = 0;
    const char **entries = length > 0 ? calloc(length, sizeof *entries) : NULL;
    if (entries == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        entries[i] = json_object_get_string(json_object_array_get_idx(list, i));
    }
    qsort(entries, length, sizeof *entries, compare_text);
    for (size_t i = 0; i < length; i++) {
        if (count == 0 || strcmp(entries[count - 1], entries[i]) != 0) {
            entries[count++] = entries[i];
        }
    }
    *ret_count = count;
    return entries;
}

/* Whether the lists of two selections have the same entries. */
static bool same_entries(struct json_object *a, struct json_object *b, const char *name) {
    size_t count_a = 0, count_b = 0;
    const char **entries_a = sorted_entries(a, name, &count_a);
    const char **entries_b = entries_a != NULL ? sorted_entries(b, name, &count_b) : NULL;
    bool same = entries_b != NULL && count_a == count_b;
    for (size_t i = 0; i < count_a && same; i++) {
        same = strcmp(entries_a[i], entries_b[i]) == 0;
    }
    free(entries_a);
    free(entries_b);
    return same;
}

/* Checks what two rules may not have in common. */
static bool check_pair(struct json_object *a, struct json_object *b, char *text) {
    struct json_object *in_a = virga_awsjson_member(a, "selection");
    struct json_object *in_b = virga_awsjson_member(b, "selection");
    int64_t priority_a = virga_awsjson_int(a, "rulePriority", 0);
    int64_t priority_b = virga_awsjson_int(b, "rulePriority", 0);
    if (priority_a == priority_b) {
        return fault(text, "Rule priorities must be unique: %lld is given twice.",
                     (long long)priority_a);
    }
    if (!same_storage(in_a, in_b)) {
        return true;
    }
    if (has_status(in_a, "untagged") && has_status(in_b, "untagged")) {
        return fault(text, "Only one rule can select Untagged images per storage class.");
    }
    if ((has_status(in_a, "any") && priority_a < priority_b) ||
        (has_status(in_b, "any") && priority_b < priority_a)) {
        return fault(text,
                     "Rule for tagStatus=ANY must have the lowest priority per storage class");
    }
    if (same_entries(in_a, in_b, "tagPrefixList") || same_entries(in_a, in_b, "tagPatternList")) {
        return fault(text,
                     "Rules %lld and %lld select the same tags: the set of tag prefixes or "
                     "patterns must be unique per storage class.",
                     (long long)priority_a, (long long)priority_b);
    }
    return true;
}

static bool check_rules(struct json_object *rules, char *text) {
    size_t count = json_object_array_length(rules);
    if (count < 1 || count > LIFECYCLE_RULES_MAX) {
        return fault(text,
                     "array is too %s: must have at %s %d elements but instance has %zu elements",
                     count < 1 ? "short" : "long", count < 1 ? "least" : "most",
                     count < 1 ? 1 : LIFECYCLE_RULES_MAX, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_rule_schema(json_object_array_get_idx(rules, i), text)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = json_object_array_get_idx(rules, i);
        if (!check_tags(virga_awsjson_member(rule, "selection"), text) ||
            !check_storage(rule, text)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (!check_pair(json_object_array_get_idx(rules, j), rule, text)) {
                return false;
            }
        }
    }
    return true;
}

bool lifecycle_check(struct virga_str text, char ret_fault[LIFECYCLE_FAULT_MAX]) {
    struct json_object *policy = NULL;
    if (virga_awsjson_parse(text, &policy) != 0) {
        return fault(ret_fault, "Could not map policyString into LifecyclePolicy.");
    }
    bool good = check_object(policy, in_policy, ret_fault) &&
                check_rules(virga_awsjson_member(policy, "rules"), ret_fault);
    json_object_put(policy);
    return good;
}
