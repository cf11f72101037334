/* SPDX-License-Identifier: MIT */
/* Lifecycle runs and previews with a scripted registry, one turn of the loop at a time. */
#include "call_fixture.h"

#include "lifecycle_run.h"
#include "meta_preview.h"
#include "timer_fixture.h"

#define DAY_MS INT64_C(86400000)

/* --- the loop --- */

static uint64_t clock_ns;

/* Each look at the clock takes a millisecond, so that slices are short. */
static uint64_t slow_clock(const struct virga_host *host) {
    (void)host;
    return clock_ns += 1000000u;
}

static const struct virga_timer loop_timer = {
    .struct_size = sizeof loop_timer,
    .start = timer_fixture_start,
    .stop = timer_fixture_stop,
    .now_ms = fixture_now_ms,
    .monotonic_ns = slow_clock,
};

static struct {
    void (*run)(void *arg);
    void (*on_done)(void *arg, int status);
    void *arg;
} work;
static size_t works;

static int submit(const struct virga_host *host, void (*run)(void *arg),
                  void (*on_done)(void *arg, int status), void *arg,
                  struct virga_work_handle **ret_work) {
    (void)host;
    (void)ret_work;
    assert_null(work.run);
    work.run = run;
    work.on_done = on_done;
    work.arg = arg;
    works++;
    return 0;
}

static const struct virga_work loop_work = {.struct_size = sizeof loop_work, .submit = submit};

/* Fires the oldest timer that has not fired, or lets the registry or the worker answer once. False:
 * nothing is to be done. */
static bool turn(void) {
    struct virga_timer_handle *oldest = NULL;
    for (struct virga_timer_handle *at = timers; at != NULL; at = at->next) {
        oldest = at->fired ? oldest : at;
    }
    if (oldest != NULL) {
        oldest->fired = true;
        oldest->on_timer(oldest->arg);
        return true;
    }
    if (later_count > 0) {
        struct later one = later[0];
        memmove(later, later + 1, --later_count * sizeof later[0]);
        one.fn(&one);
        return true;
    }
    if (work.run != NULL) {
        void (*on_done)(void *, int) = work.on_done;
        work.run(work.arg);
        work.run = NULL;
        on_done(work.arg, 0);
        return true;
    }
    return false;
}

static void loop(void) {
    while (turn()) {
    }
}

static int setup_run(void **state) {
    works = 0;
    work.run = NULL;
    unsettled = false;
    int result = setup(state);
    fixture.ecr.timer = &loop_timer;
    fixture.ecr.work = &loop_work;
    return result == 0 ? lifecycle_create(&fixture.ecr, &fixture.ecr.lifecycle) : result;
}

static int teardown_run(void **state) {
    loop();
    lifecycle_destroy(fixture.ecr.lifecycle);
    assert_null(timers);
    return teardown(state);
}

/* --- repositories --- */

#define POLICY(number)                                                                             \
    "{\"rules\":[{\"rulePriority\":1,\"selection\":{\"tagStatus\":\"any\",\"countType\":"          \
    "\"imageCountMoreThan\",\"countNumber\":" #number "},\"action\":{\"type\":\"expire\"}}]}"

/* Puts `count` images, the first one the oldest; the tag of the i-th is ti. */
static void fill(const char *name, int count, const char *policy) {
    create(name);
    int64_t now_ms = fixture.now_ms;
    for (int i = 0; i < count; i++) {
        struct meta_image image = {.media_type = (char[]){MEDIA}};
        fixture.now_ms = now_ms - (count - i);
        assert_int_equal(reference_digest(STR(format("%s %d", name, i)), image.digest), 0);
        assert_int_equal(
            meta_image_put(&fixture.ecr, &here, STR(name), "", &image, STR(format("t%d", i))), 0);
    }
    fixture.now_ms = now_ms;
    if (policy != NULL) {
        assert_int_equal(meta_text_put(&fixture.ecr, &here, STR(name), "lifecycle", STR(policy)),
                         0);
    }
}

static int count_image(void *arg, struct meta_image *image) {
    (void)image;
    (*(size_t *)arg)++;
    return 0;
}

