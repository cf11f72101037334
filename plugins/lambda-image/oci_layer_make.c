/* SPDX-License-Identifier: MIT */
/* Files, folders and links of a layer: made by file descriptors of folders that were opened inside
 * of the root. */
#include "oci_layer_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "oci_layer_name.h"

/* --- attributes --- */

static mode_t mode_of(const struct layer *layer, bool folder) {
    mode_t mode = archive_entry_perm(layer->entry) & 07777;
    if (!layer->owner) {
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
        /* Layers above and the removal must be able to go on. */
        mode |= folder ? 0700 : 0400;
    }
    return mode;
}

static void times_of(const struct layer *layer, struct timespec times[2]) {
    times[0].tv_sec = archive_entry_mtime(layer->entry);
    times[0].tv_nsec = archive_entry_mtime_nsec(layer->entry);
    times[1] = times[0];
}

/* Only what programs are helped by and what means nothing to the host's own file systems. */
static void set_xattrs(struct layer *layer, int fd) {
    const char *name;
    const void *value;
    size_t size;
    (void)archive_entry_xattr_reset(layer->entry);
    while (archive_entry_xattr_next(layer->entry, &name, &value, &size) == ARCHIVE_OK) {
        bool wanted = strncmp(name, "user.", 5) == 0 ||
                      (layer->owner && strcmp(name, "security.capability") == 0);
        if (wanted && size <= OCI_LAYER_XATTR_MAX) {
            /* Where the file system has none the program runs without. */
            (void)fsetxattr(fd, name, value, size, 0);
        }
    }
}

static int set_attributes(struct layer *layer, int fd) {
    struct timespec times[2];
    if (layer->owner && fchown(fd, (uid_t)archive_entry_uid(layer->entry),
                               (gid_t)archive_entry_gid(layer->entry)) != 0) {
        return -errno;
    }
    /* After fchown(), which takes setuid away. */
    if (fchmod(fd, mode_of(layer, false)) != 0) {
        return -errno;
    }
    set_xattrs(layer, fd);
    times_of(layer, times);
    return futimens(fd, times) == 0 ? 0 : -errno;
}

static int note_made(struct layer *layer, const struct oci_path_at *at) {
    struct stat info;
    if (fstatat(at->folder, at->name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return -errno;
    }
    return oci_inodes_add(&layer->made, info.st_ino);
}

/* --- folders --- */

int oci_layer_note_folder(struct layer *layer, int fd) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return -errno;
    }
    if (layer->folders_count == layer->folders_capacity) {
        size_t capacity = layer->folders_capacity == 0 ? 64 : layer->folders_capacity * 2;
        struct folder *more = reallocarray(layer->folders, capacity, sizeof *more);
        if (more == NULL) {
            return -ENOMEM;
        }
        layer->folders = more;
        layer->folders_capacity = capacity;
    }
    struct folder *folder = &layer->folders[layer->folders_count];
    *folder = (struct folder){
        .path = strdup(layer->path),
        .inode = info.st_ino,
        .mode = mode_of(layer, true),
        .uid = (uid_t)archive_entry_uid(layer->entry),
        .gid = (gid_t)archive_entry_gid(layer->entry),
    };
    times_of(layer, folder->times);
    if (folder->path == NULL) {
        return -ENOMEM;
    }
    layer->folders_count++;
    set_xattrs(layer, fd);
    return oci_inodes_add(&layer->made, info.st_ino);
}

