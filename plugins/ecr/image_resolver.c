/* SPDX-License-Identifier: MIT */
/* The questions under way, their answers, and the ways to end them early. */
#include "image_resolver_impl.h"

#include "gateway.h"
#include "login.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>

struct image_resolver {
    struct ecr *ecr;
    struct virga_image_resolver table;
    struct virga_image_resolve_handle *questions;
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

/* --- the end --- */

static void free_question(struct virga_image_resolve_handle *question) {
    question->ecr->timer->stop(question->timer);
    meta_image_finish(&question->record);
    strbuf_finish(&question->manifest);
    strbuf_finish(&question->config);
    json_object_put(question->document);
    free(question->uri);
    free(question);
}

static void forget(struct virga_image_resolve_handle *question) {
    struct image_resolver *resolver = question->resolver;
    *question->link = question->next;
    if (question->next != NULL) {
        question->next->link = question->link;
    }
    free_question(question);
    if (resolver->stopping && resolver->questions == NULL) {
        resolver->on_stopped(resolver->on_stopped_arg);
    }
}

/* What the answer of a found image has besides; false: there is no password to be had. */
struct access {
    char registry[32];
    char pull_name[ECR_ACCOUNT_LEN + ECR_REGION_MAX + ECR_NAME_MAX + 3];
    char uri[IMAGE_URI_MAX + ECR_DIGEST_LEN + 2];
    char password[LOGIN_PASSWORD_SIZE];
};

static int write_access(struct virga_image_resolve_handle *question, struct access *access) {
    struct ecr *ecr = question->ecr;
    const struct image_uri *image = &question->image;
    (void)snprintf(access->registry, sizeof access->registry, "127.0.0.1:%u",
                   gateway_port(ecr->gateway));
    (void)snprintf(access->pull_name, sizeof access->pull_name, "%s/%s/%.*s", image->tenant.account,
                   image->tenant.region, (int)image->name.len, image->name.ptr);
    (void)snprintf(access->uri, sizeof access->uri, "%.*s@%s", (int)image->place.len,
                   image->place.ptr, question->record.digest);
    return login_make(ecr, &question->service, ecr->timer->now_ms(ecr->host) + LOGIN_VALID_MS,
                      access->password);
}

static void answer(struct virga_image_resolve_handle *question, enum virga_image_outcome outcome) {
    struct access access;
    if (outcome == VIRGA_IMAGE_FOUND) {
        int result = write_access(question, &access);
        if (result != 0) {
            (void)snprintf(question->message, sizeof question->message,
                           "a login at the registry could not be made: %s", strerror(-result));
            outcome = VIRGA_IMAGE_UNAVAILABLE;
        }
    }
    struct virga_image image = {
        .struct_size = sizeof image, .outcome = outcome, .message = question->message};
    if (question->parsed) {
        image.account = virga_str_from(question->image.tenant.account);
        image.region = virga_str_from(question->image.tenant.region);
        image.repository = question->image.name;
    }
    if (outcome == VIRGA_IMAGE_FOUND) {
        image.message = "";
        image.digest = virga_str_from(question->record.digest);
        image.resolved_uri = virga_str_from(access.uri);
        image.media_type = virga_str_from(question->record.media_type);
        image.manifest = strbuf_str(&question->manifest);
        if (question->config.len > 0) {
            image.config = strbuf_str(&question->config);
            image.config_media_type = question->config_media_type;
        }
        image.registry = virga_str_from(access.registry);
        image.pull_name = virga_str_from(access.pull_name);
        image.user = virga_str_from(LOGIN_USER);
        image.password = virga_str_from(access.password);
    }
    question->answered = true;
    question->on_done(question->arg, &image);
}

void image_question_end(struct virga_image_resolve_handle *question,
                        enum virga_image_outcome outcome) {
    if (!question->answered) {
        answer(question, question->cancelled ? VIRGA_IMAGE_CANCELLED : outcome);
    }
    forget(question);
}

bool image_question_goes_on(struct virga_image_resolve_handle *question) {
    question->asking = false;
    if (!question->cancelled) {
        return true;
    }
    image_question_end(question, VIRGA_IMAGE_CANCELLED);
    return false;
}

/* --- the interface --- */

static void on_begin(void *arg) {
    struct virga_image_resolve_handle *question = arg;
    question->ecr->timer->stop(question->timer);
    question->timer = NULL;
    if (image_question_goes_on(question)) {
        image_question_begin(question);
    }
}

static void on_cancelled(void *arg) {
    struct virga_image_resolve_handle *question = arg;
    question->ecr->timer->stop(question->timer);
    question->timer = NULL;
    answer(question, VIRGA_IMAGE_CANCELLED);
    if (!question->asking) {
        forget(question);
    }
}

static void cancel(void *self, struct virga_image_resolve_handle *question) {
    (void)self;
    if (question == NULL || question->cancelled) {
        return;
    }
    question->cancelled = true;
    (void)snprintf(question->message, sizeof question->message, "the question was cancelled");
    /* Without a timer the answer comes with whatever is being asked. */
    if (question->timer == NULL) {
        (void)question->ecr->timer->start(question->ecr->host, 0, 0, on_cancelled, question,
                                          &question->timer);
    }
}

/* Copies for whom it is asked. Errors: -EINVAL. */
static int take_caller(struct virga_image_resolve_handle *handle,
                       const struct virga_image_question *question) {
    char service[PRINCIPAL_SERVICE_MAX + 1];
    if (!reference_is_account(question->account) || !reference_is_region(question->region) ||
        question->region.len > ECR_REGION_MAX || question->service.len > PRINCIPAL_SERVICE_MAX ||
        question->source_arn.len > PRINCIPAL_ARN_MAX) {
        return -EINVAL;
    }
    memcpy(handle->caller.account, question->account.ptr, question->account.len);
    memcpy(handle->caller.region, question->region.ptr, question->region.len);
    principal_root(question->account, question->region, &handle->owner);
    if (question->service.len == 0) {
        handle->service = handle->owner;
        return 0;
    }
    (void)snprintf(service, sizeof service, "%.*s", (int)question->service.len,
                   question->service.ptr);
    return principal_service(service, question->account, question->source_arn, &handle->service);
}

static int resolve(void *self, const struct virga_image_question *question,
                   struct virga_image_resolve_handle **ret_handle) {
    struct image_resolver *resolver = self;
    struct ecr *ecr = resolver->ecr;
    if (resolver->stopping) {
        return -ECANCELED;
    }
    if (question->uri.ptr == NULL || question->on_done == NULL) {
        return -EINVAL;
    }
    struct virga_image_resolve_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return -ENOMEM;
    }
    handle->resolver = resolver;
    handle->ecr = ecr;
    handle->on_done = question->on_done;
    handle->arg = question->arg;
    handle->flags = question->flags;
    int result = take_caller(handle, question);
    if (result == 0) {
        handle->uri = strndup(question->uri.ptr, question->uri.len);
        result = handle->uri == NULL
                     ? -ENOMEM
                     : ecr->timer->start(ecr->host, 0, 0, on_begin, handle, &handle->timer);
    }
    if (result != 0) {
        free_question(handle);
        return result;
    }
    handle->next = resolver->questions;
    handle->link = &resolver->questions;
    if (handle->next != NULL) {
        handle->next->link = &handle->next;
    }
    resolver->questions = handle;
    if (ret_handle != NULL) {
        *ret_handle = handle;
    }
    return 0;
}

