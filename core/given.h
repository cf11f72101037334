/* SPDX-License-Identifier: MIT */
/* What the user gave: keys and values of file, environment and command line, before anybody says
 * which keys there are. */
#ifndef CORE_GIVEN_H
#define CORE_GIVEN_H

#include <stddef.h>

#include "config.h"

#define GIVEN_MAX 16384 /* values, of all sources together */

struct given {
    char *key;   /* in full; of the environment: the variable's name */
    char *value; /* NULL = null in the file */
    char *origin;
    enum config_source source;
};

/* Starts as zeroes. */
struct given_list {
    struct given *items;
    size_t count;
    size_t size;
    size_t file_begin; /* the first value of the file being read */
};

/* Frees the list's values and leaves it empty. */
void given_finish(struct given_list *list);

/* As the functions of config.h that are called alike. */
int given_read_file(struct given_list *list, const char *path, struct error *err);
int given_read_text(struct given_list *list, const char *name, const char *text, size_t len,
                    struct error *err);
/* An empty variable counts as unset, as compose files and shells leave them behind. */
int given_read_env(struct given_list *list, char *const *environ_list, struct error *err);
int given_read_set(struct given_list *list, const char *assignment, struct error *err);

#endif
