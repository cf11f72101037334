/* SPDX-License-Identifier: MIT */
/* The control plane through its front door: the protocol, repositories, their tags and policies,
 * the login. */
#include "call_fixture.h"

/* --- protocol --- */

static void unknown_operation_has_no_message(void **state) {
    (void)state;
    assert_answer("DescribeEverything", "{}", 400, "{\"__type\":\"UnknownOperationException\"}");
    assert_answer("", "{}", 400, "{\"__type\":\"UnknownOperationException\"}");
    assert_answer("CreateRepositor", "{}", 400, "{\"__type\":\"UnknownOperationException\"}");
}

static void malformed_body_is_a_serialization_exception(void **state) {
    (void)state;
    assert_answer("DescribeRepositories", "{", 400, "{\"__type\":\"SerializationException\"}");
    assert_fails("DescribeRepositories", "{\"maxResults\":\"1\"}", "SerializationException",
                 "STRING_VALUE can not be converted to an Integer");
}

static void json_1_0_is_answered_in_kind(void **state) {
    (void)state;
    struct fake fake;
    fake_start(&fake, "DescribeRepositories", "");
    fake.content_type = "application/x-amz-json-1.0";
    actions_handle(&fixture.ecr, &fake.req);
    assert_int_equal(fake.status, 200);
    assert_string_equal(fake.answer_type, "application/x-amz-json-1.0");
    assert_string_equal(fake.body, "{\"repositories\":[]}");
    fake_finish(&fake);
    run_loop();
}

static void impossible_region_is_refused(void **state) {
    (void)state;
    struct fake fake;
    fake_start(&fake, "DescribeRepositories", "{}");
    fake.req.region = STR("us-east-1/../../etc");
    actions_handle(&fixture.ecr, &fake.req);
    assert_int_equal(fake.status, 400);
    assert_non_null(strstr(fake.body, "InvalidSignatureException"));
    fake_finish(&fake);
    run_loop();
}

static void store_failure_is_a_server_exception_with_its_cause(void **state) {
    (void)state;
    create("app");
    fixture.store_error = -EIO;
    assert_answer("ListImages", "{" APP "}", 500,
                  "{\"__type\":\"ServerException\",\"message\":\"The repository could not be read: "
                  "Input/output error\"}");
}

static void a_call_waits_for_what_a_crash_left_and_is_answered_even_so(void **state) {
    (void)state;
    static const int outcomes[] = {0, -EIO};
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        struct fake fake;
        unsettled = true;
        registry_status = outcomes[i];
        fake_start(&fake, "DescribeRepositories", "{}");
        actions_handle(&fixture.ecr, &fake.req);
        assert_int_equal(fake.status, 0);
        run_loop();
        assert_int_equal(fake.status, 200);
        fake_finish(&fake);
    }
    unsettled = false;
    registry_status = 0;
}

static void a_call_that_waits_at_the_stop_is_broken(void **state) {
    (void)state;
    struct fake fake;
    unsettled = true;
    registry_status = -ECANCELED;
    fake_start(&fake, "DescribeRepositories", "{}");
    actions_handle(&fixture.ecr, &fake.req);
    run_loop();
    assert_int_equal(fake.status, 500);
    fake_finish(&fake);
    unsettled = false;
    registry_status = 0;
}

static void first_call_starts_the_registry_without_waiting(void **state) {
    (void)state;
    struct fake fake;
    registry_status = -ENOENT;
    fake_start(&fake, "CreateRepository", "{" APP "}");
    actions_handle(&fixture.ecr, &fake.req);
    assert_int_equal(fake.status, 200);
    fake_finish(&fake);
    assert_int_equal(starts, 1);
    run_loop();
    assert_int_equal(fixture.status, VIRGA_STATUS_DEGRADED);
    assert_non_null(strstr(fixture.status_detail, "no engine"));
    registry_status = 0;
    create("b2");
    assert_int_equal(starts, 1);
    fixture.now_ms += 60000;
    create("b3");
    assert_int_equal(starts, 2);
    assert_int_equal(fixture.status, VIRGA_STATUS_RUNNING);
    create("b4");
    assert_int_equal(starts, 2);
}

