/* SPDX-License-Identifier: MIT */
/* virga check-plugin: each check in a child process that may crash or hang, the report in words. */
#include "cli_check_plugin.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check_plugin.h"
#include "cli_text.h"

/* What one check may take before it counts as hanging. */
#define CHECK_TIMEOUT_MS 60000
#define POLL_MS 5
#define NAME_COLUMNS 13
#define INDENT (6 + NAME_COLUMNS + 1)

#ifdef __SANITIZE_ADDRESS__
#define EXIT_WORDS "it called exit(), or the sanitizer ended it with the words above"
#else
#define EXIT_WORDS "a plugin never calls exit()"
#endif

/* --- printing --- */

static void print_line(enum check_verdict verdict, const char *name, const char *text) {
    static const char *const words[] = {"ok  ", "note", "FAIL"};
    static const enum cli_colour colours[] = {CLI_GREEN, CLI_YELLOW, CLI_RED};
    printf("%s%s%s  %-*s ", cli_colour(colours[verdict]), words[verdict], cli_colour(CLI_PLAIN),
           NAME_COLUMNS, name);
    cli_wrap(text, INDENT, INDENT);
}

/* Prints what a check found; how many of it are failures. */
static size_t print_report(const struct check *check, const struct check_report *report) {
    size_t failures = 0;
    size_t count = report->count < CHECK_FINDINGS_MAX ? report->count : CHECK_FINDINGS_MAX;
    for (size_t i = 0; i < count; i++) {
        print_line(report->findings[i].verdict, check->name, report->findings[i].text);
        failures += report->findings[i].verdict == CHECK_FAIL;
    }
    if (report->lost > 0) {
        char text[80];
        (void)snprintf(text, sizeof text, "and %zu more like these", report->lost);
        print_line(CHECK_FAIL, check->name, text);
    }
    if (failures == 0 && !report->unusable && !report->unknown && report->complete) {
        print_line(CHECK_OK, check->name, check->fine);
    }
    return failures;
}

/* --- the child --- */

static void become_child(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    const struct rlimit none = {0, 0};
    /* A sanitizer in this program must not turn a crash into an exit status. */
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)signal(signals[i], SIG_DFL);
    }
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The report alone stands on stdout. */
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

