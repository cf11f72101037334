/* SPDX-License-Identifier: MIT */
/* Upload sessions at the registry, where its protocol does not lead: it tells how much a session
 * has only to those who know it already. Its address for a session carries the size in a state that
 * is signed with the secret of its configuration, and another size is refused; after a transfer
 * that broke off nobody knows it. So the size is read where the bytes are, and the state signed
 * here. Source: distribution, registry/handlers/hmac.go: URL-safe base64 of HMAC-SHA256 and the
 * JSON. */
#include "backend_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/time.h>

#define MAC_LEN 32 /* of HMAC-SHA256 */
#define STATE_MAX (BACKEND_NAME_MAX + 256)

int backend_upload_size(const struct backend *backend, const struct tenant *tenant,
                        struct virga_str name, const char *upload, uint64_t *ret_size) {
    char upstream[BACKEND_NAME_MAX + 1];
    (void)backend_name(tenant, name, upstream);
    if (!registry_files_has_storage(&backend->files)) {
        return -ENOTSUP;
    }
    int result = registry_files_upload_size(&backend->files, upstream, upload, ret_size);
    return result == 0 || result == -ENOENT ? result : -EIO;
}

int backend_upload_address(const struct backend *backend, const struct tenant *tenant,
                           struct virga_str name, const char *upload, uint64_t size,
                           struct strbuf *ret_address) {
    char upstream[BACKEND_NAME_MAX + 1], secret[REGISTRY_SECRET_LEN + 1], now[VIRGA_TIME_SIZE];
    char state[MAC_LEN + STATE_MAX], text[VIRGA_BASE64_SIZE(sizeof state)];
    unsigned int mac_len = 0;
    struct ecr *ecr = backend->ecr;
    if (registry_files_secret(&backend->files, secret) != 0) {
        return -EIO;
    }
    (void)backend_name(tenant, name, upstream);
    virga_time_format(ecr->timer->now_ms(ecr->host), now);
    int len =
        snprintf(state + MAC_LEN, STATE_MAX,
                 "{\"Name\":\"%s\",\"UUID\":\"%s\",\"Offset\":%" PRIu64 ",\"StartedAt\":\"%s\"}",
                 upstream, upload, size, now);
    if (len >= STATE_MAX ||
        HMAC(EVP_sha256(), secret, REGISTRY_SECRET_LEN, (const unsigned char *)state + MAC_LEN,
             (size_t)len, (unsigned char *)state, &mac_len) == NULL) {
        return -EIO;
    }
    size_t text_len = virga_base64_encode((struct virga_str){state, MAC_LEN + (size_t)len}, text);
    for (size_t i = 0; i < text_len; i++) {
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    }
    strbuf_addf(ret_address, "/v2/%s/blobs/uploads/%s?_state=", upstream, upload);
    strbuf_add_encoded(ret_address, (struct virga_str){text, text_len}, "");
    return ret_address->failed ? -ENOMEM : 0;
}
