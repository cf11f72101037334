/* SPDX-License-Identifier: MIT */
/* Who a process runs as: the "user" of an image's config, looked up in the image. [any] */
#ifndef LAMBDA_OCI_USER_H
#define LAMBDA_OCI_USER_H

#include <stddef.h>
#include <sys/types.h>
#include <virga/virga.h>

#define OCI_USER_GROUPS_MAX 64
#define OCI_USER_FILE_MAX ((size_t)1024 * 1024) /* of /etc/passwd and /etc/group */

struct oci_user {
    uid_t uid;
    gid_t gid;
    gid_t groups[OCI_USER_GROUPS_MAX]; /* further ones that a named user is in */
    size_t groups_count;
};

/* Looks up "", "app", "1000", "app:group", "1000:1000" in etc/passwd and etc/group below `root`.
 * Numbers need not be there. Errors: -ENOENT no such user or group (err), -EINVAL no possible
 * number (err), -ENOMEM. */
int oci_user_find(int root, const char *user, struct oci_user *ret_user, struct virga_error *err);

#endif
