/* SPDX-License-Identifier: MIT */
/* The table of virga.metrics/1. */
#include "ext_metrics.h"

#include <errno.h>

#include "host.h"
#include "host_metrics.h"
#include "metrics.h"

static int create(const struct virga_host *api, const struct virga_metric_options *options,
                  struct virga_metric **ret_metric) {
    static const char own[] = "virga_";
    if (api == NULL || options == NULL || ret_metric == NULL ||
        options->struct_size < sizeof *options || options->name == NULL ||
        strncmp(options->name, own, sizeof own - 1) == 0) {
        return -EINVAL;
    }
    struct plugin *plugin = plugin_from(api);
    struct metrics *registry = host_metrics_registry(plugin->host);
    return registry == NULL ? -ENOMEM : metrics_add_metric(registry, plugin, options, ret_metric);
}

static void add(struct virga_metric *metric, const char *const *values, double amount) {
    if (metric != NULL) {
        metrics_add(metric, metrics_series(metric, values), amount);
    }
}

static void set(struct virga_metric *metric, const char *const *values, double value) {
    if (metric != NULL && metrics_kind(metric) == VIRGA_METRIC_GAUGE) {
        metrics_set(metrics_series(metric, values), value);
    }
}

const struct virga_metrics ext_metrics = {
    .struct_size = sizeof ext_metrics,
    .create = create,
    .add = add,
    .set = set,
};
