/* SPDX-License-Identifier: MIT */
/* Virga in a container: clients on the engine's machine reach the gateway at the registry's port
 * there. Where the user did not publish that port of virga's own container, a small container of
 * virga's own image does, and passes the bytes on. It is of use while virga runs only, so that it
 * goes with it. */
#include "gateway.h"
#include "runner_docker_impl.h"

#include <errno.h>
#include <unistd.h>

static const struct virga_str nothing = {NULL, 0};

static void forward_path(const struct runner_docker *runner, const char *tail,
                         struct strbuf *path) {
    strbuf_add_text(path, "/containers/");
    strbuf_add_encoded(path, virga_str_from(runner->name), "");
    strbuf_addf(path, "-forward%s", tail);
}

/* Without it the registry is of use all the same, to whoever shares virga's network. */
static void give_up(struct runner_docker *runner, const char *message) {
    ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL,
            "the engine's machine does not reach the registry's port: %s. Publish the port of "
            "virga's container, or free it there",
            message);
    docker_start_done(runner);
}

static void on_started(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->error != 0 || (answer->status >= 300 && answer->status != 304)) {
        give_up(runner, answer->message);
        return;
    }
    runner->forwards = true;
    ECR_LOG(runner->base.ecr, VIRGA_LOG_INFO, NULL,
            "container %s-forward passes port %u of the engine's machine on", runner->name,
            gateway_port(runner->base.ecr->gateway));
    docker_start_done(runner);
}

static void on_created(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    struct strbuf path = {0};
    if (answer->error != 0 || answer->status >= 300) {
        give_up(runner, answer->message);
        return;
    }
    runner->forwards = true; /* made: to be removed at the stop, started or not */
    forward_path(runner, "/start", &path);
    (void)docker_ask(runner, "POST", path.ptr, nothing, DOCKER_CALL_MS, on_started);
    strbuf_finish(&path);
}

static void write_body(const struct runner_docker *runner, const char *program,
                       struct strbuf *body) {
    unsigned port = gateway_port(runner->base.ecr->gateway);
    strbuf_add_text(body, "{\"Image\":");
    strbuf_add_json(body, virga_str_from(runner->self.image));
    strbuf_add_text(body, ",\"Entrypoint\":[");
    strbuf_add_json(body, virga_str_from(program));
    strbuf_addf(body,
                "],\"Cmd\":[\"forward\",\"0.0.0.0:%u\",\"%s:%u\"],"
                "\"ExposedPorts\":{\"%u/tcp\":{}},\"Labels\":{\"" DOCKER_LABEL_DATA "\":",
                port, runner->self.ip, port, port);
    strbuf_add_json(body, virga_str_from(runner->files.data));
    strbuf_addf(body,
                "},\"HostConfig\":{\"PortBindings\":{\"%u/tcp\":[{\"HostIp\":\"127.0.0.1\","
                "\"HostPort\":\"%u\"}]},\"NetworkMode\":",
                port, port);
    strbuf_add_json(body, virga_str_from(runner->self.network));
    strbuf_add_text(body, "}}");
}

/* What an earlier run left is gone, or was never there. */
static void on_removed(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    char program[1024];
    struct strbuf body = {0}, path = {0};
    (void)answer;
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len < 0) {
        give_up(runner, strerror(errno));
        return;
    }
    program[len] = '\0';
    write_body(runner, program, &body);
    strbuf_add_text(&path, "/containers/create?name=");
    strbuf_add_encoded(&path, virga_str_from(runner->name), "");
    strbuf_add_text(&path, "-forward");
    if (body.failed || path.failed) {
        give_up(runner, "out of memory");
    } else {
        (void)docker_ask(runner, "POST", path.ptr, strbuf_str(&body), DOCKER_CALL_MS, on_created);
    }
    strbuf_finish(&body);
    strbuf_finish(&path);
}

void docker_forward_start(struct runner_docker *runner) {
    struct strbuf path = {0};
    if (runner->publishes || runner->forwards || runner->self.ip[0] == '\0') {
        docker_start_done(runner);
        return;
    }
    forward_path(runner, "?force=1&v=1", &path);
    (void)docker_ask(runner, "DELETE", path.ptr, nothing, DOCKER_CALL_MS, on_removed);
    strbuf_finish(&path);
}

void docker_forward_remove_path(const struct runner_docker *runner, struct strbuf *ret_path) {
    forward_path(runner, "?force=1&v=1", ret_path);
}
