/* SPDX-License-Identifier: MIT */
/* How execution environments are run: an executor gets images onto this machine and starts
 * processes in them. It knows nothing of functions' records, of the Runtime API, or of invocations.
 * Everything is [loop]. */
#ifndef LAMBDA_EXECUTOR_H
#define LAMBDA_EXECUTOR_H

#include "lambda.h"

struct executor;
struct executor_instance;

/* An image, and where it is pulled from. Valid: for the call. */
struct executor_image {
    const char *digest;    /* of the manifest: "sha256:..." */
    const char *registry;  /* "127.0.0.1:5100", plain HTTP */
    const char *pull_name; /* "000000000000/us-east-1/app" */
    const char *user;
    const char *password;
    struct virga_str manifest; /* a single image's, already checked: no index */
};

/* Why a process could not be started or went away. */
enum executor_end {
    EXECUTOR_EXITED,     /* with `status` */
    EXECUTOR_SIGNALLED,  /* by `signal` */
    EXECUTOR_OOM,        /* killed because it was over its memory limit */
    EXECUTOR_ENTRYPOINT, /* the entry point could not be executed: `reason` is what execve said,
                            "fork/exec /app: no such file or directory" */
    EXECUTOR_WORKDIR,    /* the working directory is not there or cannot be entered */
    EXECUTOR_FAILED      /* this machine or the engine failed: `reason` */
};

struct executor_exit {
    enum executor_end end;
    int status;
    int signal;
    const char *reason; /* "" or words; valid for the call */
};

/* What a process is started with. Everything is copied. */
struct executor_spec {
    const char *id; /* of the environment, unique for ever: names containers and folders; a UUID */
    const char *digest; /* of an image that find() or pull() has said is here */
    const char *const
        *argv; /* ended by NULL; argv[0] is looked up in the PATH of env, in the image */
    const char *const *env; /* "NAME=value", ended by NULL; complete */
    const char *cwd;
    const char *user;  /* as the image's config has it: "", "1000", "app", "1000:1000" */
    const char *label; /* for people: the function's ARN */
    int64_t memory_mb;
    int64_t tmp_mb; /* size of /tmp, which is writable whatever the rest is */

    /* Output as it comes, never after on_exit. stream: 1 stdout, 2 stderr. */
    void (*on_output)(void *arg, int stream, struct virga_str bytes);
    /* The process is gone, or could not be started. Calls back: once, never inside start() or
     * signal(); not after close(). All of its output has come before. */
    void (*on_exit)(void *arg, const struct executor_exit *exit);
    void *arg;
};

struct executor {
    const char *name; /* "docker", "oci" */
    struct lambda *lambda;

    /* Finds out whether it can work here, and how; asked before anything else, and again after a
     * failure. Also removes what an earlier run of virga left. Calls back: once, never inside the
     * call; 0 with what is used in words ("" is fine), or a negative errno with the reason in
     * words. One at a time. */
    void (*ready)(struct executor *executor,
                  void (*on_ready)(void *arg, int error, const char *reason), void *arg);

    /* Set once it is ready. */
    const char
        *listen_addresses;    /* where a Runtime API must listen, as virga.listener/1 takes it */
    const char *reach_host;   /* how a process in an environment reaches that: "127.0.0.1" */
    const char *endpoint_url; /* how it reaches virga's AWS port: AWS_ENDPOINT_URL */
    /* What ready() found does not hold any more (the engine is gone): ask it again before a find(),
     * pull() or start(). */
    bool lost;
    /* Whether a request to a Runtime API comes from where environments are, by its peer
     * ("10.88.0.7:41234"): listen_addresses may be open to others. NULL: it does. */
    bool (*admits)(struct executor *executor, struct virga_str peer);

    /* Whether the image is here. Calls back: once, maybe inside the call. 0, -ENOENT, or another
     * negative errno with the reason. */
    void (*find)(struct executor *executor, const char *digest,
                 void (*on_done)(void *arg, int error, const char *reason), void *arg);
    /* Gets an image here; of several calls for one digest the first does it. Calls back: once,
     * never inside the call. 0 or a negative errno with the reason: -EBADMSG its layers make no
     * file system or have another digest than they say, -EACCES, -ENOENT (the registry lacks
     * something), -ENOSPC, -ECONNREFUSED, -ECANCELED at stop. */
    void (*pull)(struct executor *executor, const struct executor_image *image,
                 void (*on_done)(void *arg, int error, const char *reason), void *arg);
    /* Frees the disk of every image for which keep() says no, and that no instance uses. keep() may
     * be asked later, too, until stop() has called back. */
    void (*prune)(struct executor *executor, bool (*keep)(void *arg, const char *digest),
                  void *arg);

    /* Starts a process. Errors: -ENOMEM, -EINVAL; all else comes by on_exit. */
    int (*start)(struct executor *executor, const struct executor_spec *spec,
                 struct executor_instance **ret_instance);
    /* Sends a signal to all of the environment's processes, as soon as they are started. */
    void (*signal)(struct executor_instance *instance, int signum);
    /* Bytes of memory used at most so far; -1: not known. */
    int64_t (*memory_peak)(struct executor_instance *instance);
    /* Kills what runs, removes container, folders and mounts, and frees the instance. Calls back:
     * on_closed once, maybe inside the call, when nothing of it is left. NULL instance: at once. */
    void (*close)(struct executor_instance *instance, void (*on_closed)(void *arg), void *arg);

    /* Breaks off pulls, and ready() where it is under way: they call back with -ECANCELED. Waits
     * for instances that are being closed. Calls back: once, maybe inside. */
    void (*stop)(struct executor *executor, void (*on_stopped)(void *arg), void *arg);
    void (*destroy)(struct executor *executor);
};

/* The two that there are. Errors: -ENOMEM. */
int executor_docker_create(struct lambda *lambda, struct executor **ret_executor);
int executor_oci_create(struct lambda *lambda, struct executor **ret_executor);

/* For `virga doctor`: reports whether each could work here. Thread: [worker]. */
void executor_docker_doctor(const struct virga_host *host, const struct virga_doctor *doctor);
void executor_oci_doctor(const struct virga_host *host, const struct virga_doctor *doctor);

#endif
