/* SPDX-License-Identifier: MIT */
/* Groups and their members: the groups stand in the user's record, the members in the index. */
#include "actions.h"
#include "entity.h"
#include "rename.h"

#include <errno.h>

/* Source: IAM User Guide, "IAM and AWS STS quotas". */
#define GROUPS_MAX 10
/* How many members a group may have to be renamed: one transaction. */
#define MEMBERS_MAX 5000

void action_create_group(struct call *call) {
    struct json_object *group = entity_make(call, &kind_group, call_str(call, "GroupName").ptr);
    if (group != NULL && entity_save(call, &kind_group, group) == 0) {
        entity_answer(call, &kind_group, group);
    }
    json_object_put(group);
}

/* A page_show: the value is the name of a member. */
static int show_member(struct page *page, struct virga_str name, struct virga_str value,
                       void *arg) {
    struct json_object *user = NULL;
    (void)name;
    (void)arg;
    int result = record_read(page->call, &kind_user, value.ptr, &user);
    if (result == 0) {
        result = entity_write(page->call, page->writer, &kind_user, user, "member", DETAIL_LISTED);
    }
    json_object_put(user);
    return result == 0 ? 1 : result == -ENOENT ? 0 : result;
}

void action_get_group(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct key key;
    struct json_object *group = entity_of(call);
    if (group != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        page.error = entity_write(call, &writer, &kind_group, group, "Group", DETAIL_WHOLE);
        virga_xml_begin(&writer, "Users");
        key_index(call, RELATION_MEMBER, record_string(group, "Name"), &kind_user, "", &key);
        page_scan(&page, 0, &key, show_member, NULL);
        virga_xml_end(&writer, "Users");
        page_answer(&page);
    }
    json_object_put(group);
}

void action_delete_group(struct call *call) {
    struct json_object *group = entity_of(call);
    struct key key;
    int64_t members = 0;
    if (group == NULL) {
        return;
    }
    key_index(call, RELATION_MEMBER, record_string(group, "Name"), NULL, NULL, &key);
    int result = key_count(call->iam, &key, &members);
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (members > 0) {
        call_fail(call, DELETE_CONFLICT,
                  "Cannot delete entity, must remove users from group first.");
    } else if (virga_awsjson_length(group, "Attached") > 0) {
        call_fail(call, DELETE_CONFLICT, "Cannot delete entity, must detach all policies first.");
    } else if (virga_awsjson_length(group, "Policies") > 0) {
        call_fail(call, DELETE_CONFLICT, "Cannot delete entity, must delete policies first.");
    } else if ((result = record_delete(call, &kind_group, group)) != 0) {
        call_fail_internally(call, result);
    } else {
        call_answer_empty(call);
    }
    json_object_put(group);
}

/* One member learns the new name of its group. */
static int move_member(struct call *call, const char *member, const char *before,
                       const char *name) {
    struct json_object *user = NULL;
    int result = record_read(call, &kind_user, member, &user);
    if (result != 0) {
        return result;
    }
    struct json_object *groups = virga_awsjson_member(user, "Groups");
    ptrdiff_t at = array_find(groups, NULL, before);
    if (at >= 0) {
        (void)json_object_array_del_idx(groups, (size_t)at, 1);
        result = array_add(groups, json_object_new_string(name));
    }
    result = result == 0 ? record_write(call, &kind_user, user) : result;
    result = result == 0 ? index_put(call, RELATION_MEMBER, name, &kind_user, member) : result;
    json_object_put(user);
    return result;
}

static int move_group(struct call *call, struct json_object *group, const char *before) {
    const struct iam *iam = call->iam;
    const char *name = record_string(group, "Name");
    struct virga_store_cursor *cursor;
    struct virga_str at, member;
    struct key key;
    int result = entity_rename(call, &kind_group, group, before);
    if (result != 0 || strcmp(name, before) == 0) {
        return result;
    }
    /* The entries under the old name are gone before those under a name of the same lower case
     * come. */
    struct json_object *members = json_object_new_array();
    key_index(call, RELATION_MEMBER, before, NULL, NULL, &key);
    result = members != NULL ? iam->store->scan(iam->host, key_str(&key),
                                                (struct virga_str){NULL, 0}, 0, &cursor)
                             : -ENOMEM;
    if (result == 0) {
        while ((result = iam->store->next(cursor, &at, &member)) == 1) {
            result =
                json_object_array_length(members) < MEMBERS_MAX
                    ? array_add(members, json_object_new_string_len(member.ptr, (int)member.len))
                    : -E2BIG;
            if (result != 0) {
                break;
            }
        }
        iam->store->close(cursor);
    }
    result = result == 0 ? iam->store->del_prefix(iam->host, key_str(&key), NULL) : result;
    for (size_t i = 0; result == 0 && i < json_object_array_length(members); i++) {
        result = move_member(call, array_string(members, i), before, name);
    }
    json_object_put(members);
    return result;
}

