/* SPDX-License-Identifier: MIT */
/* From nothing known to an executor that can work: the engine, what network its containers get, how
 * they reach virga, and what an earlier run of virga left. One step after another. */
#include "docker.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/engine_self.h>

#define LEFTOVER_LANES 16 /* containers that are removed at once */
#define TRIED_MAX 480

struct docker_ready {
    struct docker *docker;
    void (*on_ready)(void *arg, int error, const char *reason);
    void *arg;
    bool cancelled;

    /* the step under way: a timer, a call, or work */
    struct virga_timer_handle *timer;
    struct virga_engine_call *call;
    void (*on_answer)(struct docker_ready *ready, const struct virga_engine_answer *answer);

    size_t candidate;
    char tried[TRIED_MAX]; /* engines that did not answer, and why */
    struct docker_facts facts;

    /* for the worker */
    struct docker_host_id id;
    char data_path[4096];
    char origin[256];

    char **leftovers; /* container names to be removed */
    size_t leftovers_count;
    size_t leftovers_begun;
    size_t lanes;
};

/* --- the end --- */

static void finish(struct docker_ready *ready, int error, const char *reason) {
    struct docker *docker = ready->docker;
    void (*on_ready)(void *, int, const char *) = ready->on_ready;
    void *arg = ready->arg;
    docker->base.lambda->timer->stop(ready->timer);
    for (size_t i = 0; i < ready->leftovers_count; i++) {
        free(ready->leftovers[i]);
    }
    free(ready->leftovers);
    docker->ready = NULL;
    if (ready->cancelled) {
        error = -ECANCELED;
        reason = "virga is stopping";
    }
    docker->base.lost = error != 0;
    free(ready);
    on_ready(arg, error, reason);
    docker_check_stopped(docker);
}

