/* SPDX-License-Identifier: MIT */
/* libarchive reads; everything that is written is written here, by file descriptors of folders that
 * were opened inside of the root. */
#include "oci_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "oci_inodes.h"
#include "oci_layer_name.h"
#include "oci_path.h"

#define BLOCK_BYTES ((size_t)64 * 1024)

/* A folder's owner, mode and time: set when nothing is written into it any more. */
struct folder {
    char *path;
    uint64_t inode;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec times[2];
};

struct layer {
    int root;
    bool owner; /* may give files away: else all are its own, and none is setuid */
    struct archive *archive;
    struct archive_entry *entry; /* the one at hand */
    const char *name;            /* of it, for messages */
    char path[OCI_LAYER_PATH_MAX];
    char parent[OCI_LAYER_PATH_MAX];
    int64_t sizes; /* of the files so far, holes included */
    struct oci_inodes made;
    struct folder *folders;
    size_t folders_count, folders_capacity;
    struct oci_budget *budget;
    struct virga_error *err;
};

static int bad(struct layer *layer, const char *why) {
    virga_error_set(layer->err, "the layer's entry \"%.200s\" %s", layer->name, why);
    return -EBADMSG;
}

static int broken(struct layer *layer) {
    const char *why = archive_error_string(layer->archive);
    int code = archive_errno(layer->archive);
    virga_error_set(layer->err, "the layer cannot be read: %s",
                    why != NULL ? why : "no tar archive");
    return code == ENOMEM ? -ENOMEM : -EBADMSG;
}

static int failed(struct layer *layer, int result) {
    /* What the layer asks for cannot be had in its own file system. */
    if (result == -ENOENT || result == -ENOTDIR || result == -ELOOP || result == -ENAMETOOLONG ||
        result == -EXDEV || result == -EISDIR) {
        return bad(layer, strerror(-result));
    }
    virga_error_set(layer->err, "\"%.200s\" cannot be written: %s", layer->name, strerror(-result));
    return result;
}

/* --- what it costs --- */

static int check_budget(struct layer *layer) {
    const struct oci_budget *budget = layer->budget;
    if (budget->cancel != NULL && atomic_load(budget->cancel)) {
        return -ECANCELED;
    }
    if (archive_filter_bytes(layer->archive, 0) > budget->bytes || layer->sizes > budget->bytes ||
        budget->entries < 0) {
        virga_error_set(layer->err, "the image is too big when unpacked (%s)",
                        budget->entries < 0 ? "too many files" : "too many bytes");
        return -EFBIG;
    }
    return 0;
}

/* --- making room --- */

static bool made_here(void *arg, const struct stat *info) {
    const struct layer *layer = arg;
    return oci_inodes_have(&layer->made, info->st_ino);
}

/* Removes what layers below have put at the path, or below it. */
static int hide(struct layer *layer, bool below) {
    if (below) {
        int folder = layer->path[0] == '\0'
                         ? openat(layer->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                         : oci_path_open(layer->root, layer->path, O_RDONLY | O_DIRECTORY, 0);
        if (folder == -ENOENT || folder == -ENOTDIR) {
            return 0;
        }
        int result = folder < 0 ? folder : oci_path_empty(folder, made_here, layer);
        return result != 0 ? failed(layer, result) : 0;
    }
    struct oci_path_at at;
    int result =
        oci_path_parent(layer->root, layer->path, false, layer->parent, sizeof layer->parent, &at);
    if (result == -ENOENT || result == -ENOTDIR) {
        return 0;
    }
    if (result == 0) {
        result = oci_path_remove(at.folder, at.name, made_here, layer);
        (void)close(at.folder);
    }
    return result != 0 ? failed(layer, result) : 0;
}

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

static int note_folder(struct layer *layer, int fd) {
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
    int result = note_folder(layer, fd);
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
            return ftruncate(fd, size) == 0 ? 0 : failed(layer, -errno);
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return broken(layer);
        }
        int result = check_budget(layer);
        if (result != 0) {
            return result;
        }
        if (offset < 0 || (int64_t)len > size || offset > size - (int64_t)len) {
            return bad(layer, "has more bytes than it says");
        }
        result = write_all(fd, bytes, len, offset);
        if (result != 0) {
            return failed(layer, result);
        }
    }
}

static int make_file(struct layer *layer, const struct oci_path_at *at) {
    int64_t size = archive_entry_size(layer->entry);
    int fd =
        openat(at->folder, at->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(layer, -errno);
    }
    int result = write_data(layer, fd, size);
    if (result == 0) {
        result = set_attributes(layer, fd);
        result = result != 0 ? failed(layer, result) : 0;
    }
    if (close(fd) != 0 && result == 0) {
        result = failed(layer, -errno);
    }
    return result;
}

