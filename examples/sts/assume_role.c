/* SPDX-License-Identifier: MIT */
/* AssumeRole. IAM is asked for the role: one that it knows has its id and its longest session. One
 * that it does not know may be assumed all the same, unless floci.auth.mode is "enforce". Whether
 * the role trusts the caller is not looked at. */
#include "assume_role.h"

#include "caller.h"
#include "iam.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/sha256.h>

#define ROLE_DURATION_S 3600
/* A role that assumes another gets an hour at most. */
#define CHAINED_DURATION_S 3600
/* What session policies may take, in plain text; AWS packs them, so this is a guess at its
 * percentage. */
#define POLICY_SPACE 2048
#define ROLE_ID_LEN 17 /* behind "AROA" */

static int is_account(struct virga_str text) {
    return text.len == VIRGA_ACCOUNT_LEN && strspn(text.ptr, "0123456789") >= text.len;
}

/* The same role has the same id for ever: its ARN's digest in letters. */
static int role_id(struct virga_str arn, char ret_id[4 + ROLE_ID_LEN + 1]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char hex[VIRGA_SHA256_HEX_LEN + 1];
    int result = virga_sha256_hex(arn, hex);
    if (result != 0) {
        return result;
    }
    memcpy(ret_id, "AROA", 4);
    for (size_t i = 0; i < ROLE_ID_LEN; i++) {
        int high = isdigit(hex[2 * i]) ? hex[2 * i] - '0' : hex[2 * i] - 'a' + 10;
        int low = isdigit(hex[2 * i + 1]) ? hex[2 * i + 1] - '0' : hex[2 * i + 1] - 'a' + 10;
        ret_id[4 + i] = letters[(high * 16 + low) & 31];
    }
    ret_id[4 + ROLE_ID_LEN] = '\0';
    return 0;
}

int assumed_role_read(struct call *call, struct assumed_role *ret_role) {
    struct virga_str text = virga_awsjson_str(call->input, "RoleArn");
    struct virga_str name = virga_awsjson_str(call->input, "RoleSessionName");
    struct session *session = &ret_role->session;
    struct virga_arn arn;
    char id[4 + ROLE_ID_LEN + 1];
    if (virga_arn_parse(text, &arn) != 0) {
        call_fail(call, 400, "ValidationError", "%s is invalid", text.ptr);
        return -EINVAL;
    }
    if (!virga_str_equal(arn.service, virga_str_from("iam")) || !is_account(arn.account) ||
        arn.region.len != 0 || arn.resource.len <= strlen("role/") ||
        strncmp(arn.resource.ptr, "role/", strlen("role/")) != 0 ||
        arn.resource.ptr[arn.resource.len - 1] == '/') {
        call_fail(call, 400, "ValidationError", "Request ARN is invalid");
        return -EINVAL;
    }
    int result = role_id(text, id);
    if (result != 0) {
        call->req->http->abort(call->req);
        return result;
    }
    /* The role's path is no part of the session's ARN. */
    const char *role_name = strrchr(arn.resource.ptr, '/') + 1;
    memcpy(ret_role->account, arn.account.ptr, VIRGA_ACCOUNT_LEN);
    ret_role->account[VIRGA_ACCOUNT_LEN] = '\0';
    (void)snprintf(ret_role->name, sizeof ret_role->name, "%s", role_name);
    session->kind = SESSION_ROLE;
    (void)snprintf(session->user_id, sizeof session->user_id, "%s:%s", id, name.ptr);
    (void)snprintf(session->arn, sizeof session->arn, "arn:%.*s:sts::%s:assumed-role/%s/%s",
                   (int)arn.partition.len, arn.partition.ptr, ret_role->account, role_name,
                   name.ptr);
    return 0;
}

