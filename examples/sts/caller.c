/* SPDX-License-Identifier: MIT */
/* Who calls, and GetCallerIdentity, which tells. */
#include "caller.h"

#include "iam.h"

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

/* A user's key: IAM names the user, or says that nobody has the key. A host without an IAM, and any
 * other trouble of the user's, leaves the key to stand for its account. */
static void on_user(struct call *call, const struct iam_answer *answer) {
    struct caller *caller = call->req->http->alloc(call->req, sizeof *caller);
    char code[64];
    if (answer->status >= 500 || caller == NULL) {
        iam_fail(call, caller == NULL ? -ENOMEM : -EIO);
        return;
    }
    if (iam_read(answer, "Code", code, sizeof code) && strcmp(code, "InvalidClientTokenId") == 0) {
        call_fail(call, 403, "InvalidClientTokenId",
                  "The security token included in the request is invalid.");
        return;
    }
    caller_root(call->req, caller);
    if (answer->status == 200) {
        (void)iam_read(answer, "Arn", caller->session.arn, sizeof caller->session.arn);
        (void)iam_read(answer, "UserId", caller->session.user_id, sizeof caller->session.user_id);
    }
    call->user = caller;
    call->run(call);
}

void caller_run(struct call *call) {
    char account[VIRGA_ACCOUNT_LEN + 1];
    struct virga_str access_key = call->req->access_key;
    if (virga_access_key_account(access_key, account) == 0 &&
        strncmp(access_key.ptr, "AKIA", 4) == 0) {
        iam_ask(call, account, access_key, "Action=GetUser&Version=2010-05-08", on_user);
    } else {
        call->run(call);
    }
}

int caller_find(struct call *call, struct caller *ret_caller) {
    struct sts *sts = call->sts;
    struct virga_str access_key = call->req->access_key;
    if (call->user != NULL) {
        *ret_caller = *call->user;
        return 0;
    }
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
