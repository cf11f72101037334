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
#define MOVE(priority, selection)                                                                  \
    "{\"rulePriority\":" priority ",\"selection\":" selection                                      \
    ",\"action\":{\"type\":\"transition\",\"targetStorageClass\":\"archive\"}}"
#define SINCE(what, number)                                                                        \
    "{\"tagStatus\":\"any\",\"countType\":\"sinceImage" what "\",\"countUnit\":\"days\","          \
    "\"countNumber\":" number "}"
#define ARCHIVED(type, more)                                                                       \
    "{\"tagStatus\":\"any\",\"storageClass\":\"archive\",\"countType\":\"" type "\"," more "}"
#define NINETY "\"countUnit\":\"days\",\"countNumber\":90"
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
                 "\"sinceImageTransitioned\",\"countUnit\":\"days\",\"countNumber\":90}")),
        POLICY(MOVE("1", SINCE("Pulled", "30"))),
        POLICY(RULE("1", TAGGED("\"tagPrefixList\":[\"a\",\"b\"],")) "," RULE(
            "2", TAGGED("\"tagPrefixList\":[\"a\"],"))),
        POLICY(RULE("1", TAGGED("\"tagPrefixList\":[\"a\"],")) "," RULE(
            "2", TAGGED("\"tagPatternList\":[\"a\"],"))),
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
        {POLICY(RULE("1", SINCE("Pulled", "9"))),
         "countType=sinceImagePulled requires an action of type TRANSITION."},
        {POLICY(RULE("1", SINCE("Transitioned", "90"))),
         "countType=sinceImageTransitioned requires storageClass=ARCHIVE."},
        {POLICY(RULE("1", ARCHIVED("sinceImagePushed", NINETY))),
         "storageClass=ARCHIVE requires countType=sinceImageTransitioned."},
        {POLICY(RULE("1", ARCHIVED("imageCountMoreThan", "\"countNumber\":1"))),
         "storageClass=ARCHIVE requires countType=sinceImageTransitioned."},
        {POLICY(MOVE("1", ARCHIVED("sinceImageTransitioned", NINETY))),
         "Only images of storageClass=STANDARD can be transitioned."},
        {POLICY(RULE(
             "1", ARCHIVED("sinceImageTransitioned", "\"countUnit\":\"days\",\"countNumber\":89"))),
         "You cannot configure lifecycle policies that delete images that have been in archive for "
         "less than 90 days."},
        {POLICY("{\"rulePriority\":1,\"selection\":" ANY ",\"action\":{\"type\":\"transition\"}}"),
         "instance failed to match exactly one schema (matched 0 out of 2)"},
        {POLICY("{\"rulePriority\":1,\"selection\":" ANY
                ",\"action\":{\"type\":\"expire\",\"targetStorageClass\":\"archive\"}}"),
         "instance failed to match exactly one schema (matched 0 out of 2)"},
        {POLICY("{\"rulePriority\":1,\"selection\":" ANY
                ",\"action\":{\"type\":\"expire\",\"targetStorageClass\":null}}"),
         "instance failed to match exactly one schema (matched 0 out of 2)"},
        {POLICY("{\"rulePriority\":1,\"selection\":" ANY
                ",\"action\":{\"type\":\"transition\",\"targetStorageClass\":\"standard\"}}"),
         "instance value (\"standard\") not found in enum (possible values: [\"archive\"])"},
        {POLICY(RULE("1", TAGGED("\"tagPatternList\":[\"*a*b*c*d*\"],"))),
         "A tag pattern may contain at most 4 wildcards."},
        {POLICY(RULE("1", TAGGED("\"tagPatternList\":[],"))),
         "array is too short: must have at least 1 elements but instance has 0 elements"},
        {POLICY(RULE("1", TAGGED("\"tagPatternList\":[1],"))),
         "instance type (integer) does not match any allowed primitive type (allowed: "
         "[\"string\"])"},
        {POLICY(RULE("1", TAGGED("\"tagPatternList\":[\"a\"],\"tagPrefixList\":[\"b\"],"))),
         "Only one of tagPrefixList and tagPatternList can be specified."},
        {POLICY(RULE("1", SELECT("\"tagPrefixList\":[\"b\"],\"countNumber\":1"))),
         "tagPrefixList and tagPatternList require tagStatus=TAGGED."},
        {POLICY(RULE("1", TAGGED("\"tagPrefixList\":[\"a\",\"b\"],")) "," RULE(
             "2", TAGGED("\"tagPrefixList\":[\"b\",\"a\"],"))),
         "Rules 1 and 2 select the same tags: the set of tag prefixes or patterns must be unique "
         "per storage class."},
        {POLICY(RULE("3", UNTAGGED) "," RULE("3", ANY)),
         "Rule priorities must be unique: 3 is given twice."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fault[LIFECYCLE_FAULT_MAX] = "";
        assert_false(lifecycle_check(virga_str_from(cases[i].text), fault));
        assert_string_equal(fault, cases[i].fault);
    }
}

static void more_than_fifty_rules_are_refused(void **state) {
    (void)state;
    static char text[16384];
    char fault[LIFECYCLE_FAULT_MAX];
    for (int count = 50; count <= 51; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{\"rules\":[");
        for (int i = 1; i <= count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "%s{\"rulePriority\":%d,\"selection\":{\"tagStatus\":"
                                    "\"tagged\",\"tagPrefixList\":[\"v%d\"],\"countType\":"
                                    "\"imageCountMoreThan\",\"countNumber\":1},\"action\":"
                                    "{\"type\":\"expire\"}}",
                                    i > 1 ? "," : "", i, i);
        }
        (void)snprintf(text + len, sizeof text - len, "]}");
        assert_int_equal(lifecycle_check(virga_str_from(text), fault), count == 50);
    }
    assert_string_equal(
        fault, "array is too long: must have at most 50 elements but instance has 51 elements");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_fifty_rules_are_refused),
        cmocka_unit_test(good_policies_pass),
        cmocka_unit_test(each_fault_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
