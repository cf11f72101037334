/* SPDX-License-Identifier: MIT */
/* Parsing of SigV4 credentials. */
#include "identity.h"

#include <errno.h>
#include <stdbool.h>
#include <strings.h>
#include <virga/helpers/access_key.h>

#include "host.h"
#include "request.h"

#define ACCOUNT_LEN 12

/* Source: the SigV4 credential scope, "<key>/<date>/<region>/<service>/aws4_request". The key
 * itself may not hold a slash. */
static int split_scope(struct virga_str scope, struct identity_credential *ret) {
    struct virga_str part[5];
    size_t count = 0;
    const char *at = scope.ptr;
    const char *end = scope.ptr + scope.len;
    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash != NULL ? slash : end;
        if (count == 5) {
            return 0;
        }
        part[count++] = (struct virga_str){at, (size_t)(stop - at)};
        if (slash == NULL) {
            break;
        }
        at = slash + 1;
    }
    if (count != 5 || part[0].len == 0 || part[4].len != strlen("aws4_request") ||
        memcmp(part[4].ptr, "aws4_request", part[4].len) != 0) {
        return 0;
    }
    *ret =
        (struct identity_credential){.access_key = part[0], .region = part[2], .service = part[3]};
    return 1;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* A presigned URL carries the scope percent-encoded; clients encode the slashes and nothing else of
 * it, so a key that holds other encoded bytes is not one. The decoded text is shorter and goes to
 * `buffer`. */
static struct virga_str decode_scope(struct virga_str text, char *buffer, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < text.len) {
            int high = hex_value(text.ptr[i + 1]);
            int low = hex_value(text.ptr[i + 2]);
            if (high < 0 || low < 0) {
                return (struct virga_str){NULL, 0};
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (len + 1 >= size || c == '\0') {
            return (struct virga_str){NULL, 0};
        }
        buffer[len++] = c;
    }
    buffer[len] = '\0';
    return (struct virga_str){buffer, len};
}

static struct virga_str after_name(struct virga_str text, const char *name, char end) {
    size_t name_len = strlen(name);
    const char *at = text.len >= name_len ? memmem(text.ptr, text.len, name, name_len) : NULL;
    if (at == NULL) {
        return (struct virga_str){NULL, 0};
    }
    at += name_len;
    size_t rest = (size_t)(text.ptr + text.len - at);
    const char *stop = memchr(at, end, rest);
    size_t len = stop != NULL ? (size_t)(stop - at) : rest;
    while (len > 0 && at[len - 1] == ' ') {
        len--;
    }
    return (struct virga_str){at, len};
}

int identity_find(struct virga_str authorization, struct virga_str query,
                  struct identity_credential *ret_credential) {
    static const char scheme[] = "AWS4-";
    if (authorization.ptr != NULL) {
        if (authorization.len < sizeof scheme - 1 ||
            strncasecmp(authorization.ptr, scheme, sizeof scheme - 1) != 0) {
            return 0;
        }
        struct virga_str scope = after_name(authorization, "Credential=", ',');
        return scope.ptr != NULL ? split_scope(scope, ret_credential) : 0;
    }
    struct virga_str scope = after_name(query, "X-Amz-Credential=", '&');
    return scope.ptr != NULL ? split_scope(scope, ret_credential) : 0;
}

static bool is_account(struct virga_str key) {
    if (key.len != ACCOUNT_LEN) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] < '0' || key.ptr[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Why: account and region end up in names of files, hosts and store keys, so that nothing but what
 * AWS itself uses may pass. */
static bool is_region(struct virga_str region) {
    if (region.len == 0 || region.len > 32) {
        return false;
    }
    for (size_t i = 0; i < region.len; i++) {
        char c = region.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0))) {
            return false;
        }
    }
    return true;
}

/* A service's name in a credential scope: "ecr", "execute-api". */
static bool is_service(struct virga_str service) {
    if (service.len > 64) {
        return false;
    }
    for (size_t i = 0; i < service.len; i++) {
        char c = service.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.')) {
            return false;
        }
    }
    return true;
}

/* Source: IAM's API model, accessKeyIdType. */
static bool is_access_key(struct virga_str key) {
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_')) {
            return false;
        }
    }
    return key.len > 0 && key.len <= 128;
}

int identity_give(struct request *req, struct virga_str account, struct virga_str region,
                  struct virga_str service, struct virga_str access_key) {
    struct virga_request *pub = &req->pub;
    const struct host *host = req->host;
    account = account.ptr != NULL ? account : virga_str_from(host->default_account);
    region = region.ptr != NULL ? region : virga_str_from(host->default_region);
    service = service.ptr != NULL ? service : virga_str_from("");
    access_key = access_key.ptr != NULL ? access_key : account;
    if (!is_account(account) || !is_region(region) || !is_service(service) ||
        !is_access_key(access_key)) {
        return -EINVAL;
    }
    pub->account = arena_copy(&req->arena, account);
    pub->region = arena_copy(&req->arena, region);
    pub->service = arena_copy(&req->arena, service);
    pub->access_key = arena_copy(&req->arena, access_key);
    req->identified = true;
    return pub->account.ptr != NULL && pub->region.ptr != NULL && pub->service.ptr != NULL &&
                   pub->access_key.ptr != NULL
               ? 0
               : -ENOMEM;
}

int identity_parse(struct request *req) {
    struct virga_request *pub = &req->pub;
    struct host *host = req->host;
    if (req->identified) {
        return 0;
    }
    pub->account = virga_str_from(host->default_account);
    pub->region = virga_str_from(host->default_region);
    pub->service = virga_str_from("");
    pub->access_key = virga_str_from("");

    struct identity_credential credential;
    struct virga_str query = pub->query;
    struct virga_str authorization = request_http.header(pub, "authorization");
    if (authorization.ptr == NULL && query.len > 0 && memchr(query.ptr, '%', query.len) != NULL) {
        struct virga_str scope = after_name(query, "X-Amz-Credential=", '&');
        if (scope.ptr != NULL) {
            char *buffer = arena_alloc(&req->arena, scope.len + 1);
            if (buffer == NULL) {
                return -ENOMEM;
            }
            struct virga_str decoded = decode_scope(scope, buffer, scope.len + 1);
            if (decoded.ptr == NULL || !split_scope(decoded, &credential)) {
                return 0;
            }
            goto found;
        }
    }
    if (!identity_find(authorization, query, &credential)) {
        return 0;
    }
found:
    pub->access_key = arena_copy(&req->arena, credential.access_key);
    pub->service = arena_copy(&req->arena, credential.service);
    if (pub->access_key.ptr == NULL || pub->service.ptr == NULL) {
        return -ENOMEM;
    }
    char issued[VIRGA_ACCOUNT_LEN + 1];
    if (is_account(pub->access_key)) {
        pub->account = pub->access_key;
    } else if (virga_access_key_account(pub->access_key, issued) == 0) {
        pub->account = arena_copy(&req->arena, virga_str_from(issued));
        if (pub->account.ptr == NULL) {
            return -ENOMEM;
        }
    }
    if (is_region(credential.region)) {
        pub->region = arena_copy(&req->arena, credential.region);
        if (pub->region.ptr == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}
