/* SPDX-License-Identifier: MIT */
/* /proc, pidfd and PATH. */
#include "process_id.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int process_id_start_time(int64_t pid, uint64_t *ret_start_time, bool *ret_ended) {
    char path[64];
    char text[1024];
    char state;
    unsigned long long start_time;
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -ESRCH;
    }
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (len <= 0) {
        return -ESRCH;
    }
    text[len] = '\0';
    /* The second field is the program's name in parentheses and may hold anything, also
     * parentheses. */
    const char *rest = strrchr(text, ')');
    if (rest == NULL ||
        sscanf(rest + 1,
               " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &state, &start_time) != 2) {
        return -ESRCH;
    }
    *ret_start_time = start_time;
    if (ret_ended != NULL) {
        *ret_ended = state == 'Z' || state == 'X';
    }
    return 0;
}

bool process_id_runs(int64_t pid, uint64_t start_time) {
    uint64_t found;
    bool ended;
    return process_id_start_time(pid, &found, &ended) == 0 && !ended && found == start_time;
}

int process_id_open(int64_t pid) {
#ifdef SYS_pidfd_open
    long fd = syscall(SYS_pidfd_open, (pid_t)pid, 0u);
    return fd < 0 ? -errno : (int)fd;
#else
    (void)pid;
    return -ENOSYS;
#endif
}

static int check_program(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return errno == EACCES ? -EACCES : -ENOENT;
    }
    return S_ISREG(info.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

static int give(char *program, char **ret_program) {
    int rc = check_program(program);
    if (rc < 0) {
        free(program);
        return rc;
    }
    *ret_program = program;
    return 0;
}

/* Absolute whenever the child changes its directory. */
static int find_file(const char *name, const char *cwd, char **ret_program) {
    bool below_cwd = name[0] != '/' && cwd != NULL;
    char *here = below_cwd && cwd[0] != '/' ? get_current_dir_name() : NULL;
    char *program;
    int len = asprintf(&program, "%s%s%s%s%s", here != NULL ? here : "", here != NULL ? "/" : "",
                       below_cwd ? cwd : "", below_cwd ? "/" : "", name);
    free(here);
    return len < 0 ? -ENOMEM : give(program, ret_program);
}

int process_id_find_program(const char *name, const char *path, const char *cwd,
                            char **ret_program) {
    int result = -ENOENT;
    char *program;
    if (name[0] == '\0') {
        return -ENOENT;
    }
    if (strchr(name, '/') != NULL) {
        return find_file(name, cwd, ret_program);
    }
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        /* A relative entry would mean another directory in the child. */
        if (path[0] == '/') {
            if (asprintf(&program, "%.*s/%s", (int)len, path, name) < 0) {
                return -ENOMEM;
            }
            int rc = give(program, ret_program);
            if (rc == 0) {
                return 0;
            }
            result = rc == -EACCES ? rc : result;
        }
        path += len + (path[len] == ':');
    }
    return result;
}
