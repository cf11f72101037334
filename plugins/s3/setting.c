/* SPDX-License-Identifier: MIT */
/* Settings of buckets. Source: S3 API Reference, GetBucket..., PutBucket..., DeleteBucket...; error
 * codes from its list. */
#include "setting.h"
#include "record.h"

#include <errno.h>
#include <json-c/json.h>
#include <virga/helpers/awsjson.h>

#define POLICY_MAX 20480

struct setting {
    const char *param;
    const char *root;        /* NULL: JSON */
    const char *absent_code; /* NULL: `usual` is the answer */
    const char *absent_message;
    const char *usual; /* what is within the root when nothing was set */
    int put_status;
    bool may_delete;
};

#define SSE_USUAL                                                                                  \
    "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"                \
    "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"

static const struct setting settings[] = {
    {"encryption", "ServerSideEncryptionConfiguration", NULL, NULL, SSE_USUAL, 200, true},
    {"versioning", "VersioningConfiguration", NULL, NULL, "", 200, false},
    {"lifecycle", "LifecycleConfiguration", "NoSuchLifecycleConfiguration",
     "The lifecycle configuration does not exist", NULL, 200, true},
    {"policy", NULL, "NoSuchBucketPolicy", "The bucket policy does not exist", NULL, 204, true},
    {"cors", "CORSConfiguration", "NoSuchCORSConfiguration",
     "The CORS configuration does not exist", NULL, 200, true},
    {"tagging", "Tagging", "NoSuchTagSet", "The TagSet does not exist", NULL, 204, true},
    {"website", "WebsiteConfiguration", "NoSuchWebsiteConfiguration",
     "The specified bucket does not have a website configuration", NULL, 200, true},
    {"notification", "NotificationConfiguration", NULL, NULL, "", 200, false},
    {"logging", "BucketLoggingStatus", NULL, NULL, "", 200, false},
    {"publicAccessBlock", "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration",
     "The public access block configuration was not found", NULL, 200, true},
    {"ownershipControls", "OwnershipControls", "OwnershipControlsNotFoundError",
     "The bucket ownership controls were not found", NULL, 200, true},
    {"accelerate", "AccelerateConfiguration", NULL, NULL, "", 200, false},
    {"requestPayment", "RequestPaymentConfiguration", NULL, NULL, "<Payer>BucketOwner</Payer>", 200,
     false},
    {"replication", "ReplicationConfiguration", "ReplicationConfigurationNotFoundError",
     "The replication configuration was not found", NULL, 200, true},
    {"object-lock", "ObjectLockConfiguration", "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket", NULL, 200, false},
};

/* Source: S3 User Guide, "Default settings for new S3 buckets". */
static const char *const first[][2] = {
    {"publicAccessBlock",
     "<PublicAccessBlockConfiguration xmlns=\"" S3_XMLNS
     "\"><BlockPublicAcls>true</BlockPublicAcls>"
     "<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>"
     "<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"},
    {"ownershipControls", "<OwnershipControls xmlns=\"" S3_XMLNS
                          "\"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
                          "</OwnershipControls>"},
};

const struct setting *setting_find(const struct call *call) {
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (call_param(call, settings[i].param).ptr != NULL) {
            return &settings[i];
        }
    }
    return NULL;
}

static void make_key(struct record_key *key, struct virga_str bucket, const char *param) {
    record_key_in(key, RECORD_SETTING, bucket);
    record_key_add(key, virga_str_from(param));
}

int setting_load(struct s3 *s3, struct virga_str bucket, const char *param,
                 struct virga_store_value *ret_value) {
    struct record_key key;
    make_key(&key, bucket, param);
    return s3->store->get(s3->host, record_key_str(&key), ret_value);
}

int setting_save(struct s3 *s3, struct virga_str bucket, const char *param,
                 struct virga_str value) {
    struct record_key key;
    make_key(&key, bucket, param);
    return s3->store->put(s3->host, record_key_str(&key), value);
}

int setting_save_first(struct s3 *s3, struct virga_str bucket) {
    int result = 0;
    for (size_t i = 0; i < sizeof first / sizeof first[0] && result == 0; i++) {
        result = setting_save(s3, bucket, first[i][0], virga_str_from(first[i][1]));
    }
    return result;
}

static void answer_usual(struct call *call, const struct setting *setting) {
    struct virga_xml_writer writer = {0};
    virga_xml_begin_in(&writer, setting->root, S3_XMLNS);
    virga_xml_raw(&writer, virga_str_from(setting->usual));
    virga_xml_end(&writer, setting->root);
    call_answer_xml(call, 200, &writer);
}

static void answer_absent(struct call *call, const struct setting *setting) {
    if (setting->absent_code == NULL) {
        answer_usual(call, setting);
    } else {
        call_fail(call, 404, setting->absent_code, "%s", setting->absent_message);
    }
}

void setting_get(struct call *call) {
    struct s3 *s3 = call->s3;
    const struct setting *setting = setting_find(call);
    struct virga_store_value value;
    int result = setting_load(s3, call->bucket, setting->param, &value);
    if (result == -ENOENT) {
        answer_absent(call, setting);
        return;
    }
    if (result != 0) {
        call_broken(call, "A setting could not be read", result);
        return;
    }
    struct virga_str text = call_copy(call, s3_str(value.ptr, value.len));
    s3->store->release(s3->host, &value);
    if (text.ptr == NULL) {
        call_broken(call, "A setting could not be read", -ENOMEM);
    } else {
        call_answer_text(call, 200, setting->root != NULL ? "application/xml" : "application/json",
                         text);
    }
}

