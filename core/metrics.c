/* SPDX-License-Identifier: MIT */
/* The registry of metrics. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics_impl.h"

/* ---- names ---- */

static bool is_name(const char *name) {
    size_t len = name != NULL ? strlen(name) : 0;
    return len > 0 && len <= METRICS_NAME_MAX && (name[0] < '0' || name[0] > '9') &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

/* Whether `name` is one under which a histogram shows its values. */
static bool is_part_of(const char *name, const struct virga_metric *histogram) {
    size_t len = strlen(histogram->name);
    return histogram->kind == VIRGA_METRIC_HISTOGRAM && strncmp(name, histogram->name, len) == 0 &&
           (strcmp(name + len, "_bucket") == 0 || strcmp(name + len, "_sum") == 0 ||
            strcmp(name + len, "_count") == 0);
}

static bool is_taken(const struct metrics *metrics, const struct virga_metric *metric) {
    LIST_EACH (node, &metrics->all) {
        const struct virga_metric *other = LIST_ENTRY(node, struct virga_metric, node);
        if (strcmp(other->name, metric->name) == 0 || is_part_of(metric->name, other) ||
            is_part_of(other->name, metric)) {
            return true;
        }
    }
    return false;
}

static bool labels_are_good(const struct virga_metric_options *options) {
    for (size_t i = 0; options->labels != NULL && options->labels[i] != NULL; i++) {
        const char *label = options->labels[i];
        /* "__" begins Prometheus's own labels; "le" is a histogram's. */
        if (i == VIRGA_METRIC_LABELS_MAX || !is_name(label) || strncmp(label, "__", 2) == 0 ||
            (options->kind == VIRGA_METRIC_HISTOGRAM && strcmp(label, "le") == 0)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(options->labels[j], label) == 0) {
                return false;
            }
        }
    }
    return true;
}

static bool buckets_are_good(const struct virga_metric_options *options) {
    if (options->kind != VIRGA_METRIC_HISTOGRAM) {
        return options->buckets_count == 0;
    }
    if (options->buckets_count == 0 || options->buckets_count > METRICS_BUCKETS_MAX ||
        options->buckets == NULL) {
        return false;
    }
    for (size_t i = 0; i < options->buckets_count; i++) {
        if (!isfinite(options->buckets[i]) ||
            (i > 0 && !(options->buckets[i] > options->buckets[i - 1]))) {
            return false;
        }
    }
    return true;
}

static bool is_good(const struct virga_metric_options *options) {
    return options->kind >= VIRGA_METRIC_COUNTER && options->kind <= VIRGA_METRIC_HISTOGRAM &&
           is_name(options->name) && options->help != NULL &&
           strlen(options->help) <= METRICS_HELP_MAX && labels_are_good(options) &&
           buckets_are_good(options);
}

/* ---- life ---- */

int metrics_create(struct metrics **ret_metrics) {
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL) {
        return -ENOMEM;
    }
    list_init(&metrics->all);
    *ret_metrics = metrics;
    return 0;
}

static void free_series(struct metric_series *series) {
    free(series->below);
    free(series);
}

static void free_metric(struct virga_metric *metric) {
    for (size_t i = 0; i < metric->table_size; i++) {
        struct metric_series *series = metric->table[i];
        while (series != NULL) {
            struct metric_series *next = series->next;
            free_series(series);
            series = next;
        }
    }
    free(metric->table);
    free(metric->buckets);
    for (size_t i = 0; i < metric->labels_count; i++) {
        free(metric->labels[i]);
    }
    free(metric->help);
    free(metric->name);
    free(metric);
}

static void remove_metric(struct virga_metric *metric) {
    list_remove(&metric->node);
    metric->metrics->count--;
    free_metric(metric);
}

void metrics_destroy(struct metrics *metrics) {
    if (metrics == NULL) {
        return;
    }
    LIST_EACH_SAFE (node, &metrics->all) {
        remove_metric(LIST_ENTRY(node, struct virga_metric, node));
    }
    free(metrics);
}

void metrics_forget(struct metrics *metrics, const struct plugin *owner) {
    if (metrics == NULL) {
        return;
    }
    LIST_EACH_SAFE (node, &metrics->all) {
        struct virga_metric *metric = LIST_ENTRY(node, struct virga_metric, node);
        if (metric->owner == owner) {
            remove_metric(metric);
        }
    }
}

static int copy_options(struct virga_metric *metric, const struct virga_metric_options *options) {
    metric->kind = (enum virga_metric_kind)options->kind;
    metric->name = strdup(options->name);
    metric->help = strdup(options->help);
    metric->table_size = METRICS_TABLE_FIRST;
    metric->table = calloc(METRICS_TABLE_FIRST, sizeof(struct metric_series *));
    if (metric->table == NULL) {
        metric->table_size = 0;
    }
    bool complete = metric->name != NULL && metric->help != NULL && metric->table != NULL;
    while (options->labels != NULL && options->labels[metric->labels_count] != NULL) {
        char *label = strdup(options->labels[metric->labels_count]);
        complete = complete && label != NULL;
        metric->labels[metric->labels_count++] = label;
    }
    if (options->buckets_count > 0) {
        metric->buckets = calloc(options->buckets_count, sizeof(double));
        complete = complete && metric->buckets != NULL;
        if (metric->buckets != NULL) {
            memcpy(metric->buckets, options->buckets, options->buckets_count * sizeof(double));
            metric->buckets_count = options->buckets_count;
        }
    }
    return complete ? 0 : -ENOMEM;
}

