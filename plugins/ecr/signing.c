/* SPDX-License-Identifier: MIT */
/* PutSigningConfiguration, GetSigningConfiguration, DeleteSigningConfiguration and
 * DescribeImageSigningStatus. */
#include "actions.h"
#include "image_id.h"
#include "signing_record.h"

#include <errno.h>

/* Writes {"rules"}; of what was given, the members that the API has. */
static void write_config(struct json_object *config, const char *key,
                         struct virga_json_writer *writer) {
    size_t rules = virga_awsjson_length(config, "rules");
    virga_json_begin_object(writer, key);
    virga_json_begin_array(writer, "rules");
    for (size_t i = 0; i < rules; i++) {
        struct json_object *rule = virga_awsjson_element(config, "rules", i);
        size_t filters = virga_awsjson_length(rule, "repositoryFilters");
        virga_json_begin_object(writer, NULL);
        virga_json_str(writer, "signingProfileArn", virga_awsjson_str(rule, "signingProfileArn"));
        if (filters > 0) {
            virga_json_begin_array(writer, "repositoryFilters");
        }
        for (size_t j = 0; j < filters; j++) {
            struct json_object *filter = virga_awsjson_element(rule, "repositoryFilters", j);
            virga_json_begin_object(writer, NULL);
            virga_json_str(writer, "filter", virga_awsjson_str(filter, "filter"));
            virga_json_str(writer, "filterType", virga_awsjson_str(filter, "filterType"));
            virga_json_end_object(writer);
        }
        if (filters > 0) {
            virga_json_end_array(writer);
        }
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
    virga_json_end_object(writer);
}

void action_put_signing_configuration(struct call *call) {
    struct json_object *config = virga_awsjson_member(call->input, "signingConfiguration");
    struct virga_json_writer kept = {0}, writer = {0};
    write_config(config, NULL, &kept);
    int result = kept.failed ? -ENOMEM
                             : signing_config_put(call->ecr, &call->tenant,
                                                  (struct virga_str){kept.ptr, kept.len});
    virga_json_finish(&kept);
    if (result != 0) {
        call_broken(call, "The signing configuration could not be recorded", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    write_config(config, "signingConfiguration", &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

/* Answers with the configuration, which `removes` takes away. */
static void answer_config(struct call *call, bool removes) {
    struct virga_json_writer writer = {0};
    struct json_object *config = NULL;
    int result = signing_config_get(call->ecr, &call->tenant, &config);
    if (result == 0 && removes) {
        result = signing_config_delete(call->ecr, &call->tenant);
    }
    if (result == -ENOENT) {
        call_fail(call, "SigningConfigurationNotFoundException",
                  "Signing configuration does not exist in the registry with id '%s'",
                  call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The signing configuration could not be read or deleted", result, NULL);
    } else {
        virga_json_begin_object(&writer, NULL);
        virga_json_string(&writer, "registryId", call->tenant.account);
        write_config(config, "signingConfiguration", &writer);
        virga_json_end_object(&writer);
        call_answer(call, &writer);
    }
    json_object_put(config);
}

void action_get_signing_configuration(struct call *call) {
    answer_config(call, false);
}

void action_delete_signing_configuration(struct call *call) {
    answer_config(call, true);
}

void action_describe_image_signing_status(struct call *call) {
    struct virga_json_writer writer = {0};
    struct signing_statuses statuses;
    struct meta_image image;
    struct image_id id;
    if (!image_id_take(call, &id, &image)) {
        return;
    }
    struct virga_str digest = virga_str_from(image.digest);
    int result = signing_statuses_get(call->ecr, &call->tenant, call->name, digest, &statuses);
    if (result != 0) {
        meta_image_finish(&image);
        call_broken(call, "The signing status could not be read", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    image_id_write(&writer, "imageId", digest, id.tag);
    virga_json_begin_array(&writer, "signingStatuses");
    for (size_t i = 0; i < statuses.count; i++) {
        const struct signing_status *status = &statuses.list[i];
        bool failed = status->state == SIGNING_FAILED;
        virga_json_begin_object(&writer, NULL);
        virga_json_string(&writer, "signingProfileArn", status->profile);
        virga_json_string(&writer, "failureCode", failed ? status->code : NULL);
        virga_json_string(&writer, "failureReason", failed ? status->reason : NULL);
        virga_json_string(&writer, "status", signing_state_word(status->state));
        virga_json_end_object(&writer);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    meta_image_finish(&image);
    call_answer(call, &writer);
}
