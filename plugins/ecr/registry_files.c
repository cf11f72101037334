/* SPDX-License-Identifier: MIT */
/* Files of the process backend. */
#include "registry_files.h"
#include "reference.h"
#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES (REGISTRY_SECRET_LEN / 2)
#define SMALL_FILE_MAX 4096

__attribute__((format(printf, 2, 3))) static int path_set(char path[REGISTRY_PATH_MAX],
                                                          const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(path, REGISTRY_PATH_MAX, format, args);
    va_end(args);
    return len > 0 && len < REGISTRY_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Where a socket may be whose data path is too long for one: a private directory named after it. */
static int short_socket(struct registry_files *files, const char *data_path) {
    char digest[ECR_DIGEST_LEN + 1];
    int result = reference_digest(virga_str_from(data_path), digest);
    if (result != 0) {
        return result;
    }
    const char *base = getenv("XDG_RUNTIME_DIR");
    if (base == NULL || base[0] != '/' || strlen(base) > 50) {
        base = "/tmp";
    }
    int len = snprintf(files->socket, sizeof files->socket, "%s/virga-%u-%.16s/registry.sock", base,
                       (unsigned)geteuid(), digest + 7);
    return len > 0 && (size_t)len < sizeof files->socket ? 0 : -ENAMETOOLONG;
}

int registry_files_init(struct registry_files *files, const char *data_path,
                        struct virga_error *err) {
    *files = (struct registry_files){.lock = -1};
    int result = path_set(files->data, "%s", data_path);
    if (result == 0) {
        result = path_set(files->root, "%s/registry", data_path);
    }
    if (result == 0) {
        result = path_set(files->config, "%s/registry.yml", data_path);
    }
    if (result == 0) {
        result = path_set(files->log, "%s/registry.log", data_path);
    }
    if (result == 0) {
        result = path_set(files->trash, "%s/trash", data_path);
    }
    /* Room for a repository's name and for what the registry puts below it. */
    if (result == 0 && strlen(data_path) + 2 * ECR_NAME_MAX > REGISTRY_PATH_MAX) {
        result = -ENAMETOOLONG;
    }
    if (result == 0) {
        int len = snprintf(files->socket, sizeof files->socket, "%s/registry.sock", data_path);
        if (len < 0 || (size_t)len >= sizeof files->socket) {
            result = short_socket(files, data_path);
        }
    }
    if (result != 0) {
        virga_error_set(err, "data-path '%s': %s", data_path, strerror(-result));
    }
    return result;
}

void registry_files_finish(struct registry_files *files) {
    if (files->lock >= 0) {
        close(files->lock);
        files->lock = -1;
    }
}

static int make_directories(const char *path, mode_t mode) {
    char copy[REGISTRY_PATH_MAX];
    int result = path_set(copy, "%s", path);
    if (result != 0) {
        return result;
    }
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        bool last = *at == '\0';
        *at = '\0';
        if (mkdir(copy, last ? mode : 0755) != 0 && errno != EEXIST) {
            return -errno;
        }
        if (last) {
            return 0;
        }
        *at = '/';
    }
}

/* Makes the directory of a socket outside the data path; one of another user's is refused. */
static int make_socket_directory(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    int result = path_set(path, "%s", files->socket);
    if (result != 0) {
        return result;
    }
    *strrchr(path, '/') = '\0';
    if (strcmp(path, files->data) == 0) {
        return 0;
    }
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    if (lstat(path, &st) != 0) {
        return -errno;
    }
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0 ? 0 : -EPERM;
}

static int read_small(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t len = read(fd, buffer, size - 1);
    int result = len < 0 ? -errno : 0;
    close(fd);
    buffer[len > 0 ? len : 0] = '\0';
    return result;
}

/* Writes a file whole or not at all, readable by its owner only. */
static int write_small(const char *path, const char *text, size_t len) {
    char temporary[REGISTRY_PATH_MAX + 8];
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    ssize_t written = write(fd, text, len);
    int result = written < 0 ? -errno : (size_t)written == len ? 0 : -ENOSPC;
    if (close(fd) != 0 && result == 0) {
        result = -errno;
    }
    if (result == 0 && rename(temporary, path) != 0) {
        result = -errno;
    }
    if (result != 0) {
        (void)unlink(temporary);
    }
    return result;
}

