/* SPDX-License-Identifier: MIT */
/* Memory limits of environments: a cgroup of ours for each, v1 or v2, below where virga itself is,
 * as far as this machine lets us. Everything is [any]; a few small files. */
#ifndef LAMBDA_OCI_CGROUP_H
#define LAMBDA_OCI_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <virga/virga.h>

#define OCI_CGROUP_PATH_MAX 1024
#define OCI_CGROUP_NAME_MAX 96 /* of an environment's */

struct oci_cgroup {
    char tag[16];                     /* of this virga among others on the machine */
    char parent[OCI_CGROUP_PATH_MAX]; /* of all environments; "" = no limits here (why) */
    bool v2;
    bool hybrid; /* cgroup v1 with a v2 beside it, which crun 1.8 does not take */
    bool nested; /* the runtime makes cgroups of its own below an environment's: its processes are
                    there, and gone is what is counted there when it ends */
    char why[256];
};

/* Finds out where cgroups can be made, and makes the parent of all, named after `tag`. */
void oci_cgroup_find(struct oci_cgroup *cgroup, const char *tag);

/* Makes an environment's, with its limit. Errors: those of mkdir(2) and write(2). */
int oci_cgroup_make(const struct oci_cgroup *cgroup, const char *id, int64_t limit_bytes);
/* What a runtime is to call its own, so that oci_cgroup_remove() finds them. */
void oci_cgroup_name(const struct oci_cgroup *cgroup, const char *id,
                     char name[OCI_CGROUP_NAME_MAX]);
/* The file to which a process writes 0 to enter it. */
void oci_cgroup_door(const struct oci_cgroup *cgroup, const char *id,
                     char path[OCI_CGROUP_PATH_MAX]);
/* Bytes used at most so far, by the processes without the runtime where that is known; -1. */
int64_t oci_cgroup_peak(const struct oci_cgroup *cgroup, const char *id);
/* Whether something in it was killed, or (v1, runtime with cgroups of its own) its limit was met.
 */
bool oci_cgroup_was_full(const struct oci_cgroup *cgroup, const char *id);
/* Kills what is in it and removes it, and what a runtime has made of the same name in whatever
 * hierarchy. Waits up to a second for processes to end. Thread: [worker]. Errors: of rmdir(2). */
int oci_cgroup_remove(const struct oci_cgroup *cgroup, const char *id);
/* Removes all environments' that an earlier run left, and the parent. Thread: [worker]. */
void oci_cgroup_sweep(const struct oci_cgroup *cgroup);
/* Sweeps what an earlier run has named in the file `note`, which may be elsewhere than what this
 * one has found, then names this one there. Thread: [worker]. */
void oci_cgroup_take_over(const struct oci_cgroup *cgroup, const char *note);

#endif
