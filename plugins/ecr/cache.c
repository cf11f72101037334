/* SPDX-License-Identifier: MIT */
/* Jobs of the pull-through cache: who asks, who waits, how many at one time. */
#include "cache_impl.h"

#include "cache_rules.h"
#include "meta.h"
#include "reference.h"
#include "upstream_login.h"
#include "upstream_secret.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

/* --- jobs --- */

static void begin_next(struct cache *cache);

static void tell(struct cache_job *job, const struct cache_result *result) {
    struct cache_waiter *waiter = job->waiters;
    job->waiters = NULL;
    while (waiter != NULL) {
        struct cache_waiter *next = waiter->next;
        if (waiter->whole && result->outcome == CACHE_EARLY) {
            waiter->next = job->waiters;
            job->waiters = waiter;
        } else {
            waiter->on_done(waiter->arg, result);
            free(waiter);
        }
        waiter = next;
    }
}

void cache_check_stopped(struct cache *cache) {
    void (*on_stopped)(void *) = cache->on_stopped;
    if (on_stopped != NULL && cache->jobs == NULL && cache->blobs == NULL) {
        cache->on_stopped = NULL;
        on_stopped(cache->on_stopped_arg);
    }
}

void cache_job_end(struct cache_job *job) {
    struct cache *cache = job->cache;
    struct ecr *ecr = cache->ecr;
    const struct cache_result result = {.outcome = job->failure.outcome,
                                        .message = job->failure.message};
    *job->link = job->next;
    if (job->next != NULL) {
        job->next->link = job->link;
    }
    cache->jobs_count--;
    cache->active -= job->counted;
    ecr->timer->stop(job->turn);
    ecr->timer->stop(job->patience);
    gate_leave(ecr->gate, &job->pass);
    if (result.outcome == CACHE_UNAVAILABLE || result.outcome == CACHE_TOO_MANY) {
        cache_note_down(cache, job->place.host);
    }
    if (result.outcome != CACHE_DONE && result.outcome != CACHE_CANCELLED) {
        /* That somebody asked for what is not there is no trouble of this host. */
        enum virga_log_level level =
            result.outcome == CACHE_NOT_FOUND                                     ? VIRGA_LOG_INFO
            : result.outcome == CACHE_FAILED || result.outcome == CACHE_MALFORMED ? VIRGA_LOG_ERROR
                                                                                  : VIRGA_LOG_WARN;
        ECR_LOG(ecr, level, NULL, "cache: %s:%s could not be fetched from %s: %s", job->name,
                job->reference, job->place.host, result.message);
    }
    tell(job, &result);
    cache_import_finish(job);
    upstream_place_finish(&job->place);
    free(job);
    begin_next(cache);
    cache_check_stopped(cache);
}

void cache_job_tell_early(struct cache_job *job) {
    if (!job->impatient || job->root == NULL || job->waiters == NULL || job->cancelled ||
        job->failure.outcome != CACHE_DONE) {
        return;
    }
    struct cache_result result = {.outcome = CACHE_EARLY, .message = ""};
    result.manifest = cache_import_bytes(job, &result.media_type, &result.digest);
    job->given_early = true;
    tell(job, &result);
}

static void on_patience(void *arg) {
    struct cache_job *job = arg;
    job->impatient = true;
    cache_job_tell_early(job);
}

static void on_open(struct gate_pass *pass) {
    struct cache_job *job =
        (struct cache_job *)(void *)((char *)pass - offsetof(struct cache_job, pass));
    job->waits = false;
    job->on_pass(job);
}

void cache_job_take_pass(struct cache_job *job, void (*on_pass)(struct cache_job *job)) {
    job->on_pass = on_pass;
    job->waits = true;
    if (gate_enter(job->cache->ecr->gate, &job->pass, on_open) == 1) {
        on_open(&job->pass);
    }
}

void cache_job_leave_pass(struct cache_job *job) {
    gate_leave(job->cache->ecr->gate, &job->pass);
}

/* --- a job's way --- */

static void on_blob(void *arg, const struct cache_failure *failure) {
    struct cache_job *job = arg;
    job->failure = *failure;
    cache_job_end(job);
}

static char *copy(const char *text) {
    return text != NULL ? strdup(text) : NULL;
}

