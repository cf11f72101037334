/* SPDX-License-Identifier: MIT */
/* UpdateFunctionCode, UpdateFunctionConfiguration, PublishVersion, and the states in between. */
#include "api_fixture.h"

#define PARAMETER "InvalidParameterValueException"
#define CODE FUNCTIONS "/f/code"
#define CONFIGURATION FUNCTIONS "/f/configuration"
#define VERSIONS FUNCTIONS "/f/versions"
#define NEW_IMAGE "{\"ImageUri\":\"" REGISTRY "/app:next\"%s}"
#define BUSY                                                                                       \
    "The operation cannot be performed at this time. An update is in progress for resource: " ARN( \
        "f")

static char revision[64];

static void remember_revision(void) {
    (void)snprintf(revision, sizeof revision, "%s", field("RevisionId"));
}

static void new_code_is_in_progress_and_then_successful(void **state) {
    (void)state;
    create("f");
    get("f");
    remember_revision();
    fixture.hex = HEX_B;
    fixture.now_ms += 1000;
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, "")), 200);
    assert_string_equal(field("FunctionArn"), ARN("f"));
    assert_string_equal(field("State"), "Active");
    assert_string_equal(field("LastUpdateStatus"), "InProgress");
    assert_string_equal(field("LastUpdateStatusReason"), "The function is being created.");
    assert_string_equal(field("LastUpdateStatusReasonCode"), "Creating");
    assert_string_equal(field("CodeSha256"), HEX_B);
    assert_string_equal(field("LastModified"), "2023-11-14T22:13:21.123+0000");
    assert_string_not_equal(field("RevisionId"), revision);
    remember_revision();
    assert_true(fixture.retired > 0);
    get("f");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
    assert_string_equal(field("LastUpdateStatusReason"), "");
    assert_string_equal(field("LastUpdateStatusReasonCode"), "");
    assert_string_not_equal(field("RevisionId"), revision);
    assert_true(fixture.pruned > 0);
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 200);
    assert_string_equal(field("Code.ImageUri"), REGISTRY "/app:next");
    assert_string_equal(field("Code.ResolvedImageUri"), REGISTRY "/app@sha256:" HEX_B);
}

static void moving_the_tag_changes_nothing_until_the_code_is_updated(void **state) {
    (void)state;
    create("f");
    fixture.hex = HEX_B;
    assert_int_equal(call("PUT", CONFIGURATION, "{\"Timeout\":5}"), 200);
    get("f");
    assert_string_equal(field("CodeSha256"), HEX_A);
}

static void an_invocation_that_runs_keeps_its_version(void **state) {
    (void)state;
    struct function *running = NULL;
    create("f");
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &running), 0);
    fixture.hex = HEX_B;
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, "")), 200);
    assert_string_equal(running->digest, "sha256:" HEX_A);
    assert_true(running->stale);
    function_unref(running);
}

static void the_architecture_of_the_function_counts_unless_another_is_named(void **state) {
    (void)state;
    assert_int_equal(call("POST", FUNCTIONS, create_body("f", ",\"Architectures\":[\"arm64\"]")),
                     201);
    fixture.architecture = "";
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, "")), 200);
    assert_string_equal(fixture.architecture, "arm64");
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, ",\"Architectures\":[\"x86_64\"]")), 200);
    assert_string_equal(fixture.architecture, "x86_64");
    assert_string_equal(field("Architectures.0"), "x86_64");
}

static void a_dry_run_says_what_would_be_and_changes_nothing(void **state) {
    (void)state;
    create("f");
    get("f");
    remember_revision();
    fixture.hex = HEX_B;
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, ",\"DryRun\":true")), 200);
    assert_string_equal(field("CodeSha256"), HEX_B);
    get("f");
    assert_string_equal(field("CodeSha256"), HEX_A);
    assert_string_equal(field("RevisionId"), revision);
    fixture.answer = (struct images_answer){IMAGES_REFUSED, 400, PARAMETER, "no image", NULL};
    assert_fails("PUT", CODE, format(NEW_IMAGE, ",\"DryRun\":true"), 400, PARAMETER, "no image");
}

static void a_stale_revision_is_refused(void **state) {
    (void)state;
    static const char *const message =
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id";
    create("f");
    assert_fails("PUT", CODE, format(NEW_IMAGE, ",\"RevisionId\":\"wrong\""), 412,
                 "PreconditionFailedException", message);
    assert_fails("PUT", CONFIGURATION, "{\"RevisionId\":\"wrong\"}", 412,
                 "PreconditionFailedException", message);
    assert_fails("POST", VERSIONS, "{\"RevisionId\":\"wrong\"}", 412, "PreconditionFailedException",
                 message);
    get("f");
    remember_revision();
    assert_int_equal(call("PUT", CONFIGURATION, format("{\"RevisionId\":\"%s\"}", revision)), 200);
}

