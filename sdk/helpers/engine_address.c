/* SPDX-License-Identifier: MIT */
/* Where a container engine may listen. Source: the documents of the docker CLI (DOCKER_HOST), of
 * Docker Desktop, of rootless Docker and of podman system service. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virga/helpers/engine.h>

#define DOCKER_PORT "2375"

static int set_socket(const char *path, struct virga_engine_address *ret_address,
                      struct virga_error *err) {
    struct virga_engine_address address = {.origin = "http://engine"};
    if (path[0] != '/' || strlen(path) >= sizeof address.unix_path) {
        virga_error_set(err, "\"%s\" is no path of a socket", path);
        return -EINVAL;
    }
    (void)snprintf(address.unix_path, sizeof address.unix_path, "%s", path);
    (void)snprintf(address.shown, sizeof address.shown, "unix://%s", path);
    *ret_address = address;
    return 0;
}

/* "host", "host:port", "[::1]:port", with nothing but a slash behind. */
static int set_tcp(const char *text, struct virga_engine_address *ret_address,
                   struct virga_error *err) {
    struct virga_engine_address address = {.unix_path = ""};
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '/') {
        len--;
    }
    const char *bracket = memchr(text, ']', len);
    const char *host_end = bracket != NULL ? bracket : text;
    bool has_port = memchr(host_end, ':', len - (size_t)(host_end - text)) != NULL;
    if (len == 0 || len > 200 || memchr(text, '/', len) != NULL) {
        virga_error_set(err, "\"%s\" is no host and port of an engine", text);
        return -EINVAL;
    }
    (void)snprintf(address.origin, sizeof address.origin, "http://%.*s%s", (int)len, text,
                   has_port ? "" : ":" DOCKER_PORT);
    (void)snprintf(address.shown, sizeof address.shown, "tcp://%.*s%s", (int)len, text,
                   has_port ? "" : ":" DOCKER_PORT);
    *ret_address = address;
    return 0;
}

static const char *behind(const char *text, const char *prefix) {
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

int virga_engine_parse(const char *text, struct virga_engine_address *ret_address,
                       struct virga_error *err) {
    const char *rest;
    if ((rest = behind(text, "unix://")) != NULL || text[0] == '/') {
        return set_socket(rest != NULL ? rest : text, ret_address, err);
    }
    if ((rest = behind(text, "tcp://")) != NULL || (rest = behind(text, "http://")) != NULL) {
        const char *tls = getenv("DOCKER_TLS_VERIFY");
        if (tls != NULL && tls[0] != '\0') {
            virga_error_set(err, "DOCKER_TLS_VERIFY is set, and engines behind TLS cannot be used; "
                                 "name a socket instead");
            return -EINVAL;
        }
        return set_tcp(rest, ret_address, err);
    }
    virga_error_set(err,
                    "\"%s\" is no address of an engine that can be used: unix:///path or "
                    "tcp://host:port",
                    text);
    return -EINVAL;
}

static bool is_socket(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

int virga_engine_candidate(const char *configured, size_t index,
                           struct virga_engine_address *ret_address, struct virga_error *err) {
    const char *docker_host = getenv("DOCKER_HOST");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *home = getenv("HOME");
    char user_runtime[64];
    bool by_setting = configured != NULL && configured[0] != '\0';
    if (by_setting || (docker_host != NULL && docker_host[0] != '\0')) {
        int result =
            index > 0 ? -ENOENT
                      : virga_engine_parse(by_setting ? configured : docker_host, ret_address, err);
        if (result == 0) {
            (void)snprintf(ret_address->from, sizeof ret_address->from, "%s",
                           by_setting ? "floci.docker.docker-host" : "DOCKER_HOST");
        }
        return result;
    }
    (void)snprintf(user_runtime, sizeof user_runtime, "/run/user/%u", (unsigned)geteuid());
    const struct {
        const char *base, *tail;
    } places[] = {
        {"", "/var/run/docker.sock"},
        {runtime != NULL ? runtime : user_runtime, "/docker.sock"},
        {home, "/.docker/run/docker.sock"},
        {"", "/run/podman/podman.sock"},
        {runtime != NULL ? runtime : user_runtime, "/podman/podman.sock"},
    };
    size_t found = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[512];
        if (places[i].base == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s%s", places[i].base, places[i].tail);
        if (is_socket(path) && found++ == index) {
            return set_socket(path, ret_address, err);
        }
    }
    return -ENOENT;
}
