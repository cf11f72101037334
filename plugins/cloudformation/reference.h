/* SPDX-License-Identifier: MIT */
/* What a value of a template refers to, found without evaluating it. */
#ifndef CFN_REFERENCE_H
#define CFN_REFERENCE_H

#include "value.h"

enum reference_kind {
    REFERENCE_REF,       /* Ref, or ${Name} of Fn::Sub */
    REFERENCE_ATTRIBUTE, /* Fn::GetAtt, or ${Name.Attribute} */
    REFERENCE_CONDITION, /* the first argument of Fn::If */
};

struct reference {
    enum reference_kind kind;
    struct virga_str name;
    struct virga_str attribute; /* ptr NULL when it is not known before it is evaluated */
};

struct reference_walk {
    /* Called for each reference. Returns 0 to go on; anything else ends the walk. */
    int (*on_reference)(void *arg, const struct reference *reference);
    /* Which branch an Fn::If takes: 1 the first, 0 the second, negative both. NULL = both. */
    int (*choose)(void *arg, const char *condition);
    void *arg;
};

/* The function that an object is: its only key when that is "Ref" or begins with "Fn::"; else NULL.
 * *ret_argument is its value. Valid: as long as `value`. */
const char *reference_function(struct json_object *value, struct json_object **ret_argument);

/* Calls back for all that `value` refers to, in the order of the text. Returns 0, or what a
 * callback returned. */
int reference_walk(struct json_object *value, const struct reference_walk *walk);

/* A piece of an Fn::Sub text. */
struct reference_piece {
    struct virga_str literal;  /* what stands before the variable */
    struct virga_str variable; /* ptr NULL at the end */
};

/* Cuts the next piece off `*rest`: false when nothing is left. "${!x}" becomes the literal "${x}"
 * in two pieces. Errors by *ret_bad: a variable's name holds what it must not. */
bool reference_next_piece(struct virga_str *rest, struct reference_piece *ret_piece, bool *ret_bad);

#endif
