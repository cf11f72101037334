/* SPDX-License-Identifier: MIT */
/* CreateFunction. */
#include "actions.h"
#include "function_change.h"
#include "function_document.h"
#include "function_settings.h"
#include "function_state.h"
#include "function_version.h"
#include "function_write.h"
#include "images.h"
#include "side.h"

#include <errno.h>

/* --- checks --- */

/* FunctionName has another pattern here, and a plain name another length. Source: AWS-recorded
 * answers. */
static bool take_create_name(struct call *call) {
    struct virga_str text = call_str(call, "FunctionName");
    int result = function_name_parse(text, &call->name);
    if (result != 0 || strchr(call->name.name, '.') != NULL ||
        strchr(call->name.qualifier, '.') != NULL) {
        call_invalid(
            call, text.ptr, "functionName",
            "Member must satisfy regular expression pattern: " FUNCTION_NAME_CREATE_PATTERN);
        return false;
    }
    if (!call_name_is_here(call)) {
        return false;
    }
    if (strlen(call->name.name) > LAMBDA_NAME_MAX) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "1 validation error detected: Value '%s' at 'functionName' failed to satisfy "
                  "constraint: Member must have length less than or equal to %d",
                  text.ptr, LAMBDA_NAME_MAX);
        return false;
    }
    return strcmp(call_qualifier(call), FUNCTIONS_LATEST) == 0 || call_name_is_unqualified(call);
}

/* A function of a deployment package: first what AWS itself would refuse, then that there is
 * nothing here to run it. */
static void refuse_zip(struct call *call) {
    struct json_object *code = virga_awsjson_member(call->input, "Code");
    if (call_str(call, "Handler").ptr == NULL || call_str(call, "Runtime").ptr == NULL) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Runtime and Handler are mandatory parameters for functions created with "
                  "deployment packages.");
    } else if (virga_awsjson_member(code, "ZipFile") == NULL &&
               virga_awsjson_member(code, "S3Key") == NULL) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Please provide a source for function code.");
    } else {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Functions of deployment packages (PackageType Zip) are not supported by virga: "
                  "its lambda-image plugin runs container images only. Use PackageType Image and "
                  "Code.ImageUri.");
    }
}

static bool check_package(struct call *call) {
    struct json_object *code = virga_awsjson_member(call->input, "Code");
    if (!virga_str_equal(call_str(call, "PackageType"), virga_str_from("Image"))) {
        refuse_zip(call);
        return false;
    }
    if (virga_awsjson_str(code, "ImageUri").len == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Please provide a source for function code.");
        return false;
    }
    if (call_str(call, "CodeSigningConfigArn").ptr != NULL) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Code signing is not supported for functions created with container images.");
        return false;
    }
    return true;
}

static bool check_tags(struct call *call) {
    struct json_object *tags = virga_awsjson_member(call->input, "Tags");
    const char *fault = tags != NULL ? side_tags_fault(tags, 0) : NULL;
    if (fault != NULL) {
        call_fail(call, 400, "InvalidParameterValueException", "%s", fault);
    }
    return fault == NULL;
}

static bool check_new(struct call *call) {
    struct function *function = NULL;
    int result =
        functions_get(call->lambda, &call->tenant, call->name.name, FUNCTIONS_LATEST, &function);
    function_unref(function);
    if (result == 0) {
        call_fail(call, 409, "ResourceConflictException", "Function already exist: %s",
                  call->name.name);
    } else if (result != -ENOENT) {
        call_broken(call, "The function could not be read", result);
    }
    return result == -ENOENT;
}

/* --- the record --- */

static int fill_document(const struct call *call, struct json_object *image,
                         struct json_object *document) {
    struct json_object *architectures = virga_awsjson_member(call->input, "Architectures");
    char now[32];
    call_format_time(call->lambda->timer->now_ms(call->lambda->host), now);
    int result = document_set_text(document, "FunctionName", call->name.name);
    if (result == 0) {
        result = document_set_text(document, "Version", FUNCTIONS_LATEST);
    }
    if (result == 0) {
        result = document_set_text(document, "PackageType", "Image");
    }
    if (result == 0) {
        result = document_set_text(document, "LastModified", now);
    }
    if (result == 0) {
        result = function_settings_default(call->name.name, document);
    }
    if (result == 0) {
        result = function_settings_apply(call, document);
    }
    if (result == 0 && architectures != NULL) {
        result = document_set_copy(document, "Architectures", architectures);
    }
    if (result == 0) {
        result = document_set_image(document, image);
    }
    if (result == 0) {
        result = document_set_state(document, "Pending", DOCUMENT_CREATING, DOCUMENT_CREATING_CODE);
    }
    return result == 0 ? document_revise(document) : result;
}

struct created {
    struct function *latest;
    struct function *version; /* NULL: none was published */
    struct function *renewed; /* $LATEST, where one was */
};

/* Within a transaction. */
static int write_records(struct call *call, struct json_object *image, struct created *created) {
    struct json_object *tags = virga_awsjson_member(call->input, "Tags");
    struct json_object *document = json_object_new_object();
    int result = document != NULL ? fill_document(call, image, document) : -ENOMEM;
    if (result != 0) {
        json_object_put(document);
        return result;
    }
    result = functions_put(call->lambda, &call->tenant, document, &created->latest);
    if (result == 0 && tags != NULL && json_object_object_length(tags) > 0) {
        result = side_put(call->lambda, SIDE_TAGS, &call->tenant, call->name.name, "", tags);
    }
    if (result == 0 && virga_awsjson_bool(call->input, "Publish")) {
        result = function_version_publish(call->lambda, created->latest, NULL, &created->version,
                                          &created->renewed);
    }
    return result;
}

static void create(struct call *call, struct json_object *image) {
    struct lambda *lambda = call->lambda;
    struct virga_json_writer writer = {0};
    struct created created = {0};
    int result = functions_begin(lambda);
    if (result == 0) {
        result = write_records(call, image, &created);
        result = functions_end(lambda, &call->tenant, call->name.name, result);
    }
    if (result != 0) {
        call_broken(call, "The function could not be written", result);
    } else {
        /* A published version is answered with the function's own ARN. Source: AWS-recorded. */
        function_write(&writer, NULL, created.version != NULL ? created.version : created.latest,
                       NULL, 0);
        call_answer(call, 201, &writer);
        function_state_settle(lambda, created.renewed != NULL ? created.renewed : created.latest);
        if (created.version != NULL) {
            function_state_settle(lambda, created.version);
        }
    }
    function_unref(created.latest);
    function_unref(created.version);
    function_unref(created.renewed);
}

static void on_image(void *arg, const struct images_answer *answer) {
    struct call *call = arg;
    if (function_change_image_refused(call, answer)) {
        return;
    }
    if (check_new(call)) { /* another may have been faster */
        create(call, answer->document);
    }
}

void action_create_function(struct call *call) {
    if (!take_create_name(call) || !check_package(call) || !function_settings_supported(call) ||
        !function_settings_check(call) || !check_tags(call) || !check_new(call)) {
        return;
    }
    struct virga_str uri = virga_awsjson_str(virga_awsjson_member(call->input, "Code"), "ImageUri");
    function_change_look_up(call, uri, NULL, on_image);
}
