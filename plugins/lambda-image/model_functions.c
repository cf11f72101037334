/* SPDX-License-Identifier: MIT */
/* The API model's facts about the inputs of the actions on functions and versions. Patterns of
 * FunctionName and Qualifier are actions.c's. Enums are in the order of AWS's messages. */
#include "actions.h"
#include "model_grammar.h"
#include "model_shape.h"

#define ROLE_PATTERN "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"
#define ARN_OR_EMPTY_PATTERN "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"
#define FILE_SYSTEM_PATTERN                                                                        \
    "arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}:"      \
    "access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/"             \
    "fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}"
#define LAYER_VERSION_PATTERN                                                                      \
    "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+"

/* --- shapes --- */

SHAPE(any_string, STRING);
SHAPE(boolean, BOOLEAN);
SHAPE(blob, BLOB);
SHAPE(string_map, MAP, .element = &any_string);

SHAPE(function_name, STRING, .min = 1, .max = 140);
SHAPE(namespaced_name, STRING, .min = 1, .max = 256);
SHAPE(qualifier, STRING, .min = 1, .max = LAMBDA_QUALIFIER_MAX);
SHAPE(max_items, INTEGER, .min = 1, .max = 10000);

SHAPE(role, STRING, .pattern = ROLE_PATTERN, .matches = model_is_role);
SHAPE(handler, STRING, .max = 128, .pattern = "[^\\s]+", .matches = model_is_handler);
SHAPE(runtime, STRING,
      VALUES("nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x",
             "nodejs14.x", "nodejs16.x", "java8", "java8.al2", "java11", "python2.7", "python3.6",
             "python3.7", "python3.8", "python3.9", "dotnetcore1.0", "dotnetcore2.0",
             "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "dotnet8", "nodejs4.3-edge", "go1.x",
             "ruby2.5", "ruby2.7", "provided", "provided.al2", "nodejs18.x", "python3.10", "java17",
             "ruby3.2", "ruby3.3", "ruby3.4", "python3.11", "nodejs20.x", "provided.al2023",
             "python3.12", "java21", "python3.13", "nodejs22.x", "nodejs24.x", "python3.14",
             "java25", "dotnet10", "ruby4.0"));
SHAPE(description, STRING, .max = 256);
SHAPE(timeout, INTEGER, .min = 1, .max = 900);
SHAPE(memory_size, INTEGER, .min = 128, .max = 32768);
SHAPE(package_type, STRING, VALUES("Zip", "Image"));
SHAPE(publish_to, STRING, VALUES("LATEST_PUBLISHED"));

SHAPE(bucket, STRING, .min = 3, .max = 63, .pattern = "[0-9A-Za-z\\.\\-_]*(?<!\\.)",
      .matches = model_is_bucket);
SHAPE(object_key, STRING, .min = 1, .max = 1024);
SHAPE(kms_key, STRING, .pattern = ARN_OR_EMPTY_PATTERN, .matches = model_is_arn_or_empty);
#define CODE_MEMBERS                                                                               \
    MEMBER("ZipFile", "zipFile", blob), MEMBER("S3Bucket", "s3Bucket", bucket),                    \
        MEMBER("S3Key", "s3Key", object_key),                                                      \
        MEMBER("S3ObjectVersion", "s3ObjectVersion", object_key),                                  \
        MEMBER("ImageUri", "imageUri", any_string),                                                \
        MEMBER("SourceKMSKeyArn", "sourceKMSKeyArn", kms_key)
SHAPE(code, STRUCTURE, STRUCTURE(CODE_MEMBERS));

SHAPE(subnets, LIST, .max = 16, .element = &any_string, .whole = 1);
SHAPE(security_groups, LIST, .max = 5, .element = &any_string, .whole = 1);
SHAPE(vpc, STRUCTURE,
      STRUCTURE(MEMBER("SubnetIds", "subnetIds", subnets),
                MEMBER("SecurityGroupIds", "securityGroupIds", security_groups),
                MEMBER("Ipv6AllowedForDualStack", "ipv6AllowedForDualStack", boolean)));
SHAPE(dead_letter, STRUCTURE, STRUCTURE(MEMBER("TargetArn", "targetArn", kms_key)));

SHAPE(variable_name, STRING, .pattern = "[a-zA-Z]([a-zA-Z0-9_])+", .matches = model_is_variable);
SHAPE(variables, MAP, .key = &variable_name, .element = &any_string, .whole = 1, .secret = 1);
SHAPE(environment, STRUCTURE, STRUCTURE(MEMBER("Variables", "variables", variables)));

SHAPE(tracing_mode, STRING, VALUES("Active", "PassThrough"));
SHAPE(tracing, STRUCTURE, STRUCTURE(MEMBER("Mode", "mode", tracing_mode)));
SHAPE(layer_version, STRING, .min = 1, .max = 140, .pattern = LAYER_VERSION_PATTERN,
      .matches = model_is_layer_version);
