/* SPDX-License-Identifier: MIT */
/* The API model's facts about the inputs of the side resources' actions. Patterns are shown as the
 * model writes them; what POSIX cannot express is matched by hand. FunctionName is checked by the
 * front door.
 * Source: the API model, lambda 2015-03-31, and AWS-recorded messages where they are newer. */
#include "actions.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>

#define SHAPE(shape_name, shape_type, ...)                                                         \
    static const struct virga_model_shape shape_name = {.type = VIRGA_MODEL_##shape_type,          \
                                                        __VA_ARGS__}
#define STRUCTURE(...)                                                                             \
    .members = (const struct virga_model_member[]) {                                               \
        __VA_ARGS__, {                                                                             \
            .name = NULL                                                                           \
        }                                                                                          \
    }
#define INPUT(suffix, ...)                                                                         \
    const struct virga_model_shape model_##suffix = {.type = VIRGA_MODEL_STRUCTURE,                \
                                                     STRUCTURE(__VA_ARGS__)}
#define VALUES(...)                                                                                \
    .values = (const char *const[]) {                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define MEMBER(name_text, shown_text, shape_name)                                                  \
    { .name = (name_text), .shape = &(shape_name), .shown = (shown_text) }
#define REQUIRED(name_text, shown_text, shape_name)                                                \
    { .name = (name_text), .shape = &(shape_name), .required = 1, .shown = (shown_text) }

/* --- what POSIX expressions cannot say --- */

static int all_of(struct virga_str text, const char *more) {
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum((unsigned char)text.ptr[i]) && strchr(more, text.ptr[i]) == NULL) {
            return 0;
        }
    }
    return text.len > 0;
}

static int is_number(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.ptr[i])) {
            return 0;
        }
    }
    return text.len > 0;
}

static int is_alias(struct virga_str text) {
    return all_of(text, "-_") && !is_number(text);
}

static int is_version(struct virga_str text) {
    return is_number(text) || virga_str_equal(text, virga_str_from("$LATEST")) ||
           virga_str_equal(text, virga_str_from("$LATEST.PUBLISHED"));
}

static int is_statement_id(struct virga_str text) {
    return all_of(text, "-_");
}

static int is_namespaced_statement_id(struct virga_str text) {
    return all_of(text, "-_.");
}

static int is_token(struct virga_str text) {
    return all_of(text, "._-");
}

static int is_account(struct virga_str text) {
    return text.len == LAMBDA_ACCOUNT_LEN && is_number(text);
}

static int is_principal(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (isspace((unsigned char)text.ptr[i])) {
            return 0;
        }
    }
    return text.len > 0;
}

/* Tries a POSIX expression over the whole value. */
static int matches(const char *expression, struct virga_str text) {
    regex_t regex;
    if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0) {
        return -ENOMEM;
    }
    int failed = regexec(&regex, text.ptr, 0, NULL, 0);
    regfree(&regex);
    return failed == 0;
}

#define REGION "(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]"

static int is_arn(struct virga_str text) {
    return matches("^arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:(" REGION ")?:([0-9]{12})?:(.*)$",
                   text);
}

static int is_destination(struct virga_str text) {
    return text.len == 0 ||
           matches("^(kafka://([^.]([a-zA-Z0-9_.-]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:"
                   "(" REGION ")?:([0-9]{12})?:(.*))$",
                   text);
}

static int is_taggable(struct virga_str text) {
    return matches("^arn:(aws[a-zA-Z-]*):lambda:" REGION ":[0-9]{12}:"
                   "(function:[a-zA-Z0-9_-]+(:(\\$LATEST|[a-zA-Z0-9_-]+))?|"
                   "layer:([a-zA-Z0-9_-]+)|code-signing-config:csc-[a-z0-9]{17}|"
                   "event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-"
                   "[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9_-]+)$",
                   text);
}

/* --- shapes --- */

SHAPE(any_string, STRING);
SHAPE(boolean, BOOLEAN);
SHAPE(any_double, DOUBLE);
SHAPE(name_in_path, STRING, .min = 1);

SHAPE(alias_name, STRING, .min = 1, .max = LAMBDA_QUALIFIER_MAX,
      .pattern = "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", .matches = is_alias);
SHAPE(version, STRING, .min = 1, .max = 1024, .pattern = "(\\$LATEST(\\.PUBLISHED)?|[0-9]+)",
      .matches = is_version);
SHAPE(description, STRING, .max = 256);
SHAPE(weights, MAP, .element = &any_double);
SHAPE(routing, STRUCTURE,
      STRUCTURE(MEMBER("AdditionalVersionWeights", "additionalVersionWeights", weights)));
