/* SPDX-License-Identifier: MIT */
/* Who carries an exchange: a client's connection (conn.c), or a call from within the host
 * (ext_dispatch.c). All that request, body and response know of the other side. */
#ifndef CORE_CARRIER_H
#define CORE_CARRIER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include <virga/abi.h>

struct carrier;
struct request;

struct carrier_ops {
    /* Sends bytes of the answer: at once what the other side takes, the rest later. With `copy` the
     * rest is copied, else it must stay until response_on_sent(). Returns 1 all sent, 0 the rest is
     * queued. Errors: -ECANCELED the carrier broke. */
    int (*send)(struct request *req, uv_buf_t *bufs, unsigned count, bool copy);
    /* Sends bytes of a file without reading them, as many as go at once; nothing may be queued.
     * Returns how many, 0 when the file ends at `offset`. NULL: not possible. Errors: -EAGAIN the
     * other side takes nothing now, -EOPNOTSUPP not from this file, -EIO it cannot be read,
     * -ECANCELED the carrier broke. */
    ssize_t (*send_file)(struct request *req, int fd, uint64_t offset, size_t size);
    /* Sends static text between answers ("100 Continue"). */
    void (*send_interim)(struct carrier *carrier, const char *text, size_t len);
    /* The state of the exchange has changed: goes on with what has become possible, in the loop's
     * next turn. */
    void (*wake)(struct carrier *carrier);
    /* Ends the exchange if the answer is sent and the body read, and turns to the next. */
    void (*settle)(struct carrier *carrier);
    /* Breaks off; the request is cancelled with `status`. `reset`: the other side sees an error,
     * not an end. */
    void (*break_off)(struct carrier *carrier, int status, bool reset);
    /* Whether it can carry a further exchange. */
    bool (*can_persist)(const struct carrier *carrier);
    /* The other side's address as text. Valid: as long as the carrier. */
    struct virga_str (*peer)(struct carrier *carrier);
};

/* Embedded by who carries. */
struct carrier {
    const struct carrier_ops *ops;
};

static inline void carrier_send_interim(struct carrier *carrier, const char *text, size_t len) {
    carrier->ops->send_interim(carrier, text, len);
}

static inline void carrier_wake(struct carrier *carrier) {
    carrier->ops->wake(carrier);
}

static inline void carrier_settle(struct carrier *carrier) {
    carrier->ops->settle(carrier);
}

static inline void carrier_break_off(struct carrier *carrier, int status, bool reset) {
    carrier->ops->break_off(carrier, status, reset);
}

static inline bool carrier_can_persist(const struct carrier *carrier) {
    return carrier->ops->can_persist(carrier);
}

static inline struct virga_str carrier_peer(struct carrier *carrier) {
    return carrier->ops->peer(carrier);
}

#endif
