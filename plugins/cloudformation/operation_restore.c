/* SPDX-License-Identifier: MIT */
/* Taking an update back: what was changed gets its former properties, what was replaced is the old
 * one again. */
#include "operation_impl.h"

#include <errno.h>
#include <stdlib.h>

static bool is_action(struct json_object *record, const char *action) {
    const char *text = value_text(record, "action");
    return text != NULL && strcmp(text, action) == 0;
}

/* A piece for each record that the operation has touched, in no order: what they refer to stays. */
int operation_plan_restore(struct operation *operation) {
    size_t count = (size_t)json_object_object_length(operation->resources);
    operation->pieces = calloc(count + 1, sizeof *operation->pieces);
    if (operation->pieces == NULL) {
        return -ENOMEM;
    }
    json_object_object_foreach(operation->resources, logical, record) {
        const char *mark = value_text(record, "mark");
        (void)logical;
        if (mark != NULL && strcmp(mark, operation_mark(operation)) == 0 &&
            value_member(record, "before") != NULL) {
            operation->pieces[operation->pieces_count++] =
                (struct piece){.operation = operation,
                               .work = WORK_RESTORE,
                               .logical = value_text(record, "logical"),
                               .record = json_object_get(record)};
        }
    }
    return 0;
}

/* Makes the record what it was. What a replacement made is kept as "trash", to be removed. */
static int put_back(struct json_object *record) {
    static const char *const members[] = {
        "type",     "physical",       "properties",          "attributes",
        "metadata", "deletionPolicy", "updateReplacePolicy", "waits"};
    struct json_object *before = json_object_get(value_member(record, "before"));
    int result = 0;
    if (is_action(record, "replace") && value_text(record, "physical")[0] != '\0') {
        struct json_object *trash = json_object_new_object();
        result = trash == NULL ? -ENOMEM : value_share(trash, "type", value_member(record, "type"));
        result =
            result != 0 ? result : value_share(trash, "physical", value_member(record, "physical"));
        result = result != 0 ? result
                             : value_share(trash, "properties", value_member(record, "properties"));
        result = result != 0 ? result
                             : value_share(trash, "attributes", value_member(record, "attributes"));
        if (result != 0) {
            json_object_put(trash);
        } else {
            result = value_set(record, "trash", trash);
        }
    }
    for (size_t i = 0; result == 0 && i < sizeof members / sizeof members[0]; i++) {
        struct json_object *member = json_object_get(value_member(before, members[i]));
        json_object_object_del(record, members[i]);
        if (member != NULL) {
            result = value_set(record, members[i], member);
        }
    }
    json_object_object_del(record, "before");
    json_object_put(before);
    return result;
}

static void restore(struct piece *piece) {
    struct operation *operation = piece->operation;
    struct json_object *record = piece->record;
    bool silent = is_action(record, "describe") &&
                  !stack_status_ends(value_text(record, "status"), "_FAILED");
    int result = put_back(record);
    if (result == 0 && silent) {
        result = resource_write(operation->cfn, operation->stack, record);
    } else if (result == 0) {
        (void)operation_note(operation, record, "UPDATE_COMPLETE", NULL,
                             value_text(record, "physical"));
    }
    operation_piece_done(piece, result != 0);
}

void operation_begin_restore(struct piece *piece) {
    struct operation *operation = piece->operation;
    struct json_object *record = piece->record;
    struct json_object *before = value_member(record, "before");
    const struct resource_type *type = types_find(operation->cfn, value_text(before, "type"));
    if (!is_action(record, "update") || type == NULL) {
        restore(piece);
        return;
    }
    if (!operation_note(operation, record, "UPDATE_IN_PROGRESS", NULL,
                        value_text(record, "physical"))) {
        operation_piece_done(piece, true);
        return;
    }
    operation_run_task(
        piece, type, TASK_UPDATE, json_object_get(value_member(before, "properties")),
        json_object_get(value_member(record, "properties")), value_text(record, "physical"), true);
}

void operation_end_restore(struct piece *piece) {
    struct task *task = &piece->task;
    if (task->failed) {
        (void)operation_note(piece->operation, piece->record, "UPDATE_FAILED", task->reason,
                             task->physical);
        operation_piece_done(piece, true);
        return;
    }
    restore(piece);
}
