/* SPDX-License-Identifier: MIT */
/* Which runtime works here, found out by running a program with each way that there is, the best
 * first. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virga/helpers/sha256.h>

#include "executor_oci.h"
#include "oci_bundle.h"
#include "oci_path.h"
#include "oci_probe_elf.h"
#include "oci_unpack.h"

#define WAYS_MAX 4
#define PROBE_MEMORY_MB 64
#define PROBE_TMP_MB 1
/* A way that hangs is given up. */
#define PROBE_TIMEOUT_MS 10000

struct oci_probe {
    struct oci *oci;
    struct oci_how ways[WAYS_MAX];
    size_t count, at;
    struct executor_instance *instance;
    struct virga_timer_handle *timer;
    bool busy;  /* on the thread pool */
    bool works; /* the way at hand */
    bool timed_out;
    char cgroup[OCI_CGROUP_PATH_MAX]; /* of all environments, as found; "" = none */
    char rootfs[PATH_MAX];
    char id[64];
    char said[256]; /* the first of a way's output */
    char reason[1024];
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
    void (*on_stopped)(void *arg); /* a stop is under way */
    void *on_stopped_arg;
    bool stopping;
};

static void note(struct oci_probe *probe, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds to the reasons why it cannot work. */
static void note(struct oci_probe *probe, const char *format, ...) {
    size_t len = strlen(probe->reason);
    va_list args;
    if (len > 0 && len + 3 < sizeof probe->reason) {
        memcpy(probe->reason + len, "; ", 3);
        len += 2;
    }
    va_start(args, format);
    (void)vsnprintf(probe->reason + len, sizeof probe->reason - len, format, args);
    va_end(args);
}

static void finish(struct oci_probe *probe, int error) {
    struct oci *oci = probe->oci;
    oci->executor.lambda->timer->stop(probe->timer);
    oci->probe = NULL;
    if (probe->cgroup[0] != '\0' && (error != 0 || oci->how.cgroup.parent[0] == '\0')) {
        (void)rmdir(probe->cgroup);
    }
    if (probe->stopping) {
        if (probe->on_stopped != NULL) {
            probe->on_stopped(probe->on_stopped_arg);
        }
    } else {
        probe->on_done(probe->arg, error, probe->reason);
    }
    free(probe);
}

/* --- on the thread pool --- */

static int make_folder(const char *parent, const char *name, mode_t mode) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.3900s%s%s", parent, name[0] != '\0' ? "/" : "", name);
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Folders above the data path that are not there yet. */
static int make_parents(const char *path) {
    char part[PATH_MAX];
    (void)snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST) {
            return -errno;
        }
        *slash = '/';
    }
    return 0;
}

static int make_folders(const char *data_path) {
    int result = make_parents(data_path);
    result = result != 0 ? result : make_folder(data_path, "", 0755);
    /* Images may hold setuid programs: nobody else of this machine gets at them. */
    result = result != 0 ? result : make_folder(data_path, "images", 0700);
    result = result != 0 ? result : make_folder(data_path, "environments", 0700);
    result = result != 0 ? result : make_folder(data_path, "probe", 0700);
    return result != 0 ? result : make_folder(data_path, "probe/rootfs", 0755);
}

static int make_rootfs(struct oci_probe *probe) {
    char path[PATH_MAX];
    int root = open(probe->rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        return -errno;
    }
    int result = oci_unpack_mount_points(root);
    (void)close(root);
    (void)snprintf(path, sizeof path, "%.4000s/probe", probe->rootfs);
    return result != 0 ? result : oci_probe_elf_write(path);
}

static void add_way(struct oci_probe *probe, const char *program, bool crun,
                    const struct oci_cgroup *cgroup, bool limits) {
    struct oci_how *how = &probe->ways[probe->count++];
    *how = (struct oci_how){.crun = crun, .rootless = geteuid() != 0, .cgroup = *cgroup};
    (void)snprintf(how->runtime, sizeof how->runtime, "%s", program);
    how->cgroup.nested = !crun;
    if (!limits) {
        how->cgroup.parent[0] = '\0';
    }
}

