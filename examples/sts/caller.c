/* SPDX-License-Identifier: MIT */
/* Who calls, and GetCallerIdentity, which tells. */
#include "caller.h"

#include <errno.h>
#include <virga/helpers/arn.h>

/* Every other access key stands for the root user of the account that the host has found for it. */
static void caller_root(const struct virga_request *req, struct caller *ret_caller) {
    ret_caller->is_session = 0;
    (void)snprintf(ret_caller->account, sizeof ret_caller->account, "%s", req->account.ptr);
    (void)snprintf(ret_caller->session.user_id, sizeof ret_caller->session.user_id, "%s",
                   req->account.ptr);
    (void)snprintf(ret_caller->session.arn, sizeof ret_caller->session.arn, "arn:%s:iam::%s:root",
                   virga_arn_partition(req->region), req->account.ptr);
}

int caller_find(struct call *call, struct caller *ret_caller) {
    struct sts *sts = call->sts;
    struct virga_str access_key = call->req->access_key;
    if (virga_access_key_account(access_key, ret_caller->account) != 0) {
        caller_root(call->req, ret_caller);
        return 0;
    }
    int result = session_find(sts, access_key, &ret_caller->session);
    if (result == -ENOENT) {
        call_fail(call, 403, "InvalidClientTokenId",
                  "The security token included in the request is invalid.");
    } else if (result != 0) {
        call_fail_store(call, result);
    } else if (ret_caller->session.expires_ms <= sts->timer->now_ms(sts->host)) {
        result = -EACCES;
        call_fail(call, 403, "ExpiredToken",
                  "The security token included in the request is expired");
    }
    ret_caller->is_session = 1;
    return result;
}

void action_get_caller_identity(struct call *call) {
    struct caller caller;
    struct virga_xml_writer writer = {0};
    if (caller_find(call, &caller) != 0) {
        return;
    }
    virga_query_begin(&writer, call->action, STS_XMLNS);
    virga_xml_string(&writer, "Arn", caller.session.arn);
    virga_xml_string(&writer, "UserId", caller.session.user_id);
    virga_xml_string(&writer, "Account", caller.account);
    (void)virga_query_answer(call->req, &writer, call->action);
}
