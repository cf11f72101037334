/* SPDX-License-Identifier: MIT */
/* The registry of counters, gauges and histograms. Owns their values and the text that they are
 * shown in; knows nobody who counts. Everything is [loop]. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <virga/ext/metrics.h>

struct metrics;
struct plugin;
/* The values of one combination of labels. */
struct metric_series;

/* Metrics in a host. */
#define METRICS_MAX 1000
/* Combinations of label values in one metric; the rest is one more, "other". */
#define METRICS_SERIES_MAX 1000
#define METRICS_BUCKETS_MAX 30
/* Bytes of a name, of a help text, and of a label's value; longer ones are refused, a value is cut.
 */
#define METRICS_NAME_MAX 120
#define METRICS_HELP_MAX 500
#define METRICS_VALUE_MAX 128

int metrics_create(struct metrics **ret_metrics);
/* NULL is fine. */
void metrics_destroy(struct metrics *metrics);

/* Makes a metric; `owner` NULL: the host's own. Everything is copied. Errors: -EINVAL malformed,
 * -EEXIST the name is taken, -ENOSPC METRICS_MAX, -ENOMEM. */
int metrics_add_metric(struct metrics *metrics, const struct plugin *owner,
                       const struct virga_metric_options *options,
                       struct virga_metric **ret_metric);
/* Frees the metrics of a plugin. */
void metrics_forget(struct metrics *metrics, const struct plugin *owner);

/* The series of these label values, `values` as in virga_metrics.add; NULL when out of memory.
 * Valid: as long as the metric. */
struct metric_series *metrics_series(struct virga_metric *metric, const char *const *values);

/* As virga_metrics.add, on a series of that metric; NULL: nothing happens. */
void metrics_add(const struct virga_metric *metric, struct metric_series *series, double amount);
/* Sets a gauge, or a counter that is kept elsewhere. NULL: nothing happens. */
void metrics_set(struct metric_series *series, double value);

enum virga_metric_kind metrics_kind(const struct virga_metric *metric);

/* All of it in Prometheus's text format. Owns: the caller frees *ret_text. Errors: -ENOMEM.
 * Source: Prometheus, exposition formats, text format 0.0.4. */
int metrics_text(const struct metrics *metrics, char **ret_text, size_t *ret_len);

#endif
