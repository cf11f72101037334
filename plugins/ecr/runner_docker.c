/* SPDX-License-Identifier: MIT */
/* The registry in a container of a Docker or Podman engine: its life, and its storage by commands
 * that run inside of it. */
#include "runner_docker_impl.h"

#include "blob_sizes.h"
#include "reference.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define REPOSITORIES DOCKER_REGISTRY_ROOT "/docker/registry/v2/repositories/"
#define BLOBS DOCKER_REGISTRY_ROOT "/docker/registry/v2/blobs"
#define COMMAND_MS 600000
#define LINE_MAX_BYTES 1024

/* A command in the container. */
struct docker_command {
    struct docker_command *next;
    struct runner_docker *runner;
    struct docker_exec *exec;
    bool lines; /* stdout is cut into lines for on_line */
    void (*on_line)(struct docker_command *command, const char *line);
    void (*on_output)(void *arg, struct virga_str bytes);
    void (*on_digest)(void *arg, const char *digest);
    struct blob_sizes *sizes;
    runner_on_done on_done;
    void *arg;
    const char *what;
    bool missing_is_empty; /* a path that is not there is no failure */
    char line[LINE_MAX_BYTES];
    size_t line_len;
    char error[LINE_MAX_BYTES]; /* of stderr, its beginning */
    size_t error_len;
};

static struct runner_docker *of(struct registry_runner *runner) {
    return (struct runner_docker *)runner;
}

static const struct runner_docker *of_const(const struct registry_runner *runner) {
    return (const struct runner_docker *)runner;
}

/* --- one call to the engine --- */

static void on_answer(void *arg, const struct virga_engine_answer *answer) {
    struct runner_docker *runner = arg;
    runner->call = NULL;
    if (runner->on_stopped != NULL && runner->on_started == NULL && runner->on_answer == NULL) {
        docker_check_stopped(runner);
        return;
    }
    void (*then)(struct runner_docker *, const struct virga_engine_answer *) = runner->on_answer;
    runner->on_answer = NULL;
    if (then != NULL) {
        then(runner, answer);
    }
}

static int ask(struct runner_docker *runner, const char *method, const char *path,
               struct virga_str json, uint32_t timeout_ms,
               void (*then)(struct runner_docker *runner,
                            const struct virga_engine_answer *answer)) {
    const struct virga_engine_request request = {.method = method,
                                                 .path = path,
                                                 .json = json,
                                                 .timeout_ms = timeout_ms,
                                                 .on_done = on_answer,
                                                 .arg = runner};
    runner->on_answer = then;
    return virga_engine_start(runner->base.ecr->host, runner->base.ecr->fetch, &runner->engine,
                              &request, &runner->call);
}

bool docker_ask(struct runner_docker *runner, const char *method, const char *path,
                struct virga_str json, uint32_t timeout_ms,
                void (*then)(struct runner_docker *runner,
                             const struct virga_engine_answer *answer)) {
    int result = ask(runner, method, path, json, timeout_ms, then);
    if (result != 0) {
        runner->on_answer = NULL;
        runner->created = false; /* it cannot be removed either */
        docker_start_fail(runner, result, "the engine cannot be asked: %s", strerror(-result));
    }
    return result == 0;
}

/* --- life --- */

static void destroy(struct registry_runner *base) {
    struct runner_docker *runner = of(base);
    base->ecr->timer->stop(runner->timer);
    registry_files_finish(&runner->files);
    free(runner->pull);
    free(runner);
}

static void on_begin(void *arg) {
    struct runner_docker *runner = arg;
    runner->base.ecr->timer->stop(runner->timer);
    runner->timer = NULL;
    docker_start(runner);
}

static void start(struct registry_runner *base, runner_on_done on_done, void *arg) {
    struct runner_docker *runner = of(base);
    struct ecr *ecr = base->ecr;
    runner->on_started = on_done;
    runner->on_started_arg = arg;
    if (ecr->timer->start(ecr->host, 0, 0, on_begin, runner, &runner->timer) != 0) {
        runner->on_started = NULL;
        on_done(arg, -ENOMEM, "out of memory");
    }
}

void docker_check_stopped(struct runner_docker *runner) {
    if (runner->on_stopped == NULL || runner->call != NULL || runner->probe != NULL ||
        runner->commands != NULL || runner->timer != NULL) {
        return;
    }
    void (*on_stopped)(void *) = runner->on_stopped;
    runner->on_stopped = NULL;
    on_stopped(runner->on_stopped_arg);
}

static void on_gone(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->error != 0 || (answer->status >= 300 && answer->status != 404)) {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL, "container %s cannot be removed: %s",
                runner->name, answer->message);
    }
    runner->container.id[0] = '\0';
    docker_check_stopped(runner);
}

