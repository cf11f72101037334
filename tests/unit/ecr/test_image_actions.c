/* SPDX-License-Identifier: MIT */
/* The control plane through its front door: images listed, described, fetched and deleted. */
#include "call_fixture.h"

static void list_shows_each_digest_and_tag(void **state) {
    (void)state;
    char one[ECR_DIGEST_LEN + 1], two[ECR_DIGEST_LEN + 1];
    create("app");
    assert_answer("ListImages", "{" APP "}", 200, "{\"imageIds\":[]}");
    push("{\"n\":1}", "a", NULL, one);
    push("{\"n\":1}", "b", NULL, one);
    push("{\"n\":2}", NULL, NULL, two);
    const char *tagged = format("{\"imageDigest\":\"%s\",\"imageTag\":\"a\"},{\"imageDigest\":"
                                "\"%s\",\"imageTag\":\"b\"}",
                                one, one);
    const char *untagged = format("{\"imageDigest\":\"%s\"}", two);
    bool first = strcmp(one, two) < 0;
    assert_answer(
        "ListImages", "{" APP "}", 200,
        format("{\"imageIds\":[%s,%s]}", first ? tagged : untagged, first ? untagged : tagged));
    assert_answer("ListImages", "{" APP ",\"filter\":{\"tagStatus\":\"TAGGED\"}}", 200,
                  format("{\"imageIds\":[%s]}", tagged));
    assert_answer("ListImages", "{" APP ",\"filter\":{\"tagStatus\":\"UNTAGGED\"}}", 200,
                  format("{\"imageIds\":[%s]}", untagged));
    assert_answer("ListImages", "{" APP ",\"filter\":{\"imageStatus\":\"ARCHIVED\"}}", 200,
                  "{\"imageIds\":[]}");
    assert_answer("ListImages", "{\"repositoryName\":\"missing\"}", 400,
                  "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"The repository with "
                  "name 'missing' does not exist in the registry with id '" ACCOUNT "'\"}");
}

static void pages_of_images_cut_between_tags(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    for (int i = 0; i < 5; i++) {
        push("{\"n\":1}", format("t%d", i), NULL, digest);
    }
    assert_int_equal(call("ListImages", "{" APP ",\"maxResults\":2}"), 200);
    assert_non_null(strstr(answer, "\"t1\""));
    assert_null(strstr(answer, "\"t2\""));
    const char *token = format("%s", next_token());
    assert_int_equal(call("ListImages", format("{" APP ",\"nextToken\":\"%s\"}", token)), 200);
    assert_null(strstr(answer, "\"t1\""));
    assert_non_null(strstr(answer, "\"t2\""));
    assert_non_null(strstr(answer, "\"t4\""));
    assert_string_equal(next_token(), "");
    assert_int_equal(call("ListImages", format("{" APP ",\"filter\":{\"tagStatus\":\"TAGGED\"},"
                                               "\"nextToken\":\"%s\"}",
                                               token)),
                     400);
    /* One image: a page of one holds it whole, and there is no second. */
    assert_int_equal(call("DescribeImages", "{" APP ",\"maxResults\":1}"), 200);
    assert_non_null(strstr(answer, "[\"t0\",\"t1\",\"t2\",\"t3\",\"t4\"]"));
    assert_string_equal(next_token(), "");
}

static void describe_shows_one_detail_for_each_digest(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "b", NULL, digest);
    push("{\"n\":1}", "a", NULL, digest);
    const char *detail =
        format("{\"imageDetails\":[{\"registryId\":\"" ACCOUNT
               "\",\"repositoryName\":\"app\",\"imageDigest\":\"%s\",\"imageTags\":[\"a\",\"b\"],"
               "\"imageSizeInBytes\":1234,\"imagePushedAt\":1700000000.123,"
               "\"imageManifestMediaType\":\"" MEDIA "\",\"artifactMediaType\":\"x/config\","
               "\"imageStatus\":\"ACTIVE\"}]}",
               digest);
    assert_answer("DescribeImages", "{" APP "}", 200, detail);
    assert_answer("DescribeImages", "{" APP ",\"imageIds\":[{\"imageTag\":\"a\"}]}", 200, detail);
    assert_answer("DescribeImages",
                  format("{" APP ",\"imageIds\":[{\"imageTag\":\"a\"},{\"imageTag\":\"b\"},"
                         "{\"imageDigest\":\"%s\"}]}",
                         digest),
                  200, detail);
    assert_answer("DescribeImages", "{" APP ",\"filter\":{\"tagStatus\":\"UNTAGGED\"}}", 200,
                  "{\"imageDetails\":[]}");
}

