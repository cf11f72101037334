/* SPDX-License-Identifier: MIT */
/* A registry's container, from nothing to an answer: find an engine, look for the container, get
 * the image, create, start, ask. Each step ends by beginning the next one or the start. */
#include "runner_docker_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define PULL_LOG_NS 3000000000u

static void find_engine(struct runner_docker *runner);
static void inspect(struct runner_docker *runner);
static void create(struct runner_docker *runner);
static void probe(struct runner_docker *runner);

static const struct virga_str nothing = {NULL, 0};

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
        if (docker_ask(runner, "DELETE", path, nothing, DOCKER_CALL_MS, on_undone)) {
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
static bool refused(struct runner_docker *runner, const struct virga_engine_answer *answer,
                    const char *what) {
    if (answer->error == 0 && answer->status < 300) {
        return false;
    }
    docker_start_fail(runner, -EIO, "%s: %s", what, answer->message);
    return true;
}

/* --- is the registry there? --- */

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
    if (!refused(runner, answer, "the registry's container cannot join virga's network")) {
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
    if (refused(runner, answer, "the registry's container cannot be looked at")) {
        return;
    }
    if (docker_container_read(answer->json, docker_network(runner), &runner->container) != 0) {
        docker_start_fail(runner, -EIO, "the engine gave a malformed answer");
        return;
    }
    if (!runner->container.running) {
        (void)snprintf(path, sizeof path, "/containers/%s/logs?stdout=1&stderr=1&tail=5",
                       runner->container.id);
        (void)docker_ask(runner, "GET", path, nothing, DOCKER_CALL_MS, on_last_words);
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
    (void)docker_ask(runner, "GET", path, nothing, DOCKER_CALL_MS, on_looked_again);
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

static void wait_for_registry(struct runner_docker *runner) {
    struct ecr *ecr = runner->base.ecr;
    runner->deadline_ns =
        ecr->timer->monotonic_ns(ecr->host) + (uint64_t)DOCKER_PROBE_MS * 1000000u;
    look(runner);
}

/* --- starting it --- */

/* A folder that cannot be mounted: the storage goes into a volume, which stays the choice. */
static bool retry_with_volume(struct runner_docker *runner, const char *message) {
    if (runner->volume || !docker_container_mount_refused(message)) {
        return false;
    }
    ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL,
            "the engine cannot mount %s (%s): the registry's storage goes into the volume %s",
            runner->files.root, message, runner->volume_name);
    runner->volume = true;
    return true;
}

static void on_removed(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->status == 404 || answer->status == 409 ||
        !refused(runner, answer, "the outdated container cannot be removed")) {
        runner->created = false;
        runner->container.id[0] = '\0';
        create(runner);
    }
}

static void remove_and_create(struct runner_docker *runner) {
    char path[DOCKER_ID_MAX + 64];
    /* Anonymous volumes go, the storage stays: it is a folder or a volume with a name. */
    (void)snprintf(path, sizeof path, "/containers/%s?force=1&v=1", runner->container.id);
    (void)docker_ask(runner, "DELETE", path, nothing, DOCKER_CALL_MS, on_removed);
}

static void on_started(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->error == 0 && answer->status >= 300 && answer->status != 304 && runner->created &&
        retry_with_volume(runner, answer->message)) {
        remove_and_create(runner);
        return;
    }
    if (answer->error == 0 && answer->status >= 300 && answer->status != 304 && !runner->created &&
        !runner->remade) {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL,
                "container %s does not start any more (%s): it is made anew, its data stays",
                runner->name, answer->message);
        runner->remade = true;
        remove_and_create(runner);
        return;
    }
    if (answer->status != 304 &&
        refused(runner, answer, "the registry's container cannot be started")) {
        return;
    }
    ECR_LOG(runner->base.ecr, VIRGA_LOG_INFO, NULL, "registry started in container %s (%.12s)",
            runner->name, runner->container.id);
    wait_for_registry(runner);
}

static void start_container(struct runner_docker *runner) {
    char path[DOCKER_ID_MAX + 64];
    (void)snprintf(path, sizeof path, "/containers/%s/start", runner->container.id);
    (void)docker_ask(runner, "POST", path, nothing, DOCKER_CALL_MS, on_started);
}

