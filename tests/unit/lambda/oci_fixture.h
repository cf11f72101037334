/* SPDX-License-Identifier: MIT */
/* Folders that go with the test, and layers that are made in it. */
#ifndef TESTS_OCI_FIXTURE_H
#define TESTS_OCI_FIXTURE_H

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "oci_path.h"

struct tree {
    char base[64];    /* the test's own folder */
    char root[96];    /* in it: where layers are laid */
    char outside[96]; /* in it, beside the root: what must never change */
    char layer[96];   /* an archive's file */
    int root_fd;
    struct archive *writer;
};

static inline void tree_write(const char *folder, const char *path, const char *text) {
    char full[2 * PATH_MAX];
    (void)snprintf(full, sizeof full, "%.3000s/%s", folder, path);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void tree_mkdir(const char *folder, const char *path) {
    char full[2 * PATH_MAX];
    (void)snprintf(full, sizeof full, "%.3000s/%s", folder, path);
    assert_int_equal(mkdir(full, 0755), 0);
}

static inline void tree_link(const char *folder, const char *path, const char *target) {
    char full[2 * PATH_MAX];
    (void)snprintf(full, sizeof full, "%.3000s/%s", folder, path);
    assert_int_equal(symlink(target, full), 0);
}

/* The text of a file below a folder, "<none>" when there is none. Valid: until the next call. */
static inline const char *tree_read(const char *folder, const char *path) {
    static char text[4096];
    char full[2 * PATH_MAX];
    (void)snprintf(full, sizeof full, "%.3000s/%s", folder, path);
    int fd = open(full, O_RDONLY | O_NOFOLLOW);
    if (fd < 0) {
        return "<none>";
    }
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

/* lstat below the root; mode 0 when there is nothing. */
static inline struct stat tree_stat(const struct tree *tree, const char *path) {
    struct stat info = {0};
    if (fstatat(tree->root_fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        memset(&info, 0, sizeof info);
    }
    return info;
}

static inline int tree_setup(void **state) {
    struct tree *tree = calloc(1, sizeof *tree);
    assert_non_null(tree);
    (void)snprintf(tree->base, sizeof tree->base, "/tmp/virga-oci-XXXXXX");
    assert_non_null(mkdtemp(tree->base));
    (void)snprintf(tree->root, sizeof tree->root, "%s/root", tree->base);
    (void)snprintf(tree->outside, sizeof tree->outside, "%s/outside", tree->base);
    (void)snprintf(tree->layer, sizeof tree->layer, "%s/layer", tree->base);
    assert_int_equal(mkdir(tree->root, 0755), 0);
    assert_int_equal(mkdir(tree->outside, 0755), 0);
    tree_write(tree->outside, "precious", "mine");
    tree->root_fd = open(tree->root, O_RDONLY | O_DIRECTORY);
    assert_true(tree->root_fd >= 0);
    *state = tree;
    return 0;
}

static inline int tree_teardown(void **state) {
    struct tree *tree = *state;
    /* Whatever the test did: nothing outside was touched. */
    assert_string_equal(tree_read(tree->outside, "precious"), "mine");
    (void)close(tree->root_fd);
    assert_int_equal(oci_path_remove_all(tree->base), 0);
    free(tree);
    return 0;
}

/* --- layers --- */

enum pack { PACK_PLAIN, PACK_GZIP, PACK_ZSTD };

static inline void layer_begin_as(struct tree *tree, enum pack pack) {
    tree->writer = archive_write_new();
    assert_non_null(tree->writer);
    if (pack == PACK_GZIP) {
        assert_int_equal(archive_write_add_filter_gzip(tree->writer), ARCHIVE_OK);
    } else if (pack == PACK_ZSTD) {
        assert_int_equal(archive_write_add_filter_zstd(tree->writer), ARCHIVE_OK);
    }
    assert_int_equal(archive_write_set_format_pax_restricted(tree->writer), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(tree->writer, tree->layer), ARCHIVE_OK);
}

static inline void layer_begin(struct tree *tree) {
    layer_begin_as(tree, PACK_GZIP);
}

static inline void layer_end(struct tree *tree) {
    assert_int_equal(archive_write_free(tree->writer), ARCHIVE_OK);
    tree->writer = NULL;
}

/* An entry to be filled further; layer_put() writes it. */
static inline struct archive_entry *layer_entry(const char *path, unsigned type, unsigned mode) {
    struct archive_entry *entry = archive_entry_new();
    assert_non_null(entry);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, (mode_t)mode);
    archive_entry_set_mtime(entry, 1500000000, 0);
    archive_entry_set_size(entry, 0);
    return entry;
}

static inline void layer_put(struct tree *tree, struct archive_entry *entry, const char *text) {
    size_t len = text != NULL ? strlen(text) : 0;
    if (text != NULL) {
        archive_entry_set_size(entry, (la_int64_t)len);
    }
    assert_true(archive_write_header(tree->writer, entry) >= ARCHIVE_WARN);
    if (len > 0) {
        assert_int_equal(archive_write_data(tree->writer, text, len), (la_ssize_t)len);
    }
    archive_entry_free(entry);
}

static inline void layer_file(struct tree *tree, const char *path, const char *text) {
    layer_put(tree, layer_entry(path, AE_IFREG, 0644), text);
}

static inline void layer_folder(struct tree *tree, const char *path) {
    layer_put(tree, layer_entry(path, AE_IFDIR, 0755), NULL);
}

static inline void layer_symlink(struct tree *tree, const char *path, const char *target) {
    struct archive_entry *entry = layer_entry(path, AE_IFLNK, 0777);
    archive_entry_set_symlink(entry, target);
    layer_put(tree, entry, NULL);
}

static inline void layer_hardlink(struct tree *tree, const char *path, const char *target) {
    struct archive_entry *entry = layer_entry(path, AE_IFREG, 0644);
    archive_entry_set_hardlink(entry, target);
    layer_put(tree, entry, NULL);
}

#endif
