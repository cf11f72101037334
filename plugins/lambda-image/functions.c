/* SPDX-License-Identifier: MIT */
/* Versions of functions in the store, and the cache of those in use. */
#include "functions_key.h"
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

#define SIDE_KINDS "apuetcvnrms"

#define CACHE_BUCKETS 512
#define CACHE_MAX 4096 /* functions; beyond it the cache is emptied */

struct cached {
    struct cached *next;
    struct function *function;
};

struct functions {
    struct cached *buckets[CACHE_BUCKETS];
    size_t count;
};

int functions_create(struct lambda *lambda, struct functions **ret_functions) {
    (void)lambda;
    *ret_functions = calloc(1, sizeof **ret_functions);
    return *ret_functions != NULL ? 0 : -ENOMEM;
}

/* --- the cache --- */

static struct cached **bucket_of(struct functions *functions, const struct tenant *tenant,
                                 const char *name, const char *version) {
    const char *parts[] = {tenant->account, tenant->region, name, version};
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *at = parts[i];; at++) {
            hash = (hash ^ (unsigned char)*at) * 16777619u;
            if (*at == '\0') {
                break;
            }
        }
    }
    return &functions->buckets[hash % CACHE_BUCKETS];
}

static bool is_function(const struct function *function, const struct tenant *tenant,
                        const char *name, const char *version) {
    return strcmp(function->name, name) == 0 && strcmp(function->version, version) == 0 &&
           strcmp(function->tenant.account, tenant->account) == 0 &&
           strcmp(function->tenant.region, tenant->region) == 0;
}

/* Where the version is linked in; *it is NULL when it is not. */
static struct cached **find(struct functions *functions, const struct tenant *tenant,
                            const char *name, const char *version) {
    struct cached **at = bucket_of(functions, tenant, name, version);
    while (*at != NULL && !is_function((*at)->function, tenant, name, version)) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct functions *functions, struct cached **at) {
    struct cached *cached = *at;
    *at = cached->next;
    function_unref(cached->function);
    free(cached);
    functions->count--;
}

static void drop_all(struct functions *functions) {
    for (size_t i = 0; i < CACHE_BUCKETS; i++) {
        while (functions->buckets[i] != NULL) {
            drop(functions, &functions->buckets[i]);
        }
    }
}

/* Whoever still has the version is told that it has been replaced. */
static void forget(struct functions *functions, const struct tenant *tenant, const char *name,
                   const char *version) {
    struct cached **at = find(functions, tenant, name, version);
    if (*at != NULL) {
        (*at)->function->stale = true;
        drop(functions, at);
    }
}

/* Without memory it is not kept. One that is not kept cannot be told that it is stale, so nothing
 * is thrown out that somebody still has. */
static void keep(struct functions *functions, struct function *function) {
    struct cached **at = bucket_of(functions, &function->tenant, function->name, function->version);
    if (functions->count >= CACHE_MAX) {
        for (size_t i = 0; i < CACHE_BUCKETS; i++) {
            for (struct cached **one = &functions->buckets[i]; *one != NULL;) {
                if ((*one)->function->refs == 1) {
                    drop(functions, one);
                } else {
                    one = &(*one)->next;
                }
            }
        }
    }
    struct cached *cached = malloc(sizeof *cached);
    if (cached != NULL) {
        *cached = (struct cached){*at, function_ref(function)};
        *at = cached;
        functions->count++;
    }
}

void functions_destroy(struct functions *functions) {
    if (functions != NULL) {
        drop_all(functions);
        free(functions);
    }
}

/* --- functions --- */

int functions_get(struct lambda *lambda, const struct tenant *tenant, const char *name,
                  const char *version, struct function **ret_function) {
    struct cached *cached = *find(lambda->functions, tenant, name, version);
    struct json_object *document = NULL;
    struct function *function = NULL;
    struct key key;
    if (cached != NULL) {
        *ret_function = function_ref(cached->function);
        return 0;
    }
    key_version(&key, tenant, name, version);
    int result = key_get_json(lambda, &key, &document);
    if (result == 0) {
        result = function_make(tenant, document, &function);
    }
    if (result == 0) {
        keep(lambda->functions, function);
        *ret_function = function;
    }
    return result;
}

