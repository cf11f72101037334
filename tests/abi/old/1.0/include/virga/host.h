/* SPDX-License-Identifier: MIT */
/* The host as a plugin sees it: one small table, from which interfaces are got by name. */
#ifndef VIRGA_HOST_H
#define VIRGA_HOST_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a plugin says that it is; shown at /_floci/health and /_floci/plugins. */
enum virga_status {
    VIRGA_STATUS_RUNNING = 0,  /* all is well */
    VIRGA_STATUS_STARTING = 1, /* something is still being started */
    VIRGA_STATUS_DEGRADED = 2, /* part of the service does not work; the detail says which and why */
    VIRGA_STATUS_DISABLED = 3  /* switched off by the configuration: its routes are not served */
};

/* The plugin's handle on the host. Every plugin gets its own. Valid: from start() to the return of
 * destroy(). Thread: [loop] for every function, [any] where a function says so. */
struct virga_host {
    uint32_t struct_size;
    uint16_t abi_major; /* of the host */
    uint16_t abi_minor;
    const char *version; /* of the host program, "0.1.0" */

    /* The interface called `id` ("virga.timer/1"), or one that another plugin provides; NULL when
     * there is none. Each header names its id and its struct. Valid: until destroy() returns. */
    const void *(*get_interface)(const struct virga_host *host, const char *id);

    /* Offers an interface to other plugins under an id that the descriptor lists in `provides`.
     * Owns: `table` stays the caller's and must live until destroy().
     * Errors: -EINVAL the id is not in the descriptor, -EEXIST it is taken. */
    int (*provide)(const struct virga_host *host, const char *id, const void *table);

    /* Says how the service is. `detail` is one line, copied; NULL for none. */
    void (*set_status)(const struct virga_host *host, enum virga_status status,
                       const char *detail);

    /* Ends a stop() that returned -EINPROGRESS. */
    void (*stopped)(const struct virga_host *host);
};

#ifdef __cplusplus
}
#endif
#endif
