/* SPDX-License-Identifier: MIT */
/* An environment as its parts see it:
 *   environment.c         its life: init, failures, end
 *   environment_start.c   its port and its process
 *   environment_run.c     one invocation in it, from START to REPORT
 *   environment_output.c  what its process writes, and the lines of Lambda's own
 *   runtime_api.c         requests of its process: which is which, the runtime's
 *   runtime_answer.c    what the runtime answers
 *   extensions_api.c      the extensions' requests
 *   telemetry.c           their subscriptions
 * Everything is [loop]. */
#ifndef LAMBDA_ENVIRONMENT_IMPL_H
#define LAMBDA_ENVIRONMENT_IMPL_H

#include "environment.h"
#include "report.h"

/* Source: aws-lambda-runtime-interface-emulator, core.MaxAgentsAllowed. */
#define ENVIRONMENT_EXTENSIONS_MAX 10
/* Bodies that a process may send at once; a runtime and its extensions send one each. */
#define ENVIRONMENT_BODIES_MAX 32
/* How long extensions may work on SHUTDOWN before SIGTERM. Source: the developer guide, "Shutdown
 * phase": 2,000 ms in all. */
#define ENVIRONMENT_SHUTDOWN_MS 1500
/* How long an answer is held until the runtime has asked for the next event. Why: a caller that
 * invokes again as soon as it has the answer meets an idle environment, and the log is complete. */
#define ENVIRONMENT_HOLD_MS 10
/* How long a process that has reported an error or broken off its answer may take to end: then the
 * reason is known and its output complete. */
#define ENVIRONMENT_EXIT_MS 100
/* How long the log's tail waits for output that is still on its way from an engine. */
#define ENVIRONMENT_SETTLE_MS 5
/* A line of output is cut into pieces of this size. */
#define ENVIRONMENT_LINE_MAX 65536

enum environment_state {
    ENVIRONMENT_INIT, /* until runtime and extensions have asked for an event */
    ENVIRONMENT_IDLE,
    ENVIRONMENT_BUSY,     /* an invocation; until all have asked for the next event */
    ENVIRONMENT_SHUTDOWN, /* extensions hear of it, then SIGTERM */
    ENVIRONMENT_CLOSING,  /* the executor takes it away */
    ENVIRONMENT_ENDED
};

/* States of the runtime, as the Runtime API names them. */
enum runtime_state {
    RUNTIME_STARTED,
    RUNTIME_INIT_ERROR,
    RUNTIME_READY,    /* has asked for an event */
    RUNTIME_RUNNING,  /* has got one */
    RUNTIME_RESPONSE, /* is sending its answer */
    RUNTIME_ERROR_RESPONSE,
    RUNTIME_RESPONSE_SENT
};

enum extension_state {
    EXTENSION_REGISTERED,
    EXTENSION_READY,   /* has asked for an event */
    EXTENSION_RUNNING, /* has got one */
    EXTENSION_FAILED   /* has reported an error; nobody waits for it */
};

struct extension {
    char id[LAMBDA_ID_LEN + 1];
    char name[128];
    bool wants_invoke, wants_shutdown;
    enum extension_state state;
    bool owed_invoke, owed_shutdown; /* events that it has not got yet */
    struct virga_request *next;      /* its request for an event, parked; NULL: none */
};

/* What is read from a request whose body streams. */
enum body_kind {
    BODY_RESPONSE,   /* of an invocation */
    BODY_ERROR,      /* of an invocation */
    BODY_INIT_ERROR, /* of the runtime */
    BODY_REGISTER,   /* of an extension */
    BODY_TELEMETRY
};
struct body {
    struct body *next, *previous;
    struct environment *environment;
    struct virga_request *req;
    enum body_kind kind;
    size_t extension; /* its index, of TELEMETRY */
    char *bytes;
    size_t len, size, limit;
    uint64_t received;
    bool too_large; /* the rest is read and thrown away */
    bool out_of_memory;
    bool is_current; /* at its end: it is still what is waited for */
    bool passes;     /* a response: its pieces go to the invocation as they come */
    bool paused;
};

enum shutdown_reason { SHUTDOWN_SPINDOWN, SHUTDOWN_TIMEOUT, SHUTDOWN_FAILURE };

/* One of the process's two streams, up to the end of the last whole line. */
struct partial_line {
    char *bytes;
    size_t len, size;
};

