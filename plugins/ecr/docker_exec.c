/* SPDX-License-Identifier: MIT */
/* Exec over the engine's API: create, start with its output, then the exit code. */
#include "docker_exec.h"
#include "strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define SHORT_TIMEOUT_MS 10000
#define ID_MAX 80

struct docker_exec {
    struct ecr *ecr;
    struct virga_engine_address engine;
    uint32_t timeout_ms;
    char id[ID_MAX + 1];
    struct virga_engine_call *call;
    struct virga_engine_frames frames;
    bool cancelled;
    void (*on_output)(void *arg, int stream, struct virga_str bytes);
    docker_exec_on_done on_done;
    void *arg;
};

static void finish(struct docker_exec *exec, int status, int64_t exit_code, const char *reason) {
    exec->on_done(exec->arg, exec->cancelled ? -ECANCELED : status, exit_code,
                  exec->cancelled ? "the host is stopping" : reason);
    free(exec);
}

static int ask(struct docker_exec *exec, const char *method, const char *path,
               struct virga_str json, uint32_t timeout_ms,
               void (*on_data)(void *arg, struct virga_str bytes),
               void (*on_answer)(void *arg, const struct virga_engine_answer *answer)) {
    const struct virga_engine_request request = {.method = method,
                                                 .path = path,
                                                 .json = json,
                                                 .timeout_ms = timeout_ms,
                                                 .on_data = on_data,
                                                 .on_done = on_answer,
                                                 .arg = exec};
    return virga_engine_start(exec->ecr->host, exec->ecr->fetch, &exec->engine, &request,
                              &exec->call);
}

/* True when the answer ends the exec; it has ended then. */
static bool failed(struct docker_exec *exec, const struct virga_engine_answer *answer) {
    exec->call = NULL;
    if (!exec->cancelled && answer->error == 0 && answer->status < 300) {
        return false;
    }
    finish(exec, answer->error != 0 ? answer->error : -EIO, 0, answer->message);
    return true;
}

static void on_inspected(void *arg, const struct virga_engine_answer *answer) {
    struct docker_exec *exec = arg;
    struct json_object *code = NULL;
    if (failed(exec, answer)) {
        return;
    }
    if (!json_object_is_type(answer->json, json_type_object) ||
        !json_object_object_get_ex(answer->json, "ExitCode", &code)) {
        finish(exec, -EIO, 0, "the engine does not tell the command's exit code");
        return;
    }
    finish(exec, 0, json_object_get_int64(code), "");
}

static void on_ended(void *arg, const struct virga_engine_answer *answer) {
    struct docker_exec *exec = arg;
    char path[ID_MAX + 32];
    if (failed(exec, answer)) {
        return;
    }
    (void)snprintf(path, sizeof path, "/exec/%s/json", exec->id);
    int result =
        ask(exec, "GET", path, (struct virga_str){0}, SHORT_TIMEOUT_MS, NULL, on_inspected);
    if (result != 0) {
        finish(exec, result, 0, strerror(-result));
    }
}

static void on_payload(void *arg, int stream, struct virga_str payload) {
    struct docker_exec *exec = arg;
    if (exec->on_output != NULL && !exec->cancelled) {
        exec->on_output(exec->arg, stream, payload);
    }
}

static void on_data(void *arg, struct virga_str bytes) {
    struct docker_exec *exec = arg;
    virga_engine_frames_take(&exec->frames, bytes, on_payload, exec);
}

static void on_created(void *arg, const struct virga_engine_answer *answer) {
    struct docker_exec *exec = arg;
    struct json_object *id = NULL;
    char path[ID_MAX + 32];
    if (failed(exec, answer)) {
        return;
    }
    if (json_object_is_type(answer->json, json_type_object)) {
        (void)json_object_object_get_ex(answer->json, "Id", &id);
    }
    const char *text = id != NULL ? json_object_get_string(id) : NULL;
    if (text == NULL || strlen(text) > ID_MAX) {
        finish(exec, -EIO, 0, "the engine gives the command no id");
        return;
    }
    memcpy(exec->id, text, strlen(text) + 1);
    (void)snprintf(path, sizeof path, "/exec/%s/start", exec->id);
    int result = ask(exec, "POST", path, virga_str_from("{\"Detach\":false,\"Tty\":false}"),
                     exec->timeout_ms, on_data, on_ended);
    if (result != 0) {
        finish(exec, result, 0, strerror(-result));
    }
}

int docker_exec_start(struct ecr *ecr, const struct virga_engine_address *engine,
                      const char *container, const char *const *argv, uint32_t timeout_ms,
                      void (*on_output)(void *arg, int stream, struct virga_str bytes),
                      docker_exec_on_done on_done, void *arg, struct docker_exec **ret_exec) {
    struct docker_exec *exec = calloc(1, sizeof *exec);
    if (exec == NULL) {
        return -ENOMEM;
    }
    exec->ecr = ecr;
    exec->engine = *engine;
    exec->timeout_ms = timeout_ms;
    exec->on_output = on_output;
    exec->on_done = on_done;
    exec->arg = arg;
    struct strbuf body = {0}, path = {0};
    strbuf_add_text(&body, "{\"AttachStdout\":true,\"AttachStderr\":true,\"Cmd\":[");
    for (size_t i = 0; argv[i] != NULL; i++) {
        strbuf_add_text(&body, i > 0 ? "," : "");
        strbuf_add_json(&body, virga_str_from(argv[i]));
    }
    strbuf_add_text(&body, "]}");
    strbuf_addf(&path, "/containers/%s/exec", container);
    int result = body.failed || path.failed ? -ENOMEM
                                            : ask(exec, "POST", path.ptr, strbuf_str(&body),
                                                  SHORT_TIMEOUT_MS, NULL, on_created);
    strbuf_finish(&body);
    strbuf_finish(&path);
    if (result != 0) {
        free(exec);
        return result;
    }
    *ret_exec = exec;
    return 0;
}

void docker_exec_cancel(struct docker_exec *exec) {
    exec->cancelled = true;
    if (exec->call != NULL) {
        virga_engine_cancel(exec->call);
    }
}
