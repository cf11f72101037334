/* SPDX-License-Identifier: MIT */
/* Source: the messages of dockerd, podman, runc and crun, as they come from their releases (dockerd
 * 20.10 to 29, podman 4 and 5, runc 1.1 and 1.2, crun 1.8 to 1.20). */
#include "docker_words.h"

#include <errno.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool has_any(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcasestr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

int docker_words_pull(const char *message) {
    /* In this order: the message of a layer that does not fit on the disk names the layer too. */
    static const struct {
        int error;
        const char *words[12];
    } kinds[] = {
        {-ENOSPC, {"no space left", "disk quota exceeded", "not enough space"}},
        {-EACCES,
         {"unauthorized", "authentication required", "access denied", "access to the resource",
          "authorization failed", "no basic auth credentials", "access forbidden",
          "403 forbidden"}},
        {-EBADMSG,
         {"verification failed", "failed to register layer", "invalid diffid", "digest mismatch",
          "does not match", "did not match", "invalid tar", "gzip: invalid", "unexpected eof",
          "invalid checksum", "unpacking failed", "unexpected digest"}},
        {-EBADMSG,
         {"failed to extract layer", "failed commit on ref", "error processing tar file",
          "unsupported mediatype", "unsupported media type", "cannot unmarshal",
          "invalid character", "processing tar file", "diffid"}},
        {-ENOENT,
         {"manifest unknown", "manifest_unknown", "name unknown", "name_unknown", "blob unknown",
          "not found", "does not exist", "no such image", "repository does not exist"}},
        {-ECONNREFUSED,
         {"connection refused", "no route to host", "i/o timeout", "connection reset",
          "network is unreachable", "deadline exceeded", "eof"}},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (size_t j = 0; j < COUNT(kinds[i].words) && kinds[i].words[j] != NULL; j++) {
            if (strcasestr(message, kinds[i].words[j]) != NULL) {
                return kinds[i].error;
            }
        }
    }
    return -EIO;
}

/* execve's words in an engine's; NULL: none of them. */
static const char *exec_error(const char *message) {
    static const char *const missing[] = {"not found in $PATH", "no such file or directory",
                                          "command that was not found"};
    static const char *const denied[] = {"permission denied", "is a directory"};
    if (strcasestr(message, "exec format error") != NULL) {
        return "exec format error";
    }
    if (has_any(message, missing, COUNT(missing))) {
        return "no such file or directory";
    }
    return has_any(message, denied, COUNT(denied)) ? "permission denied" : NULL;
}

enum executor_end docker_words_start(const char *message, const char *argv0, char *ret_reason,
                                     size_t size) {
    static const char *const folder[] = {"chdir to", "workdir", "working directory", "Cannot mkdir",
                                         "set in config.json failed"};
    static const char *const program[] = {"exec: \"", "executable", "exec user process",
                                          "exec container process", "command that was not found"};
    const char *error = exec_error(message);
    (void)snprintf(ret_reason, size, "%s", message);
    if (has_any(message, folder, COUNT(folder))) {
        return EXECUTOR_WORKDIR;
    }
    if (error == NULL || !has_any(message, program, COUNT(program))) {
        return EXECUTOR_FAILED;
    }
    (void)snprintf(ret_reason, size, "fork/exec %s: %s", argv0, error);
    return EXECUTOR_ENTRYPOINT;
}

bool docker_words_is_exec(int status, struct virga_str output, const char *argv0, char *ret_reason,
                          size_t size) {
    static const char *const runtimes[] = {"exec user process caused", "exec container process"};
    char line[512];
    while (output.len > 0 &&
           (output.ptr[output.len - 1] == '\n' || output.ptr[output.len - 1] == '\r')) {
        output.len--;
    }
    if ((status != 1 && status != 126 && status != 127 && status != 255) || output.len == 0 ||
        output.len >= sizeof line || memchr(output.ptr, '\n', output.len) != NULL) {
        return false;
    }
    memcpy(line, output.ptr, output.len);
    line[output.len] = '\0';
    /* runc has "exec /app: exec format error" with the path that it found; a shell would say who it
     * is first. */
    bool from_runc = strncmp(line, "exec /", 6) == 0 && strchr(line + 6, ' ') != NULL &&
                     *(strchr(line + 6, ' ') - 1) == ':';
    const char *error = exec_error(line);
    if (error == NULL || !(from_runc || has_any(line, runtimes, COUNT(runtimes)))) {
        return false;
    }
    (void)snprintf(ret_reason, size, "fork/exec %s: %s", argv0, error);
    return true;
}
