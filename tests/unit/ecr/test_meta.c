/* SPDX-License-Identifier: MIT */
/* The records of repositories and images, on the host's store in memory. */
#include "ecr_fixture.h"
#include "meta.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define D3 "sha256:3333333333333333333333333333333333333333333333333333333333333333"

static const struct tenant here = {"123456789012", "us-east-1"};
static const struct tenant elsewhere = {"123456789012", "eu-west-1"};

static struct ecr *ecr(void) {
    return &fixture.ecr;
}

static void make_repository(const struct tenant *tenant, const char *name) {
    struct meta_repository repository = {.mutability = META_MUTABLE};
    (void)snprintf(repository.name, sizeof repository.name, "%s", name);
    assert_int_equal(meta_repository_create(ecr(), tenant, &repository), 0);
}

static int put(const char *name, const char *uid, const char *digest, const char *tag,
               const char *child) {
    struct meta_image image = {.media_type = (char[]){"application/json"}, .size_bytes = 10};
    char *children[] = {(char *)(uintptr_t)child};
    (void)snprintf(image.digest, sizeof image.digest, "%s", digest);
    if (child != NULL) {
        image.children = children;
        image.children_count = 1;
    }
    return meta_image_put(ecr(), &here, STR(name), uid, &image, STR(tag));
}

/* The entries as "digest's first digit:tag ", in the order of the walk. */
static int on_entry(void *arg, struct virga_str digest, struct virga_str tag) {
    char *text = arg;
    (void)sprintf(text + strlen(text), "%c:%.*s ", digest.ptr[7], (int)tag.len, tag.ptr);
    return 0;
}

static const char *entries(unsigned which) {
    static char text[1024];
    text[0] = '\0';
    assert_int_equal(meta_entry_each(ecr(), &here, STR("app"), which, (struct virga_str){0},
                                     (struct virga_str){0}, on_entry, text),
                     0);
    return text;
}

static const char *tags_of(const char *digest) {
    static char text[512];
    struct meta_image image;
    text[0] = '\0';
    if (meta_image_get(ecr(), &here, STR("app"), STR(digest), &image) != 0) {
        return "gone";
    }
    for (size_t i = 0; i < image.tags_count; i++) {
        (void)sprintf(text + strlen(text), "%s ", image.tags[i]);
    }
    meta_image_finish(&image);
    return text;
}

static void repository_comes_back_as_it_was_put(void **state) {
    (void)state;
    struct meta_resource_tag tags[] = {{(char[]){"Role"}, (char[]){"Dev"}},
                                       {(char[]){"empty"}, (char[]){""}}};
    struct meta_repository put_one = {
        .name = "team/app",
        .created_ms = 42,
        .mutability = META_IMMUTABLE_WITH_EXCLUSION,
        .exclusions = {(char[]){"v*"}, (char[]){"*-dev"}},
        .exclusions_count = 2,
        .scan_on_push = true,
        .encryption_type = (char[]){"KMS"},
        .kms_key = (char[]){"arn:aws:kms:x"},
        .tags = tags,
        .tags_count = 2,
    };
    struct meta_repository got;
    assert_int_equal(meta_repository_create(ecr(), &here, &put_one), 0);
    assert_int_equal(strlen(put_one.uid), 32);
    assert_int_equal(meta_repository_get(ecr(), &here, STR("team/app"), &got), 0);
    assert_string_equal(got.name, "team/app");
    assert_string_equal(got.uid, put_one.uid);
    assert_int_equal(got.created_ms, 42);
    assert_int_equal(got.mutability, META_IMMUTABLE_WITH_EXCLUSION);
    assert_int_equal(got.exclusions_count, 2);
    assert_string_equal(got.exclusions[1], "*-dev");
    assert_true(got.scan_on_push);
    assert_string_equal(got.encryption_type, "KMS");
    assert_string_equal(got.kms_key, "arn:aws:kms:x");
    assert_int_equal(got.tags_count, 2);
    assert_string_equal(got.tags[0].key, "Role");
    assert_string_equal(got.tags[0].value, "Dev");
    assert_string_equal(got.tags[1].value, "");
    meta_repository_finish(&got);
}

