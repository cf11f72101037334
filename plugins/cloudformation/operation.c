/* SPDX-License-Identifier: MIT */
/* The life of an operation: phases, and which piece goes when. */
#include "operation_impl.h"

#include "template.h"

#include <errno.h>
#include <stdlib.h>

static void pump(struct operation *operation);

struct json_object *operation_wanted(struct operation *operation, const char *member) {
    struct json_object *brought = value_member(operation->stack, "next");
    struct json_object *found = value_member(brought, member);
    return brought != NULL ? found : value_member(operation->stack, member);
}

const char *operation_mark(struct operation *operation) {
    const char *mark = value_text(operation->stack, "mark");
    return mark != NULL ? mark : "";
}

void operation_clear_pieces(struct operation *operation) {
    for (size_t i = 0; i < operation->pieces_count; i++) {
        free(operation->pieces[i].waits_for);
        json_object_put(operation->pieces[i].record);
    }
    free(operation->pieces);
    operation->pieces = NULL;
    operation->pieces_count = 0;
}

static void destroy(struct operation *operation) {
    struct cfn *cfn = operation->cfn;
    for (struct operation **link = &cfn->operations; *link != NULL; link = &(*link)->next) {
        if (*link == operation) {
            *link = operation->next;
            break;
        }
    }
    cfn->timer->stop(operation->timer);
    operation_clear_pieces(operation);
    order_finish(&operation->order);
    scope_finish(&operation->scope);
    json_object_put(operation->root);
    json_object_put(operation->imports);
    json_object_put(operation->resources);
    json_object_put(operation->stack);
    free(operation);
    if (cfn->operations == NULL && cfn->stop_pending) {
        cfn->stop_pending = false;
        cfn->host->stopped(cfn->host);
    }
}

void operation_stand_still(struct operation *operation, int error) {
    CFN_LOG(operation->cfn, VIRGA_LOG_ERROR, NULL,
            "the operation on stack %s cannot go on before the next start: %s",
            value_text(operation->stack, "name"), strerror(-error));
    operation->stopping = true;
}

bool operation_note(struct operation *operation, struct json_object *record, const char *status,
                    const char *reason, const char *physical) {
    struct cfn *cfn = operation->cfn;
    int result = record_begin(cfn);
    if (result == 0) {
        result = value_set_text(record, "status", status);
        result = result != 0 ? result : value_set_int(record, "timeMs", cfn_now_ms(cfn));
        if (reason != NULL) {
            result = result != 0 ? result : value_set_text(record, "reason", reason);
        } else {
            json_object_object_del(record, "reason");
        }
        if (result == 0) {
            result = stack_add_event(cfn, operation->stack, value_text(record, "logical"), physical,
                                     value_text(record, "type"), status, reason,
                                     value_member(record, "properties"));
        }
        result = result != 0 ? result : resource_write(cfn, operation->stack, record);
        result = result != 0 ? result : stack_write(cfn, operation->stack);
        result = record_end(cfn, result);
    }
    if (result != 0) {
        operation_stand_still(operation, result);
    }
    return result == 0;
}

static void on_task_done(void *arg, struct task *task) {
    struct piece *piece = arg;
    struct operation *operation = piece->operation;
    if (operation->stopping) {
        operation_piece_done(piece, true);
    } else if (piece->work == WORK_FORWARD) {
        operation_end_forward(piece);
    } else if (piece->work == WORK_RESTORE) {
        operation_end_restore(piece);
    } else {
        operation_end_remove(piece);
    }
    (void)task;
}

void operation_run_task(struct piece *piece, const struct resource_type *type, enum task_kind kind,
                        struct json_object *properties, struct json_object *previous,
                        const char *physical, bool again) {
    struct operation *operation = piece->operation;
    piece->task = (struct task){
        .cfn = operation->cfn,
        .type = type,
        .kind = kind,
        .account = value_text(operation->stack, "account"),
        .region = value_text(operation->stack, "region"),
        .stack_id = value_text(operation->stack, "id"),
        .stack_name = value_text(operation->stack, "name"),
        .logical = piece->logical,
        .properties = properties,
        .previous = previous,
        .again = again,
        .on_done = on_task_done,
        .arg = piece,
    };
    (void)snprintf(piece->task.physical, sizeof piece->task.physical, "%s", physical);
    /* What is known of it already, for updates that answer nothing. */
    if (kind != TASK_CREATE && piece->record != NULL) {
        (void)value_copy(value_member(piece->record, "attributes"), &piece->task.attributes);
    }
    task_start(&piece->task);
}

void operation_piece_done(struct piece *piece, bool failed) {
    struct operation *operation = piece->operation;
    task_finish(&piece->task);
    piece->progress = failed ? PROGRESS_FAILED : PROGRESS_DONE;
    operation->running--;
    if (failed && operation->phase == PHASE_FORWARD) {
        operation->failed = true;
    }
    pump(operation);
}

static bool is_ready(const struct operation *operation, const struct piece *piece) {
    for (size_t i = 0; i < piece->waits_for_count; i++) {
        if (operation->pieces[piece->waits_for[i]].progress != PROGRESS_DONE) {
            return false;
        }
    }
    return piece->progress == PROGRESS_WAITING;
}

static void begin_piece(struct piece *piece) {
    piece->progress = PROGRESS_RUNNING;
    piece->operation->running++;
    if (piece->work == WORK_FORWARD) {
        operation_begin_forward(piece);
    } else if (piece->work == WORK_RESTORE) {
        operation_begin_restore(piece);
    } else {
        operation_begin_remove(piece);
    }
}

