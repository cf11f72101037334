/* SPDX-License-Identifier: MIT */
/* What lifecycle policies do: the examples of AWS's guide, and the rules one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lifecycle_check.h"
#include "lifecycle_eval.h"

#define DAY_MS INT64_C(86400000)
#define NOW_MS (INT64_C(20000) * DAY_MS)

#define EXPIRE "{\"type\":\"expire\"}"
#define ARCHIVE "{\"type\":\"transition\",\"targetStorageClass\":\"archive\"}"
#define RULE(priority, selection, action)                                                          \
    "{\"rulePriority\":" #priority ",\"selection\":{" selection "},\"action\":" action "}"
#define TAGGED(list) "\"tagStatus\":\"tagged\"," list ","
#define PREFIXES(...) "\"tagPrefixList\":[" __VA_ARGS__ "]"
#define PATTERNS(...) "\"tagPatternList\":[" __VA_ARGS__ "]"
#define UNTAGGED "\"tagStatus\":\"untagged\","
#define ANY "\"tagStatus\":\"any\","
#define MORE_THAN(n) "\"countType\":\"imageCountMoreThan\",\"countNumber\":" #n
#define DAYS(n) "\"countUnit\":\"days\",\"countNumber\":" #n
#define PUSHED(n) "\"countType\":\"sinceImagePushed\"," DAYS(n)
#define PULLED(n) "\"countType\":\"sinceImagePulled\"," DAYS(n)
#define TRANSITIONED(n)                                                                            \
    "\"storageClass\":\"archive\",\"countType\":\"sinceImageTransitioned\"," DAYS(n)
#define POLICY(rules) "{\"rules\":[" rules "]}"

/* An image by one letter. Times are days ago; 0 = not. */
struct given {
    char letter;
    const char *tags; /* separated by spaces */
    int pushed;
    int pulled;
    int archived;
    int activated;
    enum meta_status status;
    const char *children; /* letters */
    char subject;
};

static void digest_of(char letter, char ret_digest[ECR_DIGEST_LEN + 1]) {
    (void)snprintf(ret_digest, ECR_DIGEST_LEN + 1, "sha256:%064d", letter);
}

static int64_t ago(int days) {
    return days == 0 ? 0 : NOW_MS - days * DAY_MS;
}

static void make_image(const struct given *given, struct meta_image *ret_image) {
    char digest[ECR_DIGEST_LEN + 1];
    *ret_image = (struct meta_image){.pushed_ms = ago(given->pushed),
                                     .pulled_ms = ago(given->pulled),
                                     .archived_ms = ago(given->archived),
                                     .activated_ms = ago(given->activated),
                                     .status = given->status};
    digest_of(given->letter, ret_image->digest);
    ret_image->tags = calloc(8, sizeof *ret_image->tags);
    ret_image->children = calloc(8, sizeof *ret_image->children);
    for (const char *tag = given->tags; tag != NULL && *tag != '\0';) {
        size_t len = strcspn(tag, " ");
        ret_image->tags[ret_image->tags_count++] = strndup(tag, len);
        tag += len + (tag[len] == ' ');
    }
    for (const char *child = given->children; child != NULL && *child != '\0'; child++) {
        digest_of(*child, digest);
        ret_image->children[ret_image->children_count++] = strdup(digest);
    }
    if (given->subject != '\0') {
        digest_of(given->subject, digest);
        ret_image->subject = strdup(digest);
    }
}

static struct lifecycle_policy *policy;
static struct lifecycle_set set;

static void decide(const char *text, const struct given *given, size_t count, int64_t as_of_ms) {
    char fault[LIFECYCLE_FAULT_MAX] = "";
    lifecycle_policy_destroy(policy);
    policy = NULL;
    lifecycle_set_finish(&set);
    if (!lifecycle_check(virga_str_from(text), fault)) {
        fail_msg("%s", fault);
    }
    assert_int_equal(lifecycle_policy_read(virga_str_from(text), &policy), 0);
    for (size_t i = 0; i < count; i++) {
        struct meta_image image;
        make_image(&given[i], &image);
        assert_int_equal(lifecycle_set_add(&set, policy, &image), 0);
        meta_image_finish(&image);
    }
    assert_int_equal(lifecycle_set_decide(&set, policy, as_of_ms), 0);
}

