/* SPDX-License-Identifier: MIT */
/* Checks of what the host itself needs: data directory, port, addresses, open files. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config.h"
#include "doctor.h"
#include "host.h"
#include "store_lock.h"

#define LOW_SPACE_BYTES (UINT64_C(1) << 30) /* images are large */
#define SPARE_FILES 256                     /* what is open beside connections */
#define FEW_FILES 1024
#define PAGE_MAX 16384

/* --- data directory --- */

/* The directory itself, or the nearest one above it that exists. */
static bool nearest_directory(const char *path, char *found, size_t size) {
    struct stat info;
    if ((size_t)snprintf(found, size, "%s", path) >= size) {
        return false;
    }
    while (stat(found, &info) != 0 && errno == ENOENT) {
        char *slash = strrchr(found, '/');
        if (slash == NULL) {
            (void)snprintf(found, size, ".");
        } else if (slash == found) {
            (void)snprintf(found, size, "/");
        } else {
            *slash = '\0';
        }
    }
    return true;
}

static void judge_space(struct doctor *doctor, const char *dir, const char *there) {
    struct statvfs space = {.f_bsize = 0};
    uint64_t bytes = 0;
    if (statvfs(there, &space) == 0) {
        bytes = (uint64_t)space.f_bavail * space.f_frsize;
    }
    double gib = (double)bytes / (double)(UINT64_C(1) << 30);
    bool exists = strcmp(dir, there) == 0;
    if (bytes < LOW_SPACE_BYTES) {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, "data directory",
                   "Make room, or move it with floci.storage.persistent-path.",
                   "%s: only %.1f GiB free", dir, gib);
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "data directory", NULL, "%s: %s, %.1f GiB free", dir,
                   exists ? "writable" : "can be made", gib);
    }
}

static void check_data(struct doctor *doctor) {
    const struct config *config = doctor->host->config;
    const char *dir = config_string(config, "floci.storage.persistent-path");
    const char *mode = config_string(config, "floci.storage.mode");
    char there[PATH_MAX];
    struct error err = {0};
    struct stat info;
    if (mode != NULL && strcmp(mode, "memory") == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "data directory", NULL,
                   "none: floci.storage.mode is memory, state ends with the process");
        return;
    }
    if (dir == NULL || !nearest_directory(dir, there, sizeof there)) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "data directory",
                   "Set floci.storage.persistent-path.", "the path is unset or too long");
        return;
    }
    if (stat(there, &info) != 0 || !S_ISDIR(info.st_mode)) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "data directory",
                   "Set floci.storage.persistent-path to a directory.", "%s: %s is no directory",
                   dir, there);
        return;
    }
    if (access(there, W_OK | X_OK) != 0) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "data directory",
                   "Give this user write permission, or set floci.storage.persistent-path.",
                   "%s: %s is not writable by user %ld: %s", dir, there, (long)getuid(),
                   strerror(errno));
        return;
    }
    int rc = store_lock_probe(dir, &err);
    if (rc == -EBUSY) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "data directory", NULL, "%s", err.text);
    } else if (rc != 0 && rc != -ENOENT) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "data directory",
                   "Let this user read and write everything in it.", "%s", err.text);
    } else {
        judge_space(doctor, dir, there);
    }
}

/* --- the port --- */

/* Whether a virga answers there, and which version. */
static bool ask_virga(uint16_t port, char *version, size_t size) {
    char url[64];
    char body[PAGE_MAX];
    (void)snprintf(url, sizeof url, "http://localhost:%u/_floci/health", port);
    if (doctor_get(NULL, url, body, sizeof body, NULL) != 200) {
        return false;
    }
    struct json_object *root = json_tokener_parse(body);
    const char *edition = doctor_json_text(root, "edition");
    const char *given = doctor_json_text(root, "version");
    bool is_virga = edition != NULL && strcmp(edition, "virga") == 0;
    (void)snprintf(version, size, "%s", given != NULL ? given : "of an unknown version");
    json_object_put(root);
    return is_virga;
}

static void check_port(struct doctor *doctor) {
    const struct config *config = doctor->host->config;
    const char *addresses = config_string(config, "floci.bind-address");
    uint16_t port = (uint16_t)config_int(config, "floci.port");
    char version[64] = "";
    if (port == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "port", NULL, "floci.port is 0: a free one is taken");
        return;
    }
    int rc = doctor_try_port(addresses, port);
    if (rc == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "port", NULL, "%u is free on %s", port, addresses);
    } else if (rc == -EADDRINUSE && ask_virga(port, version, sizeof version)) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "port", NULL, "%u is served by a virga %s that runs",
                   port, version);
    } else if (rc == -EADDRINUSE) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "port",
                   "Stop what listens there (ss -ltnp shows it), or set floci.port.",
                   "%u is taken by another program", port);
    } else if (rc == -EACCES) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "port", "Set floci.port to one above 1023.",
                   "%u needs a privilege that this user does not have", port);
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "port",
                   "Set floci.bind-address to addresses of this machine.",
                   "%u cannot be opened on %s: %s", port, addresses != NULL ? addresses : "(unset)",
                   error_text(rc));
    }
}

/* --- addresses --- */

static void check_ipv6(struct doctor *doctor) {
    int rc = doctor_try_port("::1", 0);
    if (rc == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "IPv6 loopback", NULL, "::1 is there");
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "IPv6 loopback", NULL,
                   "::1 is not there: clients that turn localhost into ::1 fall back to 127.0.0.1");
    }
}

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static void check_localhost(struct doctor *doctor) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    static const char remedy[] = "Add \"127.0.0.1 localhost\" to /etc/hosts.";
    struct addrinfo *list = NULL;
    int rc = getaddrinfo("localhost", NULL, &hints, &list);
    if (rc != 0) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "localhost", remedy, "it does not resolve (%s)",
                   gai_strerror(rc));
        return;
    }
    bool ours = true;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        ours = ours && is_loopback(at->ai_addr);
    }
    freeaddrinfo(list);
    if (ours) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "localhost", NULL, "resolves to this machine");
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "localhost", remedy,
                   "it resolves to another machine");
    }
}

/* --- open files --- */

static void check_files(struct doctor *doctor) {
    struct rlimit limit;
    uint64_t wanted =
        (uint64_t)config_int(doctor->host->config, "floci.limits.connections") + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, "open files", NULL, "the limit cannot be read: %s",
                   strerror(errno));
    } else if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "open files", NULL, "up to %" PRIu64,
                   (uint64_t)limit.rlim_cur);
    } else {
        doctor_say(doctor, limit.rlim_cur < FEW_FILES ? VIRGA_DOCTOR_WARN : VIRGA_DOCTOR_NOTE,
                   "open files",
                   "For more connections at one time: ulimit -n (systemd: LimitNOFILE=).",
                   "up to %" PRIu64 ", fewer than floci.limits.connections lets in",
                   (uint64_t)limit.rlim_cur);
    }
}

void doctor_check_host(struct doctor *doctor) {
    check_data(doctor);
    check_port(doctor);
    check_localhost(doctor);
    check_ipv6(doctor);
    check_files(doctor);
}
