/* SPDX-License-Identifier: MIT */
/* Tenants from addresses. */
#include "tenant.h"
#include "reference.h"

#include <errno.h>

#define HOST_MAX 255 /* a DNS name and a port are shorter */

/* Takes the label in front of the first dot off `text`. */
static struct virga_str take_label(struct virga_str *text) {
    const char *dot = memchr(text->ptr, '.', text->len);
    struct virga_str label = {text->ptr, dot != NULL ? (size_t)(dot - text->ptr) : text->len};
    size_t used = dot != NULL ? label.len + 1 : label.len;
    text->ptr += used;
    text->len -= used;
    return label;
}

static bool is(struct virga_str text, const char *word) {
    return virga_str_equal(text, virga_str_from(word));
}

static void set_tenant(struct tenant *tenant, struct virga_str account, struct virga_str region) {
    memcpy(tenant->account, account.ptr, account.len);
    tenant->account[account.len] = '\0';
    memcpy(tenant->region, region.ptr, region.len);
    tenant->region[region.len] = '\0';
}

/* Cuts the port off; an IPv6 address in brackets stays whole. */
static struct virga_str without_port(struct virga_str host) {
    for (size_t i = host.len; i > 0; i--) {
        char c = host.ptr[i - 1];
        if (c == ':') {
            return (struct virga_str){host.ptr, i - 1};
        }
        if (c < '0' || c > '9') {
            break;
        }
    }
    return host;
}

int tenant_from_host(struct virga_str host, struct tenant *ret_tenant) {
    char lower[HOST_MAX + 1];
    host = without_port(host);
    if (host.len == 0 || host.len > HOST_MAX) {
        return 0;
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    struct virga_str rest = {lower, host.len};
    struct virga_str account = take_label(&rest);
    struct virga_str service = take_label(&rest);
    if (is(service, "dkr")) {
        service = take_label(&rest);
        if (!is(service, "ecr") && !is(service, "ecr-fips")) {
            return 0;
        }
    } else if (!is(service, "dkr-ecr") && !is(service, "dkr-ecr-fips")) {
        return 0;
    }
    struct virga_str region = take_label(&rest);
    if (!reference_is_account(account) || !reference_is_region(region) || rest.len == 0) {
        return -EINVAL;
    }
    set_tenant(ret_tenant, account, region);
    return 1;
}

/* The tenant that ?ns= names: as tenant_from_host(), 0 also when the parameter is absent or a local
 * name. */
static int from_ns(struct virga_str query, struct tenant *ret_tenant) {
    char ns[HOST_MAX + 1];
    size_t len = 0;
    int result = reference_param(query, "ns", ns, sizeof ns, &len);
    if (result == -ENOENT || (result == 0 && len == 0)) {
        return 0;
    }
    if (result != 0) {
        return -EINVAL;
    }
    struct virga_str host = {ns, len};
    result = tenant_from_host(host, ret_tenant);
    if (result != 0) {
        return result;
    }
    /* Why: a mirror is also asked for docker.io's images, and must not pass ours off as theirs. A
     * name without a dot, a loopback address or *.localhost is this host under another name. */
    host = without_port(host);
    bool local = memchr(host.ptr, '.', host.len) == NULL || strncmp(ns, "127.", 4) == 0 ||
                 (host.len >= 10 && memcmp(ns + host.len - 10, ".localhost", 10) == 0);
    return local ? 0 : -EHOSTUNREACH;
}

/* Whether a repository's name can stand in front of the last part of `rest`.
 * Why: without this a repository of the default tenant called 123456789012/app would be taken
 * apart. */
static bool has_name(struct virga_str rest) {
    static const char *const parts[] = {"/manifests/", "/blobs/", "/tags/list", "/referrers/"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *at = memmem(rest.ptr, rest.len, parts[i], strlen(parts[i]));
        if (at != NULL && at > rest.ptr) {
            return true;
        }
    }
    return is(rest, "_catalog");
}

int tenant_resolve(struct virga_str host, struct virga_str path, struct virga_str query,
                   const struct tenant *defaults, struct tenant_address *ret_address) {
    if (path.len < 3 || memcmp(path.ptr, "/v2", 3) != 0 || (path.len > 3 && path.ptr[3] != '/')) {
        return -ENOENT;
    }
    struct tenant_address address = {.form = TENANT_FORM_NS};
    size_t skip = path.len > 3 ? 4 : 3;
    address.rest = (struct virga_str){path.ptr + skip, path.len - skip};

    int result = from_ns(query, &address.tenant);
    if (result == 0) {
        address.form = TENANT_FORM_HOST;
        result = tenant_from_host(host, &address.tenant);
    }
    if (result < 0) {
        return result;
    }
    if (result == 0) {
        address.form = TENANT_FORM_DEFAULT;
        address.tenant = *defaults;
        const char *end = address.rest.ptr + address.rest.len;
        const char *first = memchr(address.rest.ptr, '/', address.rest.len);
        const char *second =
            first != NULL ? memchr(first + 1, '/', (size_t)(end - first - 1)) : NULL;
        if (second != NULL) {
            struct virga_str account = {address.rest.ptr, (size_t)(first - address.rest.ptr)};
            struct virga_str region = {first + 1, (size_t)(second - first - 1)};
            struct virga_str rest = {second + 1, (size_t)(end - second - 1)};
            if (reference_is_account(account) && reference_is_region(region) && has_name(rest)) {
                address.form = TENANT_FORM_PATH;
                set_tenant(&address.tenant, account, region);
                address.rest = rest;
            }
        }
    }
    *ret_address = address;
    return 0;
}