/* A runtime without limits is worth less than the slower one with. */
static void list_ways(struct oci_probe *probe, const struct oci_cgroup *cgroup) {
    char crun[PATH_MAX], runc[PATH_MAX], tool[PATH_MAX];
    bool has_crun = oci_how_find("crun", crun), has_runc = oci_how_find("runc", runc);
    if (!has_crun && !has_runc) {
        note(probe, "neither crun nor runc is in PATH");
        return;
    }
    if (!oci_how_find("unshare", tool) || !oci_how_find("setpriv", tool)) {
        note(probe, "unshare and setpriv (util-linux) are not both in PATH");
        return;
    }
    for (int limits = cgroup->parent[0] != '\0' ? 1 : 0; limits >= 0; limits--) {
        if (has_crun) {
            add_way(probe, crun, true, cgroup, limits != 0);
        }
        if (has_runc) {
            add_way(probe, runc, false, cgroup, limits != 0);
        }
    }
}

static void remove_begun(const char *images) {
    char path[PATH_MAX];
    while (oci_path_find(images, "tmp-", path) || oci_path_find(images, "trash-", path)) {
        if (oci_path_remove_all(path) != 0) {
            break;
        }
    }
}

static void run_prepare(void *arg) {
    struct oci_probe *probe = arg;
    struct oci *oci = probe->oci;
    const char *data_path = oci->executor.lambda->data_path;
    struct oci_how how = {.crun = false};
    char tag[VIRGA_SHA256_HEX_LEN + 1], path[PATH_MAX];
    int result = make_folders(data_path);
    if (result == 0) {
        result = make_rootfs(probe);
    }
    if (result != 0) {
        note(probe, "%.500s: %s", data_path, strerror(-result));
        return;
    }
    if (virga_sha256_hex(virga_str_from(data_path), tag) != 0) {
        note(probe, "out of memory");
        return;
    }
    tag[8] = '\0';
    oci_cgroup_find(&how.cgroup, tag);
    if (!oci->swept) {
        how.cgroup.nested = true;
        (void)snprintf(path, sizeof path, "%.3900s/environments/", data_path);
        oci_bundle_sweep(&how, path);
        (void)snprintf(path, sizeof path, "%.3900s/cgroup", data_path);
        oci_cgroup_take_over(&how.cgroup, path);
        (void)snprintf(path, sizeof path, "%.3900s/images", data_path);
        remove_begun(path);
    }
    (void)snprintf(probe->cgroup, sizeof probe->cgroup, "%s", how.cgroup.parent);
    list_ways(probe, &how.cgroup);
}

/* --- one way after the other --- */

static void try_way(struct oci_probe *probe);

static void on_way_closed(void *arg) {
    struct oci_probe *probe = arg;
    struct oci *oci = probe->oci;
    struct oci_how *how = &probe->ways[probe->at];
    probe->instance = NULL;
    if (probe->stopping) {
        finish(probe, -ECANCELED);
        return;
    }
    if (!probe->works) {
        probe->at++;
        try_way(probe);
        return;
    }
    char text[128];
    oci_how_describe(how, text, sizeof text);
    oci->how = *how;
    oci->is_ready = true;
    LAMBDA_LOG(oci->executor.lambda, VIRGA_LOG_INFO, NULL, "functions are run by %s (%s)", text,
               how->runtime);
    if (how->cgroup.parent[0] == '\0') {
        LAMBDA_LOG(oci->executor.lambda, VIRGA_LOG_WARN, NULL,
                   "MemorySize of functions is not enforced: %s",
                   probe->reason[0] != '\0'     ? probe->reason
                   : how->cgroup.why[0] != '\0' ? how->cgroup.why
                                                : "no cgroup can be made");
    }
    probe->reason[0] = '\0';
    finish(probe, 0);
}

static void on_way_timeout(void *arg) {
    struct oci_probe *probe = arg;
    probe->oci->executor.lambda->timer->stop(probe->timer);
    probe->timer = NULL;
    probe->timed_out = true;
    oci_instance_signal(probe->instance, SIGKILL);
}

static void on_way_output(void *arg, int stream, struct virga_str bytes) {
    struct oci_probe *probe = arg;
    (void)stream;
    if (probe->said[0] == '\0') {
        (void)snprintf(probe->said, sizeof probe->said, "%.*s",
                       (int)(bytes.len < 200 ? bytes.len : 200), bytes.ptr);
        probe->said[strcspn(probe->said, "\n")] = '\0';
    }
}