static void write_waits_for_the_gate_and_read_does_not(void **state) {
    (void)state;
    struct fake write, read;
    struct gate_pass pass = {0};
    assert_int_equal(gate_enter(fixture.ecr.gate, &pass, NULL), 1);
    assert_int_equal(gate_close(fixture.ecr.gate, NULL, NULL), 0);
    fake_start(&write, "CreateRepository", "{" APP "}");
    actions_handle(&fixture.ecr, &write.req);
    assert_int_equal(write.status, 0);
    fake_start(&read, "DescribeRepositories", "{}");
    actions_handle(&fixture.ecr, &read.req);
    assert_string_equal(read.body, "{\"repositories\":[]}");
    gate_leave(fixture.ecr.gate, &pass);
    gate_open(fixture.ecr.gate);
    assert_int_equal(write.status, 200);
    fake_finish(&write);
    fake_finish(&read);
    run_loop();
}

static void stop_ends_a_call_that_waits(void **state) {
    (void)state;
    struct fake fake;
    struct gate_pass pass = {0};
    assert_int_equal(gate_enter(fixture.ecr.gate, &pass, NULL), 1);
    assert_int_equal(gate_close(fixture.ecr.gate, NULL, NULL), 0);
    fake_start(&fake, "CreateRepository", "{" APP "}");
    actions_handle(&fixture.ecr, &fake.req);
    actions_stop(fixture.ecr.actions);
    assert_int_equal(fake.status, 500);
    fake_finish(&fake);
    gate_leave(fixture.ecr.gate, &pass);
    gate_open(fixture.ecr.gate);
    run_loop();
}

/* --- repositories --- */

static void created_repository_shows_every_default(void **state) {
    (void)state;
    assert_answer(
        "CreateRepository", "{" APP "}", 200,
        "{\"repository\":{\"repositoryArn\":\"" ARN(
            "app") "\",\"registryId\":\"" ACCOUNT
                   "\",\"repositoryName\":\"app\",\"repositoryUri\":\"" ACCOUNT
                   ".dkr.ecr.us-east-1.localhost:5100/app\",\"createdAt\":1700000000.123,"
                   "\"imageTagMutability\":\"MUTABLE\",\"imageScanningConfiguration\":"
                   "{\"scanOnPush\":false},\"encryptionConfiguration\":{\"encryptionType\":"
                   "\"AES256\"}}}");
    assert_fails("CreateRepository", "{" APP "}", "RepositoryAlreadyExistsException",
                 "The repository with name 'app' already exists in the registry with id '" ACCOUNT
                 "'");
}

static void created_repository_keeps_what_was_given(void **state) {
    (void)state;
    const char *shown = "\"imageTagMutability\":\"IMMUTABLE_WITH_EXCLUSION\","
                        "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\","
                        "\"filter\":\"dev-*\"}],\"imageScanningConfiguration\":{\"scanOnPush\":"
                        "true},\"encryptionConfiguration\":{\"encryptionType\":\"KMS\",\"kmsKey\":"
                        "\"arn:x\"}}";
    assert_int_equal(call("CreateRepository", format("{" APP ",%.*s", (int)strlen(shown), shown)),
                     200);
    assert_non_null(strstr(answer, shown));
    assert_int_equal(call("DescribeRepositories", "{\"repositoryNames\":[\"app\"]}"), 200);
    assert_non_null(strstr(answer, shown));
}

static void kms_without_a_key_shows_the_accounts_own(void **state) {
    (void)state;
    assert_int_equal(call("CreateRepository",
                          "{" APP ",\"encryptionConfiguration\":{\"encryptionType\":\"KMS\"}}"),
                     200);
    assert_non_null(strstr(answer, "\"kmsKey\":\"arn:aws:kms:us-east-1:" ACCOUNT ":key/"));
}

