/* SPDX-License-Identifier: MIT */
/* What the docker executor decides without asking anybody: ways to virga, the meaning of words,
 * what is asked of an engine, memory groups, the id of this virga. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virga/helpers/base64.h>

#include "docker.h"

/* --- ways --- */

static struct docker_facts bridge(void) {
    return (struct docker_facts){.gateway = "172.17.0.1",
                                 .subnet = "172.17.0.0/16",
                                 .gateway_is_here = true,
                                 .own_ip = "192.0.2.5"};
}

static struct docker_reach chosen(const struct docker_facts *facts) {
    struct docker_reach reach;
    char reason[512] = "";
    assert_int_equal(docker_reach_choose(facts, &reach, reason, sizeof reason), 0);
    return reach;
}

static const char *refusal(const struct docker_facts *facts) {
    static char reason[512];
    struct docker_reach reach;
    assert_int_equal(docker_reach_choose(facts, &reach, reason, sizeof reason), -EHOSTUNREACH);
    return reason;
}

static void a_gateway_of_this_machine_is_listened_on(void **state) {
    struct docker_facts facts = bridge();
    (void)state;
    assert_true(docker_reach_wants_gateway(&facts));
    struct docker_reach reach = chosen(&facts);
    assert_string_equal(reach.listen, "172.17.0.1");
    assert_string_equal(reach.host, "172.17.0.1");
    assert_string_equal(reach.network, "");
    assert_false(reach.extra_host);
    assert_string_equal(reach.peers, "");
}

static void a_gateway_elsewhere_is_refused_unless_podman_makes_it_later(void **state) {
    struct docker_facts facts = bridge();
    (void)state;
    facts.gateway_is_here = false;
    assert_non_null(strstr(refusal(&facts), "172.17.0.1"));
    facts.podman = true;
    struct docker_reach reach = chosen(&facts);
    assert_string_equal(reach.listen, "0.0.0.0");
    assert_string_equal(reach.host, "172.17.0.1");
    assert_string_equal(reach.peers, "172.17.0.0/16");
    facts.gateway[0] = '\0';
    assert_non_null(strstr(refusal(&facts), "no gateway"));
}

static void a_virtual_machine_is_reached_by_its_own_name(void **state) {
    struct docker_facts facts = bridge();
    (void)state;
    facts.desktop = true;
    assert_false(docker_reach_wants_gateway(&facts));
    struct docker_reach reach = chosen(&facts);
    assert_string_equal(reach.listen, "127.0.0.1");
    assert_string_equal(reach.host, "host.docker.internal");
    assert_true(reach.extra_host);
}

static void engines_with_networks_of_their_own_reach_this_machines_address(void **state) {
    struct docker_facts facts = bridge();
    (void)state;
    facts.rootless = true;
    assert_false(docker_reach_wants_gateway(&facts));
    assert_string_equal(chosen(&facts).listen, "192.0.2.5");
    assert_string_equal(chosen(&facts).host, "192.0.2.5");
    facts.podman = true;
    facts.podman_version = 403;
    assert_string_equal(chosen(&facts).host, "192.0.2.5");
    facts.podman_version = 503;
    assert_string_equal(chosen(&facts).listen, "192.0.2.5");
    assert_string_equal(chosen(&facts).host, "host.containers.internal");
    facts = bridge();
    facts.tcp = true;
    assert_string_equal(chosen(&facts).host, "192.0.2.5");
    facts.own_ip[0] = '\0';
    assert_non_null(strstr(refusal(&facts), "no address"));
}

static void virga_in_a_container_is_reached_in_its_network(void **state) {
    struct docker_facts facts = {.self_network = "app_default", .self_ip = "10.1.0.2"};
    (void)state;
    assert_false(docker_reach_wants_gateway(&facts));
    struct docker_reach reach = chosen(&facts);
    assert_string_equal(reach.network, "app_default");
    assert_string_equal(reach.listen, "10.1.0.2");
    assert_string_equal(reach.host, "10.1.0.2");
    strcpy(facts.network, "app_default");
    assert_string_equal(chosen(&facts).network, "app_default");
    strcpy(facts.network, "other");
    assert_non_null(strstr(refusal(&facts), "\"other\""));
    strcpy(facts.network, "host");
    assert_non_null(strstr(refusal(&facts), "\"host\""));
}

