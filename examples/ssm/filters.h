/* SPDX-License-Identifier: MIT */
/* ParameterFilters, and the older Filters: which parameters are listed. */
#ifndef SSM_FILTERS_H
#define SSM_FILTERS_H

#include "labels.h"

/* Checks the filters of the call; `by_path`: as GetParametersByPath takes them. 0, or it has
 * answered the call with the error. */
int filters_check(struct call *call, int by_path);

/* Whether a parameter passes every filter: 1 or 0. Errors: as the store's. */
int filters_pass(const struct call *call, struct virga_str name, const struct record *record);

/* The version that a filter by Label asks for; 0: none has the label, -1: there is no such filter.
 * Errors: as the store's. */
int filters_label(const struct call *call, struct virga_str name, int64_t *ret_version);

/* Whether a name lies below a path: directly, or anywhere when `recursive`. */
int filters_is_below(struct virga_str name, struct virga_str path, int recursive);

#endif
