/* SPDX-License-Identifier: MIT */
/* Lifecycle policies: checked, kept and echoed as they were given. */
#include "actions.h"
#include "lifecycle_check.h"
#include "texts.h"

static const struct text_kind lifecycle = {
    .kind = "lifecycle",
    .member = "lifecyclePolicyText",
    .missing_code = "LifecyclePolicyNotFoundException",
    .missing_what = "Lifecycle policy",
    .evaluated = true,
};

void action_put_lifecycle_policy(struct call *call) {
    char fault[LIFECYCLE_FAULT_MAX];
    struct virga_str text = call_str(call, "lifecyclePolicyText");
    if (!lifecycle_check(text, fault)) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
                  "'Lifecycle policy validation failure: %s'",
                  fault);
        return;
    }
    text_put(call, &lifecycle, text);
}

void action_get_lifecycle_policy(struct call *call) {
    text_answer(call, &lifecycle, false);
}

void action_delete_lifecycle_policy(struct call *call) {
    text_answer(call, &lifecycle, true);
}
