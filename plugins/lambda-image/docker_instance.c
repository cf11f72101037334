/* SPDX-License-Identifier: MIT */
/* The start of a function's container: created, its output attached, started. */
#include "docker_instance.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

int docker_instance_ask(struct docker_instance *instance, const char *method, const char *tail,
                        struct virga_str json,
                        void (*on_done)(void *arg, const struct virga_engine_answer *answer)) {
    char path[DOCKER_PATH_MAX];
    (void)snprintf(path, sizeof path, "/containers/%s%s", instance->name, tail);
    return docker_ask(instance->docker, method, path, json, on_done, instance, &instance->call);
}

/* A process may have written, and ended, before the engine has said that it is started. */
bool docker_instance_has_cgroup(struct docker_instance *instance) {
    return instance->cgroup[0] != '\0' ||
           (instance->container[0] != '\0' &&
            docker_cgroup_find(CGROUP_ROOT, instance->container, instance->cgroup));
}

/* --- signals, and other notes --- */

static void on_noted(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    (void)answer; /* it has ended already, or the end is told in another way */
    instance->notes--;
    if (instance->closing) {
        docker_end_go_on(instance);
    }
}

void docker_instance_kill(struct docker_instance *instance, int signum) {
    char path[DOCKER_PATH_MAX];
    (void)snprintf(path, sizeof path, "/containers/%s/kill?signal=%d", instance->name, signum);
    instance->killed_by_us = instance->killed_by_us || signum == SIGKILL;
    instance->notes +=
        docker_ask(instance->docker, "POST", path, DOCKER_NOTHING, on_noted, instance, NULL) == 0;
}

void docker_instance_signal(struct executor_instance *handle, int signum) {
    struct docker_instance *instance = docker_instance_from(handle);
    if (instance->ended || instance->closing || signum < 1 || signum > 63) {
        return;
    }
    if (instance->started) {
        docker_instance_kill(instance, signum);
    } else {
        instance->signals |= UINT64_C(1) << signum;
    }
}

/* --- the start: create, attach, start --- */

static void on_payload(void *arg, int stream, struct virga_str payload) {
    struct docker_instance *instance = arg;
    if (instance->closing || instance->ended) {
        return;
    }
    size_t room = sizeof instance->first - instance->first_len;
    size_t len = payload.len < room ? payload.len : room;
    memcpy(instance->first + instance->first_len, payload.ptr, len);
    instance->first_len += len;
    instance->first_full = instance->first_full || len < payload.len;
    instance->on_output(instance->arg, stream == 2 ? 2 : 1, payload);
}

static void on_data(void *arg, struct virga_str bytes) {
    struct docker_instance *instance = arg;
    virga_engine_frames_take(&instance->frames, bytes, on_payload, instance);
}

static void on_started(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    char reason[DOCKER_REASON_MAX];
    if (docker_end_is_over(instance, answer, "the container cannot be started")) {
        return;
    }
    if (answer->error != 0 || answer->status >= 400) {
        struct executor_exit exit = {.reason = reason};
        exit.end = docker_words_start(answer->message, instance->argv0, reason, sizeof reason);
        docker_end(instance, &exit);
        return;
    }
    if (instance->attach_failure[0] != '\0') {
        docker_end_failed(instance, "the container's output cannot be had",
                          instance->attach_failure);
        return;
    }
    instance->started = true;
    docker_folder_look(instance);
    for (int signum = 1; signum < 64; signum++) {
        if ((instance->signals >> signum & 1) != 0) {
            docker_instance_kill(instance, signum);
        }
    }
    if (instance->output_over) {
        docker_end_look(instance);
    }
}

static void start(struct docker_instance *instance) {
    int result = docker_instance_ask(instance, "POST", "/start", DOCKER_NOTHING, on_started);
    if (result != 0) {
        docker_end_failed(instance, "the container cannot be started", strerror(-result));
    }
}

/* The engine has taken the output: from here on nothing of it is lost. */
static void on_attached(void *arg, int status) {
    struct docker_instance *instance = arg;
    if (status < 300 && instance->call == NULL && !instance->closing && !instance->ended) {
        start(instance);
    }
}

static void on_output_over(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    instance->attached = NULL;
    instance->output_over = true;
    if (docker_instance_has_cgroup(instance)) {
        instance->killed_for_memory = docker_cgroup_killed(instance->cgroup);
    }
    if (instance->closing) {
        docker_end_go_on(instance);
        return;
    }
    if (instance->ended) {
        return;
    }
    if (docker_is_lost(instance->docker, answer)) {
        docker_end_failed(instance, "the engine is gone", answer->message);
    } else if (answer->status >= 300) {
        /* Podman prepares the container here, so that what keeps it from starting is told here
         * first. The start tells it again, in words that are understood. */
        (void)snprintf(instance->attach_failure, sizeof instance->attach_failure, "%s",
                       answer->message);
        start(instance);
    } else if (instance->started) {
        docker_end_look(instance);
    }
}

