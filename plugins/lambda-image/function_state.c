/* SPDX-License-Identifier: MIT */
/* States of versions. */
#include "function_state.h"

#include "function_document.h"
#include "images.h"
#include "pool.h"

#include <errno.h>
#include <stdlib.h>

/* One version whose image is being got. */
struct settling {
    struct lambda *lambda;
    struct function *function; /* as it was then */
    void (*on_done)(void *arg, struct function *function);
    void *arg;
};

static bool has(const struct function *function, const char *key, const char *value) {
    return strcmp(document_text(function->document, key), value) == 0;
}

bool function_state_pending(const struct function *function) {
    return has(function, "State", "Pending");
}

bool function_state_failed(const struct function *function) {
    return has(function, "State", "Failed");
}

bool function_state_changing(const struct function *function) {
    return function_state_pending(function) || has(function, "LastUpdateStatus", "InProgress");
}

/* Writes the end into a copy of the version's document. */
static int conclude(const struct function *function, const struct images_failure *failure,
                    struct json_object *document) {
    const char *reason = failure != NULL ? failure->reason : NULL;
    const char *code = failure != NULL ? failure->code : NULL;
    bool active = has(function, "State", "Active");
    int result = 0;
    if (failure == NULL) {
        result = document_set_state(document, "Active", NULL, NULL);
    } else if (!active) {
        result = document_set_state(document, "Failed", reason, code);
    }
    if (result == 0) {
        result =
            document_set_update(document, failure == NULL ? "Successful" : "Failed", reason, code);
    }
    /* Of a published version the id stays the same. Source: AWS-recorded answers. */
    if (result == 0 && strcmp(function->version, FUNCTIONS_LATEST) == 0) {
        result = document_revise(document);
    }
    return result;
}

/* Writes the end of a version that is still the one whose image was got. */
static int settle(struct lambda *lambda, const struct function *function,
                  const struct images_failure *failure) {
    struct json_object *document = NULL;
    int result = document_copy(function, &document);
    if (result != 0) {
        return result;
    }
    result = conclude(function, failure, document);
    if (result != 0) {
        json_object_put(document);
        return result;
    }
    return functions_put(lambda, &function->tenant, document, NULL);
}

static void on_image(void *arg, const struct images_failure *failure) {
    struct settling *settling = arg;
    struct lambda *lambda = settling->lambda;
    struct function *function = settling->function, *current = NULL;
    int result =
        functions_get(lambda, &function->tenant, function->name, function->version, &current);
    bool same = result == 0 && strcmp(current->revision, function->revision) == 0;
    bool stopping = failure != NULL && failure->error == -ECANCELED; /* left to the next start */
    bool open = same && (function_state_changing(current) || function_state_failed(current) ||
                         has(current, "LastUpdateStatus", "Failed"));
    if (open && !stopping) {
        if (failure != NULL) {
            LAMBDA_LOG(lambda, VIRGA_LOG_WARN, NULL, "The image of %s:%s cannot be had: %s: %s",
                       function->arn, function->version, failure->code, failure->reason);
        }
        result = settle(lambda, current, failure);
        if (result == 0) {
            function_unref(current);
            current = NULL;
            pool_retire(lambda->pool, &function->tenant, function->name);
            images_prune_soon(lambda);
            result = functions_get(lambda, &function->tenant, function->name, function->version,
                                   &current);
        }
    }
    if (result != 0 && result != -ENOENT) {
        LAMBDA_LOG(lambda, VIRGA_LOG_ERROR, NULL, "The state of %s:%s could not be written: %s",
                   function->arn, function->version, strerror(-result));
    }
    if (settling->on_done != NULL) {
        settling->on_done(settling->arg, current);
    }
    function_unref(current);
    function_unref(function);
    free(settling);
}

void function_state_lost(struct lambda *lambda, struct function *function,
                         const struct images_failure *failure) {
    struct json_object *document = NULL;
    if (failure->error == -EAGAIN || failure->error == -ECANCELED || function->stale ||
        !has(function, "State", "Active") || function_state_changing(function)) {
        return;
    }
    int result = document_copy(function, &document);
    if (result == 0) {
        result = document_set_state(document, "Failed", failure->reason, failure->code);
    }
    if (result == 0 && strcmp(function->version, FUNCTIONS_LATEST) == 0) {
        result = document_revise(document);
    }
    if (result == 0) {
        result = functions_put(lambda, &function->tenant, document, NULL);
    } else {
        json_object_put(document);
    }
    if (result != 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_ERROR, NULL, "The state of %s:%s could not be written: %s",
                   function->arn, function->version, strerror(-result));
    }
}

int function_state_retry(struct lambda *lambda, struct function *function,
                         void (*on_done)(void *arg, struct function *function), void *arg) {
    struct settling *settling = malloc(sizeof *settling);
    if (settling == NULL) {
        return -ENOMEM;
    }
    *settling = (struct settling){lambda, function_ref(function), on_done, arg};
    images_have(lambda, settling->function, on_image, settling);
    return 0;
}

void function_state_settle(struct lambda *lambda, struct function *function) {
    if (function_state_retry(lambda, function, NULL, NULL) != 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_ERROR, NULL, "The state of %s:%s cannot be settled: %s",
                   function->arn, function->version, strerror(ENOMEM));
    }
}

void function_state_recover(struct lambda *lambda, struct function *function) {
    if (function_state_failed(function) || has(function, "LastUpdateStatus", "Failed")) {
        function_state_settle(lambda, function);
    }
}

/* --- at start --- */

struct left {
    struct function **functions;
    size_t count;
    int error;
};

static bool on_left(void *arg, struct function *function) {
    struct left *left = arg;
    if (!function_state_changing(function)) {
        return true;
    }
    struct function **grown =
        realloc(left->functions, (left->count + 1) * sizeof left->functions[0]);
    if (grown == NULL) {
        left->error = -ENOMEM;
        return false;
    }
    left->functions = grown;
    left->functions[left->count++] = function_ref(function);
    return true;
}

int function_state_start(struct lambda *lambda) {
    struct left left = {0};
    int result = functions_each_all(lambda, on_left, &left);
    if (result == 0) {
        result = left.error;
    }
    for (size_t i = 0; i < left.count; i++) {
        if (result == 0) {
            function_state_settle(lambda, left.functions[i]);
        }
        function_unref(left.functions[i]);
    }
    free(left.functions);
    return result;
}
