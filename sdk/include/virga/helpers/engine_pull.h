/* SPDX-License-Identifier: MIT */
/* What an engine says while it pulls an image, made into lines for the log. Pure. */
#ifndef VIRGA_HELPERS_ENGINE_PULL_H
#define VIRGA_HELPERS_ENGINE_PULL_H

#include "../abi.h"
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_ENGINE_PULL_LAYERS_MAX 64 /* that are counted; an image with more shows fewer */
#define VIRGA_ENGINE_PULL_LINE_MAX 8192 /* longer ones are skipped */

struct virga_engine_pull_layer {
    char id[16];
    bool complete;
    int64_t current;
    int64_t total;
};

/* Zero it first. */
struct virga_engine_pull {
    struct virga_engine_pull_layer layers[VIRGA_ENGINE_PULL_LAYERS_MAX];
    size_t layers_count;
    char error[512]; /* the engine's words; "" = none yet */
    char line[VIRGA_ENGINE_PULL_LINE_MAX];
    size_t line_len;
    bool skipping; /* the rest of a line that is too long */
};

/* Takes the next bytes of the stream of POST /images/create: a JSON object on each line. */
void virga_engine_pull_take(struct virga_engine_pull *pull, struct virga_str bytes);
/* The last line may come without its end. */
void virga_engine_pull_end(struct virga_engine_pull *pull);
/* "2 of 5 layers, 12.3 of 30.1 MB (40%)". */
void virga_engine_pull_describe(const struct virga_engine_pull *pull, char *buffer, size_t size);

/* Splits an image reference for fromImage and tag: the tag is what follows the last ':' behind the
 * last '/'; a reference by digest has none. ret_tag_at is NULL where there is none: then "latest"
 * is meant, unless it is by digest. */
void virga_engine_pull_split(const char *image, size_t *ret_name_len, const char **ret_tag);

#ifdef __cplusplus
}
#endif
#endif
