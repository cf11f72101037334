/* SPDX-License-Identifier: MIT */
/* Which texts are policies. */
#include "ecr_fixture.h"

#include "policy_document.h"

static int parse(const char *text, enum policy_kind kind) {
    struct policy_document document;
    int result = policy_document_parse(STR(text), kind, &document);
    if (result == 0) {
        assert_true(document.statements_count > 0);
        policy_document_finish(&document);
    }
    return result;
}

static void accepts(const char *text) {
    if (parse(text, POLICY_REPOSITORY) != 0) {
        fail_msg("refused: %s", text);
    }
}

static void refuses(const char *text) {
    if (parse(text, POLICY_REPOSITORY) != -EINVAL) {
        fail_msg("accepted: %s", text);
    }
}

#define DOCUMENT(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[{" rest "}]}"
#define WITH_PRINCIPAL(value)                                                                      \
    DOCUMENT("\"Effect\":\"Allow\",\"Action\":\"ecr:*\",\"Principal\":" value)
#define WITH_ACTION(value) DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":" value)
#define WITH_CONDITION(value)                                                                      \
    DOCUMENT("\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Condition\":" value)

static void the_usual_forms_are_policies(void **state) {
    (void)state;
    accepts(WITH_PRINCIPAL("\"*\""));
    accepts("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"ecr:*\"}}");
    accepts("{\"Version\":\"2008-10-17\",\"Id\":\"x\",\"Statement\":[{\"Sid\":\"new statement\","
            "\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"111111111111\"},\"NotAction\":"
            "[\"ecr:GetDownloadUrlForLayer\",\"ecr:Batch*\"]}]}");
}

static void a_document_has_version_id_and_statements_only(void **state) {
    (void)state;
    static const char statement[] = "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}";
    char text[512];
    refuses("");
    refuses("{ nonsense");
    refuses("[]");
    refuses("{}");
    refuses("{\"Statement\":[]}");
    refuses("{\"Statement\":\"x\"}");
    (void)snprintf(text, sizeof text, "{\"Version\":\"2013-01-01\",\"Statement\":%s}", statement);
    refuses(text);
    (void)snprintf(text, sizeof text, "{\"Id\":1,\"Statement\":%s}", statement);
    refuses(text);
    (void)snprintf(text, sizeof text, "{\"statement\":%s}", statement);
    refuses(text);
    (void)snprintf(text, sizeof text, "{\"Extra\":1,\"Statement\":%s}", statement);
    refuses(text);
    (void)snprintf(text, sizeof text, "{\"Statement\":[%s,1]}", statement);
    refuses(text);
}

static void a_statement_is_complete_and_has_nothing_unknown(void **state) {
    (void)state;
    refuses(DOCUMENT("\"Principal\":\"*\",\"Action\":\"*\""));
    refuses(DOCUMENT("\"Effect\":\"Allow\",\"Action\":\"*\""));
    refuses(DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\""));
    refuses(DOCUMENT("\"Effect\":\"allow\",\"Principal\":\"*\",\"Action\":\"*\""));
    refuses(DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Codition\":{}"));
    refuses(DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Sid\":1"));
    refuses(DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotPrincipal\":\"*\",\"Action\":"
                     "\"*\""));
    refuses(DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"*\",\"Action\":"
                     "\"*\""));
    refuses("{\"Statement\":[{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
            "\"*\"},{\"Sid\":\"a\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\"}]}");
}

static void a_principal_is_an_account_an_arn_or_a_service(void **state) {
    (void)state;
    static const char *const good[] = {
        WITH_PRINCIPAL("{\"AWS\":\"*\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"111111111111\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:iam::111111111111:root\"}"),
        WITH_PRINCIPAL("{\"AWS\":[\"arn:aws:iam::111111111111:user/a/b/bob\","
                       "\"arn:aws:iam::111111111111:role/deploy\"]}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:sts::111111111111:assumed-role/deploy/ci@x\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws-cn:sts::111111111111:federated-user/bob\"}"),
        WITH_PRINCIPAL("{\"Service\":[\"lambda.amazonaws.com\"],\"AWS\":\"111111111111\"}"),
    };
    static const char *const bad[] = {
        WITH_PRINCIPAL("\"111111111111\""),
        WITH_PRINCIPAL("{}"),
        WITH_PRINCIPAL("[]"),
        WITH_PRINCIPAL("{\"AWS\":[]}"),
        WITH_PRINCIPAL("{\"AWS\":[1]}"),
        WITH_PRINCIPAL("{\"AWS\":\"11111111111\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:iam::111111111111:role/*\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:iam::111111111111:group/x\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:iam::111111111111:user/\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:iam:us-east-1:111111111111:root\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:iam::x:root\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:sts::111111111111:assumed-role/deploy\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"arn:aws:s3::111111111111:root\"}"),
        WITH_PRINCIPAL("{\"AWS\":\"AROAEXAMPLEID\"}"),
        WITH_PRINCIPAL("{\"Service\":\"*\"}"),
        WITH_PRINCIPAL("{\"Service\":\"lambda\"}"),
        WITH_PRINCIPAL("{\"Federated\":\"cognito-identity.amazonaws.com\"}"),
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        accepts(good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuses(bad[i]);
    }
}

static void an_action_is_ecrs(void **state) {
    (void)state;
    accepts(WITH_ACTION("\"*\""));
    accepts(WITH_ACTION("\"ECR:Get?\""));
    accepts(WITH_ACTION("[\"ecr:GetDownloadUrlForLayer\",\"ecr:*Image\"]"));
    refuses(WITH_ACTION("[]"));
    refuses(WITH_ACTION("\"s3:GetObject\""));
    refuses(WITH_ACTION("\"ecr\""));
    refuses(WITH_ACTION("\"ecr:\""));
    refuses(WITH_ACTION("\"ecr:Get Image\""));
    refuses(WITH_ACTION("{\"a\":1}"));
    refuses(WITH_ACTION("\"ecr:\\u0001\""));
}

#define RESOURCE(value)                                                                            \
    DOCUMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"ecr:*\",\"Resource\":" value)

