/* SPDX-License-Identifier: MIT */
/* Deferred calls, deadlines and request ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "defer.h"
#include "host.h"
#include "uuid.h"

static uv_loop_t loop;
static struct host host;

static int setup(void **state) {
    (void)state;
    memset(&host, 0, sizeof host);
    host.loop = &loop;
    return uv_loop_init(&loop) == 0 && defer_setup(&host) == 0 ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    defer_teardown(&host);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

struct step {
    struct defer defer;
    int runs;
    struct step *arms;
    struct step *cancels;
};

static void on_step(struct defer *defer) {
    struct step *step = LIST_ENTRY(defer, struct step, defer);
    step->runs++;
    if (step->arms != NULL) {
        defer_arm(&host, &step->arms->defer);
    }
    if (step->cancels != NULL) {
        defer_cancel(&step->cancels->defer);
    }
}

static void deferred_call_comes_in_the_next_turn_once(void **state) {
    (void)state;
    struct step a = {.runs = 0};
    defer_init(&a.defer, on_step);
    defer_arm(&host, &a.defer);
    defer_arm(&host, &a.defer);
    assert_int_equal(a.runs, 0);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(a.runs, 1);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(a.runs, 1);
}

static void call_armed_by_a_call_waits_a_turn(void **state) {
    (void)state;
    struct step a = {.runs = 0}, b = {.runs = 0};
    a.arms = &b;
    b.arms = &b;
    defer_init(&a.defer, on_step);
    defer_init(&b.defer, on_step);
    defer_arm(&host, &a.defer);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(b.runs, 0);
    for (int i = 1; i <= 5; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        assert_int_equal(b.runs, i);
    }
    defer_cancel(&b.defer);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(b.runs, 5);
}

static void call_cancelled_in_its_turn_does_not_come(void **state) {
    (void)state;
    struct step a = {.runs = 0}, b = {.runs = 0};
    a.cancels = &b;
    defer_init(&a.defer, on_step);
    defer_init(&b.defer, on_step);
    defer_arm(&host, &a.defer);
    defer_arm(&host, &b.defer);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(a.runs, 1);
    assert_int_equal(b.runs, 0);
}

static void loop_ends_when_nothing_is_deferred(void **state) {
    (void)state;
    struct step a = {.runs = 0};
    defer_init(&a.defer, on_step);
    defer_arm(&host, &a.defer);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(a.runs, 1);
}

/* ---- deadlines ---- */

struct mark {
    struct deadline deadline;
    uint64_t expired_at;
    struct deadline_queue *again;
};

static int order[8];
static int order_count;
static struct mark marks[3];

static void on_expired(struct deadline *deadline) {
    struct mark *mark = LIST_ENTRY(deadline, struct mark, deadline);
    assert_null(deadline->queue);
    mark->expired_at = uv_now(&loop);
    order[order_count++] = (int)(mark - marks);
    if (mark->again != NULL) {
        deadline_start(&mark->deadline, mark->again);
        mark->again = NULL;
    }
}

static void run_for(uint64_t ms) {
    uint64_t end = uv_hrtime() + ms * 1000000;
    while (uv_hrtime() < end) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
}

static void deadlines_expire_in_time_and_restart_moves_them(void **state) {
    (void)state;
    struct deadline_clock clock;
    struct deadline_queue fast, slow, never;
    assert_int_equal(deadline_clock_init(&clock, &loop), 0);
    uv_ref((uv_handle_t *)&clock.timer); /* nothing else keeps this loop going */
    deadline_queue_init(&fast, &clock, 50, on_expired);
    deadline_queue_init(&slow, &clock, 150, on_expired);
    deadline_queue_init(&never, &clock, 0, on_expired);
    memset(marks, 0, sizeof marks);
    order_count = 0;
    for (int i = 0; i < 3; i++) {
        deadline_init(&marks[i].deadline);
    }
    uv_update_time(&loop);
    uint64_t begin = uv_now(&loop);
    deadline_start(&marks[0].deadline, &slow);
    deadline_start(&marks[1].deadline, &fast);
    deadline_start(&marks[2].deadline, &never);
    assert_null(marks[2].deadline.queue);
    marks[1].again = &fast;
    run_for(30);
    deadline_start(&marks[1].deadline, &fast);
    run_for(30);
    assert_int_equal(order_count, 0);
    run_for(200);
    assert_int_equal(order_count, 3);
    assert_int_equal(order[0], 1);
    assert_true(marks[0].expired_at >= begin + 150);
    assert_true(marks[0].expired_at <= begin + 150 + 2 * DEADLINE_GRAIN_MS + 20);
    assert_int_equal(marks[2].expired_at, 0);
    deadline_queue_finish(&fast);
    deadline_queue_finish(&slow);
    deadline_queue_finish(&never);
    deadline_clock_close(&clock, NULL);
    run_for(2);
}

static void stopped_deadline_does_not_expire(void **state) {
    (void)state;
    struct deadline_clock clock;
    struct deadline_queue queue;
    assert_int_equal(deadline_clock_init(&clock, &loop), 0);
    uv_ref((uv_handle_t *)&clock.timer); /* nothing else keeps this loop going */
    deadline_queue_init(&queue, &clock, 20, on_expired);
    order_count = 0;
    deadline_init(&marks[0].deadline);
    deadline_stop(&marks[0].deadline);
    deadline_start(&marks[0].deadline, &queue);
    deadline_stop(&marks[0].deadline);
    run_for(60);
    assert_int_equal(order_count, 0);
    deadline_queue_finish(&queue);
    deadline_clock_close(&clock, NULL);
    run_for(2);
}

/* ---- request ids ---- */

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static void ids_are_random_uuids_of_version_4(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    char(*ids)[UUID_TEXT_SIZE] = calloc(COUNT, UUID_TEXT_SIZE);
    for (int i = 0; i < COUNT; i++) {
        uuid_v4(ids[i]);
        assert_int_equal(strlen(ids[i]), 36);
        assert_int_equal(strspn(ids[i], "0123456789abcdef-"), 36);
        assert_int_equal(ids[i][8], '-');
        assert_int_equal(ids[i][13], '-');
        assert_int_equal(ids[i][18], '-');
        assert_int_equal(ids[i][23], '-');
        assert_int_equal(ids[i][14], '4');
        assert_non_null(strchr("89ab", ids[i][19]));
    }
    qsort(ids, COUNT, UUID_TEXT_SIZE, compare);
    for (int i = 1; i < COUNT; i++) {
        assert_string_not_equal(ids[i - 1], ids[i]);
    }
    free(ids);
}

static void forked_process_has_ids_of_its_own(void **state) {
    (void)state;
    char mine[UUID_TEXT_SIZE], theirs[UUID_TEXT_SIZE];
    int pipe_fds[2];
    uuid_v4(mine);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uuid_v4(theirs);
        _exit(write(pipe_fds[1], theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
    }
    uuid_v4(mine);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(pipe_fds[0], theirs, sizeof theirs), (ssize_t)sizeof theirs);
    assert_string_not_equal(mine, theirs);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

#define LOOPED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        LOOPED(deferred_call_comes_in_the_next_turn_once),
        LOOPED(call_armed_by_a_call_waits_a_turn),
        LOOPED(call_cancelled_in_its_turn_does_not_come),
        LOOPED(loop_ends_when_nothing_is_deferred),
        LOOPED(deadlines_expire_in_time_and_restart_moves_them),
        LOOPED(stopped_deadline_does_not_expire),
        cmocka_unit_test(ids_are_random_uuids_of_version_4),
        cmocka_unit_test(forked_process_has_ids_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
