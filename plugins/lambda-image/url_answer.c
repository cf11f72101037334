/* SPDX-License-Identifier: MIT */
/* The HTTP answer that the result of a function behind a URL means (url_event.h). */
#include "url_event.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/base64.h>

static bool is_name(struct virga_str a, const char *b) {
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

struct virga_str url_answer_header(const struct url_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->headers_count; i++) {
        if (is_name(answer->headers[i].name, name)) {
            return answer->headers[i].value;
        }
    }
    return (struct virga_str){NULL, 0};
}

void url_answer_add(struct url_answer *answer, const char *name, struct virga_str value) {
    if (answer->headers_count < URL_HEADERS_MAX) {
        answer->headers[answer->headers_count++] =
            (struct virga_header){virga_str_from(name), value};
    }
}

void url_answer_drop(struct url_answer *answer, const char *prefix) {
    size_t kept = 0;
    for (size_t i = 0; i < answer->headers_count; i++) {
        if (answer->headers[i].name.len < strlen(prefix) ||
            strncasecmp(answer->headers[i].name.ptr, prefix, strlen(prefix)) != 0) {
            answer->headers[kept++] = answer->headers[i];
        }
    }
    answer->headers_count = kept;
}

void url_answer_finish(struct url_answer *answer) {
    json_object_put(answer->json);
    free(answer->decoded);
    *answer = (struct url_answer){0};
}

/* What the host sends itself, or what would break the answer's frame. */
static bool is_frame(const char *name) {
    return strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0 ||
           strcasecmp(name, "connection") == 0 || strcasecmp(name, "date") == 0;
}

static int take_headers(struct url_answer *answer) {
    struct json_object *headers = virga_awsjson_member(answer->json, "headers");
    struct json_object *cookies = virga_awsjson_member(answer->json, "cookies");
    if (json_object_is_type(headers, json_type_object)) {
        json_object_object_foreach(headers, name, value) {
            if (value != NULL && !is_frame(name)) {
                if (answer->headers_count == URL_HEADERS_MAX) {
                    return -EBADMSG;
                }
                url_answer_add(answer, name, virga_str_from(json_object_get_string(value)));
            }
        }
    }
    size_t count =
        json_object_is_type(cookies, json_type_array) ? json_object_array_length(cookies) : 0;
    for (size_t i = 0; i < count; i++) {
        if (answer->headers_count == URL_HEADERS_MAX) {
            return -EBADMSG;
        }
        struct json_object *cookie = json_object_array_get_idx(cookies, i);
        url_answer_add(answer, "Set-Cookie",
                       virga_str_from(cookie != NULL ? json_object_get_string(cookie) : ""));
    }
    return 0;
}

/* Status, headers and cookies out of answer->json. */
static int take_head(struct url_answer *answer, int status_default) {
    struct json_object *status = virga_awsjson_member(answer->json, "statusCode");
    answer->status = status != NULL ? json_object_get_int(status) : status_default;
    if (answer->status < 200 || answer->status > 599) {
        return -EBADMSG;
    }
    return take_headers(answer);
}

static int take_body(struct url_answer *answer) {
    struct json_object *body = virga_awsjson_member(answer->json, "body");
    answer->body = virga_str_from("");
    if (json_object_is_type(body, json_type_string)) {
        answer->body = virga_awsjson_text(body);
    } else if (body != NULL) {
        answer->body = virga_str_from(json_object_to_json_string_ext(
            body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    }
    if (!virga_awsjson_bool(answer->json, "isBase64Encoded")) {
        return 0;
    }
    size_t len = 0;
    answer->decoded = malloc(answer->body.len + 1);
    if (answer->decoded == NULL) {
        return -ENOMEM;
    }
    if (virga_base64_decode(answer->body, answer->decoded, &len) != 0) {
        return -EBADMSG;
    }
    answer->body = (struct virga_str){answer->decoded, len};
    return 0;
}

/* A result that is text alone is the body without its quotes. */
static struct virga_str plain_text(struct virga_str payload, struct url_answer *answer) {
    if (payload.len == 0 || payload.ptr[0] != '"') {
        return payload;
    }
    struct json_tokener *tokener = json_tokener_new();
    answer->json = tokener != NULL && payload.len < INT32_MAX
                       ? json_tokener_parse_ex(tokener, payload.ptr, (int)payload.len)
                       : NULL;
    if (tokener != NULL) {
        json_tokener_free(tokener);
    }
    return json_object_is_type(answer->json, json_type_string) ? virga_awsjson_text(answer->json)
                                                               : payload;
}

static void default_type(struct url_answer *answer, const char *type) {
    if (url_answer_header(answer, "Content-Type").ptr == NULL) {
        url_answer_add(answer, "Content-Type", virga_str_from(type));
    }
}

ptrdiff_t url_stream_mark(struct virga_str bytes) {
    static const char mark[URL_STREAM_MARK] = {0};
    const char *found =
        bytes.len >= sizeof mark ? memmem(bytes.ptr, bytes.len, mark, sizeof mark) : NULL;
    return found != NULL ? found - bytes.ptr : -1;
}

int url_answer_make_head(struct virga_str head, struct url_answer *ret_answer) {
    *ret_answer = (struct url_answer){0};
    int result = virga_awsjson_parse(head, &ret_answer->json);
    if (result == 0) {
        result = take_head(ret_answer, 200);
    }
    if (result == 0) {
        default_type(ret_answer, "application/octet-stream");
    } else {
        url_answer_finish(ret_answer);
    }
    return result;
}

/* A streamed answer that was gathered. */
static int make_streamed(struct virga_str payload, struct url_answer *ret_answer) {
    ptrdiff_t mark = url_stream_mark(payload);
    if (mark < 0) {
        return -EBADMSG;
    }
    int result = url_answer_make_head((struct virga_str){payload.ptr, (size_t)mark}, ret_answer);
    if (result == 0) {
        ret_answer->body = (struct virga_str){payload.ptr + mark + URL_STREAM_MARK,
                                              payload.len - (size_t)mark - URL_STREAM_MARK};
    }
    return result;
}

int url_answer_make(struct virga_str payload, const char *content_type,
                    struct url_answer *ret_answer) {
    int result = 0;
    *ret_answer = (struct url_answer){0};
    if (content_type != NULL &&
        strncasecmp(content_type, URL_STREAM_TYPE, strlen(URL_STREAM_TYPE)) == 0) {
        return make_streamed(payload, ret_answer);
    }
    if (virga_awsjson_parse(payload, &ret_answer->json) != 0 ||
        virga_awsjson_member(ret_answer->json, "statusCode") == NULL) {
        json_object_put(ret_answer->json);
        ret_answer->json = NULL;
        ret_answer->status = 200;
        ret_answer->body = plain_text(payload, ret_answer);
    } else {
        result = take_head(ret_answer, 200);
        if (result == 0) {
            result = take_body(ret_answer);
        }
    }
    if (result == 0) {
        default_type(ret_answer, "application/json");
    } else {
        url_answer_finish(ret_answer);
    }
    return result;
}
