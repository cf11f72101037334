/* SPDX-License-Identifier: MIT */
/* A request to a function URL: whose it is, whether it may, the function's answer at once or as it
 * comes. */
#include "url_request.h"

#include "functions.h"
#include "invocation.h"
#include "out_stream.h"
#include "permission_policy.h"
#include "pool.h"
#include "url_config.h"
#include "url_cors.h"
#include "url_event.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <virga/helpers/awsjson.h>

#define FORBIDDEN                                                                                  \
    "{\"Message\":\"Forbidden. For troubleshooting Function URL authorization issues, see: "       \
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html\"}"

/* A request under way. */
struct visit {
    struct lambda *lambda;
    struct virga_request *req; /* until it was answered, or its answer has begun */
    struct json_object *config;
    struct json_object *cors; /* in config; NULL: not set */
    struct invocation *invocation;
    struct out_stream *out;
    bool integrated; /* a streamed answer with a head of its own */
    bool malformed;  /* that head was not to be understood */
    char *head;      /* what has come of it */
    size_t head_len;
};

static void answer_text(struct virga_request *req, int status, const char *code, const char *type,
                        const char *body) {
    const struct virga_header headers[] = {
        {virga_str_from("Content-Type"), virga_str_from(type)},
        {virga_str_from("x-amzn-ErrorType"), virga_str_from(code)}};
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .headers = headers,
                                       .headers_count = 2,
                                       .body = virga_str_from(body)};
    (void)req->http->respond(req, &res);
}

static void answer_json(struct virga_request *req, int status, const char *code, const char *body) {
    answer_text(req, status, code, "application/json", body);
}

static void answer_broken(struct virga_request *req) {
    answer_text(req, 502, "InternalServerErrorException", "text/plain", "Internal Server Error");
}

static void free_visit(struct visit *visit) {
    json_object_put(visit->config);
    invocation_destroy(visit->invocation);
    free(visit->head);
    free(visit);
}

static struct virga_request *take_request(struct visit *visit) {
    struct virga_request *req = visit->req;
    visit->req = NULL;
    return req;
}

/* --- answers at once --- */

static void send_answer(struct visit *visit, struct url_answer *answer, bool preflight) {
    struct virga_request *req = take_request(visit);
    struct url_cors_texts texts;
    url_cors_apply(req, visit->cors, preflight, &texts, answer);
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = answer->status,
                                       .headers = answer->headers,
                                       .headers_count = answer->headers_count,
                                       .body = answer->body};
    (void)req->http->respond(req, &res);
}

static void answer_result(struct visit *visit, const struct invocation_result *result) {
    struct url_answer answer;
    if (url_answer_make(result->payload, result->content_type, &answer) != 0) {
        answer_broken(take_request(visit));
        return;
    }
    send_answer(visit, &answer, false);
    url_answer_finish(&answer);
}

static void answer_throttled(struct virga_request *req, const char *reason) {
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"Reason\":\"%s\",\"Type\":\"User\",\"message\":\"Rate Exceeded.\"}", reason);
    answer_json(req, 429, "TooManyRequestsException", body);
}

/* --- streamed answers --- */

static void on_ready(void *arg) {
    struct visit *visit = arg;
    invocation_resume(visit->invocation);
}

static void on_gone(void *arg) {
    struct visit *visit = arg;
    invocation_abandon(visit->invocation);
}

static void begin_stream(struct visit *visit, struct url_answer *answer) {
    struct virga_request *req = take_request(visit);
    struct url_cors_texts texts;
    url_cors_apply(req, visit->cors, false, &texts, answer);
    const struct virga_response head = {.struct_size = sizeof head,
                                        .status = answer->status,
                                        .headers = answer->headers,
                                        .headers_count = answer->headers_count};
    if (out_stream_begin(req, &head, on_ready, on_gone, visit, &visit->out) != 0) {
        req->http->abort(req);
    }
}

static int add(struct visit *visit, struct virga_str bytes) {
    if (bytes.len == 0 || visit->out == NULL) {
        return VIRGA_BODY_GO_ON;
    }
    char *copy = malloc(bytes.len);
    if (copy != NULL) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return out_stream_add(visit->out, copy, bytes.len);
}

