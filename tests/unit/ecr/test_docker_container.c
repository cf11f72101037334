/* SPDX-License-Identifier: MIT */
/* The registry's container as the engine's API has it, and virga's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "docker_container.h"
#include <virga/helpers/engine_self.h>

static struct docker_container_spec spec(void) {
    return (struct docker_container_spec){.image = "registry:2",
                                          .data_path = "/data/ecr",
                                          .source = "/data/ecr/registry",
                                          .network = "",
                                          .publish = true,
                                          .secret = "s3cret"};
}

static void write_spec(const struct docker_container_spec *from, struct json_object **ret_json,
                       char digest[ECR_DIGEST_LEN + 1]) {
    struct strbuf text = {0};
    assert_int_equal(docker_container_write(from, &text, digest), 0);
    *ret_json = json_tokener_parse(strbuf_str(&text).ptr);
    assert_non_null(*ret_json);
    strbuf_finish(&text);
}

static const char *text_at(struct json_object *json, const char *pointer) {
    struct json_object *value = NULL;
    return json_pointer_get(json, pointer, &value) == 0 ? json_object_get_string(value) : NULL;
}

static void the_port_is_published_on_loopback_only(void **state) {
    (void)state;
    struct json_object *json = NULL;
    char digest[ECR_DIGEST_LEN + 1];
    struct docker_container_spec from = spec();
    write_spec(&from, &json, digest);
    assert_string_equal(text_at(json, "/HostConfig/PortBindings/5000~1tcp/0/HostIp"), "127.0.0.1");
    assert_string_equal(text_at(json, "/HostConfig/Binds/0"),
                        "/data/ecr/registry:/var/lib/registry");
    assert_string_equal(text_at(json, "/Labels/io.virga.ecr.config"), digest);
    assert_null(text_at(json, "/HostConfig/NetworkMode"));
    json_object_put(json);
    from.publish = false;
    from.network = "net";
    write_spec(&from, &json, digest);
    assert_null(text_at(json, "/HostConfig/PortBindings"));
    assert_string_equal(text_at(json, "/HostConfig/NetworkMode"), "net");
    json_object_put(json);
}

static void the_digest_changes_with_each_setting(void **state) {
    (void)state;
    struct docker_container_spec all[6];
    char digests[6][ECR_DIGEST_LEN + 1];
    for (size_t i = 0; i < 6; i++) {
        all[i] = spec();
    }
    all[1].image = "registry:3";
    all[2].source = "volume";
    all[3].network = "net";
    all[4].publish = false;
    all[5].secret = "other";
    for (size_t i = 0; i < 6; i++) {
        struct json_object *json = NULL;
        write_spec(&all[i], &json, digests[i]);
        json_object_put(json);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(digests[i], digests[j]);
        }
    }
}

#define INSPECTION                                                                                 \
    "{\"Id\":\"abc\",\"Args\":[\"serve\",\"/etc/distribution/config.yml\"],"                       \
    "\"State\":{\"Running\":true,\"Error\":\"\"},\"Config\":{\"Labels\":{"                         \
    "\"io.virga.ecr.data-path\":\"/data/ecr\",\"io.virga.ecr.config\":\"sha256:1\"}},"             \
    "\"NetworkSettings\":{\"Ports\":{\"5000/tcp\":[{\"HostIp\":\"%s\",\"HostPort\":\"32768\"}]},"  \
    "\"Networks\":{\"bridge\":{\"IPAddress\":\"172.17.0.2\"},\"net\":{\"IPAddress\":\"10.1.0.2\"}" \
    "}}}"

static void an_inspection_tells_address_and_owner(void **state) {
    (void)state;
    char text[1024];
    struct docker_container container;
    (void)snprintf(text, sizeof text, INSPECTION, "0.0.0.0");
    struct json_object *json = json_tokener_parse(text);
    assert_int_equal(docker_container_read(json, "net", &container), 0);
    assert_true(container.running);
    assert_true(container.ours);
    assert_string_equal(container.data_path, "/data/ecr");
    assert_string_equal(container.host_ip, "127.0.0.1");
    assert_int_equal(container.host_port, 32768);
    assert_string_equal(container.ip, "10.1.0.2");
    assert_string_equal(container.registry_config, "/etc/distribution/config.yml");
    assert_int_equal(docker_container_read(json, "", &container), 0);
    assert_string_equal(container.ip, "172.17.0.2");
    json_object_put(json);
    json = json_tokener_parse("{\"message\":\"no\"}");
    assert_int_equal(docker_container_read(json, "", &container), -EBADMSG);
    assert_int_equal(docker_container_read(NULL, "", &container), -EBADMSG);
    json_object_put(json);
}

static void refused_mounts_are_known_by_the_engines_words(void **state) {
    (void)state;
    assert_true(docker_container_mount_refused("Mounts denied: \nThe path /x is not shared"));
    assert_true(docker_container_mount_refused(
        "invalid mount config for type \"bind\": bind source path does not exist: /x"));
    assert_false(docker_container_mount_refused("port is already allocated"));
}

static void virga_in_a_container_knows_its_mounts_and_network(void **state) {
    (void)state;
    struct virga_engine_self self;
    struct json_object *json = json_tokener_parse(
        "{\"Id\":\"me\",\"Image\":\"sha256:i\",\"Mounts\":["
        "{\"Type\":\"bind\",\"Source\":\"/srv/floci\",\"Destination\":\"/data\"},"
        "{\"Type\":\"volume\",\"Name\":\"deep\",\"Source\":\"/x\",\"Destination\":\"/data/deep\"},"
        "{\"Type\":\"tmpfs\",\"Destination\":\"/data/ecr\"}],"
        "\"NetworkSettings\":{\"Ports\":{\"5100/tcp\":[{\"HostPort\":\"5100\"}],\"5101/tcp\":null,"
        "\"5102/tcp\":[{\"HostPort\":\"6000\"}]},\"Networks\":{"
        "\"none\":{\"IPAddress\":\"\"},\"a\":{\"IPAddress\":\"10.0.0.2\"},"
        "\"b\":{\"IPAddress\":\"10.1.0.2\"}}}}");
    assert_int_equal(virga_engine_self_read(json, "/data/ecr", "b", &self), 0);
    assert_string_equal(self.source, "/srv/floci");
    assert_string_equal(self.rest, "/ecr");
    assert_false(self.volume);
    assert_string_equal(self.network, "b");
    assert_string_equal(self.ip, "10.1.0.2");
    assert_int_equal(virga_engine_self_read(json, "/data/deep/x", "", &self), 0);
    assert_string_equal(self.source, "deep");
    assert_true(self.volume);
    assert_string_equal(self.network, "a");
    assert_int_equal(virga_engine_self_read(json, "/database", "", &self), 0);
    assert_string_equal(self.source, "");
    assert_true(virga_engine_self_publishes(json, 5100));
    assert_false(virga_engine_self_publishes(json, 5101));
    assert_false(virga_engine_self_publishes(json, 5102));
    assert_false(virga_engine_self_publishes(json, 5103));
    json_object_put(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_port_is_published_on_loopback_only),
        cmocka_unit_test(the_digest_changes_with_each_setting),
        cmocka_unit_test(an_inspection_tells_address_and_owner),
        cmocka_unit_test(refused_mounts_are_known_by_the_engines_words),
        cmocka_unit_test(virga_in_a_container_knows_its_mounts_and_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
