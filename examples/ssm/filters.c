/* SPDX-License-Identifier: MIT */
/* Each filter has a key, an option and values; a parameter passes when one of the values fits. */
#include "filters.h"

#include <errno.h>

#define EVERY_OPTION "[BeginsWith, Equals, Contains]"
#define PREFIX_OPTIONS "[BeginsWith, Equals]"
#define PATH_OPTIONS "[Recursive, OneLevel]"

static int is(struct virga_str text, const char *other) {
    return virga_str_equal(text, virga_str_from(other));
}

static int is_tag(struct virga_str key) {
    return key.len > 4 && memcmp(key.ptr, "tag:", 4) == 0;
}

static int fail(struct call *call, const char *code, const char *format, const char *a,
                const char *b) {
    char message[400];
    (void)snprintf(message, sizeof message, "%s: %.200s. %s", format, a, b);
    call_fail(call, code, "%s", message);
    return -EINVAL;
}

static int check_option(struct call *call, struct virga_str key, struct virga_str option) {
    const char *valid = is(key, "Path")                      ? PATH_OPTIONS
                        : is(key, "Name") || is_tag(key)     ? EVERY_OPTION
                        : is(key, "Type") || is(key, "Tier") ? "[Equals]"
                                                             : PREFIX_OPTIONS;
    char valid_options[100];
    char listed[40];
    if (option.ptr == NULL) {
        return 0;
    }
    /* The list is short and its words do not hold each other: looked up as "[X" or " X". */
    (void)snprintf(listed, sizeof listed, "%.20s", option.ptr);
    const char *at = strstr(valid, listed);
    if (at != NULL && at > valid && (at[-1] == '[' || at[-1] == ' ') &&
        (at[strlen(listed)] == ',' || at[strlen(listed)] == ']')) {
        return 0;
    }
    (void)snprintf(valid_options, sizeof valid_options, "Valid options include: %s.", valid);
    return fail(call, "InvalidFilterOption", "The following filter option is not valid", option.ptr,
                valid_options);
}

static int check_filter(struct call *call, struct json_object *filter, int by_path) {
    struct virga_str key = virga_awsjson_str(filter, "Key");
    if (by_path && !is(key, "Type") && !is(key, "KeyId") && !is(key, "Label")) {
        return fail(call, "InvalidFilterKey", "The following filter key is not valid", key.ptr,
                    "Valid filter keys include: [Type, KeyId].");
    }
    if (!by_path && is(key, "Label")) {
        return fail(call, "InvalidFilterKey", "The following filter key is not valid", key.ptr,
                    "Valid filter keys include: [Path, Name, Type, KeyId, Tier].");
    }
    if (!is_tag(key) && virga_awsjson_length(filter, "Values") == 0) {
        call_fail(call, "InvalidFilterValue",
                  "The following filter values are missing : null for filter key %s.", key.ptr);
        return -EINVAL;
    }
    for (size_t i = 0; is(key, "Path") && i < virga_awsjson_length(filter, "Values"); i++) {
        struct json_object *path = virga_awsjson_element(filter, "Values", i);
        if (name_check_path(call, virga_awsjson_text(path)) != 0) {
            return -EINVAL;
        }
    }
    return check_option(call, key, virga_awsjson_str(filter, "Option"));
}

static int is_repeated(const struct call *call, size_t index) {
    struct json_object *filter = virga_awsjson_element(call->input, "ParameterFilters", index);
    for (size_t i = 0; i < index; i++) {
        struct json_object *other = virga_awsjson_element(call->input, "ParameterFilters", i);
        if (virga_str_equal(virga_awsjson_str(filter, "Key"), virga_awsjson_str(other, "Key"))) {
            return 1;
        }
    }
    return 0;
}

