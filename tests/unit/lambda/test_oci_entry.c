/* SPDX-License-Identifier: MIT */
#include "oci_entry.h"

#include <elf.h>

#include "oci_fixture.h"
#include "oci_probe_elf.h"

static const char *const env[] = {"PATH=/first:/second:relative", NULL};
static const struct oci_user somebody = {
    .uid = 4000, .gid = 4000, .groups = {77}, .groups_count = 1};
static const char *const hidden[] = {"/tmp", NULL};
static char found[OCI_ENTRY_PATH_MAX];

static int check_as(const struct tree *tree, const struct oci_user *user, const char *program) {
    const struct oci_entry entry = {.root = tree->root_fd,
                                    .program = program,
                                    .env = env,
                                    .cwd = "/work",
                                    .user = user,
                                    .hidden = hidden};
    return oci_entry_check(&entry, found);
}

static int check(const struct tree *tree, const char *program) {
    return check_as(tree, &somebody, program);
}

static void set_mode(const struct tree *tree, const char *path, mode_t mode) {
    assert_int_equal(fchmodat(tree->root_fd, path, mode, 0), 0);
}

static void write_program(const struct tree *tree, const char *path, mode_t mode) {
    char full[PATH_MAX];
    (void)snprintf(full, sizeof full, "%s/%s", tree->root, path);
    if (oci_probe_elf_write(full) != 0) {
        skip();
    }
    set_mode(tree, path, mode);
}

