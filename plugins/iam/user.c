/* SPDX-License-Identifier: MIT */
/* Users: Groups [name], AccessKeys and Login (a login profile's members) beside what all entities
 * have. */
#include "access_key.h"
#include "actions.h"
#include "boundary.h"
#include "entity.h"
#include "rename.h"

#include <errno.h>

void action_create_user(struct call *call) {
    struct virga_str boundary = call_str(call, "PermissionsBoundary");
    if (boundary.ptr != NULL && boundary_check(call, boundary.ptr) != 0) {
        return;
    }
    struct json_object *user = entity_make(call, &kind_user, call_str(call, "UserName").ptr);
    if (user != NULL && call_begin(call) == 0) {
        int result = boundary_set(call, &kind_user, user, boundary.ptr);
        result = result == 0 ? record_write(call, &kind_user, user) : result;
        if (call_commit(call, result) == 0) {
            entity_answer(call, &kind_user, user);
        }
    }
    json_object_put(user);
}

static int remove_user(struct call *call, struct json_object *user) {
    int result = boundary_set(call, &kind_user, user, NULL);
    return result == 0 ? record_delete(call, &kind_user, user) : result;
}

void action_delete_user(struct call *call) {
    static const struct {
        const char *member, *text;
    } conflicts[] = {
        {"Attached", "Cannot delete entity, must detach all policies first."},
        {"Policies", "Cannot delete entity, must delete policies first."},
        {"Groups", "Cannot delete entity, must remove users from group first."},
        {"AccessKeys", "Cannot delete entity, must delete access keys first."},
        {"Login", "Cannot delete entity, must delete login profile first."},
    };
    struct json_object *user = entity_of(call);
    if (user == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        if (virga_awsjson_length(user, conflicts[i].member) > 0 ||
            json_object_is_type(virga_awsjson_member(user, conflicts[i].member),
                                json_type_object)) {
            call_fail(call, DELETE_CONFLICT, "%s", conflicts[i].text);
            json_object_put(user);
            return;
        }
    }
    if (call_begin(call) == 0 && call_commit(call, remove_user(call, user)) == 0) {
        call_answer_empty(call);
    }
    json_object_put(user);
}

/* The index knows the user by name: the entries under the old one go, those under the new come. */
static int move_user(struct call *call, struct json_object *user, const char *before) {
    const char *name = record_string(user, "Name");
    struct json_object *groups = virga_awsjson_member(user, "Groups");
    int result = entity_rename(call, &kind_user, user, before);
    for (size_t i = 0; result == 0 && i < virga_awsjson_length(user, "Groups"); i++) {
        const char *group = array_string(groups, i);
        result = index_del(call, RELATION_MEMBER, group, &kind_user, before);
        result = result == 0 ? index_put(call, RELATION_MEMBER, group, &kind_user, name) : result;
    }
    return result == 0 ? access_keys_put(call, user) : result;
}

void action_update_user(struct call *call) {
    char before[ARN_SIZE];
    struct json_object *user = entity_of(call);
    if (user != NULL && entity_set_name(call, &kind_user, user, "NewUserName", before) == 0 &&
        call_begin(call) == 0 && call_commit(call, move_user(call, user, before)) == 0) {
        call_answer_empty(call);
    }
    json_object_put(user);
}

/* --- login profiles: a password that nobody asks for, so it is not kept --- */

/* The user's login profile. NULL: the call has been answered. */
static struct json_object *find_login(struct call *call, struct json_object *user) {
    struct json_object *login = virga_awsjson_member(user, "Login");
    if (login == NULL) {
        call_fail(call, NO_SUCH_ENTITY, "Login Profile for User %s cannot be found.",
                  record_string(user, "Name"));
    }
    return login;
}

static void answer_login(struct call *call, struct json_object *user) {
    struct virga_xml_writer writer = {0};
    struct json_object *login = virga_awsjson_member(user, "Login");
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, "LoginProfile");
    virga_xml_string(&writer, "UserName", record_string(user, "Name"));
    virga_xml_time(&writer, "CreateDate", virga_awsjson_int(login, "CreateDate", 0));
    virga_xml_bool(&writer, "PasswordResetRequired",
                   (int)virga_awsjson_int(login, "PasswordResetRequired", 0));
    virga_xml_end(&writer, "LoginProfile");
    (void)virga_query_answer(call->req, &writer, call->action);
}

void action_create_login_profile(struct call *call) {
    struct json_object *user = entity_of(call);
    if (user == NULL) {
        return;
    }
    struct json_object *login = json_object_new_object();
    if (virga_awsjson_member(user, "Login") != NULL) {
        call_fail(call, ALREADY_EXISTS, "Login Profile for user %s already exists.",
                  record_string(user, "Name"));
    } else {
        int result =
            login != NULL ? record_set_int(login, "CreateDate", call_now_ms(call)) : -ENOMEM;
        result = result == 0
                     ? record_set_int(login, "PasswordResetRequired",
                                      virga_awsjson_bool(call->input, "PasswordResetRequired"))
                     : result;
        if (result == 0 && json_object_object_add(user, "Login", json_object_get(login)) != 0) {
            json_object_put(login);
            result = -ENOMEM;
        }
        if (result != 0) {
            call_fail_internally(call, result);
        } else if (entity_save(call, &kind_user, user) == 0) {
            answer_login(call, user);
        }
    }
    json_object_put(login);
    json_object_put(user);
}

void action_get_login_profile(struct call *call) {
    struct json_object *user = entity_of(call);
    if (user != NULL && find_login(call, user) != NULL) {
        answer_login(call, user);
    }
    json_object_put(user);
}

void action_update_login_profile(struct call *call) {
    struct json_object *user = entity_of(call);
    struct json_object *login = user != NULL ? find_login(call, user) : NULL;
    if (login != NULL) {
        int result = 0;
        if (virga_awsjson_member(call->input, "PasswordResetRequired") != NULL) {
            result = record_set_int(login, "PasswordResetRequired",
                                    virga_awsjson_bool(call->input, "PasswordResetRequired"));
        }
        if (result != 0) {
            call_fail_internally(call, result);
        } else if (entity_save(call, &kind_user, user) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(user);
}

void action_delete_login_profile(struct call *call) {
    struct json_object *user = entity_of(call);
    if (user != NULL && find_login(call, user) != NULL) {
        json_object_object_del(user, "Login");
        if (entity_save(call, &kind_user, user) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(user);
}
