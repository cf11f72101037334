/* SPDX-License-Identifier: MIT */
/* A container's config.json. Source: OCI runtime specification 1.0. Pure; [any]. */
#ifndef LAMBDA_OCI_SPEC_H
#define LAMBDA_OCI_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <virga/helpers/json_writer.h>

#include "oci_user.h"

/* What a Lambda function has. Source: AWS-recorded environment, RLIMIT_NOFILE 1024. */
#define OCI_SPEC_NOFILE 1024
#define OCI_SPEC_SHM_MB 64

struct oci_spec {
    const char *rootfs; /* of the host, absolute; read-only for the container */
    const char *const *argv;
    const char *const *env;
    const char *cwd;
    const struct oci_user *user;
    int64_t tmp_mb;
    uint64_t nofile_max; /* what this process may have itself: nothing is raised */
    const char *cgroup;  /* below the runtime's own; NULL = the runtime has none to make */
    const char *hostname;
    bool rootless;        /* in a user namespace in which only uid and gid 0 are there */
    bool has_resolv_conf; /* of the host */
    bool has_hosts;
};

/* Writes it. The writer's `failed` tells of missing memory. */
void oci_spec_write(const struct oci_spec *spec, struct virga_json_writer *json);

#endif
