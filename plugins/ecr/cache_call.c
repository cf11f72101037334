/* SPDX-License-Identifier: MIT */
/* Fetching for the API. Failures are those of the model's ImageFailureCode; where there is no
 * repository yet they are the call's own. */
#include "cache_call.h"

#include "authorize.h"
#include "cache.h"

#include <errno.h>

struct fetched {
    struct fetching *fetching;
    enum cache_outcome outcome;
    char message[sizeof((struct image_failure *)NULL)->reason];
};

struct fetching {
    struct call *call;
    void (*then)(struct call *call);
    size_t flying;
    struct fetched ids[IMAGE_ID_MAX];
};

static struct virga_str reference_of(const struct call *call, size_t index) {
    struct image_id id = image_id_get(call, index);
    return id.tag.len > 0 ? id.tag : id.digest;
}

/* Whether the registry's policy lets the caller have images brought in. */
static bool may_import(const struct call *call) {
    struct ecr *ecr = call->ecr;
    return !authorize_enforces(ecr) ||
           (authorize_registry(ecr, &call->tenant, call->principal, "ecr:BatchImportUpstreamImage",
                               call->name) == 0 &&
            (meta_repository_exists(ecr, &call->tenant, call->name) ||
             authorize_registry(ecr, &call->tenant, call->principal, "ecr:CreateRepository",
                                call->name) == 0));
}

static bool is_wanted(const struct call *call, size_t index) {
    struct virga_str reference = reference_of(call, index);
    return reference.len > 0 && !image_id_repeats(call, index) &&
           cache_wants(call->ecr, &call->tenant, call->name, reference) && may_import(call);
}

/* What went wrong where not even the repository could be made; NULL: nothing, or the upstream has
 * no such image. */
static const struct fetched *find_fault(const struct fetching *fetching) {
    for (size_t i = 0; i < IMAGE_ID_MAX; i++) {
        if (fetching->ids[i].outcome != CACHE_DONE && fetching->ids[i].outcome != CACHE_NOT_FOUND) {
            return &fetching->ids[i];
        }
    }
    return NULL;
}

static void go_on(struct fetching *fetching) {
    struct call *call = fetching->call;
    const struct fetched *fault = find_fault(fetching);
    if (fault != NULL && fault->outcome == CACHE_CANCELLED) {
        call_broken(call, "The image could not be fetched", -ECANCELED, fault->message);
    } else if (fault != NULL && !meta_repository_exists(call->ecr, &call->tenant, call->name)) {
        call_fail(call, "UnableToGetUpstreamImageException", "%s", fault->message);
    } else {
        call->state = fetching;
        fetching->then(call);
    }
}

static void on_pulled(void *arg, const struct cache_result *result) {
    struct fetched *fetched = arg;
    struct fetching *fetching = fetched->fetching;
    fetched->outcome = result->outcome;
    (void)snprintf(fetched->message, sizeof fetched->message, "%s", result->message);
    if (--fetching->flying == 0) {
        go_on(fetching);
    }
}

bool cache_call_fetch(struct call *call, void (*then)(struct call *call)) {
    size_t count = virga_awsjson_length(call->input, "imageIds"), wanted = 0;
    for (size_t i = 0; i < count; i++) {
        wanted += is_wanted(call, i);
    }
    if (wanted == 0) {
        return false;
    }
    struct fetching *fetching = call->req->http->alloc(call->req, sizeof *fetching);
    if (fetching == NULL) {
        call_broken(call, "The images could not be fetched", -ENOMEM, NULL);
        return true;
    }
    *fetching = (struct fetching){.call = call, .then = then};
    for (size_t i = 0; i < count; i++) {
        struct fetched *fetched = &fetching->ids[i];
        fetched->fetching = fetching;
        if (!is_wanted(call, i)) {
            continue;
        }
        int result = cache_pull(call->ecr, &call->tenant, call->name, reference_of(call, i), true,
                                on_pulled, fetched);
        if (result == 0) {
            fetching->flying++;
        } else {
            fetched->outcome = CACHE_FAILED;
            (void)snprintf(fetched->message, sizeof fetched->message, "%s",
                           result == -EAGAIN ? "Too many images are being fetched already"
                                             : strerror(-result));
        }
    }
    if (fetching->flying == 0) {
        go_on(fetching);
    }
    return true;
}

bool cache_call_failure(const struct call *call, size_t index, struct image_failure *ret_failure) {
    const struct fetching *fetching = call->state;
    if (fetching == NULL || fetching->ids[index].outcome == CACHE_DONE) {
        return false;
    }
    const struct fetched *fetched = &fetching->ids[index];
    switch (fetched->outcome) {
    case CACHE_NOT_FOUND:
        image_failure_not_found(ret_failure);
        return true;
    case CACHE_DENIED:
        ret_failure->code = "UpstreamAccessDenied";
        break;
    case CACHE_TOO_MANY:
        ret_failure->code = "UpstreamTooManyRequests";
        break;
    default:
        ret_failure->code = "UpstreamUnavailable";
        break;
    }
    (void)snprintf(ret_failure->reason, sizeof ret_failure->reason, "%s", fetched->message);
    return true;
}

/* --- referrers --- */

struct listing {
    struct call *call;
    void (*then)(struct call *call);
};

static void on_listed(void *arg, const struct cache_result *result) {
    struct listing *listing = arg;
    if (result->outcome == CACHE_DONE || result->outcome == CACHE_NOT_FOUND) {
        listing->then(listing->call);
    } else if (result->outcome == CACHE_CANCELLED) {
        call_broken(listing->call, "The referrers could not be fetched", -ECANCELED,
                    result->message);
    } else {
        call_fail(listing->call, "UnableToListUpstreamImageReferrersException", "%s",
                  result->message);
    }
}

bool cache_call_referrers(struct call *call, struct virga_str subject,
                          void (*then)(struct call *call)) {
    struct ecr *ecr = call->ecr;
    if (!cache_wants_referrers(ecr, &call->tenant, call->name, subject) ||
        !may_import(call)) {
        return false;
    }
    struct listing *listing = call->req->http->alloc(call->req, sizeof *listing);
    int result = -ENOMEM;
    if (listing != NULL) {
        *listing = (struct listing){call, then};
        result = cache_pull_referrers(ecr, &call->tenant, call->name, subject, on_listed, listing);
    }
    if (result == -EAGAIN) {
        call_fail(call, "UnableToListUpstreamImageReferrersException",
                  "Too many images are being fetched already");
    } else if (result != 0) {
        call_broken(call, "The referrers could not be fetched", result, NULL);
    }
    return true;
}
