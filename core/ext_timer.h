/* SPDX-License-Identifier: MIT */
/* virga.timer/1 as the host keeps it: one uv_timer for each handle. */
#ifndef CORE_EXT_TIMER_H
#define CORE_EXT_TIMER_H

#include <virga/ext/timer.h>

extern const struct virga_timer ext_timer;

#endif
