/* SPDX-License-Identifier: MIT */
/* virga.metrics/1: counters, gauges and histograms, shown at /_floci/metrics. Since ABI 1.1. */
#ifndef VIRGA_EXT_METRICS_H
#define VIRGA_EXT_METRICS_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_METRICS_ID "virga.metrics/1"

struct virga_metric;

enum virga_metric_kind {
    VIRGA_METRIC_COUNTER = 1,
    VIRGA_METRIC_GAUGE = 2,
    VIRGA_METRIC_HISTOGRAM = 3
};

struct virga_metric_options {
    uint32_t struct_size;
    uint32_t kind; /* enum virga_metric_kind */
    /* As Prometheus has it, [a-z_][a-z0-9_]*, with its unit: "ecr_pulls_total"; at most 120 bytes,
     * and "virga_" is the host's. */
    const char *name;
    const char *help; /* one line, at most 500 bytes */
    /* Label names, of the same letters, ended by NULL; NULL = none; at most
     * VIRGA_METRIC_LABELS_MAX. Not "le" in a histogram, nor what begins with "__". */
    const char *const *labels;
    /* Of a histogram: upper bounds, rising, 1 to 30; +Inf is added. */
    const double *buckets;
    size_t buckets_count;
};

#define VIRGA_METRIC_LABELS_MAX 4

struct virga_metrics {
    uint32_t struct_size;
    uint32_t reserved;

    /* Makes a metric; names are shared by all plugins, so begin them with the plugin's. It lives
     * until the plugin is destroyed; there is no need to give it back. Everything is copied.
     * Errors: -EEXIST the name is taken (also by the _bucket, _sum and _count of a histogram),
     * -EINVAL malformed, -ENOSPC 1,000 metrics are there, -ENOMEM. Thread: [loop]. */
    int (*create)(const struct virga_host *host, const struct virga_metric_options *options,
                  struct virga_metric **ret_metric);

    /* Adds to a counter (an amount below 0 is left out) or gauge, or observes a value in a
     * histogram. `values` has one text (UTF-8, 128 bytes of it count) for each label, in their
     * order; NULL without labels. Beyond 1,000 combinations of a metric all others are counted as
     * "other", so do not label with what clients can make up. NULL metric: nothing happens. Thread:
     * [loop]. */
    void (*add)(struct virga_metric *metric, const char *const *values, double amount);

    /* Sets a gauge; nothing happens to other kinds. As add(). Thread: [loop]. */
    void (*set)(struct virga_metric *metric, const char *const *values, double value);
};

#ifdef __cplusplus
}
#endif
#endif
