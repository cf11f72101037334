/* SPDX-License-Identifier: MIT */
/* Rules, filters and destinations. */
#include "replication_rules.h"
#include "meta.h"
#include "reference.h"

#include <errno.h>
#include <virga/helpers/arn.h>

/* Reads a destination; false: it names no registry. */
static bool read_destination(struct json_object *destination, struct tenant *ret_tenant) {
    struct virga_str region = virga_awsjson_str(destination, "region");
    struct virga_str account = virga_awsjson_str(destination, "registryId");
    if (!reference_is_region(region) || region.len > ECR_REGION_MAX ||
        !reference_is_account(account)) {
        return false;
    }
    *ret_tenant = (struct tenant){0};
    memcpy(ret_tenant->account, account.ptr, account.len);
    memcpy(ret_tenant->region, region.ptr, region.len);
    return true;
}

static bool same(const struct tenant *a, const struct tenant *b) {
    return strcmp(a->account, b->account) == 0 && strcmp(a->region, b->region) == 0;
}

/* Adds the destination unless it is there already. False: there is no room. */
static bool add(struct replication_targets *targets, const struct tenant *tenant) {
    for (size_t i = 0; i < targets->count; i++) {
        if (same(&targets->tenants[i], tenant)) {
            return true;
        }
    }
    if (targets->count == REPLICATION_DESTINATIONS_MAX) {
        return false;
    }
    targets->tenants[targets->count++] = *tenant;
    return true;
}

/* Whether an element before `index` of the rule's destinations is the same one. */
static bool repeats(struct json_object *rule, size_t index, const struct tenant *tenant) {
    struct tenant earlier;
    for (size_t i = 0; i < index; i++) {
        if (read_destination(virga_awsjson_element(rule, "destinations", i), &earlier) &&
            same(&earlier, tenant)) {
            return true;
        }
    }
    return false;
}

static const char *check_destination(struct json_object *rule, size_t index,
                                     const struct tenant *here,
                                     struct replication_targets *targets) {
    struct tenant tenant;
    if (!read_destination(virga_awsjson_element(rule, "destinations", index), &tenant)) {
        return "Replication destination is not a valid region";
    }
    if (same(&tenant, here)) {
        return "Replication destination cannot be the same as the source registry";
    }
    if (strcmp(virga_arn_partition(virga_str_from(tenant.region)),
               virga_arn_partition(virga_str_from(here->region))) != 0) {
        return "Replication destination must be in the same partition as the source registry";
    }
    if (repeats(rule, index, &tenant)) {
        return "Replication destinations of a rule must be unique";
    }
    return add(targets, &tenant)
               ? NULL
               : "Replication configuration cannot have more than 25 unique destinations";
}

const char *replication_rules_check(struct json_object *configuration, const struct tenant *here) {
    struct replication_targets targets = {.count = 0};
    size_t rules = virga_awsjson_length(configuration, "rules");
    for (size_t i = 0; i < rules; i++) {
        struct json_object *rule = virga_awsjson_element(configuration, "rules", i);
        size_t count = virga_awsjson_length(rule, "destinations");
        for (size_t k = 0; k < count; k++) {
            const char *wrong = check_destination(rule, k, here, &targets);
            if (wrong != NULL) {
                return wrong;
            }
        }
    }
    return NULL;
}

/* Whether the rule is about the repository: one of its filters is a prefix of the name, or it has
 * none. */
static bool applies(struct json_object *rule, struct virga_str name) {
    size_t filters = virga_awsjson_length(rule, "repositoryFilters");
    for (size_t i = 0; i < filters; i++) {
        struct virga_str filter =
            virga_awsjson_str(virga_awsjson_element(rule, "repositoryFilters", i), "filter");
        if (filter.ptr != NULL && filter.len <= name.len &&
            memcmp(filter.ptr, name.ptr, filter.len) == 0) {
            return true;
        }
    }
    return filters == 0;
}

void replication_rules_match(struct json_object *configuration, struct virga_str name,
                             struct replication_targets *ret_targets) {
    size_t rules = virga_awsjson_length(configuration, "rules");
    ret_targets->count = 0;
    for (size_t i = 0; i < rules; i++) {
        struct json_object *rule = virga_awsjson_element(configuration, "rules", i);
        size_t count = applies(rule, name) ? virga_awsjson_length(rule, "destinations") : 0;
        for (size_t k = 0; k < count; k++) {
            struct tenant tenant;
            if (read_destination(virga_awsjson_element(rule, "destinations", k), &tenant)) {
                (void)add(ret_targets, &tenant); /* what was stored has room */
            }
        }
    }
}

int replication_rules_find(struct ecr *ecr, const struct tenant *here, struct virga_str name,
                           struct replication_targets *ret_targets) {
    struct virga_store_value text = {0};
    struct json_object *configuration = NULL;
    ret_targets->count = 0;
    int result = meta_setting_get(ecr, here, REPLICATION_KIND, virga_str_from(""), &text);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    result = virga_awsjson_parse((struct virga_str){text.ptr, text.len}, &configuration);
    if (result == 0) {
        replication_rules_match(configuration, name, ret_targets);
    }
    json_object_put(configuration);
    ecr->store->release(ecr->host, &text);
    return result == -EBADMSG ? -EIO : result;
}
