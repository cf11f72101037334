/* SPDX-License-Identifier: MIT */
/* The supervisor's loop: signals, the worker's messages, and the time of the next start. */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config_copy.h"
#include "fdstore.h"
#include "host.h"
#include "log.h"
#include "supervision.h"

#define say_info(...) log_write(VIRGA_LOG_INFO, "supervisor", NULL, __VA_ARGS__)
#define say_warn(...) log_write(VIRGA_LOG_WARN, "supervisor", NULL, __VA_ARGS__)
#define say_error(...) log_write(VIRGA_LOG_ERROR, "supervisor", NULL, __VA_ARGS__)

#define VERDICT_MAX 512

struct supervisor {
    struct host_options options; /* with `config` */
    struct config_copy config;   /* of the present worker and those that replace it */
    struct config_copy candidate;
    sigset_t mask_before;
    int signals;
    int channel;  /* to the worker; -1 = none */
    pid_t worker; /* 0 = none */
    pid_t check;  /* looks at a new configuration; 0 = none */
    const struct supervision *check_page;
    uint64_t start_at_ms;    /* of the next worker; 0 = none is due */
    uint64_t check_until_ms; /* the check is given up then */
    uint64_t ready_ms;       /* the worker's start had ended; 0 = not yet */
    uint64_t delay_ms;       /* before the next start */
    bool had_terminal;       /* stderr was one */
    bool ever_ready;
    bool again;  /* SIGHUP came while one was being obeyed */
    bool ending; /* SIGTERM came */
    bool done;
    int status; /* of the exit */
};

static uint64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *config_path(const struct supervisor *self) {
    return self->options.config_path != NULL ? self->options.config_path : HOST_CONFIG_FILE;
}

static void finish(struct supervisor *self, int status) {
    self->done = true;
    self->status = status;
}

/* ---- children ---- */

/* In the child: undoes what is the supervisor's own. Returns false when that has died meanwhile. */
static bool become_child(struct supervisor *self, pid_t supervisor) {
    (void)close(self->signals);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    supervision_set_supervisor(supervisor);
    (void)sigprocmask(SIG_SETMASK, &self->mask_before, NULL);
    return !supervision_is_orphan();
}

static void start_later(struct supervisor *self) {
    self->start_at_ms = now_ms() + self->delay_ms;
    self->delay_ms = self->delay_ms == 0 ? SUPERVISOR_DELAY_FIRST_MS : 2 * self->delay_ms;
    if (self->delay_ms > SUPERVISOR_DELAY_LAST_MS) {
        self->delay_ms = SUPERVISOR_DELAY_LAST_MS;
    }
}

/* Returns true in the worker. */
static bool start_worker(struct supervisor *self) {
    pid_t supervisor = getpid();
    int ours = -1;
    int theirs = fdstore_open_channel(&ours);
    self->start_at_ms = 0;
    self->ready_ms = 0;
    supervision_reset();
    pid_t pid = theirs >= 0 ? fork() : -1;
    if (pid == 0) {
        (void)close(ours);
        if (!become_child(self, supervisor)) {
            _exit(1);
        }
        fdstore_attach(theirs);
        return true;
    }
    if (theirs >= 0) {
        (void)close(theirs);
    }
    if (pid < 0) {
        say_error("no worker can be started: %s", strerror(errno));
        if (ours >= 0) {
            (void)close(ours);
        }
        start_later(self);
        return false;
    }
    self->worker = pid;
    self->channel = ours;
    return false;
}

static void follow_log_settings(void) {
    const struct supervision *page = supervision();
    if (atomic_load(&page->log_known)) {
        log_setup((enum virga_log_level)atomic_load(&page->log_level),
                  (enum log_format)atomic_load(&page->log_format));
    }
}

/* ---- a worker's death ---- */

/* Signals that code brings upon itself; others come from outside and are no plugin's fault. */
static bool is_crash(int signum) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        if (crashes[i] == signum) {
            return true;
        }
    }
    return false;
}

/* "worker 123 died of signal 11 (Segmentation fault) while plugin x ran ...". Returns whether a
 * plugin is to blame, with its name in *ret_crumb. */
static bool judge(pid_t pid, int status, char verdict[VERDICT_MAX], struct crumb *ret_crumb) {
    const struct supervision *page = supervision();
    int caught = atomic_load(&page->crashed_signal);
    uint32_t stalled_ms = atomic_load(&page->stalled_ms);
    bool known = crumb_read(caught != 0 ? &page->culprit : &page->loop, ret_crumb);
    int signum = caught != 0 ? caught : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    char text[CRUMB_TEXT_MAX];
    char how[128];
    if (stalled_ms != 0) {
        (void)snprintf(how, sizeof how, "was aborted by the watchdog after %u s of standstill",
                       stalled_ms / 1000);
    } else if (signum != 0) {
        (void)snprintf(how, sizeof how, "died of signal %d (%s)", signum, strsignal(signum));
    } else {
        (void)snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    }
    (void)snprintf(verdict, VERDICT_MAX, "worker %ld %s%s%s", (long)pid, how,
                   known ? " while " : "", known ? crumb_describe(ret_crumb, text) : "");
    return known && (stalled_ms != 0 || signum == 0 || is_crash(signum));
}

