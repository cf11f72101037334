/* SPDX-License-Identifier: MIT */
/* The executor that has a container engine run functions: its table, and its end. */
#include "docker.h"

#include <errno.h>
#include <stdlib.h>

int docker_ask(struct docker *docker, const char *method, const char *path, struct virga_str json,
               void (*on_done)(void *arg, const struct virga_engine_answer *answer), void *arg,
               struct virga_engine_call **ret_call) {
    struct lambda *lambda = docker->base.lambda;
    const struct virga_engine_request request = {.method = method,
                                                 .path = path,
                                                 .json = json,
                                                 .timeout_ms = DOCKER_CALL_MS,
                                                 .on_done = on_done,
                                                 .arg = arg};
    return virga_engine_start(lambda->host, lambda->fetch, &docker->engine, &request, ret_call);
}

bool docker_is_lost(struct docker *docker, const struct virga_engine_answer *answer) {
    bool lost = answer->error != 0 && answer->error != -ECANCELED;
    docker->base.lost = docker->base.lost || lost;
    return lost;
}

void docker_check_stopped(struct docker *docker) {
    if (!docker->stopping || docker->on_stopped == NULL || docker->ready != NULL ||
        docker->finds != NULL || docker->pulls != NULL || docker->prune != NULL ||
        docker->instances != NULL) {
        return;
    }
    void (*on_stopped)(void *) = docker->on_stopped;
    docker->on_stopped = NULL;
    docker_relay_close(docker->relay);
    docker->relay = NULL;
    on_stopped(docker->on_stopped_arg);
}

static bool admits(struct executor *executor, struct virga_str peer) {
    return docker_reach_admits(docker_from(executor)->reach.peers, peer);
}

static void stop(struct executor *executor, void (*on_stopped)(void *arg), void *arg) {
    struct docker *docker = docker_from(executor);
    docker->stopping = true;
    docker->on_stopped = on_stopped;
    docker->on_stopped_arg = arg;
    docker_ready_cancel(docker->ready);
    docker_image_cancel(docker);
    docker_check_stopped(docker);
}

static void destroy(struct executor *executor) {
    struct docker *docker = docker_from(executor);
    docker_relay_close(docker->relay);
    docker_host_id_close(&docker->id);
    free(docker);
}

int executor_docker_create(struct lambda *lambda, struct executor **ret_executor) {
    struct docker *docker = calloc(1, sizeof *docker);
    if (docker == NULL) {
        return -ENOMEM;
    }
    docker->id.fd = -1;
    docker->base = (struct executor){.name = "docker",
                                     .lambda = lambda,
                                     .ready = docker_ready_start,
                                     .admits = admits,
                                     .find = docker_image_find,
                                     .pull = docker_image_pull,
                                     .prune = docker_image_prune,
                                     .start = docker_instance_start,
                                     .signal = docker_instance_signal,
                                     .memory_peak = docker_instance_memory_peak,
                                     .close = docker_instance_close,
                                     .stop = stop,
                                     .destroy = destroy};
    *ret_executor = &docker->base;
    return 0;
}
