/* SPDX-License-Identifier: MIT */
/* Pull-time exclusions: the three calls, and whose pulls are not recorded. */
#include "call_fixture.h"

#include "image_events.h"
#include "pull_time.h"

#define ROLE "arn:aws:iam::" ACCOUNT ":role/scanner"
#define PATH_ROLE "arn:aws:iam::" ACCOUNT ":role/service/team/reader"
#define USER "arn:aws:iam::" ACCOUNT ":user/ann"
#define ARN_OF(arn) "{\"principalArn\":\"" arn "\"}"

static void register_principal(const char *arn) {
    assert_int_equal(
        call("RegisterPullTimeUpdateExclusion", format("{\"principalArn\":\"%s\"}", arn)), 200);
}

static void an_exclusion_comes_is_listed_and_goes(void **state) {
    (void)state;
    assert_answer("ListPullTimeUpdateExclusions", "{}", 200, "{\"pullTimeUpdateExclusions\":[]}");
    assert_answer("RegisterPullTimeUpdateExclusion", ARN_OF(ROLE), 200,
                  "{\"principalArn\":\"" ROLE "\",\"createdAt\":1700000000.123}");
    register_principal(USER);
    assert_answer("ListPullTimeUpdateExclusions", "{}", 200,
                  "{\"pullTimeUpdateExclusions\":[\"" ROLE "\",\"" USER "\"]}");
    assert_answer("DeregisterPullTimeUpdateExclusion", ARN_OF(ROLE), 200, ARN_OF(ROLE));
    assert_answer("ListPullTimeUpdateExclusions", "{}", 200,
                  "{\"pullTimeUpdateExclusions\":[\"" USER "\"]}");
}

static void twice_and_never_have_their_exceptions(void **state) {
    (void)state;
    register_principal(ROLE);
    assert_fails("RegisterPullTimeUpdateExclusion", ARN_OF(ROLE), "ExclusionAlreadyExistsException",
                 "The pull time update exclusion for principal '" ROLE
                 "' already exists in the registry with id '" ACCOUNT "'");
    assert_fails("DeregisterPullTimeUpdateExclusion", ARN_OF(USER), "ExclusionNotFoundException",
                 "The pull time update exclusion for principal '" USER
                 "' does not exist in the registry with id '" ACCOUNT "'");
}

static void only_roles_and_users_are_principals(void **state) {
    static const char *const bad[] = {"arn:aws:iam::" ACCOUNT ":root",
                                      "arn:aws:sts::" ACCOUNT ":assumed-role/scanner/s", "scanner",
                                      "arn:aws:iam::1:role/scanner"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *body = format("{\"principalArn\":\"%s\"}", bad[i]);
        assert_int_equal(call("RegisterPullTimeUpdateExclusion", body), 400);
        assert_non_null(strstr(answer, "ValidationException"));
        assert_non_null(strstr(answer, "1 validation error detected: Value '"));
        assert_int_equal(call("DeregisterPullTimeUpdateExclusion", body), 400);
    }
    assert_int_equal(call("RegisterPullTimeUpdateExclusion", "{}"), 400);
}

static void a_hundred_exclusions_are_the_most(void **state) {
    (void)state;
    for (int i = 0; i < PULL_TIME_EXCLUSIONS_MAX; i++) {
        register_principal(format(ROLE "-%03d", i));
    }
    assert_int_equal(call("RegisterPullTimeUpdateExclusion", ARN_OF(ROLE)), 400);
    assert_non_null(strstr(answer, "LimitExceededException"));
    assert_int_equal(call("DeregisterPullTimeUpdateExclusion", format(ARN_OF("%s"), ROLE "-007")),
                     200);
    register_principal(ROLE);
}

