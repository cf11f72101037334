/* SPDX-License-Identifier: MIT */
/* A table of sockets and the messages about it. The channel keeps the boundaries of messages
 * (SOCK_SEQPACKET); a socket travels as SCM_RIGHTS. */
#include "fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "log.h"

/* How long a worker waits for the supervisor's answer; one that was stopped (SIGSTOP) gives none.
 */
#define ANSWER_TIMEOUT_S 2

enum operation { KEEP = 1, DROP, SETTLED, DONE };

struct message {
    uint32_t operation;
    struct fdstore_key key;
};

struct entry {
    struct fdstore_key key;
    int fd;
    bool asked; /* supervisor: the present worker wants it; worker: it is taken */
};

/* The supervisor's, and by fork a copy of it in each worker. */
static struct entry entries[FDSTORE_MAX];
static unsigned entries_count;
static int worker_channel = -1;

static bool same_place(const struct fdstore_key *a, const char *place, uint16_t port) {
    return a->port == port && strcmp(a->place, place) == 0;
}

static struct entry *find(const struct fdstore_key *key) {
    for (unsigned i = 0; i < entries_count; i++) {
        if (strcmp(entries[i].key.owner, key->owner) == 0 &&
            same_place(&entries[i].key, key->place, key->port)) {
            return &entries[i];
        }
    }
    return NULL;
}

static void remove_entry(struct entry *entry) {
    (void)close(entry->fd);
    *entry = entries[--entries_count];
}

/* ---- the supervisor ---- */

int fdstore_open_channel(int *ret_channel) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    for (unsigned i = 0; i < entries_count; i++) {
        entries[i].asked = false;
    }
    *ret_channel = ends[0];
    return ends[1];
}

static void keep(const struct fdstore_key *key, int fd) {
    struct entry *entry = find(key);
    if (entry != NULL) {
        (void)close(entry->fd);
    } else if (entries_count < FDSTORE_MAX) {
        entry = &entries[entries_count++];
    } else {
        log_write(VIRGA_LOG_WARN, "supervisor", NULL,
                  "more than %d listening sockets: %s:%u does not outlive the worker", FDSTORE_MAX,
                  key->place, key->port);
        (void)close(fd);
        return;
    }
    *entry = (struct entry){.key = *key, .fd = fd, .asked = true};
}

static void drop_unasked(void) {
    for (unsigned i = entries_count; i-- > 0;) {
        if (!entries[i].asked) {
            if (entries[i].key.port == 0) {
                (void)unlink(entries[i].key.place);
            }
            remove_entry(&entries[i]);
        }
    }
}

/* Returns the length of the message, 0 when there is none, or a negative errno. */
static ssize_t receive(int channel, struct message *message, int *ret_fd) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec piece = {.iov_base = message, .iov_len = sizeof *message};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t len;
    do {
        len = recvmsg(channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (len < 0 && errno == EINTR);
    *ret_fd = -1;
    if (len <= 0) {
        return len < 0 && errno == EAGAIN ? 0 : -EPIPE;
    }
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS) {
        memcpy(ret_fd, CMSG_DATA(rights), sizeof *ret_fd);
    }
    return len;
}

static void answer(int channel) {
    const struct message done = {.operation = DONE};
    (void)send(channel, &done, sizeof done, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int fdstore_serve(int channel, bool *ret_settled) {
    for (;;) {
        struct message message;
        int fd;
        ssize_t len = receive(channel, &message, &fd);
        if (len <= 0) {
            return (int)len;
        }
        bool keeps = len == sizeof message && message.operation == KEEP && fd >= 0;
        if (keeps) {
            keep(&message.key, fd);
        } else if (fd >= 0) {
            (void)close(fd);
        }
        if (message.operation == DROP) {
            struct entry *entry = find(&message.key);
            if (entry != NULL) {
                remove_entry(entry);
            }
            answer(channel);
        } else if (message.operation == SETTLED) {
            drop_unasked();
            *ret_settled = true;
        }
    }
}

void fdstore_close_all(void) {
    while (entries_count > 0) {
        remove_entry(&entries[entries_count - 1]);
    }
}

/* ---- the worker ---- */

void fdstore_attach(int channel) {
    const struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
    worker_channel = channel;
    (void)setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    for (unsigned i = 0; i < entries_count; i++) {
        entries[i].asked = false;
    }
}

static int send_message(uint32_t operation, const struct fdstore_key *key, int fd) {
    struct message message;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec piece = {.iov_base = &message, .iov_len = sizeof message};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    memset(&message, 0, sizeof message);
    message.operation = operation;
    if (key != NULL) {
        message.key = *key;
    }
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    ssize_t sent;
    do {
        sent = sendmsg(worker_channel, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

int fdstore_take(const char *owner, const char *place, uint16_t port) {
    for (unsigned i = 0; worker_channel >= 0 && i < entries_count; i++) {
        struct entry *entry = &entries[i];
        if (!entry->asked && strcmp(entry->key.owner, owner) == 0 &&
            same_place(&entry->key, place, port)) {
            int fd = fcntl(entry->fd, F_DUPFD_CLOEXEC, 0);
            if (fd < 0) {
                return -errno;
            }
            entry->asked = true;
            return fd;
        }
    }
    return -ENOENT;
}

void fdstore_put_back(const char *owner, const char *place, uint16_t port) {
    for (unsigned i = 0; i < entries_count; i++) {
        if (strcmp(entries[i].key.owner, owner) == 0 && same_place(&entries[i].key, place, port)) {
            entries[i].asked = false;
        }
    }
}

uint16_t fdstore_port(const char *owner, uint16_t first, uint16_t last, unsigned n) {
    for (unsigned i = 0; worker_channel >= 0 && i < entries_count; i++) {
        const struct entry *entry = &entries[i];
        if (!entry->asked && entry->key.port != 0 && strcmp(entry->key.owner, owner) == 0 &&
            entry->key.first == first && entry->key.last == last && n-- == 0) {
            return entry->key.port;
        }
    }
    return 0;
}

unsigned fdstore_evict(const char *owner, const char *place, uint16_t port, bool any_owner) {
    unsigned evicted = 0;
    for (unsigned i = worker_channel >= 0 ? entries_count : 0; i-- > 0;) {
        struct entry *entry = &entries[i];
        bool in_the_way = port != 0 ? entry->key.port == port
                                    : entry->key.port == 0 && strcmp(entry->key.place, place) == 0;
        if (!entry->asked && in_the_way && (any_owner || strcmp(entry->key.owner, owner) == 0)) {
            struct fdstore_key key = entry->key;
            remove_entry(entry);
            fdstore_drop(&key);
            evicted++;
        }
    }
    return evicted;
}

bool fdstore_has_port(uint16_t port) {
    for (unsigned i = 0; i < entries_count; i++) {
        if (port != 0 && entries[i].key.port == port) {
            return true;
        }
    }
    return false;
}

void fdstore_keep(const struct fdstore_key *key, int fd) {
    if (worker_channel >= 0) {
        (void)send_message(KEEP, key, fd);
    }
}

void fdstore_drop(const struct fdstore_key *key) {
    struct message message;
    if (worker_channel < 0 || send_message(DROP, key, -1) != 0) {
        return;
    }
    /* Its answer: the only thing that ever comes this way. */
    while (recv(worker_channel, &message, sizeof message, 0) < 0 && errno == EINTR) {
    }
}

void fdstore_settle(void) {
    if (worker_channel >= 0) {
        (void)send_message(SETTLED, NULL, -1);
    }
    fdstore_close_all();
}
