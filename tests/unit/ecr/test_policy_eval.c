/* SPDX-License-Identifier: MIT */
/* What policies say of requests: decision tables. */
#include "ecr_fixture.h"

#include "policy_eval.h"

#define A "111111111111"
#define B "222222222222"
#define REPOSITORY "arn:aws:ecr:us-east-1:" A ":repository/team/app"
#define NOW 1767225600000 /* 2026-01-01T00:00:00Z */

enum { SILENT = POLICY_SILENT, ALLOW = POLICY_ALLOW, DENY = POLICY_DENY };

static struct principal who;
static struct policy_context context;

/* Begins a request of the principal. */
static void as(const char *account, const char *arn) {
    who = (struct principal){0};
    (void)snprintf(who.account, sizeof who.account, "%s", account);
    (void)snprintf(who.arn, sizeof who.arn, "%s", arn);
    (void)snprintf(who.user_id, sizeof who.user_id, "AIDAEXAMPLE");
    policy_context_start(&context, &who, NOW);
}

static void as_root(const char *account) {
    principal_root(STR(account), STR("us-east-1"), &who);
    policy_context_start(&context, &who, NOW);
}

static int eval_kind(const char *text, enum policy_kind kind, const char *action,
                     const char *resource) {
    struct policy_document document;
    enum policy_effect effect = POLICY_SILENT;
    const struct policy_request request = {&who, STR(action), STR(resource), &context};
    if (policy_document_parse(STR(text), kind, &document) != 0) {
        fail_msg("no policy: %s", text);
    }
    assert_int_equal(policy_eval(&document, &request, &effect), 0);
    policy_document_finish(&document);
    return (int)effect;
}

static int eval(const char *text, const char *action) {
    return eval_kind(text, POLICY_REPOSITORY, action, REPOSITORY);
}

#define STATEMENTS(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[" rest "]}"
#define ANY "\"Principal\":\"*\",\"Action\":\"ecr:*\""
#define ALLOW_B                                                                                    \
    "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" B "\"},\"Action\":\"ecr:BatchGetImage\"}"

static void nothing_that_applies_is_silence(void **state) {
    (void)state;
    as_root(A);
    assert_int_equal(eval(STATEMENTS(ALLOW_B), "ecr:BatchGetImage"), SILENT);
    as_root(B);
    assert_int_equal(eval(STATEMENTS(ALLOW_B), "ecr:BatchGetImage"), ALLOW);
    assert_int_equal(eval(STATEMENTS(ALLOW_B), "ecr:PutImage"), SILENT);
}

static void an_explicit_deny_wins_wherever_it_stands(void **state) {
    (void)state;
    static const char deny[] =
        "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"ecr:Batch*\"}";
    char text[1024];
    as_root(B);
    (void)snprintf(text, sizeof text, STATEMENTS("%s," ALLOW_B), deny);
    assert_int_equal(eval(text, "ecr:BatchGetImage"), DENY);
    (void)snprintf(text, sizeof text, STATEMENTS(ALLOW_B ",%s"), deny);
    assert_int_equal(eval(text, "ecr:BatchGetImage"), DENY);
}

