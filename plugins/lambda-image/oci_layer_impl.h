/* SPDX-License-Identifier: MIT */
/* What the parts of oci_layer share: a layer that is being laid. [worker] */
#ifndef LAMBDA_OCI_LAYER_IMPL_H
#define LAMBDA_OCI_LAYER_IMPL_H

#include "oci_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "oci_inodes.h"
#include "oci_path.h"

/* A folder's owner, mode and time: set when nothing is written into it any more. */
struct folder {
    char *path;
    uint64_t inode;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec times[2];
};

struct layer {
    int root;
    bool owner; /* may give files away: else all are its own, and none is setuid */
    struct archive *archive;
    struct archive_entry *entry; /* the one at hand */
    const char *name;            /* of it, for messages */
    char path[OCI_LAYER_PATH_MAX];
    char parent[OCI_LAYER_PATH_MAX];
    int64_t sizes; /* of the files so far, holes included */
    struct oci_inodes made;
    struct folder *folders;
    size_t folders_count, folders_capacity;
    struct oci_budget *budget;
    struct virga_error *err;
};

/* --- oci_layer.c --- */

/* -EBADMSG, with what the entry at hand does wrong. */
int oci_layer_bad(struct layer *layer, const char *why);
/* -EBADMSG or -ENOMEM, with what libarchive says. */
int oci_layer_broken(struct layer *layer);
/* What to return for an errno of the disk: -EBADMSG where the layer asks for the impossible. */
int oci_layer_failed(struct layer *layer, int result);
/* Errors: -EFBIG, -ECANCELED. */
int oci_layer_check_budget(struct layer *layer);

/* --- oci_layer_make.c --- */

/* Makes the entry at hand. Errors: as oci_layer_apply(). */
int oci_layer_make(struct layer *layer, const struct oci_path_at *at);
/* Remembers owner, mode and time that the entry at hand gives an open folder. Errors: -ENOMEM. */
int oci_layer_note_folder(struct layer *layer, int fd);
/* Sets those of all folders, where they still are what was made. Errors: of the disk. */
int oci_layer_settle(struct layer *layer);

#endif
