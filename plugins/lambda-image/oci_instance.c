/* SPDX-License-Identifier: MIT */
/* One environment's process: prepared on the thread pool, run through virga.process/1, explained on
 * the thread pool when it has ended, removed on close. */
#include "oci_instance_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "oci_processes.h"

/* From SIGKILL for what is in a container to SIGKILL for the runtime, and with it for all. */
#define CLOSE_GRACE_MS 1000

/* --- memory --- */

static char **copy_list(const char *const *list) {
    size_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(list[i]);
        if (copy[i] == NULL) {
            while (i > 0) {
                free(copy[--i]);
            }
            free(copy);
            return NULL;
        }
    }
    return copy;
}

static void free_list(const char *const *list) {
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        free((char *)(uintptr_t)list[i]);
    }
    free((void *)(uintptr_t)list);
}

static void destroy(struct executor_instance *instance) {
    free((char *)(uintptr_t)instance->bundle.rootfs);
    free((char *)(uintptr_t)instance->bundle.id);
    free_list(instance->bundle.argv);
    free_list(instance->bundle.env);
    free((char *)(uintptr_t)instance->bundle.cwd);
    free((char *)(uintptr_t)instance->bundle.user);
    free(instance->digest);
    free(instance);
}

static int copy_spec(struct executor_instance *instance, const char *rootfs,
                     const struct executor_spec *spec) {
    instance->bundle = (struct oci_bundle){
        .how = &instance->how,
        .folder = instance->folder,
        .rootfs = strdup(rootfs),
        .id = strdup(spec->id),
        .argv = (const char *const *)copy_list(spec->argv),
        .env = (const char *const *)copy_list(spec->env),
        .cwd = strdup(spec->cwd != NULL && spec->cwd[0] != '\0' ? spec->cwd : "/"),
        .user = strdup(spec->user != NULL ? spec->user : ""),
        .memory_mb = spec->memory_mb,
        .tmp_mb = spec->tmp_mb,
    };
    const struct oci_bundle *bundle = &instance->bundle;
    instance->digest = strdup(spec->digest != NULL ? spec->digest : "");
    return bundle->rootfs != NULL && bundle->id != NULL && bundle->argv != NULL &&
                   bundle->env != NULL && bundle->cwd != NULL && bundle->user != NULL &&
                   instance->digest != NULL
               ? 0
               : -ENOMEM;
}

/* --- work on the thread pool --- */

/* Runs it there; where that cannot be, here and now: what is begun must be ended. */
static void submit(struct executor_instance *instance, void (*run)(void *arg),
                   void (*on_done)(void *arg, int status)) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    if (lambda->work->submit(lambda->host, run, on_done, instance, NULL) != 0) {
        run(instance);
        on_done(instance, 0);
    }
}

static void run_remove(void *arg) {
    struct executor_instance *instance = arg;
    /* It is the namespace's first process: when it is gone all are. */
    if (instance->runtime > 0) {
        oci_processes_wait(instance->runtime);
    }
    if (instance->term_signal != 0) {
        char folder[PATH_MAX];
        (void)snprintf(folder, sizeof folder, "%.4000s/", instance->folder);
        oci_processes_end_of(folder);
    }
    int result = oci_bundle_remove(&instance->how, instance->folder, instance->bundle.id);
    if (result != 0) {
        LAMBDA_LOG(instance->oci->executor.lambda, VIRGA_LOG_WARN, NULL,
                   "%s or its cgroup cannot be removed: %s", instance->folder, strerror(-result));
    }
}

static void on_removed(void *arg, int status) {
    struct executor_instance *instance = arg;
    void (*on_closed)(void *) = instance->on_closed;
    void *on_closed_arg = instance->on_closed_arg;
    if (status == -ECANCELED) {
        run_remove(instance);
    }
    struct executor_instance **at = &instance->oci->instances;
    while (*at != instance) {
        at = &(*at)->next;
    }
    *at = instance->next;
    destroy(instance);
    if (on_closed != NULL) {
        on_closed(on_closed_arg);
    }
}

