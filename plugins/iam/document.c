/* SPDX-License-Identifier: MIT */
#include "document.h"

#include "record.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#define SYNTAX "Syntax errors in policy."

struct check {
    struct call *call;
    enum document_use use;
    struct json_object *statements;
};

VIRGA_PRINTF(2, 3)
static int malformed(struct check *check, const char *format, ...) {
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    call_fail(check->call, MALFORMED_POLICY, "%s", message);
    return -EINVAL;
}

static int is_one_of(const char *text, const char *const *words) {
    while (*words != NULL && strcmp(*words, text) != 0) {
        words++;
    }
    return *words != NULL;
}

static int has(struct json_object *object, const char *member) {
    struct json_object *value;
    return json_object_object_get_ex(object, member, &value);
}

/* Whether a value is a text or a list of texts. */
static int is_texts(struct json_object *value) {
    if (!json_object_is_type(value, json_type_array)) {
        return json_object_is_type(value, json_type_string);
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (!json_object_is_type(json_object_array_get_idx(value, i), json_type_string)) {
            return 0;
        }
    }
    return 1;
}

/* The n-th of a text or a list of texts; NULL beyond the last. */
static const char *text_at(struct json_object *value, size_t n) {
    if (json_object_is_type(value, json_type_array)) {
        return n < json_object_array_length(value)
                   ? json_object_get_string(json_object_array_get_idx(value, n))
                   : NULL;
    }
    return n == 0 && value != NULL ? json_object_get_string(value) : NULL;
}

