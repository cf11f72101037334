/* SPDX-License-Identifier: MIT */
/* A bucket's settings as XML. Members that a template and the API call the same go as they are. */
#include "types_s3.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void element(struct text *xml, const char *name, const char *value) {
    if (value != NULL) {
        text_addf(xml, "<%s>", name);
        text_add_xml(xml, virga_str_from(value));
        text_addf(xml, "</%s>", name);
    }
}

/* <name>value</name> for a member called `member`. */
static void member(struct text *xml, const char *name, struct json_object *object,
                   const char *from) {
    element(xml, name, value_text(object, from));
}

/* Every text of a list as an element of its own. */
static void each(struct text *xml, const char *name, struct json_object *list) {
    for (size_t i = 0; i < value_length(list); i++) {
        element(xml, name, value_scalar(value_element(list, i)));
    }
}

static void write_encryption(struct json_object *value, struct text *xml) {
    struct json_object *rules = value_member(value, "ServerSideEncryptionConfiguration");
    text_add_string(xml, "<ServerSideEncryptionConfiguration" XMLNS ">");
    for (size_t i = 0; i < value_length(rules); i++) {
        struct json_object *rule = value_element(rules, i);
        struct json_object *by_default = value_member(rule, "ServerSideEncryptionByDefault");
        text_add_string(xml, "<Rule>");
        if (by_default != NULL) {
            text_add_string(xml, "<ApplyServerSideEncryptionByDefault>");
            member(xml, "SSEAlgorithm", by_default, "SSEAlgorithm");
            member(xml, "KMSMasterKeyID", by_default, "KMSMasterKeyID");
            text_add_string(xml, "</ApplyServerSideEncryptionByDefault>");
        }
        member(xml, "BucketKeyEnabled", rule, "BucketKeyEnabled");
        text_add_string(xml, "</Rule>");
    }
    text_add_string(xml, "</ServerSideEncryptionConfiguration>");
}

static void write_versioning(struct json_object *value, struct text *xml) {
    const char *status = value_text(value, "Status");
    text_add_string(xml, "<VersioningConfiguration" XMLNS ">");
    element(xml, "Status", status != NULL ? status : "Suspended");
    text_add_string(xml, "</VersioningConfiguration>");
}

static void write_public_access(struct json_object *value, struct text *xml) {
    static const char *const flags[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                        "RestrictPublicBuckets"};
    text_add_string(xml, "<PublicAccessBlockConfiguration" XMLNS ">");
    for (size_t i = 0; i < 4; i++) {
        element(xml, flags[i], value_bool(value, flags[i]) ? "true" : "false");
    }
    text_add_string(xml, "</PublicAccessBlockConfiguration>");
}

static void write_ownership(struct json_object *value, struct text *xml) {
    struct json_object *rules = value_member(value, "Rules");
    text_add_string(xml, "<OwnershipControls" XMLNS ">");
    for (size_t i = 0; i < value_length(rules); i++) {
        text_add_string(xml, "<Rule>");
        member(xml, "ObjectOwnership", value_element(rules, i), "ObjectOwnership");
        text_add_string(xml, "</Rule>");
    }
    text_add_string(xml, "</OwnershipControls>");
}

static void write_transition(struct text *xml, const char *name, struct json_object *transition,
                             const char *days) {
    text_addf(xml, "<%s>", name);
    member(xml, days, transition, "TransitionInDays");
    member(xml, "Date", transition, "TransitionDate");
    member(xml, "NewerNoncurrentVersions", transition, "NewerNoncurrentVersions");
    member(xml, "StorageClass", transition, "StorageClass");
    text_addf(xml, "</%s>", name);
}

/* One condition stands alone in a Filter, several in an And. */
static void write_filter(struct text *xml, struct json_object *rule) {
    struct json_object *tags = value_member(rule, "TagFilters");
    const char *prefix = value_text(rule, "Prefix");
    const char *greater = value_text(rule, "ObjectSizeGreaterThan");
    const char *less = value_text(rule, "ObjectSizeLessThan");
    size_t count = value_length(tags) + (prefix != NULL) + (greater != NULL) + (less != NULL);
    text_add_string(xml, count > 1 ? "<Filter><And>" : "<Filter>");
    element(xml, "Prefix", prefix != NULL || count > 0 ? prefix : "");
    for (size_t i = 0; i < value_length(tags); i++) {
        text_add_string(xml, "<Tag>");
        member(xml, "Key", value_element(tags, i), "Key");
        member(xml, "Value", value_element(tags, i), "Value");
        text_add_string(xml, "</Tag>");
    }
    element(xml, "ObjectSizeGreaterThan", greater);
    element(xml, "ObjectSizeLessThan", less);
    text_add_string(xml, count > 1 ? "</And></Filter>" : "</Filter>");
}

