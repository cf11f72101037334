/* SPDX-License-Identifier: MIT */
/* Images at the engine. Each that virga pulls gets a name of virga's own,
 * localhost/virga-lambda-<host>:<digest>, by which it is found whatever port the registry has, and
 * by which images that no function needs any more are told from everybody else's. */
#include "docker.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/engine_pull.h>

#define REPOSITORY "localhost/" DOCKER_NAME_PREFIX
#define PULL_LOG_NS 1000000000u /* between lines about progress */

void docker_image_name(const struct docker *docker, const char *digest,
                       char ret_name[DOCKER_IMAGE_NAME_MAX]) {
    const char *colon = strchr(digest, ':');
    (void)snprintf(ret_name, DOCKER_IMAGE_NAME_MAX, REPOSITORY "%s:%s", docker->id.text,
                   colon != NULL ? colon + 1 : digest);
}

/* --- find --- */

struct docker_find {
    struct docker_find *next;
    struct docker *docker;
    char digest[LAMBDA_DIGEST_LEN + 1];
    struct virga_engine_call *call; /* NULL: waits for images that are being removed */
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
};

static void find_end(struct docker_find *find, int error, const char *reason) {
    struct docker *docker = find->docker;
    struct docker_find **at = &docker->finds;
    while (*at != find) {
        at = &(*at)->next;
    }
    *at = find->next;
    find->on_done(find->arg, error, reason);
    free(find);
    docker_check_stopped(docker);
}

static void on_found(void *arg, const struct virga_engine_answer *answer) {
    struct docker_find *find = arg;
    bool lost = docker_is_lost(find->docker, answer);
    int error = lost                          ? answer->error
                : answer->status == 200       ? 0
                : answer->status == 404       ? -ENOENT
                : answer->error == -ECANCELED ? -ECANCELED
                                              : -EIO;
    find_end(find, error, error == 0 ? "" : answer->message);
}

static void find_ask(struct docker_find *find) {
    char name[DOCKER_IMAGE_NAME_MAX], path[DOCKER_PATH_MAX];
    docker_image_name(find->docker, find->digest, name);
    (void)snprintf(path, sizeof path, "/images/%s/json", name);
    int result = docker_ask(find->docker, "GET", path, DOCKER_NOTHING, on_found, find, &find->call);
    if (result != 0) {
        find->call = NULL;
        find_end(find, result, strerror(-result));
    }
}

static bool is_removing(const struct docker *docker);

/* An image that is being removed is neither here nor not. */
void docker_image_find(struct executor *executor, const char *digest,
                       void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    struct docker *docker = docker_from(executor);
    struct docker_find *find = calloc(1, sizeof *find);
    if (find == NULL) {
        on_done(arg, -ENOMEM, strerror(ENOMEM));
        return;
    }
    *find = (struct docker_find){
        .next = docker->finds, .docker = docker, .on_done = on_done, .arg = arg};
    (void)snprintf(find->digest, sizeof find->digest, "%s", digest);
    docker->finds = find;
    if (!is_removing(docker)) {
        find_ask(find);
    }
}

/* Those that waited: `cancelled`, or now. */
static void find_go_on(struct docker *docker, bool cancelled) {
    struct docker_find *find = docker->finds;
    while (find != NULL) {
        if (find->call != NULL) {
            find = find->next;
            continue;
        }
        if (cancelled) {
            find_end(find, -ECANCELED, "virga is stopping");
        } else {
            find_ask(find);
        }
        find = docker->finds; /* callbacks may have changed the list */
    }
}

/* --- pull --- */

struct pull_waiter {
    struct pull_waiter *next;
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
};

struct docker_pull {
    struct docker_pull *next;
    struct docker *docker;
    char digest[LAMBDA_DIGEST_LEN + 1];
    char *reference; /* 127.0.0.1:5100/000000000000/us-east-1/app@sha256:... */
    struct virga_engine_call *call;
    struct virga_engine_pull progress;
    uint64_t told_ns;
    bool cancelled;
    struct pull_waiter *waiters;
};

static void pull_end(struct docker_pull *pull, int error, const char *reason) {
    struct docker *docker = pull->docker;
    struct docker_pull **at = &docker->pulls;
    struct pull_waiter *waiter = pull->waiters;
    while (*at != pull) {
        at = &(*at)->next;
    }
    *at = pull->next;
    if (pull->cancelled) {
        error = -ECANCELED;
        reason = "virga is stopping";
    }
    while (waiter != NULL) {
        struct pull_waiter *next = waiter->next;
        waiter->on_done(waiter->arg, error, reason);
        free(waiter);
        waiter = next;
    }
    free(pull->reference);
    free(pull);
    docker_check_stopped(docker);
}

static void on_tagged(void *arg, const struct virga_engine_answer *answer) {
    struct docker_pull *pull = arg;
    pull->call = NULL;
    if (answer->error != 0 || answer->status >= 300) {
        (void)docker_is_lost(pull->docker, answer);
        pull_end(pull, answer->error != 0 ? answer->error : -EIO, answer->message);
        return;
    }
    pull_end(pull, 0, "");
}

