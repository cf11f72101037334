/* SPDX-License-Identifier: MIT */
/* Listening sockets that outlive the worker. The supervisor holds a copy of each, so that
 * connections wait in the kernel while a worker is replaced; the next worker has them from the fork
 * on and takes those that it asks for. Without a supervisor every call does nothing. */
#ifndef CORE_FDSTORE_H
#define CORE_FDSTORE_H

#include <stdbool.h>
#include <stdint.h>

#define FDSTORE_MAX 256

/* What a socket is for. */
struct fdstore_key {
    char owner[48];  /* the plugin; "" = the host */
    char place[112]; /* an IP address, or the path of a unix socket */
    uint16_t port;   /* 0 = a unix socket */
    uint16_t first;  /* the range that the port was taken from; both 0 = ephemeral or unix */
    uint16_t last;
};

/* ---- the supervisor ---- */

/* Begins with a new worker: what it does not ask for until fdstore_settle() is closed then. Returns
 * the worker's end of the channel, ours goes to *ret_channel. Errors: the errno of socketpair. */
int fdstore_open_channel(int *ret_channel);
/* Does what the worker has asked for so far, without waiting. *ret_settled becomes true when its
 * start has ended. Errors: -EPIPE it has closed its end. */
int fdstore_serve(int channel, bool *ret_settled);
/* Closes all of them. */
void fdstore_close_all(void);

/* ---- the worker; thread: [loop] ---- */

/* The worker's end of the channel. */
void fdstore_attach(int channel);
/* A copy of the socket for that owner, place and port, which is marked as taken. Owns: the caller.
 * Errors: -ENOENT. */
int fdstore_take(const char *owner, const char *place, uint16_t port);
/* Undoes it: the caller has closed the copy and does not keep it. */
void fdstore_put_back(const char *owner, const char *place, uint16_t port);
/* The port of the n-th socket that nobody took, of that owner and range; 0 = there are no more. */
uint16_t fdstore_port(const char *owner, uint16_t first, uint16_t last, unsigned n);
/* Has the sockets closed that nobody took and that stand in the way of a new one: those of this
 * port or path and owner; with `any_owner` also others'. Returns how many. */
unsigned fdstore_evict(const char *owner, const char *place, uint16_t port, bool any_owner);

/* Whether the supervisor held one of that port at the fork, whoever it is for. In any child. */
bool fdstore_has_port(uint16_t port);

/* Has the supervisor hold a copy of a listening socket. */
void fdstore_keep(const struct fdstore_key *key, int fd);
/* Has the supervisor close its copy; when this returns, nobody listens any more. */
void fdstore_drop(const struct fdstore_key *key);
/* The start has ended: what nobody took is closed. */
void fdstore_settle(void);

#endif
