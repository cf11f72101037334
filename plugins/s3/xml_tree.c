/* SPDX-License-Identifier: MIT */
/* XML in, by expat. */
#include "xml_tree.h"

#include <errno.h>
#include <expat.h>
#include <stdlib.h>

#define BLOCK_SIZE 16384
#define XSI "http://www.w3.org/2001/XMLSchema-instance"

struct block {
    struct block *next;
    size_t used;
    size_t size;
    char bytes[];
};

struct xml_tree {
    struct block *blocks;
    struct xml_node *root;
    struct xml_node *at;
    size_t depth;
    size_t nodes;
    int error;
    char *text; /* of the element that is being read */
    size_t text_len;
    size_t text_size;
    XML_Parser parser;
};

static void *take(struct xml_tree *tree, size_t size) {
    size = (size + 7) & ~(size_t)7;
    struct block *block = tree->blocks;
    if (block == NULL || size > block->size - block->used) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = malloc(sizeof *block + room);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct block){.next = tree->blocks, .size = room};
        tree->blocks = block;
    }
    void *at = block->bytes + block->used;
    block->used += size;
    return at;
}

static void fail(struct xml_tree *tree, int error) {
    tree->error = tree->error != 0 ? tree->error : error;
    (void)XML_StopParser(tree->parser, XML_FALSE);
}

static char *copy(struct xml_tree *tree, const char *text, size_t len) {
    char *to = take(tree, len + 1);
    if (to != NULL) {
        memcpy(to, text, len);
        to[len] = '\0';
    }
    return to;
}

/* Names come as "<namespace> <name>", or as the name alone. */
static const char *local(const char *name) {
    const char *space = strrchr(name, ' ');
    return space != NULL ? space + 1 : name;
}

static void on_begin(void *arg, const XML_Char *name, const XML_Char **attributes) {
    struct xml_tree *tree = arg;
    struct xml_node *node;
    if (++tree->depth > XML_TREE_DEPTH_MAX || ++tree->nodes > XML_TREE_NODES_MAX) {
        fail(tree, -EBADMSG);
        return;
    }
    node = take(tree, sizeof *node);
    if (node == NULL) {
        fail(tree, -ENOMEM);
        return;
    }
    const char *bare = local(name);
    *node = (struct xml_node){.name = copy(tree, bare, strlen(bare)), .text = {"", 0}};
    for (size_t i = 0; attributes[i] != NULL; i += 2) {
        if (strcmp(attributes[i], XSI " type") == 0) {
            node->type = copy(tree, attributes[i + 1], strlen(attributes[i + 1]));
        }
    }
    if (node->name == NULL) {
        fail(tree, -ENOMEM);
        return;
    }
    node->parent = tree->at;
    if (tree->at == NULL) {
        tree->root = node;
    } else if (tree->at->last == NULL) {
        tree->at->child = tree->at->last = node;
    } else {
        tree->at->last->next = node;
        tree->at->last = node;
    }
    tree->at = node;
    tree->text_len = 0;
}

/* What stands between children is indentation, so that only a leaf has text. */
static void on_end(void *arg, const XML_Char *name) {
    struct xml_tree *tree = arg;
    struct xml_node *node = tree->at;
    (void)name;
    if (node->child == NULL && tree->text_len > 0) {
        char *text = copy(tree, tree->text, tree->text_len);
        if (text == NULL) {
            fail(tree, -ENOMEM);
            return;
        }
        node->text = s3_str(text, tree->text_len);
    }
    tree->text_len = 0;
    tree->at = node->parent;
    tree->depth--;
}

