/* SPDX-License-Identifier: MIT */
/* Access control lists: kept and echoed, not enforced. */
#ifndef S3_ACL_H
#define S3_ACL_H

#include "call.h"
#include "record.h"

void acl_get_bucket(struct call *call);
void acl_put_bucket(struct call *call);
void acl_get_object(struct call *call);
void acl_put_object(struct call *call);

/* Keeps the canned ACL in x-amz-acl with a bucket that is being made. Errors: of the store. */
int acl_save_bucket(struct call *call);
/* Writes the canned ACL in x-amz-acl to an object's record. False: the call has ended. */
bool acl_write_header(struct call *call, struct record_writer *writer);

#endif
