/* SPDX-License-Identifier: MIT */
/* AssumeRoleWithWebIdentity: the token is an OpenID Connect ID token, a JSON Web Token (RFC 7519).
 * Its claims are read, its signature is not checked. */
#include "assume_role.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/time.h>

/* Decodes one part of a token (base64url without padding, RFC 7515) in the request's memory. */
static struct virga_str decode_part(struct virga_request *req, struct virga_str part) {
    struct virga_str none = {NULL, 0};
    size_t padded = (part.len + 3) / 4 * 4;
    char *text = req->http->alloc(req, padded + 1);
    char *bytes = req->http->alloc(req, padded / 4 * 3 + 1);
    size_t len;
    if (text == NULL || bytes == NULL) {
        return none;
    }
    for (size_t i = 0; i < padded; i++) {
        char c = i < part.len ? part.ptr[i] : '=';
        text[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    if (virga_base64_decode((struct virga_str){text, padded}, bytes, &len) != 0) {
        return none;
    }
    return (struct virga_str){bytes, len};
}

/* The claims: what lies between the two dots. NULL when the token is no JSON Web Token. */
static struct json_object *read_claims(struct virga_request *req, struct virga_str token) {
    struct json_object *claims = NULL;
    const char *first = strchr(token.ptr, '.');
    const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
    if (second == NULL || strchr(second + 1, '.') != NULL) {
        return NULL;
    }
    struct virga_str payload =
        decode_part(req, (struct virga_str){first + 1, (size_t)(second - first - 1)});
    if (payload.len == 0 || virga_awsjson_parse(payload, &claims) != 0) {
        return NULL;
    }
    return claims;
}

/* An audience is a text or a list of them. */
static struct virga_str audience_of(struct json_object *claims) {
    struct json_object *audience = virga_awsjson_member(claims, "aud");
    return json_object_is_type(audience, json_type_array)
               ? virga_awsjson_text(virga_awsjson_element(claims, "aud", 0))
               : virga_awsjson_text(audience);
}

/* 0, or it has answered the call with the error. */
static int check_claims(struct call *call, struct json_object *claims) {
    static const char *const names[] = {"sub", "iss", "aud"};
    const struct virga_str required[] = {virga_awsjson_str(claims, "sub"),
                                         virga_awsjson_str(claims, "iss"), audience_of(claims)};
    struct sts *sts = call->sts;
    char now[VIRGA_TIME_SIZE], then[VIRGA_TIME_SIZE];
    if (claims == NULL) {
        call_fail(call, 400, "InvalidIdentityToken",
                  "The ID Token provided is not a valid JWT. (You may see this error if you sent "
                  "an Access Token)");
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (required[i].ptr == NULL) {
            call_fail(call, 400, "InvalidIdentityToken", "Missing a required claim: %s", names[i]);
            return -EINVAL;
        }
    }
    int64_t now_s = sts->timer->now_ms(sts->host) / 1000;
    int64_t expires_s = virga_awsjson_int(claims, "exp", INT64_MAX);
    if (expires_s <= now_s) {
        virga_time_format(now_s * 1000, now);
        virga_time_format((expires_s > 0 ? expires_s : 0) * 1000, then);
        call_fail(call, 400, "ExpiredTokenException",
                  "Token expired: current date/time %s must be before the expiration date/time %s",
                  now, then);
        return -EINVAL;
    }
    return 0;
}

static void on_role(struct call *call, const struct iam_answer *answer) {
    struct json_object *claims =
        read_claims(call->req, virga_awsjson_str(call->input, "WebIdentityToken"));
    struct assumed_role role;
    struct virga_xml_writer writer = {0};
    if (check_claims(call, claims) == 0 && assumed_role_read(call, &role) == 0 &&
        assumed_role_check(call, answer, NULL, &role) == 0 &&
        assumed_role_answer(call, &role, &writer) == 0) {
        virga_xml_str(&writer, "SubjectFromWebIdentityToken", virga_awsjson_str(claims, "sub"));
        virga_xml_str(&writer, "Provider", virga_awsjson_str(claims, "iss"));
        virga_xml_str(&writer, "Audience", audience_of(claims));
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(claims);
}

void action_assume_role_with_web_identity(struct call *call) {
    struct virga_str token = virga_awsjson_str(call->input, "WebIdentityToken");
    struct json_object *claims = read_claims(call->req, token);
    struct assumed_role role;
    if (check_claims(call, claims) == 0 && assumed_role_read(call, &role) == 0 &&
        session_policies_check(call) == 0) {
        assumed_role_ask(call, &role, on_role);
    }
    json_object_put(claims);
}
