/* SPDX-License-Identifier: MIT */
/* The pool over environments that do what the test says. */
#include "invoke_fixture.h"

#include "environment.h"
#include "executors.h"
#include "function_state.h"
#include "images.h"
#include "pool.h"
#include "pool_impl.h"

/* --- executors and images --- */

static struct executor executor = {.name = "fake"};
static int executor_error;
static struct images_failure image_failure; /* code NULL: the image is there */
static bool images_later;
static void (*image_waits)(void *arg, const struct images_failure *failure);
static void *image_waits_arg;
static size_t images_asked;

void executors_need(struct executors *executors,
                    void (*on_chosen)(void *arg, struct executor *executor, int error,
                                      const char *reason),
                    void *arg) {
    (void)executors;
    if (executor_error != 0) {
        on_chosen(arg, NULL, executor_error, "no engine answers");
    } else {
        on_chosen(arg, &executor, 0, NULL);
    }
}

void images_have(struct lambda *self, struct function *function,
                 void (*on_done)(void *arg, const struct images_failure *failure), void *arg) {
    (void)self;
    (void)function;
    images_asked++;
    if (images_later) {
        image_waits = on_done;
        image_waits_arg = arg;
    } else {
        on_done(arg, image_failure.code != NULL ? &image_failure : NULL);
    }
}

static size_t recovered;

void function_state_recover(struct lambda *self, struct function *function) {
    (void)self;
    (void)function;
    recovered++;
}

void function_state_lost(struct lambda *self, struct function *function,
                         const struct images_failure *failure) {
    (void)self;
    (void)function;
    assert_non_null(failure->code);
}

static void image_comes(void) {
    void (*on_done)(void *arg, const struct images_failure *failure) = image_waits;
    assert_non_null(on_done);
    image_waits = NULL;
    on_done(image_waits_arg, image_failure.code != NULL ? &image_failure : NULL);
}

/* --- environments --- */

#define ENVIRONMENTS_MAX 64

struct environment {
    struct function *function;
    struct invocation *invocation;
    struct environment_events events;
    void *user;
    bool shut, killed, dead;
};

static struct environment *environments[ENVIRONMENTS_MAX]; /* in order of creation */
static size_t created, destroyed;
static int create_error;

int environment_create(struct lambda *self, struct executor *with, struct function *function,
                       struct invocation *first, const struct environment_events *events,
                       struct environment **ret_environment) {
    (void)self;
    assert_ptr_equal(with, &executor);
    if (create_error != 0) {
        return create_error;
    }
    assert_true(created < ENVIRONMENTS_MAX);
    struct environment *environment = calloc(1, sizeof *environment);
    assert_non_null(environment);
    environment->function = function_ref(function);
    environment->invocation = first;
    environment->events = *events;
    environments[created++] = environment;
    *ret_environment = environment;
    return 0;
}

void environment_invoke(struct environment *environment, struct invocation *invocation) {
    assert_null(environment->invocation);
    assert_false(environment->shut);
    environment->invocation = invocation;
}

bool environment_is_idle(const struct environment *environment) {
    return environment->invocation == NULL && !environment->dead;
}

void environment_shutdown(struct environment *environment) {
    environment->shut = true;
}

void environment_kill(struct environment *environment) {
    environment->killed = true;
}

void environment_destroy(struct environment *environment) {
    for (size_t i = 0; environment != NULL && i < created; i++) {
        if (environments[i] == environment) {
            environments[i] = NULL;
            destroyed++;
            function_unref(environment->function);
            free(environment);
            return;
        }
    }
}

struct function *environment_function(const struct environment *environment) {
    return environment->function;
}

void *environment_user(const struct environment *environment) {
    return environment->user;
}

void environment_set_user(struct environment *environment, void *user) {
    environment->user = user;
}

static void end_with(size_t n, enum invocation_outcome outcome) {
    struct invocation *invocation = environments[n]->invocation;
    const struct invocation_result result = {.outcome = outcome, .payload = STR("1")};
    assert_non_null(invocation);
    environments[n]->invocation = NULL;
    invocation->on_done(invocation, &result);
}