/* The verdicts in the order in which they are carried out: a letter each, archived ones small. */
static const char *verdicts(void) {
    static char text[64];
    size_t len = 0;
    for (size_t i = 0; i < set.order_count; i++) {
        const struct lifecycle_image *image = &set.images[set.order[i]];
        int letter = atoi(image->digest + ECR_DIGEST_LEN - 3);
        text[len++] = (char)(image->action == LIFECYCLE_TRANSITION ? letter | 0x20 : letter);
    }
    text[len] = '\0';
    return text;
}

#define ASSERT_VERDICTS(text, given, expected)                                                     \
    do {                                                                                           \
        decide(text, given, sizeof given / sizeof given[0], NOW_MS);                               \
        assert_string_equal(verdicts(), expected);                                                 \
    } while (0)

static int teardown(void **state) {
    (void)state;
    lifecycle_policy_destroy(policy);
    policy = NULL;
    lifecycle_set_finish(&set);
    return 0;
}

/* --- the guide's examples --- */

static void guide_filtering_on_image_age(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "prod1", .pushed = 15},
                                         {.letter = 'B', .tags = "prod2", .pushed = 13},
                                         {.letter = 'C', .tags = "dev", .pushed = 20}};
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PATTERNS("\"prod*\"")) PUSHED(14), EXPIRE)), given, "A");
}

static void guide_filtering_on_image_count(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "", .pushed = 3},
                                         {.letter = 'B', .tags = "", .pushed = 1},
                                         {.letter = 'C', .tags = "", .pushed = 2},
                                         {.letter = 'D', .tags = "t", .pushed = 9}};
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED MORE_THAN(1), EXPIRE)), given, "AC");
}

static const struct given three[] = {{.letter = 'A', .tags = "beta-1 prod-1", .pushed = 10},
                                     {.letter = 'B', .tags = "beta-2 prod-2", .pushed = 9},
                                     {.letter = 'C', .tags = "beta-3", .pushed = 8}};

static void guide_multiple_rules_a(void **state) {
    (void)state;
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PATTERNS("\"prod*\"")) MORE_THAN(1), EXPIRE) "," RULE(
                        2, TAGGED(PATTERNS("\"beta*\"")) MORE_THAN(1), EXPIRE)),
                    three, "A");
    assert_int_equal(policy->rules[set.images[set.order[0]].rule].priority, 1);
}

static void guide_multiple_rules_b(void **state) {
    (void)state;
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"beta\"")) MORE_THAN(1), EXPIRE) "," RULE(
                        2, TAGGED(PREFIXES("\"prod\"")) MORE_THAN(1), EXPIRE)),
                    three, "AB");
}

static void guide_multiple_tags_in_one_rule_a(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "alpha-1", .pushed = 12},
                                         {.letter = 'B', .tags = "beta-1", .pushed = 11},
                                         {.letter = 'C', .tags = "alpha-2 beta-2", .pushed = 10},
                                         {.letter = 'D', .tags = "alpha-3", .pushed = 4},
                                         {.letter = 'E', .tags = "beta-3", .pushed = 3},
                                         {.letter = 'F', .tags = "alpha-4 beta-4", .pushed = 2}};
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PATTERNS("\"alpha*\",\"beta*\"")) PUSHED(5), EXPIRE)),
                    given, "C");
}

static void guide_multiple_tags_in_one_rule_b(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "alpha-1 beta-1 gamma-1", .pushed = 10},
        {.letter = 'B', .tags = "alpha-2 beta-2", .pushed = 9},
        {.letter = 'C', .tags = "alpha-3 beta-3 gamma-2", .pushed = 8}};
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PATTERNS("\"alpha*\",\"beta*\"")) MORE_THAN(1), EXPIRE)),
                    given, "AB");
}

