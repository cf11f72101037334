/* SPDX-License-Identifier: MIT */
/* What logs.c and logs_reader.c share. */
#ifndef LAMBDA_LOGS_IMPL_H
#define LAMBDA_LOGS_IMPL_H

#include "logs.h"

#define LOGS_BUCKETS 256

/* Positions count bytes since the log began; those from start to end are kept, at position modulo
 * size. */
struct log {
    struct log *next; /* in its bucket */
    struct tenant tenant;
    char name[LAMBDA_NAME_MAX + 1];
    char *ring;
    size_t size;
    uint64_t start, end;
    uint64_t age;       /* when it was written to, counted */
    unsigned followers; /* it stays as long as there are some */
};

struct follower;

struct logs {
    struct lambda *lambda;
    struct log *buckets[LOGS_BUCKETS];
    int64_t bytes; /* of all rings */
    uint64_t age;
    struct follower *followers;
    unsigned followers_count;
    bool stopped;
};

/* The function's log; NULL when it has none (have: out of memory). */
struct log *logs_find(struct logs *logs, const struct tenant *tenant, const char *name);
struct log *logs_have(struct logs *logs, const struct tenant *tenant, const char *name);
void logs_drop(struct logs *logs, struct log *log);

char log_at(const struct log *log, uint64_t position);
/* Copies what is there from a position on; returns how much. */
size_t log_copy_out(const struct log *log, uint64_t position, char *to, size_t size);

/* Gives followers of the log what is new. */
void logs_wake(struct logs *logs, struct log *log);
/* Ends the answers of those who follow the log (NULL: any log). */
void logs_end_followers(struct logs *logs, const struct log *log);

#endif
