/* SPDX-License-Identifier: MIT */
/* Removing resources, each before what it refers to: a deletion, a rollback of a creation, and what
 * an update leaves over. */
#include "operation_impl.h"

#include <errno.h>
#include <stdlib.h>

static void add_piece(struct operation *operation, struct json_object *record, const char *victim,
                      bool always) {
    struct piece *piece = &operation->pieces[operation->pieces_count++];
    *piece = (struct piece){.operation = operation,
                            .work = WORK_REMOVE,
                            .logical = value_text(record, "logical"),
                            .record = json_object_get(record),
                            .victim = victim,
                            .always = always};
}

static bool is_marked(struct operation *operation, struct json_object *record) {
    const char *mark = value_text(record, "mark");
    return mark != NULL && strcmp(mark, operation_mark(operation)) == 0;
}

static bool is_action(struct json_object *record, const char *action) {
    const char *text = value_text(record, "action");
    return text != NULL && strcmp(text, action) == 0;
}

/* Whether the template that an update brought about has the resource. */
static int is_wanted(struct operation *operation, const char *logical, bool *ret_wanted) {
    /* After a restart the order is not known any more. */
    if (operation->order.nodes == NULL) {
        struct fault fault;
        operation->scope = (struct scope){
            .root = operation->root,
            .parameters = value_member(operation->stack, "parameters"),
            .account = value_text(operation->stack, "account"),
            .region = value_text(operation->stack, "region"),
            .stack_id = value_text(operation->stack, "id"),
            .stack_name = value_text(operation->stack, "name"),
            .notification_arns = value_member(operation->stack, "notificationArns"),
        };
        int result = order_make(&operation->scope, &operation->order, &fault);
        if (result != 0) {
            return result == -EINVAL ? -EIO : result;
        }
    }
    *ret_wanted = order_find(&operation->order, logical) < operation->order.count;
    return 0;
}

/* Whether the user wants the resource left behind when the stack goes. */
static bool is_retained(struct operation *operation, const char *logical) {
    struct json_object *retain = value_member(operation->stack, "retain");
    for (size_t i = 0; i < value_length(retain); i++) {
        if (strcmp(value_scalar(value_element(retain, i)), logical) == 0) {
            return true;
        }
    }
    return false;
}

static int add_pieces(struct operation *operation, const char *logical,
                      struct json_object *record) {
    bool wanted = true;
    int result;
    switch (operation->phase) {
    case PHASE_CLEANUP:
        result = is_wanted(operation, logical, &wanted);
        if (result != 0) {
            return result;
        }
        if (is_action(record, "replace") && is_marked(operation, record) &&
            value_member(record, "before") != NULL) {
            add_piece(operation, record, "before", false);
        } else if (!wanted) {
            add_piece(operation, record, "", false);
        }
        break;
    case PHASE_RESTORE_CLEANUP:
        if (is_marked(operation, record) && value_member(record, "trash") != NULL) {
            add_piece(operation, record, "trash", true);
        } else if (is_marked(operation, record) && is_action(record, "create")) {
            add_piece(operation, record, "", true);
        }
        break;
    default:
        /* What an update that failed has left is removed with the resource. */
        if (value_member(record, "trash") != NULL) {
            add_piece(operation, record, "trash", true);
        }
        if (is_action(record, "replace") && value_member(record, "before") != NULL) {
            add_piece(operation, record, "before", false);
        }
        add_piece(operation, record, "", false);
    }
    return 0;
}

/* Whether `other` refers to `logical`. */
static bool refers(struct json_object *other, const char *logical) {
    struct json_object *waits = value_member(other, "waits");
    for (size_t i = 0; i < value_length(waits); i++) {
        if (strcmp(value_scalar(value_element(waits, i)), logical) == 0) {
            return true;
        }
    }
    return false;
}

static int add_waits(struct operation *operation, struct piece *piece) {
    for (size_t i = 0; i < operation->pieces_count; i++) {
        struct piece *other = &operation->pieces[i];
        if (strcmp(other->logical, piece->logical) == 0 || !refers(other->record, piece->logical)) {
            continue;
        }
        size_t *grown =
            realloc(piece->waits_for, (piece->waits_for_count + 1) * sizeof *piece->waits_for);
        if (grown == NULL) {
            return -ENOMEM;
        }
        piece->waits_for = grown;
        grown[piece->waits_for_count++] = i;
    }
    return 0;
}

