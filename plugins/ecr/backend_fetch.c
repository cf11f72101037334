/* SPDX-License-Identifier: MIT */
/* Virga's own requests to the registry. */
#include "backend_impl.h"

#include <errno.h>
#include <stdlib.h>

#define FETCH_TIMEOUT_MS 60000
#define FETCH_BODY_LIMIT (64u << 20) /* a registry answers tags/list whole */
#define FETCH_TRIES 3

/* Makes the body of backend_send(). */
struct sender {
    size_t (*on_send)(void *arg, char *to, size_t size); /* NULL: the body is there already */
    uint64_t length;
};

struct backend_call {
    struct backend *backend;
    struct backend_call *next;
    struct backend_call **link; /* what points to this one */
    bool now;                   /* without waiting and trying again */
    int tries;
    struct virga_fetch_handle *fetch;
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void *arg;
    struct sender sender;
    /* the request, in the same allocation */
    const char *method;
    const char *path;
    struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;
};

static void unlink_call(struct backend_call *call) {
    *call->link = call->next;
    if (call->next != NULL) {
        call->next->link = call->link;
    }
}

static void finish(struct backend_call *call, const struct virga_fetch_response *res) {
    struct backend *backend = call->backend;
    unlink_call(call);
    call->on_done(call->arg, res);
    free(call);
    backend_check_stopped(backend);
}

static void finish_with(struct backend_call *call, int error, const char *reason) {
    const struct virga_fetch_response res = {
        .struct_size = sizeof res, .error = error, .error_text = reason};
    finish(call, &res);
}

static void on_ready(void *arg, int status, const char *reason);

static void on_fetched(void *arg, const struct virga_fetch_response *res) {
    struct backend_call *call = arg;
    struct backend *backend = call->backend;
    call->fetch = NULL;
    if (res->status == 0 && backend_error_is_loss(res->error)) {
        backend_suspect(backend);
        /* Every request that virga makes itself may be made twice, but those that are sent as they
         * are made. */
        if (!call->now && call->sender.on_send == NULL && call->tries < FETCH_TRIES &&
            backend->state != BACKEND_STOPPING) {
            backend_ready(backend, on_ready, call);
            return;
        }
    }
    finish(call, res);
}

static size_t on_fetch_sends(void *arg, char *to, size_t size) {
    struct backend_call *call = arg;
    return call->sender.on_send(call->arg, to, size);
}

/* Where the path is to be asked for. NULL: out of memory. */
static char *make_url(const struct registry_address *address, const char *path) {
    bool tcp = address->unix_path[0] == '\0';
    bool v6 = tcp && strchr(address->host, ':') != NULL;
    char *url = NULL;
    int len = tcp ? asprintf(&url, "http://%s%s%s:%u%s", v6 ? "[" : "", address->host,
                             v6 ? "]" : "", address->port, path)
                  : asprintf(&url, "http://localhost%s", path);
    return len < 0 ? NULL : url;
}

static void send(struct backend_call *call) {
    struct backend *backend = call->backend;
    char *url = make_url(&backend->address, call->path);
    if (url == NULL) {
        finish_with(call, -ENOMEM, "out of memory");
        return;
    }
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .method = call->method,
        .url = url,
        .unix_path = backend->address.unix_path[0] != '\0' ? backend->address.unix_path : NULL,
        .headers = call->headers,
        .headers_count = call->headers_count,
        .body = call->body,
        .timeout_ms = FETCH_TIMEOUT_MS,
        .body_limit_bytes = FETCH_BODY_LIMIT,
        .on_done = on_fetched,
        .arg = call,
        .on_send = call->sender.on_send != NULL ? on_fetch_sends : NULL,
        .send_length = call->sender.length,
    };
    call->tries++;
    int result = backend->ecr->fetch->start(backend->ecr->host, &request, &call->fetch);
    free(url);
    if (result != 0) {
        finish_with(call, result, strerror(-result));
    }
}

static void on_ready(void *arg, int status, const char *reason) {
    struct backend_call *call = arg;
    if (status != 0) {
        finish_with(call, status, reason);
    } else {
        send(call);
    }
}

static void on_now(void *arg) {
    struct backend_call *call = arg;
    if (call->backend->state == BACKEND_STOPPING) {
        finish_with(call, -ECANCELED, "the host is stopping");
    } else {
        send(call);
    }
}