SHAPE(layers, LIST, .element = &layer_version, .whole = 1);

SHAPE(file_system_arn, STRING, .max = 256, .pattern = FILE_SYSTEM_PATTERN,
      .matches = model_is_file_system);
SHAPE(mount_path, STRING, .max = 160, .pattern = "/mnt/[a-zA-Z0-9-_.]+",
      .matches = model_is_mount_path);
SHAPE(file_system, STRUCTURE,
      STRUCTURE(REQUIRED("Arn", "arn", file_system_arn),
                REQUIRED("LocalMountPath", "localMountPath", mount_path)));
SHAPE(file_systems, LIST, .max = 1, .element = &file_system);

SHAPE(words, LIST, .max = 1500, .element = &any_string, .whole = 1);
SHAPE(working_directory, STRING, .max = 1000);
SHAPE(image_config, STRUCTURE,
      STRUCTURE(MEMBER("EntryPoint", "entryPoint", words), MEMBER("Command", "command", words),
                MEMBER("WorkingDirectory", "workingDirectory", working_directory)));

SHAPE(architecture, STRING, VALUES("x86_64", "arm64"));
SHAPE(architectures, LIST, .min = 1, .max = 1, .element = &architecture, .whole = 1);
SHAPE(storage_size, INTEGER, .min = 512, .max = 10240);
SHAPE(storage, STRUCTURE, STRUCTURE(REQUIRED("Size", "size", storage_size)));
SHAPE(snap_start_on, STRING, VALUES("PublishedVersions", "None"));
SHAPE(snap_start, STRUCTURE, STRUCTURE(MEMBER("ApplyOn", "applyOn", snap_start_on)));

SHAPE(log_format, STRING, VALUES("JSON", "Text"));
SHAPE(application_level, STRING, VALUES("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"));
SHAPE(system_level, STRING, VALUES("DEBUG", "INFO", "WARN"));
SHAPE(log_group, STRING, .min = 1, .max = 512, .pattern = "[\\.\\-_/#A-Za-z0-9]+",
      .matches = model_is_log_group);
SHAPE(logging, STRUCTURE,
      STRUCTURE(MEMBER("LogFormat", "logFormat", log_format),
                MEMBER("ApplicationLogLevel", "applicationLogLevel", application_level),
                MEMBER("SystemLogLevel", "systemLogLevel", system_level),
                MEMBER("LogGroup", "logGroup", log_group)));

SHAPE(signing_config_arn, STRING, .max = 200,
      .pattern = "arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}:"
                 "code-signing-config:csc-[a-z0-9]{17}",
      .matches = model_is_signing_config);

/* --- inputs --- */

#define FUNCTION REQUIRED("FunctionName", "functionName", function_name)
#define NAMESPACED REQUIRED("FunctionName", "functionName", namespaced_name)
#define QUALIFIER MEMBER("Qualifier", "qualifier", qualifier)
#define PAGE MEMBER("Marker", "marker", any_string), MEMBER("MaxItems", "maxItems", max_items)
#define SETTINGS                                                                                   \
    MEMBER("Handler", "handler", handler), MEMBER("Runtime", "runtime", runtime),                  \
        MEMBER("Description", "description", description), MEMBER("Timeout", "timeout", timeout),  \
        MEMBER("MemorySize", "memorySize", memory_size), MEMBER("VpcConfig", "vpcConfig", vpc),    \
        MEMBER("DeadLetterConfig", "deadLetterConfig", dead_letter),                               \
        MEMBER("Environment", "environment", environment),                                         \
        MEMBER("KMSKeyArn", "kMSKeyArn", kms_key),                                                 \
        MEMBER("TracingConfig", "tracingConfig", tracing), MEMBER("Layers", "layers", layers),     \
        MEMBER("FileSystemConfigs", "fileSystemConfigs", file_systems),                            \
        MEMBER("ImageConfig", "imageConfig", image_config),                                        \
        MEMBER("EphemeralStorage", "ephemeralStorage", storage),                                   \
        MEMBER("SnapStart", "snapStart", snap_start),                                              \
        MEMBER("LoggingConfig", "loggingConfig", logging)

INPUT(model_create_function, FUNCTION, REQUIRED("Role", "role", role),
      REQUIRED("Code", "code", code), MEMBER("PackageType", "packageType", package_type), SETTINGS,
      MEMBER("Architectures", "architectures", architectures),
      MEMBER("Publish", "publish", boolean), MEMBER("PublishTo", "publishTo", publish_to),
      MEMBER("Tags", "tags", string_map),
      MEMBER("CodeSigningConfigArn", "codeSigningConfigArn", signing_config_arn));
INPUT(model_update_function_code, FUNCTION, CODE_MEMBERS,
      MEMBER("Architectures", "architectures", architectures),
      MEMBER("Publish", "publish", boolean), MEMBER("DryRun", "dryRun", boolean),
      MEMBER("RevisionId", "revisionId", any_string), MEMBER("PublishTo", "publishTo", publish_to));
