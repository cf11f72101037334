/* SPDX-License-Identifier: MIT */
/* Settings of functions: checks by hand, in AWS's words, and their way into documents. */
#include "function_settings.h"

#include "function_document.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/arn.h>

#define ENVIRONMENT_MAX 4096   /* bytes, as JSON. Source: AWS-recorded message */
#define MEMORY_MAX 10240       /* MB. Source: the developer guide, "Lambda quotas" */
#define RESERVED_TEXT_MAX 1024 /* of the list of reserved keys in a message */
#define LAYERS_MAX 5

/* --- checks --- */

static bool check_role(struct call *call) {
    struct virga_str role = call_str(call, "Role");
    struct virga_arn arn;
    if (role.ptr == NULL || virga_arn_parse(role, &arn) != 0 ||
        virga_str_equal(arn.account, virga_str_from(call->tenant.account))) {
        return true;
    }
    call_fail(call, 403, "AccessDeniedException", "Cross-account pass role is not allowed.");
    return false;
}

/* Keys that a function cannot set. Source: the developer guide, "Reserved environment variables";
 * message: Q, many. */
static bool is_reserved(const char *key) {
    static const char *const keys[] = {"_HANDLER",
                                       "_X_AMZN_TRACE_ID",
                                       "AWS_DEFAULT_REGION",
                                       "AWS_REGION",
                                       "AWS_EXECUTION_ENV",
                                       "AWS_LAMBDA_FUNCTION_NAME",
                                       "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                       "AWS_LAMBDA_FUNCTION_VERSION",
                                       "AWS_LAMBDA_INITIALIZATION_TYPE",
                                       "AWS_LAMBDA_LOG_GROUP_NAME",
                                       "AWS_LAMBDA_LOG_STREAM_NAME",
                                       "AWS_ACCESS_KEY",
                                       "AWS_ACCESS_KEY_ID",
                                       "AWS_SECRET_ACCESS_KEY",
                                       "AWS_SESSION_TOKEN",
                                       "AWS_LAMBDA_RUNTIME_API",
                                       "LAMBDA_TASK_ROOT",
                                       "LAMBDA_RUNTIME_DIR"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_environment(struct call *call) {
    char reserved[RESERVED_TEXT_MAX] = "";
    size_t len = 0;
    struct json_object *variables =
        virga_awsjson_member(virga_awsjson_member(call->input, "Environment"), "Variables");
    if (variables == NULL) {
        return true;
    }
    json_object_object_foreach(variables, key, value) {
        size_t used = strlen(reserved);
        if (value == NULL) { /* as if it were not there */
            json_object_object_del(variables, key);
        } else if (is_reserved(key)) {
            (void)snprintf(reserved + used, sizeof reserved - used, "%s%s", used > 0 ? ", " : "",
                           key);
        }
    }
    if (reserved[0] != '\0') {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Lambda was unable to configure your environment variables because the "
                  "environment variables you have provided contains reserved keys that are "
                  "currently not supported for modification. Reserved keys used in this request: "
                  "%s",
                  reserved);
        return false;
    }
    const char *text = json_object_to_json_string_length(
        variables, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (text == NULL) {
        call_broken(call, "The environment could not be measured", -ENOMEM);
        return false;
    }
    if (len > ENVIRONMENT_MAX) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Lambda was unable to configure your environment variables because the "
                  "environment variables you have provided exceeded the 4KB limit. String "
                  "measured: %s",
                  text);
        return false;
    }
    return true;
}

bool function_settings_supported(struct call *call) {
    static const char *const keys[] = {"CapacityProviderConfig", "DurableConfig", "TenancyConfig",
                                       "PublishTo"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (virga_awsjson_member(call->input, keys[i]) != NULL) {
            call_fail(call, 400, "InvalidParameterValueException",
                      "%s is not supported by virga: its functions run on demand, without capacity "
                      "providers, durable executions or isolated tenants.",
                      keys[i]);
            return false;
        }
    }
    return true;
}