int filters_check(struct call *call, int by_path) {
    size_t count = virga_awsjson_length(call->input, "ParameterFilters");
    if (count > 0 && virga_awsjson_length(call->input, "Filters") > 0) {
        call_fail(call, "ValidationException",
                  "You can use either Filters or ParameterFilters in a single request, not both.");
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *filter = virga_awsjson_element(call->input, "ParameterFilters", i);
        if (is_repeated(call, i)) {
            return fail(call, "InvalidFilterKey",
                        "The following filter is duplicated in the request",
                        virga_awsjson_str(filter, "Key").ptr,
                        "A request can contain only one occurrence of a specific filter.");
        }
        int result = check_filter(call, filter, by_path);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int filters_is_below(struct virga_str name, struct virga_str path, int recursive) {
    size_t len = path.len;
    while (len > 0 && path.ptr[len - 1] == '/') {
        len--;
    }
    size_t start = len + 1;
    if (len == 0) {
        /* Names without a slash lie at the root too. */
        start = name.len > 0 && name.ptr[0] == '/';
    } else if (name.len <= start || memcmp(name.ptr, path.ptr, len) != 0 || name.ptr[len] != '/') {
        return 0;
    }
    return recursive || memchr(name.ptr + start, '/', name.len - start) == NULL;
}

static int fits(struct virga_str text, struct virga_str value, struct virga_str option) {
    if (is(option, "BeginsWith")) {
        return text.len >= value.len && memcmp(text.ptr, value.ptr, value.len) == 0;
    }
    if (is(option, "Contains")) {
        return text.ptr != NULL && strstr(text.ptr, value.ptr) != NULL;
    }
    return virga_str_equal(text, value);
}

static int one_fits(struct json_object *filter, struct virga_str text, struct virga_str option) {
    for (size_t i = 0; text.ptr != NULL && i < virga_awsjson_length(filter, "Values"); i++) {
        if (fits(text, virga_awsjson_text(virga_awsjson_element(filter, "Values", i)), option)) {
            return 1;
        }
    }
    return 0;
}

static int tag_passes(const struct call *call, struct json_object *filter, struct virga_str name,
                      struct virga_str key, struct virga_str option) {
    struct json_object *tags;
    int result = record_read_tags(call, name, &tags);
    if (result != 0) {
        return result;
    }
    struct virga_str value = virga_awsjson_str(tags, key.ptr + strlen("tag:"));
    result = virga_awsjson_length(filter, "Values") == 0 ? value.ptr != NULL
                                                         : one_fits(filter, value, option);
    json_object_put(tags);
    return result;
}

static int path_passes(struct json_object *filter, struct virga_str name, struct virga_str option) {
    for (size_t i = 0; i < virga_awsjson_length(filter, "Values"); i++) {
        struct virga_str path = virga_awsjson_text(virga_awsjson_element(filter, "Values", i));
        if (filters_is_below(name, path, is(option, "Recursive"))) {
            return 1;
        }
    }
    return 0;
}

static int passes(const struct call *call, struct json_object *filter, struct virga_str name,
                  const struct record *record) {
    struct virga_str key = virga_awsjson_str(filter, "Key");
    struct virga_str option = virga_awsjson_str(filter, "Option");
    struct virga_str none = {NULL, 0};
    if (is_tag(key)) {
        return tag_passes(call, filter, name, key, option);
    }
    if (is(key, "Label")) {
        return 1; /* filters_label() has chosen the version */
    }
    if (is(key, "Path")) {
        return path_passes(filter, name, option);
    }
    struct virga_str text = is(key, "Name")       ? name
                            : is(key, "Type")     ? record->type
                            : is(key, "KeyId")    ? record->key_id
                            : is(key, "Tier")     ? record->tier
                            : is(key, "DataType") ? record->data_type
                                                  : none;
    return one_fits(filter, text, option);
}

int filters_label(const struct call *call, struct virga_str name, int64_t *ret_version) {
    size_t count = virga_awsjson_length(call->input, "ParameterFilters");
    *ret_version = -1;
    for (size_t i = 0; i < count; i++) {
        struct json_object *filter = virga_awsjson_element(call->input, "ParameterFilters", i);
        struct json_object *labels;
        if (!is(virga_awsjson_str(filter, "Key"), "Label")) {
            continue;
        }
        int result = labels_read(call, name, &labels);
        if (result != 0) {
            return result;
        }
        *ret_version = 0;
        json_object_object_foreach(labels, label, at) {
            if (one_fits(filter, virga_str_from(label), virga_awsjson_str(filter, "Option"))) {
                *ret_version = json_object_get_int64(at);
            }
        }
        json_object_put(labels);
        return 0;
    }
    return 0;
}

int filters_pass(const struct call *call, struct virga_str name, const struct record *record) {
    size_t count = virga_awsjson_length(call->input, "ParameterFilters");
    for (size_t i = 0; i < count; i++) {
        int result =
            passes(call, virga_awsjson_element(call->input, "ParameterFilters", i), name, record);
        if (result != 1) {
            return result;
        }
    }
    count = virga_awsjson_length(call->input, "Filters");
    for (size_t i = 0; i < count; i++) {
        struct json_object *filter = virga_awsjson_element(call->input, "Filters", i);
        struct virga_str key = virga_awsjson_str(filter, "Key");
        struct virga_str text = is(key, "Name")   ? name
                                : is(key, "Type") ? record->type
                                                  : record->key_id;
        struct virga_str option = virga_str_from(is(key, "Name") ? "BeginsWith" : "Equals");
        if (!one_fits(filter, text, option)) {
            return 0;
        }
    }
    return 1;
}
