/* SPDX-License-Identifier: MIT */
/* Repositories that a push creates, where a creation template lets it. */
#include "gateway_impl.h"
#include "template_apply.h"

#include <errno.h>

static void create(struct gateway_exchange *exchange) {
    struct ecr *ecr = exchange->ecr;
    int result = template_create_repository(ecr, &exchange->tenant, gateway_name(exchange),
                                            TEMPLATE_CREATE_ON_PUSH);
    /* The push itself takes a pass when it comes to that: its body must not hold gc up. */
    gate_leave(ecr->gate, &exchange->pass);
    if (result == 0) {
        exchange->again(exchange);
    } else if (result == -ENOENT) {
        gateway_fail_name(exchange);
    } else {
        gateway_fail_store(exchange, result);
    }
}

bool gateway_push_repository(struct gateway_exchange *exchange,
                             void (*again)(struct gateway_exchange *exchange)) {
    struct ecr *ecr = exchange->ecr;
    struct json_object *template = NULL;
    if (meta_repository_exists(ecr, &exchange->tenant, gateway_name(exchange))) {
        return true;
    }
    int result = template_find(ecr, &exchange->tenant, gateway_name(exchange),
                               TEMPLATE_CREATE_ON_PUSH, &template);
    json_object_put(template);
    if (result == 0) {
        exchange->again = again;
        gateway_take_pass(exchange, create);
    } else if (result == -ENOENT) {
        gateway_fail_name(exchange);
    } else {
        gateway_fail_store(exchange, result);
    }
    return false;
}
