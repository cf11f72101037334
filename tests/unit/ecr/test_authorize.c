/* SPDX-License-Identifier: MIT */
/* Calls under policies, through the front door; an STS that says what the test says. */
#include "call_fixture.h"

#include "authorize.h"
#include "caller.h"
#include "login.h"

#include <virga/helpers/access_key.h>

#define OTHER "999999999999"
#define OTHER_ROOT "arn:aws:iam::" OTHER ":root"
#define ROLE "arn:aws:sts::" OTHER ":assumed-role/deploy/ci"

/* --- STS --- */

static int sts_status;
static const char *sts_body;
static int sts_error;
static size_t sts_asked;
static struct virga_dispatch_request sts_request; /* the last */
static char sts_key[64];
static bool sts_waits; /* does not answer until answer_sts() */
static bool sts_cancelled;

static int sts_call(const struct virga_host *host, const struct virga_dispatch_request *request,
                    struct virga_dispatch_handle **ret_call) {
    (void)host;
    sts_request = *request;
    (void)snprintf(sts_key, sizeof sts_key, "%.*s", (int)request->access_key.len,
                   request->access_key.ptr);
    sts_asked++;
    sts_waits = true;
    *ret_call = NULL;
    return 0;
}

static void sts_cancel(struct virga_dispatch_handle *call) {
    (void)call;
    sts_cancelled = true;
}

static void answer_sts(void) {
    const struct virga_dispatch_response res = {.struct_size = sizeof res,
                                                .status = sts_status,
                                                .error = sts_cancelled ? -ECANCELED : sts_error,
                                                .body = STR(sts_body)};
    assert_true(sts_waits);
    sts_waits = false;
    sts_request.on_done(sts_request.arg, &res);
}

static const struct virga_dispatch sts = {
    .struct_size = sizeof sts, .call = sts_call, .cancel = sts_cancel};

/* --- calls --- */

static struct tenant other = {OTHER, "us-east-1"};

static int setup_enforced(void **state) {
    int result = setup(state);
    sts_status = 200;
    sts_body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" ROLE
               "</Arn><UserId>AROAX:ci</UserId><Account>" OTHER
               "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    sts_error = 0;
    sts_asked = 0;
    sts_waits = sts_cancelled = false;
    fixture.ecr.enforce = true;
    fixture.ecr.dispatch = &sts;
    return result != 0 ? result : callers_create(&fixture.ecr, &fixture.ecr.callers);
}

static int teardown_enforced(void **state) {
    callers_destroy(fixture.ecr.callers);
    return teardown(state);
}

/* A call signed with the access key, which says the account. */
static int call_as(const char *account, const char *key, const char *action, const char *body) {
    struct fake fake;
    fake_start(&fake, action, body);
    fake.req.account = STR(account);
    fake.req.access_key = STR(key);
    fake.req.peer = STR("10.0.0.7:1234");
    actions_handle(&fixture.ecr, &fake.req);
    if (sts_waits) {
        assert_int_equal(fake.status, 0);
        answer_sts();
    }
    run_loop();
    assert_true(fake.status != 0);
    (void)snprintf(answer, sizeof answer, "%s", fake.body);
    int status = fake.status;
    fake_finish(&fake);
    return status;
}

static int own(const char *action, const char *body) {
    return call_as(ACCOUNT, ACCOUNT, action, body);
}

static int foreign(const char *action, const char *body) {
    return call_as(OTHER, OTHER, action, body);
}

static void assert_refused(const char *action, const char *resource, bool explicitly,
                           const char *arn) {
    assert_string_equal(
        answer,
        format("{\"__type\":\"AccessDeniedException\",\"message\":\"User: %s is not authorized to "
               "perform: ecr:%s on resource: %s %s%s%s\"}",
               arn, action, resource,
               explicitly ? "with an explicit deny in a resource-based policy"
                          : "because no resource-based policy allows the ecr:",
               explicitly ? "" : action, explicitly ? "" : " action"));
}

static void create_own(const char *name) {
    assert_int_equal(own("CreateRepository", format("{\"repositoryName\":\"%s\"}", name)), 200);
}

