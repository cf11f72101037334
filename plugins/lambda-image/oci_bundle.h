/* SPDX-License-Identifier: MIT */
/* What is on disk of one environment: checks before it is started, its folder, and what the folder
 * and the cgroup tell when it has ended. Everything is [worker] or [any]; blocking, but short. */
#ifndef LAMBDA_OCI_BUNDLE_H
#define LAMBDA_OCI_BUNDLE_H

#include "executor.h"
#include "oci_how.h"

/* A limit has room for the runtime itself, whose processes are counted too. Measured. */
#define OCI_BUNDLE_CRUN_MB 4
#define OCI_BUNDLE_RUNC_MB 24

struct oci_bundle {
    const struct oci_how *how;
    const char *folder;
    const char *rootfs;
    const char *id;
    const char *const *argv;
    const char *const *env;
    const char *cwd;
    const char *user;
    int64_t memory_mb;
    int64_t tmp_mb;
};

/* How it went. `end` is EXECUTOR_EXITED with status 0 where all is well. */
struct oci_bundle_end {
    enum executor_end end;
    int status;
    int signal;
    char reason[512];
};

/* Checks user, working directory and entry point, and makes folder and cgroup. */
void oci_bundle_make(const struct oci_bundle *bundle, struct oci_bundle_end *ret_end);

/* Says what the end of the guard's process means. `killed`: a SIGKILL was asked for. `said` is the
 * beginning of what was written to stdout and stderr. */
void oci_bundle_explain(const struct oci_bundle *bundle, int64_t exit_status, int term_signal,
                        bool killed, const char *said, struct oci_bundle_end *ret_end);

/* Removes folder and cgroups. Errors: of the disk. */
int oci_bundle_remove(const struct oci_how *how, const char *folder, const char *id);

/* Removes the folders of all environments, with what may still run of them. */
void oci_bundle_sweep(const struct oci_how *how, const char *environments);

#endif
