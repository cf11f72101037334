/* SPDX-License-Identifier: MIT */
/* This machine and this virga, as far as containers are concerned: addresses, and an id by which
 * what an earlier run left is known. Waits for disk and names. */
#ifndef LAMBDA_DOCKER_PLACE_H
#define LAMBDA_DOCKER_PLACE_H

#include "docker_reach.h"

#define DOCKER_HOST_ID_LEN 32

struct docker_host_id {
    char text[DOCKER_HOST_ID_LEN + 1];
    bool own; /* kept in the data path: what an earlier run left has the same one */
    int fd;   /* of its file, locked; -1 = none */
};

/* Reads the id of <data_path>/docker-host-id, and makes both where they are missing. While another
 * virga uses the file, or where it cannot be written, the id is one for this run only. Thread:
 * [worker]. */
void docker_host_id_open(const char *data_path, struct docker_host_id *ret_id);
/* Unlocks it. Thread: [any]. */
void docker_host_id_close(struct docker_host_id *id);

/* Whether an address is one of this machine's. Thread: [worker]. */
bool docker_place_has(const char *ip);
/* This machine's address on the way to a host ("http://10.0.0.2:2375"; "" = to the world); "" when
 * there is none. Nothing is sent. Thread: [worker]. */
void docker_place_own_ip(const char *origin, char ret_ip[DOCKER_IP_MAX]);
/* Whether an origin names this machine itself: "http://127.0.0.1:2375". */
bool docker_place_is_loopback(const char *origin);

#endif
