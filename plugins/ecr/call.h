/* SPDX-License-Identifier: MIT */
/* One control-plane call on its way: whose, about which repository, and the ways to end it.
 * Every call ends exactly once, by call_answer(), call_fail() or call_broken(); afterwards it is
 * gone. Everything is [loop]. */
#ifndef ECR_CALL_H
#define ECR_CALL_H

#include "ecr.h"
#include "gate.h"
#include "meta.h"

#include <virga/helpers/awsjson.h>
#include <virga/helpers/page_token.h>

/* Room for an ARN or a repositoryUri. */
#define CALL_ARN_MAX 400

struct action;
struct principal;

struct call {
    struct call *next, *previous; /* among the calls under way */
    struct ecr *ecr;
    struct virga_request *req;
    const struct action *action;
    struct json_object *input; /* the body, checked by the model */
    struct tenant tenant;      /* the caller's, or the one that registryId names */
    struct virga_str name;     /* repositoryName; ptr NULL where the action has none */
    struct gate_pass pass;     /* of an action that writes */
    bool waits;                /* for the gate; run() was not called yet */
    void *state;               /* of an action that answers later */

    const struct principal *principal;     /* who calls; NULL: not known, in open mode */
    void (*on_allowed)(struct call *call); /* while that is found out */
};

/* Answers 200 with what was written. Owns: the writer's buffer. */
void call_answer(struct call *call, struct virga_json_writer *writer);
/* Answers 400 with an exception of the API; format NULL: without a message. */
VIRGA_PRINTF(3, 4)
void call_fail(struct call *call, const char *code, const char *format, ...);
/* Answers 500 ServerException and logs it: `what` could not be done because of a negative errno, or
 * of the reason where it is not NULL. */
void call_broken(struct call *call, const char *what, int error, const char *reason);

/* Reads the repository that the call is about, or ends the call and returns false. */
bool call_repository(struct call *call, struct meta_repository *ret_repository);
/* Whether it is there; if not, the call has ended. */
bool call_repository_exists(struct call *call);
/* The same for a call that begins a push: a creation template may let it create the repository. The
 * call holds a pass of the gate. */
bool call_repository_for_push(struct call *call);
/* Ends the call with RepositoryNotFoundException. */
void call_no_repository(struct call *call, struct virga_str name);

/* A string, number or boolean of the input. */
struct virga_str call_str(const struct call *call, const char *key);

/* arn:aws:ecr:<region>:<account>:repository/<name> */
void call_repository_arn(const struct tenant *tenant, struct virga_str name,
                         char ret_arn[CALL_ARN_MAX]);
/* Writes {"registryId", "repositoryName"} into the object at hand: what most answers begin with. */
void call_write_head(const struct call *call, struct virga_json_writer *writer);

/* The page that a call asks for. */
struct call_page {
    struct virga_str question; /* what a token of this call is good for */
    char question_bytes[512];
    char position[VIRGA_PAGE_POSITION_MAX]; /* behind which the page begins */
    size_t position_len;
    bool begun; /* a nextToken was given */
    size_t max;
    size_t count;                       /* entries on this page so far */
    bool more;                          /* there is another entry behind it */
    char last[VIRGA_PAGE_POSITION_MAX]; /* position of the last entry */
    size_t last_len;
};
/* Reads nextToken and maxResults; `detail` is what else the token depends on. Ends the call and
 * returns false when the token is bad. */
bool call_page_start(struct call *call, const char *detail, struct call_page *page);
/* Whether another entry may go on the page, which then gets the entry's position; false notes that
 * there is more. */
bool call_page_take(struct call_page *page, struct virga_str position);
/* Writes nextToken when there is more. Returns 0 or a negative errno. */
int call_page_end(struct call *call, const struct call_page *page,
                  struct virga_json_writer *writer);

#endif
