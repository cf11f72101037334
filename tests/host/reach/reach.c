/* SPDX-License-Identifier: MIT */
/* A plugin for the host tests: answers out of files, calls to other plugins, streams from and to
 * other servers, metrics. It knows no service. */
#include <errno.h>
#include <stdlib.h>

#include <virga/virga.h>

#define REACH_URL_MAX 2000

enum reach_route { REACH_FILE = 1, REACH_CALL, REACH_GET, REACH_PUT };

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_REST, .pattern = "/reach/file/{path+}", .tag = REACH_FILE},
    {.kind = VIRGA_ROUTE_REST,
     .pattern = "/reach/call/{service}/{path+}",
     .body_limit_bytes = 8 << 20,
     .tag = REACH_CALL},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/reach/to/{port}", .tag = REACH_GET},
    {.kind = VIRGA_ROUTE_REST,
     .flags = VIRGA_ROUTE_STREAM,
     .method = "PUT",
     .pattern = "/reach/to/{port}",
     .tag = REACH_PUT},
};

struct reach {
    const struct virga_host *host;
    const struct virga_file *file;
    const struct virga_dispatch *dispatch;
    const struct virga_fetch *fetch;
    const struct virga_metrics *metrics;
    struct virga_metric *seen;
    struct virga_metric *open;
    struct virga_metric *sizes;
};

/* One fetch between a client and a server; lives in the request's arena. */
struct bridge {
    struct reach *reach;
    struct virga_request *req;
    struct virga_fetch_handle *fetch;
    struct virga_str chunk; /* of the request's body, not yet sent */
    int body_ended;
    int status;    /* of the server's answer */
    int answering; /* the client has its head */
    char *copy;    /* what was written last */
    int waiting;   /* for on_writable */
    int fetched;
};

static void count(const struct reach *reach, const char *what) {
    const char *const values[] = {what};
    reach->metrics->add(reach->seen, values, 1);
}

static void answer(struct virga_request *req, int status, struct virga_str text) {
    const struct virga_response res = {.struct_size = sizeof res, .status = status, .body = text};
    (void)req->http->respond(req, &res);
}

/* --- file: GET and HEAD, with "Range: bytes=first-last" --- */

static void on_file_done(void *arg, int status) {
    const struct reach *reach = arg;
    reach->metrics->add(reach->open, NULL, -1);
    count(reach, status == 0 ? "file sent" : "file broken off");
}

static void file(struct reach *reach, struct virga_request *req) {
    char path[4096], shown[100];
    struct virga_str wanted = req->http->header(req, "range");
    unsigned long long first = 0, last = 0;
    struct virga_response res = {.struct_size = sizeof res, .status = 200};
    struct virga_file_range range = {.struct_size = sizeof range,
                                     .fd = -1,
                                     .path = path,
                                     .length = VIRGA_LENGTH_UNKNOWN,
                                     .on_done = on_file_done,
                                     .arg = reach};
    struct virga_header header = {virga_str_from("Content-Range"), {NULL, 0}};
    (void)snprintf(path, sizeof path, "/%s", req->params[0].ptr);
    if (wanted.ptr != NULL && sscanf(wanted.ptr, "bytes=%llu-%llu", &first, &last) == 2) {
        (void)snprintf(shown, sizeof shown, "bytes %llu-%llu/*", first, last);
        header.value = virga_str_from(shown);
        res.status = 206;
        res.headers = &header;
        res.headers_count = 1;
        range.offset = first;
        range.length = last - first + 1;
    }
    int result = reach->file->respond(reach->host, req, &res, &range);
    if (result == 0) {
        reach->metrics->add(reach->open, NULL, 1);
    } else if (result != -ECANCELED) {
        answer(req, result == -ENOENT ? 404 : 416, virga_str_from(""));
    }
}

/* --- call: the same request to another plugin --- */

static void on_call_done(void *arg, const struct virga_dispatch_response *res) {
    struct virga_request *req = arg;
    char text[40];
    struct reach *reach = req->user;
    reach->metrics->add(reach->sizes, NULL, (double)res->body.len);
    if (res->error != 0) {
        (void)snprintf(text, sizeof text, "error %d", res->error);
        answer(req, 502, virga_str_from(text));
        return;
    }
    const struct virga_response back = {.struct_size = sizeof back,
                                        .status = res->status,
                                        .headers = res->headers,
                                        .headers_count = res->headers_count,
                                        .body = res->body};
    (void)req->http->respond(req, &back);
}

