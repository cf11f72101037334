/* SPDX-License-Identifier: MIT */
/* The inside of a request of the testkit: what is sent, who owns it, what was answered. */
#ifndef TESTKIT_REQUEST_H
#define TESTKIT_REQUEST_H

#include "kit.h"

enum request_state {
    REQUEST_BUILT,     /* the test's */
    REQUEST_OPEN,      /* the plugin's, nothing answered */
    REQUEST_ANSWERING, /* the plugin's, after respond_begin() */
    REQUEST_DONE       /* given back */
};

struct block {
    struct block *next;
    max_align_t bytes[];
};

struct piece {
    struct link link;
    size_t len;
    char *bytes;
};

struct testkit_request {
    struct virga_request pub; /* first */
    struct testkit *kit;
    struct link link;
    unsigned number;
    char *name; /* "request 3 (POST / Hello_20260101.SayHello)" */
    enum request_state state;
    struct block *arena; /* freed when the request is given back: who looks later is found */
    struct virga_route route;

    /* what is sent */
    char *method;
    char *target;
    struct text header_lines;
    struct text trailer_lines;
    struct virga_header *trailers;
    size_t trailers_count;
    struct text body;
    bool has_body;
    char *account;
    char *region;
    char *service;
    struct link pieces;
    int break_status; /* 0: the body ends well */
    bool slow;

    /* the streamed body */
    struct task body_task;
    virga_on_body on_body;
    void *on_body_arg;
    char *chunk; /* what the plugin may look at */
    bool body_begun;
    bool body_paused;
    bool in_on_body;
    bool resumed_early;

    /* the answer */
    int status;
    unsigned answers;
    struct text answer_headers;
    struct virga_header *answer_header_list; /* parsed on demand */
    size_t answer_headers_count;
    struct text answer;
    size_t *writes; /* lengths */
    size_t writes_count;
    uint64_t announced;
    bool complete;
    struct task writable_task;
    virga_on_writable on_writable;
    void *on_writable_arg;
    struct virga_str pending;
    bool write_waits;

    /* when nobody waits any more */
    struct task cancel_task;
    int cancelled;
    void (*on_cancel)(void *arg, struct virga_request *req, int status);
    void *on_cancel_arg;
};

static inline struct testkit_request *request_from(const struct virga_request *req) {
    return (struct testkit_request *)(void *)(uintptr_t)req;
}

/* Memory in the request's arena that never fails. */
void *kit_request_memory(struct testkit_request *req, size_t size);
struct virga_str kit_request_copy(struct testkit_request *req, const char *bytes, size_t len);

/* Whether the plugin may answer; names the request when not. */
bool kit_request_answerable(struct testkit_request *req, const char *what);
/* The plugin's time with it is over. */
void kit_request_give_back(struct testkit_request *req);
/* Notes status and headers of the answer. */
void kit_request_set_head(struct testkit_request *req, int status,
                          const struct virga_header *headers, size_t count);
/* Checks and notes a head. Errors: as respond(). */
int kit_request_take_head(struct testkit_request *req, const struct virga_response *res);
/* What a client gets from the host itself. */
void kit_request_set_error(struct testkit_request *req, int status, const char *message);

/* Fills what the plugin sees of a request that needs no route. Errors: -EINVAL, -EMSGSIZE (413). */
int kit_request_prepare(struct testkit_request *req, bool streams, uint64_t limit_bytes);

/* Finds the plugin's route; fills route, action and params. Errors: -ENOENT, -ENOTSUP. */
int kit_route_match(struct testkit_request *req);

#endif
