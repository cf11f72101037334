/* SPDX-License-Identifier: MIT */
/* Listening sockets. They are opened with plain system calls, so that a port that is taken on one
 * of the addresses is given up at once, and handed to the loop when all are there. */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "deadline.h"
#include "fdstore.h"
#include "host.h"
#include "http_engine.h"
#include "log.h"
#include "request.h"

#define ADDRESSES_MAX 8
#define BACKLOG 1024
/* An ephemeral port that the first address offers may be taken on the next. */
#define EPHEMERAL_TRIES 20

/* One listening socket. */
struct door {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct fdstore_key key; /* under which the supervisor holds a copy */
};

struct listener {
    struct host *host;
    struct http_engine *engine;
    struct list node; /* engine->listeners */
    struct listener_options options;
    struct deadline_queue deadlines;
    char *unix_path; /* ours, to be removed */
    struct door doors[ADDRESSES_MAX];
    size_t doors_count;
    uint16_t port;
    unsigned refs; /* one each: who opened it, a socket, a connection, a request */
    bool kept;     /* the supervisor holds copies of its sockets */
    bool closed;
};

/* What a set of sockets is opened on. */
struct places {
    const char *owner; /* whose sockets an earlier worker may have left */
    bool exact;        /* one port, no other will do */
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    char names[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    int fds[ADDRESSES_MAX];
    const char *fd_names[ADDRESSES_MAX]; /* the address of each */
    size_t count;
    size_t opened;
};

/* ---- addresses ---- */

static int parse_address(const char *text, struct sockaddr_storage *ret_address) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        return 0;
    }
    return -EINVAL;
}

static int parse_addresses(const char *list, struct places *places, struct error *err) {
    const char *at = list != NULL ? list : "";
    places->count = 0;
    while (*at != '\0') {
        size_t len = strcspn(at, ",");
        const char *next = at[len] == ',' ? at + len + 1 : at + len;
        while (len > 0 && *at == ' ') {
            at++;
            len--;
        }
        while (len > 0 && at[len - 1] == ' ') {
            len--;
        }
        if (len > 0) {
            if (places->count == ADDRESSES_MAX) {
                return error_set(err, -EINVAL, "more than %d addresses to listen on",
                                 ADDRESSES_MAX);
            }
            char *name = places->names[places->count];
            if (len >= INET6_ADDRSTRLEN) {
                return error_set(err, -EINVAL, "%.*s is not an IP address", (int)len, at);
            }
            memcpy(name, at, len);
            name[len] = '\0';
            if (parse_address(name, &places->addresses[places->count]) != 0) {
                return error_set(err, -EINVAL, "%s is not an IP address", name);
            }
            places->count++;
        }
        at = next;
    }
    return places->count > 0 ? 0 : error_set(err, -EINVAL, "no address to listen on is given");
}

