/* SPDX-License-Identifier: MIT */
/* What `virga doctor` says about the executor `oci`. */
#include <errno.h>
#include <unistd.h>

#include "executor_oci.h"

#define REMEDY "Install crun or runc (Debian: apt-get install crun)."
/* Runs a command as the executor does: a namespace whose end is the end of what is in it. */
static const char *const try_root[] = {
    "unshare",      "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
    "--kill-child", "--",      "true",          NULL};
static const char *const try_user[] = {
    "unshare", "--user",       "--map-root-user", "--mount", "--propagation", "private", "--pid",
    "--fork",  "--mount-proc", "--kill-child",    "--",      "true",          NULL};

/* 0, or what makes it impossible was reported. */
static int check_namespaces(const struct virga_doctor *doctor) {
    char said[200];
    char path[PATH_MAX];
    bool root = geteuid() == 0;
    if (!oci_how_find("setpriv", path)) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "oci executor",
                            "Install util-linux (Debian: apt-get install util-linux).",
                            "setpriv is not in PATH");
        return -ENOENT;
    }
    int rc = doctor->run(doctor, root ? try_root : try_user, said, sizeof said);
    if (rc != 0) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "oci executor",
                            root ? "In a container, run virga with --privileged, or use the docker "
                                   "executor."
                                 : "Run virga as root, or let users make user namespaces (sysctl "
                                   "user.max_user_namespaces, kernel.unprivileged_userns_clone).",
                            "this %s cannot make namespaces: %s", root ? "machine" : "user",
                            rc < 0            ? strerror(-rc)
                            : said[0] != '\0' ? said
                                              : "unshare fails");
        return -EPERM;
    }
    return 0;
}

static void check_limits(const struct virga_doctor *doctor) {
    struct oci_cgroup cgroup;
    oci_cgroup_find(&cgroup, "doctor");
    if (cgroup.parent[0] != '\0') {
        (void)rmdir(cgroup.parent);
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "oci memory limits", NULL, "cgroup %s",
                            cgroup.v2 ? "v2" : "v1");
    } else {
        virga_doctor_report(doctor, VIRGA_DOCTOR_NOTE, "oci memory limits",
                            "Run virga as root where it may make cgroups.",
                            "MemorySize of functions is not enforced: %s", cgroup.why);
    }
}

void executor_oci_doctor(const struct virga_host *host, const struct virga_doctor *doctor) {
    static const char *const names[] = {"crun", "runc"};
    char found[2 * PATH_MAX] = "";
    (void)host;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX], version[160];
        if (!oci_how_find(names[i], path)) {
            continue;
        }
        const char *const argv[] = {path, "--version", NULL};
        int rc = doctor->run(doctor, argv, version, sizeof version);
        if (rc != 0) {
            virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "oci runtime", REMEDY,
                                "%s --version does not work: %s", path,
                                rc < 0 ? strerror(-rc) : version);
            continue;
        }
        size_t len = strlen(found);
        (void)snprintf(found + len, sizeof found - len, "%s%s at %s", len > 0 ? ", " : "", version,
                       path);
    }
    if (found[0] == '\0') {
        virga_doctor_report(doctor, VIRGA_DOCTOR_NOTE, "oci executor", REMEDY,
                            "neither crun nor runc is in PATH: functions need a container engine");
        return;
    }
    if (check_namespaces(doctor) == 0) {
        virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "oci executor", NULL, "%s%s", found,
                            geteuid() == 0 ? "" : ", rootless");
        check_limits(doctor);
    }
}
