/* SPDX-License-Identifier: MIT */
/* The resource types. */
#include "types.h"

#include <errno.h>
#include <stdlib.h>

struct added_type {
    struct added_type *next;
    struct resource_type type;
    struct task *tasks; /* handed over and not done */
};

static const struct resource_type *const own[] = {types_s3,  types_ecr,    types_iam,
                                                  types_ssm, types_lambda, types_kept};

static struct added_type *find_added(struct cfn *cfn, const char *name) {
    for (struct added_type *added = cfn->types; added != NULL; added = added->next) {
        if (strcmp(added->type.name, name) == 0) {
            return added;
        }
    }
    return NULL;
}

const struct resource_type *types_find(struct cfn *cfn, const char *name) {
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        for (const struct resource_type *type = own[i]; type->name != NULL; type++) {
            if (strcmp(type->name, name) == 0) {
                return type;
            }
        }
    }
    struct added_type *added = find_added(cfn, name);
    return added != NULL ? &added->type : NULL;
}

int types_has_attribute(void *arg, const char *name, struct virga_str attribute) {
    const struct resource_type *type = types_find(arg, name);
    if (type == NULL || type->attributes == NULL) {
        return -1;
    }
    for (const char *const *one = type->attributes; *one != NULL; one++) {
        size_t len = strlen(*one);
        /* "Outputs." stands for all that begin so. */
        if (virga_str_equal(virga_str_from(*one), attribute) ||
            (len > 0 && (*one)[len - 1] == '.' && attribute.len > len &&
             memcmp(*one, attribute.ptr, len) == 0)) {
            return 1;
        }
    }
    return 0;
}

bool types_replaces(const struct resource_type *type, const char *property) {
    if (type->added != NULL ? type->added->update == NULL : type->update == NULL) {
        return true;
    }
    for (const char *const *one = type->replaced_by; one != NULL && *one != NULL; one++) {
        if (strcmp(*one, property) == 0) {
            return true;
        }
    }
    return false;
}

static int add(void *self, const struct virga_resource_type *given) {
    struct cfn *cfn = self;
    if (given == NULL || given->struct_size < sizeof *given || given->name == NULL ||
        strstr(given->name, "::") == NULL || given->create == NULL || given->remove == NULL) {
        return -EINVAL;
    }
    if (types_find(cfn, given->name) != NULL) {
        return -EEXIST;
    }
    struct added_type *added = calloc(1, sizeof *added);
    if (added == NULL) {
        return -ENOMEM;
    }
    added->type = (struct resource_type){
        .name = given->name,
        .replaced_by = given->replaced_by,
        .attributes = given->attributes,
        .rule = {.max = 255},
        .added = given,
    };
    added->next = cfn->types;
    cfn->types = added;
    return 0;
}

static void unlink_task(struct added_type *added, struct task *task) {
    for (struct task **link = &added->tasks; *link != NULL; link = &(*link)->next_added) {
        if (*link == task) {
            *link = task->next_added;
            break;
        }
    }
    task->waits = false;
}

static void take_back(void *self, const struct virga_resource_type *given) {
    struct cfn *cfn = self;
    struct added_type **link = &cfn->types;
    while (*link != NULL && (*link)->type.added != given) {
        link = &(*link)->next;
    }
    struct added_type *added = *link;
    if (added == NULL) {
        return;
    }
    *link = added->next;
    while (added->tasks != NULL) {
        struct task *task = added->tasks;
        unlink_task(added, task);
        (void)task_fail(task, "the plugin that provides %s went away", given->name);
        task->on_done(task->arg, task);
    }
    free(added);
}

static void take_result(struct task *task, const struct virga_resource_result *result) {
    struct json_object *attributes = NULL;
    if (result->failure.ptr != NULL) {
        (void)task_fail(task, "%.*s", (int)result->failure.len, result->failure.ptr);
        return;
    }
    if (result->physical_id.ptr != NULL) {
        (void)snprintf(task->physical, sizeof task->physical, "%.*s", (int)result->physical_id.len,
                       result->physical_id.ptr);
    }
    if (result->attributes.ptr != NULL) {
        if (value_parse(result->attributes, &attributes, NULL) != 0 ||
            !value_is_object(attributes)) {
            json_object_put(attributes);
            (void)task_fail(task,
                            "the plugin that provides %s gave attributes that are no JSON "
                            "object",
                            task->type->name);
            return;
        }
        json_object_put(task->attributes);
        task->attributes = attributes;
    }
}

static void done(void *self, struct virga_resource_task *handle,
                 const struct virga_resource_result *result) {
    struct task *task = (struct task *)(void *)handle;
    struct cfn *cfn = self;
    for (struct added_type *added = cfn->types; added != NULL; added = added->next) {
        for (struct task *one = added->tasks; one != NULL; one = one->next_added) {
            if (one == task) {
                unlink_task(added, task);
                take_result(task, result);
                task->on_done(task->arg, task);
                return;
            }
        }
    }
    CFN_LOG(cfn, VIRGA_LOG_WARN, NULL, "done() for a task that is none, or over");
}

void types_table(struct cfn *cfn, struct virga_resource_types *ret_table) {
    *ret_table = (struct virga_resource_types){
        .struct_size = sizeof *ret_table,
        .self = cfn,
        .add = add,
        .take_back = take_back,
        .done = done,
    };
}

void types_call_added(struct task *task) {
    const struct virga_resource_type *given = task->type->added;
    struct added_type *added = find_added(task->cfn, given->name);
    const char *properties = value_json(task->properties);
    const char *previous = task->kind == TASK_UPDATE ? value_json(task->previous) : NULL;
    const struct virga_resource_request request = {
        .struct_size = sizeof request,
        .flags = task->again ? VIRGA_RESOURCE_AGAIN : 0,
        .type = virga_str_from(given->name),
        .account = virga_str_from(task->account),
        .region = virga_str_from(task->region),
        .stack_id = virga_str_from(task->stack_id),
        .stack_name = virga_str_from(task->stack_name),
        .logical_id = virga_str_from(task->logical),
        .physical_id = virga_str_from(task->physical),
        .properties = virga_str_from(properties),
        .previous = virga_str_from(previous),
    };
    task->next_added = added->tasks;
    added->tasks = task;
    task->waits = true;
    struct virga_resource_task *handle = (struct virga_resource_task *)(void *)task;
    if (task->kind == TASK_CREATE) {
        given->create(given->arg, handle, &request);
    } else if (task->kind == TASK_UPDATE) {
        given->update(given->arg, handle, &request);
    } else {
        given->remove(given->arg, handle, &request);
    }
}

void types_forget_added(struct task *task) {
    struct added_type *added = find_added(task->cfn, task->type->name);
    if (added != NULL) {
        unlink_task(added, task);
    }
}

void types_finish(struct cfn *cfn) {
    while (cfn->types != NULL) {
        struct added_type *next = cfn->types->next;
        free(cfn->types);
        cfn->types = next;
    }
}
