/* SPDX-License-Identifier: MIT */
/* A question holds what its call needs until the answer comes. */
#include "iam.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

#define ANSWER_LIMIT_BYTES (256 * 1024)

struct question {
    struct question *next;
    struct call call; /* its input is referred to */
    void (*on_answer)(struct call *call, const struct iam_answer *answer);
    struct virga_dispatch_handle *handle;
};

void iam_fail(struct call *call, int error) {
    if (error == -ENOMEM) {
        call->req->http->abort(call->req);
        return;
    }
    virga_log_printf(call->sts->log, call->sts->host, VIRGA_LOG_ERROR, call->req,
                     "%s: IAM did not answer: %s", call->action, strerror(-error));
    call_fail(call, 500, "InternalFailure",
              "The request processing has failed because of an unknown error, exception or "
              "failure.");
}

static void on_done(void *arg, const struct virga_dispatch_response *res) {
    struct question *question = arg;
    struct sts *sts = question->call.sts;
    struct question **link = &sts->questions;
    while (*link != question) {
        link = &(*link)->next;
    }
    *link = question->next;
    if (res->error == 0) {
        const struct iam_answer answer = {res->status, res->body};
        question->on_answer(&question->call, &answer);
    } else {
        iam_fail(&question->call, res->error);
    }
    json_object_put(question->call.input);
    free(question);
    if (sts->is_stopping && sts->questions == NULL) {
        sts->host->stopped(sts->host);
    }
}

/* Errors: -ENOMEM, -ELOOP, -EAGAIN: as dispatch says. */
static int send(struct question *question, const char *account, struct virga_str access_key,
                const char *form) {
    const struct virga_header type = {virga_str_from("Content-Type"),
                                      virga_str_from("application/x-www-form-urlencoded")};
    const struct virga_dispatch_request request = {
        .struct_size = sizeof request,
        .headers = &type,
        .headers_count = 1,
        .body = virga_str_from(form),
        .account = virga_str_from(account),
        .region = question->call.req->region,
        .service = virga_str_from("iam"),
        .access_key = access_key,
        .body_limit_bytes = ANSWER_LIMIT_BYTES,
        .on_done = on_done,
        .arg = question,
    };
    struct sts *sts = question->call.sts;
    return sts->dispatch->call(sts->host, &request, &question->handle);
}

void iam_ask(const struct call *call, const char *account, struct virga_str access_key,
             const char *form,
             void (*on_answer)(struct call *call, const struct iam_answer *answer)) {
    struct sts *sts = call->sts;
    struct call own = *call;
    if (sts->dispatch == NULL) {
        const struct iam_answer nobody = {0, {NULL, 0}};
        on_answer(&own, &nobody);
        return;
    }
    struct question *question = calloc(1, sizeof *question);
    int result = -ENOMEM;
    if (question != NULL) {
        *question = (struct question){.call = own, .on_answer = on_answer};
        result = send(question, account, access_key, form);
    }
    if (result != 0) {
        free(question);
        iam_fail(&own, result);
        return;
    }
    (void)json_object_get(question->call.input);
    question->next = sts->questions;
    sts->questions = question;
}

/* Names, ids and ARNs hold nothing that XML would escape. */
int iam_read(const struct iam_answer *answer, const char *name, char *buffer, size_t size) {
    char tag[40];
    int len = snprintf(tag, sizeof tag, "<%s>", name);
    const char *open =
        answer->xml.len > 0 ? memmem(answer->xml.ptr, answer->xml.len, tag, (size_t)len) : NULL;
    if (open == NULL) {
        return 0;
    }
    const char *text = open + len;
    const char *close = memchr(text, '<', (size_t)(answer->xml.ptr + answer->xml.len - text));
    if (close == NULL || close == text || (size_t)(close - text) >= size) {
        return 0;
    }
    memcpy(buffer, text, (size_t)(close - text));
    buffer[close - text] = '\0';
    return 1;
}

int iam_stop(struct sts *sts) {
    sts->is_stopping = 1;
    for (struct question *question = sts->questions; question != NULL; question = question->next) {
        sts->dispatch->cancel(question->handle);
    }
    return sts->questions != NULL ? -EINPROGRESS : 0;
}
