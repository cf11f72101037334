/* SPDX-License-Identifier: MIT */
/* virga.fetch/1 for plugins: outgoing requests by libcurl, driven by the loop. */
#ifndef CORE_EXT_FETCH_H
#define CORE_EXT_FETCH_H

#include <virga/ext/fetch.h>

struct host;

extern const struct virga_fetch ext_fetch;

/* Closes kept connections and ends what is still under way, without callbacks. The loop must turn
 * afterwards. Never used: nothing happens. Thread: [loop]. */
void ext_fetch_teardown(struct host *host);

#endif
