/* SPDX-License-Identifier: MIT */
/* The AWS JSON protocols: parsing what came, answering in the client's version.
 * Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/awsjson.h>

#define OUT_OF_MEMORY                                                                              \
    "{\"__type\":\"InternalFailure\",\"message\":\"The request could not be handled: out of "      \
    "memory\"}"

/* Finds what json-c's strict mode lets through: keys in single quotes, NaN and Infinity, "1.",
 * control characters in strings. */
static int is_strict(struct virga_str body) {
    int in_string = 0;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (in_string) {
            if ((unsigned char)c < 0x20) {
                return 0;
            }
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = 0;
            }
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '\'' || c == 'N' || c == 'I') {
            return 0;
        } else if (c == '.' &&
                   (i + 1 == body.len || body.ptr[i + 1] < '0' || body.ptr[i + 1] > '9')) {
            return 0;
        }
    }
    return 1;
}

int virga_awsjson_parse(struct virga_str body, struct json_object **ret_object) {
    if (body.len == 0) {
        *ret_object = json_object_new_object();
        return *ret_object != NULL ? 0 : -ENOMEM;
    }
    if (body.len > INT32_MAX || !is_strict(body)) {
        return -EBADMSG;
    }
    struct json_tokener *tokener = json_tokener_new_ex(VIRGA_AWSJSON_DEPTH);
    if (tokener == NULL) {
        return -ENOMEM;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, body.ptr, (int)body.len);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error == json_tokener_success && json_object_is_type(object, json_type_object)) {
        *ret_object = object;
        return 0;
    }
    json_object_put(object);
    return -EBADMSG;
}

struct json_object *virga_awsjson_member(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    return object != NULL && json_object_object_get_ex(object, key, &value) ? value : NULL;
}

struct virga_str virga_awsjson_text(struct json_object *value) {
    struct virga_str none = {NULL, 0};
    if (!json_object_is_type(value, json_type_string)) {
        return none;
    }
    return (struct virga_str){json_object_get_string(value),
                              (size_t)json_object_get_string_len(value)};
}

struct virga_str virga_awsjson_str(struct json_object *object, const char *key) {
    return virga_awsjson_text(virga_awsjson_member(object, key));
}

int64_t virga_awsjson_int(struct json_object *object, const char *key, int64_t absent) {
    struct json_object *value = virga_awsjson_member(object, key);
    return value != NULL ? json_object_get_int64(value) : absent;
}

int virga_awsjson_bool(struct json_object *object, const char *key) {
    struct json_object *value = virga_awsjson_member(object, key);
    return value != NULL && json_object_get_boolean(value);
}

size_t virga_awsjson_length(struct json_object *object, const char *key) {
    struct json_object *value = virga_awsjson_member(object, key);
    return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

struct json_object *virga_awsjson_element(struct json_object *object, const char *key,
                                          size_t index) {
    struct json_object *value = virga_awsjson_member(object, key);
    return json_object_is_type(value, json_type_array) ? json_object_array_get_idx(value, index)
                                                       : NULL;
}

/* The content type of an answer: the version that the request used, 1.1 when it said nothing. */
static const char *content_type(struct virga_request *req) {
    static const char version_1_0[] = "application/x-amz-json-1.0";
    struct virga_str asked = req->http->header(req, "content-type");
    size_t len = sizeof version_1_0 - 1;
    return asked.len >= len && strncasecmp(asked.ptr, version_1_0, len) == 0
               ? version_1_0
               : "application/x-amz-json-1.1";
}

int virga_awsjson_answer(struct virga_request *req, int status, struct virga_json_writer *writer) {
    struct virga_header header = {virga_str_from("content-type"),
                                  virga_str_from(content_type(req))};
    struct virga_response response = {
        .struct_size = sizeof response,
        .status = status,
        .headers = &header,
        .headers_count = 1,
    };
    if (writer->failed) {
        virga_json_finish(writer);
        response.status = 500;
        response.body = virga_str_from(OUT_OF_MEMORY);
    } else {
        response.body = (struct virga_str){writer->ptr != NULL ? writer->ptr : "", writer->len};
        response.release = free;
        response.release_arg = writer->ptr;
        memset(writer, 0, sizeof *writer);
    }
    return req->http->respond(req, &response);
}

int virga_awsjson_error(struct virga_request *req, int status, const char *code, const char *format,
                        ...) {
    char message[VIRGA_AWSJSON_MESSAGE_MAX];
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "__type", code);
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(message, sizeof message, format, args);
        va_end(args);
        virga_json_string(&writer, "message", message);
    }
    virga_json_end_object(&writer);
    return virga_awsjson_answer(req, status, &writer);
}
