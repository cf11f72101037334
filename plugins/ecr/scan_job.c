/* SPDX-License-Identifier: MIT */
/* Running one scan. The command runs below a shell that only redirects and then becomes it: stdout,
 * the report, goes to virga by a pipe, stderr to a file, since virga.process/1 has one pipe for
 * both. */
#include "scan_job.h"

#include "gateway.h"
#include "login.h"
#include "scan_file.h"
#include "strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_MS 250
#define KILL_AFTER_MS 2000 /* from SIGTERM to SIGKILL */
#define PATH_BYTES 1200    /* of a file in the folder */
#define REDIRECT "log=$1; shift; exec \"$@\" 2>>\"$log\""
#define REDIRECT_ALL "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1"
#define FIXED_ARGS 5 /* sh -c <redirect> <its name> <log> */

struct scan_job {
    struct ecr *ecr;
    const struct scan_settings *settings;
    struct scan_subject subject;
    void (*on_done)(void *arg, struct scan_outcome *outcome);
    void *arg;
    struct scan_outcome outcome;
    bool canceled;
    /* the command */
    struct virga_process_handle *process;
    struct virga_timer_handle *timer;
    struct strbuf output;
    char report_path[PATH_BYTES];
    char log_path[PATH_BYTES];
    int64_t exit_status;
    int term_signal;
    int64_t ticks;
    int64_t kill_tick; /* SIGKILL then; 0 = SIGTERM was not sent */
    bool timed_out;
    bool overflow;
};

__attribute__((format(printf, 2, 3))) static void set_failure(struct scan_job *job,
                                                              const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(job->outcome.description, sizeof job->outcome.description, format, args);
    va_end(args);
    job->outcome.status = -EINVAL;
}

static void finish(struct scan_job *job) {
    job->ecr->timer->stop(job->timer);
    if (job->log_path[0] != '\0') {
        (void)unlink(job->log_path);
        (void)unlink(job->report_path);
    }
    if (job->canceled) {
        job->outcome.status = -ECANCELED;
    }
    job->on_done(job->arg, &job->outcome);
    scan_report_finish(&job->outcome.report);
    strbuf_finish(&job->output);
    free(job);
}

static void on_finish_timer(void *arg) {
    finish(arg);
}

/* Ends the job from the loop. */
static int finish_later(struct scan_job *job) {
    return job->ecr->timer->start(job->ecr->host, 0, 0, on_finish_timer, job, &job->timer);
}

/* --- reading the report, on a worker's thread --- */

static void read_report(struct scan_job *job, struct virga_str text, const char *what) {
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    int result = scan_report_read(text, &job->subject, &job->outcome.report, &err);
    if (result != 0) {
        set_failure(job, "%s cannot be used: %s", what,
                    result == -ENOMEM ? "out of memory" : err.text);
    }
}

static void read_command_report(struct scan_job *job) {
    if (job->exit_status != 0 || job->term_signal != 0) {
        char line[240] = "", end[64];
        scan_file_last_line(job->log_path, line, sizeof line);
        if (job->term_signal != 0) {
            (void)snprintf(end, sizeof end, "was ended by signal %d", job->term_signal);
        } else {
            (void)snprintf(end, sizeof end, "exited with %" PRId64, job->exit_status);
        }
        set_failure(job, "The scanner %s%s%s", end, line[0] != '\0' ? ": " : "", line);
        return;
    }
    if (!job->settings->command.writes_output) {
        read_report(job, strbuf_str(&job->output), "The scanner's report");
        return;
    }
    struct scan_file file = {0};
    int result = scan_file_read(job->report_path, SCAN_REPORT_MAX_BYTES, &file);
    if (result != 0) {
        set_failure(job, "The scanner's report cannot be read: %s",
                    result == -EFBIG ? "it is too large" : strerror(-result));
        return;
    }
    read_report(job, (struct virga_str){file.ptr, file.len}, "The scanner's report");
    scan_file_finish(&file);
}

static void read_findings_file(struct scan_job *job) {
    struct scan_file file = {0};
    char path[SCAN_FILE_PATH_MAX];
    int result =
        scan_file_find(job->settings->findings, job->subject.name, job->subject.digest, path);
    if (result == 0) {
        result = scan_file_read(path, SCAN_REPORT_MAX_BYTES, &file);
    }
    if (result == -ESRCH) {
        (void)snprintf(job->outcome.description, sizeof job->outcome.description,
                       "The folder scanner-findings has no report for this image.");
        job->outcome.report.source_ms = job->subject.now_ms;
    } else if (result != 0) {
        set_failure(job, "scanner-findings cannot be read: %s",
                    result == -EFBIG ? "the report is too large" : strerror(-result));
    } else {
        read_report(job, (struct virga_str){file.ptr, file.len}, "The findings file");
    }
    scan_file_finish(&file);
}

