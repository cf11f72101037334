/* SPDX-License-Identifier: MIT */
/* The plugin in a host in memory, whose other services are scripted. */
#ifndef KIT_FIXTURE_H
#define KIT_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <virga/testkit.h>

#include "text.h"

#define IAM_ANSWER                                                                                 \
    "<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::000000000000:role/x</Arn><RoleId>"    \
    "AROAX</RoleId></Role></GetRoleResult></GetRoleResponse>"

static inline void script(struct testkit *kit, const char *match, int status, const char *body,
                          unsigned times) {
    const struct testkit_answer answer = {.status = status, .body = body};
    testkit_script(kit, TESTKIT_DISPATCH, match, &answer, times);
}

static inline struct testkit *kit_begin(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    if (testkit_start(kit) != 0) {
        fail_msg("%s", testkit_error(kit));
    }
    return kit;
}

static inline void kit_end(struct testkit *kit) {
    assert_int_equal(testkit_destroy(kit), 0);
}

/* An action: pairs of names and values, ended by NULL. */
static inline struct testkit_request *ask(struct testkit *kit, const char *action, ...) {
    struct text form = {0};
    va_list args;
    text_addf(&form, "Version=2010-05-15&Action=%s", action);
    va_start(args, action);
    for (const char *name; (name = va_arg(args, const char *)) != NULL;) {
        text_addf(&form, "&%s=", name);
        text_add_encoded(&form, virga_str_from(va_arg(args, const char *)), "");
    }
    va_end(args);
    struct testkit_request *req = testkit_ask_query(kit, "cloudformation", form.ptr);
    text_finish(&form);
    return req;
}

static inline void assert_has(const char *body, const char *part) {
    if (body == NULL || strstr(body, part) == NULL) {
        fail_msg("\"%s\" is not in\n%s", part, body != NULL ? body : "");
    }
}

static inline void assert_lacks(const char *body, const char *part) {
    if (strstr(body, part) != NULL) {
        fail_msg("\"%s\" is in\n%s", part, body);
    }
}

/* The request was answered like this, and its body holds this. */
static inline void assert_answer(struct testkit_request *req, int status, const char *part) {
    if (testkit_status(req) != status) {
        fail_msg("status %d: %s", testkit_status(req), testkit_body(req));
    }
    assert_has(testkit_body(req), part);
}

/* A stack's status and what else its description holds. */
static inline void assert_stack(struct testkit *kit, const char *name, const char *status,
                                const char *part) {
    char element[120];
    struct testkit_request *req = ask(kit, "DescribeStacks", "StackName", name, NULL);
    (void)snprintf(element, sizeof element, "<StackStatus>%s</StackStatus>", status);
    if (strstr(testkit_body(req), element) == NULL) {
        struct testkit_request *events = ask(kit, "DescribeStackEvents", "StackName", name, NULL);
        fail_msg("%s is not %s: %s\n%s", name, status, testkit_body(req), testkit_body(events));
    }
    assert_answer(req, 200, part);
}

/* The text of an element in an answer; "" when it has none. Valid: until the next call. */
static inline const char *element_text(struct testkit_request *req, const char *element) {
    static char text[4096];
    char open[100];
    (void)snprintf(open, sizeof open, "<%s>", element);
    const char *at = strstr(testkit_body(req), open);
    text[0] = '\0';
    if (at != NULL) {
        at += strlen(open);
        (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(at, "<"), at);
    }
    return text;
}

/* Everything that was sent to other services, a line for each: "<method> <target>". */
static inline void sent_lines(struct testkit *kit, struct text *lines) {
    const struct testkit_message *message;
    for (size_t i = 0; (message = testkit_sent(kit, TESTKIT_DISPATCH, i)) != NULL; i++) {
        text_addf(lines, "%s %s %.*s\n", message->method, message->target, (int)message->body.len,
                  message->body.ptr);
    }
}

static inline void assert_sent(struct testkit *kit, const char *part) {
    struct text lines = {0};
    sent_lines(kit, &lines);
    assert_has(text_str(&lines).ptr, part);
    text_finish(&lines);
}

static inline void assert_not_sent(struct testkit *kit, const char *part) {
    struct text lines = {0};
    sent_lines(kit, &lines);
    assert_lacks(text_str(&lines).ptr, part);
    text_finish(&lines);
}

#endif