void oci_instance_settle(struct executor_instance *instance) {
    if (instance->closing && instance->state == ENDED && instance->jobs == 0) {
        instance->state = REMOVING;
        submit(instance, run_remove, on_removed);
    }
}

/* --- its end --- */

static void report(struct executor_instance *instance) {
    const struct executor_exit exit = {
        .end = instance->end.end,
        .status = instance->end.status,
        .signal = instance->end.signal,
        .reason = instance->end.reason,
    };
    instance->state = ENDED;
    if (!instance->closing) {
        /* It may close the instance, which does not free it before this returns: removal goes by
           the thread pool. */
        instance->jobs++;
        instance->on_exit(instance->arg, &exit);
        instance->jobs--;
    }
    oci_instance_settle(instance);
}

static void run_explain(void *arg) {
    struct executor_instance *instance = arg;
    if (instance->how.cgroup.parent[0] != '\0') {
        int64_t peak = oci_cgroup_peak(&instance->how.cgroup, instance->bundle.id);
        instance->peak = peak > instance->peak && !instance->how.cgroup.nested ? peak
                         : instance->peak < 0                                  ? peak
                                                                               : instance->peak;
    }
    oci_bundle_explain(&instance->bundle, instance->exit_status, instance->term_signal,
                       instance->killed, instance->said, &instance->end);
}

static void on_explained(void *arg, int status) {
    struct executor_instance *instance = arg;
    if (status == -ECANCELED) {
        run_explain(instance);
    }
    report(instance);
}

static void on_guard_exit(void *arg, int64_t exit_status, int term_signal) {
    struct executor_instance *instance = arg;
    const struct lambda *lambda = instance->oci->executor.lambda;
    lambda->process->close(instance->guard);
    instance->guard = NULL;
    oci_instance_unwatch(instance);
    lambda->timer->stop(instance->timer);
    instance->timer = NULL;
    instance->exit_status = exit_status;
    instance->term_signal = term_signal;
    instance->state = EXPLAINING;
    submit(instance, run_explain, on_explained);
}

static void on_guard_output(void *arg, struct virga_str bytes) {
    struct executor_instance *instance = arg;
    size_t room = OCI_INSTANCE_SAID_MAX - 1 - instance->said_len;
    size_t len = bytes.len < room ? bytes.len : room;
    memcpy(instance->said + instance->said_len, bytes.ptr, len);
    instance->said_len += len;
    /* virga.process/1 has one pipe for both streams. */
    if (!instance->closing && instance->on_output != NULL) {
        instance->on_output(instance->arg, 1, bytes);
    }
}

/* --- start --- */

static void run_prepare(void *arg) {
    struct executor_instance *instance = arg;
    oci_bundle_make(&instance->bundle, &instance->end);
}

static void spawn(struct executor_instance *instance) {
    const struct lambda *lambda = instance->oci->executor.lambda;
    struct oci_command *command = malloc(sizeof *command);
    int result = -ENOMEM;
    if (command != NULL) {
        oci_how_command(&instance->how, instance->folder, instance->bundle.id, command);
        const struct virga_process_options options = {
            .struct_size = sizeof options,
            .argv = command->argv,
            .cwd = "/",
            .on_output = on_guard_output,
            .on_exit = on_guard_exit,
            .arg = instance,
        };
        result = lambda->process->spawn(lambda->host, &options, &instance->guard);
        free(command);
    }
    if (result != 0) {
        instance->end = (struct oci_bundle_end){.end = EXECUTOR_FAILED};
        (void)snprintf(instance->end.reason, sizeof instance->end.reason,
                       "setpriv cannot be started: %s", strerror(-result));
        report(instance);
        return;
    }
    instance->state = RUNNING;
    instance->guard_id = lambda->process->id(instance->guard);
    oci_instance_watch(instance);
}

