/* SPDX-License-Identifier: MIT */
/* Making and freeing of invocations; what runs one is environment_run.c. */
#include "invocation.h"

#include "environment_impl.h"
#include "uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* Source: X-Ray's trace header: the time in seconds, 96 bits, and 64 bits for the segment. */
static void make_trace_id(struct invocation *invocation) {
    uint32_t bits[5] = {0};
    (void)getrandom(bits, sizeof bits, 0);
    (void)snprintf(invocation->trace_id, sizeof invocation->trace_id,
                   "Root=1-%08lx-%08x%08x%08x;Parent=%08x%08x;Sampled=0",
                   (unsigned long)time(NULL) & 0xffffffffUL, bits[0], bits[1], bits[2], bits[3],
                   bits[4]);
}

int invocation_create(struct function *function, const char *qualifier, struct virga_str payload,
                      const char *request_id, struct invocation **ret_invocation) {
    struct invocation *invocation = calloc(1, sizeof *invocation);
    if (invocation == NULL) {
        return -ENOMEM;
    }
    invocation->payload = malloc(payload.len + 1);
    if (invocation->payload == NULL) {
        free(invocation);
        return -ENOMEM;
    }
    if (payload.len > 0) {
        memcpy(invocation->payload, payload.ptr, payload.len);
    }
    invocation->payload[payload.len] = '\0';
    invocation->payload_len = payload.len;
    invocation->function = function_ref(function);
    function_arn(&function->tenant, function->name, qualifier, invocation->invoked_arn);
    if (request_id != NULL) {
        (void)snprintf(invocation->request_id, sizeof invocation->request_id, "%s", request_id);
    } else {
        uuid_make(invocation->request_id);
    }
    make_trace_id(invocation);
    *ret_invocation = invocation;
    return 0;
}

void invocation_destroy(struct invocation *invocation) {
    if (invocation != NULL) {
        function_unref(invocation->function);
        free(invocation->payload);
        free(invocation->client_context);
        free(invocation->cognito_identity);
        free(invocation);
    }
}

void invocation_resume(struct invocation *invocation) {
    if (invocation->runner != NULL) {
        environment_resume(invocation->runner);
    }
}

void invocation_abandon(struct invocation *invocation) {
    invocation->abandoned = true;
    if (invocation->runner != NULL) {
        environment_resume(invocation->runner);
    }
}