static void save(struct call *call, const struct setting *setting, struct virga_str value) {
    int result = setting_save(call->s3, call->bucket, setting->param, value);
    if (result != 0) {
        call_broken(call, "A setting could not be written", result);
    } else {
        call_answer(call, setting->put_status);
    }
}

static bool is_one_of(struct virga_str text, const char *one, const char *other) {
    return s3_is(text, one) || s3_is(text, other);
}

/* The few things that would be asked about later; the rest is kept as it is. */
static bool is_valid(const struct setting *setting, const struct xml_node *root) {
    struct virga_str status = xml_node_text(root, "Status");
    if (strcmp(setting->param, "versioning") == 0) {
        return status.ptr == NULL || is_one_of(status, "Enabled", "Suspended");
    }
    if (strcmp(setting->param, "accelerate") == 0) {
        return is_one_of(status, "Enabled", "Suspended");
    }
    if (strcmp(setting->param, "requestPayment") == 0) {
        return is_one_of(xml_node_text(root, "Payer"), "BucketOwner", "Requester");
    }
    if (strcmp(setting->param, "encryption") == 0 || strcmp(setting->param, "lifecycle") == 0 ||
        strcmp(setting->param, "ownershipControls") == 0) {
        return xml_node_child(root, "Rule") != NULL;
    }
    if (strcmp(setting->param, "tagging") == 0) {
        return xml_node_child(root, "TagSet") != NULL;
    }
    if (strcmp(setting->param, "cors") == 0) {
        return xml_node_child(root, "CORSRule") != NULL;
    }
    return true;
}

static void put_xml(struct call *call, const struct xml_node *root) {
    const struct setting *setting = setting_find(call);
    struct virga_xml_writer writer = {0};
    if (!xml_node_is(root, setting->root) || !is_valid(setting, root)) {
        call_malformed_xml(call);
        return;
    }
    xml_node_write(root, &writer);
    if (writer.failed) {
        virga_xml_finish(&writer);
        call_broken(call, "A setting could not be written", -ENOMEM);
        return;
    }
    save(call, setting, s3_str(writer.ptr, writer.len));
    virga_xml_finish(&writer);
}

static void put_policy(struct call *call, struct virga_str body) {
    struct json_object *policy = NULL;
    int result = virga_awsjson_parse(body, &policy);
    bool has_statement = result == 0 && virga_awsjson_member(policy, "Statement") != NULL;
    json_object_put(policy);
    if (result != 0) {
        call_fail(call, 400, "MalformedPolicy",
                  "Policies must be valid JSON and the first byte must be '{'");
    } else if (!has_statement) {
        call_fail(call, 400, "MalformedPolicy", "Missing required field Statement");
    } else if (body.len > POLICY_MAX) {
        call_fail(call, 400, "PolicyTooLarge", "Policies must not exceed %d bytes", POLICY_MAX);
    } else {
        save(call, setting_find(call), body);
    }
}

void setting_put(struct call *call) {
    if (setting_find(call)->root == NULL) {
        call_read(call, put_policy);
    } else {
        call_read_xml(call, put_xml);
    }
}

void setting_delete(struct call *call) {
    struct s3 *s3 = call->s3;
    const struct setting *setting = setting_find(call);
    struct record_key key;
    if (!setting->may_delete) {
        call_fail(call, 405, "MethodNotAllowed",
                  "The specified method is not allowed against this resource.");
        return;
    }
    make_key(&key, call->bucket, setting->param);
    int result = s3->store->del(s3->host, record_key_str(&key));
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "A setting could not be deleted", result);
    } else {
        call_answer(call, 204);
    }
}

static bool is_anybody(struct json_object *principal) {
    struct json_object *aws = virga_awsjson_member(principal, "AWS");
    return s3_is(virga_awsjson_text(principal), "*") || s3_is(virga_awsjson_text(aws), "*");
}

static bool opens(struct json_object *statement) {
    return s3_is(virga_awsjson_str(statement, "Effect"), "Allow") &&
           is_anybody(virga_awsjson_member(statement, "Principal")) &&
           virga_awsjson_member(statement, "Condition") == NULL;
}

/* Source: S3 User Guide, "The meaning of public"; a condition is taken to close the policy. */
static bool is_public(struct virga_str text) {
    struct json_object *policy = NULL;
    bool is = false;
    if (virga_awsjson_parse(text, &policy) == 0) {
        struct json_object *statements = virga_awsjson_member(policy, "Statement");
        is = opens(statements);
        for (size_t i = 0; !is && i < virga_awsjson_length(policy, "Statement"); i++) {
            is = opens(virga_awsjson_element(policy, "Statement", i));
        }
    }
    json_object_put(policy);
    return is;
}

void setting_policy_status(struct call *call) {
    struct s3 *s3 = call->s3;
    struct virga_store_value value;
    struct virga_xml_writer writer = {0};
    int result = setting_load(s3, call->bucket, "policy", &value);
    if (result == -ENOENT) {
        call_fail(call, 404, "NoSuchBucketPolicy", "The bucket policy does not exist");
        return;
    }
    if (result != 0) {
        call_broken(call, "The policy could not be read", result);
        return;
    }
    virga_xml_begin_in(&writer, "PolicyStatus", S3_XMLNS);
    virga_xml_bool(&writer, "IsPublic", is_public(s3_str(value.ptr, value.len)));
    virga_xml_end(&writer, "PolicyStatus");
    s3->store->release(s3->host, &value);
    call_answer_xml(call, 200, &writer);
}
