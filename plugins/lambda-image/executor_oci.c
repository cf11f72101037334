/* SPDX-License-Identifier: MIT */
/* The executor `oci`: functions run by crun or runc, without a daemon. */
#include "executor_oci.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "oci_path.h"

static struct oci *oci_of(struct executor *executor) {
    return (struct oci *)executor;
}

const char *oci_digest_hex(const char *digest) {
    static const char prefix[] = "sha256:";
    const char *hex = digest + strlen(prefix);
    return strncmp(digest, prefix, strlen(prefix)) == 0 && strlen(hex) == OCI_HEX_LEN &&
                   strspn(hex, "0123456789abcdef") == OCI_HEX_LEN
               ? hex
               : NULL;
}

bool oci_image_path(const struct oci *oci, const char *prefix, const char *hex,
                    char path[PATH_MAX]) {
    int len =
        snprintf(path, PATH_MAX, "%s/images/%s%s", oci->executor.lambda->data_path, prefix, hex);
    /* Parts are appended to it. */
    return len > 0 && len < 3900;
}

/* --- later --- */

struct later {
    struct oci *oci;
    struct virga_timer_handle *timer;
    int error;
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
};

static void on_later(void *arg) {
    struct later *later = arg;
    later->oci->executor.lambda->timer->stop(later->timer);
    later->on_done(later->arg, later->error,
                   later->error == -EINVAL ? "the digest is none" : strerror(-later->error));
    free(later);
}

void oci_tell_later(struct oci *oci, int error,
                    void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    const struct lambda *lambda = oci->executor.lambda;
    struct later *later = malloc(sizeof *later);
    if (later != NULL) {
        *later = (struct later){.oci = oci, .error = error, .on_done = on_done, .arg = arg};
        if (lambda->timer->start(lambda->host, 0, 0, on_later, later, &later->timer) == 0) {
            return;
        }
        free(later);
    }
    /* Late is better than never, and early than both. */
    on_done(arg, -ENOMEM, "out of memory");
}

/* --- the executor's functions --- */

static void ready(struct executor *executor,
                  void (*on_ready)(void *arg, int error, const char *reason), void *arg) {
    struct oci *oci = oci_of(executor);
    int result = oci_probe_start(oci, on_ready, arg);
    if (result != 0) {
        oci_tell_later(oci, result, on_ready, arg);
    }
}

static void find(struct executor *executor, const char *digest,
                 void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    char path[PATH_MAX];
    const char *hex = oci_digest_hex(digest);
    int result = -EINVAL;
    if (hex != NULL && oci_image_path(oci_of(executor), "", hex, path)) {
        result = access(path, F_OK) == 0 ? 0 : -errno;
    }
    on_done(arg, result, result != 0 ? strerror(-result) : "");
}

static void pull(struct executor *executor, const struct executor_image *image,
                 void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    oci_pulls_pull(oci_of(executor)->pulls, image, on_done, arg);
}

/* [worker] */
static void run_remove(void *arg) {
    (void)oci_path_remove_all(arg);
}

static void on_removed(void *arg, int status) {
    (void)status; /* what is left is removed when virga starts again */
    free(arg);
}

/* Out of the way at once, so that it is not found any more; its files go on the thread pool. */
static void discard(struct oci *oci, const char *hex) {
    static unsigned number;
    const struct lambda *lambda = oci->executor.lambda;
    char path[PATH_MAX], prefix[48];
    char *trash = malloc(PATH_MAX);
    (void)snprintf(prefix, sizeof prefix, "trash-%d-%u-", (int)getpid(), number++);
    if (trash == NULL || !oci_image_path(oci, "", hex, path) ||
        !oci_image_path(oci, prefix, hex, trash) || rename(path, trash) != 0 ||
        lambda->work->submit(lambda->host, run_remove, on_removed, trash, NULL) != 0) {
        free(trash);
    }
}

static void prune(struct executor *executor, bool (*keep)(void *arg, const char *digest),
                  void *arg) {
    struct oci *oci = oci_of(executor);
    char path[PATH_MAX];
    DIR *list = oci_image_path(oci, "", "", path) ? opendir(path) : NULL;
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        char digest[LAMBDA_DIGEST_LEN + 1];
        if (strlen(entry->d_name) != OCI_HEX_LEN) {
            continue;
        }
        (void)snprintf(digest, sizeof digest, "sha256:%.64s", entry->d_name);
        if (oci_digest_hex(digest) != NULL && !oci_instance_uses(oci, digest) &&
            !oci_pulls_have(oci->pulls, digest) && !keep(arg, digest)) {
            discard(oci, entry->d_name);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
}

static int start(struct executor *executor, const struct executor_spec *spec,
                 struct executor_instance **ret_instance) {
    struct oci *oci = oci_of(executor);
    char path[PATH_MAX];
    const char *hex = oci_digest_hex(spec->digest);
    if (hex == NULL || !oci->is_ready || !oci_image_path(oci, "", hex, path)) {
        return -EINVAL;
    }
    size_t len = strlen(path);
    (void)snprintf(path + len, sizeof path - len, "/rootfs");
    return oci_instance_start(oci, &oci->how, path, spec, ret_instance);
}

struct stopping {
    struct oci *oci;
    void (*on_stopped)(void *arg);
    void *arg;
};

static void on_pulls_stopped(void *arg) {
    struct stopping *stopping = arg;
    void (*on_stopped)(void *) = stopping->on_stopped;
    void *on_stopped_arg = stopping->arg;
    const struct oci *oci = stopping->oci;
    if (oci->how.cgroup.parent[0] != '\0') {
        (void)rmdir(oci->how.cgroup.parent);
    }
    free(stopping);
    on_stopped(on_stopped_arg);
}

static void on_probe_stopped(void *arg) {
    struct stopping *stopping = arg;
    oci_pulls_stop(stopping->oci->pulls, on_pulls_stopped, stopping);
}

static void stop(struct executor *executor, void (*on_stopped)(void *arg), void *arg) {
    struct stopping *stopping = malloc(sizeof *stopping);
    if (stopping == NULL) {
        on_stopped(arg);
        return;
    }
    *stopping = (struct stopping){oci_of(executor), on_stopped, arg};
    oci_probe_stop(stopping->oci, on_probe_stopped, stopping);
}

static void destroy(struct executor *executor) {
    struct oci *oci = oci_of(executor);
    if (oci != NULL) {
        oci_pulls_destroy(oci->pulls);
        free(oci);
    }
}

int executor_oci_create(struct lambda *lambda, struct executor **ret_executor) {
    struct oci *oci = calloc(1, sizeof *oci);
    if (oci == NULL) {
        return -ENOMEM;
    }
    (void)snprintf(oci->endpoint_url, sizeof oci->endpoint_url, "http://127.0.0.1:%u",
                   (unsigned)lambda->port);
    oci->executor = (struct executor){
        .name = "oci",
        .lambda = lambda,
        .ready = ready,
        .listen_addresses = "127.0.0.1",
        .reach_host = "127.0.0.1",
        .endpoint_url = oci->endpoint_url,
        .find = find,
        .pull = pull,
        .prune = prune,
        .start = start,
        .signal = oci_instance_signal,
        .memory_peak = oci_instance_memory_peak,
        .close = oci_instance_close,
        .stop = stop,
        .destroy = destroy,
    };
    int result = oci_pulls_create(oci, &oci->pulls);
    if (result != 0) {
        free(oci);
        return result;
    }
    *ret_executor = &oci->executor;
    return 0;
}
