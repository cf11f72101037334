/* SPDX-License-Identifier: MIT */
#include "access_key.h"

#include "actions.h"
#include "caller.h"
#include "entity.h"

#include <errno.h>
#include <sys/random.h>
#include <virga/helpers/access_key.h>
#include <virga/helpers/base64.h>

/* Source: IAM User Guide, "IAM and AWS STS quotas". */
#define KEYS_MAX 2
#define SECRET_BYTES 30 /* 40 characters in base64 */
#define TRIES 8

#define ENTRY 'K' /* key_other(): the id, with the user's name as value */

int access_key_read_user(const struct call *call, const char *id, struct json_object **ret_user) {
    struct key key;
    struct virga_store_value value;
    struct json_object *user = NULL;
    key_other(call, ENTRY, id, &key);
    int result = call->iam->store->get(call->iam->host, key_str(&key), &value);
    if (result != 0) {
        return result;
    }
    result = record_read(call, &kind_user, value.ptr, &user);
    call->iam->store->release(call->iam->host, &value);
    if (result != 0) {
        return result;
    }
    ptrdiff_t at = array_find(virga_awsjson_member(user, "AccessKeys"), "Id", id);
    struct json_object *found =
        at >= 0 ? virga_awsjson_element(user, "AccessKeys", (size_t)at) : NULL;
    if (found == NULL || strcmp(record_string(found, "Status"), "Active") != 0) {
        json_object_put(user);
        return -ENOENT;
    }
    *ret_user = user;
    return 0;
}

static int put_entry(const struct call *call, const char *id, const char *name) {
    struct key key;
    key_other(call, ENTRY, id, &key);
    return call->iam->store->put(call->iam->host, key_str(&key), virga_str_from(name));
}

int access_keys_put(const struct call *call, struct json_object *user) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < virga_awsjson_length(user, "AccessKeys"); i++) {
        struct json_object *access_key = virga_awsjson_element(user, "AccessKeys", i);
        result = put_entry(call, record_string(access_key, "Id"), record_string(user, "Name"));
    }
    return result;
}

/* An id that nobody has yet. Errors: -EIO no random numbers or none free. */
static int make_id(const struct call *call, char id[VIRGA_ACCESS_KEY_LEN + 1]) {
    struct virga_store_value value;
    struct key key;
    uint32_t chance;
    for (int i = 0; i < TRIES; i++) {
        if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance ||
            virga_access_key_make_user(call->req->account, chance, id) != 0) {
            return -EIO;
        }
        key_other(call, ENTRY, id, &key);
        int result = call->iam->store->get(call->iam->host, key_str(&key), &value);
        if (result == -ENOENT) {
            return 0;
        }
        if (result != 0) {
            return result;
        }
        call->iam->store->release(call->iam->host, &value);
    }
    return -EIO;
}

static int add_key(const struct call *call, struct json_object *user, const char *id) {
    struct json_object *access_key = json_object_new_object();
    struct json_object *keys = record_array(user, "AccessKeys");
    if (keys == NULL) {
        json_object_put(access_key);
        return -ENOMEM;
    }
    int result = array_add(keys, access_key);
    result = result == 0 ? record_set(access_key, "Id", virga_str_from(id)) : result;
    result = result == 0 ? record_set(access_key, "Status", virga_str_from("Active")) : result;
    result = result == 0 ? record_set_int(access_key, "CreateDate", call_now_ms(call)) : result;
    result = result == 0 ? put_entry(call, id, record_string(user, "Name")) : result;
    return result == 0 ? record_write(call, &kind_user, user) : result;
}

static void write_key(struct virga_xml_writer *writer, const char *user,
                      struct json_object *access_key, const char *element, const char *secret) {
    virga_xml_begin(writer, element);
    virga_xml_string(writer, "UserName", user);
    virga_xml_string(writer, "AccessKeyId", record_string(access_key, "Id"));
    virga_xml_string(writer, "Status", record_string(access_key, "Status"));
    virga_xml_string(writer, "SecretAccessKey", secret);
    virga_xml_time(writer, "CreateDate", virga_awsjson_int(access_key, "CreateDate", 0));
    virga_xml_end(writer, element);
}

