/* SPDX-License-Identifier: MIT */
/* Init hooks: shell scripts of the user that run at the host's start and stop, in folders by stage
 * (boot.d, start.d, ready.d, stop.d). Owns their order, time and outcome; leaves the moment to
 * host.
 */
#ifndef CORE_HOOKS_H
#define CORE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct hooks;
struct host;

enum hooks_stage {
    HOOKS_BOOT,  /* before plugins are loaded */
    HOOKS_START, /* plugins run, the host is not ready yet */
    HOOKS_READY, /* the host is ready */
    HOOKS_STOP,  /* plugins still run, the host is about to stop */
    HOOKS_STAGES
};

enum hooks_state { HOOKS_UNKNOWN, HOOKS_RUNNING, HOOKS_SUCCESSFUL, HOOKS_ERROR };

struct hooks_script {
    enum hooks_stage stage;
    enum hooks_state state;
    char *name; /* of the file */
};

/* Scripts of all stages; what is beyond is left out with a line in the log. */
#define HOOKS_SCRIPTS_MAX 1000

/* Finds the scripts of `directory`: regular files *.sh with their execute bit set, in name order.
 * Errors: -ENOENT the directory is not there, others of the system, -ENOMEM. */
int hooks_create(struct host *host, const char *directory, struct hooks **ret_hooks,
                 struct error *err);
/* What runs is ended. NULL is fine. */
void hooks_destroy(struct hooks *hooks);

/* Begins the scripts of a stage, one after the other; what runs of an earlier stage is ended. The
 * loop must turn until hooks_is_done(). NULL is fine. */
void hooks_begin(struct hooks *hooks, enum hooks_stage stage);
/* Whether all scripts of the stage have ended; true for NULL. */
bool hooks_is_done(const struct hooks *hooks, enum hooks_stage stage);
/* Takes the stages before the stop as done: an earlier worker ran them. NULL is fine. */
void hooks_skip_start(struct hooks *hooks);

/* The scripts, by stage and name. NULL has none. */
size_t hooks_count(const struct hooks *hooks);
const struct hooks_script *hooks_at(const struct hooks *hooks, size_t index);

#endif
