/* SPDX-License-Identifier: MIT */
/* Calls from plugin to plugin: every way of answering, and every way that a call can end. */
#include "ext_dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "ext_file.h"
#include "log.h"
#include "plugin_fixture.h"
#include "request.h"
#include "router.h"

#define WAIT_MS 5000
#define PARTS 100

enum tag { ECHOES = 1, STREAM, PAUSES, PARTS_OUT, LATE, SAY, CALLS, FILES, BREAKS };

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_TARGET, .pattern = "Echo_1", .tag = ECHOES},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/echo/{name}", .body_limit_bytes = 1000, .tag = ECHOES},
    {.kind = VIRGA_ROUTE_REST, .flags = VIRGA_ROUTE_STREAM, .pattern = "/stream", .tag = STREAM},
    {.kind = VIRGA_ROUTE_REST, .flags = VIRGA_ROUTE_STREAM, .pattern = "/pauses", .tag = PAUSES},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/parts", .tag = PARTS_OUT},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/late", .tag = LATE},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/calls", .tag = CALLS},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/file", .tag = FILES},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/breaks", .tag = BREAKS},
    {.kind = VIRGA_ROUTE_QUERY, .pattern = "2099-01-01", .service = "wire", .tag = SAY},
};

static struct fixture fixture;
static struct plugin *callee;
static struct virga_request *late;
static int late_cancelled;
static bool in_call;

/* A call and what came of it. */
struct run {
    struct virga_dispatch_request request;
    struct virga_dispatch_handle *handle;
    bool done;
    int status;
    int error;
    char fields[4096]; /* "Name: value\n" each */
    char *body;
    size_t body_len;
};

static void on_done(void *arg, const struct virga_dispatch_response *res) {
    struct run *run = arg;
    size_t at = 0;
    assert_false(in_call || run->done);
    run->done = true;
    run->status = res->status;
    run->error = res->error;
    for (size_t i = 0; i < res->headers_count; i++) {
        at += (size_t)snprintf(run->fields + at, sizeof run->fields - at, "%s: %s\n",
                               res->headers[i].name.ptr, res->headers[i].value.ptr);
    }
    run->body_len = res->body.len;
    run->body = calloc(1, res->body.len + 1);
    memcpy(run->body, res->body.ptr, res->body.len);
    assert_int_equal(res->body.ptr[res->body.len], '\0');
}

/* ---- the plugin that is called ---- */

static void respond(struct virga_request *req, int status, const char *text) {
    const struct virga_header type = {{"Content-Type", 12}, {"text/plain", 10}};
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .headers = &type,
                                       .headers_count = 1,
                                       .body = virga_str_from(text)};
    (void)req->http->respond(req, &res);
}

static void echo(struct virga_request *req) {
    char text[2000];
    (void)snprintf(text, sizeof text,
                   "%s %s q=%s host=%s account=%s region=%s service=%s key=%s action=%s param=%s "
                   "peer=%s length=%llu body=%s",
                   req->method.ptr, req->path.ptr, req->query.ptr, req->host.ptr, req->account.ptr,
                   req->region.ptr, req->service.ptr, req->access_key.ptr, req->action.ptr,
                   req->params_count > 0 ? req->params[0].ptr : "", req->peer.ptr,
                   (unsigned long long)req->content_length, req->body.ptr);
    respond(req, 201, text);
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    (void)arg;
    (void)req;
    (void)status;
    fail();
}

static void begin(struct virga_request *req, uint64_t length) {
    const struct virga_response res = {.struct_size = sizeof res, .status = 200};
    assert_int_equal(req->http->respond_begin(req, &res, length, on_writable, NULL), 0);
}

static struct virga_str held;

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    const bool *pauses = arg;
    if (status == VIRGA_BODY_END) {
        req->http->end(req);
    } else if (status < 0) {
        req->http->abort(req);
    } else if (*pauses && held.ptr == NULL) {
        held = chunk;
        late = req;
        return VIRGA_BODY_PAUSE;
    } else if (req->http->write(req, chunk) < 0) {
        req->http->abort(req);
    }
    return VIRGA_BODY_GO_ON;
}