INPUT(model_update_function_configuration, FUNCTION, MEMBER("Role", "role", role), SETTINGS,
      MEMBER("RevisionId", "revisionId", any_string));
INPUT(model_get_function, QUALIFIER, NAMESPACED);
INPUT(model_get_function_configuration, QUALIFIER, NAMESPACED);
INPUT(model_delete_function, QUALIFIER, NAMESPACED);
INPUT(model_publish_version, FUNCTION, MEMBER("CodeSha256", "codeSha256", any_string),
      MEMBER("Description", "description", description),
      MEMBER("RevisionId", "revisionId", any_string), MEMBER("PublishTo", "publishTo", publish_to));

SHAPE(master_region, STRING, .pattern = "ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1}",
      .matches = model_is_master_region);
SHAPE(function_version, STRING, VALUES("ALL"));
INPUT(model_list_functions, MEMBER("MasterRegion", "masterRegion", master_region),
      MEMBER("FunctionVersion", "functionVersion", function_version), PAGE);
INPUT(model_list_versions, NAMESPACED, PAGE);
/* Nothing. */
INPUT(model_get_account_settings, MEMBER("Marker", "marker", any_string));

/* --- inputs about what belongs to a function, or what functions of images do not have --- */

SHAPE(recursive_loop, STRING, VALUES("Terminate", "Allow"));
INPUT(model_get_recursion, FUNCTION);
INPUT(model_put_recursion, FUNCTION, REQUIRED("RecursiveLoop", "recursiveLoop", recursive_loop));

SHAPE(update_runtime_on, STRING, VALUES("Auto", "Manual", "FunctionUpdate"));
SHAPE(runtime_version, STRING, .min = 26, .max = 2048);
INPUT(model_get_runtime_management, QUALIFIER, NAMESPACED);
INPUT(model_put_runtime_management, QUALIFIER, NAMESPACED,
      REQUIRED("UpdateRuntimeOn", "updateRuntimeOn", update_runtime_on),
      MEMBER("RuntimeVersionArn", "runtimeVersionArn", runtime_version));

SHAPE(published, STRING, .min = 1, .max = LAMBDA_QUALIFIER_MAX,
      .pattern = "(\\$LATEST\\.PUBLISHED|[0-9]+)", .matches = model_is_published);
SHAPE(environments, INTEGER, .max = 15000);
SHAPE(scaling, STRUCTURE,
      STRUCTURE(MEMBER("MinExecutionEnvironments", "minExecutionEnvironments", environments),
                MEMBER("MaxExecutionEnvironments", "maxExecutionEnvironments", environments)));
INPUT(model_get_scaling, REQUIRED("Qualifier", "qualifier", published), FUNCTION);
INPUT(model_put_scaling, REQUIRED("Qualifier", "qualifier", published), FUNCTION,
      MEMBER("FunctionScalingConfig", "functionScalingConfig", scaling));

INPUT(model_get_code_signing, NAMESPACED);
INPUT(model_put_code_signing, NAMESPACED,
      REQUIRED("CodeSigningConfigArn", "codeSigningConfigArn", signing_config_arn));
INPUT(model_delete_code_signing, NAMESPACED);
INPUT(model_list_signing_configs, PAGE);
INPUT(model_create_signing_config, MEMBER("Description", "description", description));
INPUT(model_get_signing_config,
      REQUIRED("CodeSigningConfigArn", "codeSigningConfigArn", signing_config_arn));

SHAPE(layer_name, STRING, .min = 1, .max = 140,
      .pattern =
          "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+",
      .matches = model_is_layer);
SHAPE(max_layers, INTEGER, .min = 1, .max = 50);
SHAPE(version_number, INTEGER);
#define LAYER REQUIRED("LayerName", "layerName", layer_name)
#define LAYER_PAGE                                                                                 \
    MEMBER("CompatibleRuntime", "compatibleRuntime", runtime),                                     \
        MEMBER("CompatibleArchitecture", "compatibleArchitecture", architecture),                  \
        MEMBER("Marker", "marker", any_string), MEMBER("MaxItems", "maxItems", max_layers)
INPUT(model_list_layers, LAYER_PAGE, MEMBER("find", "find", any_string),
      MEMBER("Arn", "arn", any_string));
INPUT(model_list_layer_versions, LAYER, LAYER_PAGE);
INPUT(model_publish_layer_version, LAYER);
INPUT(model_get_layer_version, LAYER, REQUIRED("VersionNumber", "versionNumber", version_number));

INPUT(model_list_event_sources, MEMBER("EventSourceArn", "eventSourceArn", any_string),
      MEMBER("FunctionName", "functionName", namespaced_name), PAGE);
INPUT(model_create_event_source, NAMESPACED);
INPUT(model_get_event_source, REQUIRED("UUID", "uUID", any_string));
INPUT(model_update_event_source, REQUIRED("UUID", "uUID", any_string));
INPUT(model_delete_event_source, REQUIRED("UUID", "uUID", any_string));
