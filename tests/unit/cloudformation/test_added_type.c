/* SPDX-License-Identifier: MIT */
/* A type of another plugin, and what a crash or a stop leaves unfinished. */
#include <virga/service/resource_types.h>

#include "kit_fixture.h"

#define STR(text) virga_str_from(text)

/* The smallest plugin with a resource type of its own: what start(), stop() and the callbacks of
 * such a plugin hold. */
struct example {
    const struct virga_resource_types *types;
    struct virga_resource_type type;
    struct virga_resource_task *held; /* answered later */
    bool hold;
    const char *failure;
    char log[2000];
};

static struct example example;

static void note(const char *what, const struct virga_resource_request *request) {
    size_t len = strlen(example.log);
    (void)snprintf(example.log + len, sizeof example.log - len, "%s %s %s%s%s%s\n", what,
                   request->logical_id.ptr, request->properties.ptr,
                   request->previous.ptr != NULL ? " was " : "",
                   request->previous.ptr != NULL ? request->previous.ptr : "",
                   (request->flags & VIRGA_RESOURCE_AGAIN) != 0 ? " again" : "");
}

static void finish(struct virga_resource_task *task) {
    const struct virga_resource_result result = {
        .struct_size = sizeof result,
        .failure = STR(example.failure),
        .attributes = STR("{\"Colour\":\"blue\"}"),
    };
    example.types->done(example.types->self, task, &result);
}

static void end(struct virga_resource_task *task) {
    if (example.hold) {
        example.held = task;
    } else {
        finish(task);
    }
}

static void create(void *arg, struct virga_resource_task *task,
                   const struct virga_resource_request *request) {
    (void)arg;
    note("create", request);
    end(task);
}

static void update(void *arg, struct virga_resource_task *task,
                   const struct virga_resource_request *request) {
    (void)arg;
    note("update", request);
    end(task);
}

static void drop(void *arg, struct virga_resource_task *task,
                 const struct virga_resource_request *request) {
    (void)arg;
    note("remove", request);
    end(task);
}

static const char *const replaced_by[] = {"Kind", NULL};
static const char *const attributes[] = {"Colour", NULL};

static void add(struct testkit *kit) {
    memset(&example, 0, sizeof example);
    example.types = testkit_provided(kit, VIRGA_RESOURCE_TYPES_ID);
    example.type = (struct virga_resource_type){
        .struct_size = sizeof example.type,
        .name = "Example::Thing",
        .replaced_by = replaced_by,
        .attributes = attributes,
        .create = create,
        .update = update,
        .remove = drop,
    };
    assert_int_equal(example.types->add(example.types->self, &example.type), 0);
}

#define THING(size)                                                                                \
    "Resources: {T: {Type: Example::Thing, Properties: {Size: " size "}}}\n"                       \
    "Outputs: {C: {Value: !GetAtt T.Colour}}"

static void another_plugins_type_is_created_updated_and_removed(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    assert_int_equal(example.types->add(example.types->self, &example.type), -EEXIST);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>blue</OutputValue>");
    (void)ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", THING("2"), NULL);
    assert_stack(kit, "Demo", "UPDATE_COMPLETE", "");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_string_equal(example.log, "create T {\"Size\":1}\n"
                                     "update T {\"Size\":2} was {\"Size\":1}\n"
                                     "remove T {\"Size\":2} again\n");
    assert_answer(ask(kit, "ValidateTemplate", "TemplateBody",
                      "Resources: {T: {Type: Example::Thing}}\n"
                      "Outputs: {C: {Value: !GetAtt T.Taste}}",
                      NULL),
                  400, "resource T does not support attribute type Taste in Fn::GetAtt");
    example.types->take_back(example.types->self, &example.type);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    kit_end(kit);
}

static void a_failure_is_told_in_the_plugins_words(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    example.failure = "no things today";
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL)),
               "<ResourceStatusReason>no things today</ResourceStatusReason>");
    assert_string_equal(example.log, "create T {\"Size\":1}\n");
    kit_end(kit);
}

