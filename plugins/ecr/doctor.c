/* SPDX-License-Identifier: MIT */
/* Checks for `virga doctor`. */
#include "doctor.h"

#include <errno.h>
#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend_process.h"
#include "resolver.h"

#include <virga/helpers/engine.h>

#define ENGINE_TIMEOUT_MS 2000

/* What registry-backend leaves to choose from. */
struct choice {
    bool docker;
    bool process;
    bool engine; /* one answers */
};

static void check_engine(const struct ecr *ecr, const struct virga_doctor *doctor,
                         struct choice *choice) {
    struct virga_str configured = ecr->config->get_string(ecr->host, "floci.docker.docker-host");
    char version[160], tried[600] = "no socket of Docker or Podman is there";
    for (size_t i = 0;; i++) {
        struct virga_engine_address address;
        struct virga_error err = {.struct_size = sizeof err, .text = ""};
        int result = virga_engine_candidate(configured.ptr, i, &address, &err);
        if (result == -ENOENT) {
            break;
        }
        if (result != 0) {
            (void)snprintf(tried, sizeof tried, "%s", err.text);
            break;
        }
        result = virga_engine_version(&address, ENGINE_TIMEOUT_MS, version, sizeof version);
        if (result == 0) {
            struct virga_str image = ecr->config->get_string(ecr->host, "registry-image");
            choice->engine = true;
            virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry engine", NULL,
                                "%s answers at %s: %s is run there%s", version, address.shown,
                                image.ptr,
                                choice->process ? " if the engine has it or can pull it" : "");
            return;
        }
        (void)snprintf(tried, sizeof tried, "%s: %s", address.shown, strerror(-result));
    }
    if (choice->process) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry engine", NULL,
                            "none answers (%s): the registry runs as a child process", tried);
    } else {
        virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "registry engine",
                            "Start Docker or Podman, or set floci.docker.docker-host, or set "
                            "floci.services.ecr.registry-backend to process.",
                            "none answers (%s)", tried);
    }
}

static void check_program(const struct virga_doctor *doctor, const struct choice *choice) {
    char program[REGISTRY_PATH_MAX];
    char version[160];
    if (!backend_process_program(program, sizeof program)) {
        if (choice->engine) {
            virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry program", NULL,
                                "neither docker-registry nor registry is in PATH; the engine has "
                                "to do");
            return;
        }
        virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "registry program",
                            "Install docker-registry (Debian: apt-get install docker-registry).",
                            "neither docker-registry nor registry is in PATH: images cannot be "
                            "pushed or pulled");
        return;
    }
    const char *const argv[] = {program, "--version", NULL};
    int rc = doctor->run(doctor, argv, version, sizeof version);
    if (rc == 0) {
        /* distribution says how it was called, then its name and version. */
        size_t len = strlen(program);
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry program", NULL, "%s at %s",
                            strncmp(version, program, len) == 0 && version[len] == ' '
                                ? version + len + 1
                                : version,
                            program);
    } else {
        virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "registry program",
                            "Install docker-registry again.", "%s --version does not work: %s",
                            program, rc < 0 ? strerror(-rc) : version);
    }
}

static void check_ports(const struct ecr *ecr, const struct virga_doctor *doctor) {
    int64_t first = ecr->config->get_int(ecr->host, "registry-base-port");
    int64_t last = ecr->config->get_int(ecr->host, "registry-max-port");
    if (first > last) {
        virga_doctor_report(
            doctor, VIRGA_DOCTOR_FAIL, "registry port", "Set floci.services.ecr.registry-max-port.",
            "registry-base-port (%d) is above registry-max-port (%d)", (int)first, (int)last);
        return;
    }
    for (int64_t port = first; port <= last; port++) {
        if (doctor->try_port(doctor, (uint16_t)port) == 0) {
            virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry port", NULL,
                                "%d is the first free one of %d to %d", (int)port, (int)first,
                                (int)last);
            return;
        }
    }
    virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "registry port",
                        "Set floci.services.ecr.registry-base-port and registry-max-port to ports "
                        "that are free.",
                        "none of %d to %d is free", (int)first, (int)last);
}

/* Path-style names are below "localhost", which the host checks itself. */
static void check_names(const struct ecr *ecr, const struct virga_doctor *doctor) {
    struct resolver_answer answer = {.error = 0};
    struct virga_str style = ecr->config->get_string(ecr->host, "uri-style");
    if (virga_str_equal(style, virga_str_from("path"))) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry names", NULL,
                            "uri-style is path: no name below localhost is needed");
        return;
    }
    resolver_name(ecr, answer.name, sizeof answer.name);
    resolver_look_up(&answer);
    if (answer.error != 0) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "registry names", RESOLVER_REMEDY ".",
                            "%s does not resolve (%s)", answer.name, gai_strerror(answer.error));
    } else if (answer.elsewhere[0] != '\0') {
        virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "registry names", RESOLVER_REMEDY ".",
                            "%s resolves to %s and not to this machine", answer.name,
                            answer.elsewhere);
    } else {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry names", NULL,
                            "%s resolves to this machine", answer.name);
    }
}

/* The folder may be there or be made later; a missing one is the data directory's check. */
static void check_folder(const struct ecr *ecr, const struct virga_doctor *doctor) {
    struct virga_str path = ecr->config->get_string(ecr->host, "data-path");
    struct stat info;
    if (path.len == 0 || stat(path.ptr, &info) != 0) {
        return;
    }
    if (!S_ISDIR(info.st_mode)) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "registry folder",
                            "Set floci.services.ecr.data-path to a directory.",
                            "%s is no directory", path.ptr);
    } else if (access(path.ptr, W_OK | X_OK) != 0) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "registry folder",
                            "Give this user write permission, or set floci.services.ecr.data-path.",
                            "%s is not writable: %s", path.ptr, strerror(errno));
    } else {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "registry folder", NULL, "%s is writable",
                            path.ptr);
    }
}

void doctor_check(const struct virga_host *host, const struct virga_doctor *doctor) {
    const struct ecr ecr = {.host = host, .config = host->get_interface(host, VIRGA_CONFIG_ID)};
    if (ecr.config == NULL) {
        return;
    }
    struct virga_str backend = ecr.config->get_string(host, "registry-backend");
    struct choice choice = {
        .docker = !virga_str_equal(backend, virga_str_from("process")),
        .process = !virga_str_equal(backend, virga_str_from("docker")),
    };
    if (choice.docker) {
        check_engine(&ecr, doctor, &choice);
    }
    if (choice.process) {
        check_program(doctor, &choice);
    }
    check_ports(&ecr, doctor);
    check_names(&ecr, doctor);
    check_folder(&ecr, doctor);
}
