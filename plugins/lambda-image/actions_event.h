/* SPDX-License-Identifier: MIT */
/* The actions that invoke a function. */
#ifndef LAMBDA_ACTIONS_EVENT_H
#define LAMBDA_ACTIONS_EVENT_H

/* More than an event may have, so that one that is too large gets AWS's answer and not the host's.
 */
#define INVOKE_BODY_MAX (8 * 1024 * 1024)

#define INVOKE_FLAGS (ACTION_RAW_BODY | ACTION_ANY_ACCOUNT)

#define ACTIONS_EVENT(X)                                                                           \
    X(Invoke, invoke, "POST", "/2015-03-31/functions/{FunctionName}/invocations", INVOKE_FLAGS,    \
      INVOKE_BODY_MAX)                                                                             \
    X(InvokeAsync, invoke_async, "POST", "/2014-11-13/functions/{FunctionName}/invoke-async",      \
      INVOKE_FLAGS, INVOKE_BODY_MAX)                                                               \
    X(InvokeWithResponseStream, invoke_with_response_stream, "POST",                               \
      "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", INVOKE_FLAGS,         \
      INVOKE_BODY_MAX)

#endif
