/* SPDX-License-Identifier: MIT */
/* InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload: an upload is an upload session at the
 * registry. What the registry has of it counts, and is looked at anew by every call, so that a part
 * that broke off, or an end of virga or of the registry between two parts, costs nobody bytes. */
#include "actions.h"
#include "backend.h"
#include "layer_part.h"
#include "layers.h"
#include "reference.h"
#include "registry_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#define PART_SIZE 10485760 /* what clients are told to send; source: ECR's answer */
#define TRIES_MAX 3        /* after a loss of the registry, or a size that was not as expected */

/* A call about an upload. In the request's memory. */
struct upload {
    struct call *call;
    struct layer_turn turn;
    struct layer_session session;
    void (*run)(struct upload *upload);
    bool gone;     /* the registry has no such session any more */
    uint64_t size; /* what the registry has of it */
    int tries;
    uint64_t first; /* of the part */
    uint64_t length;
    struct layer_part part;
    char digest[ECR_DIGEST_LEN + 1]; /* of the layer */
    bool there;                      /* the repository has the layer */
};

/* --- the ends of a call --- */

static void leave(struct upload *upload) {
    layers_leave(upload->call->ecr->layers, &upload->turn);
}

static void fail_not_found(struct upload *upload) {
    struct call *call = upload->call;
    leave(upload);
    call_fail(call, "UploadNotFoundException",
              "The upload with id '%s' does not exist in the repository with name '%.*s' in the "
              "registry with id '%s'",
              upload->session.id, (int)call->name.len, call->name.ptr, call->tenant.account);
}

static void fail_broken(struct upload *upload, int error, const char *reason) {
    leave(upload);
    call_broken(upload->call, "The layer could not be uploaded", error, reason);
}

/* InvalidLayerPartException tells how much has come. */
VIRGA_PRINTF(2, 3)
static void fail_part(struct upload *upload, const char *format, ...) {
    struct call *call = upload->call;
    struct virga_request *req = call->req;
    struct virga_json_writer writer = {0};
    char message[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    leave(upload);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "__type", "InvalidLayerPartException");
    virga_json_string(&writer, "message", message);
    call_write_head(call, &writer);
    virga_json_string(&writer, "uploadId", upload->session.id);
    if (upload->size > 0) {
        virga_json_int(&writer, "lastValidByteReceived", (int64_t)upload->size - 1);
    }
    virga_json_end_object(&writer);
    actions_end_call(call);
    (void)virga_awsjson_answer(req, 400, &writer);
}

/* Says that the registry answered what it should not. */
static void fail_answer(struct upload *upload, const struct virga_fetch_response *res) {
    char reason[128];
    if (res->status == 0) {
        fail_broken(upload, res->error, res->error_text);
        return;
    }
    bool full = memmem(res->body.ptr, res->body.len, "no space left", 13) != NULL;
    (void)snprintf(reason, sizeof reason, "the registry answered with status %d%s", res->status,
                   full ? ": no space left on its disk" : "");
    fail_broken(upload, -EIO, reason);
}

/* --- the way to a session --- */

/* Reads the session and what the registry has of it; false: the call has ended. */
static bool read_session(struct upload *upload) {
    struct call *call = upload->call;
    struct ecr *ecr = call->ecr;
    struct meta_repository repository;
    char id[LAYER_UPLOAD_ID_LEN + 1];
    int result = meta_repository_get(ecr, &call->tenant, call->name, &repository);
    if (result == -ENOENT) {
        leave(upload);
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
    }
    if (result == -ENOENT) {
        fail_not_found(upload);
    } else if (result != 0) {
        fail_broken(upload, result, NULL);
    }
    return result == 0;
}

static void on_ready(void *arg, int status, const char *reason) {
    struct upload *upload = arg;
    if (status != 0) {
        fail_broken(upload, status, reason);
    } else if (read_session(upload)) {
        upload->run(upload);
    }
}

