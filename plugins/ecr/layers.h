/* SPDX-License-Identifier: MIT */
/* What uploads of layers need beyond a single call: turns, so that two calls about one upload do
 * not mix, and the sweep that drops uploads nobody goes on with. Everything is [loop]. */
#ifndef ECR_LAYERS_H
#define ECR_LAYERS_H

#include "layer_session.h"

#define LAYERS_OPEN_MAX 1000         /* uploads open at a time in one registry */
#define LAYERS_AGE_MS (24 * 3600000) /* an upload without a new part is dropped after this */
#define LAYERS_SWEEP_MS 3600000      /* how often is looked */

/* A wish to be the only one at an upload; embedded by who waits. */
struct layer_turn {
    struct layer_turn *next;
    const char *id; /* of the upload; valid until layers_leave() */
    /* The turn has come: status 0; or it never will: -ECANCELED, and the turn is left already. */
    void (*on_turn)(struct layer_turn *turn, int status);
    bool taken; /* private */
};

int layers_create(struct ecr *ecr, struct layers **ret_layers);
/* Begins the sweeps. Errors: -ENOMEM. */
int layers_start(struct layers *layers);
/* Sends those away who wait. Before backend_stop(). NULL is fine. */
void layers_stop(struct layers *layers);
/* Nobody may wait or have a turn. NULL is fine. */
void layers_destroy(struct layers *layers);

/* Asks for a turn. Returns 1 when it was given at once (on_turn is not called), 0 when on_turn will
 * be called. A turn is to be left. */
int layers_enter(struct layers *layers, struct layer_turn *turn, const char *id,
                 void (*on_turn)(struct layer_turn *turn, int status));
/* Ends the turn, and may call the next one's on_turn. */
void layers_leave(struct layers *layers, struct layer_turn *turn);

/* Whether an upload is too old to go on. */
bool layers_expired(const struct ecr *ecr, const struct layer_session *session);
/* Forgets an upload and has its bytes freed, as far as the registry can be reached now; the rest is
 * the registry's own purge. Errors: as layer_session_delete(). */
int layers_drop(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                const struct layer_session *session);
/* Counts the open uploads of a registry, after dropping old ones of it. Errors: negative errno. */
int layers_count(struct layers *layers, const struct tenant *tenant, size_t *ret_count);

#endif