static void on_crash(struct supervisor *self, pid_t pid, int status) {
    char verdict[VERDICT_MAX];
    struct crumb crumb;
    bool blamed = judge(pid, status, verdict, &crumb);
    bool refused = !blamed && WIFEXITED(status) && WEXITSTATUS(status) == SUPERVISION_EXIT_REFUSED;
    if (refused && !self->ever_ready) {
        /* It has said why. Nothing will be different the next time. */
        finish(self, SUPERVISION_EXIT_REFUSED);
        return;
    }
    say_error("%s", verdict);
    if (self->ready_ms != 0 && now_ms() - self->ready_ms >= SUPERVISOR_HEALTHY_MS) {
        self->delay_ms = 0;
    }
    if (blamed && quarantine_note(&supervision()->quarantine, crumb.plugin, verdict, now_ms())) {
        say_error("plugin %s has crashed %d times within %d s: it is quarantined", crumb.plugin,
                  QUARANTINE_CRASHES, QUARANTINE_WINDOW_MS / 1000);
    }
    if (self->ending) {
        finish(self, 1);
        return;
    }
    start_later(self);
}

static void close_channel(struct supervisor *self) {
    (void)close(self->channel);
    self->channel = -1;
}

static void on_worker_end(struct supervisor *self, int status) {
    pid_t pid = self->worker;
    bool settled = false;
    struct crumb crumb;
    if (self->channel >= 0) {
        /* What it still said about its sockets. */
        (void)fdstore_serve(self->channel, &settled);
        close_channel(self);
    }
    self->worker = 0;
    bool asked = self->ending || atomic_load(&supervision()->wish) == SUPERVISION_RESTART;
    /* The signal ends a worker that has not got to the handler yet. */
    bool clean = ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                  (asked && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)) &&
                 !crumb_read(&supervision()->loop, &crumb);
    if (!clean) {
        on_crash(self, pid, status);
    } else if (self->ending) {
        finish(self, 0);
    } else {
        if (!asked) {
            say_warn("worker %ld has stopped, which it was not asked to here", (long)pid);
        }
        self->delay_ms = 0;
        start_later(self);
    }
    if (!self->ending && atomic_load(&supervision()->wish) == SUPERVISION_RESTART) {
        quarantine_clear(&supervision()->quarantine);
    }
}

/* ---- SIGHUP ---- */

static void replace_worker(struct supervisor *self) {
    config_copy_drop(&self->config);
    self->config = self->candidate;
    self->candidate = (struct config_copy){.state = CONFIG_COPY_NONE};
    if (self->worker != 0) {
        atomic_store(&supervision()->wish, SUPERVISION_RESTART);
        (void)kill(self->worker, SIGTERM);
    } else {
        quarantine_clear(&supervision()->quarantine);
        self->start_at_ms = now_ms();
    }
}

/* Returns true in the child. */
static bool begin_check(struct supervisor *self) {
    pid_t supervisor = getpid();
    const char *path = config_path(self);
    if (self->check != 0 ||
        (self->worker != 0 && atomic_load(&supervision()->wish) == SUPERVISION_RESTART)) {
        self->again = true;
        return false;
    }
    config_copy_drop(&self->candidate);
    config_copy_take(&self->candidate, path);
    self->check_page = supervision_prepare_check();
    pid_t pid = fork();
    if (pid == 0) {
        if (self->channel >= 0) {
            (void)close(self->channel);
        }
        self->options.config_copy = &self->candidate;
        supervision_become_check();
        return become_child(self, supervisor);
    }
    if (pid < 0) {
        say_error("the new configuration cannot be checked: %s", strerror(errno));
        return false;
    }
    self->check = pid;
    self->check_until_ms = now_ms() + SUPERVISOR_CHECK_MS;
    return false;
}

static void on_check_end(struct supervisor *self, int status) {
    self->check = 0;
    if (self->ending) {
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        say_info("the configuration is in order: a new worker takes over");
        replace_worker(self);
    } else if (WIFSIGNALED(status)) {
        const struct supervision *page = self->check_page;
        struct crumb crumb;
        char text[CRUMB_TEXT_MAX];
        bool caught = atomic_load(&page->crashed_signal) != 0;
        bool known = crumb_read(caught ? &page->culprit : &page->loop, &crumb);
        say_error(
            "the check of the new configuration died of signal %d (%s)%s%s: the present worker "
            "stays",
            WTERMSIG(status), strsignal(WTERMSIG(status)), known ? " while " : "",
            known ? crumb_describe(&crumb, text) : "");
    }
}

