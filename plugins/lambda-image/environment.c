/* SPDX-License-Identifier: MIT */
/* The life of an environment: init, and the ways in which it ends. */
#include "environment_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static void begin_end(struct environment *environment, enum shutdown_reason reason);

/* --- time --- */

uint64_t environment_now_ns(const struct environment *environment) {
    const struct lambda *lambda = environment->lambda;
    return lambda->timer->monotonic_ns(lambda->host);
}

void environment_stop_timer(struct environment *environment) {
    environment->lambda->timer->stop(environment->timer);
    environment->timer = NULL;
}

int environment_set_timer(struct environment *environment, int64_t delay_ms,
                          void (*on_timer)(void *arg)) {
    const struct lambda *lambda = environment->lambda;
    environment_stop_timer(environment);
    return lambda->timer->start(lambda->host, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0, on_timer,
                                environment, &environment->timer);
}

static void on_later(void *arg) {
    struct environment *environment = arg;
    environment->lambda->timer->stop(environment->later);
    environment->later = NULL;
    if (environment->state < ENVIRONMENT_SHUTDOWN) {
        if (environment->doomed) {
            environment_fail_by_exit(environment);
        } else {
            run_resumed(environment);
        }
        return;
    }
    if (environment->invocation != NULL) {
        if (!environment->answered) {
            environment->result = (struct invocation_result){.outcome = INVOCATION_CANCELLED};
        }
        run_done(environment);
    }
    if (environment->closed && environment->state == ENVIRONMENT_CLOSING) {
        environment->state = ENVIRONMENT_ENDED;
        environment->events.on_ended(environment->events.arg, environment);
    }
}

void environment_later(struct environment *environment) {
    const struct lambda *lambda = environment->lambda;
    if (environment->later == NULL &&
        lambda->timer->start(lambda->host, 0, 0, on_later, environment, &environment->later) != 0) {
        /* Out of memory: better inside a call than never. */
        on_later(environment);
    }
}

/* --- the end --- */

static void on_closed(void *arg) {
    struct environment *environment = arg;
    environment->closed = true;
    environment_later(environment);
}

static void close_it(void *arg) {
    struct environment *environment = arg;
    environment_stop_timer(environment);
    environment->state = ENVIRONMENT_CLOSING;
    runtime_api_break_off(environment);
    environment->lambda->listener->close(environment->listener);
    environment->listener = NULL;
    output_finish(environment);
    struct executor_instance *instance = environment->instance;
    environment->instance = NULL;
    if (instance != NULL) {
        environment->executor->close(instance, on_closed, environment);
    } else {
        on_closed(environment);
    }
}

static void terminate(void *arg) {
    struct environment *environment = arg;
    environment_stop_timer(environment);
    environment->terminated = true;
    if (environment->instance != NULL) {
        environment->executor->signal(environment->instance, SIGTERM);
    }
    int64_t grace_ms = environment->lambda->stop_grace_ms;
    if (grace_ms <= 0 || environment_set_timer(environment, grace_ms, close_it) != 0) {
        close_it(environment);
    }
}

static void begin_end(struct environment *environment, enum shutdown_reason reason) {
    environment_stop_timer(environment);
    environment->state = ENVIRONMENT_SHUTDOWN;
    if (environment->process_gone) {
        close_it(environment);
    } else if (extensions_shut_down(environment, reason)) {
        if (environment_set_timer(environment, ENVIRONMENT_SHUTDOWN_MS, terminate) != 0) {
            terminate(environment);
        }
    } else if (reason == SHUTDOWN_SPINDOWN) {
        terminate(environment);
    } else {
        close_it(environment);
    }
}

/* --- failures --- */

static void log_failed_init(struct environment *environment, const char *status,
                            const char *error_type) {
    char line[REPORT_SIZE];
    uint64_t from_ns =
        environment->started ? environment->started_ns : environment->init_started_ns;
    size_t len = report_init((int64_t)(environment_now_ns(environment) - from_ns),
                             environment->init_late ? "invoke" : "init", status,
                             strcmp(status, "timeout") == 0 ? NULL : error_type, line);
    output_platform(environment, line, len);
}

