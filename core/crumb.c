/* SPDX-License-Identifier: MIT */
/* Breadcrumbs. A cell is written by one thread and read by others without a lock: the reader looks
 * at the version before and after and takes another copy when it has changed. */
#include "crumb.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "request.h"

/* A process that died in the middle of publishing leaves an odd version for ever. */
#define READ_TRIES 64

static void copy_text(char *to, size_t size, const char *from, size_t len) {
    size_t take = len < size - 1 ? len : size - 1;
    memcpy(to, from, take);
    to[take] = '\0';
}

static void copy_path(struct crumb *crumb, const struct virga_request *pub) {
    size_t room = sizeof crumb->path;
    copy_text(crumb->path, room, pub->path.ptr, pub->path.len);
    size_t len = strlen(crumb->path);
    /* The protocols that name the action elsewhere all post to a short path. */
    if (pub->action.len > 0 && len + 2 < room) {
        crumb->path[len] = ' ';
        copy_text(crumb->path + len + 1, room - len - 1, pub->action.ptr, pub->action.len);
    }
}

void crumb_fill(struct crumb *crumb, const char *plugin, const char *what,
                const struct request *request) {
    memset(crumb, 0, sizeof *crumb);
    crumb->since_ns = uv_hrtime();
    copy_text(crumb->plugin, sizeof crumb->plugin, plugin, strlen(plugin));
    copy_text(crumb->what, sizeof crumb->what, what, strlen(what));
    if (request != NULL && request->pub.method.ptr != NULL && request->pub.path.ptr != NULL) {
        const struct virga_request *pub = &request->pub;
        copy_text(crumb->request_id, sizeof crumb->request_id, request->id, strlen(request->id));
        copy_text(crumb->method, sizeof crumb->method, pub->method.ptr, pub->method.len);
        copy_path(crumb, pub);
    }
}

void crumb_publish(struct crumb_cell *cell, const struct crumb *crumb_or_null) {
    /* Without a plugin's name there is no crumb, whatever else stands there. */
    const size_t name = offsetof(struct crumb, plugin) / sizeof(uint64_t);
    /* Odd already when the process before this one died here. */
    uint32_t odd = atomic_load_explicit(&cell->version, memory_order_relaxed) | 1u;
    atomic_store_explicit(&cell->version, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    if (crumb_or_null != NULL) {
        uint64_t words[CRUMB_WORDS];
        memcpy(words, crumb_or_null, sizeof words);
        for (size_t i = 0; i < CRUMB_WORDS; i++) {
            atomic_store_explicit(&cell->words[i], words[i], memory_order_relaxed);
        }
    } else {
        atomic_store_explicit(&cell->words[name], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&cell->version, odd + 1, memory_order_release);
}

bool crumb_read(const struct crumb_cell *cell, struct crumb *ret_crumb) {
    uint64_t words[CRUMB_WORDS];
    for (int i = 0; i < READ_TRIES; i++) {
        uint32_t before = atomic_load_explicit(&cell->version, memory_order_acquire);
        for (size_t j = 0; j < CRUMB_WORDS; j++) {
            words[j] = atomic_load_explicit(&cell->words[j], memory_order_relaxed);
        }
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 &&
            atomic_load_explicit(&cell->version, memory_order_relaxed) == before) {
            break;
        }
    }
    memcpy(ret_crumb, words, sizeof *ret_crumb);
    ret_crumb->plugin[sizeof ret_crumb->plugin - 1] = '\0';
    ret_crumb->what[sizeof ret_crumb->what - 1] = '\0';
    ret_crumb->request_id[sizeof ret_crumb->request_id - 1] = '\0';
    ret_crumb->method[sizeof ret_crumb->method - 1] = '\0';
    ret_crumb->path[sizeof ret_crumb->path - 1] = '\0';
    return ret_crumb->plugin[0] != '\0';
}

const char *crumb_describe(const struct crumb *crumb, char text[CRUMB_TEXT_MAX]) {
    bool request = crumb->request_id[0] != '\0';
    (void)snprintf(text, CRUMB_TEXT_MAX, "plugin %s ran %s%s%s%s%s%s%s", crumb->plugin, crumb->what,
                   request ? " for request " : "", crumb->request_id, request ? " " : "",
                   crumb->method, request ? " " : "", crumb->path);
    return text;
}
