/* SPDX-License-Identifier: MIT */
/* A call about an upload of a layer: its way to the session, and what the three operations have in
 * common. Lives in the request's memory; everything is [loop]. */
#ifndef ECR_LAYER_CALL_H
#define ECR_LAYER_CALL_H

#include "backend.h"
#include "call.h"
#include "layer_part.h"
#include "layers.h"

#define LAYER_CALL_TRIES 3 /* after a loss of the registry, or a size that was not as expected */

struct layer_call {
    struct call *call;
    struct layer_turn turn;
    struct layer_session session;
    void (*run)(struct layer_call *upload);
    bool gone;     /* the registry has no such session any more */
    uint64_t size; /* what the registry has of it */
    int tries;
    uint64_t first; /* of the part */
    uint64_t length;
    struct layer_part part;
    char digest[ECR_DIGEST_LEN + 1]; /* of the layer */
    bool there;                      /* the repository has the layer */
};

/* Makes one, or ends the call and returns NULL. */
struct layer_call *layer_call_new(struct call *call, void (*run)(struct layer_call *upload));
/* Waits for its turn at the upload that the call names and for the registry, looks at both, and
 * calls run(). From then on the turn is to be left before the call ends: the functions below that
 * end it do so. Calls back: run() once, maybe inside this call; not when the call has ended. */
void layer_call_enter(struct layer_call *upload);
void layer_call_leave(struct layer_call *upload);
/* Looks at the session anew and calls run() again; false when that was done often enough. */
bool layer_call_again(struct layer_call *upload);

/* End the call. */
void layer_call_not_found(struct layer_call *upload);
void layer_call_broken(struct layer_call *upload, int error, const char *reason);
/* The registry answered what it should not. */
void layer_call_bad_answer(struct layer_call *upload, const struct virga_fetch_response *res);

/* Where the session goes on: what the registry said itself, or when that is known not to hold any
 * more, what it would say. Errors: -ENOMEM, -EIO. */
int layer_call_address(const struct layer_call *upload, struct strbuf *ret_address);
/* Keeps the address that the registry gave; one that is not a path on it is left out. */
void layer_call_take_address(struct layer_session *session, const struct virga_fetch_response *res);
/* The value of a header of an answer, without case; empty when there is none. */
struct virga_str layer_call_header(const struct virga_fetch_response *res, const char *name);

#endif