static void on_head(struct invocation *invocation, const char *content_type) {
    struct visit *visit = invocation->arg;
    struct url_answer answer = {.status = 200};
    if (content_type != NULL &&
        strncasecmp(content_type, URL_STREAM_TYPE, strlen(URL_STREAM_TYPE)) == 0) {
        visit->integrated = true;
    } else if (visit->req != NULL) {
        url_answer_add(
            &answer, "Content-Type",
            virga_str_from(content_type != NULL ? content_type : "application/octet-stream"));
        begin_stream(visit, &answer);
    }
}

/* Gathers the head and, when it is complete, begins the answer with what has come behind it. */
static int take_head(struct visit *visit, struct virga_str chunk) {
    size_t len = visit->head_len + chunk.len;
    struct url_answer answer;
    char *head = visit->malformed ? NULL : realloc(visit->head, len + 1);
    if (head == NULL) {
        visit->malformed = true;
        return VIRGA_BODY_GO_ON;
    }
    memcpy(head + visit->head_len, chunk.ptr, chunk.len);
    visit->head = head;
    visit->head_len = len;
    ptrdiff_t mark = url_stream_mark((struct virga_str){head, len});
    if (mark < 0) {
        visit->malformed = len > URL_STREAM_HEAD_MAX;
        return VIRGA_BODY_GO_ON;
    }
    if (url_answer_make_head((struct virga_str){head, (size_t)mark}, &answer) != 0) {
        visit->malformed = true;
        return VIRGA_BODY_GO_ON;
    }
    begin_stream(visit, &answer);
    url_answer_finish(&answer);
    return add(visit, (struct virga_str){head + mark + URL_STREAM_MARK,
                                         len - (size_t)mark - URL_STREAM_MARK});
}

static int on_chunk(struct invocation *invocation, struct virga_str chunk) {
    struct visit *visit = invocation->arg;
    if (visit->integrated && visit->req != NULL) {
        return chunk.len > 0 ? take_head(visit, chunk) : VIRGA_BODY_GO_ON;
    }
    if (visit->req != NULL) {
        on_head(invocation, NULL);
    }
    return add(visit, chunk);
}

static void end_stream(struct visit *visit, const struct invocation_result *result) {
    if (result->outcome == INVOCATION_DONE) {
        (void)add(visit, result->payload);
        out_stream_end(visit->out);
    } else {
        out_stream_abort(visit->out);
    }
}

/* --- the end --- */

static void on_done(struct invocation *invocation, const struct invocation_result *result) {
    struct visit *visit = invocation->arg;
    if (visit->out != NULL) {
        end_stream(visit, result);
    } else if (visit->req == NULL) {
        /* the answer could not be begun, and was broken off */
    } else if (result->outcome == INVOCATION_DONE && !visit->integrated) {
        answer_result(visit, result);
    } else if (result->outcome == INVOCATION_THROTTLED) {
        answer_throttled(take_request(visit), result->code);
    } else {
        if (result->outcome == INVOCATION_REFUSED) {
            LAMBDA_LOG(visit->lambda, VIRGA_LOG_WARN, visit->req,
                       "a function URL answers 502: %s: %s", result->code, result->message);
        }
        answer_broken(take_request(visit));
    }
    free_visit(visit);
}

/* --- the beginning --- */

static bool is_text(struct json_object *config, const char *key, const char *text) {
    return virga_str_equal(virga_awsjson_str(config, key), virga_str_from(text));
}

/* 0 to 1, for the weights of aliases. */
static double roll(void) {
    uint32_t bits = 0;
    (void)getrandom(&bits, sizeof bits, 0);
    return (double)bits / 4294967296.0;
}

static bool is_allowed(const struct visit *visit, const struct tenant *tenant, const char *name,
                       const char *qualifier) {
    const struct virga_request *req = visit->req;
    bool iam = is_text(visit->config, "AuthType", "AWS_IAM");
    const struct permission_question question = {
        .owner = tenant,
        .name = name,
        .qualifier = qualifier,
        .action = "lambda:InvokeFunctionUrl",
        .account = req->access_key.len > 0 ? req->account.ptr : NULL,
        .url_auth_type = iam ? "AWS_IAM" : "NONE"};
    return (!iam || req->access_key.len > 0) && permission_allows(visit->lambda, &question);
}

