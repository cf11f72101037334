/* SPDX-License-Identifier: MIT */
/* Rules: the record, the choice, the place. */
#include "cache_rules.h"

#include "gateway.h"
#include "meta.h"
#include "reference.h"
#include "template_apply.h"
#include "tenant.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

int cache_rule_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str prefix,
                   struct json_object **ret_rule) {
    struct virga_store_value text = {0};
    int result = meta_setting_get(ecr, tenant, CACHE_RULE_KIND, template_prefix(prefix), &text);
    if (result != 0) {
        return result;
    }
    result = virga_awsjson_parse((struct virga_str){text.ptr, text.len}, ret_rule);
    ecr->store->release(ecr->host, &text);
    return result == -EBADMSG ? -EIO : result;
}

int cache_rule_find(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct json_object **ret_rule) {
    int result = -ENOENT;
    for (size_t len = name.len; len > 0 && result == -ENOENT; len--) {
        if (name.ptr[len - 1] == '/') {
            result = cache_rule_get(ecr, tenant, (struct virga_str){name.ptr, len - 1}, ret_rule);
        }
    }
    return result == -ENOENT
               ? cache_rule_get(ecr, tenant, virga_str_from(CACHE_RULE_ROOT), ret_rule)
               : result;
}

static bool is_root(struct virga_str prefix) {
    return prefix.len == 0 || virga_str_equal(prefix, virga_str_from(CACHE_RULE_ROOT));
}

/* Another account or region of ECR is served by this plugin itself. */
static int own_base(struct ecr *ecr, struct upstream_place *place, struct tenant *ret_tenant) {
    char host[UPSTREAM_HOST_MAX + 1];
    if (tenant_from_host(virga_str_from(place->host), ret_tenant) != 1) {
        return -EINVAL;
    }
    gateway_registry_host(ecr, ret_tenant, host, sizeof host);
    (void)snprintf(place->base, sizeof place->base, "http://%s", host);
    place->own = true;
    return 0;
}

int cache_rule_place(struct ecr *ecr, struct json_object *rule, struct virga_str name,
                     struct upstream_place *ret_place) {
    struct virga_str overrides = ecr->config->get_string(ecr->host, "upstream-overrides");
    struct virga_str prefix = template_prefix(virga_awsjson_str(rule, "ecrRepositoryPrefix"));
    struct virga_str upstream =
        template_prefix(virga_awsjson_str(rule, "upstreamRepositoryPrefix"));
    struct tenant tenant = {"", ""};
    memset(ret_place, 0, sizeof *ret_place);
    const struct upstream_registry *registry =
        upstream_registry_find(virga_awsjson_str(rule, "upstreamRegistryUrl"), ret_place->host);
    if (registry == NULL) {
        return -EINVAL;
    }
    if (!upstream_override_find(overrides, ret_place->host, ret_place->base)) {
        int result = registry->is_ecr ? own_base(ecr, ret_place, &tenant) : 0;
        if (result != 0) {
            return result;
        }
        if (!registry->is_ecr) {
            (void)snprintf(ret_place->base, sizeof ret_place->base, "https://%s", ret_place->host);
        }
    }
    if (name.ptr == NULL) {
        return 0;
    }
    if (!is_root(prefix)) {
        if (name.len <= prefix.len + 1) {
            return -EINVAL;
        }
        name.ptr += prefix.len + 1;
        name.len -= prefix.len + 1;
    }
    bool below = !is_root(upstream);
    /* The path form names the tenant; the other has it in the host's name. */
    bool path = ret_place->own && ecr->uri_style == ECR_URI_PATH;
    int len = snprintf(ret_place->repository, sizeof ret_place->repository, "%s%s%s%s%.*s%s%.*s",
                       path ? tenant.account : "", path ? "/" : "", path ? tenant.region : "",
                       path ? "/" : "", below ? (int)upstream.len : 0, below ? upstream.ptr : "",
                       below ? "/" : "", (int)name.len, name.ptr);
    return (size_t)len < sizeof ret_place->repository ? 0 : -EMSGSIZE;
}
