/* SPDX-License-Identifier: MIT */
/* The tables of ECR's inputs: each constraint and its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/awsjson.h>

#include "model.h"

#define NAME_PATTERN "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*"
#define BAD(member, constraint)                                                                    \
    "Invalid parameter at '" member "' failed to satisfy constraint: '" constraint "'"

#define WITH_EXCLUSION                                                                             \
    "{\"repositoryName\":\"app\",\"imageTagMutability\":\"IMMUTABLE_WITH_EXCLUSION\","             \
    "\"imageTagMutabilityExclusionFilters\":[{\"filterType\":\"%s\",\"filter\":\"%s\"}]}"

/* The message for a body; "" when it is good, and the bare text when a type is wrong. */
static const char *check(const struct virga_model_shape *shape, const char *body) {
    static char message[2048];
    struct json_object *input = NULL;
    struct virga_model_fault fault;
    message[0] = '\0';
    assert_int_equal(virga_awsjson_parse(virga_str_from(body), &input), 0);
    if (virga_model_check(shape, input, &fault) != 0) {
        if (fault.kind == VIRGA_MODEL_FAULT_TYPE) {
            (void)snprintf(message, sizeof message, "%s", fault.constraint);
        } else {
            virga_model_message_parameter(&fault, message, sizeof message);
        }
    }
    json_object_put(input);
    return message;
}

static void repository_name_is_checked_by_hand(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_delete_repository;
    char body[600], name[300];
    assert_string_equal(check(shape, "{\"repositoryName\":\"a--b/c__d.e/f-g\"}"), "");
    assert_string_equal(check(shape, "{}"), BAD("repositoryName", "must not be null"));
    assert_string_equal(check(shape, "{\"repositoryName\":null}"),
                        BAD("repositoryName", "must not be null"));
    assert_string_equal(check(shape, "{\"repositoryName\":\"a\"}"),
                        BAD("repositoryName", "must have length greater than or equal to 2"));
    memset(name, 'a', 257);
    name[257] = '\0';
    (void)snprintf(body, sizeof body, "{\"repositoryName\":\"%s\"}", name);
    assert_string_equal(check(shape, body),
                        BAD("repositoryName", "must have length less than or equal to 256"));
    name[256] = '\0';
    (void)snprintf(body, sizeof body, "{\"repositoryName\":\"%s\"}", name);
    assert_string_equal(check(shape, body), "");
    static const char *const bad[] = {"App", "a..b", "a___b", "a_-b", "-a",  "a-",
                                      "a/",  "/a",   "a//b",  "a b",  "a:b", "\xc3\xa9t\xc3\xa9",
                                      "a._b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(body, sizeof body, "{\"repositoryName\":\"%s\"}", bad[i]);
        assert_string_equal(
            check(shape, body),
            BAD("repositoryName", "must satisfy regular expression '" NAME_PATTERN "'"));
    }
}

static void registry_id_is_12_digits(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_describe_repositories;
    assert_string_equal(check(shape, "{\"registryId\":\"012345678901\"}"), "");
    assert_string_equal(check(shape, "{\"registryId\":\"1234\"}"),
                        BAD("registryId", "must satisfy regular expression [0-9]{12}"));
    assert_string_equal(check(shape, "{\"registryId\":\"12345678901x\"}"),
                        BAD("registryId", "must satisfy regular expression [0-9]{12}"));
}

static void numbers_have_bounds(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_describe_repositories;
    assert_string_equal(check(shape, "{\"maxResults\":1}"), "");
    assert_string_equal(check(shape, "{\"maxResults\":1000}"), "");
    assert_string_equal(check(shape, "{\"maxResults\":1001}"),
                        BAD("maxResults", "Member must have value less than or equal to 1000"));
    assert_string_equal(check(shape, "{\"maxResults\":0}"),
                        BAD("maxResults", "Member must have value greater than or equal to 1"));
}

