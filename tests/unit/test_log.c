/* SPDX-License-Identifier: MIT */
#include "service_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "ext_log.h"
#include "log.h"

static char captured[65536];

/* Sends stderr into a file until capture_end(), which gives what came. */
static int saved_stderr;
static int capture_fd;

static void capture_begin(void) {
    char path[] = "/tmp/virga-log-XXXXXX";
    capture_fd = mkstemp(path);
    assert_true(capture_fd >= 0);
    (void)unlink(path);
    (void)fcntl(capture_fd, F_SETFL, O_APPEND);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(capture_fd, STDERR_FILENO) >= 0);
}

static const char *capture_end(void) {
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    ssize_t len = pread(capture_fd, captured, sizeof captured - 1, 0);
    (void)close(capture_fd);
    assert_true(len >= 0);
    captured[len] = '\0';
    return captured;
}

static void text_line_has_time_level_source_and_request_id(void **state) {
    (void)state;
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    capture_begin();
    log_write(VIRGA_LOG_INFO, "ecr", "0a-1b", "pushed %d", 3);
    const char *line = capture_end();
    assert_int_equal(strlen("2026-11-23T13:05:01.123Z"), 24);
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[19], '.');
    assert_int_equal(line[23], 'Z');
    assert_string_equal(line + 24, " INFO  ecr [0a-1b] pushed 3\n");
}

static void text_line_without_request_id_has_no_brackets(void **state) {
    (void)state;
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    capture_begin();
    log_warn("a");
    log_write(VIRGA_LOG_ERROR, "core", "", "b");
    const char *text = capture_end();
    assert_string_equal(strchr(text, '\n') - strlen(" WARN  core a"),
                        strstr(text, " WARN  core a\n"));
    assert_non_null(strstr(text, "Z ERROR core b\n"));
}

static void lines_below_the_level_are_not_written(void **state) {
    (void)state;
    log_setup(VIRGA_LOG_WARN, LOG_TEXT);
    capture_begin();
    log_debug("debug");
    log_info("info");
    log_warn("warn");
    const char *text = capture_end();
    assert_null(strstr(text, "debug"));
    assert_null(strstr(text, "info"));
    assert_non_null(strstr(text, "warn"));
    assert_int_equal(log_level(), VIRGA_LOG_WARN);
}

static void control_characters_cannot_forge_a_line(void **state) {
    (void)state;
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    capture_begin();
    log_info("a\nb\rc\x1b[31m\x7f");
    const char *text = capture_end();
    assert_non_null(strstr(text, "a\\x0ab\\x0dc\\x1b[31m\\x7f\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void text_keeps_utf8_and_escapes_what_is_none(void **state) {
    (void)state;
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    capture_begin();
    /* umlaut, euro, emoji; stray byte, overlong slash, surrogate, C1 control, cut sequence */
    log_info("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|\xff|\xc0\xaf|\xed\xa0\x80|\xc2\x9b|\xe2\x82");
    const char *text = capture_end();
    assert_non_null(strstr(text,
                           "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|\\xff|\\xc0\\xaf|\\xed\\xa0\\x80|"
                           "\\xc2\\x9b|\\xe2\\x82\n"));
}

static void json_line_is_one_object_with_escapes(void **state) {
    (void)state;
    log_setup(VIRGA_LOG_INFO, LOG_JSON);
    capture_begin();
    log_write(VIRGA_LOG_WARN, "ecr", "id-1", "say \"hi\"\\\n\xff");
    const char *text = capture_end();
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_string_equal(text + 33,
                        "\",\"level\":\"warn\",\"source\":\"ecr\",\"request_id\":\"id-1\","
                        "\"message\":\"say \\\"hi\\\"\\\\\\\\x0a\\\\xff\"}\n");
}

static void long_line_is_cut_at_4096_bytes_and_stays_whole(void **state) {
    char *message = malloc(10001);
    (void)state;
    assert_non_null(message);
    memset(message, '"', 10000);
    message[10000] = '\0';
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        log_setup(VIRGA_LOG_INFO, (enum log_format)format);
        capture_begin();
        log_info("%s", message);
        const char *text = capture_end();
        const char *tail = format == LOG_JSON ? "...\"}\n" : "...\n";
        size_t len = strlen(text);
        assert_in_range(len, 4000, 4096);
        assert_string_equal(text + len - strlen(tail), tail);
        assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    }
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    free(message);
}

static void *write_lines(void *arg) {
    const char *name = arg;
    for (int i = 0; i < 200; i++) {
        log_write(VIRGA_LOG_INFO, name, NULL, "line-%s-%s-%s-%s", name, name, name, name);
    }
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state) {
    static char names[][2] = {"a", "b", "c"};
    pthread_t threads[3];
    size_t lines = 0;
    (void)state;
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    capture_begin();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    const char *text = capture_end();
    while (*text != '\0') {
        char want[64];
        char name = text[strlen("2026-11-23T13:05:01.123Z INFO  ")];
        (void)snprintf(want, sizeof want, " INFO  %c line-%c-%c-%c-%c\n", name, name, name, name,
                       name);
        assert_memory_equal(text + 24, want, strlen(want));
        text += 24 + strlen(want);
        lines++;
    }
    assert_int_equal(lines, 600);
}

static void plugin_lines_carry_its_name_and_the_request_id(void **state) {
    struct fixture fixture;
    struct virga_request req = {.id = virga_str_from("r-1")};
    (void)state;
    fixture_begin(&fixture);
    log_setup(VIRGA_LOG_INFO, LOG_TEXT);
    capture_begin();
    ext_log.write(fixture.api, VIRGA_LOG_INFO, &req, (struct virga_str){"hello there", 5});
    virga_log_printf(&ext_log, fixture.other, VIRGA_LOG_ERROR, NULL, "n=%d", 7);
    virga_log_printf(&ext_log, fixture.other, VIRGA_LOG_DEBUG, NULL, "unseen");
    const char *text = capture_end();
    assert_non_null(strstr(text, " INFO  one [r-1] hello\n"));
    assert_non_null(strstr(text, " ERROR two n=7\n"));
    assert_null(strstr(text, "unseen"));
    assert_int_equal(ext_log.level(fixture.api), VIRGA_LOG_INFO);
    fixture_end(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line_has_time_level_source_and_request_id),
        cmocka_unit_test(text_line_without_request_id_has_no_brackets),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(control_characters_cannot_forge_a_line),
        cmocka_unit_test(text_keeps_utf8_and_escapes_what_is_none),
        cmocka_unit_test(json_line_is_one_object_with_escapes),
        cmocka_unit_test(long_line_is_cut_at_4096_bytes_and_stays_whole),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(plugin_lines_carry_its_name_and_the_request_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
