/* SPDX-License-Identifier: MIT */
/* What the values of a template are evaluated against. */
#ifndef CFN_SCOPE_H
#define CFN_SCOPE_H

#include "fault.h"
#include "value.h"

/* Zero-initialise it, set what there is, and end it with scope_finish(). Everything but
 * `conditions` is borrowed. */
struct scope {
    struct json_object *root;       /* the template */
    struct json_object *parameters; /* a set of parameters.h */
    const char *account;
    const char *region;
    const char *stack_id;
    const char *stack_name;
    struct json_object *notification_arns; /* NULL = none */

    /* What a resource is known as (attribute.ptr NULL: what Ref gives), or one of its attributes.
     * Owns: the caller. Errors: -EINVAL with why not, -ENOMEM. */
    int (*resource)(void *arg, const char *logical, struct virga_str attribute,
                    struct json_object **ret_value, struct fault *fault);
    /* The value of an export. Errors: -EINVAL with why not, -ENOMEM. NULL: there are none. */
    int (*import)(void *arg, const char *name, struct json_object **ret_value, struct fault *fault);
    void *arg;

    /* What stands for a value that is not known yet, wherever it may end up; NULL = all are known.
     * Functions make it of what they cannot make of it. */
    const char *unknown;

    struct json_object *conditions; /* those evaluated so far, by name; null = under way */
    bool rules;                     /* functions of rules are allowed */
};

/* The value with its functions evaluated; NULL with result 0 is AWS::NoValue. Owns: the caller.
 * Errors: -EINVAL with what AWS says, -ENOMEM. */
int scope_evaluate(struct scope *scope, struct json_object *value, struct json_object **ret_value,
                   struct fault *fault);

/* A condition of the template by its name. Errors: as scope_evaluate(). */
int scope_condition(struct scope *scope, const char *name, bool *ret_holds, struct fault *fault);

/* Whether a resource or output, by its Condition, is to be there. Errors: as scope_evaluate(). */
int scope_includes(struct scope *scope, struct json_object *member, bool *ret_included,
                   struct fault *fault);

/* Checks the template's Rules. Errors: -EINVAL with the first assertion that does not hold,
 * -ENOMEM. */
int scope_check_rules(struct scope *scope, struct fault *fault);

/* Whether a value is not known yet, or a list with such an element. */
bool scope_is_unknown(const struct scope *scope, struct json_object *value);

/* A pseudo parameter's value. Owns: the caller. Errors: -ENOENT no such one, -ENOMEM. AWS::NoValue
 * gives NULL. */
int scope_pseudo(struct scope *scope, const char *name, struct json_object **ret_value);

/* The DNS suffix of a region: "amazonaws.com". */
const char *scope_url_suffix(const char *region);

void scope_finish(struct scope *scope);

#endif
