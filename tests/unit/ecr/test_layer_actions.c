/* SPDX-License-Identifier: MIT */
/* Layers and PutImage through the front door, with a registry that says what the test wants. */
#include "call_fixture.h"

#define ID "0d0b0a1f-a14f-40c7-8ba1-e8ab4dad55c9"
#define DIGEST "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* abc */
#define HEAD "\"registryId\":\"" ACCOUNT "\",\"repositoryName\":\"app\""
#define PART(first, last, text)                                                                    \
    "{" APP ",\"uploadId\":\"" ID "\",\"partFirstByte\":" #first ",\"partLastByte\":" #last        \
    ",\"layerPartBlob\":\"" text "\"}"
#define COMPLETE "{" APP ",\"uploadId\":\"" ID "\",\"layerDigests\":[\"" DIGEST "\"]}"
#define NOT_FOUND                                                                                  \
    "The upload with id '" ID                                                                      \
    "' does not exist in the repository with name 'app' in the registry "                          \
    "with id '" ACCOUNT "'"

/* --- the registry --- */

struct answer_of {
    const char *method;
    int status; /* 0: none, with `error` */
    int error;
    const char *body;
    int64_t size; /* of the upload afterwards; -1 = as before */
    bool done;
};

static struct answer_of script[8];
static size_t script_count;
static char asked[8][900];
static char bodies[8][64];
static size_t asked_count;
static bool committed; /* on_put_lost() has */

static const struct virga_header begun[] = {
    {{"Location", 8}, {"/v2/x/blobs/uploads/" ID "?_state=told", 68}},
    {{"docker-upload-uuid", 18}, {ID, 36}},
    {{"content-length", 14}, {"3", 1}},
};

static void on_script(const char *method, const char *path, struct virga_str body,
                      struct virga_fetch_response *res) {
    assert_true(asked_count < 8);
    (void)snprintf(asked[asked_count], sizeof asked[0], "%s %s", method, path);
    (void)snprintf(bodies[asked_count++], sizeof bodies[0], "%.*s", (int)body.len,
                   body.len > 0 ? body.ptr : "");
    for (size_t i = 0; i < script_count; i++) {
        struct answer_of *one = &script[i];
        if (!one->done && strcmp(one->method, method) == 0) {
            one->done = true;
            res->status = one->status;
            res->error = one->error;
            res->error_text = one->error != 0 ? "gone" : "";
            res->body = STR(one->body != NULL ? one->body : "");
            res->headers = begun;
            res->headers_count = sizeof begun / sizeof begun[0];
            if (one->size >= 0) {
                upload_size = one->size;
            }
            return;
        }
    }
    res->error = -EIO;
    res->error_text = "not in the script";
}

static void expect(const char *method, int status, int64_t size) {
    fetch_script = on_script;
    script[script_count++] = (struct answer_of){.method = method, .status = status, .size = size};
}

static void expect_loss(const char *method, int64_t size) {
    expect(method, 0, size);
    script[script_count - 1].error = -ECONNRESET;
}

static int setup_script(void **state) {
    script_count = asked_count = 0;
    committed = false;
    int result = setup(state);
    create("app");
    return result;
}

static void begin(void) {
    expect("POST", 202, 0);
    assert_answer("InitiateLayerUpload", "{" APP "}", 200,
                  "{\"uploadId\":\"" ID "\",\"partSize\":10485760}");
    asked_count = script_count = 0;
}

static void assert_part(const char *body, int64_t last) {
    assert_answer(
        "UploadLayerPart", body, 200,
        format("{" HEAD ",\"uploadId\":\"" ID "\",\"lastByteReceived\":%lld}", (long long)last));
}

/* --- uploads --- */

static void a_part_is_sent_to_where_the_registry_said(void **state) {
    (void)state;
    begin();
    expect("PATCH", 202, 3);
    assert_part(PART(0, 2, "YWJj"), 2);
    assert_string_equal(asked[0], "PATCH /v2/x/blobs/uploads/" ID "?_state=told");
    assert_string_equal(bodies[0], "abc");
}

static void what_is_left_of_a_lost_part_is_sent_to_a_signed_address(void **state) {
    (void)state;
    begin();
    expect_loss("PATCH", 4);
    expect_loss("PATCH", 5);
    expect("PATCH", 202, 8);
    assert_part(PART(0, 7, "YWJjZGVmZ2g="), 7);
    assert_int_equal(asked_count, 3);
    assert_non_null(strstr(asked[1], "?_state=signed-4"));
    assert_string_equal(bodies[1], "efgh");
    assert_non_null(strstr(asked[2], "?_state=signed-5"));
    assert_string_equal(bodies[2], "fgh");
}