/* "ForAnyValue:StringLikeIfExists" and the like. Source: IAM User Guide, "Condition operators". */
static int is_operator(const char *name) {
    static const char *const operators[] = {"StringEquals",
                                            "StringNotEquals",
                                            "StringEqualsIgnoreCase",
                                            "StringNotEqualsIgnoreCase",
                                            "StringLike",
                                            "StringNotLike",
                                            "NumericEquals",
                                            "NumericNotEquals",
                                            "NumericLessThan",
                                            "NumericLessThanEquals",
                                            "NumericGreaterThan",
                                            "NumericGreaterThanEquals",
                                            "DateEquals",
                                            "DateNotEquals",
                                            "DateLessThan",
                                            "DateLessThanEquals",
                                            "DateGreaterThan",
                                            "DateGreaterThanEquals",
                                            "Bool",
                                            "BinaryEquals",
                                            "IpAddress",
                                            "NotIpAddress",
                                            "ArnEquals",
                                            "ArnLike",
                                            "ArnNotEquals",
                                            "ArnNotLike",
                                            "Null"};
    static const char if_exists[] = "IfExists";
    const char *colon = strchr(name, ':');
    if (colon != NULL) {
        size_t len = (size_t)(colon - name);
        if ((len != 11 || strncasecmp(name, "ForAnyValue", len) != 0) &&
            (len != 12 || strncasecmp(name, "ForAllValues", len) != 0)) {
            return 0;
        }
        name = colon + 1;
    }
    size_t len = strlen(name);
    if (len > sizeof if_exists - 1 &&
        strcasecmp(name + len - (sizeof if_exists - 1), if_exists) == 0) {
        len -= sizeof if_exists - 1;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strlen(operators[i]) == len && strncasecmp(operators[i], name, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int check_condition(struct check *check, struct json_object *condition) {
    if (!json_object_is_type(condition, json_type_object)) {
        return malformed(check, SYNTAX);
    }
    json_object_object_foreach(condition, name, keys) {
        if (!is_operator(name) || !json_object_is_type(keys, json_type_object)) {
            return malformed(check, SYNTAX);
        }
        json_object_object_foreach(keys, key, value) {
            if (key[0] == '\0' || json_object_is_type(value, json_type_object) || value == NULL) {
                return malformed(check, SYNTAX);
            }
        }
    }
    return 0;
}

/* Elements that may be there, and what they are. */
static int check_elements(struct check *check, struct json_object *statement) {
    static const char *const known[] = {"Sid",          "Effect",      "Action",    "NotAction",
                                        "Resource",     "NotResource", "Condition", "Principal",
                                        "NotPrincipal", NULL};
    static const char *const lists[] = {"Action", "NotAction", "Resource", "NotResource", NULL};
    if (!json_object_is_type(statement, json_type_object)) {
        return malformed(check, SYNTAX);
    }
    json_object_object_foreach(statement, name, value) {
        if (!is_one_of(name, known) || (is_one_of(name, lists) && !is_texts(value)) ||
            (strcmp(name, "Sid") == 0 && !json_object_is_type(value, json_type_string))) {
            return malformed(check, SYNTAX);
        }
        if (strcmp(name, "Condition") == 0 && check_condition(check, value) != 0) {
            return -EINVAL;
        }
    }
    if ((has(statement, "Action") && has(statement, "NotAction")) ||
        (has(statement, "Resource") && has(statement, "NotResource"))) {
        return malformed(check, SYNTAX);
    }
    const char *effect = virga_awsjson_str(statement, "Effect").ptr;
    if (effect == NULL && check->use == DOCUMENT_TRUST && !has(statement, "Effect")) {
        return malformed(check, "Missing required field Effect");
    }
    if (effect == NULL || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0)) {
        return malformed(check, SYNTAX);
    }
    return 0;
}

/* Statement ids: letters and digits, each once. */
static int check_sid(struct check *check, size_t index) {
    struct json_object *statement = json_object_array_get_idx(check->statements, index);
    struct virga_str sid = virga_awsjson_str(statement, "Sid");
    for (size_t i = 0; i < sid.len && check->use != DOCUMENT_TRUST; i++) {
        if (!isascii(sid.ptr[i]) || !isalnum((unsigned char)sid.ptr[i])) {
            return malformed(check, "Statement IDs (SID) must be alpha-numeric. Check that your "
                                    "input satisfies the regular expression [0-9A-Za-z]*");
        }
    }
    for (size_t i = 0; i < index && sid.len > 0; i++) {
        struct json_object *other = json_object_array_get_idx(check->statements, i);
        if (virga_str_equal(virga_awsjson_str(other, "Sid"), sid)) {
            return malformed(check, "Statement IDs (SID) in a single policy must be unique.");
        }
    }
    return 0;
}

/* "service:Action", or "*". */
static int check_actions(struct check *check, struct json_object *actions) {
    const char *action;
    for (size_t i = 0; (action = text_at(actions, i)) != NULL; i++) {
        const char *colon = strchr(action, ':');
        if (strcmp(action, "*") == 0) {
            continue;
        }
        if (colon == NULL) {
            return malformed(check, "Actions/Conditions must be prefaced by a vendor, e.g., iam, "
                                    "sdb, ec2, etc.");
        }
        if (strchr(colon + 1, ':') != NULL) {
            return malformed(check, "Actions/Condition can contain only one colon.");
        }
        for (const char *at = action; at < colon; at++) {
            if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.') {
                return malformed(check, "Vendor %.*s is not valid", (int)(colon - action), action);
            }
        }
        if (check->use == DOCUMENT_TRUST && strncasecmp(action, "sts:", 4) != 0) {
            return malformed(check, "AssumeRole policy may only specify STS AssumeRole actions.");
        }
    }
    return text_at(actions, 0) == NULL ? -ENOENT : 0;
}

/* "*", or an ARN of a known partition. */
static int check_resources(struct check *check, struct json_object *resources) {
    static const char *const partitions[] = {"aws",       "aws-cn",    "aws-us-gov", "aws-iso",
                                             "aws-iso-b", "aws-iso-e", "aws-iso-f",  "aws-eusc",
                                             "*",         NULL};
    const char *resource;
    char partition[32];
    for (size_t i = 0; (resource = text_at(resources, i)) != NULL; i++) {
        if (strcmp(resource, "*") == 0) {
            continue;
        }
        const char *begin = strncmp(resource, "arn:", 4) == 0 ? resource + 4 : NULL;
        const char *end = begin != NULL ? strchr(begin, ':') : NULL;
        if (end == NULL) {
            return malformed(check, "Resource %s must be in ARN format or \"*\".", resource);
        }
        (void)snprintf(partition, sizeof partition, "%.*s", (int)(end - begin), begin);
        if (!is_one_of(partition, partitions) && strchr(partition, '$') == NULL) {
            return malformed(check, "Partition \"%s\" is not valid for resource \"%s\".", partition,
                             resource);
        }
    }
    return text_at(resources, 0) == NULL ? -ENOENT : 0;
}

static int check_identity_statement(struct check *check, struct json_object *statement) {
    if (has(statement, "Principal") || has(statement, "NotPrincipal")) {
        return malformed(check, "Policy document should not specify a principal.");
    }
    struct json_object *actions =
        virga_awsjson_member(statement, has(statement, "Action") ? "Action" : "NotAction");
    int result = check_actions(check, actions);
    if (result == -ENOENT) {
        return malformed(check, "Policy statement must contain actions.");
    }
    if (result != 0) {
        return result;
    }
    struct json_object *resources =
        virga_awsjson_member(statement, has(statement, "Resource") ? "Resource" : "NotResource");
    result = check_resources(check, resources);
    return result == -ENOENT ? malformed(check, "Policy statement must contain resources.")
                             : result;
}

/* An account, an ARN, a unique id, or everybody. */
static int is_aws_principal(const char *text) {
    size_t len = strlen(text);
    return strcmp(text, "*") == 0 || strncmp(text, "arn:", 4) == 0 ||
           (len == 12 && strspn(text, "0123456789") == len) ||
           (len > 16 && (strncmp(text, "AROA", 4) == 0 || strncmp(text, "AIDA", 4) == 0));
}

static int check_principals(struct check *check, struct json_object *principals) {
    static const char *const types[] = {"AWS", "Service", "Federated", "CanonicalUser", NULL};
    if (json_object_is_type(principals, json_type_string)) {
        return strcmp(json_object_get_string(principals), "*") == 0
                   ? 0
                   : malformed(check, "Invalid principal in policy: \"STRING\":\"%s\"",
                               json_object_get_string(principals));
    }
    if (!json_object_is_type(principals, json_type_object)) {
        return malformed(check, SYNTAX);
    }
    json_object_object_foreach(principals, type, values) {
        const char *text;
        if (!is_one_of(type, types) || !is_texts(values)) {
            return malformed(check, SYNTAX);
        }
        for (size_t i = 0; (text = text_at(values, i)) != NULL; i++) {
            if (text[0] == '\0' || (strcmp(type, "AWS") == 0 && !is_aws_principal(text)) ||
                (strcmp(type, "Service") == 0 && strchr(text, '.') == NULL)) {
                return malformed(check, "Invalid principal in policy: \"%s\":\"%s\"",
                                 strcmp(type, "Service") == 0 ? "SERVICE" : type, text);
            }
        }
    }
    return json_object_object_length(principals) > 0
               ? 0
               : malformed(check, "Missing required field Principal cannot be empty!");
}

static int check_trust_statement(struct check *check, struct json_object *statement) {
    const char *resource = has(statement, "Resource")      ? "Resource"
                           : has(statement, "NotResource") ? "NotResource"
                                                           : NULL;
    struct json_object *principals =
        virga_awsjson_member(statement, has(statement, "Principal") ? "Principal" : "NotPrincipal");
    if (resource != NULL) {
        return malformed(check, "Has prohibited field %s", resource);
    }
    if (principals == NULL) {
        return malformed(check, "Missing required field Principal");
    }
    int result = check_principals(check, principals);
    if (result != 0) {
        return result;
    }
    struct json_object *actions =
        virga_awsjson_member(statement, has(statement, "Action") ? "Action" : "NotAction");
    result = check_actions(check, actions);
    return result == -ENOENT ? malformed(check, "Missing required field Action") : result;
}

static int check_version(struct check *check, struct json_object *document) {
    const char *version = virga_awsjson_str(document, "Version").ptr;
    if (has(document, "Version") && (version == NULL || (strcmp(version, "2012-10-17") != 0 &&
                                                         strcmp(version, "2008-10-17") != 0))) {
        return malformed(check, SYNTAX);
    }
    if (check->use == DOCUMENT_MANAGED && (version == NULL || strcmp(version, "2012-10-17") != 0)) {
        return malformed(check, "Policy document must be version 2012-10-17 or greater.");
    }
    return 0;
}

static int check_document(struct check *check, struct json_object *document) {
    static const char *const known[] = {"Version", "Id", "Statement", NULL};
    json_object_object_foreach(document, name, value) {
        if (!is_one_of(name, known) ||
            (strcmp(name, "Id") == 0 && !json_object_is_type(value, json_type_string))) {
            return malformed(check, SYNTAX);
        }
    }
    struct json_object *statements = virga_awsjson_member(document, "Statement");
    int result;
    if (json_object_is_type(statements, json_type_object)) {
        check->statements = json_object_new_array();
        if (check->statements == NULL ||
            array_add(check->statements, json_object_get(statements)) != 0) {
            check->call->req->http->abort(check->call->req);
            return -ENOMEM;
        }
    } else if (json_object_is_type(statements, json_type_array) &&
               json_object_array_length(statements) > 0) {
        check->statements = json_object_get(statements);
    } else {
        return malformed(check, SYNTAX);
    }
    result = check_version(check, document);
    for (size_t i = 0; result == 0 && i < json_object_array_length(check->statements); i++) {
        struct json_object *statement = json_object_array_get_idx(check->statements, i);
        result = check_elements(check, statement);
        result = result == 0 ? check_sid(check, i) : result;
        if (result == 0) {
            result = check->use == DOCUMENT_TRUST ? check_trust_statement(check, statement)
                                                  : check_identity_statement(check, statement);
        }
    }
    return result;
}

int document_check(struct call *call, enum document_use use, struct virga_str text) {
    struct check check = {.call = call, .use = use};
    struct json_object *document = NULL;
    int result = virga_awsjson_parse(text, &document);
    if (result == -ENOMEM) {
        call->req->http->abort(call->req);
    } else if (result != 0) {
        result =
            malformed(&check, use == DOCUMENT_TRUST ? "This policy contains invalid Json" : SYNTAX);
    } else {
        result = check_document(&check, document);
    }
    json_object_put(check.statements);
    json_object_put(document);
    return result;
}

size_t document_size(struct virga_str text) {
    size_t size = 0;
    for (size_t i = 0; i < text.len; i++) {
        size += strchr(" \t\r\n", text.ptr[i]) == NULL;
    }
    return size;
}
