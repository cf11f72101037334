/* SPDX-License-Identifier: MIT */
/* virga doctor's checks of this machine and of the installation. Everything here blocks: no host
 * runs in this process. */
#ifndef CORE_DOCTOR_H
#define CORE_DOCTOR_H

#include <stdbool.h>
#include <virga/virga.h>

#include "error.h"

struct host;
struct plugin;

#define DOCTOR_OWN "core" /* finding.owner of the host's own checks */

struct doctor_finding {
    enum virga_doctor_verdict verdict;
    char *owner; /* DOCTOR_OWN or the plugin */
    char *check;
    char *found;
    char *remedy; /* NULL = none */
};

/* The report while it is made. */
struct doctor {
    struct virga_doctor api; /* first: what plugins get */
    struct host *host;
    const char *owner; /* whose checks run now */
    struct doctor_finding *findings;
    size_t count;
    int pipe; /* in the process that runs a plugin's checks: where findings go; else -1 */
};

void doctor_init(struct doctor *doctor, struct host *host);
void doctor_finish(struct doctor *doctor);

/* Adds a finding of the present owner; remedy may be NULL. */
VIRGA_PRINTF(5, 6)
void doctor_say(struct doctor *doctor, enum virga_doctor_verdict verdict, const char *check,
                const char *remedy, const char *format, ...);

/* --- the host's own checks --- */

/* Data directory, port, addresses, open files; needs a configuration that could be read. */
void doctor_check_host(struct doctor *doctor);
/* Container engines, by their sockets. */
void doctor_check_engines(struct doctor *doctor);
/* OCI runtimes and clients, by PATH. */
void doctor_check_programs(struct doctor *doctor);
/* The doctor() of a plugin, in a process of its own: one that crashes or hangs becomes a finding.
 */
void doctor_check_plugin(struct doctor *doctor, struct plugin *plugin);

/* --- what checks are made of --- */

/* As virga_doctor.run. */
int doctor_run(const char *const *argv, char *output, size_t size);
/* As virga_doctor.try_port, on the addresses of `addresses` ("127.0.0.1,::1"). */
int doctor_try_port(const char *addresses, uint16_t port);
/* GET over TCP, or over a unix socket if `unix_path` is not NULL. Returns the HTTP status with the
 * body, NUL-terminated and cut at size. Errors: -ECONNREFUSED and others, with words. */
int doctor_get(const char *unix_path, const char *url, char *body, size_t size, struct error *err);

struct json_object;
/* A member that is a string; NULL when there is none, or `object` is none. Valid: as `object`. */
const char *doctor_json_text(struct json_object *object, const char *key);

#endif
