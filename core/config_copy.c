/* SPDX-License-Identifier: MIT */
/* Copies of the configuration file. */
#include "config_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_yaml.h"

/* Returns whether all of the file was read. */
static bool read_all(int fd, struct config_copy *copy) {
    for (;;) {
        /* One byte more than may be there: a file that is too long is seen as such. */
        ssize_t got = read(fd, copy->text + copy->len, CONFIG_YAML_MAX_BYTES + 1 - copy->len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0;
        }
        copy->len += (size_t)got;
        if (copy->len > CONFIG_YAML_MAX_BYTES) {
            return false;
        }
    }
}

void config_copy_take(struct config_copy *copy, const char *path) {
    *copy = (struct config_copy){.state = CONFIG_COPY_NONE};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        copy->state = errno == ENOENT ? CONFIG_COPY_ABSENT : CONFIG_COPY_NONE;
        return;
    }
    copy->text = malloc(CONFIG_YAML_MAX_BYTES + 1);
    if (copy->text != NULL && read_all(fd, copy)) {
        char *fitting = realloc(copy->text, copy->len + 1);
        copy->text = fitting != NULL ? fitting : copy->text;
        copy->text[copy->len] = '\0';
        copy->state = CONFIG_COPY_TAKEN;
    } else {
        config_copy_drop(copy);
    }
    (void)close(fd);
}

void config_copy_drop(struct config_copy *copy) {
    free(copy->text);
    *copy = (struct config_copy){.state = CONFIG_COPY_NONE};
}
