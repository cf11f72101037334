/* SPDX-License-Identifier: MIT */
/* libyaml's document tree, walked below `floci:`. */
#include "config_yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define ROOT "floci"

struct walk {
    const char *name;
    yaml_document_t *document;
    config_yaml_on_value on_value;
    void *arg;
    size_t keys;
    struct error *err;
};

static size_t line_of(const yaml_node_t *node) {
    return node->start_mark.line + 1;
}

static const char *text_of(const yaml_node_t *scalar) {
    return (const char *)scalar->data.scalar.value;
}

/* A NUL inside would cut the text silently. */
static bool has_nul(const yaml_node_t *scalar) {
    return strlen(text_of(scalar)) != scalar->data.scalar.length;
}

static bool is_null(const yaml_node_t *scalar) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text_of(scalar), words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int walk_list(struct walk *walk, const char *key, size_t line, const yaml_node_t *list) {
    char *joined;
    char *end;
    size_t size = 1;
    int rc;
    for (yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        yaml_node_t *node = yaml_document_get_node(walk->document, *item);
        if (node->type != YAML_SCALAR_NODE || is_null(node) || has_nul(node)) {
            return error_set(walk->err, -EINVAL, "%s:%zu: %s: a list may hold single values only",
                             walk->name, line_of(node), key);
        }
        /* Aliases can make a small file into a large list. */
        size += node->data.scalar.length + 1;
        if (size > CONFIG_YAML_MAX_BYTES) {
            return error_set(walk->err, -EINVAL, "%s:%zu: %s: the list is too long", walk->name,
                             line, key);
        }
    }
    joined = malloc(size);
    if (joined == NULL) {
        return error_set(walk->err, -ENOMEM, "%s: out of memory", walk->name);
    }
    end = joined;
    for (yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        yaml_node_t *node = yaml_document_get_node(walk->document, *item);
        if (end != joined) {
            *end++ = ',';
        }
        memcpy(end, text_of(node), node->data.scalar.length);
        end += node->data.scalar.length;
    }
    *end = '\0';
    rc = walk->on_value(walk->arg, key, joined, line, walk->err);
    free(joined);
    return rc;
}

/* Checks a map's key: text, unlike the ones before it, and not a merge. */
static int check_key(struct walk *walk, const yaml_node_t *map, const yaml_node_pair_t *pair) {
    const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
    if (key->type != YAML_SCALAR_NODE || key->data.scalar.length == 0 || has_nul(key)) {
        return error_set(walk->err, -EINVAL, "%s:%zu: a key must be text", walk->name,
                         line_of(key));
    }
    if (strcmp(text_of(key), "<<") == 0) {
        return error_set(walk->err, -EINVAL, "%s:%zu: merge keys (<<) are not understood here",
                         walk->name, line_of(key));
    }
    for (yaml_node_pair_t *other = map->data.mapping.pairs.start; other < pair; other++) {
        const yaml_node_t *earlier = yaml_document_get_node(walk->document, other->key);
        if (earlier->type == YAML_SCALAR_NODE && strcmp(text_of(earlier), text_of(key)) == 0) {
            return error_set(walk->err, -EINVAL,
                             "%s:%zu: %s is here a second time (first: line %zu)", walk->name,
                             line_of(key), text_of(key), line_of(earlier));
        }
    }
    return 0;
}

static int walk_node(struct walk *walk, const char *key, size_t line, const yaml_node_t *node,
                     int depth);

