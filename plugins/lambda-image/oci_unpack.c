/* SPDX-License-Identifier: MIT */
/* Layers in their order, mount points, a note of what it is, rename. */
#include "oci_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virga/helpers/json_writer.h>

#include "oci_path.h"

static int ensure_folder(int root, const char *name, mode_t mode) {
    struct stat info;
    if (fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(info.st_mode)) {
            return 0;
        }
        int result = oci_path_remove(root, name, NULL, NULL);
        if (result != 0) {
            return result;
        }
    }
    if (mkdirat(root, name, 0755) != 0 || fchmodat(root, name, mode, 0) != 0) {
        return -errno;
    }
    return 0;
}

static int ensure_file(int root, const char *path) {
    char parent[64];
    struct oci_path_at at;
    struct stat info;
    int result = oci_path_parent(root, path, true, parent, sizeof parent, &at);
    if (result != 0) {
        return result;
    }
    if (fstatat(at.folder, at.name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) {
        result = oci_path_remove(at.folder, at.name, NULL, NULL);
        if (result == 0) {
            int fd = openat(at.folder, at.name,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
            result = fd < 0 ? -errno : 0;
            if (fd >= 0) {
                (void)close(fd);
            }
        }
    }
    (void)close(at.folder);
    return result;
}

int oci_unpack_mount_points(int root) {
    static const char *const folders[] = {"proc", "dev", "sys", "tmp"};
    static const char *const files[] = {"etc/hosts", "etc/resolv.conf"};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof folders / sizeof *folders; i++) {
        result = ensure_folder(root, folders[i], i == 3 ? 01777 : 0755);
    }
    for (size_t i = 0; result == 0 && i < sizeof files / sizeof *files; i++) {
        /* Where /etc leads nowhere the container gets no such file, which is no reason to fail. */
        int made = ensure_file(root, files[i]);
        result = made == -ENOSPC || made == -EIO || made == -EDQUOT ? made : 0;
    }
    return result;
}

static int apply_layer(struct oci_unpack *unpack, int root, size_t index, struct virga_error *err) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/layer-%zu", unpack->folder, index);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        int result = -errno;
        virga_error_set(err, "%s: %s", path, strerror(-result));
        return result;
    }
    int result = oci_layer_apply(root, file, &unpack->budget, err);
    (void)close(file);
    return result;
}

static int apply_layers(struct oci_unpack *unpack, int root, struct virga_error *err) {
    for (size_t i = 0; i < unpack->layers; i++) {
        int result = apply_layer(unpack, root, i, err);
        if (result != 0) {
            return result;
        }
    }
    int result = oci_unpack_mount_points(root);
    if (result != 0) {
        virga_error_set(err, "mount points cannot be made in the image: %s", strerror(-result));
    }
    return result;
}

static int write_note(const struct oci_unpack *unpack, struct virga_error *err) {
    char path[PATH_MAX];
    struct virga_json_writer json = {0};
    virga_json_begin_object(&json, NULL);
    virga_json_string(&json, "digest", unpack->digest);
    virga_json_int(&json, "layers", (int64_t)unpack->layers);
    virga_json_int(&json, "bytes", OCI_UNPACK_BYTES_MAX - unpack->budget.bytes);
    virga_json_int(&json, "entries", OCI_UNPACK_ENTRIES_MAX - unpack->budget.entries);
    virga_json_int(&json, "skippedDevices", unpack->budget.skipped);
    virga_json_end_object(&json);
    (void)snprintf(path, sizeof path, "%s/image.json", unpack->folder);
    int result = json.failed ? -ENOMEM : 0;
    FILE *file = result == 0 ? fopen(path, "we") : NULL;
    if (file == NULL || fwrite(json.ptr, 1, json.len, file) != json.len) {
        result = result != 0 ? result : -errno;
    }
    if (file != NULL && fclose(file) != 0 && result == 0) {
        result = -errno;
    }
    virga_json_finish(&json);
    if (result != 0) {
        virga_error_set(err, "%s: %s", path, strerror(-result));
    }
    return result;
}

int oci_unpack_image(struct oci_unpack *unpack, struct virga_error *err) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/rootfs", unpack->folder);
    int root = -1;
    int result = mkdir(path, 0755) == 0 ? 0 : -errno;
    if (result == 0) {
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        result = root < 0 ? -errno : 0;
    }
    if (result != 0) {
        virga_error_set(err, "%s: %s", path, strerror(-result));
        return result;
    }
    /* Whatever the umask of the host is: users in the image must get in. */
    (void)fchmod(root, 0755);
    result = apply_layers(unpack, root, err);
    (void)close(root);
    for (size_t i = 0; i < unpack->layers; i++) {
        (void)snprintf(path, sizeof path, "%s/layer-%zu", unpack->folder, i);
        (void)unlink(path);
    }
    if (result == 0) {
        result = write_note(unpack, err);
    }
    if (result == 0 && rename(unpack->folder, unpack->becomes) != 0) {
        if (errno != EEXIST && errno != ENOTEMPTY) {
            result = -errno;
            virga_error_set(err, "%s: %s", unpack->becomes, strerror(-result));
        }
    }
    return result;
}