static void lists_have_bounds(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_batch_get_image;
    char body[8192] = "{\"repositoryName\":\"app\",\"imageIds\":[";
    assert_string_equal(check(shape, "{\"repositoryName\":\"app\"}"),
                        BAD("imageIds", "Member must not be null"));
    assert_string_equal(check(shape, "{\"repositoryName\":\"app\",\"imageIds\":[]}"),
                        BAD("imageIds", "Member must have length greater than or equal to 1"));
    for (int i = 0; i < 101; i++) {
        (void)snprintf(body + strlen(body), sizeof body - strlen(body), "%s{\"imageTag\":\"t\"}",
                       i > 0 ? "," : "");
    }
    (void)snprintf(body + strlen(body), sizeof body - strlen(body), "]}");
    assert_string_equal(check(shape, body),
                        BAD("imageIds", "Member must have length less than or equal to 100"));
    assert_string_equal(
        check(shape, "{\"repositoryName\":\"app\",\"imageIds\":[{\"imageTag\":\"\"}]}"),
        BAD("imageIds.1.member.imageTag", "Member must have length greater than or equal to 1"));
}

static void members_of_lists_are_counted_from_one(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_tag_resource;
    assert_string_equal(check(shape, "{\"resourceArn\":\"x\",\"tags\":[{\"Key\":\"a\",\"Value\":"
                                     "\"b\"},{\"Value\":\"c\"}]}"),
                        BAD("tags.2.member.key", "Member must not be null"));
    assert_string_equal(check(shape, "{\"resourceArn\":\"x\",\"tags\":[{\"Key\":\"a\"}]}"),
                        BAD("tags.1.member.value", "Member must not be null"));
    assert_string_equal(check(shape, "{\"resourceArn\":\"x\",\"tags\":[null]}"),
                        BAD("tags.1.member", "Member must not be null"));
    assert_string_equal(check(shape, "{\"resourceArn\":\"x\"}"),
                        BAD("tags", "Member must not be null"));
}

static void enums_list_their_values(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_put_image_tag_mutability;
    assert_string_equal(check(shape, "{\"repositoryName\":\"app\"}"),
                        BAD("imageTagMutability", "Member must not be null"));
    assert_string_equal(
        check(shape, "{\"repositoryName\":\"app\",\"imageTagMutability\":\"mutable\"}"),
        BAD("imageTagMutability",
            "Member must satisfy enum value set: [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, "
            "IMMUTABLE_WITH_EXCLUSION]"));
    assert_string_equal(
        check(&model_list_images, "{\"repositoryName\":\"app\",\"filter\":{\"tagStatus\":\"x\"}}"),
        BAD("filter.tagStatus", "Member must satisfy enum value set: [TAGGED, UNTAGGED, ANY]"));
}

static void exclusion_filters_have_a_pattern(void **state) {
    (void)state;
    char body[512];
    const struct virga_model_shape *shape = &model_put_image_tag_mutability;
    (void)snprintf(body, sizeof body, WITH_EXCLUSION, "WILDCARD", "v*-x_1.2");
    assert_string_equal(check(shape, body), "");
    (void)snprintf(body, sizeof body, WITH_EXCLUSION, "WILDCARD", "v?");
    assert_string_equal(
        check(shape, body),
        BAD("imageTagMutabilityExclusionFilters.1.member.filter",
            "Member must satisfy regular expression pattern: ^[0-9a-zA-Z._*-]{1,128}$"));
    (void)snprintf(body, sizeof body, WITH_EXCLUSION, "REGEX", "v*");
    assert_string_equal(check(shape, body),
                        BAD("imageTagMutabilityExclusionFilters.1.member.filterType",
                            "Member must satisfy enum value set: [WILDCARD]"));
}

static void texts_have_bounds(void **state) {
    (void)state;
    assert_string_equal(
        check(&model_put_lifecycle_policy,
              "{\"repositoryName\":\"app\",\"lifecyclePolicyText\":\"{}\"}"),
        BAD("lifecyclePolicyText", "Member must have length greater than or equal to 100"));
    assert_string_equal(
        check(&model_set_repository_policy, "{\"repositoryName\":\"app\",\"policyText\":\"\"}"),
        "");
}

