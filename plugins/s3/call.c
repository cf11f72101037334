/* SPDX-License-Identifier: MIT */
/* Requests: from the address to the operation. */
#include "call.h"
#include "address.h"
#include "operation.h"
#include "presign.h"

#include <errno.h>
#include <stdlib.h>

struct virga_str call_header(const struct call *call, const char *name) {
    return call->req->http->header(call->req, name);
}

struct virga_str call_param(const struct call *call, const char *name) {
    return virga_query_str(&call->query, name);
}

int call_number(struct virga_str text, int64_t min, int64_t max, int64_t *ret_value) {
    int64_t value = 0;
    if (text.ptr == NULL) {
        return -ENOENT;
    }
    if (text.len == 0 || text.len > 15) {
        return -EINVAL;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -EINVAL;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    if (value < min || value > max) {
        return -EINVAL;
    }
    *ret_value = value;
    return 0;
}

void *call_alloc(struct call *call, size_t size) {
    return call->req->http->alloc(call->req, size);
}

struct virga_str call_copy(struct call *call, struct virga_str text) {
    char *to = call_alloc(call, text.len + 1);
    if (to == NULL) {
        return s3_str(NULL, 0);
    }
    if (text.len > 0) {
        memcpy(to, text.ptr, text.len);
    }
    to[text.len] = '\0';
    return s3_str(to, text.len);
}

/* Finds bucket and key. Errors: -EINVAL they cannot be read, -ENAMETOOLONG, -ENOMEM. */
static int read_address(struct call *call) {
    struct virga_request *req = call->req;
    struct virga_str bucket = address_bucket_of_host(req->host);
    struct virga_str key;
    if (bucket.ptr != NULL) {
        key = s3_str(req->path.ptr + 1, req->path.len > 0 ? req->path.len - 1 : 0);
    } else {
        address_split(req->path, &bucket, &key);
    }
    char *buffer = call_alloc(call, bucket.len + key.len + 2);
    size_t len;
    if (buffer == NULL) {
        return -ENOMEM;
    }
    int result = address_decode(bucket, buffer, &len);
    if (result == 0) {
        call->bucket = s3_str(buffer, len);
        result = address_decode(key, buffer + len + 1, &len);
        call->key = s3_str(buffer + call->bucket.len + 1, len);
    }
    return result == 0 && call->key.len > S3_KEY_MAX ? -ENAMETOOLONG : result;
}

/* Whether the caller may; if not, the call has ended. Buckets belong to the account that made them;
 * policies and ACLs are kept but not evaluated. */
static bool may(struct call *call) {
    const struct virga_request *req = call->req;
    bool owner = call->in.owner[0] == '\0' || s3_is(req->account, call->in.owner);
    if (call->s3->enforce && (!owner || req->access_key.len == 0)) {
        call_fail(call, 403, "AccessDenied", "Access Denied");
        return false;
    }
    struct virga_str expected = call_header(call, "x-amz-expected-bucket-owner");
    if (expected.ptr != NULL && call->in.owner[0] != '\0' && !s3_is(expected, call->in.owner)) {
        call_fail(call, 403, "AccessDenied", "Access Denied");
        return false;
    }
    return true;
}

static void run(struct call *call) {
    int result = 0;
    if (call->bucket.len > 0 && call->operation->run != bucket_create) {
        result = bucket_load(call->s3, call->bucket, &call->in);
    }
    if (result == -ENOENT) {
        call_fail(call, 404, "NoSuchBucket", "The specified bucket does not exist");
    } else if (result != 0) {
        call_broken(call, "The bucket could not be read", result);
    } else if (may(call)) {
        call->operation->run(call);
    }
}

void call_begin(struct s3 *s3, struct virga_request *req) {
    struct call *call = req->http->alloc(req, sizeof *call);
    if (call == NULL) {
        req->http->abort(req);
        return;
    }
    *call = (struct call){.s3 = s3, .req = req, .bucket = {"", 0}, .key = {"", 0}};
    int result = virga_query_parse(req, &call->query);
    result = result == 0 ? read_address(call) : result;
    if (result == -ENOMEM) {
        call_broken(call, "The request was not read", result);
    } else if (result == -ENAMETOOLONG) {
        call_fail(call, 400, "KeyTooLongError", "Your key is too long");
    } else if (result != 0) {
        call_fail(call, 400, "InvalidURI", "Couldn't parse the specified URI.");
    } else if ((call->operation = operation_find(call)) == NULL) {
        call_fail(call, 405, "MethodNotAllowed",
                  "The specified method is not allowed against this resource.");
    } else if (presign_check(call)) {
        run(call);
    }
}

/* ---- bodies that are read as a whole ---- */

static void on_whole(struct call *call) {
    struct virga_str body = s3_str(call->body != NULL ? call->body : "", call->body_len);
    if (!body_check_digests(call, body)) {
        return;
    }
    if (call->on_body != NULL) {
        call->on_body(call, body);
        return;
    }
    if (body.len == 0) {
        call->on_input(call, NULL);
        return;
    }
    int result = xml_tree_parse(body, &call->input);
    if (result == -ENOMEM) {
        call_broken(call, "The body was not read", result);
    } else if (result != 0) {
        call_malformed_xml(call);
    } else {
        call->on_input(call, xml_tree_root(call->input));
    }
}

static bool keep(struct call *call, struct virga_str chunk) {
    char *grown = realloc(call->body, call->body_len + chunk.len + 1);
    if (grown == NULL) {
        return false;
    }
    call->body = grown;
    memcpy(grown + call->body_len, chunk.ptr, chunk.len);
    call->body_len += chunk.len;
    grown[call->body_len] = '\0';
    return true;
}

static int on_chunk(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct call *call = arg;
    if (status == VIRGA_BODY_END) {
        on_whole(call);
    } else if (status < 0) {
        call_fail(call, 400, "IncompleteBody",
                  "You did not provide the number of bytes specified by the Content-Length HTTP "
                  "header");
    } else if (call->body_len + chunk.len > CALL_BODY_MAX) {
        req->http->body_stop(req);
        call_fail(call, 400, "MaxMessageLengthExceeded", "Your request was too large");
    } else if (!keep(call, chunk)) {
        req->http->body_stop(req);
        call_broken(call, "The body was not read", -ENOMEM);
    }
    return VIRGA_BODY_GO_ON;
}

static void read_body(struct call *call) {
    struct virga_request *req = call->req;
    if ((req->flags & VIRGA_REQUEST_STREAMS) == 0) {
        call_broken(call, "The body was not read", -EINVAL);
    } else if (req->content_length != VIRGA_LENGTH_UNKNOWN && req->content_length > CALL_BODY_MAX) {
        call_fail(call, 400, "MaxMessageLengthExceeded", "Your request was too large");
    } else if (req->http->body_start(req, on_chunk, call) != 0) {
        call_broken(call, "The body was not read", -EINVAL);
    }
}

void call_read_xml(struct call *call,
                   void (*on_input)(struct call *call, const struct xml_node *root)) {
    call->on_input = on_input;
    read_body(call);
}

void call_read(struct call *call, void (*on_body)(struct call *call, struct virga_str body)) {
    call->on_body = on_body;
    read_body(call);
}
