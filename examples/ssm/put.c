/* SPDX-License-Identifier: MIT */
/* PutParameter. */
#include "allowed_pattern.h"
#include "labels.h"
#include "tags.h"

#include <errno.h>
#include <virga/helpers/arn.h>

#define STANDARD_VALUE_MAX 4096
#define ADVANCED_VALUE_MAX 8192
#define KEY_ID_DEFAULT "alias/aws/ssm"

static int is(struct virga_str text, const char *other) {
    return virga_str_equal(text, virga_str_from(other));
}

/* What can be seen in the input alone; 0, or it has answered. */
static int check_input(struct call *call) {
    struct virga_str data_type = virga_awsjson_str(call->input, "DataType");
    struct virga_str type = virga_awsjson_str(call->input, "Type");
    int overwrite = virga_awsjson_bool(call->input, "Overwrite");
    if (overwrite && virga_awsjson_length(call->input, "Tags") > 0) {
        call_fail(call, "ValidationException",
                  "Invalid request: tags and overwrite can't be used together. To create a "
                  "parameter with tags, please remove overwrite flag. To update tags for an "
                  "existing parameter, please use AddTagsToResource or RemoveTagsFromResource.");
        return -EINVAL;
    }
    if (data_type.ptr != NULL && !is(data_type, "text") && !is(data_type, "aws:ec2:image") &&
        !is(data_type, "aws:ssm:integration")) {
        call_fail(call, "ValidationException",
                  "The following data type is not supported: %s (Data type names are all "
                  "lowercase.)",
                  data_type.ptr);
        return -EINVAL;
    }
    if (virga_awsjson_str(call->input, "KeyId").ptr != NULL && type.ptr != NULL &&
        !is(type, "SecureString")) {
        call_fail(call, "ValidationException",
                  "KeyId is required for SecureString type parameter only.");
        return -EINVAL;
    }
    /* Policies let parameters expire and send events: to take them and do neither would be a lie.
     */
    if (virga_awsjson_str(call->input, "Policies").ptr != NULL) {
        call_fail(call, "ValidationException",
                  "Parameter policies have no effect here: put the parameter without Policies.");
        return -EINVAL;
    }
    return name_check(call, virga_awsjson_str(call->input, "Name"));
}

/* Chooses the tier and checks the value's length by it. */
static int check_tier(struct call *call, const struct record *before, struct record *record) {
    struct virga_str asked = virga_awsjson_str(call->input, "Tier");
    int was_advanced = before != NULL && is(before->tier, "Advanced");
    size_t len = record->value.len;
    record->tier = virga_str_from("Standard");
    if (was_advanced && is(asked, "Standard")) {
        call_fail(call, "ValidationException",
                  "This parameter uses the advanced-parameter tier. You can't downgrade a "
                  "parameter from the advanced-parameter tier to the standard-parameter tier. If "
                  "necessary, you can delete the advanced parameter and recreate it as a standard "
                  "parameter. Be aware that standard parameters have a value limit of %d "
                  "characters.",
                  STANDARD_VALUE_MAX);
        return -EINVAL;
    }
    if (was_advanced || is(asked, "Advanced") ||
        (is(asked, "Intelligent-Tiering") && len > STANDARD_VALUE_MAX)) {
        record->tier = virga_str_from("Advanced");
        if (len > ADVANCED_VALUE_MAX) {
            call_fail(call, "ValidationException",
                      "Advanced tier parameters support a maximum parameter value of %d "
                      "characters.",
                      ADVANCED_VALUE_MAX);
            return -EINVAL;
        }
    } else if (len > STANDARD_VALUE_MAX) {
        call_fail(call, "ValidationException",
                  "Standard tier parameters support a maximum parameter value of %d characters. To "
                  "create a larger parameter value, upgrade the parameter to use the "
                  "advanced-parameter tier. For more information, see "
                  "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                  "parameter-store-advanced-parameters.html",
                  STANDARD_VALUE_MAX);
        return -EINVAL;
    }
    return 0;
}

static int check_pattern(struct call *call, const struct record *record) {
    const char *pattern = record->allowed_pattern.ptr;
    if (record->allowed_pattern.len == 0) {
        return 0;
    }
    int result = allowed_pattern_matches(pattern, record->value.ptr);
    if (result == 1) {
        return 0;
    }
    if (result == 0) {
        call_fail(call, "ParameterPatternMismatchException",
                  "Parameter value, cannot be validated against allowedPattern: %s", pattern);
        return -EINVAL;
    }
    if (result == -EINVAL) {
        call_fail(call, "InvalidAllowedPatternException",
                  "The request does not meet the regular expression requirement.");
    } else {
        call_fail_internally(call, result);
    }
    return result;
}

