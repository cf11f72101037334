/* SPDX-License-Identifier: MIT */
/* Changes of functions. */
#include "function_change.h"

#include "function_document.h"
#include "function_settings.h"
#include "function_state.h"
#include "function_version.h"
#include "function_write.h"
#include "pool.h"

#include <errno.h>

static bool check_revision(struct call *call, const struct function *latest) {
    struct virga_str wanted = call_str(call, "RevisionId");
    if (wanted.len == 0 || virga_str_equal(wanted, virga_str_from(latest->revision))) {
        return true;
    }
    call_fail(call, 412, "PreconditionFailedException",
              "The Revision Id provided does not match the latest Revision Id. Call the "
              "GetFunction/GetAlias API to retrieve the latest Revision Id");
    return false;
}

static bool check_change(struct call *call, const struct function *latest) {
    if (!function_state_changing(latest)) {
        return true;
    }
    call_fail(call, 409, "ResourceConflictException",
              "The operation cannot be performed at this time. An update is in progress for "
              "resource: %s",
              latest->arn);
    return false;
}

bool function_change_begin(struct call *call, struct function **ret_latest) {
    struct function *latest = NULL;
    if (!function_settings_supported(call)) {
        return false;
    }
    if (strcmp(call_qualifier(call), FUNCTIONS_LATEST) != 0 && !call_name_is_unqualified(call)) {
        return false;
    }
    int result =
        functions_get(call->lambda, &call->tenant, call->name.name, FUNCTIONS_LATEST, &latest);
    if (result == -ENOENT) {
        call_no_function(call, NULL);
        return false;
    }
    if (result != 0) {
        call_broken(call, "The function could not be read", result);
        return false;
    }
    if (!check_revision(call, latest) || !check_change(call, latest)) {
        function_unref(latest);
        return false;
    }
    *ret_latest = latest;
    return true;
}

/* The first of Architectures, of the input or of a document. */
static const char *architecture_of(struct json_object *object) {
    struct virga_str text = virga_awsjson_text(virga_awsjson_element(object, "Architectures", 0));
    return text.ptr;
}

void function_change_look_up(struct call *call, struct virga_str uri,
                             const struct function *current,
                             void (*on_done)(void *call, const struct images_answer *answer)) {
    char arn[LAMBDA_ARN_MAX];
    const char *architecture = architecture_of(call->input);
    if (architecture == NULL && current != NULL) {
        architecture = architecture_of(current->document);
    }
    function_arn(&call->tenant, call->name.name, NULL, arn);
    int result = images_look_up(call->lambda, &call->tenant, uri, arn,
                                architecture != NULL ? architecture : "x86_64", on_done, call);
    if (result != 0) {
        call_broken(call, "The image could not be looked up", result);
    }
}

bool function_change_image_refused(struct call *call, const struct images_answer *answer) {
    switch (answer->outcome) {
    case IMAGES_FOUND:
        return false;
    case IMAGES_REFUSED:
        call_fail(call, answer->status, answer->code, "%s", answer->message);
        return true;
    default:
        call_fail(call, 500, "ServiceException", "%s", answer->message);
        return true;
    }
}

int function_change_mark(const struct call *call, struct json_object *document) {
    char now[32];
    call_format_time(call->lambda->timer->now_ms(call->lambda->host), now);
    int result = document_set_text(document, "LastModified", now);
    if (result == 0) {
        result = document_revise(document);
    }
    /* One that has never worked begins anew. */
    if (result == 0 && strcmp(document_text(document, "State"), "Active") != 0) {
        result = document_set_state(document, "Pending", DOCUMENT_CREATING, DOCUMENT_CREATING_CODE);
    }
    /* The words are AWS's, for updates too. Source: AWS-recorded answers. */
    return result == 0 ? document_set_update(document, "InProgress", DOCUMENT_CREATING,
                                             DOCUMENT_CREATING_CODE)
                       : result;
}

void function_change_commit(struct call *call, struct json_object *document) {
    struct lambda *lambda = call->lambda;
    struct tenant tenant = call->tenant;
    struct function *latest = NULL, *version = NULL, *renewed = NULL;
    struct virga_json_writer writer = {0};
    char name[LAMBDA_ARN_MAX];
    (void)snprintf(name, sizeof name, "%s", call->name.name);
    int result = functions_begin(lambda);
    if (result != 0) {
        json_object_put(document);
        call_broken(call, "The function could not be written", result);
        return;
    }
    result = functions_put(lambda, &tenant, document, &latest);
    if (result == 0 && virga_awsjson_bool(call->input, "Publish")) {
        result = function_version_publish(lambda, latest, NULL, &version, &renewed);
    }
    result = functions_end(lambda, &tenant, name, result);
    if (result != 0) {
        call_broken(call, "The function could not be written", result);
    } else {
        if (version != NULL) {
            function_write(&writer, NULL, version, version->version, 0);
        } else {
            function_write(&writer, NULL, latest, NULL, 0);
        }
        call_answer(call, 200, &writer);
        pool_retire(lambda->pool, &tenant, name);
        function_state_settle(lambda, renewed != NULL ? renewed : latest);
        if (version != NULL && function_state_changing(version)) {
            function_state_settle(lambda, version);
        }
    }
    function_unref(latest);
    function_unref(version);
    function_unref(renewed);
}