int metrics_add_metric(struct metrics *metrics, const struct plugin *owner,
                       const struct virga_metric_options *options,
                       struct virga_metric **ret_metric) {
    if (!is_good(options)) {
        return -EINVAL;
    }
    if (metrics->count == METRICS_MAX) {
        return -ENOSPC;
    }
    struct virga_metric *metric = calloc(1, sizeof *metric);
    if (metric == NULL) {
        return -ENOMEM;
    }
    metric->owner = owner;
    metric->metrics = metrics;
    int result = copy_options(metric, options);
    if (result == 0 && is_taken(metrics, metric)) {
        result = -EEXIST;
    }
    /* One without labels is there from the start, with its 0. */
    if (result == 0 && metric->labels_count == 0 && metrics_series(metric, NULL) == NULL) {
        result = -ENOMEM;
    }
    if (result != 0) {
        free_metric(metric);
        return result;
    }
    list_append(&metrics->all, &metric->node);
    metrics->count++;
    *ret_metric = metric;
    return 0;
}

enum virga_metric_kind metrics_kind(const struct virga_metric *metric) {
    return metric->kind;
}

/* ---- series ---- */

/* FNV-1a, over every value with its NUL. */
static uint32_t hash_values(const struct virga_metric *metric, const char *const *values,
                            size_t *ret_len) {
    uint32_t hash = 2166136261u;
    size_t total = 0;
    for (size_t i = 0; i < metric->labels_count; i++) {
        const char *value = values[i] != NULL ? values[i] : "";
        size_t len = 0;
        for (; value[len] != '\0' && len < METRICS_VALUE_MAX; len++) {
            hash = (hash ^ (unsigned char)value[len]) * 16777619u;
        }
        hash *= 16777619u;
        total += len + 1;
    }
    *ret_len = total;
    return hash;
}

static bool has_values(const struct metric_series *series, const struct virga_metric *metric,
                       const char *const *values) {
    const char *at = series->labels;
    for (size_t i = 0; i < metric->labels_count; i++) {
        const char *value = values[i] != NULL ? values[i] : "";
        size_t len = strnlen(value, METRICS_VALUE_MAX);
        if (memcmp(at, value, len) != 0 || at[len] != '\0') {
            return false;
        }
        at += len + 1;
    }
    return true;
}

/* A table that is too full is as good as before when there is no memory for a larger one. */
static void grow(struct virga_metric *metric) {
    size_t size = 2 * metric->table_size;
    struct metric_series **table = calloc(size, sizeof *table);
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < metric->table_size; i++) {
        struct metric_series *series = metric->table[i];
        while (series != NULL) {
            struct metric_series *next = series->next;
            series->next = table[series->hash & (size - 1)];
            table[series->hash & (size - 1)] = series;
            series = next;
        }
    }
    free(metric->table);
    metric->table = table;
    metric->table_size = size;
}

static struct metric_series *insert(struct virga_metric *metric, const char *const *values,
                                    uint32_t hash, size_t len) {
    struct metric_series *series = calloc(1, sizeof *series + len);
    if (series == NULL) {
        return NULL;
    }
    if (metric->buckets_count > 0) {
        series->below = calloc(metric->buckets_count, sizeof *series->below);
        if (series->below == NULL) {
            free(series);
            return NULL;
        }
    }
    char *at = series->labels;
    for (size_t i = 0; i < metric->labels_count; i++) {
        const char *value = values[i] != NULL ? values[i] : "";
        size_t value_len = strnlen(value, METRICS_VALUE_MAX);
        memcpy(at, value, value_len); /* the NUL is there */
        at += value_len + 1;
    }
    series->labels_len = len;
    series->hash = hash;
    if (metric->series_count >= metric->table_size) {
        grow(metric);
    }
    struct metric_series **slot = &metric->table[hash & (metric->table_size - 1)];
    series->next = *slot;
    *slot = series;
    metric->series_count++;
    return series;
}

struct metric_series *metrics_series(struct virga_metric *metric, const char *const *values) {
    static const char *const others[VIRGA_METRIC_LABELS_MAX] = {"other", "other", "other", "other"};
    size_t len;
    if (metric->labels_count > 0 && values == NULL) {
        return NULL;
    }
    uint32_t hash = hash_values(metric, values, &len);
    struct metric_series *series = metric->table[hash & (metric->table_size - 1)];
    while (series != NULL && (series->hash != hash || series->labels_len != len ||
                              !has_values(series, metric, values))) {
        series = series->next;
    }
    if (series != NULL) {
        return series;
    }
    if (metric->series_count < METRICS_SERIES_MAX) {
        return insert(metric, values, hash, len);
    }
    if (metric->other == NULL) {
        hash = hash_values(metric, others, &len);
        metric->other = insert(metric, others, hash, len);
    }
    return metric->other;
}

/* ---- values ---- */

void metrics_add(const struct virga_metric *metric, struct metric_series *series, double amount) {
    if (series == NULL || isnan(amount) ||
        (metric->kind == VIRGA_METRIC_COUNTER && !(amount >= 0 && isfinite(amount)))) {
        return;
    }
    series->value += amount;
    if (metric->kind == VIRGA_METRIC_HISTOGRAM) {
        size_t i = 0;
        while (i < metric->buckets_count && amount > metric->buckets[i]) {
            i++;
        }
        if (i < metric->buckets_count) {
            series->below[i]++;
        }
        series->count++;
    }
}

void metrics_set(struct metric_series *series, double value) {
    if (series != NULL) {
        series->value = value;
    }
}