static void repository_is_made_once(void **state) {
    (void)state;
    struct meta_repository again = {.name = "app"};
    make_repository(&here, "app");
    assert_int_equal(meta_repository_create(ecr(), &here, &again), -EEXIST);
    assert_int_equal(meta_repository_create(ecr(), &elsewhere, &again), 0);
    assert_int_equal(again.created_ms, fixture.now_ms);
}

static void update_of_a_missing_repository_is_refused(void **state) {
    (void)state;
    struct meta_repository repository = {.name = "app"};
    assert_int_equal(meta_repository_update(ecr(), &here, &repository), -ENOENT);
    assert_false(meta_repository_exists(ecr(), &here, STR("app")));
}

static int on_repository(void *arg, struct meta_repository *repository) {
    char *text = arg;
    (void)sprintf(text + strlen(text), "%s ", repository->name);
    return strcmp(repository->name, "stop") == 0 ? 7 : 0;
}

static void walk_sees_one_tenant_in_name_order(void **state) {
    (void)state;
    char text[128] = "";
    make_repository(&here, "b");
    make_repository(&here, "a/x");
    make_repository(&here, "a");
    make_repository(&elsewhere, "other");
    assert_int_equal(meta_repository_each(ecr(), &here, (struct virga_str){0}, on_repository, text),
                     0);
    assert_string_equal(text, "a a/x b ");
    text[0] = '\0';
    assert_int_equal(meta_repository_each(ecr(), &here, STR("a"), on_repository, text), 0);
    assert_string_equal(text, "a/x b ");
}

static void walk_ends_with_what_the_callback_returns(void **state) {
    (void)state;
    char text[128] = "";
    make_repository(&here, "stop");
    make_repository(&here, "unseen");
    assert_int_equal(meta_repository_each(ecr(), &here, (struct virga_str){0}, on_repository, text),
                     7);
    assert_string_equal(text, "stop ");
}

static void image_comes_back_as_it_was_put(void **state) {
    (void)state;
    char *children[] = {(char[]){D2}, (char[]){D3}};
    struct meta_image put_one = {
        .digest = D1,
        .media_type = (char[]){"application/vnd.oci.image.index.v1+json"},
        .artifact_media_type = (char[]){"x/y"},
        .size_bytes = UINT64_C(5000000000),
        .manifest_bytes = 700,
        .subject = (char[]){D3},
        .children = children,
        .children_count = 2,
    };
    struct meta_image got;
    make_repository(&here, "app");
    assert_int_equal(meta_image_put(ecr(), &here, STR("app"), "", &put_one, STR("v1")), 0);
    assert_int_equal(meta_image_get(ecr(), &here, STR("app"), STR(D1), &got), 0);
    assert_string_equal(got.digest, D1);
    assert_string_equal(got.media_type, put_one.media_type);
    assert_string_equal(got.artifact_media_type, "x/y");
    assert_true(got.size_bytes == UINT64_C(5000000000));
    assert_int_equal(got.manifest_bytes, 700);
    assert_int_equal(got.pushed_ms, fixture.now_ms);
    assert_int_equal(got.pulled_ms, 0);
    assert_string_equal(got.subject, D3);
    assert_int_equal(got.children_count, 2);
    assert_string_equal(got.children[1], D3);
    assert_int_equal(got.tags_count, 1);
    assert_string_equal(got.tags[0], "v1");
    meta_image_finish(&got);
}

static void image_is_found_without_its_tags(void **state) {
    struct meta_image image;
    (void)state;
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "v1", D2), 0);
    assert_int_equal(meta_image_find(ecr(), &here, STR("app"), STR(D1), &image), 0);
    assert_string_equal(image.digest, D1);
    assert_int_equal(image.children_count, 1);
    assert_int_equal(image.tags_count, 0);
    meta_image_finish(&image);
    assert_int_equal(meta_image_find(ecr(), &here, STR("app"), STR(D2), &image), -ENOENT);
    assert_int_equal(meta_image_find(ecr(), &here, STR("app"), STR("a\nb"), &image), -ENOENT);
}

