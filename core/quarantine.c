/* SPDX-License-Identifier: MIT */
/* The table of plugins that crashed. */
#include "quarantine.h"

#include <stdio.h>
#include <string.h>

static struct quarantine_entry *find(struct quarantine *quarantine, const char *plugin) {
    for (size_t i = 0; i < quarantine->count; i++) {
        if (strncmp(quarantine->entries[i].plugin, plugin, QUARANTINE_NAME_MAX - 1) == 0) {
            return &quarantine->entries[i];
        }
    }
    return NULL;
}

/* A new entry; when the table is full, in the place of the one whose crash is the longest ago. */
static struct quarantine_entry *add(struct quarantine *quarantine, const char *plugin) {
    struct quarantine_entry *entry = NULL;
    if (quarantine->count < QUARANTINE_MAX) {
        entry = &quarantine->entries[quarantine->count++];
    } else {
        for (size_t i = 0; i < QUARANTINE_MAX; i++) {
            struct quarantine_entry *other = &quarantine->entries[i];
            if (entry == NULL || (entry->held && !other->held) ||
                (entry->held == other->held && other->crashed_ms[0] < entry->crashed_ms[0])) {
                entry = other;
            }
        }
    }
    memset(entry, 0, sizeof *entry);
    (void)snprintf(entry->plugin, sizeof entry->plugin, "%s", plugin);
    return entry;
}

bool quarantine_note(struct quarantine *quarantine, const char *plugin, const char *reason,
                     uint64_t now_ms) {
    struct quarantine_entry *entry = find(quarantine, plugin);
    if (entry == NULL) {
        entry = add(quarantine, plugin);
    }
    memmove(&entry->crashed_ms[1], &entry->crashed_ms[0],
            sizeof entry->crashed_ms - sizeof entry->crashed_ms[0]);
    entry->crashed_ms[0] = now_ms;
    (void)snprintf(entry->reason, sizeof entry->reason, "%s", reason);
    uint64_t first_ms = entry->crashed_ms[QUARANTINE_CRASHES - 1];
    if (first_ms != 0 && now_ms - first_ms <= QUARANTINE_WINDOW_MS) {
        entry->held = true;
    }
    return entry->held;
}

const struct quarantine_entry *quarantine_find(const struct quarantine *quarantine,
                                               const char *plugin) {
    const struct quarantine_entry *entry = find((struct quarantine *)(uintptr_t)quarantine, plugin);
    return entry != NULL && entry->held ? entry : NULL;
}

bool quarantine_release(struct quarantine *quarantine, const char *plugin) {
    struct quarantine_entry *entry = find(quarantine, plugin);
    if (entry == NULL) {
        return false;
    }
    bool held = entry->held;
    *entry = quarantine->entries[--quarantine->count];
    return held;
}

void quarantine_clear(struct quarantine *quarantine) {
    quarantine->count = 0;
}
