/* SPDX-License-Identifier: MIT */
/* What functions wrote and what happened to them, kept in memory per function, bounded, and shown
 * at
 * /_floci/lambda/<function>/logs. Everything is [loop]. */
#ifndef LAMBDA_LOGS_H
#define LAMBDA_LOGS_H

#include "function_name.h"

/* Errors: -ENOMEM. */
int logs_create(struct lambda *lambda, struct logs **ret_logs);
/* Ends the answers of those who follow. */
void logs_stop(struct logs *logs);
/* NULL is fine. */
void logs_destroy(struct logs *logs);

/* Kept of all functions together; beyond it the log that was written to least recently is dropped.
 */
#define LOGS_BYTES_MAX (INT64_C(64) * 1024 * 1024)
#define LOGS_FOLLOWERS_MAX 100 /* beyond it: 503 */

/* Appends whole lines, so that those of several environments do not mix. What does not fit
 * (lambda->log_bytes) pushes out the oldest lines. Never fails: without memory the bytes are lost.
 */
void logs_add(struct logs *logs, const struct tenant *tenant, const char *name,
              struct virga_str lines);
/* The function is gone. */
void logs_forget(struct logs *logs, const struct tenant *tenant, const char *name);

/* Whose log a request of logs_handle() means. Errors: -EINVAL its path names no function. */
int logs_whose(struct virga_request *req, struct tenant *ret_tenant,
               struct function_name *ret_name);
/* 404: the function that a request of logs_handle() means is not there. */
void logs_answer_nobody(struct virga_request *req);

/* GET /_floci/lambda/<function>/logs[?follow=1][&account=...][&region=...][&tail=<lines>]: text, as
 * it was written; `follow` goes on until the client leaves, and tells a reader that is too slow how
 * much it has missed. The function's name or ARN is the first parameter of the path. 200 without a
 * body where nothing was logged. */
void logs_handle(struct logs *logs, struct virga_request *req);

#endif
