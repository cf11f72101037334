/* SPDX-License-Identifier: MIT */
/* LabelParameterVersion and UnlabelParameterVersion. */
#include "labels.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

int labels_read(const struct call *call, struct virga_str name, struct json_object **ret_labels) {
    struct record_key key;
    struct virga_store_value value;
    int result = call->ssm->store->get(call->ssm->host, record_key(call, 'l', name, &key), &value);
    if (result == -ENOENT) {
        *ret_labels = json_object_new_object();
        return *ret_labels != NULL ? 0 : -ENOMEM;
    }
    if (result == 0) {
        result = virga_awsjson_parse((struct virga_str){value.ptr, value.len}, ret_labels);
        call->ssm->store->release(call->ssm->host, &value);
    }
    return result == -EBADMSG ? -EIO : result;
}

int labels_find(const struct call *call, struct virga_str name, struct virga_str label,
                int64_t *ret_version) {
    char text[101];
    struct json_object *labels;
    *ret_version = 0;
    if (label.len >= sizeof text) {
        return 0;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)label.len, label.ptr);
    int result = labels_read(call, name, &labels);
    if (result == 0) {
        *ret_version = virga_awsjson_int(labels, text, 0);
        json_object_put(labels);
    }
    return result;
}

int labels_are_on(struct json_object *labels, int64_t version) {
    json_object_object_foreach(labels, label, at) {
        (void)label;
        if (json_object_get_int64(at) == version) {
            return 1;
        }
    }
    return 0;
}

void labels_answer(struct virga_json_writer *writer, struct json_object *labels, int64_t version) {
    virga_json_begin_array(writer, "Labels");
    json_object_object_foreach(labels, label, at) {
        if (json_object_get_int64(at) == version) {
            virga_json_string(writer, NULL, label);
        }
    }
    virga_json_end_array(writer);
}

static int write_labels(const struct call *call, struct virga_str name,
                        struct json_object *labels) {
    struct record_key key;
    const char *text = json_object_to_json_string_ext(labels, JSON_C_TO_STRING_PLAIN);
    return text == NULL ? -ENOMEM
                        : call->ssm->store->put(call->ssm->host, record_key(call, 'l', name, &key),
                                                virga_str_from(text));
}

/* Source: "Working with parameter labels" in the user guide. */
static int is_valid(struct virga_str label) {
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        if (!(isascii(c) && isalnum(c)) && c != '.' && c != '-' && c != '_') {
            return 0;
        }
    }
    return label.len > 0 && !isdigit((unsigned char)label.ptr[0]) &&
           strncasecmp(label.ptr, "aws", 3) != 0 && strncasecmp(label.ptr, "ssm", 3) != 0;
}

/* Finds the parameter, its labels and the version that is meant; 0, or it has answered. */
static int find(struct call *call, struct virga_str *ret_name, int64_t *ret_version,
                struct json_object **ret_labels) {
    struct name_reference reference;
    struct record record;
    int result = name_refer(call, virga_awsjson_str(call->input, "Name"), &reference);
    if (result == 0) {
        result =
            reference.selector.ptr == NULL ? record_read(call, reference.name, &record) : -ENOENT;
    }
    if (result == -ENOENT) {
        call_fail(call, "ParameterNotFound", NULL);
        return result;
    }
    if (result == 0) {
        *ret_version = virga_awsjson_int(call->input, "ParameterVersion", record.version);
        record_finish(&record);
        result = record_read_version(call, reference.name, *ret_version, &record);
        if (result == -ENOENT) {
            call_fail(call, "ParameterVersionNotFound",
                      "Systems Manager could not find version %lld of %.*s. Verify the version and "
                      "try again.",
                      (long long)*ret_version, (int)reference.name.len, reference.name.ptr);
            return result;
        }
    }
    if (result == 0) {
        record_finish(&record);
        result = labels_read(call, reference.name, ret_labels);
    }
    if (result != 0) {
        call_fail_internally(call, result);
        return result;
    }
    *ret_name = reference.name;
    return 0;
}

static size_t count_on(struct json_object *labels, int64_t version) {
    size_t count = 0;
    json_object_object_foreach(labels, label, at) {
        (void)label;
        count += json_object_get_int64(at) == version;
    }
    return count;
}

/* Puts the valid labels on the version. */
static int move_labels(struct call *call, struct json_object *labels, int64_t version) {
    size_t count = virga_awsjson_length(call->input, "Labels");
    for (size_t i = 0; i < count; i++) {
        struct virga_str label =
            virga_awsjson_text(virga_awsjson_element(call->input, "Labels", i));
        struct json_object *number = is_valid(label) ? json_object_new_int64(version) : NULL;
        if (is_valid(label) &&
            (number == NULL || json_object_object_add(labels, label.ptr, number) != 0)) {
            json_object_put(number);
            return -ENOMEM;
        }
    }
    return 0;
}

static void write_list(struct call *call, struct virga_json_writer *writer, const char *key,
                       const char *wanted, char which) {
    size_t count = virga_awsjson_length(call->input, "Labels");
    virga_json_begin_array(writer, key);
    for (size_t i = 0; i < count; i++) {
        if (wanted[i] == which) {
            virga_json_str(writer, NULL,
                           virga_awsjson_text(virga_awsjson_element(call->input, "Labels", i)));
        }
    }
    virga_json_end_array(writer);
}

void action_label_parameter_version(struct call *call) {
    struct virga_str name;
    int64_t version;
    struct json_object *labels;
    struct virga_json_writer writer = {0};
    char valid[LABELS_MAX]; /* as many as the model lets through */
    size_t count = virga_awsjson_length(call->input, "Labels");
    if (find(call, &name, &version, &labels) != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        valid[i] =
            (char)is_valid(virga_awsjson_text(virga_awsjson_element(call->input, "Labels", i)));
    }
    int result = move_labels(call, labels, version);
    if (result == 0 && count_on(labels, version) > LABELS_MAX) {
        call_fail(call, "ParameterVersionLabelLimitExceeded",
                  "A parameter version can have maximum %d labels.Move one or more labels to "
                  "another version and try again.",
                  LABELS_MAX);
        json_object_put(labels);
        return;
    }
    result = result == 0 ? write_labels(call, name, labels) : result;
    json_object_put(labels);
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    write_list(call, &writer, "InvalidLabels", valid, 0);
    virga_json_int(&writer, "ParameterVersion", version);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}

void action_unlabel_parameter_version(struct call *call) {
    struct virga_str name;
    int64_t version;
    struct json_object *labels;
    struct virga_json_writer writer = {0};
    char removed[LABELS_MAX];
    size_t count = virga_awsjson_length(call->input, "Labels");
    if (find(call, &name, &version, &labels) != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct virga_str label =
            virga_awsjson_text(virga_awsjson_element(call->input, "Labels", i));
        removed[i] = virga_awsjson_int(labels, label.ptr, 0) == version;
        if (removed[i]) {
            json_object_object_del(labels, label.ptr);
        }
    }
    int result = write_labels(call, name, labels);
    json_object_put(labels);
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    write_list(call, &writer, "RemovedLabels", removed, 1);
    write_list(call, &writer, "InvalidLabels", removed, 0);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}
