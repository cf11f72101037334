/* SPDX-License-Identifier: MIT */
/* CopyObject, and the source that UploadPartCopy shares with it. */
#ifndef S3_COPY_H
#define S3_COPY_H

#include "object.h"

void copy_object(struct call *call);

/* Finds the object that x-amz-copy-source names and checks the conditions on it. False: the call
 * has ended. */
bool copy_find_source(struct call *call, struct object *ret_source, bool *ret_itself);

#endif
