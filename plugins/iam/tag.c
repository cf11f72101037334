/* SPDX-License-Identifier: MIT */
/* Tags of entities: [{Key, Value}] in the record, in the order in which they came. */
#include "actions.h"
#include "entity.h"
#include "policy.h"

#include <errno.h>
#include <strings.h>

/* Of one entity. Source: IAM User Guide, "Rules for tagging in IAM". */
#define TAGS_MAX 50

/* Where a key stands; keys that differ in case only are one. */
static ptrdiff_t find_tag(struct json_object *tags, const char *key) {
    size_t count = tags != NULL ? json_object_array_length(tags) : 0;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(record_string(json_object_array_get_idx(tags, i), "Key"), key) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static int check_duplicates(struct call *call) {
    struct json_object *given = virga_awsjson_member(call->input, "Tags");
    size_t count = virga_awsjson_length(call->input, "Tags");
    for (size_t i = 0; i < count; i++) {
        const char *key = record_string(json_object_array_get_idx(given, i), "Key");
        if (find_tag(given, key) != (ptrdiff_t)i) {
            call_fail(call, INVALID_INPUT,
                      "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
            return -EINVAL;
        }
    }
    return 0;
}

static int merge_one(struct json_object *tags, struct json_object *given) {
    struct virga_str key = virga_awsjson_str(given, "Key");
    struct virga_str value = virga_awsjson_str(given, "Value");
    ptrdiff_t at = find_tag(tags, key.ptr);
    struct json_object *tag = NULL;
    if (at >= 0) {
        tag = json_object_array_get_idx(tags, (size_t)at);
    } else {
        tag = json_object_new_object();
        if (array_add(tags, tag) != 0) {
            return -ENOMEM;
        }
    }
    int result = record_set(tag, "Key", key);
    return result == 0 ? record_set(tag, "Value", value) : result;
}

int tags_merge(struct call *call, struct json_object *record) {
    size_t count = virga_awsjson_length(call->input, "Tags");
    if (count == 0) {
        return 0;
    }
    int result = check_duplicates(call);
    if (result != 0) {
        return result;
    }
    struct json_object *tags = record_array(record, "Tags");
    result = tags != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = merge_one(tags, virga_awsjson_element(call->input, "Tags", i));
    }
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (json_object_array_length(tags) > TAGS_MAX) {
        call_fail(call, LIMIT_EXCEEDED, "The number of tags has reached the maximum limit.");
        result = -EDQUOT;
    }
    return result;
}

static void write_tag(struct virga_xml_writer *writer, struct json_object *tag) {
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "Key", record_string(tag, "Key"));
    virga_xml_string(writer, "Value", record_string(tag, "Value"));
    virga_xml_end(writer, "member");
}

void tags_write(struct virga_xml_writer *writer, struct json_object *record) {
    size_t count = virga_awsjson_length(record, "Tags");
    if (count == 0) {
        return;
    }
    virga_xml_begin(writer, "Tags");
    for (size_t i = 0; i < count; i++) {
        write_tag(writer, virga_awsjson_element(record, "Tags", i));
    }
    virga_xml_end(writer, "Tags");
}

void action_tag(struct call *call) {
    struct json_object *record = entity_of(call);
    if (record != NULL && tags_merge(call, record) == 0 &&
        entity_save(call, call->kind, record) == 0) {
        call_answer_empty(call);
    }
    json_object_put(record);
}

void action_untag(struct call *call) {
    struct json_object *record = entity_of(call);
    struct json_object *tags = virga_awsjson_member(record, "Tags");
    size_t count = virga_awsjson_length(call->input, "TagKeys");
    if (record == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *key = virga_awsjson_text(virga_awsjson_element(call->input, "TagKeys", i)).ptr;
        ptrdiff_t at = find_tag(tags, key);
        if (at >= 0) {
            (void)json_object_array_del_idx(tags, (size_t)at, 1);
        }
    }
    if (entity_save(call, call->kind, record) == 0) {
        call_answer_empty(call);
    }
    json_object_put(record);
}

static int show_tag(struct page *page, size_t index, void *arg) {
    write_tag(page->writer, virga_awsjson_element(arg, "Tags", index));
    return 1;
}

void action_list_tags(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *record = call->kind == &kind_policy ? policy_of(call) : entity_of(call);
    if (record != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "Tags");
        page_count(&page, 0, virga_awsjson_length(record, "Tags"), show_tag, record);
        virga_xml_end(&writer, "Tags");
        page_answer(&page);
    }
    json_object_put(record);
}