static void stream(struct virga_request *req, bool pauses) {
    static bool yes = true, no = false;
    held = (struct virga_str){NULL, 0};
    assert_int_equal(req->http->body_start(req, on_body, pauses ? &yes : &no), 0);
    begin(req, VIRGA_LENGTH_UNKNOWN);
}

static void send_parts(struct virga_request *req) {
    begin(req, PARTS * 1000);
    char part[1000];
    for (int i = 0; i < PARTS; i++) {
        memset(part, 'a' + i % 26, sizeof part);
        if (req->http->write(req, (struct virga_str){part, sizeof part}) != 1) {
            req->http->end(req);
            return;
        }
    }
    req->http->end(req);
}

static void send_file(struct virga_request *req) {
    const struct virga_response res = {.struct_size = sizeof res, .status = 200};
    const struct virga_file_range range = {.struct_size = sizeof range,
                                           .fd = -1,
                                           .path = (const char *)req->body.ptr,
                                           .offset = 1,
                                           .length = VIRGA_LENGTH_UNKNOWN};
    assert_int_equal(ext_file.respond(&callee->api, req, &res, &range), 0);
}

static void on_late_cancel(void *arg, struct virga_request *req, int status) {
    (void)arg;
    assert_ptr_equal(req, late);
    late_cancelled = status;
}

/* Calls itself until it may not; then answers with how far it came. */
static struct run inner[30];
static int inner_count;
static int inner_result;
static bool answers_first;

static void call_further(struct virga_request *req) {
    struct run *run = &inner[inner_count++];
    memset(run, 0, sizeof *run);
    run->request = (struct virga_dispatch_request){.struct_size = sizeof run->request,
                                                   .target = virga_str_from("/calls"),
                                                   .on_done = on_done,
                                                   .arg = run};
    if (answers_first) {
        respond(req, 200, "further");
    }
    inner_result = ext_dispatch.call(&callee->api, &run->request, NULL);
    if (!answers_first) {
        respond(req, 200, inner_result == 0 ? "further" : "no further");
    }
}

static void handle(void *self, struct virga_request *req) {
    (void)self;
    assert_false(in_call);
    switch ((enum tag)req->route->tag) {
    case ECHOES:
        echo(req);
        break;
    case STREAM:
        stream(req, false);
        break;
    case PAUSES:
        stream(req, true);
        break;
    case PARTS_OUT:
        send_parts(req);
        break;
    case LATE:
        late = req;
        req->http->on_cancel(req, on_late_cancel, NULL);
        break;
    case SAY:
        respond(req, 200, req->action.ptr);
        break;
    case CALLS:
        call_further(req);
        break;
    case FILES:
        send_file(req);
        break;
    case BREAKS:
        begin(req, 100);
        assert_int_equal(req->http->write(req, virga_str_from("part")), 1);
        req->http->abort(req);
        break;
    }
}

static int start_plugin(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)ret_self;
    (void)err;
    return 0;
}

static const struct virga_plugin callee_desc = {
    VIRGA_PLUGIN_HEAD,    .name = "callee",      .version = "1",   .summary = "answers",
    VIRGA_ROUTES(routes), .start = start_plugin, .handle = handle,
};

/* ---- the fixture ---- */