static void answers(size_t n) {
    end_with(n, INVOCATION_DONE);
}

static void becomes_idle(size_t n) {
    environments[n]->events.on_idle(environments[n]->events.arg, environments[n]);
}

static void ends(size_t n) {
    environments[n]->events.on_ended(environments[n]->events.arg, environments[n]);
}

/* Everything that was told to end does so. */
static void end_what_was_told(void) {
    for (size_t i = 0; i < created; i++) {
        if (environments[i] != NULL && (environments[i]->shut || environments[i]->killed)) {
            if (environments[i]->invocation != NULL) {
                end_with(i, INVOCATION_CANCELLED);
            }
            ends(i);
        }
    }
}

/* --- the pool's life --- */

static const struct virga_host *stopping_host;

static void on_stopped(void *arg) {
    (void)arg;
    if (stopping_host != NULL) {
        stopping_host->stopped(stopping_host);
    }
    stopping_host = NULL;
}

static int start_parts(void) {
    return pool_create(&lambda, &lambda.pool);
}

static int stop_parts(void) {
    stopping_host = lambda.host;
    pool_stop(lambda.pool, on_stopped, NULL);
    end_what_was_told();
    return -EINPROGRESS;
}

static void destroy_parts(void) {
    pool_destroy(lambda.pool);
}

static void handle_request(struct virga_request *req) {
    (void)req;
}

static int setup(void **state) {
    executor_error = create_error = 0;
    image_failure = (struct images_failure){0};
    images_later = false;
    images_asked = created = destroyed = 0;
    return fixture_setup(state);
}

static int teardown(void **state) {
    int result = fixture_teardown(state);
    assert_int_equal(invocations, 0);
    assert_int_equal(destroyed, created);
    return result;
}

/* --- invocations --- */

static size_t done_count;
static enum invocation_outcome last_outcome;
static int last_status;
static char last_code[80], last_message[200];

static void on_done(struct invocation *invocation, const struct invocation_result *result) {
    done_count++;
    last_outcome = result->outcome;
    last_status = result->status;
    (void)snprintf(last_code, sizeof last_code, "%s", result->code != NULL ? result->code : "");
    (void)snprintf(last_message, sizeof last_message, "%s",
                   result->message != NULL ? result->message : "");
    invocation_destroy(invocation);
}

static void invoke(struct function *function) {
    struct invocation *invocation = NULL;
    assert_int_equal(invocation_create(function, "", STR("{}"), NULL, &invocation), 0);
    invocation->on_done = on_done;
    size_t before = done_count;
    pool_invoke(lambda.pool, invocation);
    assert_int_equal(done_count, before); /* never inside */
}

/* An idle environment, number `created` - 1. */
static void warm_up(struct function *function) {
    invoke(function);
    answers(created - 1);
    becomes_idle(created - 1);
}

/* --- tests --- */

static void an_idle_environment_is_used_again_the_last_one_first(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    invoke(f);
    invoke(f);
    assert_int_equal(created, 2);
    answers(0);
    answers(1);
    becomes_idle(0);
    becomes_idle(1);
    invoke(f);
    assert_int_equal(created, 2);
    assert_non_null(environments[1]->invocation);
    assert_null(environments[0]->invocation);
    assert_int_equal(images_asked, 1);
    answers(1);
    assert_int_equal(last_outcome, INVOCATION_DONE);
}

static void an_environment_of_another_version_is_not_used(void **state) {
    (void)state;
    warm_up(put_function("f", "$LATEST", ""));
    invoke(put_function("f", "1", ""));
    assert_int_equal(created, 2);
    assert_non_null(environments[1]->invocation);
}

static void one_whose_process_is_gone_is_not_used(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    warm_up(f);
    environments[0]->dead = true; /* the pool does not know yet */
    invoke(f);
    assert_int_equal(created, 2);
    assert_non_null(environments[1]->invocation);
    ends(0);
    answers(1);
    becomes_idle(1);
    invoke(f);
    assert_int_equal(created, 2);
}

