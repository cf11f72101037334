/* SPDX-License-Identifier: MIT */
/* The records of functions: versions, aliases, and what else belongs to a function. Owns the layout
 * of the store's keys and a cache of functions in use. Everything is [loop]. */
#ifndef LAMBDA_FUNCTIONS_H
#define LAMBDA_FUNCTIONS_H

#include "function.h"

#define FUNCTIONS_LATEST "$LATEST"

/* Errors: -EIO, -ENOMEM. */
int functions_create(struct lambda *lambda, struct functions **ret_functions);
/* NULL is fine. */
void functions_destroy(struct functions *functions);

/* The version, with a reference for the caller. Errors: -ENOENT, -EIO, -EBADMSG, -ENOMEM. */
int functions_get(struct lambda *lambda, const struct tenant *tenant, const char *name,
                  const char *version, struct function **ret_function);
/* Writes a version: new, or in the place of the one that has its name and version, which becomes
 * stale. Owns: the document as function_make(). `ret_function` (may be NULL) gets a reference.
 * Errors: those of the store, -ENOMEM. */
int functions_put(struct lambda *lambda, const struct tenant *tenant, struct json_object *document,
                  struct function **ret_function);
/* Several writes that belong together: begin, write, end. functions_end() commits when `result` is
 * 0, else takes everything back, and returns `result` or why the commit failed. Errors: those of
 * the store. */
int functions_begin(struct lambda *lambda);
int functions_end(struct lambda *lambda, const struct tenant *tenant, const char *name, int result);
/* Deletes one version. Errors: -ENOENT and those of the store. */
int functions_delete_version(struct lambda *lambda, const struct tenant *tenant, const char *name,
                             const char *version);
/* Deletes the function with all its versions, aliases, side records and the facts of its URLs, in
 * one transaction. Errors: -ENOENT and those of the store. */
int functions_delete(struct lambda *lambda, const struct tenant *tenant, const char *name);

/* Which version a qualifier means: "" or NULL is $LATEST; an alias is looked up and its weights
 * decide (`dice` is 0 to 1). Errors: -ENOENT no such version or alias (or function: then
 * functions_get() of $LATEST says so too). */
int functions_resolve(struct lambda *lambda, const struct tenant *tenant, const char *name,
                      const char *qualifier, double dice, struct function **ret_function);

/* Walks versions: of one function by number, $LATEST first (name set), or $LATEST of every function
 * of the tenant by name (name NULL); begins behind `after` (NULL: at the start), a version
 * respectively a name. Ends when on_function returns false. Valid: function for the call. Errors:
 * those of the store. */
int functions_each(struct lambda *lambda, const struct tenant *tenant, const char *name,
                   const char *after, bool (*on_function)(void *arg, struct function *function),
                   void *arg);
/* The same of every function of every tenant, all versions: at start. */
int functions_each_all(struct lambda *lambda,
                       bool (*on_function)(void *arg, struct function *function), void *arg);

/* Side records: one JSON text by kind, function and id (an alias's name, a qualifier, ""). */
enum side_kind {
    SIDE_ALIAS = 'a',        /* id: its name */
    SIDE_POLICY = 'p',       /* id: qualifier or "" */
    SIDE_URL = 'u',          /* id: qualifier or "" */
    SIDE_EVENT_CONFIG = 'e', /* id: qualifier or "$LATEST" */
    SIDE_TAGS = 't',         /* id: "" */
    SIDE_CONCURRENCY = 'c',  /* id: ""; {"ReservedConcurrentExecutions":n} */
    SIDE_PROVISIONED = 'v',  /* id: version or alias */
    SIDE_COUNTER = 'n',      /* id: ""; {"LastVersion":n}: numbers are not used twice */
    SIDE_RECURSION = 'r',    /* id: "" */
    SIDE_RUNTIME = 'm',      /* id: qualifier or "" */
    SIDE_SCALING = 's'       /* id: qualifier */
};
/* Owns: the caller, until json_object_put(). Errors: -ENOENT and those of the store. */
int side_get(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
             const char *name, const char *id, struct json_object **ret_json);
int side_put(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
             const char *name, const char *id, struct json_object *json);
/* Errors: -ENOENT and those of the store. */
int side_delete(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
                const char *name, const char *id);
/* Walks a function's records of a kind by id (name NULL: of every function of the tenant, by name
 * and id), behind `after` (NULL: from the start; with name NULL it is "<name>\n<id>"). Ends when
 * on_side returns false. Valid: for the call. */
int side_each(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
              const char *name, const char *after,
              bool (*on_side)(void *arg, const char *name, const char *id,
                              struct json_object *json),
              void *arg);

/* Single facts of the plugin: "page-key", "url/<url id>" -> "<account> <region> <name>
 * <qualifier>". Errors: -ENOENT, -ENOSPC it is longer than size, and those of the store. */
int fact_get(struct lambda *lambda, const char *key, char *buffer, size_t size);
int fact_put(struct lambda *lambda, const char *key, const char *value);
int fact_delete(struct lambda *lambda, const char *key);

#endif