static void actions_match_with_wildcards_and_without_case(void **state) {
    (void)state;
    static const struct {
        const char *action;
        const char *asked;
        int effect;
    } rows[] = {
        {"\"Action\":\"*\"", "ecr:PutImage", ALLOW},
        {"\"Action\":\"ecr:*\"", "ecr:PutImage", ALLOW},
        {"\"Action\":\"ecr:put*\"", "ecr:PutImage", ALLOW},
        {"\"Action\":\"ECR:PutImag?\"", "ecr:PutImage", ALLOW},
        {"\"Action\":\"ecr:PutImage?\"", "ecr:PutImage", SILENT},
        {"\"Action\":\"ecr:*Image\"", "ecr:PutImage", ALLOW},
        {"\"Action\":\"ecr:*Image\"", "ecr:PutImageTagMutability", SILENT},
        {"\"Action\":\"ecr:*t*Im*e\"", "ecr:PutImage", ALLOW},
        {"\"Action\":\"ecr:PutImage\"", "ecr:PutImages", SILENT},
        {"\"Action\":[\"ecr:Get*\",\"ecr:PutImage\"]", "ecr:PutImage", ALLOW},
        {"\"NotAction\":\"ecr:Delete*\"", "ecr:PutImage", ALLOW},
        {"\"NotAction\":\"ecr:Delete*\"", "ecr:DeleteRepository", SILENT},
        {"\"NotAction\":[\"ecr:Get*\",\"ecr:PutImage\"]", "ecr:PutImage", SILENT},
    };
    as_root(B);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       STATEMENTS("{\"Effect\":\"Allow\",\"Principal\":\"*\",%s}"), rows[i].action);
        if (eval(text, rows[i].asked) != rows[i].effect) {
            fail_msg("%s asked for %s", rows[i].action, rows[i].asked);
        }
    }
}

#define ROOT "arn:aws:iam::" B ":root"
#define BOB "arn:aws:iam::" B ":user/ops/bob"
#define ROLE "arn:aws:iam::" B ":role/team/deploy"
#define SESSION "arn:aws:sts::" B ":assumed-role/deploy/ci"

static void principals_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *principal;
        const char *arn;
        int effect;
    } rows[] = {
        {"\"Principal\":\"*\"", BOB, ALLOW},
        {"\"Principal\":{\"AWS\":\"*\"}", SESSION, ALLOW},
        {"\"Principal\":{\"AWS\":\"" B "\"}", ROOT, ALLOW},
        {"\"Principal\":{\"AWS\":\"" B "\"}", SESSION, ALLOW},
        {"\"Principal\":{\"AWS\":\"" ROOT "\"}", BOB, ALLOW},
        {"\"Principal\":{\"AWS\":\"" A "\"}", BOB, SILENT},
        {"\"Principal\":{\"AWS\":[\"" A "\",\"" BOB "\"]}", BOB, ALLOW},
        {"\"Principal\":{\"AWS\":\"" BOB "\"}", ROOT, SILENT},
        {"\"Principal\":{\"AWS\":\"arn:aws:iam::" B ":user/bob\"}", BOB, SILENT},
        {"\"Principal\":{\"AWS\":\"" ROLE "\"}", SESSION, ALLOW},
        {"\"Principal\":{\"AWS\":\"arn:aws:iam::" B ":role/deploy\"}", SESSION, ALLOW},
        {"\"Principal\":{\"AWS\":\"arn:aws:iam::" B ":role/team/deploy2\"}", SESSION, SILENT},
        {"\"Principal\":{\"AWS\":\"arn:aws:iam::" A ":role/deploy\"}", SESSION, SILENT},
        {"\"Principal\":{\"AWS\":\"arn:aws:iam::" B ":user/deploy\"}", SESSION, SILENT},
        {"\"Principal\":{\"AWS\":\"" SESSION "\"}", SESSION, ALLOW},
        {"\"Principal\":{\"AWS\":\"arn:aws:sts::" B ":assumed-role/deploy/me\"}", SESSION, SILENT},
        {"\"Principal\":{\"Service\":\"lambda.amazonaws.com\"}", BOB, SILENT},
        /* NotPrincipal spares only who is listed with account and role. */
        {"\"NotPrincipal\":{\"AWS\":\"" A "\"}", BOB, ALLOW},
        {"\"NotPrincipal\":{\"AWS\":\"" B "\"}", ROOT, SILENT},
        {"\"NotPrincipal\":{\"AWS\":\"" B "\"}", BOB, ALLOW},
        {"\"NotPrincipal\":{\"AWS\":\"" BOB "\"}", BOB, ALLOW},
        {"\"NotPrincipal\":{\"AWS\":[\"" B "\",\"" BOB "\"]}", BOB, SILENT},
        {"\"NotPrincipal\":{\"AWS\":[\"" B "\",\"" ROLE "\"]}", SESSION, ALLOW},
        {"\"NotPrincipal\":{\"AWS\":[\"" B "\",\"" ROLE "\",\"" SESSION "\"]}", SESSION, SILENT},
        {"\"NotPrincipal\":\"*\"", BOB, SILENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text,
                       STATEMENTS("{\"Effect\":\"Allow\",%s,\"Action\":\"ecr:*\"}"),
                       rows[i].principal);
        as(B, rows[i].arn);
        if (eval(text, "ecr:PutImage") != rows[i].effect) {
            fail_msg("%s asked by %s", rows[i].principal, rows[i].arn);
        }
    }
}

