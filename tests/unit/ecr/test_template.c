/* SPDX-License-Identifier: MIT */
/* Creation templates: their actions, which one a name gets, and the repository that comes of it. */
#include "call_fixture.h"

#include "template_apply.h"

#define POLICY_JSON                                                                                \
    "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","        \
    "\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"ecr:*\\\"}]}"
#define LIFECYCLE_JSON                                                                             \
    "{\\\"rules\\\":[{\\\"rulePriority\\\":1,\\\"selection\\\":{\\\"tagStatus\\\":\\\"any\\\","    \
    "\\\"countType\\\":\\\"imageCountMoreThan\\\",\\\"countNumber\\\":3},\\\"action\\\":{"         \
    "\\\"type\\\":\\\"expire\\\"}}]}"
#define TIMES "\"createdAt\":1700000000.123,\"updatedAt\":1700000000.123"
#define HEAD "{\"registryId\":\"" ACCOUNT "\",\"repositoryCreationTemplate\":"
#define PLAIN(prefix, use)                                                                         \
    "{\"prefix\":\"" prefix "\",\"encryptionConfiguration\":{\"encryptionType\":\"AES256\"},"      \
    "\"resourceTags\":[],\"imageTagMutability\":\"MUTABLE\",\"appliedFor\":[\"" use "\"]," TIMES   \
    "}"

static void make(const char *prefix, const char *use) {
    assert_int_equal(call("CreateRepositoryCreationTemplate",
                          format("{\"prefix\":\"%s\",\"description\":\"%s\",\"appliedFor\":"
                                 "[\"%s\"]}",
                                 prefix, prefix, use)),
                     200);
}

static void a_template_is_answered_without_members_that_it_has_not(void **state) {
    (void)state;
    assert_answer("CreateRepositoryCreationTemplate",
                  "{\"prefix\":\"prod\",\"appliedFor\":[\"CREATE_ON_PUSH\"]}", 200,
                  HEAD PLAIN("prod", "CREATE_ON_PUSH") "}");
    assert_answer("DescribeRepositoryCreationTemplates", "{\"prefixes\":[\"none\",\"prod/\"]}", 200,
                  "{\"registryId\":\"" ACCOUNT
                  "\",\"repositoryCreationTemplates\":[" PLAIN("prod", "CREATE_ON_PUSH") "]}");
    assert_answer("DeleteRepositoryCreationTemplate", "{\"prefix\":\"prod\"}", 200,
                  HEAD PLAIN("prod", "CREATE_ON_PUSH") "}");
    assert_answer("DescribeRepositoryCreationTemplates", "{}", 200,
                  "{\"registryId\":\"" ACCOUNT "\",\"repositoryCreationTemplates\":[]}");
}

static void all_members_come_back(void **state) {
    (void)state;
    const char *rest =
        "\"description\":\"d\",\"encryptionConfiguration\":{\"encryptionType\":\"KMS\",\"kmsKey\":"
        "\"arn:aws:kms:us-east-1:123456789012:key/k\"},\"resourceTags\":[{\"Key\":\"a\",\"Value\":"
        "\"b\"}],\"imageTagMutability\":\"IMMUTABLE_WITH_EXCLUSION\","
        "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\",\"filter\":"
        "\"dev*\"}],\"repositoryPolicy\":\"" POLICY_JSON "\",\"lifecyclePolicy\":\"" LIFECYCLE_JSON
        "\",\"appliedFor\":[\"REPLICATION\",\"PULL_THROUGH_CACHE\"],\"customRoleArn\":\"arn:x\"";
    assert_answer("CreateRepositoryCreationTemplate", format("{\"prefix\":\"ROOT\",%s}", rest), 200,
                  format(HEAD "{\"prefix\":\"ROOT\",%s," TIMES "}}", rest));
}

static void a_prefix_is_the_same_with_and_without_its_slash(void **state) {
    (void)state;
    make("prod/", "REPLICATION");
    assert_fails("CreateRepositoryCreationTemplate",
                 "{\"prefix\":\"prod\",\"appliedFor\":[\"REPLICATION\"]}",
                 "TemplateAlreadyExistsException",
                 "The repository creation template with the prefix 'prod' already exists in the "
                 "registry with id '" ACCOUNT "'");
    assert_fails("UpdateRepositoryCreationTemplate", "{\"prefix\":\"other\"}",
                 "TemplateNotFoundException",
                 "The repository creation template with the prefix 'other' does not exist in the "
                 "registry with id '" ACCOUNT "'");
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    assert_fails("CreateRepositoryCreationTemplate",
                 "{\"prefix\":\"p\",\"appliedFor\":[\"REPLICATION\"],\"repositoryPolicy\":\"{}\"}",
                 "InvalidParameterException",
                 "Invalid parameter at 'RepositoryPolicy' failed to satisfy constraint: 'Invalid "
                 "repository policy provided'");
    assert_int_equal(
        call("CreateRepositoryCreationTemplate",
             "{\"prefix\":\"p\",\"appliedFor\":[\"REPLICATION\"],\"lifecyclePolicy\":\"{}\"}"),
        400);
    assert_non_null(strstr(answer, "Lifecycle policy validation failure"));
    assert_int_equal(call("CreateRepositoryCreationTemplate",
                          "{\"prefix\":\"p\",\"appliedFor\":[\"REPLICATION\"],\"resourceTags\":["
                          "{\"Key\":\"aws:x\",\"Value\":\"\"}]}"),
                     400);
    assert_int_equal(call("CreateRepositoryCreationTemplate",
                          "{\"prefix\":\"p\",\"appliedFor\":[\"REPLICATION\"],"
                          "\"imageTagMutability\":\"IMMUTABLE_WITH_EXCLUSION\"}"),
                     400);
    assert_int_equal(call("CreateRepositoryCreationTemplate",
                          "{\"prefix\":\"Bad\",\"appliedFor\":[\"REPLICATION\"]}"),
                     400);
    assert_non_null(strstr(answer, "ValidationException"));
    assert_answer("DescribeRepositoryCreationTemplates", "{}", 200,
                  "{\"registryId\":\"" ACCOUNT "\",\"repositoryCreationTemplates\":[]}");
}

