/* SPDX-License-Identifier: MIT */
/* Source: OCI image specification 1.0, "Whiteouts". */
#include "oci_layer_name.h"

#include <string.h>

#include "oci_layer.h"

#define WHITEOUT ".wh."
#define META ".wh..wh."
#define OPAQUE ".wh..wh..opq"

static enum oci_layer_name clean(const char *name, char *path) {
    size_t used = 0;
    size_t depth = 0;
    for (const char *at = name; *at != '\0';) {
        size_t len = strcspn(at, "/");
        if (len > 0 && !(len == 1 && at[0] == '.')) {
            if ((len == 2 && at[0] == '.' && at[1] == '.') || len > OCI_LAYER_NAME_MAX ||
                used + len + 2 > OCI_LAYER_PATH_MAX || ++depth > OCI_LAYER_DEPTH_MAX) {
                return OCI_NAME_BAD;
            }
            if (used > 0) {
                path[used++] = '/';
            }
            memcpy(path + used, at, len);
            used += len;
        }
        at += len + strspn(at + len, "/");
    }
    path[used] = '\0';
    return used > 0 ? OCI_NAME_FILE : OCI_NAME_ROOT;
}

enum oci_layer_name oci_layer_name_read(const char *name, char *ret_path) {
    enum oci_layer_name kind = clean(name, ret_path);
    if (kind != OCI_NAME_FILE) {
        return kind;
    }
    char *slash = strrchr(ret_path, '/');
    char *last = slash != NULL ? slash + 1 : ret_path;
    if (strncmp(last, WHITEOUT, strlen(WHITEOUT)) != 0) {
        return OCI_NAME_FILE;
    }
    if (strcmp(last, OPAQUE) == 0) {
        *(slash != NULL ? slash : ret_path) = '\0';
        return OCI_NAME_OPAQUE;
    }
    if (strncmp(last, META, strlen(META)) == 0) {
        return OCI_NAME_IGNORED;
    }
    const char *hidden = last + strlen(WHITEOUT);
    if (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0) {
        return OCI_NAME_BAD;
    }
    memmove(last, hidden, strlen(hidden) + 1);
    return OCI_NAME_WHITEOUT;
}
