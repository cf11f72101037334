/* SPDX-License-Identifier: MIT */
/* The shared part of all connections. */
#include "http_engine.h"

#include <errno.h>
#include <stdlib.h>

#include "conn.h"
#include "host.h"
#include "request.h"

#define DATE_LENGTH 29

int http_engine_ref(struct host *host, struct http_engine **ret_engine) {
    struct http_engine *engine = host->http;
    if (engine == NULL) {
        engine = calloc(1, sizeof *engine);
        if (engine == NULL || deadline_clock_init(&engine->clock, host->loop) != 0) {
            free(engine);
            return -ENOMEM;
        }
        engine->host = host;
        list_init(&engine->listeners);
        list_init(&engine->handled);
        conn_setup_timeouts(engine);
        host->http = engine;
    }
    engine->refs++;
    *ret_engine = engine;
    return 0;
}

static void on_closed(uv_handle_t *timer) {
    struct http_engine *engine =
        LIST_ENTRY((struct deadline_clock *)timer->data, struct http_engine, clock);
    free(engine);
}

void http_engine_hold(struct http_engine *engine) {
    engine->refs++;
}

void http_engine_unref(struct http_engine *engine) {
    if (--engine->refs > 0) {
        return;
    }
    while (engine->requests_count > 0) {
        request_free(engine->requests[--engine->requests_count]);
    }
    while (engine->spares_count > 0) {
        free(engine->spares[--engine->spares_count]);
    }
    free(engine->buffer);
    engine->buffer = NULL;
    engine->host->http = NULL;
    /* Somebody who closes every handle of a loop at its end has left no callback to free it in. */
    if (!uv_is_closing((uv_handle_t *)&engine->clock.timer)) {
        deadline_clock_close(&engine->clock, on_closed);
    }
}

char *http_engine_buffer(struct http_engine *engine) {
    if (engine->buffer == NULL) {
        engine->buffer = engine->spares_count > 0 ? engine->spares[--engine->spares_count]
                                                  : malloc(HTTP_ENGINE_BUFFER_BYTES);
    }
    return engine->buffer;
}

char *http_engine_take(struct http_engine *engine) {
    char *buffer = engine->buffer;
    engine->buffer = NULL;
    return buffer;
}

void http_engine_give(struct http_engine *engine, char *buffer) {
    if (engine->spares_count < HTTP_ENGINE_SPARE_BUFFERS) {
        engine->spares[engine->spares_count++] = buffer;
    } else {
        free(buffer);
    }
}

/* Not strftime(): its names depend on the locale. */
struct virga_str http_engine_date(struct http_engine *engine) {
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    if (now != engine->date_at) {
        struct tm tm;
        (void)gmtime_r(&now, &tm);
        (void)snprintf(engine->date, sizeof engine->date, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                       days[tm.tm_wday % 7], tm.tm_mday % 100, months[tm.tm_mon % 12],
                       (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100,
                       tm.tm_sec % 100);
        engine->date_at = now;
    }
    return (struct virga_str){engine->date, DATE_LENGTH};
}
