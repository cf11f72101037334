/* SPDX-License-Identifier: MIT */
/* The cache's insides, shared by the files that make it up: jobs (cache.c), images on their way
 * (cache_import.c), blobs on theirs (cache_blob.c). */
#ifndef ECR_CACHE_IMPL_H
#define ECR_CACHE_IMPL_H

#include "cache.h"
#include "gate.h"
#include "manifest.h"
#include "upstream.h"

#define CACHE_ACTIVE_MAX 32           /* jobs that move bytes at one time */
#define CACHE_JOBS_MAX 1024           /* and with those that wait for a place */
#define CACHE_BLOBS_MAX 3             /* blobs of one job at one time */
#define CACHE_PIPE_BYTES (128u << 10) /* of a blob between upstream and registry */
#define CACHE_DEPTH_MAX 4             /* indexes within indexes */
#define CACHE_STALL_MS 60000          /* without a byte from an upstream */
#define CACHE_DOWN_MS 60000 /* how long an upstream that failed is not asked for newer tags */
#define CACHE_DOWN_MAX 16

/* Why something went wrong; outcome CACHE_DONE: it did not. */
struct cache_failure {
    enum cache_outcome outcome;
    char message[600];
};
struct cache_job;
struct cache_blob;
struct cache_node;
struct cache_referrers;

struct cache_down {
    char host[UPSTREAM_HOST_MAX + 1];
    int64_t until_ms;
};

struct cache {
    struct ecr *ecr;
    int64_t refresh_ms;
    uint64_t patience_ms;   /* after this a client gets the manifest without its blobs */
    struct cache_job *jobs; /* oldest last */
    size_t jobs_count;
    size_t active;
    struct cache_blob *blobs; /* under way */
    struct cache_down down[CACHE_DOWN_MAX];
    bool stopping;
    bool resetting; /* nothing begins */
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

enum cache_kind { CACHE_IMAGE, CACHE_BLOB, CACHE_REFERRERS };

struct cache_waiter {
    struct cache_waiter *next;
    bool whole; /* not told early */
    cache_on_done on_done;
    void *arg;
};

/* One image or blob that somebody asked for. */
struct cache_job {
    struct cache *cache;
    struct cache_job *next;
    struct cache_job **link;
    enum cache_kind kind;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char reference[ECR_TAG_MAX + 1]; /* a tag or a digest */
    char known[ECR_DIGEST_LEN + 1];  /* what the tag is here; "" = it is not */
    struct upstream_place place;
    bool named;   /* the rule names a secret */
    bool active;  /* has begun */
    bool counted; /* has one of the places */
    bool cancelled;
    struct cache_waiter *waiters;
    struct virga_timer_handle *turn; /* brings job_turn() */
    struct virga_timer_handle *patience;
    bool impatient;
    bool given_early;
    struct upstream_call *call; /* to the upstream, under way */
    struct gate_pass pass;
    bool waits; /* for the gate */
    void (*on_pass)(struct cache_job *job);
    struct cache_node *top;  /* the manifest being brought; its parents below it */
    struct cache_node *root; /* the one that was asked for, once its bytes are there */
    size_t flying;           /* blobs; or images that are referrers */
    struct cache_referrers *referrers;
    struct cache_failure failure;
};

/* --- cache.c --- */
/* Ends a job: everybody is told, the next one gets its place. */
void cache_job_end(struct cache_job *job);
/* Gives the manifest to who has waited long enough. */
void cache_job_tell_early(struct cache_job *job);
/* Waits for the gate; on_pass may come inside the call. */
void cache_job_take_pass(struct cache_job *job, void (*on_pass)(struct cache_job *job));
void cache_job_leave_pass(struct cache_job *job);
void cache_check_stopped(struct cache *cache);

/* --- cache_need.c --- */
VIRGA_PRINTF(3, 4)
void cache_failure_set(struct cache_failure *failure, enum cache_outcome outcome,
                       const char *format, ...);
/* Says what an upstream's answer means that is no success. */
void cache_failure_from(struct cache_failure *failure, const struct upstream_place *place,
                        const struct virga_fetch_response *res);
/* An upstream failed: its tags are left alone for a while. */
void cache_note_down(struct cache *cache, const char *host);
/* Kind of an image's text: when the tag was last looked after upstream, in milliseconds. */
#define CACHE_MARK_MAX (8 + ECR_TAG_MAX)
void cache_mark_kind(const char *tag, char ret_kind[CACHE_MARK_MAX]);
/* Whether the reference is an image here. ret_digest is the tag's; "" for a digest. */
bool cache_is_here(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   struct virga_str reference, char ret_digest[ECR_DIGEST_LEN + 1]);

/* --- cache_import.c --- */
/* Brings the image that a job is for; ends the job. */
void cache_import(struct cache_job *job);
/* Frees what an import holds. */
void cache_import_finish(struct cache_job *job);
/* The root's bytes, for who gets them early. */
struct virga_str cache_import_bytes(const struct cache_job *job, const char **ret_media_type,
                                    const char **ret_digest);

/* --- cache_referrers.c --- */
/* Brings the referrers that a job is for; ends the job. */
void cache_referrers(struct cache_job *job);
/* Whether an upstream is left alone for a while. */
bool cache_is_down(const struct cache *cache, const char *host, int64_t now_ms);

/* --- cache_blob.c --- */
/* Brings a blob into the registry and pins it, unless it is there; who asks for one that is under
 * way waits for that. Calls back: once, never inside this call. Errors: -ENOMEM. */
int cache_blob_get(struct cache *cache, const struct tenant *tenant, struct virga_str name,
                   const char *digest, const struct upstream_place *place,
                   void (*on_done)(void *arg, const struct cache_failure *failure), void *arg);
/* Ends all of them, soon. */
void cache_blobs_cancel(struct cache *cache);

#endif
