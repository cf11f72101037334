/* SPDX-License-Identifier: MIT */
/* Permissions of functions: the document, and what it allows. */
#include "side_fixture.h"

#include "permission_policy.h"

#define POLICY F15 "f/policy"
#define INVOKE "lambda:InvokeFunction"
#define INVOKE_URL "lambda:InvokeFunctionUrl"

static void add(const char *sid, const char *action, const char *principal, const char *more) {
    assert_int_equal(
        call("POST", POLICY,
             format("{\"StatementId\":\"%s\",\"Action\":\"%s\",\"Principal\":\"%s\"%s}", sid,
                    action, principal, more)),
        201);
}

static void statements_are_built_as_aws_builds_them(void **state) {
    (void)state;
    static const struct {
        const char *principal, *more, *expected;
    } cases[] = {
        {"s3.amazonaws.com", ",\"SourceArn\":\"arn:aws:s3:::b\",\"SourceAccount\":\"111122223333\"",
         "\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"" INVOKE
         "\",\"Resource\":\"" ARN(
             "f") "\",\"Condition\":{\"StringEquals\":{\"AWS:SourceAccount\":"
                  "\"111122223333\"},\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::b\"}}}"},
        {"111122223333", "",
         "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"" INVOKE
         "\",\"Resource\":\"" ARN("f") "\"}"},
        {"arn:aws:iam::111122223333:role/r", "",
         "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/r\"},\"Action\":\"" INVOKE
         "\",\"Resource\":\"" ARN("f") "\"}"},
        {"*", ",\"PrincipalOrgID\":\"o-1234567890\"",
         "\"Principal\":\"*\",\"Action\":\"" INVOKE "\",\"Resource\":\"" ARN(
             "f") "\",\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1234567890\"}}}"},
        {"alexa-appkit.amazon.com", ",\"EventSourceToken\":\"amzn1.ask.skill.x\"",
         "\"Principal\":{\"Service\":\"alexa-appkit.amazon.com\"},\"Action\":\"" INVOKE
         "\",\"Resource\":\"" ARN("f") "\",\"Condition\":{\"StringEquals\":{\"lambda:"
                                       "EventSourceToken\":\"amzn1.ask.skill.x\"}}}"},
        {"*", ",\"InvokedViaFunctionUrl\":true",
         "\"Principal\":\"*\",\"Action\":\"" INVOKE "\",\"Resource\":\"" ARN(
             "f") "\",\"Condition\":{\"Bool\":{\"lambda:InvokedViaFunctionUrl\":\"true\"}}}"},
    };
    make_function();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *sid = format("s%zu", i);
        add(sid, INVOKE, cases[i].principal, cases[i].more);
        assert_string_equal(member("Statement"), format("{\"Sid\":\"%s\",\"Effect\":\"Allow\",%s",
                                                        sid, cases[i].expected));
    }
}

static void the_policy_is_one_document_with_a_revision(void **state) {
    (void)state;
    make_function();
    assert_fails("GET", POLICY, NULL, 404, "ResourceNotFoundException",
                 "The resource you requested does not exist.");
    add("a", INVOKE, "*", "");
    assert_int_equal(call("GET", POLICY, ""), 200);
    assert_string_equal(member("Policy"),
                        "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":"
                        "\"a\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"" INVOKE
                        "\",\"Resource\":\"" ARN("f") "\"}]}");
    assert_int_equal(strlen(member("RevisionId")), LAMBDA_ID_LEN);
}

static void each_qualifier_has_its_own_policy(void **state) {
    (void)state;
    make_function();
    add("a", INVOKE, "*", "");
    assert_int_equal(call("POST", POLICY "?Qualifier=1",
                          "{\"StatementId\":\"a\",\"Action\":\"" INVOKE "\",\"Principal\":\"*\"}"),
                     201);
    assert_non_null(strstr(member("Statement"), ARN("f:1")));
    assert_int_equal(call("DELETE", POLICY "/a", ""), 204);
    assert_int_equal(call("GET", POLICY, ""), 404);
    assert_int_equal(call("GET", F15 "f:1/policy", ""), 200);
}

