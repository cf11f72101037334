/* SPDX-License-Identifier: MIT */
/* Requests: how a test makes and sends them, and looks at the answer. */
#include "request.h"

#include <stdlib.h>

#define BODY_LIMIT_BYTES (UINT64_C(1024) * 1024) /* of a route that names none, as in the host */
#define ID_FORMAT "00000000-0000-4000-8000-%012u"

/* --- memory --- */

void *kit_request_memory(struct testkit_request *req, size_t size) {
    struct block *block = kit_must_alloc(sizeof *block + size);
    block->next = req->arena;
    req->arena = block;
    return block->bytes;
}

struct virga_str kit_request_copy(struct testkit_request *req, const char *bytes, size_t len) {
    char *to = kit_request_memory(req, len + 1);
    if (len > 0) {
        memcpy(to, bytes, len);
    }
    return (struct virga_str){to, len};
}

static void free_arena(struct testkit_request *req) {
    while (req->arena != NULL) {
        struct block *next = req->arena->next;
        free(req->arena);
        req->arena = next;
    }
}

/* --- making --- */

struct testkit_request *testkit_request_create(struct testkit *kit, const char *method,
                                               const char *target) {
    struct testkit_request *req = kit_must_alloc(sizeof *req);
    req->kit = kit;
    req->number = ++kit->requests_sent;
    req->method = kit_must_strdup(method);
    req->target = kit_must_strdup(target);
    req->account = kit_must_strdup("000000000000");
    req->region = kit_must_strdup("us-east-1");
    req->service = kit_must_strdup("");
    link_init(&req->pieces);
    task_init(&req->body_task);
    task_init(&req->writable_task);
    task_init(&req->cancel_task);
    link_append(&kit->requests, &req->link);
    return req;
}

static void add_line(struct text *lines, const char *name, const char *value) {
    kit_text_add(lines, name, strlen(name));
    kit_text_add(lines, ": ", 2);
    kit_text_add(lines, value, strlen(value));
    kit_text_add(lines, "\n", 1);
}

void testkit_request_header(struct testkit_request *req, const char *name, const char *value) {
    add_line(&req->header_lines, name, value);
}

void testkit_request_trailer(struct testkit_request *req, const char *name, const char *value) {
    add_line(&req->trailer_lines, name, value);
}

void testkit_request_body(struct testkit_request *req, const void *bytes, size_t len) {
    req->body.len = 0;
    kit_text_add(&req->body, bytes, len);
    req->has_body = true;
}

static void replace(char **text, const char *with) {
    if (with != NULL) {
        free(*text);
        *text = kit_must_strdup(with);
    }
}

void testkit_request_identity(struct testkit_request *req, const char *account, const char *region,
                              const char *service) {
    replace(&req->account, account);
    replace(&req->region, region);
    replace(&req->service, service);
}

void testkit_request_piece(struct testkit_request *req, const void *bytes, size_t len) {
    struct piece *piece = kit_must_alloc(sizeof *piece);
    piece->bytes = kit_must_copy(bytes, len);
    piece->len = len;
    link_append(&req->pieces, &piece->link);
}

void testkit_request_break_body(struct testkit_request *req, int status) {
    req->break_status = status;
}

void testkit_request_slow(struct testkit_request *req) {
    req->slow = true;
}

/* --- sending --- */

/* Everything that the plugin sees lies in the arena, so that nothing outlives the answer. */
static void fill(struct testkit_request *req) {
    struct virga_request *pub = &req->pub;
    char id[48];
    size_t count;
    struct virga_header *headers = kit_headers_parse(kit_text_get(&req->header_lines), &count);
    struct virga_header *own = kit_request_memory(req, (count + 1) * sizeof *own);
    for (size_t i = 0; i < count; i++) {
        own[i].name = kit_request_copy(req, headers[i].name.ptr, headers[i].name.len);
        own[i].value = kit_request_copy(req, headers[i].value.ptr, headers[i].value.len);
    }
    free(headers);
    *pub = (struct virga_request){.struct_size = sizeof *pub, .http = &kit_http};
    (void)snprintf(id, sizeof id, ID_FORMAT, req->number);
    pub->id = kit_request_copy(req, id, strlen(id));
    pub->method = kit_request_copy(req, req->method, strlen(req->method));
    pub->target = kit_request_copy(req, req->target, strlen(req->target));
    size_t path_len = strcspn(req->target, "?");
    pub->path = kit_request_copy(req, req->target, path_len);
    const char *query = req->target + path_len + (req->target[path_len] == '?');
    pub->query = kit_request_copy(req, query, strlen(query));
    pub->headers = own;
    pub->headers_count = count;
    struct virga_str host = kit_headers_find(own, count, "host");
    pub->host = host.ptr != NULL ? host : virga_str_from("localhost:4566");
    pub->peer = virga_str_from("127.0.0.1:40000");
    pub->account = kit_request_copy(req, req->account, strlen(req->account));
    pub->region = kit_request_copy(req, req->region, strlen(req->region));
    pub->service = kit_request_copy(req, req->service, strlen(req->service));
    pub->access_key = req->service[0] != '\0' ? pub->account : virga_str_from("");
    pub->action = virga_str_from("");
    if (req->has_body) {
        pub->body = kit_request_copy(req, req->body.ptr, req->body.len);
        pub->content_length = req->body.len;
    } else {
        pub->body = virga_str_from("");
    }
}

