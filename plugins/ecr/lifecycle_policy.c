/* SPDX-License-Identifier: MIT */
/* Lifecycle policies read from their texts. */
#include "lifecycle_policy.h"

#include "lifecycle_check.h"
#include "wildcard.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

static bool is(struct json_object *object, const char *key, const char *value) {
    return virga_str_equal(virga_awsjson_str(object, key), virga_str_from(value));
}

static int read_entries(struct lifecycle_rule *rule, struct json_object *selection,
                        const char *name) {
    size_t count = virga_awsjson_length(selection, name);
    if (count == 0) {
        return 0;
    }
    rule->entries = calloc(count, sizeof *rule->entries);
    if (rule->entries == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct virga_str entry = virga_awsjson_text(virga_awsjson_element(selection, name, i));
        rule->entries[i] = strndup(entry.ptr, entry.len);
        if (rule->entries[i] == NULL) {
            return -ENOMEM;
        }
        rule->entries_count++;
    }
    return 0;
}

static enum lifecycle_count read_count(struct json_object *selection) {
    if (is(selection, "countType", "sinceImagePushed")) {
        return LIFECYCLE_SINCE_PUSHED;
    }
    if (is(selection, "countType", "sinceImagePulled")) {
        return LIFECYCLE_SINCE_PULLED;
    }
    return is(selection, "countType", "sinceImageTransitioned") ? LIFECYCLE_SINCE_TRANSITIONED
                                                                : LIFECYCLE_COUNT_MORE_THAN;
}

static int read_rule(struct lifecycle_rule *rule, struct json_object *object) {
    struct json_object *selection = virga_awsjson_member(object, "selection");
    rule->priority = virga_awsjson_int(object, "rulePriority", 0);
    rule->tagged = !is(selection, "tagStatus", "untagged");
    rule->untagged = !is(selection, "tagStatus", "tagged");
    rule->status = is(selection, "storageClass", "archive") ? META_ARCHIVED : META_ACTIVE;
    rule->count = read_count(selection);
    rule->number = virga_awsjson_int(selection, "countNumber", 0);
    rule->action = is(virga_awsjson_member(object, "action"), "type", "transition")
                       ? LIFECYCLE_TRANSITION
                       : LIFECYCLE_EXPIRE;
    rule->prefixes = virga_awsjson_length(selection, "tagPrefixList") > 0;
    return read_entries(rule, selection, rule->prefixes ? "tagPrefixList" : "tagPatternList");
}

static int compare_priority(const void *a, const void *b) {
    const struct lifecycle_rule *rule_a = a, *rule_b = b;
    return (rule_a->priority > rule_b->priority) - (rule_a->priority < rule_b->priority);
}

int lifecycle_policy_read(struct virga_str text, struct lifecycle_policy **ret_policy) {
    char fault[LIFECYCLE_FAULT_MAX];
    struct json_object *object = NULL;
    if (!lifecycle_check(text, fault)) {
        return -EINVAL;
    }
    struct lifecycle_policy *policy = calloc(1, sizeof *policy);
    int result = policy != NULL ? virga_awsjson_parse(text, &object) : -ENOMEM;
    size_t count = virga_awsjson_length(object, "rules");
    for (size_t i = 0; i < count && result == 0; i++) {
        result =
            read_rule(&policy->rules[policy->count++], virga_awsjson_element(object, "rules", i));
    }
    json_object_put(object);
    if (result != 0) {
        lifecycle_policy_destroy(policy);
        return result;
    }
    qsort(policy->rules, policy->count, sizeof policy->rules[0], compare_priority);
    *ret_policy = policy;
    return 0;
}

void lifecycle_policy_destroy(struct lifecycle_policy *policy) {
    if (policy == NULL) {
        return;
    }
    for (size_t i = 0; i < policy->count; i++) {
        for (size_t j = 0; j < policy->rules[i].entries_count; j++) {
            free(policy->rules[i].entries[j]);
        }
        free(policy->rules[i].entries);
    }
    free(policy);
}

static bool matches(const struct lifecycle_rule *rule, const char *entry, const char *tag) {
    return rule->prefixes ? strncmp(tag, entry, strlen(entry)) == 0 : wildcard_matches(entry, tag);
}

/* Every entry must match, each by any of the tags. */
static bool selects(const struct lifecycle_rule *rule, const struct meta_image *image) {
    if (image->status != rule->status) {
        return false;
    }
    if (image->tags_count == 0) {
        return rule->untagged;
    }
    if (!rule->tagged) {
        return false;
    }
    for (size_t i = 0; i < rule->entries_count; i++) {
        bool found = false;
        for (size_t j = 0; j < image->tags_count && !found; j++) {
            found = matches(rule, rule->entries[i], image->tags[j]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

uint64_t lifecycle_policy_selects(const struct lifecycle_policy *policy,
                                  const struct meta_image *image) {
    uint64_t set = 0;
    for (size_t i = 0; i < policy->count; i++) {
        set |= selects(&policy->rules[i], image) ? UINT64_C(1) << i : 0;
    }
    return set;
}
