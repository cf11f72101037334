/* SPDX-License-Identifier: MIT */
/* What every action needs of its call. */
#include "iam.h"

#include <errno.h>

void call_fail_internally(struct call *call, int error) {
    if (error == -ENOMEM) {
        call->req->http->abort(call->req);
        return;
    }
    virga_log_printf(call->iam->log, call->iam->host, VIRGA_LOG_ERROR, call->req, "%s failed: %s",
                     call->action, strerror(-error));
    call_fail(call, SERVICE_FAILURE,
              "The request processing has failed because of an unknown error, exception or "
              "failure.");
}

void call_answer_empty(struct call *call) {
    (void)virga_query_answer_empty(call->req, call->action, IAM_XMLNS);
}

int64_t call_now_ms(const struct call *call) {
    return call->iam->timer->now_ms(call->iam->host) / 1000 * 1000;
}

struct virga_str call_str(const struct call *call, const char *member) {
    return virga_awsjson_str(call->input, member);
}