/* What was given, else what was before, else `otherwise`. */
static struct virga_str choose(struct call *call, const char *key, const struct record *before,
                               struct virga_str was, const char *otherwise) {
    struct virga_str given = virga_awsjson_str(call->input, key);
    return given.ptr != NULL ? given : before != NULL ? was : virga_str_from(otherwise);
}

/* Fills the new version; 0, or it has answered. */
static int compose(struct call *call, const struct record *before, struct record *record) {
    struct virga_str none = {NULL, 0};
    *record = (struct record){
        .type = choose(call, "Type", before, before != NULL ? before->type : none, NULL),
        .value = virga_awsjson_str(call->input, "Value"),
        .data_type =
            choose(call, "DataType", before, before != NULL ? before->data_type : none, "text"),
        .description =
            choose(call, "Description", before, before != NULL ? before->description : none, NULL),
        .allowed_pattern = choose(call, "AllowedPattern", before,
                                  before != NULL ? before->allowed_pattern : none, NULL),
        .version = before != NULL ? before->version + 1 : 1,
        .modified_ms = call->ssm->timer->now_ms(call->ssm->host),
    };
    if (record->type.ptr == NULL) {
        call_fail(call, "ValidationException",
                  "A parameter type is required when you create a parameter.");
        return -EINVAL;
    }
    if (before != NULL && !virga_str_equal(before->type, record->type)) {
        call_fail(call, "HierarchyTypeMismatchException",
                  "Parameter Store does not support changing a parameter type in a hierarchy. For "
                  "example, you can't change a parameter from a String type to a SecureString "
                  "type. You must create a new, unique parameter.");
        return -EINVAL;
    }
    if (is(record->type, "SecureString")) {
        record->key_id =
            choose(call, "KeyId", before, before != NULL ? before->key_id : none, KEY_ID_DEFAULT);
    }
    int result = check_tier(call, before, record);
    return result == 0 ? check_pattern(call, record) : result;
}

/* The oldest version goes when there are too many, unless it has a label; 0, or it has answered. */
static int check_oldest(struct call *call, struct virga_str name, int64_t version) {
    struct json_object *labels;
    int64_t oldest = version - RECORD_VERSIONS_MAX;
    if (oldest < 1) {
        return 0;
    }
    int result = labels_read(call, name, &labels);
    if (result != 0) {
        call_fail_internally(call, result);
        return result;
    }
    if (labels_are_on(labels, oldest)) {
        call_fail(call, "ParameterMaxVersionLimitExceeded",
                  "You attempted to create a new version of %s by calling the PutParameter API "
                  "with the overwrite flag. Version %lld, the oldest version, can't be deleted "
                  "because it has a label associated with it. Move the label to another version "
                  "of the parameter, and try again.",
                  name.ptr, (long long)oldest);
        result = -EINVAL;
    }
    json_object_put(labels);
    return result;
}

static void put(struct call *call, struct virga_str name, const struct record *before) {
    struct record record;
    char user[80];
    struct virga_json_writer writer = {0};
    if (compose(call, before, &record) != 0 || check_oldest(call, name, record.version) != 0) {
        return;
    }
    (void)snprintf(user, sizeof user, "arn:%s:iam::%s:root", virga_arn_partition(call->req->region),
                   call->req->account.ptr);
    record.user = virga_str_from(user);
    struct json_object *tags = NULL;
    if (virga_awsjson_length(call->input, "Tags") > 0 && tags_merge(call, NULL, &tags) != 0) {
        return;
    }
    int result = record_write(call, name, &record, before, tags);
    json_object_put(tags);
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_int(&writer, "Version", record.version);
    virga_json_str(&writer, "Tier", record.tier);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}

void action_put_parameter(struct call *call) {
    struct virga_str name = virga_awsjson_str(call->input, "Name");
    struct record before;
    if (check_input(call) != 0) {
        return;
    }
    int result = record_read(call, name, &before);
    if (result == -ENOENT) {
        put(call, name, NULL);
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else {
        if (virga_awsjson_bool(call->input, "Overwrite")) {
            put(call, name, &before);
        } else {
            call_fail(call, "ParameterAlreadyExists",
                      "The parameter already exists. To overwrite this value, set the overwrite "
                      "option in the request to true.");
        }
        record_finish(&before);
    }
}
