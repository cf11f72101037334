/* SPDX-License-Identifier: MIT */
/* Looking up what a URI means, and freeing what no function needs any more. */
#include "images_impl.h"

#include "functions.h"

#include <errno.h>
#include <stdlib.h>

#define PRUNE_DELAY_MS 2000 /* several functions are often deleted together */

/* A question of the API. */
struct image_lookup {
    struct images *images;
    struct image_lookup *next;
    struct image_lookup **link;
    struct virga_image_resolve_handle *handle;
    struct virga_timer_handle *timer; /* of an answer without a question */
    const char *message;              /* of that answer */
    char architecture[16];
    char *uri;
    void (*on_done)(void *arg, const struct images_answer *answer);
    void *arg;
};

/* --- the end of a lookup --- */

static void end(struct image_lookup *lookup, const struct images_answer *answer) {
    struct images *images = lookup->images;
    *lookup->link = lookup->next;
    if (lookup->next != NULL) {
        lookup->next->link = lookup->link;
    }
    lookup->on_done(lookup->arg, answer);
    images->lambda->timer->stop(lookup->timer);
    free(lookup->uri);
    free(lookup);
    images_check_stopped(images);
}

static void end_broken(struct image_lookup *lookup, const char *message) {
    const struct images_answer answer = {
        .outcome = IMAGES_BROKEN, .status = 500, .code = "ServiceException", .message = message};
    end(lookup, &answer);
}

static void end_refused(struct image_lookup *lookup, const struct image_refusal *refusal,
                        const char *detail) {
    const struct images_answer answer = {.outcome = IMAGES_REFUSED,
                                         .status = refusal->status,
                                         .code = refusal->code,
                                         .message = refusal->message};
    LAMBDA_LOG(lookup->images->lambda, VIRGA_LOG_INFO, NULL, "image %.1024s is refused: %s",
               lookup->uri, detail[0] != '\0' ? detail : refusal->message);
    end(lookup, &answer);
}

static void end_found(struct image_lookup *lookup, const struct virga_image *image) {
    struct json_object *document = NULL;
    struct image_refusal refusal;
    int result =
        image_check(image, virga_str_from(lookup->uri), lookup->architecture, &document, &refusal);
    if (result == -ENOMEM) {
        end_broken(lookup, "out of memory");
    } else if (result != 0) {
        end_refused(lookup, &refusal, refusal.detail);
    } else {
        const struct images_answer answer = {.outcome = IMAGES_FOUND,
                                             .status = 200,
                                             .code = "",
                                             .message = "",
                                             .document = document};
        end(lookup, &answer);
        json_object_put(document);
    }
}

/* --- a lookup's way --- */

static void on_resolved(void *arg, const struct virga_image *image) {
    struct image_lookup *lookup = arg;
    struct image_refusal refusal;
    char message[512];
    lookup->handle = NULL;
    if (image->outcome == VIRGA_IMAGE_FOUND) {
        end_found(lookup, image);
    } else if (image_check_outcome(image->outcome, virga_str_from(lookup->uri), &refusal)) {
        end_refused(lookup, &refusal, image->message);
    } else if (image->outcome == VIRGA_IMAGE_CANCELLED) {
        end_broken(lookup, "virga is being stopped");
    } else {
        (void)snprintf(message, sizeof message, "The image cannot be had now: %s", image->message);
        end_broken(lookup, message);
    }
}

static void on_broken(void *arg) {
    struct image_lookup *lookup = arg;
    end_broken(lookup, lookup->message);
}

/* Asks the resolver, or has the lookup fail soon. Errors: -ENOMEM. */
static int ask(struct image_lookup *lookup, const struct tenant *tenant, const char *function_arn) {
    struct lambda *lambda = lookup->images->lambda;
    const struct virga_image_question question = {
        .struct_size = sizeof question,
        .uri = virga_str_from(lookup->uri),
        .account = virga_str_from(tenant->account),
        .region = virga_str_from(tenant->region),
        .service = virga_str_from(IMAGES_SERVICE),
        .source_arn = virga_str_from(function_arn),
        .on_done = on_resolved,
        .arg = lookup,
    };
    if (lambda->resolver == NULL) {
        lookup->message = IMAGES_NO_RESOLVER;
    } else {
        int result = lambda->resolver->resolve(lambda->resolver->self, &question, &lookup->handle);
        if (result == 0 || result == -ENOMEM) {
            return result;
        }
        lookup->message = "The registry takes no questions";
    }
    return lambda->timer->start(lambda->host, 0, 0, on_broken, lookup, &lookup->timer);
}

