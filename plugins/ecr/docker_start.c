/* SPDX-License-Identifier: MIT */
/* A registry's container, from nothing to an answer: find an engine, look for the container, get
 * the image (docker_image.c), create, start (docker_create.c), ask (docker_probe.c). Each step ends
 * by beginning the next one or the start. */
#include "runner_docker_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static void find_engine(struct runner_docker *runner);

/* --- the end of a start --- */

static void tell(struct runner_docker *runner) {
    runner_on_done on_started = runner->on_started;
    runner->on_started = NULL;
    runner->created = false;
    if (runner->failure_status != 0) {
        registry_files_finish(&runner->files); /* another runner may need the lock */
    }
    on_started(runner->on_started_arg, runner->failure_status, runner->failure);
}

static void on_undone(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->error != 0 || (answer->status >= 300 && answer->status != 404)) {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL,
                "container %s, which could not be used, could not be removed either: %s",
                runner->name, answer->message);
    }
    tell(runner);
}

void docker_start_fail(struct runner_docker *runner, int status, const char *format, ...) {
    char path[DOCKER_ID_MAX + 64];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(runner->failure, sizeof runner->failure, format, args);
    va_end(args);
    runner->failure_status = status;
    if (runner->created) {
        runner->created = false;
        (void)snprintf(path, sizeof path, "/containers/%s?force=1&v=1", runner->container.id);
        runner->container.id[0] = '\0';
        if (docker_ask(runner, "DELETE", path, DOCKER_NOTHING, DOCKER_CALL_MS, on_undone)) {
            return;
        }
    }
    tell(runner);
}

void docker_start_done(struct runner_docker *runner) {
    runner->failure[0] = '\0';
    runner->failure_status = 0;
    tell(runner);
}

/* An answer that is no success ends the start; `what` could not be done. */
bool docker_refused(struct runner_docker *runner, const struct virga_engine_answer *answer,
                    const char *what) {
    if (answer->error == 0 && answer->status < 300) {
        return false;
    }
    docker_start_fail(runner, -EIO, "%s: %s", what, answer->message);
    return true;
}

/* --- the container that is there --- */

/* Whether a virga that runs holds the data path of another container. */
static bool is_held(const char *data_path) {
    char path[DOCKER_TEXT_MAX + 8];
    (void)snprintf(path, sizeof path, "%s/lock", data_path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0) {
        close(fd);
    }
    return held;
}

static void on_inspected(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    struct ecr *ecr = runner->base.ecr;
    char digest[ECR_DIGEST_LEN + 1] = "";
    struct strbuf json = {0};
    if (answer->status == 404) {
        docker_look_for_image(runner);
        return;
    }
    if (docker_refused(runner, answer, "the registry's container cannot be looked at")) {
        return;
    }
    if (docker_container_read(answer->json, docker_network(runner), &runner->container) != 0) {
        docker_start_fail(runner, -EIO, "the engine gave a malformed answer");
        return;
    }
    if (!runner->container.ours) {
        runner->container.id[0] = '\0';
        docker_start_fail(runner, -EEXIST,
                          "container %s was not made by virga: remove it, or set "
                          "registry-container-name",
                          runner->name);
        return;
    }
    bool same_data = strcmp(runner->container.data_path, runner->files.data) == 0;
    if (!same_data && is_held(runner->container.data_path)) {
        runner->container.id[0] = '\0';
        docker_start_fail(runner, -EBUSY,
                          "container %s belongs to another virga that runs, with the data path "
                          "%s: set registry-container-name",
                          runner->name, runner->container.data_path);
        return;
    }
    int result = docker_write_spec(runner, &json, digest);
    strbuf_finish(&json);
    if (result != 0) {
        docker_start_fail(runner, result, "the registry's container cannot be described: %s",
                          strerror(-result));
        return;
    }
    if (strcmp(digest, runner->container.config) != 0) {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL,
                "container %s was made for other settings: it is replaced, its data stays",
                runner->name);
        docker_remove_and_create(runner);
    } else if (!runner->container.running) {
        docker_start_container(runner);
    } else {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "registry adopted in container %s (%.12s)", runner->name,
                runner->container.id);
        docker_wait(runner);
    }
}

