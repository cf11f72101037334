/* SPDX-License-Identifier: MIT */
/* The ecr plugin's descriptor: settings, routes, and the order in which its parts start and stop.
 */
#include "actions.h"
#include "backend.h"
#include "cache.h"
#include "caller.h"
#include "doctor.h"
#include "gate.h"
#include "gateway.h"
#include "image_resolver.h"
#include "layers.h"
#include "lifecycle_run.h"
#include "referrer_index.h"
#include "replicate.h"
#include "resolver.h"
#include "scan_run.h"
#include "signer.h"
#include "storage_class.h"
#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum route_tag { ROUTE_CALL, ROUTE_GC, ROUTE_LIFECYCLE };

/* A layer part of 20 MiB in base64 is 27,962,028 characters; every sixteenth of them may be escaped
 * (PHP writes "\/", and one character in 64 is a slash), and the other members are short. A
 * manifest of 4 MiB in a JSON string, with every character escaped, is smaller. */
#define PART_MAX_BYTES (20u << 20)
#define PART_MAX_TEXT ((PART_MAX_BYTES + 2) / 3 * 4)
#define BODY_LIMIT_BYTES (PART_MAX_TEXT + PART_MAX_TEXT / 16 + 65536)

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_TARGET,
     .pattern = "AmazonEC2ContainerRegistry_V20150921",
     .service = "ecr",
     .body_limit_bytes = BODY_LIMIT_BYTES,
     .tag = ROUTE_CALL},
    {.kind = VIRGA_ROUTE_ADMIN, .method = "POST", .pattern = "ecr/gc", .tag = ROUTE_GC},
    {.kind = VIRGA_ROUTE_ADMIN,
     .method = "POST",
     .pattern = "ecr/lifecycle/run",
     .tag = ROUTE_LIFECYCLE},
};

static const struct virga_config_key config_keys[] = {
    {.key = "registry-backend",
     .type = VIRGA_CONFIG_ENUM,
     .default_value = "auto",
     .choices = "auto|docker|process",
     .help =
         "Where the registry runs: docker = a container of a Docker or Podman engine; process = "
         "the distribution binary as a child of virga; auto = docker if an engine answers and "
         "has or can pull the image, else process."},
    {.key = "registry-image",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "registry:2",
     .help = "The registry's image, where it runs in a container."},
    {.key = "registry-container-name",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "floci-ecr-registry",
     .help = "The name by which a registry container is found again after a restart."},
    {.key = "docker-network",
     .type = VIRGA_CONFIG_STRING,
     .help = "The engine's network that the registry's container joins; unset: the default one, or "
             "virga's own where virga runs in a container."},
    {.key = "registry-base-port",
     .type = VIRGA_CONFIG_INT,
     .default_value = "5100",
     .min = 1,
     .max = 65535,
     .help = "First port that is tried for docker push and pull."},
    {.key = "registry-max-port",
     .type = VIRGA_CONFIG_INT,
     .default_value = "5199",
     .min = 1,
     .max = 65535,
     .help = "Last port that is tried."},
    {.key = "data-path",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "${floci.storage.persistent-path}/ecr",
     .help = "Folder of the registry's storage (registry/ below it)."},
    {.key = "tls-enabled",
     .type = VIRGA_CONFIG_BOOL,
     .default_value = "false",
     .help = "Reserved: the registry is served without TLS."},
    {.key = "keep-running-on-shutdown",
     .type = VIRGA_CONFIG_BOOL,
     .default_value = "true",
     .help = "Leave the registry running, so that the next start adopts it."},
    {.key = "uri-style",
     .type = VIRGA_CONFIG_ENUM,
     .default_value = "hostname",
     .choices = "hostname|path",
     .help = "hostname = <account>.dkr.ecr.<region>.localhost:<port>/<name>; path = "
             "localhost:<port>/<account>/<region>/<name>."},
    {.key = "scanner-command",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "",
     .help = "Program that scans images and writes Trivy's JSON to stdout or {output}; {image} is "
             "the image, e.g. 'trivy image --quiet --format json {image}'."},
    {.key = "scanner-findings",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "",
     .help = "Instead of a scanner: a file of Trivy's JSON for every image, or a folder of "
             "<digest>.json and <repository>.json."},
    {.key = "scanner-timeout-s",
     .type = VIRGA_CONFIG_INT,
     .default_value = "600",
     .min = 1,
     .max = 86400,
     .help = "Seconds until a scanner that has not ended is ended."},
    {.key = "scanner-parallel",
     .type = VIRGA_CONFIG_INT,
     .default_value = "2",
     .min = 1,
     .max = 64,
     .help = "Scans that run at once; the others wait."},
    {.key = "strict-ecr",
     .type = VIRGA_CONFIG_BOOL,
     .default_value = "false",
     .help =
         "Answer as real ECR does where it differs from what OCI clients expect; docs/ecr/wire.md "
         "has the list."},
    {.key = "cache-refresh-seconds",
     .type = VIRGA_CONFIG_INT,
     .default_value = "86400",
     .min = 0,
     .max = 31536000,
     .help =
         "How old a tag of a pull-through cache may get before a pull asks the upstream whether "
         "it has moved."},
    {.key = "cache-wait-seconds",
     .type = VIRGA_CONFIG_INT,
     .default_value = "10",
     .min = 0,
     .max = 3600,
     .help = "How long a pull waits for an image that is being fetched from its upstream; then the "
             "manifest is answered and the layers follow as they come."},
    {.key = "upstream-overrides",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "",
     .help = "Where upstream registries of pull-through caches answer instead: "
             "<host>=http(s)://<host>[:<port>],..."},
    {.key = "upstream-credentials",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "",
     .help = "JSON file with credentials for upstream registries: {\"<secret ARN or host>\": "
             "{\"username\": ..., \"accessToken\": ...}}."},
    {.key = "lifecycle-interval",
     .type = VIRGA_CONFIG_INT,
     .default_value = "3600",
     .min = 0,
     .max = 31536000,
     .help =
         "Seconds between two runs of the lifecycle policies; 0 = they run only when asked to by "
         "POST /_floci/ecr/lifecycle/run."},
    {.key = "restore-seconds",
     .type = VIRGA_CONFIG_INT,
     .default_value = "0",
     .min = 0,
     .max = 86400,
     .help = "Seconds until an archived image can be pulled again after it was restored."},
    {.key = "scan-interval-s",
     .type = VIRGA_CONFIG_INT,
     .default_value = "86400",
     .min = 0,
     .max = 31536000,
     .help = "Seconds until continuous scanning scans an image again; 0 = never."},
    {.key = "scan-quota-hours",
     .type = VIRGA_CONFIG_INT,
     .default_value = "24",
     .min = 0,
     .max = 8760,
     .help = "Hours until StartImageScan scans the same image again; 0 = at once."},
};

