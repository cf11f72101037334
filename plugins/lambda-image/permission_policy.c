/* SPDX-License-Identifier: MIT */
/* Statements: made of what AddPermission gives, and held against who asks. */
#include "permission_policy.h"

#include "side_call.h"

#include <ctype.h>
#include <errno.h>
#include <virga/helpers/arn.h>

#define INVOKE "lambda:InvokeFunction"
#define INVOKE_URL "lambda:InvokeFunctionUrl"

#define KEY_URL_AUTH_TYPE "lambda:FunctionUrlAuthType"
#define KEY_VIA_URL "lambda:InvokedViaFunctionUrl"
#define KEY_ORG "aws:PrincipalOrgID"
#define KEY_SOURCE_ACCOUNT "AWS:SourceAccount"
#define KEY_SOURCE_ARN "AWS:SourceArn"
#define KEY_TOKEN "lambda:EventSourceToken"

/* --- making them --- */

static bool ends_with(struct virga_str text, const char *end) {
    size_t len = strlen(end);
    return text.len > len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* "s3.amazonaws.com", "alexa-appkit.amazon.com": names of services, which are only known by form.
 */
static bool is_service(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum((unsigned char)text.ptr[i]) && strchr(".-", text.ptr[i]) == NULL) {
            return false;
        }
    }
    return ends_with(text, ".amazonaws.com") || ends_with(text, ".amazonaws.com.cn") ||
           ends_with(text, ".amazon.com");
}

static bool is_account(struct virga_str text) {
    return text.len == LAMBDA_ACCOUNT_LEN && strspn(text.ptr, "0123456789") == LAMBDA_ACCOUNT_LEN;
}

static bool is_identity(struct virga_str text) {
    struct virga_arn arn;
    return virga_arn_parse(text, &arn) == 0 && is_account(arn.account) && arn.resource.len > 0 &&
           arn.region.len == 0 &&
           (virga_str_equal(arn.service, virga_str_from("iam")) ||
            virga_str_equal(arn.service, virga_str_from("sts")));
}

/* The region of the ARN decides about the partition. */
static int set_principal(struct json_object *statement, struct virga_str text,
                         const char *resource) {
    char root[64];
    struct virga_arn arn = {.partition = virga_str_from("aws")};
    const char *kind = "AWS";
    if (virga_str_equal(text, virga_str_from("*"))) {
        return side_set_text(statement, "Principal", "*");
    }
    if (is_account(text)) {
        (void)virga_arn_parse(virga_str_from(resource), &arn);
        (void)snprintf(root, sizeof root, "arn:%.*s:iam::%s:root", (int)arn.partition.len,
                       arn.partition.ptr, text.ptr);
        text = virga_str_from(root);
    } else if (is_service(text)) {
        kind = "Service";
    } else if (!is_identity(text)) {
        return -EINVAL;
    }
    struct json_object *principal = json_object_new_object();
    int result = side_set_text(principal, kind, text.ptr);
    if (result != 0) {
        json_object_put(principal);
        return result;
    }
    return side_set(statement, "Principal", principal);
}

/* Adds a condition; text NULL: none. */
static int add_condition(struct json_object *conditions, const char *compare, const char *key,
                         const char *text) {
    struct json_object *keys = virga_awsjson_member(conditions, compare);
    if (text == NULL) {
        return 0;
    }
    if (keys == NULL) {
        keys = json_object_new_object();
        int result = side_set(conditions, compare, keys);
        if (result != 0) {
            return result;
        }
    }
    return side_set_text(keys, key, text);
}

