/* SPDX-License-Identifier: MIT */
/* Makes and changes the documents of functions (function.h) before they become versions. Every
 * change returns 0 or -ENOMEM. */
#ifndef LAMBDA_FUNCTION_DOCUMENT_H
#define LAMBDA_FUNCTION_DOCUMENT_H

#include "function.h"

/* A copy to be changed. Owns: the caller. Errors: -ENOMEM. */
int document_copy(const struct function *function, struct json_object **ret_document);
/* Sets a member. Owns: takes the value, also on failure; NULL is -ENOMEM. */
int document_set(struct json_object *document, const char *key, struct json_object *value);
int document_set_text(struct json_object *document, const char *key, const char *text);
/* A deep copy of `from`, which may be shared. */
int document_set_copy(struct json_object *document, const char *key, struct json_object *from);
/* Gives it a new RevisionId. */
int document_revise(struct json_object *document);
/* The image that the resolver found: "Image", CodeSha256 and CodeSize. */
int document_set_image(struct json_object *document, struct json_object *image);

/* Its own state, State, or that of its update, LastUpdateStatus; reason and code may be NULL. */
int document_set_state(struct json_object *document, const char *state, const char *reason,
                       const char *code);
int document_set_update(struct json_object *document, const char *status, const char *reason,
                        const char *code);
/* A member that is a text; "" when it is absent. Valid: as long as the document. */
const char *document_text(struct json_object *document, const char *key);

/* What AWS says while a function, or an update of one, is not ready yet. Source: AWS-recorded. */
#define DOCUMENT_CREATING "The function is being created."
#define DOCUMENT_CREATING_CODE "Creating"

#endif
