/* SPDX-License-Identifier: MIT */
/* The write gate. */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>

enum { PASS_NONE, PASS_WAITING, PASS_GIVEN };

struct gate {
    struct ecr *ecr;
    bool closed;
    size_t given;
    struct gate_pass *first; /* waiting, in order */
    struct gate_pass *last;
    void (*on_quiet)(void *arg);
    void *on_quiet_arg;
    struct virga_timer_handle *quiet; /* on_quiet comes from the loop, never inside gate_close() */
};

int gate_create(struct ecr *ecr, struct gate **ret_gate) {
    struct gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return -ENOMEM;
    }
    gate->ecr = ecr;
    *ret_gate = gate;
    return 0;
}

void gate_destroy(struct gate *gate) {
    if (gate == NULL) {
        return;
    }
    gate->ecr->timer->stop(gate->quiet);
    free(gate);
}

static void on_quiet_timer(void *arg) {
    struct gate *gate = arg;
    gate->ecr->timer->stop(gate->quiet);
    gate->quiet = NULL;
    void (*on_quiet)(void *) = gate->on_quiet;
    gate->on_quiet = NULL;
    if (on_quiet != NULL) {
        on_quiet(gate->on_quiet_arg);
    }
}

/* Sends word when the gate is closed and nobody is inside. */
static int check_quiet(struct gate *gate) {
    if (!gate->closed || gate->given > 0 || gate->on_quiet == NULL || gate->quiet != NULL) {
        return 0;
    }
    return gate->ecr->timer->start(gate->ecr->host, 0, 0, on_quiet_timer, gate, &gate->quiet);
}

int gate_enter(struct gate *gate, struct gate_pass *pass, void (*on_open)(struct gate_pass *pass)) {
    pass->on_open = on_open;
    pass->next = NULL;
    /* Whoever waits already goes first. */
    if (!gate->closed && gate->first == NULL) {
        pass->state = PASS_GIVEN;
        gate->given++;
        return 1;
    }
    pass->state = PASS_WAITING;
    if (gate->last != NULL) {
        gate->last->next = pass;
    } else {
        gate->first = pass;
    }
    gate->last = pass;
    return 0;
}

static void take_out(struct gate *gate, struct gate_pass *pass) {
    struct gate_pass *before = NULL;
    for (struct gate_pass *at = gate->first; at != NULL; before = at, at = at->next) {
        if (at != pass) {
            continue;
        }
        if (before != NULL) {
            before->next = pass->next;
        } else {
            gate->first = pass->next;
        }
        if (gate->last == pass) {
            gate->last = before;
        }
        return;
    }
}

void gate_leave(struct gate *gate, struct gate_pass *pass) {
    int state = pass->state;
    pass->state = PASS_NONE;
    if (state == PASS_WAITING) {
        take_out(gate, pass);
    } else if (state == PASS_GIVEN) {
        gate->given--;
        (void)check_quiet(gate);
    }
}

int gate_close(struct gate *gate, void (*on_quiet)(void *arg), void *arg) {
    if (gate->closed) {
        return -EBUSY;
    }
    gate->closed = true;
    gate->on_quiet = on_quiet;
    gate->on_quiet_arg = arg;
    int result = check_quiet(gate);
    if (result != 0) {
        gate->closed = false;
        gate->on_quiet = NULL;
    }
    return result;
}

void gate_open(struct gate *gate) {
    gate->closed = false;
    gate->on_quiet = NULL;
    gate->ecr->timer->stop(gate->quiet);
    gate->quiet = NULL;
    /* Each one may close the gate again, or leave and take others out. */
    while (!gate->closed && gate->first != NULL) {
        struct gate_pass *pass = gate->first;
        take_out(gate, pass);
        pass->state = PASS_GIVEN;
        gate->given++;
        pass->on_open(pass);
    }
}

bool gate_closed(const struct gate *gate) {
    return gate->closed;
}
