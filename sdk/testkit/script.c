/* SPDX-License-Identifier: MIT */
/* What others answer: prepared by the test, used in order; and what the plugin sent to them. */
#include <stdlib.h>

#include "kit.h"

struct sent {
    struct link link;
    struct testkit_message pub;
    char *method;
    char *target;
    char *headers;
    char *body;
};

void testkit_script(struct testkit *kit, enum testkit_side side, const char *match,
                    const struct testkit_answer *answer, unsigned times) {
    struct script *script = kit_must_alloc(sizeof *script);
    script->side = side;
    script->match = kit_must_strdup(match);
    script->left = times;
    script->answer = *answer;
    if (answer->body != NULL && answer->body_length == 0) {
        script->answer.body_length = strlen(answer->body);
    }
    script->answer.status = answer->status != 0 || side == TESTKIT_RUN ? answer->status : 200;
    script->answer.headers = kit_must_strdup(answer->headers);
    script->answer.body = kit_must_copy(answer->body, script->answer.body_length);
    link_append(&kit->scripts, &script->link);
}

static void note(struct testkit *kit, enum testkit_side side, const char *method,
                 const char *target, const struct text *headers, struct virga_str body) {
    struct sent *sent = kit_must_alloc(sizeof *sent);
    sent->method = kit_must_strdup(method);
    sent->target = kit_must_strdup(target);
    sent->headers = kit_must_strdup(kit_text_get(headers));
    sent->body = kit_must_copy(body.ptr, body.len);
    sent->pub =
        (struct testkit_message){sent->method, sent->target, sent->headers, {sent->body, body.len}};
    link_append(&kit->sent[side], &sent->link);
}

const struct testkit_answer *kit_script_take(struct testkit *kit, enum testkit_side side,
                                             const char *method, const char *target,
                                             const struct text *headers, struct virga_str body) {
    struct text line = {0};
    const struct testkit_answer *answer = NULL;
    note(kit, side, method, target, headers, body);
    kit_text_add(&line, method, strlen(method));
    kit_text_add(&line, " ", 1);
    kit_text_add(&line, target, strlen(target));
    LINK_EACH(at, &kit->scripts) {
        struct script *script = LINK_ENTRY(at, struct script, link);
        if (script->side != side || script->used_up ||
            (script->match != NULL && strstr(kit_text_get(&line), script->match) == NULL)) {
            continue;
        }
        script->used_up = script->left > 0 && --script->left == 0;
        answer = &script->answer;
        break;
    }
    kit_text_free(&line);
    return answer;
}

const struct testkit_message *testkit_sent(const struct testkit *kit, enum testkit_side side,
                                           size_t n) {
    LINK_EACH(at, &kit->sent[side]) {
        if (n-- == 0) {
            return &LINK_ENTRY(at, struct sent, link)->pub;
        }
    }
    return NULL;
}

void kit_sent_finish(struct testkit *kit) {
    for (size_t side = 0; side < sizeof kit->sent / sizeof kit->sent[0]; side++) {
        LINK_EACH(at, &kit->sent[side]) {
            struct sent *sent = LINK_ENTRY(at, struct sent, link);
            free(sent->method);
            free(sent->target);
            free(sent->headers);
            free(sent->body);
            free(sent);
        }
    }
    LINK_EACH(at, &kit->scripts) {
        struct script *script = LINK_ENTRY(at, struct script, link);
        free((void *)(uintptr_t)script->answer.headers);
        free((void *)(uintptr_t)script->answer.body);
        free(script->match);
        free(script);
    }
}
