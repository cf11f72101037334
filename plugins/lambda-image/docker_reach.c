/* SPDX-License-Identifier: MIT */
/* Addresses between containers and virga. Source: the documents of Docker (host-gateway,
 * host.docker.internal), of Podman (host.containers.internal) and of pasta(1). */
#include "docker_reach.h"
#include "docker_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define DESKTOP_NAME "host.docker.internal"
#define PODMAN_NAME "host.containers.internal"
#define PODMAN_OF_PASTA 503 /* from here on its own name is needed without root */

/* --- facts --- */

int docker_facts_version(struct json_object *json, struct docker_facts *facts, char *ret_name,
                         size_t size) {
    const char *version = docker_text(json, "Version");
    struct json_object *components = docker_member(json, "Components");
    struct json_object *first =
        json_object_is_type(components, json_type_array) && json_object_array_length(components) > 0
            ? json_object_array_get_idx(components, 0)
            : NULL;
    if (version[0] == '\0') {
        return -EBADMSG;
    }
    int major = 0, minor = 0;
    facts->podman = strstr(docker_text(first, "Name"), "Podman") != NULL;
    facts->podman_version =
        facts->podman && sscanf(version, "%4d.%2d", &major, &minor) == 2 ? major * 100 + minor : 0;
    (void)snprintf(ret_name, size, "%s %s", facts->podman ? "Podman" : "Docker", version);
    return 0;
}

int docker_facts_info(struct json_object *json, struct docker_facts *facts) {
    struct json_object *options = docker_member(json, "SecurityOptions");
    size_t count =
        json_object_is_type(options, json_type_array) ? json_object_array_length(options) : 0;
    if (!json_object_is_type(json, json_type_object)) {
        return -EBADMSG;
    }
    facts->desktop = strcmp(docker_text(json, "OperatingSystem"), "Docker Desktop") == 0;
    facts->rootless = false;
    for (size_t i = 0; i < count; i++) {
        const char *option = json_object_get_string(json_object_array_get_idx(options, i));
        facts->rootless = facts->rootless || (option != NULL && strstr(option, "name=rootless"));
    }
    return 0;
}

/* The first IPv4 gateway, else the first of any kind. */
int docker_facts_network(struct json_object *json, struct docker_facts *facts) {
    struct json_object *config = docker_member(docker_member(json, "IPAM"), "Config");
    if (!json_object_is_type(json, json_type_object)) {
        return -EBADMSG;
    }
    size_t count =
        json_object_is_type(config, json_type_array) ? json_object_array_length(config) : 0;
    facts->gateway[0] = facts->subnet[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_array_get_idx(config, i);
        const char *gateway = docker_text(one, "Gateway");
        bool better = facts->gateway[0] == '\0' ||
                      (strchr(facts->gateway, ':') != NULL && strchr(gateway, ':') == NULL);
        if (gateway[0] != '\0' && better) {
            /* Some engines write it with the length of the subnet's prefix. */
            (void)snprintf(facts->gateway, sizeof facts->gateway, "%.*s",
                           (int)strcspn(gateway, "/"), gateway);
            (void)snprintf(facts->subnet, sizeof facts->subnet, "%s", docker_text(one, "Subnet"));
        }
    }
    return 0;
}

/* --- the choice --- */

static bool is_host_network(const struct docker_facts *facts) {
    return strcmp(facts->network, "host") == 0;
}

static bool is_inside(const struct docker_facts *facts) {
    return facts->self_ip[0] != '\0';
}

bool docker_reach_wants_gateway(const struct docker_facts *facts) {
    return !is_host_network(facts) && !is_inside(facts) && !facts->desktop && !facts->rootless &&
           !facts->tcp;
}

static void set(struct docker_reach *reach, const char *listen, const char *host) {
    (void)snprintf(reach->listen, sizeof reach->listen, "%s", listen);
    (void)snprintf(reach->host, sizeof reach->host, "%s", host);
}

static int refuse(char *reason, size_t size, const char *format, ...) VIRGA_PRINTF(3, 4);
static int refuse(char *reason, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, size, format, args);
    va_end(args);
    return -EHOSTUNREACH;
}

/* virga in a container: containers that share a network with it reach it. */
static int choose_inside(const struct docker_facts *facts, struct docker_reach *reach, char *reason,
                         size_t size) {
    if (is_host_network(facts)) {
        return refuse(reason, size,
                      "virga runs in a container of its own network, which containers in the "
                      "network \"host\" do not reach; unset floci.services.lambda.docker-network");
    }
    if (facts->network[0] != '\0' && strcmp(facts->network, facts->self_network) != 0) {
        return refuse(reason, size,
                      "virga's own container is not in the network \"%s\" that "
                      "floci.services.lambda.docker-network names, but in \"%s\"",
                      facts->network, facts->self_network);
    }
    (void)snprintf(reach->network, sizeof reach->network, "%s", facts->self_network);
    set(reach, facts->self_ip, facts->self_ip);
    return 0;
}

/* The engine is on another machine, or behind a network of its own: through an address of this
 * machine that others reach too. */
