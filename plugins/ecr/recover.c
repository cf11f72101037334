/* SPDX-License-Identifier: MIT */
/* Finishing what was cut in two. Each kind may be finished twice. */
#include "recover.h"
#include "backend_impl.h"
#include "image_events.h"
#include "manifest.h"
#include "reconcile.h"
#include "registry_change.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

struct left {
    struct left *next;
    struct meta_intent intent;
};

struct recover {
    struct backend *backend;
    struct left *first; /* to be finished, in order */
    struct left *last;
    bool reconciled;
    struct reconcile *reconcile;
    void (*on_done)(void *arg, int status, const char *reason);
    void *arg;
    /* of the PUSH intent being finished */
    struct manifest manifest;
};

static int append(struct recover *recover, const struct meta_intent *intent) {
    struct left *left = malloc(sizeof *left);
    if (left == NULL) {
        return -ENOMEM;
    }
    *left = (struct left){NULL, *intent};
    if (recover->last != NULL) {
        recover->last->next = left;
    } else {
        recover->first = left;
    }
    recover->last = left;
    return 0;
}

static int on_intent(void *arg, const struct meta_intent *intent) {
    return append(arg, intent);
}

int recover_create(struct backend *backend, struct recover **ret_recover) {
    struct recover *recover = calloc(1, sizeof *recover);
    if (recover == NULL) {
        return -ENOMEM;
    }
    recover->backend = backend;
    recover->reconciled =
        reconcile_is_done(backend->ecr) || !backend->runner->ops->may_have_storage(backend->runner);
    int result = meta_intent_each(backend->ecr, on_intent, recover);
    if (result != 0) {
        recover_destroy(recover);
        return result;
    }
    *ret_recover = recover;
    return 0;
}

void recover_destroy(struct recover *recover) {
    if (recover == NULL) {
        return;
    }
    reconcile_destroy(recover->reconcile);
    manifest_finish(&recover->manifest);
    while (recover->first != NULL) {
        struct left *left = recover->first;
        recover->first = left->next;
        free(left);
    }
    free(recover);
}

int recover_add(struct recover *recover, const struct meta_intent *intent) {
    int result = append(recover, intent);
    backend_suspect(recover->backend);
    return result;
}

bool recover_is_reconciled(const struct recover *recover) {
    return recover->reconciled;
}

bool recover_is_settled(const struct recover *recover) {
    return recover->reconciled && recover->first == NULL;
}

/* --- one intent --- */

static void next(struct recover *recover);

static struct ecr *ecr_of(const struct recover *recover) {
    return recover->backend->ecr;
}

static void finish(struct recover *recover, int status, const char *reason) {
    void (*on_done)(void *, int, const char *) = recover->on_done;
    recover->on_done = NULL;
    on_done(recover->arg, status, reason);
}

/* Ends the first intent: takes it out of the store and goes on, or gives up for now. */
static void done(struct recover *recover, int status, const char *reason) {
    struct left *left = recover->first;
    manifest_finish(&recover->manifest);
    if (status == 0) {
        status = meta_intent_delete(ecr_of(recover), left->intent.id);
        reason = "the store failed";
    }
    if (status != 0 && status != -ENOENT) {
        finish(recover, status, reason);
        return;
    }
    recover->first = left->next;
    if (recover->first == NULL) {
        recover->last = NULL;
    }
    free(left);
    next(recover);
}

/* Whether the repository that the intent meant is still the one of that name. */
static int same_repository(struct recover *recover, const struct meta_intent *intent) {
    struct meta_repository repository;
    int result = meta_repository_get(ecr_of(recover), &intent->tenant, virga_str_from(intent->name),
                                     &repository);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    result = strcmp(repository.uid, intent->uid) == 0;
    meta_repository_finish(&repository);
    return result;
}

static bool is_recorded(struct recover *recover, const struct meta_intent *intent) {
    struct meta_image image;
    if (meta_image_get(ecr_of(recover), &intent->tenant, virga_str_from(intent->name),
                       virga_str_from(intent->digest), &image) != 0) {
        return false;
    }
    meta_image_finish(&image);
    return true;
}

