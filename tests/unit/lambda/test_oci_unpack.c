/* SPDX-License-Identifier: MIT */
#include "oci_unpack.h"

#include "oci_fixture.h"

static struct virga_error err;

/* Moves the layer that was written last to where oci_unpack_image() looks for it. */
static void place(struct tree *tree, size_t index) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/making", tree->base);
    if (index == 0) {
        assert_int_equal(mkdir(path, 0700), 0);
    }
    (void)snprintf(path, sizeof path, "%s/making/layer-%zu", tree->base, index);
    assert_int_equal(rename(tree->layer, path), 0);
}

static int unpack_image(struct tree *tree, size_t layers) {
    char folder[128], becomes[128];
    (void)snprintf(folder, sizeof folder, "%s/making", tree->base);
    (void)snprintf(becomes, sizeof becomes, "%s/image", tree->base);
    struct oci_unpack unpack = {
        .folder = folder,
        .becomes = becomes,
        .digest = "sha256:x",
        .layers = layers,
        .budget = {.bytes = OCI_UNPACK_BYTES_MAX, .entries = OCI_UNPACK_ENTRIES_MAX},
    };
    err = (struct virga_error){.struct_size = sizeof err};
    return oci_unpack_image(&unpack, &err);
}

static bool is_image(const struct tree *tree) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/image", tree->base);
    return access(path, F_OK) == 0;
}

static void a_whole_image_gets_its_name(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    layer_file(tree, "a", "a");
    layer_end(tree);
    place(tree, 0);
    layer_begin(tree);
    layer_hardlink(tree, "b", "a");
    layer_end(tree);
    place(tree, 1);
    assert_int_equal(unpack_image(tree, 2), 0);
    assert_string_equal(tree_read(tree->base, "image/rootfs/b"), "a");
    assert_string_equal(tree_read(tree->base, "image/layer-0"), "<none>");
    assert_non_null(strstr(tree_read(tree->base, "image/image.json"), "\"layers\":2"));
}

static void an_image_without_layers_is_one(void **state) {
    struct tree *tree = *state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/making", tree->base);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(unpack_image(tree, 0), 0);
    assert_true(is_image(tree));
}

static void half_an_image_never_gets_its_name(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    layer_file(tree, "a", "a");
    layer_end(tree);
    place(tree, 0);
    tree_write(tree->base, "making/layer-1", "no archive");
    assert_int_equal(unpack_image(tree, 2), -EBADMSG);
    assert_false(is_image(tree));
    assert_string_equal(tree_read(tree->base, "making/rootfs/a"), "a");
}

static void an_image_that_is_there_already_is_as_good(void **state) {
    struct tree *tree = *state;
    for (int i = 0; i < 2; i++) {
        layer_begin(tree);
        layer_file(tree, "a", i == 0 ? "first" : "second");
        layer_end(tree);
        if (i == 1) {
            char path[PATH_MAX];
            (void)snprintf(path, sizeof path, "%s/making", tree->base);
            assert_int_equal(oci_path_remove_all(path), 0);
        }
        place(tree, 0);
        assert_int_equal(unpack_image(tree, 1), 0);
    }
    assert_string_equal(tree_read(tree->base, "image/rootfs/a"), "first");
}

static void mount_points_are_made_where_none_are(void **state) {
    struct tree *tree = *state;
    assert_int_equal(oci_unpack_mount_points(tree->root_fd), 0);
    assert_true(S_ISDIR(tree_stat(tree, "proc").st_mode));
    assert_true(S_ISDIR(tree_stat(tree, "dev").st_mode));
    assert_true(S_ISDIR(tree_stat(tree, "sys").st_mode));
    assert_int_equal(tree_stat(tree, "tmp").st_mode & 07777, 01777);
    assert_true(S_ISREG(tree_stat(tree, "etc/resolv.conf").st_mode));
    assert_true(S_ISREG(tree_stat(tree, "etc/hosts").st_mode));
}

static void what_is_in_their_way_is_replaced_in_the_image_only(void **state) {
    struct tree *tree = *state;
    tree_link(tree->root, "proc", tree->outside);
    tree_link(tree->root, "tmp", "/var/tmp");
    tree_write(tree->root, "sys", "a file");
    tree_mkdir(tree->root, "etc");
    tree_link(tree->root, "etc/hosts", "../../outside/precious");
    tree_link(tree->root, "etc/resolv.conf", "../run/missing");
    assert_int_equal(oci_unpack_mount_points(tree->root_fd), 0);
    assert_true(S_ISDIR(tree_stat(tree, "proc").st_mode));
    assert_true(S_ISDIR(tree_stat(tree, "tmp").st_mode));
    assert_true(S_ISDIR(tree_stat(tree, "sys").st_mode));
    assert_true(S_ISREG(tree_stat(tree, "etc/hosts").st_mode));
    assert_true(S_ISREG(tree_stat(tree, "etc/resolv.conf").st_mode));
}

static void mount_points_that_are_there_are_left_alone(void **state) {
    struct tree *tree = *state;
    tree_mkdir(tree->root, "tmp");
    tree_write(tree->root, "tmp/x", "kept");
    tree_mkdir(tree->root, "etc");
    tree_write(tree->root, "etc/hosts", "kept");
    assert_int_equal(oci_unpack_mount_points(tree->root_fd), 0);
    assert_string_equal(tree_read(tree->root, "tmp/x"), "kept");
    assert_string_equal(tree_read(tree->root, "etc/hosts"), "kept");
}

static void removal_keeps_to_its_folder(void **state) {
    struct tree *tree = *state;
    char path[PATH_MAX];
    tree_mkdir(tree->root, "d");
    tree_link(tree->root, "d/out", tree->outside);
    tree_mkdir(tree->root, "d/locked");
    tree_write(tree->root, "d/locked/f", "");
    assert_int_equal(fchmodat(tree->root_fd, "d/locked", 0, 0), 0);
    (void)snprintf(path, sizeof path, "%s/d", tree->root);
    assert_int_equal(oci_path_remove_all(path), 0);
    assert_int_equal(tree_stat(tree, "d").st_mode, 0);
    assert_int_equal(oci_path_remove_all(path), 0);
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TREE(a_whole_image_gets_its_name),
        TREE(an_image_without_layers_is_one),
        TREE(half_an_image_never_gets_its_name),
        TREE(an_image_that_is_there_already_is_as_good),
        TREE(mount_points_are_made_where_none_are),
        TREE(what_is_in_their_way_is_replaced_in_the_image_only),
        TREE(mount_points_that_are_there_are_left_alone),
        TREE(removal_keeps_to_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