SHAPE(max_items, INTEGER, .min = 1, .max = 10000);
SHAPE(max_items_50, INTEGER, .min = 1, .max = 50);

/* Its pattern is the front door's, which tells of FunctionName's in the same breath. */
SHAPE(qualifier, STRING, .min = 1, .max = LAMBDA_QUALIFIER_MAX);
SHAPE(statement_id, STRING, .min = 1, .max = 100, .pattern = "([a-zA-Z0-9-_]+)",
      .matches = is_statement_id);
SHAPE(namespaced_statement_id, STRING, .min = 1, .max = 100, .pattern = "([a-zA-Z0-9-_.]+)",
      .matches = is_namespaced_statement_id);
SHAPE(permitted_action, STRING, .pattern = "(lambda:[*]|lambda:[a-zA-Z]+|[*])");
SHAPE(principal, STRING, .pattern = "[^\\s]+", .matches = is_principal);
SHAPE(source_arn, STRING,
      .pattern =
          "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{12}"
          ")?:(.*)",
      .matches = is_arn);
SHAPE(source_account, STRING, .max = LAMBDA_ACCOUNT_LEN, .pattern = "\\d{12}",
      .matches = is_account);
SHAPE(event_source_token, STRING, .max = 256, .pattern = "[a-zA-Z0-9._\\-]+", .matches = is_token);
SHAPE(org_id, STRING, .min = 12, .max = 34, .pattern = "o-[a-z0-9]{10,32}");
SHAPE(auth_type, STRING, VALUES("NONE", "AWS_IAM"));

SHAPE(taggable, STRING, .min = 1, .max = 256,
      .pattern =
          "arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:"
          "\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_"
          "]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a"
          "-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0"
          "-9-_]+)",
      .matches = is_taggable);
SHAPE(tags, MAP, .element = &any_string);
SHAPE(tag_keys, LIST, .element = &any_string);

/* The model's Integer has 32 bits. */
SHAPE(count, INTEGER, .min = 0, .max = INT32_MAX);
SHAPE(positive_count, INTEGER, .min = 1, .max = INT32_MAX);
SHAPE(provisioned_qualifier, STRING, .min = 1, .max = LAMBDA_QUALIFIER_MAX,
      .pattern = "(|[a-zA-Z0-9$_-]+)");

SHAPE(retry_attempts, INTEGER, .min = 0, .max = 2);
SHAPE(event_age, INTEGER, .min = 60, .max = 21600);
SHAPE(destination_arn, STRING, .max = 350,
      .pattern =
          "$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+"
          ":([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)",
      .matches = is_destination);
SHAPE(destination, STRUCTURE, STRUCTURE(MEMBER("Destination", "destination", destination_arn)));
SHAPE(destination_config, STRUCTURE,
      STRUCTURE(MEMBER("OnSuccess", "onSuccess", destination),
                MEMBER("OnFailure", "onFailure", destination)));

SHAPE(url_qualifier, STRING, .min = 1, .max = LAMBDA_QUALIFIER_MAX,
      .pattern = "((?!^\\d+$)^[0-9a-zA-Z-_]+$)", .matches = is_alias);
SHAPE(invoke_mode, STRING, VALUES("RESPONSE_STREAM", "BUFFERED"));
SHAPE(header, STRING, .max = 1024);
SHAPE(header_list, LIST, .max = 100, .element = &header);
SHAPE(method, STRING, .max = 6);
SHAPE(method_list, LIST, .max = 6, .element = &method);
SHAPE(origin, STRING, .min = 1, .max = 253);
SHAPE(origin_list, LIST, .max = 100, .element = &origin);
SHAPE(max_age, INTEGER, .min = 0, .max = 86400);
SHAPE(cors, STRUCTURE,
      STRUCTURE(MEMBER("AllowCredentials", "allowCredentials", boolean),
                MEMBER("AllowHeaders", "allowHeaders", header_list),
                MEMBER("AllowMethods", "allowMethods", method_list),
                MEMBER("AllowOrigins", "allowOrigins", origin_list),
                MEMBER("ExposeHeaders", "exposeHeaders", header_list),
                MEMBER("MaxAge", "maxAge", max_age)));

/* --- inputs --- */

#define FUNCTION_NAME REQUIRED("FunctionName", "functionName", name_in_path)
#define QUALIFIER MEMBER("Qualifier", "qualifier", qualifier)
#define URL_QUALIFIER MEMBER("Qualifier", "qualifier", url_qualifier)
#define ALIAS_NAME REQUIRED("Name", "name", alias_name)
#define MARKER MEMBER("Marker", "marker", any_string)
#define REVISION MEMBER("RevisionId", "revisionId", any_string)
#define RESOURCE REQUIRED("Resource", "resource", taggable)