static void on_way_exit(void *arg, const struct executor_exit *exit) {
    struct oci_probe *probe = arg;
    const struct oci_how *how = &probe->ways[probe->at];
    char text[128];
    probe->oci->executor.lambda->timer->stop(probe->timer);
    probe->timer = NULL;
    probe->works = exit->end == EXECUTOR_EXITED && exit->status == OCI_PROBE_STATUS;
    if (!probe->works && !probe->stopping) {
        oci_how_describe(how, text, sizeof text);
        if (probe->timed_out) {
            note(probe, "%s: does not end within %d s", text, PROBE_TIMEOUT_MS / 1000);
        } else if (exit->reason[0] != '\0' || probe->said[0] != '\0') {
            note(probe, "%s: %.300s", text, exit->reason[0] != '\0' ? exit->reason : probe->said);
        } else {
            note(probe, "%s: a program of one instruction ends with status %d, signal %d", text,
                 exit->status, exit->signal);
        }
    }
    oci_instance_close(probe->instance, on_way_closed, probe);
}

static void try_way(struct oci_probe *probe) {
    static const char *const argv[] = {"/probe", NULL};
    static const char *const env[] = {"PATH=/", NULL};
    struct lambda *lambda = probe->oci->executor.lambda;
    if (probe->at == probe->count) {
        finish(probe, -ENOTSUP);
        return;
    }
    (void)snprintf(probe->id, sizeof probe->id, "probe-%d-%zu", (int)getpid(), probe->at);
    const struct executor_spec spec = {
        .id = probe->id,
        .argv = argv,
        .env = env,
        .cwd = "/",
        .user = "0",
        .memory_mb = PROBE_MEMORY_MB,
        .tmp_mb = PROBE_TMP_MB,
        .on_output = on_way_output,
        .on_exit = on_way_exit,
        .arg = probe,
    };
    probe->works = probe->timed_out = false;
    probe->said[0] = '\0';
    int result = oci_instance_start(probe->oci, &probe->ways[probe->at], probe->rootfs, &spec,
                                    &probe->instance);
    if (result == 0) {
        result = lambda->timer->start(lambda->host, PROBE_TIMEOUT_MS, 0, on_way_timeout, probe,
                                      &probe->timer);
    }
    if (result != 0 && probe->instance == NULL) {
        note(probe, "%s", strerror(-result));
        finish(probe, result);
    }
}

static void on_prepared(void *arg, int status) {
    struct oci_probe *probe = arg;
    probe->busy = false;
    if (status != 0 || probe->stopping) {
        note(probe, "cancelled");
        finish(probe, -ECANCELED);
        return;
    }
    probe->oci->swept = true;
    if (probe->count == 0) {
        finish(probe, -ENOTSUP);
        return;
    }
    try_way(probe);
}

int oci_probe_start(struct oci *oci, void (*on_done)(void *arg, int error, const char *reason),
                    void *arg) {
    const struct lambda *lambda = oci->executor.lambda;
    if (oci->probe != NULL) {
        return -EBUSY;
    }
    struct oci_probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL) {
        return -ENOMEM;
    }
    probe->oci = oci;
    probe->on_done = on_done;
    probe->arg = arg;
    probe->busy = true;
    (void)snprintf(probe->rootfs, sizeof probe->rootfs, "%.3900s/probe/rootfs", lambda->data_path);
    int result = lambda->work->submit(lambda->host, run_prepare, on_prepared, probe, NULL);
    if (result != 0) {
        free(probe);
        return -ENOMEM;
    }
    oci->probe = probe;
    return 0;
}

void oci_probe_stop(struct oci *oci, void (*on_stopped)(void *arg), void *arg) {
    struct oci_probe *probe = oci->probe;
    if (probe == NULL) {
        on_stopped(arg);
        return;
    }
    probe->stopping = true;
    probe->on_stopped = on_stopped;
    probe->on_stopped_arg = arg;
    if (!probe->busy && probe->instance != NULL) {
        oci_instance_signal(probe->instance, SIGKILL);
    }
}
