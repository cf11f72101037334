/* SPDX-License-Identifier: MIT */
/* Storage classes: the records, their entries, and the action. */
#include "call_fixture.h"

#include "storage_class.h"

#define DAY_MS 86400000

static char a[ECR_DIGEST_LEN + 1], b[ECR_DIGEST_LEN + 1];

/* Two images: a with two tags, b without. */
static void two_images(void) {
    create("app");
    push("one", "v1", NULL, a);
    push("one", "v2", NULL, a);
    struct meta_image image = {.media_type = (char[]){MEDIA}};
    assert_int_equal(reference_digest(STR("two"), image.digest), 0);
    memcpy(b, image.digest, sizeof b);
    assert_int_equal(
        meta_image_put(&fixture.ecr, &here, STR("app"), "", &image, (struct virga_str){0}), 0);
}

static int archive(const char *digest) {
    return meta_image_archive(&fixture.ecr, &here, STR("app"), STR(digest), fixture.now_ms);
}

static enum meta_status status_of(const char *digest) {
    struct meta_image image;
    assert_int_equal(meta_image_get(&fixture.ecr, &here, STR("app"), STR(digest), &image), 0);
    enum meta_status status = image.status;
    meta_image_finish(&image);
    return status;
}

static int count_entry(void *arg, struct virga_str digest, struct virga_str tag) {
    size_t *count = arg;
    (void)digest;
    (void)tag;
    (*count)++;
    return 0;
}

static size_t entries(unsigned which) {
    size_t count = 0;
    assert_int_equal(meta_entry_each(&fixture.ecr, &here, STR("app"), which, (struct virga_str){0},
                                     (struct virga_str){0}, count_entry, &count),
                     0);
    return count;
}

static void entries_move_with_the_status(void **state) {
    (void)state;
    two_images();
    const unsigned both = META_TAGGED | META_UNTAGGED;
    assert_int_equal(archive(a), 0);
    assert_int_equal(archive(b), 0);
    assert_int_equal(entries(both | META_WITH_ACTIVE), 0);
    assert_int_equal(entries(both | META_WITH_ARCHIVED), 3);
    assert_int_equal(entries(META_TAGGED | META_WITH_ARCHIVED), 2);
    assert_int_equal(entries(META_UNTAGGED), 1);
    assert_int_equal(archive(a), -EALREADY);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(a), 5, 5), 0);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(b), 5, 6), 0);
    assert_int_equal(entries(both | META_WITH_ACTIVE), 2);
    assert_int_equal(entries(both | META_WITH_ACTIVATING), 1);
    assert_int_equal(entries(both), 3);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(a), 5, 5), -EALREADY);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(b), 5, 5), -EALREADY);
}

static void tags_of_an_archived_image_stay_its_own(void **state) {
    (void)state;
    char c[ECR_DIGEST_LEN + 1];
    two_images();
    assert_int_equal(archive(a), 0);
    push("three", "v1", NULL, c); /* takes v1 away */
    assert_int_equal(entries(META_TAGGED | META_WITH_ARCHIVED), 1);
    assert_int_equal(meta_tag_delete(&fixture.ecr, &here, STR("app"), STR("v2")), 0);
    assert_int_equal(entries(META_TAGGED | META_WITH_ARCHIVED), 0);
    assert_int_equal(entries(META_UNTAGGED | META_WITH_ARCHIVED), 1);
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(a)), 0);
    assert_int_equal(entries(META_TAGGED | META_UNTAGGED), 2);
    assert_int_equal(entries(META_UNTAGGED | META_WITH_ARCHIVED), 0);
}

static void a_push_brings_an_archived_image_back(void **state) {
    (void)state;
    two_images();
    assert_int_equal(archive(a), 0);
    fixture.now_ms += DAY_MS;
    push("one", "v3", NULL, a);
    struct meta_image image;
    assert_int_equal(meta_image_get(&fixture.ecr, &here, STR("app"), STR(a), &image), 0);
    assert_int_equal(image.status, META_ACTIVE);
    assert_int_equal(image.tags_count, 3);
    assert_int_equal(image.pushed_ms, fixture.now_ms - DAY_MS);
    assert_int_equal(image.archived_ms, fixture.now_ms - DAY_MS);
    assert_int_equal(image.activated_ms, fixture.now_ms);
    meta_image_finish(&image);
    assert_int_equal(entries(META_TAGGED | META_WITH_ACTIVE), 3);
    /* What is known of the archive outlives another push. */
    push("one", "v4", NULL, a);
    assert_int_equal(meta_image_get(&fixture.ecr, &here, STR("app"), STR(a), &image), 0);
    assert_int_equal(image.activated_ms, fixture.now_ms);
    meta_image_finish(&image);
}

