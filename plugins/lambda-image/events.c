/* SPDX-License-Identifier: MIT */
/* Asynchronous events in the store: what was acknowledged is there until it is over. */
#include "events.h"

#include "events_impl.h"

#include <errno.h>
#include <stdlib.h>

#define TABLE "q"
#define KIND_KEPT 'm'
#define KIND_PAYLOAD 'p'

struct key {
    char bytes[1000];
    size_t len;
};

static void key_add(struct key *key, const char *text) {
    size_t len = strlen(text) + 1;
    if (key->len + len <= sizeof key->bytes) {
        memcpy(key->bytes + key->len, text, len);
        key->len += len;
    }
}

/* Of an event; id NULL: the prefix of all events of the function. */
static struct virga_str key_make(struct key *key, char kind, const struct tenant *tenant,
                                 const char *name, const char *id) {
    key->bytes[0] = TABLE[0];
    key->bytes[1] = kind;
    key->len = 2;
    key_add(key, tenant->account);
    key_add(key, tenant->region);
    key_add(key, name);
    if (id != NULL) {
        key_add(key, id);
        key->len--;
    }
    return (struct virga_str){key->bytes, key->len};
}

static int put_kept(struct events *events, const struct lane *lane, const char *id,
                    const struct event_kept *kept) {
    struct lambda *lambda = events->lambda;
    struct virga_json_writer writer = {0};
    struct key key;
    event_kept_write(kept, &writer);
    int result = writer.failed
                     ? -ENOMEM
                     : lambda->store->put(lambda->host,
                                          key_make(&key, KIND_KEPT, &lane->tenant, lane->name, id),
                                          (struct virga_str){writer.ptr, writer.len});
    virga_json_finish(&writer);
    return result;
}

int events_rewrite(struct events *events, const struct event *event,
                   const struct event_kept *kept) {
    return put_kept(events, event->lane, event->id, kept);
}

int events_read(struct events *events, const struct event *event, struct event_kept *ret_kept,
                char **ret_payload, size_t *ret_len) {
    struct lambda *lambda = events->lambda;
    const struct lane *lane = event->lane;
    struct virga_store_value value = {0};
    struct key key;
    int result = lambda->store->get(
        lambda->host, key_make(&key, KIND_KEPT, &lane->tenant, lane->name, event->id), &value);
    if (result == 0) {
        result = event_kept_read((struct virga_str){value.ptr, value.len}, ret_kept);
        lambda->store->release(lambda->host, &value);
    }
    if (result != 0) {
        return result;
    }
    result = lambda->store->get(
        lambda->host, key_make(&key, KIND_PAYLOAD, &lane->tenant, lane->name, event->id), &value);
    if (result == 0) {
        *ret_payload = malloc(value.len + 1);
        result = *ret_payload != NULL ? 0 : -ENOMEM;
        if (result == 0) {
            memcpy(*ret_payload, value.ptr, value.len);
            (*ret_payload)[value.len] = '\0';
            *ret_len = value.len;
        }
        lambda->store->release(lambda->host, &value);
    }
    if (result != 0) {
        free(ret_kept->client_context);
    }
    return result;
}

static int delete_rows(struct lambda *lambda, const struct lane *lane, const char *id) {
    struct key key;
    int result = lambda->store->begin(lambda->host);
    if (result != 0) {
        return result;
    }
    (void)lambda->store->del(lambda->host,
                             key_make(&key, KIND_KEPT, &lane->tenant, lane->name, id));
    (void)lambda->store->del(lambda->host,
                             key_make(&key, KIND_PAYLOAD, &lane->tenant, lane->name, id));
    return lambda->store->commit(lambda->host);
}

void events_remove(struct events *events, struct event *event) {
    struct lane *lane = event->lane;
    int result = lane->gone ? 0 : delete_rows(events->lambda, lane, event->id);
    if (result != 0) {
        LAMBDA_LOG(events->lambda, VIRGA_LOG_ERROR, NULL,
                   "an event of %s stays in the store and will run again: %s", lane->name,
                   strerror(-result));
    }
    free(event);
    events->count--;
    lane_release(lane);
}

/* --- new events --- */

static int put_rows(struct events *events, const struct lane *lane, const char *id,
                    const struct event_kept *kept, struct virga_str payload) {
    struct lambda *lambda = events->lambda;
    struct key key;
    int result = lambda->store->begin(lambda->host);
    if (result != 0) {
        return result;
    }
    result = put_kept(events, lane, id, kept);
    if (result == 0) {
        result = lambda->store->put(
            lambda->host, key_make(&key, KIND_PAYLOAD, &lane->tenant, lane->name, id), payload);
    }
    if (result == 0) {
        return lambda->store->commit(lambda->host);
    }
    lambda->store->rollback(lambda->host);
    return result;
}

static struct event *make_event(struct events *events, struct lane *lane, const char *id,
                                int64_t due_ms) {
    struct event *event = calloc(1, sizeof *event);
    if (event != NULL) {
        event->lane = lane;
        event->due_ms = due_ms;
        (void)snprintf(event->id, sizeof event->id, "%s", id);
        events->count++;
    }
    return event;
}

