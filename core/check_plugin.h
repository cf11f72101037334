/* SPDX-License-Identifier: MIT */
/* The checks of `virga check-plugin`. Each runs in a child process, as the plugin may crash it, and
 * leaves what it found in memory that is shared with the parent. */
#ifndef CORE_CHECK_PLUGIN_H
#define CORE_CHECK_PLUGIN_H

#include <stdbool.h>
#include <virga/testkit.h>

#include "elf_file.h"
#include "plugin.h"

#define CHECK_FINDINGS_MAX 64
#define CHECK_TEXT_MAX 600

enum check_verdict { CHECK_OK, CHECK_NOTE, CHECK_FAIL };

struct check_finding {
    enum check_verdict verdict;
    char text[CHECK_TEXT_MAX];
};

/* Shared with the parent; all zero at first. */
struct check_report {
    size_t count; /* of findings; more than fit are counted in `lost` */
    size_t lost;
    bool complete;    /* the check came to its end */
    bool unusable;    /* what follows cannot be checked */
    bool unknown;     /* the check could not be made here */
    uint64_t slow_ms; /* the longest that one callback took */
    char slow_what[64];
    /* What runs now, for the words about a crash. */
    char callback[64]; /* "" = none of the plugin's, or its constructors */
    char request[400];
    struct check_finding findings[CHECK_FINDINGS_MAX];
};

/* What the checks are about. */
struct check_subject {
    const char *path;
    const struct elf_file *elf;
    const char *const *settings; /* "key=value", ended by NULL */
    struct check_report *report;
    const struct virga_plugin *plugin; /* in the child, after check_load() */
    struct plugin *loaded;
};

/* One check; runs in a child, or in the parent when it runs nothing of the plugin. */
struct check {
    const char *name; /* up to 13 columns */
    void (*run)(struct check_subject *subject);
    bool in_parent;
    const char *fine; /* what is said when it found nothing wrong */
};

extern const struct check check_list[];
extern const size_t check_list_count;

/* Adds a finding. */
VIRGA_PRINTF(3, 4)
void check_say(struct check_subject *subject, enum check_verdict verdict, const char *format, ...);

/* Loads the plugin into this process; false, with words, when that fails. */
bool check_load(struct check_subject *subject);

/* Makes a kit with the given settings; NULL, with words, when one does not fit. */
struct testkit *check_kit(struct check_subject *subject);

/* Destroys it; its problems become findings, each after `prefix`. */
void check_end(struct check_subject *subject, struct testkit *kit, const char *prefix);

/* Creates a kit and starts the plugin; NULL, with words, when it does not start. */
struct testkit *check_running_kit(struct check_subject *subject);

/* Whether this check has taken so long that it should come to its end. */
bool check_out_of_time(void);

/* The check "no memory". */
void check_memory_failures(struct check_subject *subject);

/* Sends every request that the routes suggest: well formed, without a body, with garbage, without
 * an action. `each` is called before and after each of them and may be NULL; returns how many. */
size_t check_requests_send(struct check_subject *subject, struct testkit *kit,
                           void (*each)(void *arg, struct testkit_request *req, bool sent),
                           void *arg);

/* Sends the n-th of these alone; NULL when there are fewer. */
struct testkit_request *check_requests_send_one(struct check_subject *subject, struct testkit *kit,
                                                size_t n);

#endif