static void describe_of_a_missing_image_names_it(void **state) {
    (void)state;
    create("app");
    assert_fails("DescribeImages", "{" APP ",\"imageIds\":[{\"imageTag\":\"v1\"}]}",
                 "ImageNotFoundException",
                 "The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist within "
                 "the repository with name 'app' in the registry with id '" ACCOUNT "'");
    assert_answer("DescribeImages",
                  "{\"repositoryName\":\"app2\",\"imageIds\":[{\"imageTag\":"
                  "\"v1\"}]}",
                  400,
                  "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"The repository with "
                  "name 'app2' does not exist in the registry with id '" ACCOUNT "'\"}");
}

/* --- BatchGetImage --- */

static void get_brings_the_manifest_as_it_was_pushed(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\n \"a\": \"\\u00e9\" }", "v1", NULL, digest);
    assert_answer("BatchGetImage",
                  "{" APP ",\"imageIds\":[{\"imageTag\":\"v1\"},{\"imageTag\":\"no\"},{}],"
                  "\"acceptedMediaTypes\":[\"a/b\",\"bad\\r\\nX: y\"]}",
                  200,
                  format("{\"images\":[{\"registryId\":\"" ACCOUNT
                         "\",\"repositoryName\":\"app\",\"imageId\":{\"imageDigest\":\"%s\","
                         "\"imageTag\":\"v1\"},\"imageManifest\":\"{\\n \\\"a\\\": "
                         "\\\"\\\\u00e9\\\" }\",\"imageManifestMediaType\":\"" MEDIA
                         "\"}],\"failures\":[{\"imageId\":{\"imageTag\":\"no\"},\"failureCode\":"
                         "\"ImageNotFound\",\"failureReason\":\"Requested image not found\"},"
                         "{\"imageId\":{},\"failureCode\":\"MissingDigestAndTag\","
                         "\"failureReason\":\"Invalid request parameters: both tag and digest "
                         "cannot be null\"}]}",
                         digest));
    assert_string_equal(accept, MEDIA ", a/b");
    assert_int_equal(call("DescribeImages", "{" APP "}"), 200);
    assert_non_null(strstr(answer, "\"lastRecordedPullTime\":1700000000.123"));
}

static void get_by_digest_brings_one_image_for_each_tag(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, digest);
    push("{\"n\":1}", "b", NULL, digest);
    assert_int_equal(call("BatchGetImage", format("{" APP ",\"imageIds\":[{\"imageDigest\":\"%s\"},"
                                                  "{\"imageTag\":\"a\"}]}",
                                                  digest)),
                     200);
    const char *a = strstr(answer, "\"imageTag\":\"a\"");
    assert_non_null(a);
    assert_non_null(strstr(answer, "\"imageTag\":\"b\""));
    assert_null(strstr(a + 1, "\"imageTag\":\"a\""));
}

