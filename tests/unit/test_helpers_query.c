/* SPDX-License-Identifier: MIT */
/* The Query protocol's helpers, through a plugin in the testkit's host; REST JSON errors beside
 * them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/access_key.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/query.h>
#include <virga/helpers/restjson.h>
#include <virga/testkit.h>

#define XMLNS "https://example.org/doc/2026-01-01/"

static const struct virga_model_shape text = {.type = VIRGA_MODEL_STRING, .max = 20};
static const struct virga_model_shape number = {.type = VIRGA_MODEL_INTEGER, .min = 1, .max = 10};
static const struct virga_model_shape real = {.type = VIRGA_MODEL_DOUBLE};
static const struct virga_model_shape flag = {.type = VIRGA_MODEL_BOOLEAN};
static const struct virga_model_shape when = {.type = VIRGA_MODEL_TIMESTAMP};
static const struct virga_model_member tag_members[] = {
    {.name = "Key", .shape = &text, .required = 1, .shown = "key"},
    {.name = "Value", .shape = &text, .required = 1, .shown = "value"},
    {.name = NULL}};
static const struct virga_model_shape tag = {.type = VIRGA_MODEL_STRUCTURE, .members = tag_members};
static const struct virga_model_shape tags = {.type = VIRGA_MODEL_LIST, .max = 3, .element = &tag};
static const struct virga_model_shape names = {.type = VIRGA_MODEL_LIST, .element = &text};
static const struct virga_model_shape attributes = {.type = VIRGA_MODEL_MAP, .element = &text};
extern const struct virga_model_shape tree;
static const struct virga_model_member tree_members[] = {
    {.name = "T", .shape = &tree}, {.name = "Leaf", .shape = &text}, {.name = NULL}};
const struct virga_model_shape tree = {.type = VIRGA_MODEL_STRUCTURE, .members = tree_members};
static const struct virga_model_member members[] = {
    {.name = "Name", .shape = &text},
    {.name = "Count", .shape = &number, .shown = "count"},
    {.name = "Ratio", .shape = &real},
    {.name = "Force", .shape = &flag},
    {.name = "Since", .shape = &when},
    {.name = "Tags", .shape = &tags, .shown = "tags"},
    {.name = "Names", .shape = &names},
    {.name = "Attributes", .shape = &attributes},
    {.name = "Tag", .shape = &tag},
    {.name = "Tree", .shape = &tree},
    {.name = NULL}};
static const struct virga_model_shape input = {.type = VIRGA_MODEL_STRUCTURE, .members = members};

/* --- a plugin that answers the object that it was sent, as JSON --- */

static void answer_object(struct virga_request *req) {
    struct virga_query query;
    struct json_object *object = NULL;
    struct virga_json_writer writer = {0};
    int result = virga_query_parse(req, &query);
    if (result == 0) {
        result = virga_query_object(&query, &input, &object);
    }
    if (result != 0) {
        (void)virga_restjson_error(req, 400, "Fault", "%d", result);
        return;
    }
    virga_json_raw(&writer, NULL,
                   virga_str_from(json_object_to_json_string_ext(
                       object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
    json_object_put(object);
    (void)virga_restjson_answer(req, 200, &writer);
}

static void (*current)(struct virga_request *req);

static void handle(void *self, struct virga_request *req) {
    (void)self;
    current(req);
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)err;
    *ret_self = NULL;
    return 0;
}

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_QUERY, .pattern = "2026-01-01", .service = "echo"},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/rest/{Name}", .service = "echo"},
};
static const struct virga_plugin plugin = {
    VIRGA_PLUGIN_HEAD,    .name = "echo", .version = "1",   .summary = "Echo",
    VIRGA_ROUTES(routes), .start = start, .handle = handle,
};

static struct testkit *begin(void (*handler)(struct virga_request *req)) {
    struct testkit *kit = testkit_create(&plugin);
    current = handler;
    assert_int_equal(testkit_start(kit), 0);
    return kit;
}

