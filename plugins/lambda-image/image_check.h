/* SPDX-License-Identifier: MIT */
/* Whether Lambda would take an image, and in which words it says no. Pure. Thread: [any]. */
#ifndef LAMBDA_IMAGE_CHECK_H
#define LAMBDA_IMAGE_CHECK_H

#include "lambda.h"

#include <json-c/json.h>

/* Of one image. Source: Lambda's quotas, "Container image code package size", whose 10 GB are of
 * the unpacked layers: what is larger packed is larger unpacked; layers as many as docker takes. */
#define IMAGE_CHECK_SIZE_MAX (10LL << 30)
#define IMAGE_CHECK_LAYERS_MAX 127
/* All that is kept of a config: entry point, command, environment, folder and user. */
#define IMAGE_CHECK_TEXT_MAX (256u << 10)

#define IMAGE_CHECK_DETAIL_MAX 160
#define IMAGE_CHECK_URI_SHOWN 1024 /* of a URI, in a message */
#define IMAGE_CHECK_MESSAGE_MAX (IMAGE_CHECK_URI_SHOWN + 256)

/* What the API answers. */
struct image_refusal {
    int status;
    const char *code;
    char message[IMAGE_CHECK_MESSAGE_MAX];
    char detail[IMAGE_CHECK_DETAIL_MAX]; /* what exactly is wrong, for the log; may be empty */
};

/* Words for an image that was not found: enum virga_image_outcome INVALID, ELSEWHERE, NOT_FOUND or
 * DENIED. False: another outcome. */
bool image_check_outcome(uint32_t outcome, struct virga_str uri, struct image_refusal *ret_refusal);

/* Looks at manifest and config of an image that was found, and makes a function's "Image"
 * (function.h) of them. `architecture` is the function's, "x86_64" or "arm64". Owns: the caller,
 * until json_object_put(). Errors: -EBADMSG Lambda would not take it: ret_refusal; -ENOMEM. */
int image_check(const struct virga_image *image, struct virga_str uri, const char *architecture,
                struct json_object **ret_document, struct image_refusal *ret_refusal);

#endif