static void guide_filtering_on_all_images(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "prod-1", .pushed = 9},
                                         {.letter = 'B', .tags = "", .pushed = 8},
                                         {.letter = 'C', .tags = "beta", .pushed = 7},
                                         {.letter = 'D', .tags = "x", .pushed = 6},
                                         {.letter = 'E', .tags = "", .pushed = 5},
                                         {.letter = 'F', .tags = "prod-2", .pushed = 4}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY MORE_THAN(5), EXPIRE)), given, "A");
    /* Rules before it take their images out of its reach, but not out of its count. */
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"prod\"")) MORE_THAN(1), EXPIRE) "," RULE(
                        2, UNTAGGED MORE_THAN(1), EXPIRE) "," RULE(3, ANY MORE_THAN(2), EXPIRE)),
                    given, "ABCD");
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"prod\"")) MORE_THAN(9), EXPIRE) "," RULE(
                        2, UNTAGGED MORE_THAN(9), EXPIRE) "," RULE(3, ANY MORE_THAN(1), EXPIRE)),
                    given, "CD");
}

static void guide_archiving_and_expiring(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "t", .pushed = 200, .pulled = 100}, /* pulled long ago */
        {.letter = 'B', .tags = "t", .pushed = 200, .pulled = 10},  /* in use */
        {.letter = 'C', .tags = "t", .pushed = 200},                /* never pulled */
        {.letter = 'D', .tags = "t", .pushed = 80},                 /* not yet */
        {.letter = 'E',
         .tags = "t",
         .pushed = 500,
         .archived = 400,
         .status = META_ARCHIVED}, /* archived long ago */
        {.letter = 'F',
         .tags = "t",
         .pushed = 500,
         .archived = 300,
         .status = META_ARCHIVED}, /* not yet */
        {.letter = 'G',
         .tags = "t",
         .pushed = 500,
         .pulled = 150,
         .archived = 120,
         .activated = 60,
         .status = META_ACTIVE}, /* restored 60 days ago */
        {.letter = 'H',
         .tags = "t",
         .pushed = 500,
         .pulled = 150,
         .archived = 120,
         .activated = 100,
         .status = META_ACTIVE}, /* restored, not pulled since */
        {.letter = 'I',
         .tags = "t",
         .pushed = 500,
         .pulled = 50,
         .archived = 120,
         .activated = 100,
         .status = META_ACTIVE}, /* restored, pulled since */
        {.letter = 'J',
         .tags = "t",
         .pushed = 500,
         .archived = 120,
         .status = META_ACTIVATING}, /* on its way */
    };
    ASSERT_VERDICTS(
        POLICY(RULE(1, ANY PULLED(90), ARCHIVE) "," RULE(2, ANY TRANSITIONED(365), EXPIRE)), given,
        "Each");
}

/* --- the rules --- */

static void what_is_restored_counts_as_pushed_then(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A',
                                          .tags = "t",
                                          .pushed = 100,
                                          .archived = 50,
                                          .activated = 5,
                                          .status = META_ACTIVE},
                                         {.letter = 'B', .tags = "t", .pushed = 20}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY PUSHED(10), EXPIRE)), given, "B");
    ASSERT_VERDICTS(POLICY(RULE(1, ANY MORE_THAN(1), EXPIRE)), given, "B");
}

static void older_means_older(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "t", .pushed = 5}};
    const char *text = POLICY(RULE(1, ANY PUSHED(5), EXPIRE));
    decide(text, given, 1, NOW_MS);
    assert_string_equal(verdicts(), "");
    decide(text, given, 1, NOW_MS + 1);
    assert_string_equal(verdicts(), "A");
    decide(text, given, 1, 0);
    assert_string_equal(verdicts(), "");
}

static void a_number_of_days_beyond_all_time_expires_nothing(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "t", .pushed = 5}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY PUSHED(9223372036854775807), EXPIRE)), given, "");
}

