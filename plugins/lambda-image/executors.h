/* SPDX-License-Identifier: MIT */
/* Chooses the executor, as floci.services.lambda.executor says: docker, oci, or auto = docker if an
 * engine answers, else oci. Chosen when it is first needed. Everything is [loop]. */
#ifndef LAMBDA_EXECUTORS_H
#define LAMBDA_EXECUTORS_H

#include "executor.h"

/* Errors: -ENOMEM. */
int executors_create(struct lambda *lambda, struct executors **ret_executors);
/* NULL is fine. */
void executors_destroy(struct executors *executors);

/* The executor that is used; NULL until one was chosen. */
struct executor *executors_current(struct executors *executors);
/* Which one is used and why, or why none is: for people. Valid: until the next call of the loop. */
const char *executors_reason(const struct executors *executors);
/* Has one chosen, anew where the current one is lost; a choice that failed is not tried again
 * within a second. Calls back: once, maybe inside the call: 0 with the executor, or a negative
 * errno with the reason why neither can be used. */
void executors_need(struct executors *executors,
                    void (*on_chosen)(void *arg, struct executor *executor, int error,
                                      const char *reason),
                    void *arg);
/* Calls back: once, maybe inside the call. */
void executors_stop(struct executors *executors, void (*on_stopped)(void *arg), void *arg);

/* For `virga doctor`: which one would be chosen, and what each finds. Thread: [worker]. */
void executors_doctor(const struct virga_host *host, const struct virga_doctor *doctor);

#endif