static void the_list_comes_in_pages(void **state) {
    char token[VIRGA_PAGE_TOKEN_SIZE] = "";
    int seen = 0;
    (void)state;
    for (int i = 0; i < 7; i++) {
        register_principal(format(ROLE "-%d", i));
    }
    do {
        assert_int_equal(call("ListPullTimeUpdateExclusions",
                              token[0] != '\0'
                                  ? format("{\"maxResults\":3,\"nextToken\":\"%s\"}", token)
                                  : "{\"maxResults\":3}"),
                         200);
        for (int i = 0; i < 7; i++) {
            seen += strstr(answer, format("scanner-%d\"", i)) != NULL ? 1 << (4 * i) : 0;
        }
        (void)snprintf(token, sizeof token, "%s", next_token());
    } while (token[0] != '\0');
    assert_int_equal(seen, 0x1111111); /* each once */
    assert_int_equal(call("ListPullTimeUpdateExclusions", "{\"nextToken\":\"junk\"}"), 400);
}

static bool excluded(const char *principal) {
    return pull_time_is_excluded(&fixture.ecr, &here,
                                 principal != NULL ? STR(principal) : (struct virga_str){0});
}

static void a_session_counts_for_its_role(void **state) {
    (void)state;
    register_principal(ROLE);
    register_principal(PATH_ROLE);
    register_principal(USER);
    assert_true(excluded(ROLE));
    assert_true(excluded(USER));
    assert_true(excluded("arn:aws:sts::" ACCOUNT ":assumed-role/scanner/session"));
    assert_true(excluded("arn:aws:sts::" ACCOUNT ":assumed-role/reader/session"));
    assert_false(excluded(NULL));
    assert_false(excluded(""));
    assert_false(excluded("arn:aws:iam::" ACCOUNT ":root"));
    assert_false(excluded("arn:aws:iam::" ACCOUNT ":role/other"));
    assert_false(excluded("arn:aws:sts::" ACCOUNT ":assumed-role/scanner2/session"));
    assert_false(excluded("arn:aws:sts::" ACCOUNT ":assumed-role/scan/session"));
    assert_false(excluded("arn:aws:sts::" ACCOUNT ":assumed-role/ann/session"));
    assert_false(excluded("arn:aws:sts::999999999999:assumed-role/scanner/session"));
    assert_false(excluded("arn:aws-cn:sts::" ACCOUNT ":assumed-role/scanner/session"));
    const struct tenant elsewhere = {ACCOUNT, "eu-west-1"};
    assert_false(pull_time_is_excluded(&fixture.ecr, &elsewhere, STR(ROLE)));
}

static void pulls_of_the_excluded_are_not_recorded(void **state) {
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    create("app");
    push("{\"n\":1}", "v1", NULL, digest);
    register_principal(ROLE);
    image_pulled(&fixture.ecr, &here, STR("app"), STR(digest),
                 STR("arn:aws:sts::" ACCOUNT ":assumed-role/scanner/s"));
    assert_int_equal(call("DescribeImages", "{" APP "}"), 200);
    assert_null(strstr(answer, "lastRecordedPullTime"));
    image_pulled(&fixture.ecr, &here, STR("app"), STR(digest), STR(USER));
    assert_int_equal(call("DescribeImages", "{" APP "}"), 200);
    assert_non_null(strstr(answer, "\"lastRecordedPullTime\":1700000000.123"));
    fixture.now_ms += 60000;
    image_pulled(&fixture.ecr, &here, STR("app"), STR(digest), STR(ROLE));
    assert_int_equal(call("DescribeImages", "{" APP "}"), 200);
    assert_non_null(strstr(answer, "\"lastRecordedPullTime\":1700000000.123"));
    assert_int_equal(call("DeregisterPullTimeUpdateExclusion", ARN_OF(ROLE)), 200);
    image_pulled(&fixture.ecr, &here, STR("app"), STR(digest), STR(ROLE));
    assert_int_equal(call("DescribeImages", "{" APP "}"), 200);
    assert_non_null(strstr(answer, "\"lastRecordedPullTime\":1700000060.123"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_exclusion_comes_is_listed_and_goes),
        TEST(twice_and_never_have_their_exceptions),
        TEST(only_roles_and_users_are_principals),
        TEST(a_hundred_exclusions_are_the_most),
        TEST(the_list_comes_in_pages),
        TEST(a_session_counts_for_its_role),
        TEST(pulls_of_the_excluded_are_not_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
