/* SPDX-License-Identifier: MIT */
/* Stacks' records. */
#include "stack.h"

#include "id.h"

#include <errno.h>
#include <virga/helpers/arn.h>

static int read_stack(struct cfn *cfn, const char *account, const char *region, const char *uuid,
                      struct json_object **ret_stack) {
    return record_get(cfn, ret_stack, "s/%s/%s/%s", account, region, uuid);
}

int stack_find(struct cfn *cfn, const char *account, const char *region, const char *name_or_id,
               struct json_object **ret_stack) {
    struct virga_arn arn;
    struct text uuid = {0};
    if (strncmp(name_or_id, "arn:", 4) == 0) {
        const char *slash = strrchr(name_or_id, '/');
        if (virga_arn_parse(virga_str_from(name_or_id), &arn) != 0 || slash == NULL ||
            !virga_str_equal(arn.account, virga_str_from(account)) ||
            !virga_str_equal(arn.region, virga_str_from(region)) ||
            strncmp(arn.resource.ptr, "stack/", 6) != 0) {
            return -ENOENT;
        }
        int result = read_stack(cfn, account, region, slash + 1, ret_stack);
        if (result == 0 && strcmp(value_text(*ret_stack, "id"), name_or_id) != 0) {
            json_object_put(*ret_stack);
            return -ENOENT;
        }
        return result;
    }
    if (strchr(name_or_id, '/') != NULL || *name_or_id == '\0') {
        return -ENOENT;
    }
    int result = record_get_text(cfn, &uuid, "n/%s/%s/%s", account, region, name_or_id);
    if (result == 0) {
        result = read_stack(cfn, account, region, uuid.ptr, ret_stack);
        text_finish(&uuid);
    }
    return result;
}

int stack_create(struct cfn *cfn, const char *account, const char *region, const char *name,
                 struct json_object **ret_stack) {
    char uuid[CFN_UUID_SIZE];
    char arn[CFN_ARN_SIZE];
    struct json_object *stack = json_object_new_object();
    id_uuid(uuid);
    id_arn(region, account, "stack", name, uuid, arn);
    if (stack == NULL || value_set_text(stack, "name", name) != 0 ||
        value_set_text(stack, "id", arn) != 0 || value_set_text(stack, "uuid", uuid) != 0 ||
        value_set_text(stack, "account", account) != 0 ||
        value_set_text(stack, "region", region) != 0 ||
        value_set_int(stack, "createdMs", cfn_now_ms(cfn)) != 0) {
        json_object_put(stack);
        return -ENOMEM;
    }
    *ret_stack = stack;
    return 0;
}

int stack_write(struct cfn *cfn, struct json_object *stack) {
    return record_put(cfn, stack, "s/%s/%s/%s", value_text(stack, "account"),
                      value_text(stack, "region"), value_text(stack, "uuid"));
}

int stack_write_name(struct cfn *cfn, struct json_object *stack) {
    return record_put_text(cfn, virga_str_from(value_text(stack, "uuid")), "n/%s/%s/%s",
                           value_text(stack, "account"), value_text(stack, "region"),
                           value_text(stack, "name"));
}

int stack_delete_name(struct cfn *cfn, struct json_object *stack) {
    return record_delete(cfn, "n/%s/%s/%s", value_text(stack, "account"),
                         value_text(stack, "region"), value_text(stack, "name"));
}

int stack_erase(struct cfn *cfn, struct json_object *stack) {
    static const char kinds[] = "trecb";
    const char *uuid = value_text(stack, "uuid");
    int result = record_delete(cfn, "s/%s/%s/%s", value_text(stack, "account"),
                               value_text(stack, "region"), uuid);
    for (const char *kind = kinds; result == 0 && *kind != '\0'; kind++) {
        result = record_delete_all(cfn, "%c/%s/", *kind, uuid);
    }
    return result;
}

struct pruning {
    size_t count;
    int64_t oldest_ms;
    struct json_object *oldest;
};

static int on_stack(void *arg, const char *rest, struct json_object *stack) {
    struct pruning *pruning = arg;
    (void)rest;
    if (strcmp(value_text(stack, "status"), "DELETE_COMPLETE") == 0) {
        int64_t deleted_ms = value_int(stack, "deletedMs", 0);
        pruning->count++;
        if (pruning->oldest == NULL || deleted_ms < pruning->oldest_ms) {
            json_object_put(pruning->oldest);
            pruning->oldest = json_object_get(stack);
            pruning->oldest_ms = deleted_ms;
        }
    }
    return 0;
}