static void exclusion_filters_go_with_their_modes_only(void **state) {
    (void)state;
    create("app");
    assert_fails("PutImageTagMutability",
                 "{" APP ",\"imageTagMutability\":\"IMMUTABLE_WITH_EXCLUSION\"}",
                 "InvalidParameterException",
                 "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy "
                 "constraint: 'ImageTagMutabilityExclusionFilters can't be null when "
                 "imageTagMutability is set as IMMUTABLE_WITH_EXCLUSION'");
    assert_int_equal(call("PutImageTagMutability",
                          "{" APP ",\"imageTagMutability\":\"IMMUTABLE\","
                          "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\","
                          "\"filter\":\"a\"}]}"),
                     400);
    assert_int_equal(call("PutImageTagMutability",
                          "{" APP ",\"imageTagMutability\":\"MUTABLE_WITH_EXCLUSION\","
                          "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\","
                          "\"filter\":\"*a*b*\"}]}"),
                     400);
    assert_answer("PutImageTagMutability",
                  "{" APP ",\"imageTagMutability\":\"MUTABLE_WITH_EXCLUSION\","
                  "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\","
                  "\"filter\":\"*a*\"}]}",
                  200,
                  "{\"registryId\":\"" ACCOUNT "\",\"repositoryName\":\"app\","
                  "\"imageTagMutability\":\"MUTABLE_WITH_EXCLUSION\","
                  "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"WILDCARD\","
                  "\"filter\":\"*a*\"}]}");
    assert_answer("PutImageTagMutability", "{" APP ",\"imageTagMutability\":\"MUTABLE\"}", 200,
                  "{\"registryId\":\"" ACCOUNT
                  "\",\"repositoryName\":\"app\",\"imageTagMutability\":\"MUTABLE\"}");
}

static void scanning_configuration_is_kept(void **state) {
    (void)state;
    create("app");
    assert_answer("PutImageScanningConfiguration",
                  "{" APP ",\"imageScanningConfiguration\":{\"scanOnPush\":true}}", 200,
                  "{\"registryId\":\"" ACCOUNT "\",\"repositoryName\":\"app\","
                  "\"imageScanningConfiguration\":{\"scanOnPush\":true}}");
    assert_int_equal(call("DescribeRepositories", "{}"), 200);
    assert_non_null(strstr(answer, "\"scanOnPush\":true"));
}

static void first_missing_repository_is_named(void **state) {
    (void)state;
    create("b2");
    assert_answer("DescribeRepositories", "{\"repositoryNames\":[\"b2\",\"app\",\"c3\"]}", 400,
                  NO_APP);
    assert_int_equal(
        call("DescribeRepositories", "{\"repositoryNames\":[\"b2\"],\"nextToken\":\"x\"}"), 400);
}

