/* SPDX-License-Identifier: MIT */
/* PublishVersion, and what Publish=true means in other calls. */
#include "function_version.h"

#include "actions.h"
#include "function_change.h"
#include "function_document.h"
#include "function_write.h"

#include <errno.h>
#include <inttypes.h>

/* Ours, in a version's document: the Description that $LATEST had. */
#define LATEST_DESCRIPTION "LatestDescription"

/* The number of the last version, 0: none was published. */
static int last_number(struct lambda *lambda, const struct function *latest, int64_t *ret_number) {
    struct json_object *counter = NULL;
    int result = side_get(lambda, SIDE_COUNTER, &latest->tenant, latest->name, "", &counter);
    *ret_number = result == 0 ? virga_awsjson_int(counter, "LastVersion", 0) : 0;
    json_object_put(counter);
    return result == -ENOENT ? 0 : result;
}

static int put_number(struct lambda *lambda, const struct function *latest, int64_t number) {
    struct json_object *counter = json_object_new_object();
    int result = counter != NULL
                     ? document_set(counter, "LastVersion", json_object_new_int64(number))
                     : -ENOMEM;
    if (result == 0) {
        result = side_put(lambda, SIDE_COUNTER, &latest->tenant, latest->name, "", counter);
    }
    json_object_put(counter);
    return result;
}

/* A copy of a document without what differs between versions of the same code and configuration. */
static int bare_copy(const struct function *function, struct json_object **ret_document) {
    static const char *const keys[] = {"Version",
                                       "RevisionId",
                                       "LastModified",
                                       "State",
                                       "StateReason",
                                       "StateReasonCode",
                                       "LastUpdateStatus",
                                       "LastUpdateStatusReason",
                                       "LastUpdateStatusReasonCode",
                                       "Image",
                                       LATEST_DESCRIPTION};
    int result = document_copy(function, ret_document);
    for (size_t i = 0; result == 0 && i < sizeof keys / sizeof keys[0]; i++) {
        json_object_object_del(*ret_document, keys[i]);
    }
    return result;
}

/* Whether the version is what $LATEST is now. Errors: -ENOMEM. */
static int is_same(const struct function *version, const struct function *latest, bool *ret_same) {
    struct json_object *ours = NULL, *theirs = NULL;
    int result = bare_copy(version, &ours);
    if (result == 0) {
        result = bare_copy(latest, &theirs);
    }
    if (result == 0) {
        result = document_set_text(ours, "Description",
                                   document_text(version->document, LATEST_DESCRIPTION));
    }
    *ret_same = result == 0 && json_object_equal(ours, theirs);
    json_object_put(ours);
    json_object_put(theirs);
    return result;
}

static int make_version(const struct function *latest, int64_t number, const char *description,
                        struct json_object **ret_document) {
    struct json_object *document = NULL;
    char version[24];
    int result = document_copy(latest, &document);
    if (result != 0) {
        return result;
    }
    (void)snprintf(version, sizeof version, "%" PRId64, number);
    result = document_set_text(document, "Version", version);
    if (result == 0) {
        result = document_revise(document);
    }
    if (result == 0) {
        result = document_set_text(document, LATEST_DESCRIPTION,
                                   document_text(latest->document, "Description"));
    }
    if (result == 0 && description != NULL) {
        result = document_set_text(document, "Description", description);
    }
    if (result != 0) {
        json_object_put(document);
        return result;
    }
    *ret_document = document;
    return 0;
}

/* The version that was published last, if it is there and the same. */
static int find_same(struct lambda *lambda, const struct function *latest, int64_t number,
                     struct function **ret_version) {
    struct function *version = NULL;
    char text[24];
    bool same = false;
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    int result = functions_get(lambda, &latest->tenant, latest->name, text, &version);
    if (result == 0) {
        result = is_same(version, latest, &same);
    }
    if (same) {
        *ret_version = version;
        return 0;
    }
    function_unref(version);
    return result == 0 ? -ENOENT : result;
}

int function_version_publish(struct lambda *lambda, struct function *latest,
                             const char *description, struct function **ret_version,
                             struct function **ret_latest) {
    struct json_object *document = NULL;
    struct function *version = NULL, *renewed = NULL;
    int64_t number = 0;
    int result = last_number(lambda, latest, &number);
    if (result == 0 && number > 0) {
        result = find_same(lambda, latest, number, ret_version);
        if (result == 0) {
            *ret_latest = function_ref(latest);
            return 0;
        }
        result = result == -ENOENT ? 0 : result;
    }
    if (result == 0) {
        result = make_version(latest, number + 1, description, &document);
    }
    if (result == 0) {
        result = functions_put(lambda, &latest->tenant, document, &version);
    }
    if (result == 0) {
        result = put_number(lambda, latest, number + 1);
    }
    if (result == 0) {
        result = document_copy(latest, &document);
    }
    if (result == 0) {
        result = document_revise(document);
        if (result != 0) {
            json_object_put(document);
        }
    }
    if (result == 0) {
        result = functions_put(lambda, &latest->tenant, document, &renewed);
    }
    if (result != 0) {
        function_unref(version);
        return result;
    }
    *ret_version = version;
    *ret_latest = renewed;
    return 0;
}

void action_publish_version(struct call *call) {
    struct virga_str description = call_str(call, "Description");
    struct virga_str sha256 = call_str(call, "CodeSha256");
    struct function *latest = NULL, *version = NULL, *renewed = NULL;
    struct virga_json_writer writer = {0};
    if (!function_change_begin(call, &latest)) {
        return;
    }
    const char *current = document_text(latest->document, "CodeSha256");
    if (sha256.len > 0 && !virga_str_equal(sha256, virga_str_from(current))) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please "
                  "try again with the CodeSHA256 in $LATEST.",
                  sha256.ptr, current);
        function_unref(latest);
        return;
    }
    if (strcmp(document_text(latest->document, "State"), "Active") != 0) {
        call_fail(call, 409, "ResourceConflictException",
                  "The operation cannot be performed at this time. The function is currently in "
                  "the following state: %s",
                  document_text(latest->document, "State"));
        function_unref(latest);
        return;
    }
    int result = functions_begin(call->lambda);
    if (result == 0) {
        result =
            function_version_publish(call->lambda, latest, description.ptr, &version, &renewed);
        result = functions_end(call->lambda, &call->tenant, latest->name, result);
    }
    if (result == 0) {
        function_write(&writer, NULL, version, version->version, 0);
        call_answer(call, 201, &writer);
    } else {
        call_broken(call, "The version could not be published", result);
    }
    function_unref(latest);
    function_unref(version);
    function_unref(renewed);
}