bool function_settings_check(struct call *call) {
    if (virga_awsjson_length(call->input, "Layers") > LAYERS_MAX) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Cannot reference more than 5 layers.");
        return false;
    }
    if (call_str(call, "Handler").ptr != NULL || call_str(call, "Runtime").ptr != NULL ||
        virga_awsjson_length(call->input, "Layers") > 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Please don't provide Handler or Runtime or Layer when the intended function "
                  "PackageType is Image.");
        return false;
    }
    if (virga_awsjson_int(call->input, "MemorySize", 0) > MEMORY_MAX) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "'MemorySize' value failed to satisfy constraint: Member must have value less "
                  "than or equal to %d",
                  MEMORY_MAX);
        return false;
    }
    return check_environment(call) && check_role(call);
}

/* --- into the document --- */

/* Members that are kept as they are given. */
static int copy_plain(struct json_object *input, struct json_object *document) {
    static const char *const keys[] = {"Role",          "Description",      "Timeout", "MemorySize",
                                       "TracingConfig", "EphemeralStorage", NULL};
    int result = 0;
    for (const char *const *key = keys; result == 0 && *key != NULL; key++) {
        struct json_object *given = virga_awsjson_member(input, *key);
        if (given != NULL) {
            result = document_set_copy(document, *key, given);
        }
    }
    return result;
}

/* One whose empty form takes it away. */
static int copy_or_remove(struct json_object *document, const char *key, struct json_object *given,
                          bool empty) {
    if (given != NULL && empty) {
        json_object_object_del(document, key);
    }
    return given != NULL && !empty ? document_set_copy(document, key, given) : 0;
}

static int copy_removable(struct json_object *input, struct json_object *document) {
    struct json_object *dead_letter = virga_awsjson_member(input, "DeadLetterConfig");
    struct json_object *environment = virga_awsjson_member(input, "Environment");
    struct json_object *key = virga_awsjson_member(input, "KMSKeyArn");
    struct json_object *files = virga_awsjson_member(input, "FileSystemConfigs");
    int result = copy_or_remove(document, "DeadLetterConfig", dead_letter,
                                virga_awsjson_str(dead_letter, "TargetArn").len == 0);
    if (result == 0) {
        result = copy_or_remove(document, "Environment", environment,
                                virga_awsjson_member(environment, "Variables") == NULL);
    }
    if (result == 0) {
        result = copy_or_remove(document, "KMSKeyArn", key, virga_awsjson_text(key).len == 0);
    }
    return result == 0 ? copy_or_remove(document, "FileSystemConfigs", files,
                                        virga_awsjson_length(input, "FileSystemConfigs") == 0)
                       : result;
}

/* A new object as member `key` of the document, with copies of the members of `given`. NULL: out of
 * memory. */
static struct json_object *begin_member(struct json_object *document, const char *key,
                                        struct json_object *given) {
    struct json_object *member = NULL;
    if (given == NULL || json_object_deep_copy(given, &member, NULL) != 0) {
        json_object_put(member);
        member = given == NULL ? json_object_new_object() : NULL;
    }
    return document_set(document, key, member) == 0 ? member : NULL;
}

/* VpcConfigResponse: subnets and groups as given; there are no networks here, so no VpcId. */
static int apply_vpc(struct json_object *given, struct json_object *document) {
    static const char *const lists[] = {"SubnetIds", "SecurityGroupIds"};
    struct json_object *vpc = begin_member(document, "VpcConfig", given);
    int result = vpc != NULL ? document_set_text(vpc, "VpcId", "") : -ENOMEM;
    for (size_t i = 0; result == 0 && i < 2; i++) {
        if (virga_awsjson_member(vpc, lists[i]) == NULL) {
            result = document_set(vpc, lists[i], json_object_new_array());
        }
    }
    if (result == 0 && virga_awsjson_member(vpc, "Ipv6AllowedForDualStack") == NULL) {
        result = document_set(vpc, "Ipv6AllowedForDualStack", json_object_new_boolean(0));
    }
    return result;
}

static int apply_snap_start(struct json_object *given, struct json_object *document) {
    struct json_object *snap_start = begin_member(document, "SnapStart", NULL);
    struct virga_str on = virga_awsjson_str(given, "ApplyOn");
    int result = snap_start != NULL
                     ? document_set_text(snap_start, "ApplyOn", on.ptr != NULL ? on.ptr : "None")
                     : -ENOMEM;
    return result == 0 ? document_set_text(snap_start, "OptimizationStatus", "Off") : result;
}

