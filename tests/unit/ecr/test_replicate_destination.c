/* SPDX-License-Identifier: MIT */
/* The repository that replication makes. */
#include "ecr_fixture.h"

#include "replicate_destination.h"

static const struct tenant there = {"222222222222", "eu-west-1"};

static void a_missing_repository_is_made_with_the_defaults(void **state) {
    struct meta_repository repository;
    (void)state;
    assert_int_equal(make_destination_repository(&fixture.ecr, &there, STR("team/app")), 0);
    assert_int_equal(meta_repository_get(&fixture.ecr, &there, STR("team/app"), &repository), 0);
    assert_int_equal(repository.mutability, META_MUTABLE);
    assert_false(repository.scan_on_push);
    assert_string_equal(repository.encryption_type, "AES256");
    assert_int_equal(repository.created_ms, fixture.now_ms);
    meta_repository_finish(&repository);
}

static void one_that_is_there_stays_as_it_is(void **state) {
    struct meta_repository repository = {.name = "app", .mutability = META_IMMUTABLE}, found;
    (void)state;
    assert_int_equal(meta_repository_create(&fixture.ecr, &there, &repository), 0);
    assert_int_equal(make_destination_repository(&fixture.ecr, &there, STR("app")), 0);
    assert_int_equal(meta_repository_get(&fixture.ecr, &there, STR("app"), &found), 0);
    assert_int_equal(found.mutability, META_IMMUTABLE);
    assert_string_equal(found.uid, repository.uid);
    meta_repository_finish(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_missing_repository_is_made_with_the_defaults,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_there_stays_as_it_is, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
