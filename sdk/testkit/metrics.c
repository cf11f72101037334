/* SPDX-License-Identifier: MIT */
/* virga.metrics/1: numbers that the test reads. */
#include <stdlib.h>

#include "kit.h"

#define BUCKETS_MAX 30

/* One combination of label values. */
struct sample {
    struct link link;
    char *values; /* joined by '|' */
    double value;
    uint64_t count;
};

struct virga_metric {
    struct link link;
    struct testkit *kit;
    char *name;
    uint32_t kind;
    size_t labels_count;
    struct link samples;
};

static bool valid_name(const char *name) {
    static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
    return name != NULL && name[0] != '\0' && strchr(first, name[0]) != NULL &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

static struct virga_metric *find(const struct testkit *kit, const char *name) {
    LINK_EACH(at, &kit->metrics) {
        struct virga_metric *metric = LINK_ENTRY(at, struct virga_metric, link);
        if (strcmp(metric->name, name) == 0) {
            return metric;
        }
    }
    return NULL;
}

static int create(const struct virga_host *host, const struct virga_metric_options *options,
                  struct virga_metric **ret_metric) {
    struct testkit *kit = kit_from(host);
    size_t labels = 0;
    while (options->labels != NULL && options->labels[labels] != NULL) {
        if (!valid_name(options->labels[labels])) {
            return -EINVAL;
        }
        labels++;
    }
    bool histogram = options->kind == VIRGA_METRIC_HISTOGRAM;
    if (!valid_name(options->name) || options->kind < VIRGA_METRIC_COUNTER ||
        options->kind > VIRGA_METRIC_HISTOGRAM || labels > VIRGA_METRIC_LABELS_MAX ||
        options->buckets_count > BUCKETS_MAX || (!histogram && options->buckets_count > 0)) {
        return -EINVAL;
    }
    for (size_t i = 1; i < options->buckets_count; i++) {
        if (options->buckets[i] <= options->buckets[i - 1]) {
            return -EINVAL;
        }
    }
    if (find(kit, options->name) != NULL) {
        return -EEXIST;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_metric *metric = kit_must_alloc(sizeof *metric);
    metric->kit = kit;
    metric->name = kit_must_strdup(options->name);
    metric->kind = options->kind;
    metric->labels_count = labels;
    link_init(&metric->samples);
    link_append(&kit->metrics, &metric->link);
    *ret_metric = metric;
    return 0;
}

static struct sample *sample_of(const struct virga_metric *metric, const char *values) {
    LINK_EACH(at, &metric->samples) {
        struct sample *sample = LINK_ENTRY(at, struct sample, link);
        if (strcmp(sample->values, values) == 0) {
            return sample;
        }
    }
    return NULL;
}

static struct sample *touch(struct virga_metric *metric, const char *const *values) {
    struct text joined = {0};
    for (size_t i = 0; values != NULL && i < metric->labels_count; i++) {
        kit_text_add(&joined, "|", i > 0);
        kit_text_add(&joined, values[i], strlen(values[i]));
    }
    struct sample *sample = sample_of(metric, kit_text_get(&joined));
    if (sample == NULL) {
        sample = kit_must_alloc(sizeof *sample);
        sample->values = kit_must_strdup(kit_text_get(&joined));
        link_append(&metric->samples, &sample->link);
    }
    kit_text_free(&joined);
    if (values == NULL && metric->labels_count > 0) {
        kit_problem(metric->kit, "metric %s: no label values", metric->name);
    }
    sample->count++;
    return sample;
}

static void add(struct virga_metric *metric, const char *const *values, double amount) {
    if (metric == NULL) {
        return;
    }
    if (metric->kind == VIRGA_METRIC_COUNTER && !(amount >= 0)) {
        kit_problem(metric->kit, "metric %s: a counter does not go down", metric->name);
        return;
    }
    touch(metric, values)->value += amount;
}

static void set(struct virga_metric *metric, const char *const *values, double value) {
    if (metric == NULL) {
        return;
    }
    if (metric->kind != VIRGA_METRIC_GAUGE) {
        kit_problem(metric->kit, "metric %s: only a gauge can be set", metric->name);
        return;
    }
    touch(metric, values)->value = value;
}

void kit_metrics_finish(struct testkit *kit) {
    LINK_EACH(at, &kit->metrics) {
        struct virga_metric *metric = LINK_ENTRY(at, struct virga_metric, link);
        LINK_EACH(each, &metric->samples) {
            struct sample *sample = LINK_ENTRY(each, struct sample, link);
            free(sample->values);
            free(sample);
        }
        link_remove(&metric->link);
        free(metric->name);
        free(metric);
    }
}

static const struct sample *look_up(const struct testkit *kit, const char *name,
                                    const char *values) {
    const struct virga_metric *metric = find(kit, name);
    return metric != NULL ? sample_of(metric, values != NULL ? values : "") : NULL;
}

double testkit_metric(const struct testkit *kit, const char *name, const char *values) {
    const struct sample *sample = look_up(kit, name, values);
    return sample != NULL ? sample->value : 0;
}

uint64_t testkit_metric_count(const struct testkit *kit, const char *name, const char *values) {
    const struct sample *sample = look_up(kit, name, values);
    return sample != NULL ? sample->count : 0;
}

const struct virga_metrics kit_metrics = {
    .struct_size = sizeof kit_metrics,
    .create = create,
    .add = add,
    .set = set,
};