int events_add(struct events *events, const struct invocation *invocation, const char *qualifier) {
    struct lambda *lambda = events->lambda;
    const struct function *function = invocation->function;
    int64_t now_ms = lambda->timer->now_ms(lambda->host);
    struct event_kept kept = {
        .queued_ms = now_ms, .due_ms = now_ms, .client_context = invocation->client_context};
    char id[EVENT_ID_MAX];
    if (events->count >= EVENTS_MAX) {
        return -EAGAIN;
    }
    struct lane *lane = lane_get(events, &function->tenant, function->name, true);
    if (lane == NULL) {
        return -ENOMEM;
    }
    (void)snprintf(kept.request_id, sizeof kept.request_id, "%s", invocation->request_id);
    (void)snprintf(kept.qualifier, sizeof kept.qualifier, "%s", qualifier);
    (void)snprintf(kept.trace_id, sizeof kept.trace_id, "%s", invocation->trace_id);
    (void)snprintf(id, sizeof id, "%013lld-%s", (long long)now_ms, invocation->request_id);
    int result = put_rows(events, lane, id, &kept,
                          (struct virga_str){invocation->payload, invocation->payload_len});
    struct event *event = result == 0 ? make_event(events, lane, id, now_ms) : NULL;
    if (event == NULL) {
        if (result == 0) {
            (void)delete_rows(lambda, lane, id);
            result = -ENOMEM;
        }
        lane_release(lane);
        return result;
    }
    lane_add(lane, event, false);
    events_wake(events);
    return 0;
}

void events_forget(struct events *events, const struct tenant *tenant, const char *name) {
    struct lambda *lambda = events->lambda;
    struct lane *lane = lane_get(events, tenant, name, false);
    struct key key;
    (void)lambda->store->del_prefix(lambda->host, key_make(&key, KIND_KEPT, tenant, name, NULL),
                                    NULL);
    (void)lambda->store->del_prefix(lambda->host, key_make(&key, KIND_PAYLOAD, tenant, name, NULL),
                                    NULL);
    if (lane != NULL) {
        lane_clear(lane);
        lane->gone = true;
        lane_release(lane);
    }
}

/* --- the life of the queue --- */

static const char *take_part(struct virga_str *key) {
    const char *part = key->len > 0 ? key->ptr : "";
    size_t len = strnlen(part, key->len);
    size_t used = len < key->len ? len + 1 : len;
    key->ptr += used;
    key->len -= used;
    return part;
}

/* An event that an earlier run of virga left. */
static int take_over(struct events *events, struct virga_str key, struct virga_str value) {
    struct event_kept kept;
    struct tenant tenant = {0};
    char name[LAMBDA_ARN_MAX], id[EVENT_ID_MAX];
    int result = event_kept_read(value, &kept);
    if (result != 0) {
        LAMBDA_LOG(events->lambda, VIRGA_LOG_ERROR, NULL, "an event cannot be read: %s",
                   strerror(-result));
        return result == -ENOMEM ? result : 0;
    }
    free(kept.client_context);
    key.ptr += 2;
    key.len -= 2;
    (void)snprintf(tenant.account, sizeof tenant.account, "%s", take_part(&key));
    (void)snprintf(tenant.region, sizeof tenant.region, "%s", take_part(&key));
    (void)snprintf(name, sizeof name, "%s", take_part(&key));
    (void)snprintf(id, sizeof id, "%.*s", (int)key.len, key.len > 0 ? key.ptr : "");
    struct lane *lane = lane_get(events, &tenant, name, true);
    struct event *event = lane != NULL ? make_event(events, lane, id, kept.due_ms) : NULL;
    if (event == NULL) {
        return -ENOMEM;
    }
    return events_delay(events, event);
}

static int take_over_all(struct events *events) {
    struct lambda *lambda = events->lambda;
    static const char prefix[] = {TABLE[0], KIND_KEPT};
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    int result = lambda->store->scan(lambda->host, (struct virga_str){prefix, sizeof prefix},
                                     (struct virga_str){NULL, 0}, 0, &cursor);
    while (result == 0 && (result = lambda->store->next(cursor, &key, &value)) == 1) {
        result = take_over(events, key, value);
    }
    lambda->store->close(cursor);
    return result < 0 ? result : 0;
}

int events_create(struct lambda *lambda, struct events **ret_events) {
    struct events *events = calloc(1, sizeof *events);
    int result = events != NULL ? 0 : -ENOMEM;
    if (result == 0) {
        events->lambda = lambda;
        result = destinations_create(lambda, &events->destinations);
    }
    if (result == 0) {
        result = take_over_all(events);
    }
    if (result != 0) {
        events_destroy(events);
        return result;
    }
    *ret_events = events;
    return 0;
}

static void stop_timers(struct events *events) {
    const struct virga_timer *timer = events->lambda->timer;
    events->stopping = true;
    timer->stop(events->heap_timer);
    timer->stop(events->turn_timer);
    events->heap_timer = events->turn_timer = NULL;
    for (size_t i = 0; i < EVENTS_BUCKETS; i++) {
        for (struct lane *lane = events->lanes[i]; lane != NULL; lane = lane->next) {
            timer->stop(lane->backoff);
            lane->backoff = NULL;
        }
    }
}

void events_stop(struct events *events, void (*on_stopped)(void *arg), void *arg) {
    stop_timers(events);
    destinations_stop(events->destinations, on_stopped, arg);
}

void events_destroy(struct events *events) {
    if (events != NULL) {
        stop_timers(events);
        events_free_runs(events);
        events_free_queue(events);
        destinations_destroy(events->destinations);
        free(events);
    }
}
