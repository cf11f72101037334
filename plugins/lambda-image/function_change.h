/* SPDX-License-Identifier: MIT */
/* What all changes of a function ($LATEST) have in common: when they are allowed, and how they are
 * written and begun. */
#ifndef LAMBDA_FUNCTION_CHANGE_H
#define LAMBDA_FUNCTION_CHANGE_H

#include "call.h"
#include "images.h"

/* $LATEST of the call's function, if it may be changed now: the call names no other version, its
 * RevisionId is the current one, and no change is under way. Else the call has ended and false.
 * Owns: the caller gets a reference. */
bool function_change_begin(struct call *call, struct function **ret_latest);
/* Has the image of a URI looked up for the call's function. `current`: the function that is
 * changed, whose architecture counts where the call names none; NULL: x86_64. Calls back with the
 * call, later; or the call has ended. */
void function_change_look_up(struct call *call, struct virga_str uri,
                             const struct function *current,
                             void (*on_done)(void *call, const struct images_answer *answer));
/* Whether the image cannot be used; the call has then ended with the reason. */
bool function_change_image_refused(struct call *call, const struct images_answer *answer);
/* Marks a document as updated now and not yet in effect. Errors: -ENOMEM. */
int function_change_mark(const struct call *call, struct json_object *document);
/* Writes $LATEST, publishes it where the call says so, answers with the configuration and begins to
 * settle. Owns: takes the document. */
void function_change_commit(struct call *call, struct json_object *document);

#endif
