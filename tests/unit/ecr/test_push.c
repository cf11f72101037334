/* SPDX-License-Identifier: MIT */
/* Which tags may move: the four mutabilities and their filters. */
#include "push.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool immutable(enum meta_mutability mutability, const char *filter, const char *tag) {
    char copy[129];
    struct meta_repository repository = {.mutability = mutability};
    if (filter != NULL) {
        (void)snprintf(copy, sizeof copy, "%s", filter);
        repository.exclusions[0] = copy;
        repository.exclusions_count = 1;
    }
    return push_tag_is_immutable(&repository, tag);
}

static void mutability_says_which_tags_may_move(void **state) {
    (void)state;
    assert_false(immutable(META_MUTABLE, NULL, "v1"));
    assert_true(immutable(META_IMMUTABLE, NULL, "v1"));
    assert_true(immutable(META_IMMUTABLE_WITH_EXCLUSION, "latest", "v1"));
    assert_false(immutable(META_IMMUTABLE_WITH_EXCLUSION, "latest", "latest"));
    assert_false(immutable(META_MUTABLE_WITH_EXCLUSION, "prod-*", "v1"));
    assert_true(immutable(META_MUTABLE_WITH_EXCLUSION, "prod-*", "prod-1"));
}

static void wildcards_stand_for_any_characters(void **state) {
    static const struct {
        const char *filter;
        const char *tag;
        bool match;
    } cases[] = {
        {"*", "v1", true},          {"v*", "v", true},       {"v*", "1v", false},
        {"*-dev", "a-dev", true},   {"*-dev", "dev", false}, {"a*b*", "axxbyy", true},
        {"a*b*c", "axbxbc", true},  {"a*b", "axbx", false},  {"latest", "latest2", false},
        {"latest", "lates", false}, {"**", "x", true},       {"*a*a", "aa", true},
        {"*a*a", "a", false},       {"v1.0", "v1x0", false}, {"*ab", "aab", true},
        {"V*", "v1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(immutable(META_MUTABLE_WITH_EXCLUSION, cases[i].filter, cases[i].tag),
                         cases[i].match);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutability_says_which_tags_may_move),
        cmocka_unit_test(wildcards_stand_for_any_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
