/* SPDX-License-Identifier: MIT */
/* Which AWS protocol a request speaks, and the names that the host's errors have in it. */
#include "protocol.h"

#include <errno.h>
#include <strings.h>

#include "pattern.h"
#include "protocol_body.h"
#include "request.h"
#include "router.h"

/* ---- which one ---- */

static bool is(struct virga_str text, const char *word) {
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static bool begins(struct virga_str text, const char *with) {
    size_t len = strlen(with);
    return text.ptr != NULL && text.len >= len && strncasecmp(text.ptr, with, len) == 0;
}

/* Source: the AWS API models; these services and no others are restXml there. */
static bool is_rest_xml(struct virga_str service) {
    return is(service, "route53") || is(service, "cloudfront");
}

static bool is_s3(struct virga_str service) {
    return begins(service, "s3") &&
           (service.len == 2 || service.ptr[2] == '-' || is(service, "s3express"));
}

/* The Version by which EC2 is known where nothing is signed. Source: the EC2 API reference. */
static const char ec2_version[] = "2016-11-15";

static enum protocol query_of(const struct virga_request *pub, struct virga_str service) {
    struct virga_str parameters = pub->body.len > 0 ? pub->body : pub->query;
    bool ec2 = is(service, "ec2") || (service.len == 0 && parameters.len > 0 &&
                                      is(pattern_form_value(parameters, "Version"), ec2_version));
    return ec2 ? PROTOCOL_EC2 : PROTOCOL_QUERY;
}

static enum protocol rest_of(struct virga_str service, struct virga_str content_type) {
    if (is_s3(service)) {
        return PROTOCOL_S3;
    }
    bool xml = begins(content_type, "application/xml") || begins(content_type, "text/xml");
    return xml || is_rest_xml(service) ? PROTOCOL_REST_XML : PROTOCOL_REST_JSON;
}

/* Source: Smithy, "Wire protocol selection": smithy-protocol, X-Amz-Target, and the Query
 * protocol's form are signs of the RPC protocols; what has none of them is REST. */
enum protocol protocol_of(const struct request *req) {
    const struct virga_request *pub = &req->pub;
    const struct virga_route *route = pub->route;
    struct virga_str smithy = request_http.header(pub, "smithy-protocol");
    struct virga_str type = request_http.header(pub, "content-type");
    struct virga_str service = pub->service;
    if (service.len == 0 && route != NULL && route->service != NULL) {
        service = virga_str_from(route->service);
    }
    if (begins(smithy, "rpc-v2-")) {
        return begins(smithy, "rpc-v2-json") ? PROTOCOL_RPC_JSON : PROTOCOL_RPC_CBOR;
    }
    if (router_is_admin(pub)) {
        return PROTOCOL_REST_JSON;
    }
    if (begins(type, "application/x-amz-json-1.0")) {
        return PROTOCOL_JSON_1_0;
    }
    if (begins(type, "application/x-amz-json-") ||
        request_http.header(pub, "x-amz-target").ptr != NULL) {
        return PROTOCOL_JSON_1_1;
    }
    if (route != NULL) {
        return route->kind == VIRGA_ROUTE_QUERY ? query_of(pub, service) : rest_of(service, type);
    }
    if (!is_s3(service) &&
        (router_is_form(req) || pattern_form_value(pub->query, "Action").ptr != NULL)) {
        return query_of(pub, service);
    }
    return rest_of(service, type);
}

/* ---- what the errors are called ---- */

static bool is_xml(enum protocol protocol) {
    return protocol == PROTOCOL_S3 || protocol == PROTOCOL_REST_XML || protocol == PROTOCOL_QUERY ||
           protocol == PROTOCOL_EC2;
}

/* Source: "Common error types" of the AWS API references; for S3 its list of error codes. */
static const char *code_of(enum protocol protocol, int status) {
    switch (status) {
    case 400:
        return is_xml(protocol) ? "MalformedRequest" : "MalformedHttpRequestException";
    case 404:
        return "UnknownOperationException";
    case 405:
        return is_xml(protocol) ? "MethodNotAllowed" : "MethodNotAllowedException";
    case 408:
        return protocol == PROTOCOL_S3 ? "RequestTimeout" : "RequestTimeoutException";
    case 413:
        return protocol == PROTOCOL_S3 ? "EntityTooLarge" : "RequestEntityTooLargeException";
    case 502:
        return "BadGateway";
    case 503:
        return "ServiceUnavailable";
    case 504:
        return "GatewayTimeout";
    case 508:
        return "LoopDetected";
    default:
        return status < 500              ? "MalformedHttpRequestException"
               : protocol == PROTOCOL_S3 ? "InternalError"
                                         : "InternalFailure";
    }
}

int protocol_format(struct request *req, enum protocol protocol, const struct protocol_error *error,
                    struct protocol_answer *ret_answer) {
    static const char *const types[] = {
        [PROTOCOL_JSON_1_0] = "application/x-amz-json-1.0",
        [PROTOCOL_JSON_1_1] = "application/x-amz-json-1.1",
        [PROTOCOL_REST_JSON] = "application/json",
        [PROTOCOL_REST_XML] = "text/xml",
        [PROTOCOL_S3] = "application/xml",
        [PROTOCOL_QUERY] = "text/xml",
        [PROTOCOL_EC2] = "text/xml;charset=UTF-8",
        [PROTOCOL_RPC_CBOR] = "application/cbor",
        [PROTOCOL_RPC_JSON] = "application/json",
    };
    const char *code = error->code != NULL ? error->code : code_of(protocol, error->status);
    struct protocol_answer answer = {.status = error->status};
    answer.headers[answer.headers_count++] =
        (struct virga_header){virga_str_from("Content-Type"), virga_str_from(types[protocol])};
    switch (protocol) {
    case PROTOCOL_REST_JSON:
        /* Source: AWS REST JSON 1, "Operation error serialization". */
        answer.headers[answer.headers_count++] = (struct virga_header){
            virga_str_from("x-amzn-ErrorType"), arena_copy(&req->arena, virga_str_from(code))};
        break;
    case PROTOCOL_RPC_CBOR:
    case PROTOCOL_RPC_JSON:
        answer.headers[answer.headers_count++] = (struct virga_header){
            virga_str_from("smithy-protocol"),
            virga_str_from(protocol == PROTOCOL_RPC_CBOR ? "rpc-v2-cbor" : "rpc-v2-json")};
        break;
    case PROTOCOL_S3:
        answer.headers[answer.headers_count++] =
            (struct virga_header){virga_str_from("x-amz-request-id"), req->pub.id};
        break;
    default:
        break;
    }
    answer.body = protocol_body(req, protocol, error->status, code, error->message);
    if (answer.body.ptr == NULL || answer.headers[answer.headers_count - 1].value.ptr == NULL) {
        return -ENOMEM;
    }
    *ret_answer = answer;
    return 0;
}

int protocol_fail(struct request *req, int status, const char *code, const char *message) {
    const struct protocol_error error = {.status = status, .code = code, .message = message};
    struct protocol_answer answer;
    int result = protocol_format(req, protocol_of(req), &error, &answer);
    if (result != 0) {
        request_http.abort(&req->pub);
        return result;
    }
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = answer.status,
        .headers = answer.headers,
        .headers_count = answer.headers_count,
        .body = answer.body,
    };
    return request_http.respond(&req->pub, &res);
}

const char *protocol_quote(struct virga_str text, char *buffer, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < size; i++) {
        if (text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f) {
            buffer[len++] = text.ptr[i];
        }
    }
    buffer[len] = '\0';
    return buffer;
}