static void set_policy(const char *name, const char *statement) {
    assert_int_equal(
        meta_text_put(&fixture.ecr, &here, STR(name), "policy",
                      STR(format("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statement))),
        0);
}

static void set_registry_policy(const char *statement) {
    assert_int_equal(
        meta_setting_put(&fixture.ecr, &here, "registry-policy", STR(""),
                         STR(format("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statement))),
        0);
}

static void set_scope(const char *value) {
    assert_int_equal(meta_setting_put(&fixture.ecr, &here, "account-setting",
                                      STR("REGISTRY_POLICY_SCOPE"), STR(value)),
                     0);
}

#define THERE "\"registryId\":\"" ACCOUNT "\""
#define ALLOW_OTHER(action)                                                                        \
    "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" OTHER "\"},\"Action\":\"" action "\"}"
#define DENY(action) "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"" action "\"}"

static void who_does_not_sign_is_told_so(void **state) {
    (void)state;
    assert_int_equal(call_as(ACCOUNT, "", "DescribeRepositories", "{}"), 400);
    assert_string_equal(answer, "{\"__type\":\"MissingAuthenticationTokenException\",\"message\":"
                                "\"Missing Authentication Token\"}");
}

static void ones_own_account_may_do_everything_that_is_not_denied(void **state) {
    (void)state;
    create_own("app");
    assert_int_equal(own("ListImages", "{" APP "}"), 200);
    set_policy("app", DENY("ecr:ListImages"));
    assert_int_equal(own("ListImages", "{" APP "}"), 400);
    assert_refused("ListImages", ARN("app"), true, "arn:aws:iam::" ACCOUNT ":root");
    assert_int_equal(own("DescribeImages", "{" APP "}"), 200);
}

static void another_account_may_do_what_is_allowed_only(void **state) {
    (void)state;
    create_own("app");
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), false, OTHER_ROOT);
    /* One that is not there looks the same. */
    assert_int_equal(foreign("ListImages", "{" THERE ",\"repositoryName\":\"none\"}"), 400);
    assert_refused("ListImages", ARN("none"), false, OTHER_ROOT);
    set_policy("app", ALLOW_OTHER("ecr:ListImages"));
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 200);
    assert_int_equal(foreign("DescribeImages", "{" THERE "," APP "}"), 400);
    assert_refused("DescribeImages", ARN("app"), false, OTHER_ROOT);
    set_policy("app", ALLOW_OTHER("ecr:*") "," DENY("ecr:ListImages"));
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), true, OTHER_ROOT);
    /* Its own registry is its own. */
    assert_int_equal(foreign("CreateRepository", "{" APP "}"), 200);
    assert_int_equal(foreign("ListImages", "{" APP "}"), 200);
}

static void each_named_repository_is_asked(void **state) {
    (void)state;
    create_own("app");
    create_own("web");
    set_policy("app", ALLOW_OTHER("ecr:Describe*"));
    assert_int_equal(foreign("DescribeRepositories", "{" THERE ",\"repositoryNames\":[\"app\"]}"),
                     200);
    assert_int_equal(
        foreign("DescribeRepositories", "{" THERE ",\"repositoryNames\":[\"app\",\"web\"]}"), 400);
    assert_refused("DescribeRepositories", ARN("web"), false, OTHER_ROOT);
    assert_int_equal(foreign("DescribeRepositories", "{" THERE "}"), 400);
    assert_refused("DescribeRepositories", ARN("*"), false, OTHER_ROOT);
}

static void an_arn_says_whose_repository(void **state) {
    (void)state;
    create_own("app");
    assert_int_equal(foreign("ListTagsForResource", "{\"resourceArn\":\"" ARN("app") "\"}"), 400);
    assert_refused("ListTagsForResource", ARN("app"), false, OTHER_ROOT);
    set_policy("app", ALLOW_OTHER("ecr:ListTagsForResource"));
    assert_int_equal(foreign("ListTagsForResource", "{\"resourceArn\":\"" ARN("app") "\"}"), 200);
    assert_int_equal(foreign("ListTagsForResource", "{\"resourceArn\":\"app\"}"), 400);
    assert_non_null(strstr(answer, "InvalidParameterException"));
}

static void a_registrys_policy_speaks_of_everything_or_of_three_actions(void **state) {
    (void)state;
    static const char policy[] =
        "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" OTHER "\"},\"Action\":\"ecr:*\","
        "\"Resource\":[\"*\",\"arn:aws:ecr:us-east-1:" ACCOUNT ":repository/a*\"]},"
        "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"ecr:*\",\"Resource\":"
        "\"arn:aws:ecr:us-east-1:" ACCOUNT ":repository/locked\"}";
    create_own("app");
    create_own("locked");
    set_registry_policy(policy);
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 200);
    assert_int_equal(foreign("DescribeRepositories", "{" THERE "}"), 200);
    assert_int_equal(own("ListImages", "{\"repositoryName\":\"locked\"}"), 400);
    assert_refused("ListImages", ARN("locked"), true, "arn:aws:iam::" ACCOUNT ":root");
    set_scope("V1");
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), false, OTHER_ROOT);
    assert_int_equal(own("ListImages", "{\"repositoryName\":\"locked\"}"), 200);
    assert_int_equal(foreign("CreateRepository", "{" THERE ",\"repositoryName\":\"another\"}"),
                     200);
    set_scope("V2");
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 200);
}

