/* SPDX-License-Identifier: MIT */
/* From one phase of an operation to the next, and to its end. */
#include "operation_impl.h"

#include <errno.h>
#include <stdlib.h>

/* "[A, B]" of the pieces that failed. */
static void list_failed(const struct operation *operation, char *ret_list, size_t size) {
    size_t len = 0;
    (void)snprintf(ret_list, size, "[");
    for (size_t i = 0; i < operation->pieces_count && len + 2 < size; i++) {
        if (operation->pieces[i].progress == PROGRESS_FAILED) {
            len = strlen(ret_list);
            (void)snprintf(ret_list + len, size - len, "%s%s", len > 1 ? ", " : "",
                           operation->pieces[i].logical);
        }
    }
    len = strlen(ret_list);
    (void)snprintf(ret_list + len, size - len, "]");
}

static bool any_failed(const struct operation *operation) {
    for (size_t i = 0; i < operation->pieces_count; i++) {
        if (operation->pieces[i].progress != PROGRESS_DONE) {
            return true;
        }
    }
    return false;
}

/* Takes the marks of a finished operation off the records. */
static int unmark(struct operation *operation) {
    int result = 0;
    json_object_object_foreach(operation->resources, logical, record) {
        (void)logical;
        if (result == 0 && value_member(record, "mark") != NULL) {
            json_object_object_del(record, "mark");
            json_object_object_del(record, "action");
            json_object_object_del(record, "before");
            json_object_object_del(record, "trash");
            result = resource_write(operation->cfn, operation->stack, record);
        }
    }
    return result;
}

/* Writes the stack's new status with all that goes with it, in one transaction. */
static bool set_status(struct operation *operation, const char *status, const char *reason,
                       int (*with)(struct operation *operation, void *arg), void *arg) {
    struct cfn *cfn = operation->cfn;
    bool ends = !stack_status_ends(status, "_IN_PROGRESS");
    int result = record_begin(cfn);
    if (result == 0) {
        result = with != NULL ? with(operation, arg) : 0;
        if (result == 0 && ends) {
            result = record_delete(cfn, "u/%s", value_text(operation->stack, "uuid"));
        }
        result = result != 0 ? result : stack_set_status(cfn, operation->stack, status, reason);
        result = record_end(cfn, result);
    }
    if (result != 0) {
        operation_stand_still(operation, result);
    }
    return result == 0;
}

static int settle(struct operation *operation, void *outputs) {
    return operation_settle(operation, outputs);
}

/* A creation has no phase behind it in which the marks are wanted. */
static int settle_creation(struct operation *operation, void *outputs) {
    int result = operation_settle(operation, outputs);
    return result != 0 ? result : unmark(operation);
}

static int end_update(struct operation *operation, void *arg) {
    (void)arg;
    return unmark(operation);
}

/* What an update that was rolled back brought is forgotten. */
static int forget_next(struct operation *operation, void *arg) {
    (void)arg;
    json_object_object_del(operation->stack, "next");
    int result = record_delete(operation->cfn, "t/%s/n", value_text(operation->stack, "uuid"));
    return result != 0 ? result : unmark(operation);
}

static int end_deletion(struct operation *operation, void *arg) {
    struct cfn *cfn = operation->cfn;
    const char *uuid = value_text(operation->stack, "uuid");
    (void)arg;
    int result = operation_drop_exports(operation);
    result = result != 0 ? result : stack_delete_name(cfn, operation->stack);
    result = result != 0 ? result : record_delete_all(cfn, "r/%s/", uuid);
    result = result != 0 ? result : record_delete_all(cfn, "c/%s/", uuid);
    result = result != 0 ? result : record_delete_all(cfn, "b/%s/", uuid);
    result = result != 0 ? result : value_set_int(operation->stack, "deletedMs", cfn_now_ms(cfn));
    return result;
}

void operation_enter(struct operation *operation, enum phase phase) {
    int result;
    operation_clear_pieces(operation);
    operation->phase = phase;
    operation->failed = operation->cancelled = false;
    switch (phase) {
    case PHASE_FORWARD:
        result = operation_plan_forward(operation);
        break;
    case PHASE_RESTORE:
        result = operation_plan_restore(operation);
        break;
    default:
        result = operation_plan_remove(operation);
    }
    if (result == -EINVAL) {
        operation->failed = true; /* see reason */
    } else if (result != 0) {
        operation_stand_still(operation, result);
    }
}