static void pages_cover_every_repository_once(void **state) {
    (void)state;
    for (int i = 0; i < 7; i++) {
        create(format("r%d", i));
    }
    char token[VIRGA_PAGE_TOKEN_SIZE] = "", seen[64] = "";
    size_t pages = 0;
    do {
        const char *body = token[0] != '\0'
                               ? format("{\"maxResults\":3,\"nextToken\":\"%s\"}", token)
                               : "{\"maxResults\":3}";
        assert_int_equal(call("DescribeRepositories", body), 200);
        for (int i = 0; i < 7; i++) {
            if (strstr(answer, format("\"repositoryName\":\"r%d\"", i)) != NULL) {
                (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%d", i);
            }
        }
        (void)snprintf(token, sizeof token, "%s", next_token());
        pages++;
    } while (token[0] != '\0');
    assert_string_equal(seen, "0123456");
    assert_int_equal(pages, 3);
}

static void token_of_another_call_is_refused(void **state) {
    (void)state;
    create("app");
    create("b2");
    assert_int_equal(call("DescribeRepositories", "{\"maxResults\":1}"), 200);
    const char *token = format("%s", next_token());
    const char *bad = "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid "
                      "next token provided'";
    assert_fails("ListImages", format("{" APP ",\"nextToken\":\"%s\"}", token),
                 "InvalidParameterException", bad);
    assert_fails("DescribeRepositories",
                 format("{\"registryId\":\"000000000000\",\"nextToken\":\"%s\"}", token),
                 "InvalidParameterException", bad);
    assert_fails("DescribeRepositories", "{\"nextToken\":\"\"}", "InvalidParameterException", bad);
}

static void registry_id_chooses_the_account(void **state) {
    (void)state;
    assert_int_equal(call("CreateRepository", "{" APP ",\"registryId\":\"999999999999\"}"), 200);
    assert_non_null(strstr(answer, "\"registryId\":\"999999999999\""));
    assert_non_null(strstr(answer, "arn:aws:ecr:us-east-1:999999999999:repository/app"));
    assert_answer("ListImages", "{" APP "}", 400, NO_APP);
    assert_int_equal(call("ListImages", "{" APP ",\"registryId\":\"999999999999\"}"), 200);
}

static void delete_answers_five_members(void **state) {
    (void)state;
    create("app");
    assert_answer(
        "DeleteRepository", "{" APP "}", 200,
        "{\"repository\":{\"repositoryArn\":\"" ARN(
            "app") "\",\"registryId\":\"" ACCOUNT
                   "\",\"repositoryName\":\"app\",\"repositoryUri\":\"" ACCOUNT
                   ".dkr.ecr.us-east-1.localhost:5100/app\",\"createdAt\":1700000000.123}}");
    assert_answer("DeleteRepository", "{" APP "}", 400, NO_APP);
}

static void repository_with_images_needs_force(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    create("app");
    push("{}", "v1", NULL, digest);
    assert_fails("DeleteRepository", "{" APP "}", "RepositoryNotEmptyException",
                 "The repository with name 'app' in registry with id '" ACCOUNT
                 "' cannot be deleted because it still contains images");
    registry_status = -EIO;
    assert_answer("DeleteRepository", "{" APP ",\"force\":true}", 500,
                  "{\"__type\":\"ServerException\",\"message\":\"The repository could not be "
                  "deleted: the registry says no\"}");
    registry_status = 0;
    assert_int_equal(call("DeleteRepository", "{" APP ",\"force\":true}"), 200);
    assert_answer("ListImages", "{" APP "}", 400, NO_APP);
}

/* --- tags of repositories --- */

static void tags_come_and_go(void **state) {
    (void)state;
    assert_int_equal(
        call("CreateRepository", "{" APP ",\"tags\":[{\"Key\":\"Role\",\"Value\":\"Dev\"}]}"), 200);
    assert_answer("ListTagsForResource", "{\"resourceArn\":\"" ARN("app") "\"}", 200,
                  "{\"tags\":[{\"Key\":\"Role\",\"Value\":\"Dev\"}]}");
    assert_answer(
        "TagResource",
        "{\"resourceArn\":\"" ARN("app") "\",\"tags\":[{\"Key\":\"Role\",\"Value\":\"Ops\"},"
                                         "{\"Key\":\"a\",\"Value\":\"\"}]}",
        200, "{}");
    assert_answer("UntagResource",
                  "{\"resourceArn\":\"" ARN("app") "\",\"tagKeys\":[\"Role\",\"unknown\"]}", 200,
                  "{}");
    assert_answer("ListTagsForResource", "{\"resourceArn\":\"" ARN("app") "\"}", 200,
                  "{\"tags\":[{\"Key\":\"a\",\"Value\":\"\"}]}");
}

static void bad_tags_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"{\"Key\":\"\",\"Value\":\"x\"}",
                                      "{\"Key\":\"aws:x\",\"Value\":\"x\"}",
                                      "{\"Key\":\"AWS:x\",\"Value\":\"x\"}"};
    char key[130], value[258];
    create("app");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails("TagResource",
                     format("{\"resourceArn\":\"" ARN("app") "\",\"tags\":[%s]}", bad[i]),
                     "InvalidTagParameterException", "Tag parameters are invalid");
    }
    memset(key, 'k', 129);
    key[129] = '\0';
    memset(value, 'v', 257);
    value[257] = '\0';
    assert_int_equal(
        call("TagResource", format("{\"resourceArn\":\"" ARN(
                                       "app") "\",\"tags\":[{\"Key\":\"%s\",\"Value\":\"\"}]}",
                                   key)),
        400);
    assert_int_equal(
        call("TagResource", format("{\"resourceArn\":\"" ARN(
                                       "app") "\",\"tags\":[{\"Key\":\"k\",\"Value\":\"%s\"}]}",
                                   value)),
        400);
    assert_int_equal(
        call("TagResource", format("{\"resourceArn\":\"" ARN(
                                       "app") "\",\"tags\":[{\"Key\":\"%s\",\"Value\":\"%s\"}]}",
                                   key + 1, value + 1)),
        200);
}

