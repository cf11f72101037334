/* SPDX-License-Identifier: MIT */
/* The order of resources. */
#include "order.h"

#include "reference.h"
#include "template.h"

#include <stdlib.h>

struct finder {
    struct scope *scope;
    struct order *order;
    struct order_node *node;
    struct fault *fault;
    bool failed; /* a condition could not be evaluated */
};

size_t order_find(const struct order *order, const char *logical) {
    for (size_t i = 0; i < order->count; i++) {
        if (strcmp(order->nodes[i].logical, logical) == 0) {
            return i;
        }
    }
    return order->count;
}

void order_finish(struct order *order) {
    for (size_t i = 0; i < order->count; i++) {
        free(order->nodes[i].waits_for);
    }
    free(order->nodes);
    *order = (struct order){0};
}

static int add_wait(struct order_node *node, size_t index) {
    for (size_t i = 0; i < node->waits_for_count; i++) {
        if (node->waits_for[i] == index) {
            return 0;
        }
    }
    size_t *grown = realloc(node->waits_for, (node->waits_for_count + 1) * sizeof *node->waits_for);
    if (grown == NULL) {
        return -ENOMEM;
    }
    node->waits_for = grown;
    node->waits_for[node->waits_for_count++] = index;
    return 0;
}

static int on_reference(void *arg, const struct reference *reference) {
    struct finder *finder = arg;
    char name[256];
    if (reference->kind == REFERENCE_CONDITION || reference->name.len >= sizeof name) {
        return 0;
    }
    memcpy(name, reference->name.ptr, reference->name.len);
    name[reference->name.len] = '\0';
    if (template_resource(finder->scope->root, name) == NULL ||
        (reference->kind == REFERENCE_REF &&
         value_member(template_section(finder->scope->root, "Parameters"), name) != NULL)) {
        return 0;
    }
    size_t index = order_find(finder->order, name);
    if (index == finder->order->count) {
        return fault_set(finder->fault,
                         "Template format error: Unresolved resource dependencies [%s] in the "
                         "Resources block of the template",
                         name);
    }
    return add_wait(finder->node, index);
}

static int choose(void *arg, const char *condition) {
    struct finder *finder = arg;
    bool flag = false;
    if (scope_condition(finder->scope, condition, &flag, finder->fault) != 0) {
        finder->failed = true;
        return -1;
    }
    return flag;
}

static int find_waits(struct finder *finder) {
    const struct reference_walk walk = {on_reference, choose, finder};
    struct json_object *depends = value_member(finder->node->resource, "DependsOn");
    int result = reference_walk(value_member(finder->node->resource, "Properties"), &walk);
    for (size_t i = 0; result == 0 && i < (value_is_array(depends) ? value_length(depends) : 1);
         i++) {
        const char *on =
            value_scalar(value_is_array(depends) ? value_element(depends, i) : depends);
        size_t index = on != NULL ? order_find(finder->order, on) : finder->order->count;
        /* One whose condition does not hold need not be waited for. */
        if (index < finder->order->count) {
            result = add_wait(finder->node, index);
        }
    }
    return result != 0 ? result : finder->failed ? -EINVAL : 0;
}

static int take_resources(struct scope *scope, struct order *order, struct fault *fault) {
    struct json_object *resources = template_section(scope->root, "Resources");
    order->nodes = calloc((size_t)json_object_object_length(resources), sizeof *order->nodes);
    int result = order->nodes != NULL ? 0 : -ENOMEM;
    json_object_object_foreach(resources, logical, resource) {
        bool included = false;
        if (result == 0) {
            result = scope_includes(scope, resource, &included, fault);
        }
        if (result == 0 && included) {
            order->nodes[order->count++] =
                (struct order_node){.logical = logical, .resource = resource};
        }
    }
    return result;
}

/* What is left when nothing can go first: the members of circles, and what waits for them. */
static int name_circle(const struct order *order, const bool *placed, struct fault *fault) {
    struct text names = {0};
    for (size_t i = 0; i < order->count; i++) {
        bool waited_for = false;
        for (size_t n = 0; n < order->count; n++) {
            for (size_t w = 0; !placed[n] && w < order->nodes[n].waits_for_count; w++) {
                waited_for = waited_for || order->nodes[n].waits_for[w] == i;
            }
        }
        if (!placed[i] && waited_for) {
            text_addf(&names, "%s%s", names.len > 0 ? ", " : "", order->nodes[i].logical);
        }
    }
    int result =
        fault_set(fault, "Circular dependency between resources: [%.1500s]", text_str(&names).ptr);
    text_finish(&names);
    return result;
}

/* Puts each node behind what it waits for, in the template's order otherwise. */
static int sort(struct order *order, struct fault *fault) {
    struct order_node *sorted = calloc(order->count + 1, sizeof *sorted);
    size_t *place = calloc(order->count + 1, sizeof *place);
    bool *placed = calloc(order->count + 1, sizeof *placed);
    size_t count = 0;
    int result = sorted != NULL && place != NULL && placed != NULL ? 0 : -ENOMEM;
    for (bool moved = true; result == 0 && moved;) {
        moved = false;
        for (size_t i = 0; i < order->count; i++) {
            bool ready = !placed[i];
            for (size_t w = 0; ready && w < order->nodes[i].waits_for_count; w++) {
                ready = placed[order->nodes[i].waits_for[w]];
            }
            if (ready) {
                place[i] = count;
                placed[i] = true;
                sorted[count++] = order->nodes[i];
                moved = true;
            }
        }
    }
    if (result == 0 && count < order->count) {
        result = name_circle(order, placed, fault);
    }
    if (result == 0) {
        for (size_t i = 0; i < count; i++) {
            for (size_t w = 0; w < sorted[i].waits_for_count; w++) {
                sorted[i].waits_for[w] = place[sorted[i].waits_for[w]];
            }
        }
        struct order_node *old = order->nodes;
        order->nodes = sorted;
        sorted = old;
    }
    free(sorted);
    free(place);
    free(placed);
    return result;
}

int order_make(struct scope *scope, struct order *ret_order, struct fault *fault) {
    struct order order = {0};
    int result = take_resources(scope, &order, fault);
    for (size_t i = 0; result == 0 && i < order.count; i++) {
        struct finder finder = {scope, &order, &order.nodes[i], fault, false};
        result = find_waits(&finder);
    }
    result = result != 0 ? result : sort(&order, fault);
    if (result != 0) {
        order_finish(&order);
        return result;
    }
    *ret_order = order;
    return 0;
}
