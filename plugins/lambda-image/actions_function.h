/* SPDX-License-Identifier: MIT */
/* The actions on functions and their versions, and on what functions of images do not have. */
#ifndef LAMBDA_ACTIONS_FUNCTION_H
#define LAMBDA_ACTIONS_FUNCTION_H

/* Largest body of a call that brings code (AWS-recorded message), and of the others. */
#define CODE_BODY_MAX 70167211
#define SETTINGS_BODY_MAX 1048576

#define FUNCTIONS_PATH "/2015-03-31/functions"
#define FUNCTION_PATH FUNCTIONS_PATH "/{FunctionName}"
#define CODE_SIGNING_PATH "/2020-06-30/functions/{FunctionName}/code-signing-config"
#define CODE_SIGNING_CONFIGS_PATH "/2020-04-22/code-signing-configs"
#define EVENT_SOURCES_PATH "/2015-03-31/event-source-mappings"
#define LAYERS_PATH "/2018-10-31/layers"
#define RECURSION_PATH "/2024-08-31/functions/{FunctionName}/recursion-config"
#define RUNTIME_PATH "/2021-07-20/functions/{FunctionName}/runtime-management-config"
#define SCALING_PATH "/2025-11-30/functions/{FunctionName}/function-scaling-config"
#define ACCOUNT_PATH "/2016-08-19/account-settings"

#define ACTIONS_FUNCTION(X)                                                                        \
    X(CreateFunction, create_function, "POST", FUNCTIONS_PATH, ACTION_NAMES_ITSELF, CODE_BODY_MAX) \
    X(ListFunctions, list_functions, "GET", FUNCTIONS_PATH, 0, 0)                                  \
    X(GetFunction, get_function, "GET", FUNCTION_PATH, 0, 0)                                       \
    X(DeleteFunction, delete_function, "DELETE", FUNCTION_PATH, 0, 0)                              \
    X(GetFunctionConfiguration, get_function_configuration, "GET", FUNCTION_PATH "/configuration", \
      0, 0)                                                                                        \
    X(UpdateFunctionConfiguration, update_function_configuration, "PUT",                           \
      FUNCTION_PATH "/configuration", 0, SETTINGS_BODY_MAX)                                        \
    X(UpdateFunctionCode, update_function_code, "PUT", FUNCTION_PATH "/code", 0, CODE_BODY_MAX)    \
    X(PublishVersion, publish_version, "POST", FUNCTION_PATH "/versions", 0, SETTINGS_BODY_MAX)    \
    X(ListVersionsByFunction, list_versions, "GET", FUNCTION_PATH "/versions", 0, 0)               \
    X(GetAccountSettings, get_account_settings, "GET", ACCOUNT_PATH, 0, 0)                         \
    X(GetFunctionRecursionConfig, get_recursion, "GET", RECURSION_PATH, 0, 0)                      \
    X(PutFunctionRecursionConfig, put_recursion, "PUT", RECURSION_PATH, 0, SETTINGS_BODY_MAX)      \
    X(GetRuntimeManagementConfig, get_runtime_management, "GET", RUNTIME_PATH, 0, 0)               \
    X(PutRuntimeManagementConfig, put_runtime_management, "PUT", RUNTIME_PATH, 0,                  \
      SETTINGS_BODY_MAX)                                                                           \
    X(GetFunctionScalingConfig, get_scaling, "GET", SCALING_PATH, 0, 0)                            \
    X(PutFunctionScalingConfig, put_scaling, "PUT", SCALING_PATH, 0, SETTINGS_BODY_MAX)            \
    X(GetFunctionCodeSigningConfig, get_code_signing, "GET", CODE_SIGNING_PATH, 0, 0)              \
    X(PutFunctionCodeSigningConfig, put_code_signing, "PUT", CODE_SIGNING_PATH, 0,                 \
      SETTINGS_BODY_MAX)                                                                           \
    X(DeleteFunctionCodeSigningConfig, delete_code_signing, "DELETE", CODE_SIGNING_PATH, 0, 0)     \
    X(ListCodeSigningConfigs, list_signing_configs, "GET", CODE_SIGNING_CONFIGS_PATH, 0, 0)        \
    X(CreateCodeSigningConfig, create_signing_config, "POST", CODE_SIGNING_CONFIGS_PATH, 0,        \
      SETTINGS_BODY_MAX)                                                                           \
    X(GetCodeSigningConfig, get_signing_config, "GET",                                             \
      CODE_SIGNING_CONFIGS_PATH "/{CodeSigningConfigArn}", 0, 0)                                   \
    X(ListLayers, list_layers, "GET", LAYERS_PATH, 0, 0)                                           \
    X(ListLayerVersions, list_layer_versions, "GET", LAYERS_PATH "/{LayerName}/versions", 0, 0)    \
    X(PublishLayerVersion, publish_layer_version, "POST", LAYERS_PATH "/{LayerName}/versions", 0,  \
      CODE_BODY_MAX)                                                                               \
    X(GetLayerVersion, get_layer_version, "GET",                                                   \
      LAYERS_PATH "/{LayerName}/versions/{VersionNumber}", 0, 0)                                   \
    X(ListEventSourceMappings, list_event_sources, "GET", EVENT_SOURCES_PATH, 0, 0)                \
    X(CreateEventSourceMapping, create_event_source, "POST", EVENT_SOURCES_PATH, 0,                \
      SETTINGS_BODY_MAX)                                                                           \
    X(GetEventSourceMapping, get_event_source, "GET", EVENT_SOURCES_PATH "/{UUID}", 0, 0)          \
    X(UpdateEventSourceMapping, update_event_source, "PUT", EVENT_SOURCES_PATH "/{UUID}", 0,       \
      SETTINGS_BODY_MAX)                                                                           \
    X(DeleteEventSourceMapping, delete_event_source, "DELETE", EVENT_SOURCES_PATH "/{UUID}", 0, 0)

/* Other paths of the same actions, which older SDKs use: X(Name, METHOD, "path", body limit).
 * Source: the models of botocore 1.29 and older. */
#define ACTIONS_FUNCTION_ALSO(X)                                                                   \
    X(CreateFunction, "POST", FUNCTIONS_PATH "/", CODE_BODY_MAX)                                   \
    X(ListFunctions, "GET", FUNCTIONS_PATH "/", 0)                                                 \
    X(GetAccountSettings, "GET", ACCOUNT_PATH "/", 0)                                              \
    X(ListCodeSigningConfigs, "GET", CODE_SIGNING_CONFIGS_PATH "/", 0)                             \
    X(CreateCodeSigningConfig, "POST", CODE_SIGNING_CONFIGS_PATH "/", SETTINGS_BODY_MAX)           \
    X(ListEventSourceMappings, "GET", EVENT_SOURCES_PATH "/", 0)                                   \
    X(CreateEventSourceMapping, "POST", EVENT_SOURCES_PATH "/", SETTINGS_BODY_MAX)

#endif
