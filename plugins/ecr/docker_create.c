/* SPDX-License-Identifier: MIT */
/* Of a start of the registry's container: making it, starting it, and making it anew. */
#include "runner_docker_impl.h"

#include <errno.h>
#include <stdlib.h>

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
        !docker_refused(runner, answer, "the outdated container cannot be removed")) {
        runner->created = false;
        runner->container.id[0] = '\0';
        docker_create(runner);
    }
}

void docker_remove_and_create(struct runner_docker *runner) {
    char path[DOCKER_ID_MAX + 64];
    /* Anonymous volumes go, the storage stays: it is a folder or a volume with a name. */
    (void)snprintf(path, sizeof path, "/containers/%s?force=1&v=1", runner->container.id);
    (void)docker_ask(runner, "DELETE", path, DOCKER_NOTHING, DOCKER_CALL_MS, on_removed);
}

static void on_started(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->error == 0 && answer->status >= 300 && answer->status != 304 && runner->created &&
        retry_with_volume(runner, answer->message)) {
        docker_remove_and_create(runner);
        return;
    }
    if (answer->error == 0 && answer->status >= 300 && answer->status != 304 && !runner->created &&
        !runner->remade) {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_WARN, NULL,
                "container %s does not start any more (%s): it is made anew, its data stays",
                runner->name, answer->message);
        runner->remade = true;
        docker_remove_and_create(runner);
        return;
    }
    if (answer->status != 304 &&
        docker_refused(runner, answer, "the registry's container cannot be started")) {
        return;
    }
    ECR_LOG(runner->base.ecr, VIRGA_LOG_INFO, NULL, "registry started in container %s (%.12s)",
            runner->name, runner->container.id);
    docker_wait(runner);
}

void docker_start_container(struct runner_docker *runner) {
    char path[DOCKER_ID_MAX + 64];
    (void)snprintf(path, sizeof path, "/containers/%s/start", runner->container.id);
    (void)docker_ask(runner, "POST", path, DOCKER_NOTHING, DOCKER_CALL_MS, on_started);
}

static void on_created(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    if (answer->status == 409 && runner->tries++ < DOCKER_CREATE_TRIES) {
        docker_inspect(runner); /* somebody was faster */
        return;
    }
    if (answer->error == 0 && answer->status >= 300 && retry_with_volume(runner, answer->message)) {
        docker_create(runner);
        return;
    }
    if (docker_refused(runner, answer, "the registry's container cannot be created")) {
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
    docker_start_container(runner);
}

int docker_write_spec(struct runner_docker *runner, struct strbuf *ret_json,
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

void docker_create(struct runner_docker *runner) {
    struct strbuf json = {0}, path = {0};
    char digest[ECR_DIGEST_LEN + 1];
    int result = docker_write_spec(runner, &json, digest);
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
