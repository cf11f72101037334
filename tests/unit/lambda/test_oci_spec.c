/* SPDX-License-Identifier: MIT */
#include "oci_spec.h"

#include <json-c/json.h>

#include "oci_fixture.h"

static const char *const argv[] = {"/app", "a \"b\"", NULL};
static const char *const env[] = {"A=1", "B=\n", NULL};
static const struct oci_user user = {.uid = 1000, .gid = 1001, .groups = {7, 8}, .groups_count = 2};

static struct oci_spec basic(void) {
    return (struct oci_spec){
        .rootfs = "/data/rootfs",
        .argv = argv,
        .env = env,
        .cwd = "/var/task",
        .user = &user,
        .tmp_mb = 512,
        .nofile_max = 20000,
        .hostname = "lambda",
        .has_resolv_conf = true,
        .has_hosts = true,
    };
}

static struct json_object *write_spec(const struct oci_spec *spec) {
    struct virga_json_writer json = {0};
    oci_spec_write(spec, &json);
    assert_false(json.failed);
    char *text = strndup(json.ptr, json.len);
    struct json_object *object = json_tokener_parse(text);
    free(text);
    virga_json_finish(&json);
    assert_non_null(object);
    return object;
}

static struct json_object *at(struct json_object *object, const char *pointer) {
    struct json_object *found = NULL;
    return json_pointer_get(object, pointer, &found) == 0 ? found : NULL;
}

static const char *text_at(struct json_object *object, const char *pointer) {
    struct json_object *found = at(object, pointer);
    return found != NULL ? json_object_get_string(found) : "<none>";
}

static struct json_object *mount_at(struct json_object *spec, const char *destination) {
    struct json_object *mounts = at(spec, "/mounts");
    for (size_t i = 0; i < json_object_array_length(mounts); i++) {
        struct json_object *mount = json_object_array_get_idx(mounts, i);
        if (strcmp(text_at(mount, "/destination"), destination) == 0) {
            return mount;
        }
    }
    return NULL;
}

static void the_process_is_as_asked(void **state) {
    (void)state;
    const struct oci_spec spec = basic();
    struct json_object *json = write_spec(&spec);
    assert_string_equal(text_at(json, "/process/args/1"), "a \"b\"");
    assert_string_equal(text_at(json, "/process/env/1"), "B=\n");
    assert_int_equal(json_object_array_length(at(json, "/process/env")), 2);
    assert_string_equal(text_at(json, "/process/cwd"), "/var/task");
    assert_string_equal(text_at(json, "/process/user/uid"), "1000");
    assert_string_equal(text_at(json, "/process/user/gid"), "1001");
    assert_string_equal(text_at(json, "/process/user/additionalGids/1"), "8");
    json_object_put(json);
}

static void it_may_do_nothing_special(void **state) {
    (void)state;
    const struct oci_spec spec = basic();
    struct json_object *json = write_spec(&spec);
    assert_string_equal(text_at(json, "/process/noNewPrivileges"), "true");
    assert_string_equal(text_at(json, "/root/readonly"), "true");
    static const char *const sets[] = {"bounding", "effective", "inheritable", "permitted",
                                       "ambient"};
    for (size_t i = 0; i < 5; i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof pointer, "/process/capabilities/%s", sets[i]);
        assert_non_null(at(json, pointer));
        assert_int_equal(json_object_array_length(at(json, pointer)), 0);
    }
    assert_non_null(strstr(text_at(json, "/linux/maskedPaths"), "kcore"));
    assert_non_null(strstr(text_at(json, "/linux/readonlyPaths"), "sysrq-trigger"));
    assert_null(at(json, "/linux/cgroupsPath"));
    json_object_put(json);
}

static void the_network_is_the_host_s(void **state) {
    (void)state;
    const struct oci_spec spec = basic();
    struct json_object *json = write_spec(&spec);
    const char *namespaces = text_at(json, "/linux/namespaces");
    assert_non_null(strstr(namespaces, "mount"));
    assert_non_null(strstr(namespaces, "ipc"));
    assert_non_null(strstr(namespaces, "uts"));
    assert_null(strstr(namespaces, "network"));
    json_object_put(json);
}

static void tmp_has_its_size(void **state) {
    (void)state;
    struct oci_spec spec = basic();
    spec.tmp_mb = 10240;
    struct json_object *json = write_spec(&spec);
    struct json_object *tmp = mount_at(json, "/tmp");
    assert_non_null(tmp);
    assert_string_equal(text_at(tmp, "/type"), "tmpfs");
    assert_non_null(strstr(text_at(tmp, "/options"), "size=10240m"));
    assert_non_null(strstr(text_at(tmp, "/options"), "mode=1777"));
    json_object_put(json);
}

static void limits_are_never_raised(void **state) {
    (void)state;
    struct oci_spec spec = basic();
    struct json_object *json = write_spec(&spec);
    assert_string_equal(text_at(json, "/process/rlimits/0/hard"), "1024");
    json_object_put(json);
    spec.nofile_max = 256;
    json = write_spec(&spec);
    assert_string_equal(text_at(json, "/process/rlimits/0/hard"), "256");
    assert_string_equal(text_at(json, "/process/rlimits/0/soft"), "256");
    json_object_put(json);
}

static void files_of_the_host_are_bound_if_there(void **state) {
    (void)state;
    struct oci_spec spec = basic();
    struct json_object *json = write_spec(&spec);
    assert_non_null(strstr(text_at(mount_at(json, "/etc/hosts"), "/options"), "\"ro\""));
    assert_non_null(mount_at(json, "/etc/resolv.conf"));
    json_object_put(json);
    spec.has_hosts = spec.has_resolv_conf = false;
    json = write_spec(&spec);
    assert_null(mount_at(json, "/etc/hosts"));
    assert_null(mount_at(json, "/etc/resolv.conf"));
    json_object_put(json);
}

static void without_root_there_is_one_user(void **state) {
    (void)state;
    struct oci_spec spec = basic();
    spec.rootless = true;
    struct json_object *json = write_spec(&spec);
    assert_string_equal(text_at(json, "/process/user/uid"), "0");
    assert_null(at(json, "/process/user/additionalGids"));
    assert_string_equal(text_at(mount_at(json, "/sys"), "/source"), "/sys");
    json_object_put(json);
}

static void a_runtime_that_makes_cgroups_gets_a_name(void **state) {
    (void)state;
    struct oci_spec spec = basic();
    spec.cgroup = "virga-lambda-1";
    struct json_object *json = write_spec(&spec);
    assert_string_equal(text_at(json, "/linux/cgroupsPath"), "virga-lambda-1");
    json_object_put(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_process_is_as_asked),
        cmocka_unit_test(it_may_do_nothing_special),
        cmocka_unit_test(the_network_is_the_host_s),
        cmocka_unit_test(tmp_has_its_size),
        cmocka_unit_test(limits_are_never_raised),
        cmocka_unit_test(files_of_the_host_are_bound_if_there),
        cmocka_unit_test(without_root_there_is_one_user),
        cmocka_unit_test(a_runtime_that_makes_cgroups_gets_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