static void one_change_at_a_time(void **state) {
    (void)state;
    hold_images = true;
    create("f");
    assert_fails("PUT", CONFIGURATION, "{\"Timeout\":5}", 409, "ResourceConflictException", BUSY);
    assert_fails("PUT", CODE, format(NEW_IMAGE, ""), 409, "ResourceConflictException", BUSY);
    hold_images = false;
    run_loop();
    hold_images = true;
    assert_int_equal(call("PUT", CONFIGURATION, "{\"Timeout\":5}"), 200);
    assert_fails("PUT", CONFIGURATION, "{\"Timeout\":6}", 409, "ResourceConflictException", BUSY);
    assert_fails("POST", VERSIONS, "{}", 409, "ResourceConflictException", BUSY);
    hold_images = false;
    run_loop();
    get("f");
    assert_string_equal(field("Timeout"), "5");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
}

static void a_change_that_was_faster_wins_over_a_look_up(void **state) {
    (void)state;
    struct fake slow;
    create("f");
    hold_images = true;
    start_call_as(&slow, ACCOUNT, "PUT", CODE, format(NEW_IMAGE, ""));
    struct fake fast;
    start_call_as(&fast, ACCOUNT, "PUT", CONFIGURATION, "{\"Timeout\":5}");
    run_loop();
    assert_int_equal(finish_call(&fast), 200);
    assert_int_equal(finish_call(&slow), 409);
    hold_images = false;
}

static void settings_replace_and_leave_alone_what_is_not_given(void **state) {
    (void)state;
    assert_int_equal(call("POST", FUNCTIONS,
                          create_body("f", ",\"Description\":\"d\",\"ImageConfig\":{\"Command\":["
                                           "\"c\"]},\"Environment\":{\"Variables\":{\"AB\":\"1\"}},"
                                           "\"DeadLetterConfig\":{\"TargetArn\":\"arn:aws:sqs:"
                                           "us-east-1:1:q\"}")),
                     201);
    assert_int_equal(call("PUT", CONFIGURATION,
                          "{\"MemorySize\":512,\"ImageConfig\":{\"EntryPoint\":[\"/e\"]},"
                          "\"Environment\":{\"Variables\":{\"CD\":\"2\"}},\"LoggingConfig\":{"
                          "\"LogGroup\":\"/mine\"}}"),
                     200);
    assert_string_equal(field("Description"), "d");
    assert_string_equal(field("MemorySize"), "512");
    assert_string_equal(field("Environment"), "{ \"Variables\": { \"CD\": \"2\" } }");
    assert_string_equal(field("ImageConfigResponse.ImageConfig"),
                        "{ \"EntryPoint\": [ \"\\/e\" ] }");
    assert_string_equal(field("LoggingConfig.LogGroup"), "/mine");
    assert_string_equal(field("LoggingConfig.LogFormat"), "Text");
    assert_int_equal(call("PUT", CONFIGURATION,
                          "{\"ImageConfig\":{},\"Environment\":{},\"DeadLetterConfig\":{"
                          "\"TargetArn\":\"\"}}"),
                     200);
    assert_string_equal(field("ImageConfigResponse"), "");
    assert_string_equal(field("Environment"), "");
    assert_string_equal(field("DeadLetterConfig"), "");
}

static void updates_are_refused_in_aws_words(void **state) {
    (void)state;
    assert_fails("PUT", CODE, format(NEW_IMAGE, ""), 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    create("f");
    assert_fails("PUT", CODE, "{\"ZipFile\":\"QUI=\"}", 400, PARAMETER,
                 "Please provide ImageUri when updating a function with packageType Image.");
    assert_fails("PUT", CONFIGURATION, "{\"Handler\":\"a.b\"}", 400, PARAMETER,
                 "Please don't provide Handler or Runtime or Layer when the intended function "
                 "PackageType is Image.");
    assert_int_equal(call("PUT", FUNCTIONS "/f:1/code", format(NEW_IMAGE, "")), 400);
    assert_int_equal(call("PUT", FUNCTIONS "/f:$LATEST/code", format(NEW_IMAGE, "")), 200);
}

static void a_failed_update_leaves_the_function_active(void **state) {
    (void)state;
    create("f");
    fixture.failure = (struct images_failure){-EACCES, "ImageAccessDenied", "denied"};
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, "")), 200);
    get("f");
    assert_string_equal(field("State"), "Active");
    assert_string_equal(field("LastUpdateStatus"), "Failed");
    assert_string_equal(field("LastUpdateStatusReason"), "denied");
    assert_string_equal(field("LastUpdateStatusReasonCode"), "ImageAccessDenied");
    fixture.failure.error = 0;
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, "")), 200);
    get("f");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
}

