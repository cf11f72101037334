/* SPDX-License-Identifier: MIT */
/* An object's record, and the operations on single objects. */
#ifndef S3_OBJECT_H
#define S3_OBJECT_H

#include "call.h"
#include "digests.h"
#include "files.h"
#include "record.h"

/* Fields of records of objects, uploads and parts. */
#define OBJECT_FILE 'f'
#define OBJECT_SIZE 's'
#define OBJECT_ETAG 'e'
#define OBJECT_MODIFIED 'm'
#define OBJECT_TYPE 't'
#define OBJECT_CACHE_CONTROL 'c'
#define OBJECT_DISPOSITION 'd'
#define OBJECT_ENCODING 'n'
#define OBJECT_LANGUAGE 'l'
#define OBJECT_EXPIRES 'x'
#define OBJECT_STORAGE_CLASS 'k'
#define OBJECT_REDIRECT 'w'
#define OBJECT_META 'u' /* "name:value" */
#define OBJECT_TAG_KEY 'G'
#define OBJECT_TAG_VALUE 'V' /* behind its key */
#define OBJECT_ALGORITHM 'h' /* "SHA256" */
#define OBJECT_CHECKSUM 'H'
#define OBJECT_CHECKSUM_TYPE 'y' /* "COMPOSITE" or "FULL_OBJECT" */
#define OBJECT_SSE 'S'
#define OBJECT_KMS_KEY 'K'
#define OBJECT_BUCKET_KEY 'B'
#define OBJECT_ACL 'A'  /* a whole AccessControlPolicy */
#define OBJECT_PART 'P' /* "<size> <checksum>", in the parts' order */
/* Those that the client gives with an object, that of its tags, and those that go with its bytes.
 */
#define OBJECT_GIVEN "tcdnlxwu"
#define OBJECT_TAGS "GV"
#define OBJECT_KEEPING "kSKBA"
#define OBJECT_BYTES "fsemhHyP"

#define OBJECT_ETAG_SIZE 48

/* What is looked at often; the rest is read from the record. */
struct object {
    struct virga_str record;     /* in the request's memory */
    char etag[OBJECT_ETAG_SIZE]; /* without quotes */
    uint64_t size;
    int64_t modified_ms;
    struct virga_str file; /* empty: no bytes */
    struct virga_str storage_class;
    enum checksum_algorithm algorithm;
    struct virga_str checksum;
    struct virga_str checksum_type;
    size_t parts; /* 0: was not put in parts */
    size_t tags;
};

/* Reads a record. Valid: as long as the record. */
void object_parse(struct virga_str record, struct object *ret_object);
/* Reads an object into the request's memory. Errors: -ENOENT, -EIO, -ENOMEM. */
int object_load(struct call *call, struct virga_str bucket, struct virga_str key,
                struct object *ret_object);
/* The call's object; if there is none, or its versionId is no "null", the call has ended. */
bool object_find(struct call *call, struct object *ret_object);
/* The object's size, offset and checksum of one of its parts, from 1. */
bool object_part(const struct object *object, size_t number, uint64_t *ret_offset,
                 uint64_t *ret_size, struct virga_str *ret_checksum);

/* Copies the fields of a record whose letters are in `letters` to the writer. */
void object_copy_fields(struct virga_str record, const char *letters, struct record_writer *writer);
/* Writes the fields of bytes that were stored. */
void object_write_bytes(struct record_writer *writer, const struct file_id *id, uint64_t size,
                        const char *etag, int64_t modified_ms);
/* Writes what the request's headers say of an object: OBJECT_GIVEN. False: the call has ended. */
bool object_write_given(struct call *call, struct record_writer *writer);
/* The same for tags (x-amz-tagging). */
bool object_write_tags(struct call *call, struct record_writer *writer);
/* The same for OBJECT_KEEPING, with the bucket's default encryption. */
bool object_write_keeping(struct call *call, struct record_writer *writer);
/* Moves what was written into the request's memory, as call->record: nothing is left to free then,
 * however the body ends. False: the call has ended. */
bool object_own_record(struct call *call, struct record_writer *writer);

/* Writes the object in place of what was there, in one transaction; `id` (NULL: none) belongs to it
 * from then on. `upload` (ptr NULL: none) is deleted with its parts. Errors: of the store; -ENOENT
 * the upload is gone; -EEXIST, -ESTALE a condition of the call does not hold any more. */
int object_save(struct call *call, const struct record_writer *writer, const struct file_id *id,
                struct virga_str upload);
/* Checks If-None-Match and If-Match of a write; if they do not hold, the call has ended. */
bool object_check_write(struct call *call);
/* Answers an error of object_save(). */
void object_save_failed(struct call *call, int error);

/* Adds the headers that tell of an object. */
void object_add_headers(struct call *call, const struct object *object);
/* Adds those of encryption, from a record. */
void object_add_encryption(struct call *call, struct virga_str record);

/* Source: the operations' pages of the S3 API Reference. */
void object_put(struct call *call);
void object_get(struct call *call);
void object_attributes(struct call *call);
void object_delete(struct call *call);
void object_delete_many(struct call *call);

#endif
