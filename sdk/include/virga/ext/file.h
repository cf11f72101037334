/* SPDX-License-Identifier: MIT */
/* virga.file/1: answer with bytes of a file, which the kernel sends. Since ABI 1.1. */
#ifndef VIRGA_EXT_FILE_H
#define VIRGA_EXT_FILE_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_FILE_ID "virga.file/1"

struct virga_file_range {
    uint32_t struct_size;
    int fd; /* an open regular file; -1: open `path` */
    const char *path;
    uint64_t offset; /* the first byte; the file's size is fine, and an empty body */
    uint64_t length; /* VIRGA_LENGTH_UNKNOWN = to the end of the file */
    /* The range was handed to the kernel (0), or was not: -ECONNRESET, -ETIMEDOUT, -ECANCELED as
     * virga_on_writable, -ENODATA the file has become shorter, -EIO it cannot be read, -ENOMEM.
     * NULL is fine. Calls back: once when respond() returned 0, never inside it: for accounting,
     * and to close `fd`. */
    void (*on_done)(void *arg, int status);
    void *arg;
};

struct virga_file {
    uint32_t struct_size;
    uint32_t reserved;

    /* Answers with status and headers of `res` (its body must be empty) and the range as the body,
     * and gives the request back: as after respond(), `req` is gone. For HEAD, 204 and 304 the
     * length is announced and nothing is sent. Ranges are the caller's business: status 206 and
     * Content-Range are in `res`, or not. The file is read while it is sent, by sendfile(2) where
     * that is possible and by the thread pool where it would wait for a disk; never whole into
     * memory. Change a file by replacing it: bytes under way change with it, and one that has
     * become shorter ends the connection. Owns: `fd` stays the caller's and open until on_done, its
     * position is not used; a `path` is opened and closed by the host; everything else is copied.
     * Errors (req still the caller's, no on_done): -ENOENT, -EACCES and others of open(2), -EISDIR,
     * -EINVAL no regular file, the range is not inside it, or `res` is malformed, -ENOMEM; and
     * -ECANCELED the client is gone (req given back, no on_done). Thread: [loop]. */
    int (*respond)(const struct virga_host *host, struct virga_request *req,
                   const struct virga_response *res, const struct virga_file_range *range);
};

#ifdef __cplusplus
}
#endif
#endif
