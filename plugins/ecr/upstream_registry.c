/* SPDX-License-Identifier: MIT */
/* Names of upstream registries. */
#include "upstream_registry.h"

#include "tenant.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

static const struct upstream_registry registries[] = {
    {.name = "ecr", .host = "*.amazonaws.com", .is_ecr = true},
    {.name = "ecr", .host = "*.amazonaws.com.cn", .is_ecr = true},
    {.name = "ecr-public", .host = "public.ecr.aws"},
    {.name = "quay", .host = "quay.io"},
    {.name = "k8s", .host = "registry.k8s.io"},
    {.name = "docker-hub", .host = "registry-1.docker.io", .needs_secret = true},
    {.name = "github-container-registry", .host = "ghcr.io", .needs_secret = true},
    {.name = "azure-container-registry", .host = "*.azurecr.io", .needs_secret = true},
    {.name = "gitlab-container-registry", .host = "registry.gitlab.com", .needs_secret = true},
    {.name = "chainguard", .host = "cgr.dev", .needs_secret = true},
};

static bool begins(struct virga_str text, const char *with) {
    size_t len = strlen(with);
    return text.len >= len && strncasecmp(text.ptr, with, len) == 0;
}

static struct virga_str without(struct virga_str text, size_t front, size_t back) {
    return (struct virga_str){text.ptr + front, text.len - front - back};
}

static bool is_label(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum((unsigned char)text.ptr[i]) && text.ptr[i] != '-') {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_host(const struct upstream_registry *registry, struct virga_str host) {
    struct tenant tenant;
    if (registry->host[0] != '*') {
        return virga_str_equal(host, virga_str_from(registry->host));
    }
    size_t len = strlen(registry->host + 1);
    if (host.len <= len || memcmp(host.ptr + host.len - len, registry->host + 1, len) != 0) {
        return false;
    }
    if (!registry->is_ecr) {
        return is_label(without(host, 0, len));
    }
    /* "<account>.dkr.ecr.<region>" and the domain, nothing between them. */
    struct virga_str front = without(host, 0, len);
    size_t dots = 0;
    for (size_t i = 0; i < front.len; i++) {
        dots += front.ptr[i] == '.';
    }
    return dots == 3 && tenant_from_host(host, &tenant) == 1;
}

const struct upstream_registry *upstream_registry_find(struct virga_str url,
                                                       char ret_host[UPSTREAM_HOST_MAX + 1]) {
    if (begins(url, "https://")) {
        url = without(url, strlen("https://"), 0);
    }
    if (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    if (url.len == 0 || url.len > UPSTREAM_HOST_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < url.len; i++) {
        ret_host[i] = (char)tolower((unsigned char)url.ptr[i]);
    }
    ret_host[url.len] = '\0';
    for (size_t i = 0; i < sizeof registries / sizeof registries[0]; i++) {
        if (is_host(&registries[i], (struct virga_str){ret_host, url.len})) {
            return &registries[i];
        }
    }
    return NULL;
}

/* --- overrides --- */

static struct virga_str trimmed(struct virga_str text) {
    while (text.len > 0 && text.ptr[0] == ' ') {
        text = without(text, 1, 0);
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* Takes the next item off the list; false at its end. */
static bool next_item(struct virga_str *text, struct virga_str *ret_item) {
    if (text->len == 0) {
        return false;
    }
    const char *comma = memchr(text->ptr, ',', text->len);
    size_t len = comma != NULL ? (size_t)(comma - text->ptr) : text->len;
    *ret_item = trimmed((struct virga_str){text->ptr, len});
    *text = without(*text, comma != NULL ? len + 1 : len, 0);
    return true;
}

static bool split_item(struct virga_str item, struct virga_str *ret_host,
                       struct virga_str *ret_url) {
    const char *equals = item.len > 0 ? memchr(item.ptr, '=', item.len) : NULL;
    if (equals == NULL || equals == item.ptr) {
        return false;
    }
    *ret_host = trimmed((struct virga_str){item.ptr, (size_t)(equals - item.ptr)});
    *ret_url = trimmed(without(item, (size_t)(equals - item.ptr) + 1, 0));
    while (ret_url->len > 0 && ret_url->ptr[ret_url->len - 1] == '/') {
        ret_url->len--;
    }
    return true;
}

bool upstream_overrides_check(struct virga_str text, struct virga_error *err) {
    struct virga_str item, host, url;
    char origin[UPSTREAM_URL_MAX + 1];
    while (next_item(&text, &item)) {
        if (!split_item(item, &host, &url) || host.len == 0 || url.len > UPSTREAM_URL_MAX ||
            !upstream_origin(url, origin)) {
            virga_error_set(err,
                            "upstream-overrides: '%.*s' is not of the form "
                            "<host>=http(s)://<host>[:<port>]",
                            (int)(item.len < 200 ? item.len : 200), item.ptr);
            return false;
        }
    }
    return true;
}

bool upstream_override_find(struct virga_str text, const char *host,
                            char ret_url[UPSTREAM_URL_MAX + 1]) {
    struct virga_str item, name, url;
    while (next_item(&text, &item)) {
        if (split_item(item, &name, &url) && name.len == strlen(host) &&
            strncasecmp(name.ptr, host, name.len) == 0 && url.len <= UPSTREAM_URL_MAX) {
            memcpy(ret_url, url.ptr, url.len);
            ret_url[url.len] = '\0';
            return true;
        }
    }
    return false;
}

/* --- URLs --- */

bool upstream_origin(struct virga_str url, char ret_origin[UPSTREAM_URL_MAX + 1]) {
    size_t scheme = begins(url, "https://") ? 8 : begins(url, "http://") ? 7 : 0;
    size_t len = scheme;
    while (len < url.len && strchr("/?#", url.ptr[len]) == NULL) {
        unsigned char c = (unsigned char)url.ptr[len];
        /* No user, no blanks: the host alone, or an address in brackets. */
        if (!isalnum(c) && strchr("-._:[]", c) == NULL) {
            return false;
        }
        len++;
    }
    if (scheme == 0 || len == scheme || len > UPSTREAM_URL_MAX) {
        return false;
    }
    memcpy(ret_origin, url.ptr, len);
    ret_origin[len] = '\0';
    return true;
}

int upstream_redirect(const char *url, struct virga_str location, char *buffer, size_t size) {
    char origin[UPSTREAM_URL_MAX + 1], target[UPSTREAM_URL_MAX + 1];
    if (!upstream_origin(virga_str_from(url), origin)) {
        return -EINVAL;
    }
    bool relative =
        location.len > 0 && location.ptr[0] == '/' && !(location.len > 1 && location.ptr[1] == '/');
    if (!relative && !upstream_origin(location, target)) {
        return -EINVAL;
    }
    if (!relative && begins(virga_str_from(origin), "https://") &&
        !begins(virga_str_from(target), "https://")) {
        return -EINVAL;
    }
    int len =
        snprintf(buffer, size, "%s%.*s", relative ? origin : "", (int)location.len, location.ptr);
    return (size_t)len < size ? 0 : -EMSGSIZE;
}
