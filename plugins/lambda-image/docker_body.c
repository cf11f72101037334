/* SPDX-License-Identifier: MIT */
/* Source: Docker Engine API, "Create a container" and "Authentication". */
#include "docker_body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <virga/helpers/base64.h>

static void put_list(struct virga_json_writer *writer, const char *key, const char *const *list) {
    virga_json_begin_array(writer, key);
    for (size_t i = 0; list[i] != NULL; i++) {
        virga_json_string(writer, NULL, list[i]);
    }
    virga_json_end_array(writer);
}

static void put_host_config(const struct executor_spec *spec, const struct docker_reach *reach,
                            struct virga_json_writer *writer) {
    static const char *const all[] = {"ALL", NULL};
    static const char *const no_new[] = {"no-new-privileges", NULL};
    int64_t bytes = spec->memory_mb << 20;
    char text[128];
    virga_json_begin_object(writer, "HostConfig");
    virga_json_int(writer, "Memory", bytes);
    virga_json_int(writer, "MemorySwap", bytes);
    virga_json_bool(writer, "ReadonlyRootfs", 1);
    virga_json_begin_object(writer, "Tmpfs");
    /* Docker mounts it noexec unless told otherwise; Lambda's /tmp is not. */
    (void)snprintf(text, sizeof text, "rw,exec,nosuid,nodev,size=%" PRId64 "m,mode=1777",
                   spec->tmp_mb);
    virga_json_string(writer, "/tmp", text);
    virga_json_end_object(writer);
    put_list(writer, "CapDrop", all);
    put_list(writer, "SecurityOpt", no_new);
    virga_json_int(writer, "PidsLimit", DOCKER_PIDS_MAX);
    virga_json_begin_object(writer, "LogConfig");
    virga_json_string(writer, "Type", "none"); /* virga reads the output as it comes */
    virga_json_end_object(writer);
    virga_json_bool(writer, "AutoRemove", 0);
    if (reach->extra_host) {
        const char *hosts[] = {text, NULL};
        (void)snprintf(text, sizeof text, "%s:host-gateway", reach->host);
        put_list(writer, "ExtraHosts", hosts);
    }
    virga_json_string(writer, "NetworkMode", reach->network[0] != '\0' ? reach->network : NULL);
    virga_json_end_object(writer);
}

void docker_body_container(const struct executor_spec *spec, const char *image, const char *host_id,
                           const struct docker_reach *reach, struct virga_json_writer *writer) {
    static const char *const nothing[] = {NULL};
    static const char *const no_check[] = {"NONE", NULL};
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "Image", image);
    put_list(writer, "Entrypoint", spec->argv);
    put_list(writer, "Cmd", nothing);
    put_list(writer, "Env", spec->env);
    virga_json_string(writer, "WorkingDir", spec->cwd);
    virga_json_string(writer, "User", spec->user);
    virga_json_bool(writer, "AttachStdout", 1);
    virga_json_bool(writer, "AttachStderr", 1);
    virga_json_begin_object(writer,
                            "Healthcheck"); /* an image's own would run beside the function */
    put_list(writer, "Test", no_check);
    virga_json_end_object(writer);
    virga_json_begin_object(writer, "Labels");
    virga_json_string(writer, DOCKER_LABEL_HOST, host_id);
    virga_json_string(writer, DOCKER_LABEL_FUNCTION, spec->label);
    virga_json_end_object(writer);
    put_host_config(spec, reach, writer);
    virga_json_end_object(writer);
}

char *docker_body_auth(const struct executor_image *image) {
    struct virga_json_writer writer = {.ptr = NULL};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "username", image->user);
    virga_json_string(&writer, "password", image->password);
    virga_json_string(&writer, "serveraddress", image->registry);
    virga_json_end_object(&writer);
    char *auth = writer.failed ? NULL : malloc(VIRGA_BASE64_SIZE(writer.len));
    if (auth != NULL) {
        (void)virga_base64_encode((struct virga_str){writer.ptr, writer.len}, auth);
        for (char *at = auth; *at != '\0'; at++) { /* the alphabet of URLs */
            *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
        }
    }
    virga_json_finish(&writer);
    return auth;
}