int operation_plan_remove(struct operation *operation) {
    size_t count = (size_t)json_object_object_length(operation->resources);
    int result = 0;
    if (operation->phase == PHASE_DELETE &&
        operation_exports_in_use(operation, operation->reason, sizeof operation->reason)) {
        return -EINVAL;
    }
    operation->pieces = calloc(3 * count + 1, sizeof *operation->pieces);
    if (operation->pieces == NULL) {
        return -ENOMEM;
    }
    json_object_object_foreach(operation->resources, logical, record) {
        result = result != 0 ? result : add_pieces(operation, logical, record);
    }
    for (size_t i = 0; result == 0 && i < operation->pieces_count; i++) {
        result = add_waits(operation, &operation->pieces[i]);
    }
    return result;
}

/* The object that says what is to be removed. */
static struct json_object *victim(const struct piece *piece) {
    return *piece->victim == '\0' ? piece->record : value_member(piece->record, piece->victim);
}

/* It is gone (or left behind): so is its record, or what the record kept of it. */
static void forget(struct piece *piece) {
    struct operation *operation = piece->operation;
    int result;
    if (*piece->victim == '\0') {
        result = resource_delete(operation->cfn, operation->stack, piece->logical);
        json_object_object_del(operation->resources, piece->logical);
    } else {
        json_object_object_del(piece->record, piece->victim);
        result = resource_write(operation->cfn, operation->stack, piece->record);
    }
    if (result != 0) {
        CFN_LOG(operation->cfn, VIRGA_LOG_ERROR, NULL, "a resource's record stays: %s",
                strerror(-result));
    }
    operation_piece_done(piece, result != 0);
}

/* Notes a status: of the record, or as an event only when it is about another physical resource. */
static bool note(struct piece *piece, const char *status, const char *reason) {
    struct operation *operation = piece->operation;
    struct json_object *what = victim(piece);
    struct cfn *cfn = operation->cfn;
    if (*piece->victim == '\0') {
        return operation_note(operation, piece->record, status, reason,
                              value_text(what, "physical"));
    }
    int result = record_begin(cfn);
    if (result == 0) {
        result =
            stack_add_event(cfn, operation->stack, piece->logical, value_text(what, "physical"),
                            value_text(what, "type"), status, reason, NULL);
        result = result != 0 ? result : stack_write(cfn, operation->stack);
        result = record_end(cfn, result);
    }
    if (result != 0) {
        operation->stopping = true;
    }
    return result == 0;
}

/* It could not be removed; who forces the deletion leaves it behind. */
static void end_failed(struct piece *piece, const char *reason) {
    (void)note(piece, "DELETE_FAILED", reason);
    if (value_bool(piece->operation->stack, "force")) {
        forget(piece);
    } else {
        operation_piece_done(piece, true);
    }
}

void operation_begin_remove(struct piece *piece) {
    struct operation *operation = piece->operation;
    struct json_object *what = victim(piece);
    const char *policy =
        value_text(piece->record,
                   strcmp(piece->victim, "before") == 0 ? "updateReplacePolicy" : "deletionPolicy");
    const struct resource_type *type = types_find(operation->cfn, value_text(what, "type"));
    const char *physical = value_text(what, "physical");
    bool retained =
        !piece->always && policy != NULL &&
        (strcmp(policy, "Retain") == 0 ||
         (strcmp(policy, "RetainExceptOnCreate") == 0 && operation->phase != PHASE_ROLLBACK));
    if (operation->phase == PHASE_DELETE && is_retained(operation, piece->logical)) {
        retained = true;
    }
    bool still_used =
        *piece->victim != '\0' && strcmp(physical, value_text(piece->record, "physical")) == 0;
    if (still_used) {
        /* The new one is the old one: a version of a function that had not changed. */
        forget(piece);
        return;
    }
    if (*physical == '\0') {
        (void)note(piece, "DELETE_COMPLETE", NULL); /* nothing was made */
        forget(piece);
        return;
    }
    if (retained) {
        (void)note(piece, "DELETE_SKIPPED", NULL);
        forget(piece);
        return;
    }
    if (!note(piece, "DELETE_IN_PROGRESS", NULL)) {
        operation_piece_done(piece, true);
        return;
    }
    if (type == NULL) {
        char reason[400];
        (void)snprintf(reason, sizeof reason,
                       "Resource type %.200s is not supported: no plugin of this host provides it.",
                       value_text(what, "type"));
        end_failed(piece, reason);
        return;
    }
    struct json_object *properties = json_object_get(value_member(what, "properties"));
    properties = properties != NULL ? properties : json_object_new_object();
    operation_run_task(piece, type, TASK_REMOVE, properties, NULL, physical, true);
}

void operation_end_remove(struct piece *piece) {
    if (piece->task.failed) {
        end_failed(piece, piece->task.reason);
    } else {
        (void)note(piece, "DELETE_COMPLETE", NULL);
        forget(piece);
    }
}