static int setup(void **state) {
    struct error err = {0};
    (void)state;
    log_setup(VIRGA_LOG_ERROR, LOG_TEXT);
    fixture_init(&fixture);
    struct host *host = &fixture.host;
    host->header_limit_bytes = 16384;
    host->body_limit_bytes = 1 << 20;
    memcpy(host->default_account, "000000000000", 13);
    memcpy(host->default_region, "us-east-1", 10);
    late = NULL;
    late_cancelled = 0;
    inner_count = 0;
    answers_first = false;
    if (router_create(&host->router) != 0 || plugin_adopt(host, &callee_desc, &callee, &err) != 0 ||
        router_add_plugin(host->router, callee, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return plugin_start(callee, &err);
}

static int teardown(void **state) {
    (void)state;
    assert_int_equal(plugin_stop(callee), 0);
    plugin_destroy(callee);
    fixture_reclaim(&fixture);
    fixture_run_for(&fixture, 10);
    plugin_free(callee);
    router_destroy(fixture.host.router);
    /* Every request and every call is gone. */
    assert_null(fixture.host.http);
    assert_int_equal(fixture.host.dispatch_calls, 0);
    return fixture_finish(&fixture) ? 0 : -1;
}

static void run_init(struct run *run, const char *target) {
    memset(run, 0, sizeof *run);
    run->request.struct_size = sizeof run->request;
    run->request.target = virga_str_from(target);
    run->request.on_done = on_done;
    run->request.arg = run;
}

static int run_start(struct run *run) {
    in_call = true;
    int result = ext_dispatch.call(&fixture.plugin.api, &run->request, &run->handle);
    in_call = false;
    return result;
}

static void run_wait(struct run *run) {
    assert_true(fixture_run_until(&fixture, &run->done, WAIT_MS));
}

static void run_to_end(struct run *run) {
    assert_int_equal(run_start(run), 0);
    run_wait(run);
}

static void assert_run(struct run *run, int status, const char *text) {
    run_to_end(run);
    assert_int_equal(run->error, 0);
    assert_int_equal(run->status, status);
    if (strstr(run->body, text) == NULL) {
        fail_msg("the answer is %s", run->body);
    }
    free(run->body);
}

/* ---- tests ---- */

static void call_arrives_as_an_aws_request(void **state) {
    (void)state;
    const struct virga_header headers[] = {
        {{"X-Amz-Target", 12}, {"Echo_1.Do", 9}},
        {{"Content-Type", 12}, {"application/x-amz-json-1.1", 26}}};
    struct run run;
    run_init(&run, NULL);
    run.request.target = (struct virga_str){NULL, 0};
    run.request.headers = headers;
    run.request.headers_count = 2;
    run.request.body = virga_str_from("{}");
    run.request.account = virga_str_from("123456789012");
    run.request.region = virga_str_from("eu-north-1");
    run.request.service = virga_str_from("echo");
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_int_equal(run.status, 201);
    assert_string_equal(run.body,
                        "POST / q= host=localhost account=123456789012 region=eu-north-1 "
                        "service=echo key=123456789012 action=Do param= peer=dispatch/test "
                        "length=2 body={}");
    assert_non_null(strstr(run.fields, "Content-Type: text/plain\n"));
    assert_non_null(strstr(run.fields, "x-amzn-RequestId: "));
    assert_null(strstr(run.fields, "Connection"));
    free(run.body);
}

static void an_access_key_of_its_own_is_seen(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/echo/a");
    run.request.method = "PUT";
    run.request.account = virga_str_from("123456789012");
    run.request.access_key = virga_str_from("ASIAEXAMPLE");
    assert_run(&run, 201,
               "PUT /echo/a q= host=localhost account=123456789012 region=us-east-1 "
               "service= key=ASIAEXAMPLE action= param=a peer=dispatch/test length=0 body=");
    /* Who was built before there was one is not asked for it. */
    run_init(&run, "/echo/a");
    run.request.method = "PUT";
    run.request.struct_size = offsetof(struct virga_dispatch_request, access_key);
    run.request.access_key = virga_str_from("ASIAEXAMPLE");
    assert_run(&run, 201,
               "PUT /echo/a q= host=localhost account=000000000000 region=us-east-1 "
               "service= key=000000000000 action= param=a peer=dispatch/test length=0 body=");
    run_init(&run, "/late");
    run.request.access_key = virga_str_from("../x");
    assert_int_equal(run_start(&run), -EINVAL);
}

static void defaults_are_the_hosts(void **state) {
    (void)state;
    const struct virga_header headers[] = {
        {{"Host", 4}, {"some.where", 10}},
        {{"Authorization", 13},
         {"AWS4-HMAC-SHA256 Credential=999999999999/20260101/eu-west-1/s3/aws4_request", 74}}};
    struct run run;
    run_init(&run, "/echo/a%20b?x=y");
    run.request.method = "PUT";
    run.request.headers = headers;
    run.request.headers_count = 2;
    assert_run(&run, 201,
               "PUT /echo/a%20b q=x=y host=some.where account=000000000000 region=us-east-1 "
               "service= key=000000000000 action= param=a b peer=dispatch/test length=0 body=");
}

static void everything_is_copied(void **state) {
    (void)state;
    char target[] = "/echo/name", name[] = "Host", value[] = "here", body[] = "bytes";
    struct virga_header header = {virga_str_from(name), virga_str_from(value)};
    struct run run;
    run_init(&run, target);
    run.request.headers = &header;
    run.request.headers_count = 1;
    run.request.body = virga_str_from(body);
    assert_int_equal(run_start(&run), 0);
    memset(target, 'X', sizeof target);
    memset(name, 'X', sizeof name);
    memset(value, 'X', sizeof value);
    memset(body, 'X', sizeof body);
    memset(&header, 0, sizeof header);
    run_wait(&run);
    assert_int_equal(run.status, 201);
    assert_non_null(strstr(run.body, "host=here"));
    assert_non_null(strstr(run.body, "param=name"));
    assert_non_null(strstr(run.body, "body=bytes"));
    free(run.body);
}

static void query_action_in_the_body_is_routed(void **state) {
    (void)state;
    const struct virga_header form = {{"Content-Type", 12},
                                      {"application/x-www-form-urlencoded", 33}};
    struct run run;
    run_init(&run, "/");
    run.request.headers = &form;
    run.request.headers_count = 1;
    run.request.body = virga_str_from("Action=GetThing&Version=2099-01-01");
    run.request.service = virga_str_from("wire");
    assert_run(&run, 200, "GetThing");
}

static void unknown_services_answer_in_their_protocol(void **state) {
    (void)state;
    const struct virga_header target = {{"X-Amz-Target", 12}, {"Nobody.Do", 9}};
    struct run run;
    run_init(&run, "/");
    run.request.headers = &target;
    run.request.headers_count = 1;
    assert_run(&run, 400, "\"__type\":");
    run_init(&run, "/nowhere");
    assert_run(&run, 404, "nowhere");
}

static void body_beyond_the_route_is_413(void **state) {
    (void)state;
    char body[1001];
    struct run run;
    memset(body, 'b', sizeof body);
    run_init(&run, "/echo/x");
    run.request.body = (struct virga_str){body, 1001};
    assert_run(&run, 413, "");
    run_init(&run, "/echo/x");
    run.request.body = (struct virga_str){body, 1000};
    assert_run(&run, 201, "length=1000");
}

static void streamed_bodies_flow_through(void **state) {
    (void)state;
    static char body[1000000];
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (char)('a' + i % 23);
    }
    static const char *const targets[] = {"/stream", "/pauses"};
    for (int i = 0; i < 2; i++) {
        struct run run;
        run_init(&run, targets[i]);
        run.request.body = (struct virga_str){body, sizeof body};
        assert_int_equal(run_start(&run), 0);
        if (i == 1) {
            fixture_run_for(&fixture, 20);
            assert_false(run.done);
            assert_int_equal(late->http->write(late, held), 1);
            late->http->body_resume(late);
        }
        run_wait(&run);
        assert_int_equal(run.error, 0);
        assert_int_equal(run.status, 200);
        assert_int_equal(run.body_len, sizeof body);
        assert_memory_equal(run.body, body, sizeof body);
        free(run.body);
    }
    struct run empty;
    run_init(&empty, "/stream");
    assert_run(&empty, 200, "");
}

/* The chunk that it holds outlives the call. */
static void cancelled_call_leaves_a_paused_chunk(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/pauses");
    run.request.body = virga_str_from("some bytes");
    assert_int_equal(run_start(&run), 0);
    fixture_run_for(&fixture, 20);
    struct virga_request *req = late;
    ext_dispatch.cancel(run.handle);
    run_wait(&run);
    assert_int_equal(run.error, -ECANCELED);
    assert_int_equal(run.status, 0);
    (void)req; /* on_body was told, and has aborted */
    free(run.body);
}

static void answers_in_parts_are_put_together(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/parts");
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_int_equal(run.body_len, PARTS * 1000);
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal(run.body[i * 1000 + 999], 'a' + i % 26);
    }
    free(run.body);
}

