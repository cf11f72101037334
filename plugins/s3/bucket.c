/* SPDX-License-Identifier: MIT */
/* Buckets: made, looked at, listed, removed. */
#include "bucket.h"
#include "acl.h"
#include "address.h"
#include "call.h"
#include "files.h"
#include "multipart.h"
#include "record.h"
#include "setting.h"

#include <errno.h>

#define LIST_MAX 10000
#define HOME_REGION "us-east-1"

static void parse(struct virga_str record, struct bucket *bucket) {
    char letter;
    struct virga_str value;
    *bucket = (struct bucket){0};
    while (record_next(&record, &letter, &value)) {
        if (letter == 'o' && value.len < sizeof bucket->owner) {
            memcpy(bucket->owner, value.ptr, value.len + 1);
        } else if (letter == 'r' && value.len < sizeof bucket->region) {
            memcpy(bucket->region, value.ptr, value.len + 1);
        } else if (letter == 'c') {
            bucket->created_ms = record_int(value);
        }
    }
}

int bucket_load(struct s3 *s3, struct virga_str name, struct bucket *ret_bucket) {
    struct record_key key;
    struct virga_store_value value;
    record_key_in(&key, RECORD_BUCKET, name);
    if (key.bad || name.len > S3_BUCKET_MAX) {
        return -ENOENT;
    }
    int result = s3->store->get(s3->host, record_key_str(&key), &value);
    if (result == 0) {
        parse(s3_str(value.ptr, value.len), ret_bucket);
        s3->store->release(s3->host, &value);
    }
    return result;
}

/* ---- making ---- */

static int save(struct s3 *s3, struct virga_str name, const struct bucket *bucket) {
    struct record_key key;
    struct record_writer writer = {0};
    record_key_in(&key, RECORD_BUCKET, name);
    record_put_string(&writer, 'o', bucket->owner);
    record_put_string(&writer, 'r', bucket->region);
    record_put_int(&writer, 'c', bucket->created_ms);
    int result = writer.failed ? -ENOMEM
                               : s3->store->put(s3->host, record_key_str(&key),
                                                s3_str(writer.ptr, writer.len));
    record_finish(&writer);
    return result;
}

static int make(struct call *call, const struct bucket *bucket) {
    struct s3 *s3 = call->s3;
    int result = s3->store->begin(s3->host);
    if (result != 0) {
        return result;
    }
    result = save(s3, call->bucket, bucket);
    result = result == 0 ? setting_save_first(s3, call->bucket) : result;
    result = result == 0 ? acl_save_bucket(call) : result;
    if (result == 0) {
        return s3->store->commit(s3->host);
    }
    s3->store->rollback(s3->host);
    return result;
}

/* Source: CreateBucket: at the endpoint of us-east-1 a bucket may be made for any region, at
 * another one only for its own, which must be said. */
static bool check_location(struct call *call, struct virga_str location) {
    const struct virga_request *req = call->req;
    if (location.len > S3_REGION_MAX ||
        (!s3_is(req->region, HOME_REGION) && !virga_str_equal(location, req->region))) {
        call_fail(call, 400, "IllegalLocationConstraintException",
                  "The %.*s location constraint is incompatible for the region specific endpoint "
                  "this request was sent to.",
                  location.len > 0 ? (int)(location.len < 40 ? location.len : 40) : 11,
                  location.len > 0 ? location.ptr : "unspecified");
        return false;
    }
    if (s3_is(location, HOME_REGION)) {
        call_fail(call, 400, "InvalidLocationConstraint",
                  "The specified location-constraint is not valid");
        return false;
    }
    return true;
}

static void answer_made(struct call *call) {
    call_addf(call, "Location", "/%s", call->bucket.ptr);
    call_answer(call, 200);
}

static void on_create(struct call *call, const struct xml_node *root) {
    struct bucket bucket, old;
    struct virga_str location = xml_node_text(root, "LocationConstraint");
    if (root != NULL && !xml_node_is(root, "CreateBucketConfiguration")) {
        call_malformed_xml(call);
        return;
    }
    if (!check_location(call, location)) {
        return;
    }
    bucket = (struct bucket){.created_ms = call->s3->timer->now_ms(call->s3->host)};
    (void)snprintf(bucket.owner, sizeof bucket.owner, "%s", call->req->account.ptr);
    (void)snprintf(bucket.region, sizeof bucket.region, "%s",
                   location.len == 0 ? HOME_REGION : location.ptr);
    int result = bucket_load(call->s3, call->bucket, &old);
    if (result == 0 && strcmp(old.owner, bucket.owner) != 0) {
        call_fail(call, 409, "BucketAlreadyExists",
                  "The requested bucket name is not available. The bucket namespace is shared by "
                  "all users of the system. Please select a different name and try again.");
    } else if (result == 0 && strcmp(old.region, HOME_REGION) == 0 &&
               strcmp(bucket.region, HOME_REGION) == 0) {
        answer_made(call); /* so it is in us-east-1 */
    } else if (result == 0) {
        call_fail(call, 409, "BucketAlreadyOwnedByYou",
                  "Your previous request to create the named bucket succeeded and you already own "
                  "it.");
    } else if (result != -ENOENT || (result = make(call, &bucket)) != 0) {
        call_broken(call, "The bucket could not be made", result);
    } else {
        answer_made(call);
    }
}

void bucket_create(struct call *call) {
    if (!address_is_bucket_name(call->bucket)) {
        call_fail(call, 400, "InvalidBucketName", "The specified bucket is not valid.");
        return;
    }
    call_read_xml(call, on_create);
}

/* ---- looking ---- */

void bucket_head(struct call *call) {
    call_addf(call, "x-amz-bucket-region", "%s", call->in.region);
    call_add(call, "x-amz-access-point-alias", virga_str_from("false"));
    call_answer(call, 200);
}

