/* SPDX-License-Identifier: MIT */
/* Policies parsed. What IAM's grammar does not know makes the whole policy invalid, as at AWS: a
 * misspelt "Codition" must not become a statement without one. */
#include "policy_document.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/awsjson.h>

static bool is(struct virga_str text, const char *word) {
    return virga_str_equal(text, virga_str_from(word));
}

static bool begins(struct virga_str text, const char *prefix) {
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* Whether every character is one that IAM takes in a policy; control characters are none. */
static bool is_text(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* --- values that are one or a list --- */

static size_t length(struct json_object *value) {
    return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 1;
}

static struct json_object *at(struct json_object *value, size_t index) {
    return json_object_is_type(value, json_type_array) ? json_object_array_get_idx(value, index)
                                                       : value;
}

/* A string; of a condition also a number or a boolean, as it is written. */
static int take_string(struct json_object *value, bool scalar, struct virga_str *ret_text) {
    bool fine = json_object_is_type(value, json_type_string) ||
                (scalar && (json_object_is_type(value, json_type_boolean) ||
                            json_object_is_type(value, json_type_int) ||
                            json_object_is_type(value, json_type_double)));
    if (!fine) {
        return -EINVAL;
    }
    const char *text = json_object_get_string(value);
    if (text == NULL) {
        return -ENOMEM;
    }
    *ret_text = json_object_is_type(value, json_type_string) ? virga_awsjson_text(value)
                                                             : virga_str_from(text);
    return is_text(*ret_text) ? 0 : -EINVAL;
}

/* Reads one string or a list of them that is not empty. */
static int take_strings(struct json_object *value, bool scalar,
                        struct policy_strings *ret_strings) {
    size_t count = length(value);
    if (count == 0) {
        return -EINVAL;
    }
    ret_strings->items = calloc(count, sizeof *ret_strings->items);
    if (ret_strings->items == NULL) {
        return -ENOMEM;
    }
    ret_strings->count = count;
    for (size_t i = 0; i < count; i++) {
        int result = take_string(at(value, i), scalar, &ret_strings->items[i]);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* --- principals --- */

static bool is_account(struct virga_str text) {
    return text.len == ECR_ACCOUNT_LEN && strspn(text.ptr, "0123456789") >= text.len;
}

/* A name of IAM, with its path where `path`. */
static bool is_iam_name(struct virga_str text, bool path) {
    size_t len = strspn(text.ptr, path ? "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789_+=,.@-/"
                                       : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789_+=,.@-");
    return text.len > 0 && len >= text.len && text.ptr[text.len - 1] != '/';
}

static bool is_session(struct virga_str text) {
    const char *slash = memchr(text.ptr, '/', text.len);
    if (slash == NULL) {
        return false;
    }
    struct virga_str role = {text.ptr, (size_t)(slash - text.ptr)};
    struct virga_str session = {slash + 1, text.len - role.len - 1};
    /* strspn() reads on to the NUL behind the whole, past the role. */
    return is_iam_name(role, true) && memchr(role.ptr, '/', role.len) == NULL &&
           is_iam_name(session, false);
}

static int read_aws(struct virga_str text, struct policy_principal *ret_principal) {
    struct virga_arn arn;
    ret_principal->value = text;
    if (is(text, "*")) {
        ret_principal->kind = POLICY_ANYONE;
        return 0;
    }
    ret_principal->kind = POLICY_ACCOUNT;
    if (is_account(text)) {
        return 0;
    }
    if (virga_arn_parse(text, &arn) != 0 || !begins(arn.partition, "aws") || arn.region.len != 0 ||
        arn.account.len != ECR_ACCOUNT_LEN || strspn(arn.account.ptr, "0123456789") < 12) {
        return -EINVAL;
    }
    bool iam = is(arn.service, "iam"), sts = is(arn.service, "sts");
    if (iam && is(arn.resource, "root")) {
        ret_principal->value = arn.account;
        return 0;
    }
    ret_principal->kind = POLICY_ARN;
    const char *slash = memchr(arn.resource.ptr, '/', arn.resource.len);
    if (slash == NULL) {
        return -EINVAL;
    }
    struct virga_str type = {arn.resource.ptr, (size_t)(slash - arn.resource.ptr)};
    struct virga_str name = {slash + 1, arn.resource.len - type.len - 1};
    bool good = (iam && (is(type, "user") || is(type, "role")) && is_iam_name(name, true)) ||
                (sts && is(type, "assumed-role") && is_session(name)) ||
                (sts && is(type, "federated-user") && is_iam_name(name, false));
    return good ? 0 : -EINVAL;
}

static int read_service(struct virga_str text, struct policy_principal *ret_principal) {
    *ret_principal = (struct policy_principal){POLICY_SERVICE, text};
    bool good = text.len > 0 && text.len <= PRINCIPAL_SERVICE_MAX &&
                strspn(text.ptr, "abcdefghijklmnopqrstuvwxyz0123456789-.") >= text.len &&
                memchr(text.ptr, '.', text.len) != NULL && text.ptr[0] != '.' &&
                text.ptr[text.len - 1] != '.';
    return good ? 0 : -EINVAL;
}

/* Reads {"AWS": ..., "Service": ...}. */
static int take_principals(struct json_object *value, struct policy_statement *statement) {
    size_t count = 0;
    if (json_object_is_type(value, json_type_string)) {
        statement->principals = calloc(1, sizeof *statement->principals);
        if (statement->principals == NULL) {
            return -ENOMEM;
        }
        statement->principals_count = 1;
        return is(virga_awsjson_text(value), "*") ? 0 : -EINVAL; /* zero is POLICY_ANYONE */
    }
    if (!json_object_is_type(value, json_type_object)) {
        return -EINVAL;
    }
    json_object_object_foreach(value, type, list) {
        if (strcmp(type, "AWS") != 0 && strcmp(type, "Service") != 0) {
            return -EINVAL;
        }
        if (length(list) == 0) {
            return -EINVAL;
        }
        count += length(list);
    }
    if (count == 0) {
        return -EINVAL;
    }
    statement->principals = calloc(count, sizeof *statement->principals);
    if (statement->principals == NULL) {
        return -ENOMEM;
    }
    json_object_object_foreach(value, kind, entries) {
        int (*read)(struct virga_str, struct policy_principal *) =
            strcmp(kind, "AWS") == 0 ? read_aws : read_service;
        for (size_t i = 0; i < length(entries); i++) {
            struct virga_str text;
            int result = take_string(at(entries, i), false, &text);
            if (result == 0) {
                result = read(text, &statement->principals[statement->principals_count++]);
            }
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

/* --- actions and resources --- */

static bool is_action(struct virga_str text) {
    static const char prefix[] = "ecr:";
    if (is(text, "*")) {
        return true;
    }
    return text.len >= sizeof prefix && strncasecmp(text.ptr, prefix, sizeof prefix - 1) == 0 &&
           strspn(text.ptr + sizeof prefix - 1,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*?") >=
               text.len - (sizeof prefix - 1);
}

static bool is_resource(struct virga_str text) {
    size_t colons = 0;
    for (size_t i = 0; i < text.len; i++) {
        colons += text.ptr[i] == ':';
    }
    return is(text, "*") || (begins(text, "arn:") && colons >= 5);
}

static int take_checked(struct json_object *value, bool (*good)(struct virga_str),
                        struct policy_strings *ret_strings) {
    int result = take_strings(value, false, ret_strings);
    for (size_t i = 0; i < ret_strings->count && result == 0; i++) {
        result = good(ret_strings->items[i]) ? 0 : -EINVAL;
    }
    return result;
}

/* --- conditions --- */

static bool is_key(const char *key) {
    const char *colon = strchr(key, ':');
    return colon != NULL && colon != key && colon[1] != '\0' && is_text(virga_str_from(key));
}

static int take_conditions(struct json_object *value, struct policy_statement *statement) {
    size_t count = 0;
    if (!json_object_is_type(value, json_type_object)) {
        return -EINVAL;
    }
    json_object_object_foreach(value, name, keys) {
        struct policy_condition condition;
        if (!json_object_is_type(keys, json_type_object) ||
            policy_condition_read(virga_str_from(name), &condition) != 0) {
            return -EINVAL;
        }
        count += (size_t)json_object_object_length(keys);
    }
    if (count == 0) {
        return 0;
    }
    statement->conditions = calloc(count, sizeof *statement->conditions);
    if (statement->conditions == NULL) {
        return -ENOMEM;
    }
    json_object_object_foreach(value, wanted, pairs) {
        json_object_object_foreach(pairs, key, values) {
            struct policy_condition *condition =
                &statement->conditions[statement->conditions_count++];
            (void)policy_condition_read(virga_str_from(wanted), condition);
            condition->key = virga_str_from(key);
            int result = is_key(key) ? take_strings(values, true, &condition->values) : -EINVAL;
            for (size_t i = 0; i < condition->values.count && result == 0; i++) {
                result =
                    policy_condition_takes(condition, condition->values.items[i]) ? 0 : -EINVAL;
            }
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

/* --- statements --- */

static int take_member(const char *key, struct json_object *value, enum policy_kind kind,
                       struct policy_statement *statement) {
    struct virga_str name = virga_str_from(key);
    bool negated = begins(name, "Not");
    if (is(name, "Sid")) {
        return json_object_is_type(value, json_type_string) && is_text(virga_awsjson_text(value))
                   ? 0
                   : -EINVAL;
    }
    if (is(name, "Effect")) {
        struct virga_str effect = virga_awsjson_text(value);
        statement->deny = is(effect, "Deny");
        return statement->deny || is(effect, "Allow") ? 0 : -EINVAL;
    }
    /* Each may come once, by itself or negated. */
    if (is(name, "Principal") || is(name, "NotPrincipal")) {
        statement->not_principal = negated;
        return statement->principals == NULL ? take_principals(value, statement) : -EINVAL;
    }
    if (is(name, "Action") || is(name, "NotAction")) {
        statement->not_action = negated;
        return statement->actions.items == NULL
                   ? take_checked(value, is_action, &statement->actions)
                   : -EINVAL;
    }
    if (kind == POLICY_REGISTRY && (is(name, "Resource") || is(name, "NotResource"))) {
        statement->not_resource = negated;
        return statement->resources.items == NULL
                   ? take_checked(value, is_resource, &statement->resources)
                   : -EINVAL;
    }
    return is(name, "Condition") ? take_conditions(value, statement) : -EINVAL;
}

static int take_statement(struct json_object *value, enum policy_kind kind,
                          struct policy_statement *statement) {
    if (!json_object_is_type(value, json_type_object)) {
        return -EINVAL;
    }
    json_object_object_foreach(value, key, member) {
        int result = take_member(key, member, kind, statement);
        if (result != 0) {
            return result;
        }
    }
    return json_object_object_get_ex(value, "Effect", NULL) && statement->principals != NULL &&
                   statement->actions.items != NULL &&
                   (kind == POLICY_REPOSITORY || statement->resources.items != NULL)
               ? 0
               : -EINVAL;
}

/* Whether each Sid stands once. */
static bool sids_differ(struct json_object *statements) {
    size_t count = length(statements);
    for (size_t i = 0; i < count; i++) {
        struct virga_str sid = virga_awsjson_str(at(statements, i), "Sid");
        for (size_t j = 0; j < i && sid.len > 0; j++) {
            if (virga_str_equal(sid, virga_awsjson_str(at(statements, j), "Sid"))) {
                return false;
            }
        }
    }
    return true;
}

static int take_document(struct policy_document *document, enum policy_kind kind) {
    json_object_object_foreach(document->json, key, value) {
        struct virga_str text = virga_awsjson_text(value);
        bool good =
            strcmp(key, "Statement") == 0 || (strcmp(key, "Id") == 0 && text.ptr != NULL) ||
            (strcmp(key, "Version") == 0 && (is(text, "2012-10-17") || is(text, "2008-10-17")));
        if (!good) {
            return -EINVAL;
        }
    }
    document->variables = is(virga_awsjson_str(document->json, "Version"), "2012-10-17");
    struct json_object *statements = virga_awsjson_member(document->json, "Statement");
    size_t count = statements != NULL ? length(statements) : 0;
    if (count == 0 || count > POLICY_STATEMENTS_MAX) {
        return -EINVAL;
    }
    document->statements = calloc(count, sizeof *document->statements);
    if (document->statements == NULL) {
        return -ENOMEM;
    }
    document->statements_count = count;
    for (size_t i = 0; i < count; i++) {
        int result = take_statement(at(statements, i), kind, &document->statements[i]);
        if (result != 0) {
            return result;
        }
    }
    return sids_differ(statements) ? 0 : -EINVAL;
}

int policy_document_parse(struct virga_str text, enum policy_kind kind,
                          struct policy_document *ret_document) {
    struct policy_document document = {0};
    /* An empty text is an empty object to the helper, and no policy. */
    int result = text.len == 0 || text.len > POLICY_TEXT_MAX
                     ? -EINVAL
                     : virga_awsjson_parse(text, &document.json);
    if (result == 0) {
        result = take_document(&document, kind);
    }
    if (result != 0) {
        policy_document_finish(&document);
        return result == -EBADMSG ? -EINVAL : result;
    }
    *ret_document = document;
    return 0;
}

void policy_document_finish(struct policy_document *document) {
    for (size_t i = 0; i < document->statements_count; i++) {
        struct policy_statement *statement = &document->statements[i];
        free(statement->principals);
        free(statement->actions.items);
        free(statement->resources.items);
        for (size_t j = 0; j < statement->conditions_count; j++) {
            free(statement->conditions[j].values.items);
        }
        free(statement->conditions);
    }
    free(document->statements);
    json_object_put(document->json);
    *document = (struct policy_document){0};
}
