/* SPDX-License-Identifier: MIT */
/* Progress of an image on its way to the engine. Source: Docker Engine API, "Create an image". */
#include <virga/helpers/engine_pull.h>

#include <json-c/json.h>

static struct json_object *member(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) &&
                   json_object_object_get_ex(object, key, &value)
               ? value
               : NULL;
}

static struct virga_engine_pull_layer *find_layer(struct virga_engine_pull *pull, const char *id) {
    for (size_t i = 0; i < pull->layers_count; i++) {
        if (strcmp(pull->layers[i].id, id) == 0) {
            return &pull->layers[i];
        }
    }
    if (pull->layers_count == VIRGA_ENGINE_PULL_LAYERS_MAX ||
        strlen(id) >= sizeof pull->layers[0].id) {
        return NULL;
    }
    struct virga_engine_pull_layer *layer = &pull->layers[pull->layers_count++];
    (void)snprintf(layer->id, sizeof layer->id, "%s", id);
    return layer;
}

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void take_object(struct virga_engine_pull *pull, struct json_object *object) {
    struct json_object *error = member(object, "error");
    if (error != NULL && pull->error[0] == '\0') {
        (void)snprintf(pull->error, sizeof pull->error, "%s", json_object_get_string(error));
        return;
    }
    struct json_object *id = member(object, "id");
    struct json_object *status = member(object, "status");
    if (id == NULL || status == NULL) {
        return;
    }
    const char *words = json_object_get_string(status);
    /* "Pulling from library/registry" has the tag as its id. */
    if (begins(words, "Pulling from")) {
        return;
    }
    struct virga_engine_pull_layer *layer = find_layer(pull, json_object_get_string(id));
    if (layer == NULL) {
        return;
    }
    struct json_object *detail = member(object, "progressDetail");
    if (begins(words, "Downloading") && member(detail, "total") != NULL) {
        layer->current = json_object_get_int64(member(detail, "current"));
        layer->total = json_object_get_int64(member(detail, "total"));
    } else if (begins(words, "Download complete") || begins(words, "Pull complete") ||
               begins(words, "Already exists")) {
        layer->current = layer->total;
        layer->complete = layer->complete || !begins(words, "Download complete");
    }
}

static void take_line(struct virga_engine_pull *pull) {
    pull->line[pull->line_len] = '\0';
    if (!pull->skipping && pull->line_len > 0) {
        struct json_object *object = json_tokener_parse(pull->line);
        take_object(pull, object);
        json_object_put(object);
    }
    pull->line_len = 0;
    pull->skipping = false;
}

void virga_engine_pull_take(struct virga_engine_pull *pull, struct virga_str bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n') {
            take_line(pull);
        } else if (pull->line_len + 1 < sizeof pull->line) {
            pull->line[pull->line_len++] = bytes.ptr[i];
        } else {
            pull->skipping = true;
        }
    }
}

void virga_engine_pull_end(struct virga_engine_pull *pull) {
    take_line(pull);
}

void virga_engine_pull_describe(const struct virga_engine_pull *pull, char *buffer, size_t size) {
    int64_t current = 0, total = 0;
    size_t complete = 0;
    for (size_t i = 0; i < pull->layers_count; i++) {
        current += pull->layers[i].current;
        total += pull->layers[i].total;
        complete += pull->layers[i].complete;
    }
    int len = snprintf(buffer, size, "%zu of %zu layers", complete, pull->layers_count);
    if (total > 0 && len > 0 && (size_t)len < size) {
        (void)snprintf(buffer + len, size - (size_t)len, ", %.1f of %.1f MB (%d%%)",
                       (double)current / 1e6, (double)total / 1e6, (int)(current * 100 / total));
    }
}

void virga_engine_pull_split(const char *image, size_t *ret_name_len, const char **ret_tag) {
    const char *slash = strrchr(image, '/');
    const char *colon = strrchr(slash != NULL ? slash : image, ':');
    *ret_tag = NULL;
    *ret_name_len = strlen(image);
    if (strchr(image, '@') == NULL && colon != NULL) {
        *ret_name_len = (size_t)(colon - image);
        *ret_tag = colon + 1;
    }
}
