/* SPDX-License-Identifier: MIT */
/* The records of lifecycle runs and previews. Everything is [loop]; errors as in meta.h. */
#ifndef ECR_META_PREVIEW_H
#define ECR_META_PREVIEW_H

#include "meta.h"
#include "record.h"

/* --- runs --- */

/* Where a walk over the repositories that have a lifecycle policy stands. Zeroed: at the start. */
struct meta_policy_walk {
    struct record_key key; /* len 0: at the start */
};
/* Finds the next repository with a policy, looking at `steps` rows at most. Returns 1 found, 0 the
 * end, -EAGAIN call again. */
int meta_policy_next(struct ecr *ecr, struct meta_policy_walk *walk, size_t steps,
                     struct tenant *ret_tenant, char ret_name[ECR_NAME_MAX + 1]);

/* When the policy was last evaluated; 0 = never. */
int64_t meta_policy_evaluated(struct ecr *ecr, const struct tenant *tenant, struct virga_str name);
/* Notes it; 0 forgets it. */
int meta_policy_set_evaluated(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                              int64_t time_ms);

/* --- previews: a head for each repository, and a row for each image that something would happen
 * to --- */

enum meta_preview_state { META_PREVIEW_RUNNING, META_PREVIEW_COMPLETE, META_PREVIEW_FAILED };

/* Owns: text; free with meta_preview_finish(). */
struct meta_preview {
    enum meta_preview_state state;
    char *text;  /* the policy */
    char id[33]; /* random hex of this preview */
    int64_t ended_ms;
    uint64_t expiring; /* images */
    uint64_t archiving;
};
void meta_preview_finish(struct meta_preview *preview);
int meta_preview_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     struct meta_preview *ret_preview);
int meta_preview_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     const struct meta_preview *preview);

/* Owns: tags; free with meta_preview_row_finish(). */
struct meta_preview_row {
    char digest[ECR_DIGEST_LEN + 1];
    bool archives;    /* else it expires */
    bool is_archived; /* its storage class now */
    int64_t priority; /* of the rule; 0 = none, it follows its subject */
    int64_t pushed_ms;
    char **tags;
    size_t tags_count;
};
void meta_preview_row_finish(struct meta_preview_row *row);
/* Writes the row of an image; its tags say on which of the two shelves it is. */
int meta_preview_row_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         const struct meta_preview_row *row);
int meta_preview_row_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str digest, struct meta_preview_row *ret_row);
/* Walks the rows of tagged (then) untagged images in digest order, from behind `after`: a digest on
 * the shelf `after_tagged`; ptr NULL: from the start. on_each returns 0 to go on, anything else
 * stops and is returned. The cost does not depend on what `which` (META_TAGGED, META_UNTAGGED)
 * leaves out. */
int meta_preview_row_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          unsigned which, bool after_tagged, struct virga_str after,
                          int (*on_each)(void *arg, bool tagged, struct meta_preview_row *row),
                          void *arg);
/* Deletes rows, at most `limit`. Returns how many, or a negative errno. */
int meta_preview_clear(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       int limit);

#endif
