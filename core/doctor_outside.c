/* SPDX-License-Identifier: MIT */
/* Checks of what plugins and people commonly use beside the host: engines, runtimes, clients. */
#include <errno.h>
#include <stdlib.h>

#include <virga/helpers/engine.h>

#include "config.h"
#include "doctor.h"
#include "host.h"
#include "process_id.h"

#define ENGINE_TIMEOUT_MS 3000

/* --- engines --- */

/* Whether there is an engine that answers. */
static bool check_engine(struct doctor *doctor, const struct virga_engine_address *address) {
    char version[256];
    const char *where = address->unix_path[0] != '\0' ? address->unix_path : address->origin;
    const char *from = address->from;
    int result = virga_engine_version(address, ENGINE_TIMEOUT_MS, version, sizeof version);
    if (result == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "container engine", NULL, "%s at %s%s%s%s", version,
                   where, from[0] != '\0' ? " (" : "", from, from[0] != '\0' ? ")" : "");
        return true;
    }
    const char *remedy =
        strcmp(from, "DOCKER_HOST") == 0 ? "Start that engine, or unset DOCKER_HOST."
        : from[0] != '\0'                ? "Start that engine, or unset floci.docker.docker-host."
        : result == -EACCES ? "Add this user to the group that owns the socket (docker: usermod "
                              "-aG docker <user>), and log in again."
                            : "Start the engine, or remove the stale socket.";
    doctor_say(doctor, VIRGA_DOCTOR_WARN, "container engine", remedy,
               "%s%s%s%s does not answer: %s", where, from[0] != '\0' ? " (" : "", from,
               from[0] != '\0' ? ")" : "",
               result == -EPROTO ? "it is no container engine" : strerror(-result));
    return false;
}

void doctor_check_engines(struct doctor *doctor) {
    const char *configured = config_string(doctor->host->config, "floci.docker.docker-host");
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    struct virga_engine_address address;
    int result = 0;
    size_t count = 0;
    while ((result = virga_engine_candidate(configured, count, &address, &err)) == 0) {
        (void)check_engine(doctor, &address);
        count++;
    }
    if (result != -ENOENT) {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, "container engine",
                   "Set floci.docker.docker-host, or DOCKER_HOST.", "%s", err.text);
    } else if (count == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "container engine", NULL,
                   "none: no socket of Docker or Podman is there, and DOCKER_HOST is unset");
    }
}

/* --- programs --- */

static const char *search_path(void) {
    const char *path = getenv("PATH");
    return path != NULL ? path : "/usr/local/bin:/usr/bin:/bin";
}

/* Whether it is there; says its version. */
static bool check_program(struct doctor *doctor, const char *check, const char *name,
                          enum virga_doctor_verdict when_found) {
    const char *const argv[] = {name, "--version", NULL};
    char version[160];
    char *program = NULL;
    if (process_id_find_program(name, search_path(), NULL, &program) != 0) {
        return false;
    }
    int rc = doctor_run(argv, version, sizeof version);
    if (rc == 0) {
        doctor_say(doctor, when_found, check, NULL, "%s at %s", version, program);
    } else if (rc > 0) {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, check, NULL, "%s --version ends with status %d: %s",
                   program, rc, version);
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, check, NULL, "%s cannot be run: %s", program,
                   error_text(rc));
    }
    free(program);
    return true;
}

void doctor_check_programs(struct doctor *doctor) {
    static const char *const runtimes[] = {"crun", "runc"};
    static const char *const clients[] = {"aws", "docker", "podman", "skopeo"};
    bool found = false;
    for (size_t i = 0; i < sizeof runtimes / sizeof runtimes[0]; i++) {
        found = check_program(doctor, "OCI runtime", runtimes[i], VIRGA_DOCTOR_OK) || found;
    }
    if (!found) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "OCI runtime",
                   "To run containers without an engine: apt-get install crun.",
                   "none: neither crun nor runc is in PATH");
    }
    found = false;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        found = check_program(doctor, "client", clients[i], VIRGA_DOCTOR_NOTE) || found;
    }
    if (!found) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "client", NULL,
                   "none of aws, docker, podman and skopeo is in PATH");
    }
}