static void on_work(void *arg) {
    struct scan_job *job = arg;
    if (job->settings->has_command) {
        read_command_report(job);
    } else {
        read_findings_file(job);
    }
}

static void on_worked(void *arg, int status) {
    struct scan_job *job = arg;
    if (status != 0) {
        set_failure(job, "The report was not read: virga is being stopped");
    }
    finish(job);
}

static int submit(struct scan_job *job) {
    return job->ecr->work->submit(job->ecr->host, on_work, on_worked, job, NULL);
}

/* --- the command --- */

/* Signals the command and what it has started: it leads a process group of its own. */
static void signal_group(struct scan_job *job, int signum) {
    int64_t pid = job->ecr->process->id(job->process).pid;
    if (pid > 1) {
        (void)kill((pid_t)-pid, signum);
    }
}

static void end_command(struct scan_job *job) {
    if (job->process != NULL && job->kill_tick == 0) {
        job->kill_tick = job->ticks + KILL_AFTER_MS / TICK_MS;
        signal_group(job, SIGTERM);
    }
}

static void on_tick(void *arg) {
    struct scan_job *job = arg;
    job->ticks++;
    scan_file_cap(job->log_path);
    if (job->kill_tick != 0 && job->ticks >= job->kill_tick) {
        signal_group(job, SIGKILL);
    } else if (job->kill_tick == 0 && job->ticks * TICK_MS >= job->settings->timeout_ms) {
        job->timed_out = true;
        end_command(job);
    }
}

static void on_output(void *arg, struct virga_str bytes) {
    struct scan_job *job = arg;
    if (job->overflow || job->settings->command.writes_output) {
        return;
    }
    if (bytes.len > SCAN_REPORT_MAX_BYTES - job->output.len) {
        job->overflow = true;
        strbuf_finish(&job->output);
        end_command(job);
        return;
    }
    strbuf_add_str(&job->output, bytes);
}

static void on_exit_command(void *arg, int64_t exit_status, int term_signal) {
    struct scan_job *job = arg;
    struct ecr *ecr = job->ecr;
    /* What it left running would go on reading the registry, or hold the pipe. */
    signal_group(job, SIGKILL);
    ecr->process->close(job->process);
    job->process = NULL;
    ecr->timer->stop(job->timer);
    job->timer = NULL;
    job->exit_status = exit_status;
    job->term_signal = term_signal;
    if (job->timed_out) {
        set_failure(job, "The scanner did not end within %" PRId64 " s (scanner-timeout-s)",
                    job->settings->timeout_ms / 1000);
    } else if (job->overflow) {
        set_failure(job, "The scanner's report is larger than %u bytes", SCAN_REPORT_MAX_BYTES);
    } else if (job->output.failed) {
        set_failure(job, "The scanner's report cannot be used: out of memory");
    } else if (!job->canceled && submit(job) == 0) {
        return;
    } else {
        set_failure(job, "The scanner's report cannot be read: too much work is waiting");
    }
    finish(job);
}

/* The command's login at the registry, in its environment: Trivy reads the first two, whoever else
 * wants to the others. It is good for one scan and pulls as the registry's owner. */
#define LOGIN_VARIABLES 4
struct login {
    char variables[LOGIN_VARIABLES][LOGIN_PASSWORD_SIZE + 32];
    const char *env[LOGIN_VARIABLES + 1];
};

static int make_login(struct scan_job *job, struct login *login) {
    static const char *const names[LOGIN_VARIABLES] = {
        "TRIVY_USERNAME", "TRIVY_PASSWORD", "VIRGA_SCANNER_USERNAME", "VIRGA_SCANNER_PASSWORD"};
    struct principal owner;
    char password[LOGIN_PASSWORD_SIZE];
    principal_root(virga_str_from(job->subject.tenant.account),
                   virga_str_from(job->subject.tenant.region), &owner);
    int result =
        login_make(job->ecr, &owner, job->subject.now_ms + job->settings->timeout_ms, password);
    for (size_t i = 0; i < LOGIN_VARIABLES && result == 0; i++) {
        (void)snprintf(login->variables[i], sizeof login->variables[i], "%s=%s", names[i],
                       i % 2 == 0 ? LOGIN_USER : password);
        login->env[i] = login->variables[i];
    }
    login->env[LOGIN_VARIABLES] = NULL;
    return result;
}

