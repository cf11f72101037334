/* SPDX-License-Identifier: MIT */
/* What functions wrote and what happened to them, kept in memory per function, bounded, and shown
 * at
 * /_floci/lambda/<function>/logs. Everything is [loop]. */
#ifndef LAMBDA_LOGS_H
#define LAMBDA_LOGS_H

#include "lambda.h"

/* Errors: -ENOMEM. */
int logs_create(struct lambda *lambda, struct logs **ret_logs);
/* Ends the answers of those who follow. */
void logs_stop(struct logs *logs);
/* NULL is fine. */
void logs_destroy(struct logs *logs);

/* Appends bytes as they came; a line that is not ended is ended by the next platform line. `stream`
 * names the environment (AWS: "2026/11/25/[$LATEST]<hex>"). What does not fit pushes out the oldest
 * lines. Never fails: without memory the bytes are lost. */
void logs_add(struct logs *logs, const struct tenant *tenant, const char *name, const char *stream,
              struct virga_str bytes);
/* The function is gone. */
void logs_forget(struct logs *logs, const struct tenant *tenant, const char *name);

/* GET /_floci/lambda/<function>/logs[?follow=1][&account=...][&region=...][&tail=<lines>]: text, as
 * it was written; `follow` goes on until the client leaves. The function's name or ARN is the first
 * parameter of the path. */
void logs_handle(struct logs *logs, struct virga_request *req);

#endif
