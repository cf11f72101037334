/* SPDX-License-Identifier: MIT */
/* Interface ids and who keeps them: the host's own tables and those that plugins provide. */
#ifndef CORE_INTERFACES_H
#define CORE_INTERFACES_H

#include <stdbool.h>
#include <virga/host.h>

/* virga_host.get_interface. Thread: [loop]. */
const void *interfaces_get(const struct virga_host *host, const char *id);
/* virga_host.provide. */
int interfaces_provide(const struct virga_host *host, const char *id, const void *table);
/* Whether the host itself has the interface. */
bool interfaces_is_host(const char *id);

#endif
