/* SPDX-License-Identifier: MIT */
/* The shared page. */
#include "supervision.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static struct supervision own;
static struct supervision *page = &own;
static struct supervision *check_page = &own;
static pid_t supervisor_pid;

int supervision_map(void) {
    struct supervision *pages =
        mmap(NULL, 2 * sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return -errno;
    }
    page = &pages[0];
    check_page = &pages[1];
    return 0;
}

struct supervision *supervision(void) {
    return page;
}

void supervision_reset(void) {
    crumb_publish(&page->loop, NULL);
    crumb_publish(&page->culprit, NULL);
    atomic_store(&page->crashed_signal, 0);
    atomic_store(&page->stalled_ms, 0);
    atomic_store(&page->wish, SUPERVISION_STOP);
}

struct supervision *supervision_prepare_check(void) {
    crumb_publish(&check_page->loop, NULL);
    crumb_publish(&check_page->culprit, NULL);
    atomic_store(&check_page->crashed_signal, 0);
    check_page->quarantine = page->quarantine;
    return check_page;
}

void supervision_become_check(void) {
    page = check_page;
}

void supervision_set_supervisor(pid_t supervisor) {
    supervisor_pid = supervisor;
}

bool supervision_has_supervisor(void) {
    return supervisor_pid != 0;
}

bool supervision_is_orphan(void) {
    return supervisor_pid != 0 && getppid() != supervisor_pid;
}
