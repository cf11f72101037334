/* SPDX-License-Identifier: MIT */
/* Lifecycle policies: checked, kept and echoed as they were given. lifecycle_run.h carries them
 * out.
 */
#include "actions.h"
#include "lifecycle_check.h"
#include "texts.h"

static const struct text_kind lifecycle = {
    .kind = "lifecycle",
    .member = "lifecyclePolicyText",
    .missing_code = "LifecyclePolicyNotFoundException",
    .missing_what = "Lifecycle policy",
    .format = JSON_FORMAT_COMPACT,
    .evaluated = true,
};

bool lifecycle_check_call(struct call *call, struct virga_str text) {
    char fault[LIFECYCLE_FAULT_MAX];
    if (lifecycle_check(text, fault)) {
        return true;
    }
    call_fail(call, "InvalidParameterException",
              "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
              "'Lifecycle policy validation failure: %s'",
              fault);
    return false;
}

void action_put_lifecycle_policy(struct call *call) {
    struct virga_str text = call_str(call, "lifecyclePolicyText");
    if (lifecycle_check_call(call, text)) {
        text_put(call, &lifecycle, text);
    }
}

void action_get_lifecycle_policy(struct call *call) {
    text_answer(call, &lifecycle, false);
}

void action_delete_lifecycle_policy(struct call *call) {
    text_answer(call, &lifecycle, true);
}
