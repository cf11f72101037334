/* SPDX-License-Identifier: MIT */
/* Records of functions: order, tenants, what goes with a deletion, transactions. */
#include "api_fixture.h"

static const struct tenant elsewhere = {ACCOUNT, "eu-west-1"};

static void put(const struct tenant *tenant, const char *name, const char *version) {
    struct json_object *document = json_tokener_parse(
        format("{\"FunctionName\":\"%s\",\"Version\":\"%s\",\"RevisionId\":\"r\",\"Image\":{"
               "\"Digest\":\"sha256:x\"}}",
               name, version));
    assert_non_null(document);
    assert_int_equal(functions_put(&fixture.lambda, tenant, document, NULL), 0);
}

static char seen[1024];

static bool on_function(void *arg, struct function *function) {
    const char *stop = arg;
    size_t len = strlen(seen);
    (void)snprintf(seen + len, sizeof seen - len, "%s:%s ", function->name, function->version);
    return stop == NULL || strcmp(stop, function->version) != 0;
}

static void versions_are_walked_by_number_with_latest_first(void **state) {
    (void)state;
    seen[0] = '\0';
    put(&here, "f", "10");
    put(&here, "f", "9");
    put(&here, "f", "100");
    put(&here, "f", "1");
    put(&here, "f", "$LATEST");
    put(&here, "f2", "$LATEST");
    put(&here, "f2", "3");
    assert_int_equal(functions_each(&fixture.lambda, &here, "f", NULL, on_function, NULL), 0);
    assert_string_equal(seen, "f:$LATEST f:1 f:9 f:10 f:100 ");
    seen[0] = '\0';
    assert_int_equal(functions_each(&fixture.lambda, &here, "f", "9", on_function, NULL), 0);
    assert_string_equal(seen, "f:10 f:100 ");
    seen[0] = '\0';
    assert_int_equal(functions_each(&fixture.lambda, &here, "f", "$LATEST", on_function,
                                    (void *)(uintptr_t) "9"),
                     0);
    assert_string_equal(seen, "f:1 f:9 ");
}

static void functions_are_walked_by_name_within_their_tenant(void **state) {
    (void)state;
    put(&here, "b", "$LATEST");
    put(&here, "a", "$LATEST");
    put(&here, "a", "1");
    put(&here, "a-b", "$LATEST");
    put(&elsewhere, "c", "$LATEST");
    seen[0] = '\0';
    assert_int_equal(functions_each(&fixture.lambda, &here, NULL, NULL, on_function, NULL), 0);
    assert_string_equal(seen, "a:$LATEST a-b:$LATEST b:$LATEST ");
    seen[0] = '\0';
    assert_int_equal(functions_each(&fixture.lambda, &here, NULL, "a", on_function, NULL), 0);
    assert_string_equal(seen, "a-b:$LATEST b:$LATEST ");
    seen[0] = '\0';
    assert_int_equal(functions_each_all(&fixture.lambda, on_function, NULL), 0);
    assert_string_equal(seen, "c:$LATEST a:$LATEST a-b:$LATEST b:$LATEST a:1 ");
}

static void replacing_a_version_makes_the_old_one_stale(void **state) {
    (void)state;
    struct function *old = NULL, *new = NULL;
    put(&here, "f", "$LATEST");
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &old), 0);
    assert_false(old->stale);
    put(&here, "f", "$LATEST");
    assert_true(old->stale);
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &new), 0);
    assert_ptr_not_equal(old, new);
    assert_false(new->stale);
    function_unref(old);
    function_unref(new);
}

static void put_side(enum side_kind kind, const char *name, const char *id, const char *text) {
    struct json_object *json = json_tokener_parse(text);
    assert_int_equal(side_put(&fixture.lambda, kind, &here, name, id, json), 0);
    json_object_put(json);
}

static void an_alias_is_resolved_by_its_weights(void **state) {
    (void)state;
    struct function *function = NULL;
    put(&here, "f", "1");
    put(&here, "f", "2");
    put_side(SIDE_ALIAS, "f", "live",
             "{\"FunctionVersion\":\"1\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":"
             "0.25}}}");
    static const struct {
        double dice;
        const char *version;
    } rolls[] = {{0, "2"}, {0.24, "2"}, {0.25, "1"}, {0.99, "1"}, {1, "1"}};
    for (size_t i = 0; i < sizeof rolls / sizeof rolls[0]; i++) {
        assert_int_equal(
            functions_resolve(&fixture.lambda, &here, "f", "live", rolls[i].dice, &function), 0);
        assert_string_equal(function->version, rolls[i].version);
        function_unref(function);
    }
    assert_int_equal(functions_resolve(&fixture.lambda, &here, "f", "dead", 0, &function), -ENOENT);
    assert_int_equal(functions_resolve(&fixture.lambda, &here, "f", "3", 0, &function), -ENOENT);
    assert_int_equal(functions_resolve(&fixture.lambda, &here, "f", "", 0, &function), -ENOENT);
}

static bool on_side(void *arg, const char *name, const char *id, struct json_object *json) {
    size_t len = strlen(seen);
    (void)arg;
    (void)json;
    (void)snprintf(seen + len, sizeof seen - len, "%s/%s ", name, id);
    return true;
}

