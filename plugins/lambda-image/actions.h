/* SPDX-License-Identifier: MIT */
/* The API's actions: the table of them, and the way of a request to one. Everything is [loop]. */
#ifndef LAMBDA_ACTIONS_H
#define LAMBDA_ACTIONS_H

#include "call.h"

/* The body is the function's event and not JSON of the API: call->input has path and query only. */
#define ACTION_RAW_BODY 0x1u
/* Takes a FunctionName that need not exist and may not have a qualifier: CreateFunction checks it
 * itself. */
#define ACTION_NAMES_ITSELF 0x2u

/* The function may be another account's: its policy decides, and the action asks it. */
#define ACTION_ANY_ACCOUNT 0x4u

struct action {
    const char *name;    /* "CreateFunction" */
    const char *method;  /* "POST" */
    const char *pattern; /* "/2015-03-31/functions" */
    uint64_t body_limit_bytes;
    uint32_t flags;
    const struct virga_model_shape *input; /* path and query members included */
    void (*run)(struct call *call);
};

/* Each list is X(Name, function_suffix, METHOD, "path", flags, body limit); there is a function
 * action_<suffix>() and a shape model_<suffix> for each. */
#include "actions_event.h"
#include "actions_function.h"
#include "actions_side.h"
#define ACTIONS(X) ACTIONS_FUNCTION(X) ACTIONS_SIDE(X) ACTIONS_EVENT(X)
/* Further routes of these actions: X(Name, METHOD, "path", body limit). */
#define ACTIONS_ALSO(X) ACTIONS_FUNCTION_ALSO(X)

#define DECLARE(name, suffix, method, pattern, flags, limit)                                       \
    void action_##suffix(struct call *call);                                                       \
    extern const struct virga_model_shape model_##suffix;
ACTIONS(DECLARE)
#undef DECLARE

/* The tags of the routes. */
enum action_tag {
#define TAG(name, suffix, method, pattern, flags, limit) ACTION_##name,
    ACTIONS(TAG)
#undef TAG
        ACTION_COUNT
};

/* By the tag of a route. */
extern const struct action actions_table[];

/* Errors: -EIO, -ENOMEM. */
int actions_create(struct lambda *lambda, struct actions **ret_actions);
/* NULL is fine. */
void actions_destroy(struct actions *actions);
/* Answers a request that matched the route of `action`. */
void actions_handle(struct lambda *lambda, const struct action *action, struct virga_request *req);
/* Takes a call off the list; what call.c does before it answers. */
void actions_end_call(struct call *call);
/* The key of page tokens. */
const struct virga_page_key *actions_page_key(const struct lambda *lambda);

#endif
