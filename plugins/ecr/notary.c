/* SPDX-License-Identifier: MIT */
/* Signing: payload, protected header, envelope, manifest. */
#include "notary.h"

#include "manifest.h"
#include "reference.h"
#include "strbuf.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/json_writer.h>
#include <virga/helpers/time.h>

#define PAYLOAD_TYPE "application/vnd.cncf.notary.payload.v1+json"
#define AGENT "virga"
#define NUMBER_BYTES 48 /* of r and of s on P-384 */
#define DER_SIGNATURE_MAX 256

/* Encodes for JWS: the other alphabet, and no padding. Source: RFC 7515, section 2. */
static char *base64_url(struct virga_str bytes) {
    char *text = malloc(VIRGA_BASE64_SIZE(bytes.len));
    if (text == NULL) {
        return NULL;
    }
    size_t len = virga_base64_encode(bytes, text);
    while (len > 0 && text[len - 1] == '=') {
        text[--len] = '\0';
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    }
    return text;
}

/* Takes what was written out of the writer; NULL: out of memory. */
static char *take(struct virga_json_writer *writer) {
    char *text = writer->failed ? NULL : strndup(writer->ptr, writer->len);
    virga_json_finish(writer);
    return text;
}

/* The same in base64. */
static char *take_encoded(struct virga_json_writer *writer) {
    char *text = writer->failed ? NULL : base64_url((struct virga_str){writer->ptr, writer->len});
    virga_json_finish(writer);
    return text;
}

static void write_descriptor(struct virga_json_writer *writer, const char *key,
                             const char *media_type, const char *digest, uint64_t size) {
    virga_json_begin_object(writer, key);
    virga_json_string(writer, "mediaType", media_type);
    virga_json_string(writer, "digest", digest);
    virga_json_int(writer, "size", (int64_t)size);
    virga_json_end_object(writer);
}

static char *make_payload(const struct notary_target *target) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    write_descriptor(&writer, "targetArtifact", target->media_type, target->digest, target->size);
    virga_json_end_object(&writer);
    return take_encoded(&writer);
}

/* Notary's times are whole seconds. */
static void format_seconds(int64_t now_ms, char ret_text[VIRGA_TIME_SIZE]) {
    virga_time_format(now_ms - now_ms % 1000, ret_text);
}

static char *make_protected(int64_t now_ms) {
    struct virga_json_writer writer = {0};
    char time[VIRGA_TIME_SIZE];
    format_seconds(now_ms, time);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "alg", "ES384");
    virga_json_begin_array(&writer, "crit");
    virga_json_string(&writer, NULL, "io.cncf.notary.signingScheme");
    virga_json_end_array(&writer);
    virga_json_string(&writer, "cty", PAYLOAD_TYPE);
    virga_json_string(&writer, "io.cncf.notary.signingScheme", "notary.x509");
    virga_json_string(&writer, "io.cncf.notary.signingTime", time);
    virga_json_end_object(&writer);
    return take_encoded(&writer);
}

/* --- the signature itself --- */

/* JWS has r and s one behind the other, where OpenSSL has them in DER. Source: RFC 7518, 3.4. */
static char *encode_signature(const unsigned char *der, size_t len) {
    unsigned char raw[2 * NUMBER_BYTES];
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)len);
    char *text = NULL;
    if (numbers != NULL &&
        BN_bn2binpad(ECDSA_SIG_get0_r(numbers), raw, NUMBER_BYTES) == NUMBER_BYTES &&
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers), raw + NUMBER_BYTES, NUMBER_BYTES) == NUMBER_BYTES) {
        text = base64_url((struct virga_str){(const char *)raw, sizeof raw});
    }
    ECDSA_SIG_free(numbers);
    return text;
}

static char *sign_input(EVP_PKEY *key, const char *protected, const char *payload) {
    unsigned char der[DER_SIGNATURE_MAX];
    size_t len = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *text = NULL;
    if (context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, key) == 1 &&
        EVP_DigestSignUpdate(context, protected, strlen(protected)) == 1 &&
        EVP_DigestSignUpdate(context, ".", 1) == 1 &&
        EVP_DigestSignUpdate(context, payload, strlen(payload)) == 1 &&
        EVP_DigestSignFinal(context, der, &len) == 1) {
        text = encode_signature(der, len);
    }
    EVP_MD_CTX_free(context);
    return text;
}

struct signer_key {
    EVP_PKEY *key;
    X509 *cert;
    unsigned char *der; /* of the certificate */
    size_t der_len;
    char thumbprint[ECR_DIGEST_LEN + 1]; /* its digest, with the prefix */
};

static void finish_key(struct signer_key *key) {
    EVP_PKEY_free(key->key);
    X509_free(key->cert);
    OPENSSL_free(key->der);
}

