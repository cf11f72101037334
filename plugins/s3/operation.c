/* SPDX-License-Identifier: MIT */
/* The table of operations. */
#include "operation.h"
#include "acl.h"
#include "copy.h"
#include "list.h"
#include "multipart.h"
#include "object.h"
#include "setting.h"
#include "tagging.h"

enum { SERVICE, BUCKET, OBJECT };

static void not_implemented(struct call *call) {
    call_fail(call, 501, "NotImplemented",
              "A header or query you provided implies functionality that is not implemented.");
}

/* The first row that fits is taken: those with a parameter before those without. */
static const struct operation operations[] = {
    {"ListBuckets", "GET", SERVICE, NULL, NULL, bucket_list},

    {"ListMultipartUploads", "GET", BUCKET, "uploads", NULL, multipart_list_uploads},
    {"GetBucketLocation", "GET", BUCKET, "location", NULL, bucket_location},
    {"ListObjectVersions", "GET", BUCKET, "versions", NULL, list_versions},
    {"GetBucketAcl", "GET", BUCKET, "acl", NULL, acl_get_bucket},
    {"PutBucketAcl", "PUT", BUCKET, "acl", NULL, acl_put_bucket},
    {"GetBucketPolicyStatus", "GET", BUCKET, "policyStatus", NULL, setting_policy_status},
    {"DeleteObjects", "POST", BUCKET, "delete", NULL, object_delete_many},
    {"", NULL, BUCKET, "analytics", NULL, not_implemented},
    {"", NULL, BUCKET, "intelligent-tiering", NULL, not_implemented},
    {"", NULL, BUCKET, "inventory", NULL, not_implemented},
    {"", NULL, BUCKET, "metrics", NULL, not_implemented},
    {"", NULL, BUCKET, "metadataTable", NULL, not_implemented},
    {"", NULL, BUCKET, "metadataConfiguration", NULL, not_implemented},
    {"", NULL, BUCKET, "session", NULL, not_implemented},
    {"ListObjectsV2", "GET", BUCKET, "list-type", NULL, list_v2},
    {"GetBucketSetting", "GET", BUCKET, NULL, NULL, setting_get},
    {"PutBucketSetting", "PUT", BUCKET, NULL, NULL, setting_put},
    {"DeleteBucketSetting", "DELETE", BUCKET, NULL, NULL, setting_delete},
    {"ListObjects", "GET", BUCKET, NULL, NULL, list_v1},
    {"HeadBucket", "HEAD", BUCKET, NULL, NULL, bucket_head},
    {"CreateBucket", "PUT", BUCKET, NULL, NULL, bucket_create},
    {"DeleteBucket", "DELETE", BUCKET, NULL, NULL, bucket_delete},
    {"", "POST", BUCKET, NULL, NULL, not_implemented}, /* browsers' forms */

    {"", NULL, OBJECT, "legal-hold", NULL, not_implemented},
    {"", NULL, OBJECT, "retention", NULL, not_implemented},
    {"", NULL, OBJECT, "restore", NULL, not_implemented},
    {"", NULL, OBJECT, "select", NULL, not_implemented},
    {"", NULL, OBJECT, "torrent", NULL, not_implemented},
    {"", NULL, OBJECT, "renameObject", NULL, not_implemented},
    {"GetObjectAcl", "GET", OBJECT, "acl", NULL, acl_get_object},
    {"PutObjectAcl", "PUT", OBJECT, "acl", NULL, acl_put_object},
    {"GetObjectTagging", "GET", OBJECT, "tagging", NULL, tagging_get},
    {"PutObjectTagging", "PUT", OBJECT, "tagging", NULL, tagging_put},
    {"DeleteObjectTagging", "DELETE", OBJECT, "tagging", NULL, tagging_delete},
    {"GetObjectAttributes", "GET", OBJECT, "attributes", NULL, object_attributes},
    {"CreateMultipartUpload", "POST", OBJECT, "uploads", NULL, multipart_create},
    {"ListParts", "GET", OBJECT, "uploadId", NULL, multipart_list_parts},
    {"UploadPartCopy", "PUT", OBJECT, "uploadId", "x-amz-copy-source", multipart_copy_part},
    {"UploadPart", "PUT", OBJECT, "uploadId", NULL, multipart_put_part},
    {"CompleteMultipartUpload", "POST", OBJECT, "uploadId", NULL, multipart_complete},
    {"AbortMultipartUpload", "DELETE", OBJECT, "uploadId", NULL, multipart_abort},
    {"CopyObject", "PUT", OBJECT, NULL, "x-amz-copy-source", copy_object},
    {"PutObject", "PUT", OBJECT, NULL, NULL, object_put},
    {"GetObject", "GET", OBJECT, NULL, NULL, object_get},
    {"HeadObject", "HEAD", OBJECT, NULL, NULL, object_get},
    {"DeleteObject", "DELETE", OBJECT, NULL, NULL, object_delete},
};

static bool fits(const struct operation *operation, const struct call *call, int level) {
    bool of_setting = operation->run == setting_get || operation->run == setting_put ||
                      operation->run == setting_delete;
    return operation->level == level &&
           (operation->method == NULL || s3_is(call->req->method, operation->method)) &&
           (operation->param == NULL || call_param(call, operation->param).ptr != NULL) &&
           (operation->header == NULL || call_header(call, operation->header).ptr != NULL) &&
           (!of_setting || setting_find(call) != NULL);
}

const struct operation *operation_find(const struct call *call) {
    int level = call->bucket.len == 0 ? SERVICE : call->key.len == 0 ? BUCKET : OBJECT;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (fits(&operations[i], call, level)) {
            return &operations[i];
        }
    }
    return NULL;
}
