/* SPDX-License-Identifier: MIT */
/* Names in a layer's archive, made safe to use, and what whiteouts mean. Pure; [any]. */
#ifndef LAMBDA_OCI_LAYER_NAME_H
#define LAMBDA_OCI_LAYER_NAME_H

#include <stddef.h>

enum oci_layer_name {
    OCI_NAME_BAD, /* it leads out of the image, or is too long or too deep */
    OCI_NAME_ROOT,
    OCI_NAME_FILE,
    OCI_NAME_WHITEOUT, /* of what `ret_path` names */
    OCI_NAME_OPAQUE,   /* the folder `ret_path` ("" = the root) hides what is below it */
    OCI_NAME_IGNORED   /* other marks of union file systems */
};

/* Makes a name relative to the image's root, whatever slashes and "." it has: an absolute one is
 * meant from that root. ".." is refused. `ret_path` has at least OCI_LAYER_PATH_MAX bytes. */
enum oci_layer_name oci_layer_name_read(const char *name, char *ret_path);

#endif
