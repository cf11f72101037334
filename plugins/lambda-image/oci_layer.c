/* SPDX-License-Identifier: MIT */
/* Reads a layer's archive entry by entry: names, budget, whiteouts. What is to be made is made in
 * oci_layer_make.c. */
#include "oci_layer_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci_layer_name.h"

#define BLOCK_BYTES ((size_t)64 * 1024)

int oci_layer_bad(struct layer *layer, const char *why) {
    virga_error_set(layer->err, "the layer's entry \"%.200s\" %s", layer->name, why);
    return -EBADMSG;
}

int oci_layer_broken(struct layer *layer) {
    const char *why = archive_error_string(layer->archive);
    int code = archive_errno(layer->archive);
    virga_error_set(layer->err, "the layer cannot be read: %s",
                    why != NULL ? why : "no tar archive");
    return code == ENOMEM ? -ENOMEM : -EBADMSG;
}

int oci_layer_failed(struct layer *layer, int result) {
    /* What the layer asks for cannot be had in its own file system. */
    if (result == -ENOENT || result == -ENOTDIR || result == -ELOOP || result == -ENAMETOOLONG ||
        result == -EXDEV || result == -EISDIR) {
        return oci_layer_bad(layer, strerror(-result));
    }
    virga_error_set(layer->err, "\"%.200s\" cannot be written: %s", layer->name, strerror(-result));
    return result;
}

/* --- what it costs --- */

int oci_layer_check_budget(struct layer *layer) {
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
        return result != 0 ? oci_layer_failed(layer, result) : 0;
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
    return result != 0 ? oci_layer_failed(layer, result) : 0;
}

/* --- entries --- */

static int apply_root(struct layer *layer) {
    return archive_entry_filetype(layer->entry) == AE_IFDIR
               ? oci_layer_note_folder(layer, layer->root)
               : 0;
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
    int result = oci_layer_check_budget(layer);
    if (result != 0) {
        return result;
    }
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) {
        return oci_layer_bad(layer, "has no possible owner");
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
        return oci_layer_bad(layer, "has a name that leads out of the image, or is too long");
    }
    result =
        oci_path_parent(layer->root, layer->path, true, layer->parent, sizeof layer->parent, &at);
    if (result != 0) {
        return oci_layer_failed(layer, result);
    }
    result = oci_layer_make(layer, &at);
    (void)close(at.folder);
    return result;
}

static int apply_all(struct layer *layer, int file) {
    if (archive_read_open_fd(layer->archive, file, BLOCK_BYTES) != ARCHIVE_OK) {
        return oci_layer_broken(layer);
    }
    for (bool first = true;; first = false) {
        int got = archive_read_next_header(layer->archive, &layer->entry);
        if (got == ARCHIVE_EOF) {
            break;
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return oci_layer_broken(layer);
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
    int result = oci_layer_settle(layer);
    if (result != 0) {
        return oci_layer_failed(layer, result);
    }
    return oci_layer_check_budget(layer);
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
