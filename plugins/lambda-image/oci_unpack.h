/* SPDX-License-Identifier: MIT */
/* An image's downloaded layers made into the folder that containers have as their root. Everything
 * is [worker]. */
#ifndef LAMBDA_OCI_UNPACK_H
#define LAMBDA_OCI_UNPACK_H

#include "oci_layer.h"

/* Of one image. Lambda takes images of 10 GiB. Source: "Lambda quotas". */
#define OCI_UNPACK_BYTES_MAX (INT64_C(10) * 1024 * 1024 * 1024)
#define OCI_UNPACK_ENTRIES_MAX 2000000

struct oci_unpack {
    const char *folder;  /* has the layers, "layer-0" and so on; gets "rootfs" and "image.json" */
    const char *becomes; /* the folder's name when all is done */
    const char *digest;
    size_t layers;
    struct oci_budget budget;
};

/* Lays the layers over each other, removes them, and gives the folder its final name: what has that
 * name is complete. An image that is there already is as good. Errors: those of oci_layer_apply()
 * and of the disk, with err. */
int oci_unpack_image(struct oci_unpack *unpack, struct virga_error *err);

/* Where mounts go that every container has: made once here, because a container's root is read-only
 * and shared. What is in their way, links for instance, is replaced. Errors: of the disk. */
int oci_unpack_mount_points(int root);

#endif