/* Two tags that differ in case only are one at AWS. */
static int check_tags(struct call *call) {
    size_t count = virga_awsjson_length(call->input, "Tags");
    for (size_t i = 0; i < count; i++) {
        struct virga_str key =
            virga_awsjson_str(virga_awsjson_element(call->input, "Tags", i), "Key");
        for (size_t j = 0; j < i; j++) {
            struct virga_str other =
                virga_awsjson_str(virga_awsjson_element(call->input, "Tags", j), "Key");
            if (strcasecmp(key.ptr, other.ptr) == 0) {
                call_fail(call, 400, "InvalidParameterValue",
                          "Duplicate tag keys found. Please note that Tag keys are case "
                          "insensitive.");
                return -EINVAL;
            }
        }
    }
    return 0;
}

static int has_tag(struct call *call, struct virga_str key) {
    size_t count = virga_awsjson_length(call->input, "Tags");
    for (size_t i = 0; i < count; i++) {
        struct json_object *tag = virga_awsjson_element(call->input, "Tags", i);
        if (strcasecmp(virga_awsjson_str(tag, "Key").ptr, key.ptr) == 0) {
            return 1;
        }
    }
    return 0;
}

static int check_transitive_tags(struct call *call) {
    size_t count = virga_awsjson_length(call->input, "TransitiveTagKeys");
    for (size_t i = 0; i < count; i++) {
        struct json_object *key = virga_awsjson_element(call->input, "TransitiveTagKeys", i);
        if (!has_tag(call, virga_awsjson_text(key))) {
            call_fail(call, 400, "InvalidParameterValue",
                      "The specified transitive tag key must be included in the requested tags.");
            return -EINVAL;
        }
    }
    return 0;
}

int session_policies_check(struct call *call) {
    struct virga_str policy = virga_awsjson_str(call->input, "Policy");
    struct json_object *parsed = NULL;
    int result = policy.ptr != NULL ? virga_awsjson_parse(policy, &parsed) : 0;
    json_object_put(parsed);
    if (result == -ENOMEM) {
        call->req->http->abort(call->req);
    } else if (result != 0) {
        call_fail(call, 400, "MalformedPolicyDocument",
                  "The policy is not in the valid JSON format.");
    } else {
        result = check_tags(call);
    }
    return result == 0 ? check_transitive_tags(call) : result;
}

void session_policies_write(const struct call *call, struct virga_xml_writer *writer) {
    size_t policy_arns = virga_awsjson_length(call->input, "PolicyArns");
    size_t tags = virga_awsjson_length(call->input, "Tags");
    size_t bytes = virga_awsjson_str(call->input, "Policy").len;
    for (size_t i = 0; i < policy_arns; i++) {
        bytes += virga_awsjson_str(virga_awsjson_element(call->input, "PolicyArns", i), "arn").len;
    }
    for (size_t i = 0; i < tags; i++) {
        struct json_object *tag = virga_awsjson_element(call->input, "Tags", i);
        bytes += virga_awsjson_str(tag, "Key").len + virga_awsjson_str(tag, "Value").len;
    }
    if (bytes > 0) {
        size_t percent = (bytes * 100 + POLICY_SPACE - 1) / POLICY_SPACE;
        virga_xml_int(writer, "PackedPolicySize", percent < 100 ? (int64_t)percent : 100);
    }
}

int assumed_role_answer(struct call *call, struct assumed_role *role,
                        struct virga_xml_writer *writer) {
    int64_t duration_s = virga_awsjson_int(call->input, "DurationSeconds", ROLE_DURATION_S);
    virga_query_begin(writer, call->action, STS_XMLNS);
    virga_xml_begin(writer, "AssumedRoleUser");
    virga_xml_string(writer, "AssumedRoleId", role->session.user_id);
    virga_xml_string(writer, "Arn", role->session.arn);
    virga_xml_end(writer, "AssumedRoleUser");
    int result = session_answer(call, role->account, &role->session, duration_s, writer);
    if (result == 0) {
        session_policies_write(call, writer);
    }
    return result;
}

