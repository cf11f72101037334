/* SPDX-License-Identifier: MIT */
/* A breadcrumb: which plugin code a thread runs, copied to where it can be read by another thread,
 * and by another process after this one has died. */
#ifndef CORE_CRUMB_H
#define CORE_CRUMB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;

/* One call. Texts are cut to fit; "" = none. */
struct crumb {
    uint64_t since_ns; /* uv_hrtime() of its begin */
    char plugin[48];
    char what[32]; /* "handle" */
    char request_id[40];
    char method[16];
    char path[120]; /* and the action, if it does not stand in the path */
};

enum { CRUMB_WORDS = sizeof(struct crumb) / sizeof(uint64_t) };
_Static_assert(sizeof(struct crumb) % sizeof(uint64_t) == 0, "a crumb is copied by words");

/* Where one thread leaves its crumb; all zero = nothing runs. */
struct crumb_cell {
    _Atomic uint32_t version; /* odd while the words change */
    _Atomic uint64_t words[CRUMB_WORDS];
};

/* The text that describes `crumb` is at most this long, with its NUL. */
#define CRUMB_TEXT_MAX 320

/* Fills it in; `request` may be NULL. */
void crumb_fill(struct crumb *crumb, const char *plugin, const char *what,
                const struct request *request);
/* Puts it where it is seen; NULL = nothing runs any more. Thread: the cell's own. */
void crumb_publish(struct crumb_cell *cell, const struct crumb *crumb_or_null);
/* Copies what runs. Returns false when nothing does. Safe inside a signal handler. Thread: [any].
 */
bool crumb_read(const struct crumb_cell *cell, struct crumb *ret_crumb);
/* "plugin ecr ran handle for request 01ab GET /x". */
const char *crumb_describe(const struct crumb *crumb, char text[CRUMB_TEXT_MAX]);

#endif