static int make_symlink(struct layer *layer, const struct oci_path_at *at) {
    const char *target = archive_entry_symlink(layer->entry);
    struct timespec times[2];
    if (target == NULL || target[0] == '\0') {
        return bad(layer, "is a link to nothing");
    }
    if (symlinkat(target, at->folder, at->name) != 0) {
        return failed(layer, -errno);
    }
    if (layer->owner &&
        fchownat(at->folder, at->name, (uid_t)archive_entry_uid(layer->entry),
                 (gid_t)archive_entry_gid(layer->entry), AT_SYMLINK_NOFOLLOW) != 0) {
        return failed(layer, -errno);
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
        return bad(layer, "is a link to a file outside of the image");
    }
    int result = oci_path_parent(layer->root, path, false, parent, sizeof parent, &from);
    if (result != 0) {
        return bad(layer, "is a link to a file that is not there");
    }
    if (fstatat(from.folder, from.name, &old, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(old.st_mode)) {
        result = bad(layer, "is a link to a file that is not there");
    } else if (fstatat(at->folder, at->name, &new, AT_SYMLINK_NOFOLLOW) == 0 &&
               old.st_ino == new.st_ino) {
        result = 0; /* it is that file already: removing it first would lose it */
    } else {
        result = oci_path_remove(at->folder, at->name, NULL, NULL);
        if (result == 0 && linkat(from.folder, from.name, at->folder, at->name, 0) != 0) {
            result = -errno;
        }
        result = result != 0 ? failed(layer, result) : 0;
    }
    (void)close(from.folder);
    return result;
}

static int make(struct layer *layer, const struct oci_path_at *at) {
    const char *target = archive_entry_hardlink(layer->entry);
    if (target != NULL) {
        return make_link(layer, at, target);
    }
    mode_t type = archive_entry_filetype(layer->entry);
    if (type == AE_IFDIR) {
        int result = make_folder(layer, at);
        return result != 0 ? failed(layer, result) : 0;
    }
    if (type != AE_IFREG && type != AE_IFLNK && type != AE_IFIFO) {
        /* A device of the image could be one of the host; /dev is made anew for every process. */
        layer->budget->skipped++;
        return 0;
    }
    int result = oci_path_remove(at->folder, at->name, NULL, NULL);
    if (result != 0) {
        return failed(layer, result);
    }
    if (type == AE_IFREG) {
        result = make_file(layer, at);
    } else if (type == AE_IFLNK) {
        result = make_symlink(layer, at);
    } else if (mkfifoat(at->folder, at->name, mode_of(layer, false) & 0777) != 0) {
        result = failed(layer, -errno);
    }
    if (result == 0) {
        result = note_made(layer, at);
        result = result != 0 ? failed(layer, result) : 0;
    }
    return result;
}

static int apply_root(struct layer *layer) {
    return archive_entry_filetype(layer->entry) == AE_IFDIR ? note_folder(layer, layer->root) : 0;
}

static int apply_entry(struct layer *layer) {
    const char *name = archive_entry_pathname(layer->entry);
    int64_t uid = archive_entry_uid(layer->entry), gid = archive_entry_gid(layer->entry);
    int64_t size = archive_entry_size(layer->entry);
    struct oci_path_at at;
    layer->name = name != NULL ? name : "";
    layer->budget->entries--;
    if (size < 0 || size > layer->budget->bytes - layer->sizes) {
        layer->sizes = INT64_MAX;
    } else {
        layer->sizes += size;
    }
    int result = check_budget(layer);
    if (result != 0) {
        return result;
    }
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) {
        return bad(layer, "has no possible owner");
    }
    switch (oci_layer_name_read(layer->name, layer->path)) {
    case OCI_NAME_FILE:
        break;
    case OCI_NAME_ROOT:
        layer->path[0] = '\0';
        return apply_root(layer);
    case OCI_NAME_WHITEOUT:
        return hide(layer, false);
    case OCI_NAME_OPAQUE:
        return hide(layer, true);
    case OCI_NAME_IGNORED:
        return 0;
    default:
        return bad(layer, "has a name that leads out of the image, or is too long");
    }
    result =
        oci_path_parent(layer->root, layer->path, true, layer->parent, sizeof layer->parent, &at);
    if (result != 0) {
        return failed(layer, result);
    }
    result = make(layer, &at);
    (void)close(at.folder);
    return result;
}

static int apply_all(struct layer *layer, int file) {
    if (archive_read_open_fd(layer->archive, file, BLOCK_BYTES) != ARCHIVE_OK) {
        return broken(layer);
    }
    for (bool first = true;; first = false) {
        int got = archive_read_next_header(layer->archive, &layer->entry);
        if (got == ARCHIVE_EOF) {
            break;
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return broken(layer);
        }
        /* One compression and the plain stream; more of them only serves to blow it up. */
        if (first && archive_filter_count(layer->archive) > 2) {
            virga_error_set(layer->err, "the layer is compressed more than once");
            return -EBADMSG;
        }
        int result = apply_entry(layer);
        if (result != 0) {
            return result;
        }
    }
    /* From the last on: a folder's time is not changed by what is settled in it. */
    for (size_t i = layer->folders_count; i > 0; i--) {
        layer->name = layer->folders[i - 1].path;
        int result = settle_folder(layer, &layer->folders[i - 1]);
        if (result != 0) {
            return failed(layer, result);
        }
    }
    return check_budget(layer);
}

int oci_layer_apply(int root, int file, struct oci_budget *budget, struct virga_error *err) {
    struct layer *layer = calloc(1, sizeof *layer);
    int result = -ENOMEM;
    if (layer == NULL) {
        return -ENOMEM;
    }
    *layer = (struct layer){
        .root = root, .owner = geteuid() == 0, .name = "", .budget = budget, .err = err};
    layer->archive = archive_read_new();
    if (layer->archive != NULL) {
        (void)archive_read_support_filter_gzip(layer->archive);
        (void)archive_read_support_filter_zstd(layer->archive);
        (void)archive_read_support_format_tar(layer->archive);
        result = apply_all(layer, file);
        int64_t read = archive_filter_bytes(layer->archive, 0);
        budget->bytes -= read > layer->sizes ? read : layer->sizes;
        (void)archive_read_free(layer->archive);
    }
    for (size_t i = 0; i < layer->folders_count; i++) {
        free(layer->folders[i].path);
    }
    free(layer->folders);
    oci_inodes_finish(&layer->made);
    free(layer);
    return result;
}