static size_t images_of(const char *name) {
    size_t count = 0;
    assert_int_equal(
        meta_image_each(&fixture.ecr, &here, STR(name), (struct virga_str){0}, count_image, &count),
        0);
    return count;
}

/* --- watching --- */

struct watched {
    int images[4]; /* by outcome */
    int repositories;
    char reasons[256];
    int dones;
    int status;
    struct lifecycle_counts totals;
};

static void on_image(void *arg, const char *digest, enum lifecycle_outcome outcome,
                     const char *reason) {
    struct watched *watched = arg;
    assert_true(outcome == LIFECYCLE_FAILED ? reason != NULL : reason == NULL);
    assert_int_equal(strlen(digest), ECR_DIGEST_LEN);
    watched->images[outcome]++;
}

static void on_repository(void *arg, const struct tenant *tenant, const char *name,
                          const struct lifecycle_counts *counts, const char *reason) {
    struct watched *watched = arg;
    assert_string_equal(tenant->account, ACCOUNT);
    (void)counts;
    watched->repositories++;
    size_t len = strlen(watched->reasons);
    (void)snprintf(watched->reasons + len, sizeof watched->reasons - len, "%s%s", name,
                   reason != NULL ? "!" : "");
}

static void on_done(void *arg, int status, const char *reason,
                    const struct lifecycle_counts *totals, size_t repositories) {
    struct watched *watched = arg;
    assert_true((status == 0) == (reason == NULL));
    assert_int_equal(repositories, watched->repositories);
    watched->dones++;
    watched->status = status;
    watched->totals = *totals;
}

static int begin(struct watched *watched, const char *name) {
    const struct lifecycle_watcher watcher = {on_image, on_repository, on_done, watched};
    struct lifecycle_filter filter = {0};
    *watched = (struct watched){0};
    if (name != NULL) {
        filter.tenant = here;
        (void)snprintf(filter.name, sizeof filter.name, "%s", name);
    }
    return lifecycle_run(fixture.ecr.lifecycle, &filter, fixture.now_ms, &watcher);
}

static void on_stopped(void *arg) {
    (*(int *)arg)++;
}

/* --- runs --- */

static void a_run_goes_over_all_repositories_with_a_policy(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 3, POLICY(1));
    fill("rb", 2, NULL);
    fill("rc", 4, POLICY(4));
    fill("rd", 2, POLICY(1));
    assert_int_equal(begin(&watched, NULL), 0);
    assert_int_equal(watched.dones, 0);
    loop();
    assert_int_equal(watched.dones, 1);
    assert_int_equal(watched.status, 0);
    assert_string_equal(watched.reasons, "rarcrd");
    assert_int_equal(watched.images[LIFECYCLE_EXPIRED], 3);
    assert_int_equal(watched.totals.evaluated, 9);
    assert_int_equal(images_of("ra"), 1);
    assert_int_equal(images_of("rb"), 2);
    assert_int_equal(images_of("rc"), 4);
    assert_int_equal(images_of("rd"), 1);
    assert_int_equal(meta_policy_evaluated(&fixture.ecr, &here, STR("ra")), fixture.now_ms);
    assert_int_equal(meta_policy_evaluated(&fixture.ecr, &here, STR("rc")), fixture.now_ms);
    assert_non_null(strstr(fixture.line, "of 9 images in 3 repositories 3 expired, 0 archived, 0 "
                                         "failed"));
}

static void failures_are_told_and_end_the_run(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 9, POLICY(1));
    fill("rb", 9, POLICY(1));
    fill("rc", 9, POLICY(1));
    fill("rd", 9, POLICY(1));
    registry_status = -EIO;
    assert_int_equal(begin(&watched, NULL), 0);
    loop();
    assert_int_equal(watched.status, -EIO);
    assert_string_equal(watched.reasons, "ra!rb!rc!");
    assert_int_equal(watched.images[LIFECYCLE_FAILED], 9);
    assert_int_equal(images_of("ra"), 9);
    assert_int_equal(meta_policy_evaluated(&fixture.ecr, &here, STR("ra")), 0);
}

