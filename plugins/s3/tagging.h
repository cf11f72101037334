/* SPDX-License-Identifier: MIT */
/* Tags of objects. */
#ifndef S3_TAGGING_H
#define S3_TAGGING_H

#include "call.h"
#include "record.h"

void tagging_get(struct call *call);
void tagging_put(struct call *call);
void tagging_delete(struct call *call);

/* Writes the tags of an x-amz-tagging header ("a=1&b=2"). False: the call has ended. */
bool tagging_write_header(struct call *call, struct virga_str text, struct record_writer *writer);

#endif
