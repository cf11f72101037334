/* SPDX-License-Identifier: MIT */
/* Query parameters, decoded and sorted, and the answers in XML. */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/json_writer.h>
#include <virga/helpers/query.h>
#include <virga/helpers/time.h>

#define FORM "application/x-www-form-urlencoded"
#define ELEMENT_NAME_MAX 160

/* --- reading --- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes to `*at`, which has room, and puts a NUL behind it. Errors: -EBADMSG. */
static int decode(struct virga_str raw, char **at, struct virga_str *ret) {
    char *start = *at;
    char *to = start;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < raw.len ? hex_digit(raw.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(raw.ptr[i + 2]) : -1;
            if (low < 0) {
                return -EBADMSG;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        *to++ = c;
    }
    *ret = (struct virga_str){start, (size_t)(to - start)};
    *to++ = '\0';
    *at = to;
    for (size_t i = 0; i < ret->len;) {
        size_t len = virga_utf8_char((struct virga_str){ret->ptr + i, ret->len - i});
        if (len == 0) {
            return -EBADMSG;
        }
        i += len;
    }
    return 0;
}

static size_t count_parameters(struct virga_str text) {
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.ptr[i] == '&';
    }
    return count;
}

/* Decodes every parameter of `text` behind those that are there. */
static int read_parameters(struct virga_str text, char **at,
                           struct virga_query_parameter *parameters, size_t *count) {
    size_t start = 0;
    while (start < text.len) {
        const char *pair = text.ptr + start;
        const char *end = memchr(pair, '&', text.len - start);
        size_t len = end != NULL ? (size_t)(end - pair) : text.len - start;
        const char *equals = memchr(pair, '=', len);
        size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
        size_t value_at = equals != NULL ? name_len + 1 : len;
        start += len + 1;
        if (len == 0) {
            continue;
        }
        struct virga_query_parameter *parameter = &parameters[*count];
        int result = decode((struct virga_str){pair, name_len}, at, &parameter->name);
        if (result == 0) {
            result =
                decode((struct virga_str){pair + value_at, len - value_at}, at, &parameter->value);
        }
        if (result != 0) {
            return result;
        }
        (*count)++;
    }
    return 0;
}

