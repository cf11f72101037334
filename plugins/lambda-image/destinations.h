/* SPDX-License-Identifier: MIT */
/* Destinations of asynchronous events and dead-letter queues: sends a document to a queue, a topic,
 * an event bus, a bucket or a function, whichever plugin provides it. Everything is [loop]. */
#ifndef LAMBDA_DESTINATIONS_H
#define LAMBDA_DESTINATIONS_H

#include "lambda.h"

struct destinations;

/* What is sent. Valid: for the call. */
struct destination_message {
    const struct tenant *tenant; /* of the function that ran */
    const char *function_arn;    /* of the version that ran */
    const char *function_name;
    const char *request_id;
    bool success;              /* of the function */
    struct virga_str body;     /* JSON: a record, or a dead letter's event */
    const char *error_message; /* of a dead letter; NULL: this is a record */
};

/* Errors: -ENOMEM. */
int destinations_create(struct lambda *lambda, struct destinations **ret_destinations);
/* Breaks off what is under way. Calls back: once, maybe inside the call, after the last on_done. */
void destinations_stop(struct destinations *destinations, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void destinations_destroy(struct destinations *destinations);

/* Sends it. What cannot be delivered is logged. Calls back: once, never inside the call; whether
 * virga stopped before it was known. Errors: -ECANCELED virga stops; others: the destination cannot
 * be asked at all, which is logged; on_done does not come. */
int destinations_send(struct destinations *destinations, const char *arn,
                      const struct destination_message *message,
                      void (*on_done)(void *arg, bool broken_off), void *arg);

#endif
