/* SPDX-License-Identifier: MIT */
/* Statements held against a request. */
#include "policy_eval.h"

#include "policy_pattern.h"

#include <virga/helpers/arn.h>

/* The name behind the last slash. */
static struct virga_str last_part(struct virga_str text) {
    const char *slash = memrchr(text.ptr, '/', text.len);
    const char *end = text.ptr + text.len;
    return slash != NULL ? (struct virga_str){slash + 1, (size_t)(end - slash - 1)} : text;
}

/* Whether `role`, whose name is unique in its account, is the one that a session acts as. A session
 * does not tell its role's path. */
static bool is_role_of(struct virga_str role, const struct principal *principal) {
    char arn_text[PRINCIPAL_ARN_MAX + 1];
    struct virga_arn have, wanted;
    static const char prefix[] = "role/";
    return principal_role_arn(principal, arn_text) &&
           virga_arn_parse(virga_str_from(arn_text), &have) == 0 &&
           virga_arn_parse(role, &wanted) == 0 &&
           virga_str_equal(have.partition, wanted.partition) &&
           virga_str_equal(have.service, wanted.service) &&
           virga_str_equal(have.account, wanted.account) && wanted.resource.len >= sizeof prefix &&
           memcmp(wanted.resource.ptr, prefix, sizeof prefix - 1) == 0 &&
           virga_str_equal(last_part(have.resource), last_part(wanted.resource));
}

static bool is_listed(const struct policy_statement *statement, enum policy_principal_kind kind,
                      bool (*same)(struct virga_str value, const struct principal *principal),
                      const struct principal *principal) {
    for (size_t i = 0; i < statement->principals_count; i++) {
        if (statement->principals[i].kind == kind &&
            same(statement->principals[i].value, principal)) {
            return true;
        }
    }
    return false;
}

static bool same_any(struct virga_str value, const struct principal *principal) {
    (void)value;
    (void)principal;
    return true;
}

static bool same_account(struct virga_str value, const struct principal *principal) {
    return virga_str_equal(value, virga_str_from(principal->account));
}

static bool same_arn(struct virga_str value, const struct principal *principal) {
    return virga_str_equal(value, virga_str_from(principal->arn));
}

static bool same_service(struct virga_str value, const struct principal *principal) {
    return virga_str_equal(value, virga_str_from(principal->service));
}

/* Whether the statement names the caller: itself, its role, its account, or everybody. */
static bool names(const struct policy_statement *statement, const struct principal *principal) {
    if (is_listed(statement, POLICY_ANYONE, same_any, principal)) {
        return true;
    }
    if (principal->service[0] != '\0') {
        return is_listed(statement, POLICY_SERVICE, same_service, principal);
    }
    return is_listed(statement, POLICY_ACCOUNT, same_account, principal) ||
           is_listed(statement, POLICY_ARN, same_arn, principal) ||
           is_listed(statement, POLICY_ARN, is_role_of, principal);
}

/* Whether NotPrincipal leaves the caller out: a user only with its account, a session only with
 * role and account. Source: IAM user guide, "AWS JSON policy elements: NotPrincipal". */
static bool leaves_out(const struct policy_statement *statement,
                       const struct principal *principal) {
    char role[PRINCIPAL_ARN_MAX + 1], root[PRINCIPAL_ARN_MAX + 1];
    struct virga_arn arn;
    if (is_listed(statement, POLICY_ANYONE, same_any, principal)) {
        return true;
    }
    if (principal->service[0] != '\0') {
        return is_listed(statement, POLICY_SERVICE, same_service, principal);
    }
    if (!is_listed(statement, POLICY_ACCOUNT, same_account, principal)) {
        return false;
    }
    root[0] = '\0';
    if (virga_arn_parse(virga_str_from(principal->arn), &arn) == 0) {
        (void)snprintf(root, sizeof root, "arn:%.*s:iam::%s:root", (int)arn.partition.len,
                       arn.partition.ptr, principal->account);
    }
    if (strcmp(root, principal->arn) == 0) {
        return true;
    }
    return is_listed(statement, POLICY_ARN, same_arn, principal) &&
           (!principal_role_arn(principal, role) ||
            is_listed(statement, POLICY_ARN, is_role_of, principal));
}

/* Whether one of the patterns matches. Returns 1 or 0; errors: -ENOMEM. */
static int any_matches(const struct policy_strings *patterns, unsigned flags,
                       const struct policy_context *context, struct virga_str text) {
    for (size_t i = 0; i < patterns->count; i++) {
        int result = policy_pattern_matches(patterns->items[i], flags, context, text);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* Returns 1 or 0; errors: -ENOMEM. */
static int applies(const struct policy_document *document, const struct policy_statement *statement,
                   const struct policy_request *request) {
    unsigned variables = document->variables ? POLICY_PATTERN_VARIABLES : 0;
    if (statement->not_principal ? leaves_out(statement, request->principal)
                                 : !names(statement, request->principal)) {
        return 0;
    }
    int result = any_matches(&statement->actions, POLICY_PATTERN_WILDCARDS | POLICY_PATTERN_NO_CASE,
                             request->context, request->action);
    if (result < 0 || (result == 1) == statement->not_action) {
        return result < 0 ? result : 0;
    }
    if (statement->resources.count > 0) {
        result = any_matches(&statement->resources, POLICY_PATTERN_WILDCARDS | variables,
                             request->context, request->resource);
        if (result < 0 || (result == 1) == statement->not_resource) {
            return result < 0 ? result : 0;
        }
    }
    for (size_t i = 0; i < statement->conditions_count; i++) {
        result = policy_condition_holds(&statement->conditions[i], document->variables,
                                        request->context);
        if (result != 1) {
            return result;
        }
    }
    return 1;
}

int policy_eval(const struct policy_document *document, const struct policy_request *request,
                enum policy_effect *ret_effect) {
    enum policy_effect effect = POLICY_SILENT;
    for (size_t i = 0; i < document->statements_count && effect != POLICY_DENY; i++) {
        const struct policy_statement *statement = &document->statements[i];
        int result = applies(document, statement, request);
        if (result < 0) {
            return result;
        }
        if (result == 1) {
            effect = statement->deny ? POLICY_DENY : POLICY_ALLOW;
        }
    }
    *ret_effect = effect;
    return 0;
}