static int compare_text(struct virga_str a, struct virga_str b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Equal names keep the order in which they came: all of them lie in one buffer. */
static int compare_parameters(const void *a, const void *b) {
    const struct virga_query_parameter *one = a;
    const struct virga_query_parameter *other = b;
    int order = compare_text(one->name, other->name);
    return order != 0 ? order
                      : (one->name.ptr > other->name.ptr) - (one->name.ptr < other->name.ptr);
}

static struct virga_str form_of(struct virga_request *req) {
    struct virga_str type = req->http->header(req, "content-type");
    struct virga_str none = {"", 0};
    return type.len >= strlen(FORM) && strncasecmp(type.ptr, FORM, strlen(FORM)) == 0 &&
                   req->body.ptr != NULL
               ? req->body
               : none;
}

int virga_query_parse(struct virga_request *req, struct virga_query *ret_query) {
    struct virga_str form = form_of(req);
    size_t most = count_parameters(req->query) + count_parameters(form);
    if (most > VIRGA_QUERY_PARAMETERS_MAX) {
        return -E2BIG;
    }
    /* Decoding never lengthens; the '&', the '=' and the ends pay for the NULs. */
    size_t text_size = req->query.len + form.len + 4;
    struct virga_query_parameter *parameters =
        req->http->alloc(req, (most + 1) * sizeof *parameters);
    char *at = req->http->alloc(req, text_size + most);
    size_t count = 0;
    if (parameters == NULL || at == NULL) {
        return -ENOMEM;
    }
    int result = read_parameters(req->query, &at, parameters, &count);
    if (result == 0) {
        result = read_parameters(form, &at, parameters, &count);
    }
    if (result != 0) {
        return result;
    }
    qsort(parameters, count, sizeof *parameters, compare_parameters);
    *ret_query = (struct virga_query){parameters, count};
    return 0;
}

/* The first parameter whose name is not before `name`. */
static size_t lower_bound(const struct virga_query *query, struct virga_str name) {
    size_t low = 0;
    size_t high = query->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_text(query->parameters[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct virga_str find(const struct virga_query *query, struct virga_str name) {
    size_t at = lower_bound(query, name);
    if (at < query->count && virga_str_equal(query->parameters[at].name, name)) {
        return query->parameters[at].value;
    }
    return (struct virga_str){NULL, 0};
}

struct virga_str virga_query_str(const struct virga_query *query, const char *name) {
    return find(query, virga_str_from(name));
}

/* --- the object of a shape --- */

/* Where a shape is looked for. */
struct place {
    const struct virga_query *query;
    char name[VIRGA_QUERY_NAME_MAX];
    size_t len;
    unsigned depth;
};

/* Goes down to ".text" and returns the length to come back to; 0 with *ret_fits 0 when it is too
 * long. */
VIRGA_PRINTF(3, 4)
static size_t enter(struct place *place, int *ret_fits, const char *format, ...) {
    size_t before = place->len;
    size_t room = sizeof place->name - before;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(place->name + before, room, format, args);
    va_end(args);
    *ret_fits = len >= 0 && (size_t)len < room;
    if (*ret_fits) {
        place->len += (size_t)len;
    }
    return before;
}

static void leave(struct place *place, size_t before) {
    place->len = before;
    place->name[before] = '\0';
}

static struct virga_str name_of(const struct place *place) {
    return (struct virga_str){place->name, place->len};
}

/* Whether there is a parameter of this name or one below it. */
static int is_there(struct place *place) {
    int fits;
    if (find(place->query, name_of(place)).ptr != NULL) {
        return 1;
    }
    size_t before = enter(place, &fits, ".");
    size_t at = fits ? lower_bound(place->query, name_of(place)) : place->query->count;
    int there = at < place->query->count && place->query->parameters[at].name.len > place->len &&
                memcmp(place->query->parameters[at].name.ptr, place->name, place->len) == 0;
    leave(place, before);
    return there;
}

static struct json_object *new_text(struct virga_str text) {
    return json_object_new_string_len(text.ptr, (int)text.len);
}

static struct json_object *new_integer(struct virga_str text) {
    char *end;
    errno = 0;
    long long value = strtoll(text.ptr, &end, 10);
    int digit = text.len > 0 && (text.ptr[0] == '-' || hex_digit(text.ptr[0]) >= 0);
    return digit && errno == 0 && end == text.ptr + text.len ? json_object_new_int64(value)
                                                             : new_text(text);
}

static struct json_object *new_double(struct virga_str text) {
    char *end;
    double value = strtod(text.ptr, &end);
    int digit = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '.' ||
                                 (text.ptr[0] >= '0' && text.ptr[0] <= '9'));
    return digit && end == text.ptr + text.len ? json_object_new_double(value) : new_text(text);
}

static struct json_object *new_boolean(struct virga_str text) {
    int is_true = virga_str_equal(text, virga_str_from("true"));
    return is_true || virga_str_equal(text, virga_str_from("false"))
               ? json_object_new_boolean(is_true)
               : new_text(text);
}

static struct json_object *new_timestamp(struct virga_str text) {
    int64_t time_ms;
    return virga_time_parse(text, &time_ms) == 0 ? json_object_new_double((double)time_ms / 1000)
                                                 : new_text(text);
}

static int build(struct place *place, const struct virga_model_shape *shape,
                 struct json_object **ret_value);

/* Builds what lies at ".text" below; *ret_value NULL when there is nothing. */
static int build_below(struct place *place, const char *separator, const char *text,
                       const struct virga_model_shape *shape, struct json_object **ret_value) {
    int fits;
    int result = 0;
    size_t before = enter(place, &fits, "%s%s", separator, text);
    *ret_value = NULL;
    if (fits && is_there(place)) {
        result = build(place, shape, ret_value);
    }
    leave(place, before);
    return result;
}

static int build_structure(struct place *place, const struct virga_model_shape *shape,
                           struct json_object *object) {
    const struct virga_model_member *member = shape->members;
    for (; member != NULL && member->name != NULL; member++) {
        struct json_object *value;
        int result =
            build_below(place, place->len > 0 ? "." : "", member->name, member->shape, &value);
        if (result != 0) {
            return result;
        }
        if (value != NULL && json_object_object_add(object, member->name, value) != 0) {
            json_object_put(value);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Goes down to the list's or map's first part, "member" or "entry", unless it is flattened. */
static size_t enter_entries(struct place *place, const char *word) {
    int fits;
    size_t before = enter(place, &fits, ".%s", word);
    if (!fits || !is_there(place)) {
        leave(place, before);
    }
    return before;
}

static int add_entry(struct place *place, const struct virga_model_shape *shape,
                     struct json_object *to) {
    struct json_object *value = NULL;
    int result;
    if (shape->type == VIRGA_MODEL_LIST) {
        result = build(place, shape->element, &value);
        if (result == 0 && json_object_array_add(to, value) != 0) {
            json_object_put(value);
            result = -ENOMEM;
        }
        return result;
    }
    int fits;
    size_t before = enter(place, &fits, ".key");
    struct virga_str key = fits ? find(place->query, name_of(place)) : (struct virga_str){NULL, 0};
    leave(place, before);
    if (key.ptr == NULL) {
        return 0;
    }
    result = build_below(place, ".", "value", shape->element, &value);
    if (result == 0 && json_object_object_add(to, key.ptr, value) != 0) {
        json_object_put(value);
        result = -ENOMEM;
    }
    return result;
}

static int build_entries(struct place *place, const struct virga_model_shape *shape,
                         struct json_object *to) {
    size_t before = enter_entries(place, shape->type == VIRGA_MODEL_LIST ? "member" : "entry");
    int result = 0;
    for (unsigned number = 1; result == 0; number++) {
        int fits;
        size_t entry = enter(place, &fits, ".%u", number);
        if (!fits || !is_there(place)) {
            leave(place, entry);
            break;
        }
        result = add_entry(place, shape, to);
        leave(place, entry);
    }
    leave(place, before);
    return result;
}

static int build_container(struct place *place, const struct virga_model_shape *shape,
                           struct json_object **ret_value) {
    if (place->depth >= VIRGA_QUERY_DEPTH) {
        return 0;
    }
    struct json_object *value =
        shape->type == VIRGA_MODEL_LIST ? json_object_new_array() : json_object_new_object();
    if (value == NULL) {
        return -ENOMEM;
    }
    place->depth++;
    int result = shape->type == VIRGA_MODEL_STRUCTURE ? build_structure(place, shape, value)
                                                      : build_entries(place, shape, value);
    place->depth--;
    if (result != 0) {
        json_object_put(value);
        return result;
    }
    *ret_value = value;
    return 0;
}

static int build(struct place *place, const struct virga_model_shape *shape,
                 struct json_object **ret_value) {
    struct virga_str text = find(place->query, name_of(place));
    *ret_value = NULL;
    switch (shape->type) {
    case VIRGA_MODEL_STRUCTURE:
    case VIRGA_MODEL_LIST:
    case VIRGA_MODEL_MAP:
        return build_container(place, shape, ret_value);
    default:
        break;
    }
    if (text.ptr == NULL) {
        return 0;
    }
    switch (shape->type) {
    case VIRGA_MODEL_INTEGER:
        *ret_value = new_integer(text);
        break;
    case VIRGA_MODEL_DOUBLE:
        *ret_value = new_double(text);
        break;
    case VIRGA_MODEL_BOOLEAN:
        *ret_value = new_boolean(text);
        break;
    case VIRGA_MODEL_TIMESTAMP:
        *ret_value = new_timestamp(text);
        break;
    default:
        *ret_value = new_text(text);
        break;
    }
    return *ret_value != NULL ? 0 : -ENOMEM;
}

int virga_query_object(const struct virga_query *query, const struct virga_model_shape *shape,
                       struct json_object **ret_object) {
    struct place place = {.query = query};
    return build_container(&place, shape, ret_object);
}

/* --- answers --- */

static const char *element_name(const char *action, const char *suffix,
                                char buffer[ELEMENT_NAME_MAX]) {
    (void)snprintf(buffer, ELEMENT_NAME_MAX, "%s%s", action, suffix);
    return buffer;
}

void virga_query_begin(struct virga_xml_writer *writer, const char *action, const char *xmlns) {
    char name[ELEMENT_NAME_MAX];
    virga_xml_begin_in(writer, element_name(action, "Response", name), xmlns);
    virga_xml_begin(writer, element_name(action, "Result", name));
}

static int end_response(struct virga_request *req, struct virga_xml_writer *writer,
                        const char *action) {
    char name[ELEMENT_NAME_MAX];
    virga_xml_begin(writer, "ResponseMetadata");
    virga_xml_str(writer, "RequestId", req->id);
    virga_xml_end(writer, "ResponseMetadata");
    virga_xml_end(writer, element_name(action, "Response", name));
    return virga_xml_answer(req, 200, NULL, writer);
}

int virga_query_answer(struct virga_request *req, struct virga_xml_writer *writer,
                       const char *action) {
    char name[ELEMENT_NAME_MAX];
    virga_xml_end(writer, element_name(action, "Result", name));
    return end_response(req, writer, action);
}

int virga_query_answer_empty(struct virga_request *req, const char *action, const char *xmlns) {
    char name[ELEMENT_NAME_MAX];
    struct virga_xml_writer writer = {0};
    virga_xml_begin_in(&writer, element_name(action, "Response", name), xmlns);
    return end_response(req, &writer, action);
}

int virga_query_error(struct virga_request *req, int status, const char *xmlns, const char *code,
                      const char *format, ...) {
    char message[VIRGA_QUERY_MESSAGE_MAX];
    struct virga_xml_writer writer = {0};
    virga_xml_begin_in(&writer, "ErrorResponse", xmlns);
    virga_xml_begin(&writer, "Error");
    virga_xml_string(&writer, "Type", status < 500 ? "Sender" : "Receiver");
    virga_xml_string(&writer, "Code", code);
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(message, sizeof message, format, args);
        va_end(args);
        virga_xml_string(&writer, "Message", message);
    }
    virga_xml_end(&writer, "Error");
    virga_xml_str(&writer, "RequestId", req->id);
    virga_xml_end(&writer, "ErrorResponse");
    return virga_xml_answer(req, status, NULL, &writer);
}
