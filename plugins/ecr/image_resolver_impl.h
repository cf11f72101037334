/* SPDX-License-Identifier: MIT */
/* A question to the image resolver, shared by the file that keeps the questions (image_resolver.c)
 * and the one that goes their way (image_question.c). */
#ifndef ECR_IMAGE_RESOLVER_IMPL_H
#define ECR_IMAGE_RESOLVER_IMPL_H

#include "authorize.h"
#include "image_resolver.h"
#include "image_uri.h"
#include "strbuf.h"

#include <json-c/json.h>

#define IMAGE_QUESTION_MESSAGE_MAX AUTHORIZE_MESSAGE_MAX

/* Lives until it was answered and no other part will call back any more. */
struct virga_image_resolve_handle {
    struct image_resolver *resolver;
    struct ecr *ecr;
    struct virga_image_resolve_handle *next;
    struct virga_image_resolve_handle **link;
    struct virga_timer_handle *timer; /* of the beginning, then of a cancel */
    bool asking;                      /* another part will call back */
    bool cancelled;
    bool answered;
    void (*on_done)(void *arg, const struct virga_image *image);
    void *arg;
    uint32_t flags;
    char *uri;
    struct tenant caller;
    struct principal owner;   /* the caller's account */
    struct principal service; /* on whose behalf, and who pulls */

    bool parsed;
    struct image_uri image;   /* points into uri */
    struct meta_image record; /* without its tags */
    struct strbuf manifest;
    struct json_object *document;       /* the manifest; NULL: not read yet, or no JSON */
    struct virga_str config_media_type; /* points into document */
    char config_digest[ECR_DIGEST_LEN + 1];
    struct strbuf config;
    char message[IMAGE_QUESTION_MESSAGE_MAX];
};

/* Goes the question's way; nothing has been asked of it yet. Ends by image_question_end(). */
void image_question_begin(struct virga_image_resolve_handle *question);

/* Answers, with the message that was set where it was not found, and forgets the question. Not
 * while another part will call back. */
void image_question_end(struct virga_image_resolve_handle *question,
                        enum virga_image_outcome outcome);
/* Another part has called back: whether the question goes on. If not, it is gone. */
bool image_question_goes_on(struct virga_image_resolve_handle *question);

#endif
