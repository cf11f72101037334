/* SPDX-License-Identifier: MIT */
/* Brings versions from Pending to Active or Failed, and updates from InProgress to Successful or
 * Failed, in the background: when the executor has the image. Everything is [loop]. */
#ifndef LAMBDA_FUNCTION_STATE_H
#define LAMBDA_FUNCTION_STATE_H

#include "functions.h"

struct images_failure;

/* Goes on with what an earlier run left in between. Errors: -ENOMEM and those of the store. */
int function_state_start(struct lambda *lambda);
/* Begins to settle a version whose record says Pending or InProgress. What a deployment has
 * replaced in the meantime is left alone. Without memory it stays as it is until the next start. */
void function_state_settle(struct lambda *lambda, struct function *function);
/* For who has just got a version's image (the pool): where the record says that it could not be
 * had, State or LastUpdateStatus Failed, it is settled anew; else nothing happens. */
void function_state_recover(struct lambda *lambda, struct function *function);
/* For who could not get the image of a version that was Active (the pool): its State becomes
 * Failed, unless it may work later all the same (-EAGAIN) or virga stops. */
void function_state_lost(struct lambda *lambda, struct function *function,
                         const struct images_failure *failure);
/* Tries a version once more whose image was not to be had (function_state_failed()). Calls back:
 * once, maybe inside the call, with the version as it is now; NULL: it is gone, or could not be
 * read. Valid: function for the call. Errors: -ENOMEM: on_done does not come. */
int function_state_retry(struct lambda *lambda, struct function *function,
                         void (*on_done)(void *arg, struct function *function), void *arg);

/* State is Pending. */
bool function_state_pending(const struct function *function);
/* State is Failed. */
bool function_state_failed(const struct function *function);
/* State is Pending or LastUpdateStatus InProgress: no change is taken now. */
bool function_state_changing(const struct function *function);

#endif
