/* SPDX-License-Identifier: MIT */
/* Images from URIs. */
#include "image_uri.h"

#include "reference.h"
#include "tenant.h"

#include <errno.h>
#include <strings.h>

static bool is_loopback_address(struct virga_str name) {
    for (size_t i = 0; i < name.len; i++) {
        if ((name.ptr[i] < '0' || name.ptr[i] > '9') && name.ptr[i] != '.') {
            return false;
        }
    }
    return name.len > 4 && memcmp(name.ptr, "127.", 4) == 0;
}

/* Whether the host, which may have a port, is this one: a name that only this machine or its
 * container network knows. Why not every host: another registry's image must not pass for one of
 * ours that happens to have its name. */
static bool is_local(struct virga_str host) {
    static const char suffix[] = ".localhost";
    const char *colon = memchr(host.ptr, ':', host.len);
    struct virga_str name = {host.ptr, colon != NULL ? (size_t)(colon - host.ptr) : host.len};
    size_t tail = sizeof suffix - 1;
    if (host.len >= 5 && memcmp(host.ptr, "[::1]", 5) == 0) {
        return true;
    }
    if (name.len == 0) {
        return false;
    }
    if (memchr(name.ptr, '.', name.len) == NULL) {
        /* As docker has it: without a port a single word is a folder and no host. */
        return colon != NULL || virga_str_equal(name, virga_str_from("localhost"));
    }
    return is_loopback_address(name) ||
           (name.len > tail && strncasecmp(name.ptr + name.len - tail, suffix, tail) == 0);
}

/* Takes "<account>/<region>/" off the name where they are there. */
static void take_tenant(struct virga_str *name, struct tenant *ret_tenant) {
    const char *end = name->ptr + name->len;
    const char *first = memchr(name->ptr, '/', name->len);
    const char *second = first != NULL ? memchr(first + 1, '/', (size_t)(end - first - 1)) : NULL;
    if (second == NULL) {
        return;
    }
    struct virga_str account = {name->ptr, (size_t)(first - name->ptr)};
    struct virga_str region = {first + 1, (size_t)(second - first - 1)};
    if (reference_is_account(account) && reference_is_region(region)) {
        memcpy(ret_tenant->account, account.ptr, account.len);
        ret_tenant->account[account.len] = '\0';
        memcpy(ret_tenant->region, region.ptr, region.len);
        ret_tenant->region[region.len] = '\0';
        *name = (struct virga_str){second + 1, (size_t)(end - second - 1)};
    }
}

/* Takes "@<digest>" and ":<tag>" off the URI. Errors: -EINVAL. */
static int take_reference(struct virga_str uri, struct image_uri *image) {
    const char *at = memchr(uri.ptr, '@', uri.len);
    image->place = uri;
    if (at != NULL) {
        image->place.len = (size_t)(at - uri.ptr);
        image->reference = (struct virga_str){at + 1, uri.len - image->place.len - 1};
        image->by_digest = true;
        if (!reference_is_digest(image->reference)) {
            return -EINVAL;
        }
    }
    const char *slash = memrchr(image->place.ptr, '/', image->place.len);
    const char *colon = memrchr(image->place.ptr, ':', image->place.len);
    if (colon != NULL && slash != NULL && colon > slash) {
        size_t len = (size_t)(colon - image->place.ptr);
        struct virga_str tag = {colon + 1, image->place.len - len - 1};
        image->place.len = len;
        if (!reference_is_tag(tag)) {
            return -EINVAL;
        }
        if (!image->by_digest) {
            image->reference = tag;
        }
    }
    return image->reference.ptr != NULL ? 0 : -EINVAL;
}

int image_uri_parse(struct virga_str uri, const struct tenant *defaults,
                    struct image_uri *ret_image) {
    struct image_uri image = {.tenant = *defaults};
    if (uri.len == 0 || uri.len > IMAGE_URI_MAX || take_reference(uri, &image) != 0) {
        return -EINVAL;
    }
    const char *slash = memchr(image.place.ptr, '/', image.place.len);
    if (slash == NULL || slash == image.place.ptr) {
        return -EINVAL;
    }
    struct virga_str host = {image.place.ptr, (size_t)(slash - image.place.ptr)};
    image.name = (struct virga_str){slash + 1, image.place.len - host.len - 1};
    int result = tenant_from_host(host, &image.tenant);
    if (result < 0 || (result == 0 && !is_local(host))) {
        return -EINVAL;
    }
    if (result == 0) {
        take_tenant(&image.name, &image.tenant);
    }
    if (!reference_is_name(image.name)) {
        return -EINVAL;
    }
    *ret_image = image;
    return 0;
}
