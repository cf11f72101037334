/* SPDX-License-Identifier: MIT */
/* The registry as Prometheus reads it. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics_impl.h"

#define TEXT_SIZE_FIRST ((size_t)16384)

struct text {
    char *bytes;
    size_t len;
    size_t size;
    bool failed;
};

static void put(struct text *text, const char *bytes, size_t len) {
    if (text->failed) {
        return;
    }
    if (len > text->size - text->len) {
        size_t size = text->size != 0 ? text->size : TEXT_SIZE_FIRST;
        while (size - text->len < len) {
            size *= 2;
        }
        char *grown = realloc(text->bytes, size);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->size = size;
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

static void put_text(struct text *text, const char *string) {
    put(text, string, strlen(string));
}

/* The bytes of the UTF-8 character at `at`; 0 when there is none. */
static size_t character(const char *at) {
    unsigned char lead = (unsigned char)*at;
    size_t len = lead < 0x80   ? 1
                 : lead < 0xc2 ? 0
                 : lead < 0xe0 ? 2
                 : lead < 0xf0 ? 3
                 : lead < 0xf5 ? 4
                               : 0;
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* In a help text a quote stands for itself. What is not UTF-8 would make the whole page unreadable.
 */
static void put_escaped(struct text *text, const char *string, bool quotes) {
    while (*string != '\0') {
        size_t len = character(string);
        if (*string == '\n') {
            put_text(text, "\\n");
        } else if (len == 0) {
            put_text(text, "?");
        } else {
            if (*string == '\\' || (quotes && *string == '"')) {
                put_text(text, "\\");
            }
            put(text, string, len);
        }
        string += len != 0 ? len : 1;
    }
}

static void put_number(struct text *text, double value) {
    char number[40];
    if (!isfinite(value)) {
        put_text(text, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    (void)snprintf(number, sizeof number, "%.15g", value);
    if (strtod(number, NULL) != value) {
        (void)snprintf(number, sizeof number, "%.17g", value);
    }
    /* A plugin may have set a locale. */
    char *comma = strchr(number, ',');
    if (comma != NULL) {
        *comma = '.';
    }
    put_text(text, number);
}

static void put_count(struct text *text, uint64_t count) {
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, count);
    put_text(text, number);
}

/* One line: name, suffix, labels with `le` at the end if there is one, and a space. */
static void put_series(struct text *text, const struct virga_metric *metric,
                       const struct metric_series *series, const char *suffix, const double *le) {
    const char *value = series->labels;
    put_text(text, metric->name);
    put_text(text, suffix);
    for (size_t i = 0; i < metric->labels_count; i++) {
        put_text(text, i == 0 ? "{" : ",");
        put_text(text, metric->labels[i]);
        put_text(text, "=\"");
        put_escaped(text, value, true);
        put_text(text, "\"");
        value += strlen(value) + 1;
    }
    if (le != NULL) {
        put_text(text, metric->labels_count == 0 ? "{le=\"" : ",le=\"");
        put_number(text, *le);
        put_text(text, "\"");
    }
    put_text(text, metric->labels_count > 0 || le != NULL ? "} " : " ");
}

static void put_histogram(struct text *text, const struct virga_metric *metric,
                          const struct metric_series *series) {
    uint64_t below = 0;
    for (size_t i = 0; i < metric->buckets_count; i++) {
        below += series->below[i];
        put_series(text, metric, series, "_bucket", &metric->buckets[i]);
        put_count(text, below);
        put_text(text, "\n");
    }
    static const double infinity = HUGE_VAL;
    put_series(text, metric, series, "_bucket", &infinity);
    put_count(text, series->count);
    put_text(text, "\n");
    put_series(text, metric, series, "_sum", NULL);
    put_number(text, series->value);
    put_text(text, "\n");
    put_series(text, metric, series, "_count", NULL);
    put_count(text, series->count);
    put_text(text, "\n");
}

static void put_metric(struct text *text, const struct virga_metric *metric) {
    static const char *const kinds[] = {"", "counter", "gauge", "histogram"};
    put_text(text, "# HELP ");
    put_text(text, metric->name);
    put_text(text, " ");
    put_escaped(text, metric->help, false);
    put_text(text, "\n# TYPE ");
    put_text(text, metric->name);
    put_text(text, " ");
    put_text(text, kinds[metric->kind]);
    put_text(text, "\n");
    for (size_t i = 0; i < metric->table_size; i++) {
        for (const struct metric_series *series = metric->table[i]; series != NULL;
             series = series->next) {
            if (metric->kind == VIRGA_METRIC_HISTOGRAM) {
                put_histogram(text, metric, series);
            } else {
                put_series(text, metric, series, "", NULL);
                put_number(text, series->value);
                put_text(text, "\n");
            }
        }
    }
}

int metrics_text(const struct metrics *metrics, char **ret_text, size_t *ret_len) {
    struct text text = {0};
    LIST_EACH (node, &metrics->all) {
        put_metric(&text, LIST_ENTRY(node, struct virga_metric, node));
    }
    put(&text, "", 1); /* the NUL behind it */
    if (text.failed) {
        free(text.bytes);
        return -ENOMEM;
    }
    *ret_text = text.bytes;
    *ret_len = text.len - 1;
    return 0;
}
