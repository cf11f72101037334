/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <errno.h>
#include <stdlib.h>

/* A token is good for the same action with the same members. */
static int read_question(struct call *call, struct virga_str *ret_question) {
    json_object_object_del(call->input, "Marker");
    json_object_object_del(call->input, "MaxItems");
    const char *input = json_object_to_json_string_ext(call->input, JSON_C_TO_STRING_PLAIN);
    const struct virga_str account = call->req->account;
    if (input == NULL) {
        return -ENOMEM;
    }
    size_t size = account.len + strlen(call->action) + strlen(input) + sizeof "  ";
    char *text = call->req->http->alloc(call->req, size);
    if (text == NULL) {
        return -ENOMEM;
    }
    int len = snprintf(text, size, "%s %s %s", account.ptr, call->action, input);
    *ret_question = (struct virga_str){text, (size_t)len};
    return 0;
}

int page_begin(struct call *call, struct virga_xml_writer *writer, struct page *ret_page) {
    char position[VIRGA_PAGE_POSITION_MAX];
    size_t len = 0;
    struct json_object *marker = json_object_get(virga_awsjson_member(call->input, "Marker"));
    *ret_page = (struct page){.call = call, .writer = writer, .looked = PAGE_LOOKED_MAX};
    ret_page->left = virga_awsjson_int(call->input, "MaxItems", PAGE_ITEMS);
    int result = read_question(call, &ret_page->question);
    if (result == 0 && marker != NULL) {
        result = virga_page_token_open(&call->iam->page_key, ret_page->question,
                                       virga_awsjson_text(marker), position, &len);
        if (result == 0 && (len == 0 || len > PAGE_POSITION_SIZE)) {
            result = -EINVAL;
        }
    }
    json_object_put(marker);
    if (result == -EINVAL) {
        call_fail(call, VALIDATION_ERROR, "Invalid Marker");
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else if (len > 0) {
        ret_page->phase = position[0];
        ret_page->position_len = len - 1;
        memcpy(ret_page->position, position + 1, len - 1);
    }
    return result;
}

/* Ends the page behind `last`, "" = before the phase begins. */
static void cut(struct page *page, int phase, struct virga_str last) {
    page->truncated = 1;
    page->next_phase = phase;
    page->next_len = last.len < PAGE_POSITION_SIZE - 1 ? last.len : PAGE_POSITION_SIZE - 1;
    memcpy(page->next, last.ptr, page->next_len);
}

void page_scan(struct page *page, int phase, const struct key *prefix, page_show *show, void *arg) {
    const struct iam *iam = page->call->iam;
    struct virga_store_cursor *cursor;
    struct virga_str key, value, after = {NULL, 0};
    char last[PAGE_POSITION_SIZE];
    size_t last_len = 0;
    struct key from;
    int result;
    if (page->error != 0 || page->truncated || phase < page->phase) {
        return;
    }
    if (phase == page->phase && page->position_len > 0) {
        from = *prefix;
        if (from.len + page->position_len > KEY_SIZE) {
            page->error = -EIO;
            return;
        }
        memcpy(from.bytes + from.len, page->position, page->position_len);
        from.len += page->position_len;
        after = key_str(&from);
        memcpy(last, page->position, page->position_len);
        last_len = page->position_len;
    }
    result = iam->store->scan(iam->host, key_str(prefix), after, 0, &cursor);
    if (result != 0) {
        page->error = result;
        return;
    }
    while ((result = iam->store->next(cursor, &key, &value)) == 1) {
        struct virga_str name = {key.ptr + prefix->len, key.len - prefix->len};
        if (page->left == 0 || page->looked == 0) {
            cut(page, phase, (struct virga_str){last, last_len});
            break;
        }
        page->looked--;
        int shown = show(page, name, value, arg);
        if (shown < 0) {
            page->error = shown;
            break;
        }
        page->left -= shown;
        last_len = name.len < sizeof last ? name.len : sizeof last;
        memcpy(last, name.ptr, last_len);
    }
    iam->store->close(cursor);
    if (result < 0) {
        page->error = result;
    }
}

void page_count(struct page *page, int phase, size_t count,
                int (*show)(struct page *page, size_t index, void *arg), void *arg) {
    size_t first = 0;
    char text[24];
    if (page->error != 0 || page->truncated || phase < page->phase) {
        return;
    }
    if (phase == page->phase && page->position_len > 0 && page->position_len < sizeof text) {
        memcpy(text, page->position, page->position_len);
        text[page->position_len] = '\0';
        first = strtoull(text, NULL, 10);
    }
    for (size_t i = first; i < count; i++) {
        if (page->left == 0) {
            int len = snprintf(text, sizeof text, "%zu", i);
            cut(page, phase, (struct virga_str){text, (size_t)len});
            return;
        }
        int shown = show(page, i, arg);
        if (shown < 0) {
            page->error = shown;
            return;
        }
        page->left -= shown;
    }
}

void page_answer(struct page *page) {
    struct call *call = page->call;
    char position[PAGE_POSITION_SIZE + 1];
    char token[VIRGA_PAGE_TOKEN_SIZE];
    int result = page->error;
    if (result == 0) {
        virga_xml_bool(page->writer, "IsTruncated", page->truncated);
        if (page->truncated) {
            position[0] = (char)page->next_phase;
            memcpy(position + 1, page->next, page->next_len);
            result = virga_page_token_make(&call->iam->page_key, page->question,
                                           (struct virga_str){position, page->next_len + 1}, token);
            if (result == 0) {
                virga_xml_string(page->writer, "Marker", token);
            }
        }
    }
    if (result != 0) {
        virga_xml_finish(page->writer);
        call_fail_internally(call, result);
        return;
    }
    (void)virga_query_answer(call->req, page->writer, call->action);
}
