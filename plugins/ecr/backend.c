/* SPDX-License-Identifier: MIT */
/* The registry's readiness: who waits for it, start, recovery, loss and stop. */
#include "backend.h"
#include "backend_impl.h"
#include "gc.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>

/* A blob's last request is answered after the registry has hashed what it could not hash on the
 * way. */
#define UPSTREAM_RESPONSE_MS 900000
#define NAME_HASH_DIGITS 40

struct backend_later {
    struct backend_later *next;
    void (*fn)(void *arg);
    void (*on_ready)(void *arg, int status, const char *reason);
    void *arg;
};

static void on_registry_exit(void *arg);

/* The runners that registry-backend allows, the first choice first. */
static int create_runners(struct backend *backend, struct virga_error *err) {
    struct ecr *ecr = backend->ecr;
    struct virga_str wanted = ecr->config->get_string(ecr->host, "registry-backend");
    bool docker = virga_str_equal(wanted, virga_str_from("docker"));
    bool process = virga_str_equal(wanted, virga_str_from("process"));
    int result = 0;
    if (!process) {
        result = runner_docker_create(ecr, on_registry_exit, backend, &backend->runner, err);
    }
    if (result == 0 && !docker) {
        result = runner_process_create(ecr, on_registry_exit, backend,
                                       process ? &backend->runner : &backend->fallback, err);
    }
    (void)snprintf(backend->choice, sizeof backend->choice, "%s",
                   docker || process ? "as registry-backend says" : "");
    return result;
}