static void an_update_keeps_what_it_does_not_name(void **state) {
    (void)state;
    assert_int_equal(call("CreateRepositoryCreationTemplate",
                          "{\"prefix\":\"p\",\"description\":\"d\",\"repositoryPolicy\":"
                          "\"" POLICY_JSON "\",\"imageTagMutability\":\"MUTABLE_WITH_EXCLUSION\","
                          "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\","
                          "\"filter\":\"v*\"}],\"appliedFor\":[\"REPLICATION\"]}"),
                     200);
    fixture.now_ms += 1000;
    assert_answer("UpdateRepositoryCreationTemplate",
                  "{\"prefix\":\"p/\",\"repositoryPolicy\":\"\",\"imageTagMutability\":"
                  "\"IMMUTABLE\"}",
                  200,
                  HEAD "{\"prefix\":\"p\",\"description\":\"d\",\"encryptionConfiguration\":{"
                       "\"encryptionType\":\"AES256\"},\"resourceTags\":[],\"imageTagMutability\":"
                       "\"IMMUTABLE\",\"appliedFor\":[\"REPLICATION\"],\"createdAt\":"
                       "1700000000.123,\"updatedAt\":1700000001.123}}");
    assert_int_equal(call("UpdateRepositoryCreationTemplate",
                          "{\"prefix\":\"p\",\"imageTagMutabilityExclusionFilters\":[{"
                          "\"filterType\":\"WILDCARD\",\"filter\":\"v*\"}]}"),
                     400);
}

static void pages_go_through_all_templates(void **state) {
    (void)state;
    char seen[200] = "", token[VIRGA_PAGE_TOKEN_SIZE] = "";
    for (int i = 0; i < 5; i++) {
        make(format("p%d", i), "REPLICATION");
    }
    for (int pages = 0; pages < 3; pages++) {
        assert_int_equal(
            call("DescribeRepositoryCreationTemplates",
                 format("{\"maxResults\":2%s%s%s}", token[0] != '\0' ? ",\"nextToken\":\"" : "",
                        token, token[0] != '\0' ? "\"" : "")),
            200);
        for (const char *at = answer; (at = strstr(at, "\"prefix\":\"")) != NULL; at += 10) {
            (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.2s ", at + 10);
        }
        (void)snprintf(token, sizeof token, "%s", next_token());
    }
    assert_string_equal(seen, "p0 p1 p2 p3 p4 ");
    assert_string_equal(token, "");
}

static void the_quota_is_kept(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        make(format("p%d", i), "REPLICATION");
    }
    assert_int_equal(call("CreateRepositoryCreationTemplate",
                          "{\"prefix\":\"more\",\"appliedFor\":[\"REPLICATION\"]}"),
                     400);
    assert_non_null(strstr(answer, "LimitExceededException"));
}

static const char *found(const char *name, enum template_use use) {
    static char prefix[300];
    struct json_object *template = NULL;
    int result = template_find(&fixture.ecr, &here, STR(name), use, &template);
    if (result != 0) {
        assert_int_equal(result, -ENOENT);
        return "none";
    }
    (void)snprintf(prefix, sizeof prefix, "%s", virga_awsjson_str(template, "prefix").ptr);
    json_object_put(template);
    return prefix;
}

static void the_longest_prefix_wins_and_root_takes_the_rest(void **state) {
    (void)state;
    assert_string_equal(found("prod/app", TEMPLATE_CREATE_ON_PUSH), "none");
    make("prod", "CREATE_ON_PUSH");
    make("prod/team", "CREATE_ON_PUSH");
    make("prod/team/x", "REPLICATION");
    assert_string_equal(found("prod/app", TEMPLATE_CREATE_ON_PUSH), "prod");
    assert_string_equal(found("prod/team/x/app", TEMPLATE_CREATE_ON_PUSH), "prod/team");
    assert_string_equal(found("prod/team/x/app", TEMPLATE_REPLICATION), "prod/team/x");
    /* A prefix is whole parts of the name. */
    assert_string_equal(found("production/app", TEMPLATE_CREATE_ON_PUSH), "none");
    assert_string_equal(found("prod", TEMPLATE_CREATE_ON_PUSH), "none");
    make("ROOT", "CREATE_ON_PUSH");
    assert_string_equal(found("prod", TEMPLATE_CREATE_ON_PUSH), "ROOT");
    assert_string_equal(found("prod/app", TEMPLATE_CREATE_ON_PUSH), "prod");
}

