/* SPDX-License-Identifier: MIT */
/* Lifecycle policies: what is one, and AWS's words for what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lifecycle_check.h"

#define SELECT(members) "{\"tagStatus\":\"any\",\"countType\":\"imageCountMoreThan\"," members "}"
#define ANY SELECT("\"countNumber\":1")
#define UNTAGGED                                                                                   \
    "{\"tagStatus\":\"untagged\",\"countType\":\"sinceImagePushed\",\"countUnit\":\"days\","       \
    "\"countNumber\":1}"
#define TAGGED(lists)                                                                              \
    "{\"tagStatus\":\"tagged\"," lists "\"countType\":\"imageCountMoreThan\",\"countNumber\":1}"
#define RULE(priority, selection)                                                                  \
    "{\"rulePriority\":" priority ",\"selection\":" selection ",\"action\":{\"type\":\"expire\"}}"
#define POLICY(rules) "{\"rules\":[" rules "]}"

static void good_policies_pass(void **state) {
    (void)state;
    static const char *const good[] = {
        POLICY(RULE("1", ANY)),
        POLICY(RULE("10", UNTAGGED) "," RULE("20", ANY)),
        POLICY(RULE("2", ANY) "," RULE("1", TAGGED("\"tagPrefixList\":[\"v\"],"))),
        POLICY(RULE("1", TAGGED("\"tagPatternList\":[\"*a*b*c*\"],"))),
        POLICY("{\"rulePriority\":1,\"description\":\"\",\"selection\":" UNTAGGED
               ",\"action\":{\"type\":\"transition\",\"targetStorageClass\":\"archive\"}}"),
        POLICY(RULE("1", UNTAGGED) "," RULE(
            "2", "{\"tagStatus\":\"untagged\",\"storageClass\":\"archive\",\"countType\":"
                 "\"sinceImageTransitioned\",\"countUnit\":\"days\",\"countNumber\":9}")),
    };
    char fault[LIFECYCLE_FAULT_MAX] = "";
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!lifecycle_check(virga_str_from(good[i]), fault)) {
            fail_msg("%s: %s", good[i], fault);
        }
    }
}

static void each_fault_has_its_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *fault;
    } cases[] = {
        {"", "object has missing required properties ([\"rules\"])"},
        {"x", "Could not map policyString into LifecyclePolicy."},
        {"[]", "Could not map policyString into LifecyclePolicy."},
        {"{}", "object has missing required properties ([\"rules\"])"},
        {"{\"rules\":{}}",
         "instance type (object) does not match any allowed primitive type (allowed: [\"array\"])"},
        {POLICY(""),
         "array is too short: must have at least 1 elements but instance has 0 elements"},
        {"{\"rules\":[],\"x\":1,\"y\":2}",
         "object instance has properties which are not allowed by the schema: ([\"x\",\"y\"])"},
        {POLICY("1"), "instance type (integer) does not match any allowed primitive type "
                      "(allowed: [\"object\"])"},
        {POLICY("{}"), "object has missing required properties "
                       "([\"action\",\"rulePriority\",\"selection\"])"},
        {POLICY(RULE("0", ANY)),
         "numeric instance is lower than the required minimum (minimum: 1, found: 0)"},
        {POLICY(RULE("\"1\"", ANY)), "instance type (string) does not match any allowed primitive "
                                     "type (allowed: [\"integer\"])"},
        {POLICY(RULE("1", "{\"countType\":\"imageCountMoreThan\"}")),
         "object has missing required properties ([\"countNumber\",\"tagStatus\"])"},
        {POLICY(RULE("1", SELECT("\"countNumber\":0"))),
         "numeric instance is lower than the required minimum (minimum: 1, found: 0)"},
        {POLICY(RULE("1", SELECT("\"countNumber\":1,\"countUnit\":\"days\""))),
         "instance failed to match exactly one schema (matched 0 out of 2)"},
        {POLICY(RULE("1", SELECT("\"countNumber\":1,\"storageClass\":null"))),
         "instance failed to match exactly one schema (matched 0 out of 2)"},
        {POLICY(RULE("1", "{\"tagStatus\":\"any\",\"countType\":\"never\",\"countNumber\":1}")),
         "instance failed to match exactly one schema (matched 0 out of 2)"},
        {POLICY(RULE("1", "{\"tagStatus\":\"ANY\",\"countType\":\"imageCountMoreThan\","
                          "\"countNumber\":1}")),
         "instance value (\"ANY\") not found in enum (possible values: "
         "[\"tagged\",\"untagged\",\"any\"])"},
        {POLICY("{\"rulePriority\":1,\"selection\":" ANY ",\"action\":{\"type\":\"keep\"}}"),
         "instance value (\"keep\") not found in enum (possible values: "
         "[\"expire\",\"transition\"])"},
        {POLICY(RULE("1", TAGGED(""))),
         "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED."},
        {POLICY(RULE("1", UNTAGGED) "," RULE("2", UNTAGGED)),
         "Only one rule can select Untagged images per storage class."},
        {POLICY(RULE("1", ANY) "," RULE("2", UNTAGGED)),
         "Rule for tagStatus=ANY must have the lowest priority per storage class"},
        {POLICY(RULE("1", ANY) "," RULE("2", ANY)),
         "Rule for tagStatus=ANY must have the lowest priority per storage class"},
        {POLICY(RULE("3", UNTAGGED) "," RULE("3", ANY)),
         "Rule priorities must be unique: 3 is given twice."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fault[LIFECYCLE_FAULT_MAX] = "";
        assert_false(lifecycle_check(virga_str_from(cases[i].text), fault));
        assert_string_equal(fault, cases[i].fault);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_policies_pass),
        cmocka_unit_test(each_fault_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