static void on_changed(void *arg, int status, const char *reason) {
    struct recover *recover = arg;
    const struct meta_intent *intent = &recover->first->intent;
    struct virga_str name = virga_str_from(intent->name);
    if (status == -EIO) {
        /* Refused: it stays as it is, on both sides. */
        done(recover, 0, "");
        return;
    }
    if (status == 0 && intent->kind == META_INTENT_DELETE) {
        status = meta_image_delete(ecr_of(recover), &intent->tenant, name,
                                   virga_str_from(intent->digest));
        reason = "the store failed";
    } else if (status == 0 && intent->kind == META_INTENT_UNTAG) {
        status =
            meta_tag_delete(ecr_of(recover), &intent->tenant, name, virga_str_from(intent->tag));
        reason = "the store failed";
    }
    done(recover, status == -ENOENT ? 0 : status, reason);
}

static void delete_at_registry(struct recover *recover, const struct meta_intent *intent) {
    registry_delete(recover->backend, REGISTRY_CHANGE_NOW, &intent->tenant,
                    virga_str_from(intent->name), intent->digest, on_changed, recover);
}

/* The manifest is at the registry: recorded if its tag got there too, else taken back. */
static void settle_push(struct recover *recover, bool tagged) {
    const struct meta_intent *intent = &recover->first->intent;
    struct virga_str tag = {intent->tag[0] != '\0' ? intent->tag : NULL, strlen(intent->tag)};
    if (tagged) {
        int result = meta_image_put(ecr_of(recover), &intent->tenant, virga_str_from(intent->name),
                                    intent->uid, &recover->manifest.image, tag);
        if (result == 0) {
            image_came(ecr_of(recover), &intent->tenant, virga_str_from(intent->name),
                       &recover->manifest.image, tag, (enum image_origin)intent->origin);
        }
        done(recover, result == -ENOENT ? 0 : result, "the store failed");
    } else if (is_recorded(recover, intent)) {
        done(recover, 0, "");
    } else {
        delete_at_registry(recover, intent);
    }
}

static struct virga_str find_header(const struct virga_fetch_response *res, const char *name) {
    for (size_t i = 0; i < res->headers_count; i++) {
        if (res->headers[i].name.len == strlen(name) &&
            strncasecmp(res->headers[i].name.ptr, name, strlen(name)) == 0) {
            return res->headers[i].value;
        }
    }
    return (struct virga_str){"", 0};
}

static int get(struct recover *recover, const char *method, const char *reference,
               void (*on_done)(void *arg, const struct virga_fetch_response *res)) {
    const struct meta_intent *intent = &recover->first->intent;
    char path[BACKEND_PATH_MAX];
    backend_path(&intent->tenant, virga_str_from(intent->name), "manifests", reference, path);
    const struct virga_header accept = {virga_str_from("Accept"),
                                        virga_str_from(REGISTRY_ACCEPT_ALL)};
    return backend_fetch_now(recover->backend, method, path, &accept, 1,
                             (struct virga_str){NULL, 0}, on_done, recover);
}

static void on_tag(void *arg, const struct virga_fetch_response *res) {
    struct recover *recover = arg;
    if (res->status == 0) {
        done(recover, res->error, res->error_text);
        return;
    }
    struct virga_str digest = find_header(res, "Docker-Content-Digest");
    settle_push(recover,
                res->status == 200 &&
                    virga_str_equal(digest, virga_str_from(recover->first->intent.digest)));
}

static void on_manifest(void *arg, const struct virga_fetch_response *res) {
    struct recover *recover = arg;
    const struct meta_intent *intent = &recover->first->intent;
    if (res->status == 0) {
        done(recover, res->error, res->error_text);
        return;
    }
    int same = same_repository(recover, intent);
    if (same < 0) {
        done(recover, same, "the store failed");
    } else if (res->status != 200) {
        done(recover, 0, ""); /* it never arrived */
    } else if (same == 0 ||
               manifest_parse(res->body, find_header(res, "Content-Type"), &recover->manifest,
                              NULL) != 0 ||
               strcmp(recover->manifest.image.digest, intent->digest) != 0) {
        settle_push(recover, false);
    } else if (intent->tag[0] == '\0') {
        settle_push(recover, true);
    } else {
        int result = get(recover, "HEAD", intent->tag, on_tag);
        if (result != 0) {
            done(recover, result, strerror(-result));
        }
    }
}

