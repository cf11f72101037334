/* SPDX-License-Identifier: MIT */
/* AWS IAM: the descriptor, and the way of a request to its action. */
#include "actions.h"
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* In the store, outside of any account: the secret of page tokens, so that they outlive a restart.
 */
#define PAGE_KEY "k"

/* Reads the secret of page tokens, or makes it. */
static int load_page_key(struct iam *iam) {
    struct virga_str key = virga_str_from(PAGE_KEY);
    struct virga_store_value value;
    int result = iam->store->get(iam->host, key, &value);
    if (result == 0) {
        result = value.len == sizeof iam->page_key ? 0 : -EIO;
        if (result == 0) {
            memcpy(&iam->page_key, value.ptr, sizeof iam->page_key);
        }
        iam->store->release(iam->host, &value);
        return result;
    }
    if (result != -ENOENT) {
        return result;
    }
    if (getrandom(&iam->page_key, sizeof iam->page_key, 0) != (ssize_t)sizeof iam->page_key) {
        return -EIO;
    }
    return iam->store->put(iam->host, key,
                           (struct virga_str){(const char *)&iam->page_key, sizeof iam->page_key});
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct iam *iam = calloc(1, sizeof *iam);
    if (iam == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    iam->host = host;
    iam->log = host->get_interface(host, VIRGA_LOG_ID);
    iam->store = host->get_interface(host, VIRGA_STORE_ID);
    iam->timer = host->get_interface(host, VIRGA_TIMER_ID);
    int result = load_page_key(iam);
    if (result != 0) {
        virga_error_set(err, "cannot read or write its store: %s", strerror(-result));
        free(iam);
        return result;
    }
    *ret_self = iam;
    return 0;
}

static void destroy(void *self) {
    free(self);
}

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_QUERY, .pattern = IAM_VERSION, .service = "iam"},
};

static const char *const needs[] = {VIRGA_LOG_ID, VIRGA_STORE_ID, VIRGA_TIMER_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "iam",
    .version = "0.1.0",   .summary = "AWS IAM: roles, users, groups and policies, kept and listed",
    VIRGA_ROUTES(routes), .needs = needs,
    .start = start,       .handle = actions_handle,
    .destroy = destroy,
};