static void what_is_due_becomes_active(void **state) {
    (void)state;
    int64_t next = -1;
    two_images();
    assert_int_equal(meta_activate_due(&fixture.ecr, 0, 10, &next), 0);
    assert_int_equal(next, 0);
    assert_int_equal(archive(a), 0);
    assert_int_equal(archive(b), 0);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(a), 0, 1000), 0);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(b), 0, 2000), 0);
    assert_int_equal(meta_activate_due(&fixture.ecr, 999, 10, &next), 0);
    assert_int_equal(next, 1000);
    assert_int_equal(status_of(a), META_ACTIVATING);
    assert_int_equal(meta_activate_due(&fixture.ecr, 1000, 10, &next), 0);
    assert_int_equal(next, 2000);
    assert_int_equal(status_of(a), META_ACTIVE);
    /* One that is gone leaves nothing to wait for. */
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(b)), 0);
    assert_int_equal(meta_activate_due(&fixture.ecr, 2000, 10, &next), 0);
    assert_int_equal(next, 0);
    /* A slice leaves the rest for the next call. */
    assert_int_equal(archive(a), 0);
    assert_int_equal(meta_image_restore(&fixture.ecr, &here, STR("app"), STR(a), 0, 3000), 0);
    assert_int_equal(meta_activate_due(&fixture.ecr, 5000, 0, &next), 0);
    assert_int_equal(next, 3000);
}

static void a_repository_made_anew_knows_nothing_of_the_archive(void **state) {
    (void)state;
    two_images();
    assert_int_equal(archive(a), 0);
    assert_int_equal(meta_repository_delete(&fixture.ecr, &here, STR("app")), 0);
    create("app");
    assert_int_equal(entries(META_TAGGED | META_UNTAGGED), 0);
}

#define UPDATE(digest, target)                                                                     \
    format("{" APP ",\"imageId\":{\"imageDigest\":\"%s\"},\"targetStorageClass\":\"" target "\"}", \
           digest)

static void the_action_archives_and_restores(void **state) {
    (void)state;
    two_images();
    assert_answer("UpdateImageStorageClass", UPDATE(a, "ARCHIVE"), 200,
                  format("{\"registryId\":\"" ACCOUNT
                         "\",\"repositoryName\":\"app\",\"imageId\":{\"imageDigest\":\"%s\"},"
                         "\"imageStatus\":\"ARCHIVED\"}",
                         a));
    assert_fails("UpdateImageStorageClass", UPDATE(a, "ARCHIVE"),
                 "ImageStorageClassUpdateNotSupportedException",
                 format("The image with digest '%s' is not active: only active images can be "
                        "archived",
                        a));
    assert_int_equal(call("UpdateImageStorageClass",
                          "{" APP ",\"imageId\":{\"imageTag\":\"v1\"},\"targetStorageClass\":"
                          "\"STANDARD\"}"),
                     200);
    assert_non_null(strstr(answer, "\"imageTag\":\"v1\"},\"imageStatus\":\"ACTIVE\"}"));
    assert_fails("UpdateImageStorageClass", UPDATE(a, "STANDARD"),
                 "ImageStorageClassUpdateNotSupportedException",
                 format("The image with digest '%s' is not archived: only archived images can be "
                        "restored",
                        a));
    fixture.ecr.restore_seconds = 60;
    assert_int_equal(call("UpdateImageStorageClass", UPDATE(b, "ARCHIVE")), 200);
    assert_int_equal(call("UpdateImageStorageClass", UPDATE(b, "STANDARD")), 200);
    assert_non_null(strstr(answer, "\"imageStatus\":\"ACTIVATING\"}"));
}

static void the_action_refuses_what_it_must(void **state) {
    (void)state;
    char index[ECR_DIGEST_LEN + 1];
    two_images();
    push("index", "all", a, index);
    assert_fails("UpdateImageStorageClass", UPDATE(a, "ARCHIVE"),
                 "ImageStorageClassUpdateNotSupportedException",
                 format("Requested image referenced by manifest list: [%s]", index));
    assert_int_equal(call("UpdateImageStorageClass", UPDATE(index, "ARCHIVE")), 200);
    assert_int_equal(call("UpdateImageStorageClass", UPDATE(a, "ARCHIVE")), 200);
    assert_int_equal(call("UpdateImageStorageClass",
                          "{" APP ",\"imageId\":{\"imageTag\":\"no\"},\"targetStorageClass\":"
                          "\"ARCHIVE\"}"),
                     400);
    assert_non_null(strstr(answer, "ImageNotFoundException"));
    assert_int_equal(call("UpdateImageStorageClass",
                          "{" APP ",\"imageId\":{},\"targetStorageClass\":"
                          "\"ARCHIVE\"}"),
                     400);
    assert_non_null(strstr(answer, "InvalidParameterException"));
    assert_int_equal(call("UpdateImageStorageClass", UPDATE(a, "GLACIER")), 400);
    assert_non_null(strstr(answer, "ValidationException"));
    assert_answer("UpdateImageStorageClass",
                  "{\"repositoryName\":\"no-app\",\"imageId\":{\"imageTag\":\"v1\"},"
                  "\"targetStorageClass\":\"ARCHIVE\"}",
                  400,
                  "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"The repository with "
                  "name 'no-app' does not exist in the registry with id '" ACCOUNT "'\"}");
}

