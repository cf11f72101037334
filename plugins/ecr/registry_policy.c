/* SPDX-License-Identifier: MIT */
/* The policy of a whole registry: kept and echoed as it was given; authorize.c asks it. */
#include "actions.h"
#include "authorize.h"
#include "texts.h"

#include <errno.h>

static const struct virga_str no_id = {"", 0};

static void answer(struct call *call, struct virga_str text) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "registryId", call->tenant.account);
    text_write(call, "policyText", JSON_FORMAT_PRETTY, text, &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_put_registry_policy(struct call *call) {
    struct policy_document document;
    struct virga_str text = call_str(call, "policyText");
    int result = policy_document_parse(text, POLICY_REGISTRY, &document);
    if (result == -EINVAL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
                  "registry policy provided'");
        return;
    }
    if (result == 0) {
        policy_document_finish(&document);
        result = meta_setting_put(call->ecr, &call->tenant, AUTHORIZE_REGISTRY_POLICY, no_id, text);
    }
    if (result != 0) {
        call_broken(call, "The registry policy could not be recorded", result, NULL);
        return;
    }
    answer(call, text);
}

/* Answers with the policy, and deletes it where `removes`. */
static void show(struct call *call, bool removes) {
    struct ecr *ecr = call->ecr;
    struct virga_store_value text = {0};
    int result = meta_setting_get(ecr, &call->tenant, AUTHORIZE_REGISTRY_POLICY, no_id, &text);
    if (result == 0 && removes) {
        result = meta_setting_delete(ecr, &call->tenant, AUTHORIZE_REGISTRY_POLICY, no_id);
    }
    if (result == -ENOENT) {
        call_fail(call, "RegistryPolicyNotFoundException",
                  "Registry policy does not exist in the registry with id '%s'",
                  call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The registry policy could not be read or deleted", result, NULL);
    } else {
        answer(call, (struct virga_str){text.ptr, text.len});
    }
    ecr->store->release(ecr->host, &text);
}

void action_get_registry_policy(struct call *call) {
    show(call, false);
}

void action_delete_registry_policy(struct call *call) {
    show(call, true);
}