static void call(struct reach *reach, struct virga_request *req) {
    char target[REACH_URL_MAX];
    struct virga_header headers[8];
    struct virga_dispatch_request request = {.struct_size = sizeof request,
                                             .method = req->method.ptr,
                                             .headers = headers,
                                             .body = req->body,
                                             .account = req->account,
                                             .region = req->region,
                                             .service = req->params[0],
                                             .body_limit_bytes = 1 << 20,
                                             .timeout_ms = 2000,
                                             .on_done = on_call_done,
                                             .arg = req};
    static const char *const names[] = {"X-Amz-Target", "Content-Type"};
    for (size_t i = 0; i < 2; i++) {
        struct virga_str value = req->http->header(req, names[i]);
        if (value.ptr != NULL) {
            headers[request.headers_count++] =
                (struct virga_header){virga_str_from(names[i]), value};
        }
    }
    (void)snprintf(target, sizeof target, "/%s", req->params[1].ptr);
    request.target = virga_str_from(target);
    req->user = reach;
    if (reach->dispatch->call(reach->host, &request, NULL) != 0) {
        answer(req, 400, virga_str_from("not called"));
    }
}

/* --- to: a server's answer to the client, the client's body to a server, as they come --- */

static void on_head(void *arg, const struct virga_fetch_response *res) {
    struct bridge *bridge = arg;
    bridge->status = res->status;
}

static void end_answer(struct bridge *bridge, int error) {
    char *copy = bridge->copy;
    if (error == 0) {
        bridge->req->http->end(bridge->req);
    } else {
        bridge->req->http->abort(bridge->req);
    }
    free(copy);
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    struct bridge *bridge = arg;
    (void)req;
    bridge->waiting = 0;
    if (bridge->fetched) {
        end_answer(bridge, status);
    } else if (status < 0) {
        bridge->reach->fetch->cancel(bridge->fetch);
    } else {
        bridge->reach->fetch->resume(bridge->fetch);
    }
}

/* A chunk is lent for the call only, and write() wants its bytes to stay. */
static int write_copy(struct bridge *bridge, struct virga_str chunk) {
    struct virga_request *req = bridge->req;
    const struct virga_response res = {.struct_size = sizeof res, .status = bridge->status};
    if (!bridge->answering) {
        bridge->answering = 1;
        int result = req->http->respond_begin(req, &res, VIRGA_LENGTH_UNKNOWN, on_writable, bridge);
        if (result != 0) {
            return result;
        }
    }
    char *copy = realloc(bridge->copy, chunk.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    bridge->copy = memcpy(copy, chunk.ptr, chunk.len);
    return req->http->write(req, (struct virga_str){copy, chunk.len});
}

static int on_chunk(void *arg, struct virga_str chunk) {
    struct bridge *bridge = arg;
    if (bridge->waiting) {
        return VIRGA_BODY_PAUSE;
    }
    int result = write_copy(bridge, chunk);
    bridge->waiting = result == 0;
    if (result < 0) {
        bridge->reach->fetch->cancel(bridge->fetch);
    }
    return VIRGA_BODY_GO_ON;
}

static void on_fetched(void *arg, const struct virga_fetch_response *res) {
    struct bridge *bridge = arg;
    struct virga_request *req = bridge->req;
    count(bridge->reach, res->error == 0 ? "fetched" : "not fetched");
    bridge->fetched = 1;
    if (req->route->tag == REACH_PUT) {
        req->http->body_stop(req);
    }
    if (bridge->waiting && res->error == 0) {
        return; /* on_writable() ends it */
    }
    if (bridge->answering) {
        end_answer(bridge, res->error);
    } else {
        answer(req, res->error == 0 ? res->status : 502, res->body);
    }
}

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct bridge *bridge = arg;
    (void)req;
    if (status < 0) {
        bridge->reach->fetch->cancel(bridge->fetch);
        return VIRGA_BODY_GO_ON;
    }
    bridge->body_ended = status == VIRGA_BODY_END;
    bridge->chunk = chunk;
    bridge->reach->fetch->resume(bridge->fetch);
    return status == VIRGA_BODY_DATA ? VIRGA_BODY_PAUSE : VIRGA_BODY_GO_ON;
}

