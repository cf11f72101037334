/* SPDX-License-Identifier: MIT */
/* virga.listener/1 as the host keeps it: a plugin's ports, over listener.h. */
#ifndef CORE_EXT_LISTENER_H
#define CORE_EXT_LISTENER_H

#include <virga/ext/listener.h>

extern const struct virga_listener ext_listener;

#endif
