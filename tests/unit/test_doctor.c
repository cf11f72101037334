/* SPDX-License-Identifier: MIT */
/* Tests of core/doctor.c and core/doctor_tools.c: programs, ports, pages, and checks of plugins. */
#include "doctor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "plugin_fixture.h"

/* --- programs --- */

static void the_first_line_and_the_status_of_a_program_come_back(void **state) {
    (void)state;
    const char *const argv[] = {"sh", "-c", "echo; echo '  one '; echo two; exit 7", NULL};
    char line[32];
    assert_int_equal(doctor_run(argv, line, sizeof line), 7);
    assert_string_equal(line, "one ");
}

static void more_output_than_fits_is_cut_and_read_all_the_same(void **state) {
    (void)state;
    const char *const argv[] = {"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x", NULL};
    char line[8];
    assert_int_equal(doctor_run(argv, line, sizeof line), 0);
    assert_string_equal(line, "xxxxxxx");
}

static void a_program_that_is_not_there_is_enoent(void **state) {
    (void)state;
    const char *const argv[] = {"virga-no-such-program", NULL};
    char line[8];
    assert_int_equal(doctor_run(argv, line, sizeof line), -ENOENT);
}

static void a_program_that_hangs_is_killed(void **state) {
    (void)state;
    const char *const argv[] = {"sleep", "600", NULL};
    char line[8];
    uint64_t before_ns = uv_hrtime();
    assert_int_equal(doctor_run(argv, line, sizeof line), -ETIMEDOUT);
    assert_true(uv_hrtime() - before_ns < UINT64_C(30000000000));
}

/* --- ports and pages --- */

static int listen_somewhere(uint16_t *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void a_port_that_is_taken_is_told_from_a_free_one(void **state) {
    (void)state;
    uint16_t port;
    int fd = listen_somewhere(&port);
    assert_int_equal(doctor_try_port("127.0.0.1,::1", port), -EADDRINUSE);
    assert_int_equal(doctor_try_port(" ::1 , 127.0.0.1", port), -EADDRINUSE);
    (void)close(fd);
    assert_int_equal(doctor_try_port("127.0.0.1,::1", port), 0);
}

static void addresses_that_cannot_be_are_errors(void **state) {
    (void)state;
    assert_int_equal(doctor_try_port("localhost", 0), -EINVAL);
    assert_int_equal(doctor_try_port("203.0.113.1", 0), -EADDRNOTAVAIL); /* TEST-NET-3 */
    assert_int_equal(doctor_try_port("", 0), -EADDRNOTAVAIL);
    assert_int_equal(doctor_try_port("203.0.113.1,127.0.0.1", 0), 0);
}

static void nobody_there_is_an_error_in_words(void **state) {
    (void)state;
    char body[16] = "stale";
    struct error err = {0};
    assert_int_equal(doctor_get("/nonexistent.sock", "http://localhost/", body, sizeof body, &err),
                     -ENOENT);
    assert_string_equal(err.text, "No such file or directory");
    assert_string_equal(body, "");
}

/* --- checks of plugins --- */

static void two_findings(const struct virga_host *host, const struct virga_doctor *doctor) {
    (void)host;
    doctor->report(doctor, VIRGA_DOCTOR_OK, "first", "fine", NULL);
    virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "second", "mend it", "%d of %d", 1, 2);
}

