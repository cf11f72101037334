/* SPDX-License-Identifier: MIT */
/* Bundles: made before the runtime is started, read after it has ended. */
#include "oci_bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_entry.h"
#include "oci_path.h"
#include "oci_processes.h"
#include "oci_spec.h"

#define MIB INT64_C(1048576)
/* How shells, crun and runc tell of a signal by an exit status. */
#define STATUS_SIGNAL 128
#define SIGNAL_MAX 31
#define LOG_MAX ((size_t)64 * 1024)

static void set_end(struct oci_bundle_end *ret_end, enum executor_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void set_end(struct oci_bundle_end *ret_end, enum executor_end end, const char *format,
                    ...) {
    va_list args;
    *ret_end = (struct oci_bundle_end){.end = end};
    va_start(args, format);
    (void)vsnprintf(ret_end->reason, sizeof ret_end->reason, format, args);
    va_end(args);
}

/* As Go's syscall package has them, which is what AWS shows: the C library's, in lower case. */
static void set_entry_end(struct oci_bundle_end *ret_end, const char *path, int error) {
    char words[128];
    (void)snprintf(words, sizeof words, "%s", strerror(error));
    if (words[0] >= 'A' && words[0] <= 'Z') {
        words[0] = (char)(words[0] - 'A' + 'a');
    }
    set_end(ret_end, EXECUTOR_ENTRYPOINT, "fork/exec %.300s: %s", path, words);
}

/* --- before --- */

static bool check(const struct oci_bundle *bundle, int root, const struct oci_user *user,
                  struct oci_bundle_end *ret_end) {
    static const char *const hidden[] = {"/tmp", NULL};
    char path[OCI_ENTRY_PATH_MAX];
    const struct oci_entry entry = {
        .root = root,
        .program = bundle->argv[0] != NULL ? bundle->argv[0] : "",
        .env = bundle->env,
        .cwd = bundle->cwd,
        .user = user,
        .hidden = hidden,
    };
    int result = oci_entry_check_cwd(&entry);
    if (result != 0) {
        set_end(ret_end, EXECUTOR_WORKDIR, "chdir %.300s: %s", bundle->cwd, strerror(-result));
        return false;
    }
    result = oci_entry_check(&entry, path);
    if (result != 0) {
        set_entry_end(ret_end, path, -result);
        return false;
    }
    return true;
}

static int write_text(const char *folder, const char *name, const char *text, size_t len) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.4000s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    ssize_t written = write(fd, text, len);
    int result = written == (ssize_t)len ? 0 : written < 0 ? -errno : -ENOSPC;
    (void)close(fd);
    return result;
}

static int write_config(const struct oci_bundle *bundle, const struct oci_user *user) {
    struct virga_json_writer json = {0};
    struct rlimit nofile = {.rlim_max = OCI_SPEC_NOFILE};
    char cgroup[OCI_CGROUP_NAME_MAX];
    oci_cgroup_name(&bundle->how->cgroup, bundle->id, cgroup);
    (void)getrlimit(RLIMIT_NOFILE, &nofile);
    const struct oci_spec spec = {
        .rootfs = bundle->rootfs,
        .argv = bundle->argv,
        .env = bundle->env,
        .cwd = bundle->cwd,
        .user = user,
        .tmp_mb = bundle->tmp_mb,
        .nofile_max = nofile.rlim_max,
        .cgroup = bundle->how->crun || bundle->how->rootless ? NULL : cgroup,
        .hostname = "lambda",
        .rootless = bundle->how->rootless,
        .has_resolv_conf = access("/etc/resolv.conf", R_OK) == 0,
        .has_hosts = access("/etc/hosts", R_OK) == 0,
    };
    oci_spec_write(&spec, &json);
    int result =
        json.failed ? -ENOMEM : write_text(bundle->folder, "config.json", json.ptr, json.len);
    virga_json_finish(&json);
    return result;
}

void oci_bundle_make(const struct oci_bundle *bundle, struct oci_bundle_end *ret_end) {
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    struct oci_user user;
    *ret_end = (struct oci_bundle_end){.end = EXECUTOR_EXITED};
    int root = open(bundle->rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        set_end(ret_end, EXECUTOR_FAILED, "%.300s: %s", bundle->rootfs, strerror(errno));
        return;
    }
    int result = oci_user_find(root, bundle->user, &user, &err);
    if (result != 0) {
        set_end(ret_end, EXECUTOR_FAILED, "%s", err.text[0] != '\0' ? err.text : "out of memory");
    } else {
        struct oci_user seen = user;
        if (bundle->how->rootless) {
            /* Everything belongs to us and so does the process. */
            seen = (struct oci_user){.uid = geteuid(), .gid = getegid()};
        }
        if (check(bundle, root, &seen, ret_end)) {
            result = mkdir(bundle->folder, 0700) == 0 ? write_config(bundle, &user) : -errno;
            if (result != 0) {
                set_end(ret_end, EXECUTOR_FAILED, "%.300s: %s", bundle->folder, strerror(-result));
            }
        }
    }
    (void)close(root);
    if (ret_end->end == EXECUTOR_EXITED && bundle->how->cgroup.parent[0] != '\0') {
        int64_t extra = bundle->how->crun ? OCI_BUNDLE_CRUN_MB : OCI_BUNDLE_RUNC_MB;
        result =
            oci_cgroup_make(&bundle->how->cgroup, bundle->id, (bundle->memory_mb + extra) * MIB);
        if (result != 0) {
            set_end(ret_end, EXECUTOR_FAILED, "no cgroup can be made in %.300s: %s",
                    bundle->how->cgroup.parent, strerror(-result));
        }
    }
}