static int set_conditions(struct json_object *statement, struct json_object *input) {
    static const struct {
        const char *compare, *key, *member;
    } table[] = {{"StringEquals", KEY_URL_AUTH_TYPE, "FunctionUrlAuthType"},
                 {"StringEquals", KEY_ORG, "PrincipalOrgID"},
                 {"StringEquals", KEY_SOURCE_ACCOUNT, "SourceAccount"},
                 {"StringEquals", KEY_TOKEN, "EventSourceToken"},
                 {"ArnLike", KEY_SOURCE_ARN, "SourceArn"}};
    struct json_object *conditions = json_object_new_object();
    int result = conditions != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < sizeof table / sizeof table[0]; i++) {
        result = add_condition(conditions, table[i].compare, table[i].key,
                               virga_awsjson_str(input, table[i].member).ptr);
    }
    if (result == 0 && virga_awsjson_member(input, "InvokedViaFunctionUrl") != NULL) {
        result =
            add_condition(conditions, "Bool", KEY_VIA_URL,
                          virga_awsjson_bool(input, "InvokedViaFunctionUrl") ? "true" : "false");
    }
    if (result != 0 || json_object_object_length(conditions) == 0) {
        json_object_put(conditions);
        return result;
    }
    return side_set(statement, "Condition", conditions);
}

int permission_statement(struct json_object *input, const char *resource,
                         struct json_object **ret_statement) {
    struct json_object *statement = json_object_new_object();
    int result = side_set_text(statement, "Sid", virga_awsjson_str(input, "StatementId").ptr);
    if (result == 0) {
        result = side_set_text(statement, "Effect", "Allow");
    }
    if (result == 0) {
        result = set_principal(statement, virga_awsjson_str(input, "Principal"), resource);
    }
    if (result == 0) {
        result = side_copy(statement, "Action", input);
    }
    if (result == 0) {
        result = side_set_text(statement, "Resource", resource);
    }
    if (result == 0) {
        result = set_conditions(statement, input);
    }
    if (result != 0) {
        json_object_put(statement);
        return result;
    }
    *ret_statement = statement;
    return 0;
}

struct json_object *permission_record_create(void) {
    struct json_object *policy = json_object_new_object();
    struct json_object *record = json_object_new_object();
    if (side_set_text(policy, "Version", "2012-10-17") != 0 ||
        side_set_text(policy, "Id", "default") != 0 ||
        side_set(policy, "Statement", json_object_new_array()) != 0) {
        json_object_put(policy);
        json_object_put(record);
        return NULL;
    }
    if (side_set(record, "Policy", policy) != 0) {
        json_object_put(record);
        return NULL;
    }
    return record;
}