static int choose_own_ip(const struct docker_facts *facts, struct docker_reach *reach, char *reason,
                         size_t size) {
    if (facts->own_ip[0] == '\0') {
        return refuse(reason, size, "this machine has no address that containers could reach");
    }
    bool pasta = facts->podman && facts->rootless && facts->podman_version >= PODMAN_OF_PASTA;
    set(reach, facts->own_ip, pasta ? PODMAN_NAME : facts->own_ip);
    return 0;
}

static int choose_bridge(const struct docker_facts *facts, struct docker_reach *reach, char *reason,
                         size_t size) {
    const char *network = facts->network[0] != '\0' ? facts->network : "bridge";
    if (facts->gateway[0] == '\0') {
        return refuse(reason, size,
                      "the engine's network \"%s\" has no gateway through which containers could "
                      "reach virga",
                      network);
    }
    if (facts->gateway_is_here) {
        set(reach, facts->gateway, facts->gateway);
        return 0;
    }
    if (facts->podman) {
        /* Podman makes a bridge with the first container in it, and may take it away with the last:
         * its address cannot be listened on before. */
        set(reach, "0.0.0.0", facts->gateway);
        (void)snprintf(reach->peers, sizeof reach->peers, "%s", facts->subnet);
        return 0;
    }
    return refuse(reason, size,
                  "the gateway %s of the engine's network \"%s\" is no address of this machine, so "
                  "that containers cannot reach virga; run virga where the engine runs, or in a "
                  "container of it",
                  facts->gateway, network);
}

int docker_reach_choose(const struct docker_facts *facts, struct docker_reach *ret_reach,
                        char *ret_reason, size_t size) {
    struct docker_reach reach = {.extra_host = false};
    int result;
    (void)snprintf(reach.network, sizeof reach.network, "%s", facts->network);
    if (strcmp(facts->network, "none") == 0 || strncmp(facts->network, "container:", 10) == 0) {
        result = refuse(ret_reason, size,
                        "floci.services.lambda.docker-network is \"%s\", where functions cannot "
                        "reach virga",
                        facts->network);
    } else if (is_inside(facts)) {
        result = choose_inside(facts, &reach, ret_reason, size);
    } else if (facts->desktop) {
        set(&reach, "127.0.0.1", DESKTOP_NAME);
        reach.extra_host = !is_host_network(facts);
        result = 0;
    } else if (facts->tcp || facts->rootless) {
        result = choose_own_ip(facts, &reach, ret_reason, size);
    } else if (is_host_network(facts)) {
        set(&reach, "127.0.0.1", "127.0.0.1");
        result = 0;
    } else {
        result = choose_bridge(facts, &reach, ret_reason, size);
    }
    if (result == 0) {
        *ret_reach = reach;
    }
    return result;
}

/* --- virga's AWS port --- */

/* Calls on each address of a list with commas; the first for which it says yes ends it. */
static bool any_address(const char *addresses, bool (*is)(const char *address, const void *arg),
                        const void *arg) {
    char address[128];
    while (*addresses != '\0') {
        addresses += strspn(addresses, ", ");
        size_t len = strcspn(addresses, ", ");
        if (len > 0 && len < sizeof address) {
            memcpy(address, addresses, len);
            address[len] = '\0';
            if (is(address, arg)) {
                return true;
            }
        }
        addresses += len;
    }
    return false;
}

static bool is_any(const char *address, const void *arg) {
    (void)arg;
    return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static bool is_same(const char *address, const void *arg) {
    return strcmp(address, arg) == 0 ||
           (strcmp(address, "localhost") == 0 && strcmp("127.0.0.1", arg) == 0);
}

bool docker_reach_is_open(const struct docker_reach *reach, const char *bind_addresses) {
    return any_address(bind_addresses, is_any, NULL) ||
           any_address(bind_addresses, is_same, reach->listen);
}

void docker_reach_upstream(const char *bind_addresses, char *ret_address, size_t size) {
    bool loopback = bind_addresses[0] == '\0' || any_address(bind_addresses, is_any, NULL) ||
                    any_address(bind_addresses, is_same, "127.0.0.1");
    const char *first = bind_addresses + strspn(bind_addresses, ", ");
    if (loopback) {
        (void)snprintf(ret_address, size, "127.0.0.1");
    } else {
        (void)snprintf(ret_address, size, "%.*s", (int)strcspn(first, ", "), first);
    }
}

/* --- peers --- */

bool docker_reach_admits(const char *subnet, struct virga_str peer) {
    char text[DOCKER_IP_MAX + 4];
    struct in_addr from, net;
    const char *slash = strchr(subnet, '/');
    const char *colon = memchr(peer.ptr, ':', peer.len);
    if (subnet[0] == '\0') {
        return true;
    }
    if (slash == NULL || colon == NULL || (size_t)(colon - peer.ptr) >= sizeof text) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)(colon - peer.ptr), peer.ptr);
    if (inet_pton(AF_INET, text, &from) != 1) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)(slash - subnet), subnet);
    long bits = strtol(slash + 1, NULL, 10);
    if (inet_pton(AF_INET, text, &net) != 1 || bits < 0 || bits > 32) {
        return false;
    }
    uint32_t mask = bits == 0 ? 0 : htonl(UINT32_MAX << (32 - bits));
    return (from.s_addr & mask) == (net.s_addr & mask) ||
           (ntohl(from.s_addr) >> 24) == IN_LOOPBACKNET;
}