static void a_service_is_named_as_such_and_tells_its_source(void **state) {
    (void)state;
    static const char text[] = STATEMENTS(
        "{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":"
        "\"ecr:BatchGetImage\",\"Condition\":{\"StringLike\":{\"aws:SourceArn\":"
        "\"arn:aws:lambda:us-east-1:" B ":function:*\"},\"StringEquals\":{\"aws:SourceAccount\":"
        "\"" B "\"}}}");
    assert_int_equal(principal_service("lambda.amazonaws.com", STR(B),
                                       STR("arn:aws:lambda:us-east-1:" B ":function:f"), &who),
                     0);
    policy_context_start(&context, &who, NOW);
    assert_int_equal(eval(text, "ecr:BatchGetImage"), ALLOW);
    /* The account's own name is not the service. */
    assert_int_equal(eval(STATEMENTS(ALLOW_B), "ecr:BatchGetImage"), SILENT);
    assert_int_equal(eval(STATEMENTS("{\"Effect\":\"Deny\"," ANY "}"), "ecr:BatchGetImage"), DENY);
    as_root(B);
    assert_int_equal(eval(text, "ecr:BatchGetImage"), SILENT);
}

static void resources_of_a_registrys_policy_match_with_wildcards(void **state) {
    (void)state;
    static const struct {
        const char *resource;
        const char *asked;
        int effect;
    } rows[] = {
        {"\"Resource\":\"*\"", REPOSITORY, ALLOW},
        {"\"Resource\":\"*\"", "*", ALLOW},
        {"\"Resource\":\"" REPOSITORY "\"", REPOSITORY, ALLOW},
        {"\"Resource\":\"arn:aws:ecr:us-east-1:" A ":repository/team/*\"", REPOSITORY, ALLOW},
        {"\"Resource\":\"arn:aws:ecr:us-east-1:" A ":repository/prod/*\"", REPOSITORY, SILENT},
        {"\"Resource\":\"arn:aws:ecr:us-east-1:" A ":repository/*\"", "*", SILENT},
        {"\"NotResource\":\"arn:aws:ecr:*:*:repository/team/*\"", REPOSITORY, SILENT},
        {"\"NotResource\":\"arn:aws:ecr:*:*:repository/prod/*\"", REPOSITORY, ALLOW},
        {"\"Resource\":\"arn:aws:ecr:us-east-1:${aws:ResourceAccount}:repository/*\"", REPOSITORY,
         ALLOW},
    };
    as_root(B);
    policy_context_add(&context, "aws:ResourceAccount", STR(A));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, STATEMENTS("{\"Effect\":\"Allow\"," ANY ",%s}"),
                       rows[i].resource);
        if (eval_kind(text, POLICY_REGISTRY, "ecr:PutImage", rows[i].asked) != rows[i].effect) {
            fail_msg("%s asked for %s", rows[i].resource, rows[i].asked);
        }
    }
}

/* --- conditions --- */

struct condition_row {
    const char *condition;
    bool holds;
};