static void a_failed_function_begins_anew_with_an_update(void **state) {
    (void)state;
    fixture.failure = (struct images_failure){-EAGAIN, "InternalError", "no executor"};
    create("f");
    get("f");
    assert_string_equal(field("State"), "Failed");
    fixture.failure.error = 0;
    assert_int_equal(call("PUT", CONFIGURATION, "{}"), 200);
    assert_string_equal(field("State"), "Pending");
    get("f");
    assert_string_equal(field("State"), "Active");
    assert_string_equal(field("StateReason"), "");
}

static struct function *retried;

static void on_retried(void *arg, struct function *function) {
    (void)arg;
    retried = function != NULL ? function_ref(function) : NULL;
}

static void a_failed_function_can_be_tried_again_as_it_is(void **state) {
    (void)state;
    struct function *failed = NULL;
    fixture.failure = (struct images_failure){-EAGAIN, "InternalError", "no executor"};
    create("f");
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &failed), 0);
    assert_true(function_state_failed(failed));
    assert_int_equal(function_state_retry(&fixture.lambda, failed, on_retried, NULL), 0);
    run_loop();
    assert_true(function_state_failed(retried));
    function_unref(retried);
    fixture.failure.error = 0;
    function_unref(failed);
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &failed), 0);
    fixture.inside = true;
    assert_int_equal(function_state_retry(&fixture.lambda, failed, on_retried, NULL), 0);
    assert_false(function_state_failed(retried));
    function_unref(retried);
    /* One that is gone in the meantime. */
    fixture.inside = false;
    assert_int_equal(function_state_retry(&fixture.lambda, failed, on_retried, NULL), 0);
    assert_int_equal(functions_delete(&fixture.lambda, &here, "f"), 0);
    run_loop();
    assert_null(retried);
    function_unref(failed);
}

static void an_image_that_came_after_all_makes_the_function_active(void **state) {
    (void)state;
    struct function *function = NULL;
    fixture.failure = (struct images_failure){-EAGAIN, "InternalError", "no executor"};
    create("f");
    fixture.failure.error = 0;
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &function), 0);
    function_state_recover(&fixture.lambda, function);
    run_loop();
    get("f");
    assert_string_equal(field("State"), "Active");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
    function_unref(function);
    /* One that works is left alone. */
    unsigned had = fixture.had;
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &function), 0);
    function_state_recover(&fixture.lambda, function);
    assert_int_equal(fixture.had, had);
    function_unref(function);
}

static void what_a_killed_virga_left_is_settled_at_the_next_start(void **state) {
    (void)state;
    hold_images = true;
    assert_int_equal(call("POST", FUNCTIONS, create_body("f", ",\"Publish\":true")), 201);
    hold_images = false;
    /* At stop the waiting ends without a word about the image. */
    fixture.failure = (struct images_failure){-ECANCELED, "InternalError", "stopping"};
    run_loop();
    get("f");
    assert_string_equal(field("State"), "Pending");
    fixture.failure.error = 0;
    fixture.inside = true;
    assert_int_equal(function_state_start(&fixture.lambda), 0);
    get("f");
    assert_string_equal(field("State"), "Active");
    get("f:1");
    assert_string_equal(field("State"), "Active");
    unsigned had = fixture.had;
    assert_int_equal(function_state_start(&fixture.lambda), 0);
    assert_int_equal(fixture.had, had);
}

static void an_image_of_a_function_that_was_made_anew_settles_nothing(void **state) {
    (void)state;
    hold_images = true;
    create("f");
    assert_int_equal(call("DELETE", FUNCTIONS "/f", NULL), 204);
    create("f");
    get("f");
    remember_revision();
    fixture.failure = (struct images_failure){-ENOENT, "ImageDeleted", "gone"};
    /* The first one's image alone. */
    struct later first = later[0];
    memmove(later, later + 1, --later_count * sizeof later[0]);
    first.on_had(first.arg, &fixture.failure);
    function_unref(first.function);
    get("f");
    assert_string_equal(field("RevisionId"), revision);
    assert_string_equal(field("State"), "Pending");
}

/* --- versions --- */

