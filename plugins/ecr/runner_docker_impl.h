/* SPDX-License-Identifier: MIT */
/* The docker runner's insides, shared by its files: runner_docker.c (life and storage),
 * docker_start.c with docker_image.c, docker_create.c and docker_probe.c (from nothing to a
 * registry that answers), docker_forward.c (virga itself in a container). */
#ifndef ECR_RUNNER_DOCKER_IMPL_H
#define ECR_RUNNER_DOCKER_IMPL_H

#include "docker_container.h"
#include "docker_exec.h"
#include "registry_files.h"
#include "registry_runner.h"
#include <virga/helpers/engine_pull.h>
#include <virga/helpers/engine_self.h>

#define DOCKER_ENGINE_MS 1500  /* for an engine to say that it is there */
#define DOCKER_CALL_MS 30000   /* for its other answers */
#define DOCKER_PULL_MS 1800000 /* for an image */
#define DOCKER_PROBE_MS 20000  /* for the registry to answer in its container */
#define DOCKER_PROBE_PAUSE_MS 50
#define DOCKER_STOP_S 5       /* from SIGTERM to SIGKILL */
#define DOCKER_CREATE_TRIES 3 /* where somebody else makes or removes it at the same time */

struct docker_command;

struct runner_docker {
    struct registry_runner base;
    struct registry_files files;
    /* settings */
    char name[128];
    char image[256];
    char network[128];
    char configured[256]; /* floci.docker.docker-host */

    struct virga_engine_address engine;
    struct virga_engine_self self;
    bool publishes; /* this container's own registry port is published by the user */
    bool forwards;  /* the forwarding container was made */
    struct docker_container container; /* id "" = none known */
    bool volume;                       /* storage is in a volume */
    char volume_name[160];
    struct registry_address address; /* port 0 = none known */

    /* the step under way: at most one call to the engine, or a timer, or a probe */
    struct virga_engine_call *call;
    void (*on_answer)(struct runner_docker *runner, const struct virga_engine_answer *answer);
    struct virga_timer_handle *timer;
    struct virga_fetch_handle *probe;

    /* a start under way */
    runner_on_done on_started;
    void *on_started_arg;
    size_t candidate;
    char tried[400]; /* engines that did not answer, and why */
    bool created;    /* by this start: to be removed if it fails */
    bool connected;  /* to virga's own network, by this start */
    bool remade;     /* by this start, since the old one would not start */
    int tries;
    uint64_t deadline_ns;
    char failure[DOCKER_TEXT_MAX]; /* told once what was created is gone */
    int failure_status;
    struct virga_engine_pull *pull;
    uint64_t pull_told_ns;

    /* a stop under way */
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;

    struct docker_command *commands; /* in the container, under way */
    struct docker_command *collector;
};

/* Asks the engine; the answer goes to on_answer, unless the runner stops meanwhile. False: it could
 * not be asked, and the start has failed. */
bool docker_ask(struct runner_docker *runner, const char *method, const char *path,
                struct virga_str json, uint32_t timeout_ms,
                void (*on_answer)(struct runner_docker *runner,
                                  const struct virga_engine_answer *answer));
/* The network that the registry's container is to be in; "" = the engine's default. */
const char *docker_network(const struct runner_docker *runner);
/* Writes the body that (dis)connects the container with a network. */
void docker_network_body(const struct runner_docker *runner, struct strbuf *ret_json);
/* Begins a start; on_started etc. are set. */
void docker_start(struct runner_docker *runner);
/* Ends a start: what it created is removed first where it failed. */
VIRGA_PRINTF(3, 4)
void docker_start_fail(struct runner_docker *runner, int status, const char *format, ...);
void docker_start_done(struct runner_docker *runner);

/* The steps of a start, each in its file. */
#define DOCKER_NOTHING ((struct virga_str){NULL, 0}) /* a request without a body */
/* Whether the engine would not do it: then the start has failed, `what` and the engine's words. */
bool docker_refused(struct runner_docker *runner, const struct virga_engine_answer *answer,
                    const char *what);
/* Looks for the container that an earlier run left. */
void docker_inspect(struct runner_docker *runner);
/* Sees to it that the engine has the image, then creates the container. */
void docker_look_for_image(struct runner_docker *runner);
void docker_create(struct runner_docker *runner);
/* Writes what a container is asked for now, and its digest. Errors: -ENOMEM, -EIO, those of the
 * secret's file. */
int docker_write_spec(struct runner_docker *runner, struct strbuf *ret_json,
                      char ret_digest[ECR_DIGEST_LEN + 1]);
/* Makes the container anew; its storage stays. */
void docker_remove_and_create(struct runner_docker *runner);
/* Starts the container that is there. */
void docker_start_container(struct runner_docker *runner);
/* Waits until the registry in it answers. */
void docker_wait(struct runner_docker *runner);

/* Looks whether stopping is complete. */
void docker_check_stopped(struct runner_docker *runner);

/* virga in a container: sees to it that the engine's machine reaches the gateway, then calls
 * docker_start_done(). */
void docker_forward_start(struct runner_docker *runner);
/* Writes the path that DELETE removes the forwarding container by. */
void docker_forward_remove_path(const struct runner_docker *runner, struct strbuf *ret_path);

#endif