void bucket_location(struct call *call) {
    struct virga_xml_writer writer = {0};
    virga_xml_begin_in(&writer, "LocationConstraint", S3_XMLNS);
    if (strcmp(call->in.region, HOME_REGION) != 0) {
        virga_xml_text(&writer, virga_str_from(call->in.region));
    }
    virga_xml_end(&writer, "LocationConstraint");
    call_answer_xml(call, 200, &writer);
}

static bool begins(struct virga_str name, struct virga_str with) {
    return with.len == 0 || (name.len >= with.len && memcmp(name.ptr, with.ptr, with.len) == 0);
}

/* Writes the caller's buckets; the name behind which the next page begins goes to `ret_last`. */
static int write_buckets(struct call *call, int64_t most, struct virga_xml_writer *writer,
                         char ret_last[S3_BUCKET_MAX + 1]) {
    struct s3 *s3 = call->s3;
    struct virga_store_cursor *cursor;
    struct virga_str key, value, token = call_param(call, "continuation-token");
    struct virga_str prefix = call_param(call, "prefix"),
                     region = call_param(call, "bucket-region");
    struct record_key table, after;
    char last[S3_BUCKET_MAX + 1] = "";
    int64_t count = 0;
    record_key_in(&table, RECORD_BUCKET, s3_str("", 0));
    record_key_in(&after, RECORD_BUCKET, token.ptr != NULL ? token : s3_str("", 0));
    int result =
        s3->store->scan(s3->host, record_key_str(&table), record_key_str(&after), 0, &cursor);
    if (result != 0) {
        return result;
    }
    ret_last[0] = '\0';
    while ((result = s3->store->next(cursor, &key, &value)) == 1) {
        struct bucket bucket;
        struct virga_str name = s3_str(key.ptr + table.len, key.len - table.len);
        parse(value, &bucket);
        if (!s3_is(call->req->account, bucket.owner) || !begins(name, prefix) ||
            (region.ptr != NULL && !s3_is(region, bucket.region))) {
            continue;
        }
        if (count == most) {
            memcpy(ret_last, last, sizeof last);
            break;
        }
        (void)snprintf(last, sizeof last, "%.*s", (int)name.len, name.ptr);
        virga_xml_begin(writer, "Bucket");
        virga_xml_str(writer, "Name", name);
        virga_xml_time(writer, "CreationDate", bucket.created_ms / 1000 * 1000);
        virga_xml_string(writer, "BucketRegion", bucket.region);
        virga_xml_end(writer, "Bucket");
        count++;
    }
    s3->store->close(cursor);
    return result < 0 ? result : 0;
}

void bucket_list(struct call *call) {
    struct virga_xml_writer writer = {0};
    char last[S3_BUCKET_MAX + 1];
    int64_t most = LIST_MAX;
    if (call_number(call_param(call, "max-buckets"), 1, LIST_MAX, &most) == -EINVAL) {
        call_fail(call, 400, "InvalidArgument",
                  "Argument max-buckets must be an integer between 1 "
                  "and 10000");
        return;
    }
    virga_xml_begin_in(&writer, "ListAllMyBucketsResult", S3_XMLNS);
    call_write_owner(&writer, "Owner", call->req->account);
    virga_xml_begin(&writer, "Buckets");
    int result = write_buckets(call, most, &writer, last);
    virga_xml_end(&writer, "Buckets");
    if (last[0] != '\0') {
        virga_xml_string(&writer, "ContinuationToken", last);
    }
    if (call_param(call, "prefix").ptr != NULL) {
        virga_xml_str(&writer, "Prefix", call_param(call, "prefix"));
    }
    virga_xml_end(&writer, "ListAllMyBucketsResult");
    if (result != 0) {
        virga_xml_finish(&writer);
        call_broken(call, "The buckets could not be listed", result);
        return;
    }
    call_answer_xml(call, 200, &writer);
}

/* ---- removing ---- */

/* 1: there is an object. */
static int has_objects(struct s3 *s3, struct virga_str bucket) {
    struct virga_store_cursor *cursor;
    struct virga_str key, value;
    struct record_key prefix;
    record_key_in(&prefix, RECORD_OBJECT, bucket);
    record_key_add(&prefix, s3_str("", 0));
    int result = s3->store->scan(s3->host, record_key_str(&prefix), s3_str(NULL, 0),
                                 VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result == 0) {
        result = s3->store->next(cursor, &key, &value);
        s3->store->close(cursor);
    }
    return result;
}

static int delete_records(struct s3 *s3, struct virga_str bucket) {
    struct record_key key;
    int result = s3->store->begin(s3->host);
    if (result != 0) {
        return result;
    }
    record_key_in(&key, RECORD_SETTING, bucket);
    record_key_add(&key, s3_str("", 0));
    result = s3->store->del_prefix(s3->host, record_key_str(&key), NULL);
    result = result == 0 ? multipart_drop_all(s3, bucket) : result;
    if (result == 0) {
        record_key_in(&key, RECORD_BUCKET, bucket);
        result = s3->store->del(s3->host, record_key_str(&key));
    }
    if (result == 0) {
        return s3->store->commit(s3->host);
    }
    s3->store->rollback(s3->host);
    return result;
}

void bucket_delete(struct call *call) {
    int result = has_objects(call->s3, call->bucket);
    if (result == 1) {
        call_fail(call, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
        return;
    }
    result = result == 0 ? delete_records(call->s3, call->bucket) : result;
    files_sweep(call->s3);
    if (result != 0) {
        call_broken(call, "The bucket could not be deleted", result);
    } else {
        call_answer(call, 204);
    }
}
