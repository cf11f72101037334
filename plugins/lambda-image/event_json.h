/* SPDX-License-Identifier: MIT */
/* Whether an event is JSON, and if not, why, in the words of AWS's parser. Pure functions. */
#ifndef LAMBDA_EVENT_JSON_H
#define LAMBDA_EVENT_JSON_H

#include <virga/abi.h>

#define EVENT_JSON_DEPTH 1000 /* Source: Jackson's StreamReadConstraints */
#define EVENT_JSON_FAULT_MAX 512

/* Checks that `text` is one JSON value in UTF-8. Errors: -EBADMSG with the reason and its place in
 * `ret_fault`. Source: AWS-recorded answers of Invoke; Jackson's messages. */
int event_json_check(struct virga_str text, char ret_fault[EVENT_JSON_FAULT_MAX]);

#endif