static void a_run_waits_for_what_a_crash_left(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 3, POLICY(1));
    unsettled = true;
    registry_status = -EIO;
    assert_int_equal(begin(&watched, NULL), 0);
    loop();
    assert_int_equal(watched.status, -EIO);
    assert_int_equal(watched.repositories, 0);
    registry_status = 0;
    assert_int_equal(begin(&watched, NULL), 0);
    loop();
    assert_int_equal(watched.status, 0);
    assert_int_equal(images_of("ra"), 1);
}

static void an_image_that_changes_meanwhile_is_skipped(void **state) {
    (void)state;
    struct watched watched;
    struct meta_image image = {.media_type = (char[]){MEDIA}};
    fill("ra", 4, POLICY(1));
    assert_int_equal(begin(&watched, "ra"), 0);
    while (watched.images[LIFECYCLE_EXPIRED] == 0) {
        assert_true(turn());
    }
    /* The second oldest is archived, the third is gone. */
    assert_int_equal(reference_digest(STR("ra 1"), image.digest), 0);
    assert_int_equal(meta_image_archive(&fixture.ecr, &here, STR("ra"), STR(image.digest), 1), 0);
    loop();
    assert_int_equal(watched.images[LIFECYCLE_EXPIRED], 2);
    assert_int_equal(watched.images[LIFECYCLE_SKIPPED], 1);
    assert_int_equal(images_of("ra"), 2);
}

static void a_child_whose_index_came_meanwhile_is_skipped(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 3, POLICY(1));
    assert_int_equal(begin(&watched, "ra"), 0);
    while (watched.images[LIFECYCLE_EXPIRED] == 0) {
        assert_true(turn());
    }
    char child[ECR_DIGEST_LEN + 1];
    char *children[] = {child};
    struct meta_image index = {
        .media_type = (char[]){MEDIA}, .children = children, .children_count = 1};
    assert_int_equal(reference_digest(STR("ra 1"), child), 0);
    assert_int_equal(reference_digest(STR("index"), index.digest), 0);
    assert_int_equal(meta_image_put(&fixture.ecr, &here, STR("ra"), "", &index, STR("all")), 0);
    loop();
    assert_int_equal(watched.images[LIFECYCLE_SKIPPED], 1);
    assert_int_equal(images_of("ra"), 3);
}

static void two_runs_take_turns_in_a_repository(void **state) {
    (void)state;
    struct watched first, second, all;
    fill("ra", 9, POLICY(2));
    fill("rb", 3, POLICY(2));
    assert_int_equal(begin(&first, "ra"), 0);
    assert_int_equal(begin(&second, "ra"), 0);
    assert_int_equal(begin(&all, NULL), 0);
    loop();
    assert_int_equal(first.status, 0);
    assert_int_equal(second.status, 0);
    assert_int_equal(all.status, 0);
    assert_int_equal(first.totals.expired + second.totals.expired + all.totals.expired, 8);
    assert_int_equal(first.totals.skipped + second.totals.skipped + all.totals.skipped, 0);
    assert_string_equal(all.reasons, "rarb");
}

static void too_many_runs_are_refused(void **state) {
    (void)state;
    struct watched watched[9];
    fill("ra", 2, POLICY(1));
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(begin(&watched[i], "ra"), 0);
    }
    assert_int_equal(begin(&watched[8], "ra"), -EBUSY);
    loop();
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(watched[i].dones, 1);
    }
    assert_int_equal(begin(&watched[8], "ra"), 0);
    loop();
}

static void on_gate_quiet(void *arg) {
    (*(int *)arg)++;
}

static void gc_comes_in_between_two_images(void **state) {
    (void)state;
    struct watched watched;
    int quiet = 0;
    fill("ra", 5, POLICY(1));
    assert_int_equal(begin(&watched, "ra"), 0);
    while (watched.images[LIFECYCLE_EXPIRED] == 0) {
        assert_true(turn());
    }
    assert_int_equal(gate_close(fixture.ecr.gate, on_gate_quiet, &quiet), 0);
    loop();
    assert_int_equal(quiet, 1);
    assert_int_equal(watched.dones, 0);
    assert_true(images_of("ra") > 1);
    gate_open(fixture.ecr.gate);
    loop();
    assert_int_equal(watched.dones, 1);
    assert_int_equal(images_of("ra"), 1);
}

