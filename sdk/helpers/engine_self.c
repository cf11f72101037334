/* SPDX-License-Identifier: MIT */
/* Finding out what container this is. */
#include <virga/helpers/engine_self.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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

bool virga_engine_self_maybe(char *ret_name, size_t size) {
    /* Docker and Podman leave these; the host name is the container's id unless somebody set it. */
    if (access("/.dockerenv", F_OK) != 0 && access("/run/.containerenv", F_OK) != 0) {
        return false;
    }
    return gethostname(ret_name, size) == 0 && ret_name[0] != '\0';
}

static void read_network(struct json_object *json, const char *wanted,
                         struct virga_engine_self *self) {
    struct json_object *networks = member(member(json, "NetworkSettings"), "Networks");
    if (!json_object_is_type(networks, json_type_object)) {
        return;
    }
    json_object_object_foreach(networks, name, value) {
        char ip[sizeof self->ip] = "";
        copy(member(value, "IPAddress"), ip, sizeof ip);
        bool better = self->network[0] == '\0' || strcmp(name, wanted) == 0;
        if (ip[0] != '\0' && better) {
            (void)snprintf(self->network, sizeof self->network, "%s", name);
            memcpy(self->ip, ip, sizeof ip);
        }
    }
}

/* The mount with the longest place that holds the path. */
static void read_mount(struct json_object *json, const char *path, struct virga_engine_self *self) {
    struct json_object *mounts = member(json, "Mounts");
    size_t count =
        json_object_is_type(mounts, json_type_array) ? json_object_array_length(mounts) : 0;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *mount = json_object_array_get_idx(mounts, i);
        char place[1024] = "", type[16] = "";
        copy(member(mount, "Destination"), place, sizeof place);
        copy(member(mount, "Type"), type, sizeof type);
        size_t len = strlen(place);
        bool volume = strcmp(type, "volume") == 0;
        if (len <= longest || strncmp(path, place, len) != 0 ||
            (path[len] != '/' && path[len] != '\0') || (!volume && strcmp(type, "bind") != 0)) {
            continue;
        }
        longest = len;
        self->volume = volume;
        copy(member(mount, volume ? "Name" : "Source"), self->source, sizeof self->source);
        (void)snprintf(self->rest, sizeof self->rest, "%s", path + len);
    }
}

int virga_engine_self_read(struct json_object *json, const char *path, const char *network,
                           struct virga_engine_self *ret_self) {
    struct virga_engine_self self = {.inside = true};
    copy(member(json, "Id"), self.id, sizeof self.id);
    copy(member(json, "Image"), self.image, sizeof self.image);
    if (self.id[0] == '\0') {
        return -EBADMSG;
    }
    read_network(json, network, &self);
    read_mount(json, path, &self);
    *ret_self = self;
    return 0;
}

bool virga_engine_self_publishes(struct json_object *json, uint16_t port) {
    char key[16], host_port[16] = "";
    (void)snprintf(key, sizeof key, "%u/tcp", port);
    struct json_object *bindings = member(member(member(json, "NetworkSettings"), "Ports"), key);
    if (!json_object_is_type(bindings, json_type_array) ||
        json_object_array_length(bindings) == 0) {
        return false;
    }
    copy(member(json_object_array_get_idx(bindings, 0), "HostPort"), host_port, sizeof host_port);
    return strtol(host_port, NULL, 10) == port;
}