static void crashes(const struct virga_host *host, const struct virga_doctor *doctor) {
    two_findings(host, doctor);
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

static void exits(const struct virga_host *host, const struct virga_doctor *doctor) {
    (void)host;
    (void)doctor;
    _exit(5);
}

static void says_nonsense(const struct virga_host *host, const struct virga_doctor *doctor) {
    (void)host;
    doctor->report(doctor, (enum virga_doctor_verdict)9, NULL, NULL, "");
}

static void check_with(struct doctor *doctor, struct fixture *fixture,
                       void (*check)(const struct virga_host *, const struct virga_doctor *)) {
    fixture_init(fixture);
    fixture->desc.doctor = check;
    doctor_init(doctor, &fixture->host);
    doctor_check_plugin(doctor, &fixture->plugin);
}

static void end_check(struct doctor *doctor, struct fixture *fixture) {
    doctor_finish(doctor);
    assert_true(fixture_finish(fixture));
}

static void findings_of_a_plugin_come_back_whole(void **state) {
    (void)state;
    struct fixture fixture;
    struct doctor doctor;
    check_with(&doctor, &fixture, two_findings);
    assert_int_equal(doctor.count, 2);
    assert_string_equal(doctor.findings[0].owner, "test");
    assert_string_equal(doctor.findings[0].found, "fine");
    assert_null(doctor.findings[0].remedy);
    assert_int_equal(doctor.findings[1].verdict, VIRGA_DOCTOR_WARN);
    assert_string_equal(doctor.findings[1].check, "second");
    assert_string_equal(doctor.findings[1].found, "1 of 2");
    assert_string_equal(doctor.findings[1].remedy, "mend it");
    assert_string_equal(doctor.owner, DOCTOR_OWN);
    end_check(&doctor, &fixture);
}

static void a_crash_keeps_what_was_found_and_fails(void **state) {
    (void)state;
    struct fixture fixture;
    struct doctor doctor;
    check_with(&doctor, &fixture, crashes);
    assert_int_equal(doctor.count, 3);
    assert_int_equal(doctor.findings[2].verdict, VIRGA_DOCTOR_FAIL);
    assert_non_null(strstr(doctor.findings[2].found, "signal 6"));
    end_check(&doctor, &fixture);
    check_with(&doctor, &fixture, exits);
    assert_int_equal(doctor.count, 1);
    assert_non_null(strstr(doctor.findings[0].found, "status 5"));
    end_check(&doctor, &fixture);
}

static void an_unknown_verdict_counts_as_the_worst(void **state) {
    (void)state;
    struct fixture fixture;
    struct doctor doctor;
    check_with(&doctor, &fixture, says_nonsense);
    assert_int_equal(doctor.count, 1);
    assert_int_equal(doctor.findings[0].verdict, VIRGA_DOCTOR_FAIL);
    assert_null(doctor.findings[0].remedy);
    end_check(&doctor, &fixture);
}

static void control_characters_do_not_reach_the_terminal(void **state) {
    (void)state;
    struct host host = {.loop = NULL};
    struct doctor doctor;
    doctor_init(&doctor, &host);
    doctor_say(&doctor, VIRGA_DOCTOR_OK, "x", "\n", "a\033[31mb");
    assert_string_equal(doctor.findings[0].found, "a [31mb");
    assert_string_equal(doctor.findings[0].remedy, " ");
    doctor_finish(&doctor);
}

static void a_plugin_without_checks_has_no_findings(void **state) {
    (void)state;
    struct fixture fixture;
    struct doctor doctor;
    check_with(&doctor, &fixture, NULL);
    assert_int_equal(doctor.count, 0);
    end_check(&doctor, &fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_and_the_status_of_a_program_come_back),
        cmocka_unit_test(more_output_than_fits_is_cut_and_read_all_the_same),
        cmocka_unit_test(a_program_that_is_not_there_is_enoent),
        cmocka_unit_test(a_program_that_hangs_is_killed),
        cmocka_unit_test(a_port_that_is_taken_is_told_from_a_free_one),
        cmocka_unit_test(addresses_that_cannot_be_are_errors),
        cmocka_unit_test(nobody_there_is_an_error_in_words),
        cmocka_unit_test(findings_of_a_plugin_come_back_whole),
        cmocka_unit_test(a_crash_keeps_what_was_found_and_fails),
        cmocka_unit_test(an_unknown_verdict_counts_as_the_worst),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(a_plugin_without_checks_has_no_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