static int walk_map(struct walk *walk, const char *prefix, const yaml_node_t *map, int depth) {
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
         pair++) {
        char key[CONFIG_KEY_MAX + 1];
        const yaml_node_t *name = yaml_document_get_node(walk->document, pair->key);
        int rc = check_key(walk, map, pair);
        if (rc < 0) {
            return rc;
        }
        if (++walk->keys > CONFIG_YAML_MAX_KEYS) {
            return error_set(walk->err, -EINVAL, "%s:%zu: more than %d keys", walk->name,
                             line_of(name), CONFIG_YAML_MAX_KEYS);
        }
        rc = snprintf(key, sizeof key, "%s.%s", prefix, text_of(name));
        if (rc < 0 || (size_t)rc >= sizeof key) {
            return error_set(walk->err, -EINVAL, "%s:%zu: a key longer than %d bytes", walk->name,
                             line_of(name), CONFIG_KEY_MAX);
        }
        rc = walk_node(walk, key, line_of(name),
                       yaml_document_get_node(walk->document, pair->value), depth + 1);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int walk_node(struct walk *walk, const char *key, size_t line, const yaml_node_t *node,
                     int depth) {
    if (depth > CONFIG_YAML_MAX_DEPTH) {
        return error_set(walk->err, -EINVAL, "%s:%zu: more than %d maps in one another", walk->name,
                         line, CONFIG_YAML_MAX_DEPTH);
    }
    if (node->type == YAML_MAPPING_NODE) {
        return walk_map(walk, key, node, depth);
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        return walk_list(walk, key, line, node);
    }
    if (has_nul(node)) {
        return error_set(walk->err, -EINVAL, "%s:%zu: %s: a NUL byte", walk->name, line, key);
    }
    return walk->on_value(walk->arg, key, is_null(node) ? NULL : text_of(node), line, walk->err);
}

static int walk_top(struct walk *walk, const yaml_node_t *top) {
    bool found = false;
    if (top->type == YAML_SCALAR_NODE && is_null(top)) {
        return 0;
    }
    if (top->type != YAML_MAPPING_NODE) {
        return error_set(walk->err, -EINVAL, "%s:%zu: expected a map with the key " ROOT,
                         walk->name, line_of(top));
    }
    for (yaml_node_pair_t *pair = top->data.mapping.pairs.start; pair < top->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
        if (key->type != YAML_SCALAR_NODE || strcmp(text_of(key), ROOT) != 0) {
            continue;
        }
        if (found) {
            return error_set(walk->err, -EINVAL, "%s:%zu: " ROOT " is here a second time",
                             walk->name, line_of(key));
        }
        found = true;
        int rc = walk_node(walk, ROOT, line_of(key),
                           yaml_document_get_node(walk->document, pair->value), 0);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int parse_failure(const yaml_parser_t *parser, const char *name, struct error *err) {
    if (parser->error == YAML_MEMORY_ERROR) {
        return error_set(err, -ENOMEM, "%s: out of memory", name);
    }
    if (parser->error == YAML_READER_ERROR) {
        return error_set(err, -EINVAL, "%s: not UTF-8 text at byte %zu: %s", name,
                         parser->problem_offset, parser->problem);
    }
    return error_set(err, -EINVAL, "%s:%zu: not YAML: %s", name, parser->problem_mark.line + 1,
                     parser->problem != NULL ? parser->problem : "syntax error");
}

/* A second document would be left unread without a word. */
static int refuse_second(yaml_parser_t *parser, const char *name, struct error *err) {
    yaml_document_t second;
    int rc = 0;
    if (!yaml_parser_load(parser, &second)) {
        return parse_failure(parser, name, err);
    }
    yaml_node_t *top = yaml_document_get_root_node(&second);
    if (top != NULL) {
        rc = error_set(err, -EINVAL, "%s:%zu: more than one YAML document", name, line_of(top));
    }
    yaml_document_delete(&second);
    return rc;
}

int config_yaml_read(const char *name, const char *text, size_t len, config_yaml_on_value on_value,
                     void *arg, struct error *err) {
    yaml_parser_t parser;
    yaml_document_t document;
    struct walk walk = {name, &document, on_value, arg, 0, err};
    int rc = 0;
    if (len > CONFIG_YAML_MAX_BYTES) {
        return error_set(err, -EINVAL, "%s: larger than %u bytes", name, CONFIG_YAML_MAX_BYTES);
    }
    if (!yaml_parser_initialize(&parser)) {
        return error_set(err, -ENOMEM, "%s: out of memory", name);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (!yaml_parser_load(&parser, &document)) {
        rc = parse_failure(&parser, name, err);
        yaml_parser_delete(&parser);
        return rc;
    }
    yaml_node_t *top = yaml_document_get_root_node(&document);
    if (top != NULL) {
        rc = walk_top(&walk, top);
        if (rc == 0) {
            rc = refuse_second(&parser, name, err);
        }
    }
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return rc;
}
