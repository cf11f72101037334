/* SPDX-License-Identifier: MIT */
/* An event's run: the invocation, what its end means, and who is told of it. */
#include "events_impl.h"
#include "functions.h"
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/awsjson.h>

struct running {
    struct running *next, *previous;
    struct events *events;
    struct event *event;
    struct event_kept kept;
    struct invocation *invocation;
    unsigned reports; /* that are under way */
    bool broken_off;
};

static void free_running(struct running *running) {
    struct events *events = running->events;
    if (running->next != NULL) {
        running->next->previous = running->previous;
    }
    if (running->previous != NULL) {
        running->previous->next = running->next;
    } else {
        events->runs = running->next;
    }
    invocation_destroy(running->invocation);
    free(running->kept.client_context);
    free(running);
}

void events_free_runs(struct events *events) {
    while (events->runs != NULL) {
        struct running *running = events->runs;
        free(running->event);
        free_running(running);
    }
}

/* The event does not run any more; the caller knows where it goes. */
static struct event *leave(struct running *running) {
    struct event *event = running->event;
    event->lane->running--;
    running->events->running--;
    free_running(running);
    return event;
}

/* --- the settings of a function --- */

struct settings {
    int64_t retries, age_s;
    char on_success[400], on_failure[400], dead_letter[400];
};

static void copy(char *to, size_t size, struct json_object *json, const char *key) {
    struct virga_str text = virga_awsjson_str(json, key);
    (void)snprintf(to, size, "%.*s", (int)text.len, text.ptr != NULL ? text.ptr : "");
}

static void read_settings(const struct running *running, struct settings *settings) {
    const struct function *function = running->invocation->function;
    const char *qualifier = running->kept.qualifier;
    struct json_object *json = NULL;
    *settings = (struct settings){.retries = EVENTS_RETRIES_DEFAULT, .age_s = EVENTS_AGE_DEFAULT_S};
    copy(settings->dead_letter, sizeof settings->dead_letter,
         virga_awsjson_member(function->document, "DeadLetterConfig"), "TargetArn");
    if (side_get(running->events->lambda, SIDE_EVENT_CONFIG, &function->tenant, function->name,
                 qualifier[0] != '\0' ? qualifier : FUNCTIONS_LATEST, &json) != 0) {
        return;
    }
    struct json_object *config = virga_awsjson_member(json, "DestinationConfig");
    settings->retries = virga_awsjson_int(json, "MaximumRetryAttempts", EVENTS_RETRIES_DEFAULT);
    settings->age_s = virga_awsjson_int(json, "MaximumEventAgeInSeconds", EVENTS_AGE_DEFAULT_S);
    copy(settings->on_success, sizeof settings->on_success,
         virga_awsjson_member(config, "OnSuccess"), "Destination");
    copy(settings->on_failure, sizeof settings->on_failure,
         virga_awsjson_member(config, "OnFailure"), "Destination");
    json_object_put(json);
}

static bool is_too_old(const struct running *running, const struct settings *settings) {
    struct lambda *lambda = running->events->lambda;
    return lambda->timer->now_ms(lambda->host) - running->kept.queued_ms >= settings->age_s * 1000;
}

/* --- who is told --- */

static void finish(struct running *running) {
    struct events *events = running->events;
    bool broken_off = running->broken_off;
    struct event *event = leave(running);
    struct lane *lane = event->lane;
    if (broken_off) {
        /* It stays in the store, and is run and reported again: at least once. */
        free(event);
        events->count--;
        lane_release(lane);
        return;
    }
    lane_speed_up(lane);
    events_remove(events, event);
    events_run(events);
}

static void on_reported(void *arg, bool broken_off) {
    struct running *running = arg;
    running->broken_off = running->broken_off || broken_off;
    if (--running->reports == 0) {
        finish(running);
    }
}