static void set_port(struct sockaddr_storage *address, uint16_t port) {
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

static socklen_t address_size(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* ---- ports ---- */

/* Returns the socket or a negative errno. */
static int open_socket(struct sockaddr_storage *address, uint16_t port) {
    static const int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    set_port(address, port);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, (const struct sockaddr *)address, address_size(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int error = -errno;
        (void)close(fd);
        return error;
    }
    return fd;
}

static uint16_t bound_port(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static void close_places(struct places *places, uint16_t port) {
    while (places->opened > 0) {
        (void)close(places->fds[--places->opened]);
        fdstore_put_back(places->owner, places->fd_names[places->opened], port);
    }
}

/* Takes the socket over that an earlier worker has left, or opens one. */
static int obtain_socket(struct places *places, size_t i, uint16_t port) {
    int fd = port != 0 ? fdstore_take(places->owner, places->names[i], port) : -ENOENT;
    if (fd < 0) {
        fd = open_socket(&places->addresses[i], port);
    }
    /* It may be our own supervisor that holds the port, for what the last configuration wanted. */
    if (fd == -EADDRINUSE && port != 0 &&
        fdstore_evict(places->owner, NULL, port, places->exact) > 0) {
        fd = open_socket(&places->addresses[i], port);
    }
    return fd;
}

/* This machine has no such address at all: others of the list may do. */
static bool is_absent(int error) {
    return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

/* Opens the port, 0 = any, on every address that the machine has. Returns the port. */
static int open_port(struct places *places, uint16_t port, struct error *err) {
    int result = -EINVAL;
    places->opened = 0;
    for (size_t i = 0; i < places->count; i++) {
        int fd = obtain_socket(places, i, port);
        if (fd < 0) {
            result = fd;
            (void)error_set(err, fd, "port %u on %s: %s", port, places->names[i], error_text(fd));
            if (is_absent(fd)) {
                continue;
            }
            close_places(places, port);
            return fd;
        }
        if (port == 0) {
            port = bound_port(fd);
        }
        places->fd_names[places->opened] = places->names[i];
        places->fds[places->opened++] = fd;
    }
    return places->opened > 0 ? port : result;
}

static int open_range(struct places *places, const struct listener_options *options,
                      struct error *err) {
    int result = -EADDRINUSE;
    if (options->port_preferred != 0) {
        result = open_port(places, options->port_preferred, err);
        if (result > 0) {
            return result;
        }
    }
    /* Where an earlier worker was: its port, out of the same range. */
    uint16_t kept;
    for (unsigned n = 0;
         (kept = fdstore_port(places->owner, options->port_first, options->port_last, n)) != 0;
         n++) {
        result = open_port(places, kept, err);
        if (result > 0) {
            return result;
        }
    }
    if (options->port_first == 0 && options->port_last == 0) {
        for (int i = 0; i < EPHEMERAL_TRIES; i++) {
            result = open_port(places, 0, err);
            if (result != -EADDRINUSE) {
                break;
            }
        }
        return result;
    }
    for (uint32_t port = options->port_first; port <= options->port_last; port++) {
        result = open_port(places, (uint16_t)port, err);
        /* A port that may not be had (-EACCES, below 1024) is no reason to pass over the next. */
        if (result > 0 || (result != -EADDRINUSE && result != -EACCES)) {
            return result;
        }
    }
    if (options->port_first < options->port_last) {
        return error_set(
            err, result, "no port from %u to %u is free: the last one tried was port %u: %s",
            options->port_first, options->port_last, options->port_last, error_text(result));
    }
    return result;
}

/* ---- unix sockets ---- */

/* Removes a socket file on which nobody listens. */
static int remove_stale(const struct sockaddr_un *address, struct error *err) {
    struct stat st;
    if (lstat(address->sun_path, &st) != 0) {
        return errno == ENOENT
                   ? 0
                   : error_set(err, -errno, "%s: %s", address->sun_path, error_text(-errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return error_set(err, -EADDRINUSE, "%s exists and is not a socket", address->sun_path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_set(err, -errno, "%s: %s", address->sun_path, error_text(-errno));
    }
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
    (void)close(fd);
    if (result != -ECONNREFUSED && result != -ENOENT) {
        return error_set(err, -EADDRINUSE, "somebody listens on %s", address->sun_path);
    }
    return unlink(address->sun_path) == 0 || errno == ENOENT
               ? 0
               : error_set(err, -errno, "%s: %s", address->sun_path, error_text(-errno));
}

/* Returns the socket or a negative errno. */
static int open_unix(const char *owner, const char *path, struct error *err) {
    struct stat st;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return error_set(err, -EINVAL, "the path of a unix socket can have %zu bytes: %s",
                         sizeof address.sun_path - 1, path);
    }
    memcpy(address.sun_path, path, strlen(path));
    /* A socket whose file is gone can be reached by nobody. */
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        int kept = fdstore_take(owner, path, 0);
        if (kept >= 0) {
            return kept;
        }
    }
    (void)fdstore_evict(owner, path, 0, true);
    int result = remove_stale(&address, err);
    if (result != 0) {
        return result;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, BACKLOG) == 0) {
        return fd;
    }
    result = error_set(err, -errno, "%s: %s", path, error_text(-errno));
    if (fd >= 0) {
        (void)close(fd);
    }
    return result;
}

/* ---- the listener ---- */

/* libuv accepts until the queue is empty and calls once for each; when the process has no
 * descriptor left it closes the waiting ones with a reserve descriptor, so that the loop does not
 * spin. */
static void on_connection(uv_stream_t *server, int status) {
    struct listener *listener = server->data;
    if (status < 0) {
        log_warn("a connection could not be accepted: %s", error_text(status));
        return;
    }
    conn_accept(listener, server);
}

static int add_door(struct listener *listener, int fd, const struct fdstore_key *key) {
    struct door *door = &listener->doors[listener->doors_count];
    bool unix_socket = listener->unix_path != NULL;
    door->key = *key;
    if (listener->kept) {
        fdstore_keep(key, fd);
    }
    int result = unix_socket ? uv_pipe_init(listener->host->loop, &door->uv.pipe, 0)
                             : uv_tcp_init(listener->host->loop, &door->uv.tcp);
    if (result != 0) {
        (void)close(fd);
        return result;
    }
    door->uv.handle.data = listener;
    listener->doors_count++;
    listener->refs++;
    result = unix_socket ? uv_pipe_open(&door->uv.pipe, fd) : uv_tcp_open(&door->uv.tcp, fd);
    if (result != 0) {
        (void)close(fd);
        return result;
    }
    return uv_listen(&door->uv.stream, BACKLOG, on_connection);
}

/* Whether clients may look for it again after a restart. An ephemeral port of a plugin is known to
 * whoever the plugin told it, and so means nothing once the plugin's memory is gone. */
static bool outlives_worker(const struct listener_options *options) {
    return options->plugin == NULL || options->unix_path != NULL || options->port_first != 0 ||
           options->port_preferred != 0;
}

static int create(struct host *host, const struct listener_options *options,
                  struct listener **ret_listener) {
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return -ENOMEM;
    }
    listener->host = host;
    listener->options = *options;
    listener->options.addresses = NULL;
    listener->kept = outlives_worker(options);
    listener->refs = 1;
    if (options->unix_path != NULL) {
        listener->unix_path = strdup(options->unix_path);
        listener->options.unix_path = listener->unix_path;
    }
    if ((options->unix_path != NULL && listener->unix_path == NULL) ||
        http_engine_ref(host, &listener->engine) != 0) {
        free(listener->unix_path);
        free(listener);
        return -ENOMEM;
    }
    list_append(&listener->engine->listeners, &listener->node);
    deadline_queue_init(&listener->deadlines, &listener->engine->clock, options->deadline_ms,
                        request_on_deadline);
    *ret_listener = listener;
    return 0;
}

static const char *owner_name(const struct listener_options *options) {
    return options->plugin != NULL && options->plugin->desc != NULL ? options->plugin->desc->name
                                                                    : "";
}

static void make_key(const struct listener_options *options, const char *place, uint16_t port,
                     struct fdstore_key *key) {
    memset(key, 0, sizeof *key);
    (void)snprintf(key->owner, sizeof key->owner, "%s", owner_name(options));
    (void)snprintf(key->place, sizeof key->place, "%s", place);
    key->port = port;
    key->first = options->port_first;
    key->last = options->port_last;
}

/* Opens the sockets. Returns the port, 0 for a unix socket. */
static int open_places(const struct listener_options *options, struct places *places,
                       struct error *err) {
    places->owner = owner_name(options);
    if (options->unix_path != NULL) {
        int fd = open_unix(places->owner, options->unix_path, err);
        places->fds[0] = fd;
        places->fd_names[0] = options->unix_path;
        places->opened = fd >= 0 ? 1 : 0;
        return fd >= 0 ? 0 : fd;
    }
    if (options->port_last < options->port_first) {
        return error_set(err, -EINVAL, "the port range %u to %u is empty", options->port_first,
                         options->port_last);
    }
    places->exact = options->port_first != 0 && options->port_first == options->port_last;
    int result = parse_addresses(options->addresses, places, err);
    return result == 0 ? open_range(places, options, err) : result;
}

int listener_check(const struct listener_options *options, struct error *err) {
    struct places places = {.count = 0};
    int port = open_places(options, &places, err);
    if (port < 0) {
        return port;
    }
    close_places(&places, (uint16_t)port);
    return 0;
}

int listener_open(struct host *host, const struct listener_options *options,
                  struct listener **ret_listener, struct error *err) {
    struct listener *listener = NULL;
    struct places places = {.count = 0};
    int result = create(host, options, &listener);
    if (result != 0) {
        return error_set(err, result, "out of memory");
    }
    int port = result = open_places(options, &places, err);
    if (result < 0 && listener->unix_path != NULL) {
        /* Not ours to remove. */
        free(listener->unix_path);
        listener->unix_path = NULL;
    }
    for (size_t i = 0; result >= 0 && i < places.opened; i++) {
        struct fdstore_key key;
        make_key(options, places.fd_names[i], (uint16_t)port, &key);
        result = add_door(listener, places.fds[i], &key);
        if (result != 0) {
            for (size_t j = i + 1; j < places.opened; j++) {
                (void)close(places.fds[j]);
            }
            (void)error_set(err, result, "a listening socket could not be used: %s",
                            error_text(result));
        }
    }
    if (result < 0) {
        listener_close(listener);
        return result;
    }
    listener->port = (uint16_t)port;
    *ret_listener = listener;
    return 0;
}

uint16_t listener_port(const struct listener *listener) {
    return listener->port;
}

static void on_door_closed(uv_handle_t *handle) {
    listener_unref(handle->data);
}

static void close_doors(struct listener *listener) {
    for (size_t i = 0; i < listener->doors_count; i++) {
        uv_handle_t *handle = &listener->doors[i].uv.handle;
        if (!uv_is_closing(handle)) {
            uv_close(handle, on_door_closed);
        }
    }
}

void listener_pause(struct listener *listener) {
    close_doors(listener);
}

void listener_pause_kept(struct host *host) {
    if (host->http == NULL) {
        return;
    }
    LIST_EACH (node, &host->http->listeners) {
        struct listener *listener = LIST_ENTRY(node, struct listener, node);
        if (listener->kept) {
            listener_pause(listener);
        }
    }
}

void listener_withdraw(struct listener *listener) {
    close_doors(listener);
    if (listener->unix_path != NULL) {
        (void)unlink(listener->unix_path);
    }
    for (size_t i = 0; listener->kept && i < listener->doors_count; i++) {
        fdstore_drop(&listener->doors[i].key);
    }
    listener->kept = false;
}

void listener_close(struct listener *listener) {
    if (listener == NULL || listener->closed) {
        return;
    }
    /* Why: the next worker goes on with the sockets of one that makes room for it. */
    if (listener->host->restarting && listener->kept) {
        listener_pause(listener);
    } else {
        listener_withdraw(listener);
    }
    listener->closed = true;
    conn_close_idle_of(listener->host, listener);
    listener_unref(listener);
}

void listener_ref(struct listener *listener) {
    listener->refs++;
}

void listener_unref(struct listener *listener) {
    if (--listener->refs > 0) {
        return;
    }
    struct http_engine *engine = listener->engine;
    deadline_queue_finish(&listener->deadlines);
    list_remove(&listener->node);
    free(listener->unix_path);
    free(listener);
    http_engine_unref(engine);
}

const struct listener_options *listener_options(const struct listener *listener) {
    return &listener->options;
}

struct host *listener_host(const struct listener *listener) {
    return listener->host;
}

struct http_engine *listener_engine(const struct listener *listener) {
    return listener->engine;
}

bool listener_is_closed(const struct listener *listener) {
    return listener->closed;
}

bool listener_is_unix(const struct listener *listener) {
    return listener->options.unix_path != NULL;
}

struct deadline_queue *listener_deadlines(struct listener *listener) {
    return &listener->deadlines;
}
