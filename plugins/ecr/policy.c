/* SPDX-License-Identifier: MIT */
/* Repository policies: kept and echoed as they were given, checked by policy_document.c and
 * obeyed by authorize.c. */
#include "policy_text.h"

#include "actions.h"
#include "authorize.h"
#include "texts.h"

#include <errno.h>

static const struct text_kind policy = {
    .kind = "policy",
    .member = "policyText",
    .missing_code = "RepositoryPolicyNotFoundException",
    .missing_what = "Repository policy",
    .format = JSON_FORMAT_PRETTY,
};

bool policy_text_is_policy(struct virga_str text) {
    struct policy_document document;
    int result = policy_document_parse(text, POLICY_REPOSITORY, &document);
    if (result == 0) {
        policy_document_finish(&document);
    }
    return result == 0;
}

/* Whether the caller could still set another policy under this one, as far as virga knows the
 * caller: where policies are obeyed. */
static int keeps_door_open(struct call *call, const struct policy_document *document) {
    char message[AUTHORIZE_MESSAGE_MAX];
    const struct authorize_question question = {.principal = call->principal,
                                                .owner = &call->tenant,
                                                .action = "ecr:SetRepositoryPolicy",
                                                .name = call->name,
                                                .req = call->req,
                                                .instead = document};
    return authorize_ask(call->ecr, &question, message);
}

void action_set_repository_policy(struct call *call) {
    struct policy_document document;
    struct virga_str text = call_str(call, "policyText");
    int result = policy_document_parse(text, POLICY_REPOSITORY, &document);
    if (result == -EINVAL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
                  "repository policy provided'");
        return;
    }
    if (result == 0) {
        result = virga_awsjson_bool(call->input, "force") ? 0 : keeps_door_open(call, &document);
        policy_document_finish(&document);
    }
    if (result == -EACCES) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The repository "
                  "policy would prevent you from setting another policy in the future; use force "
                  "to set it all the same'");
    } else if (result != 0) {
        call_broken(call, "The policy could not be checked", result, NULL);
    } else {
        text_put(call, &policy, text);
    }
}

void action_get_repository_policy(struct call *call) {
    text_answer(call, &policy, false);
}

void action_delete_repository_policy(struct call *call) {
    text_answer(call, &policy, true);
}
