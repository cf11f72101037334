/* SPDX-License-Identifier: MIT */
/* Sizes of blobs on disk: <root>/docker/registry/v2/blobs/sha256/<2 digits>/<64 digits>/data. */
#include "blob_sizes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEX_LEN 64
#define PATH_LEN_MAX 1200

struct blob {
    char hex[HEX_LEN];
    uint64_t size;
};

struct blob_sizes {
    struct blob *blobs; /* sorted after reading */
    size_t count;
    size_t size;
};

int blob_sizes_create(struct blob_sizes **ret_sizes) {
    *ret_sizes = calloc(1, sizeof **ret_sizes);
    return *ret_sizes != NULL ? 0 : -ENOMEM;
}

void blob_sizes_destroy(struct blob_sizes *sizes) {
    if (sizes != NULL) {
        free(sizes->blobs);
        free(sizes);
    }
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, HEX_LEN);
}

void blob_sizes_add(struct blob_sizes *sizes, const char *hex, uint64_t size) {
    if (sizes->count == sizes->size) {
        size_t wanted = sizes->size > 0 ? sizes->size * 2 : 1024;
        struct blob *grown = realloc(sizes->blobs, wanted * sizeof *grown);
        if (grown == NULL) {
            return;
        }
        sizes->blobs = grown;
        sizes->size = wanted;
    }
    struct blob *blob = &sizes->blobs[sizes->count++];
    memcpy(blob->hex, hex, HEX_LEN);
    blob->size = size;
}

static void read_directory(struct blob_sizes *sizes, const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char data[HEX_LEN + 6];
        struct stat st;
        if (strlen(entry->d_name) == HEX_LEN) {
            (void)snprintf(data, sizeof data, "%.64s/data", entry->d_name);
            if (fstatat(dirfd(directory), data, &st, 0) == 0) {
                blob_sizes_add(sizes, entry->d_name, (uint64_t)st.st_size);
            }
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

void blob_sizes_read(struct blob_sizes *sizes, const char *root) {
    for (unsigned int i = 0; i < 256; i++) {
        char path[PATH_LEN_MAX];
        (void)snprintf(path, sizeof path, "%s/docker/registry/v2/blobs/sha256/%02x", root, i);
        read_directory(sizes, path);
    }
    blob_sizes_sort(sizes);
}

void blob_sizes_sort(struct blob_sizes *sizes) {
    if (sizes->count > 0) {
        qsort(sizes->blobs, sizes->count, sizeof *sizes->blobs, compare);
    }
}

uint64_t blob_sizes_find(const struct blob_sizes *sizes, const char *digest) {
    if (strlen(digest) != HEX_LEN + 7 || sizes->count == 0) {
        return 0;
    }
    const struct blob *blob =
        bsearch(digest + 7, sizes->blobs, sizes->count, sizeof *sizes->blobs, compare);
    return blob != NULL ? blob->size : 0;
}