int images_look_up(struct lambda *lambda, const struct tenant *tenant, struct virga_str uri,
                   const char *function_arn, const char *architecture,
                   void (*on_done)(void *arg, const struct images_answer *answer), void *arg) {
    struct images *images = lambda->images;
    struct image_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        return -ENOMEM;
    }
    lookup->images = images;
    lookup->on_done = on_done;
    lookup->arg = arg;
    (void)snprintf(lookup->architecture, sizeof lookup->architecture, "%s", architecture);
    lookup->uri = strndup(uri.ptr != NULL ? uri.ptr : "", uri.len);
    int result = lookup->uri == NULL ? -ENOMEM : ask(lookup, tenant, function_arn);
    if (result != 0) {
        free(lookup->uri);
        free(lookup);
        return result;
    }
    lookup->next = images->lookups;
    lookup->link = &images->lookups;
    if (lookup->next != NULL) {
        lookup->next->link = &lookup->next;
    }
    images->lookups = lookup;
    return 0;
}

/* --- what nobody needs --- */

struct wanted {
    const char *digest;
    bool found;
};

static bool look_at(void *arg, struct function *function) {
    struct wanted *wanted = arg;
    wanted->found = strcmp(function->digest, wanted->digest) == 0;
    return !wanted->found;
}

/* Looks at the records each time: what an executor asks about later may be wanted by then. */
static bool keep(void *arg, const char *digest) {
    struct images *images = arg;
    struct wanted wanted = {.digest = digest};
    return image_need_is(images, digest) ||
           functions_each_all(images->lambda, look_at, &wanted) != 0 || wanted.found;
}

static void on_prune(void *arg) {
    struct images *images = arg;
    images->lambda->timer->stop(images->prune_timer);
    images->prune_timer = NULL;
    struct executor *executor = executors_current(images->lambda->executors);
    /* Without one it is done when one is chosen. */
    if (executor != NULL) {
        executor->prune(executor, keep, images);
    }
}

void images_prune_soon(struct lambda *lambda) {
    struct images *images = lambda->images;
    if (images->stopping || images->prune_timer != NULL) {
        return;
    }
    int result = lambda->timer->start(lambda->host, PRUNE_DELAY_MS, 0, on_prune, images,
                                      &images->prune_timer);
    if (result != 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_WARN, NULL, "images that are not used stay for now: %s",
                   strerror(-result));
    }
}

/* --- start and stop --- */

int images_create(struct lambda *lambda, struct images **ret_images) {
    struct images *images = calloc(1, sizeof *images);
    if (images == NULL) {
        return -ENOMEM;
    }
    images->lambda = lambda;
    *ret_images = images;
    return 0;
}

void images_check_stopped(struct images *images) {
    if (images->on_stopped != NULL && images->lookups == NULL && images->needs == NULL) {
        void (*on_stopped)(void *arg) = images->on_stopped;
        images->on_stopped = NULL;
        on_stopped(images->on_stopped_arg);
    }
}

void images_stop(struct images *images, void (*on_stopped)(void *arg), void *arg) {
    struct lambda *lambda = images->lambda;
    images->stopping = true;
    lambda->timer->stop(images->prune_timer);
    images->prune_timer = NULL;
    for (struct image_lookup *at = images->lookups; at != NULL; at = at->next) {
        if (at->handle != NULL) {
            lambda->resolver->cancel(lambda->resolver->self, at->handle);
        }
    }
    image_needs_stop(images);
    images->on_stopped = on_stopped;
    images->on_stopped_arg = arg;
    images_check_stopped(images);
}

void images_destroy(struct images *images) {
    if (images == NULL) {
        return;
    }
    images->lambda->timer->stop(images->prune_timer);
    free(images);
}