static void an_operation_that_a_stop_cuts_off_is_finished_by_the_next_run(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    example.hold = true;
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("!Ref AWS::AccountId"),
              NULL);
    assert_stack(kit, "Demo", "CREATE_IN_PROGRESS", "");
    example.types->take_back(example.types->self, &example.type);
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    add(kit);
    example.hold = true;
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    assert_stack(kit, "Demo", "CREATE_IN_PROGRESS", "");
    testkit_stop(kit);
    assert_int_equal(testkit_start(kit), 0);
    add(kit);
    (void)testkit_advance(kit, 1000);
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>blue</OutputValue>");
    assert_string_equal(example.log, "create T {\"Size\":1} again\n");
    assert_answer(ask(kit, "GetTemplate", "StackName", "Demo", NULL), 200, "Example::Thing");
    kit_end(kit);
}

static void a_deletion_that_a_stop_cuts_off_is_finished_by_the_next_run(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    example.hold = true;
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_stack(kit, "Demo", "DELETE_IN_PROGRESS", "");
    testkit_stop(kit);
    assert_int_equal(testkit_start(kit), 0);
    add(kit);
    (void)testkit_advance(kit, 1000);
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Demo", NULL), 400, "does not exist");
    assert_string_equal(example.log, "remove T {\"Size\":1} again\n");
    kit_end(kit);
}

static void what_nobody_can_remove_any_more_fails_the_deletion(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    example.types->take_back(example.types->self, &example.type);
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_stack(kit, "Demo", "DELETE_FAILED", "failed to delete: [T]");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", "DeletionMode", "FORCE_DELETE_STACK", NULL);
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Demo", NULL), 400, "does not exist");
    kit_end(kit);
}

static void an_update_is_cancelled_and_taken_back(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1"), NULL);
    assert_answer(ask(kit, "CancelUpdateStack", "StackName", "Demo", NULL), 400,
                  "CancelUpdateStack cannot be called from current stack status");
    example.hold = true;
    (void)ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", THING("2"), NULL);
    assert_stack(kit, "Demo", "UPDATE_IN_PROGRESS", "");
    assert_answer(ask(kit, "DeleteStack", "StackName", "Demo", NULL), 400,
                  "Stack [Demo] cannot be deleted while in status UPDATE_IN_PROGRESS");
    assert_answer(ask(kit, "CancelUpdateStack", "StackName", "Demo", NULL), 200, "");
    example.hold = false;
    finish(example.held);
    (void)testkit_run(kit);
    assert_stack(kit, "Demo", "UPDATE_ROLLBACK_COMPLETE", "");
    assert_has(example.log, "update T {\"Size\":1} was {\"Size\":2}");
    kit_end(kit);
}

static void an_update_that_a_stop_cuts_off_is_finished_by_the_next_run(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    add(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", THING("1, Kind: a"), NULL);
    example.hold = true;
    (void)ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", THING("2, Kind: b"), NULL);
    assert_stack(kit, "Demo", "UPDATE_IN_PROGRESS", "");
    testkit_stop(kit);
    assert_int_equal(testkit_start(kit), 0);
    add(kit);
    (void)testkit_advance(kit, 1000);
    assert_stack(kit, "Demo", "UPDATE_COMPLETE", "");
    assert_string_equal(example.log, "create T {\"Size\":2,\"Kind\":\"b\"} again\n"
                                     "remove T {\"Size\":1,\"Kind\":\"a\"} again\n");
    kit_end(kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_plugins_type_is_created_updated_and_removed),
        cmocka_unit_test(a_failure_is_told_in_the_plugins_words),
        cmocka_unit_test(an_operation_that_a_stop_cuts_off_is_finished_by_the_next_run),
        cmocka_unit_test(a_deletion_that_a_stop_cuts_off_is_finished_by_the_next_run),
        cmocka_unit_test(what_nobody_can_remove_any_more_fails_the_deletion),
        cmocka_unit_test(an_update_is_cancelled_and_taken_back),
        cmocka_unit_test(an_update_that_a_stop_cuts_off_is_finished_by_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
