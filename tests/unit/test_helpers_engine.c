/* SPDX-License-Identifier: MIT */
/* helpers/engine.h: addresses, the question that waits, framed output. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <virga/helpers/engine.h>

static struct virga_engine_address parsed(const char *text) {
    struct virga_engine_address address;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    assert_int_equal(virga_engine_parse(text, &address, &err), 0);
    return address;
}

static const char *refusal(const char *text) {
    static struct virga_error err;
    struct virga_engine_address address;
    err = (struct virga_error){.struct_size = sizeof err, .text = ""};
    assert_int_equal(virga_engine_parse(text, &address, &err), -EINVAL);
    return err.text;
}

static void addresses_are_read_as_docker_host_has_them(void **state) {
    (void)state;
    unsetenv("DOCKER_TLS_VERIFY");
    assert_string_equal(parsed("unix:///run/x.sock").unix_path, "/run/x.sock");
    assert_string_equal(parsed("/run/x.sock").shown, "unix:///run/x.sock");
    assert_string_equal(parsed("tcp://10.0.0.2:1234").origin, "http://10.0.0.2:1234");
    assert_string_equal(parsed("tcp://host").origin, "http://host:2375");
    assert_string_equal(parsed("http://[::1]:2375/").origin, "http://[::1]:2375");
    assert_string_equal(parsed("tcp://[::1]").origin, "http://[::1]:2375");
    assert_string_equal(parsed("tcp://host").unix_path, "");
}

static void addresses_that_cannot_be_used_are_refused(void **state) {
    (void)state;
    assert_non_null(strstr(refusal("ssh://me@host"), "ssh://me@host"));
    assert_non_null(strstr(refusal("unix://relative"), "no path of a socket"));
    assert_non_null(strstr(refusal("tcp://"), "no host and port"));
    assert_non_null(strstr(refusal("tcp://host/path"), "no host and port"));
    setenv("DOCKER_TLS_VERIFY", "1", 1);
    assert_non_null(strstr(refusal("tcp://host:2376"), "TLS"));
    unsetenv("DOCKER_TLS_VERIFY");
}

static void what_is_configured_is_the_only_place(void **state) {
    (void)state;
    struct virga_engine_address address;
    setenv("DOCKER_HOST", "tcp://10.0.0.3:1", 1);
    assert_int_equal(virga_engine_candidate("unix:///a", 0, &address, NULL), 0);
    assert_string_equal(address.unix_path, "/a");
    assert_string_equal(address.from, "floci.docker.docker-host");
    assert_int_equal(virga_engine_candidate("unix:///a", 1, &address, NULL), -ENOENT);
    assert_int_equal(virga_engine_candidate("", 0, &address, NULL), 0);
    assert_string_equal(address.origin, "http://10.0.0.3:1");
    assert_string_equal(address.from, "DOCKER_HOST");
    assert_int_equal(virga_engine_candidate(NULL, 1, &address, NULL), -ENOENT);
    unsetenv("DOCKER_HOST");
}

/* A socket in a new folder, as an engine of the user's own would have it. */
static int listen_in(const char *folder, const char *name, char path[128]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(path, 128, "%s/%s", folder, name);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void usual_sockets_are_tried_where_they_are(void **state) {
    (void)state;
    char folder[] = "/tmp/virga-engine-XXXXXX", podman[64], path[128];
    struct virga_engine_address address;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(podman, sizeof podman, "%s/podman", folder);
    assert_int_equal(mkdir(podman, 0700), 0);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    unsetenv("DOCKER_HOST");
    int fd = listen_in(podman, "podman.sock", path);
    bool found = false;
    for (size_t i = 0; virga_engine_candidate("", i, &address, NULL) == 0; i++) {
        found = found || strcmp(address.unix_path, path) == 0;
        assert_string_equal(address.from, "");
    }
    assert_true(found);
    close(fd);
    unlink(path);
    rmdir(podman);
    rmdir(folder);
    unsetenv("XDG_RUNTIME_DIR");
}

static int ask(const char *answer, char *buffer, size_t size) {
    char folder[] = "/tmp/virga-engine-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    int fd = listen_in(folder, "s", path);
    pid_t child = fork();
    if (child == 0) {
        int conn = accept(fd, NULL, NULL);
        char request[256];
        (void)!read(conn, request, sizeof request);
        (void)!write(conn, answer, strlen(answer));
        _exit(0);
    }
    struct virga_engine_address address = parsed(path);
    int result = virga_engine_version(&address, 5000, buffer, size);
    (void)waitpid(child, NULL, 0);
    close(fd);
    unlink(path);
    rmdir(folder);
    return result;
}

static void an_engine_tells_its_name_and_version(void **state) {
    (void)state;
    char text[64];
    assert_int_equal(ask("HTTP/1.0 200 OK\r\n\r\n{\"Version\":\"4.3.1\",\"Components\":[{\"Name\":"
                         "\"Podman Engine\"}]}",
                         text, sizeof text),
                     0);
    assert_string_equal(text, "Podman Engine 4.3.1");
    assert_int_equal(ask("HTTP/1.1 200 OK\r\n\r\n{\"Version\":\"20.10.24\",\"Components\":[{"
                         "\"Name\":\"Engine\"}]}",
                         text, sizeof text),
                     0);
    assert_string_equal(text, "Docker Engine 20.10.24");
    assert_int_equal(ask("HTTP/1.1 404 Not Found\r\n\r\n{}", text, sizeof text), -EPROTO);
    assert_int_equal(ask("SSH-2.0-OpenSSH_9\r\n", text, sizeof text), -EPROTO);
    struct virga_engine_address nowhere = parsed("unix:///tmp/virga-no-engine.sock");
    assert_int_equal(virga_engine_version(&nowhere, 1000, text, sizeof text), -ENOENT);
}

static void on_payload(void *arg, int stream, struct virga_str payload) {
    char *text = arg;
    (void)sprintf(text + strlen(text), "%d:%.*s ", stream, (int)payload.len, payload.ptr);
}

static void frames_come_out_whatever_their_pieces(void **state) {
    (void)state;
    static const char stream[] =
        "\1\0\0\0\0\0\0\3abc\2\0\0\0\0\0\0\2xy\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1z";
    char text[128] = "";
    struct virga_engine_frames frames = {.have = 0};
    virga_engine_frames_take(&frames, (struct virga_str){stream, sizeof stream - 1}, on_payload,
                             text);
    assert_string_equal(text, "1:abc 2:xy 1:z ");
    frames = (struct virga_engine_frames){.have = 0};
    text[0] = '\0';
    for (size_t i = 0; i < sizeof stream - 1; i++) {
        virga_engine_frames_take(&frames, (struct virga_str){stream + i, 1}, on_payload, text);
    }
    assert_string_equal(text, "1:a 1:b 1:c 2:x 2:y 1:z ");
}

static const char *api_of(const char *version) {
    static struct virga_engine_address address;
    struct json_object *json = json_tokener_parse(version);
    address = (struct virga_engine_address){.api = "/v9.9"};
    virga_engine_adapt(&address, json);
    json_object_put(json);
    return address.api;
}

static void an_engine_that_dropped_old_versions_is_asked_for_its_oldest(void **state) {
    (void)state;
    assert_string_equal(api_of("{\"MinAPIVersion\":\"1.44\"}"), "/v1.44");
    assert_string_equal(api_of("{\"MinAPIVersion\":\"2.0\"}"), "/v2.0");
    assert_string_equal(api_of("{\"MinAPIVersion\":\"1.12\"}"), "");
    assert_string_equal(api_of("{\"MinAPIVersion\":\"1.40\"}"), "");
    assert_string_equal(api_of("{\"MinAPIVersion\":\"new\"}"), "");
    assert_string_equal(api_of("{}"), "");
    assert_string_equal(api_of("[]"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_that_dropped_old_versions_is_asked_for_its_oldest),
        cmocka_unit_test(addresses_are_read_as_docker_host_has_them),
        cmocka_unit_test(addresses_that_cannot_be_used_are_refused),
        cmocka_unit_test(what_is_configured_is_the_only_place),
        cmocka_unit_test(usual_sockets_are_tried_where_they_are),
        cmocka_unit_test(an_engine_tells_its_name_and_version),
        cmocka_unit_test(frames_come_out_whatever_their_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
