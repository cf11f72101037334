/* SPDX-License-Identifier: MIT */
/* One request to S3: what it names, and the ways to answer it. A call ends with exactly one of
 * call_answer(), call_answer_xml(), call_fail() and call_broken(), which free it. [loop] */
#ifndef S3_CALL_H
#define S3_CALL_H

#include "bucket.h"
#include "s3.h"
#include "xml_tree.h"
#include <virga/helpers/query.h>

/* The largest body of XML or JSON. CompleteMultipartUpload's 10,000 parts with checksums fit. */
#define CALL_BODY_MAX (4u << 20)
#define CALL_MESSAGE_MAX 512

struct operation;

struct call {
    struct s3 *s3;
    struct virga_request *req;
    const struct operation *operation;
    struct virga_query query;
    struct virga_str bucket;      /* empty: none */
    struct virga_str key;         /* decoded; empty: none */
    struct bucket in;             /* the bucket's record, where the operation is one of a bucket */
    struct virga_header *headers; /* of the answer */
    size_t headers_count;
    size_t headers_room;
    bool out_of_memory; /* a header could not be added */
    char *body;         /* that was collected */
    size_t body_len;
    struct xml_tree *input;
    void (*on_input)(struct call *call, const struct xml_node *root);
    void (*on_body)(struct call *call, struct virga_str body);
    struct virga_str record; /* what headers said, while the body comes; in the request's memory */
    void *own;               /* the operation's, in the request's memory */
};

/* Takes a request: finds the operation, checks who asks, and runs it. */
void call_begin(struct s3 *s3, struct virga_request *req);

/* ---- what was asked ---- */

/* A header of the request; ptr NULL: there is none. */
struct virga_str call_header(const struct call *call, const char *name);
/* A parameter of the query; ptr NULL: there is none. */
struct virga_str call_param(const struct call *call, const char *name);
/* The number in a header or parameter. Errors: -ENOENT absent, -EINVAL no number, or outside. */
int call_number(struct virga_str text, int64_t min, int64_t max, int64_t *ret_value);
/* Reads the body and gives it on as XML whose root is called `root` (ptr NULL in an empty one);
 * what is none is answered MalformedXML. */
void call_read_xml(struct call *call,
                   void (*on_input)(struct call *call, const struct xml_node *root));
/* Reads the body and gives it on as it is. */
void call_read(struct call *call, void (*on_body)(struct call *call, struct virga_str body));

/* ---- the answer ---- */

/* Memory of the request. NULL: none is left; answer call_broken(). */
void *call_alloc(struct call *call, size_t size);
/* A copy in the request's memory; ptr NULL: none is left. */
struct virga_str call_copy(struct call *call, struct virga_str text);
/* Adds a header, unless the value is absent. Names are constants; values are borrowed until the
 * answer. */
void call_add(struct call *call, const char *name, struct virga_str value);
/* Adds a header whose value is formatted. */
VIRGA_PRINTF(3, 4)
void call_addf(struct call *call, const char *name, const char *format, ...);
/* Adds an ETag or the like, in quotes. */
void call_add_quoted(struct call *call, const char *name, const char *value);
/* Answers without a body. */
void call_answer(struct call *call, int status);
/* Answers with what was written. Owns: the writer's buffer. */
void call_answer_xml(struct call *call, int status, struct virga_xml_writer *writer);
/* Answers with text of a type. The text is copied. */
void call_answer_text(struct call *call, int status, const char *type, struct virga_str text);
/* Answers an error in S3's XML. */
VIRGA_PRINTF(4, 5)
void call_fail(struct call *call, int status, const char *code, const char *format, ...);
/* Answers an error with further elements, which `extra` has as XML. */
void call_fail_with(struct call *call, int status, const char *code, const char *message,
                    struct virga_str extra);
/* Something of this host failed: logs what, and answers InternalError, or 507 for a full disk. */
void call_broken(struct call *call, const char *what, int error);
/* Whether a body that was read as a whole has the digests that its headers name; if not, the call
 * has ended. */
bool body_check_digests(struct call *call, struct virga_str body);
/* Frees what the call holds besides its request, which somebody else answers now. */
void call_release(struct call *call);

/* The canonical id of an account, as owners have it. */
void call_owner_id(struct virga_str account, char ret_id[65]);
/* Writes <Owner> or another element with ID and DisplayName. */
void call_write_owner(struct virga_xml_writer *writer, const char *name, struct virga_str account);

/* ---- errors that several operations have ---- */

void call_no_such_key(struct call *call);
void call_malformed_xml(struct call *call);
void call_precondition_failed(struct call *call, const char *condition);

#endif
