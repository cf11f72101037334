/* SPDX-License-Identifier: MIT */
/* Digests of bodies. */
#include "digests.h"

#include <errno.h>
#include <strings.h>

#define BAD_DIGEST "BadDigest"
#define SHA256_MISMATCH "XAmzContentSHA256Mismatch"

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_hex(struct virga_str text, unsigned char *to, size_t size) {
    if (text.len != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text.ptr[2 * i]);
        int low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        to[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static bool begins(struct virga_str text, const char *with) {
    size_t len = strlen(with);
    return text.len >= len && strncasecmp(text.ptr, with, len) == 0;
}

static bool read_md5(struct call *call, struct digests_wanted *wanted) {
    struct virga_str text = call_header(call, "content-md5");
    char bytes[CHECKSUM_TEXT_SIZE];
    size_t len;
    if (text.ptr == NULL) {
        return true;
    }
    if (text.len >= CHECKSUM_TEXT_SIZE || virga_base64_decode(text, bytes, &len) != 0 ||
        len != DIGESTS_MD5_LEN) {
        call_fail(call, 400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
        return false;
    }
    memcpy(wanted->md5, bytes, len);
    wanted->has_md5 = true;
    return true;
}

/* The checksum that a header has, or that a header says will come or is to be made. */
static bool read_checksum(struct call *call, struct digests_wanted *wanted) {
    static const char *const names[] = {"x-amz-checksum-algorithm", "x-amz-sdk-checksum-algorithm"};
    const struct virga_request *req = call->req;
    for (size_t i = 0; i < req->headers_count; i++) {
        enum checksum_algorithm algorithm = checksum_by_header(req->headers[i].name);
        if (algorithm == CHECKSUM_NONE) {
            continue;
        }
        if (wanted->algorithm != CHECKSUM_NONE) {
            call_fail(call, 400, "InvalidRequest",
                      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                      "allowed.");
            return false;
        }
        if (!checksum_is_valid(algorithm, req->headers[i].value)) {
            call_fail(call, 400, "InvalidRequest", "Value for %s header is invalid.",
                      checksum_header(algorithm));
            return false;
        }
        wanted->algorithm = algorithm;
        wanted->value = req->headers[i].value;
    }
    if (wanted->algorithm == CHECKSUM_NONE) {
        wanted->algorithm = checksum_by_header(call_header(call, "x-amz-trailer"));
    }
    for (size_t i = 0; i < 2; i++) {
        struct virga_str name = call_header(call, names[i]);
        enum checksum_algorithm algorithm = checksum_by_name(name);
        if (name.ptr != NULL && algorithm == CHECKSUM_NONE) {
            call_fail(call, 400, "InvalidRequest",
                      "Checksum algorithm provided is unsupported. Please try again with any of "
                      "the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
            return false;
        }
        if (wanted->algorithm == CHECKSUM_NONE) {
            wanted->algorithm = algorithm;
        }
    }
    return true;
}

bool digests_read(struct call *call, struct digests_wanted *ret_wanted) {
    struct digests_wanted wanted = {0};
    struct virga_str payload = call_header(call, "x-amz-content-sha256");
    struct virga_str encoding = call_header(call, "content-encoding");
    if (!read_md5(call, &wanted) || !read_checksum(call, &wanted)) {
        return false;
    }
    wanted.is_chunked = begins(payload, "STREAMING-") || begins(encoding, "aws-chunked");
    wanted.has_sha256 = read_hex(payload, wanted.sha256, DIGESTS_SHA256_LEN);
    *ret_wanted = wanted;
    return true;
}

int digester_begin(struct digester *digester, const struct digests_wanted *wanted) {
    int result = checksum_begin_md5(&digester->md5);
    if (result == 0 && wanted->algorithm != CHECKSUM_NONE) {
        result = checksum_begin(&digester->extra, wanted->algorithm);
    }
    if (result == 0 && wanted->has_sha256 && wanted->algorithm != CHECKSUM_SHA256) {
        result = checksum_begin(&digester->sha256, CHECKSUM_SHA256);
    }
    if (result != 0) {
        digester_drop(digester);
    }
    return result;
}

void digester_add(struct digester *digester, struct virga_str bytes) {
    checksum_add(&digester->md5, bytes.ptr, bytes.len);
    checksum_add(&digester->extra, bytes.ptr, bytes.len);
    checksum_add(&digester->sha256, bytes.ptr, bytes.len);
}

void digester_end(struct digester *digester, struct digests *ret,
                  unsigned char ret_sha256[CHECKSUM_BYTES_MAX]) {
    unsigned char bytes[CHECKSUM_BYTES_MAX] = {0};
    *ret = (struct digests){.algorithm = digester->extra.algorithm};
    (void)checksum_end(&digester->md5, bytes);
    memcpy(ret->md5, bytes, DIGESTS_MD5_LEN);
    for (size_t i = 0; i < DIGESTS_MD5_LEN; i++) {
        (void)snprintf(ret->etag + 2 * i, 3, "%02x", ret->md5[i]);
    }
    if (ret->algorithm != CHECKSUM_NONE) {
        size_t len = checksum_end(&digester->extra, bytes);
        checksum_text(bytes, len, ret->checksum);
    }
    if (ret->algorithm == CHECKSUM_SHA256) {
        memcpy(ret_sha256, bytes, CHECKSUM_BYTES_MAX);
    } else if (digester->sha256.algorithm == CHECKSUM_SHA256) {
        (void)checksum_end(&digester->sha256, ret_sha256);
    }
}

void digester_drop(struct digester *digester) {
    checksum_drop(&digester->md5);
    checksum_drop(&digester->extra);
    checksum_drop(&digester->sha256);
}

const char *digests_compare(const struct digests_wanted *wanted, const struct digests *digests,
                            const unsigned char sha256[CHECKSUM_BYTES_MAX],
                            struct virga_str trailer) {
    struct virga_str value = wanted->value.ptr != NULL ? wanted->value : trailer;
    if (wanted->has_sha256 && memcmp(wanted->sha256, sha256, DIGESTS_SHA256_LEN) != 0) {
        return SHA256_MISMATCH;
    }
    if ((wanted->has_md5 && memcmp(wanted->md5, digests->md5, DIGESTS_MD5_LEN) != 0) ||
        (value.ptr != NULL && !s3_is(value, digests->checksum))) {
        return BAD_DIGEST;
    }
    return NULL;
}

void digests_fail(struct call *call, const char *code, const struct digests_wanted *wanted) {
    if (strcmp(code, SHA256_MISMATCH) == 0) {
        call_fail(call, 400, code,
                  "The provided 'x-amz-content-sha256' header does not match what was computed.");
    } else if (wanted->algorithm != CHECKSUM_NONE && !wanted->has_md5) {
        call_fail(call, 400, code, "The %s you specified did not match the calculated checksum.",
                  checksum_name(wanted->algorithm));
    } else {
        call_fail(call, 400, code, "The Content-MD5 you specified did not match what we received.");
    }
}

bool body_check_digests(struct call *call, struct virga_str body) {
    struct digests_wanted wanted;
    struct digester digester = {0};
    struct digests digests;
    unsigned char sha256[CHECKSUM_BYTES_MAX] = {0};
    if (!digests_read(call, &wanted)) {
        return false;
    }
    if (wanted.is_chunked) {
        return true; /* no client sends these bodies so */
    }
    if (digester_begin(&digester, &wanted) != 0) {
        call_broken(call, "The body was not read", -ENOMEM);
        return false;
    }
    digester_add(&digester, body);
    digester_end(&digester, &digests, sha256);
    const char *code = digests_compare(&wanted, &digests, sha256, s3_str(NULL, 0));
    if (code != NULL) {
        digests_fail(call, code, &wanted);
    }
    return code == NULL;
}