static void tag(struct docker_pull *pull) {
    char name[DOCKER_IMAGE_NAME_MAX];
    char *path = NULL;
    int result = -ENOMEM;
    docker_image_name(pull->docker, pull->digest, name);
    char *colon = strrchr(name, ':');
    *colon = '\0';
    if (asprintf(&path, "/images/%s/tag?repo=%s&tag=%s", pull->reference, name, colon + 1) >= 0) {
        result =
            docker_ask(pull->docker, "POST", path, DOCKER_NOTHING, on_tagged, pull, &pull->call);
        free(path);
    }
    if (result != 0) {
        pull_end(pull, result, strerror(-result));
    }
}

static void on_pull_data(void *arg, struct virga_str bytes) {
    struct docker_pull *pull = arg;
    struct lambda *lambda = pull->docker->base.lambda;
    char text[128];
    virga_engine_pull_take(&pull->progress, bytes);
    uint64_t now_ns = lambda->timer->monotonic_ns(lambda->host);
    if (now_ns - pull->told_ns > PULL_LOG_NS) {
        pull->told_ns = now_ns;
        virga_engine_pull_describe(&pull->progress, text, sizeof text);
        LAMBDA_LOG(lambda, VIRGA_LOG_DEBUG, NULL, "pulling %s: %s", pull->reference, text);
    }
}

static void on_pulled(void *arg, const struct virga_engine_answer *answer) {
    struct docker_pull *pull = arg;
    struct docker *docker = pull->docker;
    char reason[DOCKER_REASON_MAX];
    pull->call = NULL;
    virga_engine_pull_end(&pull->progress);
    bool refused = answer->error == 0 && answer->status >= 300;
    if (answer->error != 0 && pull->progress.error[0] == '\0') {
        (void)docker_is_lost(docker, answer);
        pull_end(pull, answer->error, answer->message);
    } else if (refused || pull->progress.error[0] != '\0') {
        (void)snprintf(reason, sizeof reason, "%s",
                       refused ? answer->message : pull->progress.error);
        pull_end(pull, docker_words_pull(reason), reason);
    } else if (pull->cancelled) {
        pull_end(pull, -ECANCELED, "");
    } else {
        LAMBDA_LOG(docker->base.lambda, VIRGA_LOG_DEBUG, NULL, "pulled %s", pull->reference);
        tag(pull);
    }
}

static bool add_waiter(struct docker_pull *pull,
                       void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    struct pull_waiter *waiter = malloc(sizeof *waiter);
    if (waiter != NULL) {
        *waiter = (struct pull_waiter){.next = pull->waiters, .on_done = on_done, .arg = arg};
        pull->waiters = waiter;
    }
    return waiter != NULL;
}

/* dockerd trusts registries of 127.0.0.0/8 without TLS by itself; Podman has to be told, which its
 * own API can be only. */
static int pull_start(struct docker_pull *pull, const struct executor_image *image) {
    struct docker *docker = pull->docker;
    struct lambda *lambda = docker->base.lambda;
    char *path = NULL;
    char *auth = docker_body_auth(image);
    if (asprintf(&pull->reference, "%s/%s@%s", image->registry, image->pull_name, image->digest) <
        0) {
        pull->reference = NULL;
    }
    bool podman = strncmp(docker->engine_name, "Podman", 6) == 0;
    if (pull->reference == NULL || auth == NULL ||
        asprintf(&path,
                 podman ? "/libpod/images/pull?tlsVerify=false&reference=%s"
                        : "/images/create?fromImage=%s",
                 pull->reference) < 0) {
        free(auth);
        return -ENOMEM;
    }
    const struct virga_engine_request request = {.method = "POST",
                                                 .path = path,
                                                 .auth = auth,
                                                 .timeout_ms = DOCKER_PULL_MS,
                                                 .on_data = on_pull_data,
                                                 .on_done = on_pulled,
                                                 .arg = pull};
    int result =
        virga_engine_start(lambda->host, lambda->fetch, &docker->engine, &request, &pull->call);
    free(path);
    free(auth);
    return result;
}

void docker_image_pull(struct executor *executor, const struct executor_image *image,
                       void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    struct docker *docker = docker_from(executor);
    struct docker_pull *pull = docker->pulls;
    while (pull != NULL && strcmp(pull->digest, image->digest) != 0) {
        pull = pull->next;
    }
    bool first = pull == NULL;
    int result = 0;
    if (first) {
        pull = calloc(1, sizeof *pull);
    }
    if (pull == NULL || !add_waiter(pull, on_done, arg)) {
        result = -ENOMEM;
    }
    if (first && result == 0) {
        pull->docker = docker;
        (void)snprintf(pull->digest, sizeof pull->digest, "%s", image->digest);
        result = pull_start(pull, image);
    }
    if (first && result == 0) {
        pull->next = docker->pulls;
        docker->pulls = pull;
        return;
    }
    if (result != 0) {
        if (first && pull != NULL) {
            free(pull->waiters);
            free(pull->reference);
            free(pull);
        }
        on_done(arg, result, strerror(-result));
    }
}

