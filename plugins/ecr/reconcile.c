/* SPDX-License-Identifier: MIT */
/* Learning what the registry has: catalog page by page, repository by repository,
 * RECONCILE_PARALLEL manifests at once. Only what the store lacks is added. */
#include "reconcile.h"
#include "backend_impl.h"
#include "manifest.h"
#include "reference.h"
#include "registry_change.h"
#include "strbuf.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <strings.h>

#define FACT "reconciled"
#define NAME_HASH_DIGITS 40 /* of names that backend_name() shortened; their real name is lost */

/* A manifest to be looked at: by tag, or by digest. */
struct job {
    struct job *next;
    struct reconcile *reconcile;
    bool tag;
    char reference[ECR_TAG_MAX + 1];
};

struct reconcile {
    struct backend *backend;
    void (*on_done)(void *arg, int status, const char *reason);
    void *arg;
    char **names; /* of this catalog page */
    size_t names_count;
    size_t names_next;
    char *last;     /* behind which the next page begins */
    bool more;      /* there is a next page */
    bool revisions; /* of the current repository, the untagged ones are being looked at */
    bool listing;   /* within the call that asks for them */
    char upstream[BACKEND_NAME_MAX + 1]; /* the current repository */
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    struct job *jobs;
    size_t running;
    int status;
    char reason[256];
    size_t repositories; /* counts for the log */
    size_t images;
    size_t outside;
    size_t unreadable;
};

static void go_on(struct reconcile *reconcile);

static struct ecr *ecr_of(const struct reconcile *reconcile) {
    return reconcile->backend->ecr;
}

static struct virga_str name_of(const struct reconcile *reconcile) {
    return virga_str_from(reconcile->name);
}

bool reconcile_is_done(struct ecr *ecr) {
    char path[REGISTRY_PATH_MAX];
    return meta_fact_get(ecr, FACT, path, sizeof path) == 0 && strcmp(path, ecr->data_path) == 0;
}

static void set_failure(struct reconcile *reconcile, int status, const char *reason) {
    if (reconcile->status == 0) {
        reconcile->status = status;
        (void)snprintf(reconcile->reason, sizeof reconcile->reason, "%s", reason);
    }
}

static void free_names(struct reconcile *reconcile) {
    for (size_t i = 0; i < reconcile->names_count; i++) {
        free(reconcile->names[i]);
    }
    free(reconcile->names);
    reconcile->names = NULL;
    reconcile->names_count = reconcile->names_next = 0;
}

static void free_jobs(struct reconcile *reconcile) {
    while (reconcile->jobs != NULL) {
        struct job *job = reconcile->jobs;
        reconcile->jobs = job->next;
        free(job);
    }
}

void reconcile_destroy(struct reconcile *reconcile) {
    if (reconcile != NULL) {
        free_names(reconcile);
        free_jobs(reconcile);
        free(reconcile->last);
        free(reconcile);
    }
}

static int fetch(struct reconcile *reconcile, const char *path,
                 void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    const struct virga_header accept = {virga_str_from("Accept"),
                                        virga_str_from(REGISTRY_ACCEPT_ALL)};
    return backend_fetch_now(reconcile->backend, "GET", path, &accept, 1,
                             (struct virga_str){NULL, 0}, on_done, arg);
}

/* Parses a JSON object and finds its list of strings called `key`. NULL when it is malformed. */
static json_object *parse_list(struct virga_str body, const char *key, json_object **ret_list) {
    json_object *root = NULL;
    *ret_list = NULL;
    json_tokener *tokener = json_tokener_new();
    if (tokener != NULL && body.len < INT32_MAX) {
        root = json_tokener_parse_ex(tokener, body.ptr, (int)body.len);
    }
    if (tokener != NULL) {
        json_tokener_free(tokener);
    }
    if (!json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        return NULL;
    }
    if (json_object_object_get_ex(root, key, ret_list) &&
        !json_object_is_type(*ret_list, json_type_array)) {
        *ret_list = NULL;
    }
    return root;
}

/* --- manifests --- */

