/* SPDX-License-Identifier: MIT */
/* Listening sockets: opens one port on several addresses, accepts, and makes connections.
 * Owns the sockets; leaves bytes to conn and meaning to on_request. */
#ifndef CORE_LISTENER_H
#define CORE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "list.h"

struct host;
struct request;
struct plugin;
struct listener;

struct listener_options {
    const char *addresses; /* "127.0.0.1,::1" */
    uint16_t port_preferred;
    uint16_t port_first;
    uint16_t port_last;    /* all 0 = ephemeral */
    const char *unix_path; /* instead of a port */
    struct plugin *plugin; /* whose listener; NULL = the host's */
    /* Decides what happens with a request whose head is complete, before its body is read: sets
     * request->plugin, the body limit and whether the body streams (see request.h). NULL: `streams`
     * and `body_limit_bytes` below. May answer at once (an unknown route). */
    void (*on_head)(void *arg, struct request *req);
    bool streams;
    bool patient; /* idle connections and bodies that stand are not timed out, nor waited for */
    uint64_t body_limit_bytes;
    uint64_t deadline_ms; /* until the answer begins; 0 = none */
    /* The request is ready: its body is complete, or it streams. The callee guards its own calls
     * into plugins (plugin_enter). */
    void (*on_request)(void *arg, struct request *req);
    void *arg;
};

/* Opens it. err names address and port. Errors as in virga/ext/listener.h. Thread: [loop]. */
int listener_open(struct host *host, const struct listener_options *options,
                  struct listener **ret_listener, struct error *err);
/* Whether it could be opened now; opens and closes its sockets. Errors: as listener_open(). */
int listener_check(const struct listener_options *options, struct error *err);
/* The port; 0 for a unix socket. */
uint16_t listener_port(const struct listener *listener);
/* Stops accepting and closes idle connections. The struct lives on until its last connection is
 * gone; on_head and on_request are not called any more. NULL is fine. */
void listener_close(struct listener *listener);

/* Stops accepting; connections under way go on, further ones wait in the kernel for the next worker
 * if the supervisor holds the sockets. */
void listener_pause(struct listener *listener);
/* The same for all listeners of the host whose sockets the supervisor holds. */
void listener_pause_kept(struct host *host);
/* Stops accepting for good: further connections are refused, those under way go on. */
void listener_withdraw(struct listener *listener);

/* --- between the files of the server --- */

struct deadline_queue;
struct http_engine;

const struct listener_options *listener_options(const struct listener *listener);
struct host *listener_host(const struct listener *listener);
struct http_engine *listener_engine(const struct listener *listener);
bool listener_is_closed(const struct listener *listener);
bool listener_is_unix(const struct listener *listener);
/* Where its requests wait for deadline_ms. */
struct deadline_queue *listener_deadlines(struct listener *listener);
/* Connections and requests hold their listener. */
void listener_ref(struct listener *listener);
void listener_unref(struct listener *listener);

#endif