static void wrong_types_are_serialization_faults(void **state) {
    (void)state;
    const struct virga_model_shape *shape = &model_describe_repositories;
    assert_string_equal(check(shape, "{\"maxResults\":\"10\"}"),
                        "STRING_VALUE can not be converted to an Integer");
    assert_string_equal(check(shape, "{\"maxResults\":1.5}"),
                        "DECIMAL_VALUE can not be converted to an Integer");
    assert_string_equal(check(shape, "{\"registryId\":123456789012}"),
                        "NUMBER_VALUE can not be converted to a String");
    assert_string_equal(check(shape, "{\"registryId\":{}}"),
                        "Start of structure or map found where not expected.");
    assert_string_equal(check(shape, "{\"repositoryNames\":\"app\"}"), "Expected list or null");
    assert_string_equal(
        check(&model_delete_repository, "{\"repositoryName\":\"app\",\"force\":\"yes\"}"),
        "STRING_VALUE can not be converted to a Boolean");
    assert_string_equal(
        check(&model_list_images, "{\"repositoryName\":\"app\",\"filter\":\"TAGGED\"}"),
        "Expected structure or null");
}

static void unknown_members_are_ignored(void **state) {
    (void)state;
    assert_string_equal(check(&model_list_images, "{\"repositoryName\":\"app\",\"new\":[1,{}]}"),
                        "");
}

static void identifiers_of_images_have_patterns(void **state) {
    (void)state;
    assert_true(model_is_digest(virga_str_from("sha256:00ffAA")));
    assert_false(model_is_digest(virga_str_from("sha256:")));
    assert_false(model_is_digest(virga_str_from("sha256:xyz")));
    assert_false(model_is_digest(virga_str_from("deadbeef")));
    assert_false(model_is_digest(virga_str_from(":aa")));
    assert_true(model_is_tag(virga_str_from("v1.0-rc_2")));
    assert_false(model_is_tag(virga_str_from("v1+2")));
    assert_false(model_is_tag(virga_str_from("")));
}

static void grammars_of_the_registry_settings(void **state) {
    (void)state;
    static const struct {
        int (*matches)(struct virga_str text);
        const char *good, *bad;
    } cases[] = {
        {model_is_prefix, "prod/", "prod//"},
        {model_is_prefix, "ROOT", "Root"},
        {model_is_upload_id, "12345678-abcd-ABCD-0000-123456789012", "12345678-abcd-ABCD-0000"},
        {model_is_upload_id, "00000000-0000-0000-0000-000000000000",
         "00000000-0000-0000-00000-00000000000"},
        {model_is_region, "us-gov-east-1", "US"},
        {model_is_credential_arn,
         "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/x-AbCdEf",
         "arn:aws:secretsmanager:us-east-1:123456789012:secret:other/x-AbCdEf"},
        {model_is_principal_arn, "arn:aws:iam::123456789012:role/path/name",
         "arn:aws:iam::123456789012:root"},
        {model_is_signing_profile_arn,
         "arn:aws:signer:us-east-1:123456789012:/signing-profiles/mine",
         "arn:aws:signer:us-east-1:123456789012:signing-profiles/mine"},
        {model_is_template_kms_key, "arn:aws:kms:us-east-1:123456789012:key/12-ab", "alias/x"},
        {model_is_template_kms_key, "", "x"},
        {model_is_replication_filter, "prod/app-", "prod//app"},
        {model_is_scanning_filter, "prod/*", "/prod"},
        {model_is_signing_filter, "prod/*-x", "prod/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(cases[i].matches(virga_str_from(cases[i].good)));
        assert_false(cases[i].matches(virga_str_from(cases[i].bad)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repository_name_is_checked_by_hand),
        cmocka_unit_test(registry_id_is_12_digits),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(lists_have_bounds),
        cmocka_unit_test(members_of_lists_are_counted_from_one),
        cmocka_unit_test(enums_list_their_values),
        cmocka_unit_test(exclusion_filters_have_a_pattern),
        cmocka_unit_test(texts_have_bounds),
        cmocka_unit_test(wrong_types_are_serialization_faults),
        cmocka_unit_test(unknown_members_are_ignored),
        cmocka_unit_test(identifiers_of_images_have_patterns),
        cmocka_unit_test(grammars_of_the_registry_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
