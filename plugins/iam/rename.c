/* SPDX-License-Identifier: MIT */
#include "rename.h"

#include <errno.h>
#include <strings.h>

/* Whether a new name is free. Returns 0, or has answered the call. */
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

int entity_set_name(struct call *call, const struct kind *kind, struct json_object *record,
                    const char *name_member, char ret_before[ARN_SIZE]) {
    char arn[ARN_SIZE];
    struct virga_str name = call_str(call, name_member);
    struct virga_str path = call_str(call, "NewPath");
    (void)snprintf(ret_before, ARN_SIZE, "%s", record_string(record, "Name"));
    int result = 0;
    if (name.ptr != NULL) {
        result = strcasecmp(name.ptr, ret_before) != 0 ? check_free(call, kind, name.ptr) : 0;
        if (result != 0) {
            return result;
        }
        result = record_set(record, "Name", name);
    }
    if (result == 0 && path.ptr != NULL) {
        result = record_set(record, "Path", path);
    }
    kind_make_arn(call, kind, record_string(record, "Path"), record_string(record, "Name"), arn);
    result = result == 0 ? record_set(record, "Arn", virga_str_from(arn)) : result;
    if (result != 0) {
        call_fail_internally(call, result);
    }
    return result;
}

int entity_rename(struct call *call, const struct kind *kind, struct json_object *record,
                  const char *before) {
    const char *name = record_string(record, "Name");
    const char *boundary = record_string(record, "Boundary");
    struct json_object *attached = virga_awsjson_member(record, "Attached");
    struct key key;
    key_entity(call, kind, before, &key);
    int result = call->iam->store->del(call->iam->host, key_str(&key));
    result = result == 0 ? record_write(call, kind, record) : result;
    for (size_t i = 0; result == 0 && i < virga_awsjson_length(record, "Attached"); i++) {
        const char *arn = array_string(attached, i);
        result = index_del(call, RELATION_ATTACHED, arn, kind, before);
        result = result == 0 ? index_put(call, RELATION_ATTACHED, arn, kind, name) : result;
    }
    if (result == 0 && boundary != NULL) {
        result = index_del(call, RELATION_BOUNDARY, boundary, kind, before);
        result = result == 0 ? index_put(call, RELATION_BOUNDARY, boundary, kind, name) : result;
    }
    return result;
}
