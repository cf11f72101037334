/* SPDX-License-Identifier: MIT */
/* Getting an image to where it is run. A need is a digest that somebody waits for; its way:
 * choose the executor, find, resolve, pull. Those who wait for one digest share that way, but not
 * each other's registry: where one's repository is gone, the next is asked. */
#include "images_impl.h"

#include <errno.h>
#include <stdlib.h>

#define REASON_MAX 512

struct waiter {
    struct waiter *next;
    struct function *function;
    void (*on_done)(void *arg, const struct images_failure *failure);
    void *arg;
};

struct image_need {
    struct images *images; /* NULL: stopped; only an executor will still call back */
    struct image_need *next;
    struct image_need **link;
    char digest[LAMBDA_DIGEST_LEN + 1];
    struct executor *executor;
    struct virga_image_resolve_handle *handle;
    struct waiter *waiters; /* the first one's registry is asked */
    struct waiter **last;
};

/* --- who waits --- */

static void call_all(struct waiter *waiters, const struct images_failure *failure) {
    while (waiters != NULL) {
        struct waiter *waiter = waiters;
        waiters = waiter->next;
        waiter->on_done(waiter->arg, failure);
        function_unref(waiter->function);
        free(waiter);
    }
}

static void unlink_need(struct image_need *need) {
    *need->link = need->next;
    if (need->next != NULL) {
        need->next->link = need->link;
    }
}

/* Ends the need: everybody is told the same. */
static void end(struct image_need *need, const struct images_failure *failure) {
    struct images *images = need->images;
    struct waiter *waiters = need->waiters;
    unlink_need(need);
    free(need);
    call_all(waiters, failure);
    images_check_stopped(images);
}

static const char *source_of(const struct waiter *waiter) {
    const char *uri = function_image_text(waiter->function, "Resolved");
    return uri != NULL ? uri : "";
}

static bool same_source(const struct waiter *a, const struct waiter *b) {
    return strcmp(source_of(a), source_of(b)) == 0 &&
           strcmp(a->function->tenant.account, b->function->tenant.account) == 0 &&
           strcmp(a->function->tenant.region, b->function->tenant.region) == 0;
}

/* Takes those who have the first one's registry out of the list. */
static struct waiter *take_first_source(struct image_need *need) {
    struct waiter *first = need->waiters, *taken = NULL, **taken_last = &taken;
    need->last = &need->waiters;
    for (struct waiter *at = first; at != NULL;) {
        struct waiter *next = at->next;
        struct waiter ***last = at == first || same_source(at, first) ? &taken_last : &need->last;
        **last = at;
        *last = &at->next;
        at->next = NULL;
        at = next;
    }
    *need->last = NULL;
    return taken;
}

static void resolve(struct image_need *need);

/* Tells those who have the first one's registry, and goes on with the others. */
static void fail(struct image_need *need, int error, const char *code, const char *reason) {
    const struct images_failure failure = {.error = error, .code = code, .reason = reason};
    struct images *images = need->images;
    struct waiter *taken = take_first_source(need);
    if (need->waiters != NULL) {
        resolve(need);
    } else {
        unlink_need(need);
        free(need);
    }
    call_all(taken, &failure);
    images_check_stopped(images);
}

/* Nothing is wrong with the image, but here it cannot be had now. */
static void end_later(struct image_need *need, const char *what, const char *reason) {
    char text[REASON_MAX];
    (void)snprintf(text, sizeof text, "%s: %s", what, reason);
    const struct images_failure failure = {
        .error = -EAGAIN, .code = "InternalError", .reason = text};
    end(need, &failure);
}

/* --- pull --- */

static void on_pulled(void *arg, int error, const char *reason) {
    struct image_need *need = arg;
    char text[REASON_MAX];
    if (need->images == NULL) {
        free(need);
        return;
    }
    (void)snprintf(text, sizeof text, "The image could not be pulled: %s",
                   reason != NULL ? reason : strerror(-error));
    switch (error) {
    case 0:
        end(need, NULL);
        return;
    case -EBADMSG:
        fail(need, error, "InvalidImage", text);
        return;
    case -EACCES:
        fail(need, error, "ImageAccessDenied", text);
        return;
    case -ENOENT:
        fail(need, error, "ImageDeleted", text);
        return;
    case -ECANCELED:
        fail(need, error, "InternalError", text);
        return;
    default:
        fail(need, -EAGAIN, "InternalError", text);
        return;
    }
}

/* The interface gives bytes with a length, and executors want texts. */
struct texts {
    char registry[128];
    char pull_name[512];
    char user[64];
    char password[8192];
};

static bool copy(struct virga_str text, char *buffer, size_t size) {
    if (text.len >= size) {
        return false;
    }
    (void)snprintf(buffer, size, "%.*s", (int)text.len, text.ptr != NULL ? text.ptr : "");
    return true;
}

static void pull(struct image_need *need, const struct virga_image *found) {
    struct texts texts;
    if (!virga_str_equal(found->digest, virga_str_from(need->digest)) ||
        !copy(found->registry, texts.registry, sizeof texts.registry) ||
        !copy(found->pull_name, texts.pull_name, sizeof texts.pull_name) ||
        !copy(found->user, texts.user, sizeof texts.user) ||
        !copy(found->password, texts.password, sizeof texts.password)) {
        fail(need, -EAGAIN, "InternalError", "The registry gives another image than was asked for");
        return;
    }
    const struct executor_image image = {.digest = need->digest,
                                         .registry = texts.registry,
                                         .pull_name = texts.pull_name,
                                         .user = texts.user,
                                         .password = texts.password,
                                         .manifest = found->manifest};
    need->executor->pull(need->executor, &image, on_pulled, need);
}