static int add_job(struct reconcile *reconcile, bool tag, const char *reference) {
    struct job *job = malloc(sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    *job = (struct job){.next = reconcile->jobs, .reconcile = reconcile, .tag = tag};
    (void)snprintf(job->reference, sizeof job->reference, "%s", reference);
    reconcile->jobs = job;
    return 0;
}

static void on_own_deleted(void *arg, int status, const char *reason) {
    struct reconcile *reconcile = arg;
    (void)status;
    (void)reason;
    reconcile->running--;
    go_on(reconcile);
}

static bool is_recorded(struct reconcile *reconcile, const char *digest) {
    struct meta_image image;
    if (meta_image_get(ecr_of(reconcile), &reconcile->tenant, name_of(reconcile),
                       virga_str_from(digest), &image) != 0) {
        return false;
    }
    meta_image_finish(&image);
    return true;
}

/* Makes the repository that an image is in. One without images is not brought back: it may be what
 * an upload left that ended after its repository was deleted. */
static int ensure_repository(struct reconcile *reconcile) {
    struct ecr *ecr = ecr_of(reconcile);
    if (meta_repository_exists(ecr, &reconcile->tenant, name_of(reconcile))) {
        return 0;
    }
    struct meta_repository repository = {.mutability = META_MUTABLE};
    memcpy(repository.name, reconcile->name, sizeof repository.name);
    repository.encryption_type = strdup("AES256");
    int result = repository.encryption_type != NULL
                     ? meta_repository_create(ecr, &reconcile->tenant, &repository)
                     : -ENOMEM;
    meta_repository_finish(&repository);
    reconcile->repositories += result == 0;
    return result;
}

/* Records the image, and its tag unless the store has the tag already. */
static void record(struct reconcile *reconcile, const struct job *job,
                   const struct manifest *manifest) {
    struct ecr *ecr = ecr_of(reconcile);
    char digest[ECR_DIGEST_LEN + 1];
    struct virga_str tag = {NULL, 0};
    if (job->tag && meta_tag_get(ecr, &reconcile->tenant, name_of(reconcile),
                                 virga_str_from(job->reference), digest) == -ENOENT) {
        tag = virga_str_from(job->reference);
    }
    if (tag.ptr == NULL && is_recorded(reconcile, manifest->image.digest)) {
        return;
    }
    int result = ensure_repository(reconcile);
    if (result == 0) {
        result =
            meta_image_put(ecr, &reconcile->tenant, name_of(reconcile), "", &manifest->image, tag);
    }
    if (result == 0) {
        reconcile->images++;
    } else if (result != -ENOENT) {
        set_failure(reconcile, result, "the store failed");
    }
}

static void on_manifest(void *arg, const struct virga_fetch_response *res) {
    struct job *job = arg;
    struct reconcile *reconcile = job->reconcile;
    struct manifest manifest = {0};
    bool deleting = false;
    if (res->status == 0) {
        set_failure(reconcile, res->error, res->error_text);
    } else if (res->status >= 500) {
        set_failure(reconcile, -EIO, "the registry cannot read its manifests");
    } else if (res->status == 200) {
        struct virga_str type = {"", 0};
        for (size_t i = 0; i < res->headers_count; i++) {
            if (res->headers[i].name.len == 12 &&
                strncasecmp(res->headers[i].name.ptr, "Content-Type", 12) == 0) {
                type = res->headers[i].value;
            }
        }
        if (manifest_parse(res->body, type, &manifest, NULL) != 0) {
            reconcile->unreadable++;
        } else if (manifest.own) {
            deleting = true; /* what a crash left of an untagging or of gc's pins */
            registry_delete(reconcile->backend, REGISTRY_CHANGE_NOW, &reconcile->tenant,
                            name_of(reconcile), manifest.image.digest, on_own_deleted, reconcile);
        } else {
            record(reconcile, job, &manifest);
        }
        manifest_finish(&manifest);
    }
    free(job);
    if (!deleting) {
        reconcile->running--;
        go_on(reconcile);
    }
}

static void start_jobs(struct reconcile *reconcile) {
    while (reconcile->status == 0 && reconcile->jobs != NULL &&
           reconcile->running < RECONCILE_PARALLEL) {
        struct job *job = reconcile->jobs;
        reconcile->jobs = job->next;
        char path[BACKEND_PATH_MAX];
        backend_path(&reconcile->tenant, name_of(reconcile), "manifests", job->reference, path);
        int result = fetch(reconcile, path, on_manifest, job);
        if (result != 0) {
            free(job);
            set_failure(reconcile, result, strerror(-result));
            return;
        }
        reconcile->running++;
    }
}

static void on_revision(void *arg, const char *digest) {
    struct reconcile *reconcile = arg;
    if (reconcile->status == 0 && !is_recorded(reconcile, digest) &&
        add_job(reconcile, false, digest) != 0) {
        set_failure(reconcile, -ENOMEM, "out of memory");
    }
}

static void on_revisions(void *arg, int status, const char *reason) {
    struct reconcile *reconcile = arg;
    reconcile->running--;
    if (status != 0) {
        set_failure(reconcile, status, reason);
    }
    if (!reconcile->listing) {
        go_on(reconcile);
    }
}

/* The revisions that no tag led to, from the registry's storage: its API does not list them. */
static void add_revisions(struct reconcile *reconcile) {
    struct registry_runner *runner = reconcile->backend->runner;
    reconcile->running++;
    reconcile->listing = true; /* an answer inside the call is followed by who called */
    runner->ops->revisions(runner, reconcile->upstream, on_revision, on_revisions, reconcile);
    reconcile->listing = false;
}

/* --- repositories --- */

static void on_tags(void *arg, const struct virga_fetch_response *res) {
    struct reconcile *reconcile = arg;
    reconcile->running--;
    if (res->status == 0) {
        set_failure(reconcile, res->error, res->error_text);
    } else if (res->status == 200) {
        json_object *tags;
        json_object *root = parse_list(res->body, "tags", &tags);
        size_t count = tags != NULL ? json_object_array_length(tags) : 0;
        for (size_t i = 0; i < count; i++) {
            const char *tag = json_object_get_string(json_object_array_get_idx(tags, i));
            if (tag != NULL && reference_is_tag(virga_str_from(tag)) &&
                add_job(reconcile, true, tag) != 0) {
                set_failure(reconcile, -ENOMEM, "out of memory");
            }
        }
        json_object_put(root);
    } else if (res->status != 404) {
        set_failure(reconcile, -EIO, "the registry cannot list its tags");
    }
    go_on(reconcile);
}

/* Splits "<account>/<region>/<name>"; false when it is not of that form. */
static bool split_name(struct reconcile *reconcile, const char *upstream) {
    struct virga_str account = {upstream, strcspn(upstream, "/")};
    const char *rest = upstream + account.len + (upstream[account.len] != '\0' ? 1 : 0);
    struct virga_str region = {rest, strcspn(rest, "/")};
    rest += region.len + (rest[region.len] != '\0' ? 1 : 0);
    struct virga_str name = virga_str_from(rest);
    if (!reference_is_account(account) || !reference_is_region(region) ||
        !reference_is_name(name)) {
        return false;
    }
    size_t len = strlen(upstream);
    if (len > BACKEND_NAME_MAX - 4 && name.len > NAME_HASH_DIGITS + 1 &&
        name.ptr[name.len - NAME_HASH_DIGITS - 1] == '-' &&
        strspn(name.ptr + name.len - NAME_HASH_DIGITS, "0123456789abcdef") == NAME_HASH_DIGITS) {
        return false;
    }
    (void)snprintf(reconcile->tenant.account, sizeof reconcile->tenant.account, "%.*s",
                   (int)account.len, account.ptr);
    (void)snprintf(reconcile->tenant.region, sizeof reconcile->tenant.region, "%.*s",
                   (int)region.len, region.ptr);
    (void)snprintf(reconcile->name, sizeof reconcile->name, "%s", name.ptr);
    (void)snprintf(reconcile->upstream, sizeof reconcile->upstream, "%s", upstream);
    return true;
}

static void begin_repository(struct reconcile *reconcile) {
    char path[BACKEND_PATH_MAX];
    backend_path(&reconcile->tenant, name_of(reconcile), "tags", "list", path);
    int result = fetch(reconcile, path, on_tags, reconcile);
    if (result != 0) {
        set_failure(reconcile, result, strerror(-result));
        return;
    }
    reconcile->running++;
    reconcile->revisions = false;
}

static void on_catalog(void *arg, const struct virga_fetch_response *res) {
    struct reconcile *reconcile = arg;
    reconcile->running--;
    reconcile->more = false;
    if (res->status == 0) {
        set_failure(reconcile, res->error, res->error_text);
    } else if (res->status == 200) {
        json_object *list;
        json_object *root = parse_list(res->body, "repositories", &list);
        size_t count = list != NULL ? json_object_array_length(list) : 0;
        reconcile->names = calloc(count > 0 ? count : 1, sizeof *reconcile->names);
        for (size_t i = 0; reconcile->names != NULL && i < count; i++) {
            const char *name = json_object_get_string(json_object_array_get_idx(list, i));
            char *copy = strdup(name != NULL ? name : "");
            if (copy == NULL) {
                break;
            }
            reconcile->names[reconcile->names_count++] = copy;
        }
        json_object_put(root);
        if (reconcile->names_count < count) {
            set_failure(reconcile, -ENOMEM, "out of memory");
        } else if (count > 0) {
            reconcile->more = true;
            free(reconcile->last);
            reconcile->last = strdup(reconcile->names[count - 1]);
            if (reconcile->last == NULL) {
                set_failure(reconcile, -ENOMEM, "out of memory");
            }
        }
    } else if (res->status != 404) {
        set_failure(reconcile, -EIO, "the registry cannot list its repositories");
    }
    go_on(reconcile);
}

static void fetch_catalog(struct reconcile *reconcile) {
    struct strbuf path = {0};
    strbuf_addf(&path, "/v2/_catalog?n=%d", RECONCILE_PAGE);
    if (reconcile->last != NULL) {
        strbuf_add_text(&path, "&last=");
        strbuf_add_encoded(&path, virga_str_from(reconcile->last), "");
    }
    int result = path.failed ? -ENOMEM : fetch(reconcile, path.ptr, on_catalog, reconcile);
    strbuf_finish(&path);
    if (result != 0) {
        set_failure(reconcile, result, strerror(-result));
    } else {
        reconcile->running++;
    }
}

/* --- the walk --- */

static void finish(struct reconcile *reconcile) {
    struct ecr *ecr = ecr_of(reconcile);
    if (reconcile->status == 0) {
        int result = meta_fact_put(ecr, FACT, ecr->data_path);
        if (result != 0) {
            set_failure(reconcile, result, "the store failed");
        }
    }
    if (reconcile->repositories > 0 || reconcile->images > 0) {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL,
                "the registry had %zu repositories and %zu images that the store did not know",
                reconcile->repositories, reconcile->images);
    }
    if (reconcile->outside > 0 || reconcile->unreadable > 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL,
                "left alone in the registry: %zu repositories that are not named "
                "<account>/<region>/<name>, %zu manifests of unknown kinds",
                reconcile->outside, reconcile->unreadable);
    }
    reconcile->on_done(reconcile->arg, reconcile->status, reconcile->reason);
}

