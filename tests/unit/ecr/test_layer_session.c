/* SPDX-License-Identifier: MIT */
/* Records of uploads: kept, found, walked, and gone with their repository. */
#include "ecr_fixture.h"

#include "layer_session.h"

#define ID1 "11111111-2222-3333-4444-555555555555"
#define ID2 "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static const struct tenant here = {"123456789012", "us-east-1"};
static const struct tenant there = {"123456789012", "eu-west-1"};

static void put(const struct tenant *tenant, const char *name, const char *id) {
    struct layer_session session = {.received = 7, .parts = 2, .last_small = true, .used_ms = 99};
    (void)snprintf(session.id, sizeof session.id, "%s", id);
    (void)snprintf(session.uid, sizeof session.uid, "uid of %s", name);
    (void)snprintf(session.address, sizeof session.address, "/v2/%s", name);
    assert_int_equal(layer_session_put(&fixture.ecr, tenant, STR(name), &session), 0);
}

static void a_session_comes_back_as_it_was_put(void **state) {
    struct layer_session session;
    (void)state;
    put(&here, "app", ID1);
    assert_int_equal(layer_session_get(&fixture.ecr, &here, STR("app"), ID1, &session), 0);
    assert_string_equal(session.id, ID1);
    assert_string_equal(session.uid, "uid of app");
    assert_string_equal(session.address, "/v2/app");
    assert_int_equal(session.received, 7);
    assert_int_equal(session.parts, 2);
    assert_true(session.last_small);
    assert_false(session.small);
    assert_int_equal(session.used_ms, 99);
    assert_int_equal(layer_session_get(&fixture.ecr, &here, STR("other"), ID1, &session), -ENOENT);
    assert_int_equal(layer_session_get(&fixture.ecr, &there, STR("app"), ID1, &session), -ENOENT);
    assert_int_equal(layer_session_delete(&fixture.ecr, &here, STR("app"), ID1), 0);
    assert_int_equal(layer_session_get(&fixture.ecr, &here, STR("app"), ID1, &session), -ENOENT);
}

static int on_each(void *arg, const struct tenant *tenant, struct virga_str name,
                   const struct layer_session *session) {
    char *seen = arg;
    (void)snprintf(seen + strlen(seen), 512 - strlen(seen), "%s %.*s %.8s %s;", tenant->region,
                   (int)name.len, name.ptr, session->id, session->uid);
    return 0;
}

static void sessions_of_one_registry_and_of_all_are_walked(void **state) {
    char seen[512] = "";
    (void)state;
    put(&here, "app", ID1);
    put(&here, "app", ID2);
    put(&here, "team/app", ID1);
    put(&there, "app", ID1);
    assert_int_equal(layer_session_each(&fixture.ecr, &here, on_each, seen), 0);
    assert_string_equal(seen, "us-east-1 app 11111111 uid of app;us-east-1 app aaaaaaaa uid of app;"
                              "us-east-1 team/app 11111111 uid of team/app;");
    seen[0] = '\0';
    assert_int_equal(layer_session_each(&fixture.ecr, NULL, on_each, seen), 0);
    assert_non_null(strstr(seen, "eu-west-1 app 11111111 uid of app;us-east-1 app 11111111"));
}

static void a_repository_takes_its_sessions_along(void **state) {
    struct meta_repository repository = {.name = "app"};
    struct layer_session session;
    (void)state;
    assert_int_equal(meta_repository_create(&fixture.ecr, &here, &repository), 0);
    put(&here, "app", ID1);
    put(&here, "app2", ID1);
    assert_int_equal(meta_repository_delete(&fixture.ecr, &here, STR("app")), 0);
    assert_int_equal(layer_session_get(&fixture.ecr, &here, STR("app"), ID1, &session), -ENOENT);
    assert_int_equal(layer_session_get(&fixture.ecr, &here, STR("app2"), ID1, &session), 0);
}

static void only_the_last_part_may_be_small(void **state) {
    struct layer_session session = {0};
    (void)state;
    layer_session_accept(&session, LAYER_PART_MIN, 1);
    assert_false(session.last_small);
    layer_session_accept(&session, 2 * LAYER_PART_MIN - 1, 2);
    assert_true(session.last_small && !session.small);
    layer_session_accept(&session, 4 * LAYER_PART_MIN, 3);
    assert_true(session.small);
    assert_int_equal(session.parts, 3);
    assert_int_equal(session.received, 4 * LAYER_PART_MIN);
    assert_int_equal(session.used_ms, 3);
}

static void ids_are_the_same_in_any_letters(void **state) {
    char id[LAYER_UPLOAD_ID_LEN + 1];
    (void)state;
    layer_session_id(STR("AAAAaaaa-BBBB-cccc-DDDD-EEEEeeeeEEEE"), id);
    assert_string_equal(id, ID2);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_session_comes_back_as_it_was_put),
        TEST(sessions_of_one_registry_and_of_all_are_walked),
        TEST(a_repository_takes_its_sessions_along),
        TEST(only_the_last_part_may_be_small),
        TEST(ids_are_the_same_in_any_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
