/* SPDX-License-Identifier: MIT */
#include "oci_layer.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "oci_fixture.h"
#include "oci_layer_name.h"

static struct virga_error err;

static int apply_within(struct tree *tree, struct oci_budget *budget) {
    err = (struct virga_error){.struct_size = sizeof err};
    int file = open(tree->layer, O_RDONLY);
    assert_true(file >= 0);
    int result = oci_layer_apply(tree->root_fd, file, budget, &err);
    (void)close(file);
    return result;
}

static int apply(struct tree *tree) {
    struct oci_budget budget = {.bytes = 1 << 30, .entries = 10000};
    return apply_within(tree, &budget);
}

static void every_compression_is_unpacked(void **state) {
    struct tree *tree = *state;
    static const enum pack packs[] = {PACK_PLAIN, PACK_GZIP, PACK_ZSTD};
    static const char *const names[] = {"plain", "gzip", "zstd"};
    for (size_t i = 0; i < 3; i++) {
        layer_begin_as(tree, packs[i]);
        layer_file(tree, names[i], names[i]);
        layer_end(tree);
        assert_int_equal(apply(tree), 0);
        assert_string_equal(tree_read(tree->root, names[i]), names[i]);
    }
}

static void modes_owners_and_times_are_kept(void **state) {
    struct tree *tree = *state;
    bool root = geteuid() == 0;
    layer_begin(tree);
    struct archive_entry *entry = layer_entry("d", AE_IFDIR, 01775);
    archive_entry_set_uid(entry, 7);
    archive_entry_set_gid(entry, 8);
    layer_put(tree, entry, NULL);
    entry = layer_entry("d/f", AE_IFREG, 04751);
    archive_entry_set_uid(entry, 1000);
    archive_entry_set_gid(entry, 1001);
    archive_entry_set_mtime(entry, 1234567890, 5);
    layer_put(tree, entry, "x");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    struct stat info = tree_stat(tree, "d/f");
    assert_int_equal(info.st_mode & 07777, root ? 04751 : 0751);
    assert_int_equal(info.st_mtim.tv_sec, 1234567890);
    if (root) {
        assert_int_equal(info.st_uid, 1000);
        assert_int_equal(info.st_gid, 1001);
    }
    info = tree_stat(tree, "d");
    assert_int_equal(info.st_mode & 07777, 01775);
    assert_int_equal(info.st_mtim.tv_sec, 1500000000);
    if (root) {
        assert_int_equal(info.st_uid, 7);
    }
}

static void names_need_not_be_ascii(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    layer_file(tree, "gr\xc3\xbc\xc3\x9f\x65", "hello");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, "gr\xc3\xbc\xc3\x9f\x65"), "hello");
}

static void a_file_replaces_what_was_there(void **state) {
    struct tree *tree = *state;
    tree_mkdir(tree->root, "a");
    tree_write(tree->root, "a/old", "old");
    tree_write(tree->root, "b", "old");
    tree_mkdir(tree->root, "c");
    tree_write(tree->root, "c/stays", "old");
    layer_begin(tree);
    layer_file(tree, "a", "now a file");
    layer_folder(tree, "b");
    layer_folder(tree, "c");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, "a"), "now a file");
    assert_true(S_ISDIR(tree_stat(tree, "b").st_mode));
    assert_string_equal(tree_read(tree->root, "c/stays"), "old");
}

static void missing_folders_are_made(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    layer_file(tree, "./a//b/./c", "deep");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, "a/b/c"), "deep");
}

/* --- whiteouts --- */

static void a_whiteout_removes_what_is_below_it(void **state) {
    struct tree *tree = *state;
    tree_mkdir(tree->root, "d");
    tree_write(tree->root, "d/a", "a");
    tree_mkdir(tree->root, "d/sub");
    tree_write(tree->root, "d/sub/b", "b");
    tree_write(tree->root, "d/c", "c");
    layer_begin(tree);
    layer_file(tree, "d/.wh.a", "");
    layer_file(tree, "d/.wh.sub", "");
    layer_file(tree, "d/.wh.never-there", "");
    layer_file(tree, "no/such/.wh.x", "");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_int_equal(tree_stat(tree, "d/a").st_mode, 0);
    assert_int_equal(tree_stat(tree, "d/sub").st_mode, 0);
    assert_string_equal(tree_read(tree->root, "d/c"), "c");
    assert_int_equal(tree_stat(tree, "d/.wh.a").st_mode, 0);
    assert_int_equal(tree_stat(tree, "no").st_mode, 0);
}

