/* SPDX-License-Identifier: MIT */
/* The end of a function's container: noticed when the output ends, told, and the container removed.
 */
#include "docker_instance.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define GONE_PAUSE_MS 50 /* between looks at a container that is being removed by somebody */
#define GONE_TRIES 200

/* --- the end of a process --- */

void docker_end(struct docker_instance *instance, const struct executor_exit *exit) {
    if (instance->ended) {
        return;
    }
    instance->ended = true;
    if (instance->attached != NULL) {
        virga_engine_cancel(instance->attached);
    }
    instance->on_exit(instance->arg, exit);
}

void docker_end_failed(struct docker_instance *instance, const char *what, const char *message) {
    char reason[DOCKER_REASON_MAX];
    (void)snprintf(reason, sizeof reason, "%s: %s", what, message);
    const struct executor_exit exit = {.end = EXECUTOR_FAILED, .reason = reason};
    docker_end(instance, &exit);
}

bool docker_end_is_over(struct docker_instance *instance, const struct virga_engine_answer *answer,
                        const char *what) {
    instance->call = NULL;
    bool lost = docker_is_lost(instance->docker, answer);
    if (instance->closing) {
        docker_end_go_on(instance);
        return true;
    }
    if (lost) {
        docker_end_failed(instance, what, answer->message);
    }
    return lost || instance->ended;
}

static void tell_end(struct docker_instance *instance, struct json_object *state) {
    char reason[DOCKER_REASON_MAX] = "";
    int status = json_object_get_int(docker_member(state, "ExitCode"));
    bool memory =
        json_object_get_boolean(docker_member(state, "OOMKilled")) || instance->killed_for_memory;
    const struct virga_str first = {instance->first, instance->first_len};
    struct executor_exit exit = {.end = EXECUTOR_EXITED, .status = status, .reason = reason};
    if (instance->folder_is_missing) {
        exit.end = EXECUTOR_WORKDIR;
    } else if (status == 128 + SIGKILL && memory && !instance->killed_by_us) {
        exit = (struct executor_exit){EXECUTOR_OOM, status, SIGKILL, reason};
    } else if (status > 128 && status < 128 + 65) {
        exit = (struct executor_exit){EXECUTOR_SIGNALLED, status, status - 128, reason};
    } else if (!instance->first_full &&
               docker_words_is_exec(status, first, instance->argv0, reason, sizeof reason)) {
        exit.end = EXECUTOR_ENTRYPOINT;
    }
    docker_end(instance, &exit);
}

static void on_waited(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    if (!docker_end_is_over(instance, answer, "the container cannot be waited for")) {
        docker_end_look(instance);
    }
}

static void on_looked(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    if (docker_end_is_over(instance, answer, "the container cannot be looked at")) {
        return;
    }
    struct json_object *state = docker_member(answer->json, "State");
    if (answer->status != 200 || state == NULL) {
        docker_end_failed(instance, "the container is gone", answer->message);
        return;
    }
    const char *status = docker_text(state, "Status");
    bool running = json_object_get_boolean(docker_member(state, "Running")) ||
                   strcmp(status, "stopping") == 0 || strcmp(status, "removing") == 0;
    if (!running) {
        tell_end(instance, state);
        return;
    }
    /* The engine has not noticed yet, or the process has closed its output. */
    char path[DOCKER_PATH_MAX];
    struct lambda *lambda = instance->docker->base.lambda;
    (void)snprintf(path, sizeof path, "/containers/%s/wait", instance->name);
    const struct virga_engine_request request = {.method = "POST",
                                                 .path = path,
                                                 .timeout_ms = DOCKER_FOREVER_MS,
                                                 .on_done = on_waited,
                                                 .arg = instance};
    int result = virga_engine_start(lambda->host, lambda->fetch, &instance->docker->engine,
                                    &request, &instance->call);
    if (result != 0) {
        docker_end_failed(instance, "the container cannot be waited for", strerror(-result));
    }
}

void docker_end_look(struct docker_instance *instance) {
    int result = docker_instance_ask(instance, "GET", "/json", DOCKER_NOTHING, on_looked);
    if (result != 0) {
        docker_end_failed(instance, "the container cannot be looked at", strerror(-result));
    }
}

/* --- the close --- */

static void closed(struct docker_instance *instance) {
    struct docker *docker = instance->docker;
    struct docker_instance **at = &docker->instances;
    void (*on_closed)(void *) = instance->on_closed;
    void *arg = instance->closed_arg;
    while (*at != instance) {
        at = &(*at)->next;
    }
    *at = instance->next;
    docker_instance_free(instance);
    on_closed(arg);
    docker_check_stopped(docker);
}

static void on_pause_over(void *arg) {
    struct docker_instance *instance = arg;
    instance->docker->base.lambda->timer->stop(instance->timer);
    instance->timer = NULL;
    docker_end_go_on(instance);
}

static void on_removed(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    struct lambda *lambda = instance->docker->base.lambda;
    instance->call = NULL;
    (void)docker_is_lost(instance->docker, answer);
    if (answer->status == 409 && ++instance->tries < GONE_TRIES &&
        lambda->timer->start(lambda->host, GONE_PAUSE_MS, 0, on_pause_over, instance,
                             &instance->timer) == 0) {
        return; /* somebody else removes it */
    }
    if (answer->error != 0 || (answer->status >= 300 && answer->status != 404)) {
        LAMBDA_LOG(lambda, VIRGA_LOG_WARN, NULL,
                   "container %s cannot be removed, the next start of virga does it: %s",
                   instance->name, answer->message);
    }
    instance->maybe_there = false;
    docker_end_go_on(instance);
}

/* Called whenever something of it has ended. */
void docker_end_go_on(struct docker_instance *instance) {
    if (instance->call != NULL || instance->timer != NULL) {
        return;
    }
    if (instance->maybe_there) {
        if (docker_instance_ask(instance, "DELETE", "?force=1&v=1", DOCKER_NOTHING, on_removed) ==
            0) {
            return;
        }
        instance->maybe_there = false;
    }
    if (instance->attached == NULL && instance->notes == 0) {
        closed(instance);
    }
}

void docker_instance_close(struct executor_instance *handle, void (*on_closed)(void *arg),
                           void *arg) {
    struct docker_instance *instance = docker_instance_from(handle);
    if (instance == NULL) {
        on_closed(arg);
        return;
    }
    struct lambda *lambda = instance->docker->base.lambda;
    instance->closing = true;
    instance->on_closed = on_closed;
    instance->closed_arg = arg;
    lambda->timer->stop(instance->timer);
    instance->timer = NULL;
    if (instance->attached != NULL) {
        virga_engine_cancel(instance->attached);
    }
    if (instance->started && instance->call != NULL) {
        virga_engine_cancel(
            instance->call); /* looking or waiting; creating and starting end soon */
    }
    docker_end_go_on(instance);
}