static void write_expiration(struct text *xml, struct json_object *rule) {
    struct json_object *noncurrent = value_member(rule, "NoncurrentVersionExpiration");
    struct json_object *abort = value_member(rule, "AbortIncompleteMultipartUpload");
    if (value_member(rule, "ExpirationInDays") != NULL ||
        value_member(rule, "ExpirationDate") != NULL ||
        value_member(rule, "ExpiredObjectDeleteMarker") != NULL) {
        text_add_string(xml, "<Expiration>");
        member(xml, "Days", rule, "ExpirationInDays");
        member(xml, "Date", rule, "ExpirationDate");
        member(xml, "ExpiredObjectDeleteMarker", rule, "ExpiredObjectDeleteMarker");
        text_add_string(xml, "</Expiration>");
    }
    if (noncurrent != NULL || value_member(rule, "NoncurrentVersionExpirationInDays") != NULL) {
        text_add_string(xml, "<NoncurrentVersionExpiration>");
        member(xml, "NoncurrentDays", noncurrent, "NoncurrentDays");
        member(xml, "NewerNoncurrentVersions", noncurrent, "NewerNoncurrentVersions");
        member(xml, "NoncurrentDays", rule, "NoncurrentVersionExpirationInDays");
        text_add_string(xml, "</NoncurrentVersionExpiration>");
    }
    if (abort != NULL) {
        text_add_string(xml, "<AbortIncompleteMultipartUpload>");
        member(xml, "DaysAfterInitiation", abort, "DaysAfterInitiation");
        text_add_string(xml, "</AbortIncompleteMultipartUpload>");
    }
}

static void write_lifecycle(struct json_object *value, struct text *xml) {
    struct json_object *rules = value_member(value, "Rules");
    text_add_string(xml, "<LifecycleConfiguration" XMLNS ">");
    for (size_t i = 0; i < value_length(rules); i++) {
        struct json_object *rule = value_element(rules, i);
        struct json_object *transitions = value_member(rule, "Transitions");
        struct json_object *noncurrent = value_member(rule, "NoncurrentVersionTransitions");
        text_add_string(xml, "<Rule>");
        member(xml, "ID", rule, "Id");
        write_filter(xml, rule);
        member(xml, "Status", rule, "Status");
        for (size_t n = 0; n < value_length(transitions); n++) {
            write_transition(xml, "Transition", value_element(transitions, n), "Days");
        }
        for (size_t n = 0; n < value_length(noncurrent); n++) {
            write_transition(xml, "NoncurrentVersionTransition", value_element(noncurrent, n),
                             "NoncurrentDays");
        }
        write_expiration(xml, rule);
        text_add_string(xml, "</Rule>");
    }
    text_add_string(xml, "</LifecycleConfiguration>");
}

static void write_cors(struct json_object *value, struct text *xml) {
    struct json_object *rules = value_member(value, "CorsRules");
    text_add_string(xml, "<CORSConfiguration" XMLNS ">");
    for (size_t i = 0; i < value_length(rules); i++) {
        struct json_object *rule = value_element(rules, i);
        text_add_string(xml, "<CORSRule>");
        member(xml, "ID", rule, "Id");
        each(xml, "AllowedOrigin", value_member(rule, "AllowedOrigins"));
        each(xml, "AllowedMethod", value_member(rule, "AllowedMethods"));
        each(xml, "AllowedHeader", value_member(rule, "AllowedHeaders"));
        each(xml, "ExposeHeader", value_member(rule, "ExposedHeaders"));
        member(xml, "MaxAgeSeconds", rule, "MaxAge");
        text_add_string(xml, "</CORSRule>");
    }
    text_add_string(xml, "</CORSConfiguration>");
}

static void write_website(struct json_object *value, struct text *xml) {
    struct json_object *redirect = value_member(value, "RedirectAllRequestsTo");
    text_add_string(xml, "<WebsiteConfiguration" XMLNS ">");
    if (redirect != NULL) {
        text_add_string(xml, "<RedirectAllRequestsTo>");
        member(xml, "HostName", redirect, "HostName");
        member(xml, "Protocol", redirect, "Protocol");
        text_add_string(xml, "</RedirectAllRequestsTo>");
    }
    if (value_member(value, "IndexDocument") != NULL) {
        text_add_string(xml, "<IndexDocument>");
        member(xml, "Suffix", value, "IndexDocument");
        text_add_string(xml, "</IndexDocument>");
    }
    if (value_member(value, "ErrorDocument") != NULL) {
        text_add_string(xml, "<ErrorDocument>");
        member(xml, "Key", value, "ErrorDocument");
        text_add_string(xml, "</ErrorDocument>");
    }
    text_add_string(xml, "</WebsiteConfiguration>");
}

static void write_tags(struct json_object *value, struct text *xml) {
    text_add_string(xml, "<Tagging" XMLNS "><TagSet>");
    for (size_t i = 0; i < value_length(value); i++) {
        text_add_string(xml, "<Tag>");
        member(xml, "Key", value_element(value, i), "Key");
        member(xml, "Value", value_element(value, i), "Value");
        text_add_string(xml, "</Tag>");
    }
    text_add_string(xml, "</TagSet></Tagging>");
}

const struct s3_setting s3_settings[] = {
    {"BucketEncryption", "encryption", false, write_encryption},
    {"VersioningConfiguration", "versioning", true, write_versioning},
    {"PublicAccessBlockConfiguration", "publicAccessBlock", false, write_public_access},
    {"OwnershipControls", "ownershipControls", false, write_ownership},
    {"LifecycleConfiguration", "lifecycle", false, write_lifecycle},
    {"CorsConfiguration", "cors", false, write_cors},
    {"WebsiteConfiguration", "website", false, write_website},
    {"Tags", "tagging", false, write_tags},
    {NULL, NULL, false, NULL},
};
