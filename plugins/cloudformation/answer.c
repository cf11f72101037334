/* SPDX-License-Identifier: MIT */
/* Answers of other services: JSON 1.1, REST JSON, Query and REST XML. */
#include "answer.h"

#include <strings.h>

struct virga_str answer_header(const struct answer *answer, const char *name) {
    for (size_t i = 0; i < answer->response->headers_count; i++) {
        const struct virga_header *header = &answer->response->headers[i];
        if (header->name.len == strlen(name) &&
            strncasecmp(header->name.ptr, name, header->name.len) == 0) {
            return header->value;
        }
    }
    return (struct virga_str){NULL, 0};
}

/* Copies text with the five entities of XML put back. */
static void unescape(struct virga_str from, char *to, size_t size) {
    static const struct {
        const char *entity;
        char c;
    } entities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
    size_t len = 0;
    for (size_t i = 0; i < from.len && len + 1 < size;) {
        size_t step = 1;
        char c = from.ptr[i];
        for (size_t n = 0; c == '&' && n < 5; n++) {
            size_t entity_len = strlen(entities[n].entity);
            if (from.len - i >= entity_len &&
                memcmp(from.ptr + i, entities[n].entity, entity_len) == 0) {
                c = entities[n].c;
                step = entity_len;
                break;
            }
        }
        to[len++] = c;
        i += step;
    }
    to[len] = '\0';
}

bool answer_xml(const struct answer *answer, const char *element, char *ret_text, size_t size) {
    char open[80];
    int open_len = snprintf(open, sizeof open, "<%s>", element);
    const char *at = answer->body.len > 0
                         ? memmem(answer->body.ptr, answer->body.len, open, (size_t)open_len)
                         : NULL;
    if (at == NULL) {
        return false;
    }
    at += open_len;
    const char *end = memchr(at, '<', answer->body.len - (size_t)(at - answer->body.ptr));
    if (end == NULL) {
        return false;
    }
    unescape((struct virga_str){at, (size_t)(end - at)}, ret_text, size);
    return true;
}

/* "prefix#Code" and "Code:url" are Code. */
static void take_code(struct answer *answer, const char *text) {
    const char *hash = strchr(text, '#');
    text = hash != NULL ? hash + 1 : text;
    (void)snprintf(answer->code, sizeof answer->code, "%.*s", (int)strcspn(text, ":"), text);
}

static void read_error(struct answer *answer) {
    struct virga_str type = answer_header(answer, "x-amzn-errortype");
    if (answer->json != NULL) {
        const char *code = value_text(answer->json, "__type");
        const char *message = value_text(answer->json, "message");
        message = message != NULL ? message : value_text(answer->json, "Message");
        take_code(answer, code != NULL ? code : type.ptr != NULL ? type.ptr : "");
        (void)snprintf(answer->message, sizeof answer->message, "%s",
                       message != NULL ? message : answer->code);
    } else if (!answer_xml(answer, "Code", answer->code, sizeof answer->code)) {
        (void)snprintf(answer->code, sizeof answer->code, "%s", type.ptr != NULL ? type.ptr : "");
    }
    if (answer->json == NULL &&
        !answer_xml(answer, "Message", answer->message, sizeof answer->message)) {
        (void)snprintf(answer->message, sizeof answer->message, "%s",
                       answer->code[0] != '\0' ? answer->code : "no message");
    }
}

void answer_read(const struct virga_dispatch_response *response, struct answer *ret_answer) {
    *ret_answer = (struct answer){
        .status = response->status,
        .error = response->error,
        .body = response->body,
        .response = response,
    };
    struct answer *answer = ret_answer;
    if (answer->error != 0) {
        (void)snprintf(answer->message, sizeof answer->message, "the service did not answer: %s",
                       strerror(-answer->error));
        return;
    }
    struct virga_str id = answer_header(answer, "x-amzn-requestid");
    (void)snprintf(answer->request_id, sizeof answer->request_id, "%.*s", (int)id.len,
                   id.ptr != NULL ? id.ptr : "");
    if (answer->body.len > 0 && (answer->body.ptr[0] == '{' || answer->body.ptr[0] == '[')) {
        (void)value_parse(answer->body, &answer->json, NULL);
    }
    if (answer->status >= 300) {
        read_error(answer);
    }
}

void answer_finish(struct answer *answer) {
    json_object_put(answer->json);
    answer->json = NULL;
}

bool answer_is_ok(const struct answer *answer) {
    return answer->error == 0 && answer->status >= 200 && answer->status < 300;
}

bool answer_is(const struct answer *answer, const char *codes) {
    size_t len = strlen(answer->code);
    for (const char *at = codes; len > 0 && (at = strstr(at, answer->code)) != NULL; at += len) {
        if ((at == codes || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' ')) {
            return true;
        }
    }
    return false;
}
