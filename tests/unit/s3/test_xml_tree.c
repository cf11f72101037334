/* SPDX-License-Identifier: MIT */
/* Tests of xml_tree.c. */
#include "unit.h"

#include "xml_tree.h"

static void elements_are_found_with_or_without_a_namespace(void **state) {
    (void)state;
    static const char *const documents[] = {
        "<Delete><Quiet>true</Quiet>\n <Object><Key>a &amp; b</Key></Object>"
        "<Object><Key>c</Key></Object></Delete>",
        "<?xml version=\"1.0\"?><d:Delete xmlns:d=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<d:Quiet>true</d:Quiet><d:Object><d:Key><![CDATA[a & b]]></d:Key></d:Object>"
        "<d:Object><d:Key>c</d:Key></d:Object></d:Delete>",
    };
    for (size_t i = 0; i < 2; i++) {
        struct xml_tree *tree;
        assert_int_equal(xml_tree_parse(STR(documents[i]), &tree), 0);
        const struct xml_node *root = xml_tree_root(tree);
        assert_true(xml_node_is(root, "Delete"));
        assert_str(xml_node_text(root, "Quiet"), "true");
        const struct xml_node *object = xml_node_child(root, "Object");
        assert_str(xml_node_text(object, "Key"), "a & b");
        object = xml_node_next(object, "Object");
        assert_str(xml_node_text(object, "Key"), "c");
        assert_null(xml_node_next(object, "Object"));
        assert_null(xml_node_text(root, "Other").ptr);
        xml_tree_destroy(tree);
    }
}

static void what_was_read_is_written_in_s3s_namespace(void **state) {
    (void)state;
    struct xml_tree *tree;
    struct virga_xml_writer writer = {0};
    assert_int_equal(
        xml_tree_parse(STR("<A xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n  <B "
                           "xsi:type=\"Group\">x&lt;</B>\n  <C/>\n</A>"),
                       &tree),
        0);
    xml_node_write(xml_tree_root(tree), &writer);
    assert_str(((struct virga_str){writer.ptr, writer.len}),
               "<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><B xmlns:xsi=\"http://"
               "www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">x&lt;</B><C></C></A>");
    virga_xml_finish(&writer);
    xml_tree_destroy(tree);
}

static void malformed_deep_and_declared_documents_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "<A>",
        "<A></B>",
        "no",
        "<A/><B/>",
        "<!DOCTYPE A [<!ENTITY x \"y\">]><A>&x;</A>",
        "<!DOCTYPE A SYSTEM \"file:///etc/passwd\"><A/>",
        "<A>&x;</A>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a>"
        "</a></a></a></a></a></a></a>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct xml_tree *tree;
        assert_int_equal(xml_tree_parse(STR(bad[i]), &tree), -EBADMSG);
    }
    size_t len = 4 * (size_t)XML_TREE_NODES_MAX + 16;
    char *text = malloc(len);
    assert_non_null(text);
    strcpy(text, "<A>");
    for (size_t i = 0; i < XML_TREE_NODES_MAX; i++) {
        memcpy(text + 3 + 4 * i, "<B/>", 5);
    }
    strcpy(text + 3 + 4 * (size_t)XML_TREE_NODES_MAX, "</A>");
    struct xml_tree *tree;
    assert_int_equal(xml_tree_parse(STR(text), &tree), -EBADMSG);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_found_with_or_without_a_namespace),
        cmocka_unit_test(what_was_read_is_written_in_s3s_namespace),
        cmocka_unit_test(malformed_deep_and_declared_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
