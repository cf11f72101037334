/* SPDX-License-Identifier: MIT */
/* virga.dispatch/1 for plugins: requests that are carried in memory. */
#ifndef CORE_EXT_DISPATCH_H
#define CORE_EXT_DISPATCH_H

#include <virga/ext/dispatch.h>

/* Calls that stand behind each other: a handler that calls a handler that calls ... */
#define EXT_DISPATCH_DEPTH_MAX 16
/* Calls under way at one time. */
#define EXT_DISPATCH_CALLS_MAX 10000

extern const struct virga_dispatch ext_dispatch;

#endif