/* --- after --- */

/* The last error in the runtime's log, which is JSON objects, one a line. False: there is none. */
static bool log_error(const char *folder, char *buffer, size_t size) {
    char path[PATH_MAX];
    bool found = false;
    (void)snprintf(path, sizeof path, "%.4000s/log", folder);
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(LOG_MAX) : NULL;
    while (text != NULL && fgets(text, LOG_MAX, file) != NULL) {
        struct json_object *line = json_tokener_parse(text), *level, *message;
        if (json_object_object_get_ex(line, "level", &level) &&
            json_object_object_get_ex(line, "msg", &message) &&
            (strcmp(json_object_get_string(level), "error") == 0 ||
             strcmp(json_object_get_string(level), "fatal") == 0)) {
            (void)snprintf(buffer, size, "%s", json_object_get_string(message));
            found = true;
        }
        json_object_put(line);
    }
    free(text);
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

static bool is_started(const char *folder) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.4000s/pid", folder);
    return access(path, F_OK) == 0;
}

/* What the checks before have let through and the kernel has not. */
static bool explain_exec(const struct oci_bundle *bundle, const char *message,
                         struct oci_bundle_end *ret_end) {
    static const struct {
        const char *words;
        int error;
    } table[] = {{"xec format error", ENOEXEC},
                 {"no such file or directory", ENOENT},
                 {"No such file or directory", ENOENT},
                 {"ermission denied", EACCES}};
    if (strstr(message, "exec") == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strstr(message, table[i].words) != NULL) {
            set_entry_end(ret_end, bundle->argv[0], table[i].error);
            return true;
        }
    }
    return false;
}

void oci_bundle_explain(const struct oci_bundle *bundle, int64_t exit_status, int term_signal,
                        bool killed, const char *said, struct oci_bundle_end *ret_end) {
    const char *name = bundle->how->crun ? "crun" : "runc";
    char message[400] = "";
    bool started = is_started(bundle->folder);
    bool failed =
        term_signal == 0 && exit_status != 0 && log_error(bundle->folder, message, sizeof message);
    if (killed && (failed || !started)) {
        set_end(ret_end, EXECUTOR_SIGNALLED, "%s", "");
        ret_end->signal = SIGKILL;
        return;
    }
    if (failed && (!started || exit_status == 1)) {
        if (!explain_exec(bundle, message, ret_end)) {
            set_end(ret_end, EXECUTOR_FAILED, "%s: %s", name, message);
        }
        return;
    }
    if (!started && exit_status != 0 && term_signal == 0) {
        set_end(ret_end, EXECUTOR_FAILED, "%s could not be started: %.300s", name,
                said[0] != '\0' ? said : "it said nothing");
        return;
    }
    *ret_end = (struct oci_bundle_end){.end = EXECUTOR_EXITED, .status = (int)exit_status};
    if (term_signal != 0) {
        ret_end->signal = term_signal;
    } else if (exit_status > STATUS_SIGNAL && exit_status <= STATUS_SIGNAL + SIGNAL_MAX) {
        ret_end->signal = (int)exit_status - STATUS_SIGNAL;
    }
    if (ret_end->signal != 0) {
        ret_end->end = EXECUTOR_SIGNALLED;
        ret_end->status = 0;
        if (ret_end->signal == SIGKILL && !killed && bundle->how->cgroup.parent[0] != '\0' &&
            oci_cgroup_was_full(&bundle->how->cgroup, bundle->id)) {
            ret_end->end = EXECUTOR_OOM;
        }
    }
}

int oci_bundle_remove(const struct oci_how *how, const char *folder, const char *id) {
    int result = oci_cgroup_remove(&how->cgroup, id);
    int removed = oci_path_remove_all(folder);
    return result != 0 ? result : removed;
}

void oci_bundle_sweep(const struct oci_how *how, const char *environments) {
    oci_processes_end_of(environments);
    DIR *list = opendir(environments);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%.3000s/%s", environments, entry->d_name);
        (void)oci_bundle_remove(how, path, entry->d_name);
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    oci_cgroup_sweep(&how->cgroup);
}