static int read_key(const char *pem, struct signer_key *ret_key) {
    struct signer_key key = {0};
    BIO *in = BIO_new_mem_buf(pem, -1);
    BIO *again = BIO_new_mem_buf(pem, -1);
    int result = -EINVAL;
    if (in != NULL && again != NULL) {
        key.key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
        key.cert = PEM_read_bio_X509(again, NULL, NULL, NULL);
    }
    BIO_free(in);
    BIO_free(again);
    if (key.key != NULL && key.cert != NULL && X509_check_private_key(key.cert, key.key) == 1) {
        int len = i2d_X509(key.cert, &key.der);
        key.der_len = len > 0 ? (size_t)len : 0;
        result = len > 0 ? reference_digest((struct virga_str){(const char *)key.der, key.der_len},
                                            key.thumbprint)
                         : -EIO;
    }
    if (result != 0) {
        finish_key(&key);
        return result;
    }
    *ret_key = key;
    return 0;
}

/* --- what is pushed --- */

static char *make_envelope(const struct signer_key *key, const char *payload,
                           const char *protected) {
    struct virga_json_writer writer = {0};
    char *signature = sign_input(key->key, protected, payload);
    char *cert = malloc(VIRGA_BASE64_SIZE(key->der_len));
    char *envelope = NULL;
    if (signature != NULL && cert != NULL) {
        virga_base64_encode((struct virga_str){(const char *)key->der, key->der_len}, cert);
        virga_json_begin_object(&writer, NULL);
        virga_json_string(&writer, "payload", payload);
        virga_json_string(&writer, "protected", protected);
        virga_json_begin_object(&writer, "header");
        virga_json_begin_array(&writer, "x5c");
        virga_json_string(&writer, NULL, cert);
        virga_json_end_array(&writer);
        virga_json_string(&writer, "io.cncf.notary.signingAgent", AGENT);
        virga_json_end_object(&writer);
        virga_json_string(&writer, "signature", signature);
        virga_json_end_object(&writer);
        envelope = take(&writer);
    }
    free(signature);
    free(cert);
    return envelope;
}

static char *make_manifest(const struct signer_key *key, const struct notary_target *target,
                           const struct notary_signature *signature, int64_t now_ms) {
    struct virga_json_writer writer = {0};
    char time[VIRGA_TIME_SIZE], thumbprints[ECR_DIGEST_LEN + 8];
    format_seconds(now_ms, time);
    (void)snprintf(thumbprints, sizeof thumbprints, "[\"%s\"]",
                   key->thumbprint + strlen("sha256:"));
    virga_json_begin_object(&writer, NULL);
    virga_json_int(&writer, "schemaVersion", 2);
    virga_json_string(&writer, "mediaType", MANIFEST_OCI_IMAGE);
    write_descriptor(&writer, "config", NOTARY_ARTIFACT_TYPE, signature->config_digest,
                     strlen(NOTARY_CONFIG));
    virga_json_begin_array(&writer, "layers");
    write_descriptor(&writer, NULL, NOTARY_ENVELOPE_TYPE, signature->envelope_digest,
                     strlen(signature->envelope));
    virga_json_end_array(&writer);
    write_descriptor(&writer, "subject", target->media_type, target->digest, target->size);
    virga_json_begin_object(&writer, "annotations");
    virga_json_string(&writer, "io.cncf.notary.x509chain.thumbprint#S256", thumbprints);
    virga_json_string(&writer, "org.opencontainers.image.created", time);
    virga_json_end_object(&writer);
    virga_json_end_object(&writer);
    return take(&writer);
}

int notary_sign(const char *pem, const struct notary_target *target, int64_t now_ms,
                struct notary_signature *ret_signature) {
    struct notary_signature signature = {0};
    struct signer_key key;
    char *payload = NULL, *protected = NULL;
    int result = read_key(pem, &key);
    if (result != 0) {
        return result;
    }
    payload = make_payload(target);
    protected = make_protected(now_ms);
    result = payload == NULL || protected == NULL ? -ENOMEM : 0;
    if (result == 0) {
        signature.envelope = make_envelope(&key, payload, protected);
        result = signature.envelope == NULL ? -EIO : 0;
    }
    if (result == 0) {
        result = reference_digest(virga_str_from(signature.envelope), signature.envelope_digest);
    }
    if (result == 0) {
        result = reference_digest(virga_str_from(NOTARY_CONFIG), signature.config_digest);
    }
    if (result == 0) {
        signature.manifest = make_manifest(&key, target, &signature, now_ms);
        result = signature.manifest == NULL ? -ENOMEM : 0;
    }
    if (result == 0) {
        result = reference_digest(virga_str_from(signature.manifest), signature.manifest_digest);
    }
    free(payload);
    free(protected);
    finish_key(&key);
    if (result != 0) {
        notary_signature_finish(&signature);
        return result;
    }
    *ret_signature = signature;
    return 0;
}

void notary_signature_finish(struct notary_signature *signature) {
    free(signature->envelope);
    free(signature->manifest);
    *signature = (struct notary_signature){0};
}
