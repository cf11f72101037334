/* SPDX-License-Identifier: MIT */
/* One API call on its way. It ends exactly once, by call_answer(), call_empty(), call_fail() or
 * call_broken(); afterwards it is gone. Everything is [loop]. */
#ifndef CFN_CALL_H
#define CFN_CALL_H

#include "fault.h"
#include "stack.h"

#include <virga/helpers/query.h>

#define CALL_VERSION "2010-05-15"
#define CALL_XMLNS "http://cloudformation.amazonaws.com/doc/2010-05-15/"
/* Entries on a page. */
#define CALL_PAGE_MAX 100

struct call {
    struct cfn *cfn;
    struct virga_request *req;
    const char *action;
    struct json_object *input; /* checked by the model */
    struct virga_xml_writer writer;
    struct fault fault;
    struct json_object *stack; /* that the call is about, once it was found */

    /* Of the calls that bring a template (source.h). */
    struct text text;
    struct json_object *root;
    struct json_object *parameters; /* a set */
    size_t at;                      /* how far its values were resolved */
    char parameter[300];            /* that is being asked for */
    void (*on_ready)(struct call *call);
};

/* The actions. */
void action_create_stack(struct call *call);
void action_update_stack(struct call *call);
void action_delete_stack(struct call *call);
void action_cancel_update_stack(struct call *call);
void action_continue_update_rollback(struct call *call);
void action_rollback_stack(struct call *call);
void action_update_termination_protection(struct call *call);
void action_set_stack_policy(struct call *call);
void action_get_stack_policy(struct call *call);
void action_create_change_set(struct call *call);
void action_describe_change_set(struct call *call);
void action_execute_change_set(struct call *call);
void action_delete_change_set(struct call *call);
void action_list_change_sets(struct call *call);
void action_describe_stacks(struct call *call);
void action_list_stacks(struct call *call);
void action_describe_stack_events(struct call *call);
void action_describe_stack_resource(struct call *call);
void action_describe_stack_resources(struct call *call);
void action_list_stack_resources(struct call *call);
void action_get_template(struct call *call);
void action_get_template_summary(struct call *call);
void action_validate_template(struct call *call);
void action_list_exports(struct call *call);
void action_list_imports(struct call *call);

/* Begins a request of the API: finds the action, reads and checks the input, runs it. */
void call_begin(struct cfn *cfn, struct virga_request *req);

const char *call_account(const struct call *call);
const char *call_region(const struct call *call);
/* A text of the input; NULL when it is absent. */
const char *call_text(const struct call *call, const char *name);

/* Begins the answer's result in call->writer. */
void call_result(struct call *call);
/* Answers 200 with what was written. */
void call_answer(struct call *call);
/* Answers 200 without a result. */
void call_empty(struct call *call);
VIRGA_PRINTF(4, 5)
void call_fail(struct call *call, int status, const char *code, const char *format, ...);
/* 400 ValidationError. */
#define call_invalid(call, ...) call_fail(call, 400, "ValidationError", __VA_ARGS__)
/* 500, and a line in the log. */
void call_broken(struct call *call, int error);

/* Finds the stack that StackName names into call->stack; ends the call when there is none, with a
 * format of AWS's message that has one %s. */
bool call_find_stack(struct call *call, const char *missing);

/* Adds one page's token: `position` is where the next one begins. */
void call_page_token(struct call *call, const char *position);
/* The position that NextToken stands for, "" without one. Ends the call and returns false when it
 * is not good. */
bool call_page_position(struct call *call, char ret_position[VIRGA_PAGE_POSITION_MAX + 1]);

/* Writes a list of texts or tags: <name><member>...</member></name>. */
void call_write_texts(struct call *call, const char *name, struct json_object *texts);
void call_write_tags(struct call *call, struct json_object *tags);
/* Writes a parameter set as Parameters. */
void call_write_parameters(struct call *call, struct json_object *set);

#endif
