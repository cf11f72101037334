/* SPDX-License-Identifier: MIT */
/* virga.config/1: the settings, as resolved from file, environment and command line. */
#ifndef VIRGA_EXT_CONFIG_H
#define VIRGA_EXT_CONFIG_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_CONFIG_ID "virga.config/1"

/* Keys are looked up below the plugin's config_root ("registry-base-port"); one that starts with
 * "floci." names any key of the host or of a loaded plugin ("floci.default-region"). */
struct virga_config {
    uint32_t struct_size;
    uint32_t reserved;

    /* The value as text; ptr NULL when it is unset. Valid: until destroy() returns. Thread: [loop]. */
    struct virga_str (*get_string)(const struct virga_host *host, const char *key);

    /* The value of an int key. Types and bounds were checked before start(). 0 when unset. */
    int64_t (*get_int)(const struct virga_host *host, const char *key);

    /* The value of a bool key. 0 when unset. */
    int (*get_bool)(const struct virga_host *host, const char *key);

    /* Whether the user set it (file, environment or command line), or it is the default. */
    int (*is_set)(const struct virga_host *host, const char *key);
};

#ifdef __cplusplus
}
#endif
#endif
