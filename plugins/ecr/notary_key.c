/* SPDX-License-Identifier: MIT */
/* Keys and certificates of signing profiles.
 * Source: notaryproject/specifications, "Certificate requirements". */
#include "notary.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define CURVE "P-384"
#define VALID_SECONDS (INT64_C(135) * 30 * 24 * 3600) /* AWS Signer's default: 135 months */
#define CLOCK_SLACK_SECONDS 300
#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */

static bool add_name(X509 *cert, const char *common_name) {
    /* A trust policy of notation identifies a signer by C, ST and O at least. */
    static const char *const fields[][2] = {
        {"C", "US"}, {"ST", "WA"}, {"L", "Seattle"}, {"O", "virga"}, {"OU", "signing-profile"}};
    X509_NAME *name = X509_get_subject_name(cert);
    bool good = true;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && good; i++) {
        good = X509_NAME_add_entry_by_txt(name, fields[i][0], MBSTRING_ASC,
                                          (const unsigned char *)fields[i][1], -1, -1, 0) == 1;
    }
    good = good && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                              (const unsigned char *)common_name, -1, -1, 0) == 1;
    return good && X509_set_issuer_name(cert, name) == 1;
}

static bool add_extensions(X509 *cert) {
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {{NID_basic_constraints, "critical,CA:FALSE"},
                      {NID_key_usage, "critical,digitalSignature"},
                      {NID_ext_key_usage, "codeSigning"},
                      {NID_subject_key_identifier, "hash"}};
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        bool good = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool set_serial(X509 *cert) {
    unsigned char bytes[16];
    BIGNUM *number = NULL;
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and always as long */
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return good;
}

static X509 *make_certificate(EVP_PKEY *key, const char *name, int64_t now_ms) {
    char common_name[COMMON_NAME_MAX + 1];
    time_t now = (time_t)(now_ms / 1000);
    X509 *cert = X509_new();
    (void)snprintf(common_name, sizeof common_name, "%s", name);
    if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), now - CLOCK_SLACK_SECONDS) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(cert), now + VALID_SECONDS) != NULL &&
        X509_set_pubkey(cert, key) == 1 && add_name(cert, common_name) && add_extensions(cert) &&
        X509_sign(cert, key, EVP_sha384()) > 0) {
        return cert;
    }
    X509_free(cert);
    return NULL;
}

int notary_key_create(const char *name, int64_t now_ms, char **ret_pem) {
    EVP_PKEY *key = EVP_EC_gen(CURVE);
    X509 *cert = key != NULL ? make_certificate(key, name, now_ms) : NULL;
    BIO *out = BIO_new(BIO_s_mem());
    char *pem = NULL, *bytes = NULL;
    int result = -EIO;
    if (cert != NULL && out != NULL &&
        PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(out, cert) == 1) {
        long len = BIO_get_mem_data(out, &bytes);
        pem = strndup(bytes, len > 0 ? (size_t)len : 0);
        result = pem != NULL ? 0 : -ENOMEM;
    }
    BIO_free(out);
    X509_free(cert);
    EVP_PKEY_free(key);
    if (result == 0) {
        *ret_pem = pem;
    }
    return result;
}
