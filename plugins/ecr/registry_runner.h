/* SPDX-License-Identifier: MIT */
/* Where the registry runs: as a child process (runner_process.c) or in a container
 * (runner_docker.c). A runner starts it, tells where it answers, and does what the registry's own
 * API cannot: its storage is looked at, cut and collected. Everything is [loop]; callbacks come
 * exactly once and never inside the call, unless an operation says otherwise. */
#ifndef ECR_REGISTRY_RUNNER_H
#define ECR_REGISTRY_RUNNER_H

#include "ecr.h"

struct blob_sizes;
struct registry_runner;

/* status 0, or a negative errno with the reason in words. */
typedef void (*runner_on_done)(void *arg, int status, const char *reason);

/* Where it answers: a socket, or an address and port. */
struct registry_address {
    char unix_path[108]; /* "" = TCP */
    char host[46];
    uint16_t port;
};

struct registry_runner_ops {
    const char *name; /* "process" */
    void (*destroy)(struct registry_runner *runner);
    /* Sees to it that a registry answers: the one that runs, one that an earlier virga left, or a
     * new one. -ENXIO there is nothing to run it with, -ENODATA its image cannot be had: another
     * runner may be able to; else it failed. */
    void (*start)(struct registry_runner *runner, runner_on_done on_done, void *arg);
    /* Leaves it running or ends it (keep-running-on-shutdown); whatever is under way is given up,
     * without a call. */
    void (*stop)(struct registry_runner *runner, void (*on_stopped)(void *arg), void *arg);
    /* "pid 123": one part of a sentence; "" when it does not run. */
    void (*describe)(const struct registry_runner *runner, char *buffer, size_t size);
    /* After a start. */
    void (*address)(const struct registry_runner *runner, struct registry_address *ret_address);
    /* False: the storage is surely empty. */
    bool (*may_have_storage)(const struct registry_runner *runner);
    /* The storage is reached through a registry that runs: discard() and discard_all() fail where
     * it does not, unless there is nothing to be discarded. */
    bool storage_needs_registry;
    /* Takes a repository's manifests, layers and uploads out of the storage; never what belongs to
     * a repository nested below it. May call back inside the call. */
    void (*discard)(struct registry_runner *runner, const char *upstream_name,
                    runner_on_done on_done, void *arg);
    /* The same for everything: repositories, blobs and uploads. A registry that runs goes on with
     * empty storage. May call back inside the call. */
    void (*discard_all)(struct registry_runner *runner, runner_on_done on_done, void *arg);
    /* Lists the digests of a repository's manifests, tagged or not. on_digest comes before on_done.
     * May call back inside the call. */
    void (*revisions)(struct registry_runner *runner, const char *upstream_name,
                      void (*on_digest)(void *arg, const char *digest), runner_on_done on_done,
                      void *arg);
    /* Reads how large the blobs are. */
    void (*measure)(struct registry_runner *runner, struct blob_sizes *sizes,
                    runner_on_done on_done, void *arg);
    /* Runs the registry's garbage collector; on_output gets what it prints. One at a time. */
    void (*collect)(struct registry_runner *runner,
                    void (*on_output)(void *arg, struct virga_str bytes), runner_on_done on_done,
                    void *arg);
    /* Breaks collect() off: on_done comes soon. */
    void (*cancel_collect)(struct registry_runner *runner);
};

/* Embedded first by each runner. */
struct registry_runner {
    const struct registry_runner_ops *ops;
    struct ecr *ecr;
    /* The registry ended, or its place changed, unasked. */
    void (*on_exit)(void *arg);
    void *on_exit_arg;
};

/* The registry's root as an absolute path is <data-path>/registry. Errors: -ENOMEM, -ENAMETOOLONG;
 * err has words. */
int runner_process_create(struct ecr *ecr, void (*on_exit)(void *arg), void *arg,
                          struct registry_runner **ret_runner, struct virga_error *err);
int runner_docker_create(struct ecr *ecr, void (*on_exit)(void *arg), void *arg,
                         struct registry_runner **ret_runner, struct virga_error *err);

#endif