static void on_halted(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    char path[DOCKER_ID_MAX + 64];
    (void)answer;
    (void)snprintf(path, sizeof path, "/containers/%s?force=1&v=1", runner->container.id);
    if (ask(runner, "DELETE", path, (struct virga_str){NULL, 0}, DOCKER_CALL_MS, on_gone) != 0) {
        runner->on_answer = NULL;
        docker_check_stopped(runner);
    }
}

static void on_quiet(void *arg);

static void on_forward_gone(struct runner_docker *runner,
                            const struct virga_engine_answer *answer) {
    (void)answer;
    on_quiet(runner);
}

static void remove_forward(struct runner_docker *runner) {
    struct strbuf path = {0};
    runner->forwards = false;
    docker_forward_remove_path(runner, &path);
    int result = path.failed ? -ENOMEM
                             : ask(runner, "DELETE", path.ptr, (struct virga_str){NULL, 0},
                                   DOCKER_CALL_MS, on_forward_gone);
    strbuf_finish(&path);
    if (result != 0) {
        runner->on_answer = NULL;
        on_quiet(runner);
    }
}

static void on_left(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    (void)answer;
    docker_check_stopped(runner);
}

/* A registry that stays must not keep the network of virga's own container from being removed with
 * it, as docker compose down does. */
static bool leave_network(struct runner_docker *runner) {
    struct strbuf path = {0}, body = {0};
    if (!runner->self.inside || runner->network[0] != '\0' || runner->self.network[0] == '\0' ||
        runner->container.id[0] == '\0') {
        return false;
    }
    strbuf_add_text(&path, "/networks/");
    strbuf_add_encoded(&path, virga_str_from(runner->self.network), "");
    strbuf_add_text(&path, "/disconnect");
    docker_network_body(runner, &body);
    bool asked = !path.failed && !body.failed &&
                 ask(runner, "POST", path.ptr, strbuf_str(&body), DOCKER_CALL_MS, on_left) == 0;
    strbuf_finish(&path);
    strbuf_finish(&body);
    return asked;
}

/* What was under way has ended: the container is left or ended. */
static void on_quiet(void *arg) {
    struct runner_docker *runner = arg;
    struct ecr *ecr = runner->base.ecr;
    char path[DOCKER_ID_MAX + 64];
    ecr->timer->stop(runner->timer);
    runner->timer = NULL;
    if (runner->call != NULL || runner->probe != NULL || runner->commands != NULL) {
        if (ecr->timer->start(ecr->host, 10, 0, on_quiet, runner, &runner->timer) != 0) {
            runner->timer = NULL;
        }
        return;
    }
    if (runner->forwards) {
        remove_forward(runner);
        return;
    }
    if (runner->container.id[0] == '\0' || (ecr->keep_running && !runner->created)) {
        if (!leave_network(runner)) {
            docker_check_stopped(runner);
        }
        return;
    }
    (void)snprintf(path, sizeof path, "/containers/%s/stop?t=%d", runner->container.id,
                   DOCKER_STOP_S);
    if (ask(runner, "POST", path, (struct virga_str){NULL, 0}, DOCKER_CALL_MS, on_halted) != 0) {
        runner->on_answer = NULL;
        docker_check_stopped(runner);
    }
}

static void stop(struct registry_runner *base, void (*on_stopped)(void *arg), void *arg) {
    struct runner_docker *runner = of(base);
    struct ecr *ecr = base->ecr;
    runner->on_started = NULL;
    runner->on_answer = NULL;
    runner->on_stopped = on_stopped;
    runner->on_stopped_arg = arg;
    ecr->timer->stop(runner->timer);
    runner->timer = NULL;
    if (runner->call != NULL) {
        virga_engine_cancel(runner->call);
    }
    if (runner->probe != NULL) {
        ecr->fetch->cancel(runner->probe);
    }
    for (struct docker_command *command = runner->commands; command != NULL;
         command = command->next) {
        docker_exec_cancel(command->exec);
    }
    if (ecr->timer->start(ecr->host, 0, 0, on_quiet, runner, &runner->timer) != 0) {
        runner->timer = NULL;
        docker_check_stopped(runner);
    }
}

static void describe(const struct registry_runner *base, char *buffer, size_t size) {
    const struct runner_docker *runner = of_const(base);
    buffer[0] = '\0';
    if (runner->container.id[0] != '\0') {
        (void)snprintf(buffer, size, "container %s (%.12s)", runner->name, runner->container.id);
    }
}

static void address(const struct registry_runner *base, struct registry_address *ret_address) {
    *ret_address = of_const(base)->address;
}

