/* SPDX-License-Identifier: MIT */
/* Source: the kernel's cgroup-v1/memory and cgroup-v2 documents; where dockerd (cgroupfs, systemd)
 * and podman put their containers. */
#include "docker_cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool docker_cgroup_find(const char *root, const char *container, char ret_path[DOCKER_CGROUP_MAX]) {
    static const char *const places[] = {
        "%s/system.slice/docker-%s.scope",
        "%s/docker/%s",
        "%s/memory/docker/%s",
        "%s/memory/system.slice/docker-%s.scope",
        "%s/machine.slice/libpod-%s.scope",
        "%s/libpod_parent/libpod-%s",
        "%s/memory/libpod_parent/libpod-%s",
        "%s/memory/machine.slice/libpod-%s.scope",
        "%s/machine.slice/libpod-%s.scope/container",
    };
    struct stat st;
    char path[DOCKER_CGROUP_MAX];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int len = snprintf(path, sizeof path, places[i], root, container);
#pragma GCC diagnostic pop
        if (len > 0 && (size_t)len < sizeof path && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            memcpy(ret_path, path, (size_t)len + 1);
            return true;
        }
    }
    return false;
}

static bool read_file(const char *path, const char *name, char *buffer, size_t size) {
    char file[DOCKER_CGROUP_MAX + 64];
    (void)snprintf(file, sizeof file, "%s/%s", path, name);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, buffer, size - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    buffer[len > 0 ? len : 0] = '\0';
    return len > 0;
}

int64_t docker_cgroup_peak(const char *path) {
    char text[64];
    if (!read_file(path, "memory.peak", text, sizeof text) &&
        !read_file(path, "memory.max_usage_in_bytes", text, sizeof text)) {
        return -1;
    }
    return strtoll(text, NULL, 10);
}

bool docker_cgroup_killed(const char *path) {
    char text[512];
    if (!read_file(path, "memory.events", text, sizeof text) &&
        !read_file(path, "memory.oom_control", text, sizeof text)) {
        return false;
    }
    /* "oom_kill 1" in a line of its own in both; "oom_kill_disable 0" is another. */
    const char *at = strstr(text, "oom_kill ");
    return at != NULL && strtoll(at + strlen("oom_kill "), NULL, 10) > 0;
}
