/* SPDX-License-Identifier: MIT */
/* A password is the base64 of: a version byte; when it expires (milliseconds, decimal), account,
 * ARN, user id, service and source ARN of the principal, each with a NUL behind; HMAC-SHA256 of all
 * that. */
#include "login.h"

#include "meta.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#define OPEN_PASSWORD "floci"
#define KEY_FACT "login-key"
#define KEY_SIZE 32
#define MAC_SIZE 32
#define VERSION '\x01'
#define PARTS 6
#define PAYLOAD_MAX (sizeof(struct principal) + 32)

struct key {
    unsigned char bytes[KEY_SIZE];
};

/* Reads the key; -ENOENT: there is none. It is read each time: a store that was emptied has
 * forgotten whom it let in. */
static int read_key(struct ecr *ecr, struct key *ret_key) {
    char text[VIRGA_BASE64_SIZE(KEY_SIZE)];
    char bytes[sizeof text];
    size_t len = 0;
    int result = meta_fact_get(ecr, KEY_FACT, text, sizeof text);
    if (result != 0) {
        return result;
    }
    if (virga_base64_decode(virga_str_from(text), bytes, &len) != 0 || len != KEY_SIZE) {
        return -EIO;
    }
    memcpy(ret_key->bytes, bytes, KEY_SIZE);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

static int make_key(struct ecr *ecr, struct key *ret_key) {
    char text[VIRGA_BASE64_SIZE(KEY_SIZE)];
    if (getrandom(ret_key->bytes, KEY_SIZE, 0) != KEY_SIZE) {
        return -EIO;
    }
    virga_base64_encode((struct virga_str){(const char *)ret_key->bytes, KEY_SIZE}, text);
    return meta_fact_put(ecr, KEY_FACT, text);
}

static int sign(const struct key *key, const char *payload, size_t len,
                unsigned char ret_mac[MAC_SIZE]) {
    unsigned mac_len = 0;
    unsigned char mac[EVP_MAX_MD_SIZE];
    if (HMAC(EVP_sha256(), key->bytes, KEY_SIZE, (const unsigned char *)payload, len, mac,
             &mac_len) == NULL ||
        mac_len != MAC_SIZE) {
        return -ENOMEM;
    }
    memcpy(ret_mac, mac, MAC_SIZE);
    return 0;
}

int login_make(struct ecr *ecr, const struct principal *principal, int64_t expires_ms,
               char ret_password[LOGIN_PASSWORD_SIZE]) {
    char bytes[PAYLOAD_MAX + MAC_SIZE];
    char expires[24];
    struct key key;
    if (!ecr->enforce) {
        memcpy(ret_password, OPEN_PASSWORD, sizeof OPEN_PASSWORD);
        return 0;
    }
    int result = read_key(ecr, &key);
    if (result == -ENOENT) {
        result = make_key(ecr, &key);
    }
    if (result != 0) {
        return result;
    }
    (void)snprintf(expires, sizeof expires, "%" PRId64, expires_ms);
    const char *const parts[PARTS] = {expires,
                                      principal->account,
                                      principal->arn,
                                      principal->user_id,
                                      principal->service,
                                      principal->source_arn};
    size_t len = 0;
    bytes[len++] = VERSION;
    for (size_t i = 0; i < PARTS; i++) {
        size_t part = strlen(parts[i]) + 1;
        memcpy(bytes + len, parts[i], part);
        len += part;
    }
    result = sign(&key, bytes, len, (unsigned char *)bytes + len);
    OPENSSL_cleanse(&key, sizeof key);
    if (result == 0) {
        virga_base64_encode((struct virga_str){bytes, len + MAC_SIZE}, ret_password);
    }
    return result;
}

/* Takes a part of the payload; false: it is not of ours. */
static bool take(const char **at, const char *end, char *buffer, size_t size) {
    const char *nul = memchr(*at, '\0', (size_t)(end - *at));
    if (nul == NULL || (size_t)(nul - *at) >= size) {
        return false;
    }
    memcpy(buffer, *at, (size_t)(nul - *at) + 1);
    *at = nul + 1;
    return true;
}

static int read_payload(const struct ecr *ecr, const char *payload, size_t len,
                        struct principal *ret_principal) {
    struct principal who = {0};
    char expires[24];
    const char *at = payload + 1, *end = payload + len;
    if (payload[0] != VERSION || !take(&at, end, expires, sizeof expires) ||
        !take(&at, end, who.account, sizeof who.account) ||
        !take(&at, end, who.arn, sizeof who.arn) ||
        !take(&at, end, who.user_id, sizeof who.user_id) ||
        !take(&at, end, who.service, sizeof who.service) ||
        !take(&at, end, who.source_arn, sizeof who.source_arn) || at != end) {
        return -EACCES;
    }
    *ret_principal = who;
    return strtoll(expires, NULL, 10) <= ecr->timer->now_ms(ecr->host) ? -EKEYEXPIRED : 0;
}

int login_read(struct ecr *ecr, struct virga_str password, struct principal *ret_principal) {
    char bytes[LOGIN_PASSWORD_SIZE];
    unsigned char mac[MAC_SIZE];
    struct key key;
    size_t len = 0;
    if (password.len >= LOGIN_PASSWORD_SIZE || virga_base64_decode(password, bytes, &len) != 0 ||
        len <= MAC_SIZE + 1) {
        return -EACCES;
    }
    int result = read_key(ecr, &key);
    if (result != 0) {
        return result == -ENOENT ? -EACCES : result;
    }
    len -= MAC_SIZE;
    result = sign(&key, bytes, len, mac);
    OPENSSL_cleanse(&key, sizeof key);
    if (result != 0) {
        return result;
    }
    return CRYPTO_memcmp(mac, bytes + len, MAC_SIZE) == 0
               ? read_payload(ecr, bytes, len, ret_principal)
               : -EACCES;
}

int login_read_header(struct ecr *ecr, struct virga_str header, struct principal *ret_principal) {
    static const char scheme[] = "Basic ", user[] = LOGIN_USER ":";
    char bytes[VIRGA_BASE64_SIZE(LOGIN_PASSWORD_SIZE + sizeof user)];
    size_t len = 0;
    if (header.ptr == NULL || header.len < sizeof scheme - 1 ||
        strncasecmp(header.ptr, scheme, sizeof scheme - 1) != 0) {
        return -EACCES;
    }
    struct virga_str text = {header.ptr + sizeof scheme - 1, header.len - (sizeof scheme - 1)};
    while (text.len > 0 && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    if (text.len >= sizeof bytes || virga_base64_decode(text, bytes, &len) != 0 ||
        len < sizeof user - 1 || memcmp(bytes, user, sizeof user - 1) != 0) {
        return -EACCES;
    }
    return login_read(ecr, (struct virga_str){bytes + sizeof user - 1, len - (sizeof user - 1)},
                      ret_principal);
}
