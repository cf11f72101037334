/* SPDX-License-Identifier: MIT */
/* Logs of functions: a ring of bytes for each, from whose start whole lines are dropped. Who reads
 * or follows them is in logs_reader.c. */
#include "logs_impl.h"

#include <errno.h>
#include <stdlib.h>

#define RING_SIZE_FIRST 4096

int logs_create(struct lambda *lambda, struct logs **ret_logs) {
    struct logs *logs = calloc(1, sizeof *logs);
    if (logs == NULL) {
        return -ENOMEM;
    }
    logs->lambda = lambda;
    *ret_logs = logs;
    return 0;
}

/* --- which log --- */

static struct log **bucket_of(struct logs *logs, const struct tenant *tenant, const char *name) {
    const char *parts[] = {tenant->account, tenant->region, name};
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *at = parts[i];; at++) {
            hash = (hash ^ (unsigned char)*at) * 16777619u;
            if (*at == '\0') {
                break;
            }
        }
    }
    return &logs->buckets[hash % LOGS_BUCKETS];
}

static bool is_of(const struct log *log, const struct tenant *tenant, const char *name) {
    return strcmp(log->name, name) == 0 && strcmp(log->tenant.account, tenant->account) == 0 &&
           strcmp(log->tenant.region, tenant->region) == 0;
}

struct log *logs_find(struct logs *logs, const struct tenant *tenant, const char *name) {
    struct log *log = *bucket_of(logs, tenant, name);
    while (log != NULL && !is_of(log, tenant, name)) {
        log = log->next;
    }
    return log;
}

struct log *logs_have(struct logs *logs, const struct tenant *tenant, const char *name) {
    struct log *log = logs_find(logs, tenant, name);
    if (log != NULL) {
        return log;
    }
    log = calloc(1, sizeof *log);
    if (log != NULL) {
        struct log **bucket = bucket_of(logs, tenant, name);
        log->tenant = *tenant;
        (void)snprintf(log->name, sizeof log->name, "%s", name);
        log->next = *bucket;
        *bucket = log;
    }
    return log;
}

static void empty(struct logs *logs, struct log *log) {
    logs->bytes -= (int64_t)log->size;
    free(log->ring);
    log->ring = NULL;
    log->size = 0;
    log->start = log->end;
}

/* Takes a log out that holds nothing and that nobody follows. */
void logs_drop(struct logs *logs, struct log *log) {
    struct log **at = bucket_of(logs, &log->tenant, log->name);
    while (*at != log) {
        at = &(*at)->next;
    }
    *at = log->next;
    empty(logs, log);
    free(log);
}

static void drop_oldest(struct logs *logs, const struct log *keep) {
    struct log *oldest = NULL;
    for (size_t i = 0; i < LOGS_BUCKETS; i++) {
        for (struct log *log = logs->buckets[i]; log != NULL; log = log->next) {
            if (log != keep && log->size > 0 && (oldest == NULL || log->age < oldest->age)) {
                oldest = log;
            }
        }
    }
    if (oldest != NULL && oldest->followers == 0) {
        logs_drop(logs, oldest);
    } else if (oldest != NULL) {
        empty(logs, oldest);
    }
}

/* --- bytes --- */

char log_at(const struct log *log, uint64_t position) {
    return log->ring[position % log->size];
}

static void copy_in(struct log *log, const char *bytes, size_t len) {
    size_t at = (size_t)(log->end % log->size);
    size_t first = len < log->size - at ? len : log->size - at;
    memcpy(log->ring + at, bytes, first);
    memcpy(log->ring, bytes + first, len - first);
    log->end += len;
}

size_t log_copy_out(const struct log *log, uint64_t position, char *to, size_t size) {
    uint64_t have = log->end - position;
    size_t len = have < size ? (size_t)have : size;
    if (len > 0) {
        size_t at = (size_t)(position % log->size);
        size_t first = len < log->size - at ? len : log->size - at;
        memcpy(to, log->ring + at, first);
        memcpy(to + first, log->ring, len - first);
    }
    return len;
}

/* Makes the ring large enough for `need` more bytes, or as large as it may be. */
static bool grow(struct logs *logs, struct log *log, size_t need) {
    size_t most = (size_t)logs->lambda->log_bytes;
    size_t want = (size_t)(log->end - log->start) + need;
    size_t size = log->size == 0 ? RING_SIZE_FIRST : log->size;
    while (size < want && size < most) {
        size *= 2;
    }
    size = size < most ? size : most;
    if (size <= log->size) {
        return true;
    }
    char *ring = malloc(size);
    if (ring == NULL) {
        return log->size > 0;
    }
    size_t have = (size_t)(log->end - log->start);
    for (size_t done = 0; done < have;) {
        size_t at = (size_t)((log->start + done) % size);
        size_t part = size - at < have - done ? size - at : have - done;
        done += log_copy_out(log, log->start + done, ring + at, part);
    }
    logs->bytes += (int64_t)(size - log->size);
    free(log->ring);
    log->ring = ring;
    log->size = size;
    return true;
}

/* Drops whole lines until `need` bytes are free. */
static void make_room(struct log *log, size_t need) {
    while (log->size - (size_t)(log->end - log->start) < need && log->start < log->end) {
        while (log->start < log->end && log_at(log, log->start) != '\n') {
            log->start++;
        }
        if (log->start < log->end) {
            log->start++;
        }
    }
}

void logs_add(struct logs *logs, const struct tenant *tenant, const char *name,
              struct virga_str lines) {
    struct log *log = logs_have(logs, tenant, name);
    if (log == NULL || lines.len == 0) {
        return;
    }
    log->age = ++logs->age;
    if (!grow(logs, log, lines.len)) {
        return;
    }
    if (lines.len > log->size) {
        /* More than all that is kept: the end of it. */
        size_t cut = lines.len - log->size;
        log->end += cut;
        log->start = log->end;
        lines = (struct virga_str){lines.ptr + cut, log->size};
    }
    make_room(log, lines.len);
    copy_in(log, lines.ptr, lines.len);
    while (logs->bytes > LOGS_BYTES_MAX && logs->bytes > (int64_t)log->size) {
        drop_oldest(logs, log);
    }
    if (log->followers > 0) {
        logs_wake(logs, log);
    }
}

void logs_forget(struct logs *logs, const struct tenant *tenant, const char *name) {
    struct log *log = logs_find(logs, tenant, name);
    if (log != NULL) {
        logs_end_followers(logs, log);
        logs_drop(logs, log);
    }
}

void logs_stop(struct logs *logs) {
    logs->stopped = true;
    logs_end_followers(logs, NULL);
}

void logs_destroy(struct logs *logs) {
    if (logs == NULL) {
        return;
    }
    for (size_t i = 0; i < LOGS_BUCKETS; i++) {
        while (logs->buckets[i] != NULL) {
            logs_drop(logs, logs->buckets[i]);
        }
    }
    free(logs);
}
