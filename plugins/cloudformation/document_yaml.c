/* SPDX-License-Identifier: MIT */
/* YAML, as far as templates have it: anchors and aliases, no merges, no tags but those of
 * functions. Source: "CloudFormation template format" and "Intrinsic function reference" of the
 * user guide. */
#include "document.h"

#include <stdlib.h>
#include <yaml.h>

struct anchor {
    char *name;
    struct json_object *value; /* borrowed: the document holds it */
    size_t values;             /* how many it consists of */
};

struct loader {
    yaml_parser_t parser;
    struct fault *fault;
    struct anchor *anchors;
    size_t anchors_count;
    size_t values;
};

static int load_node(struct loader *loader, yaml_event_t *event, unsigned depth,
                     struct json_object **ret_value);

static int bad(struct loader *loader, size_t line, size_t column) {
    return fault_set(loader->fault,
                     "Template format error: YAML not well-formed. (line %zu, column %zu)",
                     line + 1, column + 1);
}

/* The next event; the caller deletes it. */
static int next(struct loader *loader, yaml_event_t *event) {
    if (yaml_parser_parse(&loader->parser, event) != 0) {
        return 0;
    }
    if (loader->parser.error == YAML_MEMORY_ERROR) {
        return -ENOMEM;
    }
    return bad(loader, loader->parser.problem_mark.line, loader->parser.problem_mark.column);
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_integer(const char *text) {
    text += *text == '-' || *text == '+';
    size_t digits = strspn(text, "0123456789");
    /* A leading zero is kept as it is written: an account id is no octal number. */
    return digits > 0 && digits < 18 && text[digits] == '\0' && (digits == 1 || text[0] != '0');
}

static bool is_real(const char *text) {
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789");
    if (whole == 0 || text[whole] != '.') {
        return false;
    }
    size_t part = strspn(text + whole + 1, "0123456789");
    return part > 0 && text[whole + 1 + part] == '\0';
}

/* A plain scalar's value by YAML 1.1; dates stay text. */
static struct json_object *resolve(const char *text, size_t len) {
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
                                      "YES",  "on",   "On",   "ON",  NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no",  "No",
                                     "NO",    "off",   "Off",   "OFF", NULL};
    if (is_one_of(text, yes)) {
        return json_object_new_boolean(1);
    }
    if (is_one_of(text, no)) {
        return json_object_new_boolean(0);
    }
    if (is_integer(text)) {
        return json_object_new_int64(strtoll(text, NULL, 10));
    }
    if (is_real(text)) {
        return json_object_new_double_s(strtod(text, NULL), text + (*text == '+'));
    }
    return json_object_new_string_len(text, (int)len);
}

static int load_scalar(yaml_event_t *event, struct json_object **ret_value) {
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL", NULL};
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                 (event->data.scalar.tag == NULL || event->data.scalar.plain_implicit);
    if (len > INT32_MAX) {
        return -ENOMEM;
    }
    if (plain && is_one_of(text, nothing)) {
        *ret_value = NULL;
        return 0;
    }
    *ret_value = plain ? resolve(text, len) : json_object_new_string_len(text, (int)len);
    return *ret_value != NULL ? 0 : -ENOMEM;
}

static int load_sequence(struct loader *loader, unsigned depth, struct json_object **ret_value) {
    struct json_object *array = json_object_new_array();
    int result = array != NULL ? 0 : -ENOMEM;
    while (result == 0) {
        yaml_event_t event;
        struct json_object *element = NULL;
        result = next(loader, &event);
        if (result != 0) {
            break;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            *ret_value = array;
            return 0;
        }
        result = load_node(loader, &event, depth, &element);
        yaml_event_delete(&event);
        if (result == 0 && json_object_array_add(array, element) != 0) {
            json_object_put(element);
            result = -ENOMEM;
        }
    }
    json_object_put(array);
    return result;
}