void action_update_group(struct call *call) {
    char before[ARN_SIZE];
    struct json_object *group = entity_of(call);
    if (group != NULL && entity_set_name(call, &kind_group, group, "NewGroupName", before) == 0 &&
        call_begin(call) == 0 && call_commit(call, move_group(call, group, before)) == 0) {
        call_answer_empty(call);
    }
    json_object_put(group);
}

/* --- membership --- */

/* The group and the user of the input, both there. Returns 0, or has answered the call. */
static int find_both(struct call *call, struct json_object **ret_group,
                     struct json_object **ret_user) {
    struct json_object *group = entity_of(call);
    struct json_object *user =
        group != NULL ? entity_find(call, &kind_user, call_str(call, "UserName").ptr) : NULL;
    if (user == NULL) {
        json_object_put(group);
        return -ENOENT;
    }
    *ret_group = group;
    *ret_user = user;
    return 0;
}

static int add_member(struct call *call, struct json_object *user, struct json_object *groups,
                      const char *group) {
    int result = array_add(groups, json_object_new_string(group));
    result = result == 0
                 ? index_put(call, RELATION_MEMBER, group, &kind_user, record_string(user, "Name"))
                 : result;
    return result == 0 ? record_write(call, &kind_user, user) : result;
}

void action_add_user_to_group(struct call *call) {
    struct json_object *group, *user;
    if (find_both(call, &group, &user) != 0) {
        return;
    }
    const char *name = record_string(group, "Name");
    struct json_object *groups = record_array(user, "Groups");
    if (groups == NULL) {
        call_fail_internally(call, -ENOMEM);
    } else if (array_find(groups, NULL, name) >= 0) {
        call_answer_empty(call);
    } else if (json_object_array_length(groups) >= GROUPS_MAX) {
        call_fail(call, LIMIT_EXCEEDED, "Cannot exceed quota for GroupsPerUser: %d", GROUPS_MAX);
    } else if (call_begin(call) == 0 &&
               call_commit(call, add_member(call, user, groups, name)) == 0) {
        call_answer_empty(call);
    }
    json_object_put(group);
    json_object_put(user);
}

static int remove_member(struct call *call, struct json_object *user, size_t index,
                         const char *group) {
    (void)json_object_array_del_idx(virga_awsjson_member(user, "Groups"), index, 1);
    int result = index_del(call, RELATION_MEMBER, group, &kind_user, record_string(user, "Name"));
    return result == 0 ? record_write(call, &kind_user, user) : result;
}

void action_remove_user_from_group(struct call *call) {
    struct json_object *group, *user;
    if (find_both(call, &group, &user) != 0) {
        return;
    }
    const char *name = record_string(group, "Name");
    ptrdiff_t at = array_find(virga_awsjson_member(user, "Groups"), NULL, name);
    if (at < 0) {
        call_answer_empty(call);
    } else if (call_begin(call) == 0 &&
               call_commit(call, remove_member(call, user, (size_t)at, name)) == 0) {
        call_answer_empty(call);
    }
    json_object_put(group);
    json_object_put(user);
}

static int show_group(struct page *page, size_t index, void *arg) {
    struct json_object *group = NULL;
    const char *name = array_string(arg, index);
    int result = record_read(page->call, &kind_group, name, &group);
    if (result == 0) {
        result =
            entity_write(page->call, page->writer, &kind_group, group, "member", DETAIL_LISTED);
    }
    json_object_put(group);
    return result == 0 ? 1 : result == -ENOENT ? 0 : result;
}

void action_list_groups_for_user(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *user = entity_find(call, &kind_user, call_str(call, "UserName").ptr);
    if (user != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "Groups");
        page_count(&page, 0, virga_awsjson_length(user, "Groups"), show_group,
                   virga_awsjson_member(user, "Groups"));
        virga_xml_end(&writer, "Groups");
        page_answer(&page);
    }
    json_object_put(user);
}
