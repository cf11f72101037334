/* SPDX-License-Identifier: MIT */
/* Signals to an environment's processes, and the watch over the first of them. */
#include "oci_instance_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "oci_processes.h"

/* How often is looked whether a runtime has made its container. */
#define WATCH_MS 5

/* --- signals --- */

struct job {
    struct executor_instance *instance;
    int signum;
    pid_t runtime;
};

static void run_signal(void *arg) {
    const struct job *job = arg;
    (void)oci_processes_signal(job->runtime, job->signum);
}

static void on_signalled(void *arg, int status) {
    struct job *job = arg;
    struct executor_instance *instance = job->instance;
    (void)status;
    free(job);
    instance->jobs--;
    oci_instance_settle(instance);
}

void oci_instance_kill(struct executor_instance *instance) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    if (instance->guard == NULL) {
        return;
    }
    instance->runtime = oci_processes_runtime((pid_t)instance->guard_id.pid);
    instance->doomed = instance->runtime <= 0;
    if (!instance->doomed) {
        /* Not the guard first, or its child could be lost: unshare binds it to itself a moment
           after fork(). Stopped, it does not complain of the child's end. */
        (void)lambda->process->kill(instance->guard, SIGSTOP);
        (void)kill(instance->runtime, SIGKILL);
        (void)lambda->process->kill(instance->guard, SIGKILL);
    }
}

/* To all but the runtime, which sees its children end and then ends in order. */
static void send_signal(struct executor_instance *instance, int signum) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    struct job *job = malloc(sizeof *job);
    if (job != NULL) {
        *job = (struct job){instance, signum, instance->runtime};
        if (lambda->work->submit(lambda->host, run_signal, on_signalled, job, NULL) == 0) {
            instance->jobs++;
            return;
        }
        free(job);
    }
    if (signum == SIGKILL) {
        oci_instance_kill(instance);
    }
}

void oci_instance_signal(struct executor_instance *instance, int signum) {
    instance->killed |= signum == SIGKILL;
    if (instance->state == RUNNING && instance->started) {
        send_signal(instance, signum);
    } else if (instance->state == RUNNING && signum == SIGKILL) {
        oci_instance_kill(instance);
    } else if (instance->state <= RUNNING && instance->pending_signal != SIGKILL) {
        instance->pending_signal = signum;
    }
}

/* --- watching --- */

/* The first process's end is the environment's, but crun waits for orphans too. */
static void on_main_exit(void *arg, int64_t exit_status, int term_signal) {
    struct executor_instance *instance = arg;
    (void)exit_status;
    (void)term_signal;
    instance->oci->executor.lambda->process->close(instance->main);
    instance->main = NULL;
    send_signal(instance, SIGKILL);
}

static void watch_main(struct executor_instance *instance, pid_t inside) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    const struct virga_process_options options = {
        .struct_size = sizeof options, .on_exit = on_main_exit, .arg = instance};
    pid_t pid = oci_processes_main(instance->runtime, inside);
    const struct virga_process_id id = {pid, pid > 0 ? oci_processes_start_time(pid) : 0};
    if (pid == 0 || lambda->process->adopt(lambda->host, id, &options, &instance->main) == -ESRCH) {
        send_signal(instance, SIGKILL);
    }
}

static void on_watch(void *arg) {
    struct executor_instance *instance = arg;
    char path[PATH_MAX];
    int inside = 0;
    if (instance->doomed) {
        oci_instance_kill(instance);
        return;
    }
    (void)snprintf(path, sizeof path, "%.4000s/pid", instance->folder);
    FILE *file = fopen(path, "re");
    bool there = file != NULL && fscanf(file, "%d", &inside) == 1;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!there) {
        return;
    }
    instance->oci->executor.lambda->timer->stop(instance->watch);
    instance->watch = NULL;
    instance->started = true;
    instance->runtime = oci_processes_runtime((pid_t)instance->guard_id.pid);
    if (instance->pending_signal != 0) {
        send_signal(instance, instance->pending_signal);
        instance->pending_signal = 0;
    }
    watch_main(instance, (pid_t)inside);
}

void oci_instance_watch(struct executor_instance *instance) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    if (lambda->timer->start(lambda->host, WATCH_MS, WATCH_MS, on_watch, instance,
                             &instance->watch) != 0) {
        (void)lambda->process->kill(instance->guard, SIGKILL);
    }
}

void oci_instance_unwatch(struct executor_instance *instance) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    lambda->process->close(instance->main);
    instance->main = NULL;
    lambda->timer->stop(instance->watch);
    instance->watch = NULL;
}