int functions_put(struct lambda *lambda, const struct tenant *tenant, struct json_object *document,
                  struct function **ret_function) {
    struct function *function = NULL;
    struct key key;
    int result = function_make(tenant, document, &function);
    if (result != 0) {
        return result;
    }
    key_version(&key, tenant, function->name, function->version);
    result = key_put_json(lambda, &key, document);
    if (result != 0) {
        function_unref(function);
        return result;
    }
    forget(lambda->functions, tenant, function->name, function->version);
    keep(lambda->functions, function);
    if (ret_function != NULL) {
        *ret_function = function_ref(function);
    }
    function_unref(function);
    return 0;
}

int functions_delete_version(struct lambda *lambda, const struct tenant *tenant, const char *name,
                             const char *version) {
    struct key key;
    key_version(&key, tenant, name, version);
    int result = lambda->store->del(lambda->host, key_str(&key));
    if (result == 0) {
        forget(lambda->functions, tenant, name, version);
    }
    return result;
}

/* Marks every cached version of a function as replaced. */
static void forget_all(struct functions *functions, const struct tenant *tenant, const char *name) {
    for (size_t i = 0; i < CACHE_BUCKETS; i++) {
        for (struct cached **at = &functions->buckets[i]; *at != NULL;) {
            struct function *function = (*at)->function;
            if (is_function(function, tenant, name, function->version)) {
                function->stale = true;
                drop(functions, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

/* Within a transaction. */
static int delete_rows(struct lambda *lambda, const struct tenant *tenant, const char *name) {
    static const char tables[] = {TABLE_LATEST, TABLE_VERSION};
    struct key key;
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof tables; i++) {
        key_make(&key, tables[i], tenant, name, "");
        result = lambda->store->del_prefix(lambda->host, key_str(&key), NULL);
    }
    for (const char *kind = SIDE_KINDS; result == 0 && *kind != '\0'; kind++) {
        key_make(&key, *kind, tenant, name, "");
        result = lambda->store->del_prefix(lambda->host, key_str(&key), NULL);
    }
    return result;
}

int functions_begin(struct lambda *lambda) {
    return lambda->store->begin(lambda->host);
}

int functions_end(struct lambda *lambda, const struct tenant *tenant, const char *name,
                  int result) {
    if (result == 0) {
        result = lambda->store->commit(lambda->host);
    } else {
        lambda->store->rollback(lambda->host);
    }
    if (result != 0) {
        forget_all(lambda->functions, tenant, name); /* it may hold what was not kept */
    }
    return result;
}

int functions_delete(struct lambda *lambda, const struct tenant *tenant, const char *name) {
    struct function *latest = NULL;
    int result = functions_get(lambda, tenant, name, FUNCTIONS_LATEST, &latest);
    if (result != 0) {
        return result;
    }
    function_unref(latest);
    result = lambda->store->begin(lambda->host);
    if (result != 0) {
        return result;
    }
    side_function_deleted(lambda, tenant, name);
    result = delete_rows(lambda, tenant, name);
    if (result == 0) {
        result = lambda->store->commit(lambda->host);
    } else {
        lambda->store->rollback(lambda->host);
    }
    if (result == 0) {
        forget_all(lambda->functions, tenant, name);
    }
    return result;
}

static bool is_version(const char *qualifier) {
    return strcmp(qualifier, FUNCTIONS_LATEST) == 0 ||
           (qualifier[0] != '\0' && strspn(qualifier, "0123456789") == strlen(qualifier));
}

/* The version that an alias points to; `dice` decides about the additional ones. */
static const char *alias_version(struct json_object *alias, double dice) {
    struct json_object *weights = virga_awsjson_member(virga_awsjson_member(alias, "RoutingConfig"),
                                                       "AdditionalVersionWeights");
    if (json_object_is_type(weights, json_type_object)) {
        double sum = 0;
        json_object_object_foreach(weights, version, weight) {
            sum += json_object_get_double(weight);
            if (dice < sum) {
                return version;
            }
        }
    }
    struct virga_str version = virga_awsjson_str(alias, "FunctionVersion");
    return version.ptr != NULL ? version.ptr : "";
}

int functions_resolve(struct lambda *lambda, const struct tenant *tenant, const char *name,
                      const char *qualifier, double dice, struct function **ret_function) {
    struct json_object *alias = NULL;
    if (qualifier == NULL || qualifier[0] == '\0') {
        qualifier = FUNCTIONS_LATEST;
    }
    if (is_version(qualifier)) {
        return functions_get(lambda, tenant, name, qualifier, ret_function);
    }
    int result = side_get(lambda, SIDE_ALIAS, tenant, name, qualifier, &alias);
    if (result == 0) {
        result = functions_get(lambda, tenant, name, alias_version(alias, dice), ret_function);
        json_object_put(alias);
    }
    return result;
}

/* Walks a prefix of a table of functions. */
static int walk(struct lambda *lambda, struct virga_str prefix, struct virga_str after,
                bool (*on_function)(void *arg, struct function *function), void *arg) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    bool more = true;
    int result = lambda->store->scan(lambda->host, prefix, after, 0, &cursor);
    while (result == 0 && more && (result = lambda->store->next(cursor, &key, &value)) == 1) {
        struct json_object *document = NULL;
        struct function *function = NULL;
        struct tenant tenant = {0};
        key.ptr++;
        key.len--;
        (void)snprintf(tenant.account, sizeof tenant.account, "%s", key_take_part(&key));
        (void)snprintf(tenant.region, sizeof tenant.region, "%s", key_take_part(&key));
        result = virga_awsjson_parse(value, &document);
        if (result == 0) {
            result = function_make(&tenant, document, &function);
        }
        if (result == 0) {
            more = on_function(arg, function);
            function_unref(function);
        }
    }
    lambda->store->close(cursor);
    return result < 0 ? result : 0;
}

/* $LATEST of one function comes out of the other table. */
static int each_version(struct lambda *lambda, const struct tenant *tenant, const char *name,
                        const char *after,
                        bool (*on_function)(void *arg, struct function *function), void *arg) {
    struct key prefix, behind;
    if (after == NULL) {
        struct function *latest = NULL;
        int result = functions_get(lambda, tenant, name, FUNCTIONS_LATEST, &latest);
        if (result != 0) {
            return result == -ENOENT ? 0 : result;
        }
        bool more = on_function(arg, latest);
        function_unref(latest);
        if (!more) {
            return 0;
        }
    }
    key_make(&prefix, TABLE_VERSION, tenant, name, "");
    bool numbered = after != NULL && strcmp(after, FUNCTIONS_LATEST) != 0;
    if (numbered) {
        key_version(&behind, tenant, name, after);
    }
    return walk(lambda, key_str(&prefix), numbered ? key_str(&behind) : (struct virga_str){NULL, 0},
                on_function, arg);
}

int functions_each(struct lambda *lambda, const struct tenant *tenant, const char *name,
                   const char *after, bool (*on_function)(void *arg, struct function *function),
                   void *arg) {
    struct key prefix, behind;
    if (name != NULL) {
        return each_version(lambda, tenant, name, after, on_function, arg);
    }
    key_start(&prefix, TABLE_LATEST, tenant);
    if (after != NULL) {
        key_make(&behind, TABLE_LATEST, tenant, after, "");
    }
    return walk(lambda, key_str(&prefix),
                after != NULL ? key_str(&behind) : (struct virga_str){NULL, 0}, on_function, arg);
}

struct walk_all {
    bool (*on_function)(void *arg, struct function *function);
    void *arg;
    bool ended;
};

static bool pass_on(void *arg, struct function *function) {
    struct walk_all *all = arg;
    all->ended = !all->on_function(all->arg, function);
    return !all->ended;
}

int functions_each_all(struct lambda *lambda,
                       bool (*on_function)(void *arg, struct function *function), void *arg) {
    static const char tables[] = {TABLE_LATEST, TABLE_VERSION};
    struct walk_all all = {on_function, arg, false};
    int result = 0;
    for (size_t i = 0; result == 0 && !all.ended && i < sizeof tables; i++) {
        result = walk(lambda, (struct virga_str){&tables[i], 1}, (struct virga_str){NULL, 0},
                      pass_on, &all);
    }
    return result;
}
