/* SPDX-License-Identifier: MIT */
/* What the parts of the s3 plugin share. */
#ifndef S3_H
#define S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virga/ext/config.h>
#include <virga/ext/file.h>
#include <virga/ext/log.h>
#include <virga/ext/store.h>
#include <virga/ext/timer.h>
#include <virga/ext/work.h>
#include <virga/host.h>
#include <virga/http.h>

#define S3_XMLNS "http://s3.amazonaws.com/doc/2006-03-01/"
#define S3_KEY_MAX 1024
#define S3_BUCKET_MAX 63
#define S3_ACCOUNT_LEN 12
#define S3_REGION_MAX 32
/* The largest object of one PUT or part, and of several parts. Source: S3 User Guide, "Limits". */
#define S3_PUT_MAX (UINT64_C(5) << 30)
#define S3_OBJECT_MAX (UINT64_C(5) << 40)

struct files;

struct s3 {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_config *config;
    const struct virga_timer *timer;
    const struct virga_work *work;
    const struct virga_store *store;
    const struct virga_file *file;
    char *folder; /* of the objects' bytes, absolute */
    bool enforce; /* floci.auth.mode */
    bool memory;  /* floci.storage.mode: nothing outlives the process */
    struct files *files;
};

#define S3_LOG(s3, level, req, ...) virga_log_printf((s3)->log, (s3)->host, level, req, __VA_ARGS__)

static inline struct virga_str s3_str(const char *ptr, size_t len) {
    return (struct virga_str){ptr, len};
}

static inline bool s3_is(struct virga_str text, const char *word) {
    return virga_str_equal(text, virga_str_from(word));
}

#endif
