/* SPDX-License-Identifier: MIT */
/* What the actions that invoke have in common: the headers of a call, its event, and the answers
 * that are not the function's. Everything is [loop]. */
#ifndef LAMBDA_INVOKE_H
#define LAMBDA_INVOKE_H

#include "call.h"
#include "invocation.h"

enum invoke_type { INVOKE_REQUEST_RESPONSE, INVOKE_EVENT, INVOKE_DRY_RUN };

/* What the headers say. */
struct invoke_headers {
    enum invoke_type type;
    bool tail;
};

/* Reads them; `types` is the enum of the action's model, without the brackets. False: the call has
 * ended. */
bool invoke_take_headers(struct call *call, const char *types, struct invoke_headers *ret_headers);
/* Checks everything about a call before it may run, and makes its invocation (not for a dry run:
 * NULL). `operation` is the API's name for it in messages. False: the call has ended. */
bool invoke_prepare(struct call *call, const struct invoke_headers *headers, const char *operation,
                    struct invocation **ret_invocation);
/* Answers what is no answer of the function: THROTTLED, REFUSED, CANCELLED. The call is gone. */
void invoke_refuse(struct call *call, const struct invocation_result *result);

#endif