static void go_on(struct reconcile *reconcile) {
    start_jobs(reconcile);
    while (reconcile->running == 0) {
        if (reconcile->status != 0) {
            finish(reconcile);
            return;
        }
        if (reconcile->name[0] != '\0' && !reconcile->revisions) {
            reconcile->revisions = true;
            add_revisions(reconcile);
            start_jobs(reconcile);
        } else if (reconcile->names_next < reconcile->names_count) {
            reconcile->name[0] = '\0';
            if (split_name(reconcile, reconcile->names[reconcile->names_next++])) {
                begin_repository(reconcile);
            } else {
                reconcile->outside++;
            }
        } else if (reconcile->more) {
            free_names(reconcile);
            reconcile->name[0] = '\0';
            fetch_catalog(reconcile);
        } else {
            finish(reconcile);
            return;
        }
    }
}

static void on_begin(void *arg) {
    go_on(arg);
}

int reconcile_start(struct backend *backend,
                    void (*on_done)(void *arg, int status, const char *reason), void *arg,
                    struct reconcile **ret_reconcile) {
    struct reconcile *reconcile = calloc(1, sizeof *reconcile);
    if (reconcile == NULL) {
        return -ENOMEM;
    }
    reconcile->backend = backend;
    reconcile->on_done = on_done;
    reconcile->arg = arg;
    reconcile->more = backend->runner->ops->may_have_storage(backend->runner);
    int result = backend_later(backend, on_begin, reconcile);
    if (result != 0) {
        free(reconcile);
        return result;
    }
    *ret_reconcile = reconcile;
    return 0;
}