static uint64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits for the child; false: it hung and was killed. */
static bool wait_for(pid_t pid, int *ret_status) {
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    uint64_t end = now_ms() + CHECK_TIMEOUT_MS;
    pid_t got;
    while ((got = waitpid(pid, ret_status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        if (now_ms() > end) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, ret_status, 0);
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

static const char *signal_name(int signum, char text[64]) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
    const char *name = sigabbrev_np(signum);
    if (name != NULL) {
        (void)snprintf(text, 64, "SIG%s (%s)", name, sigdescr_np(signum));
        return text;
    }
#endif
    (void)snprintf(text, 64, "signal %d (%s)", signum, strsignal(signum));
    return text;
}

/* Where the plugin was when its process ended. */
static void describe_place(const struct check_report *report, char *to, size_t size) {
    (void)snprintf(to, size, "%s%s%s%s", report->callback[0] != '\0' ? "in " : "",
                   report->callback[0] != '\0'
                       ? report->callback
                       : "outside of every callback (constructors, threads, or "
                         "the reading of its descriptor)",
                   report->request[0] != '\0' ? ", request " : "", report->request);
}

static void judge_end(struct check_subject *subject, bool in_time, int status) {
    struct check_report *report = subject->report;
    char place[600];
    char name[64];
    describe_place(report, place, sizeof place);
    if (!in_time) {
        check_say(subject, CHECK_FAIL, "it hangs %s: nothing came back for %d seconds", place,
                  CHECK_TIMEOUT_MS / 1000);
    } else if (WIFSIGNALED(status)) {
        check_say(subject, CHECK_FAIL, "it crashed with %s %s", signal_name(WTERMSIG(status), name),
                  place);
    } else if (WEXITSTATUS(status) != 0 || !report->complete) {
        check_say(subject, CHECK_FAIL,
                  "it ended the whole process (exit status %d) %s: " EXIT_WORDS,
                  WEXITSTATUS(status), place);
    }
}

static void run_in_child(struct check_subject *subject, const struct check *check) {
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become_child();
        check->run(subject);
        subject->report->complete = true;
        _exit(0);
    }
    if (pid < 0) {
        check_say(subject, CHECK_FAIL, "no process can be made: %s", strerror(errno));
        return;
    }
    bool in_time = wait_for(pid, &status);
    judge_end(subject, in_time, status);
}

/* --- one check --- */

/* A machine that is busy makes everything slow once: only what is slow twice counts. */
static void check_slowness(struct check_subject *subject, const struct check *check) {
    struct check_report *report = subject->report;
    if (report->slow_ms <= PLUGIN_SLOW_MS || !report->complete) {
        return;
    }
    struct check_report kept = *report;
    *report = (struct check_report){0};
    run_in_child(subject, check);
    if (report->slow_ms < kept.slow_ms) {
        kept.slow_ms = report->slow_ms;
        memcpy(kept.slow_what, report->slow_what, sizeof kept.slow_what);
    }
    *report = kept;
    if (report->slow_ms > PLUGIN_SLOW_MS) {
        check_say(subject, CHECK_FAIL,
                  "%s took %llu ms, in which the host serves nobody: more than %d ms is too long. "
                  "What blocks goes to virga.work/1",
                  report->slow_what, (unsigned long long)report->slow_ms, PLUGIN_SLOW_MS);
    }
}

static size_t run_check(struct check_subject *subject, const struct check *check) {
    *subject->report = (struct check_report){0};
    if (check->in_parent) {
        check->run(subject);
        subject->report->complete = true;
    } else {
        run_in_child(subject, check);
        check_slowness(subject, check);
    }
    size_t failures = print_report(check, subject->report);
    subject->report->unusable |= failures > 0 && !subject->report->complete;
    return failures;
}

/* Begins this program anew with an allocator whose figures can be believed.
 * Why: glibc counts what its per-thread cache holds as in use, so a heap seems to grow for as long
 * as that fills up; it is switched off before a program begins or not at all. */
static void without_malloc_cache(char **argv) {
    static const char name[] = "GLIBC_TUNABLES";
    static const char off[] = "glibc.malloc.tcache_count=0";
    const char *set = getenv(name);
    char value[1024];
    if (set != NULL && strstr(set, off) != NULL) {
        return;
    }
    int len = snprintf(value, sizeof value, "%s%s%s", set != NULL ? set : "",
                       set != NULL && set[0] != '\0' ? ":" : "", off);
    if (len > 0 && (size_t)len < sizeof value && setenv(name, value, 1) == 0) {
        (void)execv("/proc/self/exe", argv); /* else the heap is measured as it is */
    }
}

int cli_check_plugin(const struct cli_args *args) {
    struct elf_file elf;
    struct error err = {0};
    char path[PATH_MAX];
    size_t failures = 0;
    size_t done = 0;
    char *argv[CLI_WORDS_MAX + 3] = {"virga", "check-plugin"};
    for (size_t i = 0; i < args->words_count; i++) {
        argv[i + 2] = (char *)(uintptr_t)args->words[i];
    }
    without_malloc_cache(argv);
    if (realpath(args->words[0], path) == NULL) {
        (void)fprintf(stderr, "virga: %s: %s\n", args->words[0], strerror(errno));
        return CLI_FAILED;
    }
    if (elf_file_read(path, &elf, &err) != 0) {
        (void)fprintf(stderr, "virga: %s\n", err.text);
        return CLI_FAILED;
    }
    struct check_report *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        (void)fprintf(stderr, "virga: out of memory\n");
        elf_file_finish(&elf);
        return CLI_FAILED;
    }
    struct check_subject subject = {
        .path = path, .elf = &elf, .settings = args->words + 1, .report = report};
    for (bool unusable = false; done < check_list_count && !unusable; done++) {
        failures += run_check(&subject, &check_list[done]);
        unusable = report->unusable;
    }
    for (; done < check_list_count; done++) {
        print_line(CHECK_NOTE, check_list[done].name, "not checked, because of the above");
    }
    printf("%s: %zu failure%s\n", args->words[0], failures, failures == 1 ? "" : "s");
    (void)munmap(report, sizeof *report);
    elf_file_finish(&elf);
    return failures == 0 ? CLI_OK : CLI_FAILED;
}
