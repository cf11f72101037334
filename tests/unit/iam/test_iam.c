/* SPDX-License-Identifier: MIT */
/* IAM in a host in memory: what fails, and lists over many entries, which real clients cannot show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <virga/testkit.h>

#define VERSION "&Version=2010-05-08"
#define TRUST                                                                                      \
    "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C"  \
    "%22Principal%22%3A%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3A"   \
    "AssumeRole%22%7D%5D%7D"
#define POLICY                                                                                     \
    "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C"  \
    "%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D"
#define ADMIN "arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAdministratorAccess"

static struct testkit *start(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    assert_int_equal(testkit_start(kit), 0);
    return kit;
}

static struct testkit_request *ask(struct testkit *kit, const char *form) {
    char body[4096];
    (void)snprintf(body, sizeof body, "Action=%s" VERSION, form);
    return testkit_ask_query(kit, "iam", body);
}

static void check_ok(struct testkit *kit, const char *form) {
    struct testkit_request *req = ask(kit, form);
    if (testkit_status(req) != 200) {
        fail_msg("%s: %d %s", form, testkit_status(req), testkit_body(req));
    }
}

static int says(const struct testkit_request *req, const char *text) {
    return strstr(testkit_body(req), text) != NULL;
}

/* One call of each sort, in an order in which each succeeds. */
static const char *const calls[] = {
    "CreateRole&RoleName=r&AssumeRolePolicyDocument=" TRUST "&PermissionsBoundary=" ADMIN
    "&Tags.member.1.Key=k&Tags.member.1.Value=v",
    "CreateUser&UserName=u&PermissionsBoundary=" ADMIN,
    "CreateGroup&GroupName=g",
    "CreatePolicy&PolicyName=p&PolicyDocument=" POLICY,
    "CreateInstanceProfile&InstanceProfileName=i",
    "AttachRolePolicy&RoleName=r&PolicyArn=" ADMIN,
    "AttachUserPolicy&UserName=u&PolicyArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Apolicy%2Fp",
    "PutRolePolicy&RoleName=r&PolicyName=a&PolicyDocument=" POLICY,
    "CreatePolicyVersion&PolicyArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Apolicy%2Fp&"
    "PolicyDocument=" POLICY,
    "AddUserToGroup&GroupName=g&UserName=u",
    "AddRoleToInstanceProfile&InstanceProfileName=i&RoleName=r",
    "CreateAccessKey&UserName=u",
    "CreateLoginProfile&UserName=u&Password=p",
    "CreateAccountAlias&AccountAlias=team",
    "CreateServiceLinkedRole&AWSServiceName=ecs.amazonaws.com",
    "CreateOpenIDConnectProvider&Url=https%3A%2F%2Fa.example&ThumbprintList.member.1="
    "0000000000000000000000000000000000000000",
    "UpdateAccountPasswordPolicy&MinimumPasswordLength=8",
    "TagRole&RoleName=r&Tags.member.1.Key=x&Tags.member.1.Value=y",
    "UpdateUser&UserName=u&NewUserName=v",
    "UpdateGroup&GroupName=g&NewGroupName=h",
    "GetRole&RoleName=r",
    "GetRolePolicy&RoleName=r&PolicyName=a",
    "GetPolicy&PolicyArn=" ADMIN,
    "GetGroup&GroupName=h",
    "GetInstanceProfile&InstanceProfileName=i",
    "GetAccountSummary",
    "GetAccountAuthorizationDetails",
    "GetAccountPasswordPolicy",
    "ListRoles",
    "ListPolicies&OnlyAttached=true",
    "ListEntitiesForPolicy&PolicyArn=" ADMIN,
    "ListAttachedRolePolicies&RoleName=r",
    "ListInstanceProfilesForRole&RoleName=r",
    "ListAccessKeys&UserName=v",
    "ListAccountAliases",
    "ListOpenIDConnectProviders",
    "ListGroupsForUser&UserName=v",
    "DeleteLoginProfile&UserName=v",
    "DetachRolePolicy&RoleName=r&PolicyArn=" ADMIN,
    "DeleteRolePolicy&RoleName=r&PolicyName=a",
    "RemoveRoleFromInstanceProfile&InstanceProfileName=i&RoleName=r",
    "DeleteRole&RoleName=r",
    "DeleteAccountAlias&AccountAlias=team",
};
#define CALLS_COUNT (sizeof calls / sizeof calls[0])

static void every_call_survives_a_failing_store(void **state) {
    (void)state;
    struct testkit *kit = start();
    for (size_t i = 0; i < CALLS_COUNT; i++) {
        testkit_store_fail(kit, -EIO);
        struct testkit_request *req = ask(kit, calls[i]);
        if (testkit_status(req) != 500 || !says(req, "<Code>ServiceFailure</Code>")) {
            fail_msg("%s: %d %s", calls[i], testkit_status(req), testkit_body(req));
        }
        testkit_store_fail(kit, 0);
        check_ok(kit, calls[i]);
    }
    assert_int_equal(testkit_destroy(kit), 0);
}