struct plugin {
    struct ecr ecr;
    char *data_path;
    int pending; /* what stop() waits for: the resolver's answer, lifecycle runs, the registry */
    bool stopping;
};

static int get_interfaces(struct ecr *ecr, struct virga_error *err) {
#define GET(member, id)                                                                            \
    if ((ecr->member = ecr->host->get_interface(ecr->host, (id))) == NULL) {                       \
        virga_error_set(err, "the host has no %s", (id));                                          \
        return -ENOTSUP;                                                                           \
    }
    GET(log, VIRGA_LOG_ID)
    GET(config, VIRGA_CONFIG_ID)
    GET(timer, VIRGA_TIMER_ID)
    GET(work, VIRGA_WORK_ID)
    GET(listener, VIRGA_LISTENER_ID)
    GET(proxy, VIRGA_PROXY_ID)
    GET(fetch, VIRGA_FETCH_ID)
    GET(process, VIRGA_PROCESS_ID)
    GET(store, VIRGA_STORE_ID)
#undef GET
    ecr->dispatch = ecr->host->get_interface(ecr->host, VIRGA_DISPATCH_ID);
    return 0;
}

/* The path made absolute: the registry runs in another folder. NULL: out of memory, or no current
 * folder. */
static char *absolute_path(struct virga_str path) {
    char *text = NULL;
    if (path.len > 0 && path.ptr[0] == '/') {
        return strndup(path.ptr, path.len);
    }
    while (path.len > 2 && path.ptr[0] == '.' && path.ptr[1] == '/') {
        path = (struct virga_str){path.ptr + 2, path.len - 2};
    }
    char *here = getcwd(NULL, 0);
    if (here != NULL && asprintf(&text, "%s/%.*s", strcmp(here, "/") == 0 ? "" : here,
                                 (int)path.len, path.len > 0 ? path.ptr : "") < 0) {
        text = NULL;
    }
    free(here);
    return text;
}