static void an_opaque_folder_hides_layers_below_and_not_its_own(void **state) {
    struct tree *tree = *state;
    tree_mkdir(tree->root, "d");
    tree_write(tree->root, "d/old", "old");
    tree_mkdir(tree->root, "d/sub");
    tree_write(tree->root, "d/sub/old", "old");
    layer_begin(tree);
    layer_folder(tree, "d");
    layer_file(tree, "d/before", "new");
    layer_folder(tree, "d/sub");
    layer_file(tree, "d/sub/new", "new");
    layer_file(tree, "d/.wh..wh..opq", "");
    layer_file(tree, "d/after", "new");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_int_equal(tree_stat(tree, "d/old").st_mode, 0);
    assert_int_equal(tree_stat(tree, "d/sub/old").st_mode, 0);
    assert_string_equal(tree_read(tree->root, "d/before"), "new");
    assert_string_equal(tree_read(tree->root, "d/sub/new"), "new");
    assert_string_equal(tree_read(tree->root, "d/after"), "new");
}

static void a_whiteout_beside_a_new_file_of_its_name_leaves_that(void **state) {
    struct tree *tree = *state;
    tree_write(tree->root, "a", "old");
    layer_begin(tree);
    layer_file(tree, "a", "new");
    layer_file(tree, ".wh.a", "");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, "a"), "new");
}

static void whiteouts_follow_no_links(void **state) {
    struct tree *tree = *state;
    tree_link(tree->root, "link", tree->outside);
    tree_mkdir(tree->root, "d");
    tree_link(tree->root, "d/link", "../../outside");
    tree_link(tree->root, "abs", tree->outside);
    layer_begin(tree);
    layer_file(tree, "link/.wh.precious", "");
    layer_file(tree, "d/link/.wh..wh..opq", "");
    layer_file(tree, ".wh.abs", "");
    layer_file(tree, "d/.wh..wh..opq", "");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_int_equal(tree_stat(tree, "abs").st_mode, 0);
    assert_int_equal(tree_stat(tree, "d/link").st_mode, 0);
    /* What is outside is looked at when the test ends. */
}

static void a_whiteout_of_dots_is_refused(void **state) {
    struct tree *tree = *state;
    static const char *const names[] = {".wh...", ".wh..", ".wh.", "d/.wh..."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        layer_begin(tree);
        layer_file(tree, names[i], "");
        layer_end(tree);
        assert_int_equal(apply(tree), -EBADMSG);
    }
}

static void marks_of_aufs_are_left_out(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    layer_file(tree, ".wh..wh.plnk", "");
    layer_file(tree, "a", "a");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_int_equal(tree_stat(tree, ".wh..wh.plnk").st_mode, 0);
    assert_string_equal(tree_read(tree->root, "a"), "a");
}

/* --- ways out --- */

static void names_with_dots_are_refused(void **state) {
    struct tree *tree = *state;
    static const char *const names[] = {"../outside/precious", "a/../../outside/precious",
                                        "/../outside/precious", "a/.."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        layer_begin(tree);
        layer_file(tree, names[i], "stolen");
        layer_end(tree);
        assert_int_equal(apply(tree), -EBADMSG);
        assert_non_null(strstr(err.text, "leads out of the image"));
    }
}

static void an_absolute_name_is_one_of_the_image(void **state) {
    struct tree *tree = *state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/precious", tree->outside);
    layer_begin(tree);
    layer_file(tree, path, "inside");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, path + 1), "inside");
}

static void links_that_lead_out_lead_to_the_image_instead(void **state) {
    struct tree *tree = *state;
    char target[PATH_MAX];
    (void)snprintf(target, sizeof target, "%s/", tree->outside);
    layer_begin(tree);
    layer_symlink(tree, "abs", target);
    layer_symlink(tree, "up", "../outside");
    layer_symlink(tree, "up2", "../../../../../../../../etc");
    layer_folder(tree, "outside");
    layer_folder(tree, "etc");
    layer_file(tree, "up/precious", "inside");
    layer_file(tree, "up2/inside", "inside");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, "outside/precious"), "inside");
    assert_string_equal(tree_read(tree->root, "etc/inside"), "inside");
    /* One that leads nowhere in the image makes no folder anywhere. */
    layer_begin(tree);
    layer_file(tree, "abs/precious", "stolen");
    layer_end(tree);
    assert_int_equal(apply(tree), -EBADMSG);
}