static size_t on_send(void *arg, char *to, size_t size) {
    struct bridge *bridge = arg;
    if (bridge->chunk.len == 0) {
        return bridge->body_ended ? 0 : VIRGA_FETCH_WAIT;
    }
    size_t len = bridge->chunk.len < size ? bridge->chunk.len : size;
    memcpy(to, bridge->chunk.ptr, len);
    bridge->chunk.ptr += len;
    bridge->chunk.len -= len;
    if (bridge->chunk.len == 0) {
        bridge->req->http->body_resume(bridge->req);
    }
    return len;
}

static void to(struct reach *reach, struct virga_request *req) {
    int is_put = req->route->tag == REACH_PUT;
    char url[100];
    struct bridge *bridge = req->http->alloc(req, sizeof *bridge);
    if (bridge == NULL) {
        req->http->abort(req);
        return;
    }
    *bridge = (struct bridge){.reach = reach, .req = req};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%s/", req->params[0].ptr);
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .method = req->method.ptr,
        .url = url,
        .on_head = on_head,
        .on_chunk = is_put ? NULL : on_chunk,
        .on_send = is_put ? on_send : NULL,
        .send_length = is_put ? req->content_length : 0,
        .on_done = on_fetched,
        .arg = bridge,
    };
    if (reach->fetch->start(reach->host, &request, &bridge->fetch) != 0) {
        answer(req, 400, virga_str_from("not fetched"));
    } else if (is_put) {
        (void)req->http->body_start(req, on_body, bridge);
    }
}

/* --- the plugin --- */

static void reach_handle(void *self, struct virga_request *req) {
    struct reach *reach = self;
    switch ((enum reach_route)req->route->tag) {
    case REACH_FILE:
        count(reach, "file");
        file(reach, req);
        break;
    case REACH_CALL:
        count(reach, "call");
        call(reach, req);
        break;
    case REACH_GET:
    case REACH_PUT:
        count(reach, "to");
        to(reach, req);
        break;
    }
}

static int make_metrics(struct reach *reach) {
    static const char *const labels[] = {"what", NULL};
    static const double buckets[] = {10, 1000, 100000};
    const struct virga_metric_options seen = {.struct_size = sizeof seen,
                                              .kind = VIRGA_METRIC_COUNTER,
                                              .name = "reach_seen_total",
                                              .help = "What the plugin has seen.",
                                              .labels = labels};
    const struct virga_metric_options open = {.struct_size = sizeof open,
                                              .kind = VIRGA_METRIC_GAUGE,
                                              .name = "reach_open_files",
                                              .help = "Files under way."};
    const struct virga_metric_options sizes = {.struct_size = sizeof sizes,
                                               .kind = VIRGA_METRIC_HISTOGRAM,
                                               .name = "reach_answer_bytes",
                                               .help = "Answers of others.",
                                               .buckets = buckets,
                                               .buckets_count = 3};
    int result = reach->metrics->create(reach->host, &seen, &reach->seen);
    result = result == 0 ? reach->metrics->create(reach->host, &open, &reach->open) : result;
    return result == 0 ? reach->metrics->create(reach->host, &sizes, &reach->sizes) : result;
}

static int reach_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct reach *reach = calloc(1, sizeof *reach);
    if (reach == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    reach->host = host;
    reach->file = host->get_interface(host, VIRGA_FILE_ID);
    reach->dispatch = host->get_interface(host, VIRGA_DISPATCH_ID);
    reach->fetch = host->get_interface(host, VIRGA_FETCH_ID);
    reach->metrics = host->get_interface(host, VIRGA_METRICS_ID);
    int result = make_metrics(reach);
    if (result != 0) {
        virga_error_set(err, "its metrics cannot be made");
        free(reach);
        return result;
    }
    *ret_self = reach;
    return 0;
}

static const char *const needs[] = {VIRGA_FILE_ID, VIRGA_DISPATCH_ID, VIRGA_FETCH_ID,
                                    VIRGA_METRICS_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "reach",
    .version = "1.0",     .summary = "Shows files, calls and streams to the host tests",
    VIRGA_ROUTES(routes), .needs = needs,
    .start = reach_start, .handle = reach_handle,
    .destroy = free,
};