/* Gives a record to another function of ours, as an event. */
static void send_to_function(struct running *running, const char *text, const struct virga_arn *arn,
                             struct virga_str record) {
    struct lambda *lambda = running->events->lambda;
    struct tenant tenant = {0};
    struct function *function = NULL;
    struct invocation *invocation = NULL;
    char name[LAMBDA_ARN_MAX], *qualifier;
    (void)snprintf(tenant.account, sizeof tenant.account, "%.*s", (int)arn->account.len,
                   arn->account.ptr);
    (void)snprintf(tenant.region, sizeof tenant.region, "%.*s", (int)arn->region.len,
                   arn->region.ptr);
    (void)snprintf(name, sizeof name, "%.*s", (int)arn->resource.len, arn->resource.ptr);
    char *begin = strncmp(name, "function:", 9) == 0 ? name + 9 : name;
    qualifier = strchr(begin, ':');
    if (qualifier != NULL) {
        *qualifier++ = '\0';
    }
    int result = record.len > INVOCATION_ASYNC_MAX
                     ? -EMSGSIZE
                     : functions_resolve(lambda, &tenant, begin, qualifier, 1.0, &function);
    if (result == 0) {
        result = invocation_create(function, qualifier, record, NULL, &invocation);
        function_unref(function);
    }
    if (result == 0) {
        result = events_add(running->events, invocation, qualifier != NULL ? qualifier : "");
        invocation_destroy(invocation);
    }
    if (result != 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_WARN, NULL, "nothing can be delivered to %s: %s", text,
                   strerror(-result));
    }
}

static void report(struct running *running, const char *destination,
                   const struct destination_message *message) {
    struct virga_arn arn;
    if (destination[0] == '\0') {
        return;
    }
    if (virga_arn_parse(virga_str_from(destination), &arn) == 0 &&
        virga_str_equal(arn.service, virga_str_from("lambda"))) {
        send_to_function(running, destination, &arn, message->body);
        return;
    }
    running->reports++;
    int result = destinations_send(running->events->destinations, destination, message, on_reported,
                                   running);
    if (result != 0) {
        running->reports--;
        running->broken_off = running->broken_off || result == -ECANCELED;
    }
}

/* The event is over: destinations and the dead-letter queue hear of it. `result` is the last one;
 * NULL: it was not run. */
static void conclude(struct running *running, const struct settings *settings,
                     const char *condition, const struct invocation_result *result) {
    struct lambda *lambda = running->events->lambda;
    const struct invocation *invocation = running->invocation;
    struct virga_json_writer record = {0};
    char error[1024] = "";
    bool success = strcmp(condition, EVENT_SUCCESS) == 0;
    event_record_write(invocation, running->kept.qualifier, condition,
                       running->kept.attempts + (success ? 1 : 0),
                       lambda->timer->now_ms(lambda->host), result, &record);
    struct destination_message message = {.tenant = &invocation->function->tenant,
                                          .function_arn = invocation->invoked_arn,
                                          .function_name = invocation->function->name,
                                          .request_id = invocation->request_id,
                                          .success = success,
                                          .body = {record.ptr, record.len}};
    running->reports++;
    if (!record.failed) {
        report(running, success ? settings->on_success : settings->on_failure, &message);
    }
    if (!success) {
        if (result != NULL) {
            event_error_message(result->payload, error, sizeof error);
        }
        message.body = (struct virga_str){invocation->payload, invocation->payload_len};
        message.error_message = error;
        report(running, settings->dead_letter, &message);
    }
    virga_json_finish(&record);
    on_reported(running, false);
}

/* --- what an end means --- */

/* Nobody could run it: later, before all others of the function. */
static void put_back(struct running *running) {
    struct event *event = leave(running);
    struct lane *lane = event->lane;
    if (lane->gone) {
        events_remove(lane->events, event);
        return;
    }
    lane_add(lane, event, true);
    lane_slow_down(lane);
}

static void retry(struct running *running) {
    struct events *events = running->events;
    struct lambda *lambda = events->lambda;
    int64_t delay_ms = lambda->config->get_int(lambda->host, running->kept.attempts == 1
                                                                 ? EVENTS_RETRY_FIRST_KEY
                                                                 : EVENTS_RETRY_SECOND_KEY);
    running->kept.due_ms = lambda->timer->now_ms(lambda->host) + delay_ms;
    if (!running->event->lane->gone) {
        int result = events_rewrite(events, running->event, &running->kept);
        if (result != 0) {
            LAMBDA_LOG(lambda, VIRGA_LOG_ERROR, NULL, "the retry of an event cannot be kept: %s",
                       strerror(-result));
        }
    }
    int64_t due_ms = running->kept.due_ms;
    struct event *event = leave(running);
    struct lane *lane = event->lane;
    event->due_ms = due_ms;
    if (lane->gone) {
        events_remove(events, event);
        return;
    }
    if (events_delay(events, event) != 0) {
        lane_add(lane, event, false);
    }
    lane_speed_up(lane);
}