/* Makes the invocation; on failure the request has been answered. */
static bool make_invocation(struct visit *visit, struct function *function, const char *qualifier,
                            const char *url_id) {
    struct virga_request *req = visit->req;
    struct lambda *lambda = visit->lambda;
    struct virga_json_writer event = {0};
    const char *request_id = req->id.len == LAMBDA_ID_LEN ? req->id.ptr : NULL;
    /* Made before its event, which names its ids. */
    int result =
        invocation_create(function, qualifier, virga_str_from(""), request_id, &visit->invocation);
    if (result == 0) {
        const struct url_context context = {.url_id = url_id,
                                            .request_id = visit->invocation->request_id,
                                            .trace_id = visit->invocation->trace_id,
                                            .iam = is_text(visit->config, "AuthType", "AWS_IAM"),
                                            .port = lambda->port,
                                            .now_ms = lambda->timer->now_ms(lambda->host)};
        url_event_write(req, &context, &event);
        result = event.failed ? -ENOMEM : event.len > INVOCATION_EVENT_MAX ? -EMSGSIZE : 0;
    }
    if (result == 0) {
        free(visit->invocation->payload);
        visit->invocation->payload = event.ptr; /* a writer's buffer is on the heap */
        visit->invocation->payload_len = event.len;
        return true;
    }
    virga_json_finish(&event);
    if (result == -EMSGSIZE) {
        answer_json(take_request(visit), 413, "RequestEntityTooLargeException",
                    "{\"Message\":\"Request must be smaller than 6291456 bytes for the "
                    "InvokeFunction operation\"}");
    } else {
        answer_broken(take_request(visit));
    }
    return false;
}

static void invoke(struct visit *visit) {
    struct invocation *invocation = visit->invocation;
    invocation->streams = is_text(visit->config, "InvokeMode", "RESPONSE_STREAM");
    invocation->on_head = on_head;
    invocation->on_chunk = on_chunk;
    invocation->on_done = on_done;
    invocation->arg = visit;
    pool_invoke(visit->lambda->pool, invocation);
}

/* Goes the way to the function as far as it is open; false: the request was answered before. */
static bool enter(struct visit *visit, const struct tenant *tenant, const char *name,
                  const char *qualifier, const char *url_id) {
    struct function *function = NULL;
    if (url_cors_is_preflight(visit->req, visit->cors)) {
        struct url_answer answer = {.status = 200, .body = {"", 0}};
        send_answer(visit, &answer, true);
        return false;
    }
    if (!is_allowed(visit, tenant, name, qualifier)) {
        answer_json(take_request(visit), 403, "AccessDeniedException", FORBIDDEN);
        return false;
    }
    int result = functions_resolve(visit->lambda, tenant, name, qualifier, roll(), &function);
    if (result == -ENOENT) {
        answer_json(take_request(visit), 403, "AccessDeniedException", FORBIDDEN);
        return false;
    }
    if (result != 0) {
        answer_broken(take_request(visit));
        return false;
    }
    bool made = make_invocation(visit, function, qualifier, url_id);
    function_unref(function);
    return made;
}

void url_request_handle(struct lambda *lambda, struct virga_request *req) {
    char name[LAMBDA_NAME_MAX + 1], qualifier[LAMBDA_QUALIFIER_MAX + 1], url_id[64];
    struct tenant tenant;
    struct json_object *config = NULL;
    size_t len = 0;
    while (len < req->host.len && len + 1 < sizeof url_id && req->host.ptr[len] != '.') {
        url_id[len] = req->host.ptr[len] >= 'A' && req->host.ptr[len] <= 'Z'
                          ? (char)(req->host.ptr[len] + 32)
                          : req->host.ptr[len];
        len++;
    }
    url_id[len] = '\0';
    int result = url_config_find(lambda, virga_str_from(url_id), &tenant, name, qualifier, &config);
    struct visit *visit = result == 0 ? calloc(1, sizeof *visit) : NULL;
    if (result == -ENOENT) {
        answer_json(req, 403, "AccessDeniedException", "{\"Message\":null}");
        return;
    }
    if (visit == NULL) {
        json_object_put(config);
        answer_broken(req);
        return;
    }
    *visit = (struct visit){.lambda = lambda, .req = req, .config = config};
    visit->cors = virga_awsjson_member(config, "Cors");
    if (enter(visit, &tenant, name, qualifier, url_id)) {
        invoke(visit);
    } else {
        free_visit(visit);
    }
}
