/* SPDX-License-Identifier: MIT */
/* What virga itself knows of repositories and images: the records in the store.
 * Owns the key layout and the encoding; the image bytes are the registry's. Everything is [loop]
 * and synchronous. Functions return 0 or a negative errno: -ENOENT not there, -EINVAL a name that
 * no key can hold, -ENOMEM, -ENOSPC, -EIO the store failed. An on_each function may read but not
 * write. */
#ifndef ECR_META_H
#define ECR_META_H

#include "ecr.h"

enum meta_mutability {
    META_MUTABLE,
    META_IMMUTABLE,
    META_MUTABLE_WITH_EXCLUSION,
    META_IMMUTABLE_WITH_EXCLUSION
};

#define META_EXCLUSIONS_MAX 5
#define META_TAGS_MAX 50 /* resource tags of a repository */

struct meta_resource_tag {
    char *key;
    char *value;
};

/* A repository. Owns: its strings; free with meta_repository_finish(). */
struct meta_repository {
    char name[ECR_NAME_MAX + 1];
    char uid[33]; /* random hex of this creation: a repository made anew under the name has another
                   */
    int64_t created_ms;
    enum meta_mutability mutability;
    char *exclusions[META_EXCLUSIONS_MAX]; /* WILDCARD filters */
    size_t exclusions_count;
    bool scan_on_push;
    char *encryption_type; /* "AES256", "KMS", "KMS_DSSE" */
    char *kms_key;         /* NULL */
    struct meta_resource_tag *tags;
    size_t tags_count;
};

/* Where an image's bytes are to be thought of. Only an active one can be pulled. */
enum meta_status { META_ACTIVE, META_ARCHIVED, META_ACTIVATING };

/* An image: one accepted manifest. Owns: its strings; free with meta_image_finish(). */
struct meta_image {
    char digest[ECR_DIGEST_LEN + 1];
    char *media_type;          /* of the manifest */
    char *artifact_media_type; /* artifactType, else the config's media type; NULL for an index */
    uint64_t
        size_bytes; /* config and layers (an index: of the manifest); what DescribeImages shows */
    uint64_t manifest_bytes; /* length of the manifest itself */
    int64_t pushed_ms;
    int64_t pulled_ms; /* last pull; 0 = never */
    char *subject;     /* digest it refers to, or NULL */
    char **children;   /* digests that an index lists */
    size_t children_count;
    char **tags; /* sorted */
    size_t tags_count;
    char *annotations; /* the manifest's, a JSON object of strings, or NULL: written by
                          meta_image_put() for who asks its subject, and not read back */
    enum meta_status status;
    int64_t archived_ms;  /* last time it went into the archive; 0 = never */
    int64_t activated_ms; /* last time it came out; while it is activating: when it will have */
};

void meta_repository_finish(struct meta_repository *repository);
void meta_image_finish(struct meta_image *image);

/* --- repositories --- */
int meta_repository_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct meta_repository *ret_repository);
bool meta_repository_exists(struct ecr *ecr, const struct tenant *tenant, struct virga_str name);
/* Writes a new record and its uid; created_ms 0 = now. Errors: -EEXIST. */
int meta_repository_create(struct ecr *ecr, const struct tenant *tenant,
                           struct meta_repository *repository);
int meta_repository_update(struct ecr *ecr, const struct tenant *tenant,
                           const struct meta_repository *repository);
/* Removes the record, its images, tags and policies in one transaction. */
int meta_repository_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name);
/* Walks the tenant's repositories in name order from behind `after` (ptr NULL: from the start);
 * on_each returns 0 to go on, anything else stops and is returned. The record is finished after
 * on_each. */
int meta_repository_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str after,
                         int (*on_each)(void *arg, struct meta_repository *repository), void *arg);
/* 1 if the repository has an image, 0 if not. */
int meta_repository_has_images(struct ecr *ecr, const struct tenant *tenant, struct virga_str name);