static void adding_is_refused_in_awss_words(void **state) {
    (void)state;
    static const char body[] =
        "{\"StatementId\":\"a\",\"Action\":\"" INVOKE "\",\"Principal\":\"*\"}";
    assert_fails("POST", POLICY, body, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    make_function();
    assert_fails("POST", POLICY "?Qualifier=$LATEST", body, 400, "InvalidParameterValueException",
                 "We currently do not support adding policies for $LATEST.");
    assert_fails("POST", POLICY "?Qualifier=live", body, 404, "ResourceNotFoundException",
                 "Cannot find alias arn: " ARN("f:live"));
    assert_fails("POST", POLICY "?Qualifier=9", body, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f:9"));
    assert_fails("POST", POLICY "?Qualifier=invalid%21", body, 400, "ValidationException",
                 "1 validation error detected: Value 'invalid!' at 'qualifier' failed to satisfy "
                 "constraint: Member must satisfy regular expression pattern: "
                 "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+");
    static const char *const strangers[] = {"nobody", "12345", "arn:aws:s3:::b", "x.example.com",
                                            "arn:aws:iam::12:root"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_fails(
            "POST", POLICY,
            format("{\"StatementId\":\"a\",\"Action\":\"" INVOKE "\",\"Principal\":\"%s\"}",
                   strangers[i]),
            400, "InvalidParameterValueException",
            "The provided principal was invalid. Please check the principal and try again.");
    }
    assert_fails("POST", POLICY,
                 "{\"StatementId\":\"a b\",\"Action\":\"" INVOKE "\",\"Principal\":\"*\"}", 400,
                 "ValidationException",
                 "1 validation error detected: Value 'a b' at 'statementId' failed to satisfy "
                 "constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)");
    assert_fails("POST", POLICY,
                 "{\"StatementId\":\"a\",\"Action\":\"s3:Get\",\"Principal\":\"*\"}", 400,
                 "ValidationException",
                 "1 validation error detected: Value 's3:Get' at 'action' failed to satisfy "
                 "constraint: Member must satisfy regular expression pattern: "
                 "(lambda:[*]|lambda:[a-zA-Z]+|[*])");
    assert_fails("POST", POLICY,
                 "{\"StatementId\":\"a\",\"Action\":\"" INVOKE
                 "\",\"Principal\":\"*\",\"FunctionUrlAuthType\":\"NONE\"}",
                 400, "InvalidParameterValueException",
                 "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
    add("a", INVOKE, "*", "");
    assert_fails("POST", POLICY, body, 409, "ResourceConflictException",
                 "The statement id (a) provided already exists. Please provide a new statement id, "
                 "or remove the existing statement.");
}

static void a_policy_over_20_kb_is_refused_and_the_old_one_stays(void **state) {
    (void)state;
    make_function();
    char arn[4096];
    memset(arn, 'x', sizeof arn - 1);
    arn[sizeof arn - 1] = '\0';
    for (size_t i = 0; i < 4; i++) {
        add(format("s%zu", i), INVOKE, "s3.amazonaws.com",
            format(",\"SourceArn\":\"arn:aws:s3:::%s\"", arn));
    }
    (void)call("POST", POLICY,
               format("{\"StatementId\":\"s4\",\"Action\":\"" INVOKE
                      "\",\"Principal\":\"s3.amazonaws.com\",\"SourceArn\":\"arn:aws:s3:::%s\"}",
                      arn));
    assert_int_equal(status, 400);
    assert_string_equal(exception, "PolicyLengthExceededException");
    size_t size = 0;
    assert_int_equal(sscanf(member("message"),
                            "The final policy size (%zu) is bigger than the limit (20480).", &size),
                     1);
    assert_true(size > 20480);
    assert_int_equal(call("DELETE", POLICY "/s4", ""), 404);
    assert_int_equal(call("DELETE", POLICY "/s3", ""), 204);
}

static void a_stale_revision_changes_nothing(void **state) {
    (void)state;
    static const char *const stale =
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to "
        "retrieve the latest Revision Id";
    make_function();
    assert_fails("POST", POLICY,
                 "{\"StatementId\":\"a\",\"Action\":\"" INVOKE
                 "\",\"Principal\":\"*\",\"RevisionId\":\"other\"}",
                 412, "PreconditionFailedException", stale);
    /* Without a policy it is the function's. */
    add("a", INVOKE, "*", ",\"RevisionId\":\"r-$LATEST\"");
    assert_int_equal(call("GET", POLICY, ""), 200);
    const char *revision = member("RevisionId");
    assert_fails("DELETE", POLICY "/a?RevisionId=other", NULL, 412, "PreconditionFailedException",
                 stale);
    add("b", INVOKE, "*", format(",\"RevisionId\":\"%s\"", revision));
    assert_fails("DELETE", format(POLICY "/a?RevisionId=%s", revision), NULL, 412,
                 "PreconditionFailedException", stale);
    assert_int_equal(call("DELETE", POLICY "/a", ""), 204);
}

static void removing_tells_what_is_missing(void **state) {
    (void)state;
    assert_fails("DELETE", POLICY "/a", NULL, 404, "ResourceNotFoundException",
                 "No policy found for: " ARN("f"));
    make_function();
    assert_fails("DELETE", POLICY "/a", NULL, 404, "ResourceNotFoundException",
                 "No policy is associated with the given resource.");
    add("b", INVOKE, "*", "");
    assert_fails("DELETE", POLICY "/a", NULL, 404, "ResourceNotFoundException",
                 "Statement a is not found in resource policy.");
    assert_fails("DELETE", POLICY "/a?Qualifier=live", NULL, 404, "ResourceNotFoundException",
                 "Cannot find alias arn: " ARN("f:live"));
    assert_answer("DELETE", POLICY "/b", "", 204, "");
    assert_int_equal(call("GET", POLICY, ""), 404);
}

/* --- evaluation --- */

static bool allows(struct permission_question question) {
    question.owner = &here;
    question.name = "f";
    if (question.action == NULL) {
        question.action = INVOKE;
    }
    return permission_allows(&fixture.lambda, &question);
}

#define ALLOWS(...) allows((struct permission_question){__VA_ARGS__})

static void in_open_mode_everything_is_allowed(void **state) {
    (void)state;
    assert_true(ALLOWS(.account = "999999999999"));
    assert_true(ALLOWS(.action = INVOKE_URL, .url_auth_type = "NONE"));
}

static void without_a_policy_only_the_own_account_may(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    assert_true(ALLOWS(.account = ACCOUNT));
    assert_false(ALLOWS(.account = "111122223333"));
    assert_false(ALLOWS(.service = "s3.amazonaws.com"));
    assert_false(ALLOWS(.account = NULL));
    assert_true(ALLOWS(.account = ACCOUNT, .action = INVOKE_URL, .url_auth_type = "AWS_IAM"));
}

static void a_service_may_on_behalf_of_what_the_statement_names(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    add("a", INVOKE, "s3.amazonaws.com",
        ",\"SourceArn\":\"arn:aws:s3:::b*\",\"SourceAccount\":\"111122223333\"");
    assert_true(ALLOWS(.service = "s3.amazonaws.com", .source_account = "111122223333",
                       .source_arn = "arn:aws:s3:::bucket"));
    assert_false(ALLOWS(.service = "sns.amazonaws.com", .source_account = "111122223333",
                        .source_arn = "arn:aws:s3:::bucket"));
    assert_false(ALLOWS(.service = "s3.amazonaws.com", .source_account = "111122223334",
                        .source_arn = "arn:aws:s3:::bucket"));
    assert_false(ALLOWS(.service = "s3.amazonaws.com", .source_account = "111122223333",
                        .source_arn = "arn:aws:s3:::other"));
    assert_false(ALLOWS(.service = "s3.amazonaws.com"));
}

static void accounts_and_roles_are_told_apart(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    add("a", INVOKE, "111122223333", "");
    add("r", INVOKE, "arn:aws:iam::444455556666:role/r", "");
    assert_true(ALLOWS(.account = "111122223333"));
    assert_true(
        ALLOWS(.account = "111122223333", .caller_arn = "arn:aws:iam::111122223333:user/u"));
    assert_false(ALLOWS(.account = "444455556666"));
    assert_true(
        ALLOWS(.account = "444455556666", .caller_arn = "arn:aws:iam::444455556666:role/r"));
    assert_false(ALLOWS(.account = "111122223333", .action = "lambda:GetFunction"));
    /* A statement of the function is not one of its versions. */
    assert_false(ALLOWS(.account = "111122223333", .qualifier = "1"));
    assert_true(ALLOWS(.account = "111122223333", .qualifier = "$LATEST"));
}

static void all_actions_are_meant_by_a_star(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    add("a", "lambda:*", "111122223333", "");
    assert_true(ALLOWS(.account = "111122223333"));
    assert_true(ALLOWS(.account = "111122223333", .action = "lambda:GetFunction"));
}

static void a_public_url_needs_both_statements(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    assert_false(ALLOWS(.action = INVOKE_URL, .url_auth_type = "NONE", .account = ACCOUNT));
    add("url", INVOKE_URL, "*", ",\"FunctionUrlAuthType\":\"NONE\"");
    assert_false(ALLOWS(.action = INVOKE_URL, .url_auth_type = "NONE"));
    add("invoke", INVOKE, "*", ",\"InvokedViaFunctionUrl\":true");
    assert_true(ALLOWS(.action = INVOKE_URL, .url_auth_type = "NONE"));
    assert_false(ALLOWS(.action = INVOKE_URL, .url_auth_type = "AWS_IAM"));
    /* The second is for URLs only. */
    assert_false(ALLOWS(.account = "111122223333"));
}

static void an_organisation_is_not_known_here(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    add("a", INVOKE, "*", ",\"PrincipalOrgID\":\"o-1234567890\"");
    assert_false(ALLOWS(.account = "111122223333"));
}

static void a_policy_that_cannot_be_read_allows_nothing(void **state) {
    (void)state;
    fixture.lambda.enforce = true;
    make_function();
    add("a", INVOKE, "*", "");
    assert_true(ALLOWS(.account = "111122223333"));
    fixture.store_error = -EIO;
    assert_false(ALLOWS(.account = "111122223333"));
    assert_non_null(strstr(fixture.line, "Input/output error"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(statements_are_built_as_aws_builds_them),
        TEST(the_policy_is_one_document_with_a_revision),
        TEST(each_qualifier_has_its_own_policy),
        TEST(adding_is_refused_in_awss_words),
        TEST(a_policy_over_20_kb_is_refused_and_the_old_one_stays),
        TEST(a_stale_revision_changes_nothing),
        TEST(removing_tells_what_is_missing),
        TEST(in_open_mode_everything_is_allowed),
        TEST(without_a_policy_only_the_own_account_may),
        TEST(a_service_may_on_behalf_of_what_the_statement_names),
        TEST(accounts_and_roles_are_told_apart),
        TEST(all_actions_are_meant_by_a_star),
        TEST(a_public_url_needs_both_statements),
        TEST(an_organisation_is_not_known_here),
        TEST(a_policy_that_cannot_be_read_allows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
