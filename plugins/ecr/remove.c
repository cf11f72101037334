/* SPDX-License-Identifier: MIT */
/* Deletions: intent, registry, record, each in its repository's lane. */
#include "backend_impl.h"
#include "registry_change.h"

#include <errno.h>
#include <stdlib.h>

struct removal {
    struct ecr *ecr;
    struct lane_ticket ticket;
    struct meta_intent intent;
    bool (*still)(void *arg); /* asked before anything is done; NULL */
    backend_on_done on_done;
    void *arg;
};

static struct virga_str name_of(const struct removal *removal) {
    return virga_str_from(removal->intent.name);
}

static void finish(struct removal *removal, int status, const char *reason) {
    lane_leave(removal->ecr->backend->lanes, &removal->ticket);
    removal->on_done(removal->arg, status, reason);
    free(removal);
}

static void finish_error(struct removal *removal, int error) {
    int status = error == -ENOENT || error == -ENOMEM || error == -ESTALE ? error : -EIO;
    finish(removal, status, strerror(-error));
}

/* Writes the outcome and takes the intent away, as one. */
static int record(struct removal *removal) {
    struct ecr *ecr = removal->ecr;
    const struct meta_intent *intent = &removal->intent;
    bool own;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    if (intent->kind == META_INTENT_DELETE) {
        result = meta_image_delete(ecr, &intent->tenant, name_of(removal),
                                   virga_str_from(intent->digest));
    } else if (intent->kind == META_INTENT_UNTAG) {
        result =
            meta_tag_delete(ecr, &intent->tenant, name_of(removal), virga_str_from(intent->tag));
    } else {
        result = meta_repository_delete(ecr, &intent->tenant, name_of(removal));
    }
    if (result == 0 || result == -ENOENT) {
        result = meta_intent_delete(ecr, intent->id);
    }
    return meta_end(ecr, own, result);
}

static void on_changed(void *arg, int status, const char *reason) {
    struct removal *removal = arg;
    struct recover *recover = removal->ecr->backend->recover;
    if (status == -EIO) {
        /* Refused: all is as it was. */
        (void)meta_intent_delete(removal->ecr, removal->intent.id);
        finish(removal, -EIO, reason);
        return;
    }
    if (status != 0) {
        (void)recover_add(recover, &removal->intent);
        finish(removal, -EIO, reason);
        return;
    }
    status = record(removal);
    if (status != 0) {
        (void)recover_add(recover, &removal->intent);
        finish_error(removal, status);
        return;
    }
    finish(removal, 0, "");
}

/* Reads what is to be deleted and says that it is about to be. */
static int prepare(struct removal *removal) {
    struct meta_intent *intent = &removal->intent;
    struct meta_repository repository;
    struct ecr *ecr = removal->ecr;
    int result = meta_repository_get(ecr, &intent->tenant, name_of(removal), &repository);
    if (result != 0) {
        return result;
    }
    memcpy(intent->uid, repository.uid, sizeof intent->uid);
    meta_repository_finish(&repository);
    if (intent->kind == META_INTENT_UNTAG) {
        result = meta_tag_get(ecr, &intent->tenant, name_of(removal), virga_str_from(intent->tag),
                              intent->digest);
    } else if (intent->kind == META_INTENT_DELETE) {
        struct meta_image image;
        result = meta_image_find(ecr, &intent->tenant, name_of(removal),
                                 virga_str_from(intent->digest), &image);
        if (result == 0) {
            meta_image_finish(&image);
        }
    }
    if (result == 0 && removal->still != NULL && !removal->still(removal->arg)) {
        result = -ESTALE;
    }
    return result == 0 ? meta_intent_put(ecr, intent) : result;
}

static void discard(struct removal *removal);

static void on_ready(void *arg, int status, const char *reason) {
    struct removal *removal = arg;
    const struct meta_intent *intent = &removal->intent;
    struct backend *backend = removal->ecr->backend;
    if (intent->kind == META_INTENT_DELETE_REPO) {
        /* Without a registry too: there may be nothing to discard. */
        discard(removal);
        return;
    }
    if (status != 0) {
        finish(removal, -EIO, reason);
        return;
    }
    status = prepare(removal);
    if (status != 0) {
        finish_error(removal, status);
    } else if (intent->kind == META_INTENT_DELETE) {
        registry_delete(backend, REGISTRY_CHANGE_WAIT, &intent->tenant, name_of(removal),
                        intent->digest, on_changed, removal);
    } else {
        registry_untag(backend, REGISTRY_CHANGE_WAIT, &intent->tenant, name_of(removal),
                       intent->tag, intent->digest, on_changed, removal);
    }
}