static void tags_of_request_and_repository_are_conditions(void **state) {
    (void)state;
    set_registry_policy("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":"
                        "\"ecr:CreateRepository\",\"Resource\":\"*\",\"Condition\":{\"Null\":{"
                        "\"aws:RequestTag/team\":\"true\"}}}");
    assert_int_equal(own("CreateRepository", "{" APP "}"), 400);
    assert_refused("CreateRepository", ARN("app"), true, "arn:aws:iam::" ACCOUNT ":root");
    assert_int_equal(
        own("CreateRepository", "{" APP ",\"tags\":[{\"Key\":\"team\",\"Value\":\"a\"}]}"), 200);
    set_policy("app", "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"ecr:*\","
                      "\"Condition\":{\"StringEquals\":{\"ecr:ResourceTag/team\":\"a\"},"
                      "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}}");
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 200);
    set_policy("app", "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"ecr:UntagResource\","
                      "\"Condition\":{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"team\"}}}");
    assert_int_equal(
        own("UntagResource", "{\"resourceArn\":\"" ARN("app") "\",\"tagKeys\":[\"x\"]}"), 200);
    assert_int_equal(
        own("UntagResource", "{\"resourceArn\":\"" ARN("app") "\",\"tagKeys\":[\"x\",\"team\"]}"),
        400);
    assert_refused("UntagResource", ARN("app"), true, "arn:aws:iam::" ACCOUNT ":root");
}

static void a_policy_that_locks_the_caller_out_needs_force(void **state) {
    (void)state;
    static const char deny[] = "\"policyText\":\"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Deny\\\","
                               "\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"ecr:Set*\\\"}]}\"";
    create_own("app");
    assert_int_equal(own("SetRepositoryPolicy", format("{" APP ",%s}", deny)), 400);
    assert_non_null(strstr(answer, "InvalidParameterException"));
    assert_non_null(strstr(answer, "would prevent you from setting another policy"));
    assert_int_equal(own("GetRepositoryPolicy", "{" APP "}"), 400);
    assert_int_equal(own("SetRepositoryPolicy", format("{" APP ",\"force\":true,%s}", deny)), 200);
    assert_int_equal(own("SetRepositoryPolicy", format("{" APP ",\"force\":true,%s}", deny)), 400);
    assert_refused("SetRepositoryPolicy", ARN("app"), true, "arn:aws:iam::" ACCOUNT ":root");
    assert_int_equal(own("DeleteRepositoryPolicy", "{" APP "}"), 200);
    /* Another account that may set one must not lose that by it. */
    set_policy("app", ALLOW_OTHER("ecr:*"));
    assert_int_equal(foreign("SetRepositoryPolicy",
                             "{" THERE "," APP ",\"policyText\":\"{\\\"Statement\\\":[{\\\"Effect"
                             "\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":"
                             "\\\"ecr:Get*\\\"}]}\"}"),
                     400);
    assert_non_null(strstr(answer, "would prevent you"));
    /* In open mode nobody can be locked out. */
    fixture.ecr.enforce = false;
    assert_int_equal(own("SetRepositoryPolicy", format("{" APP ",%s}", deny)), 200);
}