static void tag_moves_and_leaves_the_old_image_untagged(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "latest", NULL), 0);
    assert_string_equal(entries(META_UNTAGGED), "");
    assert_int_equal(put("app", "", D2, "latest", NULL), 0);
    assert_int_equal(meta_tag_get(ecr(), &here, STR("app"), STR("latest"), digest), 0);
    assert_string_equal(digest, D2);
    assert_string_equal(tags_of(D1), "");
    assert_string_equal(entries(META_UNTAGGED), "1: ");
    assert_string_equal(entries(META_TAGGED), "2:latest ");
}

static void second_push_keeps_the_first_push_time(void **state) {
    (void)state;
    struct meta_image image;
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "a", NULL), 0);
    int64_t first = fixture.now_ms;
    fixture.now_ms += 5000;
    assert_int_equal(put("app", "", D1, "b", NULL), 0);
    assert_int_equal(meta_image_get(ecr(), &here, STR("app"), STR(D1), &image), 0);
    assert_int_equal(image.pushed_ms, first);
    meta_image_finish(&image);
    assert_string_equal(tags_of(D1), "a b ");
}

static void push_without_tag_is_untagged_until_tagged(void **state) {
    (void)state;
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, NULL, NULL), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "1: ");
    assert_int_equal(put("app", "", D1, "v1", NULL), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "1:v1 ");
    assert_int_equal(put("app", "", D1, NULL, NULL), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "1:v1 ");
}

static void deleting_one_tag_leaves_its_siblings(void **state) {
    (void)state;
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "a", NULL), 0);
    assert_int_equal(put("app", "", D1, "b", NULL), 0);
    assert_int_equal(meta_tag_delete(ecr(), &here, STR("app"), STR("a")), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "1:b ");
    assert_int_equal(meta_tag_delete(ecr(), &here, STR("app"), STR("b")), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "1: ");
    assert_int_equal(meta_tag_delete(ecr(), &here, STR("app"), STR("b")), -ENOENT);
}

static void deleting_an_image_takes_all_of_its_tags(void **state) {
    (void)state;
    char digest[ECR_DIGEST_LEN + 1];
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "a", NULL), 0);
    assert_int_equal(put("app", "", D1, "b", NULL), 0);
    assert_int_equal(put("app", "", D2, "c", NULL), 0);
    assert_int_equal(meta_image_delete(ecr(), &here, STR("app"), STR(D1)), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "2:c ");
    assert_int_equal(meta_tag_get(ecr(), &here, STR("app"), STR("a"), digest), -ENOENT);
    assert_int_equal(meta_image_delete(ecr(), &here, STR("app"), STR(D1)), -ENOENT);
}

static int on_parent(void *arg, struct virga_str parent) {
    char *text = arg;
    (void)sprintf(text + strlen(text), "%c ", parent.ptr[7]);
    return 0;
}

static void children_know_their_parents_while_these_live(void **state) {
    (void)state;
    char text[64] = "";
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, NULL, NULL), 0);
    assert_int_equal(put("app", "", D2, "index", D1), 0);
    assert_int_equal(put("app", "", D3, NULL, D1), 0);
    assert_int_equal(meta_parent_each(ecr(), &here, STR("app"), STR(D1), on_parent, text), 0);
    assert_string_equal(text, "2 3 ");
    assert_int_equal(meta_image_delete(ecr(), &here, STR("app"), STR(D2)), 0);
    text[0] = '\0';
    assert_int_equal(meta_parent_each(ecr(), &here, STR("app"), STR(D1), on_parent, text), 0);
    assert_string_equal(text, "3 ");
}

