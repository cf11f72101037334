/* SPDX-License-Identifier: MIT */
/* Uploaded blobs without a manifest. */
#include "pins.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_BYTES 32

struct pin {
    unsigned char hash[HASH_BYTES];
    int64_t added_ms;
};

struct repository {
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    struct pin *pins;
    size_t count;
    size_t size;
};

struct pins {
    struct repository **repositories;
    size_t count;
    size_t size;
    size_t total;
};

int pins_create(struct pins **ret_pins) {
    *ret_pins = calloc(1, sizeof **ret_pins);
    return *ret_pins != NULL ? 0 : -ENOMEM;
}

static void remove_repository(struct pins *pins, size_t i) {
    struct repository *repository = pins->repositories[i];
    pins->total -= repository->count;
    free(repository->pins);
    free(repository);
    pins->repositories[i] = pins->repositories[--pins->count];
}

void pins_destroy(struct pins *pins) {
    if (pins == NULL) {
        return;
    }
    while (pins->count > 0) {
        remove_repository(pins, pins->count - 1);
    }
    free(pins->repositories);
    free(pins);
}

static void parse(struct virga_str digest, unsigned char ret_hash[HASH_BYTES]) {
    for (size_t i = 0; i < HASH_BYTES; i++) {
        unsigned int value = 0;
        for (size_t j = 0; j < 2; j++) {
            char c = digest.ptr[7 + 2 * i + j];
            value = value * 16 + (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        ret_hash[i] = (unsigned char)value;
    }
}

static size_t find(const struct pins *pins, const struct tenant *tenant, struct virga_str name) {
    size_t i = 0;
    while (i < pins->count) {
        const struct repository *at = pins->repositories[i];
        if (virga_str_equal(virga_str_from(at->name), name) &&
            strcmp(at->tenant.account, tenant->account) == 0 &&
            strcmp(at->tenant.region, tenant->region) == 0) {
            break;
        }
        i++;
    }
    return i;
}

static void expire(struct pins *pins, struct repository *repository, int64_t now_ms) {
    size_t kept = 0;
    for (size_t i = 0; i < repository->count; i++) {
        if (now_ms - repository->pins[i].added_ms < PINS_AGE_MS) {
            repository->pins[kept++] = repository->pins[i];
        }
    }
    pins->total -= repository->count - kept;
    repository->count = kept;
}

static int add_repository(struct pins *pins, const struct tenant *tenant, struct virga_str name) {
    if (pins->count == pins->size) {
        size_t size = pins->size > 0 ? pins->size * 2 : 16;
        struct repository **grown = realloc(pins->repositories, size * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        pins->repositories = grown;
        pins->size = size;
    }
    struct repository *repository = calloc(1, sizeof *repository);
    if (repository == NULL) {
        return -ENOMEM;
    }
    repository->tenant = *tenant;
    memcpy(repository->name, name.ptr, name.len);
    pins->repositories[pins->count++] = repository;
    return 0;
}

int pins_add(struct pins *pins, const struct tenant *tenant, struct virga_str name,
             struct virga_str digest, int64_t now_ms) {
    if (pins->total >= PINS_MAX) {
        for (size_t i = pins->count; i > 0; i--) {
            expire(pins, pins->repositories[i - 1], now_ms);
            if (pins->repositories[i - 1]->count == 0) {
                remove_repository(pins, i - 1);
            }
        }
        if (pins->total >= PINS_MAX) {
            return -ENOSPC;
        }
    }
    pins_drop(pins, tenant, name, digest);
    size_t i = find(pins, tenant, name);
    int result = i < pins->count ? 0 : add_repository(pins, tenant, name);
    if (result != 0) {
        return result;
    }
    struct repository *repository = pins->repositories[i];
    if (repository->count == repository->size) {
        size_t size = repository->size > 0 ? repository->size * 2 : 8;
        struct pin *grown = realloc(repository->pins, size * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        repository->pins = grown;
        repository->size = size;
    }
    struct pin *pin = &repository->pins[repository->count++];
    parse(digest, pin->hash);
    pin->added_ms = now_ms;
    pins->total++;
    return 0;
}

bool pins_has(const struct pins *pins, const struct tenant *tenant, struct virga_str name,
              struct virga_str digest) {
    size_t i = find(pins, tenant, name);
    unsigned char hash[HASH_BYTES];
    if (i == pins->count) {
        return false;
    }
    parse(digest, hash);
    for (size_t j = 0; j < pins->repositories[i]->count; j++) {
        if (memcmp(pins->repositories[i]->pins[j].hash, hash, sizeof hash) == 0) {
            return true;
        }
    }
    return false;
}

void pins_drop(struct pins *pins, const struct tenant *tenant, struct virga_str name,
               struct virga_str digest) {
    size_t i = find(pins, tenant, name);
    if (i == pins->count) {
        return;
    }
    struct repository *repository = pins->repositories[i];
    unsigned char hash[HASH_BYTES];
    parse(digest, hash);
    for (size_t k = 0; k < repository->count; k++) {
        if (memcmp(repository->pins[k].hash, hash, HASH_BYTES) == 0) {
            repository->pins[k] = repository->pins[--repository->count];
            pins->total--;
            break;
        }
    }
    if (repository->count == 0) {
        remove_repository(pins, i);
    }
}

void pins_drop_repository(struct pins *pins, const struct tenant *tenant, struct virga_str name) {
    size_t i = find(pins, tenant, name);
    if (i < pins->count) {
        remove_repository(pins, i);
    }
}

bool pins_next(struct pins *pins, size_t *position, int64_t now_ms, struct pins_batch *ret_batch) {
    while (*position < pins->count) {
        struct repository *repository = pins->repositories[*position];
        expire(pins, repository, now_ms);
        if (repository->count == 0) {
            remove_repository(pins, *position);
            continue;
        }
        ret_batch->tenant = repository->tenant;
        memcpy(ret_batch->name, repository->name, sizeof ret_batch->name);
        ret_batch->count = repository->count;
        (*position)++;
        return true;
    }
    return false;
}

void pins_digest(const struct pins *pins, size_t position, size_t i,
                 char ret_digest[ECR_DIGEST_LEN + 1]) {
    const struct pin *pin = &pins->repositories[position - 1]->pins[i];
    char *at = ret_digest;
    memcpy(at, "sha256:", 7);
    at += 7;
    for (size_t k = 0; k < HASH_BYTES; k++) {
        at += snprintf(at, 3, "%02x", pin->hash[k]);
    }
}