static void a_tie_is_settled_by_the_digest(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'C', .tags = "t", .pushed = 5},
                                         {.letter = 'A', .tags = "t", .pushed = 5},
                                         {.letter = 'B', .tags = "t", .pushed = 5}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY MORE_THAN(1), EXPIRE)), given, "BC");
}

static void priorities_count_and_not_the_order_in_the_text(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "v1", .pushed = 9},
                                         {.letter = 'B', .tags = "v2", .pushed = 8}};
    ASSERT_VERDICTS(POLICY(RULE(9, ANY MORE_THAN(1),
                                EXPIRE) "," RULE(3, TAGGED(PREFIXES("\"v\"")) PUSHED(100), EXPIRE)),
                    given, "");
}

static void storage_classes_do_not_claim_each_others_images(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "", .pushed = 9},
        {.letter = 'B', .tags = "", .pushed = 200, .archived = 100, .status = META_ARCHIVED}};
    ASSERT_VERDICTS(
        POLICY(RULE(1, UNTAGGED PUSHED(5), ARCHIVE) "," RULE(2, UNTAGGED TRANSITIONED(90), EXPIRE)),
        given, "Ba");
}

static void patterns_match_whole_tags_and_prefixes_their_beginning(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "prod", .pushed = 9},
                                         {.letter = 'B', .tags = "my-prod-1", .pushed = 9},
                                         {.letter = 'C', .tags = "production", .pushed = 9},
                                         {.letter = 'D', .tags = "pro", .pushed = 9}};
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PATTERNS("\"*prod*\"")) PUSHED(1), EXPIRE)), given,
                    "ABC");
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PATTERNS("\"prod\"")) PUSHED(1), EXPIRE)), given, "A");
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"prod\"")) PUSHED(1), EXPIRE)), given, "AC");
    /* A star in a prefix is itself. */
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"pro*\"")) PUSHED(1), EXPIRE)), given, "");
}

static void children_stay_as_long_as_their_index(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "", .pushed = 9},
        {.letter = 'B', .tags = "", .pushed = 9},
        {.letter = 'I', .tags = "v1", .pushed = 5, .children = "AB"},
        {.letter = 'Z', .tags = "", .pushed = 9}};
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED PUSHED(1), EXPIRE)), given, "Z");
    /* With the index they go, after it. */
    ASSERT_VERDICTS(POLICY(RULE(1, ANY PUSHED(1), EXPIRE)), given, "ZIAB");
}

static void a_child_of_two_indexes_stays_for_either(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "", .pushed = 9},
        {.letter = 'I', .tags = "v1", .pushed = 8, .children = "A"},
        {.letter = 'J', .tags = "v2", .pushed = 1, .children = "A"}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY PUSHED(5), EXPIRE)), given, "I");
}

static void an_index_of_indexes_goes_from_the_top(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "", .pushed = 9},
        {.letter = 'I', .tags = "", .pushed = 8, .children = "A"},
        {.letter = 'J', .tags = "v", .pushed = 7, .children = "I"}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY PUSHED(5), EXPIRE)), given, "JIA");
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED PUSHED(5), EXPIRE)), given, "");
}

static void archiving_an_index_lets_children_be_archived_and_not_deleted(void **state) {
    (void)state;
    static const struct given active[] = {
        {.letter = 'A', .tags = "", .pushed = 9},
        {.letter = 'I', .tags = "v1", .pushed = 8, .children = "A"}};
    ASSERT_VERDICTS(POLICY(RULE(1, ANY PUSHED(5), ARCHIVE)), active, "ia");
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"v\"")) PUSHED(5),
                                ARCHIVE) "," RULE(2, UNTAGGED PUSHED(5), EXPIRE)),
                    active, "i");
    static const struct given archived[] = {{.letter = 'A', .tags = "", .pushed = 9},
                                            {.letter = 'I',
                                             .tags = "v1",
                                             .pushed = 8,
                                             .archived = 3,
                                             .status = META_ARCHIVED,
                                             .children = "A"}};
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED PUSHED(5), ARCHIVE)), archived, "a");
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED PUSHED(5), EXPIRE)), archived, "");
}

