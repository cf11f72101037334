/* SPDX-License-Identifier: MIT */
/* What is in the pool: accounts, functions, versions. Found by the version's address on the warm
 * way, by name where something changes. */
#include "pool_impl.h"

#include <stdlib.h>

uint64_t pool_now_ms(const struct pool *pool) {
    return pool->lambda->timer->monotonic_ns(pool->lambda->host) / 1000000;
}

static struct group **group_place(struct pool *pool, const struct function *function) {
    uintptr_t at = (uintptr_t)function;
    struct group **place = &pool->groups[((at >> 4) ^ (at >> 12)) % POOL_BUCKETS];
    while (*place != NULL && (*place)->function != function) {
        place = &(*place)->next;
    }
    return place;
}

static bool is_tenant(const struct tenant *a, const struct tenant *b) {
    return strcmp(a->account, b->account) == 0 && strcmp(a->region, b->region) == 0;
}

static struct owner **owner_place(struct pool *pool, const struct tenant *tenant,
                                  const char *name) {
    uint32_t hash = 2166136261u;
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    struct owner **place = &pool->owners[hash % POOL_BUCKETS];
    while (*place != NULL &&
           (strcmp((*place)->name, name) != 0 || !is_tenant(&(*place)->account->tenant, tenant))) {
        place = &(*place)->next;
    }
    return place;
}

struct owner *pool_find_owner(struct pool *pool, const struct tenant *tenant, const char *name) {
    return *owner_place(pool, tenant, name);
}

struct account *pool_find_account(struct pool *pool, const struct tenant *tenant) {
    struct account *account = pool->accounts;
    while (account != NULL && !is_tenant(&account->tenant, tenant)) {
        account = account->next;
    }
    return account;
}

static struct account *get_account(struct pool *pool, const struct tenant *tenant) {
    struct account *account = pool_find_account(pool, tenant);
    if (account == NULL && (account = calloc(1, sizeof *account)) != NULL) {
        account->tenant = *tenant;
        account->next = pool->accounts;
        pool->accounts = account;
    }
    return account;
}

static void release_account(struct pool *pool, struct account *account) {
    if (account->owners == 0) {
        struct account **place = &pool->accounts;
        while (*place != account) {
            place = &(*place)->next;
        }
        *place = account->next;
        free(account);
    }
}

static struct owner *make_owner(struct pool *pool, const struct tenant *tenant, const char *name) {
    struct account *account = get_account(pool, tenant);
    size_t len = strlen(name) + 1;
    struct owner *owner = account != NULL ? calloc(1, sizeof *owner + len) : NULL;
    if (owner == NULL) {
        if (account != NULL) {
            release_account(pool, account);
        }
        return NULL;
    }
    struct owner **place = owner_place(pool, tenant, name);
    memcpy(owner->name, name, len);
    owner->account = account;
    owner->reserved = -1;
    owner->next = *place;
    *place = owner;
    account->owners++;
    return owner;
}

static void free_provisions(struct owner *owner) {
    while (owner->provisions != NULL) {
        struct provision *next = owner->provisions->next;
        free(owner->provisions);
        owner->provisions = next;
    }
}

static void release_owner(struct pool *pool, struct owner *owner) {
    if (owner->groups == NULL) {
        struct account *account = owner->account;
        struct owner **place = owner_place(pool, &account->tenant, owner->name);
        *place = owner->next;
        free_provisions(owner);
        free(owner);
        account->owners--;
        release_account(pool, account);
    }
}

static struct group *make_group(struct pool *pool, struct owner *owner, struct function *function) {
    struct group *group = calloc(1, sizeof *group);
    if (group != NULL) {
        struct group **place = group_place(pool, function);
        group->pool = pool;
        group->owner = owner;
        group->function = function_ref(function);
        ring_init(&group->idle);
        ring_init(&group->hungry);
        group->next_of_owner = owner->groups;
        owner->groups = group;
        group->next = *place;
        *place = group;
    }
    return group;
}

struct group *pool_group(struct pool *pool, struct function *function) {
    struct group *group = *group_place(pool, function);
    if (group != NULL) {
        return group;
    }
    struct owner *owner = pool_find_owner(pool, &function->tenant, function->name);
    bool is_new = owner == NULL;
    if (is_new) {
        owner = make_owner(pool, &function->tenant, function->name);
    }
    if (owner == NULL) {
        return NULL;
    }
    group = make_group(pool, owner, function);
    if (group == NULL) {
        release_owner(pool, owner);
    } else if (is_new) {
        group->pins++;
        limit_read(pool, owner);
        group->pins--;
    }
    return group;
}

static void free_group(struct group *group) {
    struct pool *pool = group->pool;
    struct group **place = group_place(pool, group->function);
    *place = group->next;
    place = &group->owner->groups;
    while (*place != group) {
        place = &(*place)->next_of_owner;
    }
    *place = group->next_of_owner;
    ring_remove(&group->hungry);
    pool->lambda->timer->stop(group->patience);
    pool->lambda->timer->stop(group->retry);
    function_unref(group->function);
    free(group);
}

void pool_group_release(struct group *group) {
    struct owner *owner = group->owner;
    struct pool *pool = group->pool;
    if (group->runners == 0 && group->waiting == 0 && group->provisioned == 0 && group->pins == 0 &&
        group->stage != GROUP_PREPARING) {
        free_group(group);
        release_owner(pool, owner);
    }
}

void pool_free_all(struct pool *pool) {
    while (!ring_is_empty(&pool->runners)) {
        struct runner *runner = RING_ENTRY(pool->runners.next, struct runner, all);
        ring_remove(&runner->all);
        free(runner);
    }
    for (size_t i = 0; i < POOL_BUCKETS; i++) {
        while (pool->groups[i] != NULL) {
            struct owner *owner = pool->groups[i]->owner;
            free_group(pool->groups[i]);
            release_owner(pool, owner);
        }
    }
}
