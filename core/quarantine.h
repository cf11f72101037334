/* SPDX-License-Identifier: MIT */
/* Plugins that keep crashing: counts, and the verdict that one is not started any more. Lives in
 * the memory that supervisor and worker share. */
#ifndef CORE_QUARANTINE_H
#define CORE_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* That many crashes within that time. */
#define QUARANTINE_CRASHES 3
#define QUARANTINE_WINDOW_MS 60000
/* Plugins that are remembered at one time. */
#define QUARANTINE_MAX 64
#define QUARANTINE_NAME_MAX 48
#define QUARANTINE_REASON_MAX 400

struct quarantine_entry {
    char plugin[QUARANTINE_NAME_MAX];
    uint64_t crashed_ms[QUARANTINE_CRASHES]; /* the latest first */
    bool held;
    char reason[QUARANTINE_REASON_MAX]; /* of the latest crash */
};

/* All zero = empty. Thread: the supervisor while no worker lives, else the worker's [loop]. */
struct quarantine {
    struct quarantine_entry entries[QUARANTINE_MAX];
    size_t count;
};

/* Counts a crash. Returns true when the plugin is quarantined by it. */
bool quarantine_note(struct quarantine *quarantine, const char *plugin, const char *reason,
                     uint64_t now_ms);
/* The plugin's entry if it is quarantined, else NULL. */
const struct quarantine_entry *quarantine_find(const struct quarantine *quarantine,
                                               const char *plugin);
/* Forgets the plugin's crashes. Returns whether it was quarantined. */
bool quarantine_release(struct quarantine *quarantine, const char *plugin);
/* Forgets all. */
void quarantine_clear(struct quarantine *quarantine);

#endif