/* A write that could not be answered was made, or it was not: it is never made in part. Asked again
 * it succeeds, or says that it was made already. */
static void every_call_survives_running_out_of_memory(void **state) {
    (void)state;
    struct testkit *kit = start();
    for (size_t i = 0; i < CALLS_COUNT; i++) {
        for (unsigned n = 1;; n++) {
            testkit_fail_alloc(kit, n);
            struct testkit_request *req = ask(kit, calls[i]);
            int failed = testkit_alloc_failed(kit);
            int status = testkit_status(req);
            testkit_fail_alloc(kit, 0);
            if (status == 500) {
                assert_true(failed);
                continue;
            }
            if (status != 200 && !says(req, "EntityAlreadyExists") && !says(req, "NoSuchEntity") &&
                !says(req, "LimitExceeded") && !says(req, "been taken")) {
                fail_msg("%s: %d %s", calls[i], status, testkit_body(req));
            }
            break;
        }
    }
    assert_int_equal(testkit_destroy(kit), 0);
}

static void a_filtered_list_ends_where_the_looking_ends(void **state) {
    (void)state;
    struct testkit *kit = start();
    char form[1024];
    char marker[400] = "";
    int pages = 0;
    for (int i = 0; i < 6000; i++) {
        (void)snprintf(form, sizeof form, "CreateGroup&GroupName=g%04d", i);
        check_ok(kit, form);
    }
    do {
        (void)snprintf(form, sizeof form, "ListGroups&PathPrefix=%%2Fnone%s%s",
                       marker[0] != '\0' ? "&Marker=" : "", marker);
        struct testkit_request *req = ask(kit, form);
        assert_int_equal(testkit_status(req), 200);
        assert_false(says(req, "<member>"));
        const char *at = strstr(testkit_body(req), "<Marker>");
        size_t len = 0;
        for (at = at != NULL ? at + strlen("<Marker>") : "<"; *at != '<'; at++) {
            int escaped = strchr("+/=", *at) != NULL;
            len += (size_t)(escaped ? snprintf(marker + len, sizeof marker - len, "%%%02X",
                                               (unsigned)(unsigned char)*at)
                                    : snprintf(marker + len, sizeof marker - len, "%c", *at));
        }
        marker[len] = '\0';
        pages++;
    } while (marker[0] != '\0');
    assert_int_equal(pages, 2);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void a_store_that_cannot_be_read_is_named_at_start(void **state) {
    (void)state;
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    testkit_store_fail(kit, -EIO);
    assert_int_equal(testkit_start(kit), -EIO);
    assert_non_null(strstr(testkit_error(kit), "cannot read or write its store"));
    assert_int_equal(testkit_destroy(kit), 0);
}

static void times_are_those_of_the_clock(void **state) {
    (void)state;
    struct testkit *kit = start();
    testkit_set_time(kit, 1795446379250);
    struct testkit_request *req = ask(kit, "CreateGroup&GroupName=g");
    assert_true(says(req, "<CreateDate>2026-11-23T15:06:19Z</CreateDate>"));
    assert_int_equal(testkit_destroy(kit), 0);
}

/* A user's key holds for a user that is there; what is forged or of another account is nobody's. */
static void keys_of_nobody_are_refused(void **state) {
    (void)state;
    struct testkit *kit = start();
    struct testkit_request *req = testkit_request_create(kit, "POST", "/");
    const char form[] = "Action=GetUser" VERSION;
    testkit_request_header(req, "Content-Type", "application/x-www-form-urlencoded");
    check_ok(kit, "CreateUser&UserName=u");
    struct testkit_request *made = ask(kit, "CreateAccessKey&UserName=u");
    const char *at = strstr(testkit_body(made), "<AccessKeyId>");
    char key[21];
    assert_non_null(at);
    (void)snprintf(key, sizeof key, "%s", at + strlen("<AccessKeyId>"));
    char form_delete[200];
    (void)snprintf(form_delete, sizeof form_delete, "DeleteAccessKey&UserName=u&AccessKeyId=%s",
                   key);
    check_ok(kit, form_delete);
    testkit_request_identity(req, key, NULL, "iam");
    testkit_request_body(req, form, strlen(form));
    assert_int_equal(testkit_send(req), 0);
    (void)testkit_run(kit);
    assert_int_equal(testkit_status(req), 403);
    assert_true(says(req, "<Code>InvalidClientTokenId</Code>"));
    assert_int_equal(testkit_destroy(kit), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_survives_a_failing_store),
        cmocka_unit_test(every_call_survives_running_out_of_memory),
        cmocka_unit_test(a_filtered_list_ends_where_the_looking_ends),
        cmocka_unit_test(a_store_that_cannot_be_read_is_named_at_start),
        cmocka_unit_test(times_are_those_of_the_clock),
        cmocka_unit_test(keys_of_nobody_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