static void a_lost_part_that_came_whole_is_not_sent_again(void **state) {
    (void)state;
    begin();
    expect_loss("PATCH", 3);
    assert_part(PART(0, 2, "YWJj"), 2);
    assert_int_equal(asked_count, 1);
    /* What the registry said last does not hold for the next one. */
    expect("PATCH", 202, 6);
    assert_part(PART(3, 5, "ZGVm"), 5);
    assert_non_null(strstr(asked[1], "?_state=signed-3"));
}

static void a_registry_that_stays_away_is_an_error_and_what_came_counts(void **state) {
    (void)state;
    begin();
    expect_loss("PATCH", 1);
    expect_loss("PATCH", 2);
    expect_loss("PATCH", 2);
    assert_int_equal(call("UploadLayerPart", PART(0, 2, "YWJj")), 500);
    assert_answer("UploadLayerPart", PART(0, 2, "YWJj"), 400,
                  "{\"__type\":\"InvalidLayerPartException\",\"message\":\"First byte of the layer "
                  "part is 0 instead of 2\"," HEAD ",\"uploadId\":\"" ID
                  "\",\"lastValidByteReceived\":1}");
    expect("PATCH", 202, 3);
    assert_part(PART(2, 2, "Yw=="), 2);
}

static void a_size_that_the_registry_contests_is_looked_at_anew(void **state) {
    (void)state;
    begin();
    expect("PATCH", 404, -1);
    expect("PATCH", 202, 3);
    assert_part(PART(0, 2, "YWJj"), 2);
    assert_non_null(strstr(asked[1], "?_state=signed-0"));
    registry_status = -EIO;
    assert_int_equal(call("UploadLayerPart", PART(3, 3, "YQ==")), 500);
}

static void an_upload_that_the_registry_purged_is_not_found(void **state) {
    (void)state;
    begin();
    upload_size = -ENOENT;
    assert_fails("UploadLayerPart", PART(0, 2, "YWJj"), "UploadNotFoundException", NOT_FOUND);
    upload_size = 0; /* the record is gone, too */
    assert_fails("UploadLayerPart", PART(0, 2, "YWJj"), "UploadNotFoundException", NOT_FOUND);
}

static void an_old_upload_is_dropped(void **state) {
    size_t count = 0;
    (void)state;
    begin();
    fixture.now_ms += LAYERS_AGE_MS - 1;
    expect("PATCH", 202, 3);
    assert_part(PART(0, 2, "YWJj"), 2);
    fixture.now_ms += LAYERS_AGE_MS - 1;
    assert_int_equal(layers_count(fixture.ecr.layers, &here, &count), 0);
    assert_int_equal(count, 1);
    fixture.now_ms += 1;
    assert_fails("UploadLayerPart", PART(3, 3, "YQ=="), "UploadNotFoundException", NOT_FOUND);
    asked_count = script_count = 0;
    expect("DELETE", 204, -1);
    assert_int_equal(layers_count(fixture.ecr.layers, &here, &count), 0);
    assert_int_equal(count, 0);
    run_loop();
    assert_int_equal(asked_count, 1);
    assert_non_null(strstr(asked[0], "DELETE /v2/" ACCOUNT "/us-east-1/app/blobs/uploads/" ID));
}

static void a_registry_has_so_many_uploads(void **state) {
    (void)state;
    for (int i = 0; i < LAYERS_OPEN_MAX; i++) {
        struct layer_session session = {.used_ms = fixture.now_ms};
        (void)snprintf(session.id, sizeof session.id, "00000000-0000-0000-0000-%012d", i);
        assert_int_equal(layer_session_put(&fixture.ecr, &here, STR("app"), &session), 0);
    }
    assert_int_equal(call("InitiateLayerUpload", "{" APP "}"), 400);
    assert_non_null(strstr(answer, "LimitExceededException"));
    fixture.now_ms += LAYERS_AGE_MS;
    upload_size = -ENOENT;
    begin();
}

