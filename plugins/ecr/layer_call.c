/* SPDX-License-Identifier: MIT */
/* The way of a call to its upload. */
#include "layer_call.h"

#include <errno.h>
#include <strings.h>

/* --- the ends of a call --- */

void layer_call_leave(struct layer_call *upload) {
    layers_leave(upload->call->ecr->layers, &upload->turn);
}

void layer_call_not_found(struct layer_call *upload) {
    struct call *call = upload->call;
    layer_call_leave(upload);
    call_fail(call, "UploadNotFoundException",
              "The upload with id '%s' does not exist in the repository with name '%.*s' in the "
              "registry with id '%s'",
              upload->session.id, (int)call->name.len, call->name.ptr, call->tenant.account);
}

void layer_call_broken(struct layer_call *upload, int error, const char *reason) {
    layer_call_leave(upload);
    call_broken(upload->call, "The layer could not be uploaded", error, reason);
}

void layer_call_bad_answer(struct layer_call *upload, const struct virga_fetch_response *res) {
    char reason[128];
    if (res->status == 0) {
        layer_call_broken(upload, res->error, res->error_text);
        return;
    }
    bool full =
        res->body.len > 0 && memmem(res->body.ptr, res->body.len, "no space left", 13) != NULL;
    (void)snprintf(reason, sizeof reason, "the registry answered with status %d%s", res->status,
                   full ? ": no space left on its disk" : "");
    layer_call_broken(upload, -EIO, reason);
}

/* --- the way to a session --- */

/* Reads the session and what the registry has of it; false: the call has ended. */
static bool read_session(struct layer_call *upload) {
    struct call *call = upload->call;
    struct ecr *ecr = call->ecr;
    struct meta_repository repository;
    char id[LAYER_UPLOAD_ID_LEN + 1];
    int result = meta_repository_get(ecr, &call->tenant, call->name, &repository);
    if (result == -ENOENT) {
        layer_call_leave(upload);
        call_no_repository(call, call->name);
        return false;
    }
    memcpy(id, upload->session.id, sizeof id);
    if (result == 0) {
        result = layer_session_get(ecr, &call->tenant, call->name, id, &upload->session);
        if (result == 0 && (strcmp(upload->session.uid, repository.uid) != 0 ||
                            layers_expired(ecr, &upload->session))) {
            result = -ENOENT;
        }
        meta_repository_finish(&repository);
    }
    if (result == 0) {
        result = backend_upload_size(ecr->backend, &call->tenant, call->name, id, &upload->size);
        upload->gone = result == -ENOENT;
        if (upload->gone) {
            return true;
        }
        if (result == -ENOTSUP) {
            upload->size = upload->session.received; /* as far as the registry has answered */
            result = 0;
        }
    }
    if (result == -ENOENT) {
        layer_call_not_found(upload);
    } else if (result != 0) {
        layer_call_broken(upload, result, NULL);
    }
    return result == 0;
}

static void on_ready(void *arg, int status, const char *reason) {
    struct layer_call *upload = arg;
    if (status != 0) {
        layer_call_broken(upload, status, reason);
    } else if (read_session(upload)) {
        upload->run(upload);
    }
}

static void on_turn(struct layer_turn *turn, int status) {
    struct layer_call *upload =
        (struct layer_call *)(void *)((char *)turn - offsetof(struct layer_call, turn));
    if (status != 0) {
        call_broken(upload->call, "The call was not begun", status, "virga is being stopped");
        return;
    }
    backend_ready(upload->call->ecr->backend, on_ready, upload);
}

bool layer_call_again(struct layer_call *upload) {
    if (++upload->tries >= LAYER_CALL_TRIES) {
        return false;
    }
    backend_ready(upload->call->ecr->backend, on_ready, upload);
    return true;
}

struct layer_call *layer_call_new(struct call *call, void (*run)(struct layer_call *upload)) {
    struct layer_call *upload = call->req->http->alloc(call->req, sizeof *upload);
    if (upload == NULL) {
        call_broken(call, "The layer could not be uploaded", -ENOMEM, NULL);
        return NULL;
    }
    memset(upload, 0, sizeof *upload);
    upload->call = call;
    upload->run = run;
    return upload;
}

void layer_call_enter(struct layer_call *upload) {
    struct call *call = upload->call;
    layer_session_id(call_str(call, "uploadId"), upload->session.id);
    if (call_repository_exists(call) &&
        layers_enter(call->ecr->layers, &upload->turn, upload->session.id, on_turn)) {
        on_turn(&upload->turn, 0);
    }
}

int layer_call_address(const struct layer_call *upload, struct strbuf *ret_address) {
    const struct call *call = upload->call;
    const struct layer_session *session = &upload->session;
    if (session->address[0] != '\0' && session->received == upload->size && upload->tries == 0) {
        strbuf_add_text(ret_address, session->address);
        return ret_address->failed ? -ENOMEM : 0;
    }
    return backend_upload_address(call->ecr->backend, &call->tenant, call->name, session->id,
                                  upload->size, ret_address);
}

struct virga_str layer_call_header(const struct virga_fetch_response *res, const char *name) {
    for (size_t i = 0; i < res->headers_count; i++) {
        if (res->headers[i].name.len == strlen(name) &&
            strncasecmp(res->headers[i].name.ptr, name, strlen(name)) == 0) {
            return res->headers[i].value;
        }
    }
    return (struct virga_str){"", 0};
}

void layer_call_take_address(struct layer_session *session,
                             const struct virga_fetch_response *res) {
    struct virga_str location = layer_call_header(res, "Location");
    session->address[0] = '\0';
    if (location.len > 4 && location.len <= LAYER_ADDRESS_MAX &&
        memcmp(location.ptr, "/v2/", 4) == 0) {
        memcpy(session->address, location.ptr, location.len);
        session->address[location.len] = '\0';
    }
}