/* --- start and stop --- */

int image_resolver_create(struct ecr *ecr, struct image_resolver **ret_resolver) {
    struct image_resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        return -ENOMEM;
    }
    resolver->ecr = ecr;
    resolver->table = (struct virga_image_resolver){.struct_size = sizeof resolver->table,
                                                    .self = resolver,
                                                    .resolve = resolve,
                                                    .cancel = cancel};
    *ret_resolver = resolver;
    return 0;
}

const struct virga_image_resolver *image_resolver_table(const struct image_resolver *resolver) {
    return &resolver->table;
}

void image_resolver_stop(struct image_resolver *resolver, void (*on_stopped)(void *arg),
                         void *arg) {
    resolver->stopping = true;
    resolver->on_stopped = on_stopped;
    resolver->on_stopped_arg = arg;
    for (struct virga_image_resolve_handle *at = resolver->questions; at != NULL; at = at->next) {
        cancel(resolver, at);
    }
    if (resolver->questions == NULL) {
        on_stopped(arg);
    }
}

void image_resolver_destroy(struct image_resolver *resolver) {
    if (resolver == NULL) {
        return;
    }
    while (resolver->questions != NULL) {
        struct virga_image_resolve_handle *question = resolver->questions;
        resolver->questions = question->next;
        free_question(question);
    }
    free(resolver);
}