static void the_hosts_network_needs_loopback_only(void **state) {
    struct docker_facts facts = {.network = "host"};
    (void)state;
    assert_false(docker_reach_wants_gateway(&facts));
    assert_string_equal(chosen(&facts).listen, "127.0.0.1");
    assert_string_equal(chosen(&facts).network, "host");
    strcpy(facts.network, "none");
    assert_non_null(strstr(refusal(&facts), "\"none\""));
    strcpy(facts.network, "container:abc");
    assert_non_null(strstr(refusal(&facts), "container:abc"));
}

static void the_aws_port_is_relayed_unless_it_is_reached_already(void **state) {
    struct docker_reach reach = {.listen = "172.17.0.1"};
    char address[64];
    (void)state;
    assert_false(docker_reach_is_open(&reach, "127.0.0.1,::1"));
    assert_true(docker_reach_is_open(&reach, "0.0.0.0"));
    assert_true(docker_reach_is_open(&reach, "127.0.0.1, ::"));
    assert_true(docker_reach_is_open(&reach, "127.0.0.1,172.17.0.1"));
    assert_false(docker_reach_is_open(&reach, "172.17.0.10"));
    strcpy(reach.listen, "127.0.0.1");
    assert_true(docker_reach_is_open(&reach, "localhost"));
    assert_false(docker_reach_is_open(&reach, "::1"));
    docker_reach_upstream("127.0.0.1,::1", address, sizeof address);
    assert_string_equal(address, "127.0.0.1");
    docker_reach_upstream("0.0.0.0", address, sizeof address);
    assert_string_equal(address, "127.0.0.1");
    docker_reach_upstream("192.0.2.1,::1", address, sizeof address);
    assert_string_equal(address, "192.0.2.1");
    docker_reach_upstream("", address, sizeof address);
    assert_string_equal(address, "127.0.0.1");
}

static bool admits(const char *subnet, const char *peer) {
    return docker_reach_admits(subnet, virga_str_from(peer));
}

static void peers_of_the_subnet_and_of_this_machine_are_admitted(void **state) {
    (void)state;
    assert_true(admits("", "8.8.8.8:1"));
    assert_true(admits("10.88.0.0/16", "10.88.3.4:55"));
    assert_false(admits("10.88.0.0/16", "10.89.3.4:55"));
    assert_true(admits("10.88.0.0/16", "127.0.0.1:55"));
    assert_false(admits("10.88.0.0/16", "[::1]:55"));
    assert_false(admits("10.88.0.0/16", "unix"));
    assert_false(admits("10.88.0.0/33", "10.88.0.1:1"));
    assert_true(admits("0.0.0.0/0", "8.8.8.8:1"));
}

static void facts_are_read_from_what_engines_say(void **state) {
    struct docker_facts facts = {.podman = false};
    char name[64];
    (void)state;
    struct json_object *json =
        json_tokener_parse("{\"Version\":\"20.10.24\",\"Components\":[{\"Name\":\"Engine\"}]}");
    assert_int_equal(docker_facts_version(json, &facts, name, sizeof name), 0);
    assert_string_equal(name, "Docker 20.10.24");
    assert_false(facts.podman);
    json_object_put(json);
    json =
        json_tokener_parse("{\"Version\":\"5.3.1\",\"Components\":[{\"Name\":\"Podman Engine\"}]}");
    assert_int_equal(docker_facts_version(json, &facts, name, sizeof name), 0);
    assert_string_equal(name, "Podman 5.3.1");
    assert_int_equal(facts.podman_version, 503);
    json_object_put(json);
    json = json_tokener_parse("{\"OperatingSystem\":\"Docker Desktop\",\"SecurityOptions\":["
                              "\"name=seccomp,profile=default\",\"name=rootless\"]}");
    assert_int_equal(docker_facts_info(json, &facts), 0);
    assert_true(facts.desktop);
    assert_true(facts.rootless);
    json_object_put(json);
    json = json_tokener_parse(
        "{\"IPAM\":{\"Config\":[{\"Subnet\":\"fd00::/64\",\"Gateway\":\"fd00::1\"},"
        "{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":\"10.0.0.1/24\"}]}}");
    assert_int_equal(docker_facts_network(json, &facts), 0);
    assert_string_equal(facts.gateway, "10.0.0.1");
    assert_string_equal(facts.subnet, "10.0.0.0/24");
    json_object_put(json);
    json = json_tokener_parse("{\"IPAM\":{\"Config\":null}}");
    assert_int_equal(docker_facts_network(json, &facts), 0);
    assert_string_equal(facts.gateway, "");
    json_object_put(json);
    assert_int_equal(docker_facts_version(NULL, &facts, name, sizeof name), -EBADMSG);
    assert_int_equal(docker_facts_info(NULL, &facts), -EBADMSG);
    assert_int_equal(docker_facts_network(NULL, &facts), -EBADMSG);
}