static void on_turn(struct layer_turn *turn, int status) {
    struct upload *upload = (struct upload *)(void *)((char *)turn - offsetof(struct upload, turn));
    if (status != 0) {
        call_broken(upload->call, "The call was not begun", status, "virga is being stopped");
        return;
    }
    backend_ready(upload->call->ecr->backend, on_ready, upload);
}

/* Looks at the session anew and runs again; false when that was done often enough. */
static bool try_again(struct upload *upload) {
    if (++upload->tries >= TRIES_MAX) {
        return false;
    }
    backend_ready(upload->call->ecr->backend, on_ready, upload);
    return true;
}

static struct upload *new_upload(struct call *call, void (*run)(struct upload *upload)) {
    struct upload *upload = call->req->http->alloc(call->req, sizeof *upload);
    if (upload == NULL) {
        call_broken(call, "The layer could not be uploaded", -ENOMEM, NULL);
        return NULL;
    }
    memset(upload, 0, sizeof *upload);
    upload->call = call;
    upload->run = run;
    return upload;
}

/* Begins a call about an upload that was begun. */
static void enter(struct upload *upload) {
    struct call *call = upload->call;
    layer_session_id(call_str(call, "uploadId"), upload->session.id);
    if (call_repository_exists(call) &&
        layers_enter(call->ecr->layers, &upload->turn, upload->session.id, on_turn)) {
        on_turn(&upload->turn, 0);
    }
}

/* Where the session goes on: what the registry said itself, or when that is known not to hold any
 * more, what it would say. Errors: -ENOMEM, -EIO. */
static int find_address(const struct upload *upload, struct strbuf *ret_address) {
    const struct call *call = upload->call;
    const struct layer_session *session = &upload->session;
    if (session->address[0] != '\0' && session->received == upload->size && upload->tries == 0) {
        strbuf_add_text(ret_address, session->address);
        return ret_address->failed ? -ENOMEM : 0;
    }
    return backend_upload_address(call->ecr->backend, &call->tenant, call->name, session->id,
                                  upload->size, ret_address);
}

static struct virga_str find_header(const struct virga_fetch_response *res, const char *name) {
    for (size_t i = 0; i < res->headers_count; i++) {
        if (res->headers[i].name.len == strlen(name) &&
            strncasecmp(res->headers[i].name.ptr, name, strlen(name)) == 0) {
            return res->headers[i].value;
        }
    }
    return (struct virga_str){"", 0};
}

/* Keeps the address that the registry gave; one that is not a path on it is left out. */
static void take_address(struct layer_session *session, const struct virga_fetch_response *res) {
    struct virga_str location = find_header(res, "Location");
    session->address[0] = '\0';
    if (location.len > 4 && location.len <= LAYER_ADDRESS_MAX &&
        memcmp(location.ptr, "/v2/", 4) == 0) {
        memcpy(session->address, location.ptr, location.len);
        session->address[location.len] = '\0';
    }
}

/* --- InitiateLayerUpload --- */

static void answer_begun(struct upload *upload) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "uploadId", upload->session.id);
    virga_json_int(&writer, "partSize", PART_SIZE);
    virga_json_end_object(&writer);
    call_answer(upload->call, &writer);
}

static void on_begun(void *arg, const struct virga_fetch_response *res) {
    struct upload *upload = arg;
    struct call *call = upload->call;
    struct meta_repository repository;
    char reason[64] = "it gave a malformed answer";
    struct virga_str id = find_header(res, "Docker-Upload-UUID");
    if (res->status != 202 || id.len != LAYER_UPLOAD_ID_LEN) {
        if (res->status != 202 && res->status != 0) {
            (void)snprintf(reason, sizeof reason, "it answered with status %d", res->status);
        }
        call_broken(call, "The registry did not begin an upload",
                    res->status == 0 ? res->error : -EIO,
                    res->status == 0 ? res->error_text : reason);
        return;
    }
    layer_session_id(id, upload->session.id);
    take_address(&upload->session, res);
    if (!call_repository(call, &repository)) {
        return; /* deleted meanwhile, and with it what the registry began */
    }
    memcpy(upload->session.uid, repository.uid, sizeof upload->session.uid);
    meta_repository_finish(&repository);
    upload->session.used_ms = call->ecr->timer->now_ms(call->ecr->host);
    int result = layer_session_put(call->ecr, &call->tenant, call->name, &upload->session);
    if (result != 0) {
        call_broken(call, "The upload could not be recorded", result, NULL);
    } else {
        answer_begun(upload);
    }
}