int backend_create(struct ecr *ecr, struct backend **ret_backend, struct virga_error *err) {
    struct backend *backend = calloc(1, sizeof *backend);
    if (backend == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    backend->ecr = ecr;
    int result = registry_files_init(&backend->files, ecr->data_path, err);
    if (result == 0) {
        result = create_runners(backend, err);
    }
    if (result == 0) {
        result = lanes_create(ecr, &backend->lanes);
    }
    if (result == 0) {
        result = pins_create(&backend->pins);
    }
    if (result == 0) {
        result = recover_create(backend, &backend->recover);
    }
    if (result != 0) {
        if (err != NULL && err->text[0] == '\0') {
            virga_error_set(err, "cannot set the registry up: %s", strerror(-result));
        }
        backend_destroy(backend);
        return result;
    }
    *ret_backend = backend;
    return 0;
}

static void free_laters(struct backend_later *later) {
    while (later != NULL) {
        struct backend_later *next = later->next;
        free(later);
        later = next;
    }
}

void backend_destroy(struct backend *backend) {
    if (backend == NULL) {
        return;
    }
    struct ecr *ecr = backend->ecr;
    backend_free_calls(backend);
    recover_destroy(backend->recover);
    if (backend->upstream != NULL) {
        ecr->proxy->upstream_destroy(backend->upstream);
    }
    ecr->timer->stop(backend->later_timer);
    free_laters(backend->later_first);
    free_laters(backend->waiting_first);
    lanes_destroy(backend->lanes);
    pins_destroy(backend->pins);
    if (backend->runner != NULL) {
        backend->runner->ops->destroy(backend->runner);
    }
    if (backend->fallback != NULL) {
        backend->fallback->ops->destroy(backend->fallback);
    }
    free(backend);
}

/* --- calling later --- */

static void on_later_timer(void *arg) {
    struct backend *backend = arg;
    backend->ecr->timer->stop(backend->later_timer);
    backend->later_timer = NULL;
    struct backend_later *later = backend->later_first;
    backend->later_first = backend->later_last = NULL;
    while (later != NULL) {
        struct backend_later *next = later->next;
        void (*fn)(void *) = later->fn;
        void *fn_arg = later->arg;
        free(later);
        fn(fn_arg);
        later = next;
    }
}

int backend_later(struct backend *backend, void (*fn)(void *arg), void *arg) {
    struct backend_later *later = calloc(1, sizeof *later);
    if (later == NULL) {
        return -ENOMEM;
    }
    if (backend->later_timer == NULL &&
        backend->ecr->timer->start(backend->ecr->host, 0, 0, on_later_timer, backend,
                                   &backend->later_timer) != 0) {
        free(later);
        return -ENOMEM;
    }
    later->fn = fn;
    later->arg = arg;
    if (backend->later_last != NULL) {
        backend->later_last->next = later;
    } else {
        backend->later_first = later;
    }
    backend->later_last = later;
    return 0;
}

/* --- readiness --- */

static void answer_waiting(struct backend *backend, int status, const char *reason) {
    struct backend_later *waiting = backend->waiting_first;
    backend->waiting_first = backend->waiting_last = NULL;
    while (waiting != NULL) {
        struct backend_later *next = waiting->next;
        waiting->on_ready(waiting->arg, status, reason);
        free(waiting);
        waiting = next;
    }
}

static void fail(struct backend *backend, int status, const char *reason) {
    if (backend->state == BACKEND_STOPPING) {
        return;
    }
    backend->state = BACKEND_DOWN;
    char copy[sizeof backend->reason];
    (void)snprintf(copy, sizeof copy, "%s", reason);
    memcpy(backend->reason, copy, sizeof copy);
    ECR_LOG(backend->ecr, VIRGA_LOG_ERROR, NULL, "no registry: %s", copy);
    answer_waiting(backend, status, copy);
}

static void on_recovered(void *arg, int status, const char *reason) {
    struct backend *backend = arg;
    if (backend->state != BACKEND_RECOVERING) {
        return;
    }
    if (status == 0 && backend->lost) {
        status = -EIO;
        reason = "the registry ended while its contents were looked at";
    }
    if (status != 0) {
        fail(backend, status, reason);
        return;
    }
    backend->state = BACKEND_READY;
    backend->reason[0] = '\0';
    answer_waiting(backend, 0, "");
}

static int make_upstream(struct backend *backend) {
    struct ecr *ecr = backend->ecr;
    struct registry_address address;
    backend->runner->ops->address(backend->runner, &address);
    bool same = strcmp(address.unix_path, backend->address.unix_path) == 0 &&
                strcmp(address.host, backend->address.host) == 0 &&
                address.port == backend->address.port;
    backend->address = address;
    if (backend->upstream != NULL && same) {
        ecr->proxy->upstream_reset(backend->upstream);
        return 0;
    }
    if (backend->upstream != NULL) {
        ecr->proxy->upstream_destroy(backend->upstream);
        backend->upstream = NULL;
    }
    const struct virga_upstream_options options = {
        .struct_size = sizeof options,
        .unix_path = address.unix_path[0] != '\0' ? address.unix_path : NULL,
        .address = address.unix_path[0] != '\0' ? NULL : address.host,
        .port = address.port,
        .response_timeout_ms = UPSTREAM_RESPONSE_MS,
    };
    return ecr->proxy->upstream_create(ecr->host, &options, &backend->upstream);
}

static void on_started(void *arg, int status, const char *reason);

static void start_runner(struct backend *backend) {
    backend->runner->ops->start(backend->runner, on_started, backend);
}

/* The first choice has nothing to run a registry with. It stays at hand: should the second choice
 * fail too, the next need begins with it again. */
static void take_fallback(struct backend *backend, const char *reason) {
    struct registry_runner *first = backend->runner;
    backend->runner = backend->fallback;
    backend->fallback = first;
    if (backend->choice[0] == '\0') {
        (void)snprintf(backend->choice, sizeof backend->choice, "%s", reason);
        start_runner(backend);
    } else {
        char both[sizeof backend->reason];
        (void)snprintf(both, sizeof both, "%s; %s: %s", backend->choice, first->ops->name, reason);
        backend->choice[0] = '\0';
        fail(backend, -EIO, both);
    }
}

/* Says once which runner was taken, and why. */
static void note_choice(struct backend *backend) {
    struct ecr *ecr = backend->ecr;
    if (backend->was_ready) {
        return;
    }
    backend->was_ready = true;
    if (backend->choice[0] == '\0') {
        (void)snprintf(backend->choice, sizeof backend->choice, "an engine answers");
    }
    ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "registry backend: %s (%s)", backend->runner->ops->name,
            backend->choice);
    if (ecr->gateway != NULL) {
        char text[400];
        (void)snprintf(text, sizeof text, "registry backend: %s (%s)", backend->runner->ops->name,
                       backend->choice);
        ecr->host->set_status(ecr->host, VIRGA_STATUS_RUNNING, text);
    }
}