/* --- images --- */
int meta_image_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   struct virga_str digest, struct meta_image *ret_image);
/* The same without the tags, of which an image may have many: its tags and tags_count stay 0. */
int meta_image_find(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, struct meta_image *ret_image);
/* The digest that a tag points to. */
int meta_tag_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                 struct virga_str tag, char ret_digest[ECR_DIGEST_LEN + 1]);
/* Records an accepted manifest in one transaction: makes the image, or keeps pushed_ms of the one
 * that is there; moves `tag` (ptr NULL: none) to it, taking it from the image that had it. `image`
 * says digest, media types, sizes, subject and children; its tags, times and status are ignored: an
 * archived image that comes again is active. Nothing is written if the repository is gone or its
 * uid is not `uid` ("" = any): -ENOENT. */
int meta_image_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   const char *uid, const struct meta_image *image, struct virga_str tag);
/* Removes one tag; the image stays, untagged when it was the last one. */
int meta_tag_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str tag);
/* Removes the image and all of its tags. */
int meta_image_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      struct virga_str digest);
/* Notes a pull, at most once in META_PULL_GRAIN_MS for one image. */
int meta_image_pulled(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      struct virga_str digest, int64_t now_ms);
#define META_PULL_GRAIN_MS 1000
/* Walks the images in digest order from behind `after`; as meta_repository_each(). */
int meta_image_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str after, int (*on_each)(void *arg, struct meta_image *image),
                    void *arg);
/* Walks the tags in byte order from behind `after`. */
int meta_tag_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  struct virga_str after,
                  int (*on_each)(void *arg, struct virga_str tag, struct virga_str digest),
                  void *arg);
/* Walks what ListImages shows, in digest order: each (digest, tag), and each untagged image once
 * with an empty tag. `which` is META_TAGGED, META_UNTAGGED or both, with the statuses that are
 * wanted (none: all). Begins behind (after_digest, after_tag), which need not exist;
 * META_AFTER_TAGS as after_tag: behind everything of that digest. The cost does not depend on what
 * `which` leaves out. */
#define META_TAGGED 0x1u
#define META_UNTAGGED 0x2u
#define META_WITH_ACTIVE 0x4u
#define META_WITH_ARCHIVED 0x8u
#define META_WITH_ACTIVATING 0x10u
#define META_AFTER_TAGS "\xff" /* above every byte of a tag */
int meta_entry_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    unsigned which, struct virga_str after_digest, struct virga_str after_tag,
                    int (*on_each)(void *arg, struct virga_str digest, struct virga_str tag),
                    void *arg);
/* Walks the digests of the indexes in this repository that list `digest` as a child. */
int meta_parent_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     struct virga_str digest, int (*on_each)(void *arg, struct virga_str parent),
                     void *arg);

/* --- referrers (meta_referrer.c): the images that name another one as their subject --- */

/* What a descriptor of a referrer says. Valid: for the call that gives it. */
struct meta_referrer {
    char digest[ECR_DIGEST_LEN + 1];
    const char *media_type;
    const char *artifact_type; /* NULL: an index that says none */
    uint64_t manifest_bytes;
    const char *annotations; /* a JSON object, or NULL */
};

/* Walks the referrers of `subject`, which need not be there, in digest order from behind `after`;
 * as meta_repository_each(). */
int meta_referrer_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str subject, struct virga_str after,
                       int (*on_each)(void *arg, const struct meta_referrer *referrer), void *arg);
/* Notes an image as a referrer of its subject, or takes that back; nothing happens for one without
 * subject. For meta_image.c, inside its transaction. */
int meta_referrer_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct meta_image *image);
int meta_referrer_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         const struct meta_image *image);
/* Notes the referrers among the next `limit` images of all repositories, for a store from before
 * they were noted, whose annotations stay unknown. `position` is where to go on, empty at first.
 * Returns 1 when there may be more, 0 at the end, or a negative errno. */
#define META_POSITION_MAX 1024
struct meta_position {
    char bytes[META_POSITION_MAX];
    size_t len;
};
int meta_referrer_index(struct ecr *ecr, size_t limit, struct meta_position *position);

