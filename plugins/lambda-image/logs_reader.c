/* SPDX-License-Identifier: MIT */
/* Who reads a function's log over HTTP: once, or following it. */
#include "function_name.h"
#include "logs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/query.h>

#define PIECE_SIZE 16384 /* of a follower's answer */
#define ANSWER_BYTES_MAX (INT64_C(1024) * 1024 * 1024)

struct follower {
    struct follower *next;
    struct logs *logs;
    struct log *log;
    struct virga_request *req;
    uint64_t position; /* the next byte that it gets */
    bool waits;        /* a write waits */
    bool ended;        /* to be ended when its write is done */
    char piece[PIECE_SIZE + 128];
};

/* --- following --- */

static void end(struct follower *follower) {
    struct logs *logs = follower->logs;
    struct follower **at = &logs->followers;
    while (*at != follower) {
        at = &(*at)->next;
    }
    *at = follower->next;
    logs->followers_count--;
    if (follower->log != NULL && --follower->log->followers == 0 && follower->log->size == 0) {
        logs_drop(logs, follower->log);
    }
    struct virga_request *req = follower->req;
    free(follower);
    req->http->end(req);
}

/* The next part, with a note where some was pushed out before it could be sent. */
static size_t fill(struct follower *follower) {
    const struct log *log = follower->log;
    size_t note = 0;
    if (follower->position < log->start) {
        note = (size_t)snprintf(follower->piece, 128,
                                "[%llu bytes were dropped: the reader is too "
                                "slow]\n",
                                (unsigned long long)(log->start - follower->position));
        follower->position = log->start;
    }
    size_t len = log_copy_out(log, follower->position, follower->piece + note, PIECE_SIZE);
    follower->position += len;
    return note + len;
}

static void push(struct follower *follower) {
    const struct virga_http *http = follower->req->http;
    while (!follower->waits && !follower->ended && follower->position < follower->log->end) {
        size_t len = fill(follower);
        int result = http->write(follower->req, (struct virga_str){follower->piece, len});
        if (result == 0) {
            follower->waits = true;
        } else if (result < 0) {
            follower->ended = true;
        }
    }
    if (follower->ended && !follower->waits) {
        end(follower);
    }
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    struct follower *follower = arg;
    (void)req;
    follower->waits = false;
    if (status != 0) {
        follower->ended = true;
    }
    push(follower);
}

static void on_cancel(void *arg, struct virga_request *req, int status) {
    struct follower *follower = arg;
    (void)req;
    (void)status;
    follower->ended = true;
    push(follower);
}

void logs_wake(struct logs *logs, struct log *log) {
    for (struct follower *at = logs->followers, *next; at != NULL; at = next) {
        next = at->next;
        if (at->log == log) {
            push(at);
        }
    }
}

void logs_end_followers(struct logs *logs, const struct log *log) {
    for (struct follower *at = logs->followers, *next; at != NULL; at = next) {
        next = at->next;
        if (log == NULL || at->log == log) {
            at->ended = true;
            if (log != NULL) {
                at->log->followers--;
                at->log = NULL;
            }
            if (!at->waits) {
                end(at);
            }
        }
    }
}

/* --- the request --- */

static void answer(struct virga_request *req, int status, struct virga_str text) {
    const struct virga_header type = {virga_str_from("Content-Type"),
                                      virga_str_from("text/plain; charset=utf-8")};
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .headers = &type,
                                       .headers_count = 1,
                                       .body = text};
    (void)req->http->respond(req, &res);
}

static void copy(char *to, size_t size, struct virga_str from) {
    (void)snprintf(to, size, "%.*s", (int)(from.len < size ? from.len : size - 1),
                   from.ptr != NULL ? from.ptr : "");
}

/* Whose log: as the query says, else the ARN, else the caller. */
static void find_tenant(struct virga_request *req, const struct virga_query *query,
                        const struct function_name *name, struct tenant *ret_tenant) {
    struct virga_str account = virga_query_str(query, "account");
    struct virga_str region = virga_query_str(query, "region");
    if (account.ptr == NULL) {
        account = name->account[0] != '\0' ? virga_str_from(name->account) : req->account;
    }
    if (region.ptr == NULL) {
        region = name->region[0] != '\0' ? virga_str_from(name->region) : req->region;
    }
    copy(ret_tenant->account, sizeof ret_tenant->account, account);
    copy(ret_tenant->region, sizeof ret_tenant->region, region);
}