static bool may_have_storage(const struct registry_runner *base) {
    const struct runner_docker *runner = of_const(base);
    return runner->volume || runner->container.id[0] != '\0' ||
           registry_files_has_storage(&runner->files);
}

/* --- commands in the container --- */

static void end_command(struct docker_command *command) {
    struct runner_docker *runner = command->runner;
    struct docker_command **at = &runner->commands;
    while (*at != command) {
        at = &(*at)->next;
    }
    *at = command->next;
    if (runner->collector == command) {
        runner->collector = NULL;
    }
    free(command);
}

static void on_command_done(void *arg, int status, int64_t exit_code, const char *reason) {
    struct docker_command *command = arg;
    runner_on_done on_done = command->on_done;
    void *done_arg = command->arg;
    char text[LINE_MAX_BYTES + 128];
    if (command->lines && command->line_len > 0 && status == 0) {
        command->line[command->line_len] = '\0';
        command->on_line(command, command->line);
    }
    if (command->sizes != NULL) {
        blob_sizes_sort(command->sizes);
    }
    bool empty = command->missing_is_empty && strstr(command->error, "No such file") != NULL;
    (void)snprintf(text, sizeof text, "%s", reason);
    if (status == 0 && exit_code != 0 && !empty) {
        status = -EIO;
        (void)snprintf(text, sizeof text,
                       "%s failed in the container (exit status %" PRId64 ")%s%s", command->what,
                       exit_code, command->error[0] != '\0' ? ": " : "", command->error);
    }
    end_command(command);
    on_done(done_arg, status, text);
}

static void take_lines(struct docker_command *command, struct virga_str bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != '\n') {
            if (command->line_len + 1 < sizeof command->line) {
                command->line[command->line_len++] = bytes.ptr[i];
            }
            continue;
        }
        command->line[command->line_len] = '\0';
        command->line_len = 0;
        command->on_line(command, command->line);
    }
}

static void on_command_output(void *arg, int stream, struct virga_str bytes) {
    struct docker_command *command = arg;
    if (command->on_output != NULL) {
        command->on_output(command->arg, bytes);
    } else if (stream == 1 && command->lines) {
        take_lines(command, bytes);
    } else if (stream == 2) {
        for (size_t i = 0; i < bytes.len && command->error_len + 1 < sizeof command->error; i++) {
            char c = bytes.ptr[i];
            command->error[command->error_len++] = c == '\n' ? ' ' : c;
        }
        command->error[command->error_len] = '\0';
    }
}

/* Runs it; `made` says what is to become of its output and is copied. */
static struct docker_command *run(struct runner_docker *runner, const struct docker_command *made,
                                  const char *const *argv) {
    struct docker_command *command = malloc(sizeof *command);
    int result = -ENOMEM;
    if (runner->container.id[0] == '\0') {
        result = -ENOTCONN;
    } else if (command != NULL) {
        *command = *made;
        command->runner = runner;
        result = docker_exec_start(runner->base.ecr, &runner->engine, runner->container.id, argv,
                                   COMMAND_MS, on_command_output, on_command_done, command,
                                   &command->exec);
    }
    if (result != 0) {
        free(command);
        made->on_done(made->arg, result,
                      result == -ENOTCONN ? "the registry's container is not there"
                                          : strerror(-result));
        return NULL;
    }
    command->next = runner->commands;
    runner->commands = command;
    return command;
}

static void discard(struct registry_runner *base, const char *upstream_name, runner_on_done on_done,
                    void *arg) {
    struct runner_docker *runner = of(base);
    char manifests[512], layers[512], uploads[512];
    const struct docker_command command = {.on_done = on_done, .arg = arg, .what = "rm"};
    if (!may_have_storage(base)) {
        on_done(arg, 0, "");
        return;
    }
    (void)snprintf(manifests, sizeof manifests, REPOSITORIES "%s/_manifests", upstream_name);
    (void)snprintf(layers, sizeof layers, REPOSITORIES "%s/_layers", upstream_name);
    (void)snprintf(uploads, sizeof uploads, REPOSITORIES "%s/_uploads", upstream_name);
    const char *const argv[] = {"rm", "-rf", manifests, layers, uploads, NULL};
    (void)run(runner, &command, argv);
}

static void discard_all(struct registry_runner *base, runner_on_done on_done, void *arg) {
    static const char *const argv[] = {"rm", "-rf", DOCKER_REGISTRY_ROOT "/docker", NULL};
    const struct docker_command command = {.on_done = on_done, .arg = arg, .what = "rm"};
    if (!may_have_storage(base)) {
        on_done(arg, 0, "");
        return;
    }
    (void)run(of(base), &command, argv);
}