static int read_settings(struct plugin *plugin, struct virga_error *err) {
    struct ecr *ecr = &plugin->ecr;
    const struct virga_config *config = ecr->config;
    int64_t first = config->get_int(ecr->host, "registry-base-port");
    int64_t last = config->get_int(ecr->host, "registry-max-port");
    if (first > last) {
        virga_error_set(err,
                        "registry-base-port (%d) is above registry-max-port (%d): there is no port "
                        "to take",
                        (int)first, (int)last);
        return -EINVAL;
    }
    ecr->port_first = (uint16_t)first;
    ecr->port_last = (uint16_t)last;
    ecr->tls_enabled = config->get_bool(ecr->host, "tls-enabled");
    ecr->enforce = virga_str_equal(config->get_string(ecr->host, "floci.auth.mode"),
                                   virga_str_from("enforce"));
    ecr->keep_running = config->get_bool(ecr->host, "keep-running-on-shutdown");
    ecr->strict = config->get_bool(ecr->host, "strict-ecr");
    ecr->uri_style =
        virga_str_equal(config->get_string(ecr->host, "uri-style"), virga_str_from("path"))
            ? ECR_URI_PATH
            : ECR_URI_HOSTNAME;
    ecr->lifecycle_seconds = config->get_int(ecr->host, "lifecycle-interval");
    ecr->restore_seconds = config->get_int(ecr->host, "restore-seconds");
    plugin->data_path = absolute_path(config->get_string(ecr->host, "data-path"));
    if (plugin->data_path == NULL) {
        virga_error_set(err, "data-path cannot be made absolute: %s", strerror(errno));
        return -EINVAL;
    }
    ecr->data_path = plugin->data_path;
    if (ecr->tls_enabled) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL,
                "tls-enabled is reserved: the registry is served without TLS all the same");
    }
    return 0;
}

static void destroy(void *self) {
    struct plugin *plugin = self;
    gateway_destroy(plugin->ecr.gateway);
    cache_destroy(plugin->ecr.cache);
    upstreams_destroy(plugin->ecr.upstreams);
    replicate_destroy(plugin->ecr.replicator);
    lifecycle_destroy(plugin->ecr.lifecycle);
    storage_class_destroy(plugin->ecr.storage_class);
    actions_destroy(plugin->ecr.actions);
    image_resolver_destroy(plugin->ecr.image_resolver);
    scans_destroy(plugin->ecr.scans);
    signer_destroy(plugin->ecr.signer);
    callers_destroy(plugin->ecr.callers);
    layers_destroy(plugin->ecr.layers);
    referrer_index_destroy(plugin->ecr.referrer_index);
    backend_destroy(plugin->ecr.backend);
    gate_destroy(plugin->ecr.gate);
    free(plugin->data_path);
    free(plugin);
}

static int start_parts(struct plugin *plugin, struct virga_error *err) {
    struct ecr *ecr = &plugin->ecr;
    int result = get_interfaces(ecr, err);
    if (result == 0) {
        result = read_settings(plugin, err);
    }
    if (result == 0 && (result = gate_create(ecr, &ecr->gate)) != 0) {
        virga_error_set(err, "%s", strerror(-result));
    }
    if (result == 0 && (result = callers_create(ecr, &ecr->callers)) != 0) {
        virga_error_set(err, "%s", strerror(-result));
    }
    if (result == 0 && (result = referrer_index_create(ecr, &ecr->referrer_index)) != 0) {
        virga_error_set(err, "the store cannot be used: %s", strerror(-result));
    }
    if (result == 0 && (result = actions_create(ecr, &ecr->actions)) != 0) {
        virga_error_set(err, "the store cannot be used: %s", strerror(-result));
    }
    if (result == 0 && (result = storage_class_create(ecr, &ecr->storage_class)) != 0) {
        virga_error_set(err, "the store cannot be used: %s", strerror(-result));
    }
    if (result == 0 && (result = lifecycle_create(ecr, &ecr->lifecycle)) != 0) {
        virga_error_set(err, "%s", strerror(-result));
    }
    if (result == 0 && ((result = layers_create(ecr, &ecr->layers)) != 0 ||
                        (result = layers_start(ecr->layers)) != 0)) {
        virga_error_set(err, "%s", strerror(-result));
    }
    if (result == 0) {
        result = backend_create(ecr, &ecr->backend, err);
    }
    if (result == 0 && (result = upstreams_create(ecr, &ecr->upstreams)) != 0) {
        virga_error_set(err, "%s", strerror(-result));
    }
    if (result == 0) {
        result = cache_create(ecr, &ecr->cache, err);
    }
    if (result == 0 && (result = replicate_create(ecr, &ecr->replicator)) != 0) {
        virga_error_set(err, "replication cannot go on: %s", strerror(-result));
    }
    if (result == 0) {
        result = gateway_create(ecr, &ecr->gateway, err);
    }
    if (result == 0) {
        result = scans_create(ecr, &ecr->scans, err);
    }
    if (result == 0) {
        result = signer_create(ecr, &ecr->signer, err);
    }
    if (result == 0 &&
        ((result = image_resolver_create(ecr, &ecr->image_resolver)) != 0 ||
         (result = ecr->host->provide(ecr->host, VIRGA_IMAGE_RESOLVER_ID,
                                      image_resolver_table(ecr->image_resolver))) != 0)) {
        virga_error_set(err, "%s cannot be provided: %s", VIRGA_IMAGE_RESOLVER_ID,
                        strerror(-result));
    }
    return result;
}