/* Changes a byte of an ELF head. */
static void patch(const struct tree *tree, const char *path, off_t at, unsigned char byte) {
    int fd = openat(tree->root_fd, path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static int setup(void **state) {
    assert_int_equal(tree_setup(state), 0);
    struct tree *tree = *state;
    static const char *const folders[] = {"first", "second", "work", "work/relative", "tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        tree_mkdir(tree->root, folders[i]);
    }
    return 0;
}

static void programs_are_found_as_execvp_does(void **state) {
    struct tree *tree = *state;
    write_program(tree, "second/app", 0755);
    write_program(tree, "work/here", 0755);
    write_program(tree, "work/relative/deep", 0755);
    assert_int_equal(check(tree, "/second/app"), 0);
    assert_int_equal(check(tree, "app"), 0);
    assert_string_equal(found, "/second/app");
    assert_int_equal(check(tree, "./here"), 0);
    assert_int_equal(check(tree, "deep"), 0);
    assert_string_equal(found, "/work/relative/deep");
    assert_int_equal(check(tree, "here"), -ENOENT);
    assert_string_equal(found, "here");
    assert_int_equal(check(tree, ""), -ENOENT);
    /* The first that may be executed counts; one that may not is passed over, but remembered. */
    write_program(tree, "first/app", 0644);
    assert_int_equal(check(tree, "app"), 0);
    assert_string_equal(found, "/second/app");
    set_mode(tree, "second/app", 0644);
    assert_int_equal(check(tree, "app"), -EACCES);
    tree_write(tree->root, "first/app", "text");
    set_mode(tree, "first/app", 0755);
    set_mode(tree, "second/app", 0755);
    assert_int_equal(check(tree, "app"), -ENOEXEC);
    assert_string_equal(found, "/first/app");
}

static void permissions_are_the_user_s(void **state) {
    struct tree *tree = *state;
    struct stat info;
    write_program(tree, "first/app", 0710);
    assert_int_equal(check(tree, "/first/app"), -EACCES);
    info = tree_stat(tree, "first/app");
    const struct oci_user owner = {.uid = info.st_uid, .gid = 1};
    const struct oci_user member = {.uid = 4000, .gid = info.st_gid};
    const struct oci_user further = {
        .uid = 4000, .gid = 4000, .groups = {info.st_gid}, .groups_count = 1};
    assert_int_equal(check_as(tree, &owner, "/first/app"), 0);
    assert_int_equal(check_as(tree, &member, "/first/app"), 0);
    assert_int_equal(check_as(tree, &further, "/first/app"), 0);
    set_mode(tree, "first/app", 0607);
    assert_int_equal(check_as(tree, &owner, "/first/app"), -EACCES);
    assert_int_equal(check_as(tree, &member, "/first/app"), -EACCES);
    assert_int_equal(check(tree, "/first/app"), 0);
    /* And of the folders on the way. */
    set_mode(tree, "first", 0700);
    assert_int_equal(check(tree, "/first/app"), -EACCES);
    assert_int_equal(check_as(tree, &owner, "/first"), -EACCES);
    set_mode(tree, "first", 0755);
}

static void links_stay_in_the_image(void **state) {
    struct tree *tree = *state;
    char outside[PATH_MAX], path[PATH_MAX];
    write_program(tree, "second/app", 0755);
    tree_link(tree->root, "first/abs", "/second/app");
    tree_link(tree->root, "first/up", "../../../../second/app");
    tree_link(tree->root, "first/loop", "loop");
    (void)snprintf(outside, sizeof outside, "%s/tool", tree->outside);
    assert_int_equal(oci_probe_elf_write(outside), 0);
    tree_link(tree->root, "first/out", outside);
    (void)snprintf(path, sizeof path, "/../outside/tool");
    assert_int_equal(check(tree, "/first/abs"), 0);
    assert_int_equal(check(tree, "/first/up"), 0);
    assert_int_equal(check(tree, "/first/loop"), -ELOOP);
    assert_int_equal(check(tree, "/first/out"), -ENOENT);
    assert_int_equal(check(tree, path), -ENOENT);
    assert_int_equal(check(tree, outside), -ENOENT);
}

static void programs_of_other_machines_are_told(void **state) {
    struct tree *tree = *state;
    write_program(tree, "first/app", 0755);
    patch(tree, "first/app", offsetof(Elf64_Ehdr, e_machine), 0x28); /* ARM */
    assert_int_equal(check(tree, "/first/app"), -ENOEXEC);
    write_program(tree, "first/app", 0755);
    patch(tree, "first/app", offsetof(Elf64_Ehdr, e_type), ET_REL);
    assert_int_equal(check(tree, "/first/app"), -ENOEXEC);
    write_program(tree, "first/app", 0755);
    set_mode(tree, "first/app", 0755);
    char full[PATH_MAX];
    (void)snprintf(full, sizeof full, "%s/first/app", tree->root);
    assert_int_equal(truncate(full, 70), 0);
    assert_int_equal(check(tree, "/first/app"), -ENOEXEC);
    assert_int_equal(truncate(full, 0), 0);
    assert_int_equal(check(tree, "/first/app"), -ENOEXEC);
}

static void interpreters_must_be_there(void **state) {
    struct tree *tree = *state;
    static const struct {
        const char *text;
        int error;
    } cases[] = {{"#!/second/app\n", 0},
                 {"#! \t/second/app -x\n", 0},
                 {"#!/second/missing\n", -ENOENT},
                 {"#!\n", -ENOEXEC},
                 {"#!   ", -ENOEXEC},
                 {"#!/first/script\n", -ELOOP},
                 {"#!/second/plain\n", -EACCES},
                 {"#!/second/text\n", -ENOEXEC},
                 {"hello\n", -ENOEXEC}};
    write_program(tree, "second/app", 0755);
    write_program(tree, "second/plain", 0644);
    tree_write(tree->root, "second/text", "text");
    set_mode(tree, "second/text", 0755);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tree_write(tree->root, "first/script", cases[i].text);
        set_mode(tree, "first/script", 0755);
        assert_int_equal(check(tree, "/first/script"), cases[i].error);
    }
}

static void what_is_mounted_over_is_not_there(void **state) {
    struct tree *tree = *state;
    write_program(tree, "tmp/app", 0755);
    assert_int_equal(check(tree, "/tmp/app"), -ENOENT);
}

static int check_cwd(const struct tree *tree, const char *cwd) {
    const struct oci_entry entry = {.root = tree->root_fd,
                                    .program = "x",
                                    .env = env,
                                    .cwd = cwd,
                                    .user = &somebody,
                                    .hidden = hidden};
    return oci_entry_check_cwd(&entry);
}

static void working_directories_are_checked(void **state) {
    struct tree *tree = *state;
    tree_write(tree->root, "file", "");
    tree_link(tree->root, "link", "/work");
    tree_mkdir(tree->root, "tmp/below");
    assert_int_equal(check_cwd(tree, "/"), 0);
    assert_int_equal(check_cwd(tree, "/work/relative"), 0);
    assert_int_equal(check_cwd(tree, "/link/relative"), 0);
    assert_int_equal(check_cwd(tree, "/tmp"), 0);
    assert_int_equal(check_cwd(tree, "/tmp/"), 0);
    assert_int_equal(check_cwd(tree, "/tmp/below"), -ENOENT);
    assert_int_equal(check_cwd(tree, "/missing"), -ENOENT);
    assert_int_equal(check_cwd(tree, "/file"), -ENOTDIR);
    assert_int_equal(check_cwd(tree, "work"), -EINVAL);
    set_mode(tree, "work", 0700);
    assert_int_equal(check_cwd(tree, "/work"), -EACCES);
    assert_int_equal(check_cwd(tree, "/work/relative"), -EACCES);
    set_mode(tree, "work", 0755);
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, setup, tree_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TREE(programs_are_found_as_execvp_does), TREE(permissions_are_the_user_s),
        TREE(links_stay_in_the_image),           TREE(programs_of_other_machines_are_told),
        TREE(interpreters_must_be_there),        TREE(what_is_mounted_over_is_not_there),
        TREE(working_directories_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
