/* SPDX-License-Identifier: MIT */
/* Managed policies that are attached to a role, user or group: Attached [ARN] of its record, and an
 * index entry, so that a policy knows where it is used. */
#include "actions.h"
#include "entity.h"
#include "policy.h"

#include <errno.h>

/* The role, user or group, with its array; one that may be changed if `change`. NULL: the call has
 * been answered. */
static struct json_object *find_owner(struct call *call, int change,
                                      struct json_object **ret_attached) {
    struct json_object *record = change ? entity_of_changeable(call) : entity_of(call);
    if (record == NULL) {
        return NULL;
    }
    *ret_attached = record_array(record, "Attached");
    if (*ret_attached == NULL) {
        call_fail_internally(call, -ENOMEM);
        json_object_put(record);
        return NULL;
    }
    return record;
}

/* Returns 0, or has answered the call. */
static int check_attachable(struct call *call, const char *arn) {
    int result = policy_exists(call, arn);
    if (result == -EINVAL) {
        call_fail(call, INVALID_INPUT, "ARN %s is not valid.", arn);
    } else if (result == -ENOENT) {
        call_fail(call, NO_SUCH_ENTITY, "Policy %s does not exist or is not attachable.", arn);
    } else if (result != 0) {
        call_fail_internally(call, result);
    }
    return result;
}

void action_attach_policy(struct call *call) {
    const struct kind *kind = call->kind;
    struct virga_str arn = call_str(call, "PolicyArn");
    struct json_object *attached;
    struct json_object *record = find_owner(call, 1, &attached);
    if (record == NULL || check_attachable(call, arn.ptr) != 0) {
        json_object_put(record);
        return;
    }
    if (array_find(attached, NULL, arn.ptr) >= 0) {
        call_answer_empty(call);
    } else if (json_object_array_length(attached) >= kind->attached_max) {
        call_fail(call, LIMIT_EXCEEDED, "Cannot exceed quota for %s: %zu", kind->attached_quota,
                  kind->attached_max);
    } else if (call_begin(call) == 0) {
        int result = array_add(attached, json_object_new_string_len(arn.ptr, (int)arn.len));
        result = result == 0 ? index_put(call, RELATION_ATTACHED, arn.ptr, kind,
                                         record_string(record, "Name"))
                             : result;
        result = result == 0 ? record_write(call, kind, record) : result;
        if (call_commit(call, result) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(record);
}

void action_detach_policy(struct call *call) {
    const struct kind *kind = call->kind;
    const char *arn = call_str(call, "PolicyArn").ptr;
    struct json_object *attached;
    struct json_object *record = find_owner(call, 1, &attached);
    if (record == NULL) {
        return;
    }
    ptrdiff_t at = array_find(attached, NULL, arn);
    if (at < 0) {
        call_fail(call, NO_SUCH_ENTITY, "Policy %s was not found.", arn);
    } else if (call_begin(call) == 0) {
        (void)json_object_array_del_idx(attached, (size_t)at, 1);
        int result = index_del(call, RELATION_ATTACHED, arn, kind, record_string(record, "Name"));
        result = result == 0 ? record_write(call, kind, record) : result;
        if (call_commit(call, result) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(record);
}

void attachment_write(struct virga_xml_writer *writer, const char *arn) {
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "PolicyName", strrchr(arn, '/') + 1);
    virga_xml_string(writer, "PolicyArn", arn);
    virga_xml_end(writer, "member");
}

static int show_attached(struct page *page, size_t index, void *arg) {
    const char *arn = array_string(arg, index);
    struct virga_str prefix = call_str(page->call, "PathPrefix");
    if (prefix.ptr != NULL && strncmp(strchr(arn, '/'), prefix.ptr, prefix.len) != 0) {
        return 0;
    }
    attachment_write(page->writer, arn);
    return 1;
}

void action_list_attached_policies(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *attached;
    struct json_object *record = find_owner(call, 0, &attached);
    if (record != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "AttachedPolicies");
        page_count(&page, 0, json_object_array_length(attached), show_attached, attached);
        virga_xml_end(&writer, "AttachedPolicies");
        page_answer(&page);
    }
    json_object_put(record);
}
