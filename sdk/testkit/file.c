/* SPDX-License-Identifier: MIT */
/* virga.file/1: the file is read at once into the captured answer. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "request.h"

#define READ_BYTES 65536

struct sending {
    struct task task;
    struct handle handle;
    void (*on_done)(void *arg, int status);
    void *arg;
    int status;
};

static void drop(struct handle *handle) {
    struct sending *sending = LINK_ENTRY(handle, struct sending, handle);
    kit_handle_remove(handle);
    kit_task_disarm(&sending->task);
    free(sending);
}

static void tell(struct task *task) {
    struct sending *sending = LINK_ENTRY(task, struct sending, task);
    struct kit_call call;
    kit_enter(&call, sending->handle.kit, "file on_done");
    sending->on_done(sending->arg, sending->status);
    kit_leave(&call);
    drop(&sending->handle);
}

/* How many bytes there were; negative errno. */
static int64_t copy(struct text *to, int fd, uint64_t offset, uint64_t length) {
    char buffer[READ_BYTES];
    uint64_t taken = 0;
    while (taken < length) {
        uint64_t left = length - taken;
        ssize_t got = pread(fd, buffer, left < sizeof buffer ? (size_t)left : sizeof buffer,
                            (off_t)(offset + taken));
        if (got <= 0) {
            return got < 0 ? -errno : (int64_t)taken;
        }
        kit_text_add(to, buffer, (size_t)got);
        taken += (uint64_t)got;
    }
    return (int64_t)taken;
}

static int respond_from(struct testkit_request *req, const struct virga_response *res,
                        const struct virga_file_range *range, int fd) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return -errno;
    }
    if (!S_ISREG(info.st_mode)) {
        return S_ISDIR(info.st_mode) ? -EISDIR : -EINVAL;
    }
    uint64_t size = (uint64_t)info.st_size;
    if (range->offset > size) {
        return -EINVAL;
    }
    uint64_t length = range->length == VIRGA_LENGTH_UNKNOWN ? size - range->offset : range->length;
    int result = kit_request_take_head(req, res);
    if (result != 0) {
        return result;
    }
    if (strcmp(req->method, "HEAD") == 0) {
        req->complete = true;
        return 0;
    }
    int64_t sent = copy(&req->answer, fd, range->offset, length);
    req->complete = sent >= 0 && (uint64_t)sent == length;
    return 0;
}

static int respond(const struct virga_host *host, struct virga_request *pub,
                   const struct virga_response *res, const struct virga_file_range *given) {
    struct testkit *kit = kit_from(host);
    struct testkit_request *req = request_from(pub);
    struct virga_file_range range = {.fd = -1};
    memcpy(&range, given, given->struct_size < sizeof range ? given->struct_size : sizeof range);
    int result = 0;
    if (!kit_request_answerable(req, "file respond()")) {
        req->answers++;
        return -EINVAL;
    }
    if (req->state != REQUEST_OPEN || res->body.len > 0 || (range.fd < 0 && range.path == NULL)) {
        return -EINVAL;
    }
    if (req->cancelled != 0) {
        result = -ECANCELED;
    } else {
        int fd = range.fd >= 0 ? range.fd : open(range.path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return -errno;
        }
        result = respond_from(req, res, &range, fd);
        if (range.fd < 0) {
            (void)close(fd);
        }
        if (result != 0) {
            return result;
        }
    }
    req->answers++;
    kit_request_give_back(req);
    if (result == 0 && range.on_done != NULL) {
        struct sending *sending = kit_must_alloc(sizeof *sending);
        sending->on_done = range.on_done;
        sending->arg = range.arg;
        sending->status = req->complete ? 0 : -ECONNRESET;
        task_init(&sending->task);
        kit_handle_add(kit, &sending->handle, "file that is being sent", drop);
        kit_task_arm(kit, &sending->task, tell);
    }
    return result;
}

const struct virga_file kit_file = {
    .struct_size = sizeof kit_file,
    .respond = respond,
};