static void a_stop_ends_a_run_wherever_it_is(void **state) {
    (void)state;
    bool ended = false;
    for (int turns = 0; !ended; turns++) {
        struct watched watched;
        int stopped = 0;
        fill("app", 4, POLICY(1));
        assert_int_equal(begin(&watched, NULL), 0);
        assert_int_equal(
            lifecycle_preview_begin(fixture.ecr.lifecycle, &here, STR("app"), STR(POLICY(2))), 0);
        for (int i = 0; i < turns && !ended; i++) {
            ended = !turn();
        }
        lifecycle_stop(fixture.ecr.lifecycle, on_stopped, &stopped);
        assert_int_equal(
            lifecycle_preview_begin(fixture.ecr.lifecycle, &here, STR("app"), STR(POLICY(2))),
            -ECANCELED);
        loop();
        assert_int_equal(stopped, 1);
        assert_int_equal(watched.dones, 1);
        assert_true(ended ? watched.status == 0 : true);
        lifecycle_destroy(fixture.ecr.lifecycle);
        assert_null(timers);
        assert_int_equal(lifecycle_create(&fixture.ecr, &fixture.ecr.lifecycle), 0);
        assert_int_equal(meta_repository_delete(&fixture.ecr, &here, STR("app")), 0);
    }
}

static void a_stop_ends_a_run_that_waits_for_gc(void **state) {
    (void)state;
    struct watched watched;
    int quiet = 0, stopped = 0;
    fill("ra", 3, POLICY(1));
    assert_int_equal(gate_close(fixture.ecr.gate, on_gate_quiet, &quiet), 0);
    assert_int_equal(begin(&watched, "ra"), 0);
    loop();
    assert_int_equal(watched.dones, 0);
    lifecycle_stop(fixture.ecr.lifecycle, on_stopped, &stopped);
    loop();
    assert_int_equal(stopped, 1);
    assert_int_equal(watched.status, -ECANCELED);
    assert_int_equal(images_of("ra"), 3);
    gate_open(fixture.ecr.gate);
}

static void another_text_is_not_said_to_be_evaluated(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 3, POLICY(1));
    assert_int_equal(begin(&watched, "ra"), 0);
    while (watched.images[LIFECYCLE_EXPIRED] == 0) {
        assert_true(turn());
    }
    assert_int_equal(meta_text_put(&fixture.ecr, &here, STR("ra"), "lifecycle", STR(POLICY(3))), 0);
    loop();
    /* The run went on with the text that it had begun with. */
    assert_int_equal(images_of("ra"), 1);
    assert_int_equal(meta_policy_evaluated(&fixture.ecr, &here, STR("ra")), 0);
}

static void a_text_that_is_no_policy_is_told(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 3, "{}");
    fill("rb", 3, POLICY(1));
    assert_int_equal(begin(&watched, NULL), 0);
    loop();
    assert_string_equal(watched.reasons, "ra!rb");
    assert_int_equal(watched.status, 0);
}

static void many_images_are_decided_on_by_the_worker(void **state) {
    (void)state;
    struct watched watched;
    fill("ra", 1003, POLICY(1000));
    assert_int_equal(begin(&watched, "ra"), 0);
    loop();
    assert_int_equal(works, 1);
    assert_int_equal(watched.totals.evaluated, 1003);
    assert_int_equal(watched.totals.expired, 3);
}

/* --- previews --- */

#define START(more) call("StartLifecyclePolicyPreview", "{" APP more "}")
#define GET(more) call("GetLifecyclePolicyPreview", "{" APP more "}")

static const char *status_of_preview(void) {
    assert_int_equal(GET(""), 200);
    return strstr(answer, "\"status\":\"") + strlen("\"status\":\"");
}