static void side_records_are_walked_by_function_and_id(void **state) {
    (void)state;
    put_side(SIDE_ALIAS, "f", "b", "{}");
    put_side(SIDE_ALIAS, "f", "a", "{}");
    put_side(SIDE_ALIAS, "g", "c", "{}");
    put_side(SIDE_ALIAS, "fg", "d", "{}");
    put_side(SIDE_URL, "f", "", "{}");
    seen[0] = '\0';
    assert_int_equal(side_each(&fixture.lambda, SIDE_ALIAS, &here, "f", NULL, on_side, NULL), 0);
    assert_string_equal(seen, "f/a f/b ");
    seen[0] = '\0';
    assert_int_equal(side_each(&fixture.lambda, SIDE_ALIAS, &here, "f", "a", on_side, NULL), 0);
    assert_string_equal(seen, "f/b ");
    seen[0] = '\0';
    assert_int_equal(side_each(&fixture.lambda, SIDE_ALIAS, &here, NULL, "f\nb", on_side, NULL), 0);
    assert_string_equal(seen, "fg/d g/c ");
    seen[0] = '\0';
    assert_int_equal(side_each(&fixture.lambda, SIDE_URL, &here, "f", NULL, on_side, NULL), 0);
    assert_string_equal(seen, "f/ ");
}

static void deleting_a_function_takes_all_that_is_its_own_and_nothing_else(void **state) {
    (void)state;
    static const char kinds[] = "apuetcvnrms";
    struct json_object *json = NULL;
    struct function *held = NULL;
    char owner[256];
    for (const char *kind = kinds; *kind != '\0'; kind++) {
        put_side((enum side_kind) * kind, "f", "x", "{}");
        put_side((enum side_kind) * kind, "fa", "x", "{}");
    }
    put(&here, "f", "$LATEST");
    put(&here, "f", "1");
    put(&here, "fa", "$LATEST");
    put(&elsewhere, "f", "$LATEST");
    put_side(SIDE_URL, "f", "", "{\"UrlId\":\"1\"}");
    put_side(SIDE_URL, "f", "live", "{\"UrlId\":\"2\"}");
    put_side(SIDE_URL, "fa", "", "{\"UrlId\":\"3\"}");
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(fact_put(&fixture.lambda, format("url/%d", i), "owner"), 0);
    }
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "1", &held), 0);

    assert_int_equal(functions_delete(&fixture.lambda, &here, "f"), 0);
    assert_true(held->stale);
    function_unref(held);
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "1", &held), -ENOENT);
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &held), -ENOENT);
    for (const char *kind = kinds; *kind != '\0'; kind++) {
        assert_int_equal(side_get(&fixture.lambda, (enum side_kind) * kind, &here, "f", "x", &json),
                         -ENOENT);
        assert_int_equal(
            side_get(&fixture.lambda, (enum side_kind) * kind, &here, "fa", "x", &json), 0);
        json_object_put(json);
    }
    assert_int_equal(fact_get(&fixture.lambda, "url/1", owner, sizeof owner), -ENOENT);
    assert_int_equal(fact_get(&fixture.lambda, "url/2", owner, sizeof owner), -ENOENT);
    assert_int_equal(fact_get(&fixture.lambda, "url/3", owner, sizeof owner), 0);
    assert_int_equal(functions_get(&fixture.lambda, &elsewhere, "f", "$LATEST", &held), 0);
    function_unref(held);
    assert_int_equal(functions_delete(&fixture.lambda, &here, "f"), -ENOENT);
}

static void what_is_taken_back_is_not_in_the_cache_either(void **state) {
    (void)state;
    struct function *function = NULL;
    assert_int_equal(functions_begin(&fixture.lambda), 0);
    put(&here, "f", "$LATEST");
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &function), 0);
    function_unref(function);
    assert_int_equal(functions_end(&fixture.lambda, &here, "f", -EIO), -EIO);
    assert_int_equal(functions_get(&fixture.lambda, &here, "f", "$LATEST", &function), -ENOENT);
}

static void a_record_without_its_members_is_told_apart(void **state) {
    (void)state;
    struct json_object *document = json_tokener_parse("{\"FunctionName\":\"f\"}");
    struct function *function = NULL;
    assert_int_equal(functions_put(&fixture.lambda, &here, document, &function), -EBADMSG);
}

static void a_fact_that_does_not_fit_is_told(void **state) {
    (void)state;
    char text[4];
    assert_int_equal(fact_put(&fixture.lambda, "k", "four"), 0);
    assert_int_equal(fact_get(&fixture.lambda, "k", text, sizeof text), -ENOSPC);
    assert_int_equal(fact_delete(&fixture.lambda, "k"), 0);
    assert_int_equal(fact_get(&fixture.lambda, "k", text, sizeof text), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(versions_are_walked_by_number_with_latest_first),
        TEST(functions_are_walked_by_name_within_their_tenant),
        TEST(replacing_a_version_makes_the_old_one_stale),
        TEST(an_alias_is_resolved_by_its_weights),
        TEST(side_records_are_walked_by_function_and_id),
        TEST(deleting_a_function_takes_all_that_is_its_own_and_nothing_else),
        TEST(what_is_taken_back_is_not_in_the_cache_either),
        TEST(a_record_without_its_members_is_told_apart),
        TEST(a_fact_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
