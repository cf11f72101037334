/* SPDX-License-Identifier: MIT */
/* One event on its way to a function and the answer on its way back. Made by who invokes (the API,
 * a function URL, the queue of asynchronous events), handed to the pool, which runs it in an
 * environment. Everything is [loop]. */
#ifndef LAMBDA_INVOCATION_H
#define LAMBDA_INVOCATION_H

#include "function.h"

struct environment;

/* Largest event, and buffered answer. Source: AWS-recorded messages. */
#define INVOCATION_PAYLOAD_MAX (6 * 1024 * 1024 + 100)
#define INVOCATION_EVENT_MAX 6291456
#define INVOCATION_ASYNC_MAX 1048576 /* of an asynchronous event */
/* A streamed answer's most. Source: the developer guide, "Response streaming". */
#define INVOCATION_STREAM_MAX (200 * 1024 * 1024)
#define INVOCATION_TAIL_MAX 4096 /* of the log, for LogType=Tail */

enum invocation_outcome {
    INVOCATION_DONE,      /* the function answered: payload */
    INVOCATION_ERROR,     /* it failed, in whichever way: payload is the error document */
    INVOCATION_THROTTLED, /* `code` is the Reason:
                             "ReservedFunctionConcurrentInvocationLimitExceeded" */
    INVOCATION_REFUSED,   /* the service could not run it: status, code, message */
    INVOCATION_CANCELLED  /* virga stops */
};

/* Valid: for the callback. */
struct invocation_result {
    enum invocation_outcome outcome;
    int status;          /* HTTP, of REFUSED */
    const char *code;    /* of REFUSED and THROTTLED */
    const char *message; /* of REFUSED */
    const char
        *error_type; /* of ERROR: "Sandbox.Timedout", "Runtime.ExitError", or the runtime's */
    struct virga_str payload; /* empty where the answer was streamed */
    const char *content_type; /* of the payload, as the runtime said; NULL: not told */
    struct virga_str tail;    /* of the log; empty unless wants_tail */
};

struct invocation {
    struct invocation *next, *previous; /* of whoever holds it */
    void *slot;                         /* the pool's own, from pool_invoke() to on_done */
    struct function *function;          /* what runs; a reference */
    char request_id[LAMBDA_ID_LEN + 1];
    char invoked_arn[LAMBDA_ARN_MAX]; /* with the qualifier as it was called */
    char *payload;                    /* owned */
    size_t payload_len;
    char *client_context;   /* decoded JSON, for Lambda-Runtime-Client-Context; NULL: none. Owned */
    char *cognito_identity; /* NULL: none. Owned */
    char trace_id[128];     /* X-Amzn-Trace-Id as it came, else one made up */
    bool wants_tail;
    bool streams;      /* on_head and on_chunk are wanted where the runtime streams */
    int64_t queued_ms; /* wall clock, when it was handed to the pool */

    /* A streamed answer, where `streams`: its head (content type, NULL: not told), then its bytes,
     * then on_done with an empty payload; a runtime that does not stream gives a single chunk.
     * on_chunk returns VIRGA_BODY_GO_ON, or VIRGA_BODY_PAUSE: all of the chunk was taken (copied),
     * and nothing more comes until invocation_resume(), on_done neither; only a failure of the
     * environment does not wait. A failure in the middle ends as INVOCATION_ERROR. */
    void (*on_head)(struct invocation *invocation, const char *content_type);
    int (*on_chunk)(struct invocation *invocation, struct virga_str chunk);
    /* The end. Calls back: once, never inside pool_invoke(), environment_*() or invocation_*(). The
     * invocation is the owner's again. */
    void (*on_done)(struct invocation *invocation, const struct invocation_result *result);
    void *arg;

    struct environment *runner; /* what runs it; NULL before and afterwards */
    bool abandoned;             /* invocation_abandon() was called */
};

/* Makes one with a new request id, or with `request_id` where it is not NULL. Owns: takes a
 * reference of the function, copies the rest. Errors: -ENOMEM. */
int invocation_create(struct function *function, const char *qualifier, struct virga_str payload,
                      const char *request_id, struct invocation **ret_invocation);
/* Only before it was handed to the pool or from on_done on. NULL is fine. */
void invocation_destroy(struct invocation *invocation);
/* Goes on after VIRGA_BODY_PAUSE. */
void invocation_resume(struct invocation *invocation);
/* Nobody waits for the answer any more: a streamed one is thrown away from now on; the function
 * runs to its end all the same. on_done still comes. */
void invocation_abandon(struct invocation *invocation);

#endif
