/* SPDX-License-Identifier: MIT */
/* Sums and checks over the side resources of functions. */
#include "side.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

/* Most accounts must leave 100; new ones, whose limit is 10, must leave all of it. Source:
 * AWS-recorded messages of PutFunctionConcurrency. */
#define UNRESERVED_MIN 100
#define UNRESERVED_MIN_SMALL 10
#define ACCOUNT_SMALL 1000

struct walk {
    struct lambda *lambda;
    const struct tenant *tenant;
    const char *except;
    int64_t sum;
    int result;
};

static bool forget_url(void *arg, const char *name, const char *id, struct json_object *json) {
    struct walk *walk = arg;
    char fact[64];
    (void)snprintf(fact, sizeof fact, "url/%.40s", virga_awsjson_str(json, "UrlId").ptr);
    int result = fact_delete(walk->lambda, fact);
    if (result != 0 && result != -ENOENT) {
        LAMBDA_LOG(walk->lambda, VIRGA_LOG_ERROR, NULL, "The URL of %s %s could not be removed: %s",
                   name, id, strerror(-result));
    }
    return true;
}

void side_function_deleted(struct lambda *lambda, const struct tenant *tenant, const char *name) {
    struct walk walk = {.lambda = lambda, .tenant = tenant};
    int result = side_each(lambda, SIDE_URL, tenant, name, NULL, forget_url, &walk);
    if (result != 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_ERROR, NULL, "The URLs of %s could not be removed: %s", name,
                   strerror(-result));
    }
}

int side_qualifier_deleted(struct lambda *lambda, const struct tenant *tenant, const char *name,
                           const char *qualifier) {
    static const enum side_kind kinds[] = {SIDE_POLICY, SIDE_EVENT_CONFIG, SIDE_PROVISIONED,
                                           SIDE_RUNTIME, SIDE_SCALING};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int result = side_delete(lambda, kinds[i], tenant, name, qualifier);
        if (result != 0 && result != -ENOENT) {
            return result;
        }
    }
    return 0;
}

static size_t count_characters(struct virga_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

/* The texts about lengths are not AWS's, which are not known. */
const char *side_tags_fault(struct json_object *tags, size_t count) {
    if (count + (size_t)json_object_object_length(tags) > SIDE_TAGS_MAX) {
        return "Number of tags exceeds resource tag limit.";
    }
    json_object_object_foreach(tags, key, value) {
        if (key[0] == '\0' || count_characters(virga_str_from(key)) > SIDE_TAG_KEY_MAX) {
            return "Tag keys must have 1 to 128 characters.";
        }
        if (count_characters(virga_awsjson_text(value)) > SIDE_TAG_VALUE_MAX) {
            return "Tag values must have at most 256 characters.";
        }
    }
    return NULL;
}

static bool add_reserved(void *arg, const char *name, const char *id, struct json_object *json) {
    struct walk *walk = arg;
    (void)id;
    if (walk->except == NULL || strcmp(walk->except, name) != 0) {
        walk->sum += virga_awsjson_int(json, "ReservedConcurrentExecutions", 0);
    }
    return true;
}

/* Provisioned environments of a function with reserved concurrency are a part of that. */
static bool add_provisioned(void *arg, const char *name, const char *id, struct json_object *json) {
    struct walk *walk = arg;
    struct json_object *reserved = NULL;
    (void)id;
    if (walk->except != NULL && strcmp(walk->except, name) == 0) {
        return true;
    }
    int result = side_get(walk->lambda, SIDE_CONCURRENCY, walk->tenant, name, "", &reserved);
    json_object_put(reserved);
    if (result == -ENOENT) {
        walk->sum += virga_awsjson_int(json, "ProvisionedConcurrentExecutions", 0);
        result = 0;
    }
    walk->result = result;
    return result == 0;
}

int side_unreserved(struct lambda *lambda, const struct tenant *tenant, const char *except,
                    int64_t *ret_count) {
    struct walk walk = {.lambda = lambda, .tenant = tenant, .except = except};
    int result = side_each(lambda, SIDE_CONCURRENCY, tenant, NULL, NULL, add_reserved, &walk);
    if (result == 0) {
        result = side_each(lambda, SIDE_PROVISIONED, tenant, NULL, NULL, add_provisioned, &walk);
    }
    if (result == 0) {
        result = walk.result;
    }
    if (result == 0) {
        *ret_count = lambda->concurrency_max - walk.sum;
    }
    return result;
}

int64_t side_unreserved_min(const struct lambda *lambda) {
    int64_t min = lambda->concurrency_max < ACCOUNT_SMALL ? UNRESERVED_MIN_SMALL : UNRESERVED_MIN;
    return lambda->concurrency_max < min ? lambda->concurrency_max : min;
}

static bool add_of_function(void *arg, const char *name, const char *id, struct json_object *json) {
    struct walk *walk = arg;
    (void)name;
    if (walk->except == NULL || strcmp(walk->except, id) != 0) {
        walk->sum += virga_awsjson_int(json, "ProvisionedConcurrentExecutions", 0);
    }
    return true;
}

int side_provisioned(struct lambda *lambda, const struct tenant *tenant, const char *name,
                     const char *except, int64_t *ret_count) {
    struct walk walk = {.lambda = lambda, .tenant = tenant, .except = except};
    int result = side_each(lambda, SIDE_PROVISIONED, tenant, name, NULL, add_of_function, &walk);
    if (result == 0) {
        *ret_count = walk.sum;
    }
    return result;
}