static void check_conditions(const struct condition_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text,
                       STATEMENTS("{\"Effect\":\"Allow\"," ANY ",\"Condition\":{%s}}"),
                       rows[i].condition);
        if ((eval(text, "ecr:PutImage") == ALLOW) != rows[i].holds) {
            fail_msg("%s", rows[i].condition);
        }
    }
}
#define CHECK(rows) check_conditions(rows, sizeof(rows) / sizeof(rows)[0])

static void operators_compare_by_their_type(void **state) {
    (void)state;
    static const struct condition_row rows[] = {
        {"\"StringEquals\":{\"aws:PrincipalAccount\":\"" B "\"}", true},
        {"\"StringEquals\":{\"AWS:principalaccount\":[\"x\",\"" B "\"]}", true},
        {"\"StringEquals\":{\"aws:PrincipalAccount\":\"2*\"}", false},
        {"\"StringNotEquals\":{\"aws:PrincipalAccount\":\"" B "\"}", false},
        {"\"StringNotEquals\":{\"aws:PrincipalAccount\":[\"x\",\"" B "\"]}", false},
        {"\"StringNotEquals\":{\"aws:PrincipalAccount\":[\"x\",\"y\"]}", true},
        {"\"StringEquals\":{\"aws:username\":\"BOB\"}", false},
        {"\"StringEqualsIgnoreCase\":{\"aws:username\":\"BOB\"}", true},
        {"\"StringNotEqualsIgnoreCase\":{\"aws:username\":\"BOB\"}", false},
        {"\"StringLike\":{\"aws:username\":\"b?b\"}", true},
        {"\"StringLike\":{\"aws:username\":\"B*\"}", false},
        {"\"StringNotLike\":{\"aws:username\":\"b*\"}", false},
        {"\"StringEquals\":{\"aws:PrincipalType\":\"User\"}", true},
        {"\"StringEquals\":{\"aws:userid\":\"AIDAEXAMPLE\"}", true},
        {"\"ArnEquals\":{\"aws:PrincipalArn\":\"" BOB "\"}", true},
        {"\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/*\"}", true},
        {"\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:*:user/*\"}", false},
        {"\"StringLike\":{\"aws:PrincipalArn\":\"arn:aws:*:user/*\"}", true},
        {"\"ArnNotLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:role/*\"}", true},
        {"\"ArnNotEquals\":{\"aws:PrincipalArn\":\"" BOB "\"}", false},
        {"\"Bool\":{\"aws:SecureTransport\":\"false\"}", true},
        {"\"Bool\":{\"aws:SecureTransport\":true}", false},
        {"\"DateGreaterThan\":{\"aws:CurrentTime\":\"2025-12-31T23:59:59Z\"}", true},
        {"\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01\"}", false},
        {"\"DateGreaterThanEquals\":{\"aws:CurrentTime\":\"2026-01-01\"}", true},
        {"\"DateLessThan\":{\"aws:CurrentTime\":\"2026-01-01T00:01Z\"}", true},
        {"\"DateLessThanEquals\":{\"aws:EpochTime\":\"1767225600\"}", true},
        {"\"DateEquals\":{\"aws:CurrentTime\":\"1767225600\"}", true},
        {"\"DateNotEquals\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}", false},
        {"\"NumericEquals\":{\"aws:EpochTime\":1767225600}", true},
        {"\"NumericLessThan\":{\"aws:EpochTime\":\"1767225600\"}", false},
        {"\"NumericLessThanEquals\":{\"aws:EpochTime\":\"1767225600\"}", true},
        {"\"NumericGreaterThan\":{\"aws:EpochTime\":\"1e3\"}", true},
        {"\"NumericGreaterThanEquals\":{\"aws:EpochTime\":\"1e30\"}", false},
        {"\"NumericNotEquals\":{\"aws:EpochTime\":1}", true},
        {"\"NumericEquals\":{\"aws:username\":1}", false},
        {"\"IpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}", true},
        {"\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.3\"}", true},
        {"\"IpAddress\":{\"aws:SourceIp\":[\"10.1.2.4\",\"::/0\"]}", false},
        {"\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.0/30\"}", true},
        {"\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.4/30\"}", false},
        {"\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}", true},
        {"\"NotIpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}", false},
        {"\"NotIpAddress\":{\"aws:SourceIp\":\"192.168.0.0/16\"}", true},
        /* All operators and all of their keys must hold. */
        {"\"StringEquals\":{\"aws:username\":\"bob\",\"aws:PrincipalAccount\":\"" A "\"}", false},
        {"\"StringEquals\":{\"aws:username\":\"bob\"},\"Bool\":{\"aws:SecureTransport\":true}",
         false},
    };
    as(B, BOB);
    policy_context_add_peer(&context, STR("10.1.2.3:4711"));
    CHECK(rows);
}

