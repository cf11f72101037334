/* SPDX-License-Identifier: MIT */
/* One question to an engine without a loop. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <virga/helpers/engine.h>

#define ANSWER_MAX 65536

static int connect_socket(const char *path, int timeout_ms) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)timeout_ms; /* a socket of this machine accepts or refuses at once */
    if (strlen(path) >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd >= 0 ? fd : -errno;
}

static int connect_one(const struct addrinfo *place, int timeout_ms) {
    int fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int error = connect(fd, place->ai_addr, place->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        socklen_t len = sizeof error;
        error = poll(&ready, 1, timeout_ms) == 1 ? 0 : ETIMEDOUT;
        if (error == 0) {
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
        }
    }
    if (error != 0) {
        close(fd);
        return -error;
    }
    return fd;
}

/* "http://host:port" */
static int connect_tcp(const char *origin, int timeout_ms) {
    char host[256];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *places = NULL;
    (void)snprintf(host, sizeof host, "%s", origin + sizeof "http://" - 1);
    char *colon = strrchr(host, ':');
    if (colon == NULL) {
        return -EINVAL;
    }
    *colon = '\0';
    char *name = host;
    size_t len = strlen(name);
    if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
        name[len - 1] = '\0';
        name++;
    }
    if (getaddrinfo(name, colon + 1, &hints, &places) != 0) {
        return -EHOSTUNREACH;
    }
    int result = -EHOSTUNREACH;
    for (const struct addrinfo *place = places; place != NULL && result < 0;
         place = place->ai_next) {
        result = connect_one(place, timeout_ms);
    }
    freeaddrinfo(places);
    return result;
}

/* Reads to the end, or as much as there is room for. */
static int read_answer(int fd, int timeout_ms, char *buffer, size_t size) {
    size_t used = 0;
    while (used + 1 < size) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, timeout_ms) != 1) {
            return -ETIMEDOUT;
        }
        ssize_t len = read(fd, buffer + used, size - 1 - used);
        if (len < 0 && errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        if (len == 0) {
            break;
        }
        used += len > 0 ? (size_t)len : 0;
    }
    buffer[used] = '\0';
    return 0;
}

static const char *text_of(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) &&
                   json_object_object_get_ex(object, key, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

/* "Docker Engine - Community 26.1.4", "Podman Engine 4.3.1". */
static int describe(const char *json, char *buffer, size_t size) {
    struct json_object *answer = json_tokener_parse(json);
    struct json_object *components = NULL;
    const char *version = text_of(answer, "Version");
    const char *name = NULL;
    if (json_object_is_type(answer, json_type_object) &&
        json_object_object_get_ex(answer, "Components", &components) &&
        json_object_is_type(components, json_type_array) &&
        json_object_array_length(components) > 0) {
        name = text_of(json_object_array_get_idx(components, 0), "Name");
    }
    int result = version != NULL ? 0 : -EPROTO;
    if (result == 0) {
        if (name == NULL || strcmp(name, "Engine") == 0) {
            name = "Docker Engine";
        }
        (void)snprintf(buffer, size, "%s %s", name, version);
    }
    json_object_put(answer);
    return result;
}

int virga_engine_version(const struct virga_engine_address *address, int timeout_ms, char *buffer,
                         size_t size) {
    static const char question[] = "GET /version HTTP/1.0\r\nHost: engine\r\n\r\n";
    int fd = address->unix_path[0] != '\0' ? connect_socket(address->unix_path, timeout_ms)
                                           : connect_tcp(address->origin, timeout_ms);
    if (fd < 0) {
        return fd;
    }
    char *answer = malloc(ANSWER_MAX);
    int result = answer != NULL ? 0 : -ENOMEM;
    if (result == 0 &&
        send(fd, question, sizeof question - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof question - 1)) {
        result = -EPIPE;
    }
    if (result == 0) {
        result = read_answer(fd, timeout_ms, answer, ANSWER_MAX);
    }
    close(fd);
    const char *body = result == 0 ? strstr(answer, "\r\n\r\n") : NULL;
    if (result == 0) {
        result = body != NULL && strncmp(answer, "HTTP/1.", 7) == 0
                     ? describe(body + 4, buffer, size)
                     : -EPROTO;
    }
    free(answer);
    return result;
}

static bool read_numbers(const char *text, unsigned *ret_major, unsigned *ret_minor) {
    char rest;
    return text != NULL && sscanf(text, "%3u.%3u%c", ret_major, ret_minor, &rest) == 2;
}

void virga_engine_adapt(struct virga_engine_address *address, struct json_object *version) {
    unsigned major = 0, minor = 0, least_major = 0, least_minor = 0;
    address->api[0] = '\0';
    if (read_numbers(VIRGA_ENGINE_API + sizeof "/v" - 1, &major, &minor) &&
        json_object_is_type(version, json_type_object) &&
        read_numbers(text_of(version, "MinAPIVersion"), &least_major, &least_minor) &&
        (least_major > major || (least_major == major && least_minor > minor))) {
        (void)snprintf(address->api, sizeof address->api, "/v%u.%u", least_major, least_minor);
    }
}