/* A body that was given whole is a stream of one piece, and pieces joined are a whole body. */
static void fit_body(struct testkit_request *req, bool streams) {
    struct virga_request *pub = &req->pub;
    if (streams && req->has_body && link_alone(&req->pieces)) {
        testkit_request_piece(req, req->body.ptr, req->body.len);
    }
    if (!streams && !req->has_body && !link_alone(&req->pieces)) {
        LINK_EACH(at, &req->pieces) {
            const struct piece *piece = LINK_ENTRY(at, struct piece, link);
            kit_text_add(&req->body, piece->bytes, piece->len);
        }
        pub->body = kit_request_copy(req, req->body.ptr, req->body.len);
        pub->content_length = pub->body.len;
    }
    if (streams) {
        uint64_t length = 0;
        LINK_EACH(at, &req->pieces) {
            length += LINK_ENTRY(at, struct piece, link)->len;
        }
        struct virga_str coding =
            kit_headers_find(pub->headers, pub->headers_count, "transfer-encoding");
        pub->content_length = coding.ptr != NULL ? VIRGA_LENGTH_UNKNOWN : length;
        pub->body = (struct virga_str){NULL, 0};
        pub->flags |= VIRGA_REQUEST_STREAMS;
    }
    if (pub->content_length > 0) {
        pub->flags |= VIRGA_REQUEST_HAS_BODY;
    }
}

static void name_it(struct testkit_request *req) {
    char name[256];
    struct virga_str target =
        kit_headers_find(req->pub.headers, req->pub.headers_count, "x-amz-target");
    (void)snprintf(name, sizeof name, "request %u (%s %.80s%s%.*s)", req->number, req->method,
                   req->target, target.len > 0 ? " " : "",
                   (int)(target.len < 100 ? target.len : 100),
                   target.ptr != NULL ? target.ptr : "");
    replace(&req->name, name);
}

void kit_request_set_error(struct testkit_request *req, int status, const char *message) {
    static const struct virga_header type = {{"Content-Type", 12}, {"application/json", 16}};
    kit_request_set_head(req, status, &type, 1);
    kit_text_printf(&req->answer, "{\"message\":\"%s\"}", message);
    req->complete = true;
}

static int refuse(struct testkit_request *req, int result, int status, const char *message) {
    kit_request_set_error(req, status, message);
    req->state = REQUEST_DONE;
    free_arena(req);
    return result;
}

/* Settles how the body comes. Errors: -EMSGSIZE, answered with 413. */
static int shape_body(struct testkit_request *req, bool streams, uint64_t limit_bytes) {
    fit_body(req, streams);
    uint64_t most = limit_bytes != 0 ? limit_bytes : BODY_LIMIT_BYTES;
    if (!streams && req->pub.body.len > most) {
        return refuse(req, -EMSGSIZE, 413, "The body is too long");
    }
    return 0;
}

int kit_request_prepare(struct testkit_request *req, bool streams, uint64_t limit_bytes) {
    if (req->state != REQUEST_BUILT || req->kit->state == KIT_IDLE) {
        return -EINVAL;
    }
    fill(req);
    name_it(req);
    return shape_body(req, streams, limit_bytes);
}

int testkit_send(struct testkit_request *req) {
    struct testkit *kit = req->kit;
    struct kit_call call;
    if (req->state != REQUEST_BUILT || kit->state != KIT_RUNNING) {
        return -EINVAL;
    }
    fill(req);
    name_it(req);
    int result = kit_route_match(req);
    if (result != 0) {
        return result == -ENOENT ? refuse(req, result, 404, "No route of the plugin takes this")
                                 : refuse(req, result, 405, "Not with this method");
    }
    result =
        shape_body(req, (req->route.flags & VIRGA_ROUTE_STREAM) != 0, req->route.body_limit_bytes);
    if (result != 0) {
        return result;
    }
    req->state = REQUEST_OPEN;
    kit_enter(&call, kit, "handle");
    kit->plugin.handle(kit->self, &req->pub);
    kit_leave(&call);
    return 0;
}

/* --- asking --- */

struct testkit_request *testkit_ask(struct testkit *kit, const char *method, const char *target,
                                    const char *body) {
    struct testkit_request *req = testkit_request_create(kit, method, target);
    if (body != NULL) {
        testkit_request_body(req, body, strlen(body));
    }
    (void)testkit_send(req);
    (void)testkit_run(kit);
    return req;
}