static void an_absent_key_matches_nothing_and_is_not_what_was_asked_for(void **state) {
    (void)state;
    static const struct condition_row rows[] = {
        {"\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1\"}", false},
        {"\"StringLike\":{\"aws:PrincipalOrgID\":\"*\"}", false},
        {"\"StringNotEquals\":{\"aws:PrincipalOrgID\":\"o-1\"}", true},
        {"\"StringNotLike\":{\"aws:PrincipalOrgID\":\"*\"}", true},
        {"\"ArnNotLike\":{\"aws:SourceArn\":\"*\"}", true},
        {"\"NumericLessThan\":{\"a:b\":1}", false},
        {"\"NumericNotEquals\":{\"a:b\":1}", true},
        {"\"DateNotEquals\":{\"a:b\":\"2026-01-01\"}", true},
        {"\"Bool\":{\"aws:MultiFactorAuthPresent\":\"false\"}", false},
        {"\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}", false},
        {"\"NotIpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}", true},
        {"\"StringEqualsIfExists\":{\"aws:PrincipalOrgID\":\"o-1\"}", true},
        {"\"StringEqualsIfExists\":{\"aws:PrincipalAccount\":\"" A "\"}", false},
        {"\"StringEqualsIfExists\":{\"aws:PrincipalAccount\":\"" B "\"}", true},
        {"\"BoolIfExists\":{\"aws:MultiFactorAuthPresent\":\"true\"}", true},
        {"\"Null\":{\"aws:PrincipalOrgID\":\"true\"}", true},
        {"\"Null\":{\"aws:PrincipalOrgID\":\"false\"}", false},
        {"\"Null\":{\"aws:PrincipalAccount\":true}", false},
        {"\"Null\":{\"aws:PrincipalAccount\":false}", true},
    };
    as(B, BOB);
    CHECK(rows);
    /* Who calls in process has no address. */
    policy_context_add_peer(&context, STR("dispatch/lambda"));
    policy_context_add_peer(&context, STR("unix"));
    policy_context_add_peer(&context, STR(""));
    CHECK(rows);
}