struct environment {
    struct lambda *lambda;
    struct executor *executor;
    struct function *function;
    struct environment_events events;
    void *user;

    char id[LAMBDA_ID_LEN + 1];
    char log_stream[64];
    char runtime_api[160]; /* "127.0.0.1:40123" */
    struct virga_listener_handle *listener;
    struct executor_instance *instance;
    const char *cwd;

    enum environment_state state;
    enum runtime_state runtime;
    struct virga_request *runtime_next; /* parked; NULL: none */
    struct extension extensions[ENVIRONMENT_EXTENSIONS_MAX];
    size_t extensions_count;
    struct body *bodies;
    size_t bodies_count;

    struct virga_timer_handle *timer; /* of the phase: init, timeout, settling, shutdown */
    struct virga_timer_handle *later; /* for what must not happen inside a call */
    bool process_gone;
    bool terminated;          /* SIGTERM was sent */
    bool closed;              /* the executor has nothing of it left */
    bool doomed;              /* it could not be started: `end` says why */
    struct executor_exit end; /* its reason is static or in end_reason */
    char end_reason[512];
    enum shutdown_reason shutdown_reason;
    bool wants_shutdown; /* environment_shutdown() was called meanwhile */
    bool init_late;      /* the time of the init has passed: it goes on within the invocation */
    uint64_t init_started_ns;
    int64_t init_ns; /* -1: not done, or reported already */

    /* The invocation, BUSY or waiting for the init. */
    struct invocation *invocation; /* NULL: none, or its on_done has come */
    char request_id[LAMBDA_ID_LEN + 1];
    bool started;          /* START is in the log */
    bool owed;             /* the runtime has not got the event yet */
    bool answered;         /* `result` is there */
    bool hold_over;        /* the answer has been held long enough */
    uint64_t ready_ns;     /* when all had asked for the next event; 0 = not yet */
    bool settled;          /* output that was on its way has had its time */
    bool passes;           /* the answer is streamed to the invocation: its head was given */
    bool pauses;           /* the invocation takes nothing now */
    struct body *response; /* what the answer comes in; NULL: it has not begun, or is complete */
    bool wants_tail;
    uint64_t started_ns;
    int64_t deadline_ms;
    struct invocation_result result;
    char *payload; /* of the result; owned */
    char document[REPORT_SIZE];
    char error_type[REPORT_TYPE_MAX + 1];
    char content_type[256];

    struct partial_line partial[2];
    char tail[INVOCATION_TAIL_MAX]; /* a ring */
    size_t tail_len;                /* all bytes so far */
};

/* --- environment.c --- */

/* Something has asked for an event, or cannot any more: goes on if nothing else is waited for. */
void environment_check(struct environment *environment);
/* Ends it because of something that happened in it. status: "error" or "timeout". message NULL: the
 * runtime has told (answered and `result` are set). */
void environment_fail(struct environment *environment, const char *status, const char *error_type,
                      const char *message, enum shutdown_reason reason);
/* The process has ended, or has had time enough to do so: fails with the reason. */
void environment_fail_by_exit(struct environment *environment);
/* The same as a timer's callback, after ENVIRONMENT_EXIT_MS. */
void environment_on_exit_awaited(void *arg);
/* The invocation is over: shuts down, or is idle. */
void environment_become_idle(struct environment *environment);
/* Calls on_timer after a while, instead of what the phase's timer was to do before. Errors:
 * -ENOMEM. */
int environment_set_timer(struct environment *environment, int64_t delay_ms,
                          void (*on_timer)(void *arg));
void environment_stop_timer(struct environment *environment);
/* Goes on soon, outside of any call of environment.h. */
void environment_later(struct environment *environment);
uint64_t environment_now_ns(const struct environment *environment);

/* executor_spec.on_exit. */
void environment_on_exit(void *arg, const struct executor_exit *end);

/* --- environment_start.c --- */

/* Makes its id and the name of its log stream. */
void start_names(struct environment *environment);
/* Opens the Runtime API's port. Errors: those of a listener. */
int start_listener(struct environment *environment);
/* Starts the process, or has it fail soon where there is nothing to start. Errors: -ENOMEM and
 * those of the executor. */
int start_process(struct environment *environment);

/* --- environment_run.c --- */

