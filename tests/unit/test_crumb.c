/* SPDX-License-Identifier: MIT */
#include "crumb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "request.h"

static struct crumb_cell cell;

static void call_without_a_request_is_described(void **state) {
    (void)state;
    struct crumb crumb;
    char text[CRUMB_TEXT_MAX];
    crumb_fill(&crumb, "ecr", "on_timer", NULL);
    assert_string_equal(crumb_describe(&crumb, text), "plugin ecr ran on_timer");
}

static void request_and_its_action_are_described_and_cut(void **state) {
    (void)state;
    struct crumb crumb;
    char text[CRUMB_TEXT_MAX];
    char path[1000];
    struct request req = {.id = "id-1"};
    req.pub.method = virga_str_from("POST");
    req.pub.path = virga_str_from("/");
    req.pub.action = virga_str_from("GetX");
    crumb_fill(&crumb, "ecr", "handle", &req);
    assert_string_equal(crumb_describe(&crumb, text),
                        "plugin ecr ran handle for request id-1 POST / GetX");
    memset(path, 'x', sizeof path);
    req.pub.path = (struct virga_str){path, sizeof path};
    crumb_fill(&crumb, "ecr", "handle", &req);
    assert_int_equal(strlen(crumb.path), sizeof crumb.path - 1);
    assert_null(strstr(crumb.path, "GetX"));
}

static void what_is_published_is_read_until_it_is_cleared(void **state) {
    (void)state;
    struct crumb crumb;
    struct crumb seen;
    assert_false(crumb_read(&cell, &seen));
    crumb_fill(&crumb, "ecr", "handle", NULL);
    crumb_publish(&cell, &crumb);
    assert_true(crumb_read(&cell, &seen));
    assert_memory_equal(&seen, &crumb, sizeof seen);
    crumb_publish(&cell, NULL);
    assert_false(crumb_read(&cell, &seen));
}

static void cell_of_a_process_that_died_while_writing_works_again(void **state) {
    (void)state;
    struct crumb crumb;
    struct crumb seen;
    atomic_store(&cell.version, 7);
    (void)crumb_read(&cell, &seen); /* comes back */
    crumb_fill(&crumb, "ecr", "handle", NULL);
    crumb_publish(&cell, &crumb);
    assert_int_equal(atomic_load(&cell.version) % 2, 0);
    assert_true(crumb_read(&cell, &seen));
    crumb_publish(&cell, NULL);
}

/* A worker may die while it writes: what it was about is told all the same. */
static void reader_gives_up_on_a_writer_that_stopped_in_the_middle(void **state) {
    (void)state;
    struct crumb crumb, seen;
    memset(&crumb, 0, sizeof crumb);
    memset(crumb.plugin, 'a', sizeof crumb.plugin - 1);
    crumb_publish(&cell, &crumb);
    atomic_fetch_add(&cell.version, 1);
    assert_true(crumb_read(&cell, &seen));
    assert_string_equal(seen.plugin, crumb.plugin);
    atomic_fetch_add(&cell.version, 1);
    crumb_publish(&cell, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_without_a_request_is_described),
        cmocka_unit_test(request_and_its_action_are_described_and_cut),
        cmocka_unit_test(what_is_published_is_read_until_it_is_cleared),
        cmocka_unit_test(cell_of_a_process_that_died_while_writing_works_again),
        cmocka_unit_test(reader_gives_up_on_a_writer_that_stopped_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
