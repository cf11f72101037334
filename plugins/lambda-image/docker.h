/* SPDX-License-Identifier: MIT */
/* The docker executor's insides, shared by its files: docker_ready.c (finding engine and ways),
 * docker_image.c, docker_instance.c, docker_folder.c, docker_end.c. */
#ifndef LAMBDA_DOCKER_H
#define LAMBDA_DOCKER_H

#include "docker_body.h"
#include "docker_cgroup.h"
#include "docker_json.h"
#include "docker_place.h"
#include "docker_reach.h"
#include "docker_relay.h"
#include "docker_words.h"
#include "executor.h"

#include <virga/helpers/engine.h>

#define DOCKER_ENGINE_MS 10000 /* for an engine to say that it is there; it may be busy */
#define DOCKER_CALL_MS 120000  /* for its other answers: a start may wait for a busy disk */
#define DOCKER_PULL_MS 1800000 /* for an image */
#define DOCKER_REASON_MAX 1024
#define DOCKER_PATH_MAX 768
#define DOCKER_FOLDERS_MAX 32 /* working directories that are remembered ... */
#define DOCKER_FOLDER_MAX 256 /* ... with their image's digest */

static const struct virga_str DOCKER_NOTHING = {NULL, 0};

struct docker_instance;
struct docker_prune;
struct docker_pull;
struct docker_ready;
struct docker_find;

struct docker {
    struct executor base;
    struct docker_host_id id; /* text "" = not read yet */
    struct virga_engine_address engine;
    char engine_name[128]; /* "Docker 20.10.24" */
    struct docker_reach reach;
    struct docker_relay *relay; /* NULL: the AWS port is reached as it is */
    char endpoint[160];

    struct docker_ready *ready; /* under way */
    struct docker_find *finds;
    struct docker_pull *pulls;
    struct docker_prune *prune;
    struct docker_instance *instances;

    char folders[DOCKER_FOLDERS_MAX][DOCKER_FOLDER_MAX]; /* of docker_folder.c */

    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

static inline struct docker *docker_from(struct executor *executor) {
    return (struct docker *)executor;
}

/* Sends one request. Errors: as virga_engine_start(). */
int docker_ask(struct docker *docker, const char *method, const char *path, struct virga_str json,
               void (*on_done)(void *arg, const struct virga_engine_answer *answer), void *arg,
               struct virga_engine_call **ret_call);
/* Whether an answer means that the engine itself is gone: the executor is lost then. */
bool docker_is_lost(struct docker *docker, const struct virga_engine_answer *answer);
/* Completes stop() when nothing is left. */
void docker_check_stopped(struct docker *docker);

/* executor.ready(), and its end at stop. */
void docker_ready_start(struct executor *executor,
                        void (*on_ready)(void *arg, int error, const char *reason), void *arg);
void docker_ready_cancel(struct docker_ready *ready);

/* executor.find(), pull(), prune(), and their end at stop. */
void docker_image_find(struct executor *executor, const char *digest,
                       void (*on_done)(void *arg, int error, const char *reason), void *arg);
void docker_image_pull(struct executor *executor, const struct executor_image *image,
                       void (*on_done)(void *arg, int error, const char *reason), void *arg);
void docker_image_prune(struct executor *executor, bool (*keep)(void *arg, const char *digest),
                        void *arg);
void docker_image_cancel(struct docker *docker);
/* Writes the name under which virga keeps an image at the engine. */
#define DOCKER_IMAGE_NAME_MAX 160
void docker_image_name(const struct docker *docker, const char *digest,
                       char ret_name[DOCKER_IMAGE_NAME_MAX]);

/* executor.start(), signal(), memory_peak(), close(). */
int docker_instance_start(struct executor *executor, const struct executor_spec *spec,
                          struct executor_instance **ret_instance);
void docker_instance_signal(struct executor_instance *instance, int signum);
int64_t docker_instance_memory_peak(struct executor_instance *instance);
void docker_instance_close(struct executor_instance *instance, void (*on_closed)(void *arg),
                           void *arg);
/* Whether a container is a running instance's; whether an image is. */
bool docker_instance_owns(const struct docker *docker, const char *container_name);
bool docker_instance_uses(const struct docker *docker, const char *digest);

#define DOCKER_NAME_PREFIX "virga-lambda-"

#endif
