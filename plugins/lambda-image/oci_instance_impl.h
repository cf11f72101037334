/* SPDX-License-Identifier: MIT */
/* What the parts of oci_instance share: one environment's process. [loop] but for what is given to
 * the thread pool. */
#ifndef LAMBDA_OCI_INSTANCE_IMPL_H
#define LAMBDA_OCI_INSTANCE_IMPL_H

#include <sys/types.h>

#include "executor_oci.h"
#include "oci_bundle.h"

#define OCI_INSTANCE_SAID_MAX 512

enum oci_instance_state {
    PREPARING, /* on the thread pool */
    RUNNING,
    EXPLAINING, /* on the thread pool */
    ENDED,      /* on_exit was called, or will not be */
    REMOVING    /* on the thread pool */
};

struct executor_instance {
    struct oci *oci;
    struct executor_instance *next;
    enum oci_instance_state state;
    struct oci_how how;
    struct oci_bundle bundle; /* its texts are the instance's */
    char *digest;
    char folder[PATH_MAX];
    struct oci_bundle_end end;

    struct virga_process_handle *guard;
    struct virga_process_id guard_id;
    struct virga_timer_handle *watch;  /* until the container is made */
    bool started;                      /* it is */
    pid_t runtime;                     /* 0: not known yet */
    struct virga_process_handle *main; /* the image's own first process, while it runs */
    int64_t exit_status;
    int term_signal;
    bool killed;        /* a SIGKILL was asked for */
    bool doomed;        /* the runtime is to be killed when there is one */
    int pending_signal; /* came before it was started; 0 = none */
    int64_t peak;
    char said[OCI_INSTANCE_SAID_MAX]; /* the first of its output: a runtime's last words */
    size_t said_len;

    size_t jobs; /* signals on their way */
    struct virga_timer_handle *timer;
    void (*on_output)(void *arg, int stream, struct virga_str bytes);
    void (*on_exit)(void *arg, const struct executor_exit *exit);
    void *arg;
    bool closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* --- oci_instance.c --- */

/* Goes on with a close() when nothing is under way any more. */
void oci_instance_settle(struct executor_instance *instance);

/* --- oci_instance_signal.c --- */

/* Looks until the runtime has made the container, then sends what was to be sent and watches the
 * container's first process. */
void oci_instance_watch(struct executor_instance *instance);
/* Ends that, when the guard has ended. */
void oci_instance_unwatch(struct executor_instance *instance);
/* Kills the runtime, and with it everything, as soon as there is one. */
void oci_instance_kill(struct executor_instance *instance);

#endif
