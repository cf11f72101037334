/* SPDX-License-Identifier: MIT */
/* Source: the kernel's cgroup-v1/memory.rst and cgroup-v2.rst. */
#include "oci_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define PREFIX "virga-lambda-"
/* The kernel charges in batches: a limit is met a little below it. */
#define FULL_SLACK_BYTES (1024 * 1024)
#define REMOVE_TRIES 200
#define REMOVE_PAUSE_MS 5

static bool is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int write_file(const char *folder, const char *name, const char *text) {
    char path[OCI_CGROUP_PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    (void)close(fd);
    return result;
}

/* The beginning of a file, with a NUL. */
static bool read_file(const char *folder, const char *name, char *buffer, size_t size) {
    char path[OCI_CGROUP_PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, buffer, size - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    buffer[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static int64_t read_number(const char *folder, const char *name) {
    char text[64], *end;
    if (!read_file(folder, name, text, sizeof text)) {
        return -1;
    }
    int64_t value = strtoll(text, &end, 10);
    return end != text ? value : -1;
}

/* The number behind `key` in a file of "key number" lines. */
static int64_t read_keyed(const char *folder, const char *name, const char *key) {
    char text[1024];
    size_t len = strlen(key);
    if (!read_file(folder, name, text, sizeof text)) {
        return -1;
    }
    for (char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, len) == 0 && line[len] == ' ') {
            return strtoll(line + len, NULL, 10);
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return -1;
}

/* --- where --- */

/* Calls with the folder of every hierarchy that this process is in, and its controllers ("" = v2).
 */
static void each_hierarchy(void (*on_one)(void *arg, const char *folder, const char *controllers),
                           void *arg) {
    char line[OCI_CGROUP_PATH_MAX];
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char folder[OCI_CGROUP_PATH_MAX];
        line[strcspn(line, "\n")] = '\0';
        char *path = line;
        (void)strsep(&path, ":");
        char *controllers = path != NULL ? strsep(&path, ":") : NULL;
        if (path == NULL) {
            continue;
        }
        const char *mount = strncmp(controllers, "name=", 5) == 0 ? controllers + 5 : controllers;
        if (mount[0] == '\0' && is_folder(ROOT "/unified")) {
            mount = "unified";
        }
        const char *slash = mount[0] != '\0' ? "/" : "";
        int len = snprintf(folder, sizeof folder, ROOT "%s%s%s", slash, mount,
                           strcmp(path, "/") == 0 ? "" : path);
        if (len >= (int)sizeof folder || !is_folder(folder)) {
            /* In a container the mount may show our own at its top. */
            (void)snprintf(folder, sizeof folder, ROOT "%s%s", slash, mount);
        }
        on_one(arg, folder, controllers);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static bool has_controller(const char *list, const char *wanted) {
    size_t len = strlen(wanted);
    for (const char *at = list; *at != '\0'; at += strcspn(at, ", \n") + 1) {
        if (strncmp(at, wanted, len) == 0 && strchr(", \n", at[len]) != NULL) {
            return true;
        }
        if (at[strcspn(at, ", \n")] == '\0') {
            break;
        }
    }
    return false;
}

static void look_at(void *arg, const char *folder, const char *controllers) {
    struct oci_cgroup *cgroup = arg;
    char have[512];
    if (controllers[0] != '\0') {
        if (has_controller(controllers, "memory")) {
            (void)snprintf(cgroup->parent, sizeof cgroup->parent, "%s", folder);
            cgroup->v2 = false;
        }
        return;
    }
    cgroup->hybrid = is_folder(ROOT "/unified");
    if (cgroup->parent[0] == '\0' && read_file(folder, "cgroup.controllers", have, sizeof have) &&
        has_controller(have, "memory")) {
        (void)snprintf(cgroup->parent, sizeof cgroup->parent, "%s", folder);
        cgroup->v2 = true;
        /* A v2 cgroup with processes in it, such as ours, has no controllers for others below:
         * beside it is where they have. */
        char *slash = strrchr(cgroup->parent, '/');
        if (strlen(cgroup->parent) > strlen(ROOT) && slash != NULL) {
            *slash = '\0';
        }
    }
}

void oci_cgroup_find(struct oci_cgroup *cgroup, const char *tag) {
    char name[64];
    *cgroup = (struct oci_cgroup){.v2 = false};
    (void)snprintf(cgroup->tag, sizeof cgroup->tag, "%s", tag);
    each_hierarchy(look_at, cgroup);
    if (cgroup->parent[0] == '\0') {
        (void)snprintf(cgroup->why, sizeof cgroup->why, "there is no memory cgroup controller");
        return;
    }
    size_t len = strlen(cgroup->parent);
    (void)snprintf(name, sizeof name, "/" PREFIX "%s", tag);
    if (len + strlen(name) + OCI_CGROUP_NAME_MAX >= sizeof cgroup->parent) {
        (void)snprintf(cgroup->why, sizeof cgroup->why, "the path of our cgroup is too long");
        cgroup->parent[0] = '\0';
        return;
    }
    memcpy(cgroup->parent + len, name, strlen(name) + 1);
    int result = mkdir(cgroup->parent, 0755) == 0 || errno == EEXIST ? 0 : -errno;
    if (result == 0 && cgroup->v2) {
        result = write_file(cgroup->parent, "cgroup.subtree_control", "+memory");
    }
    if (result == 0 && access(cgroup->parent, W_OK) != 0) {
        result = -errno;
    }
    if (result != 0) {
        (void)snprintf(cgroup->why, sizeof cgroup->why, "%.180s: %s", cgroup->parent,
                       strerror(-result));
        cgroup->parent[0] = '\0';
    }
}

/* --- one --- */

static void folder_of(const struct oci_cgroup *cgroup, const char *id,
                      char path[OCI_CGROUP_PATH_MAX]) {
    (void)snprintf(path, OCI_CGROUP_PATH_MAX, "%.900s/%.*s", cgroup->parent, OCI_CGROUP_NAME_MAX,
                   id);
}

/* The runtime's own below it, if it makes one. */
static void nested_of(const struct oci_cgroup *cgroup, const char *id,
                      char path[OCI_CGROUP_PATH_MAX]) {
    char name[OCI_CGROUP_NAME_MAX], folder[OCI_CGROUP_PATH_MAX];
    oci_cgroup_name(cgroup, id, name);
    folder_of(cgroup, id, folder);
    (void)snprintf(path, OCI_CGROUP_PATH_MAX, "%.900s/%s", folder, name);
}

int oci_cgroup_make(const struct oci_cgroup *cgroup, const char *id, int64_t limit_bytes) {
    char folder[OCI_CGROUP_PATH_MAX], limit[32];
    folder_of(cgroup, id, folder);
    (void)snprintf(limit, sizeof limit, "%" PRId64, limit_bytes);
    /* The parent too: somebody may have tidied up. */
    if (mkdir(cgroup->parent, 0755) == 0 && cgroup->v2) {
        (void)write_file(cgroup->parent, "cgroup.subtree_control", "+memory");
    }
    if (mkdir(folder, 0755) != 0) {
        return -errno;
    }
    int result = write_file(folder, cgroup->v2 ? "memory.max" : "memory.limit_in_bytes", limit);
    if (result != 0) {
        (void)rmdir(folder);
        return result;
    }
    /* No swapping out instead; where the kernel does not count swap there is no such file. */
    if (cgroup->v2) {
        (void)write_file(folder, "memory.swap.max", "0");
    } else {
        (void)write_file(folder, "memory.memsw.limit_in_bytes", limit);
    }
    return 0;
}

void oci_cgroup_name(const struct oci_cgroup *cgroup, const char *id,
                     char name[OCI_CGROUP_NAME_MAX]) {
    (void)snprintf(name, OCI_CGROUP_NAME_MAX, PREFIX "%s-%.64s", cgroup->tag, id);
}

void oci_cgroup_door(const struct oci_cgroup *cgroup, const char *id,
                     char path[OCI_CGROUP_PATH_MAX]) {
    char folder[OCI_CGROUP_PATH_MAX];
    folder_of(cgroup, id, folder);
    (void)snprintf(path, OCI_CGROUP_PATH_MAX, "%.1000s/cgroup.procs", folder);
}

int64_t oci_cgroup_peak(const struct oci_cgroup *cgroup, const char *id) {
    const char *name = cgroup->v2 ? "memory.peak" : "memory.max_usage_in_bytes";
    char folder[OCI_CGROUP_PATH_MAX];
    int64_t peak = -1;
    if (cgroup->nested) {
        nested_of(cgroup, id, folder);
        peak = read_number(folder, name);
    }
    if (peak < 0) {
        folder_of(cgroup, id, folder);
        peak = read_number(folder, name);
    }
    return peak;
}

bool oci_cgroup_was_full(const struct oci_cgroup *cgroup, const char *id) {
    char folder[OCI_CGROUP_PATH_MAX];
    folder_of(cgroup, id, folder);
    if (cgroup->v2) {
        return read_keyed(folder, "memory.events", "oom_kill") > 0;
    }
    if (read_keyed(folder, "memory.oom_control", "oom_kill") > 0) {
        return true;
    }
    /* v1 counts a kill where the process was, and that is gone. */
    int64_t most = read_number(folder, "memory.max_usage_in_bytes");
    int64_t limit = read_number(folder, "memory.limit_in_bytes");
    return cgroup->nested && most >= 0 && most + FULL_SLACK_BYTES >= limit;
}

/* --- removing --- */

static void kill_all(const char *folder) {
    char path[OCI_CGROUP_PATH_MAX + 64];
    char line[32];
    if (write_file(folder, "cgroup.kill", "1") == 0) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        long pid = strtol(line, NULL, 10);
        /* 0 is a process of another pid namespace: not ours to kill, and not one of ours. */
        if (pid > 1) {
            (void)kill((pid_t)pid, SIGKILL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static int remove_one(const char *folder) {
    for (int i = 0;; i++) {
        if (rmdir(folder) == 0 || errno == ENOENT) {
            return 0;
        }
        int result = -errno;
        if (errno != EBUSY || i == REMOVE_TRIES) {
            return result;
        }
        kill_all(folder);
        const struct timespec pause = {.tv_nsec = REMOVE_PAUSE_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}

static void remove_named(void *arg, const char *folder, const char *controllers) {
    char path[OCI_CGROUP_PATH_MAX];
    (void)controllers;
    (void)snprintf(path, sizeof path, "%.900s/%s", folder, (const char *)arg);
    (void)remove_one(path);
}

int oci_cgroup_remove(const struct oci_cgroup *cgroup, const char *id) {
    char folder[OCI_CGROUP_PATH_MAX], name[OCI_CGROUP_NAME_MAX];
    int result = 0;
    if (cgroup->parent[0] != '\0') {
        nested_of(cgroup, id, folder);
        (void)remove_one(folder);
        folder_of(cgroup, id, folder);
        result = remove_one(folder);
    }
    oci_cgroup_name(cgroup, id, name);
    each_hierarchy(remove_named, name);
    return result;
}

void oci_cgroup_sweep(const struct oci_cgroup *cgroup) {
    DIR *list = cgroup->parent[0] != '\0' ? opendir(cgroup->parent) : NULL;
    if (list == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            (void)oci_cgroup_remove(cgroup, entry->d_name);
        }
    }
    (void)closedir(list);
    (void)rmdir(cgroup->parent);
}

void oci_cgroup_take_over(const struct oci_cgroup *cgroup, const char *note) {
    struct oci_cgroup old = *cgroup;
    old.parent[0] = '\0';
    FILE *file = fopen(note, "re");
    if (file != NULL) {
        if (fgets(old.parent, sizeof old.parent, file) == NULL) {
            old.parent[0] = '\0';
        }
        (void)fclose(file);
        old.parent[strcspn(old.parent, "\n")] = '\0';
    }
    if (strncmp(old.parent, ROOT "/", strlen(ROOT "/")) == 0 &&
        strstr(old.parent, "/" PREFIX) != NULL && strstr(old.parent, "/../") == NULL &&
        strcmp(old.parent, cgroup->parent) != 0) {
        oci_cgroup_sweep(&old);
    }
    file = fopen(note, "we");
    if (file != NULL) {
        (void)fprintf(file, "%s\n", cgroup->parent);
        (void)fclose(file);
    }
}
