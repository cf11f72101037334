/* SPDX-License-Identifier: MIT */
/* The API model's facts about the inputs. */
#include "model.h"

#include <ctype.h>

#define MEMBER(wire, in_messages, member_shape)                                                    \
    { .name = (wire), .shape = &(member_shape), .shown = (in_messages) }
#define REQUIRED(wire, in_messages, member_shape)                                                  \
    { .name = (wire), .shape = &(member_shape), .required = 1, .shown = (in_messages) }
#define END                                                                                        \
    { .name = NULL }

/* \p{..} is no POSIX expression: letters, separators and numbers of any script, so beyond ASCII
 * everything is let through. */
static int is_tag(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (isascii(c) && !isalnum(c) && strchr(" _.:/=+-@", c) == NULL) {
            return 0;
        }
    }
    return 1;
}

static const struct virga_model_shape name = {.type = VIRGA_MODEL_STRING, .min = 1, .max = 2048};
static const struct virga_model_shape name_list = {
    .type = VIRGA_MODEL_LIST, .min = 1, .max = 10, .element = &name};
static const struct virga_model_shape boolean = {.type = VIRGA_MODEL_BOOLEAN};
static const struct virga_model_shape string = {.type = VIRGA_MODEL_STRING};
static const struct virga_model_shape description = {.type = VIRGA_MODEL_STRING, .max = 1024};
static const struct virga_model_shape value = {.type = VIRGA_MODEL_STRING, .min = 1};
static const char *const types[] = {"SecureString", "StringList", "String", NULL};
static const struct virga_model_shape type = {.type = VIRGA_MODEL_STRING, .values = types};
static const struct virga_model_shape key_id = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 256, .pattern = "^([a-zA-Z0-9:/_-]+)$"};
static const struct virga_model_shape allowed_pattern = {.type = VIRGA_MODEL_STRING, .max = 1024};
static const char *const tiers[] = {"Standard", "Advanced", "Intelligent-Tiering", NULL};
static const struct virga_model_shape tier = {.type = VIRGA_MODEL_STRING, .values = tiers};
static const struct virga_model_shape policies = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 4096};
static const struct virga_model_shape data_type = {.type = VIRGA_MODEL_STRING, .max = 128};

static const struct virga_model_shape tag_key = {
    .type = VIRGA_MODEL_STRING,
    .min = 1,
    .max = 128,
    .pattern = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$",
    .matches = is_tag,
};
static const struct virga_model_shape tag_value = {
    .type = VIRGA_MODEL_STRING,
    .max = 256,
    .pattern = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$",
    .matches = is_tag,
};
static const struct virga_model_member tag_members[] = {REQUIRED("Key", "key", tag_key),
                                                        REQUIRED("Value", "value", tag_value), END};
static const struct virga_model_shape tag = {.type = VIRGA_MODEL_STRUCTURE, .members = tag_members};
static const struct virga_model_shape tag_list = {
    .type = VIRGA_MODEL_LIST, .max = 1000, .element = &tag};
static const struct virga_model_shape tag_key_list = {.type = VIRGA_MODEL_LIST,
                                                      .element = &tag_key};
static const char *const resource_types[] = {
    "Association", "Automation",  "Document",  "MaintenanceWindow", "ManagedInstance",
    "OpsItem",     "OpsMetadata", "Parameter", "PatchBaseline",     NULL};
static const struct virga_model_shape resource_type = {.type = VIRGA_MODEL_STRING,
                                                       .values = resource_types};

static const struct virga_model_shape label = {.type = VIRGA_MODEL_STRING, .min = 1, .max = 100};
static const struct virga_model_shape labels = {
    .type = VIRGA_MODEL_LIST, .min = 1, .max = 10, .element = &label};
static const struct virga_model_shape version = {.type = VIRGA_MODEL_INTEGER};

static const struct virga_model_shape ten = {.type = VIRGA_MODEL_INTEGER, .min = 1, .max = 10};
static const struct virga_model_shape fifty = {.type = VIRGA_MODEL_INTEGER, .min = 1, .max = 50};

static const struct virga_model_shape filter_value = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 1024};
static const struct virga_model_shape filter_values = {
    .type = VIRGA_MODEL_LIST, .min = 1, .max = 50, .element = &filter_value};
