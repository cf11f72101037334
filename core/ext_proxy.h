/* SPDX-License-Identifier: MIT */
/* virga.proxy/1 for plugins. */
#ifndef CORE_EXT_PROXY_H
#define CORE_EXT_PROXY_H

#include <virga/ext/proxy.h>

extern const struct virga_proxy ext_proxy;

#endif
