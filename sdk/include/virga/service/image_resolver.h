/* SPDX-License-Identifier: MIT */
/* virga.image-resolver/1: which image a URI means, and how to get it. A contract between plugins: a
 * registry provides it (ecr), whoever runs images uses it (lambda-image). Since ABI 1.3. */
#ifndef VIRGA_SERVICE_IMAGE_RESOLVER_H
#define VIRGA_SERVICE_IMAGE_RESOLVER_H

#include "../host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_IMAGE_RESOLVER_ID "virga.image-resolver/1"

enum virga_image_outcome {
    VIRGA_IMAGE_FOUND = 0,
    VIRGA_IMAGE_INVALID = 1,     /* no URI of an image of this host's registries, or without tag and
                                    digest */
    VIRGA_IMAGE_ELSEWHERE = 2,   /* of another region than the caller's */
    VIRGA_IMAGE_NOT_FOUND = 3,   /* the repository or the image is not there */
    VIRGA_IMAGE_DENIED = 4,      /* a policy does not let the caller or the service have it */
    VIRGA_IMAGE_UNAVAILABLE = 5, /* the registry cannot be asked now; it may work later */
    VIRGA_IMAGE_CANCELLED = 6    /* by cancel(), or the provider stops */
};

/* An answer. Valid: for the callback, all that it points to included. */
struct virga_image {
    uint32_t struct_size;
    uint32_t outcome;    /* enum virga_image_outcome */
    const char *message; /* why it was not found, in words for a log; "" when found */
    /* What the URI names; set with every outcome but INVALID, empty where it is not known. */
    struct virga_str account;
    struct virga_str region;
    struct virga_str repository;
    /* The rest is set when it was found. */
    struct virga_str digest;       /* of the manifest, "sha256:..." */
    struct virga_str resolved_uri; /* the URI as given, with "@<digest>" in the place of the tag */
    struct virga_str media_type;   /* of the manifest */
    struct virga_str manifest;     /* its bytes */
    /* The bytes of the config blob that the manifest names; ptr NULL when it names none (an index)
     * or it is no JSON of at most 4 MiB. */
    struct virga_str config;
    struct virga_str config_media_type;
    /* How to pull it: over plain HTTP from "<registry>/<pull_name>@<digest>", a loopback address,
     * logged in as user and password, which are good for 12 hours. */
    struct virga_str registry;  /* "127.0.0.1:5100" */
    struct virga_str pull_name; /* "000000000000/us-east-1/app" */
    struct virga_str user;
    struct virga_str password;
};

struct virga_image_resolve_handle;

/* question.flags */
#define VIRGA_IMAGE_TO_PULL 0x1u /* it is pulled now, and not only looked at: that is recorded */

/* A question. Everything is copied. */
struct virga_image_question {
    uint32_t struct_size;
    uint32_t flags; /* VIRGA_IMAGE_* */
    /* "<account>.dkr.ecr.<region>.<any domain>[:port]/<repository>:<tag>", "...@sha256:...", or
     * "localhost:<port>/<account>/<region>/<repository>:<tag>". */
    struct virga_str uri;
    struct virga_str account; /* for whom */
    struct virga_str region;
    struct virga_str service;    /* on whose behalf: "lambda.amazonaws.com" */
    struct virga_str source_arn; /* the resource that wants it (aws:SourceArn); may be empty */
    /* Calls back: exactly once, never inside resolve() or cancel(). Thread: [loop]. */
    void (*on_done)(void *arg, const struct virga_image *image);
    void *arg;
};

struct virga_image_resolver {
    uint32_t struct_size;
    uint32_t reserved;
    void *self; /* the provider's; given back to every function */

    /* Resolves a URI. The handle is valid until on_done; ret_handle may be NULL. Errors: -EINVAL,
     * -ENOMEM, -ECANCELED (the provider stops): on_done does not come. Thread: [loop]. */
    int (*resolve)(void *self, const struct virga_image_question *question,
                   struct virga_image_resolve_handle **ret_handle);
    /* Stops waiting: on_done comes soon, with VIRGA_IMAGE_CANCELLED. NULL is fine. */
    void (*cancel)(void *self, struct virga_image_resolve_handle *handle);
};

#ifdef __cplusplus
}
#endif
#endif