/* Levels are there with format JSON only. Source: the developer guide, "Advanced logging". */
static int apply_logging(const char *name, struct json_object *given,
                         struct json_object *document) {
    char group[LAMBDA_ARN_MAX + sizeof "/aws/lambda/"];
    struct json_object *logging = begin_member(document, "LoggingConfig", given);
    int result = logging != NULL ? 0 : -ENOMEM;
    if (result == 0 && virga_awsjson_member(logging, "LogFormat") == NULL) {
        result = document_set_text(logging, "LogFormat", "Text");
    }
    bool levels = result == 0 && strcmp(document_text(logging, "LogFormat"), "JSON") == 0;
    if (levels && virga_awsjson_member(logging, "ApplicationLogLevel") == NULL) {
        result = document_set_text(logging, "ApplicationLogLevel", "INFO");
    }
    if (levels && result == 0 && virga_awsjson_member(logging, "SystemLogLevel") == NULL) {
        result = document_set_text(logging, "SystemLogLevel", "INFO");
    }
    if (result == 0 && virga_awsjson_member(logging, "LogGroup") == NULL) {
        (void)snprintf(group, sizeof group, "/aws/lambda/%s", name);
        result = document_set_text(logging, "LogGroup", group);
    }
    return result;
}

/* Given wholly replaces; one without members takes the settings away. */
static int apply_image_config(struct json_object *given, struct json_object *document) {
    if (virga_awsjson_member(given, "EntryPoint") == NULL &&
        virga_awsjson_member(given, "Command") == NULL &&
        virga_awsjson_member(given, "WorkingDirectory") == NULL) {
        json_object_object_del(document, "ImageConfigResponse");
        return 0;
    }
    struct json_object *response = begin_member(document, "ImageConfigResponse", NULL);
    return response != NULL ? document_set_copy(response, "ImageConfig", given) : -ENOMEM;
}

int function_settings_apply(const struct call *call, struct json_object *document) {
    struct json_object *input = call->input, *given = NULL;
    int result = copy_plain(input, document);
    if (result == 0) {
        result = copy_removable(input, document);
    }
    if (result == 0 && (given = virga_awsjson_member(input, "VpcConfig")) != NULL) {
        result = apply_vpc(given, document);
    }
    if (result == 0 && (given = virga_awsjson_member(input, "SnapStart")) != NULL) {
        result = apply_snap_start(given, document);
    }
    if (result == 0 && (given = virga_awsjson_member(input, "LoggingConfig")) != NULL) {
        result = apply_logging(document_text(document, "FunctionName"), given, document);
    }
    if (result == 0 && (given = virga_awsjson_member(input, "ImageConfig")) != NULL) {
        result = apply_image_config(given, document);
    }
    return result;
}

int function_settings_default(const char *name, struct json_object *document) {
    struct json_object *architectures = json_object_new_array();
    int result = document_set(document, "Architectures", architectures);
    if (result == 0 &&
        json_object_array_add(architectures, json_object_new_string("x86_64")) != 0) {
        result = -ENOMEM;
    }
    if (result == 0) {
        result = document_set_text(document, "Description", "");
    }
    if (result == 0) {
        result = document_set(document, "Timeout", json_object_new_int(3));
    }
    if (result == 0) {
        result = document_set(document, "MemorySize", json_object_new_int(128));
    }
    if (result == 0) {
        struct json_object *storage = begin_member(document, "EphemeralStorage", NULL);
        result =
            storage != NULL ? document_set(storage, "Size", json_object_new_int(512)) : -ENOMEM;
    }
    if (result == 0) {
        struct json_object *tracing = begin_member(document, "TracingConfig", NULL);
        result = tracing != NULL ? document_set_text(tracing, "Mode", "PassThrough") : -ENOMEM;
    }
    if (result == 0) {
        result = apply_snap_start(NULL, document);
    }
    return result == 0 ? apply_logging(name, NULL, document) : result;
}