static void get_tells_why_an_id_is_no_image(void **state) {
    (void)state;
    char one[ECR_DIGEST_LEN + 1], two[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, one);
    push("{\"n\":2}", "b", NULL, two);
    assert_int_equal(
        call("BatchGetImage",
             format("{" APP ",\"imageIds\":[{\"imageDigest\":\"junk\"},{\"imageTag\":\"a+b\"},"
                    "{\"imageDigest\":\"%s\",\"imageTag\":\"b\"},{\"imageDigest\":\"%s\","
                    "\"imageTag\":\"none\"}]}",
                    one, one)),
        200);
    assert_non_null(strstr(answer, "{\"images\":[],\"failures\":["));
    assert_non_null(strstr(answer, "\"failureCode\":\"InvalidImageDigest\",\"failureReason\":"
                                   "\"Invalid request parameters: image digest should satisfy the "
                                   "regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'\""));
    assert_non_null(strstr(answer, "\"failureCode\":\"InvalidImageTag\""));
    assert_non_null(strstr(answer,
                           "\"failureCode\":\"ImageTagDoesNotMatchDigest\",\"failureReason\":"
                           "\"Invalid request parameters: given tag does not map to the given "
                           "digest\""));
    assert_non_null(strstr(answer, "\"imageTag\":\"none\"},\"failureCode\":\"ImageNotFound\""));
}

static void get_never_answers_an_empty_success(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, digest);
    const char *body = "{" APP ",\"imageIds\":[{\"imageTag\":\"a\"}]}";
    fetch_status = 0;
    assert_answer("BatchGetImage", body, 500,
                  "{\"__type\":\"ServerException\",\"message\":\"The registry did not give the "
                  "image: connection refused\"}");
    fetch_status = 503;
    assert_int_equal(call("BatchGetImage", body), 500);
    fetch_status = 404;
    assert_int_equal(call("BatchGetImage", body), 500);
    assert_non_null(strstr(answer, "no longer has the manifest"));
    fetch_status = 200;
    manifests_count = 0;
    assert_int_equal(call("BatchGetImage", body), 500);
    assert_non_null(strstr(answer, "does not match its digest"));
}

static void image_deleted_meanwhile_is_not_found(void **state) {
    (void)state;
    struct fake fake;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, digest);
    fetch_status = 404;
    fake_start(&fake, "BatchGetImage", "{" APP ",\"imageIds\":[{\"imageTag\":\"a\"}]}");
    actions_handle(&fixture.ecr, &fake.req);
    assert_int_equal(fake.status, 0);
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(digest)), 0);
    run_loop();
    assert_int_equal(fake.status, 200);
    assert_string_equal(fake.body,
                        "{\"images\":[],\"failures\":[{\"imageId\":{\"imageTag\":\"a\"},"
                        "\"failureCode\":\"ImageNotFound\",\"failureReason\":\"Requested image "
                        "not found\"}]}");
    fake_finish(&fake);
}

static void get_asks_for_a_few_manifests_at_a_time(void **state) {
    (void)state;
    static char texts[20][16];
    char digest[ECR_DIGEST_LEN + 1], body[4096] = "{" APP ",\"imageIds\":[";
    create("app");
    for (int i = 0; i < 20; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "{\"n\":%d}", i);
        manifests_count = 0;
        push(texts[i], format("t%d", i), NULL, digest);
        (void)snprintf(body + strlen(body), sizeof body - strlen(body), "%s{\"imageTag\":\"t%d\"}",
                       i > 0 ? "," : "", i);
    }
    (void)snprintf(body + strlen(body), sizeof body - strlen(body), "]}");
    fetch_status = 404;
    most_flying = 0;
    assert_int_equal(call("BatchGetImage", body), 500);
    assert_int_equal(most_flying, 8);
}

/* --- BatchDeleteImage --- */

static void deleting_a_tag_removes_only_that_tag(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, digest);
    push("{\"n\":1}", "b", NULL, digest);
    assert_answer("BatchDeleteImage", "{" APP ",\"imageIds\":[{\"imageTag\":\"a\"}]}", 200,
                  format("{\"imageIds\":[{\"imageDigest\":\"%s\",\"imageTag\":\"a\"}],"
                         "\"failures\":[]}",
                         digest));
    assert_answer("ListImages", "{" APP "}", 200,
                  format("{\"imageIds\":[{\"imageDigest\":\"%s\",\"imageTag\":\"b\"}]}", digest));
    assert_int_equal(call("BatchDeleteImage", "{" APP ",\"imageIds\":[{\"imageTag\":\"b\"}]}"),
                     200);
    assert_answer("ListImages", "{" APP "}", 200, "{\"imageIds\":[]}");
}