static void log_reason(struct environment *environment, const char *status, const char *error_type,
                       const char *message) {
    const struct lambda *lambda = environment->lambda;
    char line[REPORT_SIZE];
    size_t len = 0;
    if (strcmp(status, "timeout") == 0) {
        len = report_timeout(lambda->timer->now_ms(lambda->host), environment->request_id,
                             environment->function->timeout_ms, line);
    } else if (message != NULL) {
        len = report_failure(environment->request_id, message, error_type, line);
    }
    if (len > 0) {
        output_platform(environment, line, len);
    }
}

void environment_fail(struct environment *environment, const char *status, const char *error_type,
                      const char *message, enum shutdown_reason reason) {
    environment_stop_timer(environment);
    if (environment->state == ENVIRONMENT_INIT) {
        log_failed_init(environment, status, error_type);
    }
    if (environment->invocation != NULL || environment->state == ENVIRONMENT_BUSY) {
        if (!environment->started) {
            run_start(environment);
        }
        log_reason(environment, status, error_type, message);
        if (!environment->answered) {
            run_set_error(environment, error_type, message);
        }
        runtime_answer_detach(environment);
        run_over(environment, status, strcmp(status, "timeout") == 0 ? NULL : error_type);
    }
    if (environment->state < ENVIRONMENT_SHUTDOWN) {
        begin_end(environment, reason);
    }
}

void environment_fail_by_exit(struct environment *environment) {
    const char *type = environment->error_type;
    char message[REPORT_SIZE];
    if (environment->answered && environment->runtime == RUNTIME_INIT_ERROR) {
        environment_fail(environment, "error", type, NULL, SHUTDOWN_FAILURE);
        return;
    }
    report_exit(&environment->end, environment->cwd, &type, message);
    if (environment->end.end == EXECUTOR_FAILED) {
        LAMBDA_LOG(environment->lambda, VIRGA_LOG_ERROR, NULL, "an environment of %s failed: %s",
                   environment->function->arn, environment->end.reason);
        if (!environment->answered) {
            run_set_refused(environment, environment->end.reason);
        }
    }
    environment_fail(environment, "error", type, message, SHUTDOWN_FAILURE);
}

void environment_on_exit_awaited(void *arg) {
    environment_fail_by_exit(arg);
}

void environment_on_exit(void *arg, const struct executor_exit *end) {
    struct environment *environment = arg;
    environment->process_gone = true;
    environment->end = *end;
    (void)snprintf(environment->end_reason, sizeof environment->end_reason, "%s",
                   end->reason != NULL ? end->reason : "");
    environment->end.reason = environment->end_reason;
    switch (environment->state) {
    case ENVIRONMENT_INIT:
    case ENVIRONMENT_BUSY:
        environment_fail_by_exit(environment);
        break;
    case ENVIRONMENT_IDLE:
        begin_end(environment, SHUTDOWN_FAILURE);
        break;
    case ENVIRONMENT_SHUTDOWN:
        close_it(environment);
        break;
    case ENVIRONMENT_CLOSING:
    case ENVIRONMENT_ENDED:
        break;
    }
}

/* --- the init --- */

static void on_provisioned_late(void *arg) {
    struct environment *environment = arg;
    environment_fail(environment, "timeout", NULL, NULL, SHUTDOWN_TIMEOUT);
}

/* Source: the developer guide: an init that takes longer than 10 seconds is begun again within the
 * first invocation, with the function's timeout. Here it is not begun again but goes on. */
static void on_init_late(void *arg) {
    struct environment *environment = arg;
    log_failed_init(environment, "timeout", NULL);
    environment->init_late = true;
    if (environment->invocation != NULL) {
        run_start(environment);
    } else if (environment_set_timer(environment, environment->function->timeout_ms,
                                     on_provisioned_late) != 0) {
        on_provisioned_late(environment);
    }
}

