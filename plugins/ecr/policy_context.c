/* SPDX-License-Identifier: MIT */
/* The condition keys of a request. */
#include "policy_context.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <strings.h>
#include <virga/helpers/arn.h>

#define RESOURCE_TAG "aws:ResourceTag/"
#define REQUEST_TAG "aws:RequestTag/"
#define ECR_RESOURCE_TAG "ecr:ResourceTag/"
#define TAG_KEYS "aws:TagKeys"

static void add(struct policy_context *context, const char *prefix, struct virga_str name,
                struct virga_str value) {
    if (value.ptr != NULL && context->count < POLICY_CONTEXT_MAX) {
        context->keys[context->count++] =
            (struct policy_context_key){.prefix = prefix, .name = name, .value = value};
    }
}

void policy_context_add(struct policy_context *context, const char *name, struct virga_str value) {
    add(context, name, (struct virga_str){"", 0}, value);
}

void policy_context_add_resource_tag(struct policy_context *context, struct virga_str key,
                                     struct virga_str value) {
    add(context, RESOURCE_TAG, key, value);
}

void policy_context_add_request_tag(struct policy_context *context, struct virga_str key,
                                    struct virga_str value) {
    add(context, REQUEST_TAG, key, value);
    if (context->tag_keys_count == 0 && context->count < POLICY_CONTEXT_MAX) {
        context->keys[context->count++] =
            (struct policy_context_key){.prefix = TAG_KEYS, .name = {"", 0}};
    }
    if (context->tag_keys_count < META_TAGS_MAX) {
        context->tag_keys[context->tag_keys_count++] = key;
    }
}

void policy_context_add_peer(struct policy_context *context, struct virga_str peer) {
    static const char mapped[] = "::ffff:";
    char *ip = context->ip;
    struct in6_addr address;
    struct virga_str host = peer;
    while (host.len > 0 && host.ptr[host.len - 1] != ':') {
        host.len--;
    }
    if (host.len < 2) {
        return;
    }
    host.len--; /* the colon before the port */
    if (host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host.ptr++;
        host.len -= 2;
    }
    if (host.len >= sizeof context->ip) {
        return;
    }
    memcpy(ip, host.ptr, host.len);
    ip[host.len] = '\0';
    /* An IPv4 client of a socket that takes both. */
    if (strncasecmp(ip, mapped, sizeof mapped - 1) == 0 && strchr(ip, '.') != NULL) {
        memmove(ip, ip + sizeof mapped - 1, strlen(ip) - (sizeof mapped - 1) + 1);
    }
    if (inet_pton(AF_INET, ip, &address) == 1 || inet_pton(AF_INET6, ip, &address) == 1) {
        policy_context_add(context, "aws:SourceIp", virga_str_from(ip));
    }
}

static bool begins(struct virga_str text, const char *prefix) {
    size_t len = strlen(prefix);
    return text.len > len && memcmp(text.ptr, prefix, len) == 0;
}

/* aws:PrincipalArn of a role's session is the role; aws:username is a user's name without path. */
static void add_who(struct policy_context *context, const struct principal *principal) {
    struct virga_arn arn;
    const char *type = "Account";
    (void)snprintf(context->principal_arn, sizeof context->principal_arn, "%s", principal->arn);
    if (virga_arn_parse(virga_str_from(principal->arn), &arn) != 0) {
        return;
    }
    if (begins(arn.resource, "user/")) {
        const char *slash = memrchr(arn.resource.ptr, '/', arn.resource.len);
        const char *end = arn.resource.ptr + arn.resource.len;
        policy_context_add(context, "aws:username",
                           (struct virga_str){slash + 1, (size_t)(end - slash - 1)});
        type = "User";
    } else if (begins(arn.resource, "assumed-role/")) {
        type = "AssumedRole";
        (void)principal_role_arn(principal, context->principal_arn);
    } else if (begins(arn.resource, "federated-user/")) {
        type = "FederatedUser";
    }
    policy_context_add(context, "aws:PrincipalType", virga_str_from(type));
    policy_context_add(context, "aws:PrincipalArn", virga_str_from(context->principal_arn));
    policy_context_add(context, "aws:PrincipalAccount", virga_str_from(principal->account));
    if (principal->user_id[0] != '\0') {
        policy_context_add(context, "aws:userid", virga_str_from(principal->user_id));
    }
}

void policy_context_start(struct policy_context *context, const struct principal *principal,
                          int64_t now_ms) {
    bool service = principal->service[0] != '\0';
    context->count = context->tag_keys_count = 0;
    if (service) {
        policy_context_add(context, "aws:PrincipalServiceName", virga_str_from(principal->service));
        policy_context_add(context, "aws:SourceAccount", virga_str_from(principal->account));
        if (principal->source_arn[0] != '\0') {
            policy_context_add(context, "aws:SourceArn", virga_str_from(principal->source_arn));
        }
    } else {
        add_who(context, principal);
    }
    policy_context_add(context, "aws:PrincipalIsAWSService",
                       virga_str_from(service ? "true" : "false"));
    policy_context_add(context, "aws:ViaAWSService", virga_str_from("false"));
    policy_context_add(context, "aws:SecureTransport", virga_str_from("false"));
    virga_time_format(now_ms, context->time);
    (void)snprintf(context->epoch, sizeof context->epoch, "%" PRId64, now_ms / 1000);
    policy_context_add(context, "aws:CurrentTime", virga_str_from(context->time));
    policy_context_add(context, "aws:EpochTime", virga_str_from(context->epoch));
}

bool policy_context_find(const struct policy_context *context, struct virga_str key,
                         const struct virga_str **ret_values, size_t *ret_count) {
    struct virga_str prefix = key;
    size_t ecr_tag = strlen(ECR_RESOURCE_TAG);
    if (key.len > ecr_tag && strncasecmp(key.ptr, ECR_RESOURCE_TAG, ecr_tag) == 0) {
        /* The same tags under ECR's own name for them. */
        prefix = virga_str_from(RESOURCE_TAG);
        key = (struct virga_str){key.ptr + ecr_tag, key.len - ecr_tag};
    } else {
        const char *slash = memchr(key.ptr, '/', key.len);
        prefix.len = slash != NULL ? (size_t)(slash - key.ptr) + 1 : key.len;
        key = (struct virga_str){key.ptr + prefix.len, key.len - prefix.len};
    }
    for (size_t i = 0; i < context->count; i++) {
        const struct policy_context_key *have = &context->keys[i];
        if (strlen(have->prefix) == prefix.len && have->name.len == key.len &&
            strncasecmp(have->prefix, prefix.ptr, prefix.len) == 0 &&
            strncasecmp(have->name.ptr, key.ptr, key.len) == 0) {
            bool tags = strcmp(have->prefix, TAG_KEYS) == 0;
            *ret_values = tags ? context->tag_keys : &have->value;
            *ret_count = tags ? context->tag_keys_count : 1;
            return true;
        }
    }
    return false;
}