static void entries_go_on_behind_any_position(void **state) {
    (void)state;
    char text[128] = "";
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "a", NULL), 0);
    assert_int_equal(put("app", "", D1, "b", NULL), 0);
    assert_int_equal(put("app", "", D2, NULL, NULL), 0);
    assert_int_equal(put("app", "", D3, "c", NULL), 0);
    unsigned all = META_TAGGED | META_UNTAGGED;
    assert_string_equal(entries(all), "1:a 1:b 2: 3:c ");
    assert_int_equal(
        meta_entry_each(ecr(), &here, STR("app"), all, STR(D1), STR("a"), on_entry, text), 0);
    assert_string_equal(text, "1:b 2: 3:c ");
    text[0] = '\0';
    assert_int_equal(meta_entry_each(ecr(), &here, STR("app"), all, STR(D1), STR(META_AFTER_TAGS),
                                     on_entry, text),
                     0);
    assert_string_equal(text, "2: 3:c ");
    text[0] = '\0';
    assert_int_equal(
        meta_entry_each(ecr(), &here, STR("app"), all, STR(D2), STR(""), on_entry, text), 0);
    assert_string_equal(text, "3:c ");
}

static void put_into_another_creation_of_the_repository_is_refused(void **state) {
    (void)state;
    struct meta_repository first, second;
    make_repository(&here, "app");
    assert_int_equal(meta_repository_get(ecr(), &here, STR("app"), &first), 0);
    assert_int_equal(meta_repository_delete(ecr(), &here, STR("app")), 0);
    assert_int_equal(put("app", first.uid, D1, "v1", NULL), -ENOENT);
    make_repository(&here, "app");
    assert_int_equal(meta_repository_get(ecr(), &here, STR("app"), &second), 0);
    assert_string_not_equal(first.uid, second.uid);
    assert_int_equal(put("app", first.uid, D1, "v1", NULL), -ENOENT);
    assert_int_equal(put("app", second.uid, D1, "v1", NULL), 0);
    meta_repository_finish(&first);
    meta_repository_finish(&second);
}

static void deleted_repository_leaves_nothing_behind(void **state) {
    (void)state;
    struct virga_store_value text;
    make_repository(&here, "app");
    make_repository(&here, "app2");
    assert_int_equal(put("app", "", D1, "v1", NULL), 0);
    assert_int_equal(put("app", "", D2, NULL, D1), 0);
    assert_int_equal(put("app2", "", D1, "v1", NULL), 0);
    assert_int_equal(meta_text_put(ecr(), &here, STR("app"), "policy", STR("{}")), 0);
    assert_int_equal(meta_repository_has_images(ecr(), &here, STR("app")), 1);
    assert_int_equal(meta_repository_delete(ecr(), &here, STR("app")), 0);
    assert_int_equal(meta_repository_delete(ecr(), &here, STR("app")), -ENOENT);
    make_repository(&here, "app");
    assert_int_equal(meta_repository_has_images(ecr(), &here, STR("app")), 0);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "");
    assert_int_equal(meta_text_get(ecr(), &here, STR("app"), "policy", &text), -ENOENT);
    assert_int_equal(meta_repository_has_images(ecr(), &here, STR("app2")), 1);
}

static void pull_is_noted_at_most_once_in_a_grain(void **state) {
    (void)state;
    struct meta_image image;
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "v1", NULL), 0);
    int64_t at = fixture.now_ms;
    assert_int_equal(meta_image_pulled(ecr(), &here, STR("app"), STR(D1), at), 0);
    assert_int_equal(meta_image_pulled(ecr(), &here, STR("app"), STR(D1), at + 1), 0);
    assert_int_equal(meta_image_get(ecr(), &here, STR("app"), STR(D1), &image), 0);
    assert_int_equal(image.pulled_ms, at);
    meta_image_finish(&image);
    assert_int_equal(meta_image_pulled(ecr(), &here, STR("app"), STR(D1), at + META_PULL_GRAIN_MS),
                     0);
    assert_int_equal(meta_image_get(ecr(), &here, STR("app"), STR(D1), &image), 0);
    assert_int_equal(image.pulled_ms, at + META_PULL_GRAIN_MS);
    assert_string_equal(image.tags[0], "v1");
    meta_image_finish(&image);
}

