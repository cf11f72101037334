/* SPDX-License-Identifier: MIT */
/* Command lines of setpriv, unshare, crun and runc. */
#include "oci_how.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* $1: cgroup.procs to enter, $2: folder to be hidden, rest: the runtime. */
#define SCRIPT                                                                                     \
    "if [ -n \"$1\" ]; then echo 0 >\"$1\" || exit 70; fi\n"                                       \
    "if [ -n \"$2\" ]; then mount -t tmpfs none \"$2\" || exit 71; fi\n"                           \
    "shift 2\n"                                                                                    \
    "exec \"$@\""

bool oci_how_find(const char *name, char path[PATH_MAX]) {
    const char *at = getenv("PATH");
    if (at == NULL) {
        at = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    }
    while (*at != '\0') {
        size_t len = strcspn(at, ":");
        struct stat info;
        int written = snprintf(path, PATH_MAX, "%.*s/%s", (int)len, at, name);
        if (len > 0 && at[0] == '/' && written > 0 && written < PATH_MAX &&
            stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0) {
            return true;
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
    return false;
}

static void add(struct oci_command *command, size_t *count, const char *const *words) {
    for (; *words != NULL; words++) {
        command->argv[(*count)++] = *words;
    }
    command->argv[*count] = NULL;
}

void oci_how_command(const struct oci_how *how, const char *folder, const char *id,
                     struct oci_command *ret_command) {
    static const char *const guard[] = {"setpriv", "--pdeathsig", "KILL", "unshare", NULL};
    static const char *const user[] = {"--user", "--map-root-user", NULL};
    static const char *const apart[] = {"--mount", "--propagation",     "private",      "--pid",
                                        "--fork",  "--kill-child=KILL", "--mount-proc", NULL};
    struct oci_command *command = ret_command;
    size_t count = 0;
    bool limited = how->cgroup.parent[0] != '\0';
    bool hide = how->crun && how->cgroup.hybrid;
    command->door[0] = '\0';
    (void)snprintf(command->state, sizeof command->state, "%.4000s/state", folder);
    (void)snprintf(command->log, sizeof command->log, "%.4000s/log", folder);
    (void)snprintf(command->pid, sizeof command->pid, "%.4000s/pid", folder);
    add(command, &count, guard);
    if (how->rootless) {
        add(command, &count, user);
    }
    add(command, &count, apart);
    if (limited) {
        oci_cgroup_door(&how->cgroup, id, command->door);
    }
    if (limited || hide) {
        const char *const shell[] = {
            "/bin/sh", "-c", SCRIPT, "sh", command->door, hide ? "/sys/fs/cgroup" : "", NULL};
        add(command, &count, shell);
    }
    const char *const runtime[] = {how->runtime, "--root",       command->state, "--log",
                                   command->log, "--log-format", "json",         NULL};
    add(command, &count, runtime);
    if (how->crun) {
        add(command, &count, (const char *const[]){"--cgroup-manager=disabled", NULL});
    } else if (how->rootless) {
        add(command, &count, (const char *const[]){"--rootless=true", NULL});
    }
    const char *const run[] = {"run", "--bundle", folder, "--pid-file", command->pid, id, NULL};
    add(command, &count, run);
}

void oci_how_describe(const struct oci_how *how, char *buffer, size_t size) {
    (void)snprintf(buffer, size, "%s%s, %s", how->crun ? "crun" : "runc",
                   how->rootless ? " in a user namespace" : "",
                   how->cgroup.parent[0] != '\0' ? "with memory limits" : "without memory limits");
}
