/* SPDX-License-Identifier: MIT */
/* Managed policies. The record has UpdateDate, Description, Default (the default version's id),
 * Next (the number of the next version) and Versions [{Id, Document, CreateDate}], oldest first. */
#ifndef IAM_POLICY_H
#define IAM_POLICY_H

#include "iam.h"

/* Reads a policy by its ARN, of the account or AWS's own. Owns: the caller. Errors: -EINVAL it is
 * no policy's ARN, -ENOENT, -EIO, -ENOMEM. */
int policy_read(const struct call *call, const char *arn, struct json_object **ret_record);

/* The same without the record. */
int policy_exists(const struct call *call, const char *arn);

/* The policy that the input's PolicyArn names. NULL: the call has been answered. Owns: the caller.
 */
struct json_object *policy_of(struct call *call);

/* Checks the input's PolicyDocument with its size. Returns 0, or has answered the call. */
int policy_check_document(struct call *call);

/* Adds the input's document as the next version; the caller writes the record. Errors: -ENOMEM. */
int policy_add_version(const struct call *call, struct json_object *policy, int is_default);

/* The version's place in Versions, or -1. */
ptrdiff_t policy_find_version(struct json_object *policy, const char *id);

/* Writes <PolicyVersion> or a member. */
void policy_write_version(struct virga_xml_writer *writer, struct json_object *policy, size_t index,
                          const char *element, int with_document);

#endif
