/* SPDX-License-Identifier: MIT */
/* Signed addresses of layers. */
#include "download_url.h"

#include "gateway.h"
#include "meta.h"
#include "reference.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/random.h>

#define KEY_FACT "download-key"
#define KEY_BYTES 32
#define KEY_LEN (2 * KEY_BYTES) /* hex digits */
#define SIGNATURE_LEN 64        /* hex digits of HMAC-SHA256 */
#define EXPIRES_DIGITS_MAX 18

static void write_hex(const unsigned char *bytes, size_t count, char *ret_text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[2 * count] = '\0';
}

/* Reads the key, or makes it. */
static int get_key(struct ecr *ecr, char ret_key[KEY_LEN + 1]) {
    unsigned char random[KEY_BYTES];
    int result = meta_fact_get(ecr, KEY_FACT, ret_key, KEY_LEN + 1);
    if (result != -ENOENT) {
        return result == 0 && strlen(ret_key) != KEY_LEN ? -EIO : result;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return -EIO;
    }
    write_hex(random, sizeof random, ret_key);
    return meta_fact_put(ecr, KEY_FACT, ret_key);
}

static int sign(struct ecr *ecr, const struct download *download, const char *uid, int64_t expires,
                char ret_signature[SIGNATURE_LEN + 1]) {
    char key[KEY_LEN + 1], text[DOWNLOAD_URL_MAX];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    int result = get_key(ecr, key);
    if (result != 0) {
        return result;
    }
    /* None of these can hold a line's end. */
    int len =
        snprintf(text, sizeof text, "layer\n%s\n%s\n%s\n%s\n%s\n%" PRId64, download->tenant.account,
                 download->tenant.region, download->name, uid, download->digest, expires);
    if (HMAC(EVP_sha256(), key, KEY_LEN, (const unsigned char *)text, (size_t)len, mac, &mac_len) ==
        NULL) {
        return -EIO;
    }
    write_hex(mac, SIGNATURE_LEN / 2, ret_signature);
    return 0;
}

int download_url_make(struct ecr *ecr, const struct download *download, const char *uid,
                      char ret_url[DOWNLOAD_URL_MAX]) {
    char signature[SIGNATURE_LEN + 1];
    int64_t expires = (ecr->timer->now_ms(ecr->host) + DOWNLOAD_URL_VALID_MS) / 1000;
    int result = sign(ecr, download, uid, expires, signature);
    if (result == 0) {
        /* Why: "localhost" and not the registry's hostname, whatever uri-style says: the address is
         * opened by curl and the like, which ask the resolver, and not every resolver knows names
         * below localhost. Whose layer it is, the path says. */
        (void)snprintf(
            ret_url, DOWNLOAD_URL_MAX,
            "http://localhost:%u" DOWNLOAD_URL_PATH "%s/%s/%s/%s?expires=%" PRId64 "&signature=%s",
            gateway_port(ecr->gateway), download->tenant.account, download->tenant.region,
            download->name, download->digest, expires, signature);
    }
    return result;
}

bool download_url_is(struct virga_str path) {
    size_t len = strlen(DOWNLOAD_URL_PATH);
    return path.len >= len && memcmp(path.ptr, DOWNLOAD_URL_PATH, len) == 0;
}

/* Takes what stands before the next slash off the text; ptr NULL where there is no slash. */
static struct virga_str take_segment(struct virga_str *text) {
    const char *slash = text->len > 0 ? memchr(text->ptr, '/', text->len) : NULL;
    if (slash == NULL) {
        return (struct virga_str){NULL, 0};
    }
    struct virga_str segment = {text->ptr, (size_t)(slash - text->ptr)};
    text->ptr += segment.len + 1;
    text->len -= segment.len + 1;
    return segment;
}

int download_url_parse(struct virga_str path, struct download *ret_download) {
    size_t skip = strlen(DOWNLOAD_URL_PATH);
    struct download download = {.name = ""};
    struct virga_str rest = {path.ptr + skip, path.len - skip};
    struct virga_str account = take_segment(&rest);
    struct virga_str region = take_segment(&rest);
    const char *slash = rest.len > 0 ? memrchr(rest.ptr, '/', rest.len) : NULL;
    if (account.ptr == NULL || region.ptr == NULL || slash == NULL) {
        return -EINVAL;
    }
    struct virga_str name = {rest.ptr, (size_t)(slash - rest.ptr)};
    struct virga_str digest = {slash + 1, rest.len - name.len - 1};
    if (!reference_is_account(account) || !reference_is_region(region) ||
        !reference_is_name(name) || !reference_is_digest(digest)) {
        return -EINVAL;
    }
    memcpy(download.tenant.account, account.ptr, account.len);
    memcpy(download.tenant.region, region.ptr, region.len);
    memcpy(download.name, name.ptr, name.len);
    memcpy(download.digest, digest.ptr, digest.len);
    *ret_download = download;
    return 0;
}

int download_url_check(struct ecr *ecr, const struct download *download, const char *uid,
                       struct virga_str query) {
    char expires[EXPIRES_DIGITS_MAX + 1], given[SIGNATURE_LEN + 1], right[SIGNATURE_LEN + 1];
    size_t expires_len = 0, given_len = 0;
    if (reference_param(query, "expires", expires, sizeof expires, &expires_len) != 0 ||
        reference_param(query, "signature", given, sizeof given, &given_len) != 0 ||
        expires_len == 0 || strspn(expires, "0123456789") != expires_len ||
        given_len != SIGNATURE_LEN) {
        return -EACCES;
    }
    int64_t until = strtoll(expires, NULL, 10);
    int result = sign(ecr, download, uid, until, right);
    if (result != 0) {
        return result;
    }
    if (CRYPTO_memcmp(given, right, SIGNATURE_LEN) != 0) {
        return -EACCES;
    }
    return ecr->timer->now_ms(ecr->host) >= until * 1000 ? -ETIMEDOUT : 0;
}
