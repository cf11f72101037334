/* SPDX-License-Identifier: MIT */
/* What the tests of the template engine share. */
#ifndef CFN_FIXTURE_H
#define CFN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"

/* The value that YAML or JSON stands for; the test fails when it is malformed. */
static inline struct json_object *parsed(const char *text) {
    struct fault fault = {""};
    struct json_object *root = NULL;
    int result = document_parse(virga_str_from(text), &root, &fault);
    if (result != 0) {
        fail_msg("%d: %s", result, fault.text);
    }
    return root;
}

/* The value is this JSON. Frees the value. */
static inline void assert_json(struct json_object *value, const char *json) {
    assert_string_equal(value_json(value), json);
    json_object_put(value);
}

#endif
