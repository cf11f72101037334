/* SPDX-License-Identifier: MIT */
/* Parameters as keys and values. */
#include "records.h"

#include <errno.h>
#include <inttypes.h>

struct virga_str record_key(const struct call *call, char table, struct virga_str name,
                            struct record_key *buffer) {
    int len = snprintf(buffer->bytes, sizeof buffer->bytes, "%c%c%s%c%s%c%.*s", table, '\0',
                       call->req->account.ptr, '\0', call->req->region.ptr, '\0', (int)name.len,
                       name.len > 0 ? name.ptr : "");
    buffer->len = (size_t)len;
    return (struct virga_str){buffer->bytes, buffer->len};
}

/* The key of one version; "" as `digits`: what all versions of a parameter begin with. */
static struct virga_str version_key(const struct call *call, struct virga_str name,
                                    const char *digits, struct record_key *buffer) {
    (void)record_key(call, 'v', name, buffer);
    int len = snprintf(buffer->bytes + buffer->len, sizeof buffer->bytes - buffer->len, "%c%s",
                       '\0', digits);
    buffer->len += (size_t)len;
    return (struct virga_str){buffer->bytes, buffer->len};
}

static const char *version_digits(int64_t version, char buffer[12]) {
    (void)snprintf(buffer, 12, "%010u", (unsigned)version);
    return buffer;
}

int record_parse(struct virga_str text, struct record *ret_record) {
    struct json_object *json = NULL;
    int result = virga_awsjson_parse(text, &json);
    if (result != 0) {
        return result == -ENOMEM ? result : -EIO;
    }
    *ret_record = (struct record){
        .json = json,
        .type = virga_awsjson_str(json, "type"),
        .value = virga_awsjson_str(json, "value"),
        .tier = virga_awsjson_str(json, "tier"),
        .data_type = virga_awsjson_str(json, "dataType"),
        .description = virga_awsjson_str(json, "description"),
        .allowed_pattern = virga_awsjson_str(json, "allowedPattern"),
        .key_id = virga_awsjson_str(json, "keyId"),
        .user = virga_awsjson_str(json, "user"),
        .version = virga_awsjson_int(json, "version", 0),
        .modified_ms = virga_awsjson_int(json, "modifiedMs", 0),
    };
    if (ret_record->type.ptr == NULL || ret_record->value.ptr == NULL) {
        record_finish(ret_record);
        return -EIO;
    }
    return 0;
}

void record_finish(struct record *record) {
    json_object_put(record->json);
    record->json = NULL;
}

static int read_key(const struct call *call, struct virga_str key, struct record *ret_record) {
    struct virga_store_value value;
    int result = call->ssm->store->get(call->ssm->host, key, &value);
    if (result == 0) {
        result = record_parse((struct virga_str){value.ptr, value.len}, ret_record);
        call->ssm->store->release(call->ssm->host, &value);
    }
    return result;
}

int record_read(const struct call *call, struct virga_str name, struct record *ret_record) {
    struct record_key key;
    return name.len > 0 ? read_key(call, record_key(call, 'p', name, &key), ret_record) : -ENOENT;
}

int record_read_version(const struct call *call, struct virga_str name, int64_t version,
                        struct record *ret_record) {
    struct record_key key;
    char digits[12];
    int result = record_read(call, name, ret_record);
    if (result != 0 || ret_record->version == version) {
        return result;
    }
    record_finish(ret_record);
    if (version < 1 || version > UINT32_MAX) {
        return -ENOENT;
    }
    return read_key(call, version_key(call, name, version_digits(version, digits), &key),
                    ret_record);
}

static void write_text(struct virga_json_writer *writer, const char *key, struct virga_str text) {
    if (text.ptr != NULL) {
        virga_json_str(writer, key, text);
    }
}

static int put(const struct call *call, struct virga_str key, const struct record *record) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    write_text(&writer, "type", record->type);
    write_text(&writer, "value", record->value);
    write_text(&writer, "tier", record->tier);
    write_text(&writer, "dataType", record->data_type);
    write_text(&writer, "description", record->description);
    write_text(&writer, "allowedPattern", record->allowed_pattern);
    write_text(&writer, "keyId", record->key_id);
    write_text(&writer, "user", record->user);
    virga_json_int(&writer, "version", record->version);
    virga_json_int(&writer, "modifiedMs", record->modified_ms);
    virga_json_end_object(&writer);
    int result = writer.failed ? -ENOMEM
                               : call->ssm->store->put(call->ssm->host, key,
                                                       (struct virga_str){writer.ptr, writer.len});
    virga_json_finish(&writer);
    return result;
}