static void fail(struct docker_ready *ready, int error, const char *format, ...) VIRGA_PRINTF(3, 4);
static void fail(struct docker_ready *ready, int error, const char *format, ...) {
    char reason[DOCKER_REASON_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    finish(ready, error, reason);
}

static void on_answer(void *arg, const struct virga_engine_answer *answer) {
    struct docker_ready *ready = arg;
    ready->call = NULL;
    if (ready->cancelled) {
        finish(ready, -ECANCELED, "");
        return;
    }
    ready->on_answer(ready, answer);
}

static void ask(struct docker_ready *ready, const char *path, uint32_t timeout_ms,
                void (*then)(struct docker_ready *ready,
                             const struct virga_engine_answer *answer)) {
    struct lambda *lambda = ready->docker->base.lambda;
    const struct virga_engine_request request = {
        .path = path, .timeout_ms = timeout_ms, .on_done = on_answer, .arg = ready};
    ready->on_answer = then;
    int result = virga_engine_start(lambda->host, lambda->fetch, &ready->docker->engine, &request,
                                    &ready->call);
    if (result != 0) {
        fail(ready, result, "the engine cannot be asked: %s", strerror(-result));
    }
}

/* --- the way from containers to virga --- */

/* Opens what containers reach, or makes sure that it could be. */
static int open_ways(struct docker_ready *ready, const struct docker_reach *reach) {
    struct docker *docker = ready->docker;
    struct lambda *lambda = docker->base.lambda;
    struct virga_str bind = lambda->config->get_string(lambda->host, "floci.bind-address");
    bool open = docker_reach_is_open(reach, bind.ptr != NULL ? bind.ptr : "");
    const char *bracket = strchr(reach->host, ':') != NULL ? "[" : "";
    if (docker->relay != NULL && (open || !docker_relay_fits(docker->relay, reach))) {
        docker_relay_close(docker->relay);
        docker->relay = NULL;
    }
    if (!open && docker->relay == NULL) {
        int result = docker_relay_open(lambda, reach, &docker->relay);
        if (result != 0) {
            return result;
        }
    }
    docker->reach = *reach;
    (void)snprintf(docker->endpoint, sizeof docker->endpoint, "http://%s%s%s:%u", bracket,
                   reach->host, bracket[0] != '\0' ? "]" : "",
                   docker->relay != NULL ? docker_relay_port(docker->relay) : lambda->port);
    docker->base.listen_addresses = docker->reach.listen;
    docker->base.reach_host = docker->reach.host;
    docker->base.endpoint_url = docker->endpoint;
    return 0;
}

static void choose_ways(struct docker_ready *ready) {
    struct docker *docker = ready->docker;
    struct docker_reach reach;
    char reason[DOCKER_REASON_MAX];
    int result = docker_reach_choose(&ready->facts, &reach, reason, sizeof reason);
    if (result != 0) {
        fail(ready, result, "%s at %s answers, but %s", docker->engine_name, docker->engine.shown,
             reason);
        return;
    }
    result = open_ways(ready, &reach);
    if (result != 0) {
        fail(ready, result,
             "%s at %s answers, but virga cannot listen on %s, where containers would reach it: %s",
             docker->engine_name, docker->engine.shown, reach.listen, strerror(-result));
        return;
    }
    if (reach.peers[0] != '\0') {
        LAMBDA_LOG(docker->base.lambda, VIRGA_LOG_INFO, NULL,
                   "%s has not made its bridge yet: ports for functions are open on all addresses "
                   "of this machine and take requests from %s only",
                   docker->engine_name, reach.peers);
    }
    (void)snprintf(reason, sizeof reason, "%s answers at %s; functions reach virga at %s",
                   docker->engine_name, docker->engine.shown, docker->endpoint);
    finish(ready, 0, reason);
}

/* --- what an earlier run left --- */

static void remove_next(struct docker_ready *ready);

static void on_removed(void *arg, const struct virga_engine_answer *answer) {
    struct docker_ready *ready = arg;
    ready->lanes--;
    if (answer->error != 0 ||
        (answer->status >= 300 && answer->status != 404 && answer->status != 409)) {
        LAMBDA_LOG(ready->docker->base.lambda, VIRGA_LOG_WARN, NULL,
                   "a container that an earlier run left cannot be removed: %s", answer->message);
    }
    remove_next(ready);
}

static void remove_next(struct docker_ready *ready) {
    char path[DOCKER_PATH_MAX];
    while (!ready->cancelled && ready->leftovers_begun < ready->leftovers_count &&
           ready->lanes < LEFTOVER_LANES) {
        (void)snprintf(path, sizeof path, "/containers/%s?force=1&v=1",
                       ready->leftovers[ready->leftovers_begun++]);
        if (docker_ask(ready->docker, "DELETE", path, DOCKER_NOTHING, on_removed, ready, NULL) ==
            0) {
            ready->lanes++;
        }
    }
    if (ready->lanes > 0) {
        return;
    }
    if (ready->cancelled) {
        finish(ready, -ECANCELED, "");
        return;
    }
    choose_ways(ready);
}

/* Keeps the names of those that no instance of this run has. */
static void read_leftovers(struct docker_ready *ready, struct json_object *list) {
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    ready->leftovers = count > 0 ? calloc(count, sizeof *ready->leftovers) : NULL;
    for (size_t i = 0; i < count && ready->leftovers != NULL; i++) {
        struct json_object *names = docker_member(json_object_array_get_idx(list, i), "Names");
        const char *name =
            json_object_is_type(names, json_type_array) && json_object_array_length(names) > 0
                ? json_object_get_string(json_object_array_get_idx(names, 0))
                : NULL;
        name = name != NULL && name[0] == '/' ? name + 1 : name;
        if (name == NULL || docker_instance_owns(ready->docker, name)) {
            continue;
        }
        ready->leftovers[ready->leftovers_count] = strdup(name);
        ready->leftovers_count += ready->leftovers[ready->leftovers_count] != NULL;
    }
}

static void on_listed(struct docker_ready *ready, const struct virga_engine_answer *answer) {
    if (answer->error != 0 || answer->status != 200) {
        fail(ready, answer->error != 0 ? answer->error : -EIO,
             "%s at %s does not list its containers: %s", ready->docker->engine_name,
             ready->docker->engine.shown, answer->message);
        return;
    }
    read_leftovers(ready, answer->json);
    if (ready->leftovers_count > 0) {
        LAMBDA_LOG(ready->docker->base.lambda, VIRGA_LOG_INFO, NULL,
                   "removing %zu containers that an earlier run left", ready->leftovers_count);
    }
    remove_next(ready);
}

static void list_leftovers(struct docker_ready *ready) {
    char path[DOCKER_PATH_MAX];
    /* {"label":["virga.lambda.host=<id>"]} */
    (void)snprintf(path, sizeof path,
                   "/containers/json?all=1&filters=%%7B%%22label%%22%%3A%%5B%%22" DOCKER_LABEL_HOST
                   "%%3D%s%%22%%5D%%7D",
                   ready->docker->id.text);
    ask(ready, path, DOCKER_CALL_MS, on_listed);
}

/* --- this machine --- */

static void look_around(void *arg) {
    struct docker_ready *ready = arg;
    if (ready->id.text[0] == '\0') {
        docker_host_id_open(ready->data_path, &ready->id);
    }
    ready->facts.tcp = ready->facts.tcp && !docker_place_is_loopback(ready->origin);
    ready->facts.gateway_is_here = docker_place_has(ready->facts.gateway);
    docker_place_own_ip(ready->facts.tcp ? ready->origin : "", ready->facts.own_ip);
}

static void on_looked_around(void *arg, int status) {
    struct docker_ready *ready = arg;
    if (status == 0) {
        ready->docker->id = ready->id;
    }
    if (status != 0 || ready->cancelled) {
        fail(ready, -ECANCELED, "virga is stopping");
        return;
    }
    list_leftovers(ready);
}

static void look_at_machine(struct docker_ready *ready) {
    struct docker *docker = ready->docker;
    struct lambda *lambda = docker->base.lambda;
    ready->id = docker->id;
    ready->facts.tcp = docker->engine.unix_path[0] == '\0';
    (void)snprintf(ready->origin, sizeof ready->origin, "%s", docker->engine.origin);
    (void)snprintf(ready->data_path, sizeof ready->data_path, "%s", lambda->data_path);
    int result = lambda->work->submit(lambda->host, look_around, on_looked_around, ready, NULL);
    if (result != 0) {
        fail(ready, result, "%s", strerror(-result));
    }
}

/* --- the engine's network --- */

static void on_network(struct docker_ready *ready, const struct virga_engine_answer *answer) {
    if (answer->error != 0 || answer->status != 200) {
        fail(ready, answer->error != 0 ? answer->error : -ENOENT,
             "%s at %s answers, but there is no network for functions: %s",
             ready->docker->engine_name, ready->docker->engine.shown, answer->message);
    } else if (docker_facts_network(answer->json, &ready->facts) != 0) {
        fail(ready, -EPROTO, "%s gave a malformed answer", ready->docker->engine.shown);
    } else {
        look_at_machine(ready);
    }
}

static void look_at_network(struct docker_ready *ready) {
    char path[DOCKER_PATH_MAX] = "/networks/";
    size_t len = strlen(path);
    const char *name = ready->facts.network[0] != '\0' ? ready->facts.network : "bridge";
    for (; *name != '\0' && len + 4 < sizeof path; name++) {
        bool plain = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                     (*name >= '0' && *name <= '9') || strchr("-_.", *name) != NULL;
        len += (size_t)snprintf(path + len, sizeof path - len, plain ? "%c" : "%%%02X",
                                (unsigned char)*name);
    }
    ask(ready, path, DOCKER_CALL_MS, on_network);
}

static void on_info(struct docker_ready *ready, const struct virga_engine_answer *answer) {
    if (answer->error != 0 || answer->status != 200 ||
        docker_facts_info(answer->json, &ready->facts) != 0) {
        fail(ready, answer->error != 0 ? answer->error : -EPROTO,
             "%s at %s does not describe itself: %s", ready->docker->engine_name,
             ready->docker->engine.shown, answer->message);
        return;
    }
    bool local = ready->docker->engine.unix_path[0] != '\0' ||
                 docker_place_is_loopback(ready->docker->engine.origin);
    if (local && docker_reach_wants_gateway(&ready->facts)) {
        look_at_network(ready);
    } else {
        look_at_machine(ready);
    }
}

/* --- the engine --- */

static void find_engine(struct docker_ready *ready);

static void on_self(struct docker_ready *ready, const struct virga_engine_answer *answer) {
    struct virga_engine_self self;
    if (answer->error == 0 && answer->status == 200 &&
        virga_engine_self_read(answer->json, "", ready->facts.network, &self) == 0 &&
        self.ip[0] != '\0') {
        (void)snprintf(ready->facts.self_network, sizeof ready->facts.self_network, "%s",
                       self.network);
        (void)snprintf(ready->facts.self_ip, sizeof ready->facts.self_ip, "%s", self.ip);
    }
    ask(ready, "/info", DOCKER_CALL_MS, on_info);
}

static void on_version(struct docker_ready *ready, const struct virga_engine_answer *answer) {
    struct docker *docker = ready->docker;
    char name[256], path[DOCKER_PATH_MAX];
    if (answer->error != 0 || answer->status != 200 ||
        docker_facts_version(answer->json, &ready->facts, docker->engine_name,
                             sizeof docker->engine_name) != 0) {
        size_t len = strlen(ready->tried);
        (void)snprintf(ready->tried + len, sizeof ready->tried - len, "%s%s: %s",
                       len > 0 ? "; " : "", docker->engine.shown,
                       answer->error != 0 ? answer->message : "it is no container engine");
        ready->candidate++;
        find_engine(ready);
        return;
    }
    virga_engine_adapt(&docker->engine, answer->json);
    if (virga_engine_self_maybe(name, sizeof name) && strcspn(name, "/?# %") == strlen(name)) {
        (void)snprintf(path, sizeof path, "/containers/%s/json", name);
        ask(ready, path, DOCKER_CALL_MS, on_self);
    } else {
        ask(ready, "/info", DOCKER_CALL_MS, on_info);
    }
}

static void find_engine(struct docker_ready *ready) {
    struct docker *docker = ready->docker;
    struct lambda *lambda = docker->base.lambda;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    struct virga_str where = lambda->config->get_string(lambda->host, "floci.docker.docker-host");
    int result = virga_engine_candidate(where.ptr, ready->candidate, &docker->engine, &err);
    if (result == -ENOENT) {
        fail(ready, -ENXIO, "%s",
             ready->tried[0] != '\0' ? ready->tried : "no socket of Docker or Podman is there");
    } else if (result != 0) {
        fail(ready, -ENXIO, "%s", err.text);
    } else {
        ask(ready, "/version", DOCKER_ENGINE_MS, on_version);
    }
}

static void on_begin(void *arg) {
    struct docker_ready *ready = arg;
    struct lambda *lambda = ready->docker->base.lambda;
    lambda->timer->stop(ready->timer);
    ready->timer = NULL;
    if (ready->cancelled) {
        finish(ready, -ECANCELED, "");
        return;
    }
    find_engine(ready);
}

void docker_ready_start(struct executor *executor,
                        void (*on_ready)(void *arg, int error, const char *reason), void *arg) {
    struct docker *docker = docker_from(executor);
    struct lambda *lambda = executor->lambda;
    struct docker_ready *ready = calloc(1, sizeof *ready);
    struct virga_str network = lambda->config->get_string(lambda->host, "docker-network");
    if (ready == NULL) {
        on_ready(arg, -ENOMEM, "out of memory");
        return;
    }
    ready->docker = docker;
    ready->on_ready = on_ready;
    ready->arg = arg;
    (void)snprintf(ready->facts.network, sizeof ready->facts.network, "%s",
                   network.ptr != NULL ? network.ptr : "");
    if (lambda->timer->start(lambda->host, 0, 0, on_begin, ready, &ready->timer) != 0) {
        free(ready);
        on_ready(arg, -ENOMEM, "out of memory");
        return;
    }
    docker->ready = ready;
}

void docker_ready_cancel(struct docker_ready *ready) {
    if (ready != NULL) {
        ready->cancelled = true;
        if (ready->call != NULL) {
            virga_engine_cancel(ready->call);
        }
    }
}
