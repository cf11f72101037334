/* SPDX-License-Identifier: MIT */
/* AWS::S3::Bucket and AWS::S3::BucketPolicy, by the s3 service's REST API.
 * Source: the types' pages in the template reference; the S3 API reference. */
#include "types_s3.h"
#include "scope.h"

#include <virga/helpers/arn.h>

static void add_path(struct text *path, const char *bucket, const char *subresource) {
    text_add_string(path, "/");
    text_add_encoded(path, virga_str_from(bucket), "");
    if (subresource != NULL) {
        text_addf(path, "?%s", subresource);
    }
}

/* "LogDeliveryWrite" as the header has it: "log-delivery-write". */
static const char *canned_acl(const char *control) {
    static const char *const names[][2] = {
        {"Private", "private"},
        {"PublicRead", "public-read"},
        {"PublicReadWrite", "public-read-write"},
        {"AuthenticatedRead", "authenticated-read"},
        {"LogDeliveryWrite", "log-delivery-write"},
        {"BucketOwnerRead", "bucket-owner-read"},
        {"BucketOwnerFullControl", "bucket-owner-full-control"},
        {"AwsExecRead", "aws-exec-read"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], control) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

static enum task_verdict create_bucket(struct task *task) {
    struct text path = {0};
    struct text body = {0};
    struct virga_header header = {{NULL, 0}, {NULL, 0}};
    const char *control = task_property(task, "AccessControl", NULL);
    const char *acl = control != NULL ? canned_acl(control) : NULL;
    if (control != NULL && acl == NULL) {
        return task_fail(task, "Invalid request provided: AccessControl %.100s is not valid",
                         control);
    }
    if (acl != NULL) {
        header = (struct virga_header){virga_str_from("x-amz-acl"), virga_str_from(acl)};
    }
    if (strcmp(task->region, "us-east-1") != 0) {
        text_addf(&body,
                  "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                  "<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
                  task->region);
    }
    add_path(&path, task->physical, NULL);
    return task_call_xml(task, "s3", "PUT", &path, &body, header);
}

/* The settings, one after the other: those that are there (of an update: that differ). */
static enum task_verdict put_settings(struct task *task) {
    while (s3_settings[task->index].property != NULL) {
        const struct s3_setting *setting = &s3_settings[task->index++];
        struct json_object *value = value_member(task->properties, setting->property);
        struct text path = {0};
        struct text body = {0};
        if (!task_changed(task, setting->property)) {
            continue;
        }
        add_path(&path, task->physical, setting->subresource);
        if (value == NULL && !setting->write_absent) {
            return task_call_xml(task, "s3", "DELETE", &path, &body,
                                 (struct virga_header){{NULL, 0}, {NULL, 0}});
        }
        setting->write(value, &body);
        return task_call_xml(task, "s3", "PUT", &path, &body,
                             (struct virga_header){{NULL, 0}, {NULL, 0}});
    }
    return TASK_NEXT;
}

static enum task_verdict repeat(struct task *task, const struct answer *answer) {
    (void)task;
    (void)answer;
    return TASK_REPEAT;
}

static enum task_verdict describe_bucket(struct task *task) {
    char text[400];
    const char *suffix = scope_url_suffix(task->region);
    (void)snprintf(text, sizeof text, "arn:%s:s3:::%.63s",
                   virga_arn_partition(virga_str_from(task->region)), task->physical);
    task_attribute(task, "Arn", text);
    (void)snprintf(text, sizeof text, "%.63s.s3.%s", task->physical, suffix);
    task_attribute(task, "DomainName", text);
    (void)snprintf(text, sizeof text, "%.63s.s3.%s.%s", task->physical, task->region, suffix);
    task_attribute(task, "RegionalDomainName", text);
    (void)snprintf(text, sizeof text, "%.63s.s3.dualstack.%s.%s", task->physical, task->region,
                   suffix);
    task_attribute(task, "DualStackDomainName", text);
    (void)snprintf(text, sizeof text, "http://%.63s.s3-website-%s.%s", task->physical, task->region,
                   suffix);
    task_attribute(task, "WebsiteURL", text);
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict put_acl(struct task *task) {
    struct text path = {0};
    struct text body = {0};
    const char *acl = canned_acl(task_property(task, "AccessControl", "Private"));
    if (!task_changed(task, "AccessControl")) {
        return TASK_NEXT;
    }
    if (acl == NULL) {
        return task_fail(task, "Invalid request provided: AccessControl %.100s is not valid",
                         task_property(task, "AccessControl", ""));
    }
    add_path(&path, task->physical, "acl");
    return task_call_xml(task, "s3", "PUT", &path, &body,
                         (struct virga_header){virga_str_from("x-amz-acl"), virga_str_from(acl)});
}

static enum task_verdict delete_bucket(struct task *task) {
    struct text path = {0};
    struct text body = {0};
    add_path(&path, task->physical, NULL);
    return task_call_xml(task, "s3", "DELETE", &path, &body,
                         (struct virga_header){{NULL, 0}, {NULL, 0}});
}

static enum task_verdict put_policy(struct task *task) {
    struct json_object *document = value_member(task->properties, "PolicyDocument");
    const char *text = value_is_string(document) ? value_scalar(document)
                       : document != NULL        ? value_json(document)
                                                 : "";
    struct text path = {0};
    struct text body = {0};
    add_path(&path, task->physical, "policy");
    text_add_string(&body, text);
    return task_call_xml(task, "s3", "PUT", &path, &body,
                         (struct virga_header){{NULL, 0}, {NULL, 0}});
}

static enum task_verdict delete_policy(struct task *task) {
    struct text path = {0};
    struct text body = {0};
    add_path(&path, task->physical, "policy");
    return task_call_xml(task, "s3", "DELETE", &path, &body,
                         (struct virga_header){{NULL, 0}, {NULL, 0}});
}

#define ABSENT_SETTINGS                                                                            \
    "NoSuchLifecycleConfiguration NoSuchTagSet NoSuchCORSConfiguration "                           \
    "NoSuchWebsiteConfiguration NoSuchPublicAccessBlockConfiguration "                             \
    "ServerSideEncryptionConfigurationNotFoundError OwnershipControlsNotFoundError"

static const struct task_step bucket_create[] = {
    {create_bucket, NULL, NULL},
    {put_settings, repeat, NULL},
    {describe_bucket, NULL, NULL},
    {NULL, NULL, NULL},
};
static const struct task_step bucket_update[] = {
    {put_acl, NULL, NULL},
    {put_settings, repeat, ABSENT_SETTINGS},
    {NULL, NULL, NULL},
};
static const struct task_step bucket_remove[] = {{delete_bucket, NULL, NULL}, {NULL, NULL, NULL}};
static const struct task_step policy_put[] = {{put_policy, NULL, NULL}, {NULL, NULL, NULL}};
static const struct task_step policy_remove[] = {{delete_policy, NULL, NULL}, {NULL, NULL, NULL}};
static const char *const bucket_replaced_by[] = {"BucketName", NULL};
static const char *const policy_replaced_by[] = {"Bucket", NULL};
static const char *const bucket_attributes[] = {
    "Arn", "DomainName", "RegionalDomainName", "DualStackDomainName", "WebsiteURL", NULL};
static const char *const no_attributes[] = {NULL};

const struct resource_type types_s3[] = {
    {.name = "AWS::S3::Bucket",
     .replaced_by = bucket_replaced_by,
     .attributes = bucket_attributes,
     .named_by = "BucketName",
     .rule = {.max = 63, .lower = true},
     .tags = TASK_TAGS_LIST,
     .create = bucket_create,
     .update = bucket_update,
     .remove = bucket_remove},
    {.name = "AWS::S3::BucketPolicy",
     .replaced_by = policy_replaced_by,
     .attributes = no_attributes,
     .named_by = "Bucket",
     .create = policy_put,
     .update = policy_put,
     .remove = policy_remove},
    {.name = NULL},
};