static void answer_beyond_the_limit_is_emsgsize(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/parts");
    run.request.body_limit_bytes = PARTS * 1000 - 1;
    run_to_end(&run);
    assert_int_equal(run.error, -EMSGSIZE);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.body_len, 0);
    free(run.body);
    run_init(&run, "/parts");
    run.request.body_limit_bytes = PARTS * 1000;
    assert_run(&run, 200, "aaa");
}

static void head_has_no_body(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/parts");
    run.request.method = "HEAD";
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_int_equal(run.body_len, 0);
    assert_non_null(strstr(run.fields, "Content-Length: 100000\n"));
    free(run.body);
}

static void files_are_answers_too(void **state) {
    (void)state;
    char path[] = "/tmp/virga-dispatch-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_int_equal(close(fd), 0);
    struct run run;
    run_init(&run, "/file");
    run.request.body = virga_str_from(path);
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_string_equal(run.body, "123456789");
    free(run.body);
    assert_int_equal(unlink(path), 0);
}

static void broken_answer_is_econnreset(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/breaks");
    run_to_end(&run);
    assert_int_equal(run.error, -ECONNRESET);
    assert_int_equal(run.status, 0);
    free(run.body);
}

static void late_answer_comes(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/late");
    assert_int_equal(run_start(&run), 0);
    fixture_run_for(&fixture, 20);
    assert_false(run.done);
    respond(late, 200, "at last");
    run_wait(&run);
    assert_int_equal(run.error, 0);
    assert_string_equal(run.body, "at last");
    assert_int_equal(late_cancelled, 0);
    free(run.body);
}

