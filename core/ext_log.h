/* SPDX-License-Identifier: MIT */
/* virga.log/1 as the host keeps it: the plugin's name goes on each line. */
#ifndef CORE_EXT_LOG_H
#define CORE_EXT_LOG_H

#include <virga/ext/log.h>

extern const struct virga_log ext_log;

#endif