static void artifacts_go_with_their_subject(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "v1", .pushed = 9},
        {.letter = 'S', .tags = "", .pushed = 8, .subject = 'A'},
        {.letter = 'T', .tags = "", .pushed = 7, .subject = 'S'}, /* a signature's signature */
        {.letter = 'B', .tags = "w1", .pushed = 9},
        {.letter = 'U', .tags = "", .pushed = 8, .subject = 'B'}};
    ASSERT_VERDICTS(POLICY(RULE(7, TAGGED(PREFIXES("\"v\"")) PUSHED(5), EXPIRE)), given, "AST");
    for (size_t i = 0; i < set.order_count; i++) {
        const struct lifecycle_image *image = &set.images[set.order[i]];
        assert_int_equal(policy->rules[image->rule].priority, 7);
        assert_int_equal(image->follows, i > 0);
    }
    ASSERT_VERDICTS(POLICY(RULE(7, TAGGED(PREFIXES("\"v\"")) PUSHED(5), ARCHIVE)), given, "ast");
}

static void artifacts_are_not_untagged_images_while_their_subject_is_there(void **state) {
    (void)state;
    static const struct given given[] = {{.letter = 'A', .tags = "v1", .pushed = 9},
                                         {.letter = 'S', .tags = "", .pushed = 8, .subject = 'A'},
                                         {.letter = 'B', .tags = "", .pushed = 20},
                                         {.letter = 'C', .tags = "", .pushed = 30}};
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED PUSHED(5), EXPIRE)), given, "CB");
    /* Nor are they counted. */
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED MORE_THAN(2), EXPIRE)), given, "");
}

static void artifacts_without_their_subject_go_after_a_day(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'S', .tags = "", .pushed = 2, .subject = 'A'},
        {.letter = 'T', .tags = "", .pushed = 1, .subject = 'A'},
        {.letter = 'U', .tags = "tagged", .pushed = 9, .subject = 'A'}};
    ASSERT_VERDICTS(POLICY(RULE(1, TAGGED(PREFIXES("\"v\"")) PUSHED(5), EXPIRE)), given, "S");
    assert_int_equal(set.images[set.order[0]].rule, LIFECYCLE_NO_RULE);
}

static void artifacts_of_an_archived_subject_are_archived(void **state) {
    (void)state;
    static const struct given given[] = {
        {.letter = 'A', .tags = "v1", .pushed = 9, .archived = 3, .status = META_ARCHIVED},
        {.letter = 'S', .tags = "", .pushed = 8, .subject = 'A'},
        {.letter = 'T',
         .tags = "",
         .pushed = 8,
         .archived = 3,
         .status = META_ARCHIVED,
         .subject = 'A'}};
    ASSERT_VERDICTS(POLICY(RULE(1, UNTAGGED PUSHED(5), EXPIRE)), given, "s");
}

static void a_chain_too_deep_is_kept_and_ends(void **state) {
    (void)state;
    struct given given[90];
    char subject[90];
    memset(given, 0, sizeof given);
    for (int i = 0; i < 90; i++) {
        given[i] = (struct given){.letter = (char)(i + 33), .pushed = 9};
        subject[i] = (char)(i + 32);
        given[i].subject = i > 0 ? subject[i] : '\0';
        given[i].tags = i == 0 ? "v1" : "";
    }
    decide(POLICY(RULE(1, TAGGED(PREFIXES("\"v\"")) PUSHED(5), EXPIRE)), given, 90, NOW_MS);
    assert_int_equal(set.order_count, 64);
}

