/* SPDX-License-Identifier: MIT */
/* Bodies of the engine's API. Source: Docker Engine API 1.41, ContainerCreate and ContainerInspect;
 * docs.docker.com/config/containers/logging/json-file. */
#include "docker_container.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define LOG_SIZE "10m"
#define LOG_FILES "2"

static void add_pair(struct strbuf *buf, const char *key, const char *value) {
    strbuf_add_json(buf, virga_str_from(key));
    strbuf_add_text(buf, ":");
    strbuf_add_json(buf, virga_str_from(value));
}

/* All but the labels. With a cache, a blob that gc swept would be answered for from memory. */
static void add_body(const struct docker_container_spec *spec, struct strbuf *body) {
    strbuf_add_text(body, "\"Image\":");
    strbuf_add_json(body, virga_str_from(spec->image));
    strbuf_add_text(body, ",\"Env\":[\"REGISTRY_STORAGE_DELETE_ENABLED=true\","
                          "\"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=none\","
                          "\"REGISTRY_HTTP_RELATIVEURLS=true\","
                          "\"REGISTRY_HTTP_ADDR=0.0.0.0:5000\","
                          "\"REGISTRY_LOG_LEVEL=warn\","
                          "\"REGISTRY_LOG_ACCESSLOG_DISABLED=true\","
                          "\"OTEL_TRACES_EXPORTER=none\",");
    struct strbuf secret = {0};
    strbuf_addf(&secret, "REGISTRY_HTTP_SECRET=%s", spec->secret);
    strbuf_add_json(body, strbuf_str(&secret));
    body->failed = body->failed || secret.failed;
    strbuf_finish(&secret);
    strbuf_add_text(body, "],\"ExposedPorts\":{\"5000/tcp\":{}},\"HostConfig\":{");
    if (spec->publish) {
        strbuf_add_text(body, "\"PortBindings\":{\"5000/tcp\":[{\"HostIp\":\"127.0.0.1\","
                              "\"HostPort\":\"\"}]},");
    }
    if (spec->network[0] != '\0') {
        add_pair(body, "NetworkMode", spec->network);
        strbuf_add_text(body, ",");
    }
    struct strbuf bind = {0};
    strbuf_addf(&bind, "%s:" DOCKER_REGISTRY_ROOT, spec->source);
    strbuf_add_text(body, "\"Binds\":[");
    strbuf_add_json(body, strbuf_str(&bind));
    body->failed = body->failed || bind.failed;
    strbuf_finish(&bind);
    strbuf_add_text(body, "],\"RestartPolicy\":{\"Name\":\"unless-stopped\"},"
                          "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{"
                          "\"max-size\":\"" LOG_SIZE "\",\"max-file\":\"" LOG_FILES "\"}}}");
}

int docker_container_write(const struct docker_container_spec *spec, struct strbuf *ret_json,
                           char ret_digest[ECR_DIGEST_LEN + 1]) {
    struct strbuf body = {0};
    add_body(spec, &body);
    int result = body.failed ? -ENOMEM : reference_digest(strbuf_str(&body), ret_digest);
    if (result == 0) {
        strbuf_add_text(ret_json, "{");
        strbuf_add_str(ret_json, strbuf_str(&body));
        strbuf_add_text(ret_json, ",\"Labels\":{");
        add_pair(ret_json, DOCKER_LABEL_DATA, spec->data_path);
        strbuf_add_text(ret_json, ",");
        add_pair(ret_json, DOCKER_LABEL_CONFIG, ret_digest);
        strbuf_add_text(ret_json, "}}");
        result = ret_json->failed ? -ENOMEM : 0;
    }
    strbuf_finish(&body);
    return result;
}

/* --- inspection --- */

static struct json_object *member(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) &&
                   json_object_object_get_ex(object, key, &value)
               ? value
               : NULL;
}

static void copy(struct json_object *text, char *buffer, size_t size) {
    if (json_object_is_type(text, json_type_string)) {
        (void)snprintf(buffer, size, "%s", json_object_get_string(text));
    }
}

static void read_port(struct json_object *settings, struct docker_container *container) {
    struct json_object *bindings = member(member(settings, "Ports"), "5000/tcp");
    if (!json_object_is_type(bindings, json_type_array) ||
        json_object_array_length(bindings) == 0) {
        return;
    }
    struct json_object *binding = json_object_array_get_idx(bindings, 0);
    char port[16] = "";
    copy(member(binding, "HostPort"), port, sizeof port);
    long number = strtol(port, NULL, 10);
    if (number < 1 || number > UINT16_MAX) {
        return;
    }
    container->host_port = (uint16_t)number;
    copy(member(binding, "HostIp"), container->host_ip, sizeof container->host_ip);
    if (container->host_ip[0] == '\0' || strcmp(container->host_ip, "0.0.0.0") == 0) {
        (void)snprintf(container->host_ip, sizeof container->host_ip, "127.0.0.1");
    }
}

static void read_ip(struct json_object *settings, const char *network,
                    struct docker_container *container) {
    struct json_object *networks = member(settings, "Networks");
    copy(member(member(networks, network), "IPAddress"), container->ip, sizeof container->ip);
    if (network[0] == '\0' && json_object_is_type(networks, json_type_object)) {
        json_object_object_foreach(networks, name, value) {
            (void)name;
            if (container->ip[0] == '\0') {
                copy(member(value, "IPAddress"), container->ip, sizeof container->ip);
            }
        }
    }
}

/* "/etc/docker/registry/config.yml": the registry's command ends with it. */
static void read_registry_config(struct json_object *json, struct docker_container *container) {
    struct json_object *args = member(json, "Args");
    size_t count = json_object_is_type(args, json_type_array) ? json_object_array_length(args) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *arg = json_object_get_string(json_object_array_get_idx(args, i));
        size_t len = arg != NULL ? strlen(arg) : 0;
        if ((len > 4 && strcmp(arg + len - 4, ".yml") == 0) ||
            (len > 5 && strcmp(arg + len - 5, ".yaml") == 0)) {
            (void)snprintf(container->registry_config, sizeof container->registry_config, "%s",
                           arg);
        }
    }
}

int docker_container_read(struct json_object *json, const char *network,
                          struct docker_container *ret_container) {
    struct docker_container container = {.registry_config = "/etc/docker/registry/config.yml"};
    struct json_object *state = member(json, "State");
    struct json_object *labels = member(member(json, "Config"), "Labels");
    struct json_object *settings = member(json, "NetworkSettings");
    copy(member(json, "Id"), container.id, sizeof container.id);
    if (container.id[0] == '\0' || state == NULL) {
        return -EBADMSG;
    }
    container.running = json_object_get_boolean(member(state, "Running"));
    copy(member(state, "Error"), container.exit_reason, sizeof container.exit_reason);
    container.ours = member(labels, DOCKER_LABEL_DATA) != NULL;
    copy(member(labels, DOCKER_LABEL_DATA), container.data_path, sizeof container.data_path);
    copy(member(labels, DOCKER_LABEL_CONFIG), container.config, sizeof container.config);
    read_registry_config(json, &container);
    read_port(settings, &container);
    read_ip(settings, network, &container);
    *ret_container = container;
    return 0;
}

bool docker_container_mount_refused(const char *message) {
    /* Docker Desktop; dockerd for a path that it does not see; SELinux and rootless refusals. */
    static const char *const words[] = {"mounts denied",
                                        "is not shared from",
                                        "bind source path does not exist",
                                        "invalid mount config",
                                        "error while creating mount source path",
                                        "statfs "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasestr(message, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}