/* Where the folder still is what the entry has made. */
static int settle_folder(struct layer *layer, const struct folder *folder) {
    struct stat info;
    int result = 0;
    int fd = folder->path[0] == '\0'
                 ? openat(layer->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                 : oci_path_open(layer->root, folder->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0) {
        return 0;
    }
    if (fstat(fd, &info) == 0 && info.st_ino == folder->inode) {
        if ((layer->owner && fchown(fd, folder->uid, folder->gid) != 0) ||
            fchmod(fd, folder->mode) != 0 || futimens(fd, folder->times) != 0) {
            result = -errno;
        }
    }
    (void)close(fd);
    return result;
}

static int make_folder(struct layer *layer, const struct oci_path_at *at) {
    struct stat info;
    bool there = fstatat(at->folder, at->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISDIR(info.st_mode)) {
        int result = oci_path_remove(at->folder, at->name, NULL, NULL);
        if (result != 0) {
            return result;
        }
        there = false;
    }
    if (!there && mkdirat(at->folder, at->name, 0700) != 0) {
        return -errno;
    }
    int fd = openat(at->folder, at->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = oci_layer_note_folder(layer, fd);
    (void)close(fd);
    return result;
}

/* --- files and links --- */

static int write_all(int fd, const char *bytes, size_t len, int64_t offset) {
    while (len > 0) {
        ssize_t count = pwrite(fd, bytes, len, offset);
        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        if (count > 0) {
            bytes += count;
            len -= (size_t)count;
            offset += count;
        }
    }
    return 0;
}

static int write_data(struct layer *layer, int fd, int64_t size) {
    for (;;) {
        const void *bytes;
        size_t len;
        la_int64_t offset;
        int got = archive_read_data_block(layer->archive, &bytes, &len, &offset);
        if (got == ARCHIVE_EOF) {
            /* Holes at the end. */
            return ftruncate(fd, size) == 0 ? 0 : oci_layer_failed(layer, -errno);
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return oci_layer_broken(layer);
        }
        int result = oci_layer_check_budget(layer);
        if (result != 0) {
            return result;
        }
        if (offset < 0 || (int64_t)len > size || offset > size - (int64_t)len) {
            return oci_layer_bad(layer, "has more bytes than it says");
        }
        result = write_all(fd, bytes, len, offset);
        if (result != 0) {
            return oci_layer_failed(layer, result);
        }
    }
}

static int make_file(struct layer *layer, const struct oci_path_at *at) {
    int64_t size = archive_entry_size(layer->entry);
    int fd =
        openat(at->folder, at->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return oci_layer_failed(layer, -errno);
    }
    int result = write_data(layer, fd, size);
    if (result == 0) {
        result = set_attributes(layer, fd);
        result = result != 0 ? oci_layer_failed(layer, result) : 0;
    }
    if (close(fd) != 0 && result == 0) {
        result = oci_layer_failed(layer, -errno);
    }
    return result;
}

static int make_symlink(struct layer *layer, const struct oci_path_at *at) {
    const char *target = archive_entry_symlink(layer->entry);
    struct timespec times[2];
    if (target == NULL || target[0] == '\0') {
        return oci_layer_bad(layer, "is a link to nothing");
    }
    if (symlinkat(target, at->folder, at->name) != 0) {
        return oci_layer_failed(layer, -errno);
    }
    if (layer->owner &&
        fchownat(at->folder, at->name, (uid_t)archive_entry_uid(layer->entry),
                 (gid_t)archive_entry_gid(layer->entry), AT_SYMLINK_NOFOLLOW) != 0) {
        return oci_layer_failed(layer, -errno);
    }
    times_of(layer, times);
    (void)utimensat(at->folder, at->name, times, AT_SYMLINK_NOFOLLOW);
    return 0;
}

/* Another name of a file of this layer or of one below. */
static int make_link(struct layer *layer, const struct oci_path_at *at, const char *target) {
    char path[OCI_LAYER_PATH_MAX], parent[OCI_LAYER_PATH_MAX];
    struct oci_path_at from;
    struct stat old, new;
    if (oci_layer_name_read(target, path) != OCI_NAME_FILE) {
        return oci_layer_bad(layer, "is a link to a file outside of the image");
    }
    int result = oci_path_parent(layer->root, path, false, parent, sizeof parent, &from);
    if (result != 0) {
        return oci_layer_bad(layer, "is a link to a file that is not there");
    }
    if (fstatat(from.folder, from.name, &old, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(old.st_mode)) {
        result = oci_layer_bad(layer, "is a link to a file that is not there");
    } else if (fstatat(at->folder, at->name, &new, AT_SYMLINK_NOFOLLOW) == 0 &&
               old.st_ino == new.st_ino) {
        result = 0; /* it is that file already: removing it first would lose it */
    } else {
        result = oci_path_remove(at->folder, at->name, NULL, NULL);
        if (result == 0 && linkat(from.folder, from.name, at->folder, at->name, 0) != 0) {
            result = -errno;
        }
        result = result != 0 ? oci_layer_failed(layer, result) : 0;
    }
    (void)close(from.folder);
    return result;
}

int oci_layer_make(struct layer *layer, const struct oci_path_at *at) {
    const char *target = archive_entry_hardlink(layer->entry);
    if (target != NULL) {
        return make_link(layer, at, target);
    }
    mode_t type = archive_entry_filetype(layer->entry);
    if (type == AE_IFDIR) {
        int result = make_folder(layer, at);
        return result != 0 ? oci_layer_failed(layer, result) : 0;
    }
    if (type != AE_IFREG && type != AE_IFLNK && type != AE_IFIFO) {
        /* A device of the image could be one of the host; /dev is made anew for every process. */
        layer->budget->skipped++;
        return 0;
    }
    int result = oci_path_remove(at->folder, at->name, NULL, NULL);
    if (result != 0) {
        return oci_layer_failed(layer, result);
    }
    if (type == AE_IFREG) {
        result = make_file(layer, at);
    } else if (type == AE_IFLNK) {
        result = make_symlink(layer, at);
    } else if (mkfifoat(at->folder, at->name, mode_of(layer, false) & 0777) != 0) {
        result = oci_layer_failed(layer, -errno);
    }
    if (result == 0) {
        result = note_made(layer, at);
        result = result != 0 ? oci_layer_failed(layer, result) : 0;
    }
    return result;
}

int oci_layer_settle(struct layer *layer) {
    int result = 0;
    /* From the last on: a folder's time is not changed by what is settled in it. */
    for (size_t i = layer->folders_count; i > 0 && result == 0; i--) {
        layer->name = layer->folders[i - 1].path;
        result = settle_folder(layer, &layer->folders[i - 1]);
    }
    return result;
}
