/* SPDX-License-Identifier: MIT */
/* What all entities have in common: made, found by what the caller names, shown, tagged. */
#ifndef IAM_ENTITY_H
#define IAM_ENTITY_H

#include "page.h"

/* The path of roles that belong to AWS's services. */
#define SERVICE_ROLE_PATH "/aws-service-role/"

enum detail {
    DETAIL_LISTED, /* as lists show it: without tags and boundaries, as at AWS */
    DETAIL_WHOLE
};

/* Makes the record of a new entity with the input's Path and Tags. NULL: the call has been answered
 * with the error. Owns: the caller, until json_object_put(). */
struct json_object *entity_make(struct call *call, const struct kind *kind, const char *name);

/* Finds an entity by its name. NULL: the call has been answered. Owns: the caller. */
struct json_object *entity_find(struct call *call, const struct kind *kind, const char *name);

/* Finds the entity of the call's kind that the input names, by name or ARN. NULL: the call has been
 * answered. Owns: the caller. */
struct json_object *entity_of(struct call *call);

/* The same, unless it is a role that is changed by AWS alone. */
struct json_object *entity_of_changeable(struct call *call);

/* Whether a record is of no such role. Returns 0, or has answered the call. */
int entity_check_changeable(struct call *call, struct json_object *record);

/* Finds an entity of the account by its ARN. Errors: -ENOENT, -EINVAL it is no ARN of IAM, -EIO,
 * -ENOMEM. */
int entity_read_arn(const struct call *call, const struct kind *kind, const char *arn,
                    struct json_object **ret_record);

/* Writes the record. Returns 0, or has answered the call with the failure. */
int entity_save(struct call *call, const struct kind *kind, struct json_object *record);

/* Whether the record's path begins with the input's PathPrefix. */
int entity_on_path(const struct call *call, struct json_object *record);

/* Writes <element> of an entity; element NULL writes the members alone. Errors: the store's, and
 * -ENOMEM. */
int entity_write(const struct call *call, struct virga_xml_writer *writer, const struct kind *kind,
                 struct json_object *record, const char *element, enum detail detail);

/* Writes a member of AttachedPolicies. */
void attachment_write(struct virga_xml_writer *writer, const char *arn);

/* Writes a policy document as IAM shows it: percent-encoded by RFC 3986. */
void document_write(struct virga_xml_writer *writer, const char *element, const char *document);

/* Merges the input's Tags into the record's. Returns 0, or has answered the call. */
int tags_merge(struct call *call, struct json_object *record);
/* Writes <Tags>. */
void tags_write(struct virga_xml_writer *writer, struct json_object *record);

/* Answers with the result that holds this one entity, whole. Gives the request back. */
void entity_answer(struct call *call, const struct kind *kind, struct json_object *record);

#endif