static void a_file_is_not_written_through_a_link(void **state) {
    struct tree *tree = *state;
    char target[PATH_MAX];
    (void)snprintf(target, sizeof target, "%s/precious", tree->outside);
    layer_begin(tree);
    layer_symlink(tree, "f", target);
    layer_file(tree, "f", "inside");
    layer_symlink(tree, "d", tree->outside);
    layer_folder(tree, "d");
    layer_file(tree, "d/precious", "inside");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_string_equal(tree_read(tree->root, "f"), "inside");
    assert_string_equal(tree_read(tree->root, "d/precious"), "inside");
}

static void a_folder_s_mode_is_not_set_through_a_link(void **state) {
    struct tree *tree = *state;
    struct stat before, after;
    assert_int_equal(stat(tree->outside, &before), 0);
    layer_begin(tree);
    layer_put(tree, layer_entry("d", AE_IFDIR, 0700), NULL);
    layer_symlink(tree, "d", tree->outside);
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_int_equal(stat(tree->outside, &after), 0);
    assert_int_equal(before.st_mode, after.st_mode);
    assert_true(S_ISLNK(tree_stat(tree, "d").st_mode));
}

/* --- hard links --- */

static void hard_links_reach_files_of_layers_below(void **state) {
    struct tree *tree = *state;
    tree_write(tree->root, "below", "old");
    layer_begin(tree);
    layer_file(tree, "own", "new");
    layer_folder(tree, "d");
    layer_hardlink(tree, "d/to-below", "below");
    layer_hardlink(tree, "d/to-own", "/own");
    layer_hardlink(tree, "own", "own"); /* itself: must not vanish */
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_int_equal(tree_stat(tree, "d/to-below").st_ino, tree_stat(tree, "below").st_ino);
    assert_int_equal(tree_stat(tree, "d/to-own").st_ino, tree_stat(tree, "own").st_ino);
    assert_string_equal(tree_read(tree->root, "own"), "new");
}

static void hard_links_do_not_lead_out(void **state) {
    struct tree *tree = *state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/precious", tree->outside);
    const char *const targets[] = {"../outside/precious", path, "link/precious", "missing", "d"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        layer_begin(tree);
        layer_folder(tree, "d");
        layer_symlink(tree, "link", tree->outside);
        layer_hardlink(tree, "stolen", targets[i]);
        layer_end(tree);
        assert_int_equal(apply(tree), -EBADMSG);
        assert_int_equal(tree_stat(tree, "stolen").st_mode, 0);
    }
}

static void a_hard_link_to_a_link_does_not_follow_it(void **state) {
    struct tree *tree = *state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/precious", tree->outside);
    layer_begin(tree);
    layer_symlink(tree, "link", path);
    layer_hardlink(tree, "twin", "link");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    assert_true(S_ISLNK(tree_stat(tree, "twin").st_mode));
}

/* --- other kinds --- */

static void devices_are_left_out_and_counted(void **state) {
    struct tree *tree = *state;
    struct oci_budget budget = {.bytes = 1 << 20, .entries = 100};
    layer_begin(tree);
    struct archive_entry *entry = layer_entry("disk", AE_IFBLK, 0666);
    archive_entry_set_rdev(entry, makedev(8, 0));
    layer_put(tree, entry, NULL);
    entry = layer_entry("null", AE_IFCHR, 0666);
    archive_entry_set_rdev(entry, makedev(1, 3));
    layer_put(tree, entry, NULL);
    layer_put(tree, layer_entry("fifo", AE_IFIFO, 0644), NULL);
    layer_end(tree);
    assert_int_equal(apply_within(tree, &budget), 0);
    assert_int_equal(budget.skipped, 2);
    assert_int_equal(tree_stat(tree, "disk").st_mode, 0);
    assert_int_equal(tree_stat(tree, "null").st_mode, 0);
    assert_true(S_ISFIFO(tree_stat(tree, "fifo").st_mode));
}