/* Takes an invocation over. */
void run_take(struct environment *environment, struct invocation *invocation);
/* Logs START and begins to count the time. */
void run_start(struct environment *environment);
/* Gives the event to the runtime and to the extensions that want it. */
void run_deliver(struct environment *environment);
/* Gives the runtime the event that it has been owed, if it has asked. */
void run_give(struct environment *environment);
/* The runtime has answered: `result` is set. Tells the owner when all have asked for the next
 * event, or after a while. */
void run_answered(struct environment *environment);
/* Logs END and REPORT, and tells the invocation's owner if that has not been done. status NULL: it
 * ended well. */
void run_over(struct environment *environment, const char *status, const char *error_type);
/* Ends the invocation for its owner with `result`. */
void run_done(struct environment *environment);
/* Sets `result`: an error document of Lambda's own; what the process sent (payload: owned, may be
 * NULL; error_type NULL: no error); or that the service failed. */
void run_set_error(struct environment *environment, const char *error_type, const char *message);
void run_set_payload(struct environment *environment, const char *error_type,
                     struct virga_str content_type, char *payload, size_t len);
void run_set_refused(struct environment *environment, const char *message);
/* Everybody has asked for the next event. */
void run_everybody_is_ready(struct environment *environment);
/* The invocation takes more: ends it if that was all that was missing. */
void run_resumed(struct environment *environment);
/* invocation_resume() and invocation_abandon(). */
void environment_resume(struct environment *environment);

/* --- environment_output.c --- */

/* Notes output of the process: executor_spec.on_output. */
void output_take(void *arg, int stream, struct virga_str bytes);
/* Writes lines of Lambda's own, behind all output so far. */
void output_platform(struct environment *environment, const char *lines, size_t len);
/* Begins a new tail. */
void output_reset_tail(struct environment *environment);
/* The tail, in order. Returns its length. */
size_t output_tail(const struct environment *environment, char ret_tail[INVOCATION_TAIL_MAX]);
void output_finish(struct environment *environment);

/* --- runtime_api.c --- */

/* virga_listener_options.on_request. */
void runtime_api_handle(void *arg, struct virga_request *req);
/* Answers {"errorMessage":...,"errorType":...}. */
VIRGA_PRINTF(4, 5)
void runtime_api_refuse(struct virga_request *req, int status, const char *error_type,
                        const char *format, ...);
/* Answers 202 {"status":"OK"}. */
void runtime_api_accept(struct virga_request *req);
/* Answers what is parked or under way with an error: the environment ends. */
void runtime_api_break_off(struct environment *environment);
const char *runtime_state_name(enum runtime_state state);

/* --- runtime_answer.c --- */

/* Begins to read a request's body; `body_complete()` follows. */
void runtime_body_read(struct environment *environment, struct virga_request *req,
                       enum body_kind kind, size_t extension);
/* Answers all that is being read with an error. */
void runtime_bodies_break_off(struct environment *environment);
/* POST .../response and .../error. */
void runtime_answer_begin(struct environment *environment, struct virga_request *req,
                          bool is_error);
/* The invocation takes more of a streamed answer. */
void runtime_answer_resume(struct environment *environment);
/* The invocation has ended without it: what still comes is thrown away. */
void runtime_answer_detach(struct environment *environment);

/* --- extensions_api.c --- */

/* A request below /2020-01-01/extension/; `what` is the rest of the path. */
void extensions_api_handle(struct environment *environment, struct virga_request *req,
                           struct virga_str what);
/* A body of REGISTER or TELEMETRY is complete. */
void extensions_api_body(struct body *body);
/* Which extension asks. NULL: none, and the request is answered. */
struct extension *extensions_identify(struct environment *environment, struct virga_request *req);
/* Gives extensions the events that they have been owed, where they have asked. */
void extensions_give(struct environment *environment);
/* Whether all have asked for an event. */
bool extensions_are_ready(const struct environment *environment);
/* Tells those that want it of the shutdown. Whether there is one. */
bool extensions_shut_down(struct environment *environment, enum shutdown_reason reason);
/* Whether all that were told of the shutdown are done with it. */
bool extensions_are_done(const struct environment *environment);

/* --- telemetry.c --- */

/* PUT of a telemetry or logs subscription. */
void telemetry_subscribe(struct environment *environment, struct virga_request *req);
/* Its body is complete. */
void telemetry_complete(struct body *body);

#endif
