/* SPDX-License-Identifier: MIT */
/* A function's container, shared by docker_instance.c (its start, its signals), docker_folder.c and
 * docker_end.c (its end, its removal). What asks the engine one thing after another is `call`;
 * beside it run the attached output and notes (signals, a look at the working directory). */
#ifndef LAMBDA_DOCKER_INSTANCE_H
#define LAMBDA_DOCKER_INSTANCE_H

#include "docker.h"

#define DOCKER_FIRST_MAX 512 /* bytes of output that may be a runtime's last words */
#define DOCKER_FOREVER_MS                                                                          \
    0x7fffffff /* three weeks and more: how long a container may be waited for */

struct docker_instance {
    struct docker_instance *next;
    struct docker *docker;
    char name[sizeof DOCKER_NAME_PREFIX + 64];
    char digest[LAMBDA_DIGEST_LEN + 1];
    char container[80]; /* the full id, once it is created */
    char cgroup[DOCKER_CGROUP_MAX];
    char *argv0;
    char *cwd;
    struct virga_json_writer body; /* of the create request */
    void (*on_output)(void *arg, int stream, struct virga_str bytes);
    void (*on_exit)(void *arg, const struct executor_exit *exit);
    void *arg;

    struct virga_timer_handle *timer;
    struct virga_engine_call *call;
    struct virga_engine_call *attached;
    size_t notes;     /* calls whose answer changes little */
    bool maybe_there; /* a container may exist */
    bool started;
    bool ended; /* on_exit has come, or must not come any more */
    bool output_over;
    bool killed_by_us;
    bool killed_for_memory; /* as the kernel said when the output ended */
    bool folder_is_missing; /* the engine had to make the working directory */
    unsigned tries;
    uint64_t signals; /* to be sent once it is started: a bit for each */

    struct virga_engine_frames frames;
    char first[DOCKER_FIRST_MAX];
    size_t first_len;
    bool first_full;
    char attach_failure[DOCKER_REASON_MAX];

    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static inline struct docker_instance *docker_instance_from(struct executor_instance *instance) {
    return (struct docker_instance *)instance;
}

/* Asks about its container: `tail` is what follows its name. Errors: as virga_engine_start(). */
int docker_instance_ask(struct docker_instance *instance, const char *method, const char *tail,
                        struct virga_str json,
                        void (*on_done)(void *arg, const struct virga_engine_answer *answer));
/* Whether its memory group can be seen; instance->cgroup is set then. */
bool docker_instance_has_cgroup(struct docker_instance *instance);
/* Sends a signal to its process. */
void docker_instance_kill(struct docker_instance *instance, int signum);
/* The step of a start behind the creation: attaches the output, then starts it. */
void docker_instance_attach(struct docker_instance *instance);
/* Goes on to docker_instance_attach(), or ends the instance where the image lacks the working
 * directory. */
void docker_folder_check(struct docker_instance *instance);
/* The same of a container that was started: ends it. */
void docker_folder_look(struct docker_instance *instance);
/* Frees it; nothing of it is under way. */
void docker_instance_free(struct docker_instance *instance);

/* Tells that the process is gone, once. The instance may be freed meanwhile. */
void docker_end(struct docker_instance *instance, const struct executor_exit *exit);
void docker_end_failed(struct docker_instance *instance, const char *what, const char *message);
/* What every answer to `call` goes through first. True: nothing more is to be done with it. */
bool docker_end_is_over(struct docker_instance *instance, const struct virga_engine_answer *answer,
                        const char *what);
/* The output is over: finds out how the process ended, or waits for it. */
void docker_end_look(struct docker_instance *instance);
/* While it is being closed: called whenever something of it has ended. */
void docker_end_go_on(struct docker_instance *instance);

#endif