/* The role of the question is the one that the call names, path and all. */
static int is_same(struct call *call, const struct iam_answer *answer) {
    char arn[SESSION_ARN_MAX];
    return answer->status == 200 && iam_read(answer, "Arn", arn, sizeof arn) &&
           virga_str_equal(virga_str_from(arn), virga_awsjson_str(call->input, "RoleArn"));
}

/* A host without an IAM has another error, and nobody knows any role. */
static int is_unknown(struct call *call, const struct iam_answer *answer) {
    char code[64];
    return (answer->status == 200 && !is_same(call, answer)) ||
           (iam_read(answer, "Code", code, sizeof code) && strcmp(code, "NoSuchEntity") == 0);
}

int assumed_role_check(struct call *call, const struct iam_answer *answer, const char *who,
                       struct assumed_role *role) {
    char text[40];
    int64_t duration_s = virga_awsjson_int(call->input, "DurationSeconds", ROLE_DURATION_S);
    if (answer->status >= 500) {
        iam_fail(call, -EIO);
        return -EIO;
    }
    if (call->sts->enforce && is_unknown(call, answer)) {
        if (who != NULL) {
            call_fail(call, 403, "AccessDenied",
                      "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", who,
                      virga_awsjson_str(call->input, "RoleArn").ptr);
        } else {
            call_fail(call, 403, "AccessDenied", "Not authorized to perform sts:%s", call->action);
        }
        return -EACCES;
    }
    if (!is_same(call, answer)) {
        return 0;
    }
    if (iam_read(answer, "MaxSessionDuration", text, sizeof text) &&
        duration_s > strtoll(text, NULL, 10)) {
        call_fail(call, 400, "ValidationError",
                  "The requested DurationSeconds exceeds the MaxSessionDuration set for this "
                  "role.");
        return -EINVAL;
    }
    if (iam_read(answer, "RoleId", text, sizeof text)) {
        (void)snprintf(role->session.user_id, sizeof role->session.user_id, "%s:%s", text,
                       virga_awsjson_str(call->input, "RoleSessionName").ptr);
    }
    return 0;
}

void assumed_role_ask(struct call *call, const struct assumed_role *role,
                      void (*on_answer)(struct call *call, const struct iam_answer *answer)) {
    char form[sizeof role->name * 3 + 64];
    size_t len = (size_t)snprintf(form, sizeof form, "Action=GetRole&Version=2010-05-08&RoleName=");
    for (const char *at = role->name; *at != '\0' && len < sizeof form - 4; at++) {
        len += (size_t)snprintf(form + len, sizeof form - len, "%%%02X", (unsigned char)*at);
    }
    iam_ask(call, role->account, (struct virga_str){NULL, 0}, form, on_answer);
}

static void on_role(struct call *call, const struct iam_answer *answer) {
    struct caller caller;
    struct assumed_role role;
    struct virga_xml_writer writer = {0};
    if (caller_find(call, &caller) != 0 || assumed_role_read(call, &role) != 0 ||
        assumed_role_check(call, answer, caller.session.arn, &role) != 0) {
        return;
    }
    if (assumed_role_answer(call, &role, &writer) == 0) {
        struct virga_str source = virga_awsjson_str(call->input, "SourceIdentity");
        virga_xml_string(&writer, "SourceIdentity", source.ptr);
        (void)virga_query_answer(call->req, &writer, call->action);
    }
}

void action_assume_role(struct call *call) {
    struct caller caller;
    struct assumed_role role;
    if (caller_find(call, &caller) != 0 || assumed_role_read(call, &role) != 0 ||
        session_policies_check(call) != 0) {
        return;
    }
    if (caller.is_session && caller.session.kind == SESSION_ROLE &&
        virga_awsjson_int(call->input, "DurationSeconds", 0) > CHAINED_DURATION_S) {
        call_fail(call, 400, "ValidationError",
                  "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                  "assumed by role chaining.");
        return;
    }
    assumed_role_ask(call, &role, on_role);
}
