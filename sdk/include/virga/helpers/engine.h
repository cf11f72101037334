/* SPDX-License-Identifier: MIT */
/* Calls to a container engine over the Docker Engine API (Docker, or Podman's socket for it): where
 * it is, one request, and the framed output of containers. Of state it keeps what is under way
 * only. Source: https://docs.docker.com/reference/api/engine/version/v1.41/ */
#ifndef VIRGA_HELPERS_ENGINE_H
#define VIRGA_HELPERS_ENGINE_H

#include "../abi.h"
#include "../ext/fetch.h"
#include "../host.h"
#include <json-c/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The API version that is asked for: Docker 20.10, and Podman from 3 on. */
#define VIRGA_ENGINE_API "/v1.40"

/* Where an engine listens. */
struct virga_engine_address {
    char unix_path[108]; /* a socket; "" = TCP */
    char origin[256];    /* "http://127.0.0.1:2375"; of a socket "http://engine" */
    char shown[264];     /* for messages: "unix:///var/run/docker.sock" */
    char api[16];        /* the API version that is asked for: "/v1.44"; "" = VIRGA_ENGINE_API */
    char from[32]; /* what named it: "floci.docker.docker-host", "DOCKER_HOST", "" = it is usual */
};

/* Reads an address as DOCKER_HOST has it: "unix:///path", "tcp://host:port", "http://host:port", or
 * the path of a socket. ssh:// and TLS cannot be done: err says so. Errors: -EINVAL. Thread: [any].
 */
int virga_engine_parse(const char *text, struct virga_engine_address *ret_address,
                       struct virga_error *err);

/* The index'th place where an engine may be, from 0 on: `configured` alone where it is not empty,
 * else DOCKER_HOST alone where that is set, else the usual sockets of Docker and Podman that are
 * there. Errors: -ENOENT no further place, -EINVAL it makes no sense (err). Thread: [any]. */
int virga_engine_candidate(const char *configured, size_t index,
                           struct virga_engine_address *ret_address, struct virga_error *err);

/* Asks the engine for its name and version, "Docker Engine 20.10.24", and waits for it: for `virga
 * doctor` and the thread pool, never for the loop. Errors: those of connect(2), -ETIMEDOUT, -EPROTO
 * what answers is no engine. Thread: [worker]. */
int virga_engine_version(const struct virga_engine_address *address, int timeout_ms, char *buffer,
                         size_t size);

/* Takes the API version from an answer to GET /version: VIRGA_ENGINE_API, or the oldest one that
 * the engine still speaks where that is newer. Why: Docker 29 refuses what is older than 1.44.
 * Thread: [any]. */
void virga_engine_adapt(struct virga_engine_address *address, struct json_object *version);

struct virga_engine_call;

/* What the engine answered. Valid: for the call. */
struct virga_engine_answer {
    int status;               /* HTTP; 0 when there was no answer */
    int error;                /* as virga_fetch_response.error */
    struct json_object *json; /* a JSON object or array; NULL when the body is neither. Borrowed. */
    struct virga_str body;
    const char *message; /* a failure in the engine's own words, else what kept it from answering */
};

struct virga_engine_request {
    const char *method; /* NULL = GET */
    /* Behind the API version: "/containers/json?all=1". "/version" goes without one, so that every
     * engine answers. */
    const char *path;
    struct virga_str json; /* the body; ptr NULL = none */
    const char *auth;      /* X-Registry-Auth; NULL = none */
    uint32_t timeout_ms;   /* 0 = 30,000 */
    /* The head of the answer is there; only with on_data, before it. May be NULL. */
    void (*on_head)(void *arg, int status);
    /* The answer's body as it comes, when its status is below 300; on_done has none of it then.
     * NULL = buffered. Valid: for the call. */
    void (*on_data)(void *arg, struct virga_str bytes);
    /* Calls back: exactly once, never inside virga_engine_start(). */
    void (*on_done)(void *arg, const struct virga_engine_answer *answer);
    void *arg;
};

/* Sends a request; everything in it is copied. The call is valid until on_done. Errors: -ENOMEM,
 * -EINVAL. Thread: [loop]. */
int virga_engine_start(const struct virga_host *host, const struct virga_fetch *fetch,
                       const struct virga_engine_address *address,
                       const struct virga_engine_request *request,
                       struct virga_engine_call **ret_call);
/* Breaks it off: on_done comes soon, with -ECANCELED. */
void virga_engine_cancel(struct virga_engine_call *call);

/* The output of an exec or of a container's log without a terminal: frames of stdout and stderr.
 * Zero it first. Source: the API's "Attach to a container", Stream format. */
struct virga_engine_frames {
    unsigned char head[8];
    size_t have;   /* bytes of the head */
    uint32_t left; /* bytes of the frame's payload */
};
/* Takes bytes of the stream and hands the payloads on, as they come; stream 1 is stdout, 2 stderr.
 * Thread: [any]. */
void virga_engine_frames_take(struct virga_engine_frames *frames, struct virga_str bytes,
                              void (*on_payload)(void *arg, int stream, struct virga_str payload),
                              void *arg);

#ifdef __cplusplus
}
#endif
#endif