static void a_layer_has_so_many_parts(void **state) {
    struct layer_session session;
    (void)state;
    begin();
    assert_int_equal(layer_session_get(&fixture.ecr, &here, STR("app"), ID, &session), 0);
    session.parts = LAYER_PARTS_MAX;
    assert_int_equal(layer_session_put(&fixture.ecr, &here, STR("app"), &session), 0);
    assert_fails("UploadLayerPart", PART(0, 2, "YWJj"), "LimitExceededException",
                 "A layer may have at most 4200 parts");
}

static void an_upload_that_cannot_begin_is_an_error(void **state) {
    (void)state;
    expect("POST", 500, -1);
    assert_int_equal(call("InitiateLayerUpload", "{" APP "}"), 500);
    expect_loss("POST", -1);
    assert_int_equal(call("InitiateLayerUpload", "{" APP "}"), 500);
}

/* --- completion --- */

static void a_layer_is_completed_and_pinned(void **state) {
    (void)state;
    begin();
    upload_size = 3;
    expect("HEAD", 404, -1);
    expect("PUT", 201, -1);
    assert_answer("CompleteLayerUpload", COMPLETE, 200,
                  "{" HEAD ",\"uploadId\":\"" ID "\",\"layerDigest\":\"" DIGEST "\"}");
    assert_non_null(strstr(asked[1], "?_state=signed-3&digest=" DIGEST));
    assert_string_equal(pinned, DIGEST);
    upload_size = -ENOENT;
    assert_fails("CompleteLayerUpload", COMPLETE, "UploadNotFoundException", NOT_FOUND);
}

static void a_layer_that_an_earlier_run_committed_is_told(void **state) {
    (void)state;
    begin();
    upload_size = -ENOENT;
    expect("HEAD", 200, -1);
    assert_fails("CompleteLayerUpload", COMPLETE, "LayerAlreadyExistsException",
                 "Layer with digest '" DIGEST "' already exists in the repository with name 'app' "
                 "in registry with id '" ACCOUNT "'");
    assert_string_equal(pinned, DIGEST);
}

/* A registry whose PUT goes through, and whose answer to it does not come. */
static void on_put_lost(const char *method, const char *path, struct virga_str body,
                        struct virga_fetch_response *res) {
    (void)path;
    (void)body;
    res->status = 404;
    if (strcmp(method, "PUT") == 0) {
        committed = true;
        upload_size = -ENOENT;
    } else if (committed) {
        res->status = 200;
    }
}

static void a_commit_that_went_through_unheard_is_found(void **state) {
    (void)state;
    begin();
    upload_size = 3;
    fetch_script = on_put_lost;
    assert_answer("CompleteLayerUpload", COMPLETE, 200,
                  "{" HEAD ",\"uploadId\":\"" ID "\",\"layerDigest\":\"" DIGEST "\"}");
}

static void a_digest_that_is_wrong_ends_the_upload(void **state) {
    (void)state;
    begin();
    upload_size = 3;
    expect("HEAD", 404, -1);
    expect("PUT", 400, -1);
    script[script_count - 1].body =
        "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"m\"}]}";
    expect("DELETE", 404, -1);
    assert_fails("CompleteLayerUpload", COMPLETE, "InvalidLayerException",
                 "The digest of the layer that was uploaded is not '" DIGEST "'");
    assert_fails("CompleteLayerUpload", COMPLETE, "UploadNotFoundException", NOT_FOUND);
    assert_string_equal(pinned, "");
}

/* --- availability and addresses --- */

static void layers_are_asked_for_a_few_at_a_time(void **state) {
    char list[8192] = "";
    (void)state;
    for (int i = 0; i < 30; i++) {
        (void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s\"sha256:%064d\"",
                       i > 0 ? "," : "", i);
    }
    fetch_script = on_put_lost;
    assert_int_equal(
        call("BatchCheckLayerAvailability", format("{" APP ",\"layerDigests\":[%s]}", list)), 200);
    assert_int_equal(most_flying, 8);
}

static void a_registry_that_fails_is_told(void **state) {
    (void)state;
    expect("HEAD", 200, -1);
    expect_loss("HEAD", -1);
    assert_int_equal(call("BatchCheckLayerAvailability",
                          "{" APP ",\"layerDigests\":[\"" DIGEST "\",\"sha256:" /* another */
                          "0000000000000000000000000000000000000000000000000000000000000000\"]}"),
                     500);
    expect("HEAD", 500, -1);
    assert_int_equal(call("GetDownloadUrlForLayer", "{" APP ",\"layerDigest\":\"" DIGEST "\"}"),
                     500);
    expect("HEAD", 200, -1);
    assert_int_equal(call("GetDownloadUrlForLayer", "{" APP ",\"layerDigest\":\"" DIGEST "\"}"),
                     200);
    assert_non_null(strstr(answer, "{\"downloadUrl\":\"http://localhost:5100/_virga/layers/"));
}