/* --- words --- */

static void failures_of_pulls_are_told_apart(void **state) {
    static const struct {
        const char *message;
        int error;
    } cases[] = {
        {"manifest for 127.0.0.1:5100/a@sha256:0 not found: manifest unknown: manifest unknown",
         -ENOENT},
        {"Head \"http://127.0.0.1:5100/v2/a/manifests/x\": no basic auth credentials", -EACCES},
        {"unauthorized: authentication required", -EACCES},
        {"failed to register layer: Error processing tar file(exit status 1): write /x: no space "
         "left on device",
         -ENOSPC},
        {"failed to register layer: Error processing tar file(exit status 1): unexpected EOF",
         -EBADMSG},
        {"filesystem layer verification failed for digest sha256:12", -EBADMSG},
        {"writing blob: storing blob to file \"/var/tmp/x\": happened during read: Digest did not "
         "match, expected sha256:1, got sha256:2",
         -EBADMSG},
        {"Get \"http://127.0.0.1:5100/v2/\": dial tcp 127.0.0.1:5100: connect: connection refused",
         -ECONNREFUSED},
        {"something else", -EIO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(docker_words_pull(cases[i].message), cases[i].error);
    }
}

static void failures_of_starts_are_told_apart(void **state) {
    static const struct {
        const char *message;
        enum executor_end end;
        const char *reason; /* NULL: the message */
    } cases[] = {
        {"failed to create shim task: OCI runtime create failed: runc create failed: unable to "
         "start container process: exec: \"/app\": stat /app: no such file or directory: unknown",
         EXECUTOR_ENTRYPOINT, "fork/exec /app: no such file or directory"},
        {"runc: runc create failed: unable to start container process: exec: \"app\": executable "
         "file not found in $PATH: OCI runtime attempted to invoke a command that was not found",
         EXECUTOR_ENTRYPOINT, "fork/exec /app: no such file or directory"},
        {"crun: executable file `app` not found in $PATH: No such file or directory: OCI runtime "
         "attempted to invoke a command that was not found",
         EXECUTOR_ENTRYPOINT, "fork/exec /app: no such file or directory"},
        {"crun: open executable: Permission denied: OCI permission denied", EXECUTOR_ENTRYPOINT,
         "fork/exec /app: permission denied"},
        {"OCI runtime create failed: exec: \"/bin\": is a directory: unknown", EXECUTOR_ENTRYPOINT,
         "fork/exec /app: permission denied"},
        {"Cannot mkdir: /etc/passwd is not a directory", EXECUTOR_WORKDIR, NULL},
        {"OCI runtime create failed: runc create failed: unable to start container process: chdir "
         "to cwd (\"/root/x\") set in config.json failed: permission denied: unknown",
         EXECUTOR_WORKDIR, NULL},
        {"workdir \"/etc/passwd\" exists on container 1, but is not a directory", EXECUTOR_WORKDIR,
         NULL},
        {"unable to find user nobody2: no matching entries in passwd file", EXECUTOR_FAILED, NULL},
        {"error creating overlay mount to /x: no such file or directory", EXECUTOR_FAILED, NULL},
        {"No such image: localhost/virga-lambda-1:2", EXECUTOR_FAILED, NULL},
    };
    char reason[512];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(docker_words_start(cases[i].message, "/app", reason, sizeof reason),
                         cases[i].end);
        assert_string_equal(reason, cases[i].reason != NULL ? cases[i].reason : cases[i].message);
    }
}

static bool is_exec(int status, const char *output, char reason[512]) {
    return docker_words_is_exec(status, virga_str_from(output), "app", reason, 512);
}

static void last_words_of_a_runtime_are_known_from_a_functions(void **state) {
    char reason[512];
    (void)state;
    assert_true(is_exec(1, "exec /bin/app: exec format error\n", reason));
    assert_string_equal(reason, "fork/exec app: exec format error");
    assert_true(is_exec(1,
                        "standard_init_linux.go:228: exec user process caused: no such file or "
                        "directory\r\n",
                        reason));
    assert_string_equal(reason, "fork/exec app: no such file or directory");
    assert_true(is_exec(127, "exec container process `/app`: Exec format error", reason));
    assert_false(is_exec(0, "exec /bin/app: exec format error\n", reason));
    assert_false(is_exec(1, "", reason));
    assert_false(is_exec(1, "exec /bin/app: exec format error\nand more\n", reason));
    assert_false(is_exec(1, "cannot open /etc/x: no such file or directory\n", reason));
    assert_false(is_exec(127, "sh: exec: line 1: /x: not found\n", reason));
    assert_false(is_exec(1, "exec /bin/app said: permission denied\n", reason));
}