static void a_preview_goes_from_in_progress_to_complete_and_expires(void **state) {
    (void)state;
    fill("app", 3, POLICY(1));
    assert_int_equal(START(""), 200);
    assert_non_null(strstr(answer, "\"status\":\"IN_PROGRESS\"}"));
    assert_memory_equal(status_of_preview(), "IN_PROGRESS", 11);
    assert_non_null(strstr(answer, "\"previewResults\":[]"));
    assert_null(strstr(answer, "summary"));
    assert_int_equal(START(""), 400);
    assert_non_null(strstr(answer, "LifecyclePolicyPreviewInProgressException"));
    loop();
    assert_memory_equal(status_of_preview(), "COMPLETE", 8);
    assert_non_null(strstr(answer, "\"summary\":{\"expiringImageTotalCount\":2}"));
    fixture.now_ms += DAY_MS;
    assert_memory_equal(status_of_preview(), "COMPLETE", 8);
    fixture.now_ms += 1;
    assert_memory_equal(status_of_preview(), "EXPIRED", 7);
    assert_non_null(strstr(answer, "\"previewResults\":[]"));
    assert_int_equal(START(""), 200);
    loop();
    assert_memory_equal(status_of_preview(), "COMPLETE", 8);
}

static void a_preview_that_a_stop_cut_off_has_failed(void **state) {
    (void)state;
    int stopped = 0;
    fill("app", 3, POLICY(1));
    assert_int_equal(START(""), 200);
    lifecycle_stop(fixture.ecr.lifecycle, on_stopped, &stopped);
    loop();
    assert_int_equal(stopped, 1);
    assert_memory_equal(status_of_preview(), "FAILED", 6);
    /* So has one that the host had no time to say so of. */
    struct meta_preview head = {.text = (char[]){POLICY(1)}, .id = "1"};
    assert_int_equal(meta_preview_put(&fixture.ecr, &here, STR("app"), &head), 0);
    assert_memory_equal(status_of_preview(), "FAILED", 6);
}

static void a_repository_deleted_meanwhile_keeps_no_results(void **state) {
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        fill("app", 9, POLICY(1));
        assert_int_equal(START(""), 200);
        for (int i = 0; i < turns; i++) {
            (void)turn();
        }
        assert_int_equal(meta_repository_delete(&fixture.ecr, &here, STR("app")), 0);
        create("app");
        loop();
        assert_int_equal(GET(""), 400);
        assert_int_equal(meta_preview_clear(&fixture.ecr, &here, STR("app"), 100), 0);
        assert_int_equal(meta_repository_delete(&fixture.ecr, &here, STR("app")), 0);
    }
}

static void previews_wait_for_one_another(void **state) {
    (void)state;
    for (int i = 0; i < 12; i++) {
        const char *name = format("r%d", i);
        fill(name, 3, NULL);
        assert_int_equal(
            lifecycle_preview_begin(fixture.ecr.lifecycle, &here, STR(name), STR(POLICY(1))), 0);
    }
    loop();
    for (int i = 0; i < 12; i++) {
        struct meta_preview head;
        assert_int_equal(meta_preview_get(&fixture.ecr, &here, STR(format("r%d", i)), &head), 0);
        assert_int_equal(head.state, META_PREVIEW_COMPLETE);
        assert_int_equal(head.expiring, 2);
        meta_preview_finish(&head);
    }
}

static void a_failing_store_fails_the_preview(void **state) {
    (void)state;
    fill("app", 3, POLICY(1));
    assert_int_equal(START(""), 200);
    fixture.store_error = -EIO;
    loop();
    fixture.store_error = 0;
    assert_memory_equal(status_of_preview(), "FAILED", 6);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_run, teardown_run)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_run_goes_over_all_repositories_with_a_policy),
        TEST(failures_are_told_and_end_the_run),
        TEST(a_run_waits_for_what_a_crash_left),
        TEST(an_image_that_changes_meanwhile_is_skipped),
        TEST(a_child_whose_index_came_meanwhile_is_skipped),
        TEST(two_runs_take_turns_in_a_repository),
        TEST(too_many_runs_are_refused),
        TEST(gc_comes_in_between_two_images),
        TEST(a_stop_ends_a_run_wherever_it_is),
        TEST(a_stop_ends_a_run_that_waits_for_gc),
        TEST(another_text_is_not_said_to_be_evaluated),
        TEST(a_text_that_is_no_policy_is_told),
        TEST(many_images_are_decided_on_by_the_worker),
        TEST(a_preview_goes_from_in_progress_to_complete_and_expires),
        TEST(a_preview_that_a_stop_cut_off_has_failed),
        TEST(a_repository_deleted_meanwhile_keeps_no_results),
        TEST(previews_wait_for_one_another),
        TEST(a_failing_store_fails_the_preview),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