static void create(struct call *call, struct json_object *user) {
    struct virga_xml_writer writer = {0};
    char id[VIRGA_ACCESS_KEY_LEN + 1];
    char bytes[SECRET_BYTES];
    char secret[VIRGA_BASE64_SIZE(SECRET_BYTES)];
    int result = make_id(call, id);
    if (result == 0 && getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        result = -EIO;
    }
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    (void)virga_base64_encode((struct virga_str){bytes, sizeof bytes}, secret);
    if (call_begin(call) != 0 || call_commit(call, add_key(call, user, id)) != 0) {
        return;
    }
    size_t last = virga_awsjson_length(user, "AccessKeys") - 1;
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    write_key(&writer, record_string(user, "Name"), virga_awsjson_element(user, "AccessKeys", last),
              "AccessKey", secret);
    (void)virga_query_answer(call->req, &writer, call->action);
}

void action_create_access_key(struct call *call) {
    struct json_object *user = caller_user(call);
    if (user != NULL) {
        if (virga_awsjson_length(user, "AccessKeys") >= KEYS_MAX) {
            call_fail(call, LIMIT_EXCEEDED, "Cannot exceed quota for AccessKeysPerUser: %d",
                      KEYS_MAX);
        } else {
            create(call, user);
        }
    }
    json_object_put(user);
}

/* Where the key of the input is; -1: the call has been answered. */
static ptrdiff_t find_key(struct call *call, struct json_object *user) {
    const char *id = call_str(call, "AccessKeyId").ptr;
    ptrdiff_t at = array_find(virga_awsjson_member(user, "AccessKeys"), "Id", id);
    if (at < 0) {
        call_fail(call, NO_SUCH_ENTITY, "The Access Key with id %s cannot be found.", id);
    }
    return at;
}

static int remove_key(struct call *call, struct json_object *user, size_t index) {
    struct key key;
    key_other(call, ENTRY, call_str(call, "AccessKeyId").ptr, &key);
    (void)json_object_array_del_idx(virga_awsjson_member(user, "AccessKeys"), index, 1);
    int result = call->iam->store->del(call->iam->host, key_str(&key));
    return result == 0 ? record_write(call, &kind_user, user) : result;
}

void action_delete_access_key(struct call *call) {
    struct json_object *user = caller_user(call);
    ptrdiff_t at = user != NULL ? find_key(call, user) : -1;
    if (at >= 0 && call_begin(call) == 0 &&
        call_commit(call, remove_key(call, user, (size_t)at)) == 0) {
        call_answer_empty(call);
    }
    json_object_put(user);
}

void action_update_access_key(struct call *call) {
    struct json_object *user = caller_user(call);
    ptrdiff_t at = user != NULL ? find_key(call, user) : -1;
    if (at >= 0) {
        int result = record_set(virga_awsjson_element(user, "AccessKeys", (size_t)at), "Status",
                                call_str(call, "Status"));
        if (result != 0) {
            call_fail_internally(call, result);
        } else if (entity_save(call, &kind_user, user) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(user);
}

static int show_key(struct page *page, size_t index, void *arg) {
    write_key(page->writer, record_string(arg, "Name"),
              virga_awsjson_element(arg, "AccessKeys", index), "member", NULL);
    return 1;
}

void action_list_access_keys(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *user = caller_user(call);
    if (user != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "AccessKeyMetadata");
        page_count(&page, 0, virga_awsjson_length(user, "AccessKeys"), show_key, user);
        virga_xml_end(&writer, "AccessKeyMetadata");
        page_answer(&page);
    }
    json_object_put(user);
}

/* Other services tell nobody when a key was used: it reads as one that never was. */
void action_get_access_key_last_used(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct virga_store_value value;
    struct key key;
    const char *id = call_str(call, "AccessKeyId").ptr;
    key_other(call, ENTRY, id, &key);
    int result = call->iam->store->get(call->iam->host, key_str(&key), &value);
    if (result == -ENOENT) {
        call_fail(call, NO_SUCH_ENTITY, "The Access Key with id %s cannot be found.", id);
        return;
    }
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_string(&writer, "UserName", value.ptr);
    call->iam->store->release(call->iam->host, &value);
    virga_xml_begin(&writer, "AccessKeyLastUsed");
    virga_xml_string(&writer, "ServiceName", "N/A");
    virga_xml_string(&writer, "Region", "N/A");
    virga_xml_end(&writer, "AccessKeyLastUsed");
    (void)virga_query_answer(call->req, &writer, call->action);
}