static void on_secret(void *arg, const struct upstream_secret *secret) {
    struct cache_job *job = arg;
    struct cache *cache = job->cache;
    if (job->cancelled || secret->status == -ECANCELED) {
        cache_failure_set(&job->failure, CACHE_CANCELLED, "The fetch was broken off");
    } else if (secret->status == 0) {
        job->place.username = copy(secret->username);
        job->place.password = copy(secret->password);
        if (job->place.username == NULL || job->place.password == NULL) {
            cache_failure_set(&job->failure, CACHE_FAILED, "out of memory");
        }
    } else if (secret->status == -EINVAL || (job->named && secret->status != -ENOSYS)) {
        cache_failure_set(&job->failure, CACHE_DENIED,
                          "The secret of the pull through cache rule cannot be used: %s",
                          secret->reason);
    }
    if (job->failure.outcome == CACHE_DONE &&
        upstream_login_own(cache->ecr, &job->tenant, &job->place) != 0) {
        cache_failure_set(&job->failure, CACHE_FAILED, "The login upstream could not be made");
    }
    if (job->failure.outcome != CACHE_DONE) {
        cache_job_end(job);
    } else if (job->kind == CACHE_IMAGE) {
        cache_import(job);
    } else if (job->kind == CACHE_REFERRERS) {
        cache_referrers(job);
    } else if (cache_blob_get(cache, &job->tenant, virga_str_from(job->name), job->reference,
                              &job->place, on_blob, job) != 0) {
        cache_failure_set(&job->failure, CACHE_FAILED, "out of memory");
        cache_job_end(job);
    }
}

/* Reads the rule anew: it may have been changed while the job waited. */
static int find_place(struct cache_job *job, char *ret_arn, size_t size) {
    struct ecr *ecr = job->cache->ecr;
    struct json_object *rule = NULL;
    struct virga_str name = virga_str_from(job->name);
    int result = cache_rule_find(ecr, &job->tenant, name, &rule);
    if (result != 0) {
        return result;
    }
    result = cache_rule_place(ecr, rule, name, &job->place);
    (void)snprintf(ret_arn, size, "%s",
                   virga_awsjson_str(rule, "credentialArn").len > 0
                       ? virga_awsjson_str(rule, "credentialArn").ptr
                       : "");
    json_object_put(rule);
    return result;
}

static void on_turn(void *arg) {
    struct cache_job *job = arg;
    struct ecr *ecr = job->cache->ecr;
    char arn[640] = "";
    ecr->timer->stop(job->turn);
    job->turn = NULL;
    int result = job->cancelled ? -ECANCELED : find_place(job, arn, sizeof arn);
    job->named = arn[0] != '\0';
    const struct upstream_secret_question question = {
        .tenant = job->tenant, .arn = job->named ? arn : NULL, .host = job->place.host};
    if (result == 0) {
        result = upstream_secret_ask(ecr, &question, on_secret, job);
    }
    if (result == -ECANCELED) {
        cache_failure_set(&job->failure, CACHE_CANCELLED, "The fetch was broken off");
    } else if (result != 0) {
        cache_failure_set(&job->failure, CACHE_FAILED,
                          "The pull through cache rule could not be used: %s", strerror(-result));
    }
    if (result != 0) {
        cache_job_end(job);
    }
}

/* What this plugin serves itself, and what only waits for other jobs: those may be waiting for a
 * place in their turn. */
static bool takes_no_place(const struct cache_job *job) {
    return job->place.own || job->kind == CACHE_REFERRERS;
}

/* Gives a place to a job, which begins in a later turn of the loop. */
static int begin(struct cache_job *job) {
    struct cache *cache = job->cache;
    int result = cache->ecr->timer->start(cache->ecr->host, 0, 0, on_turn, job, &job->turn);
    if (result == 0) {
        job->active = true;
        job->counted = !takes_no_place(job);
        cache->active += job->counted;
    }
    return result;
}

/* Begins the oldest that waits, when there is a place. */
static void begin_next(struct cache *cache) {
    struct cache_job *oldest = NULL;
    if (cache->active >= CACHE_ACTIVE_MAX || cache->stopping || cache->resetting) {
        return;
    }
    for (struct cache_job *job = cache->jobs; job != NULL; job = job->next) {
        oldest = job->active ? oldest : job;
    }
    if (oldest != NULL && begin(oldest) != 0) {
        cache_failure_set(&oldest->failure, CACHE_FAILED, "out of memory");
        cache_job_end(oldest);
    }
}

/* --- who asks --- */

static struct cache_job *find_job(struct cache *cache, enum cache_kind kind,
                                  const struct tenant *tenant, struct virga_str name,
                                  struct virga_str reference) {
    for (struct cache_job *job = cache->jobs; job != NULL; job = job->next) {
        if (job->kind == kind && !job->cancelled && job->failure.outcome == CACHE_DONE &&
            virga_str_equal(virga_str_from(job->reference), reference) &&
            virga_str_equal(virga_str_from(job->name), name) &&
            strcmp(job->tenant.account, tenant->account) == 0 &&
            strcmp(job->tenant.region, tenant->region) == 0) {
            return job;
        }
    }
    return NULL;
}

