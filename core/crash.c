/* SPDX-License-Identifier: MIT */
/* The handler of deadly signals. All that it calls is safe inside one; the unwinder is loaded
 * beforehand. */
#include "crash.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "supervision.h"

#define STACK_BYTES (64 * 1024)
#define FRAMES_MAX 64
#define LIBRARIES_MAX 256
/* The unwinder may hang on a stack that was overwritten: then SIGALRM ends the process. */
#define HANDLER_TIMEOUT_S 5

static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* Where a plugin's code lies. */
static struct library {
    uintptr_t begin;
    uintptr_t end;
    const char *name;
} libraries[LIBRARIES_MAX];
static _Atomic size_t libraries_count;

static _Thread_local bool is_loop;
static _Thread_local struct crumb_cell working; /* of a pool thread */
static _Thread_local char stack[STACK_BYTES];
static atomic_flag crashed = ATOMIC_FLAG_INIT;

/* A stack overflow leaves no room for a handler. A sanitizer has given the thread a stack already,
 * and frees it itself. */
static void use_own_stack(void) {
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0) {
        const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
        (void)sigaltstack(&own, NULL);
    }
}

static void say(const char *text) {
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static const char *library_of(void *const *frames, int count) {
    for (int i = 0; i < count; i++) {
        for (size_t j = 0; j < atomic_load(&libraries_count); j++) {
            if ((uintptr_t)frames[i] >= libraries[j].begin &&
                (uintptr_t)frames[i] < libraries[j].end) {
                return libraries[j].name;
            }
        }
    }
    return NULL;
}

static void leave_word(int signum, void *const *frames, int count) {
    struct supervision *page = supervision();
    struct crumb crumb;
    bool known = crumb_read(is_loop ? &page->loop : &working, &crumb);
    const char *library = known ? NULL : library_of(frames, count);
    if (library != NULL) {
        crumb_fill(&crumb, library, is_loop ? "code" : "a thread of its own", NULL);
        known = true;
    }
    crumb_publish(&page->culprit, known ? &crumb : NULL);
    atomic_store(&page->crashed_signal, signum);
}

static void on_deadly(int signum) {
    void *frames[FRAMES_MAX];
    if (atomic_flag_test_and_set(&crashed)) {
        /* Another thread is at it, and ends the process. */
        for (;;) {
            (void)pause();
        }
    }
    (void)signal(SIGALRM, SIG_DFL);
    (void)alarm(HANDLER_TIMEOUT_S);
    leave_word(signum, frames, 0);
    int count = backtrace(frames, FRAMES_MAX);
    leave_word(signum, frames, count);
    const char *text = sigdescr_np(signum);
    say("virga: ");
    say(text != NULL ? text : "a deadly signal");
    say("; the thread was at\n");
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

void crash_catch(void) {
    struct sigaction action = {.sa_handler = on_deadly, .sa_flags = SA_ONSTACK | SA_NODEFER};
    void *frame[1];
    is_loop = true;
    use_own_stack();
    /* The first call loads the unwinder, which no signal handler may. */
    (void)backtrace(frame, 1);
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        (void)sigaction(deadly[i], &action, NULL);
    }
}

struct search {
    const char *path;
    struct library *found;
};

static int on_library(struct dl_phdr_info *info, size_t size, void *arg) {
    struct search *search = arg;
    (void)size;
    if (info->dlpi_name == NULL || strcmp(info->dlpi_name, search->path) != 0) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            search->found->begin = (uintptr_t)(info->dlpi_addr + header->p_vaddr);
            search->found->end = search->found->begin + (uintptr_t)header->p_memsz;
            return 1;
        }
    }
    return 1;
}

void crash_add_library(const char *path, const char *name) {
    size_t count = atomic_load(&libraries_count);
    if (count == LIBRARIES_MAX) {
        return;
    }
    struct search search = {.path = path, .found = &libraries[count]};
    libraries[count].name = name;
    if (dl_iterate_phdr(on_library, &search) != 0 && libraries[count].end != 0) {
        atomic_store(&libraries_count, count + 1);
    }
}

void crash_enter_work(const char *plugin) {
    struct crumb crumb;
    use_own_stack();
    crumb_fill(&crumb, plugin, "work", NULL);
    crumb_publish(&working, &crumb);
}

void crash_leave_work(void) {
    crumb_publish(&working, NULL);
}