void docker_inspect(struct runner_docker *runner) {
    struct strbuf path = {0};
    strbuf_add_text(&path, "/containers/");
    strbuf_add_encoded(&path, virga_str_from(runner->name), "");
    strbuf_add_text(&path, "/json");
    if (path.failed) {
        docker_start_fail(runner, -ENOMEM, "out of memory");
    } else {
        (void)docker_ask(runner, "GET", path.ptr, DOCKER_NOTHING, DOCKER_CALL_MS, on_inspected);
    }
    strbuf_finish(&path);
}

/* --- the engine --- */

/* A registry that ran as a child of an earlier virga on the same storage is not needed any more. */
static void end_child(struct runner_docker *runner) {
    struct ecr *ecr = runner->base.ecr;
    struct registry_pid pid;
    struct virga_process_handle *child = NULL;
    const struct virga_process_options options = {.struct_size = sizeof options};
    if (registry_files_read_pid(&runner->files, &pid) != 0) {
        return;
    }
    if (ecr->process->adopt(ecr->host, pid.id, &options, &child) == 0) {
        (void)ecr->process->kill(child, SIGTERM);
        ecr->process->close(child);
    }
    registry_files_remove_pid(&runner->files);
}

static void prepare(struct runner_docker *runner) {
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    int result = registry_files_lock(&runner->files, &err);
    if (result != 0) {
        docker_start_fail(runner, result, "%s", err.text);
        return;
    }
    end_child(runner);
    docker_inspect(runner);
}

static void on_self(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    runner->self = (struct virga_engine_self){.inside = false};
    if (answer->error == 0 && answer->status == 200 &&
        virga_engine_self_read(answer->json, runner->files.data, runner->network, &runner->self) ==
            0) {
        runner->publishes = virga_engine_self_publishes(answer->json, runner->base.ecr->port_first);
        /* A folder of this container that the engine's machine does not see cannot be mounted, and
         * a part of a volume cannot either. */
        runner->volume = runner->self.source[0] == '\0' || runner->self.volume;
        ECR_LOG(runner->base.ecr, VIRGA_LOG_INFO, NULL,
                "virga runs in container %.12s: the registry joins its network '%s'",
                runner->self.id, runner->self.network);
    }
    prepare(runner);
}

static void on_version(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    char name[256], path[512];
    if (answer->error != 0 || answer->status != 200) {
        size_t len = strlen(runner->tried);
        (void)snprintf(runner->tried + len, sizeof runner->tried - len, "%s%s: %s",
                       len > 0 ? "; " : "", runner->engine.shown,
                       answer->error != 0 ? answer->message : "it is no container engine");
        runner->candidate++;
        find_engine(runner);
        return;
    }
    virga_engine_adapt(&runner->engine, answer->json);
    if (virga_engine_self_maybe(name, sizeof name)) {
        (void)snprintf(path, sizeof path, "/containers/%s/json", name);
        (void)docker_ask(runner, "GET", path, DOCKER_NOTHING, DOCKER_CALL_MS, on_self);
        return;
    }
    prepare(runner);
}

static void find_engine(struct runner_docker *runner) {
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    int result =
        virga_engine_candidate(runner->configured, runner->candidate, &runner->engine, &err);
    if (result == -ENOENT) {
        docker_start_fail(runner, -ENXIO, "%s",
                          runner->tried[0] != '\0' ? runner->tried
                                                   : "no socket of Docker or Podman is there");
    } else if (result != 0) {
        docker_start_fail(runner, -ENXIO, "%s", err.text);
    } else {
        (void)docker_ask(runner, "GET", "/version", DOCKER_NOTHING, DOCKER_ENGINE_MS, on_version);
    }
}

void docker_start(struct runner_docker *runner) {
    runner->candidate = 0;
    runner->tried[0] = '\0';
    runner->created = false;
    runner->connected = false;
    runner->remade = false;
    runner->tries = 0;
    find_engine(runner);
}
