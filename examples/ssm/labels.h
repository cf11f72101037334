/* SPDX-License-Identifier: MIT */
/* Labels: names for versions of a parameter. Each is on one version at a time. In the store, under
 * the table 'l': one JSON object of a parameter, label to version. */
#ifndef SSM_LABELS_H
#define SSM_LABELS_H

#include "records.h"

/* Of one version. */
#define LABELS_MAX 10

/* The labels of a parameter, empty when it has none. Owns: the caller. Errors: -EIO, -ENOMEM. */
int labels_read(const struct call *call, struct virga_str name, struct json_object **ret_labels);

/* The version that has a label; 0: none has. Errors: as labels_read(). */
int labels_find(const struct call *call, struct virga_str name, struct virga_str label,
                int64_t *ret_version);

/* Writes "Labels": [...] of a version. */
void labels_answer(struct virga_json_writer *writer, struct json_object *labels, int64_t version);

/* Whether a version has a label. */
int labels_are_on(struct json_object *labels, int64_t version);

#endif