/* A key and its value into the object. */
static int load_member(struct loader *loader, yaml_event_t *key, unsigned depth,
                       struct json_object *object) {
    yaml_event_t event;
    struct json_object *value = NULL;
    if (key->type != YAML_SCALAR_EVENT) {
        return bad(loader, key->start_mark.line, key->start_mark.column);
    }
    const char *name = (const char *)key->data.scalar.value;
    if (strcmp(name, "<<") == 0 && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return fault_set(loader->fault,
                         "Template format error: YAML hash merges are not supported. (line %zu, "
                         "column %zu)",
                         key->start_mark.line + 1, key->start_mark.column + 1);
    }
    int result = next(loader, &event);
    if (result != 0) {
        return result;
    }
    result = load_node(loader, &event, depth, &value);
    yaml_event_delete(&event);
    if (result == 0 && json_object_object_add(object, name, value) != 0) {
        json_object_put(value);
        result = -ENOMEM;
    }
    return result;
}

static int load_mapping(struct loader *loader, unsigned depth, struct json_object **ret_value) {
    struct json_object *object = json_object_new_object();
    int result = object != NULL ? 0 : -ENOMEM;
    while (result == 0) {
        yaml_event_t event;
        result = next(loader, &event);
        if (result != 0) {
            break;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            *ret_value = object;
            return 0;
        }
        result = load_member(loader, &event, depth, object);
        yaml_event_delete(&event);
    }
    json_object_put(object);
    return result;
}

/* "!GetAtt A.B" is a list of two. */
static int split_attribute(struct json_object **value) {
    const char *text = value_scalar(*value);
    const char *dot = text != NULL ? strchr(text, '.') : NULL;
    if (dot == NULL) {
        return 0;
    }
    struct json_object *array = json_object_new_array();
    struct json_object *first = json_object_new_string_len(text, (int)(dot - text));
    if (array == NULL || first == NULL || json_object_array_add(array, first) != 0) {
        json_object_put(first);
        json_object_put(array);
        return -ENOMEM;
    }
    if (value_add_text(array, dot + 1) != 0) {
        json_object_put(array);
        return -ENOMEM;
    }
    json_object_put(*value);
    *value = array;
    return 0;
}

/* Makes {"Fn::X": value} of a value with the tag !X. */
static int apply_tag(struct loader *loader, const char *tag, const yaml_event_t *event,
                     struct json_object **value) {
    char name[64];
    if (tag == NULL || tag[0] != '!' || tag[1] == '\0') {
        return 0; /* none, or one of YAML's own ("tag:yaml.org,2002:str") */
    }
    tag++;
    if (strlen(tag) > 40) {
        return bad(loader, event->start_mark.line, event->start_mark.column);
    }
    bool bare = strcmp(tag, "Ref") == 0 || strcmp(tag, "Condition") == 0;
    (void)snprintf(name, sizeof name, "%s%s", bare ? "" : "Fn::", tag);
    int result = strcmp(tag, "GetAtt") == 0 ? split_attribute(value) : 0;
    struct json_object *object = result == 0 ? json_object_new_object() : NULL;
    if (object == NULL || json_object_object_add(object, name, *value) != 0) {
        json_object_put(object);
        return -ENOMEM;
    }
    *value = object;
    return 0;
}

static int remember(struct loader *loader, const char *name, struct json_object *value,
                    size_t values) {
    if (loader->anchors_count == DOCUMENT_ANCHORS_MAX) {
        return fault_set(loader->fault, "Template format error: more than %d YAML anchors.",
                         DOCUMENT_ANCHORS_MAX);
    }
    if (loader->anchors == NULL) {
        loader->anchors = calloc(DOCUMENT_ANCHORS_MAX, sizeof *loader->anchors);
    }
    char *copy = loader->anchors != NULL ? strdup(name) : NULL;
    if (copy == NULL) {
        return -ENOMEM;
    }
    loader->anchors[loader->anchors_count++] =
        (struct anchor){copy, json_object_get(value), values};
    return 0;
}