/* --- PutImage --- */

#define PUT "{" APP ",\"imageTag\":\"v1\",\"imageManifest\":\"{\\\"a\\\": 1}\"}"

static void a_put_image_is_answered_as_it_came(void **state) {
    (void)state;
    push_outcome = (struct push_result){.digest = DIGEST, .media_type = MEDIA};
    assert_answer("PutImage", PUT, 200,
                  "{\"image\":{" HEAD ",\"imageId\":{\"imageDigest\":\"" DIGEST
                  "\",\"imageTag\":\"v1\"},\"imageManifest\":\"{\\\"a\\\": 1}\","
                  "\"imageManifestMediaType\":\"" MEDIA "\"}}");
}

static void a_push_that_failed_is_the_apis_exception(void **state) {
    (void)state;
    push_outcome = (struct push_result){.status = -EEXIST,
                                        .code = "TAG_INVALID",
                                        .exception = "ImageTagAlreadyExistsException",
                                        .message = "no"};
    assert_fails("PutImage", PUT, "ImageTagAlreadyExistsException", "no");
    push_outcome = (struct push_result){.status = -EAGAIN, .code = "UNAVAILABLE", .message = "no"};
    assert_answer(
        "PutImage", PUT, 500,
        "{\"__type\":\"ServerException\",\"message\":\"The image could not be put: no\"}");
}

/* --- turns --- */

static char turns[64];

static void note_turn(struct layer_turn *turn, int status) {
    (void)snprintf(turns + strlen(turns), sizeof turns - strlen(turns), "%s%s", turn->id,
                   status != 0 ? "!" : "");
}

static void turns_come_in_order_and_for_each_upload(void **state) {
    struct layer_turn a1, a2, a3, b1;
    struct layers *layers = fixture.ecr.layers;
    (void)state;
    turns[0] = '\0';
    assert_int_equal(layers_enter(layers, &a1, "a", note_turn), 1);
    assert_int_equal(layers_enter(layers, &a2, "a", note_turn), 0);
    assert_int_equal(layers_enter(layers, &b1, "b", note_turn), 1);
    assert_int_equal(layers_enter(layers, &a3, "a", note_turn), 0);
    layers_leave(layers, &b1);
    assert_string_equal(turns, "");
    layers_leave(layers, &a1);
    assert_string_equal(turns, "a");
    layers_stop(layers);
    assert_string_equal(turns, "aa!");
    layers_leave(layers, &a2);
    assert_string_equal(turns, "aa!");
}

int main(void) {
#define SCRIPTED(name) cmocka_unit_test_setup_teardown(name, setup_script, teardown)
    const struct CMUnitTest tests[] = {
        SCRIPTED(a_part_is_sent_to_where_the_registry_said),
        SCRIPTED(what_is_left_of_a_lost_part_is_sent_to_a_signed_address),
        SCRIPTED(a_lost_part_that_came_whole_is_not_sent_again),
        SCRIPTED(a_registry_that_stays_away_is_an_error_and_what_came_counts),
        SCRIPTED(a_size_that_the_registry_contests_is_looked_at_anew),
        SCRIPTED(an_upload_that_the_registry_purged_is_not_found),
        SCRIPTED(an_old_upload_is_dropped),
        SCRIPTED(a_registry_has_so_many_uploads),
        SCRIPTED(a_layer_has_so_many_parts),
        SCRIPTED(an_upload_that_cannot_begin_is_an_error),
        SCRIPTED(a_layer_is_completed_and_pinned),
        SCRIPTED(a_layer_that_an_earlier_run_committed_is_told),
        SCRIPTED(a_commit_that_went_through_unheard_is_found),
        SCRIPTED(a_digest_that_is_wrong_ends_the_upload),
        SCRIPTED(layers_are_asked_for_a_few_at_a_time),
        SCRIPTED(a_registry_that_fails_is_told),
        SCRIPTED(a_put_image_is_answered_as_it_came),
        SCRIPTED(a_push_that_failed_is_the_apis_exception),
        SCRIPTED(turns_come_in_order_and_for_each_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
