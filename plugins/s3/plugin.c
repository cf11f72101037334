/* SPDX-License-Identifier: MIT */
/* The s3 plugin's descriptor: settings, routes, start and stop. */
#include "call.h"
#include "checksum.h"
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <virga/plugin.h>

/* Virtual hosts: "bucket.s3.localhost", "bucket.s3.us-east-1.amazonaws.com", "bucket.localhost";
 * and S3's own name, under which the path has the bucket. A bucket's name may have a dot. What
 * begins with a name fits nearly every path, so that the service of the signature tells S3's
 * requests. */
#define ROUTE(route_kind, route_method, route_pattern)                                             \
    {                                                                                              \
        .kind = route_kind, .flags = VIRGA_ROUTE_STREAM, .method = route_method,                   \
        .pattern = route_pattern, .service = "s3"                                                  \
    }
static const struct virga_route routes[] = {
    ROUTE(VIRGA_ROUTE_REST, "GET", "/"),
    ROUTE(VIRGA_ROUTE_REST, NULL, "/{Bucket}"),
    ROUTE(VIRGA_ROUTE_REST, NULL, "/{Bucket}/"),
    ROUTE(VIRGA_ROUTE_REST, NULL, "/{Bucket}/{Key+}"),
    ROUTE(VIRGA_ROUTE_HOST, NULL, "s3.*"),
    ROUTE(VIRGA_ROUTE_HOST, NULL, "*.s3.*"),
    ROUTE(VIRGA_ROUTE_HOST, NULL, "*.*.s3.*"),
    ROUTE(VIRGA_ROUTE_HOST, NULL, "*.localhost"),
    ROUTE(VIRGA_ROUTE_HOST, NULL, "*.*.localhost"),
};

static const struct virga_config_key config_keys[] = {
    {.key = "data-path",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "${floci.storage.persistent-path}/s3",
     .help = "Folder of the objects' bytes."},
};

static int get_interfaces(struct s3 *s3, struct virga_error *err) {
#define GET(member, id)                                                                            \
    if ((s3->member = s3->host->get_interface(s3->host, (id))) == NULL) {                          \
        virga_error_set(err, "the host has no %s", (id));                                          \
        return -ENOTSUP;                                                                           \
    }
    GET(log, VIRGA_LOG_ID)
    GET(config, VIRGA_CONFIG_ID)
    GET(timer, VIRGA_TIMER_ID)
    GET(work, VIRGA_WORK_ID)
    GET(store, VIRGA_STORE_ID)
    GET(file, VIRGA_FILE_ID)
#undef GET
    return 0;
}

/* The path made absolute. NULL: out of memory, or no current folder. */
static char *absolute_path(struct virga_str path) {
    char *text = NULL;
    if (path.len > 0 && path.ptr[0] == '/') {
        return strndup(path.ptr, path.len);
    }
    while (path.len > 2 && path.ptr[0] == '.' && path.ptr[1] == '/') {
        path = s3_str(path.ptr + 2, path.len - 2);
    }
    char *here = getcwd(NULL, 0);
    if (here != NULL && asprintf(&text, "%s/%.*s", strcmp(here, "/") == 0 ? "" : here,
                                 (int)path.len, path.len > 0 ? path.ptr : "") < 0) {
        text = NULL;
    }
    free(here);
    return text;
}

static bool setting_is(struct s3 *s3, const char *key, const char *value) {
    return s3_is(s3->config->get_string(s3->host, key), value);
}

static void destroy(void *self) {
    files_destroy(self);
    free(self);
}

static int start_parts(struct s3 *s3, struct virga_error *err) {
    int result = get_interfaces(s3, err);
    if (result != 0) {
        return result;
    }
    s3->enforce = setting_is(s3, "floci.auth.mode", "enforce");
    s3->memory = setting_is(s3, "floci.storage.mode", "memory");
    char *data_path = absolute_path(s3->config->get_string(s3->host, "data-path"));
    if (data_path == NULL) {
        virga_error_set(err, "data-path cannot be made absolute: %s", strerror(errno));
        return -EINVAL;
    }
    crc_init();
    result = files_start(s3, data_path, err);
    free(data_path);
    return result;
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct s3 *s3 = calloc(1, sizeof *s3);
    if (s3 == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    s3->host = host;
    int result = start_parts(s3, err);
    if (result != 0) {
        destroy(s3);
        return result;
    }
    *ret_self = s3;
    return 0;
}

static void handle(void *self, struct virga_request *req) {
    call_begin(self, req);
}

static void on_idle(struct s3 *s3) {
    s3->host->stopped(s3->host);
}

static int stop(void *self) {
    struct s3 *s3 = self;
    if (s3->memory) {
        (void)files_clear(s3, NULL); /* what stays is removed by the next start */
    }
    return files_stop(s3, on_idle);
}

static void on_cleared(struct s3 *s3, int status) {
    s3->host->reset_done(s3->host, status, NULL);
}

static int reset(void *self) {
    struct s3 *s3 = self;
    int result = files_clear(s3, on_cleared);
    return result == 0 ? -EINPROGRESS : result;
}

static const char *const needs[] = {VIRGA_LOG_ID,  VIRGA_CONFIG_ID, VIRGA_TIMER_ID,
                                    VIRGA_WORK_ID, VIRGA_STORE_ID,  VIRGA_FILE_ID,
                                    NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,
    .name = "s3",
    .version = "0.1.0",
    .summary = "Amazon S3: buckets, objects, multipart uploads",
    VIRGA_CONFIG_KEYS(config_keys),
    VIRGA_ROUTES(routes),
    .needs = needs,
    .start = start,
    .handle = handle,
    .stop = stop,
    .destroy = destroy,
    .reset = reset,
};
