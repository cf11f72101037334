/* SPDX-License-Identifier: MIT */
/* XML that a client sent, as a tree: elements and their text; attributes are kept for xsi:type
 * only, prefixes are dropped. No DTD, no entities but XML's own five; depth and count are capped.
 * Pure. */
#ifndef S3_XML_TREE_H
#define S3_XML_TREE_H

#include "s3.h"
#include <virga/helpers/xml_writer.h>

#define XML_TREE_DEPTH_MAX 16
/* CompleteMultipartUpload: 10,000 parts of up to 8 elements. */
#define XML_TREE_NODES_MAX 100000

struct xml_node {
    const char *name;
    const char *type; /* xsi:type; NULL: none */
    struct virga_str text;
    struct xml_node *child; /* the first */
    struct xml_node *last;  /* the last child */
    struct xml_node *next;  /* the next sibling */
    struct xml_node *parent;
};

struct xml_tree; /* owns the nodes */

/* Parses a document. Owns: the caller, until xml_tree_destroy(). Errors: -EBADMSG malformed, a DTD,
 * too deep or too large; -ENOMEM. */
int xml_tree_parse(struct virga_str text, struct xml_tree **ret_tree);
/* Frees the tree; NULL is fine. */
void xml_tree_destroy(struct xml_tree *tree);
/* The root element. */
const struct xml_node *xml_tree_root(const struct xml_tree *tree);

/* The first child called `name`; NULL: there is none, or no node. */
const struct xml_node *xml_node_child(const struct xml_node *node, const char *name);
/* The text of that child; ptr NULL: there is none. */
struct virga_str xml_node_text(const struct xml_node *node, const char *name);
/* The next sibling called `name`. */
const struct xml_node *xml_node_next(const struct xml_node *node, const char *name);
/* Whether the element is called so. */
bool xml_node_is(const struct xml_node *node, const char *name);

/* Writes the element and what is in it; the root gets S3's namespace. */
void xml_node_write(const struct xml_node *node, struct virga_xml_writer *writer);

#endif
