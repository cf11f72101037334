/* SPDX-License-Identifier: MIT */
/* Turns at uploads, and uploads that nobody goes on with. */
#include "layers.h"

#include "backend.h"

#include <errno.h>
#include <stdlib.h>

/* Uploads dropped by one look: each costs a request to the registry. The next look goes on. */
#define DROPS_MAX 64

struct layers {
    struct ecr *ecr;
    struct layer_turn *first; /* in the order of asking */
    struct layer_turn *last;
    bool serving; /* turns are being given */
    struct virga_timer_handle *timer;
};

int layers_create(struct ecr *ecr, struct layers **ret_layers) {
    struct layers *layers = calloc(1, sizeof *layers);
    if (layers == NULL) {
        return -ENOMEM;
    }
    layers->ecr = ecr;
    *ret_layers = layers;
    return 0;
}

void layers_destroy(struct layers *layers) {
    if (layers != NULL) {
        if (layers->timer != NULL) {
            layers->ecr->timer->stop(layers->timer);
        }
        free(layers);
    }
}

/* --- turns --- */

static void take_out(struct layers *layers, struct layer_turn *turn) {
    struct layer_turn *before = NULL;
    for (struct layer_turn *at = layers->first; at != NULL; before = at, at = at->next) {
        if (at != turn) {
            continue;
        }
        if (before != NULL) {
            before->next = at->next;
        } else {
            layers->first = at->next;
        }
        if (layers->last == at) {
            layers->last = before;
        }
        return;
    }
}

/* Whether an earlier wish for the same upload is there. */
static bool must_wait(const struct layers *layers, const struct layer_turn *turn) {
    const struct layer_turn *at = layers->first;
    while (at != turn && strcmp(at->id, turn->id) != 0) {
        at = at->next;
    }
    return at != turn;
}

int layers_enter(struct layers *layers, struct layer_turn *turn, const char *id,
                 void (*on_turn)(struct layer_turn *turn, int status)) {
    *turn = (struct layer_turn){.id = id, .on_turn = on_turn};
    if (layers->last != NULL) {
        layers->last->next = turn;
    } else {
        layers->first = turn;
    }
    layers->last = turn;
    turn->taken = !must_wait(layers, turn);
    return turn->taken;
}

static struct layer_turn *next_turn(const struct layers *layers) {
    struct layer_turn *at = layers->first;
    while (at != NULL && (at->taken || must_wait(layers, at))) {
        at = at->next;
    }
    return at;
}

void layers_leave(struct layers *layers, struct layer_turn *turn) {
    struct layer_turn *next = NULL;
    take_out(layers, turn);
    /* Why: a call that ends within its turn leaves it again, and a long queue of such calls must
     * not go as deep as it is long. */
    if (layers->serving) {
        return;
    }
    layers->serving = true;
    while ((next = next_turn(layers)) != NULL) {
        next->taken = true;
        next->on_turn(next, 0);
    }
    layers->serving = false;
}

void layers_stop(struct layers *layers) {
    struct layer_turn *at = layers != NULL ? layers->first : NULL;
    while (at != NULL) {
        struct layer_turn *next = at->next;
        if (!at->taken) {
            take_out(layers, at);
            at->on_turn(at, -ECANCELED);
        }
        at = next;
    }
}

/* --- the sweep --- */

bool layers_expired(const struct ecr *ecr, const struct layer_session *session) {
    return ecr->timer->now_ms(ecr->host) - session->used_ms >= LAYERS_AGE_MS;
}

static void on_freed(void *arg, const struct virga_fetch_response *res) {
    struct ecr *ecr = arg;
    if (res->status != 204 && res->status != 404) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL,
                "the bytes of a dropped layer upload stay until the registry purges them: %s (%d)",
                res->error_text, res->status);
    }
}

/* Has the registry remove the session's bytes. */
static void free_bytes(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       const char *id) {
    struct strbuf address = {0};
    uint64_t size = 0;
    if (backend_is_ready(ecr->backend) &&
        backend_upload_size(ecr->backend, tenant, name, id, &size) == 0 &&
        backend_upload_address(ecr->backend, tenant, name, id, size, &address) == 0) {
        (void)backend_fetch(ecr->backend, "DELETE", address.ptr, NULL, 0, virga_str_from(""),
                            on_freed, ecr);
    }
    strbuf_finish(&address);
}

int layers_drop(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                const struct layer_session *session) {
    int result = layer_session_delete(ecr, tenant, name, session->id);
    if (result == 0) {
        free_bytes(ecr, tenant, name, session->id);
    }
    return result;
}

struct dropped {
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    struct layer_session session;
};

struct sweep {
    struct layers *layers;
    size_t count; /* of all that were seen */
    size_t dropped_count;
    struct dropped *dropped; /* DROPS_MAX of them */
};

static bool is_busy(const struct layers *layers, const char *id) {
    const struct layer_turn *at = layers->first;
    while (at != NULL && strcmp(at->id, id) != 0) {
        at = at->next;
    }
    return at != NULL;
}

static int on_seen(void *arg, const struct tenant *tenant, struct virga_str name,
                   const struct layer_session *session) {
    struct sweep *sweep = arg;
    sweep->count++;
    if (sweep->dropped_count < DROPS_MAX && layers_expired(sweep->layers->ecr, session) &&
        !is_busy(sweep->layers, session->id)) {
        struct dropped *dropped = &sweep->dropped[sweep->dropped_count++];
        dropped->tenant = *tenant;
        (void)snprintf(dropped->name, sizeof dropped->name, "%.*s", (int)name.len, name.ptr);
        dropped->session = *session;
    }
    return 0;
}

/* Drops what is too old in one registry, or with NULL in all. */
static int run_sweep(struct layers *layers, const struct tenant *tenant, size_t *ret_count) {
    struct sweep sweep = {.layers = layers, .dropped = calloc(DROPS_MAX, sizeof *sweep.dropped)};
    if (sweep.dropped == NULL) {
        return -ENOMEM;
    }
    int result = layer_session_each(layers->ecr, tenant, on_seen, &sweep);
    for (size_t i = 0; i < sweep.dropped_count && result == 0; i++) {
        const struct dropped *dropped = &sweep.dropped[i];
        result = layers_drop(layers->ecr, &dropped->tenant, virga_str_from(dropped->name),
                             &dropped->session);
        sweep.count--;
    }
    free(sweep.dropped);
    if (result == 0) {
        *ret_count = sweep.count;
    }
    return result;
}

int layers_count(struct layers *layers, const struct tenant *tenant, size_t *ret_count) {
    return run_sweep(layers, tenant, ret_count);
}

static void on_timer(void *arg) {
    struct layers *layers = arg;
    size_t count = 0;
    int result = run_sweep(layers, NULL, &count);
    if (result != 0) {
        ECR_LOG(layers->ecr, VIRGA_LOG_WARN, NULL, "old layer uploads could not be dropped: %s",
                strerror(-result));
    }
}

int layers_start(struct layers *layers) {
    return layers->ecr->timer->start(layers->ecr->host, LAYERS_SWEEP_MS, LAYERS_SWEEP_MS, on_timer,
                                     layers, &layers->timer);
}