static void joined_transaction_is_undone_as_a_whole(void **state) {
    (void)state;
    bool own = false;
    make_repository(&here, "app");
    assert_int_equal(meta_begin(ecr(), &own), 0);
    assert_true(own);
    assert_int_equal(put("app", "", D1, "v1", NULL), 0);
    struct meta_intent intent = {.kind = META_INTENT_PUSH};
    assert_int_equal(meta_intent_put(ecr(), &intent), 0);
    assert_int_equal(meta_end(ecr(), own, -EIO), -EIO);
    assert_string_equal(entries(META_TAGGED | META_UNTAGGED), "");
    assert_int_equal(meta_intent_delete(ecr(), intent.id), -ENOENT);
}

static int on_intent(void *arg, const struct meta_intent *intent) {
    struct meta_intent *seen = arg;
    seen[0] = seen[1];
    seen[1] = *intent;
    return 0;
}

static void intents_are_kept_in_order_until_deleted(void **state) {
    (void)state;
    struct meta_intent first = {.kind = META_INTENT_PUSH,
                                .tenant = here,
                                .name = "app",
                                .uid = "u",
                                .tag = "v1",
                                .digest = D1};
    struct meta_intent second = {.kind = META_INTENT_DELETE_REPO, .tenant = here, .name = "x"};
    struct meta_intent seen[2] = {{0}, {0}};
    assert_int_equal(meta_intent_put(ecr(), &first), 0);
    fixture.now_ms -= 100000; /* a clock set back must not reorder them */
    assert_int_equal(meta_intent_put(ecr(), &second), 0);
    assert_true(first.id < second.id);
    assert_int_equal(meta_intent_each(ecr(), on_intent, seen), 0);
    assert_memory_equal(&seen[0], &first, sizeof first);
    assert_true(seen[1].id == second.id);
    assert_int_equal(seen[1].kind, META_INTENT_DELETE_REPO);
    assert_int_equal(meta_intent_delete(ecr(), first.id), 0);
    memset(seen, 0, sizeof seen);
    assert_int_equal(meta_intent_each(ecr(), on_intent, seen), 0);
    assert_true(seen[0].id == 0 && seen[1].id == second.id);
}

static void facts_are_kept(void **state) {
    (void)state;
    char text[8];
    assert_int_equal(meta_fact_get(ecr(), "port", text, sizeof text), -ENOENT);
    assert_int_equal(meta_fact_put(ecr(), "port", "5100"), 0);
    assert_int_equal(meta_fact_put(ecr(), "port", "123456789"), 0);
    assert_int_equal(meta_fact_get(ecr(), "port", text, sizeof text), 0);
    assert_string_equal(text, "1234567");
}

static void impossible_names_are_not_found(void **state) {
    (void)state;
    char longest[700];
    struct meta_image image;
    memset(longest, 'a', sizeof longest);
    assert_false(meta_repository_exists(ecr(), &here, (struct virga_str){"a\0b", 3}));
    assert_false(meta_repository_exists(ecr(), &here, (struct virga_str){longest, sizeof longest}));
    assert_int_equal(meta_image_get(ecr(), &here, STR("app"),
                                    (struct virga_str){longest, sizeof longest}, &image),
                     -ENOENT);
}

/* The ids of a kind's settings with their texts, behind `after`. */
static int on_setting(void *arg, struct virga_str id, struct virga_str text) {
    char *list = arg;
    (void)sprintf(list + strlen(list), "%.*s=%.*s ", (int)id.len, id.ptr, (int)text.len, text.ptr);
    return 0;
}

