/* SPDX-License-Identifier: MIT */
/* GetSessionToken, GetFederationToken, GetAccessKeyInfo and DecodeAuthorizationMessage. */
#include "assume_role.h"
#include "caller.h"

#include <virga/helpers/arn.h>
#include <virga/helpers/awsjson.h>

#define TOKEN_DURATION_S 43200

/* The user of temporary credentials gets none of these. 0, or it has answered. */
static int refuse_session(struct call *call, const struct caller *caller) {
    if (caller->is_session) {
        call_fail(call, 403, "AccessDenied", "Cannot call %s with session credentials",
                  call->action);
    }
    return caller->is_session;
}

void action_get_session_token(struct call *call) {
    struct caller caller;
    struct virga_xml_writer writer = {0};
    int64_t duration_s = virga_awsjson_int(call->input, "DurationSeconds", TOKEN_DURATION_S);
    if (caller_find(call, &caller) != 0 || refuse_session(call, &caller)) {
        return;
    }
    caller.session.kind = SESSION_TOKEN;
    virga_query_begin(&writer, call->action, STS_XMLNS);
    if (session_answer(call, caller.account, &caller.session, duration_s, &writer) == 0) {
        (void)virga_query_answer(call->req, &writer, call->action);
    }
}

void action_get_federation_token(struct call *call) {
    struct caller caller;
    struct virga_xml_writer writer = {0};
    struct session *session = &caller.session;
    struct virga_str name = virga_awsjson_str(call->input, "Name");
    int64_t duration_s = virga_awsjson_int(call->input, "DurationSeconds", TOKEN_DURATION_S);
    if (caller_find(call, &caller) != 0 || refuse_session(call, &caller) ||
        session_policies_check(call) != 0) {
        return;
    }
    session->kind = SESSION_FEDERATED;
    (void)snprintf(session->user_id, sizeof session->user_id, "%s:%s", caller.account, name.ptr);
    (void)snprintf(session->arn, sizeof session->arn, "arn:%s:sts::%s:federated-user/%s",
                   virga_arn_partition(call->req->region), caller.account, name.ptr);
    virga_query_begin(&writer, call->action, STS_XMLNS);
    virga_xml_begin(&writer, "FederatedUser");
    virga_xml_string(&writer, "FederatedUserId", session->user_id);
    virga_xml_string(&writer, "Arn", session->arn);
    virga_xml_end(&writer, "FederatedUser");
    if (session_answer(call, caller.account, session, duration_s, &writer) == 0) {
        session_policies_write(call, &writer);
        (void)virga_query_answer(call->req, &writer, call->action);
    }
}

/* A key that was not issued here belongs to the account that the host takes its requests for. */
void action_get_access_key_info(struct call *call) {
    struct virga_xml_writer writer = {0};
    char account[VIRGA_ACCOUNT_LEN + 1];
    struct virga_str key = virga_awsjson_str(call->input, "AccessKeyId");
    const struct virga_config *config = call->sts->config;
    virga_query_begin(&writer, call->action, STS_XMLNS);
    if (virga_access_key_account(key, account) == 0) {
        virga_xml_string(&writer, "Account", account);
    } else {
        virga_xml_str(&writer, "Account",
                      config->get_string(call->sts->host, "floci.default-account-id"));
    }
    (void)virga_query_answer(call->req, &writer, call->action);
}

/* Services here send no encoded messages, so none is one. */
void action_decode_authorization_message(struct call *call) {
    call_fail(call, 400, "InvalidAuthorizationMessageException",
              "The encoded authorization message is invalid.");
}
