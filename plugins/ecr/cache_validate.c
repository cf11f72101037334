/* SPDX-License-Identifier: MIT */
/* ValidatePullThroughCacheRule: the upstream itself is asked, with the rule's secret. */
#include "actions.h"
#include "cache_rule.h"
#include "cache_rules.h"
#include "upstream_login.h"
#include "upstream_secret.h"

#include <errno.h>
#include <stdlib.h>

#define VALIDATE_TIMEOUT_MS 10000
#define VALIDATE_LIMIT (64u << 10) /* of the upstream's answer */

struct validation {
    struct call *call;
    struct json_object *rule;
    struct upstream_place place;
};

static void end_validation(struct validation *validation) {
    upstream_place_finish(&validation->place);
    json_object_put(validation->rule);
    free(validation);
}

/* Answers; `failure` NULL: the rule is valid. */
static void answer_validation(struct validation *validation, const char *failure) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    cache_rule_write(validation->call, validation->rule, CACHE_RULE_URL, &writer);
    virga_json_bool(&writer, "isValid", failure == NULL);
    virga_json_string(&writer, "failure", failure);
    virga_json_end_object(&writer);
    call_answer(validation->call, &writer);
    end_validation(validation);
}

static void on_validated(void *arg, const struct virga_fetch_response *res) {
    struct validation *validation = arg;
    const char *host = validation->place.host;
    char text[512];
    if (res->error == -ECANCELED) {
        call_broken(validation->call, "The rule could not be validated", -ECANCELED,
                    res->error_text);
        end_validation(validation);
        return;
    }
    if (res->status >= 200 && res->status < 300) {
        answer_validation(validation, NULL);
        return;
    }
    if (res->status == 401 || res->status == 403) {
        (void)snprintf(text, sizeof text,
                       "The authentication to the upstream registry failed. Verify that the "
                       "credentials are valid and try again. (%s answered with status %d)",
                       host, res->status);
    } else if (res->status == 429) {
        (void)snprintf(text, sizeof text, "The upstream registry %s answered: too many requests",
                       host);
    } else if (res->status != 0) {
        (void)snprintf(text, sizeof text, "The upstream registry %s answered with status %d%s%s",
                       host, res->status, res->error_text[0] != '\0' ? ": " : "", res->error_text);
    } else {
        (void)snprintf(text, sizeof text, "The upstream registry %s could not be reached: %s", host,
                       res->error_text);
    }
    answer_validation(validation, text);
}

static char *copy(const char *text) {
    return text != NULL ? strdup(text) : NULL;
}

static void on_validate_secret(void *arg, const struct upstream_secret *secret) {
    struct validation *validation = arg;
    struct upstream_call *ignored;
    char text[512];
    if (secret->status == -ECANCELED) {
        call_broken(validation->call, "The rule could not be validated", -ECANCELED,
                    secret->reason);
        end_validation(validation);
        return;
    }
    bool named = virga_awsjson_str(validation->rule, "credentialArn").len > 0;
    /* Without a secret of its own a rule asks anonymously; only the file may know better. */
    if (secret->status != 0 && secret->status != -ENOSYS && (named || secret->status == -EINVAL)) {
        (void)snprintf(text, sizeof text, "The secret of the rule cannot be used: %s",
                       secret->reason);
        answer_validation(validation, text);
        return;
    }
    if (secret->status == 0) {
        validation->place.username = copy(secret->username);
        validation->place.password = copy(secret->password);
    }
    const struct upstream_request request = {
        .place = &validation->place,
        .method = "GET",
        .body_limit = VALIDATE_LIMIT,
        .timeout_ms = VALIDATE_TIMEOUT_MS,
        .on_done = on_validated,
        .arg = validation,
    };
    int result =
        upstream_login_own(validation->call->ecr, &validation->call->tenant, &validation->place);
    if (result == 0) {
        result = upstream_start(validation->call->ecr->upstreams, &request, &ignored);
    }
    if (result != 0) {
        call_broken(validation->call, "The rule could not be validated", result, NULL);
        end_validation(validation);
    }
}

void action_validate_pull_through_cache_rule(struct call *call) {
    struct validation *validation = calloc(1, sizeof *validation);
    if (validation == NULL) {
        call_broken(call, "The rule could not be validated", -ENOMEM, NULL);
        return;
    }
    validation->call = call;
    if (!cache_rule_take(call, call_str(call, "ecrRepositoryPrefix"), &validation->rule)) {
        free(validation);
        return;
    }
    int result = cache_rule_place(call->ecr, validation->rule, (struct virga_str){NULL, 0},
                                  &validation->place);
    const struct upstream_secret_question question = {
        .tenant = call->tenant,
        .arn = virga_awsjson_str(validation->rule, "credentialArn").ptr,
        .host = validation->place.host,
    };
    if (result == 0) {
        result = upstream_secret_ask(call->ecr, &question, on_validate_secret, validation);
    }
    if (result != 0) {
        call_broken(call, "The rule could not be validated", result, NULL);
        end_validation(validation);
    }
}
