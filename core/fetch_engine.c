/* SPDX-License-Identifier: MIT */
/* libcurl's multi-socket interface over libuv. Source:
 * https://curl.se/libcurl/c/curl_multi_socket_action.html */
#include "fetch_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "host.h"

struct fetch_engine {
    struct host *host;
    CURLM *multi;
    uv_timer_t timer;
    void (*on_done)(CURL *easy, CURLcode result);
    bool inside;      /* curl runs, and with it callbacks */
    unsigned handles; /* uv handles that are not closed yet */
};

/* A socket that curl wants watched. */
struct watched {
    struct fetch_engine *engine;
    uv_poll_t poll;
    curl_socket_t fd;
};

static void release_handle(struct fetch_engine *engine) {
    if (--engine->handles == 0) {
        free(engine);
    }
}

/* Tells of everything that has ended. A callback may begin and end others, so curl is asked anew
 * each time. */
static void tell_done(struct fetch_engine *engine) {
    CURLMsg *message;
    int left;
    while (engine->multi != NULL &&
           (message = curl_multi_info_read(engine->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            engine->on_done(message->easy_handle, message->data.result);
        }
    }
}

static void run(struct fetch_engine *engine, curl_socket_t fd, int events) {
    int running;
    engine->inside = true;
    (void)curl_multi_socket_action(engine->multi, fd, events, &running);
    engine->inside = false;
    tell_done(engine);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    const struct watched *watched = poll->data;
    int flags = 0;
    if (status < 0) {
        flags = CURL_CSELECT_ERR;
    } else {
        flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
        flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    }
    run(watched->engine, watched->fd, flags);
}

static void on_poll_closed(uv_handle_t *handle) {
    struct watched *watched = handle->data;
    struct fetch_engine *engine = watched->engine;
    free(watched);
    release_handle(engine);
}

static struct watched *watch(struct fetch_engine *engine, curl_socket_t fd) {
    struct watched *watched = calloc(1, sizeof *watched);
    if (watched == NULL) {
        return NULL;
    }
    watched->engine = engine;
    watched->fd = fd;
    if (uv_poll_init_socket(engine->host->loop, &watched->poll, fd) != 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    engine->handles++;
    (void)curl_multi_assign(engine->multi, fd, watched);
    return watched;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
    struct fetch_engine *engine = arg;
    struct watched *watched = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL) {
            (void)curl_multi_assign(engine->multi, fd, NULL);
            uv_close((uv_handle_t *)&watched->poll, on_poll_closed);
        }
        return 0;
    }
    if (watched == NULL) {
        watched = watch(engine, fd);
        if (watched == NULL) {
            return -1; /* curl fails its transfers */
        }
    }
    int events = what == CURL_POLL_IN    ? UV_READABLE
                 : what == CURL_POLL_OUT ? UV_WRITABLE
                                         : UV_READABLE | UV_WRITABLE;
    return uv_poll_start(&watched->poll, events, on_poll) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *timer) {
    run(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *arg) {
    struct fetch_engine *engine = arg;
    (void)multi;
    if (timeout_ms < 0) {
        (void)uv_timer_stop(&engine->timer);
    } else {
        /* libuv's clock stands still within a turn: a long one would make the timeout early. */
        uv_update_time(engine->host->loop);
        (void)uv_timer_start(&engine->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

int fetch_engine_get(struct host *host, void (*on_done)(CURL *easy, CURLcode result),
                     struct fetch_engine **ret_engine) {
    if (host->fetch != NULL) {
        *ret_engine = host->fetch;
        return 0;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return -ENOMEM;
    }
    struct fetch_engine *engine = calloc(1, sizeof *engine);
    CURLM *multi = curl_multi_init();
    if (engine == NULL || multi == NULL) {
        free(engine);
        (void)curl_multi_cleanup(multi);
        curl_global_cleanup();
        return -ENOMEM;
    }
    engine->host = host;
    engine->multi = multi;
    engine->on_done = on_done;
    engine->handles = 1;
    (void)uv_timer_init(host->loop, &engine->timer);
    engine->timer.data = engine;
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, FETCH_KEPT_CONNECTIONS);
    host->fetch = engine;
    *ret_engine = engine;
    return 0;
}

bool fetch_engine_is_inside(const struct fetch_engine *engine) {
    return engine->inside;
}

void fetch_engine_resume(struct fetch_engine *engine, CURL *easy) {
    engine->inside = true;
    (void)curl_easy_pause(easy, CURLPAUSE_CONT);
    engine->inside = false;
    run(engine, CURL_SOCKET_TIMEOUT, 0);
}

int fetch_engine_add(struct fetch_engine *engine, CURL *easy) {
    return curl_multi_add_handle(engine->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void fetch_engine_remove(struct fetch_engine *engine, CURL *easy) {
    (void)curl_multi_remove_handle(engine->multi, easy);
}

static void on_timer_closed(uv_handle_t *handle) {
    release_handle(handle->data);
}

void fetch_engine_destroy(struct fetch_engine *engine) {
    if (engine == NULL) {
        return;
    }
    engine->host->fetch = NULL;
    CURLM *multi = engine->multi;
    (void)curl_multi_cleanup(multi);
    engine->multi = NULL;
    curl_global_cleanup();
    uv_close((uv_handle_t *)&engine->timer, on_timer_closed);
}
