/* SPDX-License-Identifier: MIT */
/* How containers reach virga: from what is known of the engine, its network and this machine to the
 * address to listen on and the name to reach it by. Pure. */
#ifndef LAMBDA_DOCKER_REACH_H
#define LAMBDA_DOCKER_REACH_H

#include "lambda.h"

#include <json-c/json.h>

#define DOCKER_IP_MAX 46
#define DOCKER_NETWORK_MAX 128

/* What was found out. Zero it first. */
struct docker_facts {
    bool podman;
    int podman_version;               /* 503 = 5.3 */
    bool rootless;                    /* the engine's bridges are in a network of its own */
    bool desktop;                     /* Docker Desktop: the engine is in a virtual machine */
    bool tcp;                         /* the engine is asked over TCP, on another machine */
    char network[DOCKER_NETWORK_MAX]; /* the setting; "" = the engine's default */
    char gateway[DOCKER_IP_MAX];      /* of that network, "" = it has none */
    char subnet[DOCKER_IP_MAX + 4];   /* of that network: "172.17.0.0/16" */
    bool gateway_is_here;             /* the gateway is an address of this machine */
    char own_ip[DOCKER_IP_MAX];       /* this machine's on the way to the engine or to the world */
    char self_network[DOCKER_NETWORK_MAX]; /* virga runs in a container that is in it; "" = no */
    char self_ip[DOCKER_IP_MAX];           /* its address there */
};

struct docker_reach {
    char network[DOCKER_NETWORK_MAX]; /* that containers are put into; "" = the engine's default */
    char listen[DOCKER_IP_MAX];       /* where to listen */
    char host[64];                    /* how that is reached; IPv6 without brackets */
    bool extra_host; /* `host` is a name that the engine has to be told: host-gateway */
    char peers[DOCKER_IP_MAX + 4]; /* whose requests are taken, where anybody could send some: a
                                      subnet; "" = all */
};

/* Reads an answer to GET /version, /info and /networks/<name>. Errors: -EBADMSG. */
int docker_facts_version(struct json_object *json, struct docker_facts *facts, char *ret_name,
                         size_t size);
int docker_facts_info(struct json_object *json, struct docker_facts *facts);
int docker_facts_network(struct json_object *json, struct docker_facts *facts);

/* Whether the gateway has to be known. */
bool docker_reach_wants_gateway(const struct docker_facts *facts);

/* Decides. Errors: -EHOSTUNREACH containers cannot reach virga, with the reason in words. */
int docker_reach_choose(const struct docker_facts *facts, struct docker_reach *ret_reach,
                        char *ret_reason, size_t size);

/* Whether virga's AWS port, bound to floci.bind-address, is reached that way already. */
bool docker_reach_is_open(const struct docker_reach *reach, const char *bind_addresses);
/* The address of this machine that the AWS port answers at: "127.0.0.1". */
void docker_reach_upstream(const char *bind_addresses, char *ret_address, size_t size);

/* Whether a request's peer ("10.88.0.7:41234") is in a subnet, or this machine itself; "" = yes. */
bool docker_reach_admits(const char *subnet, struct virga_str peer);

#endif