static int count(struct loader *loader, size_t more) {
    loader->values += more;
    return loader->values <= DOCUMENT_VALUES_MAX
               ? 0
               : fault_set(loader->fault,
                           "Template format error: the template holds more than %d values.",
                           DOCUMENT_VALUES_MAX);
}

static int load_alias(struct loader *loader, yaml_event_t *event, struct json_object **ret_value) {
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = loader->anchors_count; i-- > 0;) {
        if (strcmp(loader->anchors[i].name, name) == 0) {
            *ret_value = json_object_get(loader->anchors[i].value);
            return count(loader, loader->anchors[i].values);
        }
    }
    return bad(loader, event->start_mark.line, event->start_mark.column);
}

static int load_node(struct loader *loader, yaml_event_t *event, unsigned depth,
                     struct json_object **ret_value) {
    const char *anchor = NULL;
    const char *tag = NULL;
    struct json_object *value = NULL;
    size_t before = loader->values;
    int result = count(loader, 1);
    if (result == 0 && depth >= VALUE_DEPTH) {
        result = fault_set(loader->fault, "Template format error: it is nested too deeply.");
    }
    if (result != 0) {
        return result;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = (const char *)event->data.scalar.anchor;
        tag = (const char *)event->data.scalar.tag;
        result = load_scalar(event, &value);
        /* A value with a function's tag is text whatever it looks like. */
        if (result == 0 && tag != NULL && tag[0] == '!' && tag[1] != '\0' &&
            !value_is_string(value)) {
            json_object_put(value);
            value = json_object_new_string((const char *)event->data.scalar.value);
            result = value != NULL ? 0 : -ENOMEM;
        }
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = (const char *)event->data.sequence_start.anchor;
        tag = (const char *)event->data.sequence_start.tag;
        result = load_sequence(loader, depth + 1, &value);
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = (const char *)event->data.mapping_start.anchor;
        tag = (const char *)event->data.mapping_start.tag;
        result = load_mapping(loader, depth + 1, &value);
        break;
    case YAML_ALIAS_EVENT:
        result = load_alias(loader, event, &value);
        break;
    default:
        result = bad(loader, event->start_mark.line, event->start_mark.column);
    }
    if (result == 0) {
        result = apply_tag(loader, tag, event, &value);
    }
    if (result == 0 && anchor != NULL) {
        result = remember(loader, anchor, value, loader->values - before);
    }
    if (result != 0) {
        json_object_put(value);
        return result;
    }
    *ret_value = value;
    return 0;
}

/* Reads up to the first node, then the node; what follows must be the end. */
static int load_document(struct loader *loader, struct json_object **ret_root) {
    yaml_event_t event;
    int result;
    do {
        result = next(loader, &event);
        if (result != 0) {
            return result;
        }
        if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT) {
            break;
        }
        yaml_event_delete(&event);
    } while (true);
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        return fault_set(loader->fault, "Template format error: unsupported structure.");
    }
    result = load_node(loader, &event, 0, ret_root);
    yaml_event_delete(&event);
    for (int i = 0; i < 2 && result == 0; i++) {
        result = next(loader, &event);
        if (result == 0) {
            if (event.type != YAML_DOCUMENT_END_EVENT && event.type != YAML_STREAM_END_EVENT) {
                result = bad(loader, event.start_mark.line, event.start_mark.column);
            }
            yaml_event_delete(&event);
        }
        if (result != 0) {
            json_object_put(*ret_root);
        }
    }
    return result;
}

int document_parse_yaml(struct virga_str text, struct json_object **ret_root, struct fault *fault) {
    struct loader loader = {.fault = fault};
    struct json_object *root = NULL;
    if (yaml_parser_initialize(&loader.parser) == 0) {
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)text.ptr, text.len);
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    int result = load_document(&loader, &root);
    for (size_t i = 0; i < loader.anchors_count; i++) {
        free(loader.anchors[i].name);
        json_object_put(loader.anchors[i].value);
    }
    free(loader.anchors);
    yaml_parser_delete(&loader.parser);
    if (result == 0) {
        *ret_root = root;
    }
    return result;
}