static void settings_are_kept_by_registry_kind_and_id(void **state) {
    (void)state;
    char list[256] = "";
    struct virga_store_value value = {0};
    assert_int_equal(meta_setting_put(ecr(), &here, "template", STR("prod"), STR("2")), 0);
    assert_int_equal(meta_setting_put(ecr(), &here, "template", STR("dev"), STR("1")), 0);
    assert_int_equal(meta_setting_put(ecr(), &elsewhere, "template", STR("dev"), STR("3")), 0);
    assert_int_equal(meta_setting_put(ecr(), &here, "templates", STR(""), STR("4")), 0);
    assert_int_equal(
        meta_setting_each(ecr(), &here, "template", (struct virga_str){0}, on_setting, list), 0);
    assert_string_equal(list, "dev=1 prod=2 ");
    list[0] = '\0';
    assert_int_equal(meta_setting_each(ecr(), &here, "template", STR("dev"), on_setting, list), 0);
    assert_string_equal(list, "prod=2 ");
    assert_int_equal(meta_setting_get(ecr(), &elsewhere, "template", STR("dev"), &value), 0);
    assert_string_equal(value.ptr, "3");
    ecr()->store->release(ecr()->host, &value);
    assert_int_equal(meta_setting_delete(ecr(), &here, "template", STR("dev")), 0);
    assert_int_equal(meta_setting_delete(ecr(), &here, "template", STR("dev")), -ENOENT);
    assert_int_equal(meta_setting_get(ecr(), &here, "template", STR("dev"), &value), -ENOENT);
    assert_int_equal(meta_setting_get(ecr(), &here, "templates", STR(""), &value), 0);
    ecr()->store->release(ecr()->host, &value);
}

static void texts_about_an_image_go_with_it(void **state) {
    (void)state;
    struct virga_store_value value = {0};
    make_repository(&here, "app");
    assert_int_equal(put("app", "", D1, "v1", NULL), 0);
    assert_int_equal(put("app", "", D2, "v2", NULL), 0);
    assert_int_equal(meta_image_text_put(ecr(), &here, STR("app"), STR(D1), "scan", STR("x")), 0);
    assert_int_equal(meta_image_text_put(ecr(), &here, STR("app"), STR(D2), "scan", STR("y")), 0);
    assert_int_equal(meta_image_delete(ecr(), &here, STR("app"), STR(D1)), 0);
    assert_int_equal(meta_image_text_get(ecr(), &here, STR("app"), STR(D1), "scan", &value),
                     -ENOENT);
    assert_int_equal(meta_image_text_get(ecr(), &here, STR("app"), STR(D2), "scan", &value), 0);
    assert_string_equal(value.ptr, "y");
    ecr()->store->release(ecr()->host, &value);
    assert_int_equal(meta_repository_delete(ecr(), &here, STR("app")), 0);
    assert_int_equal(meta_image_text_get(ecr(), &here, STR("app"), STR(D2), "scan", &value),
                     -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(repository_comes_back_as_it_was_put),
        TEST(repository_is_made_once),
        TEST(update_of_a_missing_repository_is_refused),
        TEST(walk_sees_one_tenant_in_name_order),
        TEST(walk_ends_with_what_the_callback_returns),
        TEST(image_comes_back_as_it_was_put),
        TEST(image_is_found_without_its_tags),
        TEST(tag_moves_and_leaves_the_old_image_untagged),
        TEST(second_push_keeps_the_first_push_time),
        TEST(push_without_tag_is_untagged_until_tagged),
        TEST(deleting_one_tag_leaves_its_siblings),
        TEST(deleting_an_image_takes_all_of_its_tags),
        TEST(children_know_their_parents_while_these_live),
        TEST(entries_go_on_behind_any_position),
        TEST(put_into_another_creation_of_the_repository_is_refused),
        TEST(deleted_repository_leaves_nothing_behind),
        TEST(pull_is_noted_at_most_once_in_a_grain),
        TEST(joined_transaction_is_undone_as_a_whole),
        TEST(intents_are_kept_in_order_until_deleted),
        TEST(facts_are_kept),
        TEST(settings_are_kept_by_registry_kind_and_id),
        TEST(texts_about_an_image_go_with_it),
        TEST(impossible_names_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
