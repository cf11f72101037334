/* SPDX-License-Identifier: MIT */
/* What the files of operations share. */
#ifndef CFN_OPERATION_IMPL_H
#define CFN_OPERATION_IMPL_H

#include "compare.h"
#include "operation.h"
#include "order.h"
#include "types.h"

/* Phases, each the stack status that it stands for. */
enum phase {
    PHASE_FORWARD,         /* CREATE_IN_PROGRESS, UPDATE_IN_PROGRESS */
    PHASE_CLEANUP,         /* UPDATE_COMPLETE_CLEANUP_IN_PROGRESS */
    PHASE_RESTORE,         /* UPDATE_ROLLBACK_IN_PROGRESS */
    PHASE_RESTORE_CLEANUP, /* UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS */
    PHASE_ROLLBACK,        /* ROLLBACK_IN_PROGRESS */
    PHASE_DELETE           /* DELETE_IN_PROGRESS */
};

enum work { WORK_FORWARD, WORK_RESTORE, WORK_REMOVE };
enum progress { PROGRESS_WAITING, PROGRESS_RUNNING, PROGRESS_DONE, PROGRESS_FAILED };

/* What is to be done to one resource in a phase. */
struct piece {
    struct operation *operation;
    enum work work;
    enum progress progress;
    const char *logical;        /* borrowed from the template or the record */
    size_t node;                /* of WORK_FORWARD: in the order */
    struct json_object *record; /* NULL for what is to be created */
    const char *victim;         /* of WORK_REMOVE: "" the record itself, "before", "trash" */
    bool always;                /* of WORK_REMOVE: whatever the policies say */
    size_t *waits_for;          /* indices of pieces */
    size_t waits_for_count;
    struct task task;
};

struct operation {
    struct operation *next;
    struct cfn *cfn;
    struct json_object *stack;
    struct json_object *resources; /* records by logical id */
    struct json_object *root;      /* the template of PHASE_FORWARD */
    struct json_object *imports;   /* names of exports that were used: members */
    struct scope scope;
    struct order order;
    enum phase phase;
    struct piece *pieces;
    size_t pieces_count;
    size_t running;
    bool failed;    /* no new pieces are begun */
    bool cancelled; /* by the user */
    bool pumping;
    bool pump_again;
    bool stopping;
    struct virga_timer_handle *timer;
    char reason[FAULT_SIZE]; /* of a failure that is no resource's */
};

/* Goes into a phase: its pieces are set up. */
void operation_enter(struct operation *operation, enum phase phase);
/* A phase has nothing left to do: goes into the next one and returns true, or ends the operation.
 */
bool operation_end_phase(struct operation *operation);
void operation_clear_pieces(struct operation *operation);
/* The store does not do its part: the operation stands still, and goes on at the next start. */
void operation_stand_still(struct operation *operation, int error);

/* Sets the pieces of a phase up. Errors: -EINVAL with operation->reason, -ENOMEM, -EIO. */
int operation_plan_forward(struct operation *operation);
int operation_plan_restore(struct operation *operation);
int operation_plan_remove(struct operation *operation);

/* Begins a piece; its end is operation_piece_done(), maybe inside the call. */
void operation_begin_forward(struct piece *piece);
void operation_begin_restore(struct piece *piece);
void operation_begin_remove(struct piece *piece);

/* What a task that has ended means for its piece's record. */
void operation_end_forward(struct piece *piece);
void operation_end_restore(struct piece *piece);
void operation_end_remove(struct piece *piece);

/* Starts the piece's task; operation_end_*() follows. Owns: properties and previous. */
void operation_run_task(struct piece *piece, const struct resource_type *type, enum task_kind kind,
                        struct json_object *properties, struct json_object *previous,
                        const char *physical, bool again);
/* Ends a piece. */
void operation_piece_done(struct piece *piece, bool failed);
/* Sets a record's status, adds the event and writes both, in one transaction. Returns false when
 * the store failed (logged); the operation then stands still until the next start. */
bool operation_note(struct operation *operation, struct json_object *record, const char *status,
                    const char *reason, const char *physical);

/* At the end of PHASE_FORWARD: evaluates the outputs and checks the exports. Errors: -EINVAL with
 * operation->reason, -ENOMEM, -EIO. */
int operation_make_outputs(struct operation *operation, struct json_object **ret_outputs);
/* Writes outputs, exports and imports, and makes what an update brought the stack's own; the caller
 * has a transaction. */
int operation_settle(struct operation *operation, struct json_object *outputs);
/* Before a deletion: why the exports must stay; false when nothing keeps them. */
bool operation_exports_in_use(struct operation *operation, char *ret_reason, size_t size);
/* Takes exports and imports away; the caller has a transaction. */
int operation_drop_exports(struct operation *operation);

/* The member of the stack, or what an update brings of it. */
struct json_object *operation_wanted(struct operation *operation, const char *member);
/* The token of the operation: what it has touched is marked with it. */
const char *operation_mark(struct operation *operation);

#endif