void docker_instance_attach(struct docker_instance *instance) {
    char path[DOCKER_PATH_MAX];
    struct lambda *lambda = instance->docker->base.lambda;
    (void)snprintf(path, sizeof path, "/containers/%s/attach?stream=1&stdout=1&stderr=1",
                   instance->name);
    const struct virga_engine_request request = {.method = "POST",
                                                 .path = path,
                                                 .timeout_ms = DOCKER_FOREVER_MS,
                                                 .on_head = on_attached,
                                                 .on_data = on_data,
                                                 .on_done = on_output_over,
                                                 .arg = instance};
    int result = virga_engine_start(lambda->host, lambda->fetch, &instance->docker->engine,
                                    &request, &instance->attached);
    if (result != 0) {
        docker_end_failed(instance, "the container's output cannot be had", strerror(-result));
    }
}

static void on_created(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    char reason[DOCKER_REASON_MAX];
    virga_json_finish(&instance->body);
    instance->maybe_there = answer->error != 0 || answer->status < 300;
    (void)snprintf(instance->container, sizeof instance->container, "%s",
                   docker_text(answer->json, "Id"));
    if (docker_end_is_over(instance, answer, "the container cannot be created")) {
        return;
    }
    if (answer->error != 0 || answer->status >= 300) {
        struct executor_exit exit = {.reason = reason};
        exit.end = docker_words_start(answer->message, instance->argv0, reason, sizeof reason);
        docker_end(instance, &exit);
        return;
    }
    docker_folder_check(instance);
}

static void create(struct docker_instance *instance) {
    char path[DOCKER_PATH_MAX];
    (void)snprintf(path, sizeof path, "/containers/create?name=%s", instance->name);
    int result = docker_ask(instance->docker, "POST", path,
                            (struct virga_str){instance->body.ptr, instance->body.len}, on_created,
                            instance, &instance->call);
    if (result != 0) {
        docker_end_failed(instance, "the container cannot be created", strerror(-result));
    }
}

static void on_begin(void *arg) {
    struct docker_instance *instance = arg;
    instance->docker->base.lambda->timer->stop(instance->timer);
    instance->timer = NULL;
    create(instance);
}

void docker_instance_free(struct docker_instance *instance) {
    instance->docker->base.lambda->timer->stop(instance->timer);
    virga_json_finish(&instance->body);
    free(instance->argv0);
    free(instance->cwd);
    free(instance);
}

int docker_instance_start(struct executor *executor, const struct executor_spec *spec,
                          struct executor_instance **ret_instance) {
    struct docker *docker = docker_from(executor);
    struct lambda *lambda = executor->lambda;
    char image[DOCKER_IMAGE_NAME_MAX];
    if (strlen(spec->id) > 60 || strlen(spec->digest) > LAMBDA_DIGEST_LEN ||
        spec->argv[0] == NULL) {
        return -EINVAL;
    }
    struct docker_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) {
        return -ENOMEM;
    }
    instance->docker = docker;
    instance->on_output = spec->on_output;
    instance->on_exit = spec->on_exit;
    instance->arg = spec->arg;
    (void)snprintf(instance->name, sizeof instance->name, DOCKER_NAME_PREFIX "%s", spec->id);
    (void)snprintf(instance->digest, sizeof instance->digest, "%s", spec->digest);
    instance->argv0 = strdup(spec->argv[0]);
    instance->cwd = strdup(spec->cwd[0] != '\0' ? spec->cwd : "/");
    for (size_t len = instance->cwd != NULL ? strlen(instance->cwd) : 0;
         len > 1 && instance->cwd[len - 1] == '/'; len--) {
        instance->cwd[len - 1] = '\0'; /* as the engine lists it among the changes */
    }
    docker_image_name(docker, spec->digest, image);
    docker_body_container(spec, image, docker->id.text, &docker->reach, &instance->body);
    if (instance->argv0 == NULL || instance->cwd == NULL || instance->body.failed ||
        lambda->timer->start(lambda->host, 0, 0, on_begin, instance, &instance->timer) != 0) {
        docker_instance_free(instance);
        return -ENOMEM;
    }
    instance->next = docker->instances;
    docker->instances = instance;
    *ret_instance = (struct executor_instance *)instance;
    return 0;
}

int64_t docker_instance_memory_peak(struct executor_instance *handle) {
    struct docker_instance *instance = docker_instance_from(handle);
    return docker_instance_has_cgroup(instance) ? docker_cgroup_peak(instance->cgroup) : -1;
}

bool docker_instance_owns(const struct docker *docker, const char *container_name) {
    for (const struct docker_instance *one = docker->instances; one != NULL; one = one->next) {
        if (strcmp(one->name, container_name) == 0) {
            return true;
        }
    }
    return false;
}

bool docker_instance_uses(const struct docker *docker, const char *digest) {
    for (const struct docker_instance *one = docker->instances; one != NULL; one = one->next) {
        if (strcmp(one->digest, digest) == 0) {
            return true;
        }
    }
    return false;
}