static void deleting_a_digest_answers_each_tag(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, digest);
    push("{\"n\":1}", "b", NULL, digest);
    const char *both = format("{\"imageIds\":[{\"imageDigest\":\"%s\",\"imageTag\":\"a\"},"
                              "{\"imageDigest\":\"%s\",\"imageTag\":\"b\"}],\"failures\":[]}",
                              digest, digest);
    assert_answer(
        "BatchDeleteImage",
        format("{" APP ",\"imageIds\":[{\"imageDigest\":\"%s\"},{\"imageTag\":\"a\"}]}", digest),
        200, both);
    assert_answer("BatchDeleteImage",
                  format("{" APP ",\"imageIds\":[{\"imageDigest\":\"%s\"}]}", digest), 200,
                  format("{\"imageIds\":[],\"failures\":[{\"imageId\":{\"imageDigest\":\"%s\"},"
                         "\"failureCode\":\"ImageNotFound\",\"failureReason\":\"Requested image "
                         "not found\"}]}",
                         digest));
    push("{\"n\":1}", NULL, NULL, digest);
    assert_answer("BatchDeleteImage",
                  format("{" APP ",\"imageIds\":[{\"imageDigest\":\"%s\"}]}", digest), 200,
                  format("{\"imageIds\":[{\"imageDigest\":\"%s\"}],\"failures\":[]}", digest));
}

static void child_of_an_index_stays(void **state) {
    (void)state;
    char child[ECR_DIGEST_LEN + 1], index[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "child", NULL, child);
    push("{\"n\":2}", "index", child, index);
    const char *reason = format("\"failureCode\":\"ImageReferencedByManifestList\","
                                "\"failureReason\":\"Requested image referenced by manifest list: "
                                "[%s]\"",
                                index);
    assert_int_equal(call("BatchDeleteImage",
                          format("{" APP ",\"imageIds\":[{\"imageDigest\":\"%s\"},{\"imageTag\":"
                                 "\"child\"}]}",
                                 child)),
                     200);
    assert_non_null(strstr(answer, "{\"imageIds\":[],"));
    assert_non_null(strstr(answer, reason));
    assert_non_null(strstr(strstr(answer, reason) + 1, reason));
    assert_int_equal(call("BatchDeleteImage",
                          "{" APP
                          ",\"imageIds\":[{\"imageTag\":\"index\"},{\"imageTag\":\"child\"}]}"),
                     200);
    assert_non_null(strstr(answer, "\"failures\":[]"));
}

static void failed_deletion_is_a_server_exception(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{\"n\":1}", "a", NULL, digest);
    registry_status = -EIO;
    assert_answer("BatchDeleteImage", "{" APP ",\"imageIds\":[{\"imageTag\":\"a\"}]}", 500,
                  "{\"__type\":\"ServerException\",\"message\":\"The image could not be deleted: "
                  "the registry says no\"}");
    registry_status = 0;
    assert_int_equal(call("ListImages", "{" APP "}"), 200);
    assert_non_null(strstr(answer, "\"imageTag\":\"a\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(list_shows_each_digest_and_tag),
        TEST(pages_of_images_cut_between_tags),
        TEST(describe_shows_one_detail_for_each_digest),
        TEST(describe_of_a_missing_image_names_it),
        TEST(get_brings_the_manifest_as_it_was_pushed),
        TEST(get_by_digest_brings_one_image_for_each_tag),
        TEST(get_tells_why_an_id_is_no_image),
        TEST(get_never_answers_an_empty_success),
        TEST(image_deleted_meanwhile_is_not_found),
        TEST(get_asks_for_a_few_manifests_at_a_time),
        TEST(deleting_a_tag_removes_only_that_tag),
        TEST(deleting_a_digest_answers_each_tag),
        TEST(child_of_an_index_stays),
        TEST(failed_deletion_is_a_server_exception),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
