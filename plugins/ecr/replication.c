/* SPDX-License-Identifier: MIT */
/* PutReplicationConfiguration, DescribeRegistry and DescribeImageReplicationStatus. The work itself
 * is replicate.c's. */
#include "actions.h"
#include "image_id.h"
#include "replication_rules.h"
#include "replication_status.h"

#include <errno.h>

/* Writes the configuration anew from what the model knows of it. */
static void write_rule(struct json_object *rule, struct virga_json_writer *writer) {
    size_t destinations = virga_awsjson_length(rule, "destinations");
    size_t filters = virga_awsjson_length(rule, "repositoryFilters");
    virga_json_begin_object(writer, NULL);
    virga_json_begin_array(writer, "destinations");
    for (size_t i = 0; i < destinations; i++) {
        struct json_object *destination = virga_awsjson_element(rule, "destinations", i);
        virga_json_begin_object(writer, NULL);
        virga_json_str(writer, "region", virga_awsjson_str(destination, "region"));
        virga_json_str(writer, "registryId", virga_awsjson_str(destination, "registryId"));
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
    if (filters > 0) {
        virga_json_begin_array(writer, "repositoryFilters");
        for (size_t i = 0; i < filters; i++) {
            struct json_object *filter = virga_awsjson_element(rule, "repositoryFilters", i);
            virga_json_begin_object(writer, NULL);
            virga_json_str(writer, "filter", virga_awsjson_str(filter, "filter"));
            virga_json_str(writer, "filterType", virga_awsjson_str(filter, "filterType"));
            virga_json_end_object(writer);
        }
        virga_json_end_array(writer);
    }
    virga_json_end_object(writer);
}

static void write_configuration(struct json_object *configuration,
                                struct virga_json_writer *writer) {
    size_t rules = virga_awsjson_length(configuration, "rules");
    virga_json_begin_object(writer, NULL);
    virga_json_begin_array(writer, "rules");
    for (size_t i = 0; i < rules; i++) {
        write_rule(virga_awsjson_element(configuration, "rules", i), writer);
    }
    virga_json_end_array(writer);
    virga_json_end_object(writer);
}

/* Keeps the text; without rules there is none to keep. */
static int keep(struct call *call, size_t rules, struct virga_str text) {
    struct virga_str id = virga_str_from("");
    if (rules > 0) {
        return meta_setting_put(call->ecr, &call->tenant, REPLICATION_KIND, id, text);
    }
    int result = meta_setting_delete(call->ecr, &call->tenant, REPLICATION_KIND, id);
    return result == -ENOENT ? 0 : result;
}

void action_put_replication_configuration(struct call *call) {
    struct json_object *configuration =
        virga_awsjson_member(call->input, "replicationConfiguration");
    struct virga_json_writer text = {0}, writer = {0};
    const char *wrong = replication_rules_check(configuration, &call->tenant);
    if (wrong != NULL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: "
                  "'%s'",
                  wrong);
        return;
    }
    write_configuration(configuration, &text);
    struct virga_str written = {text.ptr, text.len};
    int result =
        text.failed ? -ENOMEM : keep(call, virga_awsjson_length(configuration, "rules"), written);
    if (result != 0) {
        virga_json_finish(&text);
        call_broken(call, "The replication configuration could not be recorded", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_raw(&writer, "replicationConfiguration", written);
    virga_json_end_object(&writer);
    virga_json_finish(&text);
    call_answer(call, &writer);
}

void action_describe_registry(struct call *call) {
    struct virga_store_value text = {0};
    struct virga_json_writer writer = {0};
    int result =
        meta_setting_get(call->ecr, &call->tenant, REPLICATION_KIND, virga_str_from(""), &text);
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The replication configuration could not be read", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "registryId", call->tenant.account);
    virga_json_raw(&writer, "replicationConfiguration",
                   result == 0 ? (struct virga_str){text.ptr, text.len}
                               : virga_str_from("{\"rules\":[]}"));
    virga_json_end_object(&writer);
    call->ecr->store->release(call->ecr->host, &text);
    call_answer(call, &writer);
}

/* --- DescribeImageReplicationStatus --- */

static void fail_image(struct call *call, struct image_id id, const struct image_failure *failure) {
    if (id.digest.ptr == NULL && id.tag.ptr == NULL) {
        call_fail(call, "InvalidParameterException", "%s", failure->reason);
        return;
    }
    call_fail(call, "ImageNotFoundException",
              "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the "
              "repository with name '%.*s' in the registry with id '%s'",
              id.digest.ptr != NULL ? id.digest.ptr : "null",
              id.tag.ptr != NULL ? id.tag.ptr : "null", (int)call->name.len, call->name.ptr,
              call->tenant.account);
}

void action_describe_image_replication_status(struct call *call) {
    struct json_object *object = virga_awsjson_member(call->input, "imageId");
    struct image_id id = {virga_awsjson_str(object, "imageDigest"),
                          virga_awsjson_str(object, "imageTag")};
    struct image_failure failure;
    struct virga_json_writer writer = {0};
    char digest[ECR_DIGEST_LEN + 1];
    if (!call_repository_exists(call)) {
        return;
    }
    int result = image_id_resolve(call, id, digest, &failure);
    if (result == 0 && failure.code != NULL) {
        fail_image(call, id, &failure);
        return;
    }
    const struct replication_subject subject = {&call->tenant, call->name, virga_str_from(digest)};
    virga_json_begin_object(&writer, NULL);
    virga_json_str(&writer, "repositoryName", call->name);
    if (result == 0) {
        image_id_write(&writer, "imageId", subject.digest, id.tag);
        result = replication_status_write(call->ecr, &subject, &writer);
    }
    virga_json_end_object(&writer);
    if (result != 0) {
        virga_json_finish(&writer);
        call_broken(call, "The replication status could not be read", result, NULL);
        return;
    }
    call_answer(call, &writer);
}
