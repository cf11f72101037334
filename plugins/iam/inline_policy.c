/* SPDX-License-Identifier: MIT */
/* Policies that are part of a role, user or group: Policies [{Name, Document}] of its record, in
 * the order of their names. */
#include "actions.h"
#include "document.h"
#include "entity.h"

#include <errno.h>

static int by_name(const void *left, const void *right) {
    struct json_object *const *a = left, *const *b = right;
    return strcmp(record_string(*a, "Name"), record_string(*b, "Name"));
}

/* What the documents take together with the new one; the one that it replaces does not count. */
static size_t size_with(struct json_object *policies, const char *name, struct virga_str document) {
    size_t size = document_size(document);
    for (size_t i = 0; i < json_object_array_length(policies); i++) {
        struct json_object *policy = json_object_array_get_idx(policies, i);
        if (strcmp(record_string(policy, "Name"), name) != 0) {
            size += document_size(virga_awsjson_str(policy, "Document"));
        }
    }
    return size;
}

static int put(struct json_object *policies, struct virga_str name, struct virga_str document) {
    ptrdiff_t at = array_find(policies, "Name", name.ptr);
    if (at >= 0) {
        return record_set(json_object_array_get_idx(policies, (size_t)at), "Document", document);
    }
    struct json_object *policy = json_object_new_object();
    int result = policy != NULL ? record_set(policy, "Name", name) : -ENOMEM;
    result = result == 0 ? record_set(policy, "Document", document) : result;
    if (result != 0) {
        json_object_put(policy);
        return result;
    }
    result = array_add(policies, policy);
    json_object_array_sort(policies, by_name);
    return result;
}

void action_put_inline_policy(struct call *call) {
    struct virga_str name = call_str(call, "PolicyName");
    struct virga_str document = call_str(call, "PolicyDocument");
    struct json_object *record = entity_of_changeable(call);
    struct json_object *policies = NULL;
    if (record == NULL || document_check(call, DOCUMENT_INLINE, document) != 0) {
        json_object_put(record);
        return;
    }
    policies = record_array(record, "Policies");
    if (policies == NULL) {
        call_fail_internally(call, -ENOMEM);
    } else if (size_with(policies, name.ptr, document) > call->kind->inline_max) {
        call_fail(call, LIMIT_EXCEEDED, "Maximum policy size of %zu bytes exceeded for %s %s",
                  call->kind->inline_max, call->kind->noun, record_string(record, "Name"));
    } else {
        int result = put(policies, name, document);
        if (result != 0) {
            call_fail_internally(call, result);
        } else if (entity_save(call, call->kind, record) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(record);
}

/* Where the policy is; -1: the call has been answered. */
static ptrdiff_t find_policy(struct call *call, struct json_object *record) {
    const char *name = call_str(call, "PolicyName").ptr;
    ptrdiff_t at = array_find(virga_awsjson_member(record, "Policies"), "Name", name);
    if (at < 0) {
        call_fail(call, NO_SUCH_ENTITY, "The %s policy with name %s cannot be found.",
                  call->kind->noun, name);
    }
    return at;
}

void action_get_inline_policy(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct json_object *record = entity_of(call);
    ptrdiff_t at = record != NULL ? find_policy(call, record) : -1;
    if (at >= 0) {
        struct json_object *policy = virga_awsjson_element(record, "Policies", (size_t)at);
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_string(&writer, call->kind->name_member, record_string(record, "Name"));
        virga_xml_string(&writer, "PolicyName", record_string(policy, "Name"));
        document_write(&writer, "PolicyDocument", record_string(policy, "Document"));
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(record);
}

void action_delete_inline_policy(struct call *call) {
    struct json_object *record = entity_of_changeable(call);
    ptrdiff_t at = record != NULL ? find_policy(call, record) : -1;
    if (at >= 0) {
        (void)json_object_array_del_idx(virga_awsjson_member(record, "Policies"), (size_t)at, 1);
        if (entity_save(call, call->kind, record) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(record);
}

static int show_name(struct page *page, size_t index, void *arg) {
    virga_xml_string(page->writer, "member",
                     record_string(virga_awsjson_element(arg, "Policies", index), "Name"));
    return 1;
}

void action_list_inline_policies(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *record = entity_of(call);
    if (record != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "PolicyNames");
        page_count(&page, 0, virga_awsjson_length(record, "Policies"), show_name, record);
        virga_xml_end(&writer, "PolicyNames");
        page_answer(&page);
    }
    json_object_put(record);
}