void action_initiate_layer_upload(struct call *call) {
    size_t count = 0;
    char upstream[BACKEND_NAME_MAX + 1], path[sizeof upstream + 32];
    if (!call_repository_for_push(call)) {
        return;
    }
    int result = layers_count(call->ecr->layers, &call->tenant, &count);
    if (result != 0) {
        call_broken(call, "The uploads could not be counted", result, NULL);
        return;
    }
    if (count >= LAYERS_OPEN_MAX) {
        call_fail(
            call, "LimitExceededException",
            "The registry with id '%s' has %d layer uploads that were not completed; they are "
            "dropped %d hours after their last part",
            call->tenant.account, LAYERS_OPEN_MAX, LAYERS_AGE_MS / 3600000);
        return;
    }
    struct upload *upload = new_upload(call, NULL);
    if (upload == NULL) {
        return;
    }
    (void)backend_name(&call->tenant, call->name, upstream);
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/uploads/", upstream);
    result = backend_fetch(call->ecr->backend, "POST", path, NULL, 0, virga_str_from(""), on_begun,
                           upload);
    if (result != 0) {
        call_broken(call, "The upload could not be begun", result, NULL);
    }
}

/* --- UploadLayerPart --- */

/* The registry has the whole part: records and answers. */
static void finish_part(struct upload *upload) {
    struct call *call = upload->call;
    struct layer_session now;
    struct virga_json_writer writer = {0};
    struct layer_session *session = &upload->session;
    int result = layer_session_get(call->ecr, &call->tenant, call->name, session->id, &now);
    if (result == -ENOENT) {
        /* The repository was deleted under the part. */
        leave(upload);
        call_no_repository(call, call->name);
        return;
    }
    layer_session_accept(session, upload->first + upload->length,
                         call->ecr->timer->now_ms(call->ecr->host));
    if (result == 0) {
        result = layer_session_put(call->ecr, &call->tenant, call->name, session);
    }
    if (result != 0) {
        fail_broken(upload, result, NULL);
        return;
    }
    leave(upload);
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    virga_json_string(&writer, "uploadId", session->id);
    virga_json_int(&writer, "lastByteReceived", (int64_t)session->received - 1);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

static size_t on_send(void *arg, char *to, size_t size) {
    struct upload *upload = arg;
    return layer_part_read(&upload->part, to, size);
}

static void on_sent(void *arg, const struct virga_fetch_response *res) {
    struct upload *upload = arg;
    if (res->status == 202) {
        take_address(&upload->session, res);
        finish_part(upload);
        return;
    }
    /* Lost on the way, or the session's size is not what it was thought to be: whatever came of the
     * part is there, and the rest is sent again. */
    bool again = res->status == 404 || (res->status == 0 && backend_error_is_loss(res->error));
    if (!again || !try_again(upload)) {
        fail_answer(upload, res);
    }
}

static void run_part(struct upload *upload) {
    struct call *call = upload->call;
    struct strbuf address = {0};
    uint64_t end = upload->first + upload->length;
    if (upload->gone) {
        (void)layers_drop(call->ecr, &call->tenant, call->name, &upload->session);
        fail_not_found(upload);
        return;
    }
    bool fits = upload->tries == 0 ? upload->size == upload->first
                                   : upload->size >= upload->first && upload->size <= end;
    if (!fits) {
        fail_part(upload, "First byte of the layer part is %" PRIu64 " instead of %" PRIu64,
                  upload->first, upload->size);
        return;
    }
    if (upload->session.parts >= LAYER_PARTS_MAX) {
        leave(upload);
        call_fail(call, "LimitExceededException", "A layer may have at most %d parts",
                  LAYER_PARTS_MAX);
        return;
    }
    if (upload->size == end) {
        upload->session.address[0] = '\0';
        finish_part(upload);
        return;
    }
    layer_part_start(&upload->part, call_str(call, "layerPartBlob"),
                     (size_t)(upload->size - upload->first));
    int result = find_address(upload, &address);
    if (result == 0) {
        result = backend_send(call->ecr->backend, "PATCH", address.ptr, end - upload->size, on_send,
                              on_sent, upload);
    }
    strbuf_finish(&address);
    if (result != 0) {
        fail_broken(upload, result, NULL);
    }
}

/* Looks at the part as such, where it is known how much has come before. */
static void check_part(struct upload *upload) {
    int64_t first = virga_awsjson_int(upload->call->input, "partFirstByte", 0);
    int64_t last = virga_awsjson_int(upload->call->input, "partLastByte", 0);
    upload->run = run_part;
    if (upload->gone) {
        run_part(upload);
    } else if (upload->length == 0) {
        fail_part(upload, "The layer part is empty");
    } else if (last < first || (uint64_t)(last - first) != upload->length - 1) {
        fail_part(upload,
                  "The layer part has %" PRIu64 " bytes, which are not those from %" PRId64
                  " to %" PRId64,
                  upload->length, first, last);
    } else {
        run_part(upload);
    }
}

void action_upload_layer_part(struct call *call) {
    struct upload *upload = new_upload(call, check_part);
    if (upload != NULL) {
        upload->first = (uint64_t)virga_awsjson_int(call->input, "partFirstByte", 0);
        upload->length = layer_part_length(call_str(call, "layerPartBlob"));
        enter(upload);
    }
}

/* --- CompleteLayerUpload --- */

static void fail_exists(struct upload *upload) {
    struct call *call = upload->call;
    leave(upload);
    call_fail(
        call, "LayerAlreadyExistsException",
        "Layer with digest '%s' already exists in the repository with name '%.*s' in registry "
        "with id '%s'",
        upload->digest, (int)call->name.len, call->name.ptr, call->tenant.account);
}

/* The registry has the layer: forgets the upload and answers. */
static void finish_layer(struct upload *upload) {
    struct call *call = upload->call;
    struct virga_json_writer writer = {0};
    int result = layer_session_delete(call->ecr, &call->tenant, call->name, upload->session.id);
    if (result == -ENOENT) {
        leave(upload);
        call_no_repository(call, call->name);
        return;
    }
    if (result != 0) {
        fail_broken(upload, result, NULL);
        return;
    }
    backend_pin(call->ecr->backend, &call->tenant, call->name, virga_str_from(upload->digest));
    if (upload->there) {
        fail_exists(upload);
        return;
    }
    leave(upload);
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    virga_json_string(&writer, "uploadId", upload->session.id);
    virga_json_string(&writer, "layerDigest", upload->digest);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

/* Whether the repository has the layer, asked where the session is gone. */
static void on_looked_again(void *arg, const struct virga_fetch_response *res) {
    struct upload *upload = arg;
    struct call *call = upload->call;
    if (res->status == 200 && upload->tries > 0) {
        finish_layer(upload); /* committed by a try whose answer was lost */
    } else if (res->status == 200) {
        upload->there = true; /* committed by a run of virga that did not get to note it */
        finish_layer(upload);
    } else if (res->status == 404) {
        (void)layer_session_delete(call->ecr, &call->tenant, call->name, upload->session.id);
        fail_not_found(upload);
    } else {
        fail_answer(upload, res);
    }
}

static void look_for_layer(struct upload *upload,
                           void (*on_done)(void *arg, const struct virga_fetch_response *res)) {
    struct call *call = upload->call;
    char upstream[BACKEND_NAME_MAX + 1], path[sizeof upstream + ECR_DIGEST_LEN + 16];
    (void)backend_name(&call->tenant, call->name, upstream);
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/%s", upstream, upload->digest);
    int result = backend_fetch(call->ecr->backend, "HEAD", path, NULL, 0, virga_str_from(""),
                               on_done, upload);
    if (result != 0) {
        fail_broken(upload, result, NULL);
    }
}

static void on_committed(void *arg, const struct virga_fetch_response *res) {
    struct upload *upload = arg;
    struct call *call = upload->call;
    struct registry_error error;
    if (res->status == 201) {
        finish_layer(upload);
        return;
    }
    registry_error_read(res->body, "", virga_str_from(""), &error, NULL);
    if (res->status == 400 && strcmp(error.code, "DIGEST_INVALID") == 0) {
        /* The registry has thrown the bytes away. */
        (void)layers_drop(call->ecr, &call->tenant, call->name, &upload->session);
        leave(upload);
        call_fail(call, "InvalidLayerException",
                  "The digest of the layer that was uploaded is not '%s'", upload->digest);
        return;
    }
    /* 404: another size than was thought, or an earlier try went through. */
    bool again = res->status == 404 || (res->status == 0 && backend_error_is_loss(res->error));
    if (!again || !try_again(upload)) {
        fail_answer(upload, res);
    }
}

static void on_looked(void *arg, const struct virga_fetch_response *res) {
    struct upload *upload = arg;
    struct strbuf address = {0};
    if (res->status != 200 && res->status != 404) {
        fail_answer(upload, res);
        return;
    }
    upload->there = res->status == 200;
    int result = find_address(upload, &address);
    strbuf_addf(&address, "&digest=%s", upload->digest);
    if (result == 0 && address.failed) {
        result = -ENOMEM;
    }
    if (result == 0) {
        result = backend_fetch(upload->call->ecr->backend, "PUT", address.ptr, NULL, 0,
                               virga_str_from(""), on_committed, upload);
    }
    strbuf_finish(&address);
    if (result != 0) {
        fail_broken(upload, result, NULL);
    }
}

static void run_complete(struct upload *upload) {
    struct call *call = upload->call;
    if (upload->gone) {
        look_for_layer(upload, on_looked_again);
    } else if (upload->size == 0) {
        leave(upload);
        call_fail(call, "EmptyUploadException",
                  "The specified layer upload does not contain any layer parts");
    } else if (upload->session.small) {
        leave(upload);
        call_fail(call, "LayerPartTooSmallException",
                  "All layer parts except the last part should be at least 5MB");
    } else {
        look_for_layer(upload, on_looked);
    }
}

/* Takes the one digest that the layer is to have; false: the call has ended. */
static bool take_digest(struct upload *upload) {
    struct call *call = upload->call;
    size_t count = virga_awsjson_length(call->input, "layerDigests");
    struct virga_str digest =
        virga_awsjson_text(virga_awsjson_element(call->input, "layerDigests", 0));
    for (size_t i = 1; i < count; i++) {
        if (!virga_str_equal(digest, virga_awsjson_text(
                                         virga_awsjson_element(call->input, "layerDigests", i)))) {
            call_fail(
                call, "InvalidParameterException",
                "Invalid parameter at 'layerDigests' failed to satisfy constraint: 'must hold "
                "one digest'");
            return false;
        }
    }
    if (!reference_is_digest(digest)) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'layerDigests' failed to satisfy constraint: 'must be a "
                  "sha256 digest of 64 lower-case hex digits'");
        return false;
    }
    memcpy(upload->digest, digest.ptr, digest.len);
    return true;
}

void action_complete_layer_upload(struct call *call) {
    struct upload *upload = new_upload(call, run_complete);
    if (upload != NULL && take_digest(upload)) {
        enter(upload);
    }
}
