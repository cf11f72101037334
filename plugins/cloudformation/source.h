/* SPDX-License-Identifier: MIT */
/* Where a call's template and the values of its parameters come from: the call itself, a bucket of
 * the s3 service, the parameter store. */
#ifndef CFN_SOURCE_H
#define CFN_SOURCE_H

#include "call.h"

/* Reads the template into call->text and call->root: TemplateBody, TemplateURL, or the stack's own
 * (UsePreviousTemplate, or neither where `own` says so). call->on_ready follows, maybe inside the
 * call; or the call has ended with an error. */
void source_read_template(struct call *call, bool own);
/* Makes call->parameters for call->root; the same. */
void source_read_parameters(struct call *call, struct json_object *previous);

/* The path in the s3 service that a TemplateURL means, whatever its host is: "/bucket/key". Owns:
 * the caller, until text_finish(). Errors: -EINVAL, -ENOMEM. */
int source_path(const char *url, struct text *ret_path);

/* Checks Capabilities against what the template takes; ends the call and returns false when they do
 * not do. */
bool source_check_capabilities(struct call *call);

#endif
