/* SPDX-License-Identifier: MIT */
/* Checks a request's body by tables made of an API model's facts, and words the first fault as AWS
 * does. Members that the table does not know are ignored, and null counts as absent, as at AWS. */
#ifndef VIRGA_HELPERS_MODEL_H
#define VIRGA_HELPERS_MODEL_H

#include "../abi.h"
#include <json-c/json.h>

#ifdef __cplusplus
extern "C" {
#endif

enum virga_model_type {
    VIRGA_MODEL_STRING,
    VIRGA_MODEL_INTEGER, /* whole numbers of up to 64 bits */
    VIRGA_MODEL_DOUBLE,
    VIRGA_MODEL_BOOLEAN,
    VIRGA_MODEL_TIMESTAMP, /* a number of seconds */
    VIRGA_MODEL_BLOB,      /* base64 text; min and max count the text's bytes decoded */
    VIRGA_MODEL_STRUCTURE,
    VIRGA_MODEL_LIST,
    VIRGA_MODEL_MAP
};

struct virga_model_member;

/* A shape of the model. A constant; what is zero does not apply. */
struct virga_model_shape {
    enum virga_model_type type;
    /* Set for a check that the service writes by hand: its message names the member thus, whatever
     * the path, and says "must" where generated checks say "Member must". */
    const char *by_hand;
    /* Bounds: of a number its value, of a string its length in UTF-16 units, of a list or map its
     * entries. */
    int64_t min;
    int64_t max;
    /* How the message shows the pattern. It is tried as a POSIX extended expression over the whole
     * value; set `matches` where it is none, or where speed matters. */
    const char *pattern;
    int (*matches)(struct virga_str value);
    const char *const *values; /* of an enum, in the message's order, NULL at the end */
    const struct virga_model_member *members; /* of a structure, `name` NULL at the end */
    const struct virga_model_shape *element;  /* of a list, or a map's values */
    const struct virga_model_shape *key;      /* of a map */
    /* Set of a list or map whose messages name the whole for a fault of an entry, with everything
     * that an entry must be: "Value '[a, b]' at 'x' failed to satisfy constraint: Member must
     * satisfy constraint: [...]" (Lambda, EventBridge). Entries that are structures keep a path. */
    int whole;
    int secret; /* the message does not show the value: "Value at 'x' failed ..." */
};

/* A member of a structure. */
struct virga_model_member {
    const char *name; /* in the JSON */
    const struct virga_model_shape *shape;
    int required;
    const char *shown; /* in messages; NULL = as `name` */
};

enum virga_model_fault_kind {
    VIRGA_MODEL_FAULT_TYPE,      /* SerializationException; `constraint` is its message */
    VIRGA_MODEL_FAULT_CONSTRAINT /* a constraint of the model */
};

/* The first fault of a body. */
struct virga_model_fault {
    enum virga_model_fault_kind kind;
    int by_hand;           /* `constraint` says "must" and not "Member must" */
    int value_null;        /* the value is absent */
    int value_hidden;      /* the value is secret: messages leave it out */
    char path[256];        /* "tags.2.member.key" */
    char value[512];       /* the value, cut */
    char constraint[1024]; /* "Member must not be null" */
};

/* Checks `value` by `shape`. The order is the table's; the first fault ends it.
 * Errors: -EINVAL with ret_fault, -ENOMEM. Thread: [any]. */
int virga_model_check(const struct virga_model_shape *shape, struct json_object *value,
                      struct virga_model_fault *ret_fault);

/* "Invalid parameter at 'x' failed to satisfy constraint: '...'": ECR's classic operations. */
void virga_model_message_parameter(const struct virga_model_fault *fault, char *buffer,
                                   size_t size);
/* "1 validation error detected: Value '...' at 'x' failed to satisfy constraint: ...": most
 * services. */
void virga_model_message_validation(const struct virga_model_fault *fault, char *buffer,
                                    size_t size);

#ifdef __cplusplus
}
#endif
#endif
