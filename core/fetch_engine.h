/* SPDX-License-Identifier: MIT */
/* One curl multi handle on the loop: sockets by uv_poll, timeouts by one uv_timer. Owns when curl
 * runs; what is asked and answered belongs to ext_fetch. Everything is [loop]. */
#ifndef CORE_FETCH_ENGINE_H
#define CORE_FETCH_ENGINE_H

#include <curl/curl.h>
#include <stdbool.h>

struct fetch_engine;
struct host;

/* Connections kept for later requests. */
#define FETCH_KEPT_CONNECTIONS 16L

/* The host's engine, made at the first call: a host that fetches nothing does not pay for libcurl
 * and TLS. `on_done` tells of each easy handle that ended, never inside fetch_engine_add(). Errors:
 * -ENOMEM. */
int fetch_engine_get(struct host *host, void (*on_done)(CURL *easy, CURLcode result),
                     struct fetch_engine **ret_engine);

/* Whether a callback of curl runs: nothing may be added or ended then. */
bool fetch_engine_is_inside(const struct fetch_engine *engine);

/* Begins a transfer. Not inside a curl callback. Errors: -ENOMEM. */
int fetch_engine_add(struct fetch_engine *engine, CURL *easy);
/* Goes on with a transfer that one of its callbacks has paused; the callbacks run inside this call
 * and may fail it. Not inside a curl callback. */
void fetch_engine_resume(struct fetch_engine *engine, CURL *easy);
/* Ends one, done or not; the easy handle stays the caller's. Not inside a curl callback. */
void fetch_engine_remove(struct fetch_engine *engine, CURL *easy);

/* Closes every kept connection; no easy handle may be left. Frees itself in the turns of the loop
 * that follow. */
void fetch_engine_destroy(struct fetch_engine *engine);

#endif
