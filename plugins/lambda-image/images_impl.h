/* SPDX-License-Identifier: MIT */
/* The insides of images.h, shared by looking up (images.c) and getting (image_need.c). */
#ifndef LAMBDA_IMAGES_IMPL_H
#define LAMBDA_IMAGES_IMPL_H

#include "executors.h"
#include "image_check.h"
#include "images.h"

#define IMAGES_SERVICE "lambda.amazonaws.com" /* on whose behalf a registry is asked */
#define IMAGES_NO_RESOLVER                                                                         \
    "No image can be found: nothing in this virga provides a registry (is ecr disabled?)."

struct image_lookup;
struct image_need;

struct images {
    struct lambda *lambda;
    struct image_lookup *lookups;
    struct image_need *needs; /* by digest: one each */
    struct virga_timer_handle *prune_timer;
    bool pruned; /* what an earlier run left was looked at */
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

/* Tells who waits for the stop, when nothing is left to wait for. */
void images_check_stopped(struct images *images);

/* Whether somebody waits for the image. */
bool image_need_is(const struct images *images, const char *digest);
/* Answers everybody who waits, with -ECANCELED. Executors may call back afterwards; the resolver is
 * waited for, with images_check_stopped(). */
void image_needs_stop(struct images *images);

#endif
