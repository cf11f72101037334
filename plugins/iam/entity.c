/* SPDX-License-Identifier: MIT */
#include "entity.h"

#include "actions.h"
#include "managed_policy.h"

#include <errno.h>
#include <virga/helpers/arn.h>

/* Whether the name is free, also in another case. Returns 0, or has answered the call. */
static int check_free(struct call *call, const struct kind *kind, const char *name) {
    struct key key;
    struct virga_store_value value;
    key_entity(call, kind, name, &key);
    int result = call->iam->store->get(call->iam->host, key_str(&key), &value);
    if (result == -ENOENT) {
        return 0;
    }
    if (result == 0) {
        call->iam->store->release(call->iam->host, &value);
        kind_fail_exists(call, kind, name);
        return -EEXIST;
    }
    call_fail_internally(call, result);
    return result;
}

/* What every new record has. */
static int fill(struct call *call, const struct kind *kind, const char *name,
                struct json_object *record) {
    char id[ID_SIZE];
    char arn[ARN_SIZE];
    struct virga_str path = call_str(call, "Path");
    /* Providers have no path, but the slash before the name. */
    path = path.ptr != NULL ? path : virga_str_from("/");
    kind_make_arn(call, kind, path.ptr, name, arn);
    int result = record_set(record, "Name", virga_str_from(name));
    result = result == 0 ? record_set(record, "Path", path) : result;
    result = result == 0 ? record_set(record, "Arn", virga_str_from(arn)) : result;
    result = result == 0 ? record_set_int(record, "CreateDate", call_now_ms(call)) : result;
    if (result == 0 && kind->id_prefix != NULL) {
        result = kind_make_id(kind->id_prefix, id);
        result = result == 0 ? record_set(record, "Id", virga_str_from(id)) : result;
    }
    return result;
}

struct json_object *entity_make(struct call *call, const struct kind *kind, const char *name) {
    if (check_free(call, kind, name) != 0) {
        return NULL;
    }
    struct json_object *record = json_object_new_object();
    int result = record != NULL ? fill(call, kind, name, record) : -ENOMEM;
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (tags_merge(call, record) == 0) {
        return record;
    }
    json_object_put(record);
    return NULL;
}

struct json_object *entity_find(struct call *call, const struct kind *kind, const char *name) {
    struct json_object *record = NULL;
    int result = record_read(call, kind, name, &record);
    if (result == -ENOENT) {
        kind_fail_missing(call, kind, name);
    } else if (result != 0) {
        call_fail_internally(call, result);
    }
    return record;
}

int entity_read_arn(const struct call *call, const struct kind *kind, const char *arn,
                    struct json_object **ret_record) {
    struct virga_arn parts;
    struct json_object *record = NULL;
    if (virga_arn_parse(virga_str_from(arn), &parts) != 0 ||
        !virga_str_equal(parts.service, virga_str_from("iam")) || parts.region.len != 0) {
        return -EINVAL;
    }
    size_t type_len = strlen(kind->arn_type);
    if (parts.resource.len < type_len + 2 ||
        strncmp(parts.resource.ptr, kind->arn_type, type_len) != 0 ||
        parts.resource.ptr[type_len] != '/') {
        return -EINVAL;
    }
    if (!virga_str_equal(parts.account, call->req->account)) {
        return -ENOENT;
    }
    /* The name of a provider may hold slashes, and it has no path. */
    const char *name = kind == &kind_oidc ? parts.resource.ptr + type_len + 1
                                          : strrchr(parts.resource.ptr, '/') + 1;
    int result = record_read(call, kind, name, &record);
    if (result == 0 && strcmp(record_string(record, "Arn"), arn) != 0) {
        json_object_put(record);
        return -ENOENT;
    }
    if (result == 0) {
        *ret_record = record;
    }
    return result;
}

struct json_object *entity_of(struct call *call) {
    const struct kind *kind = call->kind;
    const char *name = call_str(call, kind->name_member).ptr;
    struct json_object *record = NULL;
    if (kind != &kind_policy && kind != &kind_oidc && kind != &kind_saml) {
        return entity_find(call, kind, name);
    }
    int result = entity_read_arn(call, kind, name, &record);
    if (kind == &kind_policy && managed_policy_is(name)) {
        call_fail(call, ACCESS_DENIED, "%s is AWS's own policy: it cannot be changed.", name);
    } else if (result == -EINVAL) {
        call_fail(call, INVALID_INPUT, "ARN %s is not valid.", name);
    } else if (result == -ENOENT) {
        kind_fail_missing(call, kind, name);
    } else if (result != 0) {
        call_fail_internally(call, result);
    }
    return record;
}

int entity_check_changeable(struct call *call, struct json_object *record) {
    const char *arn = record_string(record, "Arn");
    if (strncmp(record_string(record, "Path"), SERVICE_ROLE_PATH, strlen(SERVICE_ROLE_PATH)) != 0 ||
        strstr(arn, ":role" SERVICE_ROLE_PATH) == NULL) {
        return 0;
    }
    call_fail(call, UNMODIFIABLE,
              "Cannot perform the operation on the protected role '%s' - this role is only "
              "modifiable by AWS",
              record_string(record, "Name"));
    return -EPERM;
}

struct json_object *entity_of_changeable(struct call *call) {
    struct json_object *record = entity_of(call);
    if (record != NULL && entity_check_changeable(call, record) != 0) {
        json_object_put(record);
        return NULL;
    }
    return record;
}

int entity_save(struct call *call, const struct kind *kind, struct json_object *record) {
    int result = record_write(call, kind, record);
    if (result != 0) {
        call_fail_internally(call, result);
    }
    return result;
}

int entity_on_path(const struct call *call, struct json_object *record) {
    struct virga_str prefix = call_str(call, "PathPrefix");
    return prefix.ptr == NULL ||
           strncmp(record_string(record, "Path"), prefix.ptr, prefix.len) == 0;
}

/* The result of the action that holds this one entity. */
void entity_answer(struct call *call, const struct kind *kind, struct json_object *record) {
    struct virga_xml_writer writer = {0};
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    int result = entity_write(call, &writer, kind, record, kind->element, DETAIL_WHOLE);
    if (result != 0) {
        virga_xml_finish(&writer);
        call_fail_internally(call, result);
        return;
    }
    (void)virga_query_answer(call->req, &writer, call->action);
}

void action_get_entity(struct call *call) {
    struct json_object *record = entity_of(call);
    if (record != NULL) {
        entity_answer(call, call->kind, record);
    }
    json_object_put(record);
}

/* A page_show. */
static int show_entity(struct page *page, struct virga_str name, struct virga_str value,
                       void *arg) {
    struct json_object *record = NULL;
    int result = virga_awsjson_parse(value, &record);
    (void)name;
    (void)arg;
    if (result == 0 && entity_on_path(page->call, record)) {
        result = entity_write(page->call, page->writer, page->call->kind, record, "member",
                              DETAIL_LISTED);
        result = result == 0 ? 1 : result;
    }
    json_object_put(record);
    return result == -EBADMSG ? -EIO : result;
}

void action_list_entities(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct key key;
    char list[64];
    if (page_begin(call, &writer, &page) != 0) {
        return;
    }
    (void)snprintf(list, sizeof list, "%ss", call->kind->element);
    key_entity(call, call->kind, "", &key);
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, list);
    page_scan(&page, 0, &key, show_entity, NULL);
    virga_xml_end(&writer, list);
    page_answer(&page);
}
