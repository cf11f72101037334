/* SPDX-License-Identifier: MIT */
/* STS in a host in memory: what takes time, and what fails, which real clients cannot show. */
#include <errno.h>
#include <stdlib.h>

#include <virga/helpers/access_key.h>
#include <virga/testkit.h>

/* Not assert(): a release build must test too. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define HOUR_MS (UINT64_C(3600) * 1000)
#define ASSUME                                                                                     \
    "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn="                             \
    "arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fdeploy"
#define WHO "Action=GetCallerIdentity&Version=2011-06-15"

static struct testkit *start(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    CHECK(testkit_start(kit) == 0);
    return kit;
}

static int says(const struct testkit_request *req, const char *text) {
    return strstr(testkit_body(req), text) != NULL;
}

/* Asks as the user of an access key. */
static struct testkit_request *ask_as(struct testkit *kit, const char *access_key,
                                      const char *form) {
    struct testkit_request *req = testkit_request_create(kit, "POST", "/");
    testkit_request_header(req, "Content-Type", "application/x-www-form-urlencoded");
    testkit_request_identity(req, access_key, NULL, "sts");
    testkit_request_body(req, form, strlen(form));
    CHECK(testkit_send(req) == 0);
    (void)testkit_run(kit);
    return req;
}

static void read_key(const struct testkit_request *req, char key[VIRGA_ACCESS_KEY_LEN + 1]) {
    const char *at = strstr(testkit_body(req), "<AccessKeyId>");
    CHECK(testkit_status(req) == 200 && at != NULL);
    (void)snprintf(key, VIRGA_ACCESS_KEY_LEN + 1, "%s", at + strlen("<AccessKeyId>"));
}

static void credentials_expire(void) {
    struct testkit *kit = start();
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    read_key(testkit_ask_query(kit, "sts", ASSUME), key);
    (void)testkit_advance(kit, HOUR_MS - 1000);
    CHECK(says(ask_as(kit, key, WHO), ":assumed-role/deploy/me</Arn>"));
    (void)testkit_advance(kit, 1000);
    struct testkit_request *req = ask_as(kit, key, WHO);
    CHECK(testkit_status(req) == 403 && says(req, "<Code>ExpiredToken</Code>"));
    CHECK(testkit_destroy(kit) == 0);
}

static void expired_credentials_are_forgotten(void) {
    struct testkit *kit = start();
    for (int i = 0; i < 40; i++) {
        CHECK(testkit_status(testkit_ask_query(kit, "sts", ASSUME)) == 200);
    }
    CHECK(testkit_store_count(kit) == 80);
    (void)testkit_advance(kit, 26 * HOUR_MS);
    for (int i = 0; i < 3; i++) {
        CHECK(testkit_status(testkit_ask_query(kit, "sts", ASSUME)) == 200);
    }
    CHECK(testkit_store_count(kit) == 6);
    CHECK(testkit_destroy(kit) == 0);
}

static void credentials_are_known_after_a_restart(void) {
    struct testkit *kit = start();
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    read_key(testkit_ask_query(kit, "sts", ASSUME), key);
    testkit_stop(kit);
    CHECK(testkit_start(kit) == 0);
    CHECK(says(ask_as(kit, key, WHO), "<Account>210987654321</Account>"));
    CHECK(testkit_destroy(kit) == 0);
}

static void failing_store_is_a_500(void) {
    struct testkit *kit = start();
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    read_key(testkit_ask_query(kit, "sts", ASSUME), key);
    testkit_store_fail(kit, -EIO);
    CHECK(testkit_status(testkit_ask_query(kit, "sts", ASSUME)) == 500);
    CHECK(says(ask_as(kit, key, WHO), "<Type>Receiver</Type><Code>InternalFailure</Code>"));
    CHECK(testkit_status(testkit_ask_query(kit, "sts", WHO)) == 200);
    CHECK(testkit_destroy(kit) == 0);
}

static void out_of_memory_is_answered_too(void) {
    struct testkit *kit = start();
    for (unsigned n = 1;; n++) {
        testkit_fail_alloc(kit, n);
        struct testkit_request *req = testkit_ask_query(kit, "sts", ASSUME);
        if (!testkit_alloc_failed(kit)) {
            CHECK(n > 1 && testkit_status(req) == 200);
            break;
        }
        CHECK(testkit_status(req) == 500);
        /* Two keys or none, though the answer itself may be what failed. */
        CHECK(testkit_store_count(kit) % 2 == 0);
    }
    testkit_fail_alloc(kit, 0);
    CHECK(testkit_destroy(kit) == 0);
}

