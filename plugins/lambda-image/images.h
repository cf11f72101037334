/* SPDX-License-Identifier: MIT */
/* From what a user names as an image to what an executor can start: asks virga.image-resolver/1,
 * checks manifest and config as Lambda does, and has the executor get the image. Everything is
 * [loop]. */
#ifndef LAMBDA_IMAGES_H
#define LAMBDA_IMAGES_H

#include "function.h"

/* Errors: -ENOMEM. */
int images_create(struct lambda *lambda, struct images **ret_images);
/* Ends the waiting: every callback comes, with IMAGES_BROKEN or -ECANCELED. Calls back: once, maybe
 * inside the call. */
void images_stop(struct images *images, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void images_destroy(struct images *images);

enum images_outcome {
    IMAGES_FOUND,
    IMAGES_REFUSED, /* `code`, `status` and `message` are what the API answers, in AWS's words */
    IMAGES_BROKEN   /* the registry cannot be asked: 500 ServiceException with `message` */
};

/* Valid: for the callback. */
struct images_answer {
    enum images_outcome outcome;
    int status;       /* 400, 403, 500 */
    const char *code; /* "InvalidParameterValueException" */
    const char *message;
    struct json_object
        *document; /* a function's "Image" (function.h); borrowed: ref it to keep it */
};

/* Finds out which image a URI means now, for a function of `tenant`, and whether Lambda would take
 * it: neither pulls nor starts anything. `architecture` is what the function is to run on
 * ("x86_64", "arm64"). Calls back: once, never inside the call. Errors: -ENOMEM. */
int images_look_up(struct lambda *lambda, const struct tenant *tenant, struct virga_str uri,
                   const char *function_arn, const char *architecture,
                   void (*on_done)(void *arg, const struct images_answer *answer), void *arg);

/* Why an image is not at hand, as StateReasonCode: "ImageDeleted", "ImageAccessDenied",
 * "InvalidImage", "InternalError". */
struct images_failure {
    int error; /* negative errno; -EAGAIN = later it may work, nothing is wrong with it */
    const char *code;
    const char *reason; /* for StateReason */
};

/* Makes sure that the executor has the function's image: finds it there, or asks the resolver for
 * the pinned digest and has it pulled. Calls back: once, maybe inside the call: failure NULL, or
 * why not (valid for the call). */
void images_have(struct lambda *lambda, struct function *function,
                 void (*on_done)(void *arg, const struct images_failure *failure), void *arg);

/* Some function's image may be used by nobody any more: has the executor free it, later. */
void images_prune_soon(struct lambda *lambda);

#endif