static void a_verdict_falls_when_the_image_changes(void **state) {
    (void)state;
    struct given given = {.letter = 'A', .tags = "v1", .pushed = 9};
    struct meta_image image;
    decide(POLICY(RULE(1, TAGGED(PREFIXES("\"v\"")) PUSHED(5), EXPIRE)), &given, 1, NOW_MS);
    const struct lifecycle_image *verdict = &set.images[set.order[0]];
    make_image(&given, &image);
    assert_true(lifecycle_image_unchanged(verdict, policy, &image));
    image.pulled_ms = NOW_MS; /* does not count here */
    assert_true(lifecycle_image_unchanged(verdict, policy, &image));
    image.pushed_ms++;
    assert_false(lifecycle_image_unchanged(verdict, policy, &image));
    image.pushed_ms--;
    image.status = META_ARCHIVED;
    assert_false(lifecycle_image_unchanged(verdict, policy, &image));
    meta_image_finish(&image);
    given.tags = "w1";
    make_image(&given, &image);
    assert_false(lifecycle_image_unchanged(verdict, policy, &image));
    meta_image_finish(&image);
    given.tags = "v1";
    decide(POLICY(RULE(1, ANY PULLED(5), ARCHIVE)), &given, 1, NOW_MS);
    make_image(&given, &image);
    verdict = &set.images[set.order[0]];
    assert_true(lifecycle_image_unchanged(verdict, policy, &image));
    image.pulled_ms = NOW_MS;
    assert_false(lifecycle_image_unchanged(verdict, policy, &image));
    meta_image_finish(&image);
}

static void the_order_in_which_images_are_added_does_not_matter(void **state) {
    (void)state;
    struct given given[26];
    char first[64] = "";
    for (size_t i = 0; i < 26; i++) {
        given[i] = (struct given){.letter = (char)('A' + i),
                                  .tags = i % 3 == 0 ? "" : "t",
                                  .pushed = (int)(i * 7 % 26) + 1};
    }
    given[4].children = "ADG";
    const char *text =
        POLICY(RULE(1, UNTAGGED MORE_THAN(3), EXPIRE) "," RULE(2, ANY MORE_THAN(9), ARCHIVE));
    decide(text, given, 26, NOW_MS);
    (void)snprintf(first, sizeof first, "%s", verdicts());
    assert_true(strlen(first) > 10);
    for (size_t turn = 1; turn < 26; turn++) {
        struct given turned[26];
        for (size_t i = 0; i < 26; i++) {
            turned[i] = given[(i * 5 + turn) % 26];
        }
        decide(text, turned, 26, NOW_MS);
        assert_string_equal(verdicts(), first);
    }
}

static void an_empty_repository_has_no_verdicts(void **state) {
    (void)state;
    decide(POLICY(RULE(1, ANY MORE_THAN(1), EXPIRE)), NULL, 0, NOW_MS);
    assert_string_equal(verdicts(), "");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(guide_filtering_on_image_age),
        TEST(guide_filtering_on_image_count),
        TEST(guide_multiple_rules_a),
        TEST(guide_multiple_rules_b),
        TEST(guide_multiple_tags_in_one_rule_a),
        TEST(guide_multiple_tags_in_one_rule_b),
        TEST(guide_filtering_on_all_images),
        TEST(guide_archiving_and_expiring),
        TEST(what_is_restored_counts_as_pushed_then),
        TEST(older_means_older),
        TEST(a_number_of_days_beyond_all_time_expires_nothing),
        TEST(a_tie_is_settled_by_the_digest),
        TEST(priorities_count_and_not_the_order_in_the_text),
        TEST(storage_classes_do_not_claim_each_others_images),
        TEST(patterns_match_whole_tags_and_prefixes_their_beginning),
        TEST(children_stay_as_long_as_their_index),
        TEST(a_child_of_two_indexes_stays_for_either),
        TEST(an_index_of_indexes_goes_from_the_top),
        TEST(archiving_an_index_lets_children_be_archived_and_not_deleted),
        TEST(artifacts_go_with_their_subject),
        TEST(artifacts_are_not_untagged_images_while_their_subject_is_there),
        TEST(artifacts_without_their_subject_go_after_a_day),
        TEST(artifacts_of_an_archived_subject_are_archived),
        TEST(a_chain_too_deep_is_kept_and_ends),
        TEST(a_verdict_falls_when_the_image_changes),
        TEST(the_order_in_which_images_are_added_does_not_matter),
        TEST(an_empty_repository_has_no_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
