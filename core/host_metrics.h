/* SPDX-License-Identifier: MIT */
/* What the host counts of itself, and the page GET /_floci/metrics. Owns the host's registry. */
#ifndef CORE_HOST_METRICS_H
#define CORE_HOST_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct host;
struct host_metrics;
struct metrics;
struct request;

/* Begins to count and adds the page; host->metrics is NULL before. Needs loop and router. Errors:
 * -ENOMEM, -EEXIST. Thread: [loop], as all here. */
int host_metrics_setup(struct host *host, struct error *err);
/* Ends it; the loop must turn afterwards. Never begun: nothing happens. */
void host_metrics_teardown(struct host *host);

/* The registry. */
struct metrics *host_metrics_registry(struct host *host);

/* An exchange has ended, after so long. */
void host_metrics_count(struct host_metrics *metrics, const struct request *req, uint64_t took_ns);

#endif
