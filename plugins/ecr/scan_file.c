/* SPDX-License-Identifier: MIT */
/* Findings files, reports and logs. */
#include "scan_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_BYTES 2048
#define PREFIX_LEN 7 /* "sha256:" */

int scan_file_find(const char *findings, const char *name, const char *digest,
                   char ret_path[SCAN_FILE_PATH_MAX]) {
    struct stat info;
    const char *const names[] = {digest, strlen(digest) > PREFIX_LEN ? digest + PREFIX_LEN : digest,
                                 name};
    if (stat(findings, &info) != 0) {
        return -errno;
    }
    if (!S_ISDIR(info.st_mode)) {
        return snprintf(ret_path, SCAN_FILE_PATH_MAX, "%s", findings) < SCAN_FILE_PATH_MAX
                   ? 0
                   : -ENAMETOOLONG;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int len = snprintf(ret_path, SCAN_FILE_PATH_MAX, "%s/%s.json", findings, names[i]);
        if (len >= SCAN_FILE_PATH_MAX) {
            return -ENAMETOOLONG;
        }
        if (stat(ret_path, &info) == 0) {
            return 0;
        }
        if (errno != ENOENT && errno != ENOTDIR) {
            return -errno;
        }
    }
    return -ESRCH;
}

static int read_all(int fd, size_t size, struct scan_file *ret_file) {
    struct scan_file file = {.ptr = malloc(size + 1)};
    if (file.ptr == NULL) {
        return -ENOMEM;
    }
    while (file.len < size) {
        ssize_t got = read(fd, file.ptr + file.len, size - file.len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int error = -errno;
            free(file.ptr);
            return error;
        }
        if (got == 0) {
            break;
        }
        file.len += (size_t)got;
    }
    file.ptr[file.len] = '\0';
    *ret_file = file;
    return 0;
}

int scan_file_read(const char *path, size_t max, struct scan_file *ret_file) {
    struct stat info;
    /* Why nonblocking: a FIFO would be waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    int result = fstat(fd, &info) != 0 ? -errno : 0;
    if (result == 0 && !S_ISREG(info.st_mode)) {
        result = S_ISDIR(info.st_mode) ? -EISDIR : -EINVAL;
    }
    if (result == 0 && (uint64_t)info.st_size > max) {
        result = -EFBIG;
    }
    if (result == 0) {
        result = read_all(fd, (size_t)info.st_size, ret_file);
    }
    (void)close(fd);
    return result;
}

void scan_file_finish(struct scan_file *file) {
    free(file->ptr);
    *file = (struct scan_file){0};
}

void scan_file_last_line(const char *path, char *buffer, size_t size) {
    char tail[TAIL_BYTES];
    buffer[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return;
    }
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > TAIL_BYTES ? end - TAIL_BYTES : 0;
    ssize_t got = end > 0 ? pread(fd, tail, sizeof tail, from) : 0;
    (void)close(fd);
    size_t len = got > 0 ? (size_t)got : 0;
    while (len > 0 && (tail[len - 1] == '\n' || tail[len - 1] == '\r' || tail[len - 1] == ' ')) {
        len--;
    }
    size_t start = len;
    while (start > 0 && tail[start - 1] != '\n') {
        start--;
    }
    (void)snprintf(buffer, size, "%.*s", (int)(len - start), tail + start);
}

void scan_file_cap(const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && info.st_size > (off_t)SCAN_LOG_MAX_BYTES) {
        /* Whoever writes it appends, and goes on at its beginning. */
        (void)!truncate(path, 0);
    }
}

int scan_file_make_folder(const char *path) {
    char copy[SCAN_FILE_PATH_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) {
        return -ENAMETOOLONG;
    }
    for (char *at = copy + 1;; at++) {
        char c = *at;
        if (c != '/' && c != '\0') {
            continue;
        }
        *at = '\0';
        if (mkdir(copy, c == '\0' ? 0700 : 0755) != 0 && errno != EEXIST) {
            return -errno;
        }
        if (c == '\0') {
            return 0;
        }
        *at = c;
    }
}

void scan_file_clean_folder(const char *path) {
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot != NULL && (strcmp(dot, ".json") == 0 || strcmp(dot, ".log") == 0)) {
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}