/* --- texts kept per repository: "policy", "lifecycle" --- */
/* --- storage classes (meta_status.c) --- */

/* Moves an active image into the archive. Errors: -ENOENT, -EALREADY it is not active. */
int meta_image_archive(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, int64_t now_ms);
/* Takes an archived image out: it is active at `active_ms`, which is at once unless it is behind
 * `now_ms`. Errors: -ENOENT, -EALREADY it is not archived. */
int meta_image_restore(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, int64_t now_ms, int64_t active_ms);
/* Makes images active whose time has come, at most `limit`. Sets when to call again: 0 = nothing is
 * activating. */
int meta_activate_due(struct ecr *ecr, int64_t now_ms, size_t limit, int64_t *ret_next_ms);

/* --- texts kept per repository: "policy", "lifecycle", "lifecycle-evaluated",
 * "lifecycle-preview" --- */
int meta_text_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  const char *kind, struct virga_store_value *ret_text);
int meta_text_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  const char *kind, struct virga_str text);
int meta_text_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     const char *kind);

/* --- texts kept per image (scan findings, replication status, ...); they go with the image --- */
int meta_image_text_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str digest, const char *kind,
                        struct virga_store_value *ret_text);
int meta_image_text_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str digest, const char *kind, struct virga_str text);
int meta_image_text_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                           struct virga_str digest, const char *kind);

/* --- settings of a whole registry (an account's in a region): texts, mostly JSON, by kind and id
 * ("template", "prod/"). `id` is "" where a kind has one text only ("replication") --- */
int meta_setting_get(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                     struct virga_str id, struct virga_store_value *ret_text);
int meta_setting_put(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                     struct virga_str id, struct virga_str text);
int meta_setting_delete(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                        struct virga_str id);
/* Walks a kind's texts in byte order of their ids from behind `after` (ptr NULL: from the start);
 * as meta_repository_each(). */
int meta_setting_each(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                      struct virga_str after,
                      int (*on_each)(void *arg, struct virga_str id, struct virga_str text),
                      void *arg);

/* Walks the registries that have a text of a kind, in no order that matters. */
int meta_setting_tenants(struct ecr *ecr, const char *kind,
                         int (*on_each)(void *arg, const struct tenant *tenant), void *arg);

/* --- intents: what is about to be done at the registry, written before and removed with the record
 * of the outcome; what a crash left is finished by reconcile --- */
enum meta_intent_kind {
    META_INTENT_PUSH,   /* a manifest PUT is under way: reference = tag or digest, digest known */
    META_INTENT_DELETE, /* an image is being deleted by digest */
    META_INTENT_UNTAG,  /* a tag is being removed */
    META_INTENT_DELETE_REPO, /* the whole repository */
};
struct meta_intent {
    uint64_t id; /* key in the store; increasing */
    enum meta_intent_kind kind;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char uid[33];
    char tag[ECR_TAG_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1];
    int origin; /* of a PUSH: enum image_origin */
};
/* Writes it and sets intent->id. */
int meta_intent_put(struct ecr *ecr, struct meta_intent *intent);
/* Joins a transaction that is open, so that outcome and removal are one. */
int meta_intent_delete(struct ecr *ecr, uint64_t id);
int meta_intent_each(struct ecr *ecr, int (*on_each)(void *arg, const struct meta_intent *intent),
                     void *arg);

/* --- small facts of the plugin: "gateway-port", "reconciled" --- */
int meta_fact_get(struct ecr *ecr, const char *fact, char *buffer, size_t size);
int meta_fact_put(struct ecr *ecr, const char *fact, const char *value);

/* Begins a transaction unless one is open already; *ret_own tells meta_end() who is to commit. All
 * writing functions above use it, so that a caller can join several into one. */
int meta_begin(struct ecr *ecr, bool *ret_own);
/* Commits an own transaction when result is 0, rolls it back otherwise; returns the outcome. */
int meta_end(struct ecr *ecr, bool own, int result);

#endif
