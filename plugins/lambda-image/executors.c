/* SPDX-License-Identifier: MIT */
/* The choice of an executor: one attempt at a time, for everybody who waits. */
#include "executors.h"

#include <errno.h>
#include <stdlib.h>

#define RETRY_NS UINT64_C(1000000000) /* until a choice that failed is tried again */
#define REASON_MAX 1200

struct waiter {
    struct waiter *next;
    void (*on_chosen)(void *arg, struct executor *executor, int error, const char *reason);
    void *arg;
};

struct executors {
    struct lambda *lambda;
    struct executor *docker; /* NULL: the setting rules it out */
    struct executor *oci;
    struct executor *current;
    struct executor *asked; /* by the attempt under way; NULL: there is none */
    struct waiter *waiters;
    char reason[REASON_MAX];
    char docker_reason[REASON_MAX / 2]; /* why it cannot be used */
    int error;                          /* of the last attempt */
    uint64_t failed_ns;                 /* when that was; 0 = it did not fail */
    bool stopping;
    int stops; /* executors that have not stopped */
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

/* --- life --- */

static bool wants(const struct virga_host *host, const struct virga_config *config,
                  const char *name) {
    struct virga_str setting = config->get_string(host, "executor");
    return virga_str_equal(setting, virga_str_from(name)) || setting.len == 0 ||
           virga_str_equal(setting, virga_str_from("auto"));
}

int executors_create(struct lambda *lambda, struct executors **ret_executors) {
    struct executors *executors = calloc(1, sizeof *executors);
    int result = executors == NULL ? -ENOMEM : 0;
    if (result == 0) {
        executors->lambda = lambda;
        (void)snprintf(executors->reason, sizeof executors->reason,
                       "no executor is chosen yet: nothing has needed one");
    }
    if (result == 0 && wants(lambda->host, lambda->config, "docker")) {
        result = executor_docker_create(lambda, &executors->docker);
    }
    if (result == 0 && wants(lambda->host, lambda->config, "oci")) {
        result = executor_oci_create(lambda, &executors->oci);
    }
    if (result != 0) {
        executors_destroy(executors);
        return result;
    }
    *ret_executors = executors;
    return 0;
}

void executors_destroy(struct executors *executors) {
    if (executors == NULL) {
        return;
    }
    if (executors->docker != NULL) {
        executors->docker->destroy(executors->docker);
    }
    if (executors->oci != NULL) {
        executors->oci->destroy(executors->oci);
    }
    free(executors);
}

struct executor *executors_current(struct executors *executors) {
    return executors->current;
}

const char *executors_reason(const struct executors *executors) {
    return executors->reason;
}

/* --- the end of an attempt --- */

static void check_stopping(struct executors *executors);

static void tell(struct executors *executors) {
    struct waiter *waiter = executors->waiters;
    /* A callback may ask for something that fails, and so begin another attempt. */
    struct executor *executor = executors->error == 0 ? executors->current : NULL;
    int error = executors->error;
    char reason[REASON_MAX];
    memcpy(reason, executors->reason, sizeof reason);
    executors->waiters = NULL;
    while (waiter != NULL) {
        struct waiter *next = waiter->next;
        waiter->on_chosen(waiter->arg, executor, error, reason);
        free(waiter);
        waiter = next;
    }
}

static void choose(struct executors *executors, struct executor *executor, const char *reason) {
    struct lambda *lambda = executors->lambda;
    bool same = executors->current == executor;
    executors->current = executor;
    executors->error = 0;
    executors->failed_ns = 0;
    (void)snprintf(executors->reason, sizeof executors->reason, "%s%s%s", executor->name,
                   reason != NULL && reason[0] != '\0' ? ": " : "", reason != NULL ? reason : "");
    if (executor == executors->oci && executors->docker_reason[0] != '\0') {
        size_t len = strlen(executors->reason);
        (void)snprintf(executors->reason + len, sizeof executors->reason - len,
                       "; docker cannot be used: %s", executors->docker_reason);
    }
    LAMBDA_LOG(lambda, VIRGA_LOG_INFO, NULL, "functions %s run with %s", same ? "again" : "will",
               executors->reason);
    tell(executors);
}

static void give_up(struct executors *executors, int error, const char *format, ...)
    VIRGA_PRINTF(3, 4);
static void give_up(struct executors *executors, int error, const char *format, ...) {
    struct lambda *lambda = executors->lambda;
    char reason[REASON_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    bool known = executors->error != 0 && strcmp(reason, executors->reason) == 0;
    memcpy(executors->reason, reason, sizeof reason);
    executors->error = error;
    executors->current = NULL;
    executors->failed_ns = lambda->timer->monotonic_ns(lambda->host);
    if (!executors->stopping && !known) {
        LAMBDA_LOG(lambda, VIRGA_LOG_WARN, NULL, "functions cannot run: %s", executors->reason);
    }
    tell(executors);
}

/* --- an attempt --- */

static void on_ready(void *arg, int error, const char *reason);

static void ask(struct executors *executors, struct executor *executor) {
    executors->asked = executor;
    executor->ready(executor, on_ready, executors);
}

static void on_ready(void *arg, int error, const char *reason) {
    struct executors *executors = arg;
    struct executor *asked = executors->asked;
    const char *words = reason != NULL && reason[0] != '\0' ? reason : strerror(-error);
    executors->asked = NULL;
    if (executors->stopping) {
        give_up(executors, -ECANCELED, "virga is stopping");
        check_stopping(executors);
        return;
    }
    if (error == 0) {
        if (asked == executors->docker) {
            executors->docker_reason[0] = '\0';
        }
        choose(executors, asked, reason);
        return;
    }
    if (asked == executors->docker) {
        (void)snprintf(executors->docker_reason, sizeof executors->docker_reason, "%s", words);
        if (executors->oci != NULL) {
            ask(executors, executors->oci);
        } else {
            give_up(executors, error, "docker cannot be used: %s", executors->docker_reason);
        }
        return;
    }
    if (executors->docker != NULL) {
        give_up(executors, error, "neither docker nor oci can be used: docker: %s; oci: %s",
                executors->docker_reason, words);
    } else {
        give_up(executors, error, "oci cannot be used: %s", words);
    }
}

void executors_need(struct executors *executors,
                    void (*on_chosen)(void *arg, struct executor *executor, int error,
                                      const char *reason),
                    void *arg) {
    struct lambda *lambda = executors->lambda;
    if (executors->stopping) {
        on_chosen(arg, NULL, -ECANCELED, "virga is stopping");
        return;
    }
    if (executors->asked == NULL && executors->current != NULL && !executors->current->lost) {
        on_chosen(arg, executors->current, 0, executors->reason);
        return;
    }
    if (executors->asked == NULL && executors->failed_ns != 0 &&
        lambda->timer->monotonic_ns(lambda->host) - executors->failed_ns < RETRY_NS) {
        on_chosen(arg, NULL, executors->error, executors->reason);
        return;
    }
    struct waiter *waiter = malloc(sizeof *waiter);
    if (waiter == NULL) {
        on_chosen(arg, NULL, -ENOMEM, "out of memory");
        return;
    }
    *waiter = (struct waiter){.on_chosen = on_chosen, .arg = arg};
    struct waiter **at = &executors->waiters;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = waiter;
    if (executors->asked == NULL) {
        ask(executors, executors->docker != NULL ? executors->docker : executors->oci);
    }
}

/* --- the stop --- */

static void on_one_stopped(void *arg) {
    struct executors *executors = arg;
    executors->stops--;
    check_stopping(executors);
}

static void check_stopping(struct executors *executors) {
    if (executors->stops > 0 || executors->asked != NULL || executors->on_stopped == NULL) {
        return;
    }
    void (*on_stopped)(void *) = executors->on_stopped;
    executors->on_stopped = NULL;
    on_stopped(executors->on_stopped_arg);
}

void executors_stop(struct executors *executors, void (*on_stopped)(void *arg), void *arg) {
    executors->stopping = true;
    executors->on_stopped = on_stopped;
    executors->on_stopped_arg = arg;
    executors->stops = 1; /* this call */
    if (executors->docker != NULL) {
        executors->stops++;
        executors->docker->stop(executors->docker, on_one_stopped, executors);
    }
    if (executors->oci != NULL) {
        executors->stops++;
        executors->oci->stop(executors->oci, on_one_stopped, executors);
    }
    on_one_stopped(executors);
}

void executors_doctor(const struct virga_host *host, const struct virga_doctor *doctor) {
    const struct virga_config *config = host->get_interface(host, VIRGA_CONFIG_ID);
    if (config == NULL) {
        return;
    }
    if (wants(host, config, "docker")) {
        executor_docker_doctor(host, doctor);
    }
    if (wants(host, config, "oci")) {
        executor_oci_doctor(host, doctor);
    }
}