static void useful_attributes_are_kept(void **state) {
    struct tree *tree = *state;
    /* cap_net_bind_service=ep, version 2. */
    static const unsigned char capability[20] = {1, 0, 0, 2, 0, 4};
    char path[PATH_MAX], value[64];
    tree_write(tree->root, "try", "");
    (void)snprintf(path, sizeof path, "%s/try", tree->root);
    if (setxattr(path, "user.a", "b", 1, 0) != 0) {
        skip(); /* this file system has none */
    }
    layer_begin(tree);
    struct archive_entry *entry = layer_entry("f", AE_IFREG, 0755);
    archive_entry_xattr_add_entry(entry, "user.mime", "text", 4);
    archive_entry_xattr_add_entry(entry, "trusted.overlay.opaque", "y", 1);
    archive_entry_xattr_add_entry(entry, "security.capability", capability, sizeof capability);
    layer_put(tree, entry, "x");
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
    (void)snprintf(path, sizeof path, "%s/f", tree->root);
    assert_int_equal(getxattr(path, "user.mime", value, sizeof value), 4);
    assert_true(getxattr(path, "trusted.overlay.opaque", value, sizeof value) < 0);
    if (geteuid() == 0) {
        assert_int_equal(getxattr(path, "security.capability", value, sizeof value), 20);
        assert_memory_equal(value, capability, 20);
    }
}

/* --- limits --- */

static void a_bomb_is_stopped(void **state) {
    struct tree *tree = *state;
    static char zeros[1 << 20];
    struct oci_budget budget = {.bytes = 4 << 20, .entries = 100};
    layer_begin(tree);
    struct archive_entry *entry = layer_entry("big", AE_IFREG, 0644);
    archive_entry_set_size(entry, 16 << 20);
    assert_int_equal(archive_write_header(tree->writer, entry), ARCHIVE_OK);
    archive_entry_free(entry);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(archive_write_data(tree->writer, zeros, sizeof zeros), sizeof zeros);
    }
    layer_end(tree);
    assert_int_equal(apply_within(tree, &budget), -EFBIG);
    assert_non_null(strstr(err.text, "too big"));
    assert_true(tree_stat(tree, "big").st_size <= 4 << 20);
}

static void many_small_files_use_the_budget_up(void **state) {
    struct tree *tree = *state;
    struct oci_budget budget = {.bytes = 1 << 30, .entries = 10};
    layer_begin(tree);
    for (int i = 0; i < 11; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        layer_file(tree, name, "");
    }
    layer_end(tree);
    assert_int_equal(apply_within(tree, &budget), -EFBIG);
    assert_non_null(strstr(err.text, "too many files"));
}

static void the_budget_is_for_all_layers(void **state) {
    struct tree *tree = *state;
    struct oci_budget budget = {.bytes = 5000, .entries = 10};
    layer_begin(tree);
    layer_file(tree, "f", "x");
    layer_end(tree);
    int result = 0, count = 0;
    while (result == 0 && count < 10) {
        result = apply_within(tree, &budget);
        count++;
    }
    assert_int_equal(result, -EFBIG);
    assert_true(count > 1);
}

static void bytes_of_what_is_not_kept_count_too(void **state) {
    struct tree *tree = *state;
    static char zeros[1 << 20];
    struct oci_budget budget = {.bytes = 1 << 20, .entries = 100};
    layer_begin(tree);
    struct archive_entry *entry = layer_entry(".wh.x", AE_IFREG, 0644);
    archive_entry_set_size(entry, 4 << 20);
    assert_int_equal(archive_write_header(tree->writer, entry), ARCHIVE_OK);
    archive_entry_free(entry);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(archive_write_data(tree->writer, zeros, sizeof zeros), sizeof zeros);
    }
    layer_end(tree);
    assert_int_equal(apply_within(tree, &budget), -EFBIG);
}

static void long_and_deep_names_are_refused(void **state) {
    struct tree *tree = *state;
    char name[3 * OCI_LAYER_DEPTH_MAX];
    memset(name, 'a', sizeof name);
    name[OCI_LAYER_NAME_MAX + 1] = '\0';
    layer_begin(tree);
    layer_file(tree, name, "");
    layer_end(tree);
    assert_int_equal(apply(tree), -EBADMSG);
    for (size_t i = 0; i <= OCI_LAYER_DEPTH_MAX; i++) {
        memcpy(name + 2 * i, "a/", 2);
    }
    name[2 * OCI_LAYER_DEPTH_MAX + 2] = '\0';
    layer_begin(tree);
    layer_folder(tree, name);
    layer_end(tree);
    assert_int_equal(apply(tree), -EBADMSG);
}

static void what_is_no_archive_is_refused(void **state) {
    struct tree *tree = *state;
    tree_write(tree->base, "layer", "this is no tar archive, however long one looks at it");
    assert_int_equal(apply(tree), -EBADMSG);
    assert_string_not_equal(err.text, "");
}

static void a_truncated_archive_is_refused(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    for (int i = 0; i < 200; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "file-%d", i * 7919);
        layer_file(tree, name, name);
    }
    layer_end(tree);
    struct stat info;
    assert_int_equal(stat(tree->layer, &info), 0);
    assert_int_equal(truncate(tree->layer, info.st_size / 2), 0);
    assert_int_equal(apply(tree), -EBADMSG);
}

