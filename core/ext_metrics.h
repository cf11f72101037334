/* SPDX-License-Identifier: MIT */
/* virga.metrics/1 for plugins: their metrics in the host's registry. */
#ifndef CORE_EXT_METRICS_H
#define CORE_EXT_METRICS_H

#include <virga/ext/metrics.h>

extern const struct virga_metrics ext_metrics;

#endif