static void only_a_registrys_policy_names_resources_and_must(void **state) {
    (void)state;
    static const char *const good[] = {
        RESOURCE("\"*\""),
        RESOURCE("[\"arn:aws:ecr:us-east-1:123456789012:repository/*\"]"),
        DOCUMENT("\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"ecr:*\",\"NotResource\":"
                 "\"arn:aws:ecr:*:*:repository/a\""),
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        refuses(good[i]);
        assert_int_equal(parse(good[i], POLICY_REGISTRY), 0);
    }
    assert_int_equal(parse(WITH_ACTION("\"ecr:*\""), POLICY_REGISTRY), -EINVAL);
    assert_int_equal(parse(RESOURCE("\"app\""), POLICY_REGISTRY), -EINVAL);
    assert_int_equal(parse(RESOURCE("[]"), POLICY_REGISTRY), -EINVAL);
}

static void a_condition_has_known_operators_and_fitting_values(void **state) {
    (void)state;
    static const char *const good[] = {
        WITH_CONDITION("{}"),
        WITH_CONDITION("{\"Bool\":{\"aws:SecureTransport\":false}}"),
        WITH_CONDITION("{\"StringLike\":{\"aws:PrincipalArn\":[\"a*\",\"b\"]},\"Null\":"
                       "{\"aws:SourceArn\":\"true\"}}"),
        WITH_CONDITION("{\"ForAnyValue:StringEqualsIfExists\":{\"aws:TagKeys\":\"x\"}}"),
        WITH_CONDITION("{\"ForAllValues:ArnNotLike\":{\"aws:SourceArn\":\"arn:*\"}}"),
        WITH_CONDITION("{\"NumericLessThan\":{\"aws:MultiFactorAuthAge\":3600}}"),
        WITH_CONDITION("{\"DateGreaterThan\":{\"aws:CurrentTime\":[\"2026-01-01T00:00:00Z\","
                       "\"2026-01-01\",\"2026-01-01T10:00Z\",\"1700000000\"]}}"),
        WITH_CONDITION("{\"NotIpAddress\":{\"aws:SourceIp\":[\"10.0.0.0/8\",\"::1\"]}}"),
        WITH_CONDITION("{\"StringEquals\":{\"ecr:ResourceTag/team\":\"a\"}}"),
    };
    static const char *const bad[] = {
        WITH_CONDITION("[]"),
        WITH_CONDITION("\"x\""),
        WITH_CONDITION("{\"Bool\":\"x\"}"),
        WITH_CONDITION("{\"StringEqual\":{\"aws:PrincipalArn\":\"x\"}}"),
        WITH_CONDITION("{\"ForSomeValues:StringEquals\":{\"aws:PrincipalArn\":\"x\"}}"),
        WITH_CONDITION("{\"NullIfExists\":{\"aws:PrincipalArn\":\"true\"}}"),
        WITH_CONDITION("{\"StringEquals\":{\"aws:PrincipalArn\":[]}}"),
        WITH_CONDITION("{\"StringEquals\":{\"aws:PrincipalArn\":null}}"),
        WITH_CONDITION("{\"StringEquals\":{\"PrincipalArn\":\"x\"}}"),
        WITH_CONDITION("{\"StringEquals\":{\"aws:\":\"x\"}}"),
        WITH_CONDITION("{\"Bool\":{\"aws:SecureTransport\":\"yes\"}}"),
        WITH_CONDITION("{\"NumericEquals\":{\"a:b\":\"seven\"}}"),
        WITH_CONDITION("{\"DateEquals\":{\"aws:CurrentTime\":\"yesterday\"}}"),
        WITH_CONDITION("{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/33\"}}"),
        WITH_CONDITION("{\"IpAddress\":{\"aws:SourceIp\":\"localhost\"}}"),
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        accepts(good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuses(bad[i]);
    }
}

static void size_depth_and_statements_have_a_cap(void **state) {
    (void)state;
    static const char statement[] = "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\"}";
    static char text[64 << 10];
    for (size_t count = POLICY_STATEMENTS_MAX; count <= POLICY_STATEMENTS_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{\"Statement\":[");
        for (size_t i = 0; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? "," : "",
                                    statement);
        }
        (void)snprintf(text + len, sizeof text - len, "]}");
        assert_int_equal(parse(text, POLICY_REPOSITORY),
                         count > POLICY_STATEMENTS_MAX ? -EINVAL : 0);
    }
    (void)snprintf(text, sizeof text, "{\"Statement\":%s%*s}", statement, POLICY_TEXT_MAX, "");
    refuses(text);
    size_t len = (size_t)snprintf(text, sizeof text, "{\"Statement\":");
    memset(text + len, '[', 1000);
    memset(text + len + 1000, ']', 1000);
    (void)snprintf(text + len + 2000, sizeof text - len - 2000, "}");
    refuses(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_forms_are_policies),
        cmocka_unit_test(a_document_has_version_id_and_statements_only),
        cmocka_unit_test(a_statement_is_complete_and_has_nothing_unknown),
        cmocka_unit_test(a_principal_is_an_account_an_arn_or_a_service),
        cmocka_unit_test(an_action_is_ecrs),
        cmocka_unit_test(only_a_registrys_policy_names_resources_and_must),
        cmocka_unit_test(a_condition_has_known_operators_and_fitting_values),
        cmocka_unit_test(size_depth_and_statements_have_a_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
