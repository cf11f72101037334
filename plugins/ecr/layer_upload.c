/* SPDX-License-Identifier: MIT */
/* InitiateLayerUpload and UploadLayerPart: an upload is an upload session at the registry. What the
 * registry has of it counts, and is looked at anew by every call, so that a part that broke off, or
 * an end of virga or of the registry between two parts, costs nobody bytes. */
#include "actions.h"
#include "layer_call.h"

#include <errno.h>
#include <inttypes.h>

#define PART_SIZE 10485760 /* what clients are told to send; source: ECR's answer */

/* --- InitiateLayerUpload --- */

static void answer_begun(struct layer_call *upload) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "uploadId", upload->session.id);
    virga_json_int(&writer, "partSize", PART_SIZE);
    virga_json_end_object(&writer);
    call_answer(upload->call, &writer);
}

static void on_begun(void *arg, const struct virga_fetch_response *res) {
    struct layer_call *upload = arg;
    struct call *call = upload->call;
    struct meta_repository repository;
    char reason[64] = "it gave a malformed answer";
    struct virga_str id = layer_call_header(res, "Docker-Upload-UUID");
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
    layer_call_take_address(&upload->session, res);
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
    struct layer_call *upload = layer_call_new(call, NULL);
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

/* InvalidLayerPartException tells how much has come. */
VIRGA_PRINTF(2, 3)
static void fail_part(struct layer_call *upload, const char *format, ...) {
    struct call *call = upload->call;
    struct virga_request *req = call->req;
    struct virga_json_writer writer = {0};
    char message[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    layer_call_leave(upload);
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

/* The registry has the whole part: records and answers. */
static void finish_part(struct layer_call *upload) {
    struct call *call = upload->call;
    struct layer_session now;
    struct virga_json_writer writer = {0};
    struct layer_session *session = &upload->session;
    int result = layer_session_get(call->ecr, &call->tenant, call->name, session->id, &now);
    if (result == -ENOENT) {
        /* The repository was deleted under the part. */
        layer_call_leave(upload);
        call_no_repository(call, call->name);
        return;
    }
    layer_session_accept(session, upload->first + upload->length,
                         call->ecr->timer->now_ms(call->ecr->host));
    if (result == 0) {
        result = layer_session_put(call->ecr, &call->tenant, call->name, session);
    }
    if (result != 0) {
        layer_call_broken(upload, result, NULL);
        return;
    }
    layer_call_leave(upload);
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    virga_json_string(&writer, "uploadId", session->id);
    virga_json_int(&writer, "lastByteReceived", (int64_t)session->received - 1);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

static size_t on_send(void *arg, char *to, size_t size) {
    struct layer_call *upload = arg;
    return layer_part_read(&upload->part, to, size);
}

static void on_sent(void *arg, const struct virga_fetch_response *res) {
    struct layer_call *upload = arg;
    if (res->status == 202) {
        layer_call_take_address(&upload->session, res);
        finish_part(upload);
        return;
    }
    /* Lost on the way, or the session's size is not what it was thought to be: whatever came of the
     * part is there, and the rest is sent again. */
    bool again = res->status == 404 || (res->status == 0 && backend_error_is_loss(res->error));
    if (!again || !layer_call_again(upload)) {
        layer_call_bad_answer(upload, res);
    }
}

static void run_part(struct layer_call *upload) {
    struct call *call = upload->call;
    struct strbuf address = {0};
    uint64_t end = upload->first + upload->length;
    if (upload->gone) {
        (void)layers_drop(call->ecr, &call->tenant, call->name, &upload->session);
        layer_call_not_found(upload);
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
        layer_call_leave(upload);
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
    int result = layer_call_address(upload, &address);
    if (result == 0) {
        result = backend_send(call->ecr->backend, "PATCH", address.ptr, end - upload->size, on_send,
                              on_sent, upload);
    }
    strbuf_finish(&address);
    if (result != 0) {
        layer_call_broken(upload, result, NULL);
    }
}

/* Looks at the part as such, where it is known how much has come before. */
static void check_part(struct layer_call *upload) {
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
    struct layer_call *upload = layer_call_new(call, check_part);
    if (upload != NULL) {
        upload->first = (uint64_t)virga_awsjson_int(call->input, "partFirstByte", 0);
        upload->length = layer_part_length(call_str(call, "layerPartBlob"));
        layer_call_enter(upload);
    }
}
