/* SPDX-License-Identifier: MIT */
/* Source: proc(5), pid_namespaces(7). Signals go by pidfd: a pid may be another's the next moment.
 */
#include "oci_processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN_MAX 64
/* Of a command line: what is looked for comes early in it. */
#define ARGS_MAX 8192
#define END_TRIES 200
#define END_PAUSE_MS 5

static ssize_t read_file(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, buffer, size - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    buffer[got > 0 ? got : 0] = '\0';
    return got;
}

/* A field of /proc/<pid>/stat, from 4 (ppid) on; 0: no such process. */
static uint64_t stat_field(pid_t pid, int wanted) {
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_file(path, text, sizeof text) <= 0) {
        return 0;
    }
    /* The name in parentheses may hold anything. */
    char *at = strrchr(text, ')');
    if (at == NULL) {
        return 0;
    }
    at++;
    for (int field = 3; field < wanted && at != NULL; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtoull(at, NULL, 10) : 0;
}

static bool has_lists(void) {
    return access("/proc/thread-self/children", F_OK) == 0;
}

/* Adds the pids that a thread's list has. False: this kernel has no such lists. */
static bool add_children(const char *path, pid_t *pids, size_t max, size_t *count) {
    char text[1024];
    if (read_file(path, text, sizeof text) < 0) {
        return false;
    }
    for (char *at = text, *end; *count < max; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at) {
            break;
        }
        pids[(*count)++] = (pid_t)pid;
    }
    return true;
}

/* By the parent's number in every process's stat. */
static size_t search_children(pid_t parent, pid_t *pids, size_t max) {
    size_t count = 0;
    DIR *list = opendir("/proc");
    for (struct dirent *entry; list != NULL && count < max && (entry = readdir(list)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && stat_field(pid, 4) == (uint64_t)parent) {
            pids[count++] = pid;
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return count;
}

/* Pids of a process's children: each of its threads (runc has many) has a list of its own. */
static size_t children_of(pid_t parent, pid_t *pids, size_t max) {
    char path[300];
    size_t count = 0;
    bool known = true;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *list = opendir(path);
    for (struct dirent *entry; list != NULL && known && (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)parent,
                           entry->d_name);
            /* A thread may end meanwhile. */
            known = add_children(path, pids, max, &count) || has_lists();
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return known ? count : search_children(parent, pids, max);
}

pid_t oci_processes_runtime(pid_t guard) {
    pid_t pid;
    return guard > 0 && children_of(guard, &pid, 1) == 1 ? pid : 0;
}

/* A process's number in its own namespace: the last one of NSpid. */
static pid_t number_inside(pid_t pid) {
    char path[64], text[2048];
    long last = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    (void)read_file(path, text, sizeof text);
    const char *line = strstr(text, "\nNSpid:");
    if (line != NULL) {
        const char *at = line + strlen("\nNSpid:");
        while (*at == '\t' || (*at >= '0' && *at <= '9')) {
            char *end;
            long number = strtol(at, &end, 10);
            if (end == at) {
                break;
            }
            last = number;
            at = end;
        }
    }
    return (pid_t)last;
}

pid_t oci_processes_main(pid_t runtime, pid_t inside) {
    pid_t pids[CHILDREN_MAX];
    size_t count = runtime > 0 ? children_of(runtime, pids, CHILDREN_MAX) : 0;
    for (size_t i = 0; i < count; i++) {
        if (number_inside(pids[i]) == inside) {
            return pids[i];
        }
    }
    return 0;
}

uint64_t oci_processes_start_time(pid_t pid) {
    return stat_field(pid, 22);
}

static ssize_t namespace_of(pid_t pid, char *buffer, size_t size) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    ssize_t len = readlink(path, buffer, size - 1);
    buffer[len > 0 ? len : 0] = '\0';
    return len;
}

int oci_processes_signal(pid_t runtime, int signum) {
    char ours[64], theirs[64], own[64];
    int count = 0;
    if (runtime <= 0 || namespace_of(runtime, ours, sizeof ours) <= 0 ||
        namespace_of(getpid(), own, sizeof own) <= 0 || strcmp(ours, own) == 0) {
        return 0;
    }
    DIR *list = opendir("/proc");
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || pid == runtime) {
            continue;
        }
        int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
        if (fd < 0) {
            continue;
        }
        if (namespace_of(pid, theirs, sizeof theirs) > 0 && strcmp(ours, theirs) == 0 &&
            syscall(SYS_pidfd_send_signal, fd, signum, NULL, 0u) == 0) {
            count++;
        }
        (void)close(fd);
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return count;
}

int64_t oci_processes_peak(pid_t runtime) {
    pid_t pids[CHILDREN_MAX];
    int64_t sum = -1;
    size_t count = runtime > 0 ? children_of(runtime, pids, CHILDREN_MAX) : 0;
    for (size_t i = 0; i < count; i++) {
        char path[64], text[2048];
        (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pids[i]);
        (void)read_file(path, text, sizeof text);
        const char *line = strstr(text, "\nVmHWM:");
        if (line != NULL) {
            sum = (sum < 0 ? 0 : sum) + strtoll(line + strlen("\nVmHWM:"), NULL, 10) * 1024;
        }
    }
    return sum;
}

/* Not there, or a zombie. */
static bool is_over(pid_t pid) {
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *end = read_file(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
    return end == NULL || end[1] == '\0' || end[2] == 'Z' || end[2] == 'X';
}

void oci_processes_wait(pid_t pid) {
    for (int i = 0; i < END_TRIES && !is_over(pid); i++) {
        const struct timespec pause = {.tv_nsec = END_PAUSE_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}

static bool is_of(pid_t pid, const char *wanted, size_t len) {
    static _Thread_local char text[ARGS_MAX];
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    ssize_t got = read_file(path, text, sizeof text);
    return got > 0 && memmem(text, (size_t)got, wanted, len) != NULL;
}

void oci_processes_end_of(const char *folders) {
    char wanted[PATH_MAX + 16];
    static const char option[] = "--root"; /* with its NUL, as arguments are kept */
    size_t len = strlen(folders);
    if (len >= PATH_MAX) {
        return;
    }
    memcpy(wanted, option, sizeof option);
    memcpy(wanted + sizeof option, folders, len);
    len += sizeof option;
    DIR *list = opendir("/proc");
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        int fd = pid > 1 && pid != getpid() ? (int)syscall(SYS_pidfd_open, pid, 0u) : -1;
        if (fd < 0) {
            continue;
        }
        if (is_of(pid, wanted, len) && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0u) == 0) {
            oci_processes_wait(pid);
        }
        (void)close(fd);
    }
    if (list != NULL) {
        (void)closedir(list);
    }
}
