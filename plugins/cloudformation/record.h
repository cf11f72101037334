/* SPDX-License-Identifier: MIT */
/* The store as this plugin keeps it: JSON objects under keys of text.
 *
 *   s/<account>/<region>/<uuid>         a stack, the deleted ones too
 *   n/<account>/<region>/<name>         the uuid of the stack of that name that is not deleted
 *   t/<uuid>/c, t/<uuid>/n              its template, and the one that an update brings
 *   r/<uuid>/<logical id>               a resource
 *   e/<uuid>/<number, 10 digits>        an event
 *   c/<uuid>/<name>, b/<uuid>/<name>    a change set, and its template
 *   x/<account>/<region>/<name>         an export
 *   i/<account>/<region>/<export>\001<uuid>  a stack that imports it
 *   u/<uuid>                            a stack with an operation under way: "<account>/<region>"
 *   k                                   the key of page tokens */
#ifndef CFN_RECORD_H
#define CFN_RECORD_H

#include "cfn.h"

#define RECORD_KEY_SIZE 1400

/* Reads an object. Owns: the caller, until json_object_put(). Errors: -ENOENT, -EIO, -ENOMEM. */
VIRGA_PRINTF(3, 4)
int record_get(struct cfn *cfn, struct json_object **ret_object, const char *key_format, ...);
/* Writes an object. Errors: those of virga_store.put(), -ENOMEM. */
VIRGA_PRINTF(3, 4)
int record_put(struct cfn *cfn, struct json_object *object, const char *key_format, ...);
/* Reads and writes bytes. Owns: the text, the caller's, until text_finish(). */
VIRGA_PRINTF(3, 4)
int record_get_text(struct cfn *cfn, struct text *ret_text, const char *key_format, ...);
VIRGA_PRINTF(3, 4)
int record_put_text(struct cfn *cfn, struct virga_str bytes, const char *key_format, ...);
/* Deletes one key, or all that begin so; one that is not there is no error. */
VIRGA_PRINTF(2, 3)
int record_delete(struct cfn *cfn, const char *key_format, ...);
VIRGA_PRINTF(2, 3)
int record_delete_all(struct cfn *cfn, const char *prefix_format, ...);

/* Walks the objects behind a prefix, in order: on_object gets the rest of each key and the object,
 * borrowed; anything but 0 ends the walk. `after` ("" = from the start) is the rest of the key
 * behind which it begins. Errors: -EIO, -ENOMEM, else what on_object returned. */
int record_each(struct cfn *cfn, const char *prefix, const char *after, bool reverse,
                int (*on_object)(void *arg, const char *rest, struct json_object *object),
                void *arg);

/* A transaction around several writes; record_end() commits when `result` is 0, else rolls back,
 * and returns what came of it. */
int record_begin(struct cfn *cfn);
int record_end(struct cfn *cfn, int result);

#endif
