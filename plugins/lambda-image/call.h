/* SPDX-License-Identifier: MIT */
/* One API call on its way: whose, about which function, and the ways to end it. Every call ends
 * exactly once, by one of call_answer(), call_fail() and the others here; afterwards it is gone. It
 * lives in its request's memory. Everything is [loop]. */
#ifndef LAMBDA_CALL_H
#define LAMBDA_CALL_H

#include "function_name.h"
#include "functions.h"

#include <virga/helpers/awsjson.h>
#include <virga/helpers/model.h>
#include <virga/helpers/page_token.h>

struct action;

struct call {
    struct call *next, *previous; /* among the calls under way */
    struct lambda *lambda;
    struct virga_request *req;
    const struct action *action;
    struct json_object *input; /* the body with path and query members, checked by the model; NULL
                                  where the action takes the body as it is */
    struct tenant tenant;      /* the caller's */
    struct function_name name; /* FunctionName, taken apart; name "" where the action has none */
    void *state;               /* of an action that answers later */
    void (*on_end)(struct call *call); /* frees `state`; NULL: nothing to do */
};

/* Answers with what was written (an unused writer: without a body). Owns: the writer's buffer. */
void call_answer(struct call *call, int status, struct virga_json_writer *writer);
/* The same with a json-c object. Owns: takes the reference. */
void call_answer_json(struct call *call, int status, struct json_object *json);
/* Answers an exception: {"Type":"User","message":...}, or "Message" for those whose model says so;
 * `Type` is left out for ValidationException, RequestEntityTooLargeException and
 * AccessDeniedException, and for CALL_NO_TYPE | status. format NULL: Message null. */
VIRGA_PRINTF(4, 5)
void call_fail(struct call *call, int status, const char *code, const char *format, ...);
#define CALL_NO_TYPE 0x10000
/* Answers 500 ServiceException and logs it. */
void call_broken(struct call *call, const char *what, int error);
/* ResourceNotFoundException "Function not found: <arn>[:<qualifier>]"; qualifier NULL: none. */
void call_no_function(struct call *call, const char *qualifier);
/* ValidationException "1 validation error detected: Value '...' at '...' failed to satisfy
 * constraint: <constraint>"; value NULL: "Value null". */
void call_invalid(struct call *call, const char *value, const char *member, const char *constraint);
/* Takes the request away: it is answered by other means (streaming). The call is gone; its `state`
 * is not freed. */
struct virga_request *call_detach(struct call *call);

/* The version that the call is about (its qualifier, aliases followed), or the call has ended and
 * false. */
bool call_function(struct call *call, struct function **ret_function);
/* Whether the function is there at all ($LATEST); if not, the call has ended. */
bool call_function_exists(struct call *call);
/* Whether the region and account of the call's name are the caller's; if not, the call has ended.
 */
bool call_name_is_here(struct call *call);
/* Whether the call names no version or alias; if it does, the call has ended. */
bool call_name_is_unqualified(struct call *call);
/* The call's qualifier, "" when it has none. */
const char *call_qualifier(const struct call *call);
/* A string of the input; ptr NULL when absent. */
struct virga_str call_str(const struct call *call, const char *key);

/* The page that a call asks for by Marker and MaxItems. */
#define CALL_PAGE_MAX 50 /* entries at most, whatever MaxItems says. Source: the API's pages */
struct call_page {
    char question[256];
    char
        position[VIRGA_PAGE_POSITION_MAX + 1]; /* behind which the page begins; "" = at the start */
    size_t max, count;
    bool more;
    char last[VIRGA_PAGE_POSITION_MAX + 1]; /* position of the last entry */
};
/* Ends the call and returns false when the marker is bad. `max`: at most so many entries. */
bool call_page_start(struct call *call, size_t max, struct call_page *page);
/* Whether another entry may go on the page; false notes that there is more. */
bool call_page_take(struct call_page *page, const char *position);
/* Writes NextMarker when there is more. Returns 0 or a negative errno. */
int call_page_end(struct call *call, const struct call_page *page,
                  struct virga_json_writer *writer);

/* A new revision id: a UUID. */
void call_make_uuid(char ret_uuid[LAMBDA_ID_LEN + 1]);
/* "2026-11-25T21:00:00.000+0000": LastModified. */
void call_format_time(int64_t time_ms, char ret_text[32]);

#endif
