/* SPDX-License-Identifier: MIT */
/* The actions on what belongs to a function: aliases, permissions, tags, concurrency, URLs ... */
#ifndef LAMBDA_ACTIONS_SIDE_H
#define LAMBDA_ACTIONS_SIDE_H

/* Bytes of a body: what the members may hold at most fits in, escaped too. */
#define SIDE_BODY_MAX (256 * 1024)

/* ListProvisionedConcurrencyConfigs has the method and the path of GetProvisionedConcurrencyConfig
 * and differs by "?List=ALL" only: one route is for both. */
/* clang-format off */
#define ACTIONS_SIDE(X)                                                                            \
    X(CreateAlias, create_alias, "POST", "/2015-03-31/functions/{FunctionName}/aliases", 0, SIDE_BODY_MAX) \
    X(GetAlias, get_alias, "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 0, SIDE_BODY_MAX) \
    X(ListAliases, list_aliases, "GET", "/2015-03-31/functions/{FunctionName}/aliases", 0, SIDE_BODY_MAX) \
    X(UpdateAlias, update_alias, "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 0, SIDE_BODY_MAX) \
    X(DeleteAlias, delete_alias, "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 0, SIDE_BODY_MAX) \
    X(AddPermission, add_permission, "POST", "/2015-03-31/functions/{FunctionName}/policy", 0, SIDE_BODY_MAX) \
    X(RemovePermission, remove_permission, "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", 0, SIDE_BODY_MAX) \
    X(GetPolicy, get_policy, "GET", "/2015-03-31/functions/{FunctionName}/policy", 0, SIDE_BODY_MAX) \
    X(TagResource, tag_resource, "POST", "/2017-03-31/tags/{Resource}", 0, SIDE_BODY_MAX)          \
    X(UntagResource, untag_resource, "DELETE", "/2017-03-31/tags/{Resource}", 0, SIDE_BODY_MAX)    \
    X(ListTags, list_tags, "GET", "/2017-03-31/tags/{Resource}", 0, SIDE_BODY_MAX)                 \
    X(PutFunctionConcurrency, put_function_concurrency, "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", 0, SIDE_BODY_MAX) \
    X(GetFunctionConcurrency, get_function_concurrency, "GET", "/2019-09-30/functions/{FunctionName}/concurrency", 0, SIDE_BODY_MAX) \
    X(DeleteFunctionConcurrency, delete_function_concurrency, "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", 0, SIDE_BODY_MAX) \
    X(PutProvisionedConcurrencyConfig, put_provisioned, "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 0, SIDE_BODY_MAX) \
    X(GetProvisionedConcurrencyConfig, get_provisioned, "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 0, SIDE_BODY_MAX) \
    X(DeleteProvisionedConcurrencyConfig, delete_provisioned, "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 0, SIDE_BODY_MAX) \
    X(PutFunctionEventInvokeConfig, put_event_config, "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0, SIDE_BODY_MAX) \
    X(UpdateFunctionEventInvokeConfig, update_event_config, "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0, SIDE_BODY_MAX) \
    X(GetFunctionEventInvokeConfig, get_event_config, "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0, SIDE_BODY_MAX) \
    X(DeleteFunctionEventInvokeConfig, delete_event_config, "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0, SIDE_BODY_MAX) \
    X(ListFunctionEventInvokeConfigs, list_event_configs, "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", 0, SIDE_BODY_MAX) \
    X(CreateFunctionUrlConfig, create_url_config, "POST", "/2021-10-31/functions/{FunctionName}/url", 0, SIDE_BODY_MAX) \
    X(GetFunctionUrlConfig, get_url_config, "GET", "/2021-10-31/functions/{FunctionName}/url", 0, SIDE_BODY_MAX) \
    X(UpdateFunctionUrlConfig, update_url_config, "PUT", "/2021-10-31/functions/{FunctionName}/url", 0, SIDE_BODY_MAX) \
    X(DeleteFunctionUrlConfig, delete_url_config, "DELETE", "/2021-10-31/functions/{FunctionName}/url", 0, SIDE_BODY_MAX) \
    X(ListFunctionUrlConfigs, list_url_configs, "GET", "/2021-10-31/functions/{FunctionName}/urls", 0, SIDE_BODY_MAX)
/* clang-format on */

#endif