static void fifty_one_tags_are_too_many(void **state) {
    (void)state;
    create("app");
    for (int i = 0; i < META_TAGS_MAX; i++) {
        assert_int_equal(call("TagResource", format("{\"resourceArn\":\"" ARN(
                                                        "app") "\",\"tags\":[{\"Key\":\"k%d\","
                                                               "\"Value\":\"\"}]}",
                                                    i)),
                         200);
    }
    assert_int_equal(call("TagResource",
                          "{\"resourceArn\":\"" ARN("app") "\",\"tags\":[{\"Key\":\"x\","
                                                           "\"Value\":\"\"}]}"),
                     400);
    assert_non_null(strstr(answer, "TooManyTagsException"));
    assert_int_equal(call("TagResource",
                          "{\"resourceArn\":\"" ARN("app") "\",\"tags\":[{\"Key\":\"k1\","
                                                           "\"Value\":\"new\"}]}"),
                     200);
}

static void bad_arn_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "app",
                                      "arn:aws:s3:::app",
                                      "arn:aws:ecr:eu-west-1:" ACCOUNT ":repository/app",
                                      "arn:aws:ecr:us-east-1:" ACCOUNT ":app",
                                      "arn:aws:ecr:us-east-1:" ACCOUNT ":repository/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails("ListTagsForResource", format("{\"resourceArn\":\"%s\"}", bad[i]),
                     "InvalidParameterException",
                     "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid "
                     "ARN'");
    }
    assert_answer("ListTagsForResource", "{\"resourceArn\":\"" ARN("app") "\"}", 400, NO_APP);
}

/* --- policies --- */

static void repository_policy_is_echoed_as_given(void **state) {
    (void)state;
    const char *text = "{ \\\"Version\\\":\\\"2008-10-17\\\",\\\"Statement\\\":[{\\\"Sid\\\":"
                       "\\\"x\\\",\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
                       "\\\"Action\\\":[\\\"ecr:*\\\"]}]}";
    create("app");
    const char *shown = format(
        "{\"registryId\":\"" ACCOUNT "\",\"repositoryName\":\"app\",\"policyText\":\"%s\"}", text);
    assert_answer("SetRepositoryPolicy", format("{" APP ",\"policyText\":\"%s\"}", text), 200,
                  shown);
    assert_answer("GetRepositoryPolicy", "{" APP "}", 200, shown);
    assert_answer("DeleteRepositoryPolicy", "{" APP "}", 200, shown);
    const char *missing = "Repository policy does not exist for the repository with name 'app' in "
                          "the registry with id '" ACCOUNT "'";
    assert_fails("GetRepositoryPolicy", "{" APP "}", "RepositoryPolicyNotFoundException", missing);
    assert_fails("DeleteRepositoryPolicy", "{" APP "}", "RepositoryPolicyNotFoundException",
                 missing);
}

static void text_that_is_no_policy_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "[]",
        "{}",
        "{'Statement':[]}",
        "{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"*\\\"}]}",
        "{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
        "\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}]}",
        "{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Maybe\\\",\\\"Principal\\\":\\\"*\\\","
        "\\\"Action\\\":\\\"*\\\"}]}"};
    create("app");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails("SetRepositoryPolicy", format("{" APP ",\"policyText\":\"%s\"}", bad[i]),
                     "InvalidParameterException",
                     "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
                     "repository policy provided'");
    }
}

