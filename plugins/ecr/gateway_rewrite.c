/* SPDX-License-Identifier: MIT */
/* Locations and mounts. */
#include "gateway_rewrite.h"
#include "reference.h"

#include <errno.h>

int gateway_rewrite_location(struct virga_str location, const char *upstream_name,
                             struct virga_str client_name, struct virga_str ns,
                             struct strbuf *ret_location) {
    /* An absolute one keeps its path only: host and scheme are the registry's. */
    const char *authority = location.len > 0 ? memmem(location.ptr, location.len, "://", 3) : NULL;
    const char *query = location.len > 0 ? memchr(location.ptr, '?', location.len) : NULL;
    if (authority != NULL && (query == NULL || authority < query)) {
        const char *end = location.ptr + location.len;
        const char *path = memchr(authority + 3, '/', (size_t)(end - authority - 3));
        if (path == NULL) {
            return -EINVAL;
        }
        location = (struct virga_str){path, (size_t)(end - path)};
    }
    size_t len = strlen(upstream_name);
    if (location.len < 4 + len + 1 || memcmp(location.ptr, "/v2/", 4) != 0 ||
        memcmp(location.ptr + 4, upstream_name, len) != 0 || location.ptr[4 + len] != '/') {
        return -EINVAL;
    }
    strbuf_add_text(ret_location, "/v2/");
    strbuf_add_str(ret_location, client_name);
    strbuf_add(ret_location, location.ptr + 4 + len, location.len - 4 - len);
    if (ns.ptr != NULL) {
        bool more = memchr(location.ptr, '?', location.len) != NULL;
        strbuf_add_text(ret_location, more ? "&ns=" : "?ns=");
        strbuf_add_str(ret_location, ns);
    }
    return ret_location->failed ? -ENOMEM : 0;
}

int gateway_rewrite_read_mount(struct virga_str query, enum tenant_form form,
                               const struct tenant *tenant, struct gateway_mount *ret_mount) {
    struct gateway_mount mount = {.name = ""};
    char from[ECR_NAME_MAX + ECR_REGION_MAX + 16];
    size_t from_len = 0, digest_len = 0;
    if (reference_param(query, "mount", mount.digest, sizeof mount.digest, &digest_len) != 0 ||
        reference_param(query, "from", from, sizeof from, &from_len) != 0 ||
        !reference_is_digest((struct virga_str){mount.digest, digest_len})) {
        return -ENOENT;
    }
    struct virga_str name = {from, from_len};
    if (form == TENANT_FORM_PATH || form == TENANT_FORM_DEFAULT) {
        /* "<account>/<region>/<name>" where the client writes repositories so. */
        char own[ECR_ACCOUNT_LEN + ECR_REGION_MAX + 3];
        int own_len = snprintf(own, sizeof own, "%s/%s/", tenant->account, tenant->region);
        if (name.len > (size_t)own_len && memcmp(from, own, (size_t)own_len) == 0) {
            name.ptr += own_len;
            name.len -= (size_t)own_len;
        } else if (form == TENANT_FORM_PATH) {
            /* Another tenant's, or a plain name, which means the default tenant. */
            return -ENOENT;
        }
    }
    if (!reference_is_name(name)) {
        return -ENOENT;
    }
    memcpy(mount.name, name.ptr, name.len);
    mount.name[name.len] = '\0';
    *ret_mount = mount;
    return 0;
}

void gateway_rewrite_query(struct virga_str query, struct strbuf *ret_target) {
    struct virga_str name, value;
    char separator = '?';
    while (reference_next_param(&query, &name, &value)) {
        if (virga_str_equal(name, virga_str_from("ns")) ||
            virga_str_equal(name, virga_str_from("mount")) ||
            virga_str_equal(name, virga_str_from("from"))) {
            continue;
        }
        strbuf_add(ret_target, &separator, 1);
        strbuf_add_str(ret_target, name);
        strbuf_add(ret_target, "=", 1);
        strbuf_add_str(ret_target, value);
        separator = '&';
    }
}
