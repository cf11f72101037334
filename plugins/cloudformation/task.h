/* SPDX-License-Identifier: MIT */
/* Making, changing or removing one resource: the steps of its type, each an AWS call to another
 * service, one after the other. Everything is [loop]. */
#ifndef CFN_TASK_H
#define CFN_TASK_H

#include "answer.h"
#include "fault.h"
#include "id.h"

#include <virga/service/resource_types.h>

/* Room for a physical id: ARNs and WaitConditionHandles' addresses are the longest. */
#define TASK_PHYSICAL_SIZE 2048
/* How long a step that is to be tried again waits, and how often it is tried. */
#define TASK_RETRY_MS 500
#define TASK_TRIES_MAX 600

struct task;

enum task_kind { TASK_CREATE, TASK_UPDATE, TASK_REMOVE };

/* What a step says of itself. */
enum task_verdict {
    TASK_NEXT,   /* on to the next step: there was nothing to do, or the answer was good */
    TASK_CALLED, /* a call is under way (start only) */
    TASK_REPEAT, /* start this step again at once */
    TASK_AGAIN,  /* start this step again in a while */
    TASK_FAILED  /* task_fail() was called */
};

/* A step of a type. An array of them ends with one whose start is NULL. */
struct task_step {
    enum task_verdict (*start)(struct task *task);
    /* For an answer of 2xx; NULL = TASK_NEXT. Other answers fail the task. */
    enum task_verdict (*answered)(struct task *task, const struct answer *answer);
    const char *tolerated; /* codes of errors that count as success (without answered) */
};

/* How a type wants its tags; those of the stack are added to them. */
enum task_tags { TASK_TAGS_NONE, TASK_TAGS_LIST, TASK_TAGS_MAP };

struct resource_type {
    const char *name;
    const char *const *replaced_by; /* as of virga_resource_type */
    const char *const *attributes;  /* as of virga_resource_type */
    const char *named_by;           /* the property that is the physical id; NULL = none */
    struct id_rule rule;            /* of an id that is made up; max 0 = as long as AWS's own */
    enum task_tags tags;
    const struct task_step *create;
    const struct task_step *update; /* NULL = every change needs a new resource */
    const struct task_step *remove;
    const struct virga_resource_type *added; /* of another plugin: the steps are NULL */
};

struct task {
    struct cfn *cfn;
    const struct resource_type *type;
    enum task_kind kind;
    const char *account;
    const char *region;
    const char *stack_id;
    const char *stack_name;
    const char *logical;
    struct json_object *properties; /* never NULL */
    struct json_object *previous;   /* of an update */
    struct json_object *attributes; /* an object: what Fn::GetAtt gives */
    struct json_object *scratch;    /* an object, for the steps */
    char physical[TASK_PHYSICAL_SIZE];
    bool again;  /* an earlier try was cut off */
    bool made;   /* a creation: there is something to remove now, even when it failed */
    bool failed; /* see reason */
    char reason[FAULT_SIZE];
    size_t index; /* for steps that repeat; 0 at the first start of a step */

    void (*on_done)(void *arg, struct task *task);
    void *arg;

    /* Its own. */
    const struct task_step *steps;
    size_t step;
    unsigned tries;
    struct virga_dispatch_handle *call;
    struct virga_timer_handle *timer;
    struct task *next_added;
    bool waits; /* for an answer of another plugin's type */
    bool cancelled;
};

/* Begins a task whose public members are set. Calls back: on_done exactly once, maybe inside this
 * call; the caller frees the task with task_finish() after it, also in on_done. */
void task_start(struct task *task);
/* Breaks it off: on_done comes soon, or inside this call, with `failed`. */
void task_cancel(struct task *task);
/* Frees what the task holds. */
void task_finish(struct task *task);

/* Says why it cannot be done. Returns TASK_FAILED. */
VIRGA_PRINTF(2, 3)
enum task_verdict task_fail(struct task *task, const char *format, ...);
/* The same with what a service answered, as AWS words it. */
enum task_verdict task_fail_answer(struct task *task, const struct answer *answer);

/* Sets what Fn::GetAtt gives. */
void task_attribute(struct task *task, const char *name, const char *value);
/* A property's text, or `otherwise`. */
const char *task_property(const struct task *task, const char *name, const char *otherwise);
/* Whether a property differs from what it was; of a creation, whether it is there. */
bool task_changed(const struct task *task, const char *name);

/* --- calls: TASK_CALLED, or TASK_FAILED --- */

/* JSON 1.1; `target` is X-Amz-Target. Owns: `input`. */
enum task_verdict task_call_json(struct task *task, const char *service, const char *target,
                                 struct json_object *input);
/* REST JSON; input may be NULL. Owns: `input`, `path` (which is emptied). */
enum task_verdict task_call_rest(struct task *task, const char *service, const char *method,
                                 struct text *path, struct json_object *input);
/* Query: `form` holds the parameters behind Action and Version, "&Name=value"; it is emptied. */
enum task_verdict task_call_query(struct task *task, const char *service, const char *version,
                                  const char *action, struct text *form);
/* REST XML; path and body are emptied; `header` is one more, may have name ptr NULL. */
enum task_verdict task_call_xml(struct task *task, const char *service, const char *method,
                                struct text *path, struct text *body, struct virga_header header);

/* Adds "&name=value", encoded, to a form. */
void task_form_add(struct text *form, const char *name, const char *value);

#endif
