/* SPDX-License-Identifier: MIT */
/* Dynamic references. Source: "Dynamic references" of the user guide. */
#include "dynamic.h"

#define BEGIN "{{resolve:"
#define REFERENCE_SIZE 1200
/* Of one resource. */
#define REFERENCES_MAX 60

/* Finds the first reference in a value, without its braces. */
static bool find(struct json_object *value, char ret_reference[REFERENCE_SIZE]) {
    if (value_is_string(value)) {
        const char *at = strstr(value_scalar(value), BEGIN);
        const char *end = at != NULL ? strstr(at, "}}") : NULL;
        if (end == NULL || (size_t)(end - at) >= REFERENCE_SIZE) {
            return false;
        }
        (void)snprintf(ret_reference, REFERENCE_SIZE, "%.*s", (int)(end - at - 2), at + 2);
        return true;
    }
    for (size_t i = 0; i < value_length(value); i++) {
        if (find(value_element(value, i), ret_reference)) {
            return true;
        }
    }
    if (value_is_object(value)) {
        json_object_object_foreach(value, key, member) {
            (void)key;
            if (find(member, ret_reference)) {
                return true;
            }
        }
    }
    return false;
}

/* The text with every such reference replaced. Owns: the caller. */
static struct json_object *replace_text(const char *from, const char *reference, const char *by) {
    char whole[REFERENCE_SIZE + 4];
    struct text text = {0};
    struct json_object *made = NULL;
    const char *at;
    (void)snprintf(whole, sizeof whole, "{{%s}}", reference);
    while ((at = strstr(from, whole)) != NULL) {
        text_add(&text, from, (size_t)(at - from));
        text_add_string(&text, by);
        from = at + strlen(whole);
    }
    text_add_string(&text, from);
    if (!text.failed) {
        made = json_object_new_string_len(text_str(&text).ptr, (int)text.len);
    }
    text_finish(&text);
    return made;
}

static bool holds(struct json_object *value, const char *reference) {
    return value_is_string(value) && strstr(value_scalar(value), reference) != NULL;
}

/* Replaces inside an object or array. */
static int replace(struct json_object *value, const char *reference, const char *by) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < value_length(value); i++) {
        struct json_object *element = value_element(value, i);
        if (holds(element, reference)) {
            struct json_object *made = replace_text(value_scalar(element), reference, by);
            result = made == NULL ? -ENOMEM : json_object_array_put_idx(value, i, made);
        } else {
            result = replace(element, reference, by);
        }
    }
    if (value_is_object(value)) {
        json_object_object_foreach(value, key, member) {
            if (result == 0 && holds(member, reference)) {
                result = value_set(value, key, replace_text(value_scalar(member), reference, by));
            } else if (result == 0) {
                result = replace(member, reference, by);
            }
        }
    }
    return result;
}

static enum task_verdict start_reference(struct task *task) {
    char reference[REFERENCE_SIZE];
    char *name = NULL;
    if (task->kind == TASK_REMOVE || !find(task->properties, reference)) {
        return TASK_NEXT;
    }
    if (task->index++ == 0) {
        /* What is replaced is a copy: the record keeps the reference. */
        struct json_object *copy = NULL;
        if (value_copy(task->properties, &copy) != 0) {
            return task_fail(task, "out of memory");
        }
        json_object_put(task->properties);
        task->properties = copy;
    }
    if (task->index > REFERENCES_MAX) {
        return task_fail(task, "more than %d dynamic references", REFERENCES_MAX);
    }
    if (strncmp(reference, "resolve:ssm:", 12) == 0) {
        name = reference + 12;
    } else if (strncmp(reference, "resolve:ssm-secure:", 19) == 0) {
        name = reference + 19;
    } else {
        return task_fail(task,
                         "The dynamic reference {{%.200s}} is not supported here: only ssm "
                         "and ssm-secure are.",
                         reference);
    }
    struct json_object *input = json_object_new_object();
    if (input == NULL || value_set_text(input, "Name", name) != 0 ||
        value_set_bool(input, "WithDecryption", true) != 0 ||
        value_set_text(task->scratch, "reference", reference) != 0) {
        json_object_put(input);
        return task_fail(task, "out of memory");
    }
    return task_call_json(task, "ssm", "AmazonSSM.GetParameter", input);
}

static enum task_verdict take_reference(struct task *task, const struct answer *answer) {
    const char *value = value_text(value_member(answer->json, "Parameter"), "Value");
    const char *reference = value_text(task->scratch, "reference");
    if (value == NULL || replace(task->properties, reference, value) != 0) {
        return task_fail(task, "The dynamic reference {{%.200s}} could not be resolved.",
                         reference);
    }
    return TASK_REPEAT;
}

const struct task_step dynamic_steps[] = {
    {start_reference, take_reference, NULL},
    {NULL, NULL, NULL},
};
