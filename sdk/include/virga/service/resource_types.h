/* SPDX-License-Identifier: MIT */
/* virga.resource-types/1: resource types of templates. A contract between plugins: who runs
 * templates provides it (cloudformation), a plugin whose resources are to be made by templates adds
 * types to it. Since ABI 1.3. */
#ifndef VIRGA_SERVICE_RESOURCE_TYPES_H
#define VIRGA_SERVICE_RESOURCE_TYPES_H

#include "../host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_RESOURCE_TYPES_ID "virga.resource-types/1"

/* Something that is to be done to one resource. Valid: until done(). */
struct virga_resource_task;

/* request.flags */
#define VIRGA_RESOURCE_AGAIN 0x1u /* an earlier try was cut off: what it left is to be taken over  \
                                   */

/* What is to be done. Valid: for the call, all that it points to included. */
struct virga_resource_request {
    uint32_t struct_size;
    uint32_t flags;        /* VIRGA_RESOURCE_* */
    struct virga_str type; /* "Example::Thing" */
    struct virga_str account;
    struct virga_str region;
    struct virga_str stack_id; /* the stack's ARN */
    struct virga_str stack_name;
    struct virga_str logical_id; /* its name in the template */
    /* Of create: a name that nothing has, for who wants one (the same again after a cut). Else what
     * create gave. */
    struct virga_str physical_id;
    struct virga_str properties; /* a JSON object, all functions evaluated */
    struct virga_str previous;   /* of update: the properties so far; else ptr NULL */
};

/* What came of it. Everything is copied. */
struct virga_resource_result {
    uint32_t struct_size;
    uint32_t reserved;
    struct virga_str failure;     /* why it was not done, in words; ptr NULL = it was done */
    struct virga_str physical_id; /* what Ref gives; ptr NULL = that of the request */
    struct virga_str attributes;  /* what Fn::GetAtt gives, a JSON object; ptr NULL = none */
};

/* A type. A constant of the plugin that adds it. */
struct virga_resource_type {
    uint32_t struct_size;
    uint32_t reserved;
    const char *name; /* "Example::Thing" */
    /* The properties whose change needs a new resource in the place of the old one, ended by NULL;
     * NULL = none. */
    const char *const *replaced_by;
    /* The attributes that it has, ended by NULL: others are refused before anything is done. NULL =
     * that is not known beforehand. */
    const char *const *attributes;
    /* Make, change and remove a resource; each ends with done(), inside the call or later. update
     * NULL: every change needs a new resource. To remove what is not there is a success. Thread:
     * [loop]. */
    void (*create)(void *arg, struct virga_resource_task *task,
                   const struct virga_resource_request *request);
    void (*update)(void *arg, struct virga_resource_task *task,
                   const struct virga_resource_request *request);
    void (*remove)(void *arg, struct virga_resource_task *task,
                   const struct virga_resource_request *request);
    void *arg;
};

struct virga_resource_types {
    uint32_t struct_size;
    uint32_t reserved;
    void *self; /* the provider's; given back to every function */

    /* Adds a type. Valid: `type` until take_back(). Errors: -EEXIST the type is there, -EINVAL,
     * -ENOMEM. Thread: [loop]. */
    int (*add)(void *self, const struct virga_resource_type *type);
    /* Takes a type back, at the latest in stop(): its tasks are over then, and done() must not be
     * called for them. */
    void (*take_back)(void *self, const struct virga_resource_type *type);
    /* Ends a task, exactly once. Thread: [loop]. */
    void (*done)(void *self, struct virga_resource_task *task,
                 const struct virga_resource_result *result);
};

#ifdef __cplusplus
}
#endif
#endif
