/* SPDX-License-Identifier: MIT */
/* The queue of signatures where the registry cannot be had, and over a restart. */
#include "call_fixture.h"
#include "image_order.h"
#include "signer.h"
#include "signing_record.h"
#include "timer_fixture.h"

#define PROFILE "arn:aws:signer:us-east-1:" ACCOUNT ":/signing-profiles/one"
#define CONFIG "{\"signingConfiguration\":{\"rules\":[{\"signingProfileArn\":\"" PROFILE "\"}]}}"

static struct virga_timer timer;
static char digest[ECR_DIGEST_LEN + 1];

static int start(void **state) {
    if (setup(state) != 0) {
        return -1;
    }
    timer = fixture_timer;
    timer.start = timer_fixture_start;
    timer.stop = timer_fixture_stop;
    fixture.ecr.timer = &timer;
    create("app");
    assert_int_equal(call("PutSigningConfiguration", CONFIG), 200);
    push("{\"n\":1}", "v1", NULL, digest);
    return signer_create(&fixture.ecr, &fixture.ecr.signer, NULL);
}

static int end(void **state) {
    signer_destroy(fixture.ecr.signer);
    fixture.ecr.signer = NULL;
    return teardown(state);
}

static void image_comes(const char *subject) {
    struct meta_image image;
    char copy[ECR_DIGEST_LEN + 1];
    assert_int_equal(meta_image_get(&fixture.ecr, &here, STR("app"), STR(digest), &image), 0);
    if (subject != NULL) {
        (void)snprintf(copy, sizeof copy, "%s", subject);
        image.subject = copy;
    }
    signer_image_came(&fixture.ecr, &here, STR("app"), &image);
    if (subject != NULL) {
        image.subject = NULL;
    }
    meta_image_finish(&image);
}

/* Runs timers and loop until nothing is left to do. */
static void run(void) {
    for (int i = 0; i < 10; i++) {
        run_timers();
        run_loop();
    }
}

static int count_order(void *arg, const struct image_order *order) {
    (void)order;
    ++*(int *)arg;
    return 0;
}

static int orders(void) {
    int count = 0;
    assert_int_equal(image_order_each(&fixture.ecr, IMAGE_ORDER_SIGN, count_order, &count), 0);
    return count;
}

static void assert_status(enum signing_state state, const char *code, const char *reason) {
    struct signing_statuses statuses;
    assert_int_equal(signing_statuses_get(&fixture.ecr, &here, STR("app"), STR(digest), &statuses),
                     0);
    const struct signing_status *status = signing_statuses_find(&statuses, PROFILE);
    assert_non_null(status);
    assert_int_equal(status->state, state);
    assert_string_equal(status->code, code);
    assert_string_equal(status->reason, reason);
}

static void without_a_registry_signing_fails_and_may_be_tried_again(void **state) {
    (void)state;
    registry_status = -EIO;
    image_comes(NULL);
    assert_status(SIGNING_IN_PROGRESS, "", "");
    assert_int_equal(orders(), 1);
    /* A second push meanwhile is no second order. */
    image_comes(NULL);
    assert_int_equal(orders(), 1);
    run();
    assert_status(SIGNING_FAILED, "RegistryUnavailable",
                  "The signature could not be stored: no engine");
    assert_int_equal(orders(), 0);
    image_comes(NULL);
    assert_status(SIGNING_IN_PROGRESS, "", "");
    assert_int_equal(orders(), 1);
    run();
    assert_int_equal(orders(), 0);
}

static void orders_outlive_a_restart(void **state) {
    (void)state;
    image_comes(NULL);
    signer_destroy(fixture.ecr.signer);
    assert_int_equal(orders(), 1);
    assert_int_equal(signer_create(&fixture.ecr, &fixture.ecr.signer, NULL), 0);
    registry_status = -EIO;
    run();
    assert_status(SIGNING_FAILED, "RegistryUnavailable",
                  "The signature could not be stored: no engine");
    assert_int_equal(orders(), 0);
}

static void an_image_that_is_gone_ends_its_order(void **state) {
    (void)state;
    image_comes(NULL);
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(digest)), 0);
    run();
    assert_int_equal(orders(), 0);
}

static void on_stopped(void *arg) {
    ++*(int *)arg;
}

static void a_stop_keeps_orders(void **state) {
    (void)state;
    int stopped = 0;
    image_comes(NULL);
    run_timers(); /* it waits for the registry now */
    signer_stop(fixture.ecr.signer, on_stopped, &stopped);
    assert_int_equal(stopped, 0);
    run();
    assert_int_equal(stopped, 1);
    assert_int_equal(orders(), 1);
    assert_status(SIGNING_IN_PROGRESS, "", "");
}

static void what_refers_to_an_image_is_not_signed(void **state) {
    (void)state;
    image_comes(digest);
    assert_int_equal(orders(), 0);
}

#define SIGNER(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SIGNER(without_a_registry_signing_fails_and_may_be_tried_again),
        SIGNER(orders_outlive_a_restart),
        SIGNER(an_image_that_is_gone_ends_its_order),
        SIGNER(a_stop_keeps_orders),
        SIGNER(what_refers_to_an_image_is_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
