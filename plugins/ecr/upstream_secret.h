/* SPDX-License-Identifier: MIT */
/* Credentials for upstream registries: from the file that `upstream-credentials` names, else from
 * the Secrets Manager that this host serves, if it does. Everything is [loop]. */
#ifndef ECR_UPSTREAM_SECRET_H
#define ECR_UPSTREAM_SECRET_H

#include "ecr.h"

#include <json-c/json.h>

#define UPSTREAM_CREDENTIALS_MAX_BYTES (1u << 20) /* of the file */

struct upstream_secret_question {
    struct tenant tenant;
    const char *arn;  /* of the secret; NULL = only the file is asked, by host */
    const char *host; /* of the registry */
};

/* What was found. Valid: for the call. */
struct upstream_secret {
    /* 0; -ENOENT there is no such secret, -ENOSYS there is nothing that could hold one, -EACCES it
     * may not be read, -EKEYREJECTED it cannot be decrypted, -EINVAL it is no pair of username and
     * accessToken, or the file cannot be read, -ECANCELED, -ENOMEM, -EIO */
    int status;
    const char *reason; /* in words, when status is not 0 */
    const char *username;
    const char *password;
};

/* Looks for credentials. Calls back: once, never inside this call. Errors: -ENOMEM, -EAGAIN. */
int upstream_secret_ask(struct ecr *ecr, const struct upstream_secret_question *question,
                        void (*on_answer)(void *arg, const struct upstream_secret *secret),
                        void *arg);

/* Reads a Secrets Manager's SecretString or an entry of the file: {"username", "accessToken"}.
 * False: it is something else. Valid: as long as the object. */
bool upstream_secret_read(struct json_object *object, struct upstream_secret *ret_secret);

#endif
