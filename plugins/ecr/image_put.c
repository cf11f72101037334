/* SPDX-License-Identifier: MIT */
/* PutImage: a manifest pushed over the API, on the same way as one that comes over the wire. */
#include "actions.h"
#include "model_grammar.h"
#include "push.h"
#include "reference.h"

#include <errno.h>

static void on_pushed(void *arg, const struct push_result *result) {
    struct call *call = arg;
    if (result->status != 0 && result->exception != NULL) {
        call_fail(call, result->exception, "%s", result->message);
        return;
    }
    if (result->status != 0) {
        call_broken(call, "The image could not be put", result->status, result->message);
        return;
    }
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_object(&writer, "image");
    call_write_head(call, &writer);
    virga_json_begin_object(&writer, "imageId");
    virga_json_string(&writer, "imageDigest", result->digest);
    if (call_str(call, "imageTag").ptr != NULL) {
        virga_json_str(&writer, "imageTag", call_str(call, "imageTag"));
    }
    virga_json_end_object(&writer);
    virga_json_str(&writer, "imageManifest", call_str(call, "imageManifest"));
    virga_json_string(&writer, "imageManifestMediaType", result->media_type);
    virga_json_end_object(&writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

static bool fail_pattern(struct call *call, const char *member, const char *pattern) {
    call_fail(call, "InvalidParameterException",
              "Invalid parameter at '%s' failed to satisfy constraint: 'must satisfy regular "
              "expression '%s''",
              member, pattern);
    return false;
}

/* Checks tag and digest, of which the model says little; false: the call has ended. */
static bool check_id(struct call *call) {
    struct virga_str tag = call_str(call, "imageTag");
    struct virga_str digest = call_str(call, "imageDigest");
    if (tag.ptr != NULL && tag.len > ECR_TAG_MAX) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must have length "
                  "less than or equal to %d'",
                  ECR_TAG_MAX);
        return false;
    }
    if (tag.ptr != NULL && !reference_is_tag(tag)) {
        return fail_pattern(call, "imageTag", MODEL_TAG_PATTERN);
    }
    if (digest.ptr != NULL && !model_is_digest(digest)) {
        return fail_pattern(call, "imageDigest", MODEL_DIGEST_PATTERN);
    }
    return true;
}

static struct virga_str or_empty(struct virga_str text) {
    return text.ptr != NULL ? text : (struct virga_str){"", 0};
}

void action_put_image(struct call *call) {
    if (!call_repository_for_push(call) || !check_id(call)) {
        return;
    }
    const struct push_request request = {
        .tenant = call->tenant,
        .name = call->name,
        .tag = or_empty(call_str(call, "imageTag")),
        .digest = or_empty(call_str(call, "imageDigest")),
        .media_type = or_empty(call_str(call, "imageManifestMediaType")),
        .bytes = call_str(call, "imageManifest"),
        .origin = IMAGE_PUSHED,
        .strict = true,
    };
    if (push_manifest(call->ecr, &request, on_pushed, call) != 0) {
        call_broken(call, "The image could not be put", -ENOMEM, NULL);
    }
}