static void lists_show_active_images_unless_asked(void **state) {
    (void)state;
    two_images();
    assert_int_equal(archive(a), 0);
    assert_answer("ListImages", "{" APP "}", 200,
                  format("{\"imageIds\":[{\"imageDigest\":\"%s\"}]}", b));
    assert_answer("ListImages", "{" APP ",\"filter\":{\"imageStatus\":\"ARCHIVED\"}}", 200,
                  format("{\"imageIds\":[{\"imageDigest\":\"%s\",\"imageTag\":\"v1\"},"
                         "{\"imageDigest\":\"%s\",\"imageTag\":\"v2\"}]}",
                         a, a));
    assert_answer("ListImages",
                  "{" APP ",\"filter\":{\"imageStatus\":\"ARCHIVED\",\"tagStatus\":\"UNTAGGED\"}}",
                  200, "{\"imageIds\":[]}");
    assert_int_equal(call("DescribeImages", "{" APP ",\"filter\":{\"imageStatus\":\"ANY\"}}"), 200);
    assert_non_null(strstr(answer, "\"imageStatus\":\"ARCHIVED\",\"lastArchivedAt\":"));
    assert_non_null(strstr(answer, "\"imageStatus\":\"ACTIVE\"}"));
    /* By id it is described whatever it is. */
    assert_int_equal(call("DescribeImages", "{" APP ",\"imageIds\":[{\"imageTag\":\"v1\"}]}"), 200);
    assert_non_null(strstr(answer, "\"imageStatus\":\"ARCHIVED\""));
    assert_int_equal(call("UpdateImageStorageClass", UPDATE(a, "STANDARD")), 200);
    assert_int_equal(call("DescribeImages", "{" APP ",\"imageIds\":[{\"imageTag\":\"v1\"}]}"), 200);
    assert_non_null(strstr(answer, "\"lastActivatedAt\":"));
}

static void pages_of_a_status_go_on_where_they_ended(void **state) {
    (void)state;
    create("app");
    size_t archived = 0, shown = 0;
    for (int i = 0; i < 40; i++) {
        struct meta_image image = {.media_type = (char[]){MEDIA}};
        assert_int_equal(reference_digest(STR(format("image %d", i)), image.digest), 0);
        assert_int_equal(meta_image_put(&fixture.ecr, &here, STR("app"), "", &image,
                                        i % 2 == 0 ? (struct virga_str){0} : STR(format("t%d", i))),
                         0);
        if (i % 4 != 0) {
            assert_int_equal(archive(image.digest), 0);
            archived++;
        }
    }
    char token[VIRGA_PAGE_TOKEN_SIZE] = "";
    do {
        assert_int_equal(call("ListImages", format("{" APP ",\"filter\":{\"imageStatus\":"
                                                   "\"ARCHIVED\"},\"maxResults\":7%s%s%s}",
                                                   token[0] != '\0' ? ",\"nextToken\":\"" : "",
                                                   token, token[0] != '\0' ? "\"" : "")),
                         200);
        for (const char *at = answer; (at = strstr(at, "imageDigest")) != NULL; at++) {
            shown++;
        }
        (void)snprintf(token, sizeof token, "%s", next_token());
    } while (token[0] != '\0');
    assert_int_equal(shown, archived);
    /* A token of one status is none of another. */
    assert_int_equal(call("ListImages", "{" APP ",\"maxResults\":1}"), 200);
    (void)snprintf(token, sizeof token, "%s", next_token());
    assert_int_equal(call("ListImages", format("{" APP ",\"filter\":{\"imageStatus\":\"ARCHIVED\"},"
                                               "\"nextToken\":\"%s\"}",
                                               token)),
                     400);
}

static void an_archived_image_is_not_handed_out(void **state) {
    (void)state;
    two_images();
    assert_int_equal(archive(a), 0);
    assert_answer("BatchGetImage", "{" APP ",\"imageIds\":[{\"imageTag\":\"v1\"}]}", 200,
                  "{\"images\":[],\"failures\":[{\"imageId\":{\"imageTag\":\"v1\"},"
                  "\"failureCode\":\"ImageInaccessible\",\"failureReason\":\"Requested image is "
                  "archived and cannot be pulled until it is restored\"}]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(entries_move_with_the_status),
        TEST(tags_of_an_archived_image_stay_its_own),
        TEST(a_push_brings_an_archived_image_back),
        TEST(what_is_due_becomes_active),
        TEST(a_repository_made_anew_knows_nothing_of_the_archive),
        TEST(the_action_archives_and_restores),
        TEST(the_action_refuses_what_it_must),
        TEST(lists_show_active_images_unless_asked),
        TEST(pages_of_a_status_go_on_where_they_ended),
        TEST(an_archived_image_is_not_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