static int create_job(struct cache *cache, enum cache_kind kind, const struct tenant *tenant,
                      struct virga_str name, struct virga_str reference,
                      struct cache_job **ret_job) {
    struct ecr *ecr = cache->ecr;
    struct cache_job *job = NULL;
    char arn[1];
    if (!cache_has_rule(ecr, tenant, name)) {
        return -ENOENT;
    }
    if (cache->stopping || cache->jobs_count >= CACHE_JOBS_MAX) {
        return -EAGAIN;
    }
    job = calloc(1, sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    job->cache = cache;
    job->kind = kind;
    job->tenant = *tenant;
    memcpy(job->name, name.ptr, name.len);
    memcpy(job->reference, reference.ptr, reference.len);
    (void)cache_is_here(ecr, tenant, name, reference, job->known);
    (void)find_place(job, arn, sizeof arn);
    int result = 0;
    if (kind == CACHE_IMAGE) {
        result =
            ecr->timer->start(ecr->host, cache->patience_ms, 0, on_patience, job, &job->patience);
    }
    if (result == 0 && (takes_no_place(job) || cache->active < CACHE_ACTIVE_MAX)) {
        result = begin(job);
    }
    if (result != 0) {
        ecr->timer->stop(job->patience);
        free(job);
        return result;
    }
    job->next = cache->jobs;
    job->link = &cache->jobs;
    if (job->next != NULL) {
        job->next->link = &job->next;
    }
    cache->jobs = job;
    cache->jobs_count++;
    *ret_job = job;
    return 0;
}

/* Who comes when the patience is over already is told in a later turn. */
static void on_late(void *arg) {
    struct cache_job *job = arg;
    job->cache->ecr->timer->stop(job->patience);
    job->patience = NULL;
    cache_job_tell_early(job);
}

static int ask(struct ecr *ecr, enum cache_kind kind, const struct tenant *tenant,
               struct virga_str name, struct virga_str reference, bool whole, cache_on_done on_done,
               void *arg) {
    struct cache *cache = ecr->cache;
    struct cache_waiter *waiter = calloc(1, sizeof *waiter);
    struct cache_job *job = find_job(cache, kind, tenant, name, reference);
    int result = waiter == NULL ? -ENOMEM : 0;
    if (result == 0 && job == NULL) {
        result = create_job(cache, kind, tenant, name, reference, &job);
    } else if (result == 0 && job->impatient) {
        ecr->timer->stop(job->patience);
        job->patience = NULL;
        result = ecr->timer->start(ecr->host, 0, 0, on_late, job, &job->patience);
    }
    if (result != 0) {
        free(waiter);
        return result;
    }
    *waiter =
        (struct cache_waiter){.next = job->waiters, .whole = whole, .on_done = on_done, .arg = arg};
    job->waiters = waiter;
    return 0;
}

int cache_pull(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
               struct virga_str reference, bool whole, cache_on_done on_done, void *arg) {
    return ask(ecr, CACHE_IMAGE, tenant, name, reference, whole, on_done, arg);
}

int cache_pull_blob(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, cache_on_done on_done, void *arg) {
    return ask(ecr, CACHE_BLOB, tenant, name, digest, true, on_done, arg);
}

int cache_pull_referrers(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str subject, cache_on_done on_done, void *arg) {
    return ask(ecr, CACHE_REFERRERS, tenant, name, subject, true, on_done, arg);
}

/* --- life --- */

int cache_create(struct ecr *ecr, struct cache **ret_cache, struct virga_error *err) {
    if (!upstream_overrides_check(ecr->config->get_string(ecr->host, "upstream-overrides"), err)) {
        return -EINVAL;
    }
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    cache->ecr = ecr;
    cache->refresh_ms = ecr->config->get_int(ecr->host, "cache-refresh-seconds") * 1000;
    cache->patience_ms = (uint64_t)ecr->config->get_int(ecr->host, "cache-wait-seconds") * 1000;
    *ret_cache = cache;
    return 0;
}

void cache_reset(struct cache *cache) {
    struct cache_job *next = NULL;
    cache->resetting = true;
    cache_blobs_cancel(cache);
    for (struct cache_job *job = cache->jobs; job != NULL; job = next) {
        next = job->next;
        job->cancelled = true;
        if (job->failure.outcome == CACHE_DONE) {
            cache_failure_set(&job->failure, CACHE_CANCELLED, "The fetch was broken off");
        }
        if (job->call != NULL) {
            upstream_cancel(job->call);
        } else if (job->waits || !job->active) {
            job->waits = false;
            cache_job_end(job);
        }
    }
    cache->resetting = false;
}

void cache_stop(struct cache *cache, void (*on_stopped)(void *arg), void *arg) {
    cache->stopping = true;
    cache->on_stopped = on_stopped;
    cache->on_stopped_arg = arg;
    cache_reset(cache);
    cache_check_stopped(cache);
}

void cache_destroy(struct cache *cache) {
    free(cache);
}
