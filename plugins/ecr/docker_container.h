/* SPDX-License-Identifier: MIT */
/* The registry's container as the engine's API describes it: what is asked for, and what is there.
 * Pure. */
#ifndef ECR_DOCKER_CONTAINER_H
#define ECR_DOCKER_CONTAINER_H

#include "ecr.h"
#include "strbuf.h"

#include <json-c/json.h>

#define DOCKER_REGISTRY_PORT 5000 /* inside the container */
#define DOCKER_REGISTRY_ROOT "/var/lib/registry"
#define DOCKER_TEXT_MAX 1024
#define DOCKER_ID_MAX 80

/* Labels of what virga makes. */
#define DOCKER_LABEL_DATA "io.virga.ecr.data-path" /* whose it is */
#define DOCKER_LABEL_CONFIG "io.virga.ecr.config"  /* digest of what was asked for */

struct docker_container_spec {
    const char *image;
    const char *data_path; /* as the label says it */
    const char *source;    /* of the mount: a path of the engine's machine, or a volume's name */
    bool volume;           /* `source` is a volume */
    const char *network;   /* "" = the engine's default */
    bool publish;          /* its port on 127.0.0.1 of the engine's machine */
    const char *secret;    /* of the registry's upload sessions */
};

/* Writes the body of POST /containers/create, the digest of it among the labels, and that digest.
 * Errors: -ENOMEM, -EIO. */
int docker_container_write(const struct docker_container_spec *spec, struct strbuf *ret_json,
                           char ret_digest[ECR_DIGEST_LEN + 1]);

/* What an inspection tells. */
struct docker_container {
    char id[DOCKER_ID_MAX + 1];
    bool running;
    bool ours;                             /* has the label */
    char data_path[DOCKER_TEXT_MAX];       /* the label's */
    char config[ECR_DIGEST_LEN + 1];       /* the label's */
    char registry_config[DOCKER_TEXT_MAX]; /* path of the registry's configuration, from its command
                                            */
    char host_ip[46];                      /* where its port is published; "" = nowhere */
    uint16_t host_port;
    char ip[46]; /* in `network`; where that is "", in the first network that has one */
    char exit_reason[DOCKER_TEXT_MAX]; /* the engine's words for why it ended */
};
/* Errors: -EBADMSG it is no inspection. */
int docker_container_read(struct json_object *json, const char *network,
                          struct docker_container *ret_container);

/* Whether the engine's words for a failure mean that it cannot mount a folder of this machine. */
bool docker_container_mount_refused(const char *message);

#endif