static int spawn(struct scan_job *job) {
    struct ecr *ecr = job->ecr;
    const struct scan_settings *settings = job->settings;
    const struct scan_subject *subject = &job->subject;
    char image[ECR_NAME_MAX + ECR_DIGEST_LEN + 128];
    (void)snprintf(image, sizeof image, "localhost:%u/%s/%s/%s@%s", gateway_port(ecr->gateway),
                   subject->tenant.account, subject->tenant.region, subject->name, subject->digest);
    const struct scan_command_values values = {
        .image = image,
        .digest = subject->digest,
        .output = job->report_path,
        .repository = subject->name,
        .account = subject->tenant.account,
        .region = subject->tenant.region,
    };
    char **command = scan_command_expand(&settings->command, &values);
    const char **argv = calloc(settings->command.argc + FIXED_ARGS + 1, sizeof *argv);
    struct login login;
    int result = command == NULL || argv == NULL ? -ENOMEM : make_login(job, &login);
    if (result == 0) {
        argv[0] = "/bin/sh";
        argv[1] = "-c";
        argv[2] = settings->command.writes_output ? REDIRECT_ALL : REDIRECT;
        argv[3] = "scanner-command";
        argv[4] = job->log_path;
        for (size_t i = 0; i < settings->command.argc; i++) {
            argv[FIXED_ARGS + i] = command[i];
        }
        const struct virga_process_options options = {
            .struct_size = sizeof options,
            .argv = argv,
            .env = login.env,
            .on_output = on_output,
            .on_exit = on_exit_command,
            .arg = job,
        };
        result = ecr->process->spawn(ecr->host, &options, &job->process);
    }
    free(argv);
    scan_command_free_argv(command);
    return result;
}

static int start_command(struct scan_job *job, uint64_t id) {
    struct ecr *ecr = job->ecr;
    const char *folder = job->settings->folder;
    (void)snprintf(job->report_path, sizeof job->report_path, "%s/%016" PRIx64 ".json", folder, id);
    (void)snprintf(job->log_path, sizeof job->log_path, "%s/%016" PRIx64 ".log", folder, id);
    int result = scan_file_make_folder(folder);
    if (result != 0) {
        set_failure(job, "The folder %.200s cannot be made: %s", folder, strerror(-result));
        return finish_later(job);
    }
    result = ecr->timer->start(ecr->host, TICK_MS, TICK_MS, on_tick, job, &job->timer);
    if (result != 0) {
        return result;
    }
    result = spawn(job);
    if (result != 0) {
        ecr->timer->stop(job->timer);
        job->timer = NULL;
        set_failure(job, "The scanner could not be started: %s", strerror(-result));
        return finish_later(job);
    }
    return 0;
}

int scan_job_start(struct ecr *ecr, const struct scan_settings *settings,
                   const struct image_order *order, bool enhanced,
                   void (*on_done)(void *arg, struct scan_outcome *outcome), void *arg,
                   struct scan_job **ret_job) {
    struct scan_job *job = calloc(1, sizeof *job);
    int result;
    if (job == NULL) {
        return -ENOMEM;
    }
    job->ecr = ecr;
    job->settings = settings;
    job->on_done = on_done;
    job->arg = arg;
    job->subject.tenant = order->tenant;
    job->subject.enhanced = enhanced;
    job->subject.now_ms = ecr->timer->now_ms(ecr->host);
    memcpy(job->subject.name, order->name, sizeof job->subject.name);
    memcpy(job->subject.digest, order->digest, sizeof job->subject.digest);
    if (settings->has_command) {
        result = start_command(job, order->id);
    } else if (settings->findings != NULL) {
        result = submit(job);
        if (result == -EAGAIN) {
            set_failure(job, "The findings file was not read: too much work is waiting");
            result = finish_later(job);
        }
    } else {
        job->outcome.report.source_ms = job->subject.now_ms;
        (void)snprintf(job->outcome.description, sizeof job->outcome.description,
                       "No scanner is configured (scanner-command, scanner-findings), so that no "
                       "findings are known.");
        result = finish_later(job);
    }
    if (result != 0) {
        free(job);
        return result;
    }
    *ret_job = job;
    return 0;
}

void scan_job_cancel(struct scan_job *job) {
    job->canceled = true;
    end_command(job);
}