/* Begins what can begin; goes from phase to phase when nothing is left. */
static void pump(struct operation *operation) {
    if (operation->pumping) {
        operation->pump_again = true;
        return;
    }
    operation->pumping = true;
    for (;;) {
        operation->pump_again = false;
        for (size_t i = 0;
             i < operation->pieces_count && !operation->stopping && !operation->failed &&
             !operation->cancelled && operation->running < OPERATION_PARALLEL;
             i++) {
            if (is_ready(operation, &operation->pieces[i])) {
                begin_piece(&operation->pieces[i]);
            }
        }
        if (operation->pump_again) {
            continue;
        }
        if (operation->running > 0) {
            break;
        }
        if (operation->stopping || !operation_end_phase(operation)) {
            destroy(operation);
            return;
        }
    }
    operation->pumping = false;
}

/* Reads the template that the operation brings about. */
static int read_template(struct operation *operation) {
    struct fault fault;
    struct text text = {0};
    const char *uuid = value_text(operation->stack, "uuid");
    const char *which = value_member(operation->stack, "next") != NULL ? "n" : "c";
    int result = record_get_text(operation->cfn, &text, "t/%s/%s", uuid, which);
    if (result == 0) {
        result = template_parse(text_str(&text), NULL, NULL, &operation->root, &fault);
        text_finish(&text);
    }
    return result == -EINVAL ? -EIO : result;
}

static void on_begin(void *arg) {
    static const struct {
        const char *status;
        enum phase phase;
    } phases[] = {
        {"CREATE_IN_PROGRESS", PHASE_FORWARD},
        {"UPDATE_IN_PROGRESS", PHASE_FORWARD},
        {"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", PHASE_CLEANUP},
        {"UPDATE_ROLLBACK_IN_PROGRESS", PHASE_RESTORE},
        {"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", PHASE_RESTORE_CLEANUP},
        {"ROLLBACK_IN_PROGRESS", PHASE_ROLLBACK},
        {"DELETE_IN_PROGRESS", PHASE_DELETE},
    };
    struct operation *operation = arg;
    const char *status = value_text(operation->stack, "status");
    operation->cfn->timer->stop(operation->timer);
    operation->timer = NULL;
    int result = resource_read_all(operation->cfn, operation->stack, &operation->resources);
    if (result == 0 && strcmp(status, "DELETE_IN_PROGRESS") != 0 &&
        strcmp(status, "ROLLBACK_IN_PROGRESS") != 0) {
        result = read_template(operation);
    }
    for (size_t i = 0; result == 0 && i < sizeof phases / sizeof phases[0]; i++) {
        if (strcmp(phases[i].status, status) == 0) {
            operation_enter(operation, phases[i].phase);
        }
    }
    if (result != 0) {
        operation_stand_still(operation, result);
    }
    pump(operation);
}

int operation_begin(struct cfn *cfn, struct json_object *stack) {
    struct operation *operation = calloc(1, sizeof *operation);
    if (operation == NULL) {
        return -ENOMEM;
    }
    operation->cfn = cfn;
    operation->imports = json_object_new_object();
    operation->stack = json_object_get(stack);
    operation->next = cfn->operations;
    cfn->operations = operation;
    int result = operation->imports == NULL
                     ? -ENOMEM
                     : cfn->timer->start(cfn->host, 0, 0, on_begin, operation, &operation->timer);
    if (result != 0) {
        destroy(operation);
    }
    return result;
}

static int take_up(void *arg, const char *uuid, struct json_object *owner) {
    struct json_object *stack = NULL;
    struct cfn *cfn = arg;
    int result = record_get(cfn, &stack, "s/%s/%s/%s", value_text(owner, "account"),
                            value_text(owner, "region"), uuid);
    if (result == 0) {
        result = operation_begin(cfn, stack);
        CFN_LOG(cfn, VIRGA_LOG_INFO, NULL, "stack %s is %s: taken up again",
                value_text(stack, "name"), value_text(stack, "status"));
        json_object_put(stack);
    }
    return result == -ENOENT ? 0 : result;
}

void operation_resume_all(struct cfn *cfn) {
    int result = record_each(cfn, "u/", "", false, take_up, cfn);
    if (result != 0) {
        CFN_LOG(cfn, VIRGA_LOG_ERROR, NULL, "unfinished operations cannot be taken up: %s",
                strerror(-result));
    }
}

static struct operation *find_forward(struct cfn *cfn, struct json_object *stack) {
    for (struct operation *one = cfn->operations; one != NULL; one = one->next) {
        if (strcmp(value_text(one->stack, "uuid"), value_text(stack, "uuid")) == 0 &&
            one->phase == PHASE_FORWARD) {
            return one;
        }
    }
    return NULL;
}

bool operation_cancel(struct cfn *cfn, struct json_object *stack) {
    struct operation *operation = find_forward(cfn, stack);
    if (operation != NULL) {
        operation->cancelled = true;
    }
    return operation != NULL;
}

bool operation_cancel_to_delete(struct cfn *cfn, struct json_object *stack) {
    struct operation *operation = find_forward(cfn, stack);
    if (operation == NULL || value_set_text(operation->stack, "onFailure", "DELETE") != 0) {
        return false;
    }
    json_object_object_del(operation->stack, "disableRollback");
    operation->cancelled = true;
    return true;
}

void operation_stop_all(struct cfn *cfn) {
    struct operation *next;
    for (struct operation *one = cfn->operations; one != NULL; one = next) {
        next = one->next;
        one->stopping = true;
        one->pumping = true; /* not while the pieces are walked */
        for (size_t i = 0; i < one->pieces_count; i++) {
            if (one->pieces[i].progress == PROGRESS_RUNNING) {
                task_cancel(&one->pieces[i].task);
            }
        }
        one->pumping = false;
        if (one->running == 0) {
            destroy(one);
        }
    }
}
