/* SPDX-License-Identifier: MIT */
#include "docker_place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORLD "192.0.2.1" /* documentation addresses: routed as any other, nobody's */
#define ANY_PORT "9"

/* --- the id --- */

static void make_id(struct docker_host_id *id) {
    unsigned char bytes[DOCKER_HOST_ID_LEN / 2] = {0};
    (void)!getrandom(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(id->text + 2 * i, 3, "%02x", bytes[i]);
    }
}

static int make_folders(const char *path) {
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s/", path) >= (int)sizeof folder) {
        return -ENAMETOOLONG;
    }
    for (char *at = folder + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            return -errno;
        }
        *at = '/';
    }
    return 0;
}

static bool is_id(const char *text) {
    return strspn(text, "0123456789abcdef") == DOCKER_HOST_ID_LEN;
}

void docker_host_id_open(const char *data_path, struct docker_host_id *ret_id) {
    struct docker_host_id id = {.fd = -1};
    char path[4200], text[DOCKER_HOST_ID_LEN + 1] = "";
    make_id(&id);
    (void)snprintf(path, sizeof path, "%s/docker-host-id", data_path);
    int fd = make_folders(data_path) == 0 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        ssize_t len = pread(fd, text, DOCKER_HOST_ID_LEN, 0);
        if (len == DOCKER_HOST_ID_LEN && is_id(text)) {
            memcpy(id.text, text, sizeof id.text);
            id.own = true;
        } else {
            id.own = pwrite(fd, id.text, DOCKER_HOST_ID_LEN, 0) == DOCKER_HOST_ID_LEN &&
                     ftruncate(fd, DOCKER_HOST_ID_LEN) == 0 && fsync(fd) == 0;
        }
    }
    if (id.own) {
        id.fd = fd;
    } else if (fd >= 0) {
        (void)close(fd);
    }
    *ret_id = id;
}

void docker_host_id_close(struct docker_host_id *id) {
    if (id->fd >= 0) {
        (void)close(id->fd);
        id->fd = -1;
    }
}

/* --- addresses --- */

/* Without the zone of a link-local address. */
static bool name_of(const struct sockaddr *address, char ret_ip[DOCKER_IP_MAX]) {
    const void *bytes = NULL;
    if (address == NULL) {
        return false;
    }
    if (address->sa_family == AF_INET) {
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    } else if (address->sa_family == AF_INET6) {
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    }
    return bytes != NULL && inet_ntop(address->sa_family, bytes, ret_ip, DOCKER_IP_MAX) != NULL;
}

bool docker_place_has(const char *ip) {
    struct ifaddrs *all = NULL;
    char name[DOCKER_IP_MAX];
    bool has = false;
    if (ip[0] == '\0' || getifaddrs(&all) != 0) {
        return false;
    }
    for (const struct ifaddrs *one = all; one != NULL && !has; one = one->ifa_next) {
        has = name_of(one->ifa_addr, name) && strcmp(name, ip) == 0;
    }
    freeifaddrs(all);
    return has;
}

/* "http://host:port" or "http://[::1]:port". */
static void split(const char *origin, char *ret_host, size_t size) {
    const char *host = strstr(origin, "://");
    host = host != NULL ? host + 3 : origin;
    bool v6 = host[0] == '[';
    host += v6;
    (void)snprintf(ret_host, size, "%.*s", (int)strcspn(host, v6 ? "]" : ":/"), host);
}

void docker_place_own_ip(const char *origin, char ret_ip[DOCKER_IP_MAX]) {
    char host[256] = "";
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof own;
    ret_ip[0] = '\0';
    split(origin, host, sizeof host);
    if (getaddrinfo(host[0] != '\0' ? host : WORLD, ANY_PORT, &hints, &found) != 0) {
        return;
    }
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
        !name_of((const struct sockaddr *)&own, ret_ip)) {
        ret_ip[0] = '\0';
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    freeaddrinfo(found);
}

bool docker_place_is_loopback(const char *origin) {
    char host[256] = "";
    split(origin, host, sizeof host);
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}
