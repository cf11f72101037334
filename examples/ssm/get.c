/* SPDX-License-Identifier: MIT */
/* GetParameter, GetParameters, GetParameterHistory. */
#include "labels.h"

#include <errno.h>
#include <stdlib.h>

#define HISTORY_PAGE 50
#define DIGITS_MAX 10

/* Reads what a reference leads to. Errors: -ENOENT no such parameter, -ESRCH no such version, and
 * as record_read(). */
static int read_reference(struct call *call, const struct name_reference *reference,
                          struct record *ret_record) {
    int result = record_read(call, reference->name, ret_record);
    struct virga_str selector = reference->selector;
    if (result != 0 || selector.ptr == NULL) {
        return result;
    }
    record_finish(ret_record);
    size_t digits = strspn(selector.ptr, "0123456789");
    int64_t version = 0;
    if (digits == 0 || digits < selector.len) {
        result = labels_find(call, reference->name, selector, &version);
    } else if (digits <= DIGITS_MAX) {
        version = strtoll(selector.ptr, NULL, 10);
    }
    if (result == 0) {
        result = record_read_version(call, reference->name, version, ret_record);
    }
    return result == -ENOENT ? -ESRCH : result;
}

void action_get_parameter(struct call *call) {
    struct name_reference reference;
    struct record record;
    struct virga_json_writer writer = {0};
    int result = name_refer(call, virga_awsjson_str(call->input, "Name"), &reference);
    if (result == 0) {
        result = read_reference(call, &reference, &record);
    }
    if (result == -ENOENT) {
        call_fail(call, "ParameterNotFound", NULL);
    } else if (result == -ESRCH) {
        call_fail(call, "ParameterVersionNotFound",
                  "Systems Manager could not find version %.*s of %.*s. Verify the version and "
                  "try again.",
                  (int)reference.selector.len, reference.selector.ptr, (int)reference.name.len,
                  reference.name.ptr);
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else {
        virga_json_begin_object(&writer, NULL);
        record_answer(call, &writer, "Parameter", reference.name, &record, reference.selector);
        virga_json_end_object(&writer);
        record_finish(&record);
        (void)virga_awsjson_answer(call->req, 200, &writer);
    }
}

/* Writes those that are there; marks those that are not. */
static int answer_found(struct call *call, size_t count, struct virga_json_writer *writer,
                        char *missing) {
    for (size_t i = 0; i < count; i++) {
        struct virga_str text = virga_awsjson_text(virga_awsjson_element(call->input, "Names", i));
        struct name_reference reference;
        struct record record;
        int result = name_refer(call, text, &reference);
        if (result == 0) {
            result = read_reference(call, &reference, &record);
        }
        missing[i] = result == -ENOENT || result == -ESRCH;
        if (result == 0) {
            record_answer(call, writer, NULL, reference.name, &record, reference.selector);
            record_finish(&record);
        } else if (!missing[i]) {
            return result;
        }
    }
    return 0;
}

void action_get_parameters(struct call *call) {
    char missing[10]; /* as many as the model lets through */
    size_t count = virga_awsjson_length(call->input, "Names");
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "Parameters");
    int result = answer_found(call, count, &writer, missing);
    if (result != 0) {
        virga_json_finish(&writer);
        call_fail_internally(call, result);
        return;
    }
    virga_json_end_array(&writer);
    virga_json_begin_array(&writer, "InvalidParameters");
    for (size_t i = 0; i < count; i++) {
        if (missing[i]) {
            virga_json_str(&writer, NULL,
                           virga_awsjson_text(virga_awsjson_element(call->input, "Names", i)));
        }
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}

/* --- history --- */

static void write_text(struct virga_json_writer *writer, const char *key, struct virga_str text) {
    if (text.ptr != NULL) {
        virga_json_str(writer, key, text);
    }
}

static void answer_version(struct call *call, struct virga_json_writer *writer,
                           struct virga_str name, const struct record *record,
                           struct json_object *labels) {
    virga_json_begin_object(writer, NULL);
    virga_json_str(writer, "Name", name);
    virga_json_str(writer, "Type", record->type);
    write_text(writer, "KeyId", record->key_id);
    virga_json_time(writer, "LastModifiedDate", record->modified_ms);
    write_text(writer, "LastModifiedUser", record->user);
    write_text(writer, "Description", record->description);
    record_answer_value(call, writer, record);
    write_text(writer, "AllowedPattern", record->allowed_pattern);
    virga_json_int(writer, "Version", record->version);
    labels_answer(writer, labels, record->version);
    virga_json_str(writer, "Tier", record->tier);
    virga_json_begin_array(writer, "Policies");
    virga_json_end_array(writer);
    virga_json_str(writer, "DataType", record->data_type);
    virga_json_end_object(writer);
}

/* A token's question: a token is good for the same parameter only. */
static struct virga_str history_question(const struct call *call, struct virga_str name,
                                         struct record_key *buffer) {
    return record_key(call, 'h', name, buffer);
}

/* The version to go on with; 0, or it has answered. */
static int history_begin(struct call *call, struct virga_str name, int64_t oldest,
                         int64_t *ret_version) {
    struct virga_str token = virga_awsjson_str(call->input, "NextToken");
    struct record_key key;
    char position[VIRGA_PAGE_POSITION_MAX];
    size_t len = 0;
    *ret_version = oldest;
    if (token.len == 0) {
        return 0;
    }
    int result = virga_page_token_open(&call->ssm->page_key, history_question(call, name, &key),
                                       token, position, &len);
    if (result == 0 && len < DIGITS_MAX + 2) {
        position[len] = '\0';
        int64_t version = strtoll(position, NULL, 10);
        *ret_version = version > oldest ? version : oldest;
        return 0;
    }
    if (result == -ENOMEM) {
        call_fail_internally(call, result);
    } else {
        call_fail(call, "InvalidNextToken", "The specified token isn't valid.");
    }
    return -EINVAL;
}

static void answer_history(struct call *call, struct virga_str name, int64_t newest) {
    struct virga_json_writer writer = {0};
    struct record_key key;
    char position[24];
    char token[VIRGA_PAGE_TOKEN_SIZE] = "";
    int64_t oldest = newest > RECORD_VERSIONS_MAX ? newest - RECORD_VERSIONS_MAX + 1 : 1;
    int64_t most = virga_awsjson_int(call->input, "MaxResults", HISTORY_PAGE);
    int64_t version;
    struct json_object *labels;
    if (history_begin(call, name, oldest, &version) != 0) {
        return;
    }
    int result = labels_read(call, name, &labels);
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "Parameters");
    for (; version <= newest && most > 0 && result == 0; version++, most--) {
        struct record record;
        result = record_read_version(call, name, version, &record);
        if (result == 0) {
            answer_version(call, &writer, name, &record, labels);
            record_finish(&record);
        }
    }
    json_object_put(labels);
    virga_json_end_array(&writer);
    if (result == 0 && version <= newest) {
        (void)snprintf(position, sizeof position, "%lld", (long long)version);
        result = virga_page_token_make(&call->ssm->page_key, history_question(call, name, &key),
                                       virga_str_from(position), token);
        virga_json_string(&writer, "NextToken", token);
    }
    virga_json_end_object(&writer);
    if (result != 0) {
        virga_json_finish(&writer);
        call_fail_internally(call, result);
        return;
    }
    (void)virga_awsjson_answer(call->req, 200, &writer);
}

void action_get_parameter_history(struct call *call) {
    struct name_reference reference;
    struct record record;
    int result = name_refer(call, virga_awsjson_str(call->input, "Name"), &reference);
    if (result == 0) {
        result = record_read(call, reference.name, &record);
    }
    if (result == -ENOENT) {
        call_fail(call, "ParameterNotFound", NULL);
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else {
        int64_t newest = record.version;
        record_finish(&record);
        answer_history(call, reference.name, newest);
    }
}