static const struct virga_model_shape filter_key = {
    .type = VIRGA_MODEL_STRING,
    .min = 1,
    .max = 132,
    .pattern = "tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType",
};
static const struct virga_model_shape filter_option = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 10};
static const struct virga_model_member filter_members[] = {
    REQUIRED("Key", "key", filter_key), MEMBER("Option", "option", filter_option),
    MEMBER("Values", "values", filter_values), END};
static const struct virga_model_shape filter = {.type = VIRGA_MODEL_STRUCTURE,
                                                .members = filter_members};
static const struct virga_model_shape filter_list = {.type = VIRGA_MODEL_LIST, .element = &filter};

/* The older form of filters. */
static const char *const old_filter_keys[] = {"Name", "Type", "KeyId", NULL};
static const struct virga_model_shape old_filter_key = {.type = VIRGA_MODEL_STRING,
                                                        .values = old_filter_keys};
static const struct virga_model_member old_filter_members[] = {
    REQUIRED("Key", "key", old_filter_key), REQUIRED("Values", "values", filter_values), END};
static const struct virga_model_shape old_filter = {.type = VIRGA_MODEL_STRUCTURE,
                                                    .members = old_filter_members};
static const struct virga_model_shape old_filter_list = {.type = VIRGA_MODEL_LIST,
                                                         .element = &old_filter};

#define INPUT(action, ...)                                                                         \
    static const struct virga_model_member action##_members[] = {__VA_ARGS__, END};                \
    const struct virga_model_shape model_##action = {.type = VIRGA_MODEL_STRUCTURE,                \
                                                     .members = action##_members}

INPUT(put_parameter, REQUIRED("Name", "name", name),
      MEMBER("Description", "description", description), REQUIRED("Value", "value", value),
      MEMBER("Type", "type", type), MEMBER("KeyId", "keyId", key_id),
      MEMBER("Overwrite", "overwrite", boolean),
      MEMBER("AllowedPattern", "allowedPattern", allowed_pattern), MEMBER("Tags", "tags", tag_list),
      MEMBER("Tier", "tier", tier), MEMBER("Policies", "policies", policies),
      MEMBER("DataType", "dataType", data_type));
INPUT(get_parameter, REQUIRED("Name", "name", name),
      MEMBER("WithDecryption", "withDecryption", boolean));
INPUT(get_parameters, REQUIRED("Names", "names", name_list),
      MEMBER("WithDecryption", "withDecryption", boolean));
INPUT(get_parameters_by_path, REQUIRED("Path", "path", name),
      MEMBER("Recursive", "recursive", boolean),
      MEMBER("ParameterFilters", "parameterFilters", filter_list),
      MEMBER("WithDecryption", "withDecryption", boolean), MEMBER("MaxResults", "maxResults", ten),
      MEMBER("NextToken", "nextToken", string));
INPUT(describe_parameters, MEMBER("Filters", "filters", old_filter_list),
      MEMBER("ParameterFilters", "parameterFilters", filter_list),
      MEMBER("MaxResults", "maxResults", fifty), MEMBER("NextToken", "nextToken", string));
INPUT(get_parameter_history, REQUIRED("Name", "name", name),
      MEMBER("WithDecryption", "withDecryption", boolean),
      MEMBER("MaxResults", "maxResults", fifty), MEMBER("NextToken", "nextToken", string));
INPUT(delete_parameter, REQUIRED("Name", "name", name));
INPUT(delete_parameters, REQUIRED("Names", "names", name_list));
INPUT(add_tags_to_resource, REQUIRED("ResourceType", "resourceType", resource_type),
      REQUIRED("ResourceId", "resourceId", string), REQUIRED("Tags", "tags", tag_list));
INPUT(label_parameter_version, REQUIRED("Name", "name", name),
      MEMBER("ParameterVersion", "parameterVersion", version),
      REQUIRED("Labels", "labels", labels));
INPUT(unlabel_parameter_version, REQUIRED("Name", "name", name),
      REQUIRED("ParameterVersion", "parameterVersion", version),
      REQUIRED("Labels", "labels", labels));
INPUT(list_tags_for_resource, REQUIRED("ResourceType", "resourceType", resource_type),
      REQUIRED("ResourceId", "resourceId", string));
INPUT(remove_tags_from_resource, REQUIRED("ResourceType", "resourceType", resource_type),
      REQUIRED("ResourceId", "resourceId", string), REQUIRED("TagKeys", "tagKeys", tag_key_list));