static void on_revision(struct docker_command *command, const char *line) {
    char digest[ECR_DIGEST_LEN + 8];
    (void)snprintf(digest, sizeof digest, "sha256:%s", line);
    if (reference_is_digest(virga_str_from(digest))) {
        command->on_digest(command->arg, digest);
    }
}

static void revisions(struct registry_runner *base, const char *upstream_name,
                      void (*on_digest)(void *arg, const char *digest), runner_on_done on_done,
                      void *arg) {
    char path[512];
    (void)snprintf(path, sizeof path, REPOSITORIES "%s/_manifests/revisions/sha256", upstream_name);
    const char *const argv[] = {"ls", "-1", path, NULL};
    const struct docker_command command = {.lines = true,
                                           .on_line = on_revision,
                                           .on_digest = on_digest,
                                           .on_done = on_done,
                                           .arg = arg,
                                           .what = "ls",
                                           .missing_is_empty = true};
    (void)run(of(base), &command, argv);
}

/* "12345 /var/lib/registry/docker/registry/v2/blobs/sha256/ab/<64 digits>/data" */
static void on_size(struct docker_command *command, const char *line) {
    static const char tail[] = "/data";
    char *path = NULL;
    uint64_t size = strtoull(line, &path, 10);
    size_t len = strlen(line);
    if (path != line && len > 64 + sizeof tail - 1 &&
        strcmp(line + len - (sizeof tail - 1), tail) == 0) {
        blob_sizes_add(command->sizes, line + len - (sizeof tail - 1) - 64, size);
    }
}

/* What cannot be measured counts as nothing, as for files. */
static void measure(struct registry_runner *base, struct blob_sizes *sizes, runner_on_done on_done,
                    void *arg) {
    static const char *const argv[] = {"find", BLOBS, "-name", "data", "-type", "f", "-exec",
                                       "stat", "-c",  "%s %n", "{}",   "+",     NULL};
    const struct docker_command command = {.lines = true,
                                           .on_line = on_size,
                                           .sizes = sizes,
                                           .on_done = on_done,
                                           .arg = arg,
                                           .what = "find",
                                           .missing_is_empty = true};
    (void)run(of(base), &command, argv);
}

static void collect(struct registry_runner *base,
                    void (*on_output)(void *arg, struct virga_str bytes), runner_on_done on_done,
                    void *arg) {
    struct runner_docker *runner = of(base);
    const char *const argv[] = {"registry", "garbage-collect", runner->container.registry_config,
                                NULL};
    const struct docker_command command = {
        .on_output = on_output, .on_done = on_done, .arg = arg, .what = "garbage-collect"};
    runner->collector = run(runner, &command, argv);
}

static void cancel_collect(struct registry_runner *base) {
    struct runner_docker *runner = of(base);
    if (runner->collector != NULL) {
        docker_exec_cancel(runner->collector->exec);
    }
}

static const struct registry_runner_ops ops = {
    .name = "docker",
    .destroy = destroy,
    .start = start,
    .stop = stop,
    .describe = describe,
    .address = address,
    .may_have_storage = may_have_storage,
    .storage_needs_registry = true,
    .discard = discard,
    .discard_all = discard_all,
    .revisions = revisions,
    .measure = measure,
    .collect = collect,
    .cancel_collect = cancel_collect,
};

static void read_setting(struct ecr *ecr, const char *key, char *buffer, size_t size) {
    struct virga_str value = ecr->config->get_string(ecr->host, key);
    (void)snprintf(buffer, size, "%.*s", (int)value.len, value.ptr != NULL ? value.ptr : "");
}

int runner_docker_create(struct ecr *ecr, void (*on_exit)(void *arg), void *arg,
                         struct registry_runner **ret_runner, struct virga_error *err) {
    struct runner_docker *runner = calloc(1, sizeof *runner);
    if (runner == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    runner->base = (struct registry_runner){&ops, ecr, on_exit, arg};
    runner->files.lock = -1;
    read_setting(ecr, "registry-container-name", runner->name, sizeof runner->name);
    read_setting(ecr, "registry-image", runner->image, sizeof runner->image);
    read_setting(ecr, "docker-network", runner->network, sizeof runner->network);
    read_setting(ecr, "floci.docker.docker-host", runner->configured, sizeof runner->configured);
    (void)snprintf(runner->volume_name, sizeof runner->volume_name, "%s-data", runner->name);
    int result = registry_files_init(&runner->files, ecr->data_path, err);
    if (result == 0 && (runner->name[0] == '\0' || runner->image[0] == '\0')) {
        virga_error_set(err, "registry-container-name and registry-image must not be empty");
        result = -EINVAL;
    }
    if (result != 0) {
        destroy(&runner->base);
        return result;
    }
    runner->volume = registry_files_has_volume(&runner->files);
    *ret_runner = &runner->base;
    return 0;
}
