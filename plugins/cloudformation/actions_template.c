/* SPDX-License-Identifier: MIT */
/* Showing and checking templates. */
#include "change_set.h"
#include "source.h"
#include "template.h"

#include <errno.h>

/* GetTemplate of a stack that has none yet gives an empty body. */
void action_get_template(struct call *call) {
    struct json_object *change_set = NULL;
    const char *set_name = call_text(call, "ChangeSetName");
    int result = 0;
    if (set_name == NULL && call_text(call, "StackName") == NULL) {
        call_invalid(call, "Either StackName or ChangeSetName must be specified.");
        return;
    }
    if (set_name == NULL) {
        if (!call_find_stack(call, "Stack with id %s does not exist")) {
            return;
        }
        result = record_get_text(call->cfn, &call->text, "t/%s/c", value_text(call->stack, "uuid"));
        result = result == -ENOENT ? 0 : result;
    } else {
        result = change_set_find(call, &change_set);
        if (result == -ESRCH || result == -ENOENT) {
            call_fail(call, 404, "ChangeSetNotFound", "ChangeSet [%s] does not exist", set_name);
            return;
        }
        if (result == 0) {
            result =
                record_get_text(call->cfn, &call->text, "b/%s/%s", value_text(call->stack, "uuid"),
                                value_text(change_set, "name"));
            json_object_put(change_set);
            result = result == -ENOENT ? 0 : result;
        }
    }
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    call_result(call);
    virga_xml_str(&call->writer, "TemplateBody", text_str(&call->text));
    virga_xml_begin(&call->writer, "StagesAvailable");
    virga_xml_string(&call->writer, "member", "Original");
    virga_xml_string(&call->writer, "member", "Processed");
    virga_xml_end(&call->writer, "StagesAvailable");
    call_answer(call);
}

static void write_capabilities(struct call *call) {
    struct json_object *types = NULL;
    unsigned needs = template_capabilities(call->root, &types);
    if (needs != 0) {
        struct text reason = {0};
        virga_xml_begin(&call->writer, "Capabilities");
        virga_xml_string(&call->writer, "member",
                         (needs & TEMPLATE_NEEDS_NAMED_IAM) != 0 ? "CAPABILITY_NAMED_IAM"
                                                                 : "CAPABILITY_IAM");
        virga_xml_end(&call->writer, "Capabilities");
        text_add_string(&reason, "The following resource(s) require capabilities: [");
        for (size_t i = 0; i < value_length(types); i++) {
            text_addf(&reason, "%s%s", i > 0 ? ", " : "", value_scalar(value_element(types, i)));
        }
        text_add_string(&reason, "]");
        virga_xml_str(&call->writer, "CapabilitiesReason", text_str(&reason));
        text_finish(&reason);
    }
    json_object_put(types);
}

static void write_parameters(struct call *call, bool in_full) {
    struct json_object *parameters = template_section(call->root, "Parameters");
    struct virga_xml_writer *writer = &call->writer;
    virga_xml_begin(writer, "Parameters");
    if (parameters != NULL) {
        json_object_object_foreach(parameters, name, parameter) {
            virga_xml_begin(writer, "member");
            virga_xml_string(writer, "ParameterKey", name);
            virga_xml_string(writer, "DefaultValue", value_text(parameter, "Default"));
            if (in_full) {
                virga_xml_string(writer, "ParameterType", value_text(parameter, "Type"));
            }
            virga_xml_bool(writer, "NoEcho", value_bool(parameter, "NoEcho"));
            virga_xml_string(writer, "Description", value_text(parameter, "Description"));
            if (in_full) {
                virga_xml_begin(writer, "ParameterConstraints");
                if (value_member(parameter, "AllowedValues") != NULL) {
                    call_write_texts(call, "AllowedValues",
                                     value_member(parameter, "AllowedValues"));
                }
                virga_xml_end(writer, "ParameterConstraints");
            }
            virga_xml_end(writer, "member");
        }
    }
    virga_xml_end(writer, "Parameters");
}

static void validate(struct call *call) {
    call_result(call);
    write_parameters(call, false);
    virga_xml_string(&call->writer, "Description", value_text(call->root, "Description"));
    write_capabilities(call);
    call_answer(call);
}

void action_validate_template(struct call *call) {
    call->on_ready = validate;
    source_read_template(call, false);
}

static void write_types(struct call *call) {
    struct json_object *resources = template_section(call->root, "Resources");
    virga_xml_begin(&call->writer, "ResourceTypes");
    json_object_object_foreach(resources, logical, resource) {
        bool first = true;
        const char *type = value_text(resource, "Type");
        json_object_object_foreach(resources, other, one) {
            if (strcmp(other, logical) == 0) {
                break;
            }
            first = first && strcmp(value_text(one, "Type"), type) != 0;
        }
        if (first) {
            virga_xml_string(&call->writer, "member", type);
        }
    }
    virga_xml_end(&call->writer, "ResourceTypes");
}

static void summarize(struct call *call) {
    struct json_object *metadata = template_section(call->root, "Metadata");
    call_result(call);
    write_parameters(call, true);
    virga_xml_string(&call->writer, "Description", value_text(call->root, "Description"));
    write_capabilities(call);
    write_types(call);
    virga_xml_string(&call->writer, "Version", value_text(call->root, "AWSTemplateFormatVersion"));
    virga_xml_string(&call->writer, "Metadata", metadata != NULL ? value_json(metadata) : NULL);
    call_answer(call);
}

void action_get_template_summary(struct call *call) {
    if (call_text(call, "StackName") != NULL &&
        !call_find_stack(call, "Stack with id %s does not exist")) {
        return;
    }
    call->on_ready = summarize;
    source_read_template(call, true);
}