static void sets_ask_for_any_or_all_of_the_values(void **state) {
    (void)state;
    static const struct condition_row rows[] = {
        {"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"env\"}", true},
        {"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"x\",\"team\"]}", true},
        {"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"x\"}", false},
        {"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"env\",\"team\",\"x\"]}", true},
        {"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"env\"}", false},
        {"\"ForAllValues:StringLike\":{\"aws:TagKeys\":\"*e*\"}", true},
        {"\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":\"env\"}", true},
        {"\"ForAllValues:StringNotEquals\":{\"aws:TagKeys\":\"env\"}", false},
        {"\"ForAllValues:StringNotEquals\":{\"aws:TagKeys\":\"x\"}", true},
        {"\"StringEquals\":{\"aws:TagKeys\":\"team\"}", true},
        {"\"StringNotEquals\":{\"aws:TagKeys\":\"team\"}", false},
        {"\"StringEquals\":{\"aws:RequestTag/env\":\"prod\"}", true},
        {"\"StringEquals\":{\"aws:RequestTag/ENV\":\"prod\"}", true},
        {"\"StringEquals\":{\"aws:RequestTag/none\":\"prod\"}", false},
        {"\"Null\":{\"aws:RequestTag/none\":\"true\"}", true},
    };
    static const struct condition_row empty[] = {
        {"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"env\"}", false},
        {"\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":\"env\"}", false},
        {"\"ForAnyValue:StringEqualsIfExists\":{\"aws:TagKeys\":\"env\"}", true},
        {"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"env\"}", true},
        {"\"ForAllValues:StringNotEquals\":{\"aws:TagKeys\":\"env\"}", true},
        {"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"env\"},\"Null\":{\"aws:TagKeys\":"
         "false}",
         false},
    };
    as(B, BOB);
    CHECK(empty);
    policy_context_add_request_tag(&context, STR("env"), STR("prod"));
    policy_context_add_request_tag(&context, STR("team"), STR("a"));
    CHECK(rows);
}

static void a_repositorys_tags_have_two_names(void **state) {
    (void)state;
    static const struct condition_row rows[] = {
        {"\"StringEquals\":{\"aws:ResourceTag/team\":\"a\"}", true},
        {"\"StringEquals\":{\"ecr:ResourceTag/team\":\"a\"}", true},
        {"\"StringEquals\":{\"ecr:ResourceTag/team\":\"b\"}", false},
        {"\"StringEquals\":{\"ecr:ResourceTag/a/b\":\"c\"}", true},
        {"\"StringEquals\":{\"ecr:ResourceTag/tea\":\"a\"}", false},
    };
    as(B, BOB);
    policy_context_add_resource_tag(&context, STR("team"), STR("a"));
    policy_context_add_resource_tag(&context, STR("a/b"), STR("c"));
    CHECK(rows);
}

static void variables_stand_for_the_requests_values(void **state) {
    (void)state;
    static const struct condition_row rows[] = {
        {"\"StringEquals\":{\"aws:ResourceTag/owner\":\"${aws:username}\"}", true},
        {"\"StringLike\":{\"aws:ResourceTag/owner\":\"${aws:username}*\"}", true},
        {"\"StringEquals\":{\"aws:username\":\"${aws:PrincipalOrgID, 'bob'}\"}", true},
        {"\"StringEquals\":{\"aws:username\":\"${aws:PrincipalOrgID}\"}", false},
        {"\"StringNotEquals\":{\"aws:username\":\"${aws:PrincipalOrgID}\"}", true},
        /* A value's own characters are no wildcards. */
        {"\"StringLike\":{\"aws:username\":\"${aws:ResourceTag/star}\"}", false},
        {"\"StringLike\":{\"aws:ResourceTag/star\":\"${*}\"}", true},
        {"\"StringLike\":{\"aws:username\":\"${*}\"}", false},
        {"\"StringEquals\":{\"aws:ResourceTag/cost\":\"${$}5\"}", true},
        {"\"StringEquals\":{\"aws:ResourceTag/open\":\"${\"}", true},
    };
    as(B, BOB);
    policy_context_add_resource_tag(&context, STR("owner"), STR("bob"));
    policy_context_add_resource_tag(&context, STR("star"), STR("*"));
    policy_context_add_resource_tag(&context, STR("cost"), STR("$5"));
    policy_context_add_resource_tag(&context, STR("open"), STR("${"));
    CHECK(rows);
    /* The older language has none. */
    assert_int_equal(eval("{\"Statement\":[{\"Effect\":\"Allow\"," ANY ",\"Condition\":{"
                          "\"StringEquals\":{\"aws:username\":\"${aws:username}\"}}}]}",
                          "ecr:PutImage"),
                     SILENT);
}

