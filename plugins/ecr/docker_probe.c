/* SPDX-License-Identifier: MIT */
/* Of a start of the registry's container: where it is reached, and whether it answers there. */
#include "runner_docker_impl.h"

#include <errno.h>
#include <stdlib.h>

static void probe(struct runner_docker *runner);

const char *docker_network(const struct runner_docker *runner) {
    return runner->network[0] != '\0' || !runner->self.inside ? runner->network
                                                              : runner->self.network;
}

void docker_network_body(const struct runner_docker *runner, struct strbuf *ret_json) {
    strbuf_addf(ret_json, "{\"Container\":\"%s\",\"Force\":true}", runner->container.id);
}

static bool take_address(struct runner_docker *runner) {
    const struct docker_container *container = &runner->container;
    runner->address = (struct registry_address){.port = 0};
    if (runner->self.inside) {
        if (container->ip[0] == '\0') {
            return false;
        }
        (void)snprintf(runner->address.host, sizeof runner->address.host, "%s", container->ip);
        runner->address.port = DOCKER_REGISTRY_PORT;
        return true;
    }
    if (container->host_port == 0) {
        return false;
    }
    (void)snprintf(runner->address.host, sizeof runner->address.host, "%s", container->host_ip);
    runner->address.port = container->host_port;
    return true;
}

static void look(struct runner_docker *runner);

static void on_connected(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (!docker_refused(runner, answer, "the registry's container cannot join virga's network")) {
        look(runner);
    }
}

/* virga in a container takes a registry that it leaves out of its network at the stop, so that the
 * network can be removed. False: there is nothing to be done about a missing address. */
static bool connect_network(struct runner_docker *runner) {
    struct strbuf path = {0}, body = {0};
    if (!runner->self.inside || runner->connected || docker_network(runner)[0] == '\0') {
        return false;
    }
    runner->connected = true;
    strbuf_add_text(&path, "/networks/");
    strbuf_add_encoded(&path, virga_str_from(docker_network(runner)), "");
    strbuf_add_text(&path, "/connect");
    docker_network_body(runner, &body);
    bool good = !path.failed && !body.failed;
    if (good) {
        (void)docker_ask(runner, "POST", path.ptr, strbuf_str(&body), DOCKER_CALL_MS, on_connected);
    }
    strbuf_finish(&path);
    strbuf_finish(&body);
    return good;
}

static void on_log_payload(void *arg, int stream, struct virga_str payload) {
    struct runner_docker *runner = arg;
    (void)stream;
    size_t len = strlen(runner->failure);
    (void)snprintf(runner->failure + len, sizeof runner->failure - len, "%.*s", (int)payload.len,
                   payload.ptr);
}

/* The container's last words are the reason. */
static void on_last_words(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    char words[DOCKER_TEXT_MAX];
    struct virga_engine_frames frames = {.have = 0};
    runner->failure[0] = '\0';
    if (answer->error == 0 && answer->status < 300) {
        virga_engine_frames_take(&frames, answer->body, on_log_payload, runner);
    }
    (void)snprintf(words, sizeof words, "%s", runner->failure);
    for (char *at = words; *at != '\0'; at++) {
        *at = *at == '\n' || *at == '\r' ? ' ' : *at;
    }
    docker_start_fail(runner, -EIO, "the registry's container ended%s%s%s%s",
                      runner->container.exit_reason[0] != '\0' ? ": " : "",
                      runner->container.exit_reason, words[0] != '\0' ? ": " : "", words);
}

static void on_looked_again(struct runner_docker *runner,
                            const struct virga_engine_answer *answer) {
    char path[DOCKER_ID_MAX + 64];
    if (docker_refused(runner, answer, "the registry's container cannot be looked at")) {
        return;
    }
    if (docker_container_read(answer->json, docker_network(runner), &runner->container) != 0) {
        docker_start_fail(runner, -EIO, "the engine gave a malformed answer");
        return;
    }
    if (!runner->container.running) {
        (void)snprintf(path, sizeof path, "/containers/%s/logs?stdout=1&stderr=1&tail=5",
                       runner->container.id);
        (void)docker_ask(runner, "GET", path, DOCKER_NOTHING, DOCKER_CALL_MS, on_last_words);
        return;
    }
    if (!take_address(runner)) {
        if (connect_network(runner)) {
            return;
        }
        docker_start_fail(runner, -EIO,
                          "the engine gave the registry's container no address to reach it at");
        return;
    }
    probe(runner);
}

/* Where it is and whether it still runs. */
static void look(struct runner_docker *runner) {
    char path[DOCKER_ID_MAX + 64];
    (void)snprintf(path, sizeof path, "/containers/%s/json", runner->container.id);
    (void)docker_ask(runner, "GET", path, DOCKER_NOTHING, DOCKER_CALL_MS, on_looked_again);
}

static void on_probe_timer(void *arg) {
    struct runner_docker *runner = arg;
    runner->base.ecr->timer->stop(runner->timer);
    runner->timer = NULL;
    look(runner);
}

static void on_probed(void *arg, const struct virga_fetch_response *res) {
    struct runner_docker *runner = arg;
    struct ecr *ecr = runner->base.ecr;
    runner->probe = NULL;
    if (runner->on_started == NULL) {
        docker_check_stopped(runner);
        return;
    }
    if (res->status == 200) {
        if (runner->self.inside) {
            docker_forward_start(runner);
        } else {
            docker_start_done(runner);
        }
        return;
    }
    if (ecr->timer->monotonic_ns(ecr->host) > runner->deadline_ns) {
        docker_start_fail(runner, -ETIMEDOUT,
                          "the registry in container %s does not answer within %d s: %s",
                          runner->name, DOCKER_PROBE_MS / 1000,
                          res->status != 0 ? "another status than 200" : res->error_text);
        return;
    }
    if (ecr->timer->start(ecr->host, DOCKER_PROBE_PAUSE_MS, 0, on_probe_timer, runner,
                          &runner->timer) != 0) {
        docker_start_fail(runner, -ENOMEM, "out of memory");
    }
}

static void probe(struct runner_docker *runner) {
    struct ecr *ecr = runner->base.ecr;
    char url[128];
    bool v6 = strchr(runner->address.host, ':') != NULL;
    (void)snprintf(url, sizeof url, "http://%s%s%s:%u/v2/", v6 ? "[" : "", runner->address.host,
                   v6 ? "]" : "", runner->address.port);
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .url = url,
        .timeout_ms = 2000,
        .on_done = on_probed,
        .arg = runner,
    };
    if (ecr->fetch->start(ecr->host, &request, &runner->probe) != 0) {
        docker_start_fail(runner, -ENOMEM, "out of memory");
    }
}

void docker_wait(struct runner_docker *runner) {
    struct ecr *ecr = runner->base.ecr;
    runner->deadline_ns =
        ecr->timer->monotonic_ns(ecr->host) + (uint64_t)DOCKER_PROBE_MS * 1000000u;
    look(runner);
}
