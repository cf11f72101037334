/* SPDX-License-Identifier: MIT */
/* Answers of calls. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/sha256.h>

#define HEADERS_FIRST 24
#define VALUE_MAX 256

void call_add(struct call *call, const char *name, struct virga_str value) {
    if (value.ptr == NULL) {
        return;
    }
    if (call->headers_count == call->headers_room) {
        size_t room = call->headers_room > 0 ? call->headers_room * 2 : HEADERS_FIRST;
        struct virga_header *more = call_alloc(call, room * sizeof *more);
        if (more == NULL) {
            call->out_of_memory = true;
            return;
        }
        if (call->headers_count > 0) {
            memcpy(more, call->headers, call->headers_count * sizeof *more);
        }
        call->headers = more;
        call->headers_room = room;
    }
    call->headers[call->headers_count++] = (struct virga_header){virga_str_from(name), value};
}

void call_addf(struct call *call, const char *name, const char *format, ...) {
    char text[VALUE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct virga_str value = call_copy(call, virga_str_from(text));
    call->out_of_memory = call->out_of_memory || value.ptr == NULL;
    call_add(call, name, value);
}

void call_add_quoted(struct call *call, const char *name, const char *value) {
    call_addf(call, name, "\"%s\"", value);
}

void call_release(struct call *call) {
    xml_tree_destroy(call->input);
    free(call->body);
    call->input = NULL;
    call->body = NULL;
}

static void add_ids(struct call *call) {
    call_add(call, "x-amz-request-id", call->req->id);
    call_add(call, "x-amz-id-2", call->req->id);
}

static void respond(struct call *call, int status, struct virga_str body, void *owned) {
    bool head = s3_is(call->req->method, "HEAD");
    struct virga_request *req = call->req;
    add_ids(call);
    call_release(call);
    if (call->out_of_memory) {
        free(owned);
        req->http->abort(req);
        return;
    }
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = call->headers,
        .headers_count = call->headers_count,
        .body = head ? s3_str(NULL, 0) : body,
        .release = owned != NULL && !head ? free : NULL,
        .release_arg = owned,
    };
    if (head) {
        free(owned);
    }
    (void)req->http->respond(req, &res);
}

void call_answer(struct call *call, int status) {
    respond(call, status, s3_str(NULL, 0), NULL);
}

void call_answer_xml(struct call *call, int status, struct virga_xml_writer *writer) {
    if (writer->failed) {
        virga_xml_finish(writer);
        call_broken(call, "The answer was not written", -ENOMEM);
        return;
    }
    struct virga_xml_writer taken = *writer;
    *writer = (struct virga_xml_writer){0};
    call_add(call, "Content-Type", virga_str_from("application/xml"));
    respond(call, status, s3_str(taken.ptr, taken.len), taken.ptr);
}

void call_answer_text(struct call *call, int status, const char *type, struct virga_str text) {
    call_add(call, "Content-Type", virga_str_from(type));
    struct virga_str copy = call_copy(call, text);
    call->out_of_memory = call->out_of_memory || copy.ptr == NULL;
    respond(call, status, copy, NULL);
}

void call_fail_with(struct call *call, int status, const char *code, const char *message,
                    struct virga_str extra) {
    struct virga_xml_writer writer = {0};
    virga_xml_raw(&writer, virga_str_from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    virga_xml_begin(&writer, "Error");
    virga_xml_string(&writer, "Code", code);
    virga_xml_string(&writer, "Message", message);
    if (call->bucket.len > 0) {
        virga_xml_str(&writer, "BucketName", call->bucket);
    }
    if (call->key.len > 0) {
        virga_xml_str(&writer, "Key", call->key);
    }
    if (extra.len > 0) {
        virga_xml_raw(&writer, extra);
    }
    virga_xml_str(&writer, "Resource", call->req->path);
    virga_xml_str(&writer, "RequestId", call->req->id);
    virga_xml_str(&writer, "HostId", call->req->id);
    virga_xml_end(&writer, "Error");
    if (writer.failed) {
        struct virga_request *req = call->req;
        virga_xml_finish(&writer);
        call_release(call);
        req->http->abort(req);
        return;
    }
    call_answer_xml(call, status, &writer);
}

void call_fail(struct call *call, int status, const char *code, const char *format, ...) {
    char message[CALL_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (status == 304) {
        call_answer(call, status);
    } else {
        call_fail_with(call, status, code, message, s3_str(NULL, 0));
    }
}

void call_broken(struct call *call, const char *what, int error) {
    struct s3 *s3 = call->s3;
    if (error != -ECANCELED) {
        S3_LOG(s3, VIRGA_LOG_ERROR, call->req, "%s: %s", what, strerror(-error));
    }
    if (error == -ENOSPC || error == -EDQUOT) {
        call_fail(call, 507, "InsufficientStorage", "There is no room left on this host's disk.");
    } else if (error == -ENOMEM) {
        struct virga_request *req = call->req;
        call_release(call);
        req->http->abort(req);
    } else if (error == -EAGAIN) {
        call_fail(call, 503, "SlowDown", "Please reduce your request rate.");
    } else {
        call_fail(call, 500, "InternalError",
                  "We encountered an internal error. Please try again.");
    }
}

void call_owner_id(struct virga_str account, char ret_id[65]) {
    if (virga_sha256_hex(account, ret_id) != 0) {
        ret_id[0] = '\0';
    }
}

void call_write_owner(struct virga_xml_writer *writer, const char *name, struct virga_str account) {
    char id[VIRGA_SHA256_HEX_LEN + 1];
    call_owner_id(account, id);
    virga_xml_begin(writer, name);
    virga_xml_string(writer, "ID", id);
    virga_xml_str(writer, "DisplayName", account);
    virga_xml_end(writer, name);
}

void call_no_such_key(struct call *call) {
    call_fail(call, 404, "NoSuchKey", "The specified key does not exist.");
}

void call_malformed_xml(struct call *call) {
    call_fail(call, 400, "MalformedXML",
              "The XML you provided was not well-formed or did not validate against our published "
              "schema");
}

void call_precondition_failed(struct call *call, const char *condition) {
    struct virga_xml_writer writer = {0};
    virga_xml_string(&writer, "Condition", condition);
    call_fail_with(call, 412, "PreconditionFailed",
                   "At least one of the pre-conditions you specified did not hold",
                   s3_str(writer.ptr, writer.failed ? 0 : writer.len));
    virga_xml_finish(&writer);
}
