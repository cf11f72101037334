/* SPDX-License-Identifier: MIT */
/* What virga's Lambda does not have: layers, event sources, code signing. Lists of it are empty,
 * one by name is not found, and making one says that it is not there. */
#include "actions.h"

static void answer_empty(struct call *call, const char *list) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, list);
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    call_answer(call, 200, &writer);
}

static void answer_missing(struct call *call) {
    call_fail(call, 404, "ResourceNotFoundException", "The resource you requested does not exist.");
}

static void answer_unsupported(struct call *call, const char *what) {
    call_fail(call, 400, "InvalidParameterValueException",
              "%s are not supported by virga: its lambda-image plugin runs functions of container "
              "images and has none.",
              what);
}

void action_list_layers(struct call *call) {
    /* GetLayerVersionByArn has the same path. */
    if (virga_str_equal(call_str(call, "find"), virga_str_from("LayerVersion"))) {
        answer_missing(call);
    } else {
        answer_empty(call, "Layers");
    }
}

void action_list_layer_versions(struct call *call) {
    answer_empty(call, "LayerVersions");
}

void action_get_layer_version(struct call *call) {
    answer_missing(call);
}

void action_publish_layer_version(struct call *call) {
    answer_unsupported(call, "Layers");
}

void action_list_event_sources(struct call *call) {
    answer_empty(call, "EventSourceMappings");
}

void action_create_event_source(struct call *call) {
    answer_unsupported(call, "Event source mappings");
}

void action_get_event_source(struct call *call) {
    answer_missing(call);
}

void action_update_event_source(struct call *call) {
    answer_missing(call);
}

void action_delete_event_source(struct call *call) {
    answer_missing(call);
}

void action_list_signing_configs(struct call *call) {
    answer_empty(call, "CodeSigningConfigs");
}

void action_create_signing_config(struct call *call) {
    answer_unsupported(call, "Code signing configurations");
}

void action_get_signing_config(struct call *call) {
    answer_missing(call);
}
