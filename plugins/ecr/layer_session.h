/* SPDX-License-Identifier: MIT */
/* Uploads of layers over the API, as the store keeps them: which session of the registry an
 * uploadId means, and what its parts were like. The bytes, and how many there are, are the
 * registry's. Owns table q of the store. Everything is [loop]; errors as in meta.h. */
#ifndef ECR_LAYER_SESSION_H
#define ECR_LAYER_SESSION_H

#include "meta.h"

#define LAYER_UPLOAD_ID_LEN 36    /* a UUID: the registry's own of the session */
#define LAYER_ADDRESS_MAX 2047    /* name and signed state are below 1,200 */
#define LAYER_PART_MIN (5u << 20) /* but for the last part; source: LayerPartTooSmallException */
#define LAYER_PARTS_MAX 4200      /* of one layer; source: ECR's quotas, "Layer parts" */

struct layer_session {
    char id[LAYER_UPLOAD_ID_LEN + 1];
    char uid[33];                        /* of the repository that it was begun in */
    char address[LAYER_ADDRESS_MAX + 1]; /* Location of the registry's last answer, or "" */
    uint64_t received;                   /* end of the last part that was accepted */
    uint64_t parts;
    bool last_small; /* the last part is below LAYER_PART_MIN */
    bool small;      /* so is one before it */
    int64_t used_ms; /* begun, or the last part came */
};

/* Writes an uploadId with small letters, as the keys have it. `text` is one by the model. */
void layer_session_id(struct virga_str text, char ret_id[LAYER_UPLOAD_ID_LEN + 1]);

int layer_session_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const char *id, struct layer_session *ret_session);
int layer_session_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct layer_session *session);
int layer_session_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         const char *id);
/* Walks the sessions of a registry, or with NULL of all. on_each returns 0 to go on, anything else
 * stops and is returned; it may not write. */
int layer_session_each(struct ecr *ecr, const struct tenant *tenant,
                       int (*on_each)(void *arg, const struct tenant *tenant, struct virga_str name,
                                      const struct layer_session *session),
                       void *arg);

/* Notes that a part was accepted which ends before byte `end`. What came of a part that broke off
 * counts for the one that goes on with it. */
void layer_session_accept(struct layer_session *session, uint64_t end, int64_t now_ms);

#endif
