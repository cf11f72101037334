/* SPDX-License-Identifier: MIT */
#include "service_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "ext_work.h"

struct job {
    struct fixture *fixture;
    pthread_t ran_on;
    pthread_t done_on;
    uv_sem_t *gate;
    int ran;
    int done;
    int status;
};

static void run(void *arg) {
    struct job *job = arg;
    if (job->gate != NULL) {
        uv_sem_wait(job->gate);
    }
    job->ran_on = pthread_self();
    job->ran++;
}

static void on_done(void *arg, int status) {
    struct job *job = arg;
    job->done_on = pthread_self();
    job->status = status;
    job->done++;
}

static void work_runs_on_a_thread_and_completes_on_the_loop(void **state) {
    struct fixture fixture;
    struct job job = {0};
    (void)state;
    fixture_begin(&fixture);
    assert_int_equal(ext_work.submit(fixture.api, run, on_done, &job, NULL), 0);
    assert_int_equal(job.done, 0);
    (void)uv_run(&fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(job.ran, 1);
    assert_int_equal(job.done, 1);
    assert_int_equal(job.status, 0);
    assert_false(pthread_equal(job.ran_on, pthread_self()));
    assert_true(pthread_equal(job.done_on, pthread_self()));
    fixture_end(&fixture);
}

#define POOL_MAX 64 /* more jobs than the pool has threads */

static void waiting_work_is_cancelled_and_running_work_is_not(void **state) {
    struct fixture fixture;
    struct job jobs[POOL_MAX] = {0};
    struct virga_work_handle *handles[POOL_MAX];
    uv_sem_t gate;
    int ran = 0;
    (void)state;
    fixture_begin(&fixture);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    for (size_t i = 0; i < POOL_MAX; i++) {
        jobs[i].gate = &gate;
        assert_int_equal(ext_work.submit(fixture.api, run, on_done, &jobs[i], &handles[i]), 0);
    }
    assert_int_equal(ext_work.cancel(handles[POOL_MAX - 1]), 0);
    assert_int_equal(jobs[POOL_MAX - 1].done, 0); /* never inside cancel() */
    for (size_t i = 0; i < POOL_MAX; i++) {
        uv_sem_post(&gate);
    }
    (void)uv_run(&fixture.loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < POOL_MAX; i++) {
        assert_int_equal(jobs[i].done, 1);
        ran += jobs[i].ran;
    }
    assert_int_equal(ran, POOL_MAX - 1);
    assert_int_equal(jobs[POOL_MAX - 1].status, -ECANCELED);
    uv_sem_destroy(&gate);
    fixture_end(&fixture);
}

static void work_that_runs_cannot_be_cancelled(void **state) {
    struct fixture fixture;
    uv_sem_t gate;
    struct virga_work_handle *handle;
    (void)state;
    fixture_begin(&fixture);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    struct job job = {.gate = &gate};
    assert_int_equal(ext_work.submit(fixture.api, run, on_done, &job, &handle), 0);
    uv_sleep(100); /* a thread takes it */
    assert_int_equal(ext_work.cancel(handle), -EBUSY);
    uv_sem_post(&gate);
    (void)uv_run(&fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(job.status, 0);
    assert_int_equal(job.ran, 1);
    uv_sem_destroy(&gate);
    fixture_end(&fixture);
}

static void too_much_waiting_work_is_eagain_until_some_is_done(void **state) {
    static struct job jobs[EXT_WORK_MAX];
    struct fixture fixture;
    uv_sem_t gate;
    struct job extra = {0};
    (void)state;
    fixture_begin(&fixture);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    for (size_t i = 0; i < EXT_WORK_MAX; i++) {
        jobs[i].gate = &gate;
        assert_int_equal(ext_work.submit(fixture.api, run, on_done, &jobs[i], NULL), 0);
    }
    assert_int_equal(ext_work.submit(fixture.api, run, on_done, &extra, NULL), -EAGAIN);
    for (size_t i = 0; i < EXT_WORK_MAX; i++) {
        uv_sem_post(&gate);
    }
    (void)uv_run(&fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(ext_work.submit(fixture.api, run, on_done, &extra, NULL), 0);
    (void)uv_run(&fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(extra.done, 1);
    uv_sem_destroy(&gate);
    fixture_end(&fixture);
}

static void work_left_behind_ends_without_telling_the_plugin(void **state) {
    struct fixture fixture;
    uv_sem_t gate;
    (void)state;
    fixture_begin(&fixture);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    struct job job = {.gate = &gate};
    assert_int_equal(ext_work.submit(fixture.api, run, on_done, &job, NULL), 0);
    uv_sleep(50);
    assert_int_equal(fixture_reclaim(&fixture), 1);
    uv_sem_post(&gate);
    (void)uv_run(&fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(job.done, 0);
    uv_sem_destroy(&gate);
    fixture_end(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_runs_on_a_thread_and_completes_on_the_loop),
        cmocka_unit_test(waiting_work_is_cancelled_and_running_work_is_not),
        cmocka_unit_test(work_that_runs_cannot_be_cancelled),
        cmocka_unit_test(too_much_waiting_work_is_eagain_until_some_is_done),
        cmocka_unit_test(work_left_behind_ends_without_telling_the_plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