/* Where the last `lines` lines begin. */
static uint64_t find_tail(const struct log *log, uint64_t lines) {
    uint64_t at = log->end;
    while (at > log->start && lines > 0) {
        at--;
        while (at > log->start && log_at(log, at - 1) != '\n') {
            at--;
        }
        lines--;
    }
    return at;
}

static uint64_t first_position(const struct log *log, const struct virga_query *query) {
    struct virga_str tail = virga_query_str(query, "tail");
    if (tail.ptr == NULL) {
        return log->start;
    }
    return find_tail(log, strtoull(tail.ptr, NULL, 10));
}

static void read_once(struct virga_request *req, const struct log *log, uint64_t position) {
    uint64_t len = log != NULL ? log->end - position : 0;
    char *text = len > 0 && len < ANSWER_BYTES_MAX ? req->http->alloc(req, (size_t)len) : NULL;
    if (len > 0 && text == NULL) {
        answer(req, 500, virga_str_from("out of memory\n"));
        return;
    }
    if (len > 0) {
        (void)log_copy_out(log, position, text, (size_t)len);
    }
    answer(req, 200, len > 0 ? (struct virga_str){text, (size_t)len} : virga_str_from(""));
}

static void follow(struct logs *logs, struct virga_request *req, struct log *log,
                   uint64_t position) {
    const struct virga_header type = {virga_str_from("Content-Type"),
                                      virga_str_from("text/plain; charset=utf-8")};
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .headers = &type, .headers_count = 1};
    struct follower *follower = log != NULL ? malloc(sizeof *follower) : NULL;
    if (follower == NULL) {
        answer(req, 500, virga_str_from("out of memory\n"));
        return;
    }
    follower->logs = logs;
    follower->log = log;
    follower->req = req;
    follower->position = position;
    follower->waits = follower->ended = false;
    follower->next = logs->followers;
    logs->followers = follower;
    logs->followers_count++;
    log->followers++;
    if (req->http->respond_begin(req, &res, VIRGA_LENGTH_UNKNOWN, on_writable, follower) != 0) {
        follower->ended = true;
    } else {
        req->http->on_cancel(req, on_cancel, follower);
    }
    push(follower);
}

int logs_whose(struct virga_request *req, struct tenant *ret_tenant,
               struct function_name *ret_name) {
    struct virga_query query;
    if (virga_query_parse(req, &query) != 0 || req->params_count == 0 ||
        function_name_parse(req->params[0], ret_name) != 0 ||
        strlen(ret_name->name) > LAMBDA_NAME_MAX) {
        return -EINVAL;
    }
    find_tenant(req, &query, ret_name, ret_tenant);
    return 0;
}

void logs_answer_nobody(struct virga_request *req) {
    answer(req, 404, virga_str_from("there is no such function\n"));
}

void logs_handle(struct logs *logs, struct virga_request *req) {
    struct function_name name;
    struct virga_query query;
    struct tenant tenant;
    if (logs_whose(req, &tenant, &name) != 0 || virga_query_parse(req, &query) != 0) {
        answer(req, 400, virga_str_from("this is neither a function's name nor its ARN\n"));
        return;
    }
    struct virga_str wish = virga_query_str(&query, "follow");
    bool follows = wish.ptr != NULL && !virga_str_equal(wish, virga_str_from("0")) &&
                   !virga_str_equal(wish, virga_str_from("false"));
    if (follows && (logs->stopped || logs->followers_count >= LOGS_FOLLOWERS_MAX)) {
        answer(req, 503, virga_str_from("too many follow logs already\n"));
        return;
    }
    struct log *log =
        follows ? logs_have(logs, &tenant, name.name) : logs_find(logs, &tenant, name.name);
    uint64_t position = log != NULL ? first_position(log, &query) : 0;
    if (follows) {
        follow(logs, req, log, position);
    } else {
        read_once(req, log, position);
    }
}