/* ---- the loop ---- */

static void end(struct supervisor *self, int signum) {
    if (self->ending) {
        say_warn("second signal: ending now");
        if (self->worker != 0) {
            (void)kill(self->worker, SIGKILL);
            (void)waitpid(self->worker, NULL, 0);
        }
        finish(self, 1);
        return;
    }
    self->ending = true;
    if (self->check != 0) {
        (void)kill(self->check, SIGKILL);
    }
    if (self->worker == 0) {
        say_info("signal %d: stopping", signum);
        finish(self, 0);
        return;
    }
    atomic_store(&supervision()->wish, SUPERVISION_STOP);
    (void)kill(self->worker, SIGTERM);
}

/* As the first process of a container it is also given children of others that died. */
static void reap(struct supervisor *self) {
    int status;
    pid_t pid;
    while (!self->done && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == self->worker) {
            on_worker_end(self, status);
        } else if (pid == self->check) {
            on_check_end(self, status);
        }
    }
}

/* SIGHUP also comes when a terminal is closed: then nobody is left to want a restart. */
static bool has_lost_terminal(const struct supervisor *self) {
    return self->had_terminal && isatty(STDERR_FILENO) == 0;
}

/* All signals that wait are read before anything is done: a service manager may have sent its
 * SIGTERM to the worker too, whose end then comes with it. Returns true in a child. */
static bool take_signals(struct supervisor *self) {
    struct signalfd_siginfo info;
    bool child_ended = false;
    bool reload = false;
    while (read(self->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            child_ended = true;
        } else if (info.ssi_signo == SIGHUP && !has_lost_terminal(self)) {
            reload = true;
        } else if (!self->done) {
            end(self, (int)info.ssi_signo);
        }
    }
    if (child_ended) {
        reap(self);
    }
    return reload && !self->ending && begin_check(self);
}

static void serve_channel(struct supervisor *self) {
    bool settled = false;
    bool gone = fdstore_serve(self->channel, &settled) != 0;
    if (settled) {
        self->ready_ms = now_ms();
        self->ever_ready = true;
        follow_log_settings();
    }
    if (gone) {
        /* It has ended or is about to: SIGCHLD says more. */
        close_channel(self);
    }
}

static int poll_timeout(const struct supervisor *self) {
    uint64_t now = now_ms();
    uint64_t next = self->start_at_ms;
    if (self->check != 0 && (next == 0 || self->check_until_ms < next)) {
        next = self->check_until_ms;
    }
    return next == 0 ? -1 : next <= now ? 0 : (int)(next - now);
}

enum role { SUPERVISES, WORKS, CHECKS };

static enum role loop(struct supervisor *self) {
    while (!self->done) {
        uint64_t now = now_ms();
        if (self->start_at_ms != 0 && now >= self->start_at_ms && !self->ending &&
            start_worker(self)) {
            return WORKS;
        }
        if (self->check != 0 && now >= self->check_until_ms) {
            (void)kill(self->check, SIGKILL);
            self->check_until_ms = UINT64_MAX;
        }
        if (self->again && self->check == 0 && self->ready_ms != 0) {
            self->again = false;
            if (begin_check(self)) {
                return CHECKS;
            }
        }
        struct pollfd fds[] = {{.fd = self->signals, .events = POLLIN},
                               {.fd = self->channel, .events = POLLIN}};
        (void)poll(fds, 2, poll_timeout(self));
        if (fds[1].revents != 0) {
            serve_channel(self);
        }
        if (fds[0].revents != 0 && take_signals(self)) {
            return CHECKS;
        }
    }
    return SUPERVISES;
}

static int set_up(struct supervisor *self) {
    sigset_t mask;
    int result = supervision_map();
    if (result != 0) {
        return result;
    }
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGHUP);
    (void)sigaddset(&mask, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &mask, &self->mask_before);
    self->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signals >= 0 ? 0 : -errno;
}

int supervisor_run(const struct host_options *options) {
    struct supervisor self = {
        .options = *options, .channel = -1, .had_terminal = isatty(STDERR_FILENO) == 1};
    int result = set_up(&self);
    if (result != 0) {
        (void)fprintf(stderr, "virga: the supervisor cannot be set up: %s\n", strerror(-result));
        return 1;
    }
    config_copy_take(&self.config, config_path(&self));
    self.options.config_copy = &self.config;
    self.start_at_ms = now_ms();
    int status = 1;
    switch (loop(&self)) {
    case WORKS:
        status = host_run(&self.options);
        break;
    case CHECKS:
        status = supervision_is_orphan() ? 1 : host_check(&self.options);
        break;
    case SUPERVISES:
        status = self.status;
        fdstore_close_all();
        (void)close(self.signals);
        break;
    }
    config_copy_drop(&self.config);
    config_copy_drop(&self.candidate);
    return status;
}
