/* SPDX-License-Identifier: MIT */
/* One layer of an image laid over a folder: a tar archive, plain or compressed, with its whiteouts.
 * What is hostile in it is refused: nothing outside of the folder is ever touched. Source: OCI
 * image specification 1.0, "Image Layer Filesystem Changeset". Everything is [worker]. */
#ifndef LAMBDA_OCI_LAYER_H
#define LAMBDA_OCI_LAYER_H

#include <stdatomic.h>
#include <stdint.h>
#include <virga/virga.h>

#define OCI_LAYER_PATH_MAX 4096  /* bytes of a name in a layer, with the NUL */
#define OCI_LAYER_NAME_MAX 255   /* bytes of one part of it. Source: NAME_MAX */
#define OCI_LAYER_DEPTH_MAX 128  /* folders in folders */
#define OCI_LAYER_XATTR_MAX 4096 /* bytes of an attribute's value */

/* What an image may still use up. */
struct oci_budget {
    int64_t bytes;             /* uncompressed, with headers */
    int64_t entries;           /* names in archives */
    const atomic_bool *cancel; /* NULL, or set from another thread: give up */
    int64_t skipped;           /* devices that were left out, counted */
};

/* Lays the archive of file descriptor `file`, which is at its start, over the folder `root`. What
 * is there and in the way is replaced; a file that was begun stays when it fails. Errors: -EBADMSG
 * it is no archive, or broken, or does what no layer may (err says what); -EFBIG the budget is used
 * up; -ECANCELED; -ENOSPC and others of the disk. */
int oci_layer_apply(int root, int file, struct oci_budget *budget, struct virga_error *err);

#endif