static void on_prepared(void *arg, int status) {
    struct executor_instance *instance = arg;
    if (status == -ECANCELED) {
        instance->end = (struct oci_bundle_end){.end = EXECUTOR_FAILED, .reason = "cancelled"};
    } else if (instance->pending_signal == SIGKILL && instance->end.end == EXECUTOR_EXITED) {
        instance->end = (struct oci_bundle_end){.end = EXECUTOR_SIGNALLED, .signal = SIGKILL};
    }
    if (instance->closing || instance->end.end != EXECUTOR_EXITED) {
        report(instance);
    } else {
        spawn(instance);
    }
}

static bool is_name(const char *id) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t len = strlen(id);
    return len > 0 && len <= 64 && strspn(id, letters) == len;
}

int oci_instance_start(struct oci *oci, const struct oci_how *how, const char *rootfs,
                       const struct executor_spec *spec, struct executor_instance **ret_instance) {
    struct lambda *lambda = oci->executor.lambda;
    if (!is_name(spec->id) || spec->argv == NULL || spec->argv[0] == NULL || spec->env == NULL) {
        return -EINVAL;
    }
    struct executor_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) {
        return -ENOMEM;
    }
    instance->oci = oci;
    instance->how = *how;
    instance->peak = -1;
    instance->on_output = spec->on_output;
    instance->on_exit = spec->on_exit;
    instance->arg = spec->arg;
    int len = snprintf(instance->folder, sizeof instance->folder, "%s/environments/%s",
                       lambda->data_path, spec->id);
    int result = len >= 3900 ? -EINVAL : copy_spec(instance, rootfs, spec);
    if (result == 0) {
        result = lambda->work->submit(lambda->host, run_prepare, on_prepared, instance, NULL);
        result = result == -EAGAIN ? -ENOMEM : result;
    }
    if (result != 0) {
        destroy(instance);
        return result;
    }
    instance->next = oci->instances;
    oci->instances = instance;
    *ret_instance = instance;
    return 0;
}

/* --- asked from outside --- */

int64_t oci_instance_memory_peak(struct executor_instance *instance) {
    int64_t peak = -1;
    if (instance->state == RUNNING) {
        if (instance->how.cgroup.parent[0] != '\0') {
            peak = oci_cgroup_peak(&instance->how.cgroup, instance->bundle.id);
        } else {
            if (instance->runtime == 0) {
                instance->runtime = oci_processes_runtime((pid_t)instance->guard_id.pid);
            }
            peak = oci_processes_peak(instance->runtime);
        }
    }
    if (peak > instance->peak) {
        instance->peak = peak;
    }
    return instance->peak;
}

static void on_grace_over(void *arg) {
    struct executor_instance *instance = arg;
    const struct lambda *lambda = instance->oci->executor.lambda;
    lambda->timer->stop(instance->timer);
    instance->timer = NULL;
    if (instance->guard != NULL) {
        (void)lambda->process->kill(instance->guard, SIGKILL);
    }
}

void oci_instance_close(struct executor_instance *instance, void (*on_closed)(void *arg),
                        void *arg) {
    if (instance == NULL) {
        if (on_closed != NULL) {
            on_closed(arg);
        }
        return;
    }
    const struct lambda *lambda = instance->oci->executor.lambda;
    instance->closing = true;
    instance->on_closed = on_closed;
    instance->on_closed_arg = arg;
    if (instance->state == RUNNING) {
        oci_instance_signal(instance, SIGKILL);
        if (lambda->timer->start(lambda->host, CLOSE_GRACE_MS, 0, on_grace_over, instance,
                                 &instance->timer) != 0) {
            oci_instance_kill(instance);
        }
    }
    oci_instance_settle(instance);
}

bool oci_instance_uses(const struct oci *oci, const char *digest) {
    for (const struct executor_instance *at = oci->instances; at != NULL; at = at->next) {
        if (strcmp(at->digest, digest) == 0) {
            return true;
        }
    }
    return false;
}