/* What the parameters become. */
static void check(const char *form, const char *object) {
    char whole[4096];
    struct testkit *kit = begin(answer_object);
    (void)snprintf(whole, sizeof whole, "Action=Echo&Version=2026-01-01%s%s", form[0] ? "&" : "",
                   form);
    struct testkit_request *req = testkit_ask_query(kit, "echo", whole);
    assert_string_equal(testkit_body(req), object);
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- parameters --- */

static void scalars_get_the_types_of_the_model(void **state) {
    (void)state;
    check("", "{}");
    check("Name=a&Count=7&Force=true", "{\"Name\":\"a\",\"Count\":7,\"Force\":true}");
    check("Force=false&Count=-3", "{\"Count\":-3,\"Force\":false}");
    check("Name=", "{\"Name\":\"\"}");
    check("Name", "{\"Name\":\"\"}");
    check("Ratio=0.5", "{\"Ratio\":0.5}");
}

static void what_is_no_number_stays_text_for_the_model_to_refuse(void **state) {
    (void)state;
    check("Count=seven", "{\"Count\":\"seven\"}");
    check("Count=7x", "{\"Count\":\"7x\"}");
    check("Count=", "{\"Count\":\"\"}");
    check("Count=99999999999999999999", "{\"Count\":\"99999999999999999999\"}");
    check("Force=yes", "{\"Force\":\"yes\"}");
    check("Ratio=nan", "{\"Ratio\":\"nan\"}");
    check("Since=yesterday", "{\"Since\":\"yesterday\"}");
}

static void timestamps_become_seconds(void **state) {
    (void)state;
    check("Since=1970-01-01T00:01:00Z", "{\"Since\":60.0}");
    check("Since=2026-11-23T15%3A06%3A19.5%2B01%3A00", "{\"Since\":1795442779.5}");
}

static void names_and_values_are_decoded(void **state) {
    (void)state;
    check("Name=a+b%26c%3D%C3%A9", "{\"Name\":\"a b&c=\xc3\xa9\"}");
    check("%4eame=x", "{\"Name\":\"x\"}");
}

static void lists_are_numbered_with_or_without_member(void **state) {
    (void)state;
    check("Names.member.1=a&Names.member.2=b", "{\"Names\":[\"a\",\"b\"]}");
    check("Names.1=a&Names.2=b", "{\"Names\":[\"a\",\"b\"]}");
    check("Names=", "{\"Names\":[]}");
    check("Names.member.2=b&Names.member.1=a&Names.member.10=far", "{\"Names\":[\"a\",\"b\"]}");
}

static void lists_pass_the_ninth_element_in_order(void **state) {
    (void)state;
    check("Names.1=a&Names.2=b&Names.3=c&Names.4=d&Names.5=e&Names.6=f&Names.7=g&Names.8=h&"
          "Names.9=i&Names.10=j&Names.11=k",
          "{\"Names\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]}");
}

static void structures_lie_below_their_name(void **state) {
    (void)state;
    check("Tag.Key=k&Tag.Value=v", "{\"Tag\":{\"Key\":\"k\",\"Value\":\"v\"}}");
    check("Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b",
          "{\"Tags\":[{\"Key\":\"a\",\"Value\":\"1\"},{\"Key\":\"b\"}]}");
    /* A name that only begins alike is another one. */
    check("Tagged.Key=k&Tag=v&Tag.Keys=z", "{\"Tag\":{}}");
}

static void maps_are_entries_of_key_and_value(void **state) {
    (void)state;
    check("Attributes.entry.1.key=a&Attributes.entry.1.value=1&Attributes.entry.2.key=b&"
          "Attributes.entry.2.value=2",
          "{\"Attributes\":{\"a\":\"1\",\"b\":\"2\"}}");
    check("Attributes.1.key=a&Attributes.1.value=1", "{\"Attributes\":{\"a\":\"1\"}}");
}

static void of_two_with_one_name_the_first_counts(void **state) {
    (void)state;
    check("Name=first&Name=second&Name=third", "{\"Name\":\"first\"}");
}

static void nesting_ends_where_the_bound_is(void **state) {
    char form[400] = "Tree";
    (void)state;
    for (int i = 0; i < 40; i++) {
        strcat(form, ".T");
    }
    strcat(form, ".Leaf=x");
    struct testkit *kit = begin(answer_object);
    char whole[500];
    (void)snprintf(whole, sizeof whole, "Action=Echo&Version=2026-01-01&%s", form);
    struct testkit_request *req = testkit_ask_query(kit, "echo", whole);
    assert_int_equal(testkit_status(req), 200);
    assert_null(strstr(testkit_body(req), "Leaf"));
    assert_int_equal(testkit_destroy(kit), 0);
}

static void malformed_text_is_refused(void **state) {
    const char *const forms[] = {"Name=%",   "Name=%4", "Name=%zz",
                                 "Name=%ff", "%c3=x",   "Name=%C3%28"};
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char expected[40];
        (void)snprintf(expected, sizeof expected, "{\"message\":\"%d\"}", -EBADMSG);
        check(forms[i], expected);
    }
}

static void too_many_parameters_are_refused(void **state) {
    size_t size = VIRGA_QUERY_PARAMETERS_MAX * 4 + 100;
    char *form = calloc(1, size);
    char expected[40];
    (void)state;
    assert_non_null(form);
    strcpy(form, "Action=Echo&Version=2026-01-01");
    size_t len = strlen(form);
    for (int i = 0; i < VIRGA_QUERY_PARAMETERS_MAX - 1; i++) {
        memcpy(form + len, "&a=", 4);
        len += 3;
    }
    struct testkit *kit = begin(answer_object);
    (void)snprintf(expected, sizeof expected, "{\"message\":\"%d\"}", -E2BIG);
    assert_string_equal(testkit_body(testkit_ask_query(kit, "echo", form)), expected);
    form[len - 3] = '\0';
    assert_string_equal(testkit_body(testkit_ask_query(kit, "echo", form)), "{}");
    assert_int_equal(testkit_destroy(kit), 0);
    free(form);
}

