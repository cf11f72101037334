/* SPDX-License-Identifier: MIT */
/* What a container may see and do: its image, read-only; /tmp; the host's network; nothing else. */
#include "oci_spec.h"

#include <inttypes.h>
#include <stdio.h>

static void strings(struct virga_json_writer *json, const char *key, const char *const *values) {
    virga_json_begin_array(json, key);
    for (; *values != NULL; values++) {
        virga_json_string(json, NULL, *values);
    }
    virga_json_end_array(json);
}

static void write_mount(struct virga_json_writer *json, const char *destination, const char *type,
                        const char *source, const char *const *options) {
    virga_json_begin_object(json, NULL);
    virga_json_string(json, "destination", destination);
    virga_json_string(json, "type", type);
    virga_json_string(json, "source", source);
    strings(json, "options", options);
    virga_json_end_object(json);
}

static void write_host_file(struct virga_json_writer *json, const char *path) {
    static const char *const options[] = {"bind", "ro", "nosuid", "nodev", "noexec", NULL};
    write_mount(json, path, "bind", path, options);
}

static void write_mounts(const struct oci_spec *spec, struct virga_json_writer *json) {
    static const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
    static const char *const dev[] = {"nosuid", "strictatime", "mode=755", "size=65536k", NULL};
    static const char *const pts[] = {"nosuid",        "noexec",    "newinstance",
                                      "ptmxmode=0666", "mode=0620", NULL};
    static const char *const sysfs[] = {"nosuid", "noexec", "nodev", "ro", NULL};
    static const char *const bound[] = {"rbind", "nosuid", "noexec", "nodev", "ro", NULL};
    char shm_size[32], tmp_size[32];
    (void)snprintf(shm_size, sizeof shm_size, "size=%dm", OCI_SPEC_SHM_MB);
    (void)snprintf(tmp_size, sizeof tmp_size, "size=%" PRId64 "m", spec->tmp_mb);
    const char *const shm[] = {"nosuid", "noexec", "nodev", "mode=1777", shm_size, NULL};
    const char *const tmp[] = {"nosuid", "nodev", "mode=1777", tmp_size, NULL};
    virga_json_begin_array(json, "mounts");
    write_mount(json, "/proc", "proc", "proc", proc);
    write_mount(json, "/dev", "tmpfs", "tmpfs", dev);
    write_mount(json, "/dev/pts", "devpts", "devpts", pts);
    write_mount(json, "/dev/shm", "tmpfs", "shm", shm);
    if (spec->rootless) {
        /* A sysfs of its own is for the owner of the network namespace only. */
        write_mount(json, "/sys", "none", "/sys", bound);
    } else {
        write_mount(json, "/sys", "sysfs", "sysfs", sysfs);
    }
    write_mount(json, "/tmp", "tmpfs", "tmpfs", tmp);
    if (spec->has_resolv_conf) {
        write_host_file(json, "/etc/resolv.conf");
    }
    if (spec->has_hosts) {
        write_host_file(json, "/etc/hosts");
    }
    virga_json_end_array(json);
}

static void write_process(const struct oci_spec *spec, struct virga_json_writer *json) {
    static const char *const sets[] = {"bounding", "effective", "inheritable", "permitted",
                                       "ambient"};
    const struct oci_user *user = spec->user;
    uint64_t nofile = spec->nofile_max < OCI_SPEC_NOFILE ? spec->nofile_max : OCI_SPEC_NOFILE;
    virga_json_begin_object(json, "process");
    virga_json_bool(json, "terminal", 0);
    virga_json_begin_object(json, "user");
    virga_json_int(json, "uid", spec->rootless ? 0 : user->uid);
    virga_json_int(json, "gid", spec->rootless ? 0 : user->gid);
    if (!spec->rootless && user->groups_count > 0) {
        virga_json_begin_array(json, "additionalGids");
        for (size_t i = 0; i < user->groups_count; i++) {
            virga_json_int(json, NULL, user->groups[i]);
        }
        virga_json_end_array(json);
    }
    virga_json_end_object(json);
    strings(json, "args", spec->argv);
    strings(json, "env", spec->env);
    virga_json_string(json, "cwd", spec->cwd);
    /* None at all, as in Lambda, where no process is root. */
    virga_json_begin_object(json, "capabilities");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        virga_json_begin_array(json, sets[i]);
        virga_json_end_array(json);
    }
    virga_json_end_object(json);
    virga_json_begin_array(json, "rlimits");
    virga_json_begin_object(json, NULL);
    virga_json_string(json, "type", "RLIMIT_NOFILE");
    virga_json_int(json, "hard", (int64_t)nofile);
    virga_json_int(json, "soft", (int64_t)nofile);
    virga_json_end_object(json);
    virga_json_end_array(json);
    virga_json_bool(json, "noNewPrivileges", 1);
    virga_json_end_object(json);
}

static void write_linux(const struct oci_spec *spec, struct virga_json_writer *json) {
    /* No pid: the runtime itself is started in a new one, whose first process it is, so that its
     * end is the end of all. No network: virga is reached at 127.0.0.1. */
    static const char *const namespaces[] = {"mount", "ipc", "uts"};
    static const char *const masked[] = {"/proc/acpi",
                                         "/proc/asound",
                                         "/proc/kcore",
                                         "/proc/keys",
                                         "/proc/latency_stats",
                                         "/proc/timer_list",
                                         "/proc/timer_stats",
                                         "/proc/sched_debug",
                                         "/proc/scsi",
                                         "/sys/firmware",
                                         "/sys/devices/virtual/powercap",
                                         NULL};
    static const char *const readonly[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
    virga_json_begin_object(json, "linux");
    virga_json_begin_array(json, "namespaces");
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        virga_json_begin_object(json, NULL);
        virga_json_string(json, "type", namespaces[i]);
        virga_json_end_object(json);
    }
    virga_json_end_array(json);
    virga_json_string(json, "cgroupsPath", spec->cgroup);
    strings(json, "maskedPaths", masked);
    strings(json, "readonlyPaths", readonly);
    virga_json_end_object(json);
}

void oci_spec_write(const struct oci_spec *spec, struct virga_json_writer *json) {
    virga_json_begin_object(json, NULL);
    virga_json_string(json, "ociVersion", "1.0.2");
    write_process(spec, json);
    virga_json_begin_object(json, "root");
    virga_json_string(json, "path", spec->rootfs);
    virga_json_bool(json, "readonly", 1);
    virga_json_end_object(json);
    virga_json_string(json, "hostname", spec->hostname);
    write_mounts(spec, json);
    write_linux(spec, json);
    virga_json_end_object(json);
}