static void on_done(struct invocation *invocation, const struct invocation_result *result) {
    struct running *running = invocation->arg;
    struct events *events = running->events;
    struct settings settings;
    read_settings(running, &settings);
    if (result->outcome == INVOCATION_DONE) {
        conclude(running, &settings, EVENT_SUCCESS, result);
    } else if (result->outcome == INVOCATION_ERROR) {
        running->kept.attempts++;
        if (running->kept.attempts > settings.retries) {
            conclude(running, &settings, EVENT_RETRIES, result);
        } else {
            retry(running);
        }
    } else if (result->outcome == INVOCATION_CANCELLED) {
        running->broken_off = true;
        finish(running);
    } else {
        put_back(running);
    }
    events_run(events);
}

/* --- beginning --- */

/* 0 to 1, for the weights of aliases. */
static double roll(void) {
    uint32_t bits = 0;
    (void)getrandom(&bits, sizeof bits, 0);
    return (double)bits / 4294967296.0;
}

/* Makes the invocation of a kept event. */
static int prepare(struct running *running) {
    struct events *events = running->events;
    const struct lane *lane = running->event->lane;
    struct function *function = NULL;
    char *payload = NULL;
    size_t len = 0;
    int result = events_read(events, running->event, &running->kept, &payload, &len);
    if (result != 0) {
        return result;
    }
    result = functions_resolve(events->lambda, &lane->tenant, lane->name, running->kept.qualifier,
                               roll(), &function);
    if (result == 0) {
        result =
            invocation_create(function, running->kept.qualifier, (struct virga_str){payload, len},
                              running->kept.request_id, &running->invocation);
        function_unref(function);
    }
    free(payload);
    if (result == 0) {
        struct invocation *invocation = running->invocation;
        invocation->on_done = on_done;
        invocation->arg = running;
        invocation->client_context = running->kept.client_context;
        running->kept.client_context = NULL; /* the invocation's now */
        if (running->kept.trace_id[0] != '\0') {
            (void)snprintf(invocation->trace_id, sizeof invocation->trace_id, "%s",
                           running->kept.trace_id);
        }
    }
    return result;
}

static bool is_pending(const struct function *function) {
    return virga_str_equal(virga_awsjson_str(function->document, "State"),
                           virga_str_from("Pending"));
}

static void start(struct events *events, struct event *event) {
    struct running *running = calloc(1, sizeof *running);
    struct settings settings;
    struct lane *lane = event->lane;
    if (running == NULL) {
        lane->running--;
        lane_add(lane, event, true);
        lane_slow_down(lane);
        return;
    }
    *running = (struct running){.next = events->runs, .events = events, .event = event};
    if (running->next != NULL) {
        running->next->previous = running;
    }
    events->runs = running;
    events->running++;
    int result = prepare(running);
    if (result == -ENOMEM || result == -EIO) {
        put_back(running);
        return;
    }
    if (result != 0) {
        LAMBDA_LOG(events->lambda, VIRGA_LOG_WARN, NULL, "an event of %s is dropped: %s",
                   lane->name,
                   result == -ENOENT ? "there is no such version or alias of the function"
                                     : strerror(-result));
        finish(running);
        return;
    }
    read_settings(running, &settings);
    if (is_too_old(running, &settings)) {
        conclude(running, &settings, EVENT_AGE, NULL);
    } else if (is_pending(running->invocation->function)) {
        put_back(running);
    } else {
        pool_invoke(events->lambda->pool, running->invocation);
    }
}

void events_run(struct events *events) {
    struct lane *lane;
    if (events->in_run) {
        return; /* whoever runs goes on */
    }
    events->in_run = true;
    while (!events->stopping && events->running < EVENTS_RUNNING_MAX &&
           (lane = events_next_lane(events)) != NULL) {
        start(events, lane_take(lane));
    }
    events->in_run = false;
}