/* Tells the host that the plugin has stopped, when nothing is waited for any more. */
static void check_stopped(void *self) {
    struct plugin *plugin = self;
    plugin->pending--;
    if (plugin->stopping && plugin->pending == 0) {
        plugin->ecr.host->stopped(plugin->ecr.host);
    }
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    plugin->ecr.host = host;
    int result = start_parts(plugin, err);
    if (result != 0) {
        destroy(plugin);
        return result;
    }
    if (plugin->ecr.uri_style == ECR_URI_HOSTNAME &&
        resolver_ask(&plugin->ecr, check_stopped, plugin) == 0) {
        plugin->pending++;
    }
    *ret_self = plugin;
    return 0;
}

static void handle(void *self, struct virga_request *req) {
    struct plugin *plugin = self;
    if (req->route->tag == ROUTE_GC) {
        backend_handle_gc(&plugin->ecr, req);
    } else if (req->route->tag == ROUTE_LIFECYCLE) {
        lifecycle_handle_run(&plugin->ecr, req);
    } else {
        actions_handle(&plugin->ecr, req);
    }
}

static int stop(void *self) {
    struct plugin *plugin = self;
    plugin->stopping = true;
    plugin->pending += 7;
    lifecycle_stop(plugin->ecr.lifecycle, check_stopped, plugin);
    actions_stop(plugin->ecr.actions);
    referrer_index_stop(plugin->ecr.referrer_index);
    upstreams_stop(plugin->ecr.upstreams, check_stopped, plugin);
    cache_stop(plugin->ecr.cache, check_stopped, plugin);
    if (callers_stop(plugin->ecr.callers, check_stopped, plugin)) {
        plugin->pending++;
    }
    if (replicate_stop(plugin->ecr.replicator, check_stopped, plugin)) {
        plugin->pending++;
    }
    layers_stop(plugin->ecr.layers);
    scans_stop(plugin->ecr.scans, check_stopped, plugin);
    signer_stop(plugin->ecr.signer, check_stopped, plugin);
    image_resolver_stop(plugin->ecr.image_resolver, check_stopped, plugin);
    backend_stop(plugin->ecr.backend, check_stopped, plugin);
    return -EINPROGRESS;
}

static void on_reset(void *arg, int status, const char *reason) {
    struct plugin *plugin = arg;
    plugin->ecr.host->reset_done(plugin->ecr.host, status, reason);
}

static void on_replicated(void *self) {
    struct plugin *plugin = self;
    backend_reset(plugin->ecr.backend, on_reset, plugin);
}

/* The store is emptied by the host; without this the registry's contents would come back with the
 * next reconcile. */
static int reset(void *self) {
    struct plugin *plugin = self;
    scans_reset(plugin->ecr.scans);
    signer_reset(plugin->ecr.signer);
    cache_reset(plugin->ecr.cache);
    if (!replicate_stop(plugin->ecr.replicator, on_replicated, plugin)) {
        on_replicated(plugin);
    }
    return -EINPROGRESS;
}

static const char *const needs[] = {
    VIRGA_LOG_ID,   VIRGA_CONFIG_ID, VIRGA_TIMER_ID,   VIRGA_WORK_ID,  VIRGA_LISTENER_ID,
    VIRGA_PROXY_ID, VIRGA_FETCH_ID,  VIRGA_PROCESS_ID, VIRGA_STORE_ID, NULL};

static const char *const provides[] = {VIRGA_IMAGE_RESOLVER_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,
    .name = "ecr",
    .version = "0.1.0",
    .summary = "Amazon ECR on a real OCI registry",
    VIRGA_CONFIG_KEYS(config_keys),
    VIRGA_ROUTES(routes),
    .needs = needs,
    .provides = provides,
    .start = start,
    .handle = handle,
    .stop = stop,
    .destroy = destroy,
    .doctor = doctor_check,
    .reset = reset,
};