static void silence_is_etimedout_and_told(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/late");
    run.request.timeout_ms = 50;
    run_to_end(&run);
    assert_int_equal(run.error, -ETIMEDOUT);
    fixture_run_for(&fixture, 10);
    assert_int_equal(late_cancelled, -ETIMEDOUT);
    const struct virga_response res = {.struct_size = sizeof res, .status = 200};
    assert_int_equal(late->http->respond(late, &res), -ECANCELED);
    free(run.body);
}

static void cancelled_call_is_ecanceled_and_told(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/late");
    assert_int_equal(run_start(&run), 0);
    fixture_run_for(&fixture, 20);
    in_call = true;
    ext_dispatch.cancel(run.handle);
    in_call = false;
    run_wait(&run);
    assert_int_equal(run.error, -ECANCELED);
    fixture_run_for(&fixture, 10);
    assert_int_equal(late_cancelled, -ECONNRESET);
    respond(late, 200, "nobody reads it");
    free(run.body);
    /* Before it began: the handler never sees it. */
    late = NULL;
    run_init(&run, "/late");
    assert_int_equal(run_start(&run), 0);
    ext_dispatch.cancel(run.handle);
    run_wait(&run);
    assert_int_equal(run.error, -ECANCELED);
    assert_null(late);
    free(run.body);
}

static void nesting_ends_with_eloop(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/calls");
    run_to_end(&run);
    assert_string_equal(run.body, "further");
    free(run.body);
    fixture_run_for(&fixture, 50);
    assert_int_equal(inner_result, -ELOOP);
    assert_int_equal(inner_count, EXT_DISPATCH_DEPTH_MAX);
    for (int i = 0; i < inner_count - 1; i++) {
        assert_true(inner[i].done);
        free(inner[i].body);
    }
    /* What came after each other was not nested. */
    run_init(&run, "/parts");
    assert_run(&run, 200, "");
}

