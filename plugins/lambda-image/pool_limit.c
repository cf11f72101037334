/* SPDX-License-Identifier: MIT */
/* How many invocations may run: reserved, provisioned and unreserved concurrency, as the store has
 * them, kept in memory. Source: the developer guide, "Understanding Lambda function scaling". */
#include "functions.h"
#include "pool_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

const char *limit_reason(const struct pool *pool, const struct owner *owner) {
    const struct account *account = owner->account;
    if (owner->reserved >= 0) {
        return owner->busy >= owner->reserved ? "ReservedFunctionConcurrentInvocationLimitExceeded"
                                              : NULL;
    }
    return owner->busy >= owner->provisioned &&
                   account->spill + account->claimed >= pool->lambda->concurrency_max
               ? "ConcurrentInvocationLimitExceeded"
               : NULL;
}

/* How many of its invocations nothing is reserved for. */
static int64_t spill_of(const struct owner *owner) {
    return owner->reserved < 0 && owner->busy > owner->provisioned
               ? owner->busy - owner->provisioned
               : 0;
}

void limit_take(struct owner *owner) {
    owner->account->spill -= spill_of(owner);
    owner->busy++;
    owner->account->spill += spill_of(owner);
}

void limit_give(struct owner *owner) {
    owner->account->spill -= spill_of(owner);
    owner->busy--;
    owner->account->spill += spill_of(owner);
}

static void complain(struct pool *pool, const char *name, int error) {
    if (error != 0) {
        LAMBDA_LOG(pool->lambda, VIRGA_LOG_ERROR, NULL, "concurrency of %s cannot be read: %s",
                   name, strerror(-error));
    }
}

static int64_t wanted_of(struct json_object *json) {
    return virga_awsjson_int(json, "ProvisionedConcurrentExecutions", 0);
}

/* Reserved concurrency of a function; -1: none. */
static int read_reserved(struct pool *pool, const struct tenant *tenant, const char *name,
                         int64_t *ret_reserved) {
    struct json_object *json = NULL;
    int result = side_get(pool->lambda, SIDE_CONCURRENCY, tenant, name, "", &json);
    *ret_reserved = result == 0 ? virga_awsjson_int(json, "ReservedConcurrentExecutions", -1) : -1;
    json_object_put(json);
    return result == -ENOENT ? 0 : result;
}

struct claims {
    struct pool *pool;
    const struct tenant *tenant;
    int64_t sum;
};

static bool add_reserved(void *arg, const char *name, const char *id, struct json_object *json) {
    struct claims *claims = arg;
    (void)name;
    (void)id;
    claims->sum += virga_awsjson_int(json, "ReservedConcurrentExecutions", 0);
    return true;
}

/* Provisioned concurrency is a part of reserved concurrency, where there is some. */
static bool add_provisioned(void *arg, const char *name, const char *id, struct json_object *json) {
    struct claims *claims = arg;
    int64_t reserved = -1;
    (void)id;
    if (read_reserved(claims->pool, claims->tenant, name, &reserved) == 0 && reserved < 0) {
        claims->sum += wanted_of(json);
    }
    return true;
}

void limit_read_account(struct pool *pool, struct account *account) {
    struct claims claims = {pool, &account->tenant, 0};
    int result = side_each(pool->lambda, SIDE_CONCURRENCY, &account->tenant, NULL, NULL,
                           add_reserved, &claims);
    if (result == 0) {
        result = side_each(pool->lambda, SIDE_PROVISIONED, &account->tenant, NULL, NULL,
                           add_provisioned, &claims);
    }
    complain(pool, account->tenant.account, result);
    account->claimed = claims.sum;
}

static bool add_provision(void *arg, const char *name, const char *id, struct json_object *json) {
    struct owner *owner = arg;
    size_t len = strlen(id) + 1;
    int64_t wanted = wanted_of(json);
    struct provision *provision = wanted > 0 ? calloc(1, sizeof *provision + len) : NULL;
    (void)name;
    if (provision != NULL) {
        provision->wanted = wanted;
        memcpy(provision->qualifier, id, len);
        provision->next = owner->provisions;
        owner->provisions = provision;
    }
    return true;
}

/* Has each provision point to the group of the version that it means now. */
static void place_provisions(struct pool *pool, struct owner *owner) {
    for (struct provision *one = owner->provisions; one != NULL; one = one->next) {
        struct function *function = NULL;
        int result = functions_resolve(pool->lambda, &owner->account->tenant, owner->name,
                                       one->qualifier, 1.0, &function);
        if (result != 0) {
            complain(pool, owner->name, result == -ENOENT ? 0 : result);
            continue;
        }
        one->group = pool_group(pool, function);
        function_unref(function);
        if (one->group != NULL) {
            one->group->provisioned += one->wanted;
            owner->provisioned += one->wanted;
        }
    }
}

static void forget_provisions(struct owner *owner) {
    while (owner->provisions != NULL) {
        struct provision *next = owner->provisions->next;
        free(owner->provisions);
        owner->provisions = next;
    }
    owner->provisioned = 0;
    for (struct group *group = owner->groups; group != NULL; group = group->next_of_owner) {
        group->provisioned = 0;
    }
}

void limit_read(struct pool *pool, struct owner *owner) {
    struct account *account = owner->account;
    account->spill -= spill_of(owner);
    complain(pool, owner->name,
             read_reserved(pool, &account->tenant, owner->name, &owner->reserved));
    forget_provisions(owner);
    complain(pool, owner->name,
             side_each(pool->lambda, SIDE_PROVISIONED, &account->tenant, owner->name, NULL,
                       add_provision, owner));
    place_provisions(pool, owner);
    account->spill += spill_of(owner);
    limit_read_account(pool, account);
    for (struct group *group = owner->groups; group != NULL; group = group->next_of_owner) {
        group_feed(group);
    }
}

/* Tenants that have functions, each once. */
struct tenants {
    struct tenant *list;
    size_t count, size;
};

static bool add_tenant(void *arg, struct function *function) {
    struct tenants *tenants = arg;
    for (size_t i = 0; i < tenants->count; i++) {
        if (strcmp(tenants->list[i].account, function->tenant.account) == 0 &&
            strcmp(tenants->list[i].region, function->tenant.region) == 0) {
            return true;
        }
    }
    if (tenants->count == tenants->size) {
        size_t size = tenants->size * 2 + 8;
        struct tenant *list = realloc(tenants->list, size * sizeof *list);
        if (list == NULL) {
            return false;
        }
        tenants->list = list;
        tenants->size = size;
    }
    tenants->list[tenants->count++] = function->tenant;
    return true;
}

struct names {
    struct pool *pool;
    const struct tenant *tenant;
};

static bool adjust_each(void *arg, const char *name, const char *id, struct json_object *json) {
    struct names *names = arg;
    (void)id;
    (void)json;
    pool_adjust(names->pool, names->tenant, name);
    return true;
}

void limit_read_all(struct pool *pool) {
    struct tenants tenants = {0};
    complain(pool, "functions", functions_each_all(pool->lambda, add_tenant, &tenants));
    for (size_t i = 0; i < tenants.count; i++) {
        struct names names = {pool, &tenants.list[i]};
        complain(pool, "functions",
                 side_each(pool->lambda, SIDE_PROVISIONED, names.tenant, NULL, NULL, adjust_each,
                           &names));
    }
    free(tenants.list);
}