static void on_started(void *arg, int status, const char *reason) {
    struct backend *backend = arg;
    if (backend->state != BACKEND_STARTING) {
        return;
    }
    if ((status == -ENXIO || status == -ENODATA) && backend->fallback != NULL &&
        !backend->was_ready) {
        take_fallback(backend, reason);
        return;
    }
    if (status == 0) {
        status = make_upstream(backend);
        reason = "out of memory";
    }
    if (status != 0) {
        fail(backend, status, reason);
        return;
    }
    note_choice(backend);
    backend->state = BACKEND_RECOVERING;
    backend->lost = false;
    recover_run(backend->recover, on_recovered, backend);
}

static void on_registry_exit(void *arg) {
    struct backend *backend = arg;
    if (backend->upstream != NULL) {
        backend->ecr->proxy->upstream_reset(backend->upstream);
    }
    backend->lost = true;
    backend_suspect(backend);
}

void backend_suspect(struct backend *backend) {
    if (backend->state == BACKEND_READY) {
        backend->state = BACKEND_DOWN;
    }
}

bool backend_error_is_loss(int error) {
    return error == -ECONNREFUSED || error == -ENOENT || error == -ECONNRESET;
}

bool backend_is_pinned(const struct backend *backend, const struct tenant *tenant,
                       struct virga_str name, struct virga_str digest) {
    return pins_has(backend->pins, tenant, name, digest);
}

void backend_pin(struct backend *backend, const struct tenant *tenant, struct virga_str name,
                 struct virga_str digest) {
    struct ecr *ecr = backend->ecr;
    int result = pins_add(backend->pins, tenant, name, digest, ecr->timer->now_ms(ecr->host));
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL,
                "gc may take a blob whose manifest is still to come: more than %d such blobs, or "
                "out of memory",
                PINS_MAX);
    }
}

/* Serves those who wait: at once when it is ready, else after the start that this begins. */
static void serve_waiting(void *arg) {
    struct backend *backend = arg;
    if (backend->state == BACKEND_READY) {
        answer_waiting(backend, 0, "");
    } else if (backend->state == BACKEND_STOPPING) {
        answer_waiting(backend, -ECANCELED, "the host is stopping");
    } else if (backend->state == BACKEND_DOWN && backend->waiting_first != NULL) {
        backend->state = BACKEND_STARTING;
        start_runner(backend);
    }
}

void backend_ready(struct backend *backend,
                   void (*on_ready)(void *arg, int status, const char *reason), void *arg) {
    struct backend_later *waiting = calloc(1, sizeof *waiting);
    /* Why: STARTING and RECOVERING end with a call of their own. */
    bool wake = backend->state == BACKEND_READY || backend->state == BACKEND_DOWN ||
                backend->state == BACKEND_STOPPING;
    if (waiting == NULL || (wake && backend_later(backend, serve_waiting, backend) != 0)) {
        free(waiting);
        on_ready(arg, -ENOMEM, "out of memory");
        return;
    }
    waiting->on_ready = on_ready;
    waiting->arg = arg;
    if (backend->waiting_last != NULL) {
        backend->waiting_last->next = waiting;
    } else {
        backend->waiting_first = waiting;
    }
    backend->waiting_last = waiting;
}