/* --- prune --- */

struct docker_prune {
    struct docker *docker;
    bool (*keep)(void *arg, const char *digest);
    void *arg;
    struct virga_engine_call *call; /* the list */
    size_t calls;                   /* of removing */
    bool cancelled;
};

static bool is_removing(const struct docker *docker) {
    return docker->prune != NULL && docker->prune->calls > 0;
}

static void prune_check(struct docker_prune *prune) {
    struct docker *docker = prune->docker;
    if (prune->calls == 0 && prune->call == NULL) {
        docker->prune = NULL;
        free(prune);
        find_go_on(docker, docker->stopping);
        docker_check_stopped(docker);
    }
}

static void on_freed(void *arg, const struct virga_engine_answer *answer) {
    struct docker_prune *prune = arg;
    prune->calls--;
    if (answer->error != 0 || (answer->status >= 300 && answer->status != 404)) {
        LAMBDA_LOG(prune->docker->base.lambda, VIRGA_LOG_DEBUG, NULL,
                   "an image that nobody needs cannot be removed: %s", answer->message);
    }
    prune_check(prune);
}

static void free_name(struct docker_prune *prune, const char *name) {
    char *path = NULL;
    if (asprintf(&path, "/images/%s", name) >= 0) {
        prune->calls +=
            docker_ask(prune->docker, "DELETE", path, DOCKER_NOTHING, on_freed, prune, NULL) == 0;
        free(path);
    }
}

static const char *text_at(struct json_object *list, size_t index) {
    const char *text = json_object_get_string(json_object_array_get_idx(list, index));
    return text != NULL ? text : "";
}

static size_t length(struct json_object *list) {
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* virga's own name goes, and the one under which virga pulled it: at a registry of this machine, by
 * digest. Names that somebody else gave it stay, and keep the image. */
static void prune_image(struct docker_prune *prune, struct json_object *image) {
    struct json_object *tags = docker_member(image, "RepoTags");
    struct json_object *digests = docker_member(image, "RepoDigests");
    char ours[DOCKER_IMAGE_NAME_MAX], digest[LAMBDA_DIGEST_LEN + 1];
    docker_image_name(prune->docker, "sha256:", ours);
    for (size_t i = 0; i < length(tags); i++) {
        const char *name = text_at(tags, i);
        size_t len = strlen(ours);
        if (strncmp(name, ours, len) != 0) {
            continue;
        }
        (void)snprintf(digest, sizeof digest, "sha256:%s", name + len);
        if (docker_instance_uses(prune->docker, digest) || prune->keep(prune->arg, digest)) {
            continue;
        }
        free_name(prune, name);
        for (size_t j = 0; j < length(digests); j++) {
            const char *at = strchr(text_at(digests, j), '@');
            if (at != NULL && strcmp(at + 1, digest) == 0 &&
                strncmp(text_at(digests, j), "127.0.0.1:", 10) == 0) {
                free_name(prune, text_at(digests, j));
            }
        }
    }
}

static void on_images(void *arg, const struct virga_engine_answer *answer) {
    struct docker_prune *prune = arg;
    prune->call = NULL;
    if (answer->error == 0 && answer->status == 200 && !prune->cancelled) {
        for (size_t i = 0; i < length(answer->json); i++) {
            prune_image(prune, json_object_array_get_idx(answer->json, i));
        }
    }
    prune_check(prune);
}

void docker_image_prune(struct executor *executor, bool (*keep)(void *arg, const char *digest),
                        void *arg) {
    struct docker *docker = docker_from(executor);
    struct docker_prune *prune = docker->prune == NULL ? calloc(1, sizeof *prune) : NULL;
    if (prune == NULL) {
        return; /* one is under way: the next time */
    }
    prune->docker = docker;
    prune->keep = keep;
    prune->arg = arg;
    if (docker_ask(docker, "GET", "/images/json", DOCKER_NOTHING, on_images, prune, &prune->call) !=
        0) {
        free(prune);
        return;
    }
    docker->prune = prune;
}

void docker_image_cancel(struct docker *docker) {
    for (struct docker_find *find = docker->finds; find != NULL; find = find->next) {
        if (find->call != NULL) {
            virga_engine_cancel(find->call);
        }
    }
    find_go_on(docker, true);
    for (struct docker_pull *pull = docker->pulls; pull != NULL; pull = pull->next) {
        pull->cancelled = true;
        if (pull->call != NULL) {
            virga_engine_cancel(pull->call);
        }
    }
    if (docker->prune != NULL) {
        docker->prune->cancelled = true;
        if (docker->prune->call != NULL) {
            virga_engine_cancel(docker->prune->call);
        }
    }
}