static void on_discarded(void *arg, int status, const char *reason) {
    struct removal *removal = arg;
    struct backend *backend = removal->ecr->backend;
    if (status == 0) {
        pins_drop_repository(backend->pins, &removal->intent.tenant, name_of(removal));
        status = record(removal);
        reason = status != 0 ? strerror(-status) : "";
    }
    if (status != 0) {
        /* The caller is told so and may go on using it: nothing may finish this behind its back. */
        (void)meta_intent_delete(removal->ecr, removal->intent.id);
    }
    finish(removal, status == 0 ? 0 : -EIO, reason);
}

/* Whether pulls are answered meanwhile or not, nobody sees half of it: what the records say counts,
 * and they go with the registry's directories. */
static void discard(struct removal *removal) {
    struct registry_runner *runner = removal->ecr->backend->runner;
    int result = prepare(removal);
    if (result != 0) {
        finish_error(removal, result);
        return;
    }
    char upstream[BACKEND_NAME_MAX + 1];
    (void)backend_name(&removal->intent.tenant, name_of(removal), upstream);
    runner->ops->discard(runner, upstream, on_discarded, removal);
}

static void on_turn(struct lane_ticket *ticket) {
    struct removal *removal =
        (struct removal *)(void *)((char *)ticket - offsetof(struct removal, ticket));
    const struct registry_runner *runner = removal->ecr->backend->runner;
    if (removal->intent.kind == META_INTENT_DELETE_REPO && !runner->ops->storage_needs_registry) {
        discard(removal);
    } else {
        backend_ready(removal->ecr->backend, on_ready, removal);
    }
}

static void begin(struct ecr *ecr, enum meta_intent_kind kind, const struct tenant *tenant,
                  struct virga_str name, const char *tag, struct virga_str digest,
                  bool (*still)(void *arg), backend_on_done on_done, void *arg) {
    struct removal *removal = calloc(1, sizeof *removal);
    if (removal == NULL) {
        on_done(arg, -ENOMEM, "out of memory");
        return;
    }
    removal->ecr = ecr;
    removal->intent.kind = kind;
    removal->intent.tenant = *tenant;
    removal->still = still;
    removal->on_done = on_done;
    removal->arg = arg;
    (void)snprintf(removal->intent.name, sizeof removal->intent.name, "%.*s", (int)name.len,
                   name.ptr);
    (void)snprintf(removal->intent.tag, sizeof removal->intent.tag, "%s", tag);
    (void)snprintf(removal->intent.digest, sizeof removal->intent.digest, "%.*s", (int)digest.len,
                   digest.len > 0 ? digest.ptr : "");
    if (lane_enter(ecr->backend->lanes, tenant, name, &removal->ticket, on_turn) != 0) {
        free(removal);
        on_done(arg, -ENOMEM, "out of memory");
    }
}

void backend_delete_image(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str digest, backend_on_done on_done, void *arg) {
    begin(ecr, META_INTENT_DELETE, tenant, name, "", digest, NULL, on_done, arg);
}

void backend_delete_image_if(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                             struct virga_str digest, bool (*still)(void *arg),
                             backend_on_done on_done, void *arg) {
    begin(ecr, META_INTENT_DELETE, tenant, name, "", digest, still, on_done, arg);
}

void backend_delete_tag(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str tag, backend_on_done on_done, void *arg) {
    char copy[ECR_TAG_MAX + 1];
    (void)snprintf(copy, sizeof copy, "%.*s", (int)tag.len, tag.ptr);
    begin(ecr, META_INTENT_UNTAG, tenant, name, copy, (struct virga_str){NULL, 0}, NULL, on_done,
          arg);
}

void backend_delete_repository(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                               backend_on_done on_done, void *arg) {
    begin(ecr, META_INTENT_DELETE_REPO, tenant, name, "", (struct virga_str){NULL, 0}, NULL,
          on_done, arg);
}

/* --- reset --- */

struct emptying {
    struct backend *backend;
    backend_on_done on_done;
    void *arg;
};

static void on_reset_ready(void *arg, int status, const char *reason) {
    struct emptying emptying = *(struct emptying *)arg;
    struct registry_runner *runner = emptying.backend->runner;
    free(arg);
    if (status != 0) {
        emptying.on_done(emptying.arg, status, reason);
    } else {
        runner->ops->discard_all(runner, emptying.on_done, emptying.arg);
    }
}

void backend_reset(struct backend *backend, backend_on_done on_done, void *arg) {
    const struct registry_runner_ops *ops = backend->runner->ops;
    struct emptying *emptying = NULL;
    if (!ops->storage_needs_registry || !ops->may_have_storage(backend->runner)) {
        ops->discard_all(backend->runner, on_done, arg);
        return;
    }
    emptying = malloc(sizeof *emptying);
    if (emptying == NULL) {
        on_done(arg, -ENOMEM, "out of memory");
        return;
    }
    *emptying = (struct emptying){backend, on_done, arg};
    backend_ready(backend, on_reset_ready, emptying);
}
