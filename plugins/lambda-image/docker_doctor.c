/* SPDX-License-Identifier: MIT */
/* The docker executor's part of `virga doctor`. */
#include "docker.h"

#include <errno.h>

static bool find_engine(const struct virga_host *host, char *ret_text, size_t size) {
    const struct virga_config *config = host->get_interface(host, VIRGA_CONFIG_ID);
    struct virga_str configured = config->get_string(host, "floci.docker.docker-host");
    char version[160];
    (void)snprintf(ret_text, size, "no socket of Docker or Podman is there");
    for (size_t i = 0;; i++) {
        struct virga_engine_address address;
        struct virga_error err = {.struct_size = sizeof err, .text = ""};
        int result = virga_engine_candidate(configured.ptr, i, &address, &err);
        if (result == -ENOENT) {
            return false;
        }
        if (result != 0) {
            (void)snprintf(ret_text, size, "%s", err.text);
            return false;
        }
        result = virga_engine_version(&address, DOCKER_ENGINE_MS, version, sizeof version);
        if (result == 0) {
            (void)snprintf(ret_text, size, "%s at %s", version, address.shown);
            return true;
        }
        (void)snprintf(ret_text, size, "%s: %s", address.shown, strerror(-result));
    }
}

void executor_docker_doctor(const struct virga_host *host, const struct virga_doctor *doctor) {
    const struct virga_config *config = host->get_interface(host, VIRGA_CONFIG_ID);
    char found[600];
    if (config == NULL) {
        return;
    }
    bool only = virga_str_equal(config->get_string(host, "executor"), virga_str_from("docker"));
    if (find_engine(host, found, sizeof found)) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "lambda docker", NULL,
                            "%s answers: functions run in its containers", found);
    } else if (only) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_FAIL, "lambda docker",
                            "Start Docker or Podman, or set floci.docker.docker-host, or set "
                            "floci.services.lambda.executor to oci.",
                            "no engine answers (%s): functions cannot run", found);
    } else {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "lambda docker", NULL,
                            "no engine answers (%s): functions run with oci", found);
    }
}
