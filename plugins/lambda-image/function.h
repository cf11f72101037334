/* SPDX-License-Identifier: MIT */
/* One version of a function, as it is run: immutable and counted, so that an invocation that has
 * begun keeps its code and settings whatever is deployed meanwhile. A change makes a new one.
 * Everything is [loop]. */
#ifndef LAMBDA_FUNCTION_H
#define LAMBDA_FUNCTION_H

#include "lambda.h"

#include <json-c/json.h>

/* The document that a function is made of, and its record in the store: a FunctionConfiguration
 * with AWS's member names (FunctionName, Version, Role, MemorySize, Timeout, Environment.Variables,
 * EphemeralStorage.Size, State, StateReasonCode, LastUpdateStatus, RevisionId, LastModified,
 * CodeSha256, Architectures, ImageConfigResponse, ...; FunctionArn is left out), and the member
 * "Image" which is ours:
 *   Uri         as given                         Resolved    as given, with @digest
 *   Digest      "sha256:..."                     Size        bytes of all layers
 *   Account, Region, Repository                  of the registry
 *   EntryPoint, Cmd, Env (lists), WorkingDir, User     what the image's config says */
struct function {
    unsigned refs;
    struct json_object *document; /* not to be changed */
    struct tenant tenant;
    /* These point into the document. */
    const char *name;
    const char *version; /* "$LATEST" or a number */
    const char *revision;
    const char *digest;       /* of the image */
    char arn[LAMBDA_ARN_MAX]; /* without a qualifier */
    int64_t memory_mb;
    int64_t timeout_ms;
    int64_t tmp_mb; /* EphemeralStorage */
    bool stale;     /* another has taken its place: its idle environments are of no use */
};

/* Makes one of a document. Owns: takes the caller's reference of the document, also on failure.
 * Errors: -EBADMSG a member that a record must have is missing, -ENOMEM. */
int function_make(const struct tenant *tenant, struct json_object *document,
                  struct function **ret_function);
struct function *function_ref(struct function *function);
/* NULL is fine. */
void function_unref(struct function *function);

/* arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]; qualifier NULL or "": none. */
void function_arn(const struct tenant *tenant, const char *name, const char *qualifier,
                  char ret_arn[LAMBDA_ARN_MAX]);

/* A member of the document's "Image", as text; NULL when it has none. */
const char *function_image_text(const struct function *function, const char *key);
/* What the process is started with: EntryPoint and Cmd of ImageConfigResponse.ImageConfig where
 * they are given (an empty list too: it is then the image's), else the image's. Returns the number
 * of arguments; the first `count` of them, up to `max`, point into the document. 0: there is
 * nothing to start. */
size_t function_argv(const struct function *function, const char **ret_argv, size_t max);
/* WorkingDirectory of ImageConfig, else the image's, else "/". */
const char *function_working_directory(const struct function *function);

#endif
