/* SPDX-License-Identifier: MIT */
/* The backend's insides, shared by the files that make it up. */
#ifndef ECR_BACKEND_IMPL_H
#define ECR_BACKEND_IMPL_H

#include "backend.h"
#include "lane.h"
#include "meta.h"
#include "pins.h"
#include "recover.h"
#include "registry_files.h"
#include "registry_runner.h"

enum backend_state {
    BACKEND_DOWN,       /* not started, or it failed: the next need starts it */
    BACKEND_STARTING,   /* the process is being started, adopted or looked at */
    BACKEND_RECOVERING, /* it answers; intents and reconcile are under way */
    BACKEND_READY,
    BACKEND_STOPPING
};

struct backend_later;
struct backend_call;
struct gc;

struct backend {
    struct ecr *ecr;
    enum backend_state state;
    bool lost;                      /* the registry ended while recovery ran */
    char reason[512];               /* of the last failure */
    struct registry_runner *runner; /* that is used; with `auto`, what was chosen so far */
    struct registry_runner
        *fallback;    /* of `auto`: taken when the runner has nothing to run it with */
    bool was_ready;   /* in this run: there is no other choice any more */
    char choice[300]; /* why this one */
    struct registry_address address; /* after a start */
    struct registry_files files; /* paths only: what of the storage is at hand, and the secret */
    struct virga_upstream *upstream;
    struct lanes *lanes;
    struct pins *pins;
    struct recover *recover;
    struct backend_later *waiting_first; /* for readiness */
    struct backend_later *waiting_last;
    struct backend_later *later_first; /* to be called from the loop */
    struct backend_later *later_last;
    struct virga_timer_handle *later_timer;
    struct backend_call *calls; /* under way */
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
    int stopping_runners;
    struct gc *gc; /* the one that runs */
};

/* Calls fn(arg) soon, never inside this call. Errors: -ENOMEM. */
int backend_later(struct backend *backend, void (*fn)(void *arg), void *arg);

/* backend_fetch() without waiting for readiness and without a second try: for recovery. */
int backend_fetch_now(struct backend *backend, const char *method, const char *path,
                      const struct virga_header *headers, size_t headers_count,
                      struct virga_str body,
                      void (*on_done)(void *arg, const struct virga_fetch_response *res),
                      void *arg);
/* Ends the calls under way with -ECANCELED, soon. */
void backend_cancel_calls(struct backend *backend);
/* Frees them at destroy; nobody is called any more. */
void backend_free_calls(struct backend *backend);
/* Looks whether stopping is complete. */
void backend_check_stopped(struct backend *backend);

/* Writes "/v2/<registry's name>/<what>/<reference>". */
#define BACKEND_PATH_MAX (BACKEND_NAME_MAX + 256)
void backend_path(const struct tenant *tenant, struct virga_str name, const char *what,
                  const char *reference, char ret_path[BACKEND_PATH_MAX]);

#endif
