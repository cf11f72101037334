/* SPDX-License-Identifier: MIT */
/* Lists of a bucket's objects. */
#ifndef S3_LIST_H
#define S3_LIST_H

#include "call.h"

void list_v1(struct call *call);
void list_v2(struct call *call);
void list_versions(struct call *call);

/* Writes an element whose text is encoded when encoding-type=url was asked for. */
void list_write_name(struct virga_xml_writer *writer, const char *element, struct virga_str name,
                     bool encoded);
/* Reads encoding-type. False: the call has ended. */
bool list_read_encoding(struct call *call, bool *ret_encoded);

#endif
