/* SPDX-License-Identifier: MIT */
#include "oci_user.h"

#include "oci_fixture.h"

static void write_files(struct tree *tree) {
    tree_mkdir(tree->root, "etc");
    tree_write(tree->root, "etc/passwd",
               "root:x:0:0:root:/root:/bin/sh\n"
               "broken\n"
               "bad:x:many:0::/:/bin/sh\n"
               "app:x:1000:1001:App:/home/app:/bin/sh\n"
               "77:x:5:6::/:/bin/sh");
    tree_write(tree->root, "etc/group",
               "root:x:0:\n"
               "wheel:x:10:root,app\n"
               "app:x:1001:app\n"
               "apps:x:11:application\n"
               "extra:x:12:app\n"
               "last:x:13:other,app");
}

static void users_are_found_in_all_their_forms(void **state) {
    struct tree *tree = *state;
    static const struct {
        const char *user;
        uid_t uid;
        gid_t gid;
        size_t groups;
    } cases[] = {
        {"", 0, 0, 1},
        {"root", 0, 0, 1},
        {"app", 1000, 1001, 3},
        {"1000", 1000, 1001, 3},
        {"4321", 4321, 0, 0},
        {"4321:8765", 4321, 8765, 0},
        {"app:extra", 1000, 12, 0},
        {"app:5", 1000, 5, 0},
        {":12", 0, 12, 0},
        {"app:", 1000, 1001, 3},
        {"77", 5, 6, 0},
    };
    write_files(tree);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct virga_error err = {.struct_size = sizeof err};
        struct oci_user user;
        assert_int_equal(oci_user_find(tree->root_fd, cases[i].user, &user, &err), 0);
        assert_int_equal(user.uid, cases[i].uid);
        assert_int_equal(user.gid, cases[i].gid);
        assert_int_equal(user.groups_count, cases[i].groups);
    }
}

static void further_groups_are_those_of_the_name(void **state) {
    struct tree *tree = *state;
    struct virga_error err = {.struct_size = sizeof err};
    struct oci_user user;
    write_files(tree);
    assert_int_equal(oci_user_find(tree->root_fd, "app", &user, &err), 0);
    assert_int_equal(user.groups[0], 10);
    assert_int_equal(user.groups[1], 12);
    assert_int_equal(user.groups[2], 13);
}

static void unknown_ones_are_refused(void **state) {
    struct tree *tree = *state;
    static const struct {
        const char *user;
        int error;
    } cases[] = {{"nobody", -ENOENT},     {"bad", -ENOENT},           {"app:nogroup", -ENOENT},
                 {"4294967295", -EINVAL}, {"99999999999", -EINVAL},   {"-1", -EINVAL},
                 {"0x10", -ENOENT},       {"app:4294967295", -ENOENT}};
    write_files(tree);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct virga_error err = {.struct_size = sizeof err, .text = ""};
        struct oci_user user;
        assert_int_equal(oci_user_find(tree->root_fd, cases[i].user, &user, &err), cases[i].error);
        assert_string_not_equal(err.text, "");
    }
}

static void an_image_without_the_files_knows_numbers_only(void **state) {
    struct tree *tree = *state;
    struct virga_error err = {.struct_size = sizeof err};
    struct oci_user user;
    assert_int_equal(oci_user_find(tree->root_fd, "", &user, &err), 0);
    assert_int_equal(user.uid, 0);
    assert_int_equal(oci_user_find(tree->root_fd, "12:34", &user, &err), 0);
    assert_int_equal(user.gid, 34);
    assert_int_equal(oci_user_find(tree->root_fd, "root", &user, &err), -ENOENT);
}

static void the_host_s_files_are_not_read(void **state) {
    struct tree *tree = *state;
    struct virga_error err = {.struct_size = sizeof err};
    struct oci_user user;
    char target[PATH_MAX];
    tree_write(tree->outside, "passwd", "spy:x:1:1::/:/bin/sh\n");
    (void)snprintf(target, sizeof target, "%s/passwd", tree->outside);
    tree_mkdir(tree->root, "etc");
    tree_link(tree->root, "etc/passwd", target);
    assert_int_equal(oci_user_find(tree->root_fd, "spy", &user, &err), -ENOENT);
    /* A FIFO keeps nobody. */
    char fifo[PATH_MAX];
    (void)snprintf(fifo, sizeof fifo, "%s/etc/group", tree->root);
    assert_int_equal(mkfifo(fifo, 0644), 0);
    assert_int_equal(oci_user_find(tree->root_fd, "1:spies", &user, &err), -ENOENT);
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TREE(users_are_found_in_all_their_forms),
        TREE(further_groups_are_those_of_the_name),
        TREE(unknown_ones_are_refused),
        TREE(an_image_without_the_files_knows_numbers_only),
        TREE(the_host_s_files_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