static void end_init(struct environment *environment) {
    uint64_t took_ns = environment_now_ns(environment) - environment->init_started_ns;
    if (environment->invocation == NULL) {
        environment_stop_timer(environment);
        environment_become_idle(environment);
        return;
    }
    environment->init_ns = environment->init_late ? -1 : (int64_t)took_ns;
    environment->state = ENVIRONMENT_BUSY;
    if (!environment->started) {
        run_start(environment);
    }
    if (environment->events.on_started != NULL) {
        environment->events.on_started(environment->events.arg, environment);
    }
    run_deliver(environment);
}

void environment_become_idle(struct environment *environment) {
    environment->started = false;
    environment->init_ns = -1;
    if (environment->wants_shutdown) {
        begin_end(environment, SHUTDOWN_SPINDOWN);
        return;
    }
    environment->state = ENVIRONMENT_IDLE;
    environment->events.on_idle(environment->events.arg, environment);
}

void environment_check(struct environment *environment) {
    if (environment->state == ENVIRONMENT_SHUTDOWN) {
        if (!environment->terminated && extensions_are_done(environment)) {
            terminate(environment);
        }
        return;
    }
    if (environment->runtime != RUNTIME_READY || !extensions_are_ready(environment)) {
        return;
    }
    if (environment->state == ENVIRONMENT_INIT) {
        end_init(environment);
    } else if (environment->state == ENVIRONMENT_BUSY && environment->answered) {
        run_everybody_is_ready(environment);
    }
}

/* --- from outside --- */

int environment_create(struct lambda *lambda, struct executor *executor, struct function *function,
                       struct invocation *first, const struct environment_events *events,
                       struct environment **ret_environment) {
    struct environment *environment = calloc(1, sizeof *environment);
    if (environment == NULL) {
        return -ENOMEM;
    }
    environment->lambda = lambda;
    environment->executor = executor;
    environment->function = function_ref(function);
    environment->events = *events;
    environment->init_ns = -1;
    environment->invocation = first;
    start_names(environment);
    environment->init_started_ns = environment_now_ns(environment);
    int result = start_listener(environment);
    if (result == 0) {
        result = environment_set_timer(environment, lambda->init_ms, on_init_late);
    }
    if (result == 0) {
        result = start_process(environment);
    }
    if (result != 0) {
        environment->invocation = NULL;
        environment_destroy(environment);
        return result;
    }
    if (first != NULL) {
        run_take(environment, first);
    }
    *ret_environment = environment;
    return 0;
}

void environment_invoke(struct environment *environment, struct invocation *invocation) {
    const char *type;
    char message[REPORT_SIZE];
    run_take(environment, invocation);
    if (environment->state == ENVIRONMENT_IDLE) {
        environment->state = ENVIRONMENT_BUSY;
        run_start(environment);
        run_deliver(environment);
        return;
    }
    /* The process has ended just now, and the pool has not heard of it yet. */
    report_exit(&environment->end, environment->cwd, &type, message);
    run_set_error(environment, type, message);
    environment_later(environment);
}

bool environment_is_idle(const struct environment *environment) {
    return environment->state == ENVIRONMENT_IDLE;
}

void environment_shutdown(struct environment *environment) {
    environment->wants_shutdown = true;
    if (environment->state == ENVIRONMENT_IDLE ||
        (environment->state == ENVIRONMENT_INIT && environment->invocation == NULL &&
         !environment->doomed)) {
        begin_end(environment, SHUTDOWN_SPINDOWN);
    }
}

void environment_kill(struct environment *environment) {
    if (environment->state < ENVIRONMENT_CLOSING) {
        runtime_answer_detach(environment);
        close_it(environment);
    }
    environment_later(environment);
}

void environment_destroy(struct environment *environment) {
    if (environment == NULL) {
        return;
    }
    const struct lambda *lambda = environment->lambda;
    lambda->timer->stop(environment->timer);
    lambda->timer->stop(environment->later);
    lambda->listener->close(environment->listener);
    output_finish(environment);
    free(environment->payload);
    function_unref(environment->function);
    free(environment);
}

struct function *environment_function(const struct environment *environment) {
    return environment->function;
}

void *environment_user(const struct environment *environment) {
    return environment->user;
}

void environment_set_user(struct environment *environment, void *user) {
    environment->user = user;
}