/* Whether there is a phase to go on with; else the operation has come to its end. */
static bool fail_forward(struct operation *operation) {
    char list[1200];
    char reason[FAULT_SIZE];
    const char *status = value_text(operation->stack, "status");
    bool creates = strcmp(status, "CREATE_IN_PROGRESS") == 0;
    const char *on_failure = value_text(operation->stack, "onFailure");
    bool made = false;
    list_failed(operation, list, sizeof list);
    for (size_t i = 0; i < operation->pieces_count; i++) {
        made = made ||
               (operation->pieces[i].progress == PROGRESS_FAILED &&
                operation->pieces[i].record != NULL &&
                strcmp(value_text(operation->pieces[i].record, "status"), "CREATE_FAILED") == 0);
    }
    if (operation->reason[0] != '\0') {
        (void)snprintf(reason, sizeof reason, "%s", operation->reason);
    } else {
        (void)snprintf(reason, sizeof reason, "The following resource(s) failed to %s: %s. %s",
                       made || creates ? "create" : "update", list,
                       creates ? "Rollback requested by user." : "");
    }
    operation->reason[0] = '\0';
    bool stays = value_bool(operation->stack, "disableRollback") ||
                 (on_failure != NULL && strcmp(on_failure, "DO_NOTHING") == 0);
    if (stays) {
        (void)set_status(operation, creates ? "CREATE_FAILED" : "UPDATE_FAILED", reason, NULL,
                         NULL);
        return false;
    }
    if (creates && on_failure != NULL && strcmp(on_failure, "DELETE") == 0) {
        if (set_status(operation, "DELETE_IN_PROGRESS", reason, NULL, NULL)) {
            operation_enter(operation, PHASE_DELETE);
        }
        return true;
    }
    if (set_status(operation, creates ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS",
                   reason, NULL, NULL)) {
        operation_enter(operation, creates ? PHASE_ROLLBACK : PHASE_RESTORE);
    }
    return true;
}

static bool end_forward(struct operation *operation) {
    struct json_object *outputs = NULL;
    bool creates = strcmp(value_text(operation->stack, "status"), "CREATE_IN_PROGRESS") == 0;
    if (operation->cancelled) {
        (void)snprintf(operation->reason, sizeof operation->reason, "User Initiated");
    }
    if (operation->failed || operation->cancelled) {
        return fail_forward(operation);
    }
    int result = operation_make_outputs(operation, &outputs);
    if (result == -EINVAL) {
        return fail_forward(operation);
    }
    if (result != 0) {
        operation_stand_still(operation, result);
        return false;
    }
    bool more = false;
    if (creates) {
        (void)set_status(operation, "CREATE_COMPLETE", NULL, settle_creation, outputs);
    } else if (set_status(operation, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", NULL, settle,
                          outputs)) {
        operation_enter(operation, PHASE_CLEANUP);
        more = true;
    }
    json_object_put(outputs);
    return more;
}

static bool end_restore(struct operation *operation) {
    char list[1200];
    char reason[FAULT_SIZE];
    if (any_failed(operation)) {
        list_failed(operation, list, sizeof list);
        (void)snprintf(reason, sizeof reason, "The following resource(s) failed to update: %s. ",
                       list);
        (void)set_status(operation, "UPDATE_ROLLBACK_FAILED", reason, NULL, NULL);
        return false;
    }
    if (set_status(operation, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", NULL, NULL, NULL)) {
        operation_enter(operation, PHASE_RESTORE_CLEANUP);
    }
    return true;
}

static bool end_deleting(struct operation *operation, const char *complete, const char *failed) {
    char list[1200];
    char reason[FAULT_SIZE];
    struct cfn *cfn = operation->cfn;
    if (operation->failed || any_failed(operation)) {
        list_failed(operation, list, sizeof list);
        (void)snprintf(reason, sizeof reason, "The following resource(s) failed to delete: %s. ",
                       list);
        (void)set_status(operation, failed,
                         operation->reason[0] != '\0' ? operation->reason : reason, NULL, NULL);
    } else if (operation->phase == PHASE_ROLLBACK) {
        (void)set_status(operation, complete, NULL, end_update, NULL);
    } else if (set_status(operation, complete, NULL, end_deletion, NULL)) {
        int result = stack_prune(cfn, value_text(operation->stack, "account"),
                                 value_text(operation->stack, "region"));
        if (result != 0) {
            CFN_LOG(cfn, VIRGA_LOG_WARN, NULL, "old stacks could not be forgotten: %s",
                    strerror(-result));
        }
    }
    return false;
}

bool operation_end_phase(struct operation *operation) {
    switch (operation->phase) {
    case PHASE_FORWARD:
        return end_forward(operation);
    case PHASE_CLEANUP:
        /* What could not be removed stays behind, as at AWS: the events say so. */
        (void)set_status(operation, "UPDATE_COMPLETE", NULL, end_update, NULL);
        return false;
    case PHASE_RESTORE:
        return end_restore(operation);
    case PHASE_RESTORE_CLEANUP:
        (void)set_status(operation, "UPDATE_ROLLBACK_COMPLETE", NULL, forget_next, NULL);
        return false;
    case PHASE_ROLLBACK:
        return end_deleting(operation, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED");
    case PHASE_DELETE:
        return end_deleting(operation, "DELETE_COMPLETE", "DELETE_FAILED");
    }
    return false;
}