/* Text comes in pieces. */
static void on_text(void *arg, const XML_Char *text, int len) {
    struct xml_tree *tree = arg;
    size_t needed = tree->text_len + (size_t)len;
    if (needed > tree->text_size) {
        size_t size = needed < 512 ? 1024 : needed * 2;
        char *grown = realloc(tree->text, size);
        if (grown == NULL) {
            fail(tree, -ENOMEM);
            return;
        }
        tree->text = grown;
        tree->text_size = size;
    }
    memcpy(tree->text + tree->text_len, text, (size_t)len);
    tree->text_len = needed;
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset) {
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    fail(arg, -EBADMSG);
}

int xml_tree_parse(struct virga_str text, struct xml_tree **ret_tree) {
    struct xml_tree *tree = calloc(1, sizeof *tree);
    if (tree == NULL) {
        return -ENOMEM;
    }
    tree->parser = XML_ParserCreateNS(NULL, ' ');
    if (tree->parser == NULL) {
        free(tree);
        return -ENOMEM;
    }
    XML_SetUserData(tree->parser, tree);
    XML_SetElementHandler(tree->parser, on_begin, on_end);
    XML_SetCharacterDataHandler(tree->parser, on_text);
    XML_SetStartDoctypeDeclHandler(tree->parser, on_doctype);
    int result = -EBADMSG;
    if (text.len <= INT32_MAX &&
        XML_Parse(tree->parser, text.ptr, (int)text.len, XML_TRUE) == XML_STATUS_OK) {
        result = 0;
    } else if (XML_GetErrorCode(tree->parser) == XML_ERROR_NO_MEMORY) {
        result = -ENOMEM;
    }
    result = tree->error != 0 ? tree->error : result;
    XML_ParserFree(tree->parser);
    tree->parser = NULL;
    free(tree->text);
    tree->text = NULL;
    if (result != 0) {
        xml_tree_destroy(tree);
        return result;
    }
    *ret_tree = tree;
    return 0;
}

void xml_tree_destroy(struct xml_tree *tree) {
    if (tree == NULL) {
        return;
    }
    while (tree->blocks != NULL) {
        struct block *next = tree->blocks->next;
        free(tree->blocks);
        tree->blocks = next;
    }
    free(tree);
}

const struct xml_node *xml_tree_root(const struct xml_tree *tree) {
    return tree->root;
}

bool xml_node_is(const struct xml_node *node, const char *name) {
    return node != NULL && strcmp(node->name, name) == 0;
}

const struct xml_node *xml_node_child(const struct xml_node *node, const char *name) {
    const struct xml_node *child = node != NULL ? node->child : NULL;
    while (child != NULL && !xml_node_is(child, name)) {
        child = child->next;
    }
    return child;
}

const struct xml_node *xml_node_next(const struct xml_node *node, const char *name) {
    do {
        node = node->next;
    } while (node != NULL && !xml_node_is(node, name));
    return node;
}

struct virga_str xml_node_text(const struct xml_node *node, const char *name) {
    const struct xml_node *child = xml_node_child(node, name);
    return child != NULL ? child->text : s3_str(NULL, 0);
}

static void write_open(const struct xml_node *node, struct virga_xml_writer *writer) {
    if (node->parent == NULL) {
        virga_xml_begin_in(writer, node->name, S3_XMLNS);
    } else if (node->type != NULL) {
        virga_xml_raw(writer, virga_str_from("<"));
        virga_xml_raw(writer, virga_str_from(node->name));
        virga_xml_raw(writer, virga_str_from(" xmlns:xsi=\"" XSI "\" xsi:type=\""));
        virga_xml_text(writer, virga_str_from(node->type));
        virga_xml_raw(writer, virga_str_from("\">"));
    } else {
        virga_xml_begin(writer, node->name);
    }
}

void xml_node_write(const struct xml_node *node, struct virga_xml_writer *writer) {
    write_open(node, writer);
    virga_xml_text(writer, node->text);
    for (const struct xml_node *child = node->child; child != NULL; child = child->next) {
        xml_node_write(child, writer); /* no deeper than XML_TREE_DEPTH_MAX */
    }
    virga_xml_end(writer, node->name);
}
