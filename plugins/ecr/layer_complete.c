/* SPDX-License-Identifier: MIT */
/* CompleteLayerUpload: the registry checks the digest and makes a blob of the session's bytes,
 * which gc keeps until a manifest names it. */
#include "actions.h"
#include "layer_call.h"
#include "reference.h"
#include "registry_error.h"

#include <errno.h>

static void fail_exists(struct layer_call *upload) {
    struct call *call = upload->call;
    layer_call_leave(upload);
    call_fail(
        call, "LayerAlreadyExistsException",
        "Layer with digest '%s' already exists in the repository with name '%.*s' in registry "
        "with id '%s'",
        upload->digest, (int)call->name.len, call->name.ptr, call->tenant.account);
}

/* The registry has the layer: forgets the upload and answers. */
static void finish_layer(struct layer_call *upload) {
    struct call *call = upload->call;
    struct virga_json_writer writer = {0};
    int result = layer_session_delete(call->ecr, &call->tenant, call->name, upload->session.id);
    if (result == -ENOENT) {
        layer_call_leave(upload);
        call_no_repository(call, call->name);
        return;
    }
    if (result != 0) {
        layer_call_broken(upload, result, NULL);
        return;
    }
    backend_pin(call->ecr->backend, &call->tenant, call->name, virga_str_from(upload->digest));
    if (upload->there) {
        fail_exists(upload);
        return;
    }
    layer_call_leave(upload);
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    virga_json_string(&writer, "uploadId", upload->session.id);
    virga_json_string(&writer, "layerDigest", upload->digest);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

/* Whether the repository has the layer, asked where the session is gone. */
static void on_looked_again(void *arg, const struct virga_fetch_response *res) {
    struct layer_call *upload = arg;
    struct call *call = upload->call;
    if (res->status == 200 && upload->tries > 0) {
        finish_layer(upload); /* committed by a try whose answer was lost */
    } else if (res->status == 200) {
        upload->there = true; /* committed by a run of virga that did not get to note it */
        finish_layer(upload);
    } else if (res->status == 404) {
        (void)layer_session_delete(call->ecr, &call->tenant, call->name, upload->session.id);
        layer_call_not_found(upload);
    } else {
        layer_call_bad_answer(upload, res);
    }
}

static void look_for_layer(struct layer_call *upload,
                           void (*on_done)(void *arg, const struct virga_fetch_response *res)) {
    struct call *call = upload->call;
    char upstream[BACKEND_NAME_MAX + 1], path[sizeof upstream + ECR_DIGEST_LEN + 16];
    (void)backend_name(&call->tenant, call->name, upstream);
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/%s", upstream, upload->digest);
    int result = backend_fetch(call->ecr->backend, "HEAD", path, NULL, 0, virga_str_from(""),
                               on_done, upload);
    if (result != 0) {
        layer_call_broken(upload, result, NULL);
    }
}

static void on_committed(void *arg, const struct virga_fetch_response *res) {
    struct layer_call *upload = arg;
    struct call *call = upload->call;
    struct registry_error error;
    if (res->status == 201) {
        finish_layer(upload);
        return;
    }
    registry_error_read(res->body, "", virga_str_from(""), &error, NULL);
    if (res->status == 400 && strcmp(error.code, "DIGEST_INVALID") == 0) {
        /* Nothing can be made of the bytes any more: they are freed, behind the answer. */
        (void)layers_drop(call->ecr, &call->tenant, call->name, &upload->session);
        layer_call_leave(upload);
        call_fail(call, "InvalidLayerException",
                  "The digest of the layer that was uploaded is not '%s'", upload->digest);
        return;
    }
    /* 404: another size than was thought, or an earlier try went through. */
    bool again = res->status == 404 || (res->status == 0 && backend_error_is_loss(res->error));
    if (!again || !layer_call_again(upload)) {
        layer_call_bad_answer(upload, res);
    }
}

static void on_looked(void *arg, const struct virga_fetch_response *res) {
    struct layer_call *upload = arg;
    struct strbuf address = {0};
    if (res->status != 200 && res->status != 404) {
        layer_call_bad_answer(upload, res);
        return;
    }
    upload->there = res->status == 200;
    int result = layer_call_address(upload, &address);
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
        layer_call_broken(upload, result, NULL);
    }
}

static void run_complete(struct layer_call *upload) {
    struct call *call = upload->call;
    if (upload->gone) {
        look_for_layer(upload, on_looked_again);
    } else if (upload->size == 0) {
        layer_call_leave(upload);
        call_fail(call, "EmptyUploadException",
                  "The specified layer upload does not contain any layer parts");
    } else if (upload->session.small) {
        layer_call_leave(upload);
        call_fail(call, "LayerPartTooSmallException",
                  "All layer parts except the last part should be at least 5MB");
    } else {
        look_for_layer(upload, on_looked);
    }
}

/* Takes the one digest that the layer is to have; false: the call has ended. */
static bool take_digest(struct layer_call *upload) {
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
    struct layer_call *upload = layer_call_new(call, run_complete);
    if (upload != NULL && take_digest(upload)) {
        layer_call_enter(upload);
    }
}
