/* SPDX-License-Identifier: MIT */
/* The choice of an executor, between two that do what the test says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executors.h"

struct fake {
    struct executor base;
    unsigned asked;
    bool stopped, destroyed;
    void (*on_ready)(void *arg, int error, const char *reason);
    void *arg;
};

static struct fake fake_docker, fake_oci;
static const char *setting;
static uint64_t now_ns;
static struct lambda lambda;
static struct virga_host host;
static struct executors *executors;

static void ready(struct executor *executor,
                  void (*on_ready)(void *arg, int error, const char *reason), void *arg) {
    struct fake *fake = (struct fake *)executor;
    assert_null(fake->on_ready);
    fake->asked++;
    fake->on_ready = on_ready;
    fake->arg = arg;
}

/* What it was asked for is answered. */
static void answer(struct fake *fake, int error, const char *reason) {
    void (*on_ready)(void *, int, const char *) = fake->on_ready;
    assert_non_null(on_ready);
    fake->on_ready = NULL;
    fake->base.lost = error != 0;
    on_ready(fake->arg, error, reason);
}

static void stop(struct executor *executor, void (*on_stopped)(void *arg), void *arg) {
    struct fake *fake = (struct fake *)executor;
    fake->stopped = true;
    on_stopped(arg);
}

static void destroy(struct executor *executor) {
    ((struct fake *)executor)->destroyed = true;
}

static int create(struct fake *fake, const char *name, struct executor **ret_executor) {
    *fake = (struct fake){.base = {.name = name, .ready = ready, .stop = stop, .destroy = destroy}};
    *ret_executor = &fake->base;
    return 0;
}

int executor_docker_create(struct lambda *given, struct executor **ret_executor) {
    assert_ptr_equal(given, &lambda);
    return create(&fake_docker, "docker", ret_executor);
}

int executor_oci_create(struct lambda *given, struct executor **ret_executor) {
    assert_ptr_equal(given, &lambda);
    return create(&fake_oci, "oci", ret_executor);
}

static char doctors[32];

void executor_docker_doctor(const struct virga_host *given, const struct virga_doctor *doctor) {
    (void)given;
    (void)doctor;
    strcat(doctors, "docker ");
}

void executor_oci_doctor(const struct virga_host *given, const struct virga_doctor *doctor) {
    (void)given;
    (void)doctor;
    strcat(doctors, "oci ");
}

static struct virga_str get_string(const struct virga_host *given, const char *key) {
    (void)given;
    assert_string_equal(key, "executor");
    return virga_str_from(setting);
}

static uint64_t monotonic_ns(const struct virga_host *given) {
    (void)given;
    return now_ns;
}

static const struct virga_config config = {.struct_size = sizeof config, .get_string = get_string};
static const struct virga_timer timer = {.struct_size = sizeof timer, .monotonic_ns = monotonic_ns};

static const void *get_interface(const struct virga_host *given, const char *id) {
    (void)given;
    return strcmp(id, VIRGA_CONFIG_ID) == 0 ? &config : NULL;
}

static void begin(const char *choice) {
    setting = choice;
    now_ns = UINT64_C(5000000000);
    fake_docker = fake_oci = (struct fake){.asked = 0};
    host = (struct virga_host){.get_interface = get_interface};
    lambda = (struct lambda){.host = &host, .config = &config, .timer = &timer};
    assert_int_equal(executors_create(&lambda, &executors), 0);
}

struct chosen {
    unsigned times;
    struct executor *executor;
    int error;
    char reason[1300];
};

static void on_chosen(void *arg, struct executor *executor, int error, const char *reason) {
    struct chosen *chosen = arg;
    chosen->times++;
    chosen->executor = executor;
    chosen->error = error;
    (void)snprintf(chosen->reason, sizeof chosen->reason, "%s", reason);
}

static void on_stopped(void *arg) {
    *(bool *)arg = true;
}

static void end(void) {
    bool stopped = false;
    executors_stop(executors, on_stopped, &stopped);
    assert_true(stopped);
    executors_destroy(executors);
}

static void docker_is_taken_where_it_is_ready(void **state) {
    struct chosen one = {.times = 0}, two = {.times = 0}, three = {.times = 0};
    (void)state;
    begin("auto");
    assert_null(executors_current(executors));
    executors_need(executors, on_chosen, &one);
    executors_need(executors, on_chosen, &two);
    assert_int_equal(one.times, 0);
    assert_int_equal(fake_docker.asked, 1); /* one attempt for both */
    answer(&fake_docker, 0, "Docker at /x");
    assert_int_equal(one.times, 1);
    assert_int_equal(two.times, 1);
    assert_ptr_equal(one.executor, &fake_docker.base);
    assert_ptr_equal(executors_current(executors), &fake_docker.base);
    assert_string_equal(executors_reason(executors), "docker: Docker at /x");
    executors_need(executors, on_chosen, &three);
    assert_int_equal(three.times, 1);
    assert_int_equal(fake_docker.asked, 1);
    assert_int_equal(fake_oci.asked, 0);
    end();
    assert_true(fake_docker.stopped && fake_docker.destroyed);
    assert_true(fake_oci.stopped && fake_oci.destroyed);
}

