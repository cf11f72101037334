/* SPDX-License-Identifier: MIT */
/* What the store knows of signatures: the registry's signing configuration, and how an image's
 * signatures stand, one for each profile. Everything is [loop]; functions return as those of
 * meta.h. */
#ifndef ECR_SIGNING_RECORD_H
#define ECR_SIGNING_RECORD_H

#include "image_order.h"

#include <json-c/json.h>

#define SIGNING_PROFILE_MAX 200 /* bytes of a profile's ARN, by the model */
#define SIGNING_RULES_MAX 10    /* by the model */
/* Statuses of one image: profiles come and go with the rules, and the oldest status gives way. */
#define SIGNING_STATUSES_MAX 20

enum signing_state { SIGNING_IN_PROGRESS, SIGNING_COMPLETE, SIGNING_FAILED };

struct signing_status {
    char profile[SIGNING_PROFILE_MAX + 1];
    enum signing_state state;
    uint64_t order;                     /* its id, while IN_PROGRESS */
    char signature[ECR_DIGEST_LEN + 1]; /* the manifest that is or was about to be pushed, or "" */
    char code[64];                      /* when FAILED */
    char reason[400];
};

struct signing_statuses {
    struct signing_status list[SIGNING_STATUSES_MAX];
    size_t count;
};

const char *signing_state_word(enum signing_state state);
/* The status of a profile, or NULL. */
struct signing_status *signing_statuses_find(struct signing_statuses *statuses,
                                             const char *profile);

/* An image that was never signed has none. */
int signing_statuses_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str digest, struct signing_statuses *ret_statuses);
/* Writes one profile's status. Joins a transaction that is open. Errors: -ENOENT the image is gone.
 */
int signing_status_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, const struct signing_status *status);

/* The registry's configuration, {"rules"}. Owns: the caller. Errors: -ENOENT there is none. */
int signing_config_get(struct ecr *ecr, const struct tenant *tenant,
                       struct json_object **ret_config);
int signing_config_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str text);
int signing_config_delete(struct ecr *ecr, const struct tenant *tenant);
/* The profiles whose rules match a repository, each once. Pure. */
size_t signing_config_profiles(struct json_object *config, const char *name,
                               struct virga_str ret_profiles[SIGNING_RULES_MAX]);

/* A profile's key and certificate (PEM). Owns: the caller, free(). Errors: -ENOENT. */
int signing_key_get(struct ecr *ecr, const struct tenant *tenant, const char *profile,
                    char **ret_pem);
int signing_key_put(struct ecr *ecr, const struct tenant *tenant, const char *profile,
                    const char *pem);

#endif
