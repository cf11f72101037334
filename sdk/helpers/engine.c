/* SPDX-License-Identifier: MIT */
/* One request to a container engine, and its framed streams. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <virga/helpers/engine.h>

#define ANSWER_MAX (8u << 20)
#define FAILURE_MAX                                                                                \
    4096 /* of an answer that is a failure, where the good one would be streamed                   \
          */
#define CONNECT_TIMEOUT_MS 1500
#define JSON_DEPTH 64

struct virga_engine_call {
    const struct virga_fetch *fetch;
    struct virga_fetch_handle *handle;
    int status; /* once the head of a streamed answer is there */
    void (*on_head)(void *arg, int status);
    void (*on_data)(void *arg, struct virga_str bytes);
    void (*on_done)(void *arg, const struct virga_engine_answer *answer);
    void *arg;
    size_t failure_len;
    char failure[FAILURE_MAX];
};

static struct json_object *parse(struct virga_str body) {
    struct json_tokener *tokener =
        body.len > 0 && body.len < INT32_MAX ? json_tokener_new_ex(JSON_DEPTH) : NULL;
    if (tokener == NULL) {
        return NULL;
    }
    struct json_object *json = json_tokener_parse_ex(tokener, body.ptr, (int)body.len);
    json_tokener_free(tokener);
    if (!json_object_is_type(json, json_type_object) &&
        !json_object_is_type(json, json_type_array)) {
        json_object_put(json);
        return NULL;
    }
    return json;
}

/* {"message": "..."}, which Podman adds a "cause" to; what is none is shown as it is. */
static void read_message(struct json_object *json, struct virga_str body, int status, char *buffer,
                         size_t size) {
    struct json_object *message = NULL;
    if (json_object_is_type(json, json_type_object) &&
        json_object_object_get_ex(json, "message", &message) &&
        json_object_is_type(message, json_type_string)) {
        (void)snprintf(buffer, size, "%s", json_object_get_string(message));
    } else if (body.len > 0) {
        (void)snprintf(buffer, size, "%.*s", (int)(body.len < 500 ? body.len : 500), body.ptr);
    } else {
        (void)snprintf(buffer, size, "the engine answered with status %d", status);
    }
    size_t len = strlen(buffer);
    while (len > 0 && (buffer[len - 1] == '\n' || buffer[len - 1] == '\r')) {
        buffer[--len] = '\0';
    }
}

static void on_head(void *arg, const struct virga_fetch_response *res) {
    struct virga_engine_call *call = arg;
    call->status = res->status;
    if (call->on_head != NULL) {
        call->on_head(call->arg, res->status);
    }
}

static int on_chunk(void *arg, struct virga_str chunk) {
    struct virga_engine_call *call = arg;
    if (call->status < 300) {
        call->on_data(call->arg, chunk);
        return VIRGA_BODY_GO_ON;
    }
    size_t room = sizeof call->failure - call->failure_len;
    size_t len = chunk.len < room ? chunk.len : room;
    memcpy(call->failure + call->failure_len, chunk.ptr, len);
    call->failure_len += len;
    return VIRGA_BODY_GO_ON;
}

static void on_done(void *arg, const struct virga_fetch_response *res) {
    struct virga_engine_call *call = arg;
    char message[1024] = "";
    struct virga_engine_answer answer = {
        .status = res->status, .error = res->error, .body = res->body, .message = ""};
    if (call->on_data != NULL) {
        answer.body = (struct virga_str){call->failure, call->failure_len};
    }
    answer.json = parse(answer.body);
    if (res->error != 0) {
        /* A stream that was cut has a status and an error. */
        bool local = res->error == -ENOENT || res->error == -ECONNREFUSED || res->error == -EACCES;
        (void)snprintf(message, sizeof message, "%s",
                       local ? strerror(-res->error) : res->error_text);
    } else if (res->status >= 300) {
        read_message(answer.json, answer.body, res->status, message, sizeof message);
    }
    answer.message = message;
    call->on_done(call->arg, &answer);
    json_object_put(answer.json);
    free(call);
}

int virga_engine_start(const struct virga_host *host, const struct virga_fetch *fetch,
                       const struct virga_engine_address *address,
                       const struct virga_engine_request *request,
                       struct virga_engine_call **ret_call) {
    struct virga_header headers[2];
    size_t headers_count = 0;
    struct virga_engine_call *call = calloc(1, sizeof *call);
    const char *api = strcmp(request->path, "/version") == 0 ? ""
                      : address->api[0] != '\0'              ? address->api
                                                             : VIRGA_ENGINE_API;
    size_t size = strlen(address->origin) + strlen(api) + strlen(request->path) + 1;
    char *url = malloc(size);
    if (call == NULL || url == NULL) {
        free(call);
        free(url);
        return -ENOMEM;
    }
    (void)snprintf(url, size, "%s%s%s", address->origin, api, request->path);
    if (request->json.ptr != NULL) {
        headers[headers_count++] = (struct virga_header){virga_str_from("Content-Type"),
                                                         virga_str_from("application/json")};
    }
    if (request->auth != NULL) {
        headers[headers_count++] =
            (struct virga_header){virga_str_from("X-Registry-Auth"), virga_str_from(request->auth)};
    }
    call->fetch = fetch;
    call->on_head = request->on_head;
    call->on_data = request->on_data;
    call->on_done = request->on_done;
    call->arg = request->arg;
    const struct virga_fetch_request sent = {
        .struct_size = sizeof sent,
        .method = request->method,
        .url = url,
        .unix_path = address->unix_path[0] != '\0' ? address->unix_path : NULL,
        .headers = headers,
        .headers_count = headers_count,
        .body = request->json,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = request->timeout_ms,
        .body_limit_bytes = ANSWER_MAX,
        .on_head = request->on_data != NULL ? on_head : NULL,
        .on_chunk = request->on_data != NULL ? on_chunk : NULL,
        .on_done = on_done,
        .arg = call,
    };
    int result = fetch->start(host, &sent, &call->handle);
    free(url);
    if (result != 0) {
        free(call);
        return result;
    }
    if (ret_call != NULL) {
        *ret_call = call;
    }
    return 0;
}

void virga_engine_cancel(struct virga_engine_call *call) {
    call->fetch->cancel(call->handle);
}

void virga_engine_frames_take(struct virga_engine_frames *frames, struct virga_str bytes,
                              void (*on_payload)(void *arg, int stream, struct virga_str payload),
                              void *arg) {
    while (bytes.len > 0) {
        if (frames->have < sizeof frames->head) {
            size_t wanted = sizeof frames->head - frames->have;
            size_t len = bytes.len < wanted ? bytes.len : wanted;
            memcpy(frames->head + frames->have, bytes.ptr, len);
            frames->have += len;
            bytes.ptr += len;
            bytes.len -= len;
            if (frames->have < sizeof frames->head) {
                return;
            }
            frames->left = (uint32_t)frames->head[4] << 24 | (uint32_t)frames->head[5] << 16 |
                           (uint32_t)frames->head[6] << 8 | frames->head[7];
        }
        size_t len = bytes.len < frames->left ? bytes.len : frames->left;
        if (len > 0) {
            on_payload(arg, frames->head[0], (struct virga_str){bytes.ptr, len});
        }
        bytes.ptr += len;
        bytes.len -= len;
        frames->left -= (uint32_t)len;
        if (frames->left == 0) {
            frames->have = 0;
        }
    }
}