static void a_layer_that_is_compressed_twice_is_refused(void **state) {
    struct tree *tree = *state;
    tree->writer = archive_write_new();
    assert_int_equal(archive_write_add_filter_gzip(tree->writer), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_gzip(tree->writer), ARCHIVE_OK);
    assert_int_equal(archive_write_set_format_pax_restricted(tree->writer), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(tree->writer, tree->layer), ARCHIVE_OK);
    layer_file(tree, "f", "x");
    layer_end(tree);
    assert_int_equal(apply(tree), -EBADMSG);
    assert_non_null(strstr(err.text, "more than once"));
}

static void unpacking_can_be_cancelled(void **state) {
    struct tree *tree = *state;
    atomic_bool cancel;
    atomic_init(&cancel, true);
    struct oci_budget budget = {.bytes = 1 << 20, .entries = 100, .cancel = &cancel};
    layer_begin(tree);
    layer_file(tree, "f", "x");
    layer_end(tree);
    assert_int_equal(apply_within(tree, &budget), -ECANCELED);
    assert_int_equal(tree_stat(tree, "f").st_mode, 0);
}

static void an_empty_layer_is_one(void **state) {
    struct tree *tree = *state;
    layer_begin(tree);
    layer_end(tree);
    assert_int_equal(apply(tree), 0);
}

static void names_are_read_as_the_specification_says(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum oci_layer_name kind;
        const char *path;
    } cases[] = {
        {"a/b", OCI_NAME_FILE, "a/b"},
        {"./", OCI_NAME_ROOT, ""},
        {"", OCI_NAME_ROOT, ""},
        {"/", OCI_NAME_ROOT, ""},
        {"//a///b/", OCI_NAME_FILE, "a/b"},
        {"a/.wh.b", OCI_NAME_WHITEOUT, "a/b"},
        {".wh.b", OCI_NAME_WHITEOUT, "b"},
        {"a/.wh..wh..opq", OCI_NAME_OPAQUE, "a"},
        {".wh..wh..opq", OCI_NAME_OPAQUE, ""},
        {".wh..hidden", OCI_NAME_WHITEOUT, ".hidden"},
        {"a/..b", OCI_NAME_FILE, "a/..b"},
        {"...", OCI_NAME_FILE, "..."},
        {"a/../b", OCI_NAME_BAD, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[OCI_LAYER_PATH_MAX] = "";
        assert_int_equal(oci_layer_name_read(cases[i].name, path), cases[i].kind);
        if (cases[i].path != NULL) {
            assert_string_equal(path, cases[i].path);
        }
    }
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TREE(every_compression_is_unpacked),
        TREE(modes_owners_and_times_are_kept),
        TREE(names_need_not_be_ascii),
        TREE(a_file_replaces_what_was_there),
        TREE(missing_folders_are_made),
        TREE(a_whiteout_removes_what_is_below_it),
        TREE(an_opaque_folder_hides_layers_below_and_not_its_own),
        TREE(a_whiteout_beside_a_new_file_of_its_name_leaves_that),
        TREE(whiteouts_follow_no_links),
        TREE(a_whiteout_of_dots_is_refused),
        TREE(marks_of_aufs_are_left_out),
        TREE(names_with_dots_are_refused),
        TREE(an_absolute_name_is_one_of_the_image),
        TREE(links_that_lead_out_lead_to_the_image_instead),
        TREE(a_file_is_not_written_through_a_link),
        TREE(a_folder_s_mode_is_not_set_through_a_link),
        TREE(hard_links_reach_files_of_layers_below),
        TREE(hard_links_do_not_lead_out),
        TREE(a_hard_link_to_a_link_does_not_follow_it),
        TREE(devices_are_left_out_and_counted),
        TREE(useful_attributes_are_kept),
        TREE(a_bomb_is_stopped),
        TREE(many_small_files_use_the_budget_up),
        TREE(the_budget_is_for_all_layers),
        TREE(bytes_of_what_is_not_kept_count_too),
        TREE(long_and_deep_names_are_refused),
        TREE(what_is_no_archive_is_refused),
        TREE(a_truncated_archive_is_refused),
        TREE(a_layer_that_is_compressed_twice_is_refused),
        TREE(unpacking_can_be_cancelled),
        TREE(an_empty_layer_is_one),
        cmocka_unit_test(names_are_read_as_the_specification_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