/* --- bodies --- */

static const char *text_at(struct json_object *json, const char *pointer) {
    struct json_object *value = NULL;
    return json_pointer_get(json, pointer, &value) == 0 ? json_object_get_string(value) : NULL;
}

static void a_container_is_described_as_lambda_runs_it(void **state) {
    static const char *const argv[] = {"/app", "handler \"x\"", NULL};
    static const char *const env[] = {"A=1", "B=\xc3\xa9", NULL};
    const struct executor_spec spec = {.argv = argv,
                                       .env = env,
                                       .cwd = "/var/task",
                                       .user = "1000:1000",
                                       .label = "arn:f",
                                       .memory_mb = 128,
                                       .tmp_mb = 512};
    struct docker_reach reach = {.network = "net", .host = "host.docker.internal"};
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct virga_json_writer writer = {.ptr = NULL};
        reach.extra_host = extra != 0;
        docker_body_container(&spec, "image", "id", &reach, &writer);
        assert_false(writer.failed);
        char *text = strndup(writer.ptr, writer.len);
        struct json_object *json = json_tokener_parse(text);
        free(text);
        virga_json_finish(&writer);
        assert_string_equal(text_at(json, "/Image"), "image");
        assert_string_equal(text_at(json, "/Entrypoint/0"), "/app");
        assert_string_equal(text_at(json, "/Entrypoint/1"), "handler \"x\"");
        assert_string_equal(text_at(json, "/Cmd"), "[ ]");
        assert_string_equal(text_at(json, "/Env/1"), "B=\xc3\xa9");
        assert_string_equal(text_at(json, "/WorkingDir"), "/var/task");
        assert_string_equal(text_at(json, "/User"), "1000:1000");
        assert_string_equal(text_at(json, "/Labels/virga.lambda.host"), "id");
        assert_string_equal(text_at(json, "/Labels/virga.lambda.function"), "arn:f");
        assert_string_equal(text_at(json, "/Healthcheck/Test/0"), "NONE");
        assert_string_equal(text_at(json, "/HostConfig/Memory"), "134217728");
        assert_string_equal(text_at(json, "/HostConfig/MemorySwap"), "134217728");
        assert_string_equal(text_at(json, "/HostConfig/ReadonlyRootfs"), "true");
        assert_string_equal(text_at(json, "/HostConfig/Tmpfs/~1tmp"),
                            "rw,exec,nosuid,nodev,size=512m,mode=1777");
        assert_string_equal(text_at(json, "/HostConfig/CapDrop/0"), "ALL");
        assert_string_equal(text_at(json, "/HostConfig/SecurityOpt/0"), "no-new-privileges");
        assert_string_equal(text_at(json, "/HostConfig/PidsLimit"), "1024");
        assert_string_equal(text_at(json, "/HostConfig/LogConfig/Type"), "none");
        assert_string_equal(text_at(json, "/HostConfig/NetworkMode"), "net");
        if (reach.extra_host) {
            assert_string_equal(text_at(json, "/HostConfig/ExtraHosts/0"),
                                "host.docker.internal:host-gateway");
        } else {
            assert_null(text_at(json, "/HostConfig/ExtraHosts"));
        }
        json_object_put(json);
    }
}

static void credentials_are_base64_of_urls(void **state) {
    const struct executor_image image = {
        .registry = "127.0.0.1:5100", .user = "AWS", .password = "\xc3\xbf?>~~~"};
    char plain[512];
    size_t len = 0;
    (void)state;
    char *auth = docker_body_auth(&image);
    assert_non_null(auth);
    assert_null(strpbrk(auth, "+/"));
    for (char *at = auth; *at != '\0'; at++) {
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    }
    assert_int_equal(virga_base64_decode(virga_str_from(auth), plain, &len), 0);
    plain[len] = '\0';
    assert_string_equal(plain, "{\"username\":\"AWS\",\"password\":\"\xc3\xbf?>~~~\","
                               "\"serveraddress\":\"127.0.0.1:5100\"}");
    free(auth);
}