static void oci_is_taken_where_docker_is_not_ready(void **state) {
    struct chosen one = {.times = 0};
    (void)state;
    begin("auto");
    executors_need(executors, on_chosen, &one);
    answer(&fake_docker, -ENXIO, "no socket");
    assert_int_equal(one.times, 0);
    answer(&fake_oci, 0, "crun 1.8");
    assert_ptr_equal(one.executor, &fake_oci.base);
    assert_string_equal(executors_reason(executors),
                        "oci: crun 1.8; docker cannot be used: no socket");
    end();
}

static void a_failed_choice_rests_for_a_second(void **state) {
    struct chosen one = {.times = 0};
    (void)state;
    begin("auto");
    executors_need(executors, on_chosen, &one);
    answer(&fake_docker, -ENXIO, "no socket");
    answer(&fake_oci, -ENOENT, "no crun");
    assert_int_equal(one.times, 1);
    assert_null(one.executor);
    assert_int_equal(one.error, -ENOENT);
    assert_string_equal(one.reason, "neither docker nor oci can be used: docker: no socket; oci: "
                                    "no crun");
    now_ns += 999999999;
    executors_need(executors, on_chosen, &one);
    assert_int_equal(one.times, 2);
    assert_int_equal(one.error, -ENOENT);
    assert_int_equal(fake_docker.asked, 1);
    now_ns += 1;
    executors_need(executors, on_chosen, &one);
    assert_int_equal(fake_docker.asked, 2);
    answer(&fake_docker, 0, "");
    assert_int_equal(one.times, 3);
    assert_ptr_equal(one.executor, &fake_docker.base);
    end();
}

static void a_lost_engine_makes_the_next_need_choose_again(void **state) {
    struct chosen one = {.times = 0};
    (void)state;
    begin("auto");
    executors_need(executors, on_chosen, &one);
    answer(&fake_docker, 0, "");
    fake_docker.base.lost = true;
    executors_need(executors, on_chosen, &one);
    assert_int_equal(one.times, 1);
    assert_int_equal(fake_docker.asked, 2);
    answer(&fake_docker, -ECONNREFUSED, "connection refused");
    answer(&fake_oci, 0, "");
    assert_int_equal(one.times, 2);
    assert_ptr_equal(executors_current(executors), &fake_oci.base);
    end();
}

static void what_the_setting_names_is_the_only_one(void **state) {
    struct chosen one = {.times = 0};
    (void)state;
    begin("docker");
    assert_null(fake_oci.base.ready); /* never made */
    executors_need(executors, on_chosen, &one);
    answer(&fake_docker, -ENXIO, "no socket");
    assert_int_equal(one.error, -ENXIO);
    assert_string_equal(one.reason, "docker cannot be used: no socket");
    end();
    begin("oci");
    assert_null(fake_docker.base.ready);
    executors_need(executors, on_chosen, &one);
    answer(&fake_oci, -ENOENT, "no crun");
    assert_string_equal(one.reason, "oci cannot be used: no crun");
    end();
}

static void a_stop_waits_for_the_attempt_and_ends_the_waiting(void **state) {
    struct chosen one = {.times = 0};
    bool stopped = false;
    (void)state;
    begin("auto");
    executors_need(executors, on_chosen, &one);
    executors_stop(executors, on_stopped, &stopped);
    assert_false(stopped);
    assert_true(fake_docker.stopped);
    answer(&fake_docker, -ECANCELED, "");
    assert_true(stopped);
    assert_int_equal(one.times, 1);
    assert_int_equal(one.error, -ECANCELED);
    assert_int_equal(fake_oci.asked, 0);
    executors_need(executors, on_chosen, &one);
    assert_int_equal(one.times, 2);
    assert_int_equal(one.error, -ECANCELED);
    executors_destroy(executors);
}

static void doctor_asks_those_that_may_be_chosen(void **state) {
    (void)state;
    begin("auto");
    doctors[0] = '\0';
    executors_doctor(&host, NULL);
    assert_string_equal(doctors, "docker oci ");
    setting = "oci";
    doctors[0] = '\0';
    executors_doctor(&host, NULL);
    assert_string_equal(doctors, "oci ");
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(docker_is_taken_where_it_is_ready),
        cmocka_unit_test(oci_is_taken_where_docker_is_not_ready),
        cmocka_unit_test(a_failed_choice_rests_for_a_second),
        cmocka_unit_test(a_lost_engine_makes_the_next_need_choose_again),
        cmocka_unit_test(what_the_setting_names_is_the_only_one),
        cmocka_unit_test(a_stop_waits_for_the_attempt_and_ends_the_waiting),
        cmocka_unit_test(doctor_asks_those_that_may_be_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