static void on_created(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->status == 409 && runner->tries++ < DOCKER_CREATE_TRIES) {
        inspect(runner); /* somebody was faster */
        return;
    }
    if (answer->error == 0 && answer->status >= 300 && retry_with_volume(runner, answer->message)) {
        create(runner);
        return;
    }
    if (refused(runner, answer, "the registry's container cannot be created")) {
        return;
    }
    struct json_object *id = NULL;
    if (!json_object_is_type(answer->json, json_type_object) ||
        !json_object_object_get_ex(answer->json, "Id", &id) ||
        strlen(json_object_get_string(id)) > DOCKER_ID_MAX) {
        docker_start_fail(runner, -EIO, "the engine gave a malformed answer");
        return;
    }
    runner->created = true;
    if (runner->volume && registry_files_mark_volume(&runner->files) != 0) {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL,
                "cannot note in %s that the registry's "
                "storage is in a volume",
                runner->files.data);
    }
    (void)snprintf(runner->container.id, sizeof runner->container.id, "%s",
                   json_object_get_string(id));
    start_container(runner);
}

/* What is asked for now. Errors: -ENOMEM, -EIO, those of the secret's file. */
static int write_spec(struct runner_docker *runner, struct strbuf *ret_json,
                      char ret_digest[ECR_DIGEST_LEN + 1]) {
    char secret[REGISTRY_SECRET_MAX];
    char folder[DOCKER_TEXT_MAX * 2 + 16];
    int result = registry_files_secret(&runner->files, secret);
    if (result != 0) {
        return result;
    }
    (void)snprintf(folder, sizeof folder, "%s", runner->files.root);
    if (runner->self.inside) {
        (void)snprintf(folder, sizeof folder, "%s%s/registry", runner->self.source,
                       runner->self.rest);
    }
    const struct docker_container_spec spec = {
        .image = runner->image,
        .data_path = runner->files.data,
        .source = runner->volume ? runner->volume_name : folder,
        .volume = runner->volume,
        .network = docker_network(runner),
        .publish = !runner->self.inside,
        .secret = secret,
    };
    return docker_container_write(&spec, ret_json, ret_digest);
}

static void create(struct runner_docker *runner) {
    struct strbuf json = {0}, path = {0};
    char digest[ECR_DIGEST_LEN + 1];
    int result = write_spec(runner, &json, digest);
    if (result == 0) {
        strbuf_add_text(&path, "/containers/create?name=");
        strbuf_add_encoded(&path, virga_str_from(runner->name), "");
        result = path.failed ? -ENOMEM : 0;
    }
    if (result == 0) {
        (void)docker_ask(runner, "POST", path.ptr, strbuf_str(&json), DOCKER_CALL_MS, on_created);
    } else {
        docker_start_fail(runner, result, "the registry's container cannot be described: %s",
                          strerror(-result));
    }
    strbuf_finish(&json);
    strbuf_finish(&path);
}

/* --- its image --- */

static void end_pull(struct runner_docker *runner) {
    free(runner->pull);
    runner->pull = NULL;
}

static void on_pull_data(void *arg, struct virga_str bytes) {
    struct runner_docker *runner = arg;
    struct ecr *ecr = runner->base.ecr;
    char text[128];
    if (runner->pull == NULL) {
        return;
    }
    docker_pull_take(runner->pull, bytes);
    uint64_t now_ns = ecr->timer->monotonic_ns(ecr->host);
    if (now_ns - runner->pull_told_ns > PULL_LOG_NS && runner->pull->layers_count > 0) {
        runner->pull_told_ns = now_ns;
        docker_pull_describe(runner->pull, text, sizeof text);
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "pulling %s: %s", runner->image, text);
    }
}

static void on_pulled(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    char error[512] = "", text[128] = "";
    if (runner->pull != NULL) {
        docker_pull_end(runner->pull);
        (void)snprintf(error, sizeof error, "%s", runner->pull->error);
        docker_pull_describe(runner->pull, text, sizeof text);
    }
    end_pull(runner);
    if (answer->error != 0 || answer->status >= 300) {
        docker_start_fail(runner, -ENODATA, "image %s cannot be pulled: %s", runner->image,
                          answer->message);
    } else if (error[0] != '\0') {
        docker_start_fail(runner, -ENODATA, "image %s cannot be pulled: %s", runner->image, error);
    } else {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_INFO, NULL, "pulled %s: %s", runner->image, text);
        create(runner);
    }
}