static void the_role_of_iam_has_its_id_and_its_longest_session(void) {
    struct testkit *kit = start();
    const struct testkit_answer role = {
        .body = "<GetRoleResponse><GetRoleResult><Role><RoleId>AROAABCDEFGHIJKLMNOPQ</RoleId>"
                "<Arn>arn:aws:iam::210987654321:role/deploy</Arn>"
                "<MaxSessionDuration>3600</MaxSessionDuration></Role></GetRoleResult>"
                "</GetRoleResponse>"};
    testkit_script(kit, TESTKIT_DISPATCH, NULL, &role, 0);
    CHECK(says(testkit_ask_query(kit, "sts", ASSUME), "<AssumedRoleId>AROAABCDEFGHIJKLMNOPQ:me<"));
    CHECK(strstr(testkit_sent(kit, TESTKIT_DISPATCH, 0)->body.ptr, "Action=GetRole") != NULL);
    struct testkit_request *req = testkit_ask_query(kit, "sts", ASSUME "&DurationSeconds=7200");
    CHECK(testkit_status(req) == 400 && says(req, "MaxSessionDuration set for this role."));
    CHECK(testkit_destroy(kit) == 0);
}

static void a_role_that_is_not_there_is_refused_in_enforce_alone(void) {
    static const char *const modes[] = {"open", "enforce"};
    for (int i = 0; i < 2; i++) {
        struct testkit *kit = testkit_create(&virga_plugin_v1);
        const struct testkit_answer none = {
            .status = 404, .body = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error>"};
        CHECK(testkit_set(kit, "floci.auth.mode", modes[i]) == 0);
        CHECK(testkit_start(kit) == 0);
        testkit_script(kit, TESTKIT_DISPATCH, NULL, &none, 0);
        struct testkit_request *req = testkit_ask_query(kit, "sts", ASSUME);
        CHECK(testkit_status(req) == (i == 0 ? 200 : 403));
        CHECK(i == 0 || says(req, "User: arn:aws:iam::000000000000:root is not authorized to "
                                  "perform: sts:AssumeRole on resource: "
                                  "arn:aws:iam::210987654321:role/deploy"));
        CHECK(testkit_destroy(kit) == 0);
    }
}

static void the_key_of_a_user_is_the_user(void) {
    struct testkit *kit = start();
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    const struct testkit_answer user = {
        .body = "<GetUserResult><User><UserId>AIDAABCDEFGHIJKLMNOPQ</UserId>"
                "<Arn>arn:aws:iam::210987654321:user/ann</Arn></User></GetUserResult>"};
    const struct testkit_answer nobody = {
        .status = 403, .body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error>"};
    CHECK(virga_access_key_make_user(virga_str_from("210987654321"), 7, key) == 0);
    testkit_script(kit, TESTKIT_DISPATCH, NULL, &user, 1);
    testkit_script(kit, TESTKIT_DISPATCH, NULL, &nobody, 1);
    CHECK(says(ask_as(kit, key, WHO), "<Arn>arn:aws:iam::210987654321:user/ann</Arn>"));
    CHECK(testkit_status(ask_as(kit, key, WHO)) == 403);
    /* Nobody to ask (here: status 400): it stands for its account. */
    CHECK(says(ask_as(kit, key, WHO), ":root</Arn>"));
    CHECK(testkit_destroy(kit) == 0);
}

static void a_stop_does_not_wait_for_iam(void) {
    struct testkit *kit = start();
    struct testkit_request *req = testkit_request_create(kit, "POST", "/");
    testkit_request_header(req, "Content-Type", "application/x-www-form-urlencoded");
    testkit_request_identity(req, NULL, NULL, "sts");
    testkit_request_body(req, ASSUME, strlen(ASSUME));
    CHECK(testkit_send(req) == 0); /* handled, and not answered before something runs */
    testkit_stop(kit);
    CHECK(testkit_times_answered(req) == 1);
    CHECK(testkit_destroy(kit) == 0);
}

static void a_host_without_dispatch_will_do(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    testkit_withhold(kit, VIRGA_DISPATCH_ID);
    CHECK(testkit_start(kit) == 0);
    CHECK(testkit_status(testkit_ask_query(kit, "sts", ASSUME)) == 200);
    CHECK(testkit_destroy(kit) == 0);
}

static void issued_credentials_are_counted(void) {
    struct testkit *kit = start();
    (void)testkit_ask_query(kit, "sts", ASSUME);
    (void)testkit_ask_query(kit, "sts", ASSUME);
    CHECK(testkit_metric(kit, "sts_credentials_issued_total", "AssumeRole") == 2);
    CHECK(testkit_destroy(kit) == 0);
}

static void a_host_without_metrics_will_do(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    testkit_withhold(kit, VIRGA_METRICS_ID);
    CHECK(testkit_start(kit) == 0);
    CHECK(testkit_status(testkit_ask_query(kit, "sts", ASSUME)) == 200);
    CHECK(testkit_destroy(kit) == 0);
}

int main(void) {
    credentials_expire();
    expired_credentials_are_forgotten();
    credentials_are_known_after_a_restart();
    failing_store_is_a_500();
    out_of_memory_is_answered_too();
    the_role_of_iam_has_its_id_and_its_longest_session();
    a_role_that_is_not_there_is_refused_in_enforce_alone();
    the_key_of_a_user_is_the_user();
    a_stop_does_not_wait_for_iam();
    a_host_without_dispatch_will_do();
    issued_credentials_are_counted();
    a_host_without_metrics_will_do();
    (void)puts("sts_test: all passed");
    return 0;
}