/* --- resolve --- */

static void fail_outcome(struct image_need *need, const struct virga_image *image) {
    char text[REASON_MAX];
    struct image_refusal refusal;
    if (image_check_outcome(image->outcome, virga_str_from(source_of(need->waiters)), &refusal)) {
        bool denied = image->outcome == VIRGA_IMAGE_DENIED;
        bool gone = image->outcome == VIRGA_IMAGE_NOT_FOUND;
        fail(need,
             denied ? -EACCES
             : gone ? -ENOENT
                    : -EINVAL,
             denied ? "ImageAccessDenied"
             : gone ? "ImageDeleted"
                    : "InvalidImage",
             refusal.message);
        return;
    }
    (void)snprintf(text, sizeof text, "The image cannot be had now: %s", image->message);
    fail(need, image->outcome == VIRGA_IMAGE_CANCELLED ? -ECANCELED : -EAGAIN, "InternalError",
         text);
}

static void on_resolved(void *arg, const struct virga_image *image) {
    struct image_need *need = arg;
    need->handle = NULL;
    if (need->waiters == NULL) { /* stopped */
        end(need, NULL);
    } else if (image->outcome == VIRGA_IMAGE_FOUND) {
        pull(need, image);
    } else {
        fail_outcome(need, image);
    }
}

static void resolve(struct image_need *need) {
    struct lambda *lambda = need->images->lambda;
    const struct function *function = need->waiters->function;
    const struct virga_image_question question = {
        .struct_size = sizeof question,
        .flags = VIRGA_IMAGE_TO_PULL,
        .uri = virga_str_from(source_of(need->waiters)),
        .account = virga_str_from(function->tenant.account),
        .region = virga_str_from(function->tenant.region),
        .service = virga_str_from(IMAGES_SERVICE),
        .source_arn = virga_str_from(function->arn),
        .on_done = on_resolved,
        .arg = need,
    };
    if (lambda->resolver == NULL) {
        fail(need, -EAGAIN, "InternalError", IMAGES_NO_RESOLVER);
        return;
    }
    int result = lambda->resolver->resolve(lambda->resolver->self, &question, &need->handle);
    if (result != 0) {
        fail(need, -EAGAIN, "InternalError", strerror(-result));
    }
}

/* --- choose and find --- */

static void on_found(void *arg, int error, const char *reason) {
    struct image_need *need = arg;
    if (need->images == NULL) {
        free(need);
    } else if (error == 0) {
        end(need, NULL);
    } else if (error == -ENOENT) {
        resolve(need);
    } else {
        end_later(need, "The image could not be looked for",
                  reason != NULL ? reason : strerror(-error));
    }
}

static void on_chosen(void *arg, struct executor *executor, int error, const char *reason) {
    struct image_need *need = arg;
    if (need->images == NULL) {
        free(need);
        return;
    }
    if (error != 0) {
        end_later(need, "Functions cannot be run here", reason != NULL ? reason : strerror(-error));
        return;
    }
    need->executor = executor;
    if (!need->images->pruned) {
        /* What functions of an earlier run have left. */
        need->images->pruned = true;
        images_prune_soon(need->images->lambda);
    }
    executor->find(executor, need->digest, on_found, need);
}

/* --- for others --- */

static struct image_need *find_need(const struct images *images, const char *digest) {
    struct image_need *need = images->needs;
    while (need != NULL && strcmp(need->digest, digest) != 0) {
        need = need->next;
    }
    return need;
}

bool image_need_is(const struct images *images, const char *digest) {
    return find_need(images, digest) != NULL;
}

static struct image_need *add_need(struct images *images, const char *digest) {
    struct image_need *need = calloc(1, sizeof *need);
    if (need != NULL) {
        need->images = images;
        (void)snprintf(need->digest, sizeof need->digest, "%s", digest);
        need->last = &need->waiters;
        need->next = images->needs;
        need->link = &images->needs;
        if (need->next != NULL) {
            need->next->link = &need->next;
        }
        images->needs = need;
    }
    return need;
}

void images_have(struct lambda *lambda, struct function *function,
                 void (*on_done)(void *arg, const struct images_failure *failure), void *arg) {
    struct images *images = lambda->images;
    struct images_failure failure = {-ECANCELED, "InternalError", "virga is being stopped"};
    if (images->stopping) {
        on_done(arg, &failure);
        return;
    }
    struct image_need *need = find_need(images, function->digest);
    bool begins = need == NULL;
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter != NULL && begins) {
        need = add_need(images, function->digest);
    }
    if (waiter == NULL || need == NULL) {
        free(waiter);
        failure = (struct images_failure){-EAGAIN, "InternalError", "out of memory"};
        on_done(arg, &failure);
        return;
    }
    *waiter = (struct waiter){.function = function_ref(function), .on_done = on_done, .arg = arg};
    *need->last = waiter;
    need->last = &waiter->next;
    if (begins) {
        executors_need(lambda->executors, on_chosen, need);
    }
}

void image_needs_stop(struct images *images) {
    const struct images_failure failure = {-ECANCELED, "InternalError", "virga is being stopped"};
    struct image_need *next;
    for (struct image_need *need = images->needs; need != NULL; need = next) {
        struct waiter *waiters = need->waiters;
        next = need->next;
        need->waiters = NULL;
        if (need->handle != NULL) {
            images->lambda->resolver->cancel(images->lambda->resolver->self, need->handle);
        } else {
            unlink_need(need);
            need->images = NULL;
        }
        call_all(waiters, &failure);
    }
}
