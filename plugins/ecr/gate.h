/* SPDX-License-Identifier: MIT */
/* The write gate: lets registry writes through, or holds them back while gc runs. Also used by
 * control-plane calls, which block for gc's duration (seed page). Everything is [loop]. */
#ifndef ECR_GATE_H
#define ECR_GATE_H

#include "ecr.h"

/* A wish to write; embedded by who waits. */
struct gate_pass {
    struct gate_pass *next;
    void (*on_open)(struct gate_pass *pass);
    int state; /* private; zero it before the first use */
};

int gate_create(struct ecr *ecr, struct gate **ret_gate);
void gate_destroy(struct gate *gate);
/* Takes a pass. Returns 1 when it was given at once (on_open is not called), 0 when on_open will be
 * called as soon as the gate opens. Every pass given is to be handed back with gate_leave(). */
int gate_enter(struct gate *gate, struct gate_pass *pass, void (*on_open)(struct gate_pass *pass));
/* Hands a pass back; one still waiting is taken out of the queue. */
void gate_leave(struct gate *gate, struct gate_pass *pass);
/* Closes the gate; on_quiet when the last pass was handed back. Errors: -EBUSY it is closed
 * already. */
int gate_close(struct gate *gate, void (*on_quiet)(void *arg), void *arg);
/* Opens it and lets the waiting ones through, in order. */
void gate_open(struct gate *gate);
bool gate_closed(const struct gate *gate);

#endif
