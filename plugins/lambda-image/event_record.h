/* SPDX-License-Identifier: MIT */
/* The documents of asynchronous events: what is kept of one in the store, and what a destination is
 * told about its end. Pure functions. */
#ifndef LAMBDA_EVENT_RECORD_H
#define LAMBDA_EVENT_RECORD_H

#include "invocation.h"

#include <virga/helpers/json_writer.h>

/* What is kept besides the payload. */
struct event_kept {
    char request_id[LAMBDA_ID_LEN + 1];
    char qualifier[LAMBDA_QUALIFIER_MAX + 1]; /* as it was called; "" = none */
    char trace_id[128];
    char *client_context; /* NULL: none. Owned */
    int64_t queued_ms;
    int64_t due_ms;   /* not before */
    int64_t attempts; /* that have failed */
};

/* Writes it as JSON. */
void event_kept_write(const struct event_kept *kept, struct virga_json_writer *writer);
/* Reads what was written. Owns: the caller, client_context. Errors: -EBADMSG, -ENOMEM. */
int event_kept_read(struct virga_str text, struct event_kept *ret_kept);

/* How an event has ended. */
#define EVENT_SUCCESS "Success"
#define EVENT_RETRIES "RetriesExhausted"
#define EVENT_AGE "EventAgeExceeded"

/* Writes the record for a destination. `result` is the last one; NULL: the function was not run.
 * Source: the developer guide, "Invocation record". */
void event_record_write(const struct invocation *invocation, const char *qualifier,
                        const char *condition, int64_t attempts, int64_t now_ms,
                        const struct invocation_result *result, struct virga_json_writer *writer);

/* "errorMessage" of an error document, cut to the size; "" where there is none. */
void event_error_message(struct virga_str payload, char *buffer, size_t size);

#endif