static void the_next_call_waits_for_an_environment_that_has_just_answered(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    invoke(f);
    answers(0);
    invoke(f); /* before the runtime has asked for its next event */
    assert_int_equal(created, 1);
    becomes_idle(0);
    assert_non_null(environments[0]->invocation);
    answers(0);
    assert_int_equal(created, 1);
}

static void who_waits_in_vain_gets_an_environment_of_its_own(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    invoke(f);
    answers(0);
    invoke(f);
    testkit_advance(kit, POOL_RETURN_MS);
    assert_int_equal(created, 2);
    assert_non_null(environments[1]->invocation);
    /* and so does who waits for one that ends */
    answers(1);
    invoke(f);
    invoke(f);
    assert_int_equal(created, 2);
    ends(0);
    assert_int_equal(created, 3);
}

static void reserved_concurrency_throttles(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    put_side(SIDE_CONCURRENCY, "f", "", "{\"ReservedConcurrentExecutions\":1}");
    invoke(f);
    invoke(f);
    testkit_run(kit);
    assert_int_equal(done_count, 1);
    assert_int_equal(last_outcome, INVOCATION_THROTTLED);
    assert_string_equal(last_code, "ReservedFunctionConcurrentInvocationLimitExceeded");
    answers(0); /* it is free with the answer, not with the runtime's next question */
    invoke(f);
    becomes_idle(0);
    assert_non_null(environments[0]->invocation);
    put_side(SIDE_CONCURRENCY, "f", "", "{\"ReservedConcurrentExecutions\":0}");
    pool_adjust(lambda.pool, &here, "f");
    answers(0);
    becomes_idle(0);
    invoke(f);
    testkit_run(kit);
    assert_int_equal(last_outcome, INVOCATION_THROTTLED);
    assert_true(testkit_metric(kit, "lambda_throttles_total", NULL) >= 2);
}

static void what_is_reserved_is_missing_for_all_others(void **state) {
    (void)state;
    lambda.concurrency_max = 3;
    struct function *f = put_function("f", "$LATEST", "");
    struct function *g = put_function("g", "$LATEST", "");
    put_side(SIDE_CONCURRENCY, "g", "", "{\"ReservedConcurrentExecutions\":2}");
    invoke(f);
    invoke(f);
    testkit_run(kit);
    assert_int_equal(done_count, 1);
    assert_string_equal(last_code, "ConcurrentInvocationLimitExceeded");
    invoke(g);
    invoke(g);
    assert_int_equal(created, 3);
    assert_int_equal(side_delete(&lambda, SIDE_CONCURRENCY, &here, "g", ""), 0);
    pool_adjust(lambda.pool, &here, "g");
    invoke(g); /* three run by now */
    testkit_run(kit);
    assert_int_equal(done_count, 2);
    answers(1);
    invoke(f);
    assert_int_equal(created, 4);
}

static void starts_are_capped_and_idle_ones_serve_who_waits(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    for (int i = 0; i < POOL_STARTS_MAX + 3; i++) {
        invoke(f);
    }
    assert_int_equal(created, POOL_STARTS_MAX);
    environments[0]->events.on_started(environments[0]->events.arg, environments[0]);
    assert_int_equal(created, POOL_STARTS_MAX + 1);
    answers(1);
    assert_int_equal(created, POOL_STARTS_MAX + 2);
    becomes_idle(1);
    assert_non_null(environments[1]->invocation);
    assert_int_equal(created, POOL_STARTS_MAX + 2);
    invoke(f);
    assert_int_equal(created, POOL_STARTS_MAX + 2);
    testkit_advance(kit, POOL_START_HOLD_MS); /* nobody says that they have started */
    assert_int_equal(created, POOL_STARTS_MAX + 3);
}