bool backend_is_ready(const struct backend *backend) {
    return backend->state == BACKEND_READY;
}

bool backend_is_reconciled(const struct backend *backend) {
    return recover_is_reconciled(backend->recover);
}

bool backend_is_settled(const struct backend *backend) {
    return recover_is_settled(backend->recover);
}

struct virga_upstream *backend_upstream(struct backend *backend) {
    return backend->upstream;
}

/* --- stop --- */

void backend_check_stopped(struct backend *backend) {
    if (backend->on_stopped == NULL || backend->stopping_runners > 0 || backend->calls != NULL ||
        backend->gc != NULL) {
        return;
    }
    void (*on_stopped)(void *) = backend->on_stopped;
    backend->on_stopped = NULL;
    on_stopped(backend->on_stopped_arg);
}

static void on_runner_stopped(void *arg) {
    struct backend *backend = arg;
    backend->stopping_runners--;
    backend_check_stopped(backend);
}

void backend_stop(struct backend *backend, void (*on_stopped)(void *arg), void *arg) {
    backend->state = BACKEND_STOPPING;
    backend->on_stopped = on_stopped;
    backend->on_stopped_arg = arg;
    if (backend->gc != NULL) {
        gc_cancel(backend->gc);
    }
    backend_cancel_calls(backend);
    answer_waiting(backend, -ECANCELED, "the host is stopping");
    backend->stopping_runners = backend->fallback != NULL ? 2 : 1;
    if (backend->fallback != NULL) {
        backend->fallback->ops->stop(backend->fallback, on_runner_stopped, backend);
    }
    backend->runner->ops->stop(backend->runner, on_runner_stopped, backend);
}

/* --- names --- */

size_t backend_name(const struct tenant *tenant, struct virga_str name,
                    char ret_name[BACKEND_NAME_MAX + 1]) {
    int prefix =
        snprintf(ret_name, BACKEND_NAME_MAX + 1, "%s/%s/", tenant->account, tenant->region);
    size_t len = (size_t)prefix;
    if (len + name.len <= BACKEND_NAME_MAX) {
        memcpy(ret_name + len, name.ptr, name.len);
        len += name.len;
        ret_name[len] = '\0';
        return len;
    }
    char digest[ECR_DIGEST_LEN + 1] = "";
    (void)reference_digest(name, digest);
    size_t kept = BACKEND_NAME_MAX - len - NAME_HASH_DIGITS - 1;
    memcpy(ret_name + len, name.ptr, kept);
    len += kept;
    while (strchr("._-/", ret_name[len - 1]) != NULL) {
        len--;
    }
    len += (size_t)snprintf(ret_name + len, BACKEND_NAME_MAX + 1 - len, "-%.*s", NAME_HASH_DIGITS,
                            digest + 7);
    return len;
}

void backend_path(const struct tenant *tenant, struct virga_str name, const char *what,
                  const char *reference, char ret_path[BACKEND_PATH_MAX]) {
    char upstream[BACKEND_NAME_MAX + 1];
    (void)backend_name(tenant, name, upstream);
    (void)snprintf(ret_path, BACKEND_PATH_MAX, "/v2/%s/%s/%s", upstream, what, reference);
}

void backend_describe(const struct backend *backend, char *buffer, size_t size) {
    char where[128];
    static const char *const words[] = {"down", "starting", "being looked at", "running",
                                        "stopping"};
    const char *name = backend->runner->ops->name;
    backend->runner->ops->describe(backend->runner, where, sizeof where);
    if (where[0] != '\0') {
        (void)snprintf(buffer, size, "%s, %s, %s", name,
                       backend->state == BACKEND_DOWN ? "running" : words[backend->state], where);
    } else if (backend->reason[0] != '\0') {
        (void)snprintf(buffer, size, "%s, failed: %s", name, backend->reason);
    } else {
        (void)snprintf(buffer, size, "%s, not running; it starts when it is needed", name);
    }
}
