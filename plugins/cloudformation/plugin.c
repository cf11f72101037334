/* SPDX-License-Identifier: MIT */
/* AWS CloudFormation: the descriptor, the start and the end. */
#include "call.h"
#include "operation.h"
#include "types.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <virga/helpers/awsjson.h>

/* How long unfinished operations wait after the start: the other services start meanwhile. */
#define RESUME_DELAY_MS 1000
#define ROUTE_EVENTS 1 /* CloudTrail's LookupEvents */

struct plugin {
    struct cfn cfn;
    struct virga_resource_types table;
};

/* CDK asks CloudTrail for the events behind a failed deployment: there are none. */
static void answer_events(struct virga_request *req) {
    struct virga_json_writer writer = {0};
    if (!virga_str_equal(req->action, virga_str_from("LookupEvents"))) {
        (void)virga_awsjson_error(req, 400, "UnknownOperationException", NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "Events");
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(req, 200, &writer);
}

static void handle(void *self, struct virga_request *req) {
    struct plugin *plugin = self;
    if (req->route != NULL && req->route->tag == ROUTE_EVENTS) {
        answer_events(req);
    } else {
        call_begin(&plugin->cfn, req);
    }
}

/* The key of page tokens is kept, so that they outlive a restart. */
static int read_page_key(struct cfn *cfn) {
    struct virga_store_value value;
    int result = cfn->store->get(cfn->host, virga_str_from("k"), &value);
    if (result == 0) {
        if (value.len == sizeof cfn->page_key) {
            memcpy(&cfn->page_key, value.ptr, value.len);
        }
        cfn->store->release(cfn->host, &value);
        return 0;
    }
    if (result != -ENOENT) {
        return result;
    }
    if (getrandom(&cfn->page_key, sizeof cfn->page_key, 0) != sizeof cfn->page_key) {
        return -EIO;
    }
    return cfn->store->put(
        cfn->host, virga_str_from("k"),
        (struct virga_str){(const char *)cfn->page_key.bytes, sizeof cfn->page_key});
}

static void resume(void *arg) {
    struct cfn *cfn = arg;
    cfn->timer->stop(cfn->resume_timer);
    cfn->resume_timer = NULL;
    operation_resume_all(cfn);
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    struct cfn *cfn = &plugin->cfn;
    cfn->host = host;
    cfn->log = host->get_interface(host, VIRGA_LOG_ID);
    cfn->store = host->get_interface(host, VIRGA_STORE_ID);
    cfn->timer = host->get_interface(host, VIRGA_TIMER_ID);
    cfn->dispatch = host->get_interface(host, VIRGA_DISPATCH_ID);
    types_table(cfn, &plugin->table);
    int result = read_page_key(cfn);
    result = result != 0 ? result : host->provide(host, VIRGA_RESOURCE_TYPES_ID, &plugin->table);
    result = result != 0
                 ? result
                 : cfn->timer->start(host, RESUME_DELAY_MS, 0, resume, cfn, &cfn->resume_timer);
    if (result != 0) {
        virga_error_set(err, "it could not be set up: %s", strerror(-result));
        free(plugin);
        return result;
    }
    *ret_self = plugin;
    return 0;
}

static int stop(void *self) {
    struct cfn *cfn = &((struct plugin *)self)->cfn;
    cfn->timer->stop(cfn->resume_timer);
    cfn->resume_timer = NULL;
    operation_stop_all(cfn);
    cfn->stop_pending = cfn->operations != NULL;
    return cfn->stop_pending ? -EINPROGRESS : 0;
}

static void destroy(void *self) {
    struct plugin *plugin = self;
    types_finish(&plugin->cfn);
    free(plugin);
}

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_QUERY, .pattern = CALL_VERSION, .service = "cloudformation"},
    {.kind = VIRGA_ROUTE_TARGET,
     .pattern = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
     .service = "cloudtrail",
     .tag = ROUTE_EVENTS},
    {.kind = VIRGA_ROUTE_TARGET,
     .pattern = "CloudTrail_20131101",
     .service = "cloudtrail",
     .tag = ROUTE_EVENTS},
};

static const char *const needs[] = {VIRGA_LOG_ID, VIRGA_STORE_ID, VIRGA_TIMER_ID, VIRGA_DISPATCH_ID,
                                    NULL};
static const char *const provides[] = {VIRGA_RESOURCE_TYPES_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "cloudformation",
    .version = "0.1.0",   .summary = "AWS CloudFormation: stacks of resources out of templates",
    VIRGA_ROUTES(routes), .needs = needs,
    .provides = provides, .start = start,
    .handle = handle,     .stop = stop,
    .destroy = destroy,
};