static void a_repository_gets_the_settings_of_its_template(void **state) {
    (void)state;
    assert_int_equal(
        call("CreateRepositoryCreationTemplate",
             "{\"prefix\":\"p\",\"encryptionConfiguration\":{\"encryptionType\":\"KMS\"},"
             "\"resourceTags\":[{\"Key\":\"a\",\"Value\":\"b\"}],\"imageTagMutability\":"
             "\"IMMUTABLE_WITH_EXCLUSION\",\"imageTagMutabilityExclusionFilters\":[{"
             "\"filterType\":\"WILDCARD\",\"filter\":\"dev*\"}],\"repositoryPolicy\":\"" POLICY_JSON
             "\",\"lifecyclePolicy\":\"" LIFECYCLE_JSON "\",\"appliedFor\":[\"CREATE_ON_PUSH\"]}"),
        200);
    assert_int_equal(
        template_create_repository(&fixture.ecr, &here, STR("p/app"), TEMPLATE_CREATE_ON_PUSH), 0);
    struct meta_repository repository;
    assert_int_equal(meta_repository_get(&fixture.ecr, &here, STR("p/app"), &repository), 0);
    assert_int_equal(repository.mutability, META_IMMUTABLE_WITH_EXCLUSION);
    assert_int_equal(repository.exclusions_count, 1);
    assert_string_equal(repository.exclusions[0], "dev*");
    assert_string_equal(repository.encryption_type, "KMS");
    assert_non_null(strstr(repository.kms_key, "arn:aws:kms:us-east-1:" ACCOUNT ":key/"));
    assert_int_equal(repository.tags_count, 1);
    assert_string_equal(repository.tags[0].value, "b");
    meta_repository_finish(&repository);
    assert_int_equal(call("GetRepositoryPolicy", "{\"repositoryName\":\"p/app\"}"), 200);
    assert_non_null(strstr(answer, POLICY_JSON));
    assert_int_equal(call("GetLifecyclePolicy", "{\"repositoryName\":\"p/app\"}"), 200);
    assert_non_null(strstr(answer, LIFECYCLE_JSON));
    /* Once more changes nothing. */
    assert_int_equal(
        template_create_repository(&fixture.ecr, &here, STR("p/app"), TEMPLATE_CREATE_ON_PUSH), 0);
}

static void without_a_template_only_a_push_creates_nothing(void **state) {
    (void)state;
    struct ecr *ecr = &fixture.ecr;
    assert_int_equal(template_create_repository(ecr, &here, STR("a"), TEMPLATE_CREATE_ON_PUSH),
                     -EINVAL);
    assert_int_equal(template_create_repository(ecr, &here, STR("app"), TEMPLATE_CREATE_ON_PUSH),
                     -ENOENT);
    assert_false(meta_repository_exists(ecr, &here, STR("app")));
    assert_int_equal(template_create_repository(ecr, &here, STR("app"), TEMPLATE_REPLICATION), 0);
    assert_int_equal(
        template_create_repository(ecr, &here, STR("bpp"), TEMPLATE_PULL_THROUGH_CACHE), 0);
    struct meta_repository repository;
    assert_int_equal(meta_repository_get(ecr, &here, STR("bpp"), &repository), 0);
    assert_int_equal(repository.mutability, META_MUTABLE);
    assert_string_equal(repository.encryption_type, "AES256");
    meta_repository_finish(&repository);
}

static void a_store_that_fails_leaves_no_repository(void **state) {
    (void)state;
    make("p", "CREATE_ON_PUSH");
    fixture.store_error = -EIO;
    assert_int_equal(
        template_create_repository(&fixture.ecr, &here, STR("p/app"), TEMPLATE_CREATE_ON_PUSH),
        -EIO);
    fixture.store_error = 0;
    assert_false(meta_repository_exists(&fixture.ecr, &here, STR("p/app")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_template_is_answered_without_members_that_it_has_not),
        TEST(all_members_come_back),
        TEST(a_prefix_is_the_same_with_and_without_its_slash),
        TEST(bad_settings_are_refused),
        TEST(an_update_keeps_what_it_does_not_name),
        TEST(pages_go_through_all_templates),
        TEST(the_quota_is_kept),
        TEST(the_longest_prefix_wins_and_root_takes_the_rest),
        TEST(a_repository_gets_the_settings_of_its_template),
        TEST(without_a_template_only_a_push_creates_nothing),
        TEST(a_store_that_fails_leaves_no_repository),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