static void an_image_that_is_gone_is_the_answer_and_is_asked_for_again(void **state) {
    (void)state;
    static const struct {
        struct images_failure failure;
        int status;
        const char *code;
    } cases[] = {
        {{-ENOENT, "ImageDeleted", "it is gone"}, 409, "CodeArtifactUserDeletedException"},
        {{-EBADMSG, "InvalidImage", "it is gone"}, 409, "CodeArtifactUserFailedException"},
        {{-EACCES, "ImageAccessDenied", "it is gone"}, 403, "AccessDeniedException"},
        {{-EAGAIN, "ImageDeleted", "it is gone"}, 500, "ServiceException"},
        {{-ENOSPC, "InternalError", "it is gone"}, 500, "ServiceException"},
    };
    struct function *f = put_function("f", "$LATEST", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image_failure = cases[i].failure;
        invoke(f);
        testkit_run(kit);
        assert_int_equal(done_count, i + 1);
        assert_int_equal(last_outcome, INVOCATION_REFUSED);
        assert_int_equal(last_status, cases[i].status);
        assert_string_equal(last_code, cases[i].code);
        assert_string_equal(last_message, "it is gone");
    }
    image_failure = (struct images_failure){0};
    invoke(f);
    assert_int_equal(created, 1);
}

static void all_who_wait_for_an_image_start_when_it_is_there(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    images_later = true;
    invoke(f);
    invoke(f);
    assert_int_equal(images_asked, 1);
    assert_int_equal(created, 0);
    recovered = 0;
    image_comes();
    assert_int_equal(created, 2);
    assert_int_equal(recovered, 1);
}

static void failures_of_the_machine_are_service_exceptions(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    executor_error = -ENOENT;
    invoke(f);
    testkit_run(kit);
    assert_int_equal(last_status, 500);
    assert_string_equal(last_message, "no engine answers");
    executor_error = 0;
    create_error = -ENOMEM;
    invoke(f);
    testkit_run(kit);
    assert_int_equal(done_count, 2);
    assert_int_equal(last_outcome, INVOCATION_REFUSED);
    create_error = 0;
    invoke(f);
    assert_int_equal(created, 1);
}

static void idle_environments_end_after_a_while(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    warm_up(f);
    testkit_advance(kit, 200000);
    invoke(f);
    answers(0);
    becomes_idle(0);
    testkit_advance(kit, 299999);
    assert_false(environments[0]->shut);
    testkit_advance(kit, 1);
    assert_true(environments[0]->shut);
    invoke(f); /* not with that one */
    assert_int_equal(created, 2);
    ends(0);
    assert_int_equal(testkit_metric(kit, "lambda_environments", NULL), 1);
}

static void after_a_deployment_the_running_one_ends_on_the_old_code(void **state) {
    (void)state;
    struct function *old = put_function("f", "$LATEST", "");
    invoke(old);
    invoke(old);
    answers(1);
    becomes_idle(1);
    struct function *fresh = put_function("f", "$LATEST", "");
    pool_retire(lambda.pool, &here, "f");
    assert_true(environments[1]->shut);
    assert_false(environments[0]->shut);
    invoke(fresh);
    assert_int_equal(created, 3);
    assert_ptr_equal(environments[2]->function, fresh);
    answers(0);
    becomes_idle(0);
    assert_true(environments[0]->shut);
}

static void provisioned_concurrency_is_kept_and_not_reaped(void **state) {
    struct pool_counts counts;
    (void)state;
    struct function *one = put_function("f", "1", "");
    put_function("f", "$LATEST", "");
    put_side(SIDE_ALIAS, "f", "live", "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}");
    put_side(SIDE_PROVISIONED, "f", "live", "{\"ProvisionedConcurrentExecutions\":2}");
    pool_adjust(lambda.pool, &here, "f");
    assert_int_equal(created, 2);
    assert_ptr_equal(environments[0]->function, one);
    assert_null(environments[0]->invocation);
    pool_count(lambda.pool, &here, "f", "live", &counts);
    assert_int_equal(counts.provisioned_wanted, 2);
    assert_int_equal(counts.provisioned_ready, 0);
    becomes_idle(0);
    becomes_idle(1);
    pool_count(lambda.pool, &here, "f", "live", &counts);
    assert_int_equal(counts.provisioned_ready, 2);
    testkit_advance(kit, 1000000);
    assert_false(environments[0]->shut || environments[1]->shut);
    ends(0); /* one is lost: another takes its place */
    assert_int_equal(created, 3);
    becomes_idle(2);
    assert_int_equal(side_delete(&lambda, SIDE_PROVISIONED, &here, "f", "live"), 0);
    pool_adjust(lambda.pool, &here, "f");
    testkit_advance(kit, 600000);
    assert_true(environments[1]->shut && environments[2]->shut);
}

