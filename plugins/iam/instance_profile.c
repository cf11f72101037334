/* SPDX-License-Identifier: MIT */
/* Instance profiles: RoleName beside what all entities have, the one role that fits in. */
#include "actions.h"
#include "entity.h"

#include <errno.h>

void action_create_instance_profile(struct call *call) {
    const char *name = call_str(call, "InstanceProfileName").ptr;
    struct json_object *profile = entity_make(call, &kind_profile, name);
    if (profile != NULL && entity_save(call, &kind_profile, profile) == 0) {
        entity_answer(call, &kind_profile, profile);
    }
    json_object_put(profile);
}

void action_delete_instance_profile(struct call *call) {
    struct json_object *profile = entity_of(call);
    if (profile == NULL) {
        return;
    }
    if (record_string(profile, "RoleName") != NULL) {
        call_fail(call, DELETE_CONFLICT,
                  "Cannot delete entity, must remove roles from instance profile first.");
    } else {
        int result = record_delete(call, &kind_profile, profile);
        if (result == 0) {
            call_answer_empty(call);
        } else {
            call_fail_internally(call, result);
        }
    }
    json_object_put(profile);
}

/* Sets the role, or takes it away. */
static void change(struct call *call, struct json_object *profile, const char *role, int add) {
    const char *name = record_string(profile, "Name");
    if (call_begin(call) != 0) {
        return;
    }
    int result = add ? index_put(call, RELATION_PROFILE, role, &kind_profile, name)
                     : index_del(call, RELATION_PROFILE, role, &kind_profile, name);
    result = result == 0 ? record_set(profile, "RoleName",
                                      add ? virga_str_from(role) : (struct virga_str){NULL, 0})
                         : result;
    result = result == 0 ? record_write(call, &kind_profile, profile) : result;
    if (call_commit(call, result) == 0) {
        call_answer_empty(call);
    }
}

void action_add_role_to_instance_profile(struct call *call) {
    struct json_object *profile = entity_of(call);
    const char *name = call_str(call, "RoleName").ptr;
    struct json_object *role = profile != NULL ? entity_find(call, &kind_role, name) : NULL;
    if (role != NULL && entity_check_changeable(call, role) == 0) {
        if (record_string(profile, "RoleName") != NULL) {
            call_fail(call, LIMIT_EXCEEDED,
                      "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
        } else {
            change(call, profile, name, 1);
        }
    }
    json_object_put(role);
    json_object_put(profile);
}

void action_remove_role_from_instance_profile(struct call *call) {
    struct json_object *profile = entity_of(call);
    const char *name = call_str(call, "RoleName").ptr;
    const char *role = record_string(profile, "RoleName");
    if (profile != NULL) {
        if (role == NULL || strcmp(role, name) != 0) {
            kind_fail_missing(call, &kind_role, name);
        } else {
            change(call, profile, name, 0);
        }
    }
    json_object_put(profile);
}

/* A page_show: the value is the name of a profile. */
static int show_profile(struct page *page, struct virga_str name, struct virga_str value,
                        void *arg) {
    struct json_object *profile = NULL;
    (void)name;
    (void)arg;
    int result = record_read(page->call, &kind_profile, value.ptr, &profile);
    if (result == 0) {
        result =
            entity_write(page->call, page->writer, &kind_profile, profile, "member", DETAIL_LISTED);
    }
    json_object_put(profile);
    return result == 0 ? 1 : result == -ENOENT ? 0 : result;
}

void action_list_instance_profiles_for_role(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct key key;
    struct json_object *role = entity_of(call);
    if (role != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "InstanceProfiles");
        key_index(call, RELATION_PROFILE, record_string(role, "Name"), &kind_profile, "", &key);
        page_scan(&page, 0, &key, show_profile, NULL);
        virga_xml_end(&writer, "InstanceProfiles");
        page_answer(&page);
    }
    json_object_put(role);
}
