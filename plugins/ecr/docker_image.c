/* SPDX-License-Identifier: MIT */
/* Of a start of the registry's container: its image, pulled where the engine lacks it. */
#include "runner_docker_impl.h"

#include <errno.h>
#include <stdlib.h>

#define PULL_LOG_NS 3000000000u

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
    virga_engine_pull_take(runner->pull, bytes);
    uint64_t now_ns = ecr->timer->monotonic_ns(ecr->host);
    if (now_ns - runner->pull_told_ns > PULL_LOG_NS && runner->pull->layers_count > 0) {
        runner->pull_told_ns = now_ns;
        virga_engine_pull_describe(runner->pull, text, sizeof text);
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "pulling %s: %s", runner->image, text);
    }
}

static void on_pulled(struct runner_docker *runner, const struct virga_engine_answer *answer) {
    char error[512] = "", text[128] = "";
    if (runner->pull != NULL) {
        virga_engine_pull_end(runner->pull);
        (void)snprintf(error, sizeof error, "%s", runner->pull->error);
        virga_engine_pull_describe(runner->pull, text, sizeof text);
    }
    end_pull(runner);
    if (answer->error != 0 || answer->status >= 300) {
        docker_start_fail(runner, -ENODATA, "image %s cannot be pulled: %s", runner->image,
                          answer->message);
    } else if (error[0] != '\0') {
        docker_start_fail(runner, -ENODATA, "image %s cannot be pulled: %s", runner->image, error);
    } else {
        ECR_LOG(runner->base.ecr, VIRGA_LOG_INFO, NULL, "pulled %s: %s", runner->image, text);
        docker_create(runner);
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
    virga_engine_pull_split(runner->image, &name_len, &tag);
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
    } else if (!docker_refused(runner, answer, "the registry's image cannot be looked at")) {
        docker_create(runner);
    }
}

void docker_look_for_image(struct runner_docker *runner) {
    struct strbuf path = {0};
    strbuf_add_text(&path, "/images/");
    strbuf_add_encoded(&path, virga_str_from(runner->image), "/:@");
    strbuf_add_text(&path, "/json");
    if (path.failed) {
        docker_start_fail(runner, -ENOMEM, "out of memory");
    } else {
        (void)docker_ask(runner, "GET", path.ptr, DOCKER_NOTHING, DOCKER_CALL_MS, on_image);
    }
    strbuf_finish(&path);
}