int stack_prune(struct cfn *cfn, const char *account, const char *region) {
    char prefix[RECORD_KEY_SIZE];
    struct pruning pruning = {0};
    (void)snprintf(prefix, sizeof prefix, "s/%s/%s/", account, region);
    int result = record_each(cfn, prefix, "", false, on_stack, &pruning);
    /* One is deleted at a time, so that there is at most one too many. */
    if (result == 0 && pruning.count > STACK_DELETED_MAX) {
        result = stack_erase(cfn, pruning.oldest);
    }
    json_object_put(pruning.oldest);
    return result;
}

int stack_add_event(struct cfn *cfn, struct json_object *stack, const char *logical,
                    const char *physical, const char *type, const char *status, const char *reason,
                    struct json_object *properties) {
    char id[300];
    char uuid[CFN_UUID_SIZE];
    int64_t number = value_int(stack, "events", 0);
    /* No two of a stack have the same time: clients sort by it. */
    int64_t time_ms = value_int(stack, "eventMs", 0) + 1;
    time_ms = cfn_now_ms(cfn) > time_ms ? cfn_now_ms(cfn) : time_ms;
    struct json_object *event = json_object_new_object();
    id_uuid(uuid);
    (void)snprintf(id, sizeof id, "%s%s%s", logical != NULL ? logical : "",
                   logical != NULL ? "-" : "", uuid);
    bool failed = event == NULL || value_set_text(event, "id", id) != 0 ||
                  value_set_text(event, "logical",
                                 logical != NULL ? logical : value_text(stack, "name")) != 0 ||
                  value_set_text(event, "physical", physical) != 0 ||
                  value_set_text(event, "type", type) != 0 ||
                  value_set_text(event, "status", status) != 0 ||
                  (reason != NULL && value_set_text(event, "reason", reason) != 0) ||
                  (value_text(stack, "token") != NULL &&
                   value_set_text(event, "token", value_text(stack, "token")) != 0) ||
                  value_share(event, "properties", properties) != 0 ||
                  value_set_int(event, "timeMs", time_ms) != 0 ||
                  value_set_int(stack, "eventMs", time_ms) != 0 ||
                  value_set_int(stack, "events", number + 1) != 0;
    const char *stack_uuid = value_text(stack, "uuid");
    int result =
        failed ? -ENOMEM : record_put(cfn, event, "e/%s/%010lld", stack_uuid, (long long)number);
    if (result == 0 && number >= STACK_EVENTS_MAX) {
        result =
            record_delete(cfn, "e/%s/%010lld", stack_uuid, (long long)(number - STACK_EVENTS_MAX));
    }
    json_object_put(event);
    return result;
}

int stack_set_status(struct cfn *cfn, struct json_object *stack, const char *status,
                     const char *reason) {
    int result = value_set_text(stack, "status", status);
    if (reason != NULL) {
        result = result != 0 ? result : value_set_text(stack, "reason", reason);
    } else {
        json_object_object_del(stack, "reason");
    }
    if (result == 0) {
        result = stack_add_event(cfn, stack, NULL, value_text(stack, "id"),
                                 "AWS::CloudFormation::Stack", status, reason, NULL);
    }
    return result != 0 ? result : stack_write(cfn, stack);
}

bool stack_status_ends(const char *status, const char *end) {
    size_t len = strlen(status);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(status + len - end_len, end) == 0;
}

bool stack_in_progress(struct json_object *stack) {
    const char *status = value_text(stack, "status");
    return stack_status_ends(status, "_IN_PROGRESS") && strcmp(status, "REVIEW_IN_PROGRESS") != 0;
}

int resource_write(struct cfn *cfn, struct json_object *stack, struct json_object *resource) {
    return record_put(cfn, resource, "r/%s/%s", value_text(stack, "uuid"),
                      value_text(resource, "logical"));
}

int resource_delete(struct cfn *cfn, struct json_object *stack, const char *logical) {
    return record_delete(cfn, "r/%s/%s", value_text(stack, "uuid"), logical);
}

static int on_resource(void *arg, const char *rest, struct json_object *resource) {
    return value_set(arg, rest, json_object_get(resource));
}

int resource_read_all(struct cfn *cfn, struct json_object *stack,
                      struct json_object **ret_resources) {
    char prefix[64];
    struct json_object *resources = json_object_new_object();
    (void)snprintf(prefix, sizeof prefix, "r/%s/", value_text(stack, "uuid"));
    int result =
        resources != NULL ? record_each(cfn, prefix, "", false, on_resource, resources) : -ENOMEM;
    if (result != 0) {
        json_object_put(resources);
        return result;
    }
    *ret_resources = resources;
    return 0;
}