static void nesting_is_counted_for_who_has_answered_already(void **state) {
    (void)state;
    struct run run;
    answers_first = true;
    run_init(&run, "/calls");
    run_to_end(&run);
    free(run.body);
    fixture_run_for(&fixture, 50);
    assert_int_equal(inner_result, -ELOOP);
    assert_int_equal(inner_count, EXT_DISPATCH_DEPTH_MAX);
    for (int i = 0; i < inner_count - 1; i++) {
        free(inner[i].body);
    }
}

/* A plugin's end takes its calls away; the handler's answer goes nowhere. */
static void reclaimed_call_tells_nobody(void **state) {
    (void)state;
    struct run run;
    run_init(&run, "/late");
    assert_int_equal(run_start(&run), 0);
    fixture_run_for(&fixture, 20);
    fixture_reclaim(&fixture);
    fixture_run_for(&fixture, 20);
    assert_false(run.done);
    respond(late, 200, "nobody reads it");
}

static void malformed_calls_are_einval(void **state) {
    (void)state;
    static const struct virga_header bad[] = {{{"A b", 3}, {"x", 1}},
                                              {{"A", 1}, {"x\r\nB: y", 7}},
                                              {{"", 0}, {"x", 1}},
                                              {{"Content-Length", 14}, {"5", 1}},
                                              {{"Expect", 6}, {"100-continue", 12}},
                                              {{"Transfer-Encoding", 17}, {"chunked", 7}}};
    static const char *const targets[] = {"", "x", "/a b", "/a\r\nB: c", "http://", "/a#b"};
    struct run run;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        run_init(&run, "/late");
        run.request.headers = &bad[i];
        run.request.headers_count = 1;
        assert_int_equal(run_start(&run), -EINVAL);
    }
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        run_init(&run, targets[i]);
        assert_int_equal(run_start(&run), -EINVAL);
    }
    run_init(&run, "/late");
    run.request.method = "GET / HTTP/1.1\r\nX: y";
    assert_int_equal(run_start(&run), -EINVAL);
    run_init(&run, "/late");
    run.request.account = virga_str_from("../12345678");
    assert_int_equal(run_start(&run), -EINVAL);
    run_init(&run, "/late");
    run.request.region = virga_str_from("../x");
    assert_int_equal(run_start(&run), -EINVAL);
    run_init(&run, "/late");
    run.request.on_done = NULL;
    assert_int_equal(run_start(&run), -EINVAL);
    run_init(&run, "/late");
    run.request.struct_size = 8;
    assert_int_equal(run_start(&run), -EINVAL);
    fixture_run_for(&fixture, 10);
    assert_null(late);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(call_arrives_as_an_aws_request),
        TEST(an_access_key_of_its_own_is_seen),
        TEST(defaults_are_the_hosts),
        TEST(everything_is_copied),
        TEST(query_action_in_the_body_is_routed),
        TEST(unknown_services_answer_in_their_protocol),
        TEST(body_beyond_the_route_is_413),
        TEST(streamed_bodies_flow_through),
        TEST(cancelled_call_leaves_a_paused_chunk),
        TEST(answers_in_parts_are_put_together),
        TEST(answer_beyond_the_limit_is_emsgsize),
        TEST(head_has_no_body),
        TEST(files_are_answers_too),
        TEST(broken_answer_is_econnreset),
        TEST(late_answer_comes),
        TEST(silence_is_etimedout_and_told),
        TEST(cancelled_call_is_ecanceled_and_told),
        TEST(nesting_ends_with_eloop),
        TEST(nesting_is_counted_for_who_has_answered_already),
        TEST(reclaimed_call_tells_nobody),
        TEST(malformed_calls_are_einval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
