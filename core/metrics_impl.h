/* SPDX-License-Identifier: MIT */
/* What the registry (metrics.c) and its text (metrics_text.c) share. */
#ifndef CORE_METRICS_IMPL_H
#define CORE_METRICS_IMPL_H

#include "list.h"
#include "metrics.h"

#define METRICS_TABLE_FIRST 16

struct metric_series {
    struct metric_series *next; /* in its slot */
    uint32_t hash;
    double value;    /* of a histogram: the sum */
    uint64_t count;  /* of a histogram */
    uint64_t *below; /* of a histogram: how many fell into each bucket, not cumulated */
    size_t labels_len;
    char labels[]; /* the values, a NUL behind each */
};

struct virga_metric {
    struct list node;
    const struct plugin *owner;
    struct metrics *metrics;
    enum virga_metric_kind kind;
    char *name;
    char *help;
    char *labels[VIRGA_METRIC_LABELS_MAX];
    size_t labels_count;
    double *buckets;
    size_t buckets_count;
    struct metric_series **table;
    size_t table_size; /* a power of two */
    size_t series_count;
    struct metric_series *other; /* in the table too */
};

struct metrics {
    struct list all; /* in order of creation */
    size_t count;
};

#endif
