/* SPDX-License-Identifier: MIT */
/* Whether an image has the working directory. Engines make one that it lacks: Docker when it
 * creates the container, Podman when it starts it. It is among the changes of the container then.
 * To ask costs a round trip, so what an image was found to have is remembered. */
#include "docker_instance.h"

#include <signal.h>
#include <stdlib.h>

/* Of the container, whose file system is read-only afterwards. */
static bool is_made(struct json_object *changes, const char *cwd) {
    size_t count =
        json_object_is_type(changes, json_type_array) ? json_object_array_length(changes) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *change = json_object_array_get_idx(changes, i);
        const char *path = docker_text(change, "Path");
        if (strcmp(path, cwd) == 0 && json_object_get_int(docker_member(change, "Kind")) == 1) {
            return true;
        }
    }
    return false;
}

/* Where what is known of the instance's image and directory is kept, or may be. */
static char *slot(struct docker_instance *instance, char ret_key[DOCKER_FOLDER_MAX]) {
    struct docker *docker = instance->docker;
    uint32_t hash = 2166136261u;
    (void)snprintf(ret_key, DOCKER_FOLDER_MAX, "%s %s", instance->digest, instance->cwd);
    for (const char *at = ret_key; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    return docker->folders[hash % DOCKER_FOLDERS_MAX];
}

/* There in every image, or known to be there. */
static bool is_there(struct docker_instance *instance) {
    char key[DOCKER_FOLDER_MAX];
    return strcmp(instance->cwd, "/") == 0 || strcmp(instance->cwd, "/tmp") == 0 ||
           strcmp(slot(instance, key), key) == 0;
}

static void note_there(struct docker_instance *instance) {
    char key[DOCKER_FOLDER_MAX];
    char *to = slot(instance, key);
    if (strlen(instance->digest) + strlen(instance->cwd) + 2 <= DOCKER_FOLDER_MAX) {
        memcpy(to, key, DOCKER_FOLDER_MAX);
    }
}

static void on_checked(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    if (docker_end_is_over(instance, answer, "the container cannot be looked at")) {
        return;
    }
    if (answer->status == 200 && is_made(answer->json, instance->cwd)) {
        const struct executor_exit exit = {.end = EXECUTOR_WORKDIR, .reason = ""};
        docker_end(instance, &exit);
        return;
    }
    docker_instance_attach(instance);
}

void docker_folder_check(struct docker_instance *instance) {
    if (is_there(instance) ||
        docker_instance_ask(instance, "GET", "/changes", DOCKER_NOTHING, on_checked) != 0) {
        docker_instance_attach(instance);
    }
}

static void on_looked(void *arg, const struct virga_engine_answer *answer) {
    struct docker_instance *instance = arg;
    bool known = answer->error == 0 && answer->status == 200;
    instance->notes--;
    if (known && !is_made(answer->json, instance->cwd)) {
        note_there(instance);
    }
    if (instance->closing) {
        docker_end_go_on(instance);
    } else if (known && is_made(answer->json, instance->cwd)) {
        instance->folder_is_missing = true;
        docker_instance_kill(instance, SIGKILL);
    }
}

void docker_folder_look(struct docker_instance *instance) {
    char path[DOCKER_PATH_MAX];
    if (is_there(instance)) {
        return;
    }
    (void)snprintf(path, sizeof path, "/containers/%s/changes", instance->name);
    instance->notes +=
        docker_ask(instance->docker, "GET", path, DOCKER_NOTHING, on_looked, instance, NULL) == 0;
}