/* The registry signs its upload sessions with this: it stays the same, so that they survive a
 * restart. */
int registry_files_secret(const struct registry_files *files,
                          char ret_secret[REGISTRY_SECRET_LEN + 1]) {
    char path[REGISTRY_PATH_MAX];
    char text[SMALL_FILE_MAX];
    int result = path_set(path, "%s/registry.secret", files->data);
    if (result != 0) {
        return result;
    }
    if (read_small(path, text, sizeof text) == 0 && strlen(text) == 2 * SECRET_BYTES &&
        strspn(text, "0123456789abcdef") == 2 * SECRET_BYTES) {
        memcpy(ret_secret, text, 2 * SECRET_BYTES + 1);
        return 0;
    }
    unsigned char random[SECRET_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return -EIO;
    }
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        (void)snprintf(ret_secret + 2 * i, 3, "%02x", random[i]);
    }
    return write_small(path, ret_secret, 2 * SECRET_BYTES);
}

/* Adds a YAML single-quoted scalar. */
static void add_quoted(struct strbuf *buf, const char *text) {
    strbuf_add(buf, "'", 1);
    for (; *text != '\0'; text++) {
        strbuf_add(buf, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    }
    strbuf_add(buf, "'", 1);
}

/* No storage.cache section: with a cache, a blob that gc swept would be answered for from memory.
 */
static int write_config(const struct registry_files *files,
                        char ret_config_digest[ECR_DIGEST_LEN + 1]) {
    char secret[2 * SECRET_BYTES + 1];
    int result = registry_files_secret(files, secret);
    if (result != 0) {
        return result;
    }
    struct strbuf text = {0};
    strbuf_add_text(&text, "version: 0.1\n"
                           "log:\n"
                           "  level: warn\n"
                           "  accesslog:\n"
                           "    disabled: true\n"
                           "storage:\n"
                           "  filesystem:\n"
                           "    rootdirectory: ");
    add_quoted(&text, files->root);
    strbuf_add_text(&text, "\n"
                           "  delete:\n"
                           "    enabled: true\n"
                           "  maintenance:\n"
                           "    uploadpurging:\n"
                           "      enabled: true\n"
                           "      age: 168h\n"
                           "      interval: 24h\n"
                           "      dryrun: false\n"
                           "http:\n"
                           "  net: unix\n"
                           "  addr: ");
    add_quoted(&text, files->socket);
    strbuf_addf(&text, "\n  relativeurls: true\n  secret: %s\n", secret);
    /* Layers that are fetched from elsewhere, as Windows images have them: without this a manifest
     * with their addresses is refused. */
    strbuf_add_text(&text, "validation:\n"
                           "  manifests:\n"
                           "    urls:\n"
                           "      allow:\n"
                           "        - '^https?://'\n");
    result = text.failed ? -ENOMEM : reference_digest(strbuf_str(&text), ret_config_digest);
    if (result == 0) {
        result = write_small(files->config, text.ptr, text.len);
    }
    strbuf_finish(&text);
    return result;
}

static int take_lock(struct registry_files *files) {
    if (files->lock >= 0) {
        return 0;
    }
    char path[REGISTRY_PATH_MAX];
    int result = path_set(path, "%s/lock", files->data);
    if (result != 0) {
        return result;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        result = errno == EWOULDBLOCK ? -EBUSY : -errno;
        close(fd);
        return result;
    }
    files->lock = fd;
    return 0;
}

static void rotate_log(const struct registry_files *files) {
    char old[REGISTRY_PATH_MAX];
    struct stat st;
    if (stat(files->log, &st) == 0 && st.st_size > REGISTRY_LOG_KEPT_BYTES &&
        path_set(old, "%s.1", files->log) == 0) {
        (void)rename(files->log, old);
    }
}

int registry_files_lock(struct registry_files *files, struct virga_error *err) {
    int result = make_directories(files->data, 0755);
    if (result == 0) {
        result = take_lock(files);
        if (result == -EBUSY) {
            virga_error_set(err, "another virga uses '%s'", files->data);
            return result;
        }
    }
    if (result == 0) {
        result = make_directories(files->root, 0700);
    }
    if (result != 0) {
        virga_error_set(err, "cannot write to '%s': %s", files->data, strerror(-result));
    }
    return result;
}

static int volume_path(const struct registry_files *files, char path[REGISTRY_PATH_MAX]) {
    return path_set(path, "%s/registry.volume", files->data);
}

bool registry_files_has_volume(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    return volume_path(files, path) == 0 && access(path, F_OK) == 0;
}

int registry_files_mark_volume(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    int result = volume_path(files, path);
    return result == 0 ? write_small(path, "", 0) : result;
}

int registry_files_prepare(struct registry_files *files, char ret_config_digest[ECR_DIGEST_LEN + 1],
                           struct virga_error *err) {
    int result = registry_files_lock(files, err);
    if (result != 0) {
        return result;
    }
    result = make_socket_directory(files);
    if (result == 0) {
        result = write_config(files, ret_config_digest);
    }
    if (result != 0) {
        virga_error_set(err, "cannot write to '%s': %s", files->data, strerror(-result));
        return result;
    }
    rotate_log(files);
    return 0;
}

static int pid_path(const struct registry_files *files, char path[REGISTRY_PATH_MAX]) {
    return path_set(path, "%s/registry.pid", files->data);
}

int registry_files_read_pid(const struct registry_files *files, struct registry_pid *ret_pid) {
    char path[REGISTRY_PATH_MAX];
    char text[SMALL_FILE_MAX];
    struct registry_pid pid = {0};
    if (pid_path(files, path) != 0 || read_small(path, text, sizeof text) != 0 ||
        sscanf(text, "%" SCNd64 " %" SCNu64 " %71s", &pid.id.pid, &pid.id.start_time,
               pid.config_digest) != 3 ||
        pid.id.pid <= 1) {
        return -ENOENT;
    }
    *ret_pid = pid;
    return 0;
}

int registry_files_write_pid(const struct registry_files *files, const struct registry_pid *pid) {
    char path[REGISTRY_PATH_MAX];
    char text[SMALL_FILE_MAX];
    int result = pid_path(files, path);
    if (result != 0) {
        return result;
    }
    int len = snprintf(text, sizeof text, "%" PRId64 " %" PRIu64 " %s\n", pid->id.pid,
                       pid->id.start_time, pid->config_digest);
    return write_small(path, text, (size_t)len);
}

void registry_files_remove_pid(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    if (pid_path(files, path) == 0) {
        (void)unlink(path);
    }
}

void registry_files_last_line(const struct registry_files *files, char *buffer, size_t size) {
    char tail[SMALL_FILE_MAX];
    buffer[0] = '\0';
    int fd = open(files->log, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > (off_t)(sizeof tail - 1) ? end - (off_t)(sizeof tail - 1) : 0;
    ssize_t len = pread(fd, tail, sizeof tail - 1, from);
    close(fd);
    while (len > 0 && (tail[len - 1] == '\n' || tail[len - 1] == '\0')) {
        len--;
    }
    if (len <= 0) {
        return;
    }
    tail[len] = '\0';
    const char *line = strrchr(tail, '\n');
    line = line != NULL ? line + 1 : tail;
    /* logrus: time="..." level=fatal msg="..." other=... */
    const char *message = strstr(line, "msg=\"");
    size_t used = 0;
    if (message == NULL) {
        (void)snprintf(buffer, size, "%s", line);
        return;
    }
    for (message += 5; *message != '\0' && *message != '"' && used + 1 < size; message++) {
        if (*message == '\\' && message[1] != '\0') {
            message++;
        }
        buffer[used++] = *message;
    }
    buffer[used] = '\0';
}

void registry_files_cap_log(const struct registry_files *files) {
    struct stat st;
    if (stat(files->log, &st) == 0 && st.st_size > REGISTRY_LOG_MAX_BYTES) {
        /* The registry appends, so it goes on at the new end. */
        (void)!truncate(files->log, 0);
    }
}

bool registry_files_has_storage(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    struct stat st;
    return path_set(path, "%s/docker/registry/v2/repositories", files->root) == 0 &&
           stat(path, &st) == 0;
}

int registry_files_revisions(const struct registry_files *files, const char *upstream_name,
                             char ret_path[REGISTRY_PATH_MAX]) {
    return path_set(ret_path, "%s/docker/registry/v2/repositories/%s/_manifests/revisions/sha256",
                    files->root, upstream_name);
}

int registry_files_upload_size(const struct registry_files *files, const char *upstream_name,
                               const char *upload, uint64_t *ret_size) {
    char path[REGISTRY_PATH_MAX];
    struct stat st;
    if (strchr(upload, '/') != NULL || upload[0] == '.') {
        return -ENOENT;
    }
    int result = path_set(path, "%s/docker/registry/v2/repositories/%s/_uploads/%s/data",
                          files->root, upstream_name, upload);
    if (result != 0) {
        return result;
    }
    if (lstat(path, &st) != 0) {
        return errno == ENOTDIR ? -ENOENT : -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return -ENOENT;
    }
    *ret_size = (uint64_t)st.st_size;
    return 0;
}

/* A new directory in the trash. */
static int make_trash(const struct registry_files *files, char ret_path[REGISTRY_PATH_MAX]) {
    int result = make_directories(files->trash, 0700);
    if (result == 0) {
        result = path_set(ret_path, "%s/XXXXXX", files->trash);
    }
    return result == 0 && mkdtemp(ret_path) == NULL ? -errno : result;
}

int registry_files_discard_all(struct registry_files *files) {
    char from[REGISTRY_PATH_MAX], into[REGISTRY_PATH_MAX], to[REGISTRY_PATH_MAX];
    struct stat st;
    int result = path_set(from, "%s/docker", files->root);
    if (result == 0 && lstat(from, &st) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    /* Its owner may be another virga, where this one has not needed the registry yet. */
    if (result == 0) {
        result = take_lock(files);
    }
    if (result == 0) {
        result = make_trash(files, into);
    }
    if (result == 0) {
        result = path_set(to, "%s/docker", into);
    }
    return result == 0 && rename(from, to) != 0 ? -errno : result;
}

int registry_files_discard(const struct registry_files *files, const char *upstream_name) {
    static const char *const parts[] = {"_manifests", "_layers", "_uploads"};
    char from[REGISTRY_PATH_MAX], into[REGISTRY_PATH_MAX], to[REGISTRY_PATH_MAX];
    struct stat st;
    bool any = false;
    for (size_t i = 0; i < 3; i++) {
        int result = path_set(from, "%s/docker/registry/v2/repositories/%s/%s", files->root,
                              upstream_name, parts[i]);
        if (result != 0) {
            return result;
        }
        if (lstat(from, &st) != 0) {
            if (errno == ENOENT || errno == ENOTDIR) {
                continue;
            }
            return -errno;
        }
        if (!any) {
            result = make_trash(files, into);
            if (result != 0) {
                return result;
            }
            any = true;
        }
        result = path_set(to, "%s/%s", into, parts[i]);
        if (result == 0 && rename(from, to) != 0) {
            result = -errno;
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

static int taken_path(const struct registry_files *files, char path[REGISTRY_PATH_MAX]) {
    return path_set(path, "%s.taken", files->trash);
}

bool registry_files_take_trash(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    struct stat st;
    if (taken_path(files, path) != 0) {
        return false;
    }
    /* What a crash left there goes first; the rest follows with the next call. */
    return lstat(path, &st) == 0 || rename(files->trash, path) == 0;
}

void registry_files_empty_trash(const struct registry_files *files) {
    char path[REGISTRY_PATH_MAX];
    if (taken_path(files, path) == 0) {
        (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}