static char *put_bytes(char **at, const char *bytes, size_t len) {
    char *start = *at;
    if (len > 0) {
        memcpy(start, bytes, len);
    }
    start[len] = '\0';
    *at += len + 1;
    return start;
}

static int begin(struct backend *backend, bool now, const char *method, const char *path,
                 const struct virga_header *headers, size_t headers_count, struct virga_str body,
                 struct sender sender,
                 void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    size_t size = sizeof(struct backend_call) + headers_count * sizeof *headers;
    size += strlen(method) + 1 + strlen(path) + 1 + body.len + 1;
    for (size_t i = 0; i < headers_count; i++) {
        size += headers[i].name.len + headers[i].value.len + 2;
    }
    struct backend_call *call = calloc(1, size);
    if (call == NULL) {
        return -ENOMEM;
    }
    call->backend = backend;
    call->now = now;
    call->on_done = on_done;
    call->arg = arg;
    call->sender = sender;
    call->headers = (struct virga_header *)(void *)(call + 1);
    call->headers_count = headers_count;
    char *at = (char *)(call->headers + headers_count);
    call->method = put_bytes(&at, method, strlen(method));
    call->path = put_bytes(&at, path, strlen(path));
    for (size_t i = 0; i < headers_count; i++) {
        struct virga_header header;
        header.name.len = headers[i].name.len;
        header.name.ptr = put_bytes(&at, headers[i].name.ptr, headers[i].name.len);
        header.value.len = headers[i].value.len;
        header.value.ptr = put_bytes(&at, headers[i].value.ptr, headers[i].value.len);
        call->headers[i] = header;
    }
    call->body.ptr = body.ptr != NULL ? put_bytes(&at, body.ptr, body.len) : NULL;
    call->body.len = body.len;
    if (now && backend_later(backend, on_now, call) != 0) {
        free(call);
        return -ENOMEM;
    }
    call->next = backend->calls;
    call->link = &backend->calls;
    if (call->next != NULL) {
        call->next->link = &call->next;
    }
    backend->calls = call;
    if (!now) {
        backend_ready(backend, on_ready, call);
    }
    return 0;
}

int backend_fetch(struct backend *backend, const char *method, const char *path,
                  const struct virga_header *headers, size_t headers_count, struct virga_str body,
                  void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    return begin(backend, false, method, path, headers, headers_count, body, (struct sender){0},
                 on_done, arg);
}

int backend_send(struct backend *backend, const char *method, const char *path, uint64_t length,
                 size_t (*on_send)(void *arg, char *to, size_t size),
                 void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    const struct virga_header type = {virga_str_from("Content-Type"),
                                      virga_str_from("application/octet-stream")};
    return begin(backend, false, method, path, &type, 1, (struct virga_str){NULL, 0},
                 (struct sender){on_send, length}, on_done, arg);
}

int backend_fetch_now(struct backend *backend, const char *method, const char *path,
                      const struct virga_header *headers, size_t headers_count,
                      struct virga_str body,
                      void (*on_done)(void *arg, const struct virga_fetch_response *res),
                      void *arg) {
    return begin(backend, true, method, path, headers, headers_count, body, (struct sender){0},
                 on_done, arg);
}

int backend_stream(struct backend *backend, const char *path,
                   const struct virga_fetch_request *given, struct virga_fetch_handle **ret_fetch) {
    struct virga_fetch_request request = *given;
    const struct registry_address *address = &backend->address;
    char *url = make_url(address, path);
    if (url == NULL) {
        return -ENOMEM;
    }
    request.url = url;
    request.unix_path = address->unix_path[0] != '\0' ? address->unix_path : NULL;
    int result = backend->ecr->fetch->start(backend->ecr->host, &request, ret_fetch);
    free(url);
    return result;
}

void backend_cancel_calls(struct backend *backend) {
    for (struct backend_call *call = backend->calls; call != NULL; call = call->next) {
        if (call->fetch != NULL) {
            backend->ecr->fetch->cancel(call->fetch);
        }
    }
}

void backend_free_calls(struct backend *backend) {
    while (backend->calls != NULL) {
        struct backend_call *call = backend->calls;
        unlink_call(call);
        free(call);
    }
}