size_t permission_find(struct json_object *record, struct virga_str sid) {
    struct json_object *policy = virga_awsjson_member(record, "Policy");
    size_t count = virga_awsjson_length(policy, "Statement");
    for (size_t i = 0; i < count; i++) {
        struct json_object *statement = virga_awsjson_element(policy, "Statement", i);
        if (virga_str_equal(virga_awsjson_str(statement, "Sid"), sid)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* --- evaluating them --- */

static bool told(const char *text) {
    return text != NULL && text[0] != '\0';
}

static bool same(struct virga_str text, const char *other) {
    return told(other) && virga_str_equal(text, virga_str_from(other));
}

/* Whether `text` is what `pattern` says; '*' is any characters, '?' any one. The cost is at most
 * the product of the lengths. */
static bool is_like(struct virga_str pattern, struct virga_str text) {
    size_t at = 0, in = 0, star = SIZE_MAX, mark = 0;
    while (in < text.len) {
        if (at < pattern.len && pattern.ptr[at] == '*') {
            star = at++;
            mark = in;
        } else if (at < pattern.len &&
                   (pattern.ptr[at] == '?' || pattern.ptr[at] == text.ptr[in])) {
            at++;
            in++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            in = ++mark;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.ptr[at] == '*') {
        at++;
    }
    return at == pattern.len;
}

/* ArnLike: each part by itself, so that '*' does not go over a colon. */
static bool arn_is_like(struct virga_str pattern, const char *text) {
    struct virga_arn wanted, have;
    return told(text) && virga_arn_parse(pattern, &wanted) == 0 &&
           virga_arn_parse(virga_str_from(text), &have) == 0 &&
           is_like(wanted.partition, have.partition) && is_like(wanted.service, have.service) &&
           is_like(wanted.region, have.region) && is_like(wanted.account, have.account) &&
           is_like(wanted.resource, have.resource);
}

static bool names_caller(struct json_object *statement,
                         const struct permission_question *question) {
    struct json_object *principal = virga_awsjson_member(statement, "Principal");
    struct virga_str identity = virga_awsjson_str(principal, "AWS");
    struct virga_arn arn;
    if (json_object_is_type(principal, json_type_string)) {
        return true; /* "*" */
    }
    if (identity.ptr == NULL) {
        return same(virga_awsjson_str(principal, "Service"), question->service);
    }
    if (!told(question->account) || virga_arn_parse(identity, &arn) != 0) {
        return false;
    }
    if (virga_str_equal(arn.resource, virga_str_from("root"))) {
        return same(arn.account, question->account);
    }
    return same(identity, question->caller_arn);
}

/* One key of a condition. What a caller's organisation is and which token an event source has is
 * not known here: such a condition does not hold. */
static bool holds(const char *key, struct virga_str value,
                  const struct permission_question *question) {
    if (strcmp(key, KEY_URL_AUTH_TYPE) == 0) {
        return same(value, question->url_auth_type);
    }
    if (strcmp(key, KEY_VIA_URL) == 0) {
        return same(value, told(question->url_auth_type) ? "true" : "false");
    }
    if (strcmp(key, KEY_SOURCE_ACCOUNT) == 0) {
        return same(value, question->source_account);
    }
    if (strcmp(key, KEY_SOURCE_ARN) == 0) {
        return arn_is_like(value, question->source_arn);
    }
    return false;
}

static bool conditions_hold(struct json_object *statement,
                            const struct permission_question *question) {
    struct json_object *conditions = virga_awsjson_member(statement, "Condition");
    bool all = true;
    if (conditions == NULL) {
        return true;
    }
    json_object_object_foreach(conditions, compare, keys) {
        (void)compare;
        json_object_object_foreach(keys, key, value) {
            all = all && holds(key, virga_awsjson_text(value), question);
        }
    }
    return all;
}

static bool has_action(struct json_object *statement, const char *action) {
    struct virga_str listed = virga_awsjson_str(statement, "Action");
    return listed.ptr != NULL && is_like(listed, virga_str_from(action));
}

static bool some_statement_allows(struct json_object *record, const char *action,
                                  const struct permission_question *question) {
    struct json_object *policy = virga_awsjson_member(record, "Policy");
    size_t count = virga_awsjson_length(policy, "Statement");
    for (size_t i = 0; i < count; i++) {
        struct json_object *statement = virga_awsjson_element(policy, "Statement", i);
        if (has_action(statement, action) && names_caller(statement, question) &&
            conditions_hold(statement, question)) {
            return true;
        }
    }
    return false;
}

bool permission_allows(struct lambda *lambda, const struct permission_question *question) {
    const char *id = told(question->qualifier) ? question->qualifier : "";
    struct permission_question anybody = *question;
    struct json_object *record = NULL;
    if (!lambda->enforce) {
        return true;
    }
    if (told(question->url_auth_type) && strcmp(question->url_auth_type, "NONE") == 0) {
        anybody.account = anybody.caller_arn = anybody.service = NULL;
    }
    if (told(anybody.account) && strcmp(anybody.account, question->owner->account) == 0) {
        return true;
    }
    int result = side_get(lambda, SIDE_POLICY, question->owner, question->name,
                          strcmp(id, FUNCTIONS_LATEST) == 0 ? "" : id, &record);
    if (result != 0) {
        if (result != -ENOENT) {
            LAMBDA_LOG(lambda, VIRGA_LOG_ERROR, NULL, "The policy of %s could not be read: %s",
                       question->name, strerror(-result));
        }
        return false;
    }
    bool allowed = some_statement_allows(record, question->action, &anybody);
    if (allowed && strcmp(question->action, INVOKE_URL) == 0) {
        allowed = some_statement_allows(record, INVOKE, &anybody);
    }
    json_object_put(record);
    return allowed;
}