static void a_stored_text_that_is_no_policy_counts_as_none(void **state) {
    (void)state;
    create_own("app");
    set_policy("app", "{\"Effect\":\"Deny\",\"Principal\":\"x\",\"Action\":\"*\"}");
    assert_int_equal(own("ListImages", "{" APP "}"), 200);
    assert_non_null(strstr(fixture.line, "ignored"));
    assert_int_equal(foreign("ListImages", "{" THERE "," APP "}"), 400);
}

/* --- the registry's policy itself --- */

#define REGISTRY_POLICY                                                                            \
    "{\\\"Statement\\\": {\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"AWS\\\":\\\"" OTHER  \
    "\\\"},\\\"Action\\\":\\\"ecr:ReplicateImage\\\",\\\"Resource\\\":\\\"*\\\"}}"

static void registry_policy_is_echoed_as_given(void **state) {
    (void)state;
    static const char shown[] =
        "{\"registryId\":\"" ACCOUNT "\",\"policyText\":\"" REGISTRY_POLICY "\"}";
    static const char missing[] =
        "{\"__type\":\"RegistryPolicyNotFoundException\",\"message\":\"Registry policy does not "
        "exist in the registry with id '" ACCOUNT "'\"}";
    assert_answer("GetRegistryPolicy", "{}", 400, missing);
    assert_answer("DeleteRegistryPolicy", "{}", 400, missing);
    assert_answer("PutRegistryPolicy", "{\"policyText\":\"" REGISTRY_POLICY "\"}", 200, shown);
    assert_answer("GetRegistryPolicy", "{}", 200, shown);
    assert_answer("DeleteRegistryPolicy", "{}", 200, shown);
    assert_answer("GetRegistryPolicy", "{}", 400, missing);
}

static void no_registry_policy_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "x",
        "{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
        "\\\"Action\\\":\\\"ecr:*\\\"}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails("PutRegistryPolicy", format("{\"policyText\":\"%s\"}", bad[i]),
                     "InvalidParameterException",
                     "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid "
                     "registry policy provided'");
    }
}

static void replication_asks_the_destinations_registry(void **state) {
    (void)state;
    struct ecr *ecr = &fixture.ecr;
    const struct tenant west = {ACCOUNT, "us-west-2"};
    assert_int_equal(authorize_replication(ecr, &here, &west, STR("app")), 0);
    assert_int_equal(authorize_replication(ecr, &other, &here, STR("app")), -EACCES);
    set_registry_policy("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" OTHER_ROOT
                        "\"},\"Action\":[\"ecr:CreateRepository\",\"ecr:ReplicateImage\"],"
                        "\"Resource\":\"arn:aws:ecr:us-east-1:" ACCOUNT ":repository/a*\"}");
    assert_int_equal(authorize_replication(ecr, &other, &here, STR("app")), 0);
    assert_int_equal(authorize_replication(ecr, &other, &here, STR("web")), -EACCES);
    assert_int_equal(authorize_replication_create(ecr, &other, &here, STR("app")), 0);
    assert_int_equal(authorize_replication_create(ecr, &other, &here, STR("web")), -EACCES);
    assert_int_equal(authorize_replication(ecr, &other, &west, STR("app")), -EACCES);
    set_scope("V1");
    assert_int_equal(authorize_replication(ecr, &other, &here, STR("app")), 0);
    fixture.store_error = -EIO;
    assert_int_equal(authorize_replication(ecr, &other, &here, STR("app")), -EIO);
    fixture.store_error = 0;
    ecr->enforce = false;
    assert_int_equal(authorize_replication(ecr, &other, &here, STR("web")), 0);
}

/* --- temporary credentials --- */

static const char *temporary_key(uint32_t chance) {
    static char key[VIRGA_ACCESS_KEY_LEN + 1];
    assert_int_equal(virga_access_key_make(STR(OTHER), chance, key), 0);
    return key;
}