/* Ends a transaction: commits when all went well. */
static int end(const struct call *call, int result) {
    const struct virga_store *store = call->ssm->store;
    if (result == 0) {
        return store->commit(call->ssm->host);
    }
    store->rollback(call->ssm->host);
    return result;
}

int record_write(const struct call *call, struct virga_str name, const struct record *record,
                 const struct record *before, struct json_object *tags) {
    const struct virga_store *store = call->ssm->store;
    struct record_key key;
    char digits[12];
    int result = store->begin(call->ssm->host);
    if (result != 0) {
        return result;
    }
    result = put(call, record_key(call, 'p', name, &key), record);
    if (result == 0 && before != NULL) {
        result = put(call, version_key(call, name, version_digits(before->version, digits), &key),
                     before);
    }
    if (result == 0 && record->version > RECORD_VERSIONS_MAX) {
        result = store->del(
            call->ssm->host,
            version_key(call, name, version_digits(record->version - RECORD_VERSIONS_MAX, digits),
                        &key));
        result = result == -ENOENT ? 0 : result;
    }
    if (result == 0 && tags != NULL) {
        result = record_write_tags(call, name, tags);
    }
    return end(call, result);
}

int record_delete(const struct call *call, struct virga_str name) {
    const struct virga_store *store = call->ssm->store;
    struct record_key key;
    if (name.len == 0) {
        return -ENOENT;
    }
    int result = store->begin(call->ssm->host);
    if (result != 0) {
        return result;
    }
    result = store->del(call->ssm->host, record_key(call, 'p', name, &key));
    if (result == 0) {
        result = store->del_prefix(call->ssm->host, version_key(call, name, "", &key), NULL);
    }
    if (result == 0) {
        result = store->del(call->ssm->host, record_key(call, 't', name, &key));
        result = result == -ENOENT ? 0 : result;
    }
    if (result == 0) {
        result = store->del(call->ssm->host, record_key(call, 'l', name, &key));
        result = result == -ENOENT ? 0 : result;
    }
    return end(call, result);
}

int record_read_tags(const struct call *call, struct virga_str name,
                     struct json_object **ret_tags) {
    struct record_key key;
    struct virga_store_value value;
    int result = call->ssm->store->get(call->ssm->host, record_key(call, 't', name, &key), &value);
    if (result == -ENOENT) {
        *ret_tags = json_object_new_object();
        return *ret_tags != NULL ? 0 : -ENOMEM;
    }
    if (result == 0) {
        result = virga_awsjson_parse((struct virga_str){value.ptr, value.len}, ret_tags);
        call->ssm->store->release(call->ssm->host, &value);
    }
    return result == -EBADMSG ? -EIO : result;
}

int record_write_tags(const struct call *call, struct virga_str name, struct json_object *tags) {
    struct record_key key;
    const char *text = json_object_to_json_string_ext(tags, JSON_C_TO_STRING_PLAIN);
    return text == NULL ? -ENOMEM
                        : call->ssm->store->put(call->ssm->host, record_key(call, 't', name, &key),
                                                virga_str_from(text));
}

void record_answer_value(const struct call *call, struct virga_json_writer *writer,
                         const struct record *record) {
    /* Nothing is encrypted, but a client that forgot to ask for decryption is to notice. */
    if (record->key_id.ptr != NULL && !virga_awsjson_bool(call->input, "WithDecryption")) {
        size_t size = strlen("kms::") + record->key_id.len + record->value.len + 1;
        char *text = call->req->http->alloc(call->req, size);
        if (text == NULL) {
            writer->failed = 1;
            return;
        }
        (void)snprintf(text, size, "kms:%s:%s", record->key_id.ptr, record->value.ptr);
        virga_json_string(writer, "Value", text);
    } else {
        virga_json_str(writer, "Value", record->value);
    }
}

void record_answer(const struct call *call, struct virga_json_writer *writer, const char *key,
                   struct virga_str name, const struct record *record, struct virga_str selector) {
    char arn[NAME_ARN_SIZE];
    char colon_selector[130];
    (void)name_arn(call, name, arn);
    virga_json_begin_object(writer, key);
    virga_json_str(writer, "Name", name);
    virga_json_str(writer, "Type", record->type);
    record_answer_value(call, writer, record);
    virga_json_int(writer, "Version", record->version);
    if (selector.ptr != NULL) {
        (void)snprintf(colon_selector, sizeof colon_selector, ":%.*s", (int)selector.len,
                       selector.ptr);
        virga_json_string(writer, "Selector", colon_selector);
    }
    virga_json_time(writer, "LastModifiedDate", record->modified_ms);
    virga_json_string(writer, "ARN", arn);
    virga_json_str(writer, "DataType", record->data_type);
    virga_json_end_object(writer);
}