static void finish_untag(struct recover *recover, const struct meta_intent *intent) {
    char digest[ECR_DIGEST_LEN + 1];
    int result = meta_tag_get(ecr_of(recover), &intent->tenant, virga_str_from(intent->name),
                              virga_str_from(intent->tag), digest);
    if (result == 0 && strcmp(digest, intent->digest) == 0) {
        registry_untag(recover->backend, REGISTRY_CHANGE_NOW, &intent->tenant,
                       virga_str_from(intent->name), intent->tag, intent->digest, on_changed,
                       recover);
    } else {
        done(recover, result == -ENOENT ? 0 : result, "the store failed");
    }
}

static void on_discarded(void *arg, int status, const char *reason) {
    struct recover *recover = arg;
    const struct meta_intent *intent = &recover->first->intent;
    if (status != 0) {
        ECR_LOG(ecr_of(recover), VIRGA_LOG_ERROR, NULL,
                "what is left of repository '%s' cannot be removed: %s", intent->name, reason);
    }
    int result =
        meta_repository_delete(ecr_of(recover), &intent->tenant, virga_str_from(intent->name));
    done(recover, result == -ENOENT ? 0 : result, "the store failed");
}

static void finish_repository(struct recover *recover, const struct meta_intent *intent) {
    struct registry_runner *runner = recover->backend->runner;
    char upstream[BACKEND_NAME_MAX + 1];
    (void)backend_name(&intent->tenant, virga_str_from(intent->name), upstream);
    runner->ops->discard(runner, upstream, on_discarded, recover);
}

static void finish_intent(struct recover *recover) {
    const struct meta_intent *intent = &recover->first->intent;
    int same = same_repository(recover, intent);
    if (same < 0) {
        done(recover, same, "the store failed");
        return;
    }
    switch (intent->kind) {
    case META_INTENT_PUSH: {
        int result = get(recover, "GET", intent->digest, on_manifest);
        if (result != 0) {
            done(recover, result, strerror(-result));
        }
        return;
    }
    case META_INTENT_DELETE:
        if (same == 1 || !is_recorded(recover, intent)) {
            delete_at_registry(recover, intent);
            return;
        }
        break;
    case META_INTENT_UNTAG:
        if (same == 1) {
            finish_untag(recover, intent);
            return;
        }
        break;
    case META_INTENT_DELETE_REPO:
        if (same == 1) {
            finish_repository(recover, intent);
            return;
        }
        break;
    }
    done(recover, 0, "");
}

static void on_reconciled(void *arg, int status, const char *reason) {
    struct recover *recover = arg;
    reconcile_destroy(recover->reconcile);
    recover->reconcile = NULL;
    if (status != 0) {
        finish(recover, status, reason);
        return;
    }
    recover->reconciled = true;
    next(recover);
}

/* Goes on with the next intent; then with reconcile, once. */
static void next(struct recover *recover) {
    if (recover->on_done == NULL) {
        return;
    }
    if (recover->first != NULL) {
        finish_intent(recover);
        return;
    }
    if (reconcile_is_done(ecr_of(recover))) {
        finish(recover, 0, "");
        return;
    }
    int result = reconcile_start(recover->backend, on_reconciled, recover, &recover->reconcile);
    if (result != 0) {
        finish(recover, result, strerror(-result));
    }
}

static void on_begin(void *arg) {
    next(arg);
}

void recover_run(struct recover *recover,
                 void (*on_done)(void *arg, int status, const char *reason), void *arg) {
    recover->on_done = on_done;
    recover->arg = arg;
    if (backend_later(recover->backend, on_begin, recover) != 0) {
        next(recover);
    }
}