INPUT(create_alias, FUNCTION_NAME, ALIAS_NAME,
      REQUIRED("FunctionVersion", "functionVersion", version),
      MEMBER("Description", "description", description),
      MEMBER("RoutingConfig", "routingConfig", routing));
INPUT(get_alias, FUNCTION_NAME, ALIAS_NAME);
INPUT(list_aliases, FUNCTION_NAME, MEMBER("FunctionVersion", "functionVersion", version), MARKER,
      MEMBER("MaxItems", "maxItems", max_items));
INPUT(update_alias, FUNCTION_NAME, ALIAS_NAME,
      MEMBER("FunctionVersion", "functionVersion", version),
      MEMBER("Description", "description", description),
      MEMBER("RoutingConfig", "routingConfig", routing), REVISION);
INPUT(delete_alias, FUNCTION_NAME, ALIAS_NAME);

INPUT(add_permission, QUALIFIER, FUNCTION_NAME,
      REQUIRED("StatementId", "statementId", statement_id),
      REQUIRED("Action", "action", permitted_action), REQUIRED("Principal", "principal", principal),
      MEMBER("SourceArn", "sourceArn", source_arn),
      MEMBER("SourceAccount", "sourceAccount", source_account),
      MEMBER("EventSourceToken", "eventSourceToken", event_source_token), REVISION,
      MEMBER("PrincipalOrgID", "principalOrgID", org_id),
      MEMBER("FunctionUrlAuthType", "functionUrlAuthType", auth_type),
      MEMBER("InvokedViaFunctionUrl", "invokedViaFunctionUrl", boolean));
INPUT(remove_permission, QUALIFIER, FUNCTION_NAME,
      REQUIRED("StatementId", "statementId", namespaced_statement_id), REVISION);
INPUT(get_policy, QUALIFIER, FUNCTION_NAME);

INPUT(tag_resource, RESOURCE, REQUIRED("Tags", "tags", tags));
INPUT(untag_resource, RESOURCE, REQUIRED("tagKeys", "tagKeys", tag_keys));
INPUT(list_tags, RESOURCE);

INPUT(put_function_concurrency, FUNCTION_NAME,
      REQUIRED("ReservedConcurrentExecutions", "reservedConcurrentExecutions", count));
INPUT(get_function_concurrency, FUNCTION_NAME);
INPUT(delete_function_concurrency, FUNCTION_NAME);

INPUT(put_provisioned, REQUIRED("Qualifier", "qualifier", provisioned_qualifier), FUNCTION_NAME,
      REQUIRED("ProvisionedConcurrentExecutions", "provisionedConcurrentExecutions",
               positive_count));
/* And of ListProvisionedConcurrencyConfigs, which has no Qualifier: so it is not required here. */
INPUT(get_provisioned, MEMBER("Qualifier", "qualifier", provisioned_qualifier), FUNCTION_NAME,
      MEMBER("List", "list", any_string), MARKER, MEMBER("MaxItems", "maxItems", max_items_50));
INPUT(delete_provisioned, REQUIRED("Qualifier", "qualifier", provisioned_qualifier), FUNCTION_NAME);

#define EVENT_CONFIG                                                                               \
    QUALIFIER, FUNCTION_NAME,                                                                      \
        MEMBER("MaximumRetryAttempts", "maximumRetryAttempts", retry_attempts),                    \
        MEMBER("MaximumEventAgeInSeconds", "maximumEventAgeInSeconds", event_age),                 \
        MEMBER("DestinationConfig", "destinationConfig", destination_config)
INPUT(put_event_config, EVENT_CONFIG);
INPUT(update_event_config, EVENT_CONFIG);
INPUT(get_event_config, QUALIFIER, FUNCTION_NAME);
INPUT(delete_event_config, QUALIFIER, FUNCTION_NAME);
INPUT(list_event_configs, FUNCTION_NAME, MARKER, MEMBER("MaxItems", "maxItems", max_items_50));

INPUT(create_url_config, URL_QUALIFIER, FUNCTION_NAME, REQUIRED("AuthType", "authType", auth_type),
      MEMBER("Cors", "cors", cors), MEMBER("InvokeMode", "invokeMode", invoke_mode));
INPUT(get_url_config, URL_QUALIFIER, FUNCTION_NAME);
INPUT(update_url_config, URL_QUALIFIER, FUNCTION_NAME, MEMBER("AuthType", "authType", auth_type),
      MEMBER("Cors", "cors", cors), MEMBER("InvokeMode", "invokeMode", invoke_mode));
INPUT(delete_url_config, URL_QUALIFIER, FUNCTION_NAME);
INPUT(list_url_configs, FUNCTION_NAME, MARKER, MEMBER("MaxItems", "maxItems", max_items_50));