static void a_version_is_published_once_for_the_same_code_and_settings(void **state) {
    (void)state;
    create("f");
    get("f");
    remember_revision();
    assert_int_equal(call("POST", VERSIONS, "{\"Description\":\"first\"}"), 201);
    assert_string_equal(field("Version"), "1");
    assert_string_equal(field("FunctionArn"), ARN("f:1"));
    assert_string_equal(field("Description"), "first");
    assert_string_equal(field("State"), "Active");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
    assert_string_equal(field("LatestDescription"), "");
    get("f");
    assert_string_equal(field("Description"), "");
    assert_string_not_equal(field("RevisionId"), revision); /* publishing changes $LATEST's */
    remember_revision();
    assert_int_equal(call("POST", VERSIONS, ""), 201);
    assert_string_equal(field("Version"), "1");
    get("f");
    assert_string_equal(field("RevisionId"), revision);
    /* An update to what it was already is no change either. */
    assert_int_equal(call("PUT", CONFIGURATION, "{\"Timeout\":3}"), 200);
    assert_int_equal(call("POST", VERSIONS, ""), 201);
    assert_string_equal(field("Version"), "1");
    assert_int_equal(call("PUT", CONFIGURATION, "{\"Description\":\"first\"}"), 200);
    assert_int_equal(call("POST", VERSIONS, ""), 201);
    assert_string_equal(field("Version"), "2");
    fixture.hex = HEX_B;
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, "")), 200);
    assert_int_equal(call("POST", VERSIONS, ""), 201);
    assert_string_equal(field("Version"), "3");
    get("f:2");
    assert_string_equal(field("CodeSha256"), HEX_A);
}

static void numbers_are_not_used_twice(void **state) {
    (void)state;
    create("f");
    assert_int_equal(call("POST", VERSIONS, ""), 201);
    assert_int_equal(call("DELETE", FUNCTIONS "/f?Qualifier=1", NULL), 204);
    assert_int_equal(call("POST", VERSIONS, ""), 201);
    assert_string_equal(field("Version"), "2");
}

static void the_code_that_is_meant_can_be_named(void **state) {
    (void)state;
    create("f");
    assert_fails("POST", VERSIONS, "{\"CodeSha256\":\"" HEX_B "\"}", 400, PARAMETER,
                 "CodeSHA256 (" HEX_B ") is different from current CodeSHA256 in $LATEST (" HEX_A
                 "). Please try again with the CodeSHA256 in $LATEST.");
    assert_int_equal(call("POST", VERSIONS, "{\"CodeSha256\":\"" HEX_A "\"}"), 201);
}

static void updating_code_can_publish(void **state) {
    (void)state;
    create("f");
    fixture.hex = HEX_B;
    assert_int_equal(call("PUT", CODE, format(NEW_IMAGE, ",\"Publish\":true")), 200);
    assert_string_equal(field("Version"), "1");
    assert_string_equal(field("FunctionArn"), ARN("f:1"));
    assert_string_equal(field("CodeSha256"), HEX_B);
    get("f:1");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
    get("f");
    assert_string_equal(field("LastUpdateStatus"), "Successful");
}

static void a_failed_function_is_not_published(void **state) {
    (void)state;
    fixture.failure = (struct images_failure){-ENOENT, "ImageDeleted", "gone"};
    create("f");
    assert_fails("POST", VERSIONS, "", 409, "ResourceConflictException",
                 "The operation cannot be performed at this time. The function is currently in "
                 "the following state: Failed");
}

static void a_disk_that_fails_publishes_nothing(void **state) {
    (void)state;
    create("f");
    get("f");
    remember_revision();
    fixture.store_error = -ENOSPC;
    assert_int_equal(call("POST", VERSIONS, ""), 500);
    assert_int_equal(call("PUT", CONFIGURATION, "{\"Timeout\":5}"), 500);
    fixture.store_error = 0;
    get("f");
    assert_string_equal(field("RevisionId"), revision);
    assert_string_equal(field("Timeout"), "3");
    assert_int_equal(call("GET", FUNCTIONS "/f:1", NULL), 404);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(new_code_is_in_progress_and_then_successful),
        TEST(moving_the_tag_changes_nothing_until_the_code_is_updated),
        TEST(an_invocation_that_runs_keeps_its_version),
        TEST(the_architecture_of_the_function_counts_unless_another_is_named),
        TEST(a_dry_run_says_what_would_be_and_changes_nothing),
        TEST(a_stale_revision_is_refused),
        TEST(one_change_at_a_time),
        TEST(a_change_that_was_faster_wins_over_a_look_up),
        TEST(settings_replace_and_leave_alone_what_is_not_given),
        TEST(updates_are_refused_in_aws_words),
        TEST(a_failed_update_leaves_the_function_active),
        TEST(a_failed_function_begins_anew_with_an_update),
        TEST(a_failed_function_can_be_tried_again_as_it_is),
        TEST(an_image_that_came_after_all_makes_the_function_active),
        TEST(what_a_killed_virga_left_is_settled_at_the_next_start),
        TEST(an_image_of_a_function_that_was_made_anew_settles_nothing),
        TEST(a_version_is_published_once_for_the_same_code_and_settings),
        TEST(numbers_are_not_used_twice),
        TEST(the_code_that_is_meant_can_be_named),
        TEST(updating_code_can_publish),
        TEST(a_failed_function_is_not_published),
        TEST(a_disk_that_fails_publishes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
