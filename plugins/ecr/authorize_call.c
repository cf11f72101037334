/* SPDX-License-Identifier: MIT */
/* API calls: who calls, and every repository that is named. */
#include "actions.h"
#include "authorize.h"
#include "caller.h"
#include "reference.h"

#include <errno.h>
#include <virga/helpers/arn.h>

#define REPOSITORY_PREFIX "repository/"
#define ACTION_MAX 96 /* the longest operation's name is about half of that */

/* Whether the caller may; if not, the call has ended. */
static bool may(struct call *call, const struct tenant *owner, struct virga_str name) {
    char action[ACTION_MAX], message[AUTHORIZE_MESSAGE_MAX];
    (void)snprintf(action, sizeof action, "ecr:%s", call->action->name);
    const struct authorize_question question = {.principal = call->principal,
                                                .owner = owner,
                                                .action = action,
                                                .name = name,
                                                .req = call->req,
                                                .input = call->input};
    int result = authorize_ask(call->ecr, &question, message);
    if (result == -EACCES) {
        call_fail(call, "AccessDeniedException", "%s", message);
    } else if (result != 0) {
        call_broken(call, "The policies could not be read", result, NULL);
    }
    return result == 0;
}

/* By ARN: the account and region in it count. One that is malformed is refused by the action. */
static bool may_by_arn(struct call *call, struct virga_str text) {
    struct virga_arn arn;
    struct tenant owner = call->tenant;
    size_t prefix = strlen(REPOSITORY_PREFIX);
    if (virga_arn_parse(text, &arn) != 0 || !reference_is_account(arn.account) ||
        !reference_is_region(arn.region) || arn.resource.len <= prefix ||
        memcmp(arn.resource.ptr, REPOSITORY_PREFIX, prefix) != 0) {
        return true;
    }
    memcpy(owner.account, arn.account.ptr, arn.account.len);
    memcpy(owner.region, arn.region.ptr, arn.region.len);
    owner.region[arn.region.len] = '\0';
    return may(call, &owner,
               (struct virga_str){arn.resource.ptr + prefix, arn.resource.len - prefix});
}

static bool may_all(struct call *call) {
    struct virga_str arn = call_str(call, "resourceArn");
    size_t count = virga_awsjson_length(call->input, "repositoryNames");
    if (call->name.ptr != NULL) {
        return may(call, &call->tenant, call->name);
    }
    if (arn.ptr != NULL) {
        return may_by_arn(call, arn);
    }
    if (count == 0) {
        return may(call, &call->tenant, (struct virga_str){0});
    }
    for (size_t i = 0; i < count; i++) {
        struct virga_str name =
            virga_awsjson_text(virga_awsjson_element(call->input, "repositoryNames", i));
        if (!may(call, &call->tenant, name)) {
            return false;
        }
    }
    return true;
}

/* Keeps the principal with the call. Errors: -ENOMEM. */
static int keep(struct call *call, const struct principal *principal) {
    struct principal *copy = call->req->http->alloc(call->req, sizeof *copy);
    if (copy != NULL) {
        *copy = *principal;
        call->principal = copy;
    }
    return copy != NULL ? 0 : -ENOMEM;
}

/* In open mode nobody is refused, whoever it is. */
static void on_known(void *arg, int status, const struct principal *principal) {
    struct call *call = arg;
    if (status == -ECANCELED) {
        call_broken(call, "The call was not begun", status, "virga is being stopped");
        return;
    }
    if (status == 0) {
        (void)keep(call, principal);
    }
    call->on_allowed(call);
}

static void on_found(void *arg, int status, const struct principal *principal) {
    struct call *call = arg;
    switch (status) {
    case 0:
        break;
    case -ENOKEY:
        call_fail(call, "MissingAuthenticationTokenException", "Missing Authentication Token");
        return;
    case -EACCES:
        call_fail(call, "UnrecognizedClientException",
                  "The security token included in the request is invalid.");
        return;
    case -EKEYEXPIRED:
        call_fail(call, "ExpiredTokenException",
                  "The security token included in the request is expired");
        return;
    default:
        call_broken(call, "Who calls could not be found out", status,
                    status == -ECANCELED ? "virga is being stopped" : NULL);
        return;
    }
    if (keep(call, principal) != 0) {
        call_broken(call, "The call was not begun", -ENOMEM, NULL);
    } else if (may_all(call)) {
        call->on_allowed(call);
    }
}

void authorize_call(struct call *call, void (*on_allowed)(struct call *call)) {
    bool pulls = call->action->run == action_batch_get_image;
    call->on_allowed = on_allowed;
    if (authorize_enforces(call->ecr)) {
        caller_find(call->ecr, call->req, on_found, call);
    } else if (pulls) {
        /* Who pulled is a question of its own: image_pulled(). */
        caller_find(call->ecr, call->req, on_known, call);
    } else {
        on_allowed(call);
    }
}