static void parameters_come_from_the_url_too(void **state) {
    (void)state;
    struct testkit *kit = begin(answer_object);
    struct testkit_request *req = testkit_request_create(
        kit, "GET", "/?Action=Echo&Version=2026-01-01&Name=url&Names.member.1=x");
    testkit_request_identity(req, NULL, NULL, "echo");
    assert_int_equal(testkit_send(req), 0);
    (void)testkit_run(kit);
    assert_string_equal(testkit_body(req), "{\"Name\":\"url\",\"Names\":[\"x\"]}");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void memory_that_runs_out_is_an_error(void **state) {
    (void)state;
    struct testkit *kit = begin(answer_object);
    unsigned failures = 0;
    for (unsigned n = 1; n < 10; n++) {
        testkit_fail_alloc(kit, n);
        struct testkit_request *req =
            testkit_ask_query(kit, "echo", "Action=Echo&Version=2026-01-01&Name=a");
        char expected[40];
        (void)snprintf(expected, sizeof expected, "{\"message\":\"%d\"}", -ENOMEM);
        if (strcmp(testkit_body(req), expected) == 0) {
            failures++;
        }
        testkit_fail_alloc(kit, 0);
    }
    assert_int_equal(failures, 2); /* the parameters, their text */
    assert_int_equal(testkit_destroy(kit), 0);
}

static void faults_are_worded_as_in_other_protocols(void **state) {
    struct virga_query query;
    struct json_object *object = NULL;
    struct virga_model_fault fault;
    char message[500];
    const struct virga_query_parameter parameters[] = {
        {virga_str_from("Tags.member.1.Key"), virga_str_from("k")}};
    (void)state;
    query = (struct virga_query){parameters, 1};
    assert_int_equal(virga_query_object(&query, &input, &object), 0);
    assert_int_equal(virga_model_check(&input, object, &fault), -EINVAL);
    virga_model_message_validation(&fault, message, sizeof message);
    assert_string_equal(message, "1 validation error detected: Value null at "
                                 "'tags.1.member.value' failed to satisfy constraint: Member must "
                                 "not be null");
    json_object_put(object);
    assert_string_equal(virga_query_str(&query, "Tags.member.1.Key").ptr, "k");
    assert_null(virga_query_str(&query, "Tags").ptr);
}

/* --- answers --- */

static void give_result(struct virga_request *req) {
    struct virga_xml_writer writer = {0};
    virga_query_begin(&writer, "Echo", XMLNS);
    virga_xml_string(&writer, "Name", "a<b");
    (void)virga_query_answer(req, &writer, "Echo");
}

static void give_nothing(struct virga_request *req) {
    (void)virga_query_answer_empty(req, "Echo", XMLNS);
}

static void give_fault(struct virga_request *req) {
    (void)virga_query_error(req, 404, XMLNS, "NoSuchEntity", "no %s", "\"x\" & y");
}

static void give_failure(struct virga_request *req) {
    (void)virga_query_error(req, 500, NULL, "InternalFailure", NULL);
}

static void give_rest_fault(struct virga_request *req) {
    (void)virga_restjson_error(req, 409, "ConflictException", "%s", "it \"is\" there");
}

/* Asks once; the answer without what differs every time. */
static void check_answer(void (*handler)(struct virga_request *req), const char *target, int status,
                         const char *type, const char *error_type, const char *body) {
    struct testkit *kit = begin(handler);
    char seen[1000];
    struct testkit_request *req =
        target != NULL ? testkit_ask(kit, "GET", target, NULL)
                       : testkit_ask_query(kit, "echo", "Action=Echo&Version=2026-01-01");
    assert_int_equal(testkit_status(req), status);
    assert_string_equal(testkit_header(req, "content-type"), type);
    if (error_type != NULL) {
        assert_string_equal(testkit_header(req, "x-amzn-errortype"), error_type);
    } else {
        assert_null(testkit_header(req, "x-amzn-errortype"));
    }
    (void)snprintf(seen, sizeof seen, "%s", testkit_body(req));
    char *id = strstr(seen, "<RequestId>");
    if (id != NULL) {
        char *end = strstr(id, "</RequestId>");
        assert_non_null(end);
        assert_true(end > id + strlen("<RequestId>"));
        memmove(id + strlen("<RequestId>"), end, strlen(end) + 1);
    }
    assert_string_equal(seen, body);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void results_stand_in_the_elements_of_their_action(void **state) {
    (void)state;
    check_answer(give_result, NULL, 200, "text/xml", NULL,
                 "<EchoResponse xmlns=\"" XMLNS "\"><EchoResult><Name>a&lt;b</Name></EchoResult>"
                 "<ResponseMetadata><RequestId></RequestId></ResponseMetadata></EchoResponse>");
    check_answer(give_nothing, NULL, 200, "text/xml", NULL,
                 "<EchoResponse xmlns=\"" XMLNS "\">"
                 "<ResponseMetadata><RequestId></RequestId></ResponseMetadata></EchoResponse>");
}

static void errors_name_whose_fault_it_is(void **state) {
    (void)state;
    check_answer(give_fault, NULL, 404, "text/xml", NULL,
                 "<ErrorResponse xmlns=\"" XMLNS "\"><Error><Type>Sender</Type>"
                 "<Code>NoSuchEntity</Code><Message>no &quot;x&quot; &amp; y</Message></Error>"
                 "<RequestId></RequestId></ErrorResponse>");
    check_answer(give_failure, NULL, 500, "text/xml", NULL,
                 "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code></Error>"
                 "<RequestId></RequestId></ErrorResponse>");
}

static void rest_json_errors_have_their_type_in_a_header(void **state) {
    (void)state;
    check_answer(give_rest_fault, "/rest/x", 409, "application/json", "ConflictException",
                 "{\"message\":\"it \\\"is\\\" there\"}");
}

/* --- access keys --- */

static void access_keys_carry_their_account(void **state) {
    static const char *const accounts[] = {"000000000000", "000000000001", "123456789012",
                                           "999999999999"};
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    char account[VIRGA_ACCOUNT_LEN + 1];
    (void)state;
    for (uint32_t chance = 0; chance < 1000; chance++) {
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(
                virga_access_key_make(virga_str_from(accounts[i]), chance * 8388593u, key), 0);
            assert_int_equal(strlen(key), VIRGA_ACCESS_KEY_LEN);
            assert_memory_equal(key, "ASIA", 4);
            assert_int_equal(virga_access_key_account(virga_str_from(key), account), 0);
            assert_string_equal(account, accounts[i]);
            assert_int_equal(
                virga_access_key_make_user(virga_str_from(accounts[i]), chance * 8388593u, key), 0);
            assert_memory_equal(key, "AKIA", 4);
            assert_int_equal(virga_access_key_account(virga_str_from(key), account), 0);
            assert_string_equal(account, accounts[i]);
        }
    }
}

static void access_keys_of_others_are_not_taken_for_ours(void **state) {
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    char account[VIRGA_ACCOUNT_LEN + 1];
    (void)state;
    assert_int_equal(virga_access_key_make(virga_str_from("123456789012"), 77, key), 0);
    for (size_t i = 0; i < VIRGA_ACCESS_KEY_LEN; i++) {
        char before = key[i];
        key[i] = before == 'Q' ? 'R' : 'Q';
        assert_int_equal(virga_access_key_account(virga_str_from(key), account), -EINVAL);
        key[i] = before;
    }
    assert_int_equal(virga_access_key_account(virga_str_from("AKIAIOSFODNN7EXAMPLE"), account),
                     -EINVAL);
    assert_int_equal(virga_access_key_account(virga_str_from("ASIAIOSFODNN7EXAMPL0"), account),
                     -EINVAL);
    assert_int_equal(virga_access_key_account(virga_str_from(""), account), -EINVAL);
    assert_int_equal(virga_access_key_make(virga_str_from("12345678901"), 0, key), -EINVAL);
    assert_int_equal(virga_access_key_make(virga_str_from("12345678901x"), 0, key), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_get_the_types_of_the_model),
        cmocka_unit_test(what_is_no_number_stays_text_for_the_model_to_refuse),
        cmocka_unit_test(timestamps_become_seconds),
        cmocka_unit_test(names_and_values_are_decoded),
        cmocka_unit_test(lists_are_numbered_with_or_without_member),
        cmocka_unit_test(lists_pass_the_ninth_element_in_order),
        cmocka_unit_test(structures_lie_below_their_name),
        cmocka_unit_test(maps_are_entries_of_key_and_value),
        cmocka_unit_test(of_two_with_one_name_the_first_counts),
        cmocka_unit_test(nesting_ends_where_the_bound_is),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(parameters_come_from_the_url_too),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
        cmocka_unit_test(faults_are_worded_as_in_other_protocols),
        cmocka_unit_test(results_stand_in_the_elements_of_their_action),
        cmocka_unit_test(errors_name_whose_fault_it_is),
        cmocka_unit_test(rest_json_errors_have_their_type_in_a_header),
        cmocka_unit_test(access_keys_carry_their_account),
        cmocka_unit_test(access_keys_of_others_are_not_taken_for_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