struct testkit_request *testkit_ask_target(struct testkit *kit, const char *target,
                                           const char *body) {
    struct testkit_request *req = testkit_request_create(kit, "POST", "/");
    testkit_request_header(req, "Content-Type", "application/x-amz-json-1.1");
    testkit_request_header(req, "X-Amz-Target", target);
    if (body != NULL) {
        testkit_request_body(req, body, strlen(body));
    }
    (void)testkit_send(req);
    (void)testkit_run(kit);
    return req;
}

struct testkit_request *testkit_ask_query(struct testkit *kit, const char *service,
                                          const char *form) {
    struct testkit_request *req = testkit_request_create(kit, "POST", "/");
    testkit_request_header(req, "Content-Type", "application/x-www-form-urlencoded");
    testkit_request_identity(req, NULL, NULL, service);
    testkit_request_body(req, form, strlen(form));
    (void)testkit_send(req);
    (void)testkit_run(kit);
    return req;
}

/* --- who owns it --- */

bool kit_request_answerable(struct testkit_request *req, const char *what) {
    if (req->state == REQUEST_OPEN || req->state == REQUEST_ANSWERING) {
        return true;
    }
    kit_problem(req->kit, "%s: %s after it was answered", req->name, what);
    return false;
}

void kit_request_give_back(struct testkit_request *req) {
    const struct virga_http *http = req->pub.http;
    if (req->write_waits) {
        kit_problem(req->kit, "%s: given back while a write waits", req->name);
        req->write_waits = false;
    }
    req->state = REQUEST_DONE;
    req->on_body = NULL;
    req->on_cancel = NULL;
    kit_task_disarm(&req->body_task);
    kit_task_disarm(&req->writable_task);
    kit_task_disarm(&req->cancel_task);
    /* What is left of it suffices to notice a second answer. */
    req->pub = (struct virga_request){.struct_size = sizeof req->pub, .http = http};
    free_arena(req);
    free(req->chunk);
    req->chunk = NULL;
}

static void free_request(struct testkit_request *req) {
    while (!link_alone(&req->pieces)) {
        struct piece *piece = LINK_ENTRY(req->pieces.next, struct piece, link);
        link_remove(&piece->link);
        free(piece->bytes);
        free(piece);
    }
    kit_task_disarm(&req->body_task);
    kit_task_disarm(&req->writable_task);
    kit_task_disarm(&req->cancel_task);
    link_remove(&req->link);
    free_arena(req);
    free(req->chunk);
    free(req->name);
    free(req->method);
    free(req->target);
    free(req->account);
    free(req->region);
    free(req->service);
    free(req->writes);
    free(req->answer_header_list);
    free(req->trailers);
    kit_text_free(&req->trailer_lines);
    kit_text_free(&req->header_lines);
    kit_text_free(&req->body);
    kit_text_free(&req->answer_headers);
    kit_text_free(&req->answer);
    free(req);
}

static bool is_open(const struct testkit_request *req) {
    return req->state == REQUEST_OPEN || req->state == REQUEST_ANSWERING;
}

static void end(struct testkit_request *req) {
    if (is_open(req)) {
        kit_problem(req->kit, "%s was never answered", req->name);
        req->write_waits = false;
        kit_request_give_back(req);
    }
}

void testkit_request_destroy(struct testkit_request *req) {
    if (req != NULL) {
        end(req);
        free_request(req);
    }
}

void kit_requests_cancel_all(struct testkit *kit) {
    LINK_EACH(at, &kit->requests) {
        testkit_request_cancel(LINK_ENTRY(at, struct testkit_request, link), -ECANCELED);
    }
}

void kit_requests_end_all(struct testkit *kit) {
    LINK_EACH(at, &kit->requests) {
        end(LINK_ENTRY(at, struct testkit_request, link));
    }
}

void kit_requests_finish(struct testkit *kit) {
    LINK_EACH(at, &kit->requests) {
        free_request(LINK_ENTRY(at, struct testkit_request, link));
    }
}

/* --- looking at the answer --- */

int testkit_status(const struct testkit_request *req) {
    return req->status;
}

const char *testkit_header(const struct testkit_request *req, const char *name) {
    return kit_headers_find(req->answer_header_list, req->answer_headers_count, name).ptr;
}

const char *testkit_body(const struct testkit_request *req) {
    return kit_text_get(&req->answer);
}

size_t testkit_body_length(const struct testkit_request *req) {
    return req->answer.len;
}

size_t testkit_writes_count(const struct testkit_request *req) {
    return req->writes_count;
}

struct virga_str testkit_write_bytes(const struct testkit_request *req, size_t n) {
    size_t at = 0;
    if (n >= req->writes_count) {
        return (struct virga_str){NULL, 0};
    }
    for (size_t i = 0; i < n; i++) {
        at += req->writes[i];
    }
    return (struct virga_str){kit_text_get(&req->answer) + at, req->writes[n]};
}

int testkit_is_complete(const struct testkit_request *req) {
    return req->complete;
}

unsigned testkit_times_answered(const struct testkit_request *req) {
    return req->answers;
}
