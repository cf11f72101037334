/* SPDX-License-Identifier: MIT */
/* One blob of a registry, streamed into a file and checked against its digest as it comes. Bytes
 * are hashed and written on the thread pool; the connection waits while that is behind. [loop] */
#ifndef LAMBDA_OCI_BLOB_H
#define LAMBDA_OCI_BLOB_H

#include "lambda.h"

struct oci_blob;

struct oci_blob_options {
    const char *registry;
    const char *pull_name;
    const char *user;
    const char *password;
    const char *digest;
    int64_t size; /* as the manifest says: more is refused, less too */
    const char *path;
    /* Calls back: once, never inside oci_blob_start() or oci_blob_cancel(). 0, or as pull of struct
     * executor, with the reason. The blob is gone then. */
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
};

/* Everything is copied. Errors: -ENOMEM, -EINVAL. */
int oci_blob_start(const struct lambda *lambda, const struct oci_blob_options *options,
                   struct oci_blob **ret_blob);
/* Breaks it off: on_done comes with -ECANCELED. NULL is fine. */
void oci_blob_cancel(struct oci_blob *blob);

#endif
