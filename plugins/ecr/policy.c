/* SPDX-License-Identifier: MIT */
/* Repository policies: kept and echoed as they were given, not enforced. */
#include "policy_text.h"

#include "actions.h"
#include "texts.h"

#include <errno.h>

static const struct text_kind policy = {
    .kind = "policy",
    .member = "policyText",
    .missing_code = "RepositoryPolicyNotFoundException",
    .missing_what = "Repository policy",
};

/* A member that is one value or a list of them, and not empty. */
static bool is_given(struct json_object *statement, const char *key) {
    struct json_object *value = virga_awsjson_member(statement, key);
    return value != NULL &&
           !(json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0);
}

static bool is_statement(struct json_object *statement) {
    struct virga_str effect = virga_awsjson_str(statement, "Effect");
    return json_object_is_type(statement, json_type_object) &&
           (virga_str_equal(effect, virga_str_from("Allow")) ||
            virga_str_equal(effect, virga_str_from("Deny"))) &&
           (is_given(statement, "Principal") || is_given(statement, "NotPrincipal")) &&
           (is_given(statement, "Action") || is_given(statement, "NotAction")) &&
           /* The resource is the repository itself: ECR refuses to have it named. */
           virga_awsjson_member(statement, "Resource") == NULL &&
           virga_awsjson_member(statement, "NotResource") == NULL;
}

bool policy_text_is_policy(struct virga_str text) {
    struct json_object *document = NULL;
    if (virga_awsjson_parse(text, &document) != 0) {
        return false;
    }
    struct json_object *statements = virga_awsjson_member(document, "Statement");
    bool good = is_statement(statements);
    if (json_object_is_type(statements, json_type_array)) {
        size_t count = json_object_array_length(statements);
        good = count > 0;
        for (size_t i = 0; i < count && good; i++) {
            good = is_statement(json_object_array_get_idx(statements, i));
        }
    }
    json_object_put(document);
    return good;
}

void action_set_repository_policy(struct call *call) {
    struct virga_str text = call_str(call, "policyText");
    if (!policy_text_is_policy(text)) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
                  "repository policy provided'");
        return;
    }
    text_put(call, &policy, text);
}

void action_get_repository_policy(struct call *call) {
    text_answer(call, &policy, false);
}

void action_delete_repository_policy(struct call *call) {
    text_answer(call, &policy, true);
}