static void a_session_is_known_by_its_role(void **state) {
    (void)state;
    static const struct condition_row rows[] = {
        {"\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::" B ":role/deploy\"}", true},
        {"\"StringEquals\":{\"aws:PrincipalType\":\"AssumedRole\"}", true},
        {"\"Null\":{\"aws:username\":\"true\"}", true},
        {"\"Null\":{\"aws:SourceIp\":\"true\"}", false},
        {"\"IpAddress\":{\"aws:SourceIp\":\"2001:db8::/32\"}", true},
        {"\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}", false},
    };
    as(B, SESSION);
    policy_context_add_peer(&context, STR("[2001:db8::7]:80"));
    CHECK(rows);
    as(B, SESSION);
    policy_context_add_peer(&context, STR("[::ffff:10.0.0.9]:80"));
    assert_int_equal(eval(STATEMENTS("{\"Effect\":\"Allow\"," ANY ",\"Condition\":{\"IpAddress\":{"
                                     "\"aws:SourceIp\":\"10.0.0.0/8\"}}}"),
                          "ecr:PutImage"),
                     ALLOW);
}

static void damaged_policies_are_refused_or_evaluated(void **state) {
    (void)state;
    static const char good[] = STATEMENTS(
        "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::" A ":role/a\",\"" SESSION
        "\",\"" B
        "\"],\"Service\":\"x.y\"},\"Action\":[\"ecr:*?a*\"],\"Resource\":\"arn:aws:ecr:*:${"
        "aws:username, 'b'}:repository/*\",\"Condition\":{\"ForAnyValue:ArnLikeIfExists\":{"
        "\"aws:PrincipalArn\":[\"arn:*:${*}\",\"${aws:userid}\"]},\"IpAddress\":{\"aws:SourceIp\":"
        "\"10.0.0.0/8\"},\"DateLessThan\":{\"aws:CurrentTime\":\"2027-01-01T00:00Z\"},"
        "\"NumericLessThan\":{\"aws:EpochTime\":1e3}}}");
    static const char bytes[] = "\"{}[]:,*?$'/\\ 0aA\x01\xff";
    char text[sizeof good];
    size_t taken = 0;
    as(B, SESSION);
    policy_context_add_peer(&context, STR("10.1.2.3:4711"));
    const struct policy_request request = {&who, STR("ecr:PutImage"), STR(REPOSITORY), &context};
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (size_t j = 0; j <= sizeof bytes - 1; j++) {
            struct policy_document document;
            enum policy_effect effect = POLICY_SILENT;
            memcpy(text, good, sizeof good);
            text[i] = bytes[j]; /* the last is the NUL */
            int result = policy_document_parse((struct virga_str){text, sizeof good - 1},
                                               POLICY_REGISTRY, &document);
            if (result == 0) {
                taken++;
                assert_int_equal(policy_eval(&document, &request, &effect), 0);
                assert_true(effect != POLICY_DENY);
                policy_document_finish(&document);
            } else {
                assert_int_equal(result, -EINVAL);
            }
        }
    }
    assert_true(taken > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_applies_is_silence),
        cmocka_unit_test(an_explicit_deny_wins_wherever_it_stands),
        cmocka_unit_test(actions_match_with_wildcards_and_without_case),
        cmocka_unit_test(principals_are_told_apart),
        cmocka_unit_test(a_service_is_named_as_such_and_tells_its_source),
        cmocka_unit_test(resources_of_a_registrys_policy_match_with_wildcards),
        cmocka_unit_test(operators_compare_by_their_type),
        cmocka_unit_test(an_absent_key_matches_nothing_and_is_not_what_was_asked_for),
        cmocka_unit_test(sets_ask_for_any_or_all_of_the_values),
        cmocka_unit_test(a_repositorys_tags_have_two_names),
        cmocka_unit_test(variables_stand_for_the_requests_values),
        cmocka_unit_test(a_session_is_known_by_its_role),
        cmocka_unit_test(damaged_policies_are_refused_or_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