/* --- files --- */

static void write_file(const char *folder, const char *name, const char *text) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_tree(const char *path) {
    char command[600];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static void memory_groups_are_found_in_both_versions(void **state) {
    char root[] = "/tmp/virga-cgroup-XXXXXX", path[DOCKER_CGROUP_MAX], folder[300];
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_false(docker_cgroup_find(root, "abc", path));
    (void)snprintf(folder, sizeof folder, "%s/system.slice", root);
    assert_int_equal(mkdir(folder, 0777), 0);
    (void)snprintf(folder, sizeof folder, "%s/system.slice/docker-abc.scope", root);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_true(docker_cgroup_find(root, "abc", path));
    assert_string_equal(path, folder);
    assert_int_equal(docker_cgroup_peak(path), -1);
    assert_false(docker_cgroup_killed(path));
    write_file(path, "memory.max_usage_in_bytes", "1000\n");
    assert_int_equal(docker_cgroup_peak(path), 1000);
    write_file(path, "memory.peak", "2000\n");
    assert_int_equal(docker_cgroup_peak(path), 2000);
    write_file(path, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
    assert_false(docker_cgroup_killed(path));
    write_file(path, "memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 0\n");
    assert_true(docker_cgroup_killed(path));
    remove_tree(root);
}

static void the_id_stays_and_belongs_to_one_virga_at_a_time(void **state) {
    char root[] = "/tmp/virga-place-XXXXXX", path[128];
    struct docker_host_id first, second, third;
    (void)state;
    assert_non_null(mkdtemp(root));
    (void)snprintf(path, sizeof path, "%s/a/b", root);
    docker_host_id_open(path, &first);
    assert_true(first.own);
    assert_int_equal(strlen(first.text), DOCKER_HOST_ID_LEN);
    docker_host_id_open(path, &second);
    assert_false(second.own);
    assert_string_not_equal(first.text, second.text);
    docker_host_id_close(&second);
    docker_host_id_close(&first);
    docker_host_id_open(path, &third);
    assert_true(third.own);
    assert_string_equal(first.text, third.text);
    docker_host_id_close(&third);
    (void)snprintf(path, sizeof path, "%s/a/b/docker-host-id/no", root);
    docker_host_id_open(path, &first);
    assert_false(first.own);
    assert_int_equal(strlen(first.text), DOCKER_HOST_ID_LEN);
    remove_tree(root);
}

static void addresses_of_this_machine_are_known(void **state) {
    char ip[DOCKER_IP_MAX];
    (void)state;
    assert_true(docker_place_has("127.0.0.1"));
    assert_false(docker_place_has("203.0.113.77"));
    assert_false(docker_place_has(""));
    docker_place_own_ip("http://127.0.0.1:2375", ip);
    assert_string_equal(ip, "127.0.0.1");
    assert_true(docker_place_is_loopback("http://[::1]:2375"));
    assert_true(docker_place_is_loopback("http://localhost:2375"));
    assert_false(docker_place_is_loopback("http://10.0.0.2:2375"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_of_this_machine_is_listened_on),
        cmocka_unit_test(a_gateway_elsewhere_is_refused_unless_podman_makes_it_later),
        cmocka_unit_test(a_virtual_machine_is_reached_by_its_own_name),
        cmocka_unit_test(engines_with_networks_of_their_own_reach_this_machines_address),
        cmocka_unit_test(virga_in_a_container_is_reached_in_its_network),
        cmocka_unit_test(the_hosts_network_needs_loopback_only),
        cmocka_unit_test(the_aws_port_is_relayed_unless_it_is_reached_already),
        cmocka_unit_test(peers_of_the_subnet_and_of_this_machine_are_admitted),
        cmocka_unit_test(facts_are_read_from_what_engines_say),
        cmocka_unit_test(failures_of_pulls_are_told_apart),
        cmocka_unit_test(failures_of_starts_are_told_apart),
        cmocka_unit_test(last_words_of_a_runtime_are_known_from_a_functions),
        cmocka_unit_test(a_container_is_described_as_lambda_runs_it),
        cmocka_unit_test(credentials_are_base64_of_urls),
        cmocka_unit_test(memory_groups_are_found_in_both_versions),
        cmocka_unit_test(the_id_stays_and_belongs_to_one_virga_at_a_time),
        cmocka_unit_test(addresses_of_this_machine_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
