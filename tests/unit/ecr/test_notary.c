/* SPDX-License-Identifier: MIT */
/* Signatures are what the Notary Project's specification says, and verify. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/base64.h>

#include "manifest.h"
#include "notary.h"
#include "reference.h"

#define NOW_MS INT64_C(1767323045678)
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct notary_target target = {MANIFEST_OCI_IMAGE, DIGEST, 762};

/* Decodes what JWS writes; returns the length. */
static size_t decode_url(struct virga_str text, char *buffer) {
    char padded[8192];
    size_t len = 0;
    assert_true(text.len < sizeof padded - 4);
    for (; len < text.len; len++) {
        char c = text.ptr[len];
        assert_true(c != '+' && c != '/' && c != '=');
        padded[len] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (len % 4 != 0) {
        padded[len++] = '=';
    }
    assert_int_equal(virga_base64_decode((struct virga_str){padded, len}, buffer, &len), 0);
    buffer[len] = '\0';
    return len;
}

static X509 *read_cert(struct json_object *envelope) {
    char der[4096];
    size_t len = 0;
    struct virga_str text = virga_awsjson_text(
        virga_awsjson_element(virga_awsjson_member(envelope, "header"), "x5c", 0));
    assert_int_equal(virga_base64_decode(text, der, &len), 0);
    const unsigned char *at = (const unsigned char *)der;
    X509 *cert = d2i_X509(NULL, &at, (long)len);
    assert_non_null(cert);
    return cert;
}

/* Whether the envelope's signature is the certificate's over its payload and protected header. */
static bool verifies(struct json_object *envelope) {
    char raw[256];
    struct virga_str protected = virga_awsjson_str(envelope, "protected");
    struct virga_str payload = virga_awsjson_str(envelope, "payload");
    assert_int_equal(decode_url(virga_awsjson_str(envelope, "signature"), raw), 96);
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    assert_int_equal(ECDSA_SIG_set0(numbers, BN_bin2bn((unsigned char *)raw, 48, NULL),
                                    BN_bin2bn((unsigned char *)raw + 48, 48, NULL)),
                     1);
    unsigned char *der = NULL;
    int der_len = i2d_ECDSA_SIG(numbers, &der);
    X509 *cert = read_cert(envelope);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(
        EVP_DigestVerifyInit(context, NULL, EVP_sha384(), NULL, X509_get0_pubkey(cert)), 1);
    assert_int_equal(EVP_DigestVerifyUpdate(context, protected.ptr, protected.len), 1);
    assert_int_equal(EVP_DigestVerifyUpdate(context, ".", 1), 1);
    assert_int_equal(EVP_DigestVerifyUpdate(context, payload.ptr, payload.len), 1);
    bool good = EVP_DigestVerifyFinal(context, der, (size_t)der_len) == 1;
    EVP_MD_CTX_free(context);
    ECDSA_SIG_free(numbers);
    OPENSSL_free(der);
    X509_free(cert);
    return good;
}

static void an_envelope_verifies_and_says_what_was_signed(void **state) {
    (void)state;
    char *pem = NULL, text[4096];
    struct notary_signature signature;
    assert_int_equal(notary_key_create("profile", NOW_MS, &pem), 0);
    assert_int_equal(notary_sign(pem, &target, NOW_MS, &signature), 0);
    struct json_object *envelope = json_tokener_parse(signature.envelope);
    assert_true(verifies(envelope));
    decode_url(virga_awsjson_str(envelope, "payload"), text);
    assert_string_equal(text, "{\"targetArtifact\":{\"mediaType\":\"" MANIFEST_OCI_IMAGE
                              "\",\"digest\":\"" DIGEST "\",\"size\":762}}");
    decode_url(virga_awsjson_str(envelope, "protected"), text);
    assert_string_equal(text, "{\"alg\":\"ES384\",\"crit\":[\"io.cncf.notary.signingScheme\"],"
                              "\"cty\":\"application/vnd.cncf.notary.payload.v1+json\","
                              "\"io.cncf.notary.signingScheme\":\"notary.x509\","
                              "\"io.cncf.notary.signingTime\":\"2026-01-02T03:04:05Z\"}");
    json_object_object_add(envelope, "payload", json_object_new_string("e30"));
    assert_false(verifies(envelope));
    json_object_put(envelope);
    notary_signature_finish(&signature);
    free(pem);
}

static void the_manifest_refers_to_the_image_and_names_the_certificate(void **state) {
    (void)state;
    char *pem = NULL, digest[ECR_DIGEST_LEN + 1], expected[2048];
    struct notary_signature signature;
    struct manifest manifest;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    assert_int_equal(notary_key_create("profile", NOW_MS, &pem), 0);
    assert_int_equal(notary_sign(pem, &target, NOW_MS, &signature), 0);
    struct json_object *envelope = json_tokener_parse(signature.envelope);
    X509 *cert = read_cert(envelope);
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    assert_int_equal(reference_digest((struct virga_str){(char *)der, (size_t)len}, digest), 0);
    (void)snprintf(expected, sizeof expected,
                   "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_IMAGE
                   "\",\"config\":{\"mediaType\":\"" NOTARY_ARTIFACT_TYPE "\",\"digest\":"
                   "\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
                   "\"size\":2},\"layers\":[{\"mediaType\":\"application/jose+json\",\"digest\":"
                   "\"%s\",\"size\":%zu}],\"subject\":{\"mediaType\":\"" MANIFEST_OCI_IMAGE
                   "\",\"digest\":\"" DIGEST "\",\"size\":762},\"annotations\":{"
                   "\"io.cncf.notary.x509chain.thumbprint#S256\":\"[\\\"%s\\\"]\","
                   "\"org.opencontainers.image.created\":\"2026-01-02T03:04:05Z\"}}",
                   signature.envelope_digest, strlen(signature.envelope), digest + 7);
    assert_string_equal(signature.manifest, expected);
    assert_int_equal(manifest_parse(virga_str_from(signature.manifest),
                                    virga_str_from(MANIFEST_OCI_IMAGE), &manifest, &err),
                     0);
    assert_string_equal(manifest.image.digest, signature.manifest_digest);
    assert_string_equal(manifest.image.subject, DIGEST);
    assert_string_equal(manifest.image.artifact_media_type, NOTARY_ARTIFACT_TYPE);
    manifest_finish(&manifest);
    OPENSSL_free(der);
    X509_free(cert);
    json_object_put(envelope);
    notary_signature_finish(&signature);
    free(pem);
}

static void a_certificate_may_sign_code_and_nothing_else(void **state) {
    (void)state;
    char *pem = NULL, name[512] = "";
    assert_int_equal(notary_key_create("a_profile_whose_name_is_much_longer_than_the_sixty-four_"
                                       "characters_of_a_common_name",
                                       NOW_MS, &pem),
                     0);
    BIO *in = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
    assert_non_null(cert);
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_CODE_SIGN);
    assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
    time_t now = NOW_MS / 1000;
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(cert), &now), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(cert), &now), 1);
    X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof name);
    assert_string_equal(name, "/C=US/ST=WA/L=Seattle/O=virga/OU=signing-profile/CN=a_profile_whose_"
                              "name_is_much_longer_than_the_sixty-four_characte");
    X509_free(cert);
    BIO_free(in);
    free(pem);
}

static void a_damaged_key_is_refused(void **state) {
    (void)state;
    char *one = NULL, *two = NULL, mixed[8192];
    struct notary_signature signature;
    assert_int_equal(notary_key_create("one", NOW_MS, &one), 0);
    assert_int_equal(notary_key_create("two", NOW_MS, &two), 0);
    const char *cert = strstr(two, "-----BEGIN CERTIFICATE");
    /* The key of one with the certificate of the other. */
    (void)snprintf(mixed, sizeof mixed, "%.*s%s",
                   (int)(strstr(one, "-----BEGIN CERTIFICATE") - one), one, cert);
    assert_int_equal(notary_sign(mixed, &target, NOW_MS, &signature), -EINVAL);
    assert_int_equal(notary_sign(cert, &target, NOW_MS, &signature), -EINVAL);
    assert_int_equal(notary_sign("", &target, NOW_MS, &signature), -EINVAL);
    free(one);
    free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_verifies_and_says_what_was_signed),
        cmocka_unit_test(the_manifest_refers_to_the_image_and_names_the_certificate),
        cmocka_unit_test(a_certificate_may_sign_code_and_nothing_else),
        cmocka_unit_test(a_damaged_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