static void on_pull_answer(void *arg, const struct virga_engine_answer *answer) {
    struct runner_docker *runner = arg;
    runner->call = NULL;
    if (runner->on_started == NULL) {
        end_pull(runner);
        docker_check_stopped(runner);
        return;
    }
    on_pulled(runner, answer);
}

static void pull(struct runner_docker *runner) {
    struct ecr *ecr = runner->base.ecr;
    struct strbuf path = {0};
    size_t name_len = 0;
    const char *tag = NULL;
    docker_pull_split(runner->image, &name_len, &tag);
    strbuf_add_text(&path, "/images/create?fromImage=");
    strbuf_add_encoded(&path, (struct virga_str){runner->image, name_len}, "");
    if (tag != NULL || strchr(runner->image, '@') == NULL) {
        strbuf_add_text(&path, "&tag=");
        strbuf_add_encoded(&path, virga_str_from(tag != NULL ? tag : "latest"), "");
    }
    runner->pull = calloc(1, sizeof *runner->pull);
    runner->pull_told_ns = ecr->timer->monotonic_ns(ecr->host);
    const struct virga_engine_request request = {.method = "POST",
                                                 .path = path.ptr,
                                                 .timeout_ms = DOCKER_PULL_MS,
                                                 .on_data = on_pull_data,
                                                 .on_done = on_pull_answer,
                                                 .arg = runner};
    int result =
        path.failed || runner->pull == NULL
            ? -ENOMEM
            : virga_engine_start(ecr->host, ecr->fetch, &runner->engine, &request, &runner->call);
    strbuf_finish(&path);
    if (result != 0) {
        end_pull(runner);
        docker_start_fail(runner, result, "%s", strerror(-result));
        return;
    }
    ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "pulling %s, which %s does not have", runner->image,
            runner->engine.shown);
}

static void on_image(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->status == 404) {
        pull(runner);
    } else if (!refused(runner, answer, "the registry's image cannot be looked at")) {
        create(runner);
    }
}

static void look_for_image(struct runner_docker *runner) {
    struct strbuf path = {0};
    strbuf_add_text(&path, "/images/");
    strbuf_add_encoded(&path, virga_str_from(runner->image), "/:@");
    strbuf_add_text(&path, "/json");
    if (path.failed) {
        docker_start_fail(runner, -ENOMEM, "out of memory");
    } else {
        (void)docker_ask(runner, "GET", path.ptr, nothing, DOCKER_CALL_MS, on_image);
    }
    strbuf_finish(&path);
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
        look_for_image(runner);
        return;
    }
    if (refused(runner, answer, "the registry's container cannot be looked at")) {
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
    int result = write_spec(runner, &json, digest);
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
        remove_and_create(runner);
    } else if (!runner->container.running) {
        start_container(runner);
    } else {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "registry adopted in container %s (%.12s)", runner->name,
                runner->container.id);
        wait_for_registry(runner);
    }
}

static void inspect(struct runner_docker *runner) {
    struct strbuf path = {0};
    strbuf_add_text(&path, "/containers/");
    strbuf_add_encoded(&path, virga_str_from(runner->name), "");
    strbuf_add_text(&path, "/json");
    if (path.failed) {
        docker_start_fail(runner, -ENOMEM, "out of memory");
    } else {
        (void)docker_ask(runner, "GET", path.ptr, nothing, DOCKER_CALL_MS, on_inspected);
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
    inspect(runner);
}

static void on_self(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    runner->self = (struct docker_self){.inside = false};
    if (answer->error == 0 && answer->status == 200 &&
        docker_self_read(answer->json, runner->files.data, runner->network, &runner->self) == 0) {
        runner->publishes = docker_self_publishes(answer->json, runner->base.ecr->port_first);
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
    if (docker_self_maybe(name, sizeof name)) {
        (void)snprintf(path, sizeof path, "/containers/%s/json", name);
        (void)docker_ask(runner, "GET", path, nothing, DOCKER_CALL_MS, on_self);
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
        (void)docker_ask(runner, "GET", "/version", nothing, DOCKER_ENGINE_MS, on_version);
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
