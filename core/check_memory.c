/* SPDX-License-Identifier: MIT */
/* The check "no memory": each allocation of the host's is refused once. */
#include <stdlib.h>

#include "check_plugin.h"

/* Allocations of one request that are made to fail, one after the other. */
#define ALLOCS_MAX 200
#define KNOWN_MAX 64

/* Problems that need no words: they come without a failed allocation, or were told before. */
struct known {
    char *texts[KNOWN_MAX];
    size_t count;
};

static bool is_known(const struct known *known, const char *text) {
    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->texts[i], text) == 0) {
            return true;
        }
    }
    return known->count == KNOWN_MAX;
}

static void forget(struct known *known) {
    while (known->count > 0) {
        free(known->texts[--known->count]);
    }
}

static const char *ordinal(unsigned n) {
    static const char *const ends[] = {"th", "st", "nd", "rd"};
    return n % 100 / 10 != 1 && n % 10 < 4 ? ends[n % 10] : "th";
}

/* Ends the kit and tells what is new; nothing when `n` is 0. */
static void finish(struct check_subject *subject, struct testkit *kit, struct known *known,
                   unsigned n, const char *what) {
    testkit_stop(kit);
    for (size_t i = 0; i < testkit_problems_count(kit); i++) {
        const char *text = testkit_problem(kit, i);
        if (is_known(known, text)) {
            continue;
        }
        known->texts[known->count++] = strdup(text);
        if (n > 0) {
            check_say(subject, CHECK_FAIL, "when the %u%s allocation %s fails: %s", n, ordinal(n),
                      what, text);
        }
    }
    (void)testkit_destroy_quietly(kit);
}

static void fail_starts(struct check_subject *subject) {
    struct known known = {.count = 0};
    bool failed = true;
    for (unsigned n = 0; n <= ALLOCS_MAX && (n <= 1 || failed); n++) {
        struct testkit *kit = check_kit(subject);
        if (kit == NULL) {
            break;
        }
        testkit_fail_alloc(kit, n);
        (void)testkit_start(kit);
        failed = testkit_alloc_failed(kit) != 0;
        testkit_fail_alloc(kit, 0);
        finish(subject, kit, &known, n, "of its start");
    }
    forget(&known);
}

/* The n-th request; false: there is none. */
static bool fail_requests(struct check_subject *subject, size_t at) {
    struct known known = {.count = 0};
    bool sent = true;
    bool failed = true;
    for (unsigned n = 0; n <= ALLOCS_MAX && sent && (n <= 1 || failed); n++) {
        struct testkit *kit = check_running_kit(subject);
        if (kit == NULL) {
            sent = false;
            break;
        }
        testkit_fail_alloc(kit, n);
        sent = check_requests_send_one(subject, kit, at) != NULL;
        failed = testkit_alloc_failed(kit) != 0;
        testkit_fail_alloc(kit, 0);
        finish(subject, kit, &known, n, "for it");
    }
    forget(&known);
    return sent;
}

void check_memory_failures(struct check_subject *subject) {
    if (!check_load(subject)) {
        return;
    }
    fail_starts(subject);
    size_t at = 0;
    while (!check_out_of_time() && fail_requests(subject, at)) {
        at++;
    }
    if (check_out_of_time()) {
        check_say(subject, CHECK_NOTE, "it is slow: only the first %zu requests were tried", at);
    }
}
