/* SPDX-License-Identifier: MIT */
/* UpdateFunctionCode and UpdateFunctionConfiguration. */
#include "actions.h"
#include "function_change.h"
#include "function_document.h"
#include "function_settings.h"
#include "function_write.h"

#include <errno.h>

/* --- code --- */

/* The document with the image that was found. Errors: -ENOMEM. */
static int with_image(const struct call *call, const struct function *latest,
                      struct json_object *image, struct json_object **ret_document) {
    struct json_object *architectures = virga_awsjson_member(call->input, "Architectures");
    struct json_object *document = NULL;
    int result = document_copy(latest, &document);
    if (result == 0) {
        result = document_set_image(document, image);
    }
    if (result == 0 && architectures != NULL) {
        result = document_set_copy(document, "Architectures", architectures);
    }
    if (result != 0) {
        json_object_put(document);
        return result;
    }
    *ret_document = document;
    return 0;
}

/* Answers what the function would be; nothing is written. Owns: takes the document. */
static void answer_dry_run(struct call *call, struct json_object *document) {
    struct virga_json_writer writer = {0};
    struct function *function = NULL;
    int result = function_make(&call->tenant, document, &function);
    if (result != 0) {
        call_broken(call, "The function could not be made", result);
        return;
    }
    function_write(&writer, NULL, function, NULL, 0);
    function_unref(function);
    call_answer(call, 200, &writer);
}

static void on_image(void *arg, const struct images_answer *answer) {
    struct call *call = arg;
    struct function *latest = NULL;
    struct json_object *document = NULL;
    /* The function is read again: another change may have been faster. */
    if (function_change_image_refused(call, answer) || !function_change_begin(call, &latest)) {
        return;
    }
    int result = with_image(call, latest, answer->document, &document);
    function_unref(latest);
    if (result != 0) {
        call_broken(call, "The function could not be changed", result);
        return;
    }
    if (virga_awsjson_bool(call->input, "DryRun")) {
        answer_dry_run(call, document);
        return;
    }
    result = function_change_mark(call, document);
    if (result != 0) {
        json_object_put(document);
        call_broken(call, "The function could not be changed", result);
        return;
    }
    function_change_commit(call, document);
}

void action_update_function_code(struct call *call) {
    struct virga_str uri = call_str(call, "ImageUri");
    struct function *latest = NULL;
    if (!function_change_begin(call, &latest)) {
        return;
    }
    if (uri.len == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Please provide ImageUri when updating a function with packageType Image.");
    } else {
        function_change_look_up(call, uri, latest, on_image);
    }
    function_unref(latest);
}

/* --- configuration --- */

void action_update_function_configuration(struct call *call) {
    struct function *latest = NULL;
    struct json_object *document = NULL;
    if (!function_change_begin(call, &latest)) {
        return;
    }
    if (!function_settings_check(call)) {
        function_unref(latest);
        return;
    }
    int result = document_copy(latest, &document);
    function_unref(latest);
    if (result == 0) {
        result = function_settings_apply(call, document);
    }
    if (result == 0) {
        result = function_change_mark(call, document);
    }
    if (result != 0) {
        json_object_put(document);
        call_broken(call, "The function could not be changed", result);
        return;
    }
    function_change_commit(call, document);
}
