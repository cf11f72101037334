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
    issued_credentials_are_counted();
    a_host_without_metrics_will_do();
    (void)puts("sts_test: all passed");
    return 0;
}
