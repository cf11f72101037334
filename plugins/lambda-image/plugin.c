/* SPDX-License-Identifier: MIT */
/* The lambda-image plugin's descriptor: settings, routes, and the order in which its parts start
 * and stop. */
#include "actions.h"
#include "events.h"
#include "executors.h"
#include "function_state.h"
#include "images.h"
#include "logs.h"
#include "pool.h"
#include "url_request.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TAG_LOGS 10000
#define TAG_URL 10001

static const struct virga_route routes[] = {{.kind = VIRGA_ROUTE_ADMIN,
                                             .method = "GET",
                                             .pattern = "lambda/{FunctionName}/logs",
                                             .tag = TAG_LOGS},
                                            {.kind = VIRGA_ROUTE_HOST,
                                             .pattern = "*.lambda-url.*",
                                             .body_limit_bytes = INVOCATION_EVENT_MAX,
                                             .tag = TAG_URL},
#define ROUTE(name, suffix, verb, path, bits, limit)                                               \
    {.kind = VIRGA_ROUTE_REST,                                                                     \
     .method = (verb),                                                                             \
     .pattern = (path),                                                                            \
     .service = "lambda",                                                                          \
     .body_limit_bytes = (limit),                                                                  \
     .tag = ACTION_##name},
                                            ACTIONS(ROUTE)
#undef ROUTE
#define ROUTE_ALSO(name, verb, path, limit)                                                        \
    {.kind = VIRGA_ROUTE_REST,                                                                     \
     .method = (verb),                                                                             \
     .pattern = (path),                                                                            \
     .service = "lambda",                                                                          \
     .body_limit_bytes = (limit),                                                                  \
     .tag = ACTION_##name},
                                                ACTIONS_ALSO(ROUTE_ALSO)
#undef ROUTE_ALSO
};

static const struct virga_config_key config_keys[] = {
    {.key = "executor",
     .type = VIRGA_CONFIG_ENUM,
     .default_value = "auto",
     .choices = "auto|docker|oci",
     .help = "What runs functions: docker = containers of a Docker or Podman engine; oci = crun or "
             "runc, without a daemon; auto = docker if an engine answers, else oci."},
    {.key = "data-path",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "${floci.storage.persistent-path}/lambda",
     .help = "Folder of unpacked images and running environments."},
    {.key = "docker-network",
     .type = VIRGA_CONFIG_STRING,
     .help =
         "The engine's network that functions join; unset: the default one, or virga's own where "
         "virga runs in a container."},
    {.key = "idle-seconds",
     .type = VIRGA_CONFIG_INT,
     .default_value = "300",
     .min = 1,
     .max = 86400,
     .help = "Seconds until an environment that nobody invokes is ended."},
    {.key = "concurrency-max",
     .type = VIRGA_CONFIG_INT,
     .default_value = "1000",
     .min = 1,
     .max = 100000,
     .help =
         "Environments of an account in a region that run at once; beyond it calls are throttled."},
    {.key = "init-timeout-ms",
     .type = VIRGA_CONFIG_INT,
     .default_value = "10000",
     .min = 100,
     .max = 900000,
     .help = "Milliseconds that an environment may take until it asks for its first event."},
    {.key = "stop-grace-ms",
     .type = VIRGA_CONFIG_INT,
     .default_value = "500",
     .min = 0,
     .max = 60000,
     .help = "Milliseconds between SIGTERM and SIGKILL when an environment is ended."},
    {.key = "log-kib",
     .type = VIRGA_CONFIG_INT,
     .default_value = "256",
     .min = 4,
     .max = 1048576,
     .help = "KiB kept of each function's log."},
    {.key = "async-retry-first-ms",
     .type = VIRGA_CONFIG_INT,
     .default_value = "60000",
     .min = 0,
     .max = 86400000,
     .help = "Milliseconds until an asynchronous event that failed is tried again."},
    {.key = "async-retry-second-ms",
     .type = VIRGA_CONFIG_INT,
     .default_value = "120000",
     .min = 0,
     .max = 86400000,
     .help = "Milliseconds until it is tried for the last time."},
};

struct plugin {
    struct lambda lambda;
    char *data_path;
    int pending; /* parts that stop() waits for */
};

static int get_interfaces(struct lambda *lambda, struct virga_error *err) {
#define GET(member, id)                                                                            \
    if ((lambda->member = lambda->host->get_interface(lambda->host, (id))) == NULL) {              \
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
    GET(dispatch, VIRGA_DISPATCH_ID)
#undef GET
    lambda->metrics = lambda->host->get_interface(lambda->host, VIRGA_METRICS_ID);
    lambda->resolver = lambda->host->get_interface(lambda->host, VIRGA_IMAGE_RESOLVER_ID);
    return 0;
}

/* The path made absolute: executors run in other folders. NULL: out of memory, or no current
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
    struct lambda *lambda = &plugin->lambda;
    const struct virga_config *config = lambda->config;
    const struct virga_host *host = lambda->host;
    lambda->enforce =
        virga_str_equal(config->get_string(host, "floci.auth.mode"), virga_str_from("enforce"));
    lambda->port = (uint16_t)config->get_int(host, "floci.port");
    lambda->idle_ms = config->get_int(host, "idle-seconds") * 1000;
    lambda->concurrency_max = config->get_int(host, "concurrency-max");
    lambda->init_ms = config->get_int(host, "init-timeout-ms");
    lambda->stop_grace_ms = config->get_int(host, "stop-grace-ms");
    lambda->log_bytes = config->get_int(host, "log-kib") * 1024;
    plugin->data_path = absolute_path(config->get_string(host, "data-path"));
    if (plugin->data_path == NULL) {
        virga_error_set(err, "data-path cannot be made absolute: %s", strerror(errno));
        return -EINVAL;
    }
    lambda->data_path = plugin->data_path;
    return 0;
}

static void destroy(void *self) {
    struct plugin *plugin = self;
    struct lambda *lambda = &plugin->lambda;
    events_destroy(lambda->events);
    pool_destroy(lambda->pool);
    images_destroy(lambda->images);
    executors_destroy(lambda->executors);
    logs_destroy(lambda->logs);
    actions_destroy(lambda->actions);
    functions_destroy(lambda->functions);
    free(plugin->data_path);
    free(plugin);
}

static int start_parts(struct plugin *plugin, struct virga_error *err) {
    struct lambda *lambda = &plugin->lambda;
    int result = get_interfaces(lambda, err);
    if (result == 0) {
        result = read_settings(plugin, err);
    }
    if (result != 0) {
        return result;
    }
    if ((result = functions_create(lambda, &lambda->functions)) != 0 ||
        (result = actions_create(lambda, &lambda->actions)) != 0 ||
        (result = logs_create(lambda, &lambda->logs)) != 0 ||
        (result = executors_create(lambda, &lambda->executors)) != 0 ||
        (result = images_create(lambda, &lambda->images)) != 0 ||
        (result = pool_create(lambda, &lambda->pool)) != 0 ||
        (result = events_create(lambda, &lambda->events)) != 0 ||
        (result = function_state_start(lambda)) != 0) {
        virga_error_set(err, "functions cannot be had from the store: %s", strerror(-result));
    }
    return result;
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    plugin->lambda.host = host;
    int result = start_parts(plugin, err);
    if (result != 0) {
        destroy(plugin);
        return result;
    }
    *ret_self = plugin;
    return 0;
}

/* The log of a function; of one that is not there, 404. */
static void handle_logs(struct lambda *lambda, struct virga_request *req) {
    struct function *function = NULL;
    struct function_name name;
    struct tenant tenant;
    int result = logs_whose(req, &tenant, &name);
    if (result == 0) {
        result = functions_get(lambda, &tenant, name.name, FUNCTIONS_LATEST, &function);
        function_unref(function);
    }
    if (result == -ENOENT) {
        logs_answer_nobody(req);
    } else {
        logs_handle(lambda->logs, req);
    }
}

static void handle(void *self, struct virga_request *req) {
    struct plugin *plugin = self;
    if (req->route->tag == TAG_LOGS) {
        handle_logs(&plugin->lambda, req);
    } else if (req->route->tag == TAG_URL) {
        url_request_handle(&plugin->lambda, req);
    } else {
        actions_handle(&plugin->lambda, &actions_table[req->route->tag], req);
    }
}

static void on_executors_stopped(void *arg) {
    struct plugin *plugin = arg;
    plugin->lambda.host->stopped(plugin->lambda.host);
}

/* Executors last: what ran has been closed by then. */
static void on_part_stopped(void *arg) {
    struct plugin *plugin = arg;
    if (--plugin->pending == 0) {
        executors_stop(plugin->lambda.executors, on_executors_stopped, plugin);
    }
}

static int stop(void *self) {
    struct plugin *plugin = self;
    plugin->pending = 3;
    events_stop(plugin->lambda.events, on_part_stopped, plugin);
    logs_stop(plugin->lambda.logs);
    images_stop(plugin->lambda.images, on_part_stopped, plugin);
    pool_stop(plugin->lambda.pool, on_part_stopped, plugin);
    return -EINPROGRESS;
}

static void doctor_check(const struct virga_host *host, const struct virga_doctor *doctor) {
    executors_doctor(host, doctor);
}

static const char *const needs[] = {VIRGA_LOG_ID,
                                    VIRGA_CONFIG_ID,
                                    VIRGA_TIMER_ID,
                                    VIRGA_WORK_ID,
                                    VIRGA_LISTENER_ID,
                                    VIRGA_PROXY_ID,
                                    VIRGA_FETCH_ID,
                                    VIRGA_PROCESS_ID,
                                    VIRGA_STORE_ID,
                                    VIRGA_DISPATCH_ID,
                                    NULL};
static const char *const wants[] = {VIRGA_IMAGE_RESOLVER_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,
    .name = "lambda-image",
    .version = "0.1.0",
    .summary = "AWS Lambda functions of container images",
    .config_root = "services.lambda",
    VIRGA_CONFIG_KEYS(config_keys),
    VIRGA_ROUTES(routes),
    .needs = needs,
    .wants = wants,
    .start = start,
    .handle = handle,
    .stop = stop,
    .destroy = destroy,
    .doctor = doctor_check,
};
