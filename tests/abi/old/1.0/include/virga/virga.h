/* SPDX-License-Identifier: MIT */
/* Everything a plugin can use, in one include. */
#ifndef VIRGA_VIRGA_H
#define VIRGA_VIRGA_H

#include "abi.h"
#include "host.h"
#include "http.h"
#include "plugin.h"

#include "ext/config.h"
#include "ext/fetch.h"
#include "ext/listener.h"
#include "ext/log.h"
#include "ext/process.h"
#include "ext/proxy.h"
#include "ext/store.h"
#include "ext/timer.h"
#include "ext/work.h"

#endif