static void lifecycle_policy_was_never_evaluated(void **state) {
    (void)state;
    const char *text =
        "{\\\"rules\\\":[{\\\"rulePriority\\\":1,\\\"description\\\":\\\"d\\\",\\\"selection\\\":{"
        "\\\"tagStatus\\\":\\\"untagged\\\",\\\"countType\\\":\\\"sinceImagePushed\\\","
        "\\\"countUnit\\\":\\\"days\\\",\\\"countNumber\\\":14},\\\"action\\\":{\\\"type\\\":"
        "\\\"expire\\\"}}]}";
    create("app");
    const char *head = format("{\"registryId\":\"" ACCOUNT
                              "\",\"repositoryName\":\"app\",\"lifecyclePolicyText\":\"%s\"",
                              text);
    assert_answer("PutLifecyclePolicy", format("{" APP ",\"lifecyclePolicyText\":\"%s\"}", text),
                  200, format("%s}", head));
    assert_answer("GetLifecyclePolicy", "{" APP "}", 200,
                  format("%s,\"lastEvaluatedAt\":0.0}", head));
    assert_answer("DeleteLifecyclePolicy", "{" APP "}", 200,
                  format("%s,\"lastEvaluatedAt\":0.0}", head));
    assert_fails("GetLifecyclePolicy", "{" APP "}", "LifecyclePolicyNotFoundException",
                 "Lifecycle policy does not exist for the repository with name 'app' in the "
                 "registry with id '" ACCOUNT "'");
}

/* --- login --- */

static void login_token_is_for_the_callers_registry(void **state) {
    (void)state;
    assert_answer("GetAuthorizationToken", "{}", 200,
                  "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOmZsb2Np\",\"expiresAt\":"
                  "1700043200.123,\"proxyEndpoint\":\"http://" ACCOUNT
                  ".dkr.ecr.us-east-1.localhost:5100\"}]}");
    assert_int_equal(
        call("GetAuthorizationToken", "{\"registryIds\":[\"111111111111\",\"222222222222\"]}"),
        200);
    assert_non_null(strstr(answer, "http://111111111111.dkr"));
    assert_non_null(strstr(answer, "http://222222222222.dkr"));
    assert_null(strstr(answer, ACCOUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(unknown_operation_has_no_message),
        TEST(malformed_body_is_a_serialization_exception),
        TEST(json_1_0_is_answered_in_kind),
        TEST(impossible_region_is_refused),
        TEST(store_failure_is_a_server_exception_with_its_cause),
        TEST(a_call_waits_for_what_a_crash_left_and_is_answered_even_so),
        TEST(a_call_that_waits_at_the_stop_is_broken),
        TEST(first_call_starts_the_registry_without_waiting),
        TEST(write_waits_for_the_gate_and_read_does_not),
        TEST(stop_ends_a_call_that_waits),
        TEST(created_repository_shows_every_default),
        TEST(created_repository_keeps_what_was_given),
        TEST(kms_without_a_key_shows_the_accounts_own),
        TEST(exclusion_filters_go_with_their_modes_only),
        TEST(scanning_configuration_is_kept),
        TEST(first_missing_repository_is_named),
        TEST(pages_cover_every_repository_once),
        TEST(token_of_another_call_is_refused),
        TEST(registry_id_chooses_the_account),
        TEST(delete_answers_five_members),
        TEST(repository_with_images_needs_force),
        TEST(tags_come_and_go),
        TEST(bad_tags_are_refused),
        TEST(fifty_one_tags_are_too_many),
        TEST(bad_arn_is_refused),
        TEST(repository_policy_is_echoed_as_given),
        TEST(text_that_is_no_policy_is_refused),
        TEST(lifecycle_policy_was_never_evaluated),
        TEST(login_token_is_for_the_callers_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
