/* SPDX-License-Identifier: MIT */
/* Virga inside a container: which one, as the engine sees it. */
#ifndef VIRGA_HELPERS_ENGINE_SELF_H
#define VIRGA_HELPERS_ENGINE_SELF_H

#include "../abi.h"
#include <json-c/json.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virga_engine_self {
    bool inside;       /* this process runs in a container of the engine */
    char id[81];       /* its id, or its name at the engine */
    char image[256];   /* its image's id */
    char network[128]; /* a network that it is in; "" = none */
    char ip[46];       /* its address in that network */
    char source[1024]; /* of the mount that holds `path`, a folder of the engine's machine or a
                          volume's name; "" = none does */
    bool volume;       /* `source` is a volume */
    char rest[1024];   /* what follows the mount's place in the path */
};

/* Whether this looks like the inside of a container; then ret_name is what the engine may know it
 * by. Reads files: short. */
bool virga_engine_self_maybe(char *ret_name, size_t size);
/* Reads an inspection of this container. `path` is a folder in it whose place on the engine's
 * machine is wanted; `network` is preferred where it is in several. Pure. Errors: -EBADMSG. */
int virga_engine_self_read(struct json_object *json, const char *path, const char *network,
                           struct virga_engine_self *ret_self);
/* Whether a port of this container is published on the engine's machine under the same number. */
bool virga_engine_self_publishes(struct json_object *json, uint16_t port);

#ifdef __cplusplus
}
#endif
#endif
