/* SPDX-License-Identifier: MIT */
/* The ecr plugin as its parts see it: host interfaces, settings, and the running state.
 * Owns no behaviour; see README.md for the way of a request. */
#ifndef ECR_H
#define ECR_H

#include <stdbool.h>
#include <virga/virga.h>

struct actions;
struct backend;
struct cache;
struct image_resolver;
struct upstreams;
struct callers;
struct gateway;
struct gate;
struct scans;
struct signer;
struct referrer_index;
struct replicator;
struct lifecycle;
struct storage_class;
struct layers;

enum ecr_uri_style { ECR_URI_HOSTNAME, ECR_URI_PATH };

struct ecr {
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
    const struct virga_dispatch *dispatch; /* NULL: a host without it */

    /* settings (floci.services.ecr.*), read once at start */
    enum ecr_uri_style uri_style;
    bool tls_enabled;
    bool enforce; /* floci.auth.mode: callers and policies are looked at */
    bool strict;  /* strict-ecr: see strict.h */
    bool keep_running;
    uint16_t port_first;
    uint16_t port_last;
    const char *data_path; /* <data-path>, absolute */

    int64_t lifecycle_seconds; /* between runs of the lifecycle policies; 0 = never */
    int64_t restore_seconds;   /* until an archived image is active again */

    struct backend *backend; /* the registry behind the gateway */
    struct gateway *gateway; /* the port that clients talk to */
    struct gate *gate;       /* lets writes through, or holds them while gc runs */
    struct callers *callers; /* who signed what */
    struct actions *actions; /* the control plane's calls under way */
    /* of a store from before referrers were noted */
    struct referrer_index *referrer_index;

    struct upstreams *upstreams;           /* requests to upstream registries */
    struct cache *cache;                   /* what is being fetched from them */
    struct replicator *replicator;         /* brings images to other regions and accounts */
    struct lifecycle *lifecycle;           /* runs and previews of lifecycle policies */
    struct storage_class *storage_class;   /* the clock of images being restored */
    struct layers *layers;                 /* uploads of layers over the API */
    struct scans *scans;                   /* images that are to be scanned */
    struct signer *signer;                 /* images that are to be signed */
    struct image_resolver *image_resolver; /* images for other plugins */
};

#define ECR_LOG(ecr, level, req, ...)                                                              \
    virga_log_printf((ecr)->log, (ecr)->host, (level), (req), __VA_ARGS__)

/* Whose repositories: an account and a region. Both NUL-terminated. */
#define ECR_ACCOUNT_LEN 12
#define ECR_REGION_MAX 32
#define ECR_NAME_MAX 256
#define ECR_TAG_MAX 128
#define ECR_DIGEST_LEN 71 /* "sha256:" and 64 hex digits; sha512 is refused */
struct tenant {
    char account[ECR_ACCOUNT_LEN + 1];
    char region[ECR_REGION_MAX + 1];
};

#endif