static void sts_says_whom_a_key_stands_for_once_in_a_while(void **state) {
    (void)state;
    const char *key = temporary_key(7);
    create_own("app");
    set_policy("app", "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::" OTHER
                      ":role/deploy\"},\"Action\":\"ecr:ListImages\"}");
    assert_int_equal(call_as(OTHER, key, "ListImages", "{" THERE "," APP "}"), 200);
    assert_string_equal(sts_key, key);
    assert_int_equal(call_as(OTHER, key, "DescribeImages", "{" THERE "," APP "}"), 400);
    assert_refused("DescribeImages", ARN("app"), false, ROLE);
    assert_int_equal(sts_asked, 1);
    fixture.now_ms += 3600000;
    assert_int_equal(call_as(OTHER, key, "ListImages", "{" THERE "," APP "}"), 200);
    assert_int_equal(sts_asked, 2);
    assert_int_equal(call_as(OTHER, OTHER, "ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), false, OTHER_ROOT);
    assert_int_equal(sts_asked, 2);
}

static void the_cache_has_a_bound(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(call_as(OTHER, temporary_key(i), "DescribeRepositories", "{}"), 200);
    }
    assert_int_equal(sts_asked, 300);
    assert_int_equal(call_as(OTHER, temporary_key(299), "DescribeRepositories", "{}"), 200);
    assert_int_equal(sts_asked, 300);
    assert_int_equal(call_as(OTHER, temporary_key(0), "DescribeRepositories", "{}"), 200);
    assert_int_equal(sts_asked, 301);
}

static void keys_that_sts_refuses_are_refused(void **state) {
    (void)state;
    sts_status = 403;
    sts_body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>";
    assert_int_equal(call_as(OTHER, temporary_key(1), "DescribeRepositories", "{}"), 400);
    assert_string_equal(answer, "{\"__type\":\"UnrecognizedClientException\",\"message\":\"The "
                                "security token included in the request is invalid.\"}");
    sts_body = "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>";
    assert_int_equal(call_as(OTHER, temporary_key(1), "DescribeRepositories", "{}"), 400);
    assert_string_equal(answer, "{\"__type\":\"ExpiredTokenException\",\"message\":\"The security "
                                "token included in the request is expired\"}");
    sts_status = 503;
    sts_body = "";
    assert_int_equal(call_as(OTHER, temporary_key(1), "DescribeRepositories", "{}"), 500);
    sts_error = -ETIMEDOUT;
    assert_int_equal(call_as(OTHER, temporary_key(1), "DescribeRepositories", "{}"), 500);
    assert_int_equal(sts_asked, 4);
}

static void without_an_sts_a_key_stands_for_its_account(void **state) {
    (void)state;
    create_own("app");
    sts_status = 400;
    sts_body = "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>";
    assert_int_equal(call_as(OTHER, temporary_key(1), "ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), false, OTHER_ROOT);
    /* Another host's STS answers for an account of its own. */
    sts_status = 200;
    sts_body = "<Arn>arn:aws:iam::000000000000:root</Arn><UserId>x</UserId><Account>000000000000"
               "</Account>";
    assert_int_equal(call_as(OTHER, temporary_key(2), "ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), false, OTHER_ROOT);
    fixture.ecr.dispatch = NULL;
    assert_int_equal(call_as(OTHER, temporary_key(3), "ListImages", "{" THERE "," APP "}"), 400);
    assert_refused("ListImages", ARN("app"), false, OTHER_ROOT);
}

static void open_mode_wants_to_know_who_pulls_and_refuses_nobody(void **state) {
    (void)state;
    const char *key = temporary_key(1);
    create_own("app");
    fixture.ecr.enforce = false;
    assert_int_equal(call_as(OTHER, key, "ListImages", "{" THERE "," APP "}"), 200);
    assert_int_equal(sts_asked, 0);
    static const char pull[] = "{" THERE "," APP ",\"imageIds\":[{\"imageTag\":\"v1\"}]}";
    sts_status = 403;
    sts_body = "<Code>ExpiredToken</Code>";
    assert_int_equal(call_as(OTHER, key, "BatchGetImage", pull), 200);
    assert_int_equal(sts_asked, 1);
    assert_int_equal(call_as(ACCOUNT, "", "BatchGetImage", pull), 200);
    assert_int_equal(call_as(OTHER, "AKIAEXAMPLE", "BatchGetImage", pull), 200);
    assert_int_equal(sts_asked, 1);
}

static size_t stopped;

static void on_stopped(void *arg) {
    (void)arg;
    stopped++;
}

static void a_call_that_waits_for_sts_at_the_stop_is_broken(void **state) {
    (void)state;
    struct fake fake;
    stopped = 0;
    fake_start(&fake, "DescribeRepositories", "{}");
    fake.req.account = STR(OTHER);
    fake.req.access_key = STR(temporary_key(1));
    actions_handle(&fixture.ecr, &fake.req);
    assert_int_equal(fake.status, 0);
    assert_true(callers_stop(fixture.ecr.callers, on_stopped, NULL));
    assert_int_equal(fake.status, 500);
    assert_true(sts_cancelled);
    assert_int_equal(stopped, 0);
    answer_sts();
    assert_int_equal(stopped, 1);
    fake_finish(&fake);
    run_loop();
    assert_false(callers_stop(fixture.ecr.callers, on_stopped, NULL));
}

static void the_token_is_the_callers_and_says_when_it_ends(void **state) {
    (void)state;
    assert_int_equal(foreign("GetAuthorizationToken", "{\"registryIds\":[\"" ACCOUNT "\"]}"), 200);
    struct json_object *object = json_tokener_parse(answer);
    struct json_object *entry = virga_awsjson_element(object, "authorizationData", 0);
    struct virga_str token = virga_awsjson_str(entry, "authorizationToken");
    char header[8192];
    struct principal found;
    (void)snprintf(header, sizeof header, "Basic %.*s", (int)token.len, token.ptr);
    assert_int_equal(login_read_header(&fixture.ecr, STR(header), &found), 0);
    assert_string_equal(found.arn, OTHER_ROOT);
    assert_string_equal(found.account, OTHER);
    struct json_object *expires = virga_awsjson_member(entry, "expiresAt");
    int64_t left_ms = (int64_t)(json_object_get_double(expires) * 1000 + 0.5) - fixture.now_ms;
    assert_int_equal(left_ms, LOGIN_VALID_MS);
    fixture.now_ms += left_ms - 1;
    assert_int_equal(login_read_header(&fixture.ecr, STR(header), &found), 0);
    fixture.now_ms++;
    assert_int_equal(login_read_header(&fixture.ecr, STR(header), &found), -EKEYEXPIRED);
    json_object_put(object);
}

int main(void) {
#define ENFORCED(name) cmocka_unit_test_setup_teardown(name, setup_enforced, teardown_enforced)
    const struct CMUnitTest tests[] = {
        ENFORCED(who_does_not_sign_is_told_so),
        ENFORCED(ones_own_account_may_do_everything_that_is_not_denied),
        ENFORCED(another_account_may_do_what_is_allowed_only),
        ENFORCED(each_named_repository_is_asked),
        ENFORCED(an_arn_says_whose_repository),
        ENFORCED(a_registrys_policy_speaks_of_everything_or_of_three_actions),
        ENFORCED(tags_of_request_and_repository_are_conditions),
        ENFORCED(a_policy_that_locks_the_caller_out_needs_force),
        ENFORCED(a_stored_text_that_is_no_policy_counts_as_none),
        TEST(registry_policy_is_echoed_as_given),
        TEST(no_registry_policy_is_refused),
        ENFORCED(replication_asks_the_destinations_registry),
        ENFORCED(sts_says_whom_a_key_stands_for_once_in_a_while),
        ENFORCED(the_cache_has_a_bound),
        ENFORCED(keys_that_sts_refuses_are_refused),
        ENFORCED(without_an_sts_a_key_stands_for_its_account),
        ENFORCED(open_mode_wants_to_know_who_pulls_and_refuses_nobody),
        ENFORCED(a_call_that_waits_for_sts_at_the_stop_is_broken),
        ENFORCED(the_token_is_the_callers_and_says_when_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
