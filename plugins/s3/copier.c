/* SPDX-License-Identifier: MIT */
/* Copies of files. */
#include "copier.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct copier {
    struct call *call;
    struct copier_options options;
    void (*on_done)(struct call *call, const struct copied *copied);
    int first_fd; /* of the first source, opened while it was surely there */
    int result;
    struct copied copied;
};

static int copy_by_hand(int from, int to, uint64_t offset, uint64_t length) {
    char bytes[16384];
    while (length > 0) {
        size_t want = length < sizeof bytes ? (size_t)length : sizeof bytes;
        ssize_t got = pread(from, bytes, want, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(to, bytes + at, (size_t)(got - at));
            if (put < 0 && errno != EINTR) {
                return -errno;
            }
            at += put > 0 ? put : 0;
        }
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return 0;
}

static int copy_range(int from, int to, uint64_t offset, uint64_t length) {
    while (length > 0) {
        off_t at = (off_t)offset;
        size_t want = length < (1u << 30) ? (size_t)length : (1u << 30);
        ssize_t copied = copy_file_range(from, &at, to, NULL, want, 0);
        if (copied < 0 && errno == EINTR) {
            continue;
        }
        if (copied < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
            return copy_by_hand(from, to, offset, length);
        }
        if (copied <= 0) {
            return copied < 0 ? -errno : -EIO; /* shorter than its record says */
        }
        offset += (uint64_t)copied;
        length -= (uint64_t)copied;
    }
    return 0;
}

static int digest(struct copier *copier, int fd) {
    struct digester digester = {0};
    struct digests_wanted wanted = {.algorithm = copier->options.algorithm};
    unsigned char sha256[CHECKSUM_BYTES_MAX];
    char bytes[32768];
    off_t offset = 0;
    int result = digester_begin(&digester, &wanted);
    while (result == 0) {
        ssize_t got = fd >= 0 ? pread(fd, bytes, sizeof bytes, offset) : 0;
        if (got < 0 && errno != EINTR) {
            result = -errno;
        } else if (got > 0) {
            digester_add(&digester, s3_str(bytes, (size_t)got));
            offset += got;
        } else if (got == 0) {
            break;
        }
    }
    if (result == 0) {
        digester_end(&digester, &copier->copied.digests, sha256);
    }
    digester_drop(&digester);
    return result;
}

static int open_source(const struct copier *copier, size_t i) {
    char path[FILE_PATH_MAX];
    if (i == 0 && copier->first_fd >= 0) {
        return copier->first_fd;
    }
    files_path(copier->call->s3, copier->options.sources[i].file, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

static int copy_all(struct copier *copier, int to) {
    int result = 0;
    for (size_t i = 0; i < copier->options.count && result == 0; i++) {
        const struct copier_source *source = &copier->options.sources[i];
        if (source->length == 0) {
            continue;
        }
        int from = open_source(copier, i);
        if (from < 0) {
            return from;
        }
        result = copy_range(from, to, source->offset, source->length);
        if (from != copier->first_fd) {
            (void)close(from);
        }
    }
    return result;
}

/* A second name for the same bytes: files are never changed. */
static bool link_whole(const struct copier *copier) {
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    files_path(copier->call->s3, copier->options.sources[0].file, from);
    files_path(copier->call->s3, virga_str_from(copier->copied.id.text), to);
    return link(from, to) == 0;
}

static void run(void *arg) { /* [worker] */
    struct copier *copier = arg;
    int fd = -1;
    int result = 0;
    if (copier->copied.size > 0) {
        fd = files_create(copier->call->s3, &copier->copied.id);
        result = fd < 0 ? fd : 0;
    }
    if (result == 0 && copier->options.whole && copier->copied.size > 0) {
        /* The new name was made to have its folder; the link takes its place. */
        char path[FILE_PATH_MAX];
        files_path(copier->call->s3, virga_str_from(copier->copied.id.text), path);
        (void)close(fd);
        (void)unlink(path);
        if (link_whole(copier)) {
            fd = open(path, O_RDONLY | O_CLOEXEC);
        } else {
            fd = files_create(copier->call->s3, &copier->copied.id);
            result = fd < 0 ? fd : copy_all(copier, fd);
        }
    } else if (result == 0) {
        result = copy_all(copier, fd);
    }
    if (result == 0 && copier->options.digests) {
        result = digest(copier, fd);
    }
    if (fd >= 0 && close(fd) != 0 && result == 0) {
        result = -errno;
    }
    copier->result = result;
}

static void on_run(void *arg, int status) {
    struct copier *copier = arg;
    struct call *call = copier->call;
    struct copied copied = copier->copied;
    status = status == 0 ? copier->result : status;
    if (copier->first_fd >= 0) {
        (void)close(copier->first_fd);
    }
    if (status != 0) {
        if (copied.id.text[0] != '\0') {
            files_abandon(call->s3, &copied.id);
        }
        call_broken(call, "A copy was not made", status);
        return;
    }
    copier->on_done(call, &copied);
}

void copier_start(struct call *call, const struct copier_options *options,
                  void (*on_done)(struct call *call, const struct copied *copied)) {
    struct s3 *s3 = call->s3;
    struct copier *copier = call_alloc(call, sizeof *copier);
    int result = copier != NULL ? 0 : -ENOMEM;
    if (result == 0) {
        *copier =
            (struct copier){.call = call, .options = *options, .on_done = on_done, .first_fd = -1};
        for (size_t i = 0; i < options->count; i++) {
            copier->copied.size += options->sources[i].length;
        }
    }
    if (result == 0 && copier->copied.size > 0) {
        int fd = options->sources[0].length > 0 ? open_source(copier, 0) : -1;
        copier->first_fd = fd >= 0 ? fd : -1;
        result = fd < 0 && options->sources[0].length > 0 ? fd : 0;
    }
    if (result == 0 && copier->copied.size > 0) {
        result = files_new(s3, &copier->copied.id);
    }
    if (result == 0) {
        result = s3->work->submit(s3->host, run, on_run, copier, NULL);
    }
    if (result != 0) {
        if (copier != NULL && copier->first_fd >= 0) {
            (void)close(copier->first_fd);
        }
        if (copier != NULL && copier->copied.id.text[0] != '\0') {
            files_abandon(s3, &copier->copied.id);
        }
        call_broken(call, "A copy was not made", result);
    }
}