static void provisioned_concurrency_comes_back_at_start(void **state) {
    (void)state;
    put_function("f", "1", "");
    put_function("f", "$LATEST", "");
    put_side(SIDE_PROVISIONED, "f", "1", "{\"ProvisionedConcurrentExecutions\":1}");
    testkit_stop(kit);
    size_t before = created;
    assert_int_equal(testkit_start(kit), 0);
    testkit_run(kit);
    assert_int_equal(created, before + 1);
}

static void a_failing_provisioned_start_is_tried_again_later_and_later(void **state) {
    (void)state;
    put_function("f", "1", "");
    put_function("f", "$LATEST", "");
    put_side(SIDE_PROVISIONED, "f", "1", "{\"ProvisionedConcurrentExecutions\":1}");
    pool_adjust(lambda.pool, &here, "f");
    assert_int_equal(created, 1);
    ends(0);
    assert_int_equal(created, 1);
    testkit_advance(kit, POOL_RETRY_FIRST_MS);
    assert_int_equal(created, 2);
    ends(1);
    testkit_advance(kit, POOL_RETRY_FIRST_MS);
    assert_int_equal(created, 2);
    testkit_advance(kit, POOL_RETRY_FIRST_MS);
    assert_int_equal(created, 3);
}

static void the_longest_idle_one_makes_room_when_the_account_is_full(void **state) {
    (void)state;
    lambda.concurrency_max = 2;
    warm_up(put_function("f", "$LATEST", ""));
    warm_up(put_function("g", "$LATEST", ""));
    invoke(put_function("h", "$LATEST", ""));
    assert_true(environments[0]->shut);
    assert_false(environments[1]->shut);
    assert_int_equal(created, 3);
}

static void a_stop_ends_everything_once(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    warm_up(f);
    invoke(f);
    invoke(f);
    images_later = true;
    invoke(put_function("g", "$LATEST", ""));
    size_t before = done_count;
    testkit_stop(kit);
    assert_int_equal(done_count, before + 3);
    assert_int_equal(last_outcome, INVOCATION_CANCELLED);
}

static void counts_tell_busy_from_idle(void **state) {
    struct pool_counts counts;
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    warm_up(f);
    invoke(f);
    invoke(f);
    answers(0);
    becomes_idle(0);
    pool_count(lambda.pool, &here, "f", NULL, &counts);
    assert_int_equal(counts.busy, 1);
    assert_int_equal(counts.idle, 1);
    end_with(1, INVOCATION_ERROR);
    assert_int_equal(testkit_metric(kit, "lambda_invocations_total", NULL), 3);
    assert_int_equal(testkit_metric(kit, "lambda_errors_total", NULL), 1);
}

static int each_setup(void **state) {
    done_count = 0;
    return setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, each_setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_idle_environment_is_used_again_the_last_one_first),
        TEST(an_environment_of_another_version_is_not_used),
        TEST(one_whose_process_is_gone_is_not_used),
        TEST(the_next_call_waits_for_an_environment_that_has_just_answered),
        TEST(who_waits_in_vain_gets_an_environment_of_its_own),
        TEST(reserved_concurrency_throttles),
        TEST(what_is_reserved_is_missing_for_all_others),
        TEST(starts_are_capped_and_idle_ones_serve_who_waits),
        TEST(an_image_that_is_gone_is_the_answer_and_is_asked_for_again),
        TEST(all_who_wait_for_an_image_start_when_it_is_there),
        TEST(failures_of_the_machine_are_service_exceptions),
        TEST(idle_environments_end_after_a_while),
        TEST(after_a_deployment_the_running_one_ends_on_the_old_code),
        TEST(provisioned_concurrency_is_kept_and_not_reaped),
        TEST(provisioned_concurrency_comes_back_at_start),
        TEST(a_failing_provisioned_start_is_tried_again_later_and_later),
        TEST(the_longest_idle_one_makes_room_when_the_account_is_full),
        TEST(a_stop_ends_everything_once),
        TEST(counts_tell_busy_from_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
