/* SPDX-License-Identifier: MIT */
/* What a template wants of a resource against what its record says that it is. */
#ifndef CFN_COMPARE_H
#define CFN_COMPARE_H

#include "scope.h"
#include "types.h"

struct comparison {
    bool changed;              /* properties differ */
    bool replaced;             /* so that a new resource is needed */
    bool described;            /* only metadata or policies differ */
    struct json_object *names; /* the properties that differ: an array */
};

/* The properties of a template's resource, evaluated, with the stack's tags added where the type
 * has some. `type` may be NULL. Owns: the caller. Errors: -EINVAL, -ENOMEM. */
int compare_properties(struct scope *scope, struct json_object *template_resource,
                       const struct resource_type *type, struct json_object *stack_tags,
                       struct json_object **ret_properties, struct fault *fault);

/* Compares evaluated properties and the template's resource with a record. `type` may be NULL.
 * Owns: the caller, names. Errors: -ENOMEM. */
int compare_make(const struct resource_type *type, struct json_object *record,
                 struct json_object *template_resource, struct json_object *properties,
                 struct comparison *ret_comparison);

#endif
