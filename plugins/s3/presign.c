/* SPDX-License-Identifier: MIT */
/* The expiry of presigned URLs. */
#include "presign.h"

#include <errno.h>
#include <virga/helpers/time.h>

#define WEEK_S 604800

int presign_time(struct virga_str text, int64_t *ret_time_ms) {
    char iso[VIRGA_TIME_SIZE];
    if (text.len != 16 || text.ptr[8] != 'T' || text.ptr[15] != 'Z') {
        return -EINVAL;
    }
    (void)snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text.ptr, text.ptr + 4,
                   text.ptr + 6, text.ptr + 9, text.ptr + 11, text.ptr + 13);
    return virga_time_parse(virga_str_from(iso), ret_time_ms);
}

static bool fail_parameters(struct call *call, const char *message) {
    call_fail(call, 400, "AuthorizationQueryParametersError", "%s", message);
    return false;
}

static bool check_in_time(struct call *call, int64_t ends_ms, struct virga_str expires) {
    int64_t now_ms = call->s3->timer->now_ms(call->s3->host);
    if (now_ms <= ends_ms) {
        return true;
    }
    struct virga_xml_writer writer = {0};
    if (expires.ptr != NULL) {
        virga_xml_str(&writer, "X-Amz-Expires", expires);
    }
    virga_xml_time(&writer, "Expires", ends_ms);
    virga_xml_time(&writer, "ServerTime", now_ms / 1000 * 1000);
    call_fail_with(call, 403, "AccessDenied", "Request has expired",
                   s3_str(writer.ptr, writer.failed ? 0 : writer.len));
    virga_xml_finish(&writer);
    return false;
}

/* The older form: Signature=..&Expires=<seconds since 1970>. */
static bool check_version_2(struct call *call) {
    int64_t ends_s;
    if (call_param(call, "Signature").ptr == NULL ||
        call_param(call, "AWSAccessKeyId").ptr == NULL) {
        return true;
    }
    if (call_number(call_param(call, "Expires"), 0, INT64_C(99999999999), &ends_s) != 0) {
        call_fail(call, 403, "AccessDenied", "Invalid date (should be seconds since epoch)");
        return false;
    }
    return check_in_time(call, ends_s * 1000, s3_str(NULL, 0));
}

bool presign_check(struct call *call) {
    struct virga_str expires = call_param(call, "X-Amz-Expires");
    int64_t begins_ms, seconds;
    if (call_param(call, "X-Amz-Signature").ptr == NULL) {
        return check_version_2(call);
    }
    if (call_param(call, "X-Amz-Credential").ptr == NULL || expires.ptr == NULL) {
        return fail_parameters(
            call, "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                  "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                  "X-Amz-Expires parameters.");
    }
    if (presign_time(call_param(call, "X-Amz-Date"), &begins_ms) != 0) {
        return fail_parameters(call, "X-Amz-Date must be in the ISO8601 Long Format "
                                     "\"yyyyMMdd'T'HHmmss'Z'\"");
    }
    if (call_number(expires, 0, INT64_MAX, &seconds) != 0) {
        return fail_parameters(call, "X-Amz-Expires should be a number");
    }
    if (seconds > WEEK_S) {
        return fail_parameters(call,
                               "X-Amz-Expires must be less than a week (in seconds); that "
                               "is, the given X-Amz-Expires must be less than 604800 seconds");
    }
    return check_in_time(call, begins_ms + seconds * 1000, expires);
}
