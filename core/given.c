/* SPDX-License-Identifier: MIT */
/* Reading of file, environment and command line. */
#include "given.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_yaml.h"

#define ROOT "floci"
#define ENV_PREFIX "FLOCI_"

void given_finish(struct given_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].key);
        free(list->items[i].value);
        free(list->items[i].origin);
    }
    free(list->items);
    *list = (struct given_list){0};
}

static int make_room(struct given_list *list) {
    size_t size = list->size > 0 ? list->size * 2 : 64;
    if (list->count < list->size) {
        return 0;
    }
    struct given *items = realloc(list->items, size * sizeof *items);
    if (items == NULL) {
        return -ENOMEM;
    }
    list->items = items;
    list->size = size;
    return 0;
}

static int collect(struct given_list *list, const char *key, const char *value, const char *origin,
                   enum config_source source, struct error *err) {
    struct given item = {.source = source};
    if (list->count >= GIVEN_MAX) {
        return error_set(err, -EINVAL, "%s: more than %d settings", origin, GIVEN_MAX);
    }
    item.key = strdup(key);
    item.value = value != NULL ? strdup(value) : NULL;
    item.origin = strdup(origin);
    if (item.key == NULL || (value != NULL && item.value == NULL) || item.origin == NULL ||
        make_room(list) < 0) {
        free(item.key);
        free(item.value);
        free(item.origin);
        return error_set(err, -ENOMEM, "out of memory");
    }
    list->items[list->count++] = item;
    return 0;
}

struct file_reading {
    struct given_list *list;
    const char *name;
};

static int on_yaml_value(void *arg, const char *key, const char *value, size_t line,
                         struct error *err) {
    struct file_reading *reading = arg;
    struct given_list *list = reading->list;
    char origin[512];
    (void)snprintf(origin, sizeof origin, "%.480s:%zu", reading->name, line);
    /* "a.b: 1" beside "a: {b: 2}" is no duplicate in YAML's eyes. */
    for (size_t i = list->file_begin; i < list->count; i++) {
        if (strcmp(list->items[i].key, key) == 0) {
            return error_set(err, -EINVAL, "%s: %s is here a second time (first: %s)", origin, key,
                             list->items[i].origin);
        }
    }
    return collect(list, key, value, origin, CONFIG_FILE, err);
}

int given_read_text(struct given_list *list, const char *name, const char *text, size_t len,
                    struct error *err) {
    struct file_reading reading = {list, name};
    list->file_begin = list->count;
    return config_yaml_read(name, text, len, on_yaml_value, &reading, err);
}

int given_read_file(struct given_list *list, const char *path, struct error *err) {
    const size_t size = CONFIG_YAML_MAX_BYTES + 1; /* one more than may be, to notice it */
    size_t len = 0;
    ssize_t got;
    int rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return error_set(err, -errno, "%s: %s", path, error_text(-errno));
    }
    char *text = malloc(size);
    if (text == NULL) {
        (void)close(fd);
        return error_set(err, -ENOMEM, "%s: out of memory", path);
    }
    do {
        got = read(fd, text + len, size - len);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0) {
        rc = error_set(err, -errno, "%s: %s", path, error_text(-errno));
    } else {
        rc = given_read_text(list, path, text, len, err);
    }
    free(text);
    (void)close(fd);
    return rc;
}

int given_read_env(struct given_list *list, char *const *environ_list, struct error *err) {
    for (; *environ_list != NULL; environ_list++) {
        const char *equals = strchr(*environ_list, '=');
        char name[CONFIG_KEY_MAX + 1];
        size_t len;
        int rc;
        /* An empty variable counts as unset, as compose files and shells leave them behind. */
        if (equals == NULL || equals[1] == '\0' ||
            strncmp(*environ_list, ENV_PREFIX, sizeof ENV_PREFIX - 1) != 0) {
            continue;
        }
        len = (size_t)(equals - *environ_list);
        if (len >= sizeof name) {
            continue;
        }
        memcpy(name, *environ_list, len);
        name[len] = '\0';
        rc = collect(list, name, equals + 1, name, CONFIG_ENV, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int given_read_set(struct given_list *list, const char *assignment, struct error *err) {
    const char *equals = strchr(assignment, '=');
    char key[CONFIG_KEY_MAX + 1];
    int len;
    if (equals == NULL || equals == assignment) {
        return error_set(err, -EINVAL, "--set %s: expected key=value", assignment);
    }
    len = snprintf(key, sizeof key, "%s%.*s",
                   strncmp(assignment, ROOT ".", sizeof ROOT) == 0 ? "" : ROOT ".",
                   (int)(equals - assignment), assignment);
    if (len < 0 || (size_t)len >= sizeof key) {
        return error_set(err, -EINVAL, "--set: a key longer than %d bytes", CONFIG_KEY_MAX);
    }
    return collect(list, key, equals + 1, "--set", CONFIG_SET, err);
}
