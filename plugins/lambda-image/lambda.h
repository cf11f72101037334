/* SPDX-License-Identifier: MIT */
/* The lambda-image plugin as its parts see it: host interfaces, settings, and the running state.
 * Owns no behaviour; see README.md for the way of a call and of an invocation. */
#ifndef LAMBDA_H
#define LAMBDA_H

#include <stdbool.h>
#include <virga/service/image_resolver.h>
#include <virga/virga.h>

struct actions;
struct events;
struct executors;
struct functions;
struct images;
struct logs;
struct pool;

struct lambda {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_config *config;
    const struct virga_timer *timer;
    const struct virga_work *work;
    const struct virga_listener *listener;
    const struct virga_proxy *proxy;
    const struct virga_fetch *fetch;
    const struct virga_process *process;
    const struct virga_store *store;
    const struct virga_dispatch *dispatch;
    const struct virga_metrics *metrics;         /* NULL: a host without it */
    const struct virga_image_resolver *resolver; /* NULL: nobody provides images */

    /* settings (floci.services.lambda.*), read once at start */
    bool enforce;            /* floci.auth.mode: permissions of functions are obeyed */
    const char *data_path;   /* <data-path>, absolute */
    uint16_t port;           /* floci.port: what AWS_ENDPOINT_URL and function URLs name */
    int64_t idle_ms;         /* until an environment that nobody uses is ended */
    int64_t concurrency_max; /* environments of an account and region at once */
    int64_t init_ms;         /* how long an environment may take to ask for its first event */
    int64_t stop_grace_ms;   /* from SIGTERM to SIGKILL */
    int64_t log_bytes;       /* kept of a function's log */

    struct actions *actions;     /* calls under way */
    struct functions *functions; /* records of functions and their versions */
    struct images *images;       /* from an image's URI to an image that an executor can start */
    struct executors *executors; /* how environments are run on this machine */
    struct pool *pool;           /* environments, and invocations that wait for one */
    struct events *events;       /* asynchronous invocations */
    struct logs *logs;           /* what functions wrote */
};

#define LAMBDA_LOG(lambda, level, req, ...)                                                        \
    virga_log_printf((lambda)->log, (lambda)->host, (level), (req), __VA_ARGS__)

/* Whose functions: an account and a region. Both NUL-terminated. */
#define LAMBDA_ACCOUNT_LEN 12
#define LAMBDA_REGION_MAX 32
struct tenant {
    char account[LAMBDA_ACCOUNT_LEN + 1];
    char region[LAMBDA_REGION_MAX + 1];
};

#define LAMBDA_NAME_MAX 64       /* of a function. Source: AWS-recorded answer of CreateFunction */
#define LAMBDA_QUALIFIER_MAX 128 /* of a version or alias. Source: the API model */
#define LAMBDA_ARN_MAX 320       /* of a function with its qualifier, with the NUL */
#define LAMBDA_DIGEST_LEN 71     /* "sha256:" and 64 hex digits */
#define LAMBDA_ID_LEN 36         /* a UUID: request and revision ids */

#endif
